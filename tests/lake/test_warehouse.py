"""`warehouse.duckdb`: published whole, readable read-only while it is published again."""

import json
import subprocess
import sys
from datetime import date
from pathlib import Path

import duckdb

import sql
from lake import schemas, warehouse
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


def test_it_holds_views_marts_and_the_versions_they_show(lake: Lake) -> None:
    lake.replace("raw_quarantined", [ROW], day=DAY, made_from="1" * 32, by=BY)
    path = warehouse.publish(lake)

    with duckdb.connect(str(path), read_only=True) as connection:
        funnel = connection.sql("select fate, reason, records from cleaning_funnel").fetchall()
        version = connection.sql(
            "select delta_version from meta.tables where name = 'raw_quarantined'"
        ).fetchall()
        quarantined = connection.sql("select count(*) from raw_quarantined").fetchall()

    assert [("quarantined", "binary", 1)] == funnel
    assert ([(0,)], [(1,)]) == (version, quarantined)


def test_publishing_again_leaves_readers_alone_and_no_drafts(lake: Lake) -> None:
    path = warehouse.publish(lake)
    with duckdb.connect(str(path), read_only=True) as reader:
        warehouse.publish(lake)

        assert reader.sql("from meta.tables").fetchall()
    assert [path] == [p for p in path.parent.iterdir() if "warehouse" in p.name]


READERS, QUERIES, PUBLISHES = 2, 500, 30
READER = """
import json, pathlib, sys

import duckdb

path, stop, queries = sys.argv[1], pathlib.Path(sys.argv[2]), int(sys.argv[3])
question = (
    "select (select count(*) from raw_quarantined), "
    "(select sum(records) from cleaning_funnel)"
)
asked, wrong = 0, []
while asked < queries or not stop.exists():
    try:
        with duckdb.connect(path, read_only=True, config={"threads": 1}) as connection:
            rows, counted = connection.execute(question).fetchone()
        if rows != counted:
            wrong.append(f"{rows} rows, {counted} in the funnel")
    except Exception as error:
        wrong.append(repr(error))
    asked += 1
print(json.dumps({"asked": asked, "wrong": wrong}))
"""


def test_readers_in_other_processes_see_one_version_whole_while_it_is_published_again(
    lake: Lake, tmp_path: Path
) -> None:
    """Each query opens the file anew, as one typed into a client does."""
    stop = tmp_path / "stop"
    path = _published_with(lake, 1)
    arguments = [sys.executable, "-c", READER, str(path), str(stop), str(QUERIES // READERS)]
    readers = [subprocess.Popen(arguments, stdout=subprocess.PIPE) for _ in range(READERS)]
    for rows in range(2, PUBLISHES + 2):
        _published_with(lake, rows)
    stop.touch()
    told = [json.loads(reader.communicate()[0]) for reader in readers]

    assert [] == [wrong for reader in told for wrong in reader["wrong"]]
    assert QUERIES <= sum(reader["asked"] for reader in told)


def _published_with(lake: Lake, count: int) -> Path:
    """Publish a lake in which so many files could not be read."""
    rows = [{**ROW, "record_id": str(n), "file": str(n)} for n in range(count)]
    lake.replace("raw_quarantined", rows, day=DAY, made_from=f"{count:032x}", by=BY)
    return warehouse.publish(lake)


def test_words_as_they_came_are_not_in_it(lake: Lake) -> None:
    with duckdb.connect(str(warehouse.publish(lake)), read_only=True) as connection:
        for name, table in schemas.tables().items():
            shown = set(connection.sql(f"from {name}").columns)
            assert set(table.schema.names) - set(table.originals) == shown


def test_every_question_answers_also_where_it_is_attached(lake: Lake) -> None:
    path = warehouse.publish(lake)
    with duckdb.connect() as connection:
        connection.execute(f"attach '{path}' as w (read_only)")

        names = [f"w.explore.{n}" for n in sql.names("explore")]
        names += [f"w.{n}" for folder in ("staging", "marts") for n in sql.names(folder)]
        assert [[]] * len(names) == [connection.sql(f"from {n}").fetchall() for n in names]


def test_its_storage_version_is_one_that_duckdb_1_opens(lake: Lake) -> None:
    header = warehouse.publish(lake).read_bytes()[8:20]

    assert b"DUCK" == header[:4]
    assert 64 == int.from_bytes(header[4:12], "little")  # DuckDB 0.10 to 1.1 write 64
