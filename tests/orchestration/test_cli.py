"""The program `steppe`: help everywhere, data on one stream, hints on the other, three codes."""

import csv
import io
import json
import os
import tomllib
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result
from pyarrow import BufferReader, parquet

import sql
from lake import schemas, warehouse
from lake.errors import SteppeError
from lake.ids import pseudonym_key, user_id_of
from lake.settings import Settings, settings
from lake.tables import Lake, Provenance
from orchestration import automation, turn
from orchestration.cli import main


def steppe(*arguments: str, typed: str = "") -> Result:
    """Run the program in this process; an exception that is no exit is raised."""
    return CliRunner().invoke(
        main, list(arguments), input=typed, prog_name="steppe", catch_exceptions=False
    )


def commands(group: click.Group = main, *above: str) -> Iterator[tuple[str, ...]]:
    """Yield the words of every command, those of groups included."""
    for name, command in group.commands.items():
        yield (*above, name)
        if isinstance(command, click.Group):
            yield from commands(command, *above, name)


def home() -> Path:
    """Return the home of the test."""
    return settings().home


def rows_of(data: bytes) -> list[dict[str, Any]]:
    """Return the rows of a Parquet file."""
    return parquet.read_table(BufferReader(data)).to_pylist()


# --- help ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("words", commands(), ids=" ".join)
def test_every_command_says_what_it_does(words: tuple[str, ...]) -> None:
    shown = steppe(*words, "--help")

    assert 0 == shown.exit_code
    first = shown.stdout.split("\n\n")[1].strip()
    assert first[0].isupper()
    assert len(first) > 20


def test_help_makes_no_home() -> None:
    steppe("--help")
    steppe("grow", "--help")

    assert not home().exists()


def test_the_version_is_told() -> None:
    assert "0.1.0" in steppe("--version").stdout


# --- errors -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "arguments",
    [
        ("ingest", "no-such-folder"),
        ("sql", "selec 1"),
        ("sql", "from no_such_table"),
        ("sql", "select messages from raw_records"),
        ("sql", "select 1", "--out", "answer.txt"),
        ("query", "language_mixx"),
        ("query", "no such question at all"),
        ("query", "language_mix", "--format", "csv", "--out", "no-such-folder/answer.csv"),
        ("chat", "Привет!"),
        ("serve",),
        ("base", "show"),
        ("training-set", "show"),
        ("training-set", "diff", "a", "b"),
        ("memory", "forget", "abc", "--reason", "why"),
        ("memory", "forget", "--person", "Никто", "--reason", "why"),
    ],
    ids=" ".join,
)
def test_an_error_ends_with_its_hint_and_code_1(arguments: tuple[str, ...]) -> None:
    failed = steppe(*arguments)

    assert 1 == failed.exit_code
    assert "" == failed.stdout
    assert failed.stderr.startswith("error: ")
    assert failed.stderr.strip().rpartition("\n\n")[2].startswith("hint: ")


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("no-such-command",),
        ("ingest",),
        ("search",),
        ("show", "nothing"),
        ("sql", "select 1", "--format", "xml"),
        ("sql", "--format", "parquet"),
        ("sql", "--out", "answer.csv"),
        ("search", "кот", "--limit", "0"),
        ("serve", "--port", "70000"),
        ("automate", "perhaps"),
        ("memory", "forget", "--reason", "why"),
        ("memory", "forget", "abc", "--person", "Аня", "--reason", "why"),
        ("memory", "forget", "abc"),
        ("grow", "--no-such-option"),
    ],
    ids=" ".join,
)
def test_misuse_has_code_2(arguments: tuple[str, ...]) -> None:
    misused = steppe(*arguments)

    assert 2 == misused.exit_code
    assert "Usage: steppe" in misused.stderr


def test_a_misspelt_setting_is_an_error_of_every_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STEPPE_BASE_MODLE", "embedded")

    failed = steppe("show", "tables")

    assert (1, "") == (failed.exit_code, failed.stdout)
    assert "hint: did you mean `STEPPE_BASE_MODEL`?" in failed.stderr


def test_an_error_of_ours_without_a_door_is_no_exit() -> None:
    """The translation is done by the group, so a new command has it too."""

    @click.command("broken")
    def broken() -> None:
        raise SteppeError("It broke.", hint="mend it")

    main.add_command(broken)
    try:
        failed = steppe("broken")
    finally:
        del main.commands["broken"]

    assert (1, "error: It broke.\n\nhint: mend it\n") == (failed.exit_code, failed.stderr)


