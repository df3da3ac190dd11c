"""One turn of the loop: everything that is not yet what its inputs make, and nothing else.

The lake itself says what is stale (`assets.fingerprints`), so a turn that was killed anywhere is
simply taken again.  Every step is a Dagster run in the same instance that the UI shows.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

from assets import (
    STAGES,
    adapters,
    answered,
    cleaned,
    evaluations,
    feedback,
    fingerprints,
    inbox,
    judgements,
    memories,
    moderation,
    observing,
    raw,
    remembering,
    self_chats,
    training_sets,
)
from assets.deployments import crown
from assets.lineage import champion, deployed, elected, registry_of, standing
from lake.errors import LakeError, SteppeError
from lake.memories import Memories
from lake.settings import Settings
from lake.tables import Lake
from lake.vectors import Vectors
from models import base as bases
from models import gate, recipes
from models.encoders import load_encoder
from orchestration import instance as instances

if TYPE_CHECKING:
    import dagster as dg

BY_DAY = {
    "raw": tuple(raw.SPECS),
    "cleaned": tuple(cleaned.SPECS),
    "embeddings": ("embeddings_messages", "embeddings_duplicates"),
    "self_chats": tuple(self_chats.SPECS),
}
QUIET: dict[str, Any] = {"loggers": {"console": {}}}


@dataclass
class Turn:
    """What a turn did: days run again, the adapter judged, whether it is served now."""

    base: bases.BaseModel | None = None
    days: list[date] = field(default_factory=list)
    adapter_id: str = ""
    verdict: dict[str, Any] | None = None
    deployed: bool = False
    seconds: dict[str, float] = field(default_factory=dict)

    @property
    def changed(self) -> bool:
        """Say whether anything was written."""
        return bool(self.seconds)


class TurnFailed(SteppeError):
    """A run of the turn failed for a reason that is no verdict."""


def grow(settings: Settings, *, until: str = "") -> Turn:
    """Take one turn, or its stages of days as far as `until`, one of `BY_DAY`, which need no base.

    Raise `TurnFailed` with the step's own error where one fails.
    """
    recipes.load(settings.recipe)  # a typo in it is told now, not after the stages before
    moderation.of(settings)  # and one in the list of what may not be taught
    with only_one(settings), instances.opened(settings) as instance:
        under_way = settings.home / ".turn.under-way"
        taking = _Taking(settings, instance, was_cut=under_way.exists())
        under_way.touch()
        turn = taking.intake(until) if until else taking.whole()
        under_way.unlink()
        return turn


def serve_elected(settings: Settings) -> Turn:
    """Serve whom the newest decision lets through; the caller holds the lock of `only_one`."""
    with instances.opened(settings) as instance:
        taking = _Taking(settings, instance, was_cut=False)
        taking.serve(taking.ensure_base())
        return taking.turn


def materialize(settings: Settings, names: Sequence[str]) -> Turn:
    """Materialize assets that have no days as a run of its own."""
    with only_one(settings), instances.opened(settings) as instance:
        taking = _Taking(settings, instance, was_cut=False)
        taking.ensure_base()
        taking.run(names)
        return taking.turn


def grow_base(settings: Settings) -> bases.BaseModel:
    """Grow or fetch the base as a run of its own, unless it is here."""
    with only_one(settings), instances.opened(settings) as instance:
        return _Taking(settings, instance, was_cut=False).ensure_base()


@dataclass
class _Taking:
    settings: Settings
    instance: dg.DagsterInstance
    was_cut: bool
    turn: Turn = field(default_factory=Turn)

    def __post_init__(self) -> None:
        self.lake = Lake(self.settings.home)

    def whole(self) -> Turn:
        self.turn.base = self.ensure_base()
        self.intake("self_chats")
        if feedback.waiting(self.lake, self.settings):
            self.run([self_chats.FEEDBACK])
        if answered.stale(self.lake, self.settings):
            self.run([answered.TABLE])
        self._learn()
        self._reconcile()
        return self.turn

    def intake(self, until: str) -> Turn:
        """Run what is stale of each day, as far as a stage."""
        inbox.admit(self.settings.inbox, day=datetime.now(UTC).date())
        for day in self._days():
            if stages := self._stale(day, until):
                self.run([name for stage in stages for name in BY_DAY[stage]], day=day)
                self.turn.days.append(day)
        if list(BY_DAY).index(until) >= list(BY_DAY).index("embeddings"):
            self._remember()
        return self.turn

    def _remember(self) -> None:
        """Consolidate the memories of whoever said something new; without a base, by rules."""
        settings = self.settings
        base = bases.find_base(settings.base_model, settings.models_dir)
        reader = observing.reader_of(settings, self.lake, base)
        encoder = load_encoder(settings.encoder, models_dir=settings.models_dir)
        ids = (reader.reader_id, encoder.encoder_id)
        if remembering.is_stale(self.lake, Memories(settings.home), settings, *ids):
            self.run(tuple(memories.SPECS))

    def ensure_base(self) -> bases.BaseModel:
        found = bases.find_base(self.settings.base_model, self.settings.models_dir)
        if found is None:
            self.run(["base_model"])
            found = bases.find_base(self.settings.base_model, self.settings.models_dir)
        if found is None:
            raise TurnFailed("The base was grown and is not there.", hint="run `steppe doctor`")
        return found

    def _days(self) -> list[date]:
        known = set(self.lake.days("raw_records")) | set(self.lake.days("raw_quarantined"))
        return sorted(known | set(inbox.days(self.settings.inbox)))

    def _stale(self, day: date, until: str) -> list[str]:
        """Return the stages of a day that must run: the first stale one and those after it."""
        stages = list(BY_DAY)[: list(BY_DAY).index(until) + 1]
        for index, stage in enumerate(stages):
            if not self._is_fresh(stage, day):
                return stages[index:]
        return []

    def _is_fresh(self, stage: str, day: date) -> bool:
        if stage == "embeddings":
            encoder = load_encoder(self.settings.encoder, models_dir=self.settings.models_dir)
            wanted = fingerprints.embeddings(self.settings, day, encoder.encoder_id)
            have = Vectors(self.settings.home).made_from(day)
            told = fingerprints.paraphrases(self.settings, day, encoder.encoder_id)
            return have == (
                {wanted} if self._has_dialogues(day) else set()
            ) and self.lake.is_made_from("embeddings_duplicates", day, told)
        made_from = {
            "raw": lambda: fingerprints.raw(self.settings, day),
            "cleaned": lambda: fingerprints.cleaned(self.settings, day),
            "self_chats": lambda: fingerprints.self_chats(
                self.lake, self.settings, day, self.turn.base.base_id if self.turn.base else ""
            ),
        }[stage]()
        return all(self.lake.is_made_from(t, day, made_from) for t in BY_DAY[stage])

    def _has_dialogues(self, day: date) -> bool:
        return bool(
            self.lake.arrow(
                "cleaned_dialogues", columns="revision", where=f"day = DATE '{day}'"
            ).num_rows
        )

    def _learn(self) -> None:
        """Train, judge and serve what the lake as it is has not been trained, judged, served."""
        planned = training_sets.plan(self.lake, self.settings)
        if planned is None:
            self._say_if_choices_are_missing()
            return
        if training_sets.trained(self.lake, planned) is None:
            self.run([*adapters.SETS, "adapters_versions"])
        adapter = training_sets.trained(self.lake, planned)
        if adapter is None:
            raise TurnFailed("An adapter was trained and is not there.", hint="`steppe doctor`")
        self.turn.adapter_id = adapter["adapter_id"]
        self._judge(planned.base, adapter)
        self.serve(planned.base)

    def _say_if_choices_are_missing(self) -> None:
        """Raise where a recipe learns from choices and there is none; other recipes just wait."""
        recipe = recipes.load(self.settings.recipe)
        if training_sets.teaches_choices(recipe) and self.turn.base is not None:
            raise TurnFailed(
                f"The recipe `{recipe.name}` learns from choices between answers, and none in the "
                "lake may teach.",
                hint="draw `constitution` in `self_chat.methods`, or ingest ranked answers; "
                '`steppe sql "select reason, count(*) from stg_preferences group by 1"` tells more',
            )

    def _judge(self, base: bases.BaseModel, adapter: dict[str, Any]) -> None:
        """Judge the adapter against today's champion, unless that was done; a person may differ."""
        adapter_id, policy = adapter["adapter_id"], gate.load_policy()
        if adapter_id == champion(self.lake, base.base_id):
            return
        about = judgements.prepare(self.lake, self.settings, adapter, base, policy)
        if about.verdict_row(self.lake) is None:
            self.run(tuple(evaluations.SPECS), may_refuse=True)
        self.turn.verdict = standing(self.lake, adapter_id)

    def serve(self, base: bases.BaseModel) -> None:
        """Serve whom the newest decision lets through, unless that is who is served."""
        decision = elected(self.lake, base.base_id)
        if decision and decision["adapter_id"] != champion(self.lake, base.base_id):
            self.run(["deployments_history"])
            self.turn.deployed = True

    def _reconcile(self) -> None:
        """Move MLflow's alias to what the history says is served, if a kill came between."""
        row = deployed(self.lake)
        if row and self.was_cut:
            crown(registry_of(self.settings), row["adapter_id"])

    def run(
        self, names: Sequence[str], *, day: date | None = None, may_refuse: bool = False
    ) -> None:
        """Materialize assets in this process, in one Dagster run."""
        import dagster as dg

        from orchestration.definitions import build

        started = time.monotonic()
        job = build(self.settings).resolve_implicit_global_asset_job_def()
        result = job.execute_in_process(
            asset_selection=[dg.AssetKey(name) for name in names],
            partition_key=str(day) if day else None,
            instance=self.instance,
            raise_on_error=False,
            run_config=QUIET,
            tags={"steppe/door": "grow"},
        )
        self._count_seconds(result, names[0], time.monotonic() - started)
        if not result.success and not (may_refuse and self._was_refused(result)):
            raise _failure_of(result)

    def _count_seconds(self, result: dg.ExecuteInProcessResult, first: str, whole: float) -> None:
        """Add the run's wall seconds to its stages; what no step took is the first stage's."""
        seconds = self.turn.seconds
        for event in result.get_step_success_events():
            spent = event.step_success_data.duration_ms / 1000
            stage = _stage_of(event.step_key or "")
            seconds[stage] = seconds.get(stage, 0.0) + spent
            whole -= spent
        seconds[_stage_of(first)] = seconds.get(_stage_of(first), 0.0) + max(whole, 0.0)

    @staticmethod
    def _was_refused(result: dg.ExecuteInProcessResult) -> bool:
        return any(
            not e.passed and e.check_name == "gate" for e in result.get_asset_check_evaluations()
        )


