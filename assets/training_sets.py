"""Which rows teach an adapter: chosen from the lake by a recipe, named by their content."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assets import candidates, exams, lineage, moderation, preferences
from assets.candidates import Candidates, LeftOut
from assets.records import chat_of, messages_of, pairs
from lake.ids import content_id
from lake.settings import Settings
from lake.tables import Lake
from models import base as bases
from models import budget, mixture, replay
from models.mixture import Row, Supply

if TYPE_CHECKING:
    from models import recipes

SOURCES = (
    *("cleaned_dialogues", "cleaned_preferences"),
    *("self_chats_dialogues", "self_chats_preferences"),
)
"""The tables whose rows teach; a row of the set names the version it was read at."""


@dataclass(frozen=True, slots=True)
class TrainingSet:
    """Rows in the order of training, what was left out and why, and the id of all it is made of.

    The same rows by another recipe, for another base, or for an adapter to learn on, are another
    set.
    """

    training_set_id: str
    rows: tuple[Row, ...]
    recipe: recipes.Recipe
    base: bases.BaseModel
    left_out: tuple[LeftOut, ...] = ()
    parent_adapter_id: str = ""

    @property
    def new(self) -> int:
        """Return how many rows are the person's own."""
        return sum(row.role == "new" for row in self.rows)


def plan(lake: Lake, settings: Settings) -> TrainingSet | None:
    """Return the training set that the lake as it is would make; None while there is nothing.

    The same tables, base and recipe give the same set, so its id says whether it was trained on.
    What an item of a suite holds is never learned; what else is left out, and in which order the
    rules speak, is in docs/training_sets.md.
    """
    from models import recipes

    recipe = recipes.load(settings.recipe)
    base = bases.find_base(settings.base_model, settings.models_dir)
    if base is None:
        return None
    found = _candidates(lake, settings, recipe, base)
    if teaches_choices(recipe):
        rows, reasons = mixture.choices(found.rows, recipe), dict[Any, str]()
    else:
        rows, reasons = _mixed(lake, found, recipe, base)
    if not any(row.role in ("new", "preference") for row in rows):
        return None
    left_out = tuple(found.not_taken(rows, reasons))
    parent = _parent(lake, recipe, base)
    set_id = _id_of(rows, recipe, base, parent)
    return TrainingSet(set_id, tuple(rows), recipe, base, left_out, parent)


def _parent(lake: Lake, recipe: recipes.Recipe, base: bases.BaseModel) -> str:
    if recipe.tuner.parent == "none":
        return ""
    return lineage.learns_on_from(lake, base.base_id, recipe.recipe_id)


def teaches_choices(recipe: recipes.Recipe) -> bool:
    """Return whether a recipe learns from choices between answers, and from nothing else."""
    return recipe.method in ("dpo", "kto")


def _candidates(
    lake: Lake, settings: Settings, recipe: recipes.Recipe, base: bases.BaseModel
) -> Candidates:
    """Return the rows of which the recipe may take its own, with their tokens."""
    choosing = teaches_choices(recipe)
    found = candidates.choices(lake) if choosing else candidates.dialogues(lake)
    moderate = moderation.of(settings)
    found.leave_out(lambda row: _moderated(row, moderate))
    found.leave_out(lambda row: budget.refusal(row, recipe.budget))
    if choosing:
        found.leave_out(lambda row: _unfit_pair(row, recipe))
    talks = [(n, talk) for n, row in enumerate(found.rows) for talk in row.talks()]
    held = exams.holding(lake, settings, [talk for _, talk in talks])
    found.leave_out_places({talks[place][0]: how for place, how in held.items()}, "in_suite")
    beyond = mixture.beyond_share(found.rows, recipe)
    found.leave_out(lambda row: "source_share" if row.key in beyond else "")
    found.rows = counted(base, found.rows)
    return found


def _moderated(row: Row, moderate: moderation.Moderate) -> str:
    """Return why the list or the hook of today forbids what a model made, or an empty string."""
    if row.source_table not in ("self_chats_dialogues", "self_chats_preferences"):
        return ""
    said = [text for _, text in row.messages]
    return "moderated" if moderate("\n".join((*said, row.chosen, row.rejected))) else ""


def _unfit_pair(row: Row, recipe: recipes.Recipe) -> str:
    if recipe.method == "dpo" and not (row.chosen and row.rejected):
        return "one_answer"
    ratio = recipe.mixture.max_length_ratio
    return "too_long" if preferences.is_too_long(row, ratio) else ""


