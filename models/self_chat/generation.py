"""One run of self-chat: methods over seeds, chunk by chunk, then the rules over all of it."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, replace
from importlib import import_module
from pathlib import Path

from lake.errors import BackendUnavailable
from lake.ids import content_id, json_id
from models.self_chat import METHODS, Plan, Seed, SelfChat
from models.self_chat.filters import judged
from models.self_chat.journal import Journal
from models.self_chat.stage import Stage

Progress = Callable[[str, int, int], None]
CHUNK = 32
"""Seeds that talk side by side: a batch of the embedded backend, and what a kill can lose."""


def generate(
    stage: Stage,
    seeds: Sequence[Seed],
    progress: Progress | None = None,
    *,
    journals: Path | None = None,
) -> list[SelfChat]:
    """Return every dialogue the model made from the seeds, kept or not; the same for one seed.

    With `journals`, a folder of this run's own, a run that was killed goes on where it stopped;
    whoever has written what it said calls `forget`.  A plan's budget ends it early, between two
    chunks; what was begun until then is returned.
    """
    chosen = _chosen(seeds, stage.plan)
    journal = Journal(journals / run_id(stage, chosen)) if journals else None
    work = list(_work(stage.plan, chosen))
    found: list[SelfChat] = []
    for done, (method, number, part) in enumerate(work, start=1):
        name = f"{method}-{number}-{content_id(*(s.dialogue_id for s in part))[:12]}"
        make = _maker(stage, method, number, part)
        found += journal.chunk(name, make) if journal else make()
        if progress:
            progress(method, done, len(work))
        if _is_spent(stage.plan, found):
            break
    return judged(found, stage.filters)


def forget(journals: Path) -> None:
    """Remove what was kept for going on: all of it is in the lake, or will be said again."""
    shutil.rmtree(journals, ignore_errors=True)


def _is_spent(plan: Plan, found: Sequence[SelfChat]) -> bool:
    tokens, seconds = sum(c.tokens for c in found), sum(c.seconds for c in found)
    return bool(
        (plan.max_tokens and tokens >= plan.max_tokens)
        or (plan.max_seconds and seconds >= plan.max_seconds)
    )


def run_id(stage: Stage, seeds: Sequence[Seed]) -> str:
    """Return the id of everything a run's words depend on."""
    judge = stage.judge.judge_id if stage.judge else ""
    told = asdict(stage.plan)  # what is left of a budget ends a run, and changes no word of it
    plan = json_id({name: told[name] for name in told if name not in ("max_tokens", "max_seconds")})
    said = [part for s in seeds for turn in s.messages for part in turn]
    policy = stage.filters.policy.policy_id
    return content_id("self_chat", stage.model.model_id, judge, plan, policy, *said)


def _chosen(seeds: Sequence[Seed], plan: Plan) -> list[Seed]:
    ordered = sorted({s for s in seeds if s.question and s.answer}, key=lambda s: s.dialogue_id)
    rng = random.Random(f"self_chat/{plan.seed}")
    return rng.sample(ordered, min(plan.max_seeds, len(ordered)))


def _work(plan: Plan, seeds: Sequence[Seed]) -> Iterator[tuple[str, int, tuple[Seed, ...]]]:
    for method in METHODS:
        for draw in range(plan.draws.get(method, 0)):
            for part in _parts(seeds):
                yield method, plan.seed + draw, part


def _parts(seeds: Sequence[Seed]) -> Iterator[tuple[Seed, ...]]:
    for start in range(0, len(seeds), CHUNK):
        yield tuple(seeds[start : start + CHUNK])


def _maker(
    stage: Stage, method: str, number: int, seeds: Sequence[Seed]
) -> Callable[[], list[SelfChat]]:
    def make() -> list[SelfChat]:
        run = import_module(f"models.self_chat.{method}").run
        drafts = run(stage, seeds, number)
        model, depth = stage.model.model_id, stage.plan.depth
        return _weighed(stage, [d.done(method, model, number, depth) for d in drafts], seeds)

    return make


def _weighed(stage: Stage, chats: Sequence[SelfChat], seeds: Sequence[Seed]) -> list[SelfChat]:
    """Return the dialogues with how probable the generator finds what the user says in them.

    A model behind an API tells no likelihoods; there the rule does not apply.
    """
    whole = [(chat, seed) for chat, seed in zip(chats, seeds, strict=True) if chat.kept]
    views = [stage.phrases.asking(seed.topic, chat.messages) for chat, seed in whole]
    try:
        losses = stage.model.loss([view[:-1] for view in views])
    except BackendUnavailable:
        return list(chats)
    nats = {id(c): x.sum_nats / max(x.tokens, 1) for (c, _), x in zip(whole, losses, strict=True)}
    return [
        replace(c, scores={**c.scores, "nats": nats[id(c)]}) if id(c) in nats else c for c in chats
    ]
