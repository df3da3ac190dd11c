"""Staging and marts: given rows, expected rows."""

import json
import re
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from math import hypot, sqrt
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import sql
from assets import adapters
from assets.fingerprints import OWN_ANSWERS
from lake import query
from lake.tables import Lake
from models import execution, recipes
from models.evaluation.statistics import wilson
from models.registry import ModelVersion
from models.testing import tiny_base
from models.training.request import TrainRequest

DAY, NEXT = date(2026, 1, 1), date(2026, 1, 2)


def talk(*contents: str) -> list[dict[str, Any]]:
    roles = ("user", "assistant")
    return [
        {"message_id": "", "role": roles[n % 2], "content": c, "created_at": None}
        for n, c in enumerate(contents)
    ]


def test_the_newest_revision_is_the_dialogue(lake: Lake, fill: Any) -> None:
    fill(
        "cleaned_dialogues",
        {"dialogue_id": "d", "revision": "old", "turns": 1},
        {"dialogue_id": "d", "revision": "new", "turns": 2, "day": NEXT},
        {"dialogue_id": "e", "revision": "only", "turns": 1},
    )

    found = query.ask(lake, "select dialogue_id, revision from stg_dialogues order by 1")

    assert [("d", "new"), ("e", "only")] == [tuple(r.values()) for r in found]


def test_of_near_duplicates_the_best_is_shown(lake: Lake, fill: Any) -> None:
    fill(
        "cleaned_dialogues",
        {"dialogue_id": "first", "cluster_id": "first", "quality": 0.4},
        {"dialogue_id": "better", "cluster_id": "first", "quality": 0.6, "day": NEXT},
        {"dialogue_id": "alone", "cluster_id": "alone", "quality": 0.1},
    )

    found = query.ask(lake, "select dialogue_id from stg_dialogues order by 1")

    assert ["alone", "better"] == [row["dialogue_id"] for row in found]


def test_what_was_read_counts_in_the_newest_granted_revision_alone(lake: Lake, fill: Any) -> None:
    fill(
        "cleaned_dialogues",
        {"dialogue_id": "d", "revision": "old", "turns": 1, "consent": "granted"},
        {"dialogue_id": "d", "revision": "new", "turns": 2, "consent": "granted", "day": NEXT},
        {"dialogue_id": "e", "revision": "only", "consent": "explore"},
        {"dialogue_id": "f", "revision": "same", "consent": None, "cluster_id": "d"},
    )
    fill(
        "embeddings_observations",
        {"dialogue_id": "d", "revision": "old", "text": "a"},
        {"dialogue_id": "d", "revision": "new", "text": "b", "day": NEXT},
        {"dialogue_id": "d", "revision": "new", "position": 1, "reason": "question", "day": NEXT},
        {"dialogue_id": "e", "revision": "only", "text": "c"},
        {"dialogue_id": "f", "revision": "same", "text": "d"},
    )

    found = query.ask(lake, "select text from stg_observations order by 1")

    assert ["b", "d"] == [row["text"] for row in found]


def test_everybody_who_speaks_is_a_person_once(lake: Lake, fill: Any) -> None:
    fill(
        "cleaned_dialogues",
        {"dialogue_id": "a", "user_id": "me", "consent": "granted"},
        {
            "dialogue_id": "b",
            "user_id": "me",
            "participants": ["me", "anya"],
            "consent": "explore",
            "cluster_id": "b",
            "day": NEXT,
        },
    )

    found = query.ask(lake, "from stg_people")

    assert [
        ("me", 2, 1, "mixed", DAY, NEXT),
        ("anya", 1, 0, "explore", NEXT, NEXT),
    ] == [tuple(r.values()) for r in found]


def test_a_dialogue_lasts_from_its_first_message_to_its_last(lake: Lake, fill: Any) -> None:
    first, last = datetime(2026, 1, 1, 9, tzinfo=UTC), datetime(2026, 1, 1, 11, tzinfo=UTC)
    times = (last, None, first)
    said = [{**m, "created_at": t} for m, t in zip(talk("а", "б", "в"), times, strict=True)]
    fill("cleaned_dialogues", {"dialogue_id": "d", "messages": said}, {"dialogue_id": "e"})

    found = query.ask(lake, "select began_at, ended_at from stg_dialogues order by dialogue_id")

    assert [(first, last), (None, None)] == [tuple(r.values()) for r in found]


def test_forms_of_a_word_are_one_word_and_function_words_none(lake: Lake, fill: Any) -> None:
    fill(
        "cleaned_dialogues",
        {"dialogue_id": "a", "messages": talk("Расскажи мне про собак!", "Собаки лают.")},
        {"dialogue_id": "b", "messages": talk("Как зовут собаку? Собака, собака!", "Буран.")},
        {"dialogue_id": "c", "messages": talk("Собаку зовут [имя 1], email [почта 1]", "Да.")},
    )

    found = query.ask(lake, "select dialogue_id, word from stg_words order by all")

    assert [
        ("a", "собаку"),
        ("b", "зовут"),
        ("b", "собаку"),
        ("c", "email"),
        ("c", "зовут"),
        ("c", "собаку"),
    ] == [tuple(r.values()) for r in found]


def test_self_chats_are_kept_or_dropped(lake: Lake, fill: Any) -> None:
    fill("self_chats_dialogues", {"dialogue_id": "a", "method": "two_role"})
    fill("self_chats_dropped", {"dialogue_id": "b", "method": "two_role", "reason": "no_stop"})

    found = query.ask(lake, "select dialogue_id, fate, reason from stg_self_chats order by all")

    assert [("a", "kept", ""), ("b", "dropped", "no_stop")] == [tuple(r.values()) for r in found]


