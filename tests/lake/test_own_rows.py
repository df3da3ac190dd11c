"""SQL over one's own dialogues: friendly to its person, a wall to everybody and everything else."""

import importlib.util
import resource
import time
from itertools import groupby
from pathlib import Path

import pytest

from lake import own_rows, sandbox
from lake.errors import LakeError
from lake.tables import Lake

SPEC = importlib.util.spec_from_file_location(
    "two_people", Path(__file__).with_name("two_people.py")
)
two_people = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(two_people)
OWN, OTHER = two_people.OWN, two_people.OTHER
MAX_SECONDS = 0.5
STARTING = 30  # seconds that a busy machine may take to start the process and read the rows
MEMORY = (sandbox.MEMORY + sandbox.ADDRESS_SPACE) >> 10  # kilobytes, as getrusage counts


@pytest.fixture
def filled(lake: Lake) -> Lake:
    two_people.fill(lake)
    return lake


def told(lake: Lake, statement: str) -> str:
    """Return the answer as text, or the error's text."""
    try:
        return str(own_rows.ask(lake, OWN, statement, max_seconds=MAX_SECONDS))
    except LakeError as error:
        return f"refused: {error}"


def judged(lake: Lake, family: str, statement: str) -> list[str]:
    """Return what is wrong with how a statement of the corpus ended."""
    began = time.monotonic()
    words = told(lake, statement)
    seconds = time.monotonic() - began
    faults = two_people.leaks(lake, statement, words)
    if seconds > STARTING + MAX_SECONDS + sandbox.GRACE_SECONDS:
        faults.append(f"{seconds:.1f} seconds")
    if family.startswith("refused") and not words.startswith("refused: "):
        faults.append("answered")
    if words.startswith("refused: ") and "hint: " not in words:
        faults.append("no hint")
    if family.startswith("refused") and ("longer than" in words or "gave up" in words):
        faults.append("not refused at once")
    return faults


def test_own_dialogues_are_seen_in_their_newest_revision(filled: Lake) -> None:
    answer = own_rows.ask(
        filled, OWN, "select dialogue_id, content from messages where role = 'assistant'"
    )

    assert ("dialogue_id", "content") == answer.columns
    assert (("один", "Твою собаку зовут Буран."), ("два", "Ключи в кармане.")) == answer.rows
    assert not answer.cut


def test_dialogues_say_when_and_how_long(filled: Lake) -> None:
    answer = own_rows.ask(
        filled, OWN, "select day, source, title, turns, began_at from dialogues order by day"
    )

    moment = "2026-01-01 12:00:00"
    assert ("2026-01-01", "messages", "Разговор один", 1, moment) == answer.rows[0]
    assert ("2026-01-02", "messages", "Разговор два", 1, moment) == answer.rows[1]


@pytest.mark.parametrize(
    ("statement", "rows"),
    [
        ("show tables", (("dialogues",), ("messages",))),
        ("select count(*) from messages", ((4,),)),
        ("with own as (from messages) select count(*) from own where role = 'user'", ((2,),)),
        (
            "select role, count(*) from messages group by all order by role",
            (("assistant", 2), ("user", 2)),
        ),
        ("select content from messages where content ilike '%карман%'", (("Ключи в кармане.",),)),
        (
            "select title from messages join dialogues using (dialogue_id) order by 1 limit 1",
            (("Разговор два",),),
        ),
        (
            "select dialogue_id from dialogues qualify row_number() over (order by day) = 1",
            (("один",),),
        ),
        ("select list_sort(list(turns)) from dialogues", (("[1, 1]",),)),
        (
            "with recursive t as (select 1 a union all select a + 1 from t where a < 2) from t",
            ((1,), (2,)),
        ),
        (
            "select 1.5, true, null, date '2026-01-02', encode('я'), 1e20::hugeint",
            (("1.5", True, None, "2026-01-02", "d18f", "1" + "0" * 20),),
        ),
    ],
)
def test_what_people_ask_is_answered(filled: Lake, statement: str, rows: tuple) -> None:
    assert rows == own_rows.ask(filled, OWN, statement).rows


@pytest.mark.parametrize(
    "statement", ["describe messages", "summarize dialogues", "from dialogues"]
)
def test_nothing_tells_of_who_took_part(filled: Lake, statement: str) -> None:
    answer = own_rows.ask(filled, OWN, statement)

    assert answer.rows
    assert "user_id" not in str(answer)
    assert "participants" not in str(answer)


