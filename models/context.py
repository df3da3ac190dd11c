"""What of a conversation fits a model: the newest turns whole, the older ones as a summary.

A *turn* is a person's message and all that follows it up to the next one: calls of tools, their
results, the answer.  Turns stay or go whole, the oldest first, so a result is never parted from
its call.  The system messages at the head always stay; one that a summary of ours opens is no
system prompt but the oldest turn: it is summed up again with the turns that go, so a talk that
goes on has one running summary.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any

from lake.errors import ModelError
from models.chat import prompt_tokens
from models.primer import prompts

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

Message = Mapping[str, Any]
Count = Callable[[Sequence[Message]], int]
Summarise = Callable[[Sequence[Message]], str]

EARLIER = "Раньше в разговоре: "
"""Opens the system message with the summary, and is what it is known again by."""
SUMMARY_SHARE = 4  # a summary may take a quarter of the budget before it costs another turn


@dataclass(frozen=True, slots=True)
class Window:
    """What the model reads: `messages` in order, how many were left out, and their summary."""

    messages: tuple[Message, ...]
    dropped: int = 0
    summary: str = ""


def fit(
    messages: Sequence[Message], *, budget: int, count: Count, summarise: Summarise | None = None
) -> Window:
    """Return the newest turns of a conversation that fit `budget` tokens, as `count` counts them.

    `count` gets whole lists of messages, so that a template's own tokens are in it; more messages
    must not count less.  `summarise` gets the messages that are left out and is called at most
    once; a summary that is too long is cut after a word.  `ModelError` where the system prompt
    and the newest turn alone are over the budget.
    """
    if count(messages) <= budget:
        return Window(tuple(messages))
    head, turns = _parts(messages)
    _require_room(head, turns[-1:], budget, count)

    def kept(gone: int) -> list[Message]:
        return [*head, *chain.from_iterable(turns[gone:])]

    room = budget - budget // SUMMARY_SHARE if summarise else budget
    gone = _fewest(len(turns), lambda n: count(kept(n)) <= room)
    while gone < len(turns) - 1 and count(kept(gone)) > budget:
        gone += 1  # only where more messages counted less
    old = list(chain.from_iterable(turns[:gone]))
    rest = kept(gone)[len(head) :]
    summary = summarise(old).strip() if summarise and old else ""
    summary = _cut(summary, lambda text: count([*head, *_told(text), *rest]) <= budget)
    return Window((*head, *_told(summary), *rest), len(old), summary)


def counter(tokenizer: PreTrainedTokenizerBase) -> Count:
    """Return what counts the tokens of a prompt by the model's own chat template."""

    def count(messages: Sequence[Message]) -> int:
        return len(prompt_tokens(tokenizer, [{**m, "content": _words(m)} for m in messages]))

    return count


def summary_request(messages: Sequence[Message]) -> list[dict[str, str]]:
    """Return the conversation that asks a model for a summary, in the words the base met.

    What tools said stays out: the answers told it.
    """
    earlier = [_words(m).removeprefix(EARLIER) for m in messages if m["role"] != "tool"]
    return [{"role": "user", "content": prompts.summary(" ".join(filter(None, earlier)))}]


def _parts(messages: Sequence[Message]) -> tuple[list[Message], list[list[Message]]]:
    """Return the system messages at the head, and the turns after them, oldest first."""
    first = next((i for i, m in enumerate(messages) if not _is_prompt(m)), len(messages))
    turns: list[list[Message]] = []
    for message in messages[first:]:
        opens = message["role"] == "user" or _is_summary(message)
        if opens or not turns or _is_summary(turns[-1][-1]):
            turns.append([])
        turns[-1].append(message)
    return list(messages[:first]), turns


def _is_summary(message: Message) -> bool:
    return message["role"] == "system" and _words(message).startswith(EARLIER)


def _is_prompt(message: Message) -> bool:
    return message["role"] == "system" and not _is_summary(message)


def _require_room(
    head: Sequence[Message], newest: Sequence[Sequence[Message]], budget: int, count: Count
) -> None:
    need = count([*head, *chain.from_iterable(newest)])
    if need > budget:
        raise ModelError(
            f"The newest turn takes {need} tokens with the system prompt; there is room for "
            f"{budget}.",
            hint="say it in parts, or leave more of the model's context to the conversation",
        )


def _fewest(turns: int, fits: Callable[[int], bool]) -> int:
    """Return how few of the oldest turns have to go; all but the newest where none suffices."""
    return bisect_left(range(turns - 1), x=True, key=fits)


def _told(summary: str) -> list[Message]:
    return [{"role": "system", "content": EARLIER + summary}] if summary else []


def _cut(summary: str, fits: Callable[[str], bool]) -> str:
    """Return as many of the summary's first words as fit."""
    if not summary or fits(summary):
        return summary
    words = summary.split()
    most = bisect_left(
        range(1, len(words) + 1), x=True, key=lambda n: not fits(" ".join(words[:n]))
    )
    cut = " ".join(words[:most])
    return cut if cut and fits(cut) else ""


def _words(message: Message) -> str:
    return str(message.get("content") or "")
