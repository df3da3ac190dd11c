"""One run and one version an adapter, however often it is registered."""

import subprocess
import sys
from pathlib import Path

import pytest

from lake.errors import DeploymentError
from models.evaluation import Score
from models.registry import DatasetReference, Registry

DATASET = DatasetReference("adapters_training_sets", "lake/adapters_training_sets", 3, "d" * 32)


@pytest.fixture(scope="module")
def registry(tmp_path_factory):
    return Registry(tmp_path_factory.mktemp("mlflow"))


@pytest.fixture
def registered(registry, trained):
    return registry.register(Path(trained.path), trained.as_dict(), DATASET)


def test_asking_for_a_champion_makes_no_database(tmp_path):
    assert Registry(tmp_path / "none").alias("champion") is None
    assert not (tmp_path / "none").exists()


def test_registering_twice_is_registering_once(registry, registered, trained):
    again = registry.register(Path(trained.path), trained.as_dict(), DATASET)

    assert registered == again
    assert [trained.adapter_id] == registry.adapter_ids()


def test_a_run_without_a_version_is_used_again(registry, registered, trained):
    """As a kill between the two leaves it."""
    registry.client.delete_model_version("steppe", registered.version)

    again = registry.register(Path(trained.path), trained.as_dict(), DATASET)

    assert registered.run_id == again.run_id


def test_a_run_holds_parameters_metrics_losses_dataset_and_files(registry, registered, trained):
    run = registry.client.get_run(registered.run_id)
    losses = registry.client.get_metric_history(registered.run_id, "loss")
    files = registry.client.list_artifacts(registered.run_id, "adapter")

    assert trained.recipe_id == run.data.params["recipe_id"]
    assert trained.train_loss == pytest.approx(run.data.metrics["train_loss"])
    assert [step for step, _ in trained.losses] == sorted(m.step for m in losses)
    assert run.inputs.dataset_inputs[0].dataset.name == "adapters_training_sets"
    assert len(files) == 3


def test_aliases_move_and_go(registry, registered, trained):
    assert registry.alias("champion") is None

    registry.set_alias("champion", trained.adapter_id)
    assert trained.adapter_id == registry.alias("champion")

    registry.clear_alias("champion")
    assert registry.alias("champion") is None


def test_an_unknown_adapter_gets_no_alias(registry, registered):
    with pytest.raises(DeploymentError, match="not registered"):
        registry.set_alias("champion", "f" * 32)


def test_scores_are_added_to_the_run(registry, registered, trained):
    registry.log_scores(trained.adapter_id, [Score("exact", "exact", 0.5, 0.4, 0.6, 10)])

    assert registry.client.get_run(registered.run_id).data.metrics["exact.exact"] == 0.5


@pytest.mark.slow
def test_three_processes_may_start_the_database_at_once(tmp_path):
    code = (
        "import sys; from pathlib import Path; from models.registry import Registry;"
        "print(Registry(Path(sys.argv[1])).adapter_ids())"
    )
    command = [sys.executable, "-c", code, str(tmp_path)]
    root = Path(__file__).parents[2]
    started = [subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE) for _ in range(3)]

    assert [process.communicate()[0] for process in started] == [b"[]\n"] * 3
