"""`python -m models.serving`: the embedded server as a process of its own.

The gateway starts it on loopback, with everything it may touch on its command line and the token
that its requests carry in the environment.
"""

from __future__ import annotations

import argparse
import os
import signal
import socket
import sys
from pathlib import Path

from models.processes import calm_down, die_with_parent

HOST = "127.0.0.1"
TOKEN_VARIABLE = "STEPPE_UPSTREAM_TOKEN"  # noqa: S105  its name, not a secret


def main() -> None:
    """Load the base, answer until SIGTERM or SIGINT."""
    arguments = _arguments()
    calm_down()
    die_with_parent(signal.SIGTERM)
    import torch
    import uvicorn

    from models.serving.embedded import Embedded, build
    from models.serving.engine import Engine

    torch.set_num_threads(1)
    service = Embedded(
        Engine(arguments.base, max_batch=arguments.max_batch), os.environ.get(TOKEN_VARIABLE, "")
    )
    listener = listening(HOST, arguments.port)
    for number in (signal.SIGTERM, signal.SIGINT):  # uvicorn raises it again once it is done
        signal.signal(number, lambda *_: sys.exit(0))
    config = uvicorn.Config(
        build(service), log_level="warning", access_log=False, timeout_graceful_shutdown=5
    )
    uvicorn.Server(config).run(sockets=[listener])


def listening(host: str, port: int) -> socket.socket:
    """Return a socket that listens, whose answers leave at once.

    asyncio switches Nagle's algorithm off for sockets that name their protocol, and
    `create_server` names none: each answer waited 40 ms for the client's acknowledgement.
    """
    listener = socket.create_server((host, port))
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # accepted ones inherit it
    return listener


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m models.serving")
    parser.add_argument("--base", type=Path, required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--max-batch", type=int, default=16)
    return parser.parse_args()


if __name__ == "__main__":
    main()
