"""`python -m orchestration.gateway`: the gateway of a home as a process of its own.

Here it gets what it may reach: the adapters that the history says are served, the log's folder,
the keys, the encoder, and an upstream: the embedded server as its child, or vLLM at an address.
It writes its address and process id to `serving/server.json`, and removes it at a clean end.  There
is one at a time in a home: it holds `serving/gateway.lock` for its life.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from assets.lineage import champion, on_canary
from assets.own_tools import Statements, own_tools
from assets.recollection import Recalled, Recollection
from lake.errors import DeploymentError, SettingsError
from lake.ids import ID_HEX_DIGITS, pseudonym_key, user_id_of
from lake.settings import Settings, from_json, settings
from lake.tables import Lake
from models.adapters import served_name
from models.base import BaseModel, find_base
from models.encoders import load_encoder
from models.memory.addressing import is_personal
from models.memory.prompting import used, with_memories
from models.processes import calm_down, child_environment, die_with_parent
from models.serving import client, hosts, listening
from models.serving.access import Access
from models.serving.answer_cache import AnswerCache
from models.serving.bounds import Places
from models.serving.conversation_log import ConversationLog
from models.serving.gateway import Gateway, build
from models.serving.own_tools import OwnTools
from models.serving.served import Served
from models.serving.upstream import TOKEN_VARIABLE, Upstream
from models.tools import Tool

NOTED_SECONDS = 60.0
ENDING_SECONDS = listening.GRACE_SECONDS + 1.0
"""How long a gateway waits for one that is ending."""
NOBODY = "0" * ID_HEX_DIGITS


def main() -> None:
    """Serve until SIGTERM or SIGINT."""
    arguments = _arguments()
    calm_down()
    if arguments.die_with_parent:
        die_with_parent(signal.SIGTERM)
    chosen = from_json(sys.stdin.read()) if arguments.settings else settings()
    try:
        with only_one(chosen.home):
            _serve(chosen, arguments.host, arguments.port)
    except DeploymentError as error:
        sys.exit(str(error))


@contextlib.contextmanager
def only_one(home: Path) -> Iterator[None]:
    """Hold a home's gateway for the length of the block; `DeploymentError` where another does.

    The kernel lets go of it when a process ends, however it does.
    """
    path = home / "serving" / "gateway.lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(path)
    try:
        lock.acquire(timeout=ENDING_SECONDS)
    except Timeout:
        raise DeploymentError(
            "Another gateway of this home is running.",
            hint="`steppe chat` talks to it; `steppe doctor` tells where it is",
        ) from None
    try:
        yield
    finally:
        lock.release()


def _serve(chosen: Settings, host: str, port: int) -> None:
    listener = listening.at(host, port)
    gateway = gateway_of(chosen, host=host)
    _warm(gateway)
    state = chosen.home / "serving" / "server.json"
    _write_state(state, host, listener.getsockname()[1])
    try:
        listening.serve(build(gateway), listener)
    finally:
        _take_state_away(state)


def _warm(gateway: Gateway) -> None:
    """Load what remembering takes before anybody asks: the first answer would wait two seconds."""
    if gateway.memory is not None:
        with contextlib.suppress(Exception):  # told with the answer that it fails
            gateway.memory.about(NOBODY, "Привет!")


def gateway_of(chosen: Settings, *, host: str) -> Gateway:
    """Return the gateway of a home, serving what its history says."""
    base = find_base(chosen.base_model, chosen.models_dir)
    served = served_of(chosen, base)
    key = chosen.serving.api_key
    encoder = load_encoder(chosen.encoder, models_dir=chosen.models_dir)
    memory = memory_of(chosen, base)
    return Gateway(
        upstream=upstream_of(chosen, base, served),
        log=ConversationLog(chosen.inbox, chosen.home / "serving" / "streams"),
        access=Access(
            client.keys_of(chosen.home),
            owner=chosen.owner,
            pseudonym=partial(user_id_of, key=pseudonym_key(chosen.home)),
            per_minute=chosen.serving.requests_per_minute,
            key=key.get_secret_value() if key else "",
            owners_token=client.token_of(chosen.home),
            must_be_keyed=host not in client.LOOPBACK,
        ),
        served=served,
        admin_token=client.token_of(chosen.home),
        max_bytes=chosen.serving.max_request_bytes,
        max_at_once=chosen.serving.max_at_once,
        places=Places(max(1, chosen.serving.max_at_once // 8)),
        hosts=hosts.LOOPBACK if host in client.LOOPBACK else (hosts.ANY,),
        memory=memory,
        own=tools_of(chosen, memory),
        encoder=encoder,
        cache=AnswerCache(encoder, is_personal, chosen.serving.answer_cache),
    )


@dataclass
class Remembering:
    """What the gateway is handed of a home's memories; `schooled` bases know their own format.

    That memories were used is noted together, once in `NOTED_SECONDS`: every note is a commit.
    """

    recollection: Recollection
    schooled: bool
    _used: dict[str, Recalled] = field(default_factory=dict)
    _noted: float = field(default_factory=time.monotonic)

    def about(self, user_id: str, text: str) -> list[dict[str, Any]]:
        """Return the memories that go into the prompt, best first, and note that they were used."""
        now = datetime.now(UTC)
        found = used(self.recollection.about(user_id, text, now), schooled=self.schooled)
        self._note(found, now)
        return [asdict(memory) for memory in found]

    def searched(self, user_id: str, text: str) -> Sequence[Recalled]:
        """Return all that comes to mind at a text that a model searches for, noted as used."""
        now = datetime.now(UTC)
        found = self.recollection.about(user_id, text, now)
        self._note(found, now)
        return found

    def version(self, user_id: str) -> str:
        """Return an id that changes when anything remembered of a person does."""
        return self.recollection.version(user_id)

    def told(
        self, messages: list[dict[str, Any]], memories: Sequence[Mapping[str, Any]]
    ) -> list[dict[str, Any]]:
        """Return the messages with these memories in them."""
        recalled = [Recalled(**memory) for memory in memories]
        return [dict(m) for m in with_memories(messages, recalled, schooled=self.schooled)]

    def _note(self, found: Sequence[Recalled], now: datetime) -> None:
        self._used |= {memory.memory_id: memory for memory in found}
        if self._used and time.monotonic() - self._noted > NOTED_SECONDS:
            noted, self._used, self._noted = self._used, {}, time.monotonic()
            self.recollection.touch(noted.values(), now)


def memory_of(chosen: Settings, base: BaseModel | None) -> Remembering:
    """Return the memory of a home, in the words of what decodes."""
    grown = base is not None and base.knows_the_primer
    schooled = grown and not chosen.serving.upstream_url
    return Remembering(Recollection(chosen.home, chosen), schooled)


def tools_of(chosen: Settings, memory: Remembering) -> OwnTools:
    """Return the tools that a home lends in a chat; `SettingsError` for a name that is none."""
    statements = Statements(chosen.serving.sql_per_minute)

    def of(user_id: str) -> tuple[Tool, ...]:
        recall = partial(memory.searched, user_id)
        return own_tools(chosen, user_id, recall=recall, statements=statements)

    usual = [name.strip() for name in chosen.serving.own_tools.split(",") if name.strip()]
    known = [tool.name for tool in of(NOBODY)]
    if unknown := next((name for name in usual if name not in known), ""):
        raise SettingsError(
            f"`serving.own_tools` names `{unknown}`, which is no tool.",
            hint=f"there are {', '.join(known)}",
        )
    return OwnTools(of, usual)


def served_of(chosen: Settings, base: BaseModel | None) -> Served:
    """Return what the history says is served on a base."""
    served = Served(chosen.models_dir / "adapters")
    if base is not None:
        lake = Lake(chosen.home)
        adapter_id = champion(lake, base.base_id)
        served.champion = served_name(adapter_id) if adapter_id else ""
        tried, share = on_canary(lake, base.base_id)
        served.canary, served.share = (served_name(tried), share) if tried else ("", 0.0)
    return served


def upstream_of(chosen: Settings, base: BaseModel | None, served: Served) -> Upstream:
    """Return what decodes: vLLM where the settings name its address, else the embedded server."""
    serving = chosen.serving
    if serving.upstream_url:
        key = serving.upstream_key
        return Upstream(
            serving.upstream_url.rstrip("/"),
            token=key.get_secret_value() if key else "",
            base=serving.upstream_base,
            served=served.folders,
        )
    if base is None:
        raise client.no_base(chosen)
    port, token = listening.free_port(), secrets.token_urlsafe(32)
    return Upstream(
        f"http://{listening.HOST}:{port}",
        token=token,
        launch=_launch(chosen, base, port, token),
        served=served.folders,
    )


def _launch(
    chosen: Settings, base: BaseModel, port: int, token: str
) -> Callable[[], subprocess.Popen[bytes]]:
    command = [
        *(sys.executable, "-m", "models.serving", "--base", str(base.path), "--port", str(port)),
        *("--max-batch", str(chosen.serving.max_batch)),
        *(("--schooled",) if base.knows_the_primer else ()),
    ]
    log = chosen.home / "serving" / "upstream.log"

    def launch() -> subprocess.Popen[bytes]:
        environment = {**child_environment(), "HF_HUB_OFFLINE": "1", TOKEN_VARIABLE: token}
        with log.open("ab") as output:
            return subprocess.Popen(
                command, stdout=output, stderr=output, stdin=subprocess.DEVNULL, env=environment
            )

    return launch


def _write_state(path: Path, host: str, port: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(".draft")
    draft.write_text(json.dumps({"pid": os.getpid(), "url": f"http://{host}:{port}"}))
    draft.replace(path)


def _take_state_away(path: Path) -> None:
    """Delete the note of where the gateway is, if it is this process's."""
    with contextlib.suppress(OSError, ValueError, TypeError):
        if dict(json.loads(path.read_text()))["pid"] == os.getpid():
            path.unlink()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m orchestration.gateway")
    parser.add_argument("--host", default=listening.HOST)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--die-with-parent", action="store_true")
    parser.add_argument("--settings", action="store_true", help="read them as JSON from stdin")
    return parser.parse_args()


if __name__ == "__main__":
    main()
