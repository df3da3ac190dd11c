"""A training set: who is in it, who is not and why, the same for the same lake."""

import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from assets import adapters, candidates, training_sets
from assets.fingerprints import OWN_ANSWERS
from assets.training_sets import TrainingSet
from lake import query, schemas
from lake.settings import Settings
from lake.tables import Lake, Provenance
from models import recipes
from models.chat import encode, load_tokenizer
from models.testing import tiny_base

DAY = date(2026, 1, 1)
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
CHECKS = (
    "assert_every_candidate_is_accounted_for",
    "assert_no_training_without_consent",
    "assert_training_sets_hold_no_test_dialogue",
)
WIDE = "[mixture]\nself_chat = 9.0\n[budget]\nmin_human_share = 0.0\nmax_method_share = 1.0\n"


def put(lake: Lake, table: str, *rows: dict[str, Any], day: date = DAY) -> None:
    """Write rows of a table, columns not given empty."""
    names = [f.name for f in schemas.tables()[table].schema if f.name != "day"]
    whole = [{name: r.get(name) for name in names} for r in rows]
    lake.replace(table, whole, day=day, made_from="1" * 32, by=Provenance("test"))


def said(*contents: str) -> list[dict[str, Any]]:
    roles = ("user", "assistant")
    return [
        {"message_id": "", "role": roles[n % 2], "content": c, "created_at": None}
        for n, c in enumerate(contents)
    ]


def dialogue(name: str, **given: Any) -> dict[str, Any]:
    return {
        "dialogue_id": name,
        "revision": name,
        "cluster_id": name,
        "source": "messages",
        "consent": "granted",
        "split": "train",
        "messages": said(f"Где {name}?", f"Тут {name}."),
        **given,
    }


def self_chat(name: str, parent: str, **given: Any) -> dict[str, Any]:
    return {
        "dialogue_id": name,
        "revision": name,
        "parents": [parent],
        "method": "paraphrase",
        "ancestry_depth": 1,
        "messages": said(f"Что с {name}?", f"Он {name}."),
        **given,
    }


