"""What a gateway lets in: bodies of a size, in time, and so many requests at once.

The middleware is ASGI's, so that a request over a bound costs no parsing; whose a request is, and
so how many of one person are under way, is known only after it.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from fastapi.responses import JSONResponse

from models.serving import problems
from models.serving.problems import RETRY_AFTER_SECONDS, Problem

App = Callable[..., Awaitable[None]]
BODY_SECONDS = 30.0
"""How long the next part of a body may take: one that never comes would hold its place."""
OF_ONE = 64
"""An eighth of `serving.max_at_once`, so that nobody within their rate takes every place."""


class Small:
    """Answers 413 to a request that is too large, whether it says so or only sends it.

    408 to one whose body stops on its way.
    """

    def __init__(self, app: App, most: int, seconds: float = BODY_SECONDS) -> None:
        self.app = app
        self.most = most
        self.seconds = seconds

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Count the bytes of a request's body as they come."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        length = dict(scope["headers"]).get(b"content-length", b"0")
        if length.isdigit() and int(length) > self.most:
            await self._refuse(scope, receive, send)
            return
        came, is_whole = 0, False

        async def counted() -> Any:
            nonlocal came, is_whole
            try:
                message = await asyncio.wait_for(receive(), None if is_whole else self.seconds)
            except TimeoutError:
                words = f"No part of the body came for {self.seconds:g} s."
                raise Problem(408, words, hint="send the request again, in one go") from None
            is_whole = not message.get("more_body")
            came += len(message.get("body", b""))
            if came > self.most:
                raise Problem(413, self._words(), hint=self._hint())
            return message

        await self.app(scope, counted, send)

    async def _refuse(self, scope: Any, receive: Any, send: Any) -> None:
        body = problems.body_of(413, self._words(), self._hint())
        await JSONResponse(body, 413)(scope, receive, send)

    def _words(self) -> str:
        return f"The request has more than {self.most:,} bytes."

    def _hint(self) -> str:
        return "leave out older messages, or set `serving.max_request_bytes`"


class AtOnce:
    """Answers 503 while so many requests for answers are under way: each that waits takes memory.

    What costs nothing (`/health`, `/metrics`, the page, the owner's own tools) is always let in.
    """

    def __init__(self, app: App, most: int) -> None:
        self.app = app
        self.most = most
        self.under_way = 0

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Count a request until its answer has ended."""
        if scope["type"] != "http" or not scope["path"].startswith("/v1/"):
            await self.app(scope, receive, send)
            return
        if self.under_way >= self.most:
            words = f"{self.under_way} requests are under way, and no more are taken in."
            body = problems.body_of(
                503, words, "ask again in a moment, or set `serving.max_at_once`"
            )
            headers = {"Retry-After": str(RETRY_AFTER_SECONDS)}
            await JSONResponse(body, 503, headers)(scope, receive, send)
            return
        self.under_way += 1
        try:
            await self.app(scope, receive, send)
        finally:
            self.under_way -= 1


@dataclass
class Places:
    """How many requests of each person are under way, `most` at a time."""

    most: int = OF_ONE
    taken: Counter[str] = field(default_factory=Counter)

    def take(self, person: str) -> None:
        """Count a request, or answer 429; `leave` must follow it."""
        if self.taken[person] >= self.most:
            raise Problem(
                429,
                f"{self.most} requests of yours are under way.",
                hint="wait for their answers, or set `serving.max_at_once`: one has an eighth",
                headers={"Retry-After": str(RETRY_AFTER_SECONDS)},
            )
        self.taken[person] += 1

    def leave(self, person: str) -> None:
        """Count a request no more."""
        self.taken[person] -= 1
        if self.taken[person] <= 0:
            del self.taken[person]
