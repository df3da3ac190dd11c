"""The architecture holds itself: layers, stage words, light definitions, sound exceptions."""

import ast
import inspect
import json
import subprocess
import sys
from pathlib import Path

import pytest

from assets import STAGES
from lake import errors, schemas

ROOT = Path(__file__).parents[1]
HEAVY = {
    "torch",
    "transformers",
    "peft",
    "trl",
    "vllm",
    "lancedb",
    "mlflow",
    "polars",
    "duckdb",
    "pyarrow",
    "ray",
    "pandas",
    "numpy",
    "sklearn",
    "matplotlib",
    "deltalake",
}
PACKAGES = ("orchestration", "assets", "models", "lake", "sql")
BUDGET = 1.3  # CPU seconds of the definitions, Dagster included, in those of Dagster alone
# Without the collector: its one sweep over Dagster's hundred thousand objects, .1 of Dagster's own
# time, falls wherever its counter happens to stand, and comes in a process of Dagster alone too.
MEASURED = """
import gc, json, sys, time
gc.disable()
start = time.process_time()
import dagster
dagster_alone = time.process_time() - start
import orchestration.definitions
both = time.process_time() - start
print(json.dumps([dagster_alone, both, sorted(sys.modules)]))
"""


def load_definitions(home: Path) -> tuple[float, set[str]]:
    found = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", MEASURED],
        capture_output=True,
        text=True,
        check=True,
        env={"STEPPE_HOME": str(home), "PATH": "", "HOME": str(home)},
    ).stdout
    alone, both, modules = json.loads(found)
    return both / alone, set(modules)


def test_layers_hold() -> None:
    done = subprocess.run(
        [Path(sys.executable).with_name("lint-imports")],
        check=False,
        cwd=ROOT,
        capture_output=True,
        text=True,
    )

    assert 0 == done.returncode, done.stdout


def test_loading_the_definitions_imports_nothing_heavy(tmp_path: Path) -> None:
    _, modules = load_definitions(tmp_path)

    assert set() == HEAVY & modules


@pytest.mark.benchmark
def test_definitions_load_within_their_budget(tmp_path: Path) -> None:
    """The median of five processes, after one that writes the byte code."""
    load_definitions(tmp_path)
    ratios = sorted(load_definitions(tmp_path)[0] for _ in range(5))

    print(f"definitions / dagster: {ratios[2]:.2f} (of {ratios})")
    assert ratios[2] <= BUDGET


def test_heavy_packages_are_imported_inside_functions() -> None:
    # run only by the server process; imported only where compiled loops are called
    compiled = {"assets/cleaning/sketching.py", "assets/cleaning/settling.py"}
    lazy = {"models/serving/engine.py", *compiled}
    offenders = [
        f"{path.relative_to(ROOT)}: {name}"
        for package in PACKAGES
        for path in (ROOT / package).rglob("*.py")
        if str(path.relative_to(ROOT)) not in lazy
        for name in _module_level_imports(path) & HEAVY
    ]

    allowed = {
        "models/network.py",
        "models/optimizers.py",
        "models/growth.py",
        "models/tokenizer.py",
    }
    assert [] == [o for o in offenders if o.split(":")[0] not in allowed]


def test_the_stages_are_the_groups_the_modules_and_the_prefixes() -> None:
    from orchestration.definitions import defs

    groups = {s.group_name for s in defs.resolve_all_asset_specs()}
    assert set(STAGES) == groups
    assert all((ROOT / "assets" / f"{stage}.py").exists() for stage in STAGES)
    for spec in defs.resolve_all_asset_specs():
        name = spec.key.to_user_string()
        assert name == "base_model" or name.startswith(f"{spec.group_name}_")
    order = [t.split("_")[0] for t in schemas.tables()]
    assert order == sorted(order, key=[s.split("_")[0] for s in STAGES].index)


def test_the_graph_flows_in_the_order_of_the_stages() -> None:
    from orchestration.definitions import defs

    specs = {s.key: s for s in defs.resolve_all_asset_specs()}
    for spec in specs.values():
        for dep in spec.deps:
            upstream = specs[dep.asset_key].group_name
            assert STAGES.index(upstream) <= STAGES.index(spec.group_name)


def test_every_error_is_documented_and_has_a_hint() -> None:
    tree = errors.__doc__ or ""
    for name, kind in inspect.getmembers(errors, inspect.isclass):
        if issubclass(kind, errors.SteppeError):
            assert name in tree
            assert kind.__doc__
    with pytest.raises(TypeError):
        errors.LakeError("no hint")
    assert "hint: do this" in str(errors.LakeError("what", hint="do this"))


def test_assets_stay_short() -> None:
    """Read, call, write: an asset's own body has at most thirty lines."""
    long = []
    for stage in STAGES:
        tree = ast.parse((ROOT / "assets" / f"{stage}.py").read_text())
        for node in tree.body:
            if isinstance(node, ast.FunctionDef) and any(
                "asset" in ast.unparse(d) for d in node.decorator_list
            ):
                lines = node.body[-1].end_lineno - node.body[0].lineno + 1
                if lines > 42:
                    long.append((node.name, lines))

    assert [] == long


def test_there_is_no_init_file_under_tests() -> None:
    assert [] == list((ROOT / "tests").rglob("__init__.py"))


def _module_level_imports(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module.split(".")[0])
    return found
