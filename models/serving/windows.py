"""What of a conversation the upstream can read: its newest turns whole, the older ones summed up.

The upstream counts and sums up, since it alone knows its template; it is asked only where the
bytes of a conversation do not show already that it fits.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
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
Messages = list[dict[str, Any]]


async def fitted(
    upstream: Upstream,
    name: str,
    messages: Messages,
    new_tokens: int | None,
    tools: Messages | None = None,
) -> Messages:
    """Return what of the messages the model reads beside its answer and the tools it is told of.

    422 if not even the newest turn fits.
    """
    reads = await upstream.reads()
    if not reads:
        return messages
    budget = reads - min(new_tokens or NEW_TOKENS, reads // 2)
    if _at_most(messages, tools or ()) <= budget:
        return messages
    loop = asyncio.get_running_loop()

    def count(said: Sequence[Any]) -> int:
        counting = upstream.count([dict(m) for m in said], tools)
        return asyncio.run_coroutine_threadsafe(counting, loop).result()[0]

    def summarise(said: Sequence[Any]) -> str:
        asked = upstream.whole(
            {
                "model": name,
                "messages": context.summary_request(said),
                "max_tokens": SUMMARY_TOKENS,
                "temperature": 0.0,
            }
        )
        try:
            told = asyncio.run_coroutine_threadsafe(asked, loop).result()
        except DeploymentError:  # what is to be summed up is too long itself: it goes without
            return ""
        return str(told["choices"][0]["message"]["content"] or "")

    try:
        window = await asyncio.to_thread(
            context.fit, messages, budget=budget, count=count, summarise=summarise
        )
    except ModelError as error:
        raise Problem(422, error.message, hint=error.hint) from error
    return [dict(message) for message in window.messages]


def _at_most(messages: Messages, tools: Sequence[Mapping[str, Any]] = ()) -> int:
    """Return what a conversation cannot exceed in tokens."""
    told = (*messages, *tools)
    return sum(len(str(m).encode()) + MESSAGE_TOKENS for m in told) + MESSAGE_TOKENS
