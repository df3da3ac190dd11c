"""What of a conversation the upstream can read: its newest turns whole, the older ones summed up.

The upstream counts and sums up, since it alone knows its template; it is asked only where the
bytes of a conversation do not show already that it fits.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

from lake.errors import DeploymentError, ModelError
from models import context
from models.serving.problems import Problem
from models.serving.upstream import Upstream

NEW_TOKENS = 128
"""Room that is left for an answer where the request names none."""
MESSAGE_TOKENS = 16
"""More than any template writes around a message; a token is a byte at least."""
SUMMARY_TOKENS = 96
THREADS = 4
"""Long conversations that are fitted at a time: each waits for the upstream, which computes."""
Messages = list[dict[str, Any]]


async def fitted(
    upstream: Upstream,
    name: str,
    messages: Messages,
    new_tokens: int | None,
    tools: Sequence[Mapping[str, Any]] = (),
) -> Messages:
    """Return what of the messages the model reads beside its answer; 422 if not even the newest.

    `tools` are those of the request: the model reads them, too.
    """
    reads = await upstream.reads()
    if not reads:
        return messages
    budget = reads - min(new_tokens or NEW_TOKENS, reads // 2)
    if _at_most([*messages, *tools]) <= budget:
        return messages
    loop = asyncio.get_running_loop()
    asked = _Asked(upstream, name, tools, loop)
    fit = partial(
        context.fit, messages, budget=budget, count=asked.count, summarise=asked.summarise
    )
    try:
        window = await loop.run_in_executor(_threads(), fit)
    except ModelError as error:
        hint = f"send fewer than {len(tools)} tools, or {error.hint}" if tools else error.hint
        raise Problem(422, error.message, hint=hint) from error
    return [dict(message) for message in window.messages]


@dataclass(frozen=True, slots=True)
class _Asked:
    """An upstream as a thread asks it, which waits for the answers beside the loop."""

    upstream: Upstream
    name: str
    tools: Sequence[Mapping[str, Any]]
    loop: asyncio.AbstractEventLoop

    def count(self, said: Sequence[Any]) -> int:
        """Return how many tokens messages and tools have."""
        counted = self.upstream.count([dict(message) for message in said], self.tools)
        return asyncio.run_coroutine_threadsafe(counted, self.loop).result()[0]

    def summarise(self, said: Sequence[Any]) -> str:
        """Return messages in few words; empty where they are too long to be summed up."""
        body = {
            "model": self.name,
            "messages": context.summary_request(said),
            "max_tokens": SUMMARY_TOKENS,
            "temperature": 0.0,
        }
        summed_up = self.upstream.whole(body)
        try:
            told = asyncio.run_coroutine_threadsafe(summed_up, self.loop).result()
        except DeploymentError:
            return ""
        return str(told["choices"][0]["message"]["content"] or "")


@cache
def _threads() -> ThreadPoolExecutor:
    """Return the threads that wait for an upstream's counts and summaries.

    Their own, so that long conversations never hold those that ask memory.
    """
    return ThreadPoolExecutor(THREADS, "windows")


def _at_most(messages: Sequence[Mapping[str, Any]]) -> int:
    """Return what messages and tools cannot exceed in tokens."""
    return sum(len(str(m).encode()) + MESSAGE_TOKENS for m in messages) + MESSAGE_TOKENS