# --- settings -----------------------------------------------------------------------------------


def test_the_example_is_toml_and_states_every_default() -> None:
    example = tomllib.loads(steppe("settings", "--example").stdout)

    unset = {n for n, i in Settings.model_fields.items() if i.default is None}
    assert set(Settings.model_fields) - unset == set(example)
    assert str(Settings.model_fields["home"].default) == example["home"]
    assert 8010 == example["serving"]["port"]


def test_the_example_is_printed_even_if_the_file_is_broken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "steppe.toml").write_text("home = ")
    monkeypatch.chdir(tmp_path)

    assert 1 == steppe("settings").exit_code
    assert tomllib.loads(steppe("settings", "--example").stdout)


def test_a_secret_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STEPPE_SERVING__API_KEY", "very-secret")

    assert "very-secret" not in steppe("settings").stdout


# --- looking into an empty home -----------------------------------------------------------------


def test_an_empty_home_has_every_table_and_no_row() -> None:
    rows = [json.loads(line) for line in steppe("show", "tables", "--json").stdout.splitlines()]

    assert list(schemas.tables()) == [row["table"] for row in rows]
    assert {(0, -1)} == {(row["rows"], row["version"]) for row in rows}


@pytest.mark.parametrize("what", ["tables", "adapters", "deployments", "canary", "funnel"])
def test_an_empty_home_can_be_shown(what: str) -> None:
    assert 0 == steppe("show", what).exit_code
    assert 0 == steppe("show", what, "--json").exit_code


def test_an_empty_home_has_nobody() -> None:
    found = steppe("people", "--json")

    assert (0, "") == (found.exit_code, found.stdout)


def test_a_name_leads_to_its_pseudonym_and_back_leads_nothing() -> None:
    found = steppe("people", "--who", "Аня").stdout.strip()

    assert user_id_of("Аня", pseudonym_key(home())) == found
    assert found != steppe("people", "--who", "Борис").stdout.strip()


def test_an_empty_home_can_be_searched() -> None:
    found = steppe("search", "кот", "--json")

    assert (0, "") == (found.exit_code, found.stdout)


# --- SQL ----------------------------------------------------------------------------------------

QUERY = "select 1 as one, 'два' as two, 0.125 as eighth"


def test_sql_answers_as_json_lines() -> None:
    """Numbers stay numbers: `0.125` alone would be a decimal, which JSON lacks."""
    query = QUERY.replace("0.125", "0.125::double")
    answer = json.loads(steppe("sql", query, "--format", "json").stdout)

    assert {"one": 1, "two": "два", "eighth": 0.125} == answer


def test_sql_answers_as_csv() -> None:
    shown = steppe("sql", QUERY, "--format", "csv").stdout

    assert [["one", "two", "eighth"], ["1", "два", "0.125"]] == list(csv.reader(io.StringIO(shown)))


def test_sql_answers_as_a_table() -> None:
    shown = steppe("sql", QUERY)

    assert all(word in shown.stdout for word in ("one", "два", "0.125"))
    assert "1 row, " in shown.stderr


def test_sql_answers_as_parquet_to_a_pipe_and_to_a_file(tmp_path: Path) -> None:
    file = tmp_path / "answer.parquet"
    piped = steppe("sql", QUERY, "--format", "parquet").stdout_bytes
    written = steppe("sql", QUERY, "--format", "parquet", "--out", str(file))

    assert [{"one": 1, "two": "два", "eighth": Decimal("0.125")}] == rows_of(piped)
    assert rows_of(piped) == rows_of(file.read_bytes())
    assert ("", True) == (written.stdout, f"in {file}" in written.stderr)


def test_words_as_they_came_are_shown_to_whoever_asks_for_them_by_name() -> None:
    shown = steppe("sql", "select messages from raw_records", "--raw", "--format", "csv")

    assert (0, "messages\n") == (shown.exit_code, shown.stdout)
    assert "personal data included" in shown.stderr


def test_a_pipe_of_statements_is_answered_to_its_end_and_tells_of_a_mistake() -> None:
    answered = steppe("sql", typed="select 40 +\n2 as answer;\n.tables\nselect 7 as last")
    ended = steppe("sql", typed="select 42 as answer;\n.quit\nselec 1;\n")
    mistaken = steppe("sql", typed="selec 1;\nselect 42 as answer;\n")

    assert 0 == answered.exit_code
    assert all(word in answered.stdout for word in ("42", "raw_records", "last"))
    assert (0, True) == (ended.exit_code, "42" in ended.stdout)
    assert (1, True) == (mistaken.exit_code, "42" in mistaken.stdout)
    assert "hint: " in mistaken.stderr


