"""Each check in `sql/checks` passes on right rows and objects to wrong ones: exactly to those."""

from typing import Any

import pytest

import sql
from lake import query
from lake.tables import Lake

Rows = dict[str, list[dict[str, Any]]]


def talk(*roles: str) -> list[dict[str, Any]]:
    return [{"message_id": "", "role": r, "content": r, "created_at": None} for r in roles]


KEPT = {
    "record_id": "r",
    "dialogue_id": "d",
    "revision": "v",
    "split": "train",
    "messages": talk("user", "assistant"),
}
DROPPED = {"record_id": "q", "grain": "dialogue"}
CASES: dict[str, tuple[Rows, Rows, int]] = {
    "assert_every_record_is_accounted_for": (
        {
            "raw_records": [{"record_id": "r"}, {"record_id": "q"}],
            "cleaned_dialogues": [KEPT],
            "cleaned_dropped": [DROPPED, {"record_id": "r", "grain": "message"}],
        },
        {
            "raw_records": [{"record_id": "r"}, {"record_id": "lost"}, {"record_id": "q"}],
            "cleaned_dialogues": [KEPT, {**KEPT, "record_id": "q", "dialogue_id": "e"}],
            "cleaned_dropped": [DROPPED, {"record_id": "invented", "grain": "dialogue"}],
        },
        3,
    ),
    "assert_record_ids_are_unique": (
        {"raw_records": [{"record_id": "r"}], "raw_quarantined": [{"record_id": "q"}]},
        {"raw_records": [{"record_id": "r"}], "raw_quarantined": [{"record_id": "r"}]},
        1,
    ),
    "assert_dialogue_revisions_are_unique": (
        {"cleaned_dialogues": [KEPT, {**KEPT, "revision": "w"}]},
        {"cleaned_dialogues": [KEPT, {**KEPT, "record_id": "s"}]},
        1,
    ),
    "assert_roles_alternate": (
        {
            "cleaned_dialogues": [
                {
                    **KEPT,
                    "messages": talk("system", "user", "assistant", "tool", "user", "assistant"),
                }
            ]
        },
        {
            "cleaned_dialogues": [
                {**KEPT, "revision": str(n), "messages": talk(*roles)}
                for n, roles in enumerate(
                    [
                        ("user", "user", "assistant"),
                        ("assistant", "user", "assistant"),
                        ("user", "assistant", "user"),
                        ("system",),
                        (),
                    ]
                )
            ]
        },
        5,
    ),
    "assert_no_dialogue_crosses_splits": (
        {"cleaned_dialogues": [KEPT, {**KEPT, "revision": "w"}]},
        {"cleaned_dialogues": [KEPT, {**KEPT, "revision": "w", "split": "test"}]},
        1,
    ),
    "assert_self_chats_have_parents": (
        {
            "cleaned_dialogues": [KEPT],
            "self_chats_dialogues": [{"dialogue_id": "s", "parent_dialogue_id": "d"}],
        },
        {
            "cleaned_dialogues": [KEPT],
            "self_chats_dialogues": [{"dialogue_id": "s", "parent_dialogue_id": "nobody"}],
        },
        1,
    ),
    "assert_training_sets_hold_no_test_dialogue": (
        {
            "cleaned_dialogues": [KEPT],
            "adapters_training_sets": [{"dialogue_id": "d"}, {"dialogue_id": ""}],
        },
        {
            "cleaned_dialogues": [{**KEPT, "split": "test"}],
            "adapters_training_sets": [{"dialogue_id": "d"}],
        },
        1,
    ),
    "assert_no_training_without_consent": (
        {
            "cleaned_dialogues": [
                {**KEPT, "consent": "granted"},
                {**KEPT, "dialogue_id": "kept to himself", "revision": "w", "consent": "explore"},
            ],
            "self_chats_dialogues": [{"dialogue_id": "s", "parent_dialogue_id": "d"}],
            "adapters_training_sets": [
                {"dialogue_id": "d", "source_table": "cleaned_dialogues"},
                {"dialogue_id": "s", "source_table": "self_chats_dialogues", "position": 1},
                {"dialogue_id": "", "source_table": "primer", "position": 2},
            ],
        },
        {
            "cleaned_dialogues": [{**KEPT, "consent": "explore"}],
            "self_chats_dialogues": [{"dialogue_id": "s", "parent_dialogue_id": "d"}],
            "adapters_training_sets": [
                {"dialogue_id": "d", "source_table": "cleaned_dialogues"},
                {"dialogue_id": "s", "source_table": "self_chats_dialogues", "position": 1},
                {"dialogue_id": "e", "source_table": "cleaned_dialogues", "position": 2},
            ],
        },
        2,
    ),
    "assert_every_adapter_has_a_training_set": (
        {
            "adapters_training_sets": [{"training_set_id": "t"}],
            "adapters_versions": [{"adapter_id": "a", "training_set_id": "t"}],
        },
        {"adapters_versions": [{"adapter_id": "a", "training_set_id": "t"}]},
        1,
    ),
    "assert_only_passed_adapters_are_served": (
        {
            "evaluations_verdicts": [{"evaluation_id": "e", "passed": True}],
            "deployments_history": [{"evaluation_id": "e", "adapter_id": "a"}],
        },
        {
            "evaluations_verdicts": [{"evaluation_id": "e", "passed": False}],
            "deployments_history": [{"evaluation_id": "e"}, {"evaluation_id": "none"}],
        },
        2,
    ),
}


def test_every_check_has_its_case() -> None:
    assert sql.names("checks") == sorted(CASES)


@pytest.mark.parametrize("name", sorted(CASES))
def test_right_rows_pass(name: str, lake: Lake, fill: Any) -> None:
    for table, rows in CASES[name][0].items():
        fill(table, *rows)

    assert [] == query.offending(lake, name)


@pytest.mark.parametrize("name", sorted(CASES))
def test_wrong_rows_are_returned(name: str, lake: Lake, fill: Any) -> None:
    _, wrong, count = CASES[name]
    for table, rows in wrong.items():
        fill(table, *rows)

    assert count == len(query.offending(lake, name))


@pytest.mark.parametrize("name", sql.names("checks"))
def test_a_check_names_its_asset_and_says_what_it_returns(name: str) -> None:
    first, second = sql.read(f"checks/{name}").splitlines()[:2]

    assert first.startswith("-- asset: ")
    assert "returns" in second
