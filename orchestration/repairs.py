"""`steppe doctor`: what a crash can leave behind, found and put right.

Nothing here is needed for the next turn of the loop to be right: the lake's commits are whole or
absent, and every step may be repeated.  It gives back what a killed process held and removes what
it had not finished.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from assets import inbox, ray_jobs
from assets.deployments import crown
from assets.lineage import deployed, registry_of
from lake import schemas, warehouse
from lake.errors import LakeError, SteppeError
from lake.settings import Settings
from lake.tables import Lake
from lake.vectors import Vectors
from models import base as bases
from models.adapters import rebuilding_hint, verify
from models.serving import client
from orchestration import instance as instances
from orchestration import sensors
from orchestration.turn import only_one

DRAFT_AGE = 600  # seconds: a younger copy may belong to an `ingest` that is under way
JOURNAL_AGE = 86_400  # seconds: a younger one may be of a self-chat that is to go on
COPY_HINT = "put the files back from a copy of the home, and look again"
ORPHAN_AGE_SECONDS = 3600  # a younger file may belong to a commit that is under way


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at: whether it was well, what was found, whether a repair can help.

    `hint` says what a person can do about what is beyond repair.
    """

    subject: str
    words: str
    healthy: bool = True
    beyond_repair: bool = False
    hint: str = ""

    @classmethod
    def broken(cls, subject: str, words: str, hint: str = "") -> Finding:
        """Return a finding that no repair of ours can help."""
        return cls(subject, words, healthy=False, beyond_repair=True, hint=hint)

    def line(self, *, repaired: bool) -> str:
        """Return the finding as a person reads it; `repaired` is what is done to what can be."""
        mark = "repaired" if repaired else "found"
        mark = "ok" if self.healthy else "broken" if self.beyond_repair else mark
        hint = f"\n{'':9}hint: {self.hint}" if self.hint else ""
        return f"{mark:8} {self.subject}: {self.words}{hint}"


def examine(settings: Settings, *, repair: bool) -> list[Finding]:
    """Look at everything, in the order in which it depends on each other; repair if asked."""
    looks: list[Callable[[Settings, bool], Iterator[Finding]]] = [
        _runs,
        _ray_jobs,
        _tables,
        _orphans,
        _vectors,
        _drafts,
        _adapters,
        _server,
        _champion,
        _warehouse,
    ]
    with only_one(settings):
        return [finding for look in looks for finding in _looked(look, settings, repair)]


def _looked(
    look: Callable[[Settings, bool], Iterator[Finding]], settings: Settings, repair: bool
) -> list[Finding]:
    """Return what a look finds; one that cannot even look is a finding, and the others go on."""
    subject = look.__name__.strip("_")
    try:
        return list(look(settings, repair))
    except SteppeError as error:
        return [Finding.broken(subject, f"cannot be looked at: {error.message}", error.hint)]
    except Exception as error:  # noqa: BLE001  the doctor is for what nobody foresaw
        return [Finding.broken(subject, f"cannot be looked at: {type(error).__name__}: {error}")]


def _runs(settings: Settings, repair: bool) -> Iterator[Finding]:
    """Runs of this machine's CLI that can no longer be going on, and the pool slots they hold."""
    import dagster as dg

    stuck_states = [
        dg.DagsterRunStatus.STARTED,
        dg.DagsterRunStatus.STARTING,
        dg.DagsterRunStatus.CANCELING,
    ]
    with instances.opened(settings) as instance:
        runs = instance.get_runs(dg.RunsFilter(statuses=stuck_states, tags={"steppe/door": "grow"}))
        for run in runs:  # the turn lock is ours, so no turn of the CLI is alive
            if repair:
                instance.report_run_failed(run, "its process was killed; `steppe doctor` closed it")
                instance.event_log_storage.free_concurrency_slots_for_run(run.run_id)
            yield Finding("runs", f"run {run.run_id[:8]} was cut and is closed", healthy=False)
        if not runs:
            yield Finding("runs", "none is stuck")


def _ray_jobs(settings: Settings, repair: bool) -> Iterator[Finding]:
    """Jobs on Ray whose run is over; the runs that were cut are closed by now."""
    if settings.training.backend != "ray":
        return
    with instances.opened(settings) as instance:
        over = sensors.run_is_over(instance)
        found = ray_jobs.reap(settings.training.ray_address, over, stop=repair)
    for run in found:
        yield Finding("ray", f"the job of run {run[:8]} went on without it", healthy=False)
    if not found:
        yield Finding("ray", "no job without its run")


def _tables(settings: Settings, _: bool) -> Iterator[Finding]:
    damaged = list(_damaged(Lake(settings.home)).values())
    yield from damaged
    if not damaged:
        yield Finding("tables", f"{len(schemas.tables())} looked at")


