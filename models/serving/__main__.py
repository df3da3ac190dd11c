"""`python -m models.serving`: the served assistant as a process of its own.

It is started by `models.serving.client` with everything it may touch on its command line, writes
its address and process id to `<state>/server.json` once it answers, and removes it at a clean end.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import socket
import sys
from pathlib import Path

from models.processes import calm_down, die_with_parent


def main() -> None:
    """Load the base, deploy the adapter named, serve until SIGTERM or SIGINT."""
    arguments = _arguments()
    calm_down()
    if arguments.die_with_parent:
        die_with_parent(signal.SIGTERM)
    import torch
    import uvicorn

    from models.serving.app import Service, build
    from models.serving.conversation_log import ConversationLog
    from models.serving.engine import Engine

    torch.set_num_threads(1)
    engine = Engine(arguments.base, max_batch=arguments.max_batch)
    service = Service(
        engine,
        ConversationLog(arguments.inbox),
        arguments.adapters,
        admin_token=(arguments.state / "admin.token").read_text(),
        api_key=os.environ.get("STEPPE_SERVING__API_KEY", ""),
    )
    if arguments.deployed:
        engine.load_adapter(arguments.deployed, service.folder_of(arguments.deployed))
        service.deployed = arguments.deployed
    listener = socket.create_server((arguments.host, arguments.port))
    for number in (signal.SIGTERM, signal.SIGINT):  # uvicorn raises it again once it is done
        signal.signal(number, lambda *_: sys.exit(0))
    state = arguments.state / "server.json"
    _write_state(state, arguments.host, listener.getsockname()[1])
    try:
        uvicorn.Server(
            uvicorn.Config(build(service), log_level="warning", timeout_graceful_shutdown=5)
        ).run(sockets=[listener])
    finally:
        state.unlink(missing_ok=True)


def _write_state(path: Path, host: str, port: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(".draft")
    draft.write_text(json.dumps({"pid": os.getpid(), "url": f"http://{host}:{port}"}))
    draft.replace(path)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m models.serving")
    parser.add_argument("--base", type=Path, required=True)
    parser.add_argument("--adapters", type=Path, required=True)
    parser.add_argument("--inbox", type=Path, required=True)
    parser.add_argument("--state", type=Path, required=True)
    parser.add_argument("--deployed", default="")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--max-batch", type=int, default=16)
    parser.add_argument("--die-with-parent", action="store_true")
    return parser.parse_args()


if __name__ == "__main__":
    main()
