"""Each format's own rules, on small files written here."""

import json
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pytest

from assets import sources
from lake.schemas import Dialogue, Unreadable

CHAT = [{"role": "user", "content": "Привет!"}, {"role": "assistant", "content": "Привет."}]
SHARED = [{"from": "human", "value": "Привет!"}, {"from": "gpt", "value": "<p>Привет.</p>"}]
NOTE = """>[!nexus_user] **User** - 04.06.2025 at 13:59
> Привет!
<!-- UID: u-1 -->

### Пометка
> цитата из заметки

>[!nexus_agent] **Assistant · gpt** - 04.06.2025 at 14:00:30
> Смотри:
>>[!nexus_attachment] **план.pdf** (application/pdf) - 12 KB
>
>> цитата
<!-- UID: u-2 -->

---
"""
REQUEST = {"event": "request", "conversation_id": "c", "request_id": "r", "messages": CHAT[:1]}


def read(path: Path, content: str | bytes) -> list[sources.Item]:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return list(sources.read(path, root=path.parent))


def reasons(items) -> list[str]:
    return [item.reason if isinstance(item, Unreadable) else "read" for item in items]


def lines(*records: object) -> str:
    return "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records)


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (NOTE, "nexus"),
        ("---\nnexus: nexus-ai-chat-importer\n---\n", "nexus"),
        (lines(REQUEST), "gateway"),
        (lines({"messages": CHAT}), "messages"),
        (json.dumps([{"messages": CHAT}], indent=2), "messages"),
        (json.dumps({"messages": CHAT}, indent=2), "messages"),
        (json.dumps([{"id": 1, "conversations": SHARED}]), "sharegpt"),
        (lines({"conversations": SHARED}), "sharegpt"),
        (lines({"text": "### Human: да? ### Assistant: да"}), "human_assistant"),
        (
            lines({"id": "1", "input": "### Human: а ### Assistant:", "output": "б"}),
            "human_assistant",
        ),
        ("### Human: да?\n### Assistant: да", "human_assistant"),
        ("- Да?\n- Да.\n\n- Нет?\n- Нет.\n", "plain_text"),
        ("— Да?\n— Да.\n", "plain_text"),
        (lines({"messages": [{"role": "user", "content": '"conversations": []'}]}), "messages"),
        ("# Заголовок\n\n- пункт\n", None),
        ("---\ntitle: x\n---\n", None),
        ("просто текст", None),
        (lines({"question": "?"}), None),
    ],
)
@pytest.mark.parametrize("name_on_disk", ["a.jsonl", "a.md", "a", "a.exe"])
def test_the_format_is_told_by_content_not_by_name(tmp_path, content, name, name_on_disk):
    path = tmp_path / name_on_disk
    path.write_text(content, encoding="utf-8")

    found = sources.detect(path)

    assert (found.name if found else None) == name


def test_what_stands_outside_callouts_is_annotation_never_a_turn(tmp_path):
    (dialogue,) = read(tmp_path / "note.md", NOTE)

    assert [m.role for m in dialogue.messages] == ["user", "assistant"]
    assert [m.message_id for m in dialogue.messages] == ["u-1", "u-2"]
    assert dialogue.annotations == ("### Пометка\n> цитата из заметки",)


def test_attachments_and_quotes_inside_a_callout_stay_in_the_text(tmp_path):
    (dialogue,) = read(tmp_path / "note.md", NOTE)

    expected = "Смотри:\n[attachment] **план.pdf** (application/pdf) - 12 KB\n\n> цитата"
    assert dialogue.messages[1].content == expected


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        ({"messages": []}, "no_messages"),
        ({"messages": "x"}, "no_messages"),
        ({"messages": [1]}, "bad_message"),
        ({"messages": [{"role": "wizard", "content": "x"}]}, "unknown_role"),
        ({"messages": [{"role": 7, "content": "x"}]}, "unknown_role"),
        ({"messages": [{"role": "user"}]}, "bad_content"),
        ({"messages": [{"role": "user", "content": 5}]}, "bad_content"),
        ({"messages": [{"role": "user", "content": ""}]}, "read"),
    ],
)
def test_a_bad_record_is_reported_and_its_neighbours_are_read(tmp_path, record, reason):
    good = {"messages": CHAT}

    found = read(tmp_path / "a", lines(good, record, good))

    assert reasons(found) == ["read", reason, "read"]
    assert found[1].position == "line 2"


def test_parts_and_calls_of_tools_become_text(tmp_path):
    picture = {"type": "image_url", "image_url": {"url": "data:"}}
    call = {"type": "function", "function": {"name": "now", "arguments": "{}"}}
    record = {
        "messages": [
            {"role": "user", "content": [{"type": "text", "text": "что это?"}, picture]},
            {"role": "assistant", "content": None, "tool_calls": [call]},
        ]
    }

    (dialogue,) = read(tmp_path / "a", lines(record))

    assert dialogue.messages[0].content == "что это?\n[image_url]"
    assert '<tool_call>\n{"name": "now"' in dialogue.messages[1].content


def test_sharegpt_values_stay_as_they_are(tmp_path):
    (dialogue,) = read(tmp_path / "a", json.dumps([{"id": 5, "conversations": SHARED}]))

    assert dialogue.conversation_id == "5"
    assert dialogue.messages[1].content == "<p>Привет.</p>"


