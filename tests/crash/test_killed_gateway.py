"""`kill -9` of the gateway and of what decodes, under load: nothing that a client saw is lost.

The real processes on a real base: clients stream, the gateway is killed at random moments and
started again; what its log says at the end is compared with what the clients saw.
"""

import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from assets.sources import gateway as source
from lake.schemas import Dialogue
from models.base import BaseModel
from models.processes import calm_environment
from models.serving.upstream import TOKEN_VARIABLE

pytestmark = pytest.mark.crash

KILLS = 50
KILLS_WITH_TOOLS = 15
CLIENTS = 4
TOKEN = "inner"
WORDS = ("собаку", "кошку", "лодку", "козу", "утку", "птицу", "рыбку", "мышь")


@dataclass
class Seen:
    """What one client saw of one conversation."""

    question: str
    text: str = ""
    calls: list[dict] = field(default_factory=list)
    done: bool = False
    status: int = 0


@dataclass
class Load:
    """Clients that ask without a pause, each question in a conversation of its own."""

    url: str
    own_tools: bool = False
    seen: dict[str, Seen] = field(default_factory=dict)
    stopping: threading.Event = field(default_factory=threading.Event)
    threads: list[threading.Thread] = field(default_factory=list)

    def begin(self) -> None:
        self.threads = [threading.Thread(target=self._ask_on, args=(n,)) for n in range(CLIENTS)]
        for thread in self.threads:
            thread.start()

    def end(self) -> None:
        self.stopping.set()
        for thread in self.threads:
            thread.join()

    def _ask_on(self, number: int) -> None:
        rng = random.Random(number)
        while not self.stopping.is_set():
            conversation = uuid.uuid4().hex
            seen = Seen(f"Как зовут мою {rng.choice(WORDS)} номер {rng.randrange(10**6)}?")
            if self.own_tools:
                seen = Seen(f"Сколько будет {rng.randint(11, 99)} плюс {rng.randint(11, 99)}?")
            self.seen[conversation] = seen
            with contextlib.suppress(httpx.HTTPError):
                self._ask(conversation, seen)
            if not seen.status:
                time.sleep(0.05)  # nobody is there at the moment

    def _ask(self, conversation: str, seen: Seen) -> None:
        body = {
            "model": "steppe",
            "messages": [{"role": "user", "content": seen.question}],
            "stream": True,
            "max_tokens": 64 if self.own_tools else 24,
            "own_tools": self.own_tools,
        }
        headers = {"X-Conversation-Id": conversation}
        url = f"{self.url}/v1/chat/completions"
        with httpx.stream("POST", url, json=body, headers=headers, timeout=30) as answer:
            seen.status = answer.status_code
            if answer.status_code == 503:
                answer.read()
                assert answer.headers["Retry-After"]
                assert answer.json()["error"]["hint"]
                time.sleep(0.05)
                return
            for line in answer.iter_lines():
                if line.startswith("data: {"):
                    event = json.loads(line[6:])
                    if "error" in event:
                        return
                    if call := event.get("steppe", {}).get("call"):
                        seen.calls.append(call)
                    if event["choices"]:
                        seen.text += event["choices"][0]["delta"].get("content") or ""
                seen.done = seen.done or line == "data: [DONE]"


def started(command: list[str], log: Path, **environment: str) -> subprocess.Popen[bytes]:
    with log.open("ab") as output:
        return subprocess.Popen(
            [sys.executable, "-m", *command],
            stdout=output,
            stderr=output,
            env={**calm_environment(), **environment},
        )


def wait_until_up(url: str, token: str = "") -> None:
    for _ in range(600):
        with contextlib.suppress(httpx.HTTPError):
            if httpx.get(f"{url}/health", headers={"Authorization": token}).status_code == 200:
                return
        time.sleep(0.1)
    raise AssertionError(f"{url} did not come up")


