"""Memories: of one person, named by their content, replaced with history, deleted for real."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lake.errors import DataError, SchemaError
from lake.ids import content_id
from lake.memories import Memories, memory_id_of

ANYA, BORYA = content_id("Аня"), content_id("Боря")
TOLD = datetime(2026, 1, 1, tzinfo=UTC)
DIMENSIONS = 8
HOSTILE = (
    *("' or '1'='1", "a' or user_id != '", "'; drop table embeddings_memories; --", "%", "*", ""),
    *(f"{ANYA}' or user_id = '{BORYA}", f"{ANYA}\0", f" {ANYA}", ANYA.upper(), "\\'", "“"),
)


def vector(text: str) -> list[float]:
    spot = sum(map(ord, text)) % DIMENSIONS
    return [float(n == spot) for n in range(DIMENSIONS)]


def row(text: str, user: str = ANYA, kind: str = "fact", **changes) -> dict:
    return {
        "memory_id": memory_id_of(user, kind, text),
        "user_id": user,
        "kind": kind,
        "text": text,
        "importance": 5,
        "created_at": TOLD,
        "sources": ["d/0"],
        "replaced_by": "",
        "replaced_at": None,
        "encoder_id": "e",
        "vector": vector(text),
        **changes,
    }


def texts(rows: list[dict]) -> list[str]:
    return [r["text"] for r in rows]


@pytest.fixture
def memories(tmp_path: Path) -> Memories:
    return Memories(tmp_path)


def write(memories: Memories, *rows: dict) -> None:
    for user in dict.fromkeys(r["user_id"] for r in rows):
        mine = [r for r in rows if r["user_id"] == user]
        memories.replace(user, mine, dimensions=DIMENSIONS)


def test_what_nothing_came_of_is_not_done_again(memories: Memories) -> None:
    memories.note_made_from("talks of one day")
    before = memories.made_from()
    write(memories, row("Твою собаку зовут Буран."))
    memories.note_made_from("talks of two days")

    assert ["talks of one day", "talks of two days"] == [before, memories.made_from()]


def test_nothing_is_remembered_at_first(memories: Memories) -> None:
    assert ([], [], "") == (memories.list(ANYA), memories.people(), memories.version(ANYA))
    assert [] == memories.search(ANYA, "ключи", vector("ключи"))
    assert 0 == memories.forget(user_id=ANYA)


def test_what_is_written_is_listed_oldest_first(memories: Memories) -> None:
    later = TOLD + timedelta(hours=1)
    write(memories, row("ключи на полке", created_at=later), row("твой кот рыжий"))

    assert ["твой кот рыжий", "ключи на полке"] == texts(memories.list(ANYA))


def test_twice_the_same_is_once(memories: Memories) -> None:
    memories.upsert([row("ключи на полке")], dimensions=DIMENSIONS)
    memories.upsert(
        [row("ключи на полке", importance=7), row("твой кот рыжий")], dimensions=DIMENSIONS
    )

    assert [5, 7] == sorted(r["importance"] for r in memories.list(ANYA))


def test_other_forms_of_a_word_are_found(memories: Memories) -> None:
    write(memories, row("твою собаку зовут Буран"), row("чай с мятой"))

    found = memories.search(ANYA, "Какая кличка у собаки?", vector("чай с мятой"), limit=2)

    assert {"твою собаку зовут Буран", "чай с мятой"} == set(texts(found))


def test_replacing_a_person_leaves_the_others(memories: Memories) -> None:
    write(memories, row("раз"), row("два", BORYA))
    write(memories, row("три"))

    assert ["три"] == texts(memories.list(ANYA))
    assert ["два"] == texts(memories.list(BORYA))


def test_what_was_replaced_stays_in_history_and_is_not_found(memories: Memories) -> None:
    new = row("ты живёшь в Омске")
    old = row("ты живёшь в Туле", replaced_by=new["memory_id"], replaced_at=TOLD)
    write(memories, old, new)

    assert ["ты живёшь в Омске"] == texts(memories.list(ANYA))
    assert 2 == len(memories.list(ANYA, replaced=True))
    assert ["ты живёшь в Омске"] == texts(memories.search(ANYA, "живёшь", vector("x")))


def test_kinds_can_be_chosen(memories: Memories) -> None:
    write(memories, row("ключи на полке"), row("говорили про ключи", kind="summary"))

    found = memories.search(ANYA, "ключи", vector("ключи"), kinds=["summary"])

    assert ["говорили про ключи"] == texts(found)


def test_use_is_noted_and_changes_no_version(memories: Memories) -> None:
    write(memories, row("раз"), row("два"))
    before, now = memories.version(ANYA), TOLD + timedelta(days=3)
    memories.touch([row("раз")["memory_id"]], now)

    used = {r["text"]: r["last_used_at"] for r in memories.list(ANYA)}
    assert {"раз": now, "два": TOLD} == used
    assert before == memories.version(ANYA)


def test_a_version_is_of_one_person(memories: Memories) -> None:
    write(memories, row("раз"), row("два", BORYA))
    anya, borya = memories.version(ANYA), memories.version(BORYA)
    write(memories, row("три"))

    assert anya != memories.version(ANYA)
    assert borya == memories.version(BORYA)


def test_what_is_forgotten_is_gone_from_the_files(memories: Memories) -> None:
    write(memories, row("собаку зовут Бурандукт"), row("ключи на полке"), row("кот", BORYA))
    memories.touch([row("собаку зовут Бурандукт")["memory_id"]], TOLD)
    assert [] != holding(memories.root, "бурандукт")

    gone = memories.forget(memory_ids=[row("собаку зовут Бурандукт")["memory_id"]])

    assert 1 == gone
    assert [] == holding(memories.root, "бурандукт")
    assert [] == holding(memories.root, row("собаку зовут Бурандукт")["memory_id"])
    assert ["ключи на полке"] == texts(memories.list(ANYA))
    assert ["кот"] == texts(memories.search(BORYA, "кот", vector("кот")))


def holding(root: Path, words: str) -> list[str]:
    """Return the files that hold some words, in either case."""
    wanted = (words.encode(), words.capitalize().encode())
    files = (p for p in root.rglob("*") if p.is_file())
    return [p.name for p in files if any(w in p.read_bytes() for w in wanted)]


def test_a_person_is_forgotten_whole_and_can_be_remembered_again(memories: Memories) -> None:
    write(memories, row("раз"), row("два"))

    assert 2 == memories.forget(user_id=ANYA)
    assert ([], []) == (memories.list(ANYA, replaced=True), memories.people())
    write(memories, row("три"))
    assert ["три"] == texts(memories.search(ANYA, "три", vector("три")))


def test_nobody_forgets_everything_by_accident(memories: Memories) -> None:
    with pytest.raises(DataError, match="hint:"):
        memories.forget()


@pytest.mark.parametrize(
    "broken",
    [
        {"kind": "secret"},
        {"memory_id": "0" * 32},
        {"user_id": "Аня"},
        {"replaced_by": "nobody"},
        {"more": 1},
        {"importance": "very"},
        {"vector": [1.0]},
    ],
    ids=lambda b: next(iter(b)),
)
def test_a_row_that_does_not_fit_is_refused(memories: Memories, broken: dict) -> None:
    with pytest.raises((DataError, SchemaError), match="hint:"):
        memories.upsert([row("раз", **broken)], dimensions=DIMENSIONS)


def test_rows_of_another_person_are_refused(memories: Memories) -> None:
    with pytest.raises(SchemaError, match="one person"):
        memories.replace(ANYA, [row("раз", BORYA)], dimensions=DIMENSIONS)


@pytest.mark.parametrize("user_id", HOSTILE)
def test_what_is_no_pseudonym_is_refused(memories: Memories, user_id: str) -> None:
    write(memories, row("раз"), row("два", BORYA))

    for ask in (
        lambda: memories.list(user_id),
        lambda: memories.search(user_id, "раз", vector("раз")),
        lambda: memories.version(user_id),
        lambda: memories.forget(memory_ids=[user_id]),
        lambda: memories.touch([user_id], TOLD),
        lambda: memories.search(ANYA, "раз", vector("раз"), kinds=[user_id]),
    ):
        with pytest.raises(DataError, match="hint:"):
            ask()
    assert 2 == len(memories.people())


@settings(max_examples=60)
@given(
    text=st.one_of(st.text(max_size=60), st.sampled_from(HOSTILE), st.sampled_from(["ключи"])),
    told=st.lists(st.text(alphabet="абв'\"\\;-%_ \0\n", min_size=1, max_size=20), max_size=4),
)
def test_no_words_of_another_person_are_ever_found(
    tmp_path_factory: pytest.TempPathFactory, text: str, told: list[str]
) -> None:
    memories = Memories(tmp_path_factory.mktemp("memories"))
    mine = [row(t) for t in dict.fromkeys([*told, "ключи на полке"])]
    theirs = [row(t, BORYA) for t in dict.fromkeys([*told, text or "_", "ключи в сарае"])]
    write(memories, *mine, *theirs)

    found = memories.search(ANYA, text, vector(text), limit=50)

    assert {ANYA} >= {r["user_id"] for r in found}
    assert set(texts(found)) <= set(texts(memories.list(ANYA)))
