"""parse(render(dialogue)) == dialogue, for every format that has a text form."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from assets import sources
from assets.sources import human_assistant, nexus, plain_text
from lake.schemas import Dialogue, Message

# Any text but control characters (other than tab and line feed) and unpaired surrogates.
SIGNS = st.characters(
    exclude_categories=["Cs", "Cc"],
    include_characters="\n\t",
    exclude_characters="\u2028\u2029\ufeff",
)
TEXTS = st.text(SIGNS, min_size=1, max_size=60)
LINES = TEXTS.map(lambda text: " ".join(text.split())).filter(
    lambda text: text and text[0] not in "-–—"
)
TALKS = st.lists(TEXTS.filter(str.strip), min_size=1, max_size=6)
TIMES = st.datetimes(datetime(2000, 1, 1), datetime(2099, 1, 1)).map(  # noqa: DTZ001
    lambda moment: moment.replace(microsecond=0, tzinfo=UTC)
)


def alternating(contents: list[str]) -> tuple[Message, ...]:
    return tuple(Message(("user", "assistant")[n % 2], text) for n, text in enumerate(contents))


def written(folder: Path, text: str) -> list[sources.Item]:
    path = folder / "export"
    path.write_text(text, encoding="utf-8", newline="")
    return list(sources.read(path, root=folder))


@given(st.lists(st.tuples(TEXTS, st.booleans(), TIMES), min_size=1, max_size=5))
def test_a_nexus_note_comes_back_as_it_was(turns):
    messages = tuple(
        Message(("user", "assistant")[is_answer], text, when, f"id-{n}")
        for n, (text, is_answer, when) in enumerate(turns)
        if not text.startswith(">")
    )
    dialogue = Dialogue(messages or (Message("user", "да"),), "nexus", "c-1", "Заметка")

    found = nexus.parse(nexus.render(dialogue))

    assert isinstance(found, Dialogue)
    assert replace(found, position="") == dialogue


@settings(max_examples=50)
@given(st.lists(st.lists(LINES, min_size=1, max_size=5), min_size=1, max_size=4))
def test_dashed_text_comes_back_as_it_was(tmp_path_factory, talks):
    dialogues = [Dialogue(alternating(lines), "plain_text") for lines in talks]

    found = written(tmp_path_factory.mktemp("text"), plain_text.render(dialogues))

    assert [replace(d, position="") for d in found] == dialogues


@settings(max_examples=50)
@given(TALKS)
def test_human_assistant_text_comes_back_as_it_was(tmp_path_factory, talk):
    contents = [text.strip() for text in talk if "###" not in text] or ["да"]
    dialogue = Dialogue(alternating(contents), "human_assistant", position="text")

    assert written(tmp_path_factory.mktemp("text"), human_assistant.render(dialogue)) == [dialogue]


@settings(max_examples=50)
@given(TALKS, st.booleans(), st.booleans())
def test_json_comes_back_as_it_was_in_lines_and_in_arrays(tmp_path_factory, talk, as_array, ascii_):
    dialogue = Dialogue(alternating(talk), "messages", "id 1")
    record = {"conversation_id": "id 1", "messages": dialogue.as_chat()}
    text = json.dumps([record, record] if as_array else record, ensure_ascii=ascii_)

    found = written(tmp_path_factory.mktemp("json"), text)

    assert [replace(d, position="") for d in found] == [dialogue] * (1 + as_array)


@pytest.mark.parametrize("chunk", [1, 2, 3, 7, 64])
def test_where_the_chunks_end_does_not_matter(tmp_path, monkeypatch, chunk):
    talk = ['кавычка " и \\ черта', "[скобки} и , запятая", 'конец \\\\" ']
    record = {"conversations": [{"from": "human", "value": text} for text in talk]}
    path = tmp_path / "export.json"
    path.write_text(json.dumps([record] * 5, ensure_ascii=False, indent=1), encoding="utf-8")
    monkeypatch.setattr("assets.sources.reading.CHUNK_BYTES", chunk)

    found = list(sources.read(path, root=tmp_path))

    assert [[m.content for m in d.messages] for d in found] == [talk] * 5
