"""Each check in `sql/checks` passes on right rows and objects to wrong ones: exactly to those."""

from datetime import UTC, date, datetime
from typing import Any

import pytest

import sql
from lake import query
from lake.tables import Lake, Provenance

Rows = dict[str, list[dict[str, Any]]]
LATER = date(2026, 1, 2)


def talk(*roles: str) -> list[dict[str, Any]]:
    return [{"message_id": "", "role": r, "content": r, "created_at": None} for r in roles]


KEPT = {
    "record_id": "r",
    "dialogue_id": "d",
    "revision": "v",
    "split": "train",
    "messages": talk("user", "assistant"),
}
READ = {"dialogue_id": "d", "revision": "v", "kind": "fact"}
DROPPED = {"record_id": "q", "grain": "dialogue"}
CHOICE = {
    "record_id": "c",
    "preference_id": "p",
    "source": "oasst",
    "conversation_id": "tree",
    "split": "train",
}
REASON = {"rule": "length", "reason": "too_short"}
SCORE = {"evaluation_id": "e", "model_id": "a", "low": 0.1, "high": 0.2, "coverage": 1.0}
FOREVER = datetime(2100, 1, 1, tzinfo=UTC)
TAKEN = {
    "training_set_id": "t",
    "source_table": "cleaned_dialogues",
    "role": "new",
    "frozen_at": FOREVER,
}
LEFT = {"training_set_id": "t", "source_table": "cleaned_dialogues", "reason": "held_out"}
LOGGED = {
    "record_id": "g",
    "source": "gateway",
    "file": "2026-01-01/gateway.jsonl",
    "conversation_id": "c",
    "user_id": "vera",
}
NINE, TEN = (datetime(2026, 1, 1, hour, tzinfo=UTC) for hour in (9, 10))
ASKED = [
    {**message, "created_at": at, "message_id": name}
    for message, at, name in zip(
        talk("user", "assistant", "user", "assistant"),
        (NINE, None, TEN, TEN),
        ("", "", "", "2"),
        strict=True,
    )
]
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
    "assert_every_preference_is_accounted_for": (
        {
            "raw_preferences": [{"record_id": "c"}, {"record_id": "q"}],
            "cleaned_preferences": [CHOICE],
            "cleaned_dropped": [{"record_id": "q", "grain": "preference"}],
        },
        {
            "raw_preferences": [{"record_id": n} for n in ("c", "lost", "q")],
            "cleaned_preferences": [CHOICE, {**CHOICE, "record_id": "q", "preference_id": "o"}],
            "cleaned_dropped": [
                {"record_id": "q", "grain": "preference"},
                {"record_id": "lost", "grain": "dialogue"},
                {"record_id": "invented", "grain": "preference"},
            ],
        },
        3,
    ),
    "assert_no_preference_crosses_splits": (
        {
            "cleaned_dialogues": [
                {**KEPT, "source": "oasst", "conversation_id": "tree"},
                {**KEPT, "dialogue_id": "e", "revision": "w", "split": "test"},
                {
                    **KEPT,
                    "day": LATER,
                    "source": "oasst",
                    "conversation_id": "tree",
                    "split": "test",
                },
            ],
            "cleaned_preferences": [CHOICE, {**CHOICE, "preference_id": "o", "source": "pairs"}],
        },
        {
            "cleaned_dialogues": [
                {**KEPT, "source": "oasst", "conversation_id": "tree", "split": "test"}
            ],
            "cleaned_preferences": [CHOICE],
        },
        1,
    ),
    "assert_choices_are_received_once": (
        {"raw_preferences": [{"record_id": "c"}], "raw_records": [{"record_id": "r"}]},
        {
            "raw_preferences": [{"record_id": "c"}, {"record_id": "r"}],
            "raw_records": [{"record_id": "r"}],
        },
        1,
    ),
    "assert_quarantined_have_reasons": (
        {"raw_quarantined": [{"record_id": "q", "reason": "binary", "file": "f"}]},
        {
            "raw_quarantined": [
                {"record_id": "q", "reason": "binary"},
                {"record_id": "r", "file": "f"},
            ]
        },
        2,
    ),
    "assert_drops_have_reasons": (
        {"cleaned_dropped": [{**DROPPED, **REASON}, {**DROPPED, **REASON, "grain": "preference"}]},
        {"cleaned_dropped": [DROPPED, {**DROPPED, **REASON, "grain": "sentence"}]},
        2,
    ),
    "assert_findings_are_in_what_was_kept": (
        {
            "cleaned_dialogues": [KEPT],
            "cleaned_preferences": [CHOICE],
            "cleaned_findings": [{"record_id": "r"}, {"record_id": "c"}],
        },
        {
            "cleaned_dialogues": [KEPT],
            "cleaned_findings": [{"record_id": "r"}, {"record_id": "q"}],
        },
        1,
    ),
    "assert_what_is_kept_is_remembered": (
        {"cleaned_dialogues": [KEPT], "cleaned_signatures": [{"revision": "v"}]},
        {"cleaned_dialogues": [KEPT], "cleaned_signatures": [{"revision": "w"}]},
        2,
    ),
    "assert_paraphrases_repeat_another": (
        {
            "cleaned_dialogues": [KEPT],
            "embeddings_duplicates": [
                {"dialogue_id": "d", "revision": "v", "paraphrase_of": "e", "similarity": 0.9}
            ],
        },
        {
            "cleaned_dialogues": [KEPT],
            "embeddings_duplicates": [
                {"dialogue_id": "d", "revision": "v", "paraphrase_of": "d", "similarity": 1.0},
                {"dialogue_id": "d", "revision": "v", "paraphrase_of": "e", "similarity": 9.0},
                {"dialogue_id": "d", "revision": "w", "paraphrase_of": "e", "similarity": 0.9},
            ],
        },
        3,
    ),
    "assert_every_turn_is_remembered_or_passed_over": (
        {
            "cleaned_dialogues": [KEPT],
            "embeddings_observations": [
                {**READ, "position": 0, "text": "a"},
                {**READ, "position": 0, "text": "b"},
                {**READ, "position": 1, "reason": "unconfirmed"},
                {**READ, "position": -1, "kind": "summary", "reason": "ungrounded"},
            ],
        },
        {
            "cleaned_dialogues": [KEPT],
            "embeddings_observations": [
                {**READ, "position": 0, "text": "a"},
                {**READ, "position": 0, "reason": "question"},
                {**READ, "position": 9, "reason": "question"},
            ],
        },
        3,
    ),
    "assert_observations_have_words_or_a_reason": (
        {
            "embeddings_observations": [
                {**READ, "text": "a", "sources": ["d/0"], "importance": 5},
                {**READ, "position": 1, "reason": "question"},
            ],
        },
        {
            "embeddings_observations": [
                READ,
                {**READ, "position": 1, "text": "a", "reason": "question"},
                {**READ, "position": 2, "text": "a", "importance": 5},
                {**READ, "position": 3, "text": "a", "sources": ["d/3"], "importance": 11},
                {**READ, "position": 4, "kind": "turn", "reason": "question"},
            ],
        },
        5,
    ),
    "assert_refused_self_chats_have_reasons": (
        {
            "self_chats_dropped": [{"dialogue_id": "s", "reason": "no_stop"}],
            "self_chats_dialogues": [{"dialogue_id": "t"}],
        },
        {
            "self_chats_dropped": [
                {"dialogue_id": "s", "reason": "no_stop"},
                {"dialogue_id": "u"},
            ],
            "self_chats_dialogues": [{"dialogue_id": "s"}],
        },
        2,
    ),
    "assert_scores_are_sound": (
        {"evaluations_scores": [SCORE]},
        {"evaluations_scores": [{**SCORE, "low": 0.3}, {**SCORE, "coverage": 1.5}]},
        2,
    ),
    "assert_samples_are_scored": (
        {
            "evaluations_scores": [SCORE],
            "evaluations_samples": [{"evaluation_id": "e", "model_id": "a"}],
        },
        {
            "evaluations_scores": [SCORE],
            "evaluations_samples": [
                {"evaluation_id": "e", "model_id": "b"},
                {"evaluation_id": "f", "model_id": "a"},
            ],
        },
        2,
    ),
    "assert_seen_items_are_in_no_suite": (
        {
            "evaluations_samples": [
                {"evaluation_id": "e", "suite": "exact", "item_id": "mine/2"},
                {"evaluation_id": "e", "suite": "contamination", "item_id": "exact/mine/1"},
                {"evaluation_id": "f", "suite": "exact", "item_id": "mine/1"},
            ]
        },
        {
            "evaluations_samples": [
                {"evaluation_id": "e", "suite": "exact", "item_id": "mine/1"},
                {"evaluation_id": "e", "suite": "contamination", "item_id": "exact/mine/1"},
            ]
        },
        1,
    ),
    "assert_verdicts_have_reasons": (
        {
            "adapters_versions": [{"adapter_id": "a"}],
            "evaluations_verdicts": [{"adapter_id": "a", "reasons": ["better"]}],
        },
        {
            "adapters_versions": [{"adapter_id": "a"}],
            "evaluations_verdicts": [
                {"adapter_id": "a", "evaluation_id": "e"},
                {"adapter_id": "b", "evaluation_id": "f", "reasons": ["better"]},
            ],
        },
        2,
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
                },
                {
                    **KEPT,
                    "revision": "called",
                    "messages": talk("user", "assistant", "tool", "tool", "assistant"),
                },
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
            "self_chats_dialogues": [{"dialogue_id": "s", "parents": ["d"]}],
        },
        {
            "cleaned_dialogues": [KEPT],
            "self_chats_dialogues": [{"dialogue_id": "s", "parents": ["nobody"]}],
        },
        1,
    ),
    "assert_no_stopped_self_chat_is_kept": (
        {
            "self_chats_sessions": [
                {"session_id": "good", "state": "done"},
                {"session_id": "bad", "state": "paused"},
            ],
            "self_chats_dialogues": [{"dialogue_id": "s", "session_id": "good"}],
        },
        {
            "self_chats_sessions": [{"session_id": "bad", "state": "paused"}],
            "self_chats_dialogues": [
                {"dialogue_id": "s", "session_id": "bad"},
                {"dialogue_id": "r", "session_id": "killed"},
            ],
            "self_chats_preferences": [{"dialogue_id": "s", "session_id": "bad"}],
        },
        3,
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
    "assert_every_candidate_is_accounted_for": (
        {
            "cleaned_dialogues": [
                {**KEPT, "consent": "granted"},
                {**KEPT, "dialogue_id": "e", "revision": "w", "split": "test"},
            ],
            "self_chats_dialogues": [{"dialogue_id": "s", "revision": "s", "parents": ["d"]}],
            "cleaned_preferences": [CHOICE],
            "adapters_training_sets": [
                {**TAKEN, "dialogue_id": "d", "revision": "v"},
                {**TAKEN, "dialogue_id": "d", "revision": "v", "position": 1},
                {**TAKEN, "source_table": "primer", "role": "replay", "position": 2},
            ],
            "adapters_left_out": [
                {**LEFT, "dialogue_id": "e", "revision": "w"},
                {
                    **LEFT,
                    "source_table": "self_chats_dialogues",
                    "dialogue_id": "s",
                    "revision": "s",
                },
            ],
        },
        {
            "cleaned_dialogues": [
                KEPT,
                {**KEPT, "dialogue_id": "lost", "revision": "lost"},
                {**KEPT, "dialogue_id": "two reasons", "revision": "w"},
            ],
            "self_chats_dialogues": [{"dialogue_id": "s", "revision": "s", "parents": ["d"]}],
            "adapters_training_sets": [{**TAKEN, "dialogue_id": "d", "revision": "v"}],
            "adapters_left_out": [
                {**LEFT, "dialogue_id": "d", "revision": "v"},
                {**LEFT, "dialogue_id": "two reasons", "revision": "w"},
                {**LEFT, "dialogue_id": "two reasons", "revision": "w", "reason": "in_suite"},
            ],
        },
        4,
    ),
    "assert_no_training_without_consent": (
        {
            "cleaned_dialogues": [
                {**KEPT, "consent": "granted"},
                {**KEPT, "dialogue_id": "kept to himself", "revision": "w", "consent": "explore"},
            ],
            "self_chats_dialogues": [{"dialogue_id": "s", "parents": ["d"]}],
            "adapters_training_sets": [
                {"dialogue_id": "d", "source_table": "cleaned_dialogues"},
                {"dialogue_id": "s", "source_table": "self_chats_dialogues", "position": 1},
                {"dialogue_id": "", "source_table": "primer", "position": 2},
            ],
        },
        {
            "cleaned_dialogues": [{**KEPT, "consent": "explore"}],
            "self_chats_dialogues": [{"dialogue_id": "s", "parents": ["d"]}],
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
            "deployments_history": [
                {"evaluation_id": "e", "adapter_id": "a", "share": None},
                {"deployment_id": "1", "evaluation_id": "e", "adapter_id": "a", "share": 0.1},
                {"deployment_id": "2", "evaluation_id": "", "adapter_id": "a", "share": 0.0},
            ],
        },
        {
            "evaluations_verdicts": [{"evaluation_id": "e", "passed": False}],
            "deployments_history": [
                {"evaluation_id": "e", "share": None},
                {"evaluation_id": "none", "share": None},
                {"evaluation_id": "", "adapter_id": "a", "share": 0.1},
            ],
        },
        3,
    ),
    "assert_every_request_is_answered_for": (
        {
            "raw_records": [LOGGED, {**LOGGED, "record_id": "s", "file": "other.jsonl"}],
            "cleaned_dialogues": [{**KEPT, "record_id": "g", "messages": ASKED}],
            "deployments_answers": [
                {"answer_id": "1", "conversation_id": "c", "asked_at": NINE},
                {"answer_id": "2", "conversation_id": "c", "asked_at": TEN},
            ],
        },
        {
            "raw_records": [LOGGED, {**LOGGED, "record_id": "h", "conversation_id": "lost"}],
            "cleaned_dialogues": [{**KEPT, "record_id": "g", "messages": ASKED}],
            "deployments_answers": [{"answer_id": "1", "conversation_id": "c", "asked_at": NINE}],
        },
        3,
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


# --- a day's records, and the day's cleaning ----------------------------------------------------

ACCOUNTED = "assert_every_record_is_accounted_for"
DAY = date(2026, 1, 1)


def clean_to_nothing(lake: Lake) -> None:
    lake.replace("cleaned_dialogues", [], day=DAY, made_from="1" * 32, by=Provenance("test"))


def test_a_day_that_is_not_cleaned_yet_waits(lake: Lake, fill: Any) -> None:
    fill("raw_records", {"record_id": "r"}, {"record_id": "other", "day": date(2026, 1, 2)})
    fill("cleaned_dialogues", KEPT)

    assert [] == query.offending(lake, ACCOUNTED)


def test_a_cleaned_day_without_any_row_is_objected_to(lake: Lake, fill: Any) -> None:
    fill("raw_records", {"record_id": "r"}, {"record_id": "s"})
    clean_to_nothing(lake)

    assert [{"day": DAY, "record_id": n, "fates": 0} for n in "rs"] == sorted(
        query.offending(lake, ACCOUNTED), key=lambda row: row["record_id"]
    )


def test_a_day_read_again_since_it_was_cleaned_waits(lake: Lake, fill: Any) -> None:
    fill("raw_records", {"record_id": "r"})
    fill("cleaned_dialogues", KEPT)
    fill("raw_records", {"record_id": "r"}, {"record_id": "new"})

    assert [] == query.offending(lake, ACCOUNTED)


@pytest.mark.parametrize("name", sql.names("checks"))
def test_a_check_names_its_asset_and_says_what_it_returns(name: str) -> None:
    first, second = sql.read(f"checks/{name}").splitlines()[:2]

    assert first.startswith("-- asset: ")
    assert "returns" in second


# --- what a training set considered -------------------------------------------------------------

CONSIDERED = "assert_every_candidate_is_accounted_for"


def test_what_came_after_a_set_was_frozen_was_no_candidate_of_it(lake: Lake, fill: Any) -> None:
    fill("cleaned_dialogues", KEPT)
    fill("adapters_training_sets", {**TAKEN, "dialogue_id": "x", "frozen_at": datetime.now(UTC)})
    fill("cleaned_dialogues", KEPT)

    assert [] == query.offending(lake, CONSIDERED)


def test_a_set_of_choices_considers_choices_alone(lake: Lake, fill: Any) -> None:
    fill("cleaned_dialogues", KEPT)
    fill("cleaned_preferences", CHOICE, {**CHOICE, "preference_id": "lost"})
    pair = {**TAKEN, "source_table": "cleaned_preferences", "role": "preference"}
    fill("adapters_training_sets", {**pair, "dialogue_id": "p"})

    assert ["lost"] == [row["dialogue_id"] for row in query.offending(lake, CONSIDERED)]


# --- what the gateway answered ------------------------------------------------------------------

ANSWERED = "assert_every_request_is_answered_for"


def test_a_day_whose_log_was_not_taken_in_yet_waits(lake: Lake, fill: Any) -> None:
    fill("raw_records", LOGGED)
    not_yet = query.offending(lake, ANSWERED)
    fill("deployments_answers", {"conversation_id": "another", "answer_id": "1"})
    lost = query.offending(lake, ANSWERED)
    fill("raw_records", LOGGED)

    assert ([], ["conversation"]) == (not_yet, [row["what"] for row in lost])
    assert [] == query.offending(lake, ANSWERED)


def test_a_day_that_was_taken_in_without_any_row_is_objected_to(lake: Lake, fill: Any) -> None:
    fill("raw_records", LOGGED)
    lake.replace("deployments_answers", [], day=DAY, made_from="1" * 32, by=Provenance("test"))

    assert ["c"] == [row["conversation_id"] for row in query.offending(lake, ANSWERED)]


def test_who_was_forgotten_is_missed_by_nobody(lake: Lake, fill: Any) -> None:
    fill("raw_records", LOGGED)
    fill("embeddings_forgotten", {"user_id": "vera", "kind": "everything"})
    fill("deployments_answers", {"conversation_id": "another", "answer_id": "1"})

    assert [] == query.offending(lake, ANSWERED)


@pytest.mark.parametrize(
    ("until", "missed"),
    [(NINE, [("answer", "2"), ("question", "")]), (TEN, []), (None, [])],
)
def test_who_was_forgotten_is_missed_for_what_they_asked_since(
    lake: Lake, fill: Any, until: datetime | None, missed: list[tuple[str, str]]
) -> None:
    fill("raw_records", LOGGED)
    fill("cleaned_dialogues", {**KEPT, "record_id": "g", "messages": ASKED})
    word = {"user_id": "vera", "kind": "everything", "forgotten_at": until}
    fill("embeddings_forgotten", word)
    fill("deployments_answers", {"conversation_id": "another", "answer_id": "1"})

    found = query.offending(lake, ANSWERED)

    assert missed == sorted((row["what"], row["answer_id"]) for row in found)
