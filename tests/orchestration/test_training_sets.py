"""`steppe training-set`: what was frozen, for a person and for a program."""

import json
from datetime import UTC, date, datetime
from typing import Any

import pytest
from click.testing import CliRunner, Result

from lake import schemas
from lake.settings import settings
from lake.tables import Lake, Provenance
from models import recipes
from orchestration.cli import main

DAY = date(2026, 1, 1)


def steppe(*arguments: str) -> Result:
    return CliRunner().invoke(main, list(arguments), prog_name="steppe", catch_exceptions=False)


def put(table: str, *rows: dict[str, Any]) -> None:
    names = [f.name for f in schemas.tables()[table].schema if f.name != "day"]
    whole = [{name: r.get(name) for name in names} for r in rows]
    Lake(settings().home).append(table, whole, day=DAY, by=Provenance("test"))


def row(number: int, name: str, **given: Any) -> dict[str, Any]:
    said = (("user", f"Где {name}?"), ("assistant", f"Тут {name}."))
    recipe = given.pop("recipe", recipes.load("quick"))
    return {
        "training_set_id": "a" * 32,
        "recipe": recipe.model_dump_json(),
        "recipe_id": recipe.recipe_id,
        "position": number,
        "role": "new",
        "dialogue_id": name,
        "revision": name,
        "source_table": "cleaned_dialogues",
        "table_version": 3,
        "source": "nexus",
        "ancestry_depth": 0,
        "tokens": 10,
        "frame_tokens": 0,
        "weight": 2.0,
        "messages": [
            {"message_id": "", "role": r, "content": c, "created_at": None} for r, c in said
        ],
        "frozen_at": datetime(2026, 1, 1, number, tzinfo=UTC),
        **given,
    }


@pytest.fixture
def two_sets() -> None:
    """Two sets: B has another dialogue, another weight, and another seed."""
    other = recipes.load("quick").model_copy(update={"seed": 7})
    b = {"training_set_id": "b" * 32, "recipe": other}
    put("adapters_training_sets", row(0, "мяч"), row(1, "ключ"))
    put("adapters_training_sets", row(2, "мяч", weight=3.0, **b), row(3, "чай", **b))
    left = {"source_table": "cleaned_dialogues", "source": "nexus", "reason": "held_out"}
    put("adapters_left_out", {"training_set_id": "a" * 32, "dialogue_id": "x", **left})
    made = datetime(2026, 1, 1, 5, tzinfo=UTC)
    adapter = {"adapter_id": "c" * 32, "training_set_id": "a" * 32, "created_at": made}
    put("adapters_versions", adapter)


def test_an_empty_home_has_no_set() -> None:
    assert (0, "") == (steppe("training-set", "list", "--json").exit_code, "")
    failed = steppe("training-set", "show")

    assert (1, "") == (failed.exit_code, failed.stdout)
    assert "hint: `steppe grow` freezes one" in failed.stderr


@pytest.mark.usefixtures("two_sets")
def test_sets_are_listed_newest_first() -> None:
    shown = steppe("training-set", "list").stdout
    listed = [json.loads(x) for x in steppe("training-set", "list", "--json").stdout.splitlines()]

    assert shown.index("b" * 12) < shown.index("a" * 12)
    assert [("b" * 32, 2, 0), ("a" * 32, 2, 1)] == [
        (r["training_set_id"], r["rows"], r["left_out"]) for r in listed
    ]


@pytest.mark.usefixtures("two_sets")
def test_a_set_is_shown_with_all_that_made_it() -> None:
    shown = steppe("training-set", "show", "aaa").stdout
    program = json.loads(steppe("training-set", "show", "aaa", "--json").stdout)

    for word in ("recipe quick (sft)", "by role", "budget", "min_human_share", "left out", "Тут"):
        assert word in shown
    assert [{"role": "new", "rows": 2, "tokens_told": 40, "share": 1.0}] == program["by_role"]
    assert [{"reason": "held_out", "source": "nexus", "rows": 1}] == program["left_out"]
    assert {"cleaned_dialogues": 3} == program["table_versions"]
    assert 1 == len(program["samples"])


@pytest.mark.usefixtures("two_sets")
def test_the_newest_set_is_shown_without_an_id_and_one_by_its_adapter() -> None:
    newest, made = (
        json.loads(steppe("training-set", "show", *words, "--json").stdout)["training_set_id"]
        for words in ((), ("steppe@ccc",))
    )

    assert ("b" * 32, "a" * 32) == (newest, made)


@pytest.mark.usefixtures("two_sets")
def test_two_sets_are_compared_row_by_row_and_key_by_key() -> None:
    shown = steppe("training-set", "diff", "aaa", "bbb").stdout
    lines = [
        json.loads(line)
        for line in steppe("training-set", "diff", "aaa", "bbb", "--json").stdout.splitlines()
    ]

    for word in ("only in A", "only in B", "weight changed", "seed"):
        assert word in shown
    assert [("a", "ключ"), ("b", "чай"), ("weight", "мяч")] == [
        (r["change"], r["dialogue_id"]) for r in lines[:-1]
    ]
    assert {"change": "recipe", "key": "seed", "a": 0, "b": 7} == lines[-1]
