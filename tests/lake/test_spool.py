"""What is set aside comes back whole and in order."""

import pyarrow as pa

from lake.spool import Spool


def test_what_was_set_aside_comes_back_in_its_order() -> None:
    with Spool() as spool:
        for first in (0, 3, 6):
            spool.add(pa.table({"n": range(first, first + 3)}))
        spool.add(pa.table({"n": pa.array([], pa.int64())}))
        found = [n for table in spool.tables() for n in table["n"].to_pylist()]

        assert list(range(9)) == found
        assert 9 == spool.rows
        assert [{"n": 0}, {"n": 1}, {"n": 2}] == spool.preview()


def test_nothing_set_aside_is_nothing() -> None:
    with Spool() as spool:
        assert [] == list(spool.tables())
        assert [] == spool.preview()


def test_what_comes_later_takes_the_form_of_what_came_first() -> None:
    with Spool() as spool:
        spool.add(pa.table({"a": pa.array(["x"], pa.large_string()), "b": [1]}))
        spool.add(pa.table({"b": [2], "a": ["y"]}))

        found = [row for table in spool.tables() for row in table.to_pylist()]

    assert [{"a": "x", "b": 1}, {"a": "y", "b": 2}] == found