def test_messages_keep_their_order(lake: Lake, fill: Any) -> None:
    fill("cleaned_dialogues", {"dialogue_id": "d", "messages": talk("раз", "два", "три")})

    found = query.ask(lake, "select position, role, content from stg_messages order by position")

    assert [(0, "user", "раз"), (1, "assistant", "два"), (2, "user", "три")] == [
        tuple(r.values()) for r in found
    ]


def test_the_funnel_counts_every_fate(lake: Lake, fill: Any) -> None:
    fill("raw_records", *({"record_id": str(n), "source": "nexus"} for n in range(3)))
    fill("raw_preferences", *({"record_id": n, "source": "pairs"} for n in "pq"))
    fill("raw_quarantined", {"record_id": "q", "reason": "binary"})
    fill("cleaned_dialogues", {"record_id": "0", "source": "nexus"})
    fill("cleaned_preferences", {"record_id": "p", "source": "pairs"})
    fill(
        "cleaned_dropped",
        {"record_id": "1", "grain": "dialogue", "reason": "duplicate"},
        {"record_id": "2", "grain": "dialogue", "reason": "duplicate"},
        {"record_id": "0", "grain": "message", "reason": "trailing_user"},
        {"record_id": "q", "grain": "preference", "reason": "same_answers"},
    )
    fill("self_chats_dropped", {"dialogue_id": "s", "reason": "no_stop"})

    found = query.ask(lake, "select stage, grain, fate, reason, records from cleaning_funnel")

    assert {
        ("raw", "dialogue", "received", "nexus", 3),
        ("raw", "preference", "received", "pairs", 2),
        ("raw", "record", "quarantined", "binary", 1),
        ("cleaned", "dialogue", "kept", "nexus", 1),
        ("cleaned", "dialogue", "dropped", "duplicate", 2),
        ("cleaned", "preference", "kept", "pairs", 1),
        ("cleaned", "preference", "dropped", "same_answers", 1),
        ("self_chats", "dialogue", "dropped", "no_stop", 1),
    } == {tuple(r.values()) for r in found}


def test_the_source_mix_sums_dialogues_by_split(lake: Lake, fill: Any) -> None:
    fill(
        "cleaned_dialogues",
        {"dialogue_id": "a", "source": "nexus", "split": "train", "turns": 1, "characters": 10},
        {"dialogue_id": "b", "source": "nexus", "split": "train", "turns": 2, "characters": 20},
        {"dialogue_id": "c", "source": "nexus", "split": "test", "turns": 1, "characters": 5},
    )

    found = query.ask(lake, "select source, split, dialogues, turns, characters from source_mix")

    assert [("nexus", "test", 1, 1, 5), ("nexus", "train", 2, 3, 30)] == [
        tuple(r.values()) for r in found
    ]


def test_the_leaderboard_shows_the_newest_verdict_of_each_adapter(lake: Lake, fill: Any) -> None:
    late = datetime(2026, 1, 2, tzinfo=UTC)
    fill("adapters_versions", {"adapter_id": "a", "recipe": "quick"}, {"adapter_id": "b"})
    fill(
        "evaluations_verdicts",
        {"evaluation_id": "1", "adapter_id": "a", "passed": False},
        {"evaluation_id": "2", "adapter_id": "a", "passed": True, "decided_at": late},
    )
    fill(
        "evaluations_scores",
        {
            "adapter_id": "a",
            "model_id": "a",
            "suite": "exact",
            "metric": "exact",
            "value": 0.5,
            "n": 8,
        },
        {"adapter_id": "a", "model_id": "base", "suite": "exact", "metric": "exact", "value": 0.9},
    )

    found = query.ask(
        lake, "select adapter_id, passed, exact from adapter_leaderboard order by adapter_id"
    )

    assert [("a", True, "exact 50.0 % of 8"), ("b", None, None)] == [
        tuple(r.values()) for r in found
    ]


def test_a_deployment_ends_when_the_next_begins(lake: Lake, fill: Any) -> None:
    first, second = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC)
    fill(
        "deployments_history",
        {"deployment_id": "1", "served_name": "one", "deployed_at": first},
        {"deployment_id": "2", "served_name": "two", "deployed_at": second},
    )

    found = query.ask(lake, "select served_name, replaced_at from deployment_history")

    assert [("two", None), ("one", second)] == [tuple(r.values()) for r in found]


@pytest.mark.parametrize("folder", ["staging", "marts"])
def test_every_view_states_its_grain_first(folder: str) -> None:
    for name in sql.names(folder):
        assert sql.read(f"{folder}/{name}").startswith("-- one row per ")


def test_every_view_has_its_test() -> None:
    asked = set(re.findall(r"from (\w+)", Path(__file__).read_text(encoding="utf-8")))

    assert [] == [n for n in (*sql.names("staging"), *sql.names("marts")) if n not in asked]