def choice(name: str, **given: Any) -> dict[str, Any]:
    return {
        "preference_id": name,
        "source": "oasst",
        "origin": "ranks",
        "prompt": said(f"Как {name}?"),
        "chosen": "Хорошо.",
        "rejected": "Плохо.",
        "consent": "granted",
        "split": "train",
        **given,
    }


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A base in a folder: no schooling, so that sets are what the lake gives."""
    return tiny_base(tmp_path_factory.mktemp("base") / "tiny")


@pytest.fixture
def settings(chosen: Settings, base: Path) -> Settings:
    return with_recipe(chosen.model_copy(update={"base_model": str(base)}), WIDE)


def with_recipe(settings: Settings, text: str) -> Settings:
    path = settings.home / "recipe.toml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return settings.model_copy(update={"recipe": str(path)})


def planned(lake: Lake, settings: Settings) -> TrainingSet:
    found = training_sets.plan(lake, settings)
    assert found is not None
    return found


def frozen(lake: Lake, settings: Settings) -> TrainingSet:
    """Freeze the set of the moment as the asset does."""
    made = planned(lake, settings)
    today, by = datetime.now(UTC).date(), Provenance("test")
    lake.append("adapters_left_out", training_sets.left_out_rows(made), day=today, by=by)
    lake.append("adapters_training_sets", training_sets.table_rows(made, lake), day=today, by=by)
    return made


def reasons(made: TrainingSet) -> dict[str, str]:
    return {left.dialogue_id: left.reason for left in made.left_out}


def ids(made: TrainingSet, role: str = "") -> set[str]:
    return {row.dialogue_id for row in made.rows if not role or row.role == role}


def adapter(
    lake: Lake, made: TrainingSet, name: str, number: int, *, passed: bool | None = True
) -> None:
    """Write that a set made an adapter, and what was decided on it."""
    at = datetime(2026, 1, 1, number, tzinfo=UTC)
    rows = {
        "adapters_versions": {
            "adapter_id": name,
            "base_id": made.base.base_id,
            "training_set_id": made.training_set_id,
            "created_at": at,
        },
        "evaluations_verdicts": {
            "evaluation_id": name,
            "adapter_id": name,
            "passed": passed,
            "decided_at": at,
        },
    }
    if passed is None:
        del rows["evaluations_verdicts"]
    for table, row in rows.items():
        names = [f.name for f in schemas.tables()[table].schema if f.name != "day"]
        whole = {n: row.get(n) for n in names}
        lake.append(table, [whole], day=DAY, by=Provenance("test"))


def test_every_dialogue_and_self_chat_is_taken_or_left_out_with_its_reason(
    lake: Lake, settings: Settings
) -> None:
    put(
        lake,
        "cleaned_dialogues",
        dialogue("мяч"),
        dialogue("сам", source=OWN_ANSWERS),
        dialogue("проба", split="test"),
        dialogue("ключ", consent="explore"),
        dialogue("мячик"),
    )
    put(
        lake,
        "embeddings_duplicates",
        {"dialogue_id": "мячик", "revision": "мячик", "paraphrase_of": "мяч"},
    )
    put(
        lake,
        "self_chats_dialogues",
        self_chat("внук", "мяч"),
        self_chat("правнук", "внук", ancestry_depth=4),
        self_chat("судья", "мяч", generator="a" * 32, judge="a" * 32),
        self_chat("тайна", "ключ"),
        self_chat("дитя тайны", "тайна"),
        self_chat("дитя пробы", "проба"),
        self_chat("эхо", "мяч", messages=said("Где проба?", "Тут проба.")),
    )

    made = frozen(lake, settings)

    assert {"мяч", "внук"} == ids(made)
    assert {
        "сам": "own_answers",
        "проба": "held_out",
        "ключ": "no_consent",
        "мячик": "paraphrase",
        "правнук": "too_deep",
        "судья": "judged_by_itself",
        "тайна": "no_consent",
        "дитя тайны": "no_consent",
        "дитя пробы": "held_out",
        "эхо": "in_suite",
    } == reasons(made)
    assert [] == [row for name in CHECKS for row in query.offending(lake, name)]


def test_what_a_suite_asks_is_not_learned(lake: Lake, settings: Settings) -> None:
    put(lake, "cleaned_dialogues", dialogue("мяч"), dialogue("ключ"))
    suites = settings.home / "suites"
    suites.mkdir(parents=True)
    asked = {"question": "Где ключ?", "answer": "Тут ключ."}
    (suites / "mine.jsonl").write_text(json.dumps(asked, ensure_ascii=False), encoding="utf-8")

    made = planned(lake, settings)

    assert ({"мяч"}, {"ключ": "in_suite"}) == (ids(made), reasons(made))


def test_what_the_mixture_does_not_choose_is_told(lake: Lake, settings: Settings) -> None:
    put(lake, "cleaned_dialogues", *(dialogue(f"д{n}") for n in range(10)))
    put(lake, "self_chats_dialogues", *(self_chat(f"с{n}", "д1") for n in range(10)))
    few = with_recipe(settings, WIDE.replace("9.0", "0.5") + "[mixture.sources]\nmessages = 0.4\n")

    made = frozen(lake, few)

    assert (4, 2) == (len(ids(made, "new")), len(ids(made, "self")))
    assert ["not_chosen"] * 8 + ["source_share"] * 6 == sorted(reasons(made).values())
    assert [] == query.offending(lake, CHECKS[0])


def test_the_budget_is_enforced_where_the_set_is_frozen(lake: Lake, settings: Settings) -> None:
    put(lake, "cleaned_dialogues", *(dialogue(f"д{n}") for n in range(4)))
    put(lake, "self_chats_dialogues", *(self_chat(f"с{n}", "д1") for n in range(4)))
    strict = with_recipe(settings, "[mixture]\nself_chat = 9.0\n")

    made = planned(lake, strict)

    assert {"method_share"} == set(reasons(made).values())
    assert 1 == len(ids(made, "self"))


def test_the_same_lake_recipe_and_base_give_the_same_set(
    lake: Lake, settings: Settings, tmp_path: Path
) -> None:
    put(lake, "cleaned_dialogues", *(dialogue(f"д{n}") for n in range(20)))
    once = planned(lake, settings)
    again = planned(lake, settings)
    other = tiny_base(tmp_path / "other", width=32)
    moved = planned(lake, settings.model_copy(update={"base_model": str(other)}))
    changed = planned(lake, with_recipe(settings, WIDE + "max_depth = 2\n"))

    assert once == again
    assert once.rows == moved.rows == changed.rows
    assert 3 == len({made.training_set_id for made in (once, moved, changed)})


def test_tokens_are_counted_by_the_bases_own_template(
    lake: Lake, settings: Settings, base: Path
) -> None:
    put(lake, "cleaned_dialogues", *(dialogue(f"д{n}") for n in range(3)))
    tokenizer = load_tokenizer(base)

    rows = planned(lake, settings).rows

    assert [len(encode(tokenizer, row.as_chat()).tokens) for row in rows] == [
        row.tokens for row in rows
    ]


def test_a_row_names_where_it_came_from(lake: Lake, settings: Settings) -> None:
    put(lake, "cleaned_dialogues", dialogue("мяч", source="sharegpt"))
    put(lake, "self_chats_dialogues", self_chat("внук", "мяч", method="camel", ancestry_depth=2))

    made = planned(lake, settings)
    rows = {row["dialogue_id"]: row for row in training_sets.table_rows(made, lake)}

    assert ("sharegpt", 0, "new") == tuple(
        rows["мяч"][name] for name in ("source", "ancestry_depth", "role")
    )
    assert ("camel", 2, "self") == tuple(
        rows["внук"][name] for name in ("source", "ancestry_depth", "role")
    )
    assert lake.version("cleaned_dialogues") == rows["мяч"]["table_version"]
    kept = json.loads(rows["мяч"]["recipe"])
    assert made.recipe == recipes.parse(kept)


# --- older dialogues ----------------------------------------------------------------------------

CONTINUED = WIDE.replace("[mixture]\n", "[mixture]\nunknown_only = true\nolder = 0.5\n")


def two_turns(lake: Lake, settings: Settings) -> tuple[Settings, TrainingSet]:
    """Teach a first adapter ten dialogues, and take in four more."""
    going_on = with_recipe(settings, CONTINUED)
    put(lake, "cleaned_dialogues", *(dialogue(f"д{n}") for n in range(10)))
    first = frozen(lake, going_on)
    adapter(lake, first, "first", 1)
    put(lake, "cleaned_dialogues", *(dialogue(f"н{n}") for n in range(4)), day=date(2026, 1, 2))
    return going_on, first


def test_older_dialogues_are_replayed_beside_new_ones(lake: Lake, settings: Settings) -> None:
    going_on, first = two_turns(lake, settings)

    second = planned(lake, going_on)

    assert {f"н{n}" for n in range(4)} == ids(second, "new")
    assert 2 == len(ids(second, "replay")) == len(ids(second, "replay") & ids(first))


def test_a_set_stays_the_same_once_its_adapter_is_trained_judged_and_served(
    lake: Lake, settings: Settings
) -> None:
    going_on, _ = two_turns(lake, settings)
    second = frozen(lake, going_on)
    adapter(lake, second, "trained", 2, passed=None)
    trained = planned(lake, going_on)
    adapter(lake, second, "passed", 3)

    assert second.training_set_id == trained.training_set_id
    assert second.training_set_id == planned(lake, going_on).training_set_id


def test_what_a_refused_adapter_was_taught_is_still_new(lake: Lake, settings: Settings) -> None:
    going_on, _ = two_turns(lake, settings)
    second = frozen(lake, going_on)
    adapter(lake, second, "refused", 2, passed=False)
    put(lake, "cleaned_dialogues", dialogue("третий"), day=date(2026, 1, 3))

    assert {"третий", *(f"н{n}" for n in range(4))} == ids(planned(lake, going_on), "new")


def test_an_adapter_of_another_base_taught_this_one_nothing(
    lake: Lake, settings: Settings, tmp_path: Path
) -> None:
    going_on, _ = two_turns(lake, settings)
    other = tiny_base(tmp_path / "other", width=32)
    moved = planned(lake, going_on.model_copy(update={"base_model": str(other)}))

    assert (14, set()) == (len(ids(moved, "new")), ids(moved, "replay"))
    assert set() == candidates.known_before(lake, moved.base.base_id, ["д1"])


# --- choices ------------------------------------------------------------------------------------

PAIRS = 'method = "dpo"\n[mixture]\nmax_length_ratio = 3.0\n'


def choices(lake: Lake) -> None:
    put(lake, "cleaned_dialogues", dialogue("мяч"))
    long = "Очень, очень, очень хорошо."
    put(
        lake,
        "cleaned_preferences",
        choice("раз"),
        choice("два", split="test"),
        choice("три", consent="explore"),
        choice("длинно", chosen=long, rejected="Плохо."),
        choice("спор", chosen="Плохо.", rejected="Хорошо."),
        choice("спор 2", prompt=said("Как спор?")),
    )
    put(
        lake,
        "self_chats_preferences",
        choice("палец", origin="thumb", rejected="", parents=["primer/1"], decided_at=NOON),
        choice("глубоко", origin="critique", parents=["primer/1"], ancestry_depth=9),
    )


def test_a_set_of_pairs_is_made_of_choices_and_nothing_else(lake: Lake, settings: Settings) -> None:
    choices(lake)

    made = frozen(lake, with_recipe(settings, PAIRS))

    assert {"раз"} == ids(made)
    assert {
        "два": "held_out",
        "три": "no_consent",
        "длинно": "too_long",
        "спор": "conflict",
        "спор 2": "conflict",
        "палец": "one_answer",
        "глубоко": "too_deep",
    } == reasons(made)
    assert [] == [row for name in CHECKS for row in query.offending(lake, name)]


def test_kto_learns_from_one_answer_too(lake: Lake, settings: Settings) -> None:
    choices(lake)

    made = planned(lake, with_recipe(settings, PAIRS.replace("dpo", "kto")))

    assert {"раз", "палец"} == ids(made)


def test_a_choice_that_gives_a_suites_answer_is_not_learned(lake: Lake, settings: Settings) -> None:
    choices(lake)
    suites = settings.home / "suites"
    suites.mkdir(parents=True)
    asked = {"question": "Как раз?", "answer": "Плохо."}
    (suites / "mine.jsonl").write_text(json.dumps(asked, ensure_ascii=False), encoding="utf-8")

    assert training_sets.plan(lake, with_recipe(settings, PAIRS)) is None


def test_a_trainer_reads_dialogues_and_pairs(
    lake: Lake, settings: Settings, tmp_path: Path
) -> None:
    choices(lake)
    lines = []
    for recipe in (PAIRS, WIDE):
        rows = training_sets.table_rows(planned(lake, with_recipe(settings, recipe)), lake)
        path = training_sets.write_rows(rows, tmp_path / "rows.jsonl")
        lines += [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    user, assistant = ({"role": role} for role in ("user", "assistant"))

    assert [
        {
            "prompt": [user | {"content": "Как раз?"}],
            "chosen": "Хорошо.",
            "rejected": "Плохо.",
            "weight": 1.0,
            "role": "preference",
        },
        {
            "messages": [user | {"content": "Где мяч?"}, assistant | {"content": "Тут мяч."}],
            "weight": 1.0,
            "role": "new",
        },
    ] == lines


def test_nothing_to_learn_from_is_no_set(lake: Lake, settings: Settings) -> None:
    put(lake, "cleaned_dialogues", dialogue("проба", split="test"))

    assert training_sets.plan(lake, settings) is None


def test_the_asset_freezes_a_set_once_and_writes_its_page(lake: Lake, settings: Settings) -> None:
    put(lake, "cleaned_dialogues", dialogue("мяч"), dialogue("проба", split="test"))
    resources = {"lake": lake, "settings": settings}

    for _ in range(2):
        assert dg.materialize([adapters.adapters_training_sets], resources=resources).success
    (row,) = lake.rows("adapters_training_sets")
    (left,) = lake.rows("adapters_left_out")
    (page,) = (settings.models_dir / "training_sets").glob("*.html")

    assert row["training_set_id"] == left["training_set_id"] == page.stem
    assert ("мяч", "проба") == (row["dialogue_id"], left["dialogue_id"])
    assert "Тут мяч." in page.read_text(encoding="utf-8")
