"""A served tiny base with two real adapters, in a process's thread, over real HTTP."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest


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
def served(tiny: Path, adapters_dir: Path, tmp_path: Path) -> Iterator[SimpleNamespace]:
    """A server on loopback: `.url`, `.inbox`, `.service`; the admin token is `secret`."""
    import uvicorn

    from models.serving.app import Service, build
    from models.serving.conversation_log import ConversationLog
    from models.serving.engine import Engine

    inbox = tmp_path / "inbox"
    service = Service(Engine(tiny), ConversationLog(inbox), adapters_dir, admin_token="secret")
    server = uvicorn.Server(uvicorn.Config(build(service), port=0, log_level="error"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.05)
    port = server.servers[0].sockets[0].getsockname()[1]
    yield SimpleNamespace(url=f"http://127.0.0.1:{port}", inbox=inbox, service=service)
    server.should_exit = True
    thread.join(30)
