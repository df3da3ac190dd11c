"""A run of many days: each by itself and told by itself; what is made already stays as it is."""

import json
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from pathlib import Path

import dagster as dg
import pytest

from assets import cleaned, raw
from lake.settings import Settings
from lake.tables import Lake

FIRST, LAST = date(2026, 1, 1), date(2026, 1, 3)
TABLES = [*raw.SPECS, *cleaned.SPECS]


def day(number: int) -> date:
    return FIRST + timedelta(days=number)


def put(settings: Settings, number: int, *talks: str) -> Path:
    """Lay dialogues into a day of the inbox, a sentence each."""
    path = settings.inbox / str(day(number)) / "talks.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [
        {"messages": [{"role": "user", "content": t}, {"role": "assistant", "content": f"Да: {t}"}]}
        for t in talks
    ]
    path.write_text("\n".join(json.dumps(line) for line in lines))
    return path


@pytest.fixture
def three_days(chosen: Settings) -> Settings:
    """Three days of one dialogue each; that of the second day is said again on the third."""
    put(chosen, 0, "Где лежат мои старые ключи от дачи?")
    put(chosen, 1, "Когда цветёт степной ковыль весной?")
    put(chosen, 2, "Когда цветёт степной ковыль весной?", "Сколько лет живёт степной орёл?")
    return chosen


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as ephemeral:
        yield ephemeral


def run(
    settings: Settings,
    instance: dg.DagsterInstance,
    first: date = FIRST,
    last: date = LAST,
    assets: Sequence[dg.AssetsDefinition] = (raw.raw, cleaned.cleaned),
) -> dg.ExecuteInProcessResult:
    """Run assets over a range of days, as a backfill does."""
    return dg.materialize(
        [raw.raw, cleaned.cleaned],
        selection=list(assets),
        resources={"settings": settings, "lake": Lake(settings.home)},
        tags={
            "dagster/asset_partition_range_start": str(first),
            "dagster/asset_partition_range_end": str(last),
        },
        instance=instance,
        raise_on_error=False,
    )


def versions(settings: Settings) -> dict[str, int]:
    lake = Lake(settings.home)
    return {name: lake.version(name) for name in TABLES}


def told(instance: dg.DagsterInstance, table: str) -> dict[str, tuple[str, bool]]:
    """Return of each day the newest data version, and whether it stayed as it was."""
    found = {}
    for key in sorted(instance.get_materialized_partitions(dg.AssetKey(table))):
        only = dg.AssetRecordsFilter(dg.AssetKey(table), asset_partitions=[key])
        (record,) = instance.fetch_materializations(only, limit=1).records
        event = record.asset_materialization
        assert event is not None
        found[key] = (event.tags["dagster/data_version"], "unchanged" in event.metadata)
    return found


def test_a_range_of_days_is_one_run_in_their_order(
    three_days: Settings, instance: dg.DagsterInstance
) -> None:
    assert run(three_days, instance).success

    lake = Lake(three_days.home)
    assert [1, 1, 1] == [lake.count("cleaned_dialogues", day(n)) for n in range(3)]
    assert ["exact_duplicate"] == [r["reason"] for r in lake.rows("cleaned_dropped")]


def test_a_dialogue_and_a_choice_are_dropped_on_the_same_day(
    chosen: Settings, instance: dg.DagsterInstance
) -> None:
    put(chosen, 0, "Когда цветёт степной ковыль весной?", "Когда цветёт степной ковыль весной?")
    asked = {"instruction": "Когда цветёт ковыль?", "result": "left"}
    choice = asked | {"left_answer": "В мае.", "right_answer": "В мае."}
    (chosen.inbox / str(FIRST) / "choices.jsonl").write_text(json.dumps(choice))

    assert run(chosen, instance, FIRST, FIRST).success

    dropped = Lake(chosen.home).rows("cleaned_dropped")
    assert {("dialogue", "exact_duplicate"), ("preference", "same_answers")} == {
        (row["grain"], row["reason"]) for row in dropped
    }


def test_each_day_has_its_own_data_version(
    three_days: Settings, instance: dg.DagsterInstance
) -> None:
    run(three_days, instance)
    by_range = told(instance, "cleaned_dialogues")
    with dg.DagsterInstance.ephemeral() as other:
        for n in range(3):
            run(three_days, other, day(n), day(n))
        by_day = told(other, "cleaned_dialogues")

    assert 3 == len({version for version, _ in by_range.values()})
    assert {key: version for key, (version, _) in by_range.items()} == {
        key: version for key, (version, _) in by_day.items()
    }


def test_days_that_are_made_already_are_left_as_they_are(
    three_days: Settings, instance: dg.DagsterInstance
) -> None:
    run(three_days, instance)
    first, before = told(instance, "cleaned_dialogues"), versions(three_days)
    warehouse = three_days.home / "warehouse.duckdb"
    published = warehouse.stat().st_mtime_ns
    again = run(three_days, instance)
    second = told(instance, "cleaned_dialogues")

    assert again.success
    assert before == versions(three_days)
    assert published == warehouse.stat().st_mtime_ns
    assert {k: (version, True) for k, (version, _) in first.items()} == second


def test_a_changed_day_is_written_with_the_days_after_it(
    three_days: Settings, instance: dg.DagsterInstance
) -> None:
    run(three_days, instance)
    put(three_days, 1, "Как зовут соседскую рыжую собаку?")
    run(three_days, instance)

    read, made = told(instance, "raw_records"), told(instance, "cleaned_dialogues")
    assert [True, False, True] == [unchanged for _, unchanged in read.values()]
    assert [True, False, False] == [unchanged for _, unchanged in made.values()]
    assert [1, 1, 2] == [Lake(three_days.home).count("cleaned_dialogues", day(n)) for n in range(3)]


def test_a_day_that_fails_stops_no_other(
    three_days: Settings, instance: dg.DagsterInstance
) -> None:
    run(three_days, instance, assets=[raw.raw])
    lake = Lake(three_days.home)
    harmed = next(Path(f) for f in lake.files("raw_records") if f"day={day(1)}" in f)
    whole = harmed.read_bytes()
    harmed.write_bytes(b"")
    failing = run(three_days, instance, assets=[cleaned.cleaned])
    made = set(told(instance, "cleaned_dialogues"))
    harmed.write_bytes(whole)
    mended = run(three_days, instance)

    assert not failing.success
    assert {str(FIRST), str(LAST)} == made
    assert mended.success
    assert [1, 1, 1] == [lake.count("cleaned_dialogues", day(n)) for n in range(3)]


def test_a_day_cleaned_out_of_turn_is_cleaned_again(
    three_days: Settings, instance: dg.DagsterInstance
) -> None:
    run(three_days, instance, LAST, LAST)
    alone = Lake(three_days.home).count("cleaned_dialogues", LAST)
    run(three_days, instance)

    assert (2, 1) == (alone, Lake(three_days.home).count("cleaned_dialogues", LAST))
