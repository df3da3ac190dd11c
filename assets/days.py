"""A run of one day, or of many: each day by itself, and told by itself.

    # `work(day)` returns what to tell of its tables
    yield from each_day(context, work, lock=settings.home / "locks" / "raw", lake=lake)

A backfill is one run over its days, oldest first (`BACKFILLS`): a process for each day of a year
takes far longer than the days themselves, and a day must know what the days before it kept
(`docs/decisions/0014`).
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path

import dagster as dg
from filelock import FileLock

from assets import reporting
from lake import warehouse
from lake.errors import LakeError
from lake.tables import Lake

BACKFILLS = dg.BackfillPolicy.single_run()
SHOWN_FAILURES = 3

Told = Sequence[dg.MaterializeResult]


def each_day(
    context: dg.AssetExecutionContext,
    work: Callable[[date], Told],
    *,
    lock: Path,
    lake: Lake | None = None,
) -> Iterator[dg.MaterializeResult]:
    """Do the work of each of the run's days, publish the lake's warehouse once, yield what to tell.

    Of many days, one that fails stops no other: they are done and told of, and then `LakeError`
    names the days that failed.  The lock's holder is the only run that works on a day: of two at
    once neither would know what the other keeps, and both would write the same.
    """
    lock.parent.mkdir(parents=True, exist_ok=True)

    def alone(day: date) -> Told:
        with FileLock(lock):
            return work(day)

    days = sorted(map(date.fromisoformat, context.partition_keys))
    if len(days) == 1:
        told = alone(days[0])
        _publish(lake, [told])
        yield from told
        return
    done, failed = _tried(context, alone, days)
    tables = [result.asset_key for result in next(iter(done.values()), ())]
    if failed:  # the warehouse waits: it cannot be published from files that are harmed
        for table in tables:
            _tell(context, done, table)
        raise _failure(failed, len(days)) from next(iter(failed.values()))
    _publish(lake, done.values())
    for table in tables:
        yield dg.MaterializeResult(asset_key=table)
        _tell(context, done, table)  # at once: until then its days look changed to what follows


def _tried(
    context: dg.AssetExecutionContext, work: Callable[[date], Told], days: Sequence[date]
) -> tuple[dict[date, Told], dict[date, Exception]]:
    done: dict[date, Told] = {}
    failed: dict[date, Exception] = {}
    for day in days:
        try:
            done[day] = work(day)
        except Exception as error:  # whatever it is, it is this day's
            context.log.exception(f"{day} failed")
            failed[day] = error
    return done, failed


def _tell(
    context: dg.AssetExecutionContext,
    done: Mapping[date, Told],
    table: dg.AssetKey | Sequence[str] | str | None,
) -> None:
    """Report each day of a table with its own data version.

    Dagster gives all days of a run the version that the asset yields.  An event of its own stands
    after that one, and counts, also in a run that fails.
    """
    for day, told in done.items():
        for result in told:
            if result.asset_key != table:
                continue
            version = result.data_version.value if result.data_version else ""
            event = dg.AssetMaterialization(
                result.asset_key or "",
                metadata=result.metadata,
                partition=str(day),
                tags={"dagster/data_version": version},
            )
            context.log_event(event)


def _publish(lake: Lake | None, told: Iterable[Told]) -> None:
    """Publish the warehouse of a lake if any day wrote to it."""
    written = (r for results in told for r in results)
    if lake and any(reporting.UNCHANGED not in (r.metadata or {}) for r in written):
        warehouse.publish(lake)


def _failure(failed: Mapping[date, Exception], days: int) -> LakeError:
    shown = "; ".join(f"{day}: {error}" for day, error in list(failed.items())[:SHOWN_FAILURES])
    return LakeError(
        f"{len(failed)} of {days} days failed. {shown}",
        hint="the other days are done; mend these and run the backfill again",
    )