def test_a_conversation_has_the_cluster_that_its_dialogue_is_or_repeats(
    lake: Lake, fill: Any
) -> None:
    about = {"source": "oasst", "conversation_id": "kept"}
    fill(
        "raw_records",
        {"record_id": "r", **about},
        {"record_id": "s", **about, "conversation_id": "repeats"},
        {"record_id": "t", **about, "conversation_id": "too short"},
    )
    fill("cleaned_dialogues", {"record_id": "r", **about, "cluster_id": "c"})
    fill(
        "cleaned_dropped",
        {"record_id": "s", "grain": "dialogue", "cluster_id": "c"},
        {"record_id": "t", "grain": "dialogue"},
    )

    rows = query.ask(lake, "from stg_conversations order by conversation_id")

    assert [("oasst", "kept", "c"), ("oasst", "repeats", "c")] == [
        (r["source"], r["conversation_id"], r["cluster_id"]) for r in rows
    ]


def test_a_judgement_shows_what_was_gained_and_what_was_lost(lake: Lake, fill: Any) -> None:
    fill(
        "evaluations_verdicts",
        {"evaluation_id": "e", "adapter_id": "new", "improvement": 0.5, "passed": True},
    )
    one = {"evaluation_id": "e", "adapter_id": "new", "suite": "anchor"}
    fill(
        "evaluations_scores",
        {**one, "model_id": "old", "metric": "exact", "value": 0.9},
        {**one, "model_id": "new", "metric": "exact", "value": 0.75},
        {**one, "model_id": "old", "metric": "nats_per_token", "value": 0.1},
        {**one, "model_id": "new", "metric": "nats_per_token", "value": 0.2},
    )

    (row,) = query.ask(lake, "select * from forgetting")

    assert 0.5 == row["improvement"]
    assert pytest.approx((0.15, 0.1)) == (row["forgotten"], row["nats_risen"])


def test_growth_is_told_turn_by_turn(lake: Lake, fill: Any) -> None:
    first, second = (datetime(2026, 1, d, tzinfo=UTC) for d in (1, 2))
    fill(
        "adapters_versions",
        {"adapter_id": "b", "created_at": second},
        {"adapter_id": "a", "created_at": first},
    )
    fill(
        "evaluations_verdicts",
        {"evaluation_id": "e", "adapter_id": "a", "decided_at": first, "improvement": 1.5},
        {"evaluation_id": "p", "adapter_id": "a", "decided_at": second, "decided_by": "person"},
    )
    score = {"evaluation_id": "e", "adapter_id": "a", "model_id": "a", "suite": "exact"}
    fill("evaluations_scores", {**score, "metric": "exact", "value": 0.7})

    found = query.ask(lake, "select turn, adapter_id, exact, improvement from growth_curve")

    assert [(1, "a", 0.7, 1.5), (2, "b", None, None)] == [tuple(r.values()) for r in found]


def test_judges_agree_on_items_not_on_votes(lake: Lake, fill: Any) -> None:
    """People: a majority; a judge that goes by the order says a tie."""
    pair, turned = (
        {"first_model": a, "second_model": b} for a, b in (("old", "new"), ("new", "old"))
    )
    fill(
        "evaluations_comparisons",
        {"item_id": "1", "judge": "people:x", **pair, "choice": "second"},
        {"item_id": "1", "judge": "people:y", **turned, "choice": "first"},
        {"item_id": "1", "judge": "people:z", **pair, "choice": "first"},
        {"item_id": "1", "judge": "m", **pair, "choice": "second"},
        {"item_id": "1", "judge": "m", **turned, "choice": "first"},
        {"item_id": "2", "judge": "people:x", **pair, "choice": "first"},
        {"item_id": "2", "judge": "m", **pair, "choice": "second"},
        {"item_id": "3", "judge": "people:x", **pair, "choice": "tie"},
        {"item_id": "3", "judge": "m", **pair, "choice": "first"},
        {"item_id": "3", "judge": "m", **turned, "choice": "first"},
        {"item_id": "4", "judge": "m", **pair, "choice": None, "text": "garbage"},
    )

    (row,) = query.ask(lake, "select * from judge_agreement")

    assert ("m", "people", 3) == (row["judge"], row["other_judge"], row["items"])
    assert pytest.approx((2 / 3, 1 / 3)) == (row["agreement"], row["opposed"])


def test_a_session_is_seen_beside_those_before_it(lake: Lake, fill: Any) -> None:
    fill(
        "self_chats_sessions",
        {
            "session_id": "a",
            "state": "done",
            "number": 0,
            "begun": 10,
            "kept": 5,
            "distinct_2": 0.6,
        },
        {"session_id": "w", "state": "resumed", "number": 9},
        {
            "session_id": "b",
            "state": "done",
            "number": 1,
            "begun": 10,
            "kept": 4,
            "distinct_2": 0.4,
        },
        {
            "session_id": "c",
            "state": "paused",
            "number": 2,
            "begun": 9,
            "kept": 0,
            "distinct_2": 0.1,
        },
    )

    found = query.ask(lake, "select session_id, kept_share, distinct_2_change from self_chat_drift")

    assert [("a", 0.5, None), ("b", 0.4, -0.2), ("c", 0.0, -0.4)] == [
        tuple(row.values()) for row in found
    ]


def test_a_self_chat_has_every_ancestor(lake: Lake, fill: Any) -> None:
    fill(
        "self_chats_dialogues",
        {"dialogue_id": "child", "parents": ["d", "primer/1"]},
        {"dialogue_id": "grandchild", "parents": ["child"]},
    )
    found = query.ask(lake, "select dialogue_id, ancestor from stg_ancestors order by all")

    assert [
        ("child", "d"),
        ("child", "primer/1"),
        ("grandchild", "child"),
        ("grandchild", "d"),
        ("grandchild", "primer/1"),
    ] == [tuple(r.values()) for r in found]


