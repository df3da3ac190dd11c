"""Delta tables: whole commits, replaced days, no casts, no words in the log."""

import multiprocessing
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from lake import query, schemas, tables, warehouse
from lake.errors import CorruptTable, DataError, SchemaError, TableNotFound
from lake.tables import Lake, Provenance

DAY, NEXT = date(2026, 1, 1), date(2026, 1, 2)
BY = Provenance("test", "run-1", "code-1")
TABLE = "raw_quarantined"


def row(record_id: str, **changes: str) -> dict[str, Any]:
    plain = {
        "file": "f",
        "file_id": "i",
        "position": "",
        "reason": "r",
        "detail": "",
        "excerpt": "",
    }
    return {"record_id": record_id, **plain, **changes}


def ids(lake: Lake) -> list[tuple[date, str]]:
    return [(r["day"], r["record_id"]) for r in lake.rows(TABLE)]


def test_a_table_answers_before_it_has_anything(lake: Lake) -> None:
    assert ([], -1, []) == (lake.rows(TABLE), lake.version(TABLE), lake.files(TABLE))


def test_replacing_a_day_leaves_the_others(lake: Lake) -> None:
    lake.replace(TABLE, [row("a"), row("b")], day=DAY, made_from="1" * 32, by=BY)
    lake.replace(TABLE, [row("c")], day=NEXT, made_from="2" * 32, by=BY)
    lake.replace(TABLE, [row("d")], day=DAY, made_from="3" * 32, by=BY)

    assert [(DAY, "d"), (NEXT, "c")] == ids(lake)
    assert [DAY, NEXT] == lake.days(TABLE)


def test_a_day_can_be_replaced_by_nothing(lake: Lake) -> None:
    lake.replace(TABLE, [row("a")], day=DAY, made_from="1" * 32, by=BY)
    lake.replace(TABLE, [], day=DAY, made_from="2" * 32, by=BY)

    assert [] == ids(lake)
    assert lake.is_made_from(TABLE, DAY, "2" * 32)


def test_originals_are_for_the_owner_alone(lake: Lake) -> None:
    lake.path(TABLE).mkdir(parents=True, mode=0o755)  # as an older home has it
    lake.replace(TABLE, [row("a")], day=DAY, made_from="1" * 32, by=BY)

    assert 0o700 == lake.path(TABLE).stat().st_mode & 0o777


def test_a_partition_knows_what_it_was_made_from(lake: Lake) -> None:
    assert lake.made_from(TABLE, DAY) is None
    lake.replace(TABLE, [row("a")], day=DAY, made_from="ab" * 16, by=BY)

    assert lake.is_made_from(TABLE, DAY, "ab" * 16)
    assert not lake.is_made_from(TABLE, DAY, "cd" * 16)
    assert lake.made_from(TABLE, NEXT) is None


def test_an_old_version_can_be_read(lake: Lake) -> None:
    old = lake.replace(TABLE, [row("a")], day=DAY, made_from="1" * 32, by=BY)
    lake.replace(TABLE, [row("b")], day=DAY, made_from="2" * 32, by=BY)

    assert ["a"] == [r["record_id"] for r in lake.rows(TABLE, version=old)]


def test_appending_twice_is_appending_once(lake: Lake) -> None:
    assert 2 == lake.append(TABLE, [row("a"), row("b")], day=DAY, by=BY)
    assert 1 == lake.append(TABLE, [row("a"), row("c")], day=DAY, by=BY)
    assert ["a", "b", "c"] == [r["record_id"] for r in lake.rows(TABLE)]


def test_a_commit_says_where_it_came_from(lake: Lake) -> None:
    lake.replace(TABLE, [row("a")], day=DAY, made_from="1" * 32, by=BY)

    newest = lake.history(TABLE)[0]

    assert ("test", "run-1", "code-1") == (
        newest["asset"],
        newest["run_id"],
        newest["code_version"],
    )


@pytest.mark.parametrize("table", list(schemas.tables()))
def test_no_words_reach_the_log(table: str, lake: Lake) -> None:
    lake.replace(table, [_filled(table, "ТАЙНА")], day=DAY, made_from="1" * 32, by=BY)

    logs = (lake.path(table) / "_delta_log").glob("*.json")
    written = "".join(log.read_text(encoding="utf-8") for log in logs)
    assert "ТАЙНА" not in written
    assert 1 == len(lake.rows(table))


@pytest.mark.parametrize(
    ("table", "bad"),
    [
        ("cleaned_dropped", {"position": "three"}),
        ("cleaned_dropped", {"position": 1.7}),
        ("cleaned_dropped", {"rule": 3}),
    ],
)
def test_nothing_is_cast_silently(table: str, bad: dict[str, Any], lake: Lake) -> None:
    with pytest.raises(SchemaError, match="hint: "):
        lake.replace(table, [{**_filled(table), **bad}], day=DAY, made_from="1" * 32, by=BY)