def _mixed(
    lake: Lake, found: Candidates, recipe: recipes.Recipe, base: bases.BaseModel
) -> tuple[list[Row], dict[Any, str]]:
    """Return the mixture within its budget, and what the budget left out of it, by key.

    Replay leaves out what the person's own dialogues have outdated: "I do not know" is no longer
    the answer to a question that was answered since.
    """
    from models.taught import Taught

    own = found.of_role("new")
    known = candidates.known_before(lake, base.base_id, (row.revision for row in own))
    older = [replace(row, role="replay") for row in own if row.revision in known]
    new = [r for r in own if r.revision not in known] if recipe.mixture.unknown_only else own
    wanted = mixture.primer_rows_wanted(recipe, len(new))
    taught = Taught.by(row.as_chat() for row in own)
    retold = replay.replay_dialogues(base, wanted, seed=recipe.seed, taught=taught)
    primer = [
        Row(pairs(messages), "replay", source_table="primer", source="primer")
        for messages in retold
    ]
    supply = Supply(new, counted(base, primer), older, found.of_role("self"))
    settled = budget.settle(mixture.mix(supply, recipe), recipe.budget)
    return list(settled.kept), {row.key: reason for row, reason in settled.left_out}


def counted(base: bases.BaseModel, rows: Sequence[Row]) -> list[Row]:
    """Return the rows with their tokens, by the base's own tokenizer and template.

    Of a choice these are the prompt with each of its answers, as the trainer reads them.
    """
    from models.chat import count_tokens, load_tokenizer

    talks = [talk for row in rows for talk in row.talks()]
    counts = iter(count_tokens(load_tokenizer(base.path), talks) if talks else [])
    return [replace(row, tokens=sum(next(counts) for _ in row.talks())) for row in rows]


def table_rows(training_set: TrainingSet, lake: Lake) -> list[dict[str, Any]]:
    """Return the set as rows of `adapters_training_sets`, each with the version it came from."""
    versions = {table: lake.version(table) for table in SOURCES}
    now = datetime.now(UTC)
    recipe = training_set.recipe
    return [
        {
            "training_set_id": training_set.training_set_id,
            "base_id": training_set.base.base_id,
            "recipe_id": recipe.recipe_id,
            "recipe": recipe.model_dump_json(),
            "position": position,
            "role": row.role,
            "dialogue_id": row.dialogue_id,
            "revision": row.revision,
            "source_table": row.source_table,
            "table_version": versions.get(row.source_table, -1),
            "source": row.source,
            "ancestry_depth": row.ancestry_depth,
            "tokens": row.tokens,
            "frame_tokens": row.frame_tokens,
            "weight": row.weight,
            "messages": messages_of(row.messages),
            "chosen": row.chosen,
            "rejected": row.rejected,
            "frozen_at": now,
        }
        for position, row in enumerate(training_set.rows)
    ]


def left_out_rows(training_set: TrainingSet) -> list[dict[str, Any]]:
    """Return what the set left out as rows of `adapters_left_out`."""
    now = datetime.now(UTC)
    named = {"training_set_id": training_set.training_set_id, "frozen_at": now}
    return [
        {
            **named,
            "source_table": left.source_table,
            "dialogue_id": left.dialogue_id,
            "revision": left.revision,
            "source": left.source,
            "reason": left.reason,
        }
        for left in training_set.left_out
    ]


def write_rows(rows: Sequence[Mapping[str, Any]], path: Path) -> Path:
    """Write rows of `adapters_training_sets` as the JSONL a trainer reads; return the path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(".draft")
    with draft.open("w", encoding="utf-8") as file:
        for row in sorted(rows, key=lambda r: r["position"]):
            file.write(json.dumps(_line(row), ensure_ascii=False) + "\n")
    draft.replace(path)
    return path


def _line(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a trainer reads of a row: a dialogue, or a prompt with two answers."""
    told = {"weight": row["weight"], "role": row["role"]}
    if row["role"] == "preference":
        answers = {"chosen": row["chosen"], "rejected": row["rejected"]}
        return {"prompt": chat_of(row), **answers, **told}
    return {"messages": chat_of(row), **told}


def _id_of(rows: Iterable[Row], recipe: recipes.Recipe, base: bases.BaseModel, parent: str) -> str:
    parts = [
        part
        for row in rows
        for part in (row.role, repr(row.weight), repr(row.messages), row.chosen, row.rejected)
    ]
    begun_from = [parent] if parent else []
    return content_id("training_set", recipe.recipe_id, base.base_id, *begun_from, *parts)


def trained(lake: Lake, planned: TrainingSet) -> dict[str, Any] | None:
    """Return the adapter that this training set made, if it did already.

    Two sets may make the same adapter: a recipe's budget that binds nothing changes no byte of it.
    """
    wanted = f"training_set_id = '{planned.training_set_id}'"
    made = [row["adapter_id"] for row in lake.rows("adapters_trainings", where=wanted)]
    # a home of before this table knows it of the first set alone
    where = f"adapter_id = '{made[0]}'" if made else wanted
    rows = lake.rows("adapters_versions", where=where)
    return rows[0] if rows else None


def unknown_dialogues(lake: Lake, planned: TrainingSet) -> int:
    """Return how many of the set's own rows no earlier training set held."""
    own = ("new", "preference")
    told = lake.arrow(
        "adapters_training_sets", columns="dialogue_id, revision", where=f"role in {own}"
    )
    known = {(row["dialogue_id"], row["revision"]) for row in told.to_pylist()}
    return len({(r.dialogue_id, r.revision) for r in planned.rows if r.role in own} - known)