def test_who_could_teach_is_told_with_the_reason_why_not(lake: Lake, fill: Any) -> None:
    own = {"split": "train", "source": "nexus", "consent": "granted"}
    fill(
        "cleaned_dialogues",
        {**own, "dialogue_id": "a", "revision": "a"},
        {**own, "dialogue_id": "b", "revision": "b", "split": "test"},
        {**own, "dialogue_id": "c", "revision": "c", "consent": "explore"},
        {**own, "dialogue_id": "d", "revision": "d", "source": OWN_ANSWERS},
        {**own, "dialogue_id": "e", "revision": "e"},
    )
    fill("embeddings_duplicates", {"dialogue_id": "e", "revision": "e", "paraphrase_of": "a"})
    fill(
        "self_chats_dialogues",
        {"dialogue_id": "s", "revision": "s", "parents": ["a"], "method": "camel"},
        {"dialogue_id": "t", "revision": "t", "parents": ["c"], "method": "camel"},
        {"dialogue_id": "u", "revision": "u", "parents": ["t"], "method": "camel"},
        {"dialogue_id": "v", "revision": "b", "parents": ["a"], "method": "camel"},
    )
    found = query.ask(
        lake,
        "select dialogue_id, source, reason from stg_training_candidates order by dialogue_id",
    )

    assert [
        ("a", "nexus", ""),
        ("b", "nexus", "held_out"),
        ("c", "nexus", "no_consent"),
        ("d", OWN_ANSWERS, "own_answers"),
        ("e", "nexus", "paraphrase"),
        ("s", "camel", ""),
        ("t", "camel", "no_consent"),
        ("u", "camel", "no_consent"),
        ("v", "camel", "held_out"),
    ] == [tuple(r.values()) for r in found]


def test_a_choice_has_the_split_and_the_consent_of_what_it_grew_from(lake: Lake, fill: Any) -> None:
    fill(
        "cleaned_dialogues",
        {"dialogue_id": "a", "split": "test", "consent": "granted", "cluster_id": "k"},
        {"dialogue_id": "b", "split": "train", "consent": "explore", "user_id": "anya"},
        {"dialogue_id": "c", "split": "train", "consent": "granted", "cluster_id": "m"},
    )
    fill("cleaned_preferences", {"preference_id": "p", "split": "validation", "consent": "granted"})
    fill("self_chats_dialogues", {"dialogue_id": "s", "parents": ["a"]})
    fill(
        "self_chats_preferences",
        {"preference_id": "q", "parents": ["s"]},
        {"preference_id": "r", "parents": ["b"]},
        {"preference_id": "t", "dialogue_id": "c"},
        {"preference_id": "u", "parents": ["primer/1"], "user_id": "anya"},
    )
    found = query.ask(
        lake,
        "select preference_id, split, family, reason from stg_preferences order by preference_id",
    )

    assert [
        ("p", "validation", None, ""),
        ("q", "test", "k", ""),
        ("r", None, "b", "no_consent"),
        ("t", None, "m", ""),
        ("u", None, "primer/1", "no_consent"),
    ] == [tuple(r.values()) for r in found]


def test_only_an_adapter_that_may_be_served_has_been_taught(lake: Lake, fill: Any) -> None:
    first, second = (datetime(2026, 1, d, tzinfo=UTC) for d in (1, 2))
    fill(
        "adapters_versions",
        *({"adapter_id": n, "base_id": "b", "training_set_id": n} for n in ("in", "out", "new")),
    )
    fill(
        "adapters_training_sets",
        *(
            {"training_set_id": n, "dialogue_id": n, "source_table": "cleaned_dialogues"}
            for n in ("in", "out", "new")
        ),
        {"training_set_id": "in", "position": 1, "source_table": "primer"},
    )
    fill(
        "evaluations_verdicts",
        {"evaluation_id": "1", "adapter_id": "in", "passed": True, "decided_at": first},
        {"evaluation_id": "2", "adapter_id": "out", "passed": True, "decided_at": first},
        {"evaluation_id": "3", "adapter_id": "out", "passed": False, "decided_at": second},
    )
    found = query.ask(lake, "select base_id, adapter_id, dialogue_id from stg_taught")

    assert [("b", "in", "in")] == [tuple(r.values()) for r in found]


def test_what_an_adapter_was_taught_is_one_row(lake: Lake, fill: Any) -> None:
    taught = {"training_set_id": "t", "source_table": "cleaned_dialogues"}
    fill("adapters_versions", {"adapter_id": "a", "base_id": "b", "training_set_id": "t"})
    fill(
        "adapters_training_sets",
        {**taught, "dialogue_id": "2", "revision": "s"},
        {**taught, "dialogue_id": "1", "revision": "r", "position": 1},
    )
    fill("evaluations_verdicts", {"evaluation_id": "1", "adapter_id": "a", "passed": True})
    found = query.ask(lake, "select adapter_id, revisions from stg_taught_revisions")

    assert [("a", ["r", "s"])] == [tuple(r.values()) for r in found]


def test_who_may_not_teach_is_told_without_its_words(lake: Lake, fill: Any) -> None:
    own = {"split": "train", "source": "nexus", "consent": "granted"}
    fill(
        "cleaned_dialogues",
        {**own, "dialogue_id": "a", "revision": "a"},
        {**own, "dialogue_id": "b", "revision": "b", "split": "test"},
    )
    found = query.ask(lake, "from stg_training_refused")

    assert [("cleaned_dialogues", "b", "b", "nexus", "held_out")] == [
        tuple(r.values()) for r in found
    ]


