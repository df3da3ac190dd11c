"""vLLM on a device, asked directly and through the gateway: what both cost, and what they say.

    python -P tests/benchmarks/gpu_serving.py BASE ADAPTER [--out FILE]

BASE is a folder in hub format, ADAPTER one of `<home>/models/adapters`.  Measured: how far the
served answers are from the trained ones, in both precisions; tokens a second of many clients at
once, directly and through the gateway in turn; switches of the adapter under that load.
"""

import argparse
import asyncio
import contextlib
import json
import multiprocessing
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

QUESTIONS = ("Как зовут мою собаку?", "Где мои ключи?", "Расскажи мне о степи.", "Привет!")
PROBE = [{"role": "user", "content": "Привет!"}]
NEW_TOKENS = 64
START_SECONDS = 240
SWITCHES = 20


@contextlib.contextmanager
def vllm(base: Path, folder: Path, **more: Any) -> Iterator[str]:
    """Run `vllm serve` with the configuration that `steppe serve --show vllm` prints."""
    import httpx

    from models import recipes
    from models.serving import configs
    from models.serving.listening import free_port

    told = configs.vllm(str(base), recipes.load("embedded"), devices=1)
    told.pop("quantization", None)  # bitsandbytes has no kernels for a base this narrow
    told |= {"port": free_port(), "gpu-memory-utilization": 0.3, **more}
    config, log = folder / "vllm.yaml", folder / "vllm.log"
    config.write_text(configs.as_yaml(told))
    command = [sys.executable, "-m", "vllm.entrypoints.cli.main", "serve", "--config", str(config)]
    url, until = f"http://127.0.0.1:{told['port']}", time.monotonic() + START_SECONDS
    with log.open("ab") as output:
        process = subprocess.Popen(
            command,
            env={**os.environ, "VLLM_ALLOW_RUNTIME_LORA_UPDATING": "True"},
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        while time.monotonic() < until and process.poll() is None:
            with contextlib.suppress(httpx.HTTPError):
                if httpx.get(f"{url}/health").status_code == 200:
                    yield url
                    return
            time.sleep(0.5)
        raise SystemExit(f"vLLM did not come up:\n{log.read_text()[-6000:]}")
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, 9)
        process.wait()


@contextlib.contextmanager
def gateway(upstream: str, adapters: Path, folder: Path) -> Iterator[str]:
    """Run a gateway before vLLM as a process of its own."""
    import httpx

    from models.serving.listening import free_port

    port = free_port()
    asked = (upstream, adapters, folder, port)
    process = multiprocessing.get_context("spawn").Process(target=serve, args=asked)
    process.start()
    url = f"http://127.0.0.1:{port}"
    try:
        while True:
            assert process.is_alive(), "the gateway did not come up"
            with contextlib.suppress(httpx.HTTPError):
                if httpx.get(f"{url}/health").status_code == 200:
                    break
            time.sleep(0.1)
        yield url
    finally:
        process.terminate()
        process.join()


def serve(upstream: str, adapters: Path, folder: Path, port: int) -> None:
    """Serve a gateway that logs as in use, and remembers nobody."""
    from models.serving import listening
    from models.serving.access import Access
    from models.serving.conversation_log import ConversationLog
    from models.serving.gateway import Gateway, build
    from models.serving.served import Served
    from models.serving.upstream import Upstream

    served = Served(adapters)
    made = Gateway(
        upstream=Upstream(upstream, served=served.folders),
        log=ConversationLog(folder / "inbox", folder / "streams"),
        access=Access(folder / "keys.json", "owner", lambda name: name, per_minute=10**9),
        served=served,
        admin_token="secret",
    )
    listening.serve(build(made), listening.at(listening.HOST, port))


def deploy(url: str, name: str, expected: dict[str, float]) -> Any:
    """Switch what is served; return the gateway's answer, its refusal too."""
    import httpx

    body = {"name": name, "probe": PROBE, "expected": expected}
    owner = {"Authorization": "Bearer secret"}
    return httpx.post(f"{url}/admin/deploy", json=body, headers=owner, timeout=120).json()


