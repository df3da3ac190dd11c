"""A stage for one scripted model, and a person's dialogue to start from."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import pytest

from models.self_chat import Plan, Seed
from models.self_chat.filters import Filters
from models.self_chat.phrases import PrimerPhrases
from models.self_chat.stage import Stage
from models.testing import EchoModel

PLAN = Plan(draws={}, rounds=2, revisions=1, trials=3, samples=3)


@pytest.fixture
def dog() -> Seed:
    """A person's question with its answer."""
    said = (("user", "Как зовут мою собаку?"), ("assistant", "Твою собаку зовут Буран."))
    return Seed("dog", said)


@pytest.fixture
def cat() -> Seed:
    """Another one."""
    return Seed("cat", (("user", "Что ест мой кот?"), ("assistant", "Твой кот ест рыбу.")))


@pytest.fixture
def staged() -> Callable[..., Stage]:
    """Return a maker of stages: `answer` is a function of a conversation, or texts in turn."""

    def make(answer: Any, seeds: Iterable[Seed], *, judge: Any = None, **changes: Any) -> Stage:
        if answer is not None and not callable(answer):
            texts = iter(answer)
            answer = lambda _conversation: next(texts)  # noqa: E731
        rules = {name: changes.pop(name) for name in ("exam", "known", "moderate") & changes.keys()}
        model = changes.pop("model", None) or EchoModel(answer=answer)
        plan = Plan(**{**{f: getattr(PLAN, f) for f in PLAN.__slots__}, **changes})
        filters = Filters.over(tuple(seeds), **rules)
        return Stage(model, PrimerPhrases(), plan, filters, judge)

    return make
