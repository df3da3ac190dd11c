"""Which statements may be asked of one person's rows: a judgement on DuckDB's own syntax tree.

`json_serialize_sql` gives the tree of what DuckDB itself would run, so comments, case, quotes and
escapes are no way around it.  All is by list of what may be: kinds of nodes, tables, functions.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import duckdb

# Nodes without a class of expression: queries, what stands after `from`, and what orders or cuts.
NODES = frozenset({
    "SELECT_NODE", "SET_OPERATION_NODE", "RECURSIVE_CTE_NODE", "CTE_NODE", "BASE_TABLE",
    "TABLE_FUNCTION", "SHOW_REF", "SUBQUERY", "JOIN", "EXPRESSION_LIST", "EMPTY", "PIVOT",
    "ORDER_MODIFIER", "LIMIT_MODIFIER", "LIMIT_PERCENT_MODIFIER", "DISTINCT_MODIFIER",
    "ASCENDING", "DESCENDING", "ORDER_DEFAULT",
})  # fmt: skip
TABLE_FUNCTIONS = frozenset({"range", "generate_series", "unnest", "json_each", "json_tree"})
SHOWN = '"tables"'  # `show tables`, as the parser writes it
# Of DuckDB's functions that always answer the same, those about the engine and not about values.
UNTOLD = frozenset({
    "json_serialize_sql", "json_serialize_plan", "json_deserialize_sql",
    "parse_duckdb_log_message", "version", "create_sort_key", "write_log",
})  # fmt: skip
# Of those that do not, and of its macros, what people need; `unnest` is in no list of functions.
USEFUL = frozenset({
    "unnest", "now", "today", "current_date", "current_time", "current_timestamp",
    "current_localtime", "current_localtimestamp", "get_current_time", "get_current_timestamp",
    "transaction_timestamp", "ago", "random", "uuid", "gen_random_uuid", "date_add",
    "days_in_month", "fdiv", "fmod", "geomean", "geometric_mean", "generate_subscripts", "if",
    "ifnull", "nullif", "split_part", "regexp_split_to_table", "weighted_avg", "wavg", "json",
    "json_group_array", "json_group_object",
})  # fmt: skip
FUNCTIONS = """
select lower(function_name) from duckdb_functions()
where function_type in ('scalar', 'aggregate', 'window')
group by all
having bool_and(coalesce(stability, 'VOLATILE') = 'CONSISTENT')
    and not starts_with(lower(function_name), '__')
union
select lower(function_name) from duckdb_functions()
where function_type = 'macro' and regexp_matches(function_name, '^(list|array)_')
"""


@dataclass(frozen=True, slots=True)
class Rules:
    """The tables a statement may read, and the functions it may call."""

    tables: frozenset[str]
    functions: frozenset[str]

    @classmethod
    def of(cls, connection: duckdb.DuckDBPyConnection, tables: frozenset[str]) -> Rules:
        """Return the rules over the functions that this engine has."""
        functions = frozenset(name for (name,) in connection.execute(FUNCTIONS).fetchall())
        return cls(tables, (functions - UNTOLD) | USEFUL | TABLE_FUNCTIONS)


def names_given(tree: Mapping[str, Any]) -> frozenset[str]:
    """Return the names that a statement gives by `with`."""
    return frozenset(name for node in _nodes(tree) for name in _named(node))


def refusal(tree: Mapping[str, Any], rules: Rules) -> str:
    """Return why the tree of a statement may not run, or nothing.

    A name given by `with` is taken for known everywhere, not in its scope alone: whoever runs the
    statement has to see that no such name leads to something of the engine's own.
    """
    known = rules.tables | names_given(tree)
    return next(filter(None, (_objection(node, known, rules) for node in _nodes(tree))), "")


def _objection(node: Mapping[str, Any], known: frozenset[str], rules: Rules) -> str:
    kind = str(node.get("type", ""))
    if isinstance(node.get("type"), str) and "class" not in node and kind not in NODES:
        return f"`{kind}` is no question."
    if kind == "BASE_TABLE" and _path(node) not in {(name,) for name in known}:
        return f"There is no table `{'.'.join(_path(node))}` here."
    if kind == "TABLE_FUNCTION" and _path(node["function"])[-1] not in TABLE_FUNCTIONS:
        return f"`{_path(node['function'])[-1]}` may not be read from here."
    if kind == "SHOW_REF" and not node.get("query") and node.get("table_name") != SHOWN:
        return "Only `show tables` and `describe` of a table can be shown."
    called = kind == "FUNCTION" and _path(node)[-1]
    if called and called not in rules.functions:
        return f"`{called}` may not be called here."
    return ""


def _named(node: Mapping[str, Any]) -> Iterator[str]:
    """Yield the names that `with` gives in a node."""
    for entry in (node.get("cte_map") or {}).get("map", []):
        yield str(entry["key"]).lower()
    for key in ("cte_name", "ctename"):
        if node.get(key):
            yield str(node[key]).lower()


def _path(node: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(str(part).lower() for part in node["qualified_name"]["path"])


def _nodes(tree: Any) -> Iterator[Mapping[str, Any]]:
    """Yield every object of a tree, the outer ones first."""
    left = [tree]
    while left:
        found = left.pop()
        if isinstance(found, Mapping):
            yield found
            left += reversed(list(found.values()))
        elif isinstance(found, list):
            left += reversed(found)
