"""What is to be explored only, and what repeats another, teaches and examines nobody."""

import shutil
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from assets import exams, fingerprints, training_sets
from lake import query, schemas
from lake.settings import Settings
from lake.tables import Lake, Provenance
from models.base import BaseModel

DAY = date(2026, 1, 1)


def row(table: str, **given: Any) -> dict[str, Any]:
    """Return a row of a table; columns not given are empty."""
    schema = schemas.tables()[table].schema
    return {name: given.get(name) for name in schema.names if name != "day"}


def dialogue(name: str, consent: str, split: str = "train") -> dict[str, Any]:
    said = [("user", f"Где {name}?"), ("assistant", f"Тут {name}.")]
    messages = [{"message_id": "", "role": r, "content": c, "created_at": None} for r, c in said]
    return row(
        "cleaned_dialogues",
        dialogue_id=name,
        revision=name,
        cluster_id=name,
        source="messages",
        consent=consent,
        split=split,
        messages=messages,
    )


def self_chat(name: str, parent: str) -> dict[str, Any]:
    return row(
        "self_chats_dialogues",
        dialogue_id=name,
        revision=name,
        parents=[parent],
        messages=dialogue(name, "granted")["messages"],
    )


def put(lake: Lake, table: str, *rows: dict[str, Any]) -> None:
    lake.replace(table, list(rows), day=DAY, made_from="1" * 32, by=Provenance("test"))


def taught(lake: Lake, settings: Settings) -> set[str]:
    """Return the ids of the dialogues and self-chats in the training set of the moment."""
    planned = training_sets.plan(lake, settings)
    return {r.dialogue_id for r in planned.rows if r.role != "replay"} if planned else set()


@pytest.fixture
def settings(chosen: Settings, quick_base: BaseModel) -> Settings:
    """Settings whose home has the quick base, and whose recipe takes self-chats."""
    base: Path = quick_base.path
    shutil.copytree(base, chosen.models_dir / "bases" / base.name)
    recipe = chosen.home / "recipe.toml"
    recipe.write_text("[mixture]\nself_chat = 1.0\n")
    return chosen.model_copy(update={"recipe": str(recipe)})


def test_what_is_explored_only_is_not_in_a_training_set(lake: Lake, settings: Settings) -> None:
    put(lake, "cleaned_dialogues", dialogue("мяч", "granted"), dialogue("ключ", "explore"))

    assert {"мяч"} == taught(lake, settings)
    assert 2 == query.ask(lake, "select count(*) as n from stg_dialogues")[0]["n"]


def test_consent_taken_back_leaves_the_next_training_set(lake: Lake, settings: Settings) -> None:
    keys, chats = [f"ключ {n}" for n in range(10)], {f"чат {n}" for n in range(10)}
    put(lake, "self_chats_dialogues", *(self_chat(c, "ключ 0") for c in sorted(chats)))
    put(lake, "cleaned_dialogues", *(dialogue(k, "granted") for k in keys))
    before = taught(lake, settings)

    first, *others = keys
    put(
        lake,
        "cleaned_dialogues",
        dialogue(first, "explore"),
        *(dialogue(key, "granted") for key in others),
    )

    assert first in before
    assert before & chats
    assert set(others) == taught(lake, settings)


def test_self_chat_starts_from_no_dialogue_without_consent(lake: Lake) -> None:
    put(lake, "cleaned_dialogues", dialogue("мяч", "granted"), dialogue("ключ", "explore"))

    assert ["мяч"] == [r["dialogue_id"] for r in fingerprints.talked_over(lake, DAY)]


def test_no_dialogue_without_consent_examines_an_adapter(lake: Lake, settings: Settings) -> None:
    put(
        lake,
        "cleaned_dialogues",
        dialogue("мяч", "granted", "test"),
        dialogue("ключ", "explore", "test"),
    )

    _, held_out = exams.held_out_items(lake, enough=1)

    assert ["Где мяч?"] == [item.prompt[-1]["content"] for item in held_out]
    assert "Где ключ?" in exams.asked(lake, settings)


def test_a_paraphrase_teaches_and_examines_nobody(lake: Lake, settings: Settings) -> None:
    put(
        lake,
        "cleaned_dialogues",
        dialogue("мяч", "granted"),
        dialogue("мячик", "granted"),
        dialogue("ключ", "granted", "test"),
        dialogue("ключик", "granted", "test"),
    )
    pairs = [("мячик", "мяч"), ("ключик", "ключ")]
    put(
        lake,
        "embeddings_duplicates",
        *(
            row("embeddings_duplicates", dialogue_id=one, revision=one, paraphrase_of=other)
            for one, other in pairs
        ),
    )

    assert {"мяч"} == taught(lake, settings)
    _, held_out = exams.held_out_items(lake, enough=1)
    assert ["Где ключ?"] == [item.prompt[-1]["content"] for item in held_out]