def test_rows_cells_and_columns_are_bounded_and_it_is_said(filled: Lake) -> None:
    many = own_rows.ask(filled, OWN, "from range(1000)", max_rows=7)
    long = own_rows.ask(filled, OWN, "select repeat('я', 5000)")
    wide = own_rows.ask(filled, OWN, f"select {', '.join(map(str, range(500)))}")
    heavy = own_rows.ask(
        filled, OWN, f"select {'repeat(range::varchar, 900), ' * 50} 1 from range(90)"
    )

    assert (7, True) == (len(many.rows), many.cut)
    assert ("я" * 999 + "…", True) == (long.rows[0][0], long.cut)
    assert (100, True) == (len(wide.rows[0]), wide.cut)
    assert sandbox.MAX_ANSWER > sum(len(str(cell)) for row in heavy.rows for cell in row)
    assert heavy.cut


def test_a_person_without_dialogues_has_empty_tables(lake: Lake, filled: Lake) -> None:
    assert ((0,),) == own_rows.ask(filled, "c" * 32, "select count(*) from messages").rows


def test_an_empty_lake_answers(lake: Lake) -> None:
    assert () == own_rows.ask(lake, OWN, "from dialogues").rows


@pytest.mark.parametrize(
    ("user_id", "statement", "words"),
    [
        ("' or true --", "from messages", "no pseudonym"),
        ("", "from messages", "no pseudonym"),
        (OWN, "select '" + "x" * 20_000 + "'", "10000 are read"),
        (OWN, "select '\ud800'", "no text"),
        (OWN, "select '\0'", "no text"),
        (OWN, "select " + "(" * 4000 + "1" + ")" * 4000, "depth|deep"),
        (OWN, "select " + "-" * 9 + "1", "failed|statements|syntax"),
        (OWN, "select " + "not " * 2000 + "true", "depth|deep|failed|memory"),
        (OWN, "select " + "[" * 4000 + "]" * 4000, "depth|deep|failed|memory"),
    ],
)  # fmt: skip
def test_what_cannot_be_asked_is_told(
    filled: Lake, user_id: str, statement: str, words: str
) -> None:
    with pytest.raises(LakeError, match=rf"(?s)({words}).*hint: "):
        own_rows.ask(filled, user_id, statement, max_seconds=MAX_SECONDS)


def test_of_every_family_of_hostile_statements_two_are_refused_or_bounded(filled: Lake) -> None:
    families = groupby(two_people.statements(filled), key=lambda pair: pair[0])
    listed = {family: [s for _, s in pairs] for family, pairs in families}

    assert 200 <= sum(map(len, listed.values()))
    faults = [
        (statement, fault)
        for family, found in listed.items()
        for statement in (found[0], found[-1])
        for fault in judged(filled, family, statement)
    ]
    assert [] == faults
    assert ["home", "secret.txt"] == sorted(p.name for p in filled.home.parent.iterdir())


@pytest.mark.slow
def test_every_hostile_statement_is_refused_or_bounded_and_leaks_nothing(filled: Lake) -> None:
    faults = [
        (statement, fault)
        for family, statement in two_people.statements(filled)
        for fault in judged(filled, family, statement)
    ]

    assert [] == faults
    assert ["home", "secret.txt"] == sorted(p.name for p in filled.home.parent.iterdir())
    assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss < MEMORY


def test_what_cannot_be_interrupted_is_ended(filled: Lake) -> None:
    """The kernel's alarm: DuckDB hears no interrupt inside one call of a function."""
    with pytest.raises(LakeError, match=r"longer than 0\.5 seconds"):
        own_rows.ask(
            filled,
            OWN,
            "select levenshtein(repeat('a', 200000), repeat('b', 200000))",
            max_seconds=MAX_SECONDS,
        )


def test_without_duckdbs_locks_no_file_could_be_opened_either(filled: Lake) -> None:
    """The second wall alone: after the rows are read the process may open nothing more."""
    import subprocess
    import sys

    code = (
        "import duckdb; from lake import sandbox;"
        "c = duckdb.connect(); sandbox._limit(sandbox.resource.RLIMIT_NOFILE, 0);"
        "c.execute(\"from read_text('/etc/hostname')\").fetchall()"
    )
    done = subprocess.run(
        [sys.executable, "-P", "-c", code],
        capture_output=True,
        text=True,
        check=False,
        env={"PYTHONPATH": str(Path(own_rows.__file__).parents[1])},
    )

    assert "Too many open files" in done.stderr
