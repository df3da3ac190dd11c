"""The gate: may the challenger be served instead of the champion?  A pure function.

Every rule has a name and gives its numbers, whether it held or not, so a verdict can be read
without the scores at hand.  Nothing but a passed verdict, or a person's recorded word, moves the
`champion` alias.
"""

from __future__ import annotations

import math
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from lake.errors import SettingsError
from lake.ids import json_id
from models.evaluation import (
    Evaluation,
    Result,
    anchor,
    contamination,
    exact,
    health,
    held_out,
    probe,
    relevance,
)
from models.evaluation.statistics import Interval

POLICY = Path(__file__).with_name("gate_policy.toml")
ROUNDING = 1e-9  # a fall of exactly the margin is allowed


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Improvement(_Part):
    """Growth on the person's held-out dialogues; `alpha` is for all candidates together."""

    min_dialogues: int
    min_low: float
    alpha: float


class Relevance(_Part):
    """How much of what was gained must go by the question."""

    min_share: float


class Anchor(_Part):
    """How much of the primer may be forgotten."""

    max_exact_drop: float
    max_loss_rise: float


class Health(_Part):
    """Bounds on the answers; `slack` is how much worse than the champion is still the same."""

    max_empty: float
    max_unfinished: float
    max_too_long: float
    max_repetition: float
    max_mixed_script: float
    min_cyrillic: float
    min_distinct_share: float
    slack: float


class Probe(_Part):
    """What shows that the adapter that was trained is the one that is served."""

    min_logit_difference: float
    max_served_error: float


class Coverage(_Part):
    """How much of a suite must have been scored."""

    min_coverage: float


class Contamination(_Part):
    """How much of a suite the training may have seen."""

    max_share: float


class Policy(_Part):
    """Every rule's numbers; `policy_id` is the hash of them all."""

    seed: int
    improvement: Improvement
    relevance: Relevance
    anchor: Anchor
    health: Health
    probe: Probe
    coverage: Coverage
    contamination: Contamination

    @property
    def policy_id(self) -> str:
        """Return the id of these numbers."""
        return json_id(self.model_dump(mode="json"))


@dataclass(frozen=True, slots=True)
class Rule:
    """One condition: its name, whether it held, and its numbers in words."""

    name: str
    held: bool
    words: str

    def __str__(self) -> str:
        return f"{'held' if self.held else 'failed'}: {self.words}"


@dataclass(frozen=True, slots=True)
class Verdict:
    """The decision on the `candidate`-th challenger of a champion, at its share of alpha.

    `low` and `high` are the ends of the improvement's interval at the level 1 - `alpha`.
    """

    passed: bool
    rules: tuple[Rule, ...]
    improvement: float
    low: float
    high: float
    candidate: int
    alpha: float
    policy_id: str

    @property
    def reasons(self) -> tuple[str, ...]:
        """Return one line a rule, `held:` or `failed:` first."""
        return tuple(str(rule) for rule in self.rules)

    @property
    def failed(self) -> tuple[str, ...]:
        """Return the names of the rules that did not hold."""
        return tuple(rule.name for rule in self.rules if not rule.held)


def load_policy(path: Path = POLICY) -> Policy:
    """Return the policy in a file; raise `SettingsError` with the first thing that is wrong."""
    hint = "see models/gate_policy.toml for every key"
    try:
        content: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
        return Policy.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise SettingsError(f"`{path.name}`: {place}: {first['msg']}.", hint=hint) from error
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingsError(f"`{path.name}` cannot be read: {error}.", hint=hint) from error


def share_of_alpha(alpha: float, candidate: int) -> float:
    """Return what the candidate-th challenger since the coronation may spend of `alpha`.

    alpha / (k (k + 1)): over any number of candidates the shares add up to less than `alpha`, so
    the chance that any worthless one passes stays below it (alpha spending: a sequence of tests
    by Bonferroni with weights fixed before; Foster and Stine 2008, J. R. Stat. Soc. B 70, §2).
    """
    return alpha / (candidate * (candidate + 1))