def test_a_missing_or_an_extra_column_is_refused(lake: Lake) -> None:
    short = row("a")
    del short["reason"]
    for wrong in (short, {**row("a"), "more": 1}):
        with pytest.raises(SchemaError, match=r"reason|more"):
            lake.replace(TABLE, [wrong], day=DAY, made_from="1" * 32, by=BY)


def test_rows_of_another_day_are_refused(lake: Lake) -> None:
    wrong = {**row("a"), "day": NEXT}

    with pytest.raises(SchemaError, match="2026-01-01"):
        lake.replace(TABLE, [wrong], day=DAY, made_from="1" * 32, by=BY)


def test_an_unknown_table_names_the_known_ones(lake: Lake) -> None:
    with pytest.raises(TableNotFound, match="raw_records"):
        lake.rows("raw_record")


def test_a_missing_file_is_found_and_an_orphan_too(lake: Lake) -> None:
    lake.replace(TABLE, [row("a")], day=DAY, made_from="1" * 32, by=BY)
    file = Path(lake.files(TABLE)[0])
    orphan = file.with_name("part-left-behind.parquet")
    orphan.write_bytes(file.read_bytes())

    assert ([], [orphan]) == (lake.verify(TABLE), lake.orphans(TABLE))
    file.write_bytes(file.read_bytes()[:-10])
    assert 1 == len(lake.verify(TABLE))


HARMS: dict[str, Callable[[bytes], bytes | None]] = {
    "lost": lambda _: None,
    "cut": lambda whole: whole[:100],
    "zeros, as after a power cut": lambda whole: bytes(len(whole)),
    "zeros within": lambda whole: whole[:4] + bytes(len(whole) - 12) + whole[-8:],
}


@pytest.mark.parametrize("harm", HARMS)
def test_whoever_reads_a_lost_or_cut_file_is_told_so(lake: Lake, harm: str) -> None:
    lake.replace(TABLE, [row("a")], day=DAY, made_from="1" * 32, by=BY)
    file = Path(lake.files(TABLE)[0])
    put = HARMS[harm](file.read_bytes())
    file.unlink() if put is None else file.write_bytes(put)
    readers: list[Callable[[], object]] = [
        lambda: lake.rows(TABLE),
        lambda: lake.rows(TABLE, columns="reason", where="reason = 'r'"),
        lambda: list(lake.batches(TABLE, days=lambda _: True, columns=["reason"])),
        lambda: list(lake.batches(TABLE, days=lambda _: True, columns=["reason"], order="reason")),
        lambda: lake.append(TABLE, [row("b")], day=DAY, by=BY),
        lambda: lake.delete(TABLE, where="reason = 'r'", by=BY),
        lambda: query.ask(lake, f"from {TABLE}"),
        lambda: warehouse.publish(lake),
    ]

    for read in readers:
        with pytest.raises(CorruptTable, match="cannot be read") as error:
            read()
        assert "steppe doctor" in error.value.hint
    assert (harm != "zeros within") == bool(lake.verify(TABLE))


def test_a_question_that_is_wrong_is_no_harm_of_the_table(lake: Lake) -> None:
    lake.replace(TABLE, [row("a")], day=DAY, made_from="1" * 32, by=BY)

    with pytest.raises(duckdb.BinderException):
        lake.rows(TABLE, columns="parquet_of_nobody")


def test_a_log_that_lost_its_start_or_a_word_is_no_empty_table(lake: Lake) -> None:
    """Without its first file a table looked as if nothing had ever been written."""
    lake.replace(TABLE, [row("a")], day=DAY, made_from="1" * 32, by=BY)
    lake.replace(TABLE, [row("b")], day=NEXT, made_from="1" * 32, by=BY)
    first, last = sorted((lake.path(TABLE) / "_delta_log").glob("*.json"))
    whole = last.read_bytes()
    last.write_bytes(b"")

    with pytest.raises(CorruptTable, match="empty file"):
        lake.verify(TABLE)
    last.write_bytes(whole)
    first.unlink()
    with pytest.raises(CorruptTable, match="lost version 0"):
        lake.verify(TABLE)
    tables._opened.cache_clear()  # as in another process
    for use in (
        lambda: lake.rows(TABLE),
        lambda: lake.replace(TABLE, [row("c")], day=DAY, made_from="1" * 32, by=BY),
    ):
        with pytest.raises(CorruptTable, match="cannot be opened"):
            use()


def test_a_log_that_is_no_log_is_reported(lake: Lake) -> None:
    lake.replace(TABLE, [row("a")], day=DAY, made_from="1" * 32, by=BY)
    (lake.path(TABLE) / "_delta_log" / f"{0:020d}.json").write_text("{]")

    with pytest.raises(CorruptTable, match="steppe doctor"):
        lake.rows(TABLE)


