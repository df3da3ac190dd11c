"""Both sides of a talk in one answer, each turn under its tag, and the parser of such answers.

The published parser (`preprocess.py`) throws away the first and the last piece, and with it the
last exchange of every talk; this one loses only what the token limit cut.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from models.backends import Generation
from models.primer import prompts
from models.self_chat import Seed, Turns
from models.self_chat.stage import Draft, Stage

TAGS = {prompts.USER_TAG: "user", prompts.ASSISTANT_TAG: "assistant"}
_TAG = re.compile("|".join(map(re.escape, TAGS)))


def run(stage: Stage, seeds: Sequence[Seed], number: int) -> list[Draft]:
    """Return one talk a seed, written at once."""
    drafts = [Draft(seed) for seed in seeds]
    views = [stage.phrases.transcript(seed.topic, seed.facts) for seed in seeds]
    said = stage.say(drafts, views, number=number, turns=2 * stage.plan.rounds)
    for draft, written in zip(drafts, said, strict=True):
        turns, reason = parse(written)
        if reason:
            draft.asked = written.text.strip()
            draft.refuse(reason)
        _keep_sound(stage, draft, turns)
    return drafts


def parse(written: Generation) -> tuple[Turns, str]:
    """Return the whole exchanges of a written talk, and a reason where there are none.

    What stands before the first tag is no turn.  A talk that was cut loses its last turn, and a
    question that nobody answered is left out; two turns of one side are another talk than was
    asked for.
    """
    starts = list(_TAG.finditer(written.text))
    if not starts:
        return (), "no_tags"
    ends = [m.start() for m in starts[1:]] + [len(written.text)]
    turns = [
        (TAGS[m[0]], written.text[m.end() : end].strip())
        for m, end in zip(starts, ends, strict=True)
    ]
    if written.finish != "stop":
        turns.pop()
    if len(turns) % 2:
        turns.pop()
    if not turns:
        return (), "too_short"
    if any(role != ("user", "assistant")[n % 2] for n, (role, _) in enumerate(turns)):
        return (), "wrong_order"
    return tuple(turns), ""


def _keep_sound(stage: Stage, draft: Draft, turns: Turns) -> None:
    """Take the exchanges one by one until one cannot be kept."""
    for (_, question), (_, answer) in zip(turns[::2], turns[1::2], strict=True):
        draft.asked = question
        asked = stage.filters.turn(Generation(question, "stop", 0))
        if asked:
            draft.stop(f"question_{asked}")
        elif ("user", question) in draft.turns:
            draft.stop("question_repeated")
        elif reason := stage.hears(draft, Generation(answer, "stop", 0)):
            draft.stop(reason)
        else:
            draft.turns += [("user", question), ("assistant", answer)]
            continue
        return