def test_training_sets_are_counted_with_the_adapter_they_made(lake: Lake, fill: Any) -> None:
    row = {"training_set_id": "t", "tokens": 10, "weight": 2.0}
    fill(
        "adapters_training_sets",
        {**row, "role": "new"},
        {**row, "role": "self", "position": 1, "ancestry_depth": 2},
        {**row, "role": "preference", "position": 2},
    )
    fill("adapters_left_out", *({"training_set_id": "t", "dialogue_id": n} for n in "ab"))
    fill("adapters_versions", {"adapter_id": "a", "training_set_id": "t"})

    (found,) = query.ask(
        lake,
        "select adapter_id, rows, new, self_chats, preferences, left_out, tokens_told, deepest "
        "from training_sets",
    )

    assert ("a", 3, 1, 1, 1, 2, 60.0, 2) == tuple(found.values())


def test_an_adapter_costs_its_talking_its_learning_and_its_judging(lake: Lake, fill: Any) -> None:
    """Talks of another day, and of a set that is another adapter's, are no cost of it."""
    fill(
        "self_chats_dialogues",
        {"dialogue_id": "s", "tokens": 10, "seconds": 1.0},
        {"dialogue_id": "unused", "tokens": 20, "seconds": 2.0},
        {"dialogue_id": "by choice", "tokens": 40, "seconds": 4.0, "day": NEXT},
        {"dialogue_id": "elsewhere", "tokens": 900, "day": date(2026, 1, 3)},
    )
    fill("self_chats_dropped", {"dialogue_id": "d", "tokens": 5, "seconds": 0.5})
    fill("self_chats_preferences", {"preference_id": "p", "dialogue_id": "by choice"})
    taught = {"training_set_id": "t", "source_table": "self_chats_dialogues"}
    fill(
        "adapters_training_sets",
        {**taught, "dialogue_id": "s"},
        {**taught, "dialogue_id": "s", "position": 1},
        {
            **taught,
            "dialogue_id": "p",
            "source_table": "self_chats_preferences",
            "position": 2,
        },
    )
    fill(
        "adapters_versions",
        {
            "adapter_id": "a",
            "training_set_id": "t",
            "tokens": 100,
            "seconds": 8.0,
            "cpu_seconds": 9.0,
            "energy_joules": 50.0,
            "device": "NVIDIA H100 80GB HBM3",
        },
    )
    fill(
        "evaluations_verdicts",
        {"evaluation_id": "1", "adapter_id": "a", "tokens": 7, "seconds": 2.0, "cpu_seconds": 3.0},
        {"evaluation_id": "2", "adapter_id": "a", "tokens": 7, "seconds": 2.0, "cpu_seconds": 3.0},
        {"evaluation_id": "3", "adapter_id": "a", "decided_by": "person", "seconds": 99.0},
    )
    found = query.ask(lake, "select * exclude (adapter_id) from adapter_cost")

    assert [
        ("self_chats", 50, 5.0, None, None, None, 75, 7.5),
        ("adapters", 100, 8.0, 9.0, 8.0, 50.0, None, None),
        ("evaluations", 14, 4.0, 6.0, None, None, None, None),
    ] == [tuple(r.values()) for r in found]


def trained_row(folder: Path, *, processes: int = 1) -> dict[str, Any]:
    """Train on a tiny base; return the row that `adapters_versions` gets of it."""
    base, rows = tiny_base(folder / "base"), folder / "rows.jsonl"
    told = [{"role": "user", "content": "Где я?"}, {"role": "assistant", "content": "Дома."}]
    rows.write_text(json.dumps({"messages": told, "role": "new", "weight": 3.0}), encoding="utf-8")
    quick = recipes.load("quick")
    few = {**quick.training.model_dump(), "max_steps": 1}
    request = TrainRequest(
        base_path=str(base),
        base_id="tiny",
        base_model="tiny",
        recipe={**quick.model_dump(mode="json"), "training": few},
        rows_path=str(rows),
        adapters_dir=str(folder / "adapters"),
        training_set_id="t",
        processes=processes,
    )
    report = execution.run(request, lambda _: None, execution.Conditions())
    planned: Any = SimpleNamespace(recipe=quick, training_set_id="t")
    return adapters._row(report.as_dict(), planned, ModelVersion("run", "1"))


@pytest.mark.parametrize(
    ("name", "processes", "share"),
    [("cpu", 1, 0.0), ("NVIDIA H100 80GB HBM3", 1, 1.0), ("NVIDIA H100 80GB HBM3", 2, 2.0)],
)
def test_every_gpu_of_a_training_is_paid_for_and_a_cpu_is_none(
    lake: Lake,
    fill: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    processes: int,
    share: float,
) -> None:
    """The row is a real training's; only the name of the device is another machine's."""
    monkeypatch.setattr(execution, "device_name", lambda: name)
    row = trained_row(tmp_path, processes=processes)
    fill("adapters_versions", row)
    found = query.ask(lake, "select gpu_seconds from adapter_cost")

    assert row["seconds"] > 0
    assert [share * row["seconds"]] == [r["gpu_seconds"] for r in found]


def test_what_no_device_tells_is_null(lake: Lake, fill: Any) -> None:
    fill(
        "adapters_versions",
        {"adapter_id": "a", "device": "", "energy_joules": None},
        {"adapter_id": "b", "device": None, "seconds": 2.0},
    )
    found = query.ask(
        lake,
        "select adapter_id, gpu_seconds, energy_joules from adapter_cost order by adapter_id",
    )

    assert [("a", None, None), ("b", None, 0.0)] == [tuple(r.values()) for r in found]


