"""The judgement on a statement's tree: what is on no list may not run."""

import json

import duckdb
import pytest

from lake.statements import Rules, names_given, refusal


@pytest.fixture(scope="module")
def connection() -> duckdb.DuckDBPyConnection:
    return duckdb.connect()


@pytest.fixture(scope="module")
def rules(connection: duckdb.DuckDBPyConnection) -> Rules:
    return Rules.of(connection, frozenset({"messages"}))


def tree_of(connection: duckdb.DuckDBPyConnection, statement: str) -> dict:
    found = connection.execute("select json_serialize_sql(?::varchar)", [statement]).fetchall()
    return json.loads(found[0][0])


@pytest.mark.parametrize(
    "statement",
    [
        "from messages",
        "select * from MESSAGES where content like '%x%' order by 1 limit 3",
        "with a as (from messages) select a.role, count(*) from a group by all",
        "select x from (values (1), (2)) t(x) union select unnest([3])",
        "select today(), coalesce(null, 1), sum(1) over (), list_transform([1], lambda x: x + 1)",
        "from messages where exists (select 1) and role in (select role from messages)",
        "unpivot messages on columns(*)",
        "describe messages",
        "show tables",
    ],
)
def test_what_names_only_known_things_may_run(connection, rules, statement: str) -> None:
    assert "" == refusal(tree_of(connection, statement), rules)


@pytest.mark.parametrize(
    ("statement", "named"),
    [
        ("from other", "other"),
        ("from main.messages", "main.messages"),
        ("from messages, (select * from (from x.y.z))", "x.y.z"),
        ("from read_text('a')", "read_text"),
        ("select GetEnv('a')", "getenv"),
        ("select 1 order by (select current_setting('a'))", "current_setting"),
        ("with a as (insert into messages values (1) returning *) from a", "INSERT_QUERY_NODE"),
        ("show all tables", "show tables"),
    ],
)
def test_what_does_not_is_told_by_its_name(connection, rules, statement: str, named: str) -> None:
    assert named in refusal(tree_of(connection, statement), rules)


def test_the_names_that_with_gives_are_all_found(connection) -> None:
    statement = """
        with A as (with "b c" as (select 1) from "b c"),
        recursive_one as (select 1)
        select * from A, (with recursive d as (select 1 union select 2) from d)
    """

    assert {"a", "b c", "recursive_one", "d"} == names_given(tree_of(connection, statement))


def test_no_function_that_may_be_called_reads_a_setting_or_the_clock_of_the_engine(rules) -> None:
    told = {"getenv", "current_setting", "getvariable", "version", "current_query", "pg_sleep"}
    told |= {"write_log", "nextval", "sleep_ms", "json_serialize_sql", "query", "glob", "error"}

    assert set() == told & rules.functions
    assert {"count", "sum", "regexp_matches", "strftime", "date_diff", "now"} <= rules.functions
