"""One asset check a file in `sql/checks`: it passes when the query returns no row.

The first line of a file names its asset, the second says what it returns.  The checks on what one
step wrote are one step too: a process and a connection serve them all.
"""

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import dagster as dg

import sql
from assets import STAGES
from lake import query
from lake.tables import Lake

SHOWN_ROWS = 5


def _spec(name: str) -> dg.AssetCheckSpec:
    asset, meaning = (
        line.removeprefix("-- ") for line in sql.read(f"checks/{name}").splitlines()[:2]
    )
    return dg.AssetCheckSpec(
        name, asset=asset.removeprefix("asset: "), description=meaning, blocking=True
    )


def _step(spec: dg.AssetCheckSpec) -> str:
    """Return the step of a check: its stage's, but a training set is judged before training."""
    table = spec.asset_key.to_user_string()
    if table.startswith("adapters_"):
        return table
    return next(stage for stage in STAGES if table.startswith(stage))


def _together(step: str, specs: list[dg.AssetCheckSpec]) -> dg.AssetChecksDefinition:
    @dg.multi_asset_check(name=f"{step}_checks", specs=specs, can_subset=True)
    def checks(
        context: dg.AssetCheckExecutionContext, lake: dg.ResourceParam[Lake]
    ) -> Iterator[dg.AssetCheckResult]:
        with query.connect(lake) as connection:
            for key in sorted(context.selected_asset_check_keys):
                found = query.run(connection, sql.read(f"checks/{key.name}"))
                yield _result(key, found.to_pylist())

    return checks


def _result(key: dg.AssetCheckKey, rows: list[dict[str, Any]]) -> dg.AssetCheckResult:
    metadata: dict[str, Any] = {"offending": len(rows)}
    if rows:
        metadata["first"] = dg.MetadataValue.json([_plain(r) for r in rows[:SHOWN_ROWS]])
    return dg.AssetCheckResult(
        passed=not rows, asset_key=key.asset_key, check_name=key.name, metadata=metadata
    )


def _plain(row: dict[str, Any]) -> dict[str, str]:
    return {key: str(value) for key, value in row.items()}


def _all() -> list[dg.AssetChecksDefinition]:
    steps: dict[str, list[dg.AssetCheckSpec]] = defaultdict(list)
    for name in sql.names("checks"):
        spec = _spec(name)
        steps[_step(spec)].append(spec)
    return [_together(step, specs) for step, specs in steps.items()]


CHECKS = _all()
