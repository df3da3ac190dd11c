"""Which rows teach an adapter: chosen from the lake by a recipe, named by their content."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assets.fingerprints import OWN_ANSWERS
from assets.records import chat_of
from lake import query
from lake.ids import content_id
from lake.settings import Settings
from lake.tables import Lake
from models import base as bases
from models import replay
from models.mixture import Row, Supply, mix, primer_rows_wanted

if TYPE_CHECKING:
    from models import recipes


@dataclass(frozen=True, slots=True)
class TrainingSet:
    """Rows in the order of training, and the id of their contents and weights."""

    training_set_id: str
    rows: tuple[Row, ...]
    recipe: recipes.Recipe
    base: bases.BaseModel

    @property
    def new(self) -> int:
        """Return how many rows are the person's own."""
        return sum(row.role == "new" for row in self.rows)


def plan(lake: Lake, settings: Settings) -> TrainingSet | None:
    """Return the training set that the lake as it is would make; None while there is nothing.

    Replay leaves out what the person's own dialogues have outdated: "I do not know" is no longer
    the answer to a question that was answered since.

    The same tables, base and recipe give the same set, so its id says whether it was trained on.
    """
    from models import recipes
    from models.taught import Taught

    recipe = recipes.load(settings.recipe)
    base = bases.find_base(settings.base_model, settings.models_dir)
    new = [_row(r, "new", "cleaned_dialogues") for r in _own_dialogues(lake)]
    if base is None or not new:
        return None
    selves = [_row(r, "self", "self_chats_dialogues") for r in _self_chats(lake)]
    taught = Taught.by(row.as_chat() for row in new)
    wanted = primer_rows_wanted(recipe, len(new))
    retold = replay.replay_dialogues(base, wanted, seed=recipe.seed, taught=taught)
    primer = [Row(_pairs(messages), "replay", source_table="primer") for messages in retold]
    rows = tuple(mix(Supply(new=new, primer=primer, self_chats=selves), recipe))
    return TrainingSet(_id_of(rows), rows, recipe, base)


def table_rows(training_set: TrainingSet, lake: Lake) -> list[dict[str, Any]]:
    """Return the set as rows of `adapters_training_sets`, each with the version it came from."""
    versions = {t: lake.version(t) for t in ("cleaned_dialogues", "self_chats_dialogues")}
    now = datetime.now(UTC)
    return [
        {
            "training_set_id": training_set.training_set_id,
            "position": position,
            "role": row.role,
            "dialogue_id": row.dialogue_id,
            "revision": row.revision,
            "source_table": row.source_table,
            "table_version": versions.get(row.source_table, -1),
            "weight": row.weight,
            "messages": [
                {"message_id": "", "role": role, "content": content, "created_at": None}
                for role, content in row.messages
            ],
            "frozen_at": now,
        }
        for position, row in enumerate(training_set.rows)
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


def _own_dialogues(lake: Lake) -> list[dict[str, Any]]:
    return query.ask(
        lake,
        "from stg_dialogues where split = 'train' and source != ? and consent = 'granted' "
        "and (dialogue_id, revision) not in "
        "(select (dialogue_id, revision) from embeddings_duplicates) order by dialogue_id",
        [OWN_ANSWERS],
    )


def _self_chats(lake: Lake) -> list[dict[str, Any]]:
    """Return the accepted self-chats, but none that says what a held-out dialogue says.

    Nor one that grew from a dialogue whose consent was taken back since.
    """
    return query.ask(
        lake,
        "from self_chats_dialogues where revision not in "
        "(select revision from cleaned_dialogues where split != 'train' or consent = 'explore') "
        "and not list_has_any(parents, "
        "(select coalesce(list(dialogue_id), []) from cleaned_dialogues "
        "where consent = 'explore')) "
        "order by dialogue_id",
    )


def _row(row: Mapping[str, Any], role: Any, table: str) -> Row:
    return Row(_pairs(chat_of(row)), role, row["dialogue_id"], row["revision"], table)


def _pairs(messages: Sequence[Mapping[str, str]]) -> tuple[tuple[str, str], ...]:
    return tuple((m["role"], m["content"]) for m in messages)


def _id_of(rows: Sequence[Row]) -> str:
    parts = [part for row in rows for part in (row.role, repr(row.weight), repr(row.messages))]
    return content_id("training_set", *parts)


def unknown_dialogues(lake: Lake, planned: TrainingSet) -> int:
    """Return how many of the set's own dialogues no earlier training set held."""
    told = lake.arrow("adapters_training_sets", columns="revision", where="role = 'new'")
    known = set(told.column("revision").to_pylist())
    return len({row.revision for row in planned.rows if row.role == "new"} - known)
