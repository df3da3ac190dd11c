"""What the gateway costs: the same upstream asked directly and through it, at a steady rate.

    python -P tests/benchmarks/gateway.py                     # 20 s an arm
    python -P tests/benchmarks/gateway.py --seconds 600       # the gateway's memory, ten minutes

The upstream is ours, fast and deterministic; it, the gateway and the load are a process each.
Requests start on a clock, whatever the answers do (an open loop), so waiting counts as latency.
The gateway logs every request and every answer with `fsync`, as in use; nothing is remembered here
(`tests/benchmarks/retrieval.py` measures that).

From `LONG` seconds on there is one arm, whole answers through the gateway, and its memory is looked
at every `LOOKED_AT` seconds.  Every request is then another person's first question, so that what
the gateway remembers of people, conversations and answers fills up and is forgotten again: 10,000
of each are 50 seconds at this rate.
"""

import argparse
import asyncio
import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results" / "gateway.json"
RATE = 200
WORDS = ["Твою", " собаку", " зовут", " Буран", "."]
UPSTREAM, GATEWAY = 8931, 8932
LONG, LOOKED_AT = 300, 30
FILLED = 120
"""Seconds after which everything bounded is full, allocators settled: growth counts from here."""


async def upstream(scope: Any, receive: Any, send: Any) -> None:
    """Answer like a chat server without a model: an ASGI application."""
    if scope["type"] != "http":
        return
    body = b""
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body"):
            break
    asked = json.loads(body or b"{}")
    head = {"id": "x", "object": "chat.completion.chunk", "created": 0, "model": "base"}
    usage = {"prompt_tokens": 9, "completion_tokens": 5, "total_tokens": 14}
    if scope["path"] != "/v1/chat/completions":
        told: Any = {"data": [{"id": "base"}]}
    elif asked.get("stream"):
        await _stream(send, head, usage)
        return
    else:
        message = {"role": "assistant", "content": "".join(WORDS)}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        told = {**head, "object": "chat.completion", "choices": [choice], "usage": usage}
    await _send(send, json.dumps(told, ensure_ascii=False).encode(), b"application/json")


async def _stream(send: Any, head: dict[str, Any], usage: dict[str, int]) -> None:
    events = [{"delta": {"content": word}, "finish_reason": None} for word in WORDS]
    events.append({"delta": {}, "finish_reason": "stop"})
    told = [{**head, "choices": [{"index": 0, **event}]} for event in events]
    told.append({**head, "choices": [], "usage": usage})
    text = "".join(f"data: {json.dumps(e, ensure_ascii=False)}\n\n" for e in told)
    await _send(send, f"{text}data: [DONE]\n\n".encode(), b"text/event-stream")