def test_a_pipe_of_statements_has_its_answers_in_the_format_asked_for() -> None:
    shown = steppe("sql", "--format", "csv", typed="select 1 as x;\nselect 2 as y;\n")

    assert "x\n1\ny\n2\n" == shown.stdout


# --- questions that have a name -----------------------------------------------------------------


def test_questions_are_listed_with_what_they_ask() -> None:
    listed = [json.loads(line) for line in steppe("query", "--format", "json").stdout.splitlines()]

    assert [*sql.names("explore"), *sql.names("marts")] == [row["name"] for row in listed]
    assert all(len(row["question"]) > 20 for row in listed)


@pytest.mark.parametrize("name", [*sql.names("explore"), *sql.names("marts")])
def test_every_question_is_answered_on_an_empty_home(name: str) -> None:
    answered = steppe("query", name, "--format", "csv")

    assert 0 == answered.exit_code
    assert 1 == len(answered.stdout.splitlines())


def test_an_unknown_question_is_told_the_nearest_name() -> None:
    assert "hint: did you mean `when_do_i_talk`?" in steppe("query", "when_do_you_talk").stderr
    assert "hint: `steppe query` lists them" in steppe("query", "xyz").stderr


# --- intake and automation ----------------------------------------------------------------------


def test_a_file_is_taken_in_once(tmp_path: Path) -> None:
    file = tmp_path / "talks.txt"
    file.write_text("- Привет!\n- Привет! О чём поговорим?\n")

    first, again = steppe("ingest", str(file)), steppe("ingest", str(file))

    assert first.stdout.startswith("1 files taken in")
    assert "next: steppe grow" in first.stderr
    assert again.stdout.startswith("0 files taken in")
    assert [file.read_text()] == [f.read_text() for f in home().glob("inbox/*/talks.txt")]


def test_nothing_is_taken_in_if_one_path_is_wrong(tmp_path: Path) -> None:
    (tmp_path / "right.txt").write_text("- Да?\n- Да.\n")

    failed = steppe("ingest", str(tmp_path / "right.txt"), str(tmp_path / "wrong.txt"))

    assert 1 == failed.exit_code
    assert not (home() / "inbox").exists()


def test_automation_is_shipped_off_and_can_be_turned_on_and_off() -> None:
    states = [steppe("automate", word).stdout.split()[-1] for word in ("status", "on", "off")]

    assert ["off", "on", "off"] == states
    assert not automation.flag(home()).exists()


def test_self_chat_round_the_clock_is_a_switch_of_its_own() -> None:
    words = [("status",), ("on",), ("off",)]
    states = [steppe("automate", *word, "self-chat").stdout.split()[-1] for word in words]

    assert ["off", "on", "off"] == states
    assert not automation.flag(home()).exists()


def test_a_person_holds_self_chat_and_lets_it_go_on() -> None:
    held = steppe("self-chat", "hold", "--reason", "сначала посмотрю")
    status = steppe("self-chat", "status", "--format", "json")
    run = steppe("self-chat", "run")
    resumed = steppe("self-chat", "resume")

    assert "self-chat is held" in held.stdout
    assert "held: сначала посмотрю; today 0 of 200000 tokens" in status.stderr
    assert "held" == json.loads(status.stdout)["state"]
    assert "no session: held: сначала посмотрю" in run.stdout
    assert "self-chat is resumed" in resumed.stdout


def test_a_hold_says_why() -> None:
    held = steppe("self-chat", "hold", "--reason", " ")

    assert 2 == held.exit_code
    assert "say why" in held.stderr


def test_a_hold_is_heard_while_the_loop_is_at_work() -> None:
    with turn.only_one(settings()):
        held = steppe("self-chat", "hold", "--reason", "хватит")

    assert "self-chat is held" in held.stdout


def test_the_doctor_sweeps_what_killed_rebuildings_and_self_chats_left() -> None:
    left = (home() / "models" / ".rebuilding-x", home() / "journals" / "old")
    young = home() / "journals" / "young"
    for folder in (*left, young):
        folder.mkdir(parents=True)
    os.utime(left[1], (0, 0))

    done = steppe("doctor")

    assert ".rebuilding-x, left by a killed process" in done.stdout
    assert [False, False, True] == [folder.exists() for folder in (*left, young)]


