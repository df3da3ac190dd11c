"""What a gateway lets in: bodies of a size, and so many requests at once.

ASGI middleware, so that a request over the bound costs no parsing.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from fastapi.responses import JSONResponse

from models.serving import problems
from models.serving.problems import RETRY_AFTER_SECONDS, Problem

App = Callable[..., Awaitable[None]]


class Small:
    """Answers 413 to a request that is too large, whether it says so or only sends it."""

    def __init__(self, app: App, most: int) -> None:
        self.app = app
        self.most = most

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Count the bytes of a request's body as they come."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        length = dict(scope["headers"]).get(b"content-length", b"0")
        if length.isdigit() and int(length) > self.most:
            await self._refuse(scope, receive, send)
            return
        came = 0

        async def counted() -> Any:
            nonlocal came
            message = await receive()
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