def judge(
    champion: Evaluation, challenger: Evaluation, policy: Policy, *, candidate: int = 1
) -> Verdict:
    """Return whether the challenger may replace the champion, and why.

    `candidate` counts the challengers since the champion was crowned, this one included.
    """
    alpha = share_of_alpha(policy.improvement.alpha, candidate)
    gained, dialogues = _gain(champion, challenger, policy, alpha)
    rules = (
        *_is_of_this_base(champion, challenger),
        *_is_uncontaminated(challenger, policy),
        *_is_covered(challenger, policy),
        *_improves(gained, (dialogues, challenger.held_out_split), policy, candidate, alpha),
        *_answers_the_question(champion, challenger, gained, policy),
        *_remembers(champion, challenger, policy),
        *_is_healthy(champion, challenger, policy),
        *_is_served(challenger, policy),
    )
    passed = all(rule.held for rule in rules)
    numbers = (gained.value, gained.low, gained.high)
    return Verdict(passed, rules, *numbers, candidate, alpha, policy.policy_id)


def _gain(
    champion: Evaluation, challenger: Evaluation, policy: Policy, alpha: float
) -> tuple[Interval, int]:
    old, new = (e.results.get(held_out.SUITE, Result(())) for e in (champion, challenger))
    return held_out.compare(old, new, seed=policy.seed, level=1 - alpha)


def _is_of_this_base(champion: Evaluation, challenger: Evaluation) -> Iterator[Rule]:
    ours = challenger.base_id
    same = ours == challenger.trained_base_id == champion.base_id
    yield Rule(
        "base", same, f"trained for base {challenger.trained_base_id[:12]}, {ours[:12]} here"
    )
    ours = challenger.template_id
    same = ours == challenger.trained_template_id == champion.template_id
    trained = challenger.trained_template_id[:12]
    yield Rule("template", same, f"trained with chat template {trained}, {ours[:12]} here")


def _is_uncontaminated(challenger: Evaluation, policy: Policy) -> Iterator[Rule]:
    most = policy.contamination.max_share
    for suite in (held_out.SUITE, exact.SUITE, anchor.SUITE):
        found = challenger.score(contamination.SUITE, suite)
        name = f"contamination_{suite}"
        if found is None:
            yield Rule(name, held=False, words=f"seen in training of `{suite}`: not measured")
            continue
        words = f"seen in training {found.value:.3f} of {found.n} items of `{suite}`"
        yield Rule(name, found.value <= most + ROUNDING, f"{words}, at most {most:g}")


def _is_covered(challenger: Evaluation, policy: Policy) -> Iterator[Rule]:
    least = policy.coverage.min_coverage
    found = [s for s in challenger.scores if s.coverage < least]
    suites = {s.suite for s in challenger.scores}
    if not {held_out.SUITE, anchor.SUITE} <= suites:
        yield Rule("coverage", held=False, words="coverage: not every suite was scored")
        return
    worst = min(challenger.scores, key=lambda s: s.coverage)
    words = f"least coverage {worst.coverage:.3f} of `{worst.suite}`, at least {least:g}"
    yield Rule("coverage", not found, words)


def _improves(
    gained: Interval, stands_on: tuple[int, str], policy: Policy, candidate: int, alpha: float
) -> Iterator[Rule]:
    rule, (dialogues, split) = policy.improvement, stands_on
    words = f"{dialogues} held-out dialogues of {split}, at least {rule.min_dialogues}"
    yield Rule("dialogues", dialogues >= rule.min_dialogues, words)
    if not math.isfinite(gained.low):
        yield Rule("improvement", held=False, words="nats a token on held-out: not measured")
        return
    yield Rule(
        "improvement",
        gained.low > rule.min_low,
        f"{gained.value:+.3f} nats a token on held-out dialogues, {100 * (1 - alpha):.4g} % "
        f"[{gained.low:+.3f}, {gained.high:+.3f}] above {rule.min_low:g} (candidate {candidate})",
    )


