"""DuckDB over the lake: it answers from the first moment, and touches nothing else."""

from datetime import date
from pathlib import Path

import pytest

import sql
from lake import query, schemas
from lake.errors import SteppeError, TableNotFound
from lake.tables import Lake, Provenance

DAY = date(2026, 1, 1)
BY = Provenance("test")
ROW = {
    "record_id": "a",
    "file": "f",
    "file_id": "i",
    "position": "",
    "reason": "binary",
    "detail": "",
    "excerpt": "",
}


def test_every_view_answers_on_an_empty_lake(lake: Lake) -> None:
    names = [*schemas.tables(), *sql.names("staging"), *sql.names("marts")]

    assert [[]] * len(names) == [query.ask(lake, f"from {name}") for name in names]


def test_every_check_passes_on_an_empty_lake(lake: Lake) -> None:
    assert [] == [name for name in sql.names("checks") if query.offending(lake, name)]


def test_views_show_exactly_the_committed_rows(lake: Lake) -> None:
    lake.replace("raw_quarantined", [ROW], day=DAY, made_from="1" * 32, by=BY)
    lake.replace("raw_quarantined", [ROW], day=DAY, made_from="2" * 32, by=BY)

    assert [{"n": 1}] == query.ask(lake, "select count(*) as n from raw_quarantined")


@pytest.mark.parametrize(
    "attempt",
    [
        "from read_text('{outside}')",
        "copy (select 1) to '{outside}.csv'",
        "attach '{outside}.duckdb'",
        "install httpfs",
        "set enable_external_access = true",
        "from '{outside}'",
    ],
)
def test_exploration_reaches_nothing_outside_the_lake(
    attempt: str, lake: Lake, tmp_path: Path
) -> None:
    outside = tmp_path / "outside.txt"
    outside.write_text("secret")
    lake.replace("raw_quarantined", [ROW], day=DAY, made_from="1" * 32, by=BY)

    with pytest.raises(SteppeError, match="hint: "):
        query.ask(lake, attempt.format(outside=outside))
    assert ["home", "outside.txt"] == sorted(p.name for p in tmp_path.iterdir())


def test_a_check_nobody_wrote_is_an_error(lake: Lake) -> None:
    with pytest.raises(TableNotFound, match="assert_nothing"):
        query.offending(lake, "assert_nothing")


@pytest.mark.parametrize(
    "attempt",
    [
        "copy (select 1 as x) to '{inside}/evil.parquet'",
        "attach '{inside}/evil.db'",
        "create table x as select 1",
        "select 1; copy (select 1) to '{inside}/evil.csv'",
    ],
)
def test_exploration_writes_nothing_inside_the_lake_either(attempt: str, lake: Lake) -> None:
    lake.replace("raw_quarantined", [ROW], day=DAY, made_from="1" * 32, by=BY)
    before = sorted(lake.root.rglob("*"))

    with pytest.raises(SteppeError, match="hint: "):
        query.ask(lake, attempt.format(inside=lake.root))
    assert before == sorted(lake.root.rglob("*"))


def test_an_error_inside_a_query_has_a_hint_too(lake: Lake) -> None:
    with pytest.raises(SteppeError, match="boom"):
        query.ask(lake, "select error('boom')")


def test_a_table_of_an_older_home_answers_with_nulls(lake: Lake) -> None:
    import pyarrow as pa
    from deltalake import write_deltalake

    old = {"day": [DAY], **{name: [value] for name, value in ROW.items() if name != "detail"}}
    write_deltalake(str(lake.path("raw_quarantined")), pa.table(old), partition_by=["day"])

    assert [{"detail": None}] == query.ask(lake, "select detail from raw_quarantined")
    assert [None] == [row["detail"] for row in lake.rows("raw_quarantined")]