async def _send(send: Any, body: bytes, kind: bytes) -> None:
    headers = [(b"content-type", kind), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def load(url: str, seconds: float, *, stream: bool, anew: bool = False) -> list[float]:
    """Ask `RATE` times a second; return every latency in milliseconds.

    `anew` makes every request another person's, with words of its own.
    """
    import aiohttp

    latencies: list[float] = []
    body = {
        "model": "base" if str(UPSTREAM) in url else "steppe",
        "messages": [{"role": "user", "content": "Как зовут мою собаку?"}],
        "stream": stream,
        "memory": False,
    }

    async def ask(session: aiohttp.ClientSession, n: int) -> None:
        asked = body
        if anew:
            said = [{"role": "user", "content": f"Как зовут мою собаку номер {n}?"}]
            asked = {**body, "messages": said, "user": f"person {n}"}
        started = time.perf_counter()
        async with session.post(f"{url}/v1/chat/completions", json=asked) as answer:
            said = await answer.read()
            assert answer.status == 200, said
        latencies.append(1000 * (time.perf_counter() - started))

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        tasks, begun = set[asyncio.Task[None]](), time.perf_counter()
        for n in range(round(RATE * seconds)):
            await asyncio.sleep(max(0.0, begun + n / RATE - time.perf_counter()))
            task = asyncio.create_task(ask(session, n))
            tasks.add(task)
            task.add_done_callback(tasks.discard)
        await asyncio.gather(*tasks)
    return latencies


@contextlib.contextmanager
def processes(home: Path) -> Iterator[int]:
    """Run the upstream and a gateway before it; yield the gateway's process id."""
    from models.processes import calm_environment

    told = {
        "STEPPE_HOME": str(home),
        "STEPPE_SERVING__UPSTREAM_URL": f"http://127.0.0.1:{UPSTREAM}",
        "STEPPE_SERVING__REQUESTS_PER_MINUTE": "10000000",
    }
    path = os.pathsep.join(filter(None, [str(Path(__file__).parent), os.environ.get("PYTHONPATH")]))
    environment = {**calm_environment(), **told, "PYTHONPATH": path}
    server = [sys.executable, "-m", "uvicorn", "gateway:upstream", "--port", str(UPSTREAM)]
    gateway = [sys.executable, "-m", "orchestration.gateway", "--port", str(GATEWAY)]
    quiet = ["--log-level", "warning", "--no-access-log"]
    started = [
        subprocess.Popen(command, env=environment) for command in ([*server, *quiet], gateway)
    ]
    try:
        _wait(f"http://127.0.0.1:{GATEWAY}/health")
        yield started[1].pid
    finally:
        for process in started:
            process.terminate()
            process.wait()


def _wait(url: str) -> None:
    import httpx

    for _ in range(600):
        with contextlib.suppress(httpx.HTTPError):
            if httpx.get(url).status_code == 200:
                return
        time.sleep(0.1)
    raise SystemExit(f"{url} did not come up")


def measured(seconds: float, rounds: int) -> dict[str, Any]:
    """Return milliseconds a request by arm, arms in turn, and the gateway's memory."""
    import psutil

    found: dict[str, Any] = {"rate": RATE, "seconds": seconds, "rounds": rounds}
    with tempfile.TemporaryDirectory() as folder, processes(Path(folder) / "home") as pid:
        arms = {
            f"{name}_{how}": (f"http://127.0.0.1:{port}", how == "stream")
            for how in ("whole", "stream")
            for name, port in (("direct", UPSTREAM), ("gateway", GATEWAY))
        }
        latencies: dict[str, list[float]] = {name: [] for name in arms}
        cpu = dict.fromkeys(arms, 0.0)
        memory = [psutil.Process(pid).memory_info().rss]
        for _ in range(rounds):
            for name, (url, stream) in arms.items():
                before = sum(psutil.Process(pid).cpu_times()[:2])
                latencies[name] += asyncio.run(load(url, seconds, stream=stream))
                cpu[name] += sum(psutil.Process(pid).cpu_times()[:2]) - before
                memory.append(psutil.Process(pid).memory_info().rss)
    for name, values in latencies.items():
        ordered = statistics.quantiles(values, n=100)
        found[name] = {"p50": ordered[49], "p95": ordered[94], "p99": ordered[98]}
        found[name]["cpu_of_gateway"] = 1000 * cpu[name] / len(values)
    for how in ("whole", "stream"):
        pair = (found[f"gateway_{how}"], found[f"direct_{how}"])
        found[f"overhead_{how}"] = {p: pair[0][p] - pair[1][p] for p in ("p50", "p95", "p99")}
    found["memory_mib"] = [round(rss / 2**20, 1) for rss in memory]
    return found


def held(seconds: float) -> dict[str, Any]:
    """Return the gateway's resident memory over a long load, and its growth once it is full."""
    import psutil

    looks: list[tuple[float, float]] = []
    with tempfile.TemporaryDirectory() as folder, processes(Path(folder) / "home") as pid:
        process, begun, over = psutil.Process(pid), time.monotonic(), threading.Event()

        def look() -> None:
            while True:
                mib = process.memory_info().rss / 2**20
                looks.append((round(time.monotonic() - begun), round(mib, 1)))
                if over.wait(LOOKED_AT):
                    return

        watching = threading.Thread(target=look)
        watching.start()
        url = f"http://127.0.0.1:{GATEWAY}"
        latencies = asyncio.run(load(url, seconds, stream=False, anew=True))
        looks.append((round(time.monotonic() - begun), round(process.memory_info().rss / 2**20, 1)))
        over.set()
        watching.join()
        cpu = sum(process.cpu_times()[:2])
        log = sum(path.stat().st_size for path in Path(folder).rglob("gateway.jsonl"))
    ordered = statistics.quantiles(latencies, n=100)
    full = [look for look in looks if look[0] >= FILLED]
    slope = statistics.linear_regression(*zip(*full, strict=True)).slope if len(full) > 1 else 0.0
    return {
        "rate": RATE,
        "seconds": seconds,
        "answers": len(latencies),
        "gateway_whole": {"p50": ordered[49], "p95": ordered[94], "p99": ordered[98]},
        "cpu_of_gateway": 1000 * cpu / len(latencies),
        "log_mib": round(log / 2**20, 1),
        "memory_mib": looks,
        "mib_a_minute_once_full": round(60 * slope, 3),
    }


def main() -> None:
    """Measure, and write the figures."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--rounds", type=int, default=2)
    arguments = parser.parse_args()
    is_long = arguments.seconds >= LONG
    found = held(arguments.seconds) if is_long else measured(arguments.seconds, arguments.rounds)
    kept = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
    kept[f"{arguments.seconds:.0f} s"] = found
    RESULTS.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
    sys.stdout.write(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