def _answers_the_question(
    champion: Evaluation, challenger: Evaluation, gained: Interval, policy: Policy
) -> Iterator[Rule]:
    """What is saved after a wrong question too is the person's manner, not what they asked for."""
    found, least = relevance.share(champion, challenger), policy.relevance.min_share
    if found is None and not gained.value <= 0:
        yield Rule("relevance", held=False, words="relevance of the question: not measured")
        return
    if found is None:
        yield Rule(
            "relevance", held=True, words="nothing was gained, so nothing beside the question"
        )
        return
    words = f"of what was gained {found:.2f} goes by the question, at least {least:g}"
    yield Rule("relevance", found >= least, words)


def _remembers(champion: Evaluation, challenger: Evaluation, policy: Policy) -> Iterator[Rule]:
    limits = {
        "exact": ("anchor_exact", policy.anchor.max_exact_drop, "anchor answers exact"),
        "nats_per_token": ("anchor_loss", policy.anchor.max_loss_rise, "anchor nats a token"),
    }
    lost = anchor.lost(champion, challenger, seed=policy.seed)
    for metric, (name, limit, words) in limits.items():
        old, new = _pair(champion, challenger, anchor.SUITE, metric)
        if old is None or new is None:
            yield Rule(name, held=False, words=f"{words}: not measured")
            continue
        worse = lost[metric]
        yield Rule(
            name,
            worse.high <= limit + ROUNDING,
            f"{words} {old:.3f} -> {new:.3f}, worse by {worse.value:.3f}, "
            f"95 % up to {worse.high:.3f}, at most {limit:g}",
        )


def _is_healthy(champion: Evaluation, challenger: Evaluation, policy: Policy) -> Iterator[Rule]:
    bounds = policy.health
    limits = {
        "empty": (bounds.max_empty, 1),
        "unfinished": (bounds.max_unfinished, 1),
        "too_long": (bounds.max_too_long, 1),
        "repetition": (bounds.max_repetition, 1),
        "mixed_script": (bounds.max_mixed_script, 1),
        "cyrillic": (bounds.min_cyrillic, -1),
    }
    for metric, (bound, sign) in limits.items():
        old, new = _pair(champion, challenger, health.SUITE, metric)
        if new is None:
            yield Rule(metric, held=False, words=f"answers {metric}: not measured")
            continue
        within = sign * (new - bound) <= 0
        no_worse = old is not None and sign * (new - old) <= bounds.slack
        side = "at most" if sign > 0 else "at least"
        before = "not measured" if old is None else f"{old:.3f}"
        words = f"answers {metric} {new:.3f}, {side} {bound:g} or champion's {before}"
        yield Rule(metric, within or no_worse, words)
    yield _is_varied(champion, challenger, bounds)


def _is_varied(champion: Evaluation, challenger: Evaluation, bounds: Health) -> Rule:
    """How varied answers can be depends on what is asked: the champion's are the measure."""
    old, new = _pair(champion, challenger, health.SUITE, "distinct_2")
    if old is None or new is None:
        return Rule("distinct_2", held=False, words="answers distinct_2: not measured")
    share = bounds.min_distinct_share
    words = f"answers distinct_2 {new:.3f}, at least {share:g} of champion's {old:.3f}"
    return Rule("distinct_2", new >= share * old, words)


def _is_served(challenger: Evaluation, policy: Policy) -> Iterator[Rule]:
    found = challenger.score(probe.SUITE, "files_match")
    sound = bool(found and found.value == 1.0)
    yield Rule("files", sound, "the adapter's files match its manifest")
    found = challenger.score(probe.SUITE, "logit_difference")
    moved, least = found.value if found else 0.0, policy.probe.min_logit_difference
    words = f"served, it moves the base's logits by {moved:.3f}, above {least:g}"
    yield Rule("loaded", moved > least, words)
    error = challenger.score(probe.SUITE, "served_error")
    share = error.value / moved if error and moved else math.inf
    most = policy.probe.max_served_error
    words = f"served logits are off the trained ones by {share:.2g} of that, at most {most:g}"
    yield Rule("served", share <= most, words)


def _pair(
    champion: Evaluation, challenger: Evaluation, suite: str, metric: str
) -> tuple[float | None, float | None]:
    old, new = champion.score(suite, metric), challenger.score(suite, metric)
    return (old.value if old else None), (new.value if new else None)
