"""The asset graph as it is: a rename or a lost edge shows up here first."""

from pathlib import Path

import dagster as dg
import pytest

from assets.partitions import DAYS, FIRST_DAY
from lake.settings import Settings
from orchestration import automation, instance
from orchestration.definitions import build

GRAPH = {
    "base_model": ("raw", set()),
    "raw_records": ("raw", set()),
    "raw_preferences": ("raw", set()),
    "raw_quarantined": ("raw", set()),
    "cleaned_dialogues": ("cleaned", {"raw_records", "raw_preferences"}),
    "cleaned_preferences": ("cleaned", {"raw_records", "raw_preferences"}),
    "cleaned_dropped": ("cleaned", {"raw_records", "raw_preferences"}),
    "cleaned_findings": ("cleaned", {"raw_records", "raw_preferences"}),
    "cleaned_signatures": ("cleaned", {"raw_records", "raw_preferences"}),
    "embeddings_messages": ("embeddings", {"cleaned_dialogues"}),
    "embeddings_duplicates": ("embeddings", {"cleaned_dialogues"}),
    "embeddings_observations": ("embeddings", {"embeddings_messages", "base_model"}),
    "embeddings_memories": ("embeddings", {"embeddings_messages", "embeddings_observations"}),
    "self_chats_dialogues": ("self_chats", {"cleaned_dialogues", "base_model"}),
    "self_chats_dropped": ("self_chats", {"cleaned_dialogues", "base_model"}),
    "self_chats_preferences": ("self_chats", {"cleaned_dialogues", "base_model"}),
    "self_chats_feedback": ("self_chats", {"raw_records"}),
    "self_chats_sessions": ("self_chats", {"cleaned_dialogues", "base_model"}),
    **dict.fromkeys(
        ("adapters_left_out", "adapters_training_sets"),
        (
            "adapters",
            {
                *("cleaned_dialogues", "cleaned_preferences", "embeddings_duplicates"),
                *("self_chats_dialogues", "self_chats_preferences", "base_model"),
            },
        ),
    ),
    "adapters_versions": ("adapters", {"adapters_training_sets", "base_model"}),
    "evaluations_comparisons": ("evaluations", {"adapters_versions"}),
    "evaluations_samples": ("evaluations", {"adapters_versions"}),
    "evaluations_scores": ("evaluations", {"adapters_versions"}),
    "evaluations_verdicts": ("evaluations", {"adapters_versions"}),
    "deployments_history": ("deployments", {"evaluations_verdicts"}),
    "deployments_answers": ("deployments", {"raw_records"}),
}


def specs(defs: dg.Definitions) -> dict[str, dg.AssetSpec]:
    return {s.key.to_user_string(): s for s in defs.resolve_all_asset_specs()}


def test_the_graph_is_what_it_was(chosen: Settings) -> None:
    found = {
        name: (s.group_name, {d.asset_key.to_user_string() for d in s.deps})
        for name, s in specs(build(chosen)).items()
    }

    assert found == GRAPH


def test_the_definitions_load(chosen: Settings) -> None:
    dg.Definitions.validate_loadable(build(chosen))


def test_training_declares_its_gpu(chosen: Settings) -> None:
    job = build(chosen).resolve_implicit_global_asset_job_def()
    node = next(n for n in job.graph.node_defs if n.name == "adapters_versions")

    assert "gpu" == node.pool
    assert "num_gpus" in node.tags["dagster-ray/config"]


def test_cleaned_and_embeddings_run_by_themselves_and_only_they(chosen: Settings) -> None:
    automatic = {s.group_name for s in specs(build(chosen)).values() if s.automation_condition}

    assert set(automation.BY_THEMSELVES) == automatic


