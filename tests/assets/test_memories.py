"""The asset as Dagster runs it: read, consolidated, checked; and nothing twice."""

from datetime import UTC, datetime

import dagster as dg
import pytest

from assets import memories
from lake.ids import pseudonym_key, user_id_of
from lake.memories import Memories
from lake.settings import Settings
from lake.tables import Lake
from models.serving.conversation_log import ConversationLog
from orchestration import turn
from orchestration.definitions import build

SAID = (
    ("Запомни: мою собаку зовут Буран.", "Запомнил: твою собаку зовут Буран."),
    ("Где мои ключи?", "Я этого не знаю. Расскажи мне."),
)


def talk(settings: Settings, user: str) -> None:
    """Write a conversation as the gateway does."""
    log, said = ConversationLog(settings.inbox, settings.home / "streams"), []
    for n, (question, answer) in enumerate(SAID):
        said.append({"role": "user", "content": question})
        about = {"conversation_id": user, "request_id": f"{user}-{n}", "user": user}
        log.put("request", **about, adapter="base", messages=said)
        log.put("answer", **about, adapter="base", content=answer, finish="stop")
        said.append({"role": "assistant", "content": answer})
    log.close()


@pytest.fixture
def grown(chosen: Settings) -> turn.Turn:
    talk(chosen, "Аня")
    return turn.grow(chosen, until="embeddings")


def test_what_is_told_to_the_gateway_is_remembered_by_the_turn(
    chosen: Settings, grown: turn.Turn
) -> None:
    anya = user_id_of("Аня", pseudonym_key(chosen.home))

    (row,) = Memories(chosen.home).list(anya)
    assert "твою собаку зовут Буран" == row["text"]
    assert grown.days == [datetime.now(UTC).date()]
    assert not turn.grow(chosen, until="embeddings").changed


def test_a_run_tells_what_was_passed_over_and_is_checked(
    chosen: Settings, grown: turn.Turn
) -> None:
    job = build(chosen).resolve_implicit_global_asset_job_def()
    with dg.DagsterInstance.ephemeral() as instance:
        result = job.execute_in_process(
            asset_selection=[dg.AssetKey(name) for name in memories.SPECS], instance=instance
        )
    checks = {check.check_name: check.passed for check in result.get_asset_check_evaluations()}
    told = {m.asset_key.to_user_string(): m for m in _materialized(result)}

    assert all(checks.values())
    assert "assert_memories_have_sources_of_their_own_person" in checks
    assert "assert_every_turn_is_remembered_or_passed_over" in checks
    assert 1 == told["embeddings_memories"].metadata["people"].value
    assert "unchanged" in told["embeddings_observations"].metadata


def _materialized(result: dg.ExecuteInProcessResult) -> list[dg.AssetMaterialization]:
    events = result.get_asset_materialization_events()
    return [event.step_materialization_data.materialization for event in events]


def test_the_check_fails_where_a_source_is_somebody_elses(
    chosen: Settings, grown: turn.Turn
) -> None:
    lake, home = Lake(chosen.home), Memories(chosen.home)
    (user_id,) = home.people()
    (row,) = home.list(user_id)
    kept = {k: v for k, v in row.items() if k != "last_used_at"}
    wrong = {**kept, "sources": ["0" * 32 + "/0"], "vector": [0.0] * 1024}
    home.upsert([wrong], dimensions=1024)

    result = memories.memories_have_sources(lake, chosen)
    assert not result.passed
    assert 1 == result.metadata["offending"].value


def test_a_home_without_dialogues_remembers_nobody(chosen: Settings) -> None:
    assert not turn.grow(chosen, until="embeddings").changed
    assert [] == Memories(chosen.home).people()
