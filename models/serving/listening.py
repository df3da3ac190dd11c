"""Where the gateway and the embedded server listen, and how they end."""

from __future__ import annotations

import signal
import socket
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fastapi import FastAPI

HOST = "127.0.0.1"
GRACE_SECONDS = 5


def at(host: str, port: int) -> socket.socket:
    """Return a socket that listens, whose answers leave at once; port 0 is any free one.

    asyncio switches Nagle's algorithm off for sockets that name their protocol, and
    `create_server` names none: each answer waited 40 ms for the client's acknowledgement.
    """
    listener = socket.create_server((host, port))
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # accepted ones inherit it
    return listener


def free_port() -> int:
    """Return a port on loopback that nobody listens at."""
    with socket.create_server((HOST, 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


def serve(app: FastAPI, listener: socket.socket) -> None:
    """Serve an application until SIGTERM or SIGINT."""
    import uvicorn

    for number in (signal.SIGTERM, signal.SIGINT):  # uvicorn raises it again once it is done
        signal.signal(number, lambda *_: sys.exit(0))
    config = uvicorn.Config(
        app, log_level="warning", access_log=False, timeout_graceful_shutdown=GRACE_SECONDS
    )
    uvicorn.Server(config).run(sockets=[listener])
