"""By which names a gateway may be asked while it needs no key.

A web page that makes its own name point at 127.0.0.1 (DNS rebinding) is for the browser of one
origin with the gateway, and could read and write as the owner.  Its requests bear its name in
`Host`, so without keys only the gateway's own names are answered.  With keys any name is: such a
page has no key, and a proxy before the gateway may keep the name it was asked by.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from fastapi.responses import JSONResponse

from models.serving import problems

ANY = "*"
LOOPBACK = ("127.0.0.1", "localhost", "[::1]")


class OwnNames:
    """Answers 400 to a request by a name that is not one of `hosts`, while `is_open`.

    Starlette's `TrustedHostMiddleware` takes all that stands before the first colon, which is `[`
    of every IPv6 address, and answers in plain text.
    """

    def __init__(
        self,
        app: Callable[..., Any],
        hosts: Sequence[str],
        is_open: Callable[[], bool],
    ) -> None:
        self.app = app
        self.hosts = frozenset(host.lower() for host in hosts)
        self.is_open = is_open

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Look at the name of a request before anything else of it."""
        if scope["type"] == "http" and ANY not in self.hosts and self.is_open():
            name = name_of(dict(scope["headers"]).get(b"host", b"").decode("latin-1"))
            if name not in self.hosts:
                words = f"This address is not `{name[:100]}`."
                hint = "ask by 127.0.0.1 or localhost; by any other name once `steppe keys add`"
                body = problems.body_of(400, words, hint)
                await JSONResponse(body, 400)(scope, receive, send)
                return
        await self.app(scope, receive, send)


def name_of(host: str) -> str:
    """Return the name in a `Host` header: without its port, `[...]` kept around an IPv6 address."""
    name, _, port = host.rpartition(":")
    return (name if name and port.isdigit() else host).lower()
