"""`warehouse.duckdb`: published whole, readable read-only while it is published again."""

from datetime import date

import duckdb

from lake import warehouse
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


def test_its_storage_version_is_one_that_duckdb_1_opens(lake: Lake) -> None:
    header = warehouse.publish(lake).read_bytes()[8:20]

    assert b"DUCK" == header[:4]
    assert 64 == int.from_bytes(header[4:12], "little")  # DuckDB 0.10 to 1.1 write 64