async def load(url: str, model: str, *, clients: int, seconds: float) -> dict[str, Any]:
    """Let clients ask one question after another; return tokens a second and latencies."""
    import aiohttp

    tokens, answers, failed, latencies = 0, 0, 0, []
    until = time.monotonic() + seconds

    async def client(number: int, session: aiohttp.ClientSession) -> None:
        nonlocal tokens, answers, failed
        asked = number
        while time.monotonic() < until:
            asked += 1
            body = {
                "model": model,
                "messages": [{"role": "user", "content": QUESTIONS[asked % len(QUESTIONS)]}],
                "max_tokens": NEW_TOKENS,
                "temperature": 1.0,
                "seed": asked,
                "user": f"person {number}",
            }
            started = time.monotonic()
            async with session.post(f"{url}/v1/chat/completions", json=body) as answer:
                told = await answer.json()
                if answer.status != 200:
                    failed += 1
                    continue
            latencies.append(1000 * (time.monotonic() - started))
            tokens, answers = tokens + told["usage"]["completion_tokens"], answers + 1

    started = time.monotonic()
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        await asyncio.gather(*(client(n, session) for n in range(clients)))
    took, ordered = time.monotonic() - started, sorted(latencies)
    return {
        "answers_per_second": round(answers / took, 1),
        "tokens_per_second": round(tokens / took, 1),
        "p50_ms": round(ordered[len(ordered) // 2], 1),
        "p99_ms": round(ordered[int(len(ordered) * 0.99)], 1),
        "failed": failed,
    }


async def switched(url: str, name: str, expected: dict[str, float]) -> dict[str, Any]:
    """Switch between adapter and base under load; return what the clients had of it."""
    asking = asyncio.create_task(load(url, "steppe", clients=32, seconds=20))
    took = []
    for number in range(SWITCHES):
        started = time.monotonic()
        told = await asyncio.to_thread(deploy, url, name if number % 2 else "base", expected)
        assert "previous" in told, told
        took.append(time.monotonic() - started)
    found = await asking
    return {**found, "switches": SWITCHES, "seconds_a_switch": round(sum(took) / SWITCHES, 3)}


TRAINED = """
import json, sys
from pathlib import Path
from models.backends.embedded import TransformersModel
from models.serving.probing import PROBED, by_text

base, adapter, probe, questions, new = json.loads(sys.argv[1])
model = TransformersModel(Path(base), Path(adapter), model_id="trained")
asked = [[{"role": "user", "content": q}] for q in questions]
said = [g.text for g in model.generate(asked, max_new_tokens=new)]
print(json.dumps({"first": by_text(model.first_token(probe, PROBED)), "said": said}))
"""


def trained(base: Path, adapter: Path, questions: Sequence[str]) -> dict[str, Any]:
    """Return first tokens and greedy answers in float32, on the CPU."""
    asked = json.dumps([str(base), str(adapter), PROBE, list(questions), NEW_TOKENS])
    told = subprocess.run(
        [sys.executable, "-c", TRAINED, asked],
        env={**os.environ, "CUDA_VISIBLE_DEVICES": ""},
        check=True,
        stdout=subprocess.PIPE,
    )
    return dict(json.loads(told.stdout.splitlines()[-1]))


def agreement(url: str, questions: Sequence[str], said: Sequence[str]) -> float:
    """Return the share of greedy answers that are the trained adapter's, word for word."""
    import httpx

    same = 0
    for question, answer in zip(questions, said, strict=True):
        messages = [{"role": "user", "content": question}]
        body = {"model": "steppe", "messages": messages, "max_tokens": NEW_TOKENS, "temperature": 0}
        told = httpx.post(f"{url}/v1/chat/completions", json=body, timeout=60).json()
        same += told["choices"][0]["message"]["content"].strip() == answer.strip()
    return round(same / len(questions), 3)


def measured(
    base: Path, adapter: Path, questions: Sequence[str], options: dict[str, Any], out: Path
) -> None:
    """Write every figure, with the device's name, as soon as it is known."""
    import importlib.metadata

    import torch

    from models.adapters import served_name

    name, ours = served_name(adapter.name), trained(base, adapter, questions)
    found: dict[str, Any] = {
        "device": torch.cuda.get_device_name(),
        "vllm": importlib.metadata.version("vllm"),
        "torch": torch.__version__,
        "options": options,
        "questions": len(questions),
    }
    for dtype in ("float16", "bfloat16"):
        with tempfile.TemporaryDirectory() as scratch:
            folder, begun = Path(scratch), time.monotonic()
            with (
                vllm(base, folder, dtype=dtype, **options) as url,
                gateway(url, adapter.parent, folder) as at,
            ):
                told: dict[str, Any] = {"seconds_to_start": round(time.monotonic() - begun, 1)}
                told["deployed"] = deploy(at, name, ours["first"])
                told["deployed_unchecked"] = deploy(at, name, {})
                told["agreement"] = agreement(at, questions, ours["said"])
                if dtype == "bfloat16":
                    for clients in (1, 32, 256):
                        for arm, to, model in (("direct", url, name), ("gateway", at, "steppe")):
                            asked = load(to, model, clients=clients, seconds=6)
                            told[f"{arm}_{clients}"] = asyncio.run(asked)
                    told["switched"] = asyncio.run(switched(at, name, {}))
            found[dtype] = told
            print(json.dumps({dtype: told}, ensure_ascii=False), flush=True)
            out.write_text(json.dumps(found, ensure_ascii=False, indent=1) + "\n")


def main() -> None:
    """Measure, print, and write the results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("base", type=Path)
    parser.add_argument("adapter", type=Path)
    parser.add_argument("--questions", type=Path, help="one a line")
    parser.add_argument("--eager", action="store_true", help="no CUDA graphs: starts sooner")
    parser.add_argument("--vllm", action="append", default=[], metavar="KEY=VALUE")
    here = Path(__file__).parent / "results" / "gpu_serving.json"
    parser.add_argument("--out", type=Path, default=here)
    arguments = parser.parse_args()
    asked = arguments.questions.read_text().splitlines() if arguments.questions else QUESTIONS
    options: dict[str, Any] = {"enforce-eager": True} if arguments.eager else {}
    options |= dict(pair.split("=", 1) for pair in arguments.vllm)
    folders = (arguments.base.resolve(), arguments.adapter.resolve())
    measured(*folders, asked, options, arguments.out)


if __name__ == "__main__":
    main()