def test_an_adapter_was_taught_by_its_own_set_and_by_those_it_learned_on_from(
    lake: Lake, fill: Any
) -> None:
    fill(
        "adapters_versions",
        {"adapter_id": "a", "training_set_id": "1"},
        {"adapter_id": "b", "training_set_id": "2", "parent_adapter_id": "a"},
        {"adapter_id": "c", "training_set_id": "3", "parent_adapter_id": "b"},
    )

    found = query.ask(lake, "from stg_adapter_families order by all")

    assert ["a1", "b1", "b2", "c1", "c2", "c3"] == ["".join(row.values()) for row in found]


def test_who_learned_from_a_day_of_self_chat_is_told_with_who_grew_from_them(
    lake: Lake, fill: Any
) -> None:
    fill(
        "self_chats_dialogues",
        {"dialogue_id": "s", "session_id": "x"},
        {"dialogue_id": "night", "session_id": ""},
    )
    fill(
        "adapters_training_sets",
        *(
            {"training_set_id": n, "dialogue_id": d, "source_table": "self_chats_dialogues"}
            for n, d in (("1", "s"), ("2", "night"))
        ),
    )
    fill(
        "adapters_versions",
        {"adapter_id": "a", "training_set_id": "1", "parent_adapter_id": ""},
        {"adapter_id": "b", "training_set_id": "3", "parent_adapter_id": "a"},
        {"adapter_id": "c", "training_set_id": "2", "parent_adapter_id": ""},
    )

    found = query.ask(lake, "select adapter_id from stg_self_chat_pupils order by all")

    assert ["a", "b"] == [row["adapter_id"] for row in found]


# --- what was answered --------------------------------------------------------------------------

OLD, NEW = "steppe@aaaaaaaaaaaa", "steppe@bbbbbbbbbbbb"
BEGAN, ENDED = datetime(2026, 1, 2, tzinfo=UTC), datetime(2026, 1, 3, tzinfo=UTC)
HISTORY = (
    {
        "deployment_id": "reign",
        "served_name": OLD,
        "adapter_id": "a" * 32,
        "share": None,
        "deployed_at": datetime(2026, 1, 1, tzinfo=UTC),
    },
    {
        "deployment_id": "trial",
        "served_name": NEW,
        "adapter_id": "b" * 32,
        "from_adapter_id": "a" * 32,
        "share": 0.5,
        "deployed_at": BEGAN,
    },
    {
        "deployment_id": "end",
        "served_name": NEW,
        "adapter_id": "b" * 32,
        "from_adapter_id": "a" * 32,
        "share": 0.0,
        "deployed_at": ENDED,
    },
)


def answer(name: str, served: str = OLD, minutes: int = 5, **columns: Any) -> dict[str, Any]:
    """Return a row of `deployments_answers`, so many minutes after the canary began."""
    return {
        "answer_id": name,
        "served_name": served,
        "user_id": "vera",
        "dialogue_id": "d",
        "finish": "stop",
        "asked_at": BEGAN + timedelta(minutes=minutes),
        **columns,
    }


def test_an_answer_belongs_to_the_deployment_of_its_moment(lake: Lake, fill: Any) -> None:
    day = 24 * 60
    fill("deployments_history", *HISTORY)
    fill(
        "deployments_answers",
        answer("a", "base", minutes=-3 * day),
        answer("b", OLD, minutes=-day),
        answer("c", OLD, minutes=1),
        answer("d", NEW, minutes=1),
        answer("e", NEW, minutes=day),
        answer("f", "base", minutes=1),
        answer("g", OLD, asked_at=None),
        answer("h", OLD, minutes=day),
    )

    found = query.ask(lake, "select answer_id, role, deployment_id from stg_requests order by 1")

    assert [
        ("a", "champion", ""),
        ("b", "champion", "reign"),
        ("c", "champion", "reign"),
        ("d", "canary", "trial"),
        ("e", "by_name", ""),
        ("f", "by_name", ""),
        ("g", "by_name", ""),
        ("h", "champion", "reign"),
    ] == [tuple(row.values()) for row in found]


def test_a_canary_lasts_until_any_later_change(lake: Lake, fill: Any) -> None:
    again = {"deployment_id": "again", "share": 0.1, "from_adapter_id": "", "served_name": NEW}
    fill("deployments_history", *HISTORY, {**again, "deployed_at": ENDED + timedelta(days=1)})

    found = query.ask(
        lake, "select canary_id, challenger, champion, ended_at from stg_canaries order by began_at"
    )

    assert [("trial", NEW, OLD, ENDED), ("again", NEW, "base", None)] == [
        tuple(row.values()) for row in found
    ]


def judgement(name: str, origin: str, hours: int, **columns: Any) -> dict[str, Any]:
    """Return a row of `self_chats_preferences`, as feedback becomes one."""
    decided_at = BEGAN + timedelta(hours=hours)
    row = {"preference_id": name, "origin": origin, "chosen": "да", "decided_at": decided_at}
    return {**row, **columns}


