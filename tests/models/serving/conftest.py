"""A served tiny base with two real adapters, in a process's thread, over real HTTP."""

import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from models.testing import over_http


def random_adapter(base: Path, folder: Path, *, seed: int) -> Path:
    """Write a LoRA adapter with random B, so that it visibly changes the answers."""
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    torch.manual_seed(seed)
    model = AutoModelForCausalLM.from_pretrained(base)
    config = LoraConfig(r=8, lora_alpha=16, target_modules="all-linear", task_type="CAUSAL_LM")
    tuned = get_peft_model(model, config)
    for name, weight in tuned.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(weight, std=0.2)
    tuned.save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def adapters_dir(tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of adapters, named as content ids are."""
    folder = tmp_path_factory.mktemp("adapters")
    for digit in "ab":
        random_adapter(tiny, folder / (digit * 32), seed=ord(digit))
    return folder


@pytest.fixture
def engine(tiny: Path, adapters_dir: Path) -> Iterator[object]:
    """A running engine with both adapters loaded."""
    from models.serving.engine import Engine

    engine = Engine(tiny, max_batch=4)
    engine.start()
    for digit in "ab":
        path = adapters_dir / (digit * 32)
        engine.call(engine.load_adapter, f"steppe@{digit * 12}", path).result(60)
    yield engine
    engine.stop()
    engine.join(30)


@pytest.fixture
def embedded(tiny: Path) -> Iterator[SimpleNamespace]:
    """The embedded server over a tiny base: `.url`, `.service`; its token is `inner`."""
    from models.serving.embedded import Embedded, build
    from models.serving.engine import Engine

    service = Embedded(Engine(tiny), "inner")
    with over_http(build(service)) as url:
        yield SimpleNamespace(url=url, service=service)


@pytest.fixture
def gateway(embedded: SimpleNamespace, adapters_dir: Path, tmp_path: Path) -> object:
    """A gateway before the embedded server, not serving yet; the admin token is `secret`."""
    from models.encoders import load_encoder
    from models.serving.access import Access
    from models.serving.conversation_log import ConversationLog
    from models.serving.gateway import Gateway
    from models.serving.served import Served
    from models.serving.upstream import Upstream

    served = Served(adapters_dir)
    return Gateway(
        upstream=Upstream(embedded.url, token="inner", served=served.folders),
        log=ConversationLog(tmp_path / "inbox", tmp_path / "streams"),
        access=Access(
            tmp_path / "keys.json", "owner", lambda name: f"id of {name}", per_minute=100_000
        ),
        served=served,
        admin_token="secret",
        encoder=load_encoder("hashed", models_dir=tmp_path),
    )


@pytest.fixture
def served(gateway: object, embedded: SimpleNamespace, tmp_path: Path) -> Iterator[SimpleNamespace]:
    """A gateway over real HTTP: `.url`, `.inbox`, `.gateway`, `.engine`."""
    import httpx

    from models.serving.gateway import build

    with over_http(build(gateway)) as url:
        while httpx.get(f"{url}/health").status_code != 200:
            time.sleep(0.05)
        yield SimpleNamespace(
            url=url, inbox=tmp_path / "inbox", gateway=gateway, engine=embedded.service.engine
        )