def _write_own_day(home: str, number: int) -> None:
    lake = Lake(Path(home))
    for turn in range(4):
        day = date(2026, 2, 1 + number)
        lake.replace(TABLE, [row(f"{number}-{turn}")], day=day, made_from=f"{turn}" * 32, by=BY)


def test_writers_of_different_days_lose_nothing(lake: Lake) -> None:
    lake.replace(TABLE, [], day=DAY, made_from="0" * 32, by=BY)
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=_write_own_day, args=(str(lake.home), n)) for n in range(2)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()

    assert [0, 0] == [w.exitcode for w in writers]
    assert ["0-3", "1-3"] == [r["record_id"] for r in lake.rows(TABLE)]


texts = st.text(st.characters(exclude_categories=("Cs",)), max_size=30)


@settings(max_examples=15, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(schemas.ROLES), texts), max_size=4), texts)
def test_what_is_written_is_read(turns: list[tuple[str, str]], title: str) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as home:
        lake = Lake(Path(home))
        at = datetime(2026, 1, 1, 12, 30, tzinfo=UTC)
        messages = [{"message_id": "", "role": r, "content": c, "created_at": at} for r, c in turns]
        written = {
            "record_id": "a",
            "number": 0,
            "source": "s",
            "file": "f",
            "file_id": "i",
            "position": "",
            "conversation_id": "",
            "title": title,
            "user_id": "u",
            "messages": messages,
            "participants": [],
            "attachments": [],
            "remarks": [],
            "annotations": [title],
        }
        lake.replace("raw_records", [written], day=DAY, made_from="1" * 32, by=BY)

        assert [{"day": DAY, **written}] == lake.rows("raw_records")


class DaysOfATable(RuleBasedStateMachine):
    """A table behaves as a dictionary of days."""

    @initialize()
    def begin(self) -> None:
        import tempfile

        self.folder = tempfile.TemporaryDirectory()
        self.lake = Lake(Path(self.folder.name))
        self.model: dict[date, set[str]] = {}

    @rule(day=st.sampled_from([DAY, NEXT]), names=st.sets(st.sampled_from("abc")))
    def replace(self, day: date, names: set[str]) -> None:
        self.lake.replace(TABLE, [row(n) for n in names], day=day, made_from="1" * 32, by=BY)
        self.model[day] = set(names)

    @invariant()
    def same(self) -> None:
        wanted = [(day, name) for day, names in self.model.items() for name in names]
        assert sorted(wanted) == ids(self.lake)

    def teardown(self) -> None:
        self.folder.cleanup()


DaysOfATable.TestCase.settings = settings(max_examples=4, stateful_step_count=5, deadline=None)
TestDaysOfATable = DaysOfATable.TestCase


def _filled(table: str, word: str = "x") -> dict[str, Any]:
    import pyarrow as pa

    def value(kind: Any, name: str) -> Any:
        if pa.types.is_string(kind):
            return "id" if name.endswith("_id") else word
        if pa.types.is_list(kind):
            return [value(kind.value_type, "")]
        if pa.types.is_struct(kind):
            return {f.name: value(f.type, f.name) for f in kind}
        if pa.types.is_timestamp(kind):
            return datetime(2026, 1, 1, tzinfo=UTC)
        return {"int64": 1, "double": 1.5, "bool": True, "binary": b"x"}[str(kind)]

    schema = schemas.tables()[table].schema
    return {f.name: value(f.type, f.name) for f in schema if f.name != "day"}


def test_a_day_written_in_parts_comes_back_in_their_order(lake: Lake) -> None:
    def parts() -> Iterator[pa.Table]:
        for first in range(0, 5000, 1000):
            rows = [_record(n) for n in range(first, first + 1000)]
            yield pa.Table.from_pylist(rows)

    lake.replace("raw_records", parts(), day=DAY, made_from="1" * 32, by=BY)
    batches = lake.batches(
        "raw_records", days=lambda d: d == DAY, columns=["number"], order="number"
    )

    assert list(range(5000)) == [n for b in batches for n in b.column("number").to_pylist()]
    assert 5000 == lake.count("raw_records", DAY)


def test_a_stream_that_breaks_off_leaves_the_table_as_it_was(lake: Lake) -> None:
    def broken() -> Iterator[pa.Table]:
        yield pa.Table.from_pylist([_record(0)])
        raise DataError("The source broke off.", hint="nothing is written")

    with pytest.raises(Exception, match="broke off"):
        lake.replace("raw_records", broken(), day=DAY, made_from="1" * 32, by=BY)

    assert not lake.exists("raw_records")


def _record(number: int) -> dict[str, Any]:
    return {**_filled("raw_records"), "record_id": f"{number:032x}", "number": number}