def _damaged(lake: Lake) -> dict[str, Finding]:
    """Return what is wrong with each table that is not whole.

    A log that has lost its end is a sound log of fewer commits: the warehouse, which was published
    after each, tells.
    """
    published = warehouse.versions(lake)
    found = {name: _damage_of(lake, name, published.get(name, -1)) for name in schemas.tables()}
    return {name: Finding.broken(name, words, COPY_HINT) for name, words in found.items() if words}


def _damage_of(lake: Lake, table: str, published: int) -> str:
    try:
        missing, version = lake.verify(table), lake.version(table)
    except LakeError as error:
        return error.message
    if version < published:
        newest = f"version {version}" if version >= 0 else "nothing"
        return f"its log has {newest} and version {published} was published: commits are lost"
    if missing:
        return f"{len(missing)} files of its log are missing or cut, first {missing[0]}"
    return ""


def _orphans(settings: Settings, repair: bool) -> Iterator[Finding]:
    """Data files of no commit; those of a damaged table may be all that is left of lost ones."""
    lake = Lake(settings.home)
    damaged = _damaged(lake)
    for name in (n for n in schemas.tables() if n not in damaged):
        old = [f for f in lake.orphans(name) if _age_seconds(f) > ORPHAN_AGE_SECONDS]
        for file in old:
            if repair:
                file.unlink()
        if old:
            yield Finding(name, f"{len(old)} data files that no commit names", healthy=False)


def _vectors(settings: Settings, repair: bool) -> Iterator[Finding]:
    vectors = Vectors(settings.home)
    if repair:
        vectors.compact()
    yield Finding("vectors", f"{vectors.count():,} turns")


def _drafts(settings: Settings, repair: bool) -> Iterator[Finding]:
    """Unfinished copies, bases, adapters and warehouses; none of them is ever read.

    Nor is an old journal: self-chat that goes on does so the same night.
    """
    adapters = settings.models_dir / "adapters"
    drafts = [
        *(d for d in (settings.inbox / inbox.DRAFTS).glob("*") if _age_seconds(d) > DRAFT_AGE),
        *bases.leftovers(settings.models_dir),
        *settings.home.glob(".warehouse-*"),
        *adapters.glob(".draft-*"),
        *settings.models_dir.glob(".rebuilding-*"),
        *(d for d in (settings.home / "journals").glob("*") if _age_seconds(d) > JOURNAL_AGE),
    ]
    for draft in drafts:
        if repair:
            _remove(draft)
        yield Finding("drafts", f"{draft.name}, left by a killed process", healthy=False)


def _adapters(settings: Settings, _: bool) -> Iterator[Finding]:
    """Adapters in the lake whose files are gone or changed."""
    for row in Lake(settings.home).rows("adapters_versions"):
        try:
            verify(settings.models_dir / "adapters" / row["adapter_id"])
        except SteppeError as error:
            hint = rebuilding_hint(row["adapter_id"])
            yield Finding.broken("adapters", error.message, hint)


def _server(settings: Settings, repair: bool) -> Iterator[Finding]:
    state = settings.home / "serving" / "server.json"
    if not state.exists():
        yield Finding("server", "not running")
        return
    server = client.running(settings)
    if server:
        yield _of_server(server)
        return
    if repair:
        state.unlink(missing_ok=True)
    yield Finding("server", "it is gone but its note was there", healthy=False)


def _of_server(server: client.Server) -> Finding:
    try:
        found = server.health()
    except SteppeError as error:
        return Finding.broken("server", error.message, error.hint)
    if found["status"] != "ok":
        words = f"answers at {server.url}, and nothing decodes for it"
        return Finding.broken("server", words, "serving/upstream.log tells why")
    return Finding("server", f"serves {found['deployed']} at {server.url}")


def _champion(settings: Settings, repair: bool) -> Iterator[Finding]:
    row = deployed(Lake(settings.home))
    if row is None:
        yield Finding("champion", "the bare base")
        return
    registry = registry_of(settings)
    if registry.alias("champion") == row["adapter_id"]:
        yield Finding("champion", row["served_name"])
        return
    if repair:
        crown(registry, row["adapter_id"])
    yield Finding("champion", f"MLflow's alias was not at {row['served_name']}", healthy=False)


def _warehouse(settings: Settings, repair: bool) -> Iterator[Finding]:
    lake = Lake(settings.home)
    if _damaged(lake):  # what was published last says what is lost
        yield Finding.broken("warehouse", "stays as it was published last: tables are damaged")
        return
    if repair:
        warehouse.publish(lake)
    yield Finding("warehouse", "published" if repair else "would be published anew")


def _age_seconds(path: Path) -> float:
    return time.time() - path.stat().st_mtime


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink()
