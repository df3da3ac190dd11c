"""Starts, finds and asks the gateway."""

from __future__ import annotations

import contextlib
import json
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import FileLock

from lake.errors import DeploymentError, SettingsError
from lake.settings import to_json
from models.base import find_base
from models.processes import child_environment

if TYPE_CHECKING:
    import httpx

    from lake.settings import Settings

GATEWAY = "orchestration.gateway"
"""The module that wires a gateway to its home; it lies above this one, and is only started."""
START_SECONDS = 120
DOCTOR = "`steppe doctor` checks the server"
LOOPBACK = {"127.0.0.1", "::1", "localhost"}


@dataclass(frozen=True, slots=True)
class Server:
    """A server that answers at `url`; `pid` is its process."""

    url: str
    pid: int
    token: str
    api_key: str = ""

    def health(self) -> dict[str, Any]:
        """Return `{"status", "deployed"}`; the status is `down` while nothing decodes."""
        answer = self._answer("GET", "/health")
        with contextlib.suppress(ValueError, TypeError):
            if "status" in (found := dict(answer.json())):
                return found
        raise DeploymentError(_message(answer), hint=_hint(answer))

    def is_up(self) -> bool:
        """Say whether it answers, and what decodes does, too."""
        try:
            return bool(self.health()["status"] == "ok")
        except DeploymentError:
            return False

    def deploy(
        self, name: str, *, probe: list[dict[str, str]], expected: Mapping[str, float] | None = None
    ) -> dict[str, Any]:
        """Switch to an adapter; return `{"name", "previous", "probe_difference"}`.

        `expected` are log-probabilities of the first token under the trained adapter.
        """
        body = {"name": name, "probe": probe, "expected": dict(expected or {})}
        return self._call("POST", "/admin/deploy", body, self.token)

    def canary(
        self,
        name: str,
        *,
        share: float,
        probe: list[dict[str, str]],
        expected: Mapping[str, float] | None = None,
    ) -> dict[str, Any]:
        """Try an adapter on a share of people; return what was tried before, and how it differs."""
        body = {"name": name, "share": share, "probe": probe, "expected": dict(expected or {})}
        return self._call("POST", "/admin/canary", body, self.token)

    def ask(self, messages: list[dict[str, str]], *, model: str = "steppe") -> str:
        """Return the whole greedy answer to a conversation."""
        body = {"model": model, "messages": messages}
        found = self._call("POST", "/v1/chat/completions", body, self.api_key)
        return str(found["choices"][0]["message"]["content"])

    def stream(
        self, messages: list[dict[str, str]], *, conversation_id: str, model: str = "steppe"
    ) -> Iterator[tuple[str, str]]:
        """Yield (served name, piece of text) as the answer is made."""
        import httpx

        body = {"model": model, "messages": messages, "stream": True}
        headers = {**_bearer(self.api_key), "X-Conversation-Id": conversation_id}
        url = f"{self.url}/v1/chat/completions"
        with httpx.stream("POST", url, json=body, headers=headers, timeout=120) as answer:
            if answer.is_error:
                answer.read()
                raise DeploymentError(_message(answer), hint=_hint(answer))
            for line in answer.iter_lines():
                if line.startswith("data: {"):
                    event = json.loads(line.removeprefix("data: "))
                    if error := event.get("error"):
                        raise DeploymentError(error["message"], hint=error.get("hint") or DOCTOR)
                    yield event["model"], event["choices"][0]["delta"].get("content") or ""

    def _call(
        self, method: str, path: str, body: dict[str, Any] | None = None, token: str = ""
    ) -> dict[str, Any]:
        answer = self._answer(method, path, body, token)
        if answer.is_error:
            raise DeploymentError(_message(answer), hint=_hint(answer))
        return dict(answer.json())

    def _answer(
        self, method: str, path: str, body: dict[str, Any] | None = None, token: str = ""
    ) -> httpx.Response:
        """Return any answer; `DeploymentError` where there is none."""
        import httpx

        try:
            return httpx.request(
                method, self.url + path, json=body, headers=_bearer(token), timeout=120
            )
        except httpx.HTTPError as error:
            raise DeploymentError(
                f"The served assistant at {self.url} does not answer: {error}.",
                hint="start it with `steppe serve`, or look with `steppe doctor`",
            ) from None


def running(settings: Settings) -> Server | None:
    """Return the server of this home, None when none answers.

    It is there whatever it answers: one that waits for what decodes says 503.
    """
    state = settings.home / "serving" / "server.json"
    try:
        found = json.loads(state.read_text(encoding="utf-8"))
    except (FileNotFoundError, json.JSONDecodeError):
        return None
    server = Server(found["url"], found["pid"], token_of(settings.home), _api_key(settings))
    try:
        server._answer("GET", "/health")
    except DeploymentError:
        return None
    return server


