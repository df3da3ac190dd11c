"""vLLM on a device: hot loading, the probe, a crash, and its offline engine.

vLLM's LoRA kernels know half precision alone (0.32, `lora/ops/triton_ops`), so first tokens and
losses are held to those of float32 within a tolerance, and words to vLLM's own.
"""

import contextlib
import functools
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

pytestmark = pytest.mark.gpu
pytest.importorskip("vllm", reason="vLLM is not installed: pip install 'steppe[gpu]'")

TALKS = [
    [{"role": "user", "content": text}]
    for text in ("Как зовут мою собаку?", "Где мои ключи?", "Расскажи мне.")
]
NEW_TOKENS = 24
GREEDY = {"temperature": 0.0, "max_tokens": NEW_TOKENS}
SMALL = {"dtype": "float16", "attention-backend": "TRITON_ATTN", "enforce-eager": True}
SMALL |= {"gpu-memory-utilization": 0.2}
NAME = f"steppe@{'a' * 12}"
START_SECONDS = 240


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from models.testing import tiny_base

    return tiny_base(tmp_path_factory.mktemp("base"))


@pytest.fixture(scope="module")
def adapters_dir(base: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    from models.testing import random_adapter

    folder = tmp_path_factory.mktemp("adapters")
    random_adapter(base, folder / ("a" * 32), seed=1)
    return folder


class Server:
    """`vllm serve` with the configuration that `steppe serve --show vllm` prints."""

    def __init__(self, base: Path, folder: Path) -> None:
        from models import recipes
        from models.serving import configs
        from models.serving.listening import free_port

        told = configs.vllm(str(base), recipes.load("quick"), devices=1) | SMALL
        told |= {"port": free_port()}
        told.pop("quantization", None)  # bitsandbytes has no kernels for a base this narrow
        self.config = folder / "vllm.yaml"
        self.config.write_text(configs.as_yaml(told))
        self.url = f"http://127.0.0.1:{told['port']}"
        self.log = folder / "vllm.log"
        self.process = self.start()

    def start(self) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "vllm.entrypoints.cli.main", "serve"]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [*command, "--config", str(self.config), "--api-key", "inner"],
                env={**os.environ, "VLLM_ALLOW_RUNTIME_LORA_UPDATING": "True"},
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        return self.process

    def kill(self) -> None:
        os.killpg(self.process.pid, 9)
        self.process.wait()


