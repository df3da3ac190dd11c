"""The gate: may the challenger be served instead of the champion?  A pure function.

Every rule gives one reason with its numbers, whether it held or not, so a verdict can be read
without the scores at hand.  Nothing but a passed verdict moves the `champion` alias.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from lake.errors import SettingsError
from lake.ids import json_id
from models.evaluation import Evaluation, Result, anchor, health, held_out, probe
from models.evaluation.statistics import Interval

POLICY = Path(__file__).with_name("gate_policy.toml")


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Improvement(_Part):
    """Growth on the person's held-out dialogues."""

    min_dialogues: int
    min_low: float


class Anchor(_Part):
    """How much of the primer may be forgotten."""

    max_exact_drop: float
    max_loss_rise: float


class Health(_Part):
    """Bounds on the answers; `slack` is how much worse than the champion is still the same."""

    max_empty: float
    max_unfinished: float
    max_repetition: float
    min_cyrillic: float
    slack: float


class Probe(_Part):
    """What shows that an adapter is loaded."""

    min_logit_difference: float


class Policy(_Part):
    """Every rule's numbers; `policy_id` is the hash of them all."""

    seed: int
    improvement: Improvement
    anchor: Anchor
    health: Health
    probe: Probe

    @property
    def policy_id(self) -> str:
        """Return the id of these numbers."""
        return json_id(self.model_dump(mode="json"))


@dataclass(frozen=True, slots=True)
class Verdict:
    """The decision; `reasons` has one line a rule, `held:` or `failed:` first."""

    passed: bool
    reasons: tuple[str, ...]
    improvement: float
    low: float
    high: float
    policy_id: str


@dataclass(frozen=True, slots=True)
class _Rule:
    held: bool
    words: str

    def __str__(self) -> str:
        return f"{'held' if self.held else 'failed'}: {self.words}"


def load_policy(path: Path = POLICY) -> Policy:
    """Return the policy in a file; raise `SettingsError` with the first thing that is wrong."""
    content: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
    try:
        return Policy.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        raise SettingsError(
            f"`{path.name}`: {'.'.join(map(str, first['loc']))}: {first['msg']}.",
            hint="see models/gate_policy.toml for every key",
        ) from error


def judge(champion: Evaluation, challenger: Evaluation, policy: Policy) -> Verdict:
    """Return whether the challenger may replace the champion, and why."""
    nothing = Result(())
    gained, dialogues = held_out.compare(
        champion.results.get(held_out.SUITE, nothing),
        challenger.results.get(held_out.SUITE, nothing),
        seed=policy.seed,
    )
    rules = [
        *_same_ground(champion, challenger),
        *_improves(gained, dialogues, policy),
        *_remembers(champion, challenger, policy),
        *_is_healthy(champion, challenger, policy),
        *_is_loaded(challenger, policy),
    ]
    passed = all(rule.held for rule in rules)
    reasons = tuple(str(rule) for rule in rules)
    return Verdict(passed, reasons, gained.value, gained.low, gained.high, policy.policy_id)


def _same_ground(champion: Evaluation, challenger: Evaluation) -> Iterator[_Rule]:
    same = champion.base_id == challenger.base_id
    yield _Rule(same, f"base {challenger.base_id[:12]}, champion's {champion.base_id[:12]}")
    same = champion.template_id == challenger.template_id
    ours, theirs = challenger.template_id[:12], champion.template_id[:12]
    yield _Rule(same, f"chat template {ours}, champion's {theirs}")


def _improves(gained: Interval, dialogues: int, policy: Policy) -> Iterator[_Rule]:
    rule = policy.improvement
    enough = dialogues >= rule.min_dialogues
    yield _Rule(enough, f"{dialogues} held-out dialogues, at least {rule.min_dialogues}")
    yield _Rule(
        gained.low > rule.min_low,
        f"{gained.value:+.3f} nats a token on held-out dialogues, "
        f"95 % [{gained.low:+.3f}, {gained.high:+.3f}] above {rule.min_low:g}",
    )


def _remembers(champion: Evaluation, challenger: Evaluation, policy: Policy) -> Iterator[_Rule]:
    limits = {
        "exact": (policy.anchor.max_exact_drop, -1, "anchor answers exact"),
        "nats_per_token": (policy.anchor.max_loss_rise, 1, "anchor nats a token"),
    }
    for metric, (limit, sign, words) in limits.items():
        old, new = _pair(champion, challenger, anchor.SUITE, metric)
        if old is None or new is None:
            yield _Rule(held=False, words=f"{words}: not measured")
            continue
        worse = sign * (new - old)
        rounding = 1e-9
        yield _Rule(
            worse <= limit + rounding,
            f"{words} {old:.3f} -> {new:.3f}, worse by {worse:.3f}, at most {limit:g}",
        )


def _is_healthy(champion: Evaluation, challenger: Evaluation, policy: Policy) -> Iterator[_Rule]:
    bounds = policy.health
    limits = {
        "empty": (bounds.max_empty, 1),
        "unfinished": (bounds.max_unfinished, 1),
        "repetition": (bounds.max_repetition, 1),
        "cyrillic": (bounds.min_cyrillic, -1),
    }
    for metric, (bound, sign) in limits.items():
        old, new = _pair(champion, challenger, health.SUITE, metric)
        if new is None:
            yield _Rule(held=False, words=f"answers {metric}: not measured")
            continue
        within = sign * (new - bound) <= 0
        no_worse = old is not None and sign * (new - old) <= bounds.slack
        side = "at most" if sign > 0 else "at least"
        before = "not measured" if old is None else f"{old:.3f}"
        yield _Rule(
            within or no_worse,
            f"answers {metric} {new:.3f}, {side} {bound:g} or champion's {before}",
        )


def _is_loaded(challenger: Evaluation, policy: Policy) -> Iterator[_Rule]:
    found = challenger.score(probe.SUITE, "files_match")
    yield _Rule(bool(found and found.value == 1.0), "the adapter's files match its manifest")
    found = challenger.score(probe.SUITE, "logit_difference")
    moved = found.value if found else 0.0
    least = policy.probe.min_logit_difference
    yield _Rule(moved > least, f"the adapter moves a logit by {moved:.3f}, above {least:g}")


def _pair(
    champion: Evaluation, challenger: Evaluation, suite: str, metric: str
) -> tuple[float | None, float | None]:
    old, new = champion.score(suite, metric), challenger.score(suite, metric)
    return (old.value if old else None), (new.value if new else None)
