"""OpenAssistant's export: trees of ranked answers, in four forms."""

import json
import random
from pathlib import Path

import pytest

from assets import sources
from lake.schemas import Dialogue, Preference, Unreadable

ROLES = {"u": "prompter", "a": "assistant"}


def message(name: str, *replies: dict, **fields: object) -> dict:
    """A message called `u1`, `a2`: by its letter the user's or the assistant's."""
    said = {"message_id": name, "role": ROLES[name[0]], "text": f"текст {name}", "lang": "ru"}
    return {**said, **fields, "replies": list(replies)}


TREE = message(
    "u1",
    message("a1", message("u3"), rank=1),
    message("a2", message("u2", message("a4"), message("a5")), rank=0),
    message("a3", rank=None),
)


def flat(node: dict, parent: str | None = None) -> list[dict]:
    own = {key: value for key, value in node.items() if key != "replies"}
    rest = [row for reply in node["replies"] for row in flat(reply, node["message_id"])]
    return [{**own, "parent_id": parent, "message_tree_id": "u1"}, *rest]


def tree(root: dict, **fields: object) -> dict:
    return {"message_tree_id": root["message_id"], "tree_state": "ready", "prompt": root, **fields}


def read(folder: Path, *records: dict, **options: object) -> list[sources.Item]:
    path = folder / "export.jsonl"
    lines = [json.dumps(record, ensure_ascii=False) for record in records]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return list(sources.read(path, root=folder, options=sources.Options(**options)))


def paths(items: list[sources.Item]) -> list[tuple[str, str]]:
    return [
        (d.conversation_id, " ".join(m.message_id for m in d.messages))
        for d in items
        if isinstance(d, Dialogue)
    ]


def pairs(items: list[sources.Item]) -> list[tuple[str, str, int]]:
    return [
        (p.chosen, p.rejected, len(p.prompt)) for p in items if isinstance(p, Preference)
    ]  # fmt: skip


FORMS = {
    "tree": [tree(TREE)],
    "message with replies": [TREE],
    "single messages": flat(TREE),
    "single messages in any order": random.Random(3).sample(flat(TREE), 8),
}


@pytest.mark.parametrize("form", FORMS)
def test_the_path_of_the_best_answers_is_the_dialogue(tmp_path, form):
    records = FORMS[form]

    found = read(tmp_path, *records)

    (dialogue,) = (item for item in found if isinstance(item, Dialogue))
    assert [m.role for m in dialogue.messages] == ["user", "assistant", "user", "assistant"]
    assert dialogue.conversation_id == "u1"
    assert dialogue.language == "ru"
    assert paths(found)[0][1].startswith("u1 a2 u2 a")
    assert pairs(found) == [("текст a2", "текст a1", 1)]


def test_by_setting_there_is_a_path_to_every_ranked_answer(tmp_path):
    found = read(tmp_path, tree(TREE), oasst_paths="ranked")

    assert paths(found) == [
        ("u1", "u1 a2 u2 a4"),
        ("u1#a5", "u1 a2 u2 a5"),
        ("u1#u3", "u1 a1 u3"),
    ]


def test_every_pair_of_ranked_siblings_is_a_preference_for_the_lower_rank(tmp_path):
    root = message("u1", *(message(f"a{n}", rank=n // 2) for n in range(4)))

    found = read(tmp_path, tree(root))

    assert pairs(found) == [
        (f"текст a{better}", f"текст a{worse}", 1) for better in (0, 1) for worse in (2, 3)
    ]
    assert {(p.origin, p.source, p.conversation_id) for p in found[1:]} == {
        ("ranks", "oasst", "u1")
    }


def test_what_was_deleted_or_spam_is_left_out_with_what_follows_and_told(tmp_path):
    root = message(
        "u1",
        message("a1", message("u2"), rank=0, deleted=True),
        message("a2", rank=1, review_result=False),
        message("a3", rank=2, synthetic=True),
        message("a4", rank=3, text=None),
    )

    (dialogue,) = read(tmp_path, tree(root))

    assert paths([dialogue]) == [("u1", "u1 a3")]
    assert dialogue.remarks == (
        "Written by a model: 1 messages.",
        "Left out of the tree, with what follows them: 1 deleted, 1 spam, 1 without text.",
    )


@pytest.mark.parametrize(
    ("records", "reason"),
    [
        ([tree(message("u1", deleted=True))], "no_messages"),
        ([{**tree(message("u1")), "prompt": {"role": "wizard"}}], "no_messages"),
        (
            [
                {
                    "message_id": "a1",
                    "parent_id": "u9",
                    "text": "?",
                    "role": "assistant",
                }
            ],
            "missing_parent",
        ),
        ([{"message_id": "a1", "parent_id": "a1", "text": "?", "role": "x"}], "missing_parent"),
        ([{"thread_id": "u1", "thread": []}], "no_messages"),
    ],
)
def test_what_holds_no_thread_has_a_reason(tmp_path, records, reason):
    found = read(tmp_path, *records)

    assert [item.reason for item in found if isinstance(item, Unreadable)] == [reason]


def test_a_thread_is_a_dialogue(tmp_path):
    listed = [{k: v for k, v in message(n).items() if k != "replies"} for n in ("u1", "a1")]

    (dialogue,) = read(tmp_path, {"thread_id": "a1", "thread": listed})

    assert paths([dialogue]) == [("a1", "u1 a1")]


def test_a_tree_of_single_messages_has_a_bound(tmp_path):
    rows = [
        {"message_id": f"a{n}", "parent_id": f"a{n - 1}" if n else None, "text": "x", "role": "bot"}
        for n in range(10_001)
    ]

    (found,) = read(tmp_path, *rows)

    assert found.reason == "record_too_large"


def test_the_same_tree_exported_later_keeps_its_id(tmp_path):
    grown = json.loads(json.dumps(TREE))
    grown["replies"][1]["replies"][0]["replies"][0]["replies"].append(message("u4"))

    before, after = read(tmp_path, tree(TREE)), read(tmp_path, tree(grown))

    assert paths(before) == [("u1", "u1 a2 u2 a4")]
    assert paths(after) == [("u1", "u1 a2 u2 a4 u4")]


@pytest.mark.parametrize(
    ("name", "dialogues", "preferences"),
    [
        ("en_100_tree.jsonl", 100, 754),
        ("en_100_message.jsonl", 100, 754),
        ("realistic_seed_data.json", 74, 0),
        ("test_generic_data.json", 2, 0),
    ],
)
def test_real_exports_are_counted(shared_data, name, dialogues, preferences):
    found = list(sources.read(shared_data / "oasst" / name, root=shared_data))

    assert (len(paths(found)), len(pairs(found))) == (dialogues, preferences)
    assert len(found) == dialogues + preferences
