"""A frozen set read back: counted, held against its budget, compared with another, shown."""

from datetime import UTC, date, datetime
from typing import Any

import pytest

from assets import manifests, set_diffs, set_pages, web
from assets.manifests import Manifest
from lake import schemas
from lake.errors import DataError
from lake.tables import Lake, Provenance
from models import recipes

DAY, NOON = date(2026, 1, 1), datetime(2026, 1, 1, 12, tzinfo=UTC)
RECIPE = recipes.load("quick")


def said(*contents: str) -> list[dict[str, Any]]:
    roles = ("user", "assistant")
    return [
        {"message_id": "", "role": roles[n % 2], "content": c, "created_at": None}
        for n, c in enumerate(contents)
    ]


def row(name: str, role: str = "new", **given: Any) -> dict[str, Any]:
    tables = {"new": "cleaned_dialogues", "self": "self_chats_dialogues", "replay": "primer"}
    return {
        "role": role,
        "dialogue_id": name,
        "revision": name,
        "source_table": tables.get(role, "cleaned_preferences"),
        "source": {"new": "nexus", "self": "camel"}.get(role, role),
        "ancestry_depth": int(role == "self"),
        "tokens": 10,
        "frame_tokens": 0,
        "weight": 1.0,
        "messages": said(f"Где {name}?", f"Тут {name}."),
        "chosen": "",
        "rejected": "",
        **given,
    }


def put(lake: Lake, table: str, *rows: dict[str, Any]) -> None:
    names = [f.name for f in schemas.tables()[table].schema if f.name != "day"]
    whole = [{name: r.get(name) for name in names} for r in rows]
    lake.append(table, whole, day=DAY, by=Provenance("test"))


def freeze(
    lake: Lake, name: str, *rows: dict[str, Any], recipe: Any = RECIPE, at: datetime = NOON
) -> Manifest:
    whole = [
        {
            "training_set_id": name,
            "position": n,
            "recipe": recipe.model_dump_json(),
            "recipe_id": recipe.recipe_id,
            "frozen_at": at,
            **r,
        }
        for n, r in enumerate(rows)
    ]
    put(lake, "adapters_training_sets", *whole)
    return manifests.read(lake, name)


PRIMER = {"dialogue_id": "", "revision": ""}


def test_rows_and_tokens_are_counted_as_often_as_they_are_told(lake: Lake) -> None:
    found = freeze(
        lake, "a", row("one", weight=3.0), row("two", "self"), row("", "replay", **PRIMER)
    )

    assert [
        {"role": "new", "rows": 1, "tokens_told": 30, "share": 0.6},
        {"role": "replay", "rows": 1, "tokens_told": 10, "share": 0.2},
        {"role": "self", "rows": 1, "tokens_told": 10, "share": 0.2},
    ] == found.counts("role")
    assert [(0, 2), (1, 1)] == [(c["depth"], c["rows"]) for c in found.counts("depth")]


def test_the_budget_stands_beside_what_the_set_has(lake: Lake) -> None:
    put(
        lake,
        "adapters_left_out",
        *(
            {"training_set_id": "a", "dialogue_id": str(n), "reason": reason}
            for n, reason in enumerate(["too_deep", "method_share", "method_share", "held_out"])
        ),
    )
    found = freeze(lake, "a", row("one", tokens=40, frame_tokens=10), row("two", "self"))

    told = {r["bound"]: (r["asked"], r["has"], r["left_out"]) for r in set_pages.budget_rows(found)}

    assert {
        "max_depth": (RECIPE.budget.max_depth, 1, 1),
        "min_human_share": (RECIPE.budget.min_human_share, "0.7500", 0),
        "max_method_share": (RECIPE.budget.max_method_share, "0.2500 camel", 2),
        "judge_is_not_generator": (True, "", 0),
    } == told
    assert [("method_share", 2), ("held_out", 1), ("too_deep", 1)] == [
        (r["reason"], r["rows"]) for r in found.reasons()
    ]