def test_the_schedule_and_the_trigger_are_shipped_off_and_turned_on(chosen: Settings) -> None:
    def running(defs: dg.Definitions) -> set[str]:
        repository = defs.get_repository_def()
        instigators = [*repository.schedule_defs, *repository.sensor_defs]
        return {i.name for i in instigators if i.default_status.value == "RUNNING"}

    before = running(build(chosen))
    automation.turn(chosen.home, on=True)
    after = running(build(chosen))
    automation.turn(chosen.home, on=False)

    assert {"inbox_sensor", "failures", "automation"} == before
    assert {"nightly_self_chat", "enough_new_dialogues"} == after - before
    assert before == running(build(chosen))


def test_a_failing_asset_is_asked_for_once_more_and_then_left(tmp_path: Path) -> None:
    """Real runs of a chain whose second asset always fails: one request, one retry, no third."""

    @dg.asset
    def upstream() -> None: ...

    @dg.asset(deps=[upstream], automation_condition=automation.eager_with_one_retry())
    def downstream() -> None:
        raise ValueError("it always fails")

    defs = dg.Definitions([upstream, downstream])
    requests: list[int] = []
    with dg.DagsterInstance.ephemeral() as ephemeral:
        dg.materialize([upstream], instance=ephemeral)
        cursor = None
        for _ in range(6):
            result = dg.evaluate_automation_conditions(defs=defs, instance=ephemeral, cursor=cursor)
            cursor = result.cursor
            requests.append(result.total_requested)
            if result.total_requested:
                dg.materialize(
                    [upstream, downstream],
                    selection=[downstream],
                    instance=ephemeral,
                    raise_on_error=False,
                )
            elif not sum(requests):
                dg.materialize([upstream], instance=ephemeral)

    assert 2 == sum(requests), requests
    assert 0 == sum(requests[-2:]), requests


def asked_for(condition, **of_day) -> list[int]:
    """Return how often an asset is asked for while one old day is not there, comes, stays, changes.

    Real runs; `of_day` makes the asset a day's own.
    """
    version = "1"

    @dg.asset(partitions_def=DAYS)
    def upstream() -> dg.MaterializeResult:
        return dg.MaterializeResult(data_version=dg.DataVersion(version))

    @dg.asset(deps=[upstream], automation_condition=condition, **of_day)
    def downstream() -> None: ...

    assets = [upstream, downstream]
    day = FIRST_DAY if of_day else None
    asked: list[int] = []
    with dg.DagsterInstance.ephemeral() as ephemeral:
        cursor = None
        for version in ("", "1", "1", "2"):
            if version:
                dg.materialize([upstream], instance=ephemeral, partition_key=FIRST_DAY)
            result = dg.evaluate_automation_conditions(
                defs=dg.Definitions(assets), instance=ephemeral, cursor=cursor
            )
            cursor = result.cursor
            asked.append(result.total_requested)
            if result.total_requested:
                dg.materialize(
                    assets, selection=[downstream], instance=ephemeral, partition_key=day
                )
    return asked


def test_a_day_follows_what_it_is_made_from_however_old_it_is() -> None:
    """Asked for when its data version changes, and only then."""
    asked = asked_for(automation.eager_with_one_retry(), partitions_def=DAYS)

    assert [0, 1, 0, 1] == asked


def test_what_is_made_of_all_days_does_not_wait_for_the_missing_ones() -> None:
    """Asked for when one of a thousand days is there, and again when it changes."""
    assert [0, 1, 0, 1] == asked_for(automation.over_all_days())


def test_the_instance_is_made_once_and_kept(chosen: Settings) -> None:
    folder = instance.prepare(chosen)
    (folder / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
    instance.prepare(chosen)

    assert "telemetry: {enabled: false}\n" == (folder / "dagster.yaml").read_text()
    with instance.opened(chosen) as found:
        assert str(folder) in found.root_directory


@pytest.mark.parametrize("name", ["inbox_sensor", "enough_new_dialogues", "failures", "automation"])
def test_every_sensor_is_there(chosen: Settings, name: str) -> None:
    assert name in {s.name for s in build(chosen).get_repository_def().sensor_defs}