def test_of_several_judgements_on_an_answer_the_last_one_counts(lake: Lake, fill: Any) -> None:
    fill(
        "self_chats_preferences",
        judgement("1", "thumb", 1, answer_id="a"),
        judgement("2", "thumb", 2, answer_id="a", chosen="", rejected="да"),
        judgement("3", "edit", 1, answer_id="b"),
        judgement("4", "regeneration", 3, answer_id="b", rejected_answer_id="a"),
        judgement("5", "regeneration", 1, answer_id="c", rejected_answer_id=""),
        judgement("6", "critique", 9, answer_id=""),
        judgement("7", "thumb", 9, answer_id=None),
    )

    found = query.ask(lake, "from stg_judgements order by answer_id")

    assert [
        ("a", 1, 1, 0, 0, 1, False),
        ("b", 0, 0, 1, 1, 0, True),
        ("c", 0, 0, 0, 1, 0, True),
    ] == [tuple(row.values()) for row in found]


def test_what_an_adapter_answered_is_counted_by_its_role(lake: Lake, fill: Any) -> None:
    fill("deployments_history", *HISTORY)
    took = {"completion_tokens": 10, "seconds": 2.0, "first_seconds": 0.5}
    fill(
        "deployments_answers",
        answer("a", NEW, **took, memories=["m"]),
        answer("b", NEW, user_id="ivan", dialogue_id="e", **{**took, "seconds": 3.0}),
        answer("c", NEW, finish="length", **{**took, "seconds": 5.0}),
        answer("d", NEW, finish="cut", **{**took, "seconds": 90.0}),
        answer("e", NEW, finish="failed", seconds=0.1),
        answer("f", NEW, finish="unanswered", seconds=None, first_seconds=None),
        answer("g", NEW, cached=True, completion_tokens=None, seconds=0.001, first_seconds=0.001),
        answer("h", OLD, **took),
    )
    fill(
        "self_chats_preferences",
        judgement("1", "thumb", 1, answer_id="a"),
        judgement("2", "thumb", 1, answer_id="b", chosen="", rejected="нет"),
        judgement("3", "regeneration", 1, answer_id="c", rejected_answer_id="h"),
    )

    old, new = query.ask(lake, "from served_answers order by served_name")

    assert [("canary", 2, 2, 7), ("champion", 1, 1, 1)] == [
        (row["role"], row["people"], row["conversations"], row["answers"]) for row in (new, old)
    ]
    ended = [new[n] for n in ("whole", "too_long", "cut", "failed", "unanswered", "cached")]
    assert [3, 1, 1, 1, 1, 1] == ended
    assert 1 == new["with_memories"]
    said = ("thumbs_up", "thumbs_down", "edits", "regenerations_won", "regenerations_lost")
    assert ([1, 1, 0, 1, 0], [0, 0, 0, 0, 1]) == tuple([row[n] for n in said] for row in (new, old))
    right = wilson(2, 3)
    assert pytest.approx((right.value, right.low, right.high)) == tuple(
        new[n] for n in ("good", "good_low", "good_high")
    )
    assert (0.0, 0.0) == (old["good"], old["good_low"])
    assert pytest.approx(wilson(0, 1).high) == old["good_high"]
    assert pytest.approx((3.0, 4.8, 0.5, 30 / 10)) == tuple(
        new[n] for n in ("seconds_p50", "seconds_p95", "first_seconds_p50", "tokens_per_second")
    )


def test_who_was_judged_by_nobody_has_no_share(lake: Lake, fill: Any) -> None:
    fill("deployments_answers", answer("a", "base", seconds=None, first_seconds=None))

    (row,) = query.ask(lake, "from served_answers")

    unknown = ("good", "good_low", "good_high", "seconds_p50", "tokens_per_second")
    assert [None] * 5 == [row[name] for name in unknown]


def test_a_deployment_shows_what_was_answered_by_it(lake: Lake, fill: Any) -> None:
    fill("deployments_history", *HISTORY)
    fill("deployments_answers", answer("a"), answer("b", user_id="ivan"), answer("c", NEW))
    fill("self_chats_preferences", judgement("1", "thumb", 1, answer_id="a"))

    found = query.ask(
        lake,
        "select served_name, share, replaced_at, people, answers, judged, good "
        "from deployment_history",
    )

    assert [
        (NEW, 0.0, None, 0, 0, 0, None),
        (NEW, 0.5, ENDED, 1, 1, 0, None),
        (OLD, None, None, 2, 2, 1, 1.0),
    ] == [tuple(row.values()) for row in found]


def wilson_of(share: float, n: float) -> tuple[float, float]:
    """Return Wilson's interval of a share of n answers, whole or not."""
    z = 1.959963984540054
    centre, scale = share + z * z / (2 * n), 1 + z * z / n
    half = z * sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return (centre - half) / scale, (centre + half) / scale


