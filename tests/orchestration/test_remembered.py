"""`steppe memory`: what is remembered, by name, and taken back by the beginning of an id."""

import json
from datetime import UTC, datetime

import pytest
from click.testing import CliRunner, Result

from lake.ids import content_id, pseudonym_key, user_id_of
from lake.memories import Memories, memory_id_of
from lake.settings import settings
from orchestration.cli import main

TOLD = datetime(2026, 1, 1, 12, 30, tzinfo=UTC)


def steppe(*arguments: str) -> Result:
    return CliRunner().invoke(main, list(arguments), prog_name="steppe", catch_exceptions=False)


def pseudonym(name: str) -> str:
    return user_id_of(name, pseudonym_key(settings().home))


def row(user: str, text: str, **changes) -> dict:
    return {
        "memory_id": memory_id_of(user, "fact", text),
        "user_id": user,
        "kind": "fact",
        "text": text,
        "importance": 5,
        "created_at": TOLD,
        "sources": ["d/0", "d/2"],
        "replaced_by": "",
        "replaced_at": None,
        "encoder_id": "e",
        "vector": [1.0] + [0.0] * 7,
        **changes,
    }


@pytest.fixture
def filled() -> Memories:
    memories, owner, anya = Memories(settings().home), pseudonym("owner"), pseudonym("Аня")
    new = row(anya, "ты живёшь в Омске")
    old = row(anya, "ты живёшь в Туле", replaced_by=new["memory_id"], replaced_at=TOLD)
    memories.replace(owner, [row(owner, "твой кот рыжий")], dimensions=8)
    memories.replace(anya, [old, new], dimensions=8)
    return memories


def listed(*arguments: str) -> list[dict]:
    found = steppe("memory", "list", *arguments, "--format", "json")
    return [json.loads(line) for line in found.stdout.splitlines()]


def test_everybodys_memories_are_listed(filled: Memories) -> None:
    rows = listed()

    assert {"твой кот рыжий", "ты живёшь в Омске"} == {r["text"] for r in rows}
    assert {"owner", pseudonym("Аня")} == {r["person"] for r in rows}


def test_a_person_is_named_as_in_its_chats_or_by_pseudonym(filled: Memories) -> None:
    assert ["ты живёшь в Омске"] == [r["text"] for r in listed("--person", "Аня")]
    assert listed("--person", "Аня") == listed("--person", pseudonym("Аня"))
    assert [] == listed("--person", "Боря")


def test_what_was_replaced_is_shown_when_asked_for(filled: Memories) -> None:
    rows = {r["text"]: r for r in listed("--person", "Аня", "--all")}

    assert rows["ты живёшь в Омске"]["memory"] == rows["ты живёшь в Туле"]["replaced_by"]


def test_a_table_cuts_the_ids_and_a_program_gets_them_whole(filled: Memories) -> None:
    (whole,) = listed("--person", "Аня")
    table = steppe("memory", "list", "--person", "Аня").stdout

    assert ["d/0", "d/2"] == whole["sources"]
    assert whole["memory"][:12] in table
    assert whole["memory"] not in table
    assert "2026-01-01 12:30" in table


def test_a_memory_is_forgotten_by_the_beginning_of_its_id(filled: Memories) -> None:
    (cat,) = [r for r in listed() if r["text"] == "твой кот рыжий"]
    done = steppe("memory", "forget", cat["memory"][:10], "--reason", "не надо")

    assert "1 memory is forgotten" in done.stdout
    assert {"ты живёшь в Омске"} == {r["text"] for r in listed()}


def test_a_person_is_forgotten_by_name(filled: Memories) -> None:
    done = steppe("memory", "forget", "--person", "Аня", "--reason", "ушла")

    assert "2 memories are forgotten" in done.stdout
    assert {"owner"} == {r["person"] for r in listed("--all")}


def test_an_id_of_several_memories_is_not_guessed(filled: Memories) -> None:
    failed = steppe("memory", "forget", content_id("no memory")[:12], "--reason", "так")

    assert 1 == failed.exit_code
    assert "hint: `steppe memory list --all`" in failed.stderr