@pytest.fixture(scope="module")
def upstream(quick_base: BaseModel, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """An embedded server that outlives the gateways before it."""
    port, log = "8917", tmp_path_factory.mktemp("upstream") / "log"
    command = ["models.serving", "--base", str(quick_base.path), "--port", port]
    process = started(command, log, **{TOKEN_VARIABLE: TOKEN})
    wait_until_up(f"http://127.0.0.1:{port}")
    yield f"http://127.0.0.1:{port}"
    process.kill()


def gateway(home: Path, port: int, **environment: str) -> subprocess.Popen[bytes]:
    return started(
        ["orchestration.gateway", "--port", str(port)],
        home.with_suffix(".log"),
        STEPPE_HOME=str(home),
        STEPPE_BASE_MODEL="embedded-quick",
        STEPPE_SERVING__REQUESTS_PER_MINUTE="1000000",
        **environment,
    )


def answers(home: Path) -> tuple[Counter[str], dict[str, Dialogue], int]:
    """Return how often each conversation stands in the log, what it says, and torn lines."""
    found, by_id, torn = Counter(), {}, 0
    for path in home.rglob("gateway.jsonl"):
        for item in source.read(path, None):
            if isinstance(item, Dialogue):
                found[item.conversation_id] += 1
                by_id[item.conversation_id] = item
            else:
                torn += 1
    return found, by_id, torn


def check(load: Load, home: Path) -> int:
    """Compare what clients saw with the log; return how many saw anything."""
    counts, logged, torn = answers(home)
    assert 0 == torn
    assert all(count == 1 for count in counts.values())
    asked = {name: seen for name, seen in load.seen.items() if seen.status == 200}
    for name, seen in asked.items():
        said = [m.content for m in logged[name].messages]
        assert seen.question == said[0]
        answer = said[1] if len(said) > 1 else ""
        assert answer.startswith(seen.text), (seen, answer)
        if seen.done:
            assert (answer, ()) == (seen.text, tuple(_cuts(logged[name]))), (seen, logged[name])
    return len(asked)


def calls(home: Path) -> dict[str, list[dict]]:
    """Return the calls that the log tells of each conversation."""
    lines = [line for path in home.rglob("gateway.jsonl") for line in path.open("rb")]
    answered = [e for e in map(json.loads, filter(bytes.strip, lines)) if e["event"] == "answer"]
    return {e["conversation_id"]: e.get("calls", []) for e in answered}


def _cuts(dialogue: Dialogue) -> Iterator[str]:
    whole = ("answer length",)  # as many tokens as were asked for
    notes = (note for note in dialogue.annotations if note not in whole)
    return (note for note in notes if note.startswith("answer "))


def killed(upstream: str, home: Path, kills: int, *, own_tools: bool = False) -> Load:
    """Kill a gateway so often under load, and let the last one recover; return what was seen."""
    rng, port = random.Random(7), 8918
    load = Load(f"http://127.0.0.1:{port}", own_tools)
    points_upstream = {
        "STEPPE_SERVING__UPSTREAM_URL": upstream,
        "STEPPE_SERVING__UPSTREAM_KEY": TOKEN,
    }
    load.begin()
    try:
        for _ in range(kills):
            process = gateway(home, port, **points_upstream)
            wait_until_up(load.url)
            time.sleep(rng.uniform(0.05, 1.2))
            process.send_signal(signal.SIGKILL)
            process.wait()
    finally:
        load.end()
    process = gateway(home, port, **points_upstream)  # recovers
    wait_until_up(load.url)
    process.terminate()
    process.wait()
    return load


def test_fifty_kills_of_the_gateway_lose_and_double_nothing(upstream: str, tmp_path: Path) -> None:
    home = tmp_path / "home"
    load = killed(upstream, home, KILLS)

    saw = check(load, home)
    cut = sum(bool(seen.text) and not seen.done for seen in load.seen.values())
    print(f"{saw} answers, {cut} of them cut by a kill")
    assert saw > KILLS
    assert cut
    assert not list(home.glob("serving/streams/*"))


def test_kills_between_calls_of_tools_lose_no_call_that_was_seen(
    upstream: str, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    load = killed(upstream, home, KILLS_WITH_TOOLS, own_tools=True)

    assert check(load, home)
    logged = calls(home)
    called = {name: seen for name, seen in load.seen.items() if seen.calls}
    for name, seen in called.items():
        assert seen.calls == logged[name][: len(seen.calls)]
    cut = sum(not seen.done for seen in called.values())
    print(f"{len(called)} answers with calls, {cut} of them cut by a kill")
    assert cut


def test_what_decodes_is_killed_and_comes_back(quick_base: BaseModel, tmp_path: Path) -> None:
    home, port = tmp_path / "home", 8919
    bases = home / "models" / "bases"
    bases.mkdir(parents=True)
    (bases / quick_base.path.name).symlink_to(quick_base.path)
    process = gateway(home, port)
    load = Load(f"http://127.0.0.1:{port}")
    try:
        wait_until_up(load.url)
        load.begin()
        for kill in range(1, 4):
            time.sleep(1.5)
            (child,) = [p for p in _children(process.pid) if "models.serving" in p[1]]
            os.kill(child[0], signal.SIGKILL)
            for _ in range(600):
                health = httpx.get(f"{load.url}/health").json()
                if health["restarts"] >= kill and health["status"] == "ok":
                    break
                time.sleep(0.1)
            assert ("ok", kill) == (health["status"], health["restarts"])
        time.sleep(1)
    finally:
        load.end()
        process.terminate()
        process.wait()

    statuses = Counter(seen.status for seen in load.seen.values())
    print(statuses)
    assert check(load, home)
    assert statuses[503]
    assert {200, 503} == set(statuses)


def _children(pid: int) -> list[tuple[int, str]]:
    import psutil

    return [(p.pid, " ".join(p.cmdline())) for p in psutil.Process(pid).children(recursive=True)]