def start(
    settings: Settings, *, port: int, die_with_parent: bool = True
) -> tuple[Server, subprocess.Popen[bytes]]:
    """Start a gateway and wait until it answers; its output goes to `serving/server.log`.

    What it serves it reads from the history; what decodes it starts itself.
    """
    host, serving = settings.serving.host, settings.serving
    keyed = serving.api_key is not None or keys_of(settings.home).exists()
    if host not in LOOPBACK and not keyed:
        raise SettingsError(
            f"`serving.host` is `{host}`: others can reach it, and there is no key.",
            hint="`steppe keys add --person NAME`, or keep the loopback address",
        )
    if not serving.upstream_url and not find_base(settings.base_model, settings.models_dir):
        raise no_base(settings)
    folder = settings.home / "serving"
    folder.mkdir(parents=True, exist_ok=True)
    command = [
        *(sys.executable, "-m", GATEWAY, "--host", host, "--port", str(port), "--settings"),
        *(["--die-with-parent"] if die_with_parent else []),
    ]
    token_of(settings.home)  # the gateway reads the same file
    with (folder / "server.log").open("ab") as log:
        process = subprocess.Popen(
            command, stdout=log, stderr=log, stdin=subprocess.PIPE, env=child_environment()
        )
    if process.stdin:  # by a pipe: there are secrets among them
        process.stdin.write(to_json(settings).encode())
        process.stdin.close()
    return _wait(settings, process), process


def no_base(settings: Settings) -> DeploymentError:
    """Return the error of a home whose base is not here yet."""
    return DeploymentError(
        f"The base `{settings.base_model}` is not here yet.",
        hint="`make run` grows it and everything after it; `steppe base grow` only the base",
    )


@contextlib.contextmanager
def running_or_temporary(settings: Settings) -> Iterator[Server]:
    """Yield the running gateway, or one started for the length of the block on any free port.

    Of several who start one at once the first does; the others get that one, and it ends with the
    first.
    """
    lock = settings.home / "locks" / "temporary_gateway"
    lock.parent.mkdir(parents=True, exist_ok=True)
    process = None
    with FileLock(lock):
        server = running(settings)
        if server is None:
            server, process = start(settings, port=0)
    try:
        _wait_for_what_decodes(server)
        yield server
    finally:
        if process is not None:
            stop(process)


def stop(process: subprocess.Popen[bytes], *, grace_seconds: float = 15) -> None:
    """End a server process: asked first, killed if it will not."""
    process.terminate()
    try:
        process.wait(grace_seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _wait(settings: Settings, process: subprocess.Popen[bytes]) -> Server:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        server = running(settings)
        if server and server.pid == process.pid and server.is_up():
            return server
        time.sleep(0.2)
    stop(process)
    log = (settings.home / "serving" / "server.log").read_text(errors="replace")[-600:]
    raise DeploymentError(
        f"The server did not come up:\n{log}", hint="is the port taken? see serving/server.log"
    )


def _wait_for_what_decodes(server: Server) -> None:
    """Return once a server is up, or after `START_SECONDS`: what is asked of it says why then."""
    deadline = time.monotonic() + START_SECONDS
    while not server.is_up() and time.monotonic() < deadline:
        time.sleep(0.2)


def token_of(home: Path) -> str:
    """Return the owner's token, made at first use, readable by the owner's account only."""
    path = home / "serving" / "admin.token"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_suffix(f".{secrets.token_hex(4)}")
        draft.touch(mode=0o600)
        draft.write_text(secrets.token_hex(32))
        with contextlib.suppress(FileExistsError):
            path.hardlink_to(draft)
        draft.unlink()
    return path.read_text()


def _api_key(settings: Settings) -> str:
    """Return what opens everything to the owner, who can read the home."""
    key = settings.serving.api_key
    return key.get_secret_value() if key else token_of(settings.home)


def _bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"} if token else {}


def keys_of(home: Path) -> Path:
    """Return the file of a home's keys."""
    return home / "serving" / "keys.json"


def _hint(answer: Any) -> str:
    with contextlib.suppress(ValueError, KeyError, TypeError):
        return str(answer.json()["error"]["hint"])
    return DOCTOR


def _message(answer: Any) -> str:
    try:
        return f"The server answered {answer.status_code}: {answer.json()['error']['message']}"
    except (ValueError, KeyError):
        return f"The server answered {answer.status_code}."