def test_a_set_is_found_by_its_beginning_or_by_its_adapter(lake: Lake) -> None:
    later = datetime(2026, 1, 2, tzinfo=UTC)
    freeze(lake, "aa1", row("one"))
    freeze(lake, "aa2", row("two"), at=later)
    put(
        lake,
        "adapters_versions",
        {"adapter_id": "cafe", "training_set_id": "aa1", "created_at": NOON},
    )
    names = [manifests.read(lake, words).training_set_id for words in ("", "aa1", "steppe@caf")]

    assert ["aa2", "aa1", "aa1"] == names
    with pytest.raises(DataError, match=r"(?s)`aa` may be aa2, aa1.*hint: give more"):
        manifests.read(lake, "aa")
    with pytest.raises(DataError, match=r"(?s)no training set `b`.*hint: `steppe training-set"):
        manifests.read(lake, "b")


def test_no_set_yet_is_told_with_what_makes_one(lake: Lake) -> None:
    with pytest.raises(DataError, match=r"(?s)no training set yet.*`steppe grow`"):
        manifests.read(lake)


def test_two_sets_differ_by_rows_weights_and_keys_of_the_recipe(lake: Lake) -> None:
    other = RECIPE.model_copy(update={"seed": 7, "lora": RECIPE.lora.model_copy(update={"r": 4})})
    primer = row("", "replay", **PRIMER)
    a = freeze(
        lake,
        "a",
        row("same"),
        row("gone"),
        row("told", weight=1.0),
        row("told", weight=0.5),
        primer,
    )
    b = freeze(
        lake, "b", row("same"), row("told", weight=3.0), row("came", "self"), primer, recipe=other
    )

    found = set_diffs.diff(a, b)

    assert [
        {"change": "only in A", "role": "new", "source": "nexus", "rows": 1},
        {"change": "only in B", "role": "self", "source": "camel", "rows": 1},
        {"change": "weight changed", "role": "new", "source": "nexus", "rows": 1},
    ] == found.counts()
    assert 2 == found.same
    assert [("a", "gone", 1.0, 0.0), ("b", "came", 0.0, 1.0), ("weight", "told", 1.5, 3.0)] == [
        (r["change"], r["dialogue_id"], r["weight_a"], r["weight_b"]) for r in found.rows()
    ]
    assert [
        {"key": "seed", "a": 0, "b": 7},
        {"key": "lora.r", "a": RECIPE.lora.r, "b": 4},
    ] == list(found.recipe)


def test_a_set_does_not_differ_from_itself(lake: Lake) -> None:
    found = freeze(lake, "a", row("one"), row("two", "self"))
    nothing = set_diffs.diff(found, found)

    assert ([], [], ()) == (nothing.counts(), list(nothing.rows()), nothing.recipe)


def test_a_set_from_before_recipes_were_kept_can_be_read(lake: Lake) -> None:
    put(
        lake,
        "adapters_training_sets",
        {"training_set_id": "old", "position": 0, "frozen_at": NOON}
        | row("one", tokens=None, frame_tokens=None, source=None, ancestry_depth=None),
    )
    found = manifests.read(lake, "old")

    assert ({}, []) == (found.recipe, set_pages.budget_rows(found))
    assert 0 == found.counts("role")[0]["tokens_told"]
    assert "recipe `unknown`" in set_pages.page(found).markdown


def test_the_page_holds_everything_in_one_file(lake: Lake, tmp_path: Any) -> None:
    pair = row("pair", "preference", messages=said("Как?"), chosen="Так.", rejected="Никак.")
    found = freeze(lake, "a", row("one"), row("two", "self"), pair)
    page = set_pages.page(found)
    written = set_pages.write(page, tmp_path / "sets" / "a.html").read_text(encoding="utf-8")

    assert all(f"<h2>{title}</h2>" in written for title in ("by role", "budget", "left out"))
    assert all(f"<li>{line}</li>" in written for line in ("better: Так.", "worse: Никак."))
    assert "<td>max_depth</td>" in written
    assert 1 == written.count("data:image/png;base64,")
    assert 'src="http' not in written


def test_what_people_said_is_no_markup_of_the_page(lake: Lake) -> None:
    evil = "![x](http://e.org/x.png) <script>alert(1)</script> | *жирно* [тут](javascript:1)"
    page = set_pages.page(freeze(lake, "a", row("one", messages=said(evil, evil), source=evil)))

    assert "<script" not in page.html
    assert 'e.org/x.png"' not in page.html
    assert "<em>" not in page.html
    assert "<a " not in page.html


def test_long_words_are_cut_in_a_sample() -> None:
    assert ("а" * 399 + "…", "раз два") == (web.said("а" * 500), web.said("раз\n\nдва"))
