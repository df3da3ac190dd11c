"""The lock of an environment, and what is said where two differ."""

import json
from importlib.metadata import version

from models import adapters, environment


def test_a_manifest_holds_the_recipe_and_the_lock(trained, quick_request):
    from pathlib import Path

    manifest = adapters.read_manifest(Path(trained.path))

    assert quick_request().recipe == manifest.recipe
    assert version("torch") == manifest.libraries["torch"]
    assert "cpu" == manifest.environment["device"]
    assert trained.losses[0][1] == manifest.outcome["first_loss"]


def test_a_lock_is_json_and_differs_by_what_changed():
    lock = environment.lock(micro_batch=4)
    other = {**lock, "threads": 99, "flags": {**lock["flags"], "PYTHONHASHSEED": "7"}}

    assert lock == json.loads(json.dumps(lock))
    assert [] == environment.differences(lock, lock)
    told = environment.differences(lock, other)
    assert f"threads: {lock['threads']}, now 99" in told
    assert any(line.startswith("PYTHONHASHSEED: ") for line in told)


def test_what_was_not_recorded_is_no_difference():
    assert [] == environment.differences({}, {"cuda": "13.0"})


def test_features_are_read_where_the_kernel_lists_them(tmp_path):
    file = tmp_path / "cpuinfo"
    file.write_text("processor : 0\nflags\t\t: fpu avx2 avx512f\n")

    assert ["avx2", "avx512f"] == environment.cpu_features(file)
    assert [] == environment.cpu_features(tmp_path / "none")
