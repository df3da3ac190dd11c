"""What a dialogue was about, in a sentence by a model, and why most of such sentences are not kept.

A summary may only name what was talked of: the embedded base, schooled on talks about two animals,
invents the subjects of most other talks (`docs/memory.md` has the figure), and a model from
elsewhere adds now and then.
"""

from __future__ import annotations

from collections.abc import Sequence

from models import stock_phrases
from models.backends import ChatModel, Generation
from models.memory import Observation
from models.memory.extraction import Told, small
from models.memory.importance import SUMMARY
from models.memory.phrases import Phrases
from models.memory.readings import lemmas
from models.memory.statements import PLACEHOLDER, is_acknowledgement, is_unknown
from models.self_chat.filters import subjects

MAX_NEW_TOKENS = 96
MOST_CHARACTERS = 300
OF_THE_FORM = frozenset(("разговор", "речь", "человек", "помощник", "беседа", "вопрос", "ответ"))
"""Nouns of a summary that need not have been said."""


def summaries(
    dialogues: Sequence[Told], model: ChatModel, phrases: Phrases
) -> list[tuple[Observation | None, str]]:
    """Return for each dialogue its summary, or None and why there is none."""
    said = [[(told.role(n), told.text(n)) for n in _heard(told)] for told in dialogues]
    if not said:
        return []
    answers = model.generate(
        [phrases.summary(talk) for talk in said], max_new_tokens=MAX_NEW_TOKENS
    )
    return [
        _judged(told, talk, answer)
        for told, talk, answer in zip(dialogues, said, answers, strict=True)
    ]


def is_long(told: Told, turns: int) -> bool:
    """Say whether a dialogue has so many turns of its person; of 0 none is long."""
    heard = sum(told.role(n) == "user" for n in _heard(told))
    return bool(turns) and heard >= turns


def why_unsound(answer: Generation, words: str) -> str:
    """Return why what a model wrote over some words is not kept, or an empty string."""
    text = answer.text.strip()
    if not text or answer.finish != "stop":
        return "no_stop" if text else "empty"
    if len(text) > MOST_CHARACTERS:
        return "too_long"
    if stock_phrases.refuses(text):
        return "refusal"
    if is_acknowledgement(text) or is_unknown(text):
        return "no_summary"
    named = subjects(text) - OF_THE_FORM
    heard = subjects(words) | set(lemmas(words))
    return "" if named and named <= heard else "ungrounded"


def _heard(told: Told) -> list[int]:
    """Return the places of what was said aloud and holds no secret."""
    places = range(len(told.messages))
    return [
        n
        for n in places
        if told.role(n) in ("user", "assistant")
        and told.text(n).strip()
        and not PLACEHOLDER.search(told.text(n))
    ]


def _judged(
    told: Told, talk: Sequence[tuple[str, str]], answer: Generation
) -> tuple[Observation | None, str]:
    if reason := why_unsound(answer, " ".join(words for _, words in talk)):
        return None, reason
    heard = [n for n in _heard(told) if told.role(n) == "user"]
    sources = tuple(told.source(n) for n in heard)
    text = small(answer.text.strip().rstrip(".! "))
    return Observation(text, SUMMARY, told.moment(heard[-1]), sources), ""
