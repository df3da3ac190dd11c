"""One asset check a file in `sql/checks`: it passes when the query returns no row.

The first line of a file names its asset, the second says what it returns.
"""

from typing import Any

import dagster as dg

import sql
from lake import query
from lake.tables import Lake

SHOWN_ROWS = 5


def _check(name: str) -> dg.AssetChecksDefinition:
    asset, meaning = (
        line.removeprefix("-- ") for line in sql.read(f"checks/{name}").splitlines()[:2]
    )

    @dg.asset_check(
        name=name, asset=asset.removeprefix("asset: "), description=meaning, blocking=True
    )
    def check(lake: dg.ResourceParam[Lake]) -> dg.AssetCheckResult:
        rows = query.offending(lake, name)
        metadata: dict[str, Any] = {"offending": len(rows)}
        if rows:
            metadata["first"] = dg.MetadataValue.json([_plain(r) for r in rows[:SHOWN_ROWS]])
        return dg.AssetCheckResult(passed=not rows, metadata=metadata)

    return check


def _plain(row: dict[str, Any]) -> dict[str, str]:
    return {key: str(value) for key, value in row.items()}


CHECKS = [_check(name) for name in sql.names("checks")]
