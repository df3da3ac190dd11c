"""A lake filled by hand, row by row."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import pytest

from lake import schemas
from lake.tables import Lake, Provenance

DAY = date(2026, 1, 1)
Fill = Callable[..., None]


@pytest.fixture
def fill(lake: Lake) -> Fill:
    """Return `fill(table, {"record_id": "a", ...}, ...)`: columns not given get a plain value."""

    def write(table: str, *rows: dict[str, Any]) -> None:
        by_day: dict[date, list[dict[str, Any]]] = {}
        for row in rows:
            by_day.setdefault(row.get("day", DAY), []).append(_whole(table, row))
        for day, listed in by_day.items():
            lake.replace(table, listed, day=day, made_from="1" * 32, by=Provenance("test"))

    return write


def talk(*roles: str) -> list[dict[str, Any]]:
    """Return messages of these roles."""
    return [{"message_id": "", "role": r, "content": r, "created_at": None} for r in roles]


def _whole(table: str, row: dict[str, Any]) -> dict[str, Any]:
    schema = schemas.tables()[table].schema
    whole = {f.name: row.get(f.name, _plain(f.type)) for f in schema if f.name != "day"}
    if table == "cleaned_dialogues":  # each the founder of its own cluster
        whole["cluster_id"] = row.get("cluster_id", whole["dialogue_id"])
    return whole


def _plain(kind: Any) -> Any:
    name = str(kind)
    if name.startswith("list"):
        return []
    return {
        "string": "",
        "int64": 0,
        "double": 0.0,
        "bool": False,
        "binary": b"",
        "timestamp[us, tz=UTC]": datetime(2026, 1, 1, tzinfo=UTC),
    }[name]