def judged_answers(
    side: str, people: Sequence[tuple[int, int]]
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return answers of an adapter to people, (found good, of so many) each, and the judgements."""
    answers, judgements = [], []
    for person, (held, of) in enumerate(people):
        for number in range(of):
            name = f"{side}/{person}/{number}"
            answers.append(answer(name, side, user_id=f"{side}/{person}"))
            words = {} if number < held else {"chosen": "", "rejected": "нет"}
            judgements.append(judgement(name, "thumb", 1, answer_id=name, **words))
    return answers, judgements


def measures(lake: Lake) -> dict[str, dict[str, Any]]:
    return {row["measure"]: row for row in query.ask(lake, "from canary")}


def compare(lake: Lake, fill: Any, challenger: Any, champion: Any) -> dict[str, dict[str, Any]]:
    """Return the measures of a canary on which so many answers a person were found good."""
    (a, b), (c, d) = judged_answers(NEW, challenger), judged_answers(OLD, champion)
    fill("deployments_history", *HISTORY)
    fill("deployments_answers", *a, *c)
    fill("self_chats_preferences", *b, *d)
    return measures(lake)


# Weil's litters, (alive, of so many) each, with design effects of 3.953 and 1.232: Rao and Scott
# 1992, table 1.
TREATED = (
    *((12, 12), (11, 11), (10, 10), (9, 9), (10, 11), (9, 10), (9, 10), (8, 9), (8, 9)),
    *((4, 5), (7, 9), (4, 7), (5, 10), (3, 6), (3, 10), (0, 7)),
)
CONTROL = (
    *((13, 13), (12, 12), (9, 9), (9, 9), (8, 8), (8, 8), (12, 13), (11, 12), (9, 10), (9, 10)),
    *((8, 9), (11, 13), (4, 5), (5, 7), (7, 10), (7, 10)),
)


def test_a_canary_is_told_with_the_interval_of_the_difference(lake: Lake, fill: Any) -> None:
    """Litters for people, pups for answers: what one person gets is alike."""
    row = compare(lake, fill, TREATED, CONTROL)["good"]

    assert (16, 145, 16, 158) == tuple(
        row[n] for n in ("challenger_people", "challenger_n", "champion_people", "champion_n")
    )
    assert pytest.approx((112 / 145, 142 / 158)) == (row["challenger_share"], row["champion_share"])
    one, other = wilson_of(112 / 145, 145 / 3.952861), wilson_of(142 / 158, 158 / 1.232495)
    difference = 112 / 145 - 142 / 158
    low = difference - hypot(112 / 145 - one[0], other[1] - 142 / 158)
    high = difference + hypot(one[1] - 112 / 145, 142 / 158 - other[0])
    assert pytest.approx((difference, low, high), abs=1e-6) == (
        row["difference"],
        row["low"],
        row["high"],
    )
    assert high < 0
    assert "worse" == row["word"]


def test_the_interval_is_newcombes_where_each_person_has_one_answer(lake: Lake, fill: Any) -> None:
    """56 of 70 and 48 of 80: .2000 [.0524, .3339] (Newcombe 1998, table II); people are n - 1."""
    one = [(1, 1)] * 56 + [(0, 1)] * 14
    other = [(1, 1)] * 48 + [(0, 1)] * 32

    row = compare(lake, fill, one, other)["good"]

    assert pytest.approx((0.2, 0.0524, 0.3339), abs=2e-3) == (
        row["difference"],
        row["low"],
        row["high"],
    )
    assert "better" == row["word"]


def test_a_worse_canary_is_told_and_so_is_one_that_fails(lake: Lake, fill: Any) -> None:
    (a, _), (b, _) = judged_answers(NEW, [(0, 4)] * 6), judged_answers(OLD, [(0, 4)] * 6)
    failing = [{**row, "finish": "failed" if n % 4 else "stop"} for n, row in enumerate(a)]
    fill("deployments_history", *HISTORY)
    fill("deployments_answers", *failing, *b)

    found = measures(lake)

    assert {"whole": "worse", "failed": "worse", "cut": "not told apart", "good": "too few"} == {
        name: found[name]["word"] for name in ("whole", "failed", "cut", "good")
    }
    assert pytest.approx(-0.75) == found["whole"]["difference"]


def test_slow_is_slower_than_the_median_of_both_sides(lake: Lake, fill: Any) -> None:
    """The challenger's answers take 2 s, the champion's 1 s; an answer given again counts not."""
    took = {NEW: 2.0, OLD: 1.0}
    rows = [
        answer(f"{side}/{n}", side, user_id=f"{side}/{n}", seconds=seconds, first_seconds=0.1)
        for side, seconds in took.items()
        for n in range(9)
    ]
    fill("deployments_history", *HISTORY)
    fill("deployments_answers", *rows, answer("kept", NEW, cached=True, seconds=0.0))

    found = measures(lake)

    slow, begins = found["slow"], found["slow_to_begin"]
    assert (1.5, 9, 1.0, 0.0, "worse") == tuple(
        slow[n]
        for n in ("than_seconds", "challenger_n", "challenger_share", "champion_share", "word")
    )
    assert (0.1, 0.0, "not told apart") == (
        begins["than_seconds"],
        begins["difference"],
        begins["word"],
    )


@pytest.mark.parametrize(
    ("challenger", "champion"),
    [
        ([(9, 9)] * 4, [(0, 9)] * 9),
        ([(9, 9)] * 9, [(0, 9)] * 4),
        ([], [(0, 9)] * 9),
        ([], []),
    ],
    ids=["four challenged", "four beside", "nobody", "nothing"],
)
def test_too_few_people_make_no_interval(lake: Lake, fill: Any, challenger, champion) -> None:
    row = compare(lake, fill, challenger, champion)["good"]

    assert ("too few", None, None) == (row["word"], row["low"], row["high"])
    assert (len(challenger), len(champion)) == (row["challenger_people"], row["champion_people"])


def test_what_was_answered_outside_of_the_canarys_time_is_not_compared(
    lake: Lake, fill: Any
) -> None:
    fill("deployments_history", *HISTORY)
    fill(
        "deployments_answers",
        answer("before", minutes=-1),
        answer("within", minutes=1),
        answer("after", minutes=24 * 60),
        answer("another", "base", minutes=1),
    )

    assert 1 == measures(lake)["whole"]["champion_n"]