@pytest.mark.parametrize("words", [("self-chat", "run"), ("grow",)], ids=" ".join)
def test_a_moderation_hook_that_is_none_is_told_before_anything_is_begun(
    words: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STEPPE_SELF_CHAT__MODERATION_HOOK", "no_such_module:f")

    failed = steppe(*words)

    assert 1 == failed.exit_code
    assert "error: The moderation hook `no_such_module:f` cannot be had" in failed.stderr
    assert not (home() / "models").exists()
    assert [] == Lake(home()).rows("self_chats_sessions")


def test_a_long_reason_is_shown_whole_in_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the table is cut to eighty columns, its cells are; a pipe cuts nothing."""
    from rich.console import Console

    reason = "тёзка " * 40 + "конец"
    steppe("self-chat", "hold", "--reason", reason)
    monkeypatch.setattr(Console, "is_terminal", True)
    monkeypatch.setenv("COLUMNS", "80")

    table, lines = steppe("self-chat", "status"), steppe("self-chat", "status", "--format", "json")

    assert f"held: {reason}" in table.stdout
    assert "…" in table.stdout
    assert reason == json.loads(lines.stdout)["reason"]


def test_a_day_is_asked_for_by_its_name() -> None:
    shown = steppe("self-chat", "forget", "--help")

    assert "forget [OPTIONS] DAY" in shown.stdout
    assert "%Y" not in shown.stdout


def fill(table: str) -> Lake:
    """Write two days of a table, a row each, and publish them."""
    lake = Lake(home())
    row = dict.fromkeys(field.name for field in schemas.tables()[table].schema)
    del row["day"]
    key = schemas.tables()[table].key[0]
    for number in (1, 2):
        named = {**row, key: str(number), "session_id": str(number), "state": "done"}
        given = {name: value for name, value in named.items() if name in row}
        lake.append(table, [given], day=date(2026, 1, number), by=Provenance("test"))
    warehouse.publish(lake)
    return lake


LOST = {
    "adapters_training_sets": (
        ["training-set", "list"],
        ["training-set", "show"],
        ["sql", "from 1"],
    ),
    "self_chats_sessions": (["self-chat", "status"], ["self-chat", "run"], ["query", "source_mix"]),
    "adapters_versions": (["rebuild", "a"], ["show", "adapters"], ["show", "funnel"]),
}


@pytest.mark.parametrize("table", LOST)
def test_a_lost_file_is_told_by_every_command_and_named_by_the_doctor(table: str) -> None:
    lake = fill(table)
    Path(lake.files(table)[0]).unlink()

    for words in LOST[table]:
        failed = steppe(*words)

        assert (words, 1) == (words, failed.exit_code)
        assert f"error: Table `{table}` cannot be read" in failed.stderr
        assert "hint: `steppe doctor`" in failed.stderr
    for flags in (["--dry-run"], []):
        found = steppe("doctor", *flags)

        assert 1 == found.exit_code
        assert f"broken   {table}: 1 files of its log are missing or cut" in found.stdout
        assert "hint: put the files back" in found.stdout
        assert "ok       tables" not in found.stdout
        assert "repaired" not in found.stdout


@pytest.mark.parametrize("number", [0, 1])
def test_a_lost_commit_is_found_and_its_rows_are_not_swept_away(number: int) -> None:
    """What the log no longer names is no orphan while commits are missing."""
    lake = fill("adapters_left_out")
    files = [Path(file) for file in lake.files("adapters_left_out")]
    for file in files:
        os.utime(file, (0, 0))
    log = lake.path("adapters_left_out") / "_delta_log" / f"{number:020d}.json"
    kept = log.read_bytes()
    log.unlink()
    looked = [steppe("doctor") for _ in range(2)]

    assert [1, 1] == [found.exit_code for found in looked]
    assert all("broken   adapters_left_out: " in found.stdout for found in looked)
    assert all(file.exists() for file in files)
    log.write_bytes(kept)
    assert "broken" not in steppe("doctor").stdout


def test_a_day_without_a_session_cannot_be_forgotten() -> None:
    failed = steppe("self-chat", "forget", "2026-01-01")

    assert 1 == failed.exit_code
    assert "hint: `steppe self-chat status`" in failed.stderr