def _is_ours(error: Any) -> bool:
    """Say whether an error of a step is one that we raised, hint and all."""
    return error.cls_name in _our_names()


def _our_names() -> set[str]:
    return {kind.__name__ for kind in _kinds(SteppeError)}


def told_by(message: str, kind: str) -> str:
    """Return what a person reads of an error that Dagster kept: `lake.errors.SchemaError: words`.

    Ours, and Dagster's `Failure`, are words enough; of another's class the module is left out, and
    so are pydantic's links.
    """
    lines = [line for line in message.splitlines() if "errors.pydantic.dev" not in line]
    words = "\n".join(lines).strip()
    named, colon, rest = words.partition(":")
    if not colon or named.rpartition(".")[2] != kind:
        return words
    return rest.strip() if kind in {*_our_names(), "Failure"} else f"{kind}:{rest}"


def _kinds(kind: type[SteppeError]) -> Iterator[type[SteppeError]]:
    yield kind
    for below in kind.__subclasses__():
        yield from _kinds(below)


def _stage_of(step: str) -> str:
    """Return the stage a step belongs to: assets and checks begin with its name."""
    return next((stage for stage in STAGES if step.startswith(stage)), "base")


def _failure_of(result: dg.ExecuteInProcessResult) -> TurnFailed:
    """Return the error of the step that failed, as the person should read it."""
    for evaluation in result.get_asset_check_evaluations():
        if not evaluation.passed:
            asset = evaluation.asset_key.to_user_string()
            return TurnFailed(
                f"The check `{evaluation.check_name}` failed on `{asset}`.",
                hint="`steppe ui` shows the offending rows; nothing downstream was made",
            )
    for event in (e for e in result.all_events if e.is_step_failure):
        error = event.step_failure_data.error
        if error is not None and error.cls_name in {
            "DagsterExecutionInterruptedError",
            "KeyboardInterrupt",
        }:
            return TurnFailed("Stopped.", hint="`steppe grow` goes on from where it was")
        while error is not None and error.cause is not None and not _is_ours(error):
            error = error.cause
        message = told_by(error.message, error.cls_name or "") if error else "no message"
        text, _, hint = message.partition("\n\nhint: ")
        return TurnFailed(
            f"The step `{event.step_key}` failed: {text}",
            hint=hint or f"run `steppe ui` and open run {result.run_id}",
        )
    return TurnFailed(f"Run {result.run_id} failed.", hint="`steppe ui` shows its log")


@contextmanager
def only_one(settings: Settings) -> Iterator[None]:
    """Hold the home's turn lock: the kernel lets go of it even after `kill -9`."""
    from filelock import FileLock, Timeout

    settings.home.mkdir(parents=True, exist_ok=True)
    lock = FileLock(settings.home / ".turn.lock")
    try:
        with lock.acquire(timeout=0.2):
            yield
    except Timeout:
        raise LakeError(
            "Another turn of the loop is under way on this home.",
            hint="wait for it, or look at it with `steppe ui`",
        ) from None
