"""What every source holds to: round trip, one mark, positions that lead back, nothing raised.

A new source needs its builder in `assets/sources/testing.py`, and nothing here.
"""

import random
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from assets import sources
from assets.sources.cutting import Cutter, list_parts
from assets.sources.reading import head_from, head_of
from assets.sources.testing import ONE_EXCHANGE, ONE_TALK, export
from lake.schemas import Dialogue, Preference, Unreadable

NAMES = [source.name for source in sources.SOURCES]
WORDS = st.text("абвгдежзиклмнопрстуя?!, ё", min_size=1, max_size=20)
LINES = WORDS.map(lambda text: " ".join(text.split())).filter(lambda text: text.strip("?!, "))
TALKS = st.lists(st.lists(LINES, min_size=2, max_size=6), min_size=1, max_size=4)
TALK = [f"Вопрос {n}?" if n % 2 == 0 else f"Ответ {n}." for n in range(4)]
EVERY = sources.Options(
    nexus_dates="dmy",
    chatgpt_branches=True,
    telegram_assistant="Аня",
    oasst_paths="ranked",
    sharegpt_max_characters=5,
)
KINDS = (Dialogue, Preference, Unreadable)


def talks_of(name: str, talks: list[list[str]]) -> list[list[str]]:
    """Return what of the talks a file of this source can hold."""
    held = talks[:1] if name in ONE_TALK else talks
    return [talk[:2] for talk in held] if name in ONE_EXCHANGE else held


def read(folder: Path, raw: bytes, options: sources.Options | None = None) -> list[sources.Item]:
    path = folder / "export"
    path.write_bytes(raw)
    return list(sources.read(path, root=folder, options=options))


def said(item: sources.Item) -> list[str]:
    if isinstance(item, Preference):
        return [*(m.content for m in item.prompt), item.chosen]
    assert isinstance(item, Dialogue), item
    return [message.content for message in item.messages]


def many(name: str, count: int = 12) -> list[list[str]]:
    return talks_of(name, [[f"{text} {number}" for text in TALK] for number in range(count)])


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(talks=TALKS)
def test_what_was_said_comes_back_as_it_was(tmp_path, name, talks):
    held = [talk for n, talk in enumerate(talks_of(name, talks)) if talk not in talks[:n]]

    found = read(tmp_path, export(name, held))

    if name == "no_dialogue":
        assert [item.reason for item in found] == ["not_a_dialogue"]
    elif name == "rsg":  # whose questions are worded here, and whose votes are counted by item
        premises = dict.fromkeys((talk[0], talk[1]) for talk in held)
        assert [said(item)[1] for item in found] == [answer for _, answer in premises]
    else:
        assert [said(item) for item in found] == held
        assert {item.source for item in found} == {name}


@pytest.mark.parametrize("name", NAMES)
def test_no_other_source_takes_its_files(name):
    """`messages` is the weakest mark of JSON: any chat has that key, and it is asked last."""
    head = head_from(export(name, many(name)))

    takers = [source.name for source in sources.SOURCES if source.recognises(head)]

    assert takers[0] == name
    assert set(takers) - {"messages"} <= {name}


@pytest.mark.parametrize("name", NAMES)
def test_positions_lead_back_to_the_bytes(tmp_path, name):
    raw = export(name, many(name))

    found = [item for item in read(tmp_path, raw) if not isinstance(item, Unreadable)]

    assert len({item.position for item in found}) == len(found)
    for item in found:
        place = bytes_at(item.position, raw).decode()
        assert said(item)[-1] in place, (item.position, place)


def bytes_at(position: str, raw: bytes) -> bytes:
    """Return what a position of our grammar points at."""
    lines = raw.split(b"\n")
    if found := re.fullmatch(r"lines (\d+)-(\d+)", position):
        return b"\n".join(lines[int(found[1]) - 1 : int(found[2])])
    if found := re.fullmatch(r"line \d+(, line \d+)*", position):
        return b"\n".join(lines[int(n) - 1] for n in re.findall(r"\d+", position))
    if found := re.fullmatch(r"item (\d+)", position):
        return pieces(raw)[int(found[1]) - 1]
    if found := re.fullmatch(r"list (\d+), items (\d+)-(\d+)", position):
        (array,) = (part for kind, part in list_parts([raw], "messages", 1 << 25) if kind == "part")
        return b"\n".join(pieces(array)[int(found[2]) - 1 : int(found[3])])
    raise AssertionError(position)


def pieces(raw: bytes) -> list[bytes]:
    cutter = Cutter(1 << 25)
    return [piece.raw for piece in (*cutter.feed(raw), *cutter.rest())]


@pytest.mark.parametrize("name", NAMES)
def test_a_file_cut_anywhere_ends_read_or_with_reasons(tmp_path, name):
    raw = export(name, many(name))

    for twentieth in range(20):
        check(read(tmp_path, raw[: len(raw) * twentieth // 20]))


@pytest.mark.parametrize("name", NAMES)
def test_damaged_bytes_raise_nothing(tmp_path, name):
    raw, rng = export(name, many(name)), random.Random(name)

    for _ in range(60):
        damaged = bytearray(raw)
        for _ in range(rng.randrange(1, 8)):
            damaged[rng.randrange(len(damaged))] = rng.randrange(256)
        check(read(tmp_path, bytes(damaged), EVERY))


@pytest.mark.parametrize("name", NAMES)
def test_a_cut_file_loses_nothing_of_what_stands_before_the_cut(tmp_path, name):
    if name in (*ONE_TALK, "rsg"):  # one record a file; votes of which some are missing
        return
    raw = export(name, many(name))
    whole = read(tmp_path, raw)

    found = read(tmp_path, raw[: len(raw) * 3 // 4])

    read_ = [said(item) for item in found if not isinstance(item, Unreadable)]
    assert len(read_) >= len(whole) // 2
    assert read_[:-1] == [said(item) for item in whole][: len(read_) - 1]


def test_the_source_of_the_fifteen_minute_recipe_works_as_printed(tmp_path):
    page = (Path(__file__).parents[3] / "docs" / "sources.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    module: dict[str, Any] = {}
    exec(code, module)
    path = tmp_path / "export"
    path.write_text('{"dialog": [{"speaker": "user", "text": "Да?"}]}\n', encoding="utf-8")

    (found,) = module["read"](path, sources.Options())

    assert module["SOURCE"].recognises(head_of(path))
    assert said(found) == ["Да?"]


def check(items: list[sources.Item]) -> None:
    """Every file ends in at least one item, and every reason is one for the quarantine."""
    assert items
    assert all(isinstance(item, KINDS) for item in items)
    for item in items:
        if isinstance(item, Unreadable):
            assert re.fullmatch(r"[a-z0-9_]+", item.reason)
            assert len(item.excerpt) <= 200
            assert item.detail.endswith("."), item
