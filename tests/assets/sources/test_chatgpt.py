"""ChatGPT's export: a tree of nodes, of which a thread was shown."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from assets import sources
from lake.schemas import Dialogue, Unreadable


def node(parent: str | None, role: str = "", *parts: object, **fields: object) -> dict:
    """A node as the export has it; `fields` go into the message."""
    if not role:
        return {"parent": parent, "children": [], "message": None}
    content = {"content_type": "text", "parts": list(parts)}
    message = {"author": {"role": role}, "content": content, "create_time": 1717500000.5, **fields}
    return {"parent": parent, "children": [], "message": message}


def conversation(current: str | None, **nodes: dict) -> dict:
    return {
        "title": "Борщ",
        "create_time": 1717500000.5,
        "mapping": nodes,
        "current_node": current,
        "conversation_id": "c-1",
    }


TALK = conversation(
    "d",
    root=node(None),
    a=node("root", "system", "", metadata={"is_visually_hidden_from_conversation": True}),
    b=node("a", "user", "Как варить борщ?", id="m-1"),
    c=node("b", "tool", "поиск"),
    d=node("c", "assistant", "Просто.", create_time=None),
    e=node("b", "assistant", "Сложно."),
    f=node("e", "user", "Почему?"),
)


def read(folder: Path, *records: dict, **options: object) -> list[sources.Item]:
    path = folder / "conversations.json"
    path.write_text(json.dumps(records, ensure_ascii=False), encoding="utf-8")
    return list(sources.read(path, root=folder, options=sources.Options(**options)))


def said(dialogue: sources.Item) -> list[str]:
    assert isinstance(dialogue, Dialogue), dialogue
    return [message.content for message in dialogue.messages]


def test_the_shown_thread_is_the_dialogue(tmp_path):
    (dialogue,) = read(tmp_path, TALK)

    assert dialogue.as_chat() == [
        {"role": "user", "content": "Как варить борщ?"},
        {"role": "assistant", "content": "Просто."},
    ]
    assert [m.created_at for m in dialogue.messages] == [
        datetime(2024, 6, 4, 11, 20, 0, 500_000, tzinfo=UTC),
        None,
    ]
    assert [m.message_id for m in dialogue.messages] == ["m-1", "d"]
    assert (dialogue.source, dialogue.title) == ("chatgpt", "Борщ")
    assert (dialogue.conversation_id, dialogue.position) == ("c-1", "item 1")
    assert dialogue.remarks == (
        "1 more branches: see `sources.chatgpt_branches`.",
        "Left out of the conversation: 1 system, 1 tool.",
    )


def test_by_setting_every_branch_is_a_dialogue_of_its_own(tmp_path):
    found = read(tmp_path, TALK, chatgpt_branches=True)

    assert [said(dialogue) for dialogue in found] == [
        ["Как варить борщ?", "Просто."],
        ["Как варить борщ?", "Сложно.", "Почему?"],
    ]
    assert [dialogue.conversation_id for dialogue in found] == ["c-1", "c-1#f"]


def test_without_a_current_node_no_branch_is_taken_for_the_shown_one(tmp_path):
    found = read(tmp_path, {**TALK, "current_node": None})

    assert [dialogue.conversation_id for dialogue in found] == ["c-1#d", "c-1#f"]


def test_a_branch_in_which_nothing_more_was_said_is_none(tmp_path):
    more = {**TALK["mapping"], "g": node("d", "tool", "поиск"), "h": node("d", "assistant", "")}

    found = read(tmp_path, {**TALK, "mapping": more}, chatgpt_branches=True)

    assert [dialogue.conversation_id for dialogue in found] == ["c-1", "c-1#f"]


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        (node("a", "system", "Ты бот"), "system"),
        (node("a", "tool", "итог"), "tool"),
        (node("a", "critic", "плохо"), "of an unknown role"),
        (node("a", "user", "я", metadata={"is_user_system_message": True}), "context"),
        (
            node("a", "user", content={"content_type": "user_editable_context", "text": "я"}),
            "context",
        ),
        (
            node("a", "assistant", "x", metadata={"is_visually_hidden_from_conversation": True}),
            "hidden",
        ),
        (node("a", "assistant", content={"content_type": "thoughts", "text": "хм"}), "reasoning"),
        (
            node("a", "assistant", content={"content_type": "code", "text": "1+1"}),
            "work with tools",
        ),
        (node("a", "assistant", "search()", recipient="browser"), "work with tools"),
        (node("a", "assistant", ""), "empty"),
        (node("a", "assistant", content=None), "empty"),
    ],
)
def test_what_the_page_does_not_show_is_left_out_and_counted(tmp_path, message, kind):
    talk = conversation(
        "z", a=node(None, "user", "Да?"), x=message, z=node("x", "assistant", "Да.")
    )

    (dialogue,) = read(tmp_path, talk)

    assert said(dialogue) == ["Да?", "Да."]
    assert dialogue.remarks == (f"Left out of the conversation: 1 {kind}.",)


def test_words_that_look_like_markers_and_indentation_stay(tmp_path):
    code = "def cited(x):\n    return linked  # cited, linked\n\n\n\nend"

    (dialogue,) = read(tmp_path, conversation("a", a=node(None, "assistant", code)))

    assert said(dialogue) == [code]


def test_pictures_and_files_are_named(tmp_path):
    picture = {
        "content_type": "image_asset_pointer",
        "asset_pointer": "file-service://file-7",
        "width": 1,
    }
    sound = {"content_type": "audio_transcription", "text": "Послушай"}
    content = {"content_type": "multimodal_text", "parts": [picture, sound, {"x": 1}, 5]}
    files = [{"id": "file-7", "name": "кот.png"}, {"id": "file-8", "name": "план.pdf"}]
    talk = conversation(
        "b",
        a=node(None, "user", content=content, metadata={"attachments": files}),
        b=node("a", "user", content={"content_type": "multimodal_text", "parts": [picture]}),
    )

    (dialogue,) = read(tmp_path, talk)

    assert said(dialogue) == [
        "[file: план.pdf]\n[image: кот.png]\nПослушай\n[file]",
        "[image: file-7]",
    ]
    assert dialogue.attachments == ("кот.png", "план.pdf", "file-7")


@pytest.mark.parametrize(
    ("talk", "reason"),
    [
        (conversation("b", a=node("b", "user", "1"), b=node("a", "assistant", "2")), "cycle"),
        (conversation("a", a=node("x", "user", "1"), x=node("y"), y=node("x")), "cycle"),
        (conversation("b", b=node("lost", "assistant", "2")), "missing_parent"),
        (conversation("b", b=node("a", "assistant", "2"), a=node("lost")), "missing_parent"),
        (conversation("a", a=node(None)), "no_messages"),
        (conversation("a"), "no_messages"),
        ({**conversation("a"), "mapping": [1]}, "no_messages"),
        ({**conversation("a"), "mapping": {"a": 5}}, "no_messages"),
    ],
)
def test_a_broken_tree_has_a_reason_and_its_neighbours_are_read(tmp_path, talk, reason):
    found = read(tmp_path, TALK, talk, TALK)

    assert [i.reason if isinstance(i, Unreadable) else "read" for i in found] == [
        "read", reason, "read",
    ]  # fmt: skip
    assert found[1].position == "item 2"


def test_of_very_many_branches_the_first_are_read_and_the_rest_told(tmp_path):
    branches = {f"n{n}": node("a", "assistant", str(n)) for n in range(300)}
    talk = conversation("n0", a=node(None, "user", "Да?"), **branches)

    found = read(tmp_path, talk, chatgpt_branches=True)

    assert len(found) == 1 + 200 + 1
    assert found[-1].reason == "too_many_branches"


def test_a_long_conversation_is_read_in_linear_time(tmp_path):
    chain = {f"n{n}": node(f"n{n - 1}" if n else None, "user", str(n)) for n in range(20_000)}

    (dialogue,) = read(tmp_path, conversation("n19999", **chain))

    assert len(dialogue.messages) == 20_000


def test_the_same_conversation_exported_later_keeps_its_id(tmp_path):
    more = {**TALK["mapping"], "g": node("d", "user", "Спасибо")}

    (first,) = read(tmp_path, TALK)
    (second,) = read(tmp_path, {**TALK, "mapping": more, "current_node": "g"})

    assert first.conversation_id == second.conversation_id
    assert second.messages[:2] == first.messages
    assert said(second) == ["Как варить борщ?", "Просто.", "Спасибо"]


@pytest.mark.parametrize("indent", [None, 1])
def test_one_conversation_by_itself_is_read_as_well(tmp_path, indent):
    path = tmp_path / "talk.json"
    path.write_text(json.dumps(TALK, indent=indent), encoding="utf-8")

    (dialogue,) = sources.read(path, root=tmp_path)

    assert dialogue.source == "chatgpt"
    assert len(dialogue.messages) == 2
