"""What every test stands on: a clean environment, a home of its own, and the shared quick base."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings as hypothesis_settings

from lake import settings as settings_module
from lake.settings import Settings
from lake.tables import Lake
from models.base import BaseModel, ensure_base
from models.processes import calm_down

calm_down()
# A deadline would be a timed test: a first import, or a neighbour on the machine, would fail it.
hypothesis_settings.register_profile("steppe", deadline=None)
hypothesis_settings.load_profile("steppe")
os.environ["HF_HUB_OFFLINE"] = "1"
ROOT = Path(__file__).parents[1]
SHARED_DATA = Path(os.environ.get("STEPPE_TEST_DATA", ROOT.parent / "shared" / "data"))
SHARED_MODELS = Path(os.environ.get("STEPPE_TEST_MODELS", ROOT / ".steppe" / "test-models"))


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """Take Steppe's and Dagster's variables away, and put the default home into `tmp_path`."""
    for name in list(os.environ):
        if name.startswith(("STEPPE_", "DAGSTER_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("STEPPE_HOME", str(tmp_path / "home"))
    settings_module.settings.cache_clear()
    yield
    settings_module.settings.cache_clear()


@pytest.fixture
def chosen(tmp_path: Path) -> Settings:
    """Settings over a temporary home, on the quick base and the quick recipe."""
    return settings_module.load(
        home=tmp_path / "home", base_model="embedded-quick", recipe="quick", self_chats_per_day=4
    )


@pytest.fixture
def lake(chosen: Settings) -> Lake:
    """An empty lake."""
    return Lake(chosen.home)


@pytest.fixture(scope="session")
def quick_base() -> BaseModel:
    """The small base of the tests: grown in under a minute, once for all runs on this machine."""
    return ensure_base("embedded-quick", SHARED_MODELS)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real input; skip where it is not."""
    if not SHARED_DATA.is_dir():
        pytest.skip("no real data here: set STEPPE_TEST_DATA to its folder")
    return SHARED_DATA


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what needs a GPU where there is none, saying so."""
    marked = [item for item in items if item.get_closest_marker("gpu")]
    if not marked:
        return
    import torch

    if not torch.cuda.is_available():
        for item in marked:
            item.add_marker(pytest.mark.skip(reason="no CUDA device on this machine"))