@pytest.fixture(scope="module")
def server(base: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    started = Server(base, tmp_path_factory.mktemp("vllm"))
    yield started
    with contextlib.suppress(ProcessLookupError):
        started.kill()


@pytest.fixture
def gateway(server: Server, adapters_dir: Path, tmp_path: Path) -> Iterator[SimpleNamespace]:
    """A gateway before vLLM: `.url`, `.upstream`, `.log`."""
    from models.serving.access import Access
    from models.serving.conversation_log import ConversationLog
    from models.serving.gateway import Gateway, build
    from models.serving.served import Served
    from models.serving.upstream import Upstream
    from models.testing import over_http

    served = Served(adapters_dir)
    made = Gateway(
        upstream=Upstream(server.url, token="inner", served=served.folders),
        log=ConversationLog(tmp_path / "inbox", tmp_path / "streams"),
        access=Access(tmp_path / "keys.json", "owner", lambda name: name, per_minute=100_000),
        served=served,
        admin_token="secret",
    )
    with over_http(build(made)) as url:
        up(url, server)
        yield SimpleNamespace(url=url, upstream=made.upstream, inbox=tmp_path / "inbox")


def up(url: str, server: Server) -> None:
    import httpx

    until = time.monotonic() + START_SECONDS
    while httpx.get(f"{url}/health").status_code != 200:
        assert server.process.poll() is None, server.log.read_text()[-4000:]
        assert time.monotonic() < until, server.log.read_text()[-4000:]
        time.sleep(0.5)


def said(
    url: str, talk: list[dict[str, str]], model: str, key: dict[str, str] | None = None
) -> str:
    import httpx

    body = {"model": model, "messages": talk, **GREEDY}
    answer = httpx.post(f"{url}/v1/chat/completions", json=body, headers=key, timeout=60)
    assert 200 == answer.status_code, answer.text
    return str(answer.json()["choices"][0]["message"]["content"])


def streamed(url: str, talk: list[dict[str, str]], model: str) -> str:
    import httpx

    body = {"model": model, "messages": talk, "stream": True, **GREEDY}
    with httpx.stream("POST", f"{url}/v1/chat/completions", json=body, timeout=60) as answer:
        lines = [line for line in answer.iter_lines() if line]
    assert "data: [DONE]" == lines[-1]
    events = [json.loads(line.removeprefix("data: ")) for line in lines[:-1]]
    return "".join(e["choices"][0]["delta"].get("content") or "" for e in events if e["choices"])


REFERENCE = """
import json, sys
from pathlib import Path
from models.backends.embedded import TransformersModel
from models.serving.probing import PROBED, by_text

base, adapter, talks = json.loads(sys.argv[1])
model = TransformersModel(Path(base), Path(adapter), model_id="trained")
scored = model.loss([[*t, {"role": "assistant", "content": "На полке."}] for t in talks])
told = {
    "first": by_text(model.first_token(talks[0], PROBED)),
    "loss": [[s.sum_nats, s.tokens] for s in scored],
}
print(json.dumps(told))
"""


@functools.cache
def own(base: Path, adapter: Path) -> dict[str, Any]:
    """Return what the embedded backend scores on the CPU, in float32."""
    asked = json.dumps([str(base), str(adapter), TALKS])
    answer = subprocess.run(
        [sys.executable, "-c", REFERENCE, asked],
        check=False,
        env={**os.environ, "CUDA_VISIBLE_DEVICES": ""},
        capture_output=True,
        text=True,
    )
    assert 0 == answer.returncode, answer.stderr[-4000:]
    return dict(json.loads(answer.stdout))


def deploy(url: str, name: str, expected: dict[str, float] | None = None) -> dict[str, Any]:
    import httpx

    body = {"name": name, "probe": TALKS[0], "expected": expected or {}}
    owner = {"Authorization": "Bearer secret"}
    answer = httpx.post(f"{url}/admin/deploy", json=body, headers=owner, timeout=120)
    assert 200 == answer.status_code, answer.text
    return dict(answer.json())


def test_an_adapter_is_hot_loaded_probed_and_answers_as_it_was_trained(
    gateway: SimpleNamespace, server: Server, base: Path, adapters_dir: Path
) -> None:
    adapter = adapters_dir / ("a" * 32)
    told = deploy(gateway.url, NAME, own(base, adapter)["first"])

    key = {"Authorization": "Bearer inner"}
    directly = [said(server.url, t, NAME, key) for t in TALKS]
    assert told["probe_difference"] > 0.01
    assert directly == [said(gateway.url, t, "steppe") for t in TALKS]
    assert directly == [streamed(gateway.url, t, NAME) for t in TALKS]
    assert directly != [said(gateway.url, t, "base") for t in TALKS]
    lines = [json.loads(line) for p in gateway.inbox.rglob("*.jsonl") for line in p.open()]
    assert {NAME, "base"} == {line["adapter"] for line in lines if line["event"] == "answer"}


def test_what_is_served_no_more_is_unloaded(gateway: SimpleNamespace, server: Server) -> None:
    import httpx

    deploy(gateway.url, NAME)
    deploy(gateway.url, "base")

    key = {"Authorization": "Bearer inner"}
    listed = httpx.get(f"{server.url}/v1/models", headers=key).json()["data"]
    assert ["base"] == [model["id"] for model in listed]


def test_a_killed_vllm_is_told_and_its_adapter_is_back_with_it(
    gateway: SimpleNamespace, server: Server
) -> None:
    import httpx

    deploy(gateway.url, NAME)
    before = [said(gateway.url, t, "steppe") for t in TALKS]
    server.kill()
    body = {"model": "steppe", "messages": TALKS[0], **GREEDY}
    refused = httpx.post(f"{gateway.url}/v1/chat/completions", json=body, timeout=60)

    assert (503, True) == (refused.status_code, "retry-after" in refused.headers)
    server.start()
    up(gateway.url, server)
    assert before == [said(gateway.url, t, "steppe") for t in TALKS]


def test_the_offline_engine_says_and_scores_what_the_embedded_backend_does(
    base: Path, adapters_dir: Path
) -> None:
    from models.backends.vllm import VllmModel

    adapter = adapters_dir / ("a" * 32)
    options = {key.replace("-", "_"): value for key, value in SMALL.items()}
    engine = VllmModel(base, adapter, name="a", options=options)
    answered = [[*t, {"role": "assistant", "content": "На полке."}] for t in TALKS]

    told = engine.generate(TALKS, max_new_tokens=NEW_TOKENS)
    assert all(0 < g.tokens <= NEW_TOKENS for g in told)
    scores = zip(own(base, adapter)["loss"], engine.loss(answered), strict=True)
    for (nats, tokens), theirs in scores:
        assert tokens == theirs.tokens
        assert nats == pytest.approx(theirs.sum_nats, rel=1e-2)
