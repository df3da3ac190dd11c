"""DuckDB over the lake: it answers from the first moment, and touches nothing else."""

from datetime import date
from pathlib import Path

import duckdb
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

    old = {"day": [DAY], **{name: [value] for name, value in ROW.items() if name != "reason"}}
    write_deltalake(str(lake.path("raw_quarantined")), pa.table(old), partition_by=["day"])

    assert [{"reason": None}] == query.ask(lake, "select reason from raw_quarantined")
    assert [None] == [row["reason"] for row in lake.rows("raw_quarantined")]


def columns(connection: duckdb.DuckDBPyConnection, table: str) -> set[str]:
    """Return the names of a table's columns, as a query sees them."""
    return set(connection.sql(f"from {table}").columns)


def test_words_as_they_came_are_left_out_unless_they_are_asked_for(lake: Lake) -> None:
    with query.connect(lake) as cleaned, query.connect(lake, originals=True) as raw:
        for name, table in schemas.tables().items():
            assert set(table.schema.names) == columns(raw, name)
            assert set(table.schema.names) - set(table.originals) == columns(cleaned, name)


def test_every_text_of_a_raw_table_is_an_original_or_known_to_be_none() -> None:
    """A column that is added to a raw table has to be decided on."""
    shown = {"day", "record_id", "number", "source", "file", "file_id", "position"}
    shown |= {"conversation_id", "user_id", "participants", "origin", "reason"}
    raw = [table for name, table in schemas.tables().items() if name.startswith("raw_")]

    assert [] == [
        (table.name, column)
        for table in raw
        for column in table.schema.names
        if column not in shown and column not in table.originals
    ]


def test_a_question_for_originals_is_told_where_they_are(lake: Lake) -> None:
    with pytest.raises(SteppeError, match=r"hint: .*--raw"):
        query.ask(lake, "select messages from raw_records")


def test_partitions_are_days_that_were_committed_with_or_without_rows(lake: Lake) -> None:
    lake.replace("raw_quarantined", [ROW], day=DAY, made_from="1" * 32, by=BY)
    lake.replace("cleaned_dropped", [], day=DAY, made_from="1" * 32, by=BY)

    found = query.ask(lake, "select table_name, day, rows, bytes > 0 as big from meta.partitions")

    assert [
        {"table_name": "raw_quarantined", "day": DAY, "rows": 1, "big": True},
        {"table_name": "cleaned_dropped", "day": DAY, "rows": 0, "big": False},
    ] == found


def test_explore_is_a_schema_for_whoever_asks_for_it(lake: Lake) -> None:
    with query.connect(lake, explore=True) as connection:
        answers = [query.run(connection, f"from explore.{n}") for n in sql.names("explore")]

    assert {0} == {answer.num_rows for answer in answers}
