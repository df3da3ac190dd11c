"""Starts, finds and asks the served assistant."""

from __future__ import annotations

import contextlib
import json
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lake.errors import DeploymentError, SettingsError
from models.processes import child_environment

if TYPE_CHECKING:
    from lake.settings import Settings

START_SECONDS = 120
LOOPBACK = {"127.0.0.1", "::1", "localhost"}


@dataclass(frozen=True, slots=True)
class Server:
    """A server that answers at `url`; `pid` is its process."""

    url: str
    pid: int
    token: str
    api_key: str = ""

    def health(self) -> dict[str, Any]:
        """Return `{"status", "deployed"}`."""
        return self._call("GET", "/health")

    def deploy(self, name: str, *, probe: list[dict[str, str]]) -> dict[str, Any]:
        """Switch to an adapter; return `{"name", "previous", "probe_difference"}`."""
        return self._call("POST", "/admin/deploy", {"name": name, "probe": probe}, self.token)

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
                raise DeploymentError(_message(answer), hint="`steppe doctor` checks the server")
            for line in answer.iter_lines():
                if line.startswith("data: {"):
                    event = json.loads(line.removeprefix("data: "))
                    yield event["model"], event["choices"][0]["delta"].get("content", "")

    def _call(
        self, method: str, path: str, body: dict[str, Any] | None = None, token: str = ""
    ) -> dict[str, Any]:
        import httpx

        try:
            answer = httpx.request(
                method, self.url + path, json=body, headers=_bearer(token), timeout=120
            )
        except httpx.HTTPError as error:
            raise DeploymentError(
                f"The served assistant at {self.url} does not answer: {error}.",
                hint="start it with `steppe serve`, or look with `steppe doctor`",
            ) from None
        if answer.is_error:
            raise DeploymentError(_message(answer), hint="`steppe doctor` checks the server")
        return dict(answer.json())


def running(settings: Settings) -> Server | None:
    """Return the server of this home, None when none answers."""
    state = settings.home / "serving" / "server.json"
    try:
        found = json.loads(state.read_text(encoding="utf-8"))
    except (FileNotFoundError, json.JSONDecodeError):
        return None
    server = Server(found["url"], found["pid"], _token(settings.home), _api_key(settings))
    try:
        server.health()
    except DeploymentError:
        return None
    return server


def start(
    settings: Settings, *, base: Path, deployed: str, port: int, die_with_parent: bool = True
) -> tuple[Server, subprocess.Popen[bytes]]:
    """Start a server process and wait until it answers; its output goes to `serving/server.log`."""
    host = settings.serving.host
    if host not in LOOPBACK and settings.serving.api_key is None:
        raise SettingsError(
            f"`serving.host` is `{host}`: others can reach it, and there is no `serving.api_key`.",
            hint="set STEPPE_SERVING__API_KEY, or keep the loopback address",
        )
    folder = settings.home / "serving"
    folder.mkdir(parents=True, exist_ok=True)
    command = [
        sys.executable,
        "-m",
        "models.serving",
        "--base",
        str(base),
        "--adapters",
        str(settings.models_dir / "adapters"),
        "--inbox",
        str(settings.inbox),
        "--state",
        str(folder),
        "--deployed",
        deployed,
        "--host",
        host,
        "--port",
        str(port),
        "--max-batch",
        str(settings.serving.max_batch),
        *(["--die-with-parent"] if die_with_parent else []),
    ]
    _token(settings.home)  # the server reads the same file
    environment = {**child_environment(), "HF_HUB_OFFLINE": "1"}
    if key := _api_key(settings):
        environment["STEPPE_SERVING__API_KEY"] = key
    with (folder / "server.log").open("ab") as log:
        process = subprocess.Popen(
            command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, env=environment
        )
    return _wait(settings, process), process


@contextlib.contextmanager
def running_or_temporary(settings: Settings, *, base: Path, deployed: str) -> Iterator[Server]:
    """Yield the running server, or one started for the length of the block on any free port."""
    if server := running(settings):
        yield server
        return
    server, process = start(settings, base=base, deployed=deployed, port=0)
    try:
        yield server
    finally:
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
        if server and server.pid == process.pid:
            return server
        time.sleep(0.2)
    stop(process)
    log = (settings.home / "serving" / "server.log").read_text(errors="replace")[-600:]
    raise DeploymentError(
        f"The server did not come up:\n{log}", hint="is the port taken? see serving/server.log"
    )


def _token(home: Path) -> str:
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
    key = settings.serving.api_key
    return key.get_secret_value() if key else ""


def _bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"} if token else {}


def _message(answer: Any) -> str:
    try:
        return f"The server answered {answer.status_code}: {answer.json()['error']['message']}"
    except (ValueError, KeyError):
        return f"The server answered {answer.status_code}."