def test_a_dash_block_that_starts_without_a_dash_is_reported(tmp_path):
    found = read(tmp_path / "a", "- Да?\n- Да,\nконечно.\n\nзаголовок\n- Нет?\n")

    assert reasons(found) == ["read", "no_dash"]
    assert found[0].messages[1].content == "Да,\nконечно."
    assert found[0].position == "lines 1-3"


def test_parquet_of_messages_is_read_row_by_row(tmp_path):
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows = [{"id": f"d{n}", "messages": CHAT} for n in range(600)]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "part.bin")

    found = list(sources.read(tmp_path / "part.bin", root=tmp_path))

    assert [d.conversation_id for d in found] == [row["id"] for row in rows]
    assert found[0].as_chat() == CHAT


def event(**fields: object) -> dict[str, object]:
    return {**REQUEST, **fields}


def answer(
    request_id: str, content: str, finish: str = "stop", **fields: object
) -> dict[str, object]:
    fixed = {"event": "answer", "conversation_id": "c", "request_id": request_id}
    return {**fixed, "content": content, "finish": finish, **fields}


def test_a_gateway_conversation_is_its_longest_request_and_its_answer(tmp_path):
    longer = [*CHAT, {"role": "user", "content": "Как дела?"}]
    log = lines(
        event(at="2026-01-01T10:00:00Z", user="ann", adapter="steppe@1"),
        answer("r", "Привет."),
        event(request_id="r2", messages=longer, user="ann", at="2026-01-01T10:01:00Z"),
        answer("r2", "Хорошо.", adapter="steppe@2", at="2026-01-01T10:01:02Z"),
    )

    (dialogue,) = read(tmp_path / "log", log)

    assert [m.content for m in dialogue.messages] == ["Привет!", "Привет.", "Как дела?", "Хорошо."]
    assert dialogue.messages[0].created_at == datetime(2026, 1, 1, 10, tzinfo=UTC)
    assert dialogue.messages[3].created_at == datetime(2026, 1, 1, 10, 1, 2, tzinfo=UTC)
    assert (dialogue.user, dialogue.conversation_id) == ("ann", "c")
    assert dialogue.annotations == ("adapter steppe@2",)


@pytest.mark.parametrize(
    ("content", "finish", "roles", "notes"),
    [
        ("Прив", "cut", ["user", "assistant"], ("answer cut",)),
        ("", "failed", ["user"], ("answer failed",)),
        ("Привет.", "length", ["user", "assistant"], ("answer length",)),
    ],
)
def test_of_an_unfinished_answer_what_the_client_saw_is_kept(
    tmp_path, content, finish, roles, notes
):
    (dialogue,) = read(tmp_path / "log", lines(event(), answer("r", content, finish)))

    assert [m.role for m in dialogue.messages] == roles
    assert dialogue.annotations == notes


def test_a_log_torn_by_a_crash_loses_only_its_last_line(tmp_path):
    log = lines(event(), answer("r", "Привет.")) + '{"event": "request", "conv'

    found = read(tmp_path / "log", log)

    assert Counter(reasons(found)) == {"truncated_line": 1, "read": 1}


def test_orphans_and_other_branches_are_told(tmp_path):
    other = [{"role": "user", "content": "Иначе"}]
    longer = [*CHAT, {"role": "user", "content": "Как дела?"}]
    log = lines(
        event(messages=other), event(request_id="r2", messages=longer), answer("r9", "Кому?")
    )

    found = read(tmp_path / "log", log)

    assert reasons(found) == ["orphan_answer", "read"]
    assert found[1].annotations == ("line 1 is another branch of this conversation",)
    assert found[1].messages[-1].role == "user"


def test_what_a_front_end_asked_by_itself_is_a_note_and_no_dialogue(tmp_path):
    title = [{"role": "user", "content": "### Task: name this"}]
    alone = {"conversation_id": "d", "task": "unnamed", "messages": title}
    log = lines(
        event(),
        answer("r", "Привет."),
        event(request_id="t", task="title_generation", messages=title),
        answer("t", "Приветствие"),
        event(request_id="u", **alone),
        answer("u", "Приветствие", conversation_id="d"),
    )

    (dialogue,) = read(tmp_path / "log", log)

    assert [m.content for m in dialogue.messages] == ["Привет!", "Привет."]
    assert dialogue.annotations == ("task title_generation",)


def counted(data: Path) -> tuple[int, int, Counter]:
    items = []
    for found in sources.walk([data]):
        items += [found.problem] if found.problem else sources.read(found.path, root=found.root)
    dialogues = [item for item in items if isinstance(item, Dialogue)]
    return len(dialogues), sum(len(d.messages) for d in dialogues), Counter(reasons(items))


@pytest.mark.parametrize(
    ("path", "dialogues", "messages"),
    [
        ("nexus", 1, 3),
        ("fastchat/data/dummy_conversation.json", 500, 2000),
        ("oasst_ru", 80, 258),
        ("koziev/extract_dialogues_from_anekdots.txt", 87_720, 252_494),
    ],
)
def test_real_exports_are_counted_to_the_last_dialogue(shared_data, path, dialogues, messages):
    assert counted(shared_data / path) == (dialogues, messages, {"read": dialogues})


def test_the_owners_note_keeps_its_annotation_apart(shared_data):
    (path,) = (shared_data / "nexus").iterdir()
    (dialogue,) = sources.read(path, root=path.parent)

    assert [len(m.content) for m in dialogue.messages] == [109, 537, 31_051]
    assert [len(text) for text in dialogue.annotations] == [6437]
    assert not any("Релевантные заметки" in m.content for m in dialogue.messages)
