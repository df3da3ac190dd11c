"""The chat page: a few files of ours, read once, and what a browser may do with them.

    GET  /          the page
    GET  /page/*    its styles, modules and icon

The addresses are the fixed table `FILES`; no path from a request reaches the file system.
The page talks with the gateway it came from and with nobody else: `POLICY` says so to the browser.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

from fastapi import FastAPI, Header, Response

FOLDER = Path(__file__).with_name("page")
HTML, CSS, MODULE = "text/html", "text/css", "text/javascript"
FILES = {
    "/": ("index.html", HTML),
    "/page/style.css": ("style.css", CSS),
    "/page/theme.js": ("theme.js", MODULE),
    "/page/main.js": ("main.js", MODULE),
    "/page/words.js": ("words.js", MODULE),
    "/page/gateway.js": ("gateway.js", MODULE),
    "/page/history.js": ("history.js", MODULE),
    "/page/markdown.js": ("markdown.js", MODULE),
    "/page/dialogue.js": ("dialogue.js", MODULE),
    "/page/elements.js": ("elements.js", MODULE),
    "/page/icon.svg": ("icon.svg", "image/svg+xml"),
}
"""Address -> file and kind: all that the page is."""
POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)
"""Content-Security-Policy: no script, style or address but the gateway's own, and no frame."""
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",  # a new version is seen at once; an old one costs a 304
}


def install(app: FastAPI) -> None:
    """Let an application answer with the page, at the addresses of `FILES`."""
    for address, (name, kind) in FILES.items():
        route = app.api_route(address, methods=["GET", "HEAD"], include_in_schema=False)
        route(_file((FOLDER / name).read_bytes(), kind))


def _file(content: bytes, kind: str) -> Callable[..., Response]:
    tag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
    headers = {**HEADERS, "ETag": tag}

    def file(if_none_match: Annotated[str, Header()] = "") -> Response:
        if if_none_match == tag:
            return Response(status_code=304, headers=headers)
        return Response(content, media_type=kind, headers=headers)  # Starlette adds the charset

    return file
