"""Claude's export: messages in a list, sometimes with branches."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from assets import sources
from lake.schemas import Unreadable

NIL = "00000000-0000-4000-8000-000000000000"


def message(name: str, text: str, parent: str | None = None, **fields: object) -> dict:
    said = {
        "uuid": name,
        "sender": "human" if name[0] == "u" else "assistant",
        "text": text,
        "content": [{"type": "text", "text": text, "citations": []}],
        "created_at": "2025-06-04T13:59:00.5Z",
        "attachments": [],
        "files": [],
    }
    return {**said, **({"parent_message_uuid": parent} if parent else {}), **fields}


def conversation(*messages: dict) -> dict:
    return {
        "uuid": "c-1",
        "name": "Борщ",
        "account": {"uuid": "x"},
        "chat_messages": list(messages),
    }


def read(folder: Path, *records: dict, **options: object) -> list[sources.Item]:
    path = folder / "conversations.json"
    path.write_text(json.dumps(records, ensure_ascii=False), encoding="utf-8")
    return list(sources.read(path, root=folder, options=sources.Options(**options)))


def test_messages_stand_in_the_order_of_the_list(tmp_path):
    (dialogue,) = read(tmp_path, conversation(message("u1", "Как?"), message("a1", "Просто.")))

    assert dialogue.as_chat() == [
        {"role": "user", "content": "Как?"},
        {"role": "assistant", "content": "Просто."},
    ]
    assert dialogue.messages[0].created_at == datetime(2025, 6, 4, 13, 59, 0, 500_000, tzinfo=UTC)
    assert (dialogue.source, dialogue.conversation_id, dialogue.title) == ("claude", "c-1", "Борщ")
    assert dialogue.position == "item 1"
    assert dialogue.remarks == ()


def test_of_branches_the_last_one_is_the_dialogue_and_a_setting_adds_the_others(tmp_path):
    talk = conversation(
        message("u1", "Как?", NIL),
        message("a1", "Сложно.", "u1"),
        message("a2", "Просто.", "u1"),
        message("u2", "Спасибо", "a2"),
    )

    (shown,) = read(tmp_path, talk)
    every = read(tmp_path, talk, chatgpt_branches=True)

    assert [m.content for m in shown.messages] == ["Как?", "Просто.", "Спасибо"]
    assert shown.remarks == ("1 more branches: see `sources.chatgpt_branches`.",)
    assert [d.conversation_id for d in every] == ["c-1", "c-1#a1"]
    assert [m.content for m in every[1].messages] == ["Как?", "Сложно."]


def test_reasoning_and_tools_are_left_out_and_counted(tmp_path):
    blocks = [
        {"type": "thinking", "thinking": "хм"},
        {"type": "text", "text": "Сейчас посмотрю."},
        {"type": "tool_use", "name": "search", "input": {}},
        {"type": "tool_result", "content": []},
        {"type": "text", "text": "Просто."},
        {"type": "voice_note"},
    ]
    talk = conversation(message("u1", "Как?"), message("a1", "всё вместе", content=blocks))

    (dialogue,) = read(tmp_path, talk)

    assert dialogue.messages[1].content == "Сейчас посмотрю.\nПросто.\n[voice_note]"
    assert dialogue.remarks == (
        "Left out of the conversation: 1 reasoning, 2 work with tools.",
    )  # fmt: skip


def test_attachments_are_named_and_their_text_is_nobodys_turn(tmp_path):
    held = [{"file_name": "план.txt", "extracted_content": "Пункт 1"}]
    talk = conversation(
        message("u1", "Что тут?", attachments=held, files=[{"file_name": "кот.png"}]),
        message("u2", "", attachments=[{"file_type": "txt"}], content=[]),
    )

    (dialogue,) = read(tmp_path, talk)

    assert [m.content for m in dialogue.messages] == [
        "[file: план.txt]\n[file: кот.png]\nЧто тут?",
        "[file: unnamed]",
    ]
    assert dialogue.attachments == ("план.txt", "кот.png", "unnamed")
    assert dialogue.annotations == ("план.txt\n\nПункт 1",)


@pytest.mark.parametrize(
    ("talk", "reason"),
    [
        (conversation(), "no_messages"),
        ({"uuid": "c", "chat_messages": 5}, "no_messages"),
        (conversation(message("u1", "")), "no_messages"),
        (conversation({"sender": "wizard", "text": "x"}), "no_messages"),
        (conversation(message("u1", "a", "u2"), message("u2", "b", "u1")), "cycle"),
    ],
)
def test_a_conversation_without_a_thread_has_a_reason(tmp_path, talk, reason):
    good = conversation(message("u1", "Как?"))

    found = read(tmp_path, good, talk, good)

    assert [i.reason if isinstance(i, Unreadable) else "read" for i in found] == [
        "read", reason, "read",
    ]  # fmt: skip


def test_text_without_blocks_is_read_as_it_was_exported_before(tmp_path):
    old = message("u1", "Как?")
    del old["content"]

    (dialogue,) = read(tmp_path, conversation(old))

    assert dialogue.messages[0].content == "Как?"


def test_the_same_conversation_exported_later_keeps_its_id(tmp_path):
    talk = [message("u1", "Как?", NIL), message("a1", "Просто.", "u1")]

    (first,) = read(tmp_path, conversation(*talk))
    (second,) = read(tmp_path, conversation(*talk, message("u2", "Спасибо", "a1")))

    assert first.conversation_id == second.conversation_id
    assert second.messages[:2] == first.messages
