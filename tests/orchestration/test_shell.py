"""`steppe sql` without a query: in a terminal, typed key by key; in a pipe, read to its end."""

from collections.abc import Iterator

import pytest
from prompt_toolkit.application import create_app_session
from prompt_toolkit.completion import CompleteEvent
from prompt_toolkit.document import Document
from prompt_toolkit.input import PipeInput, create_pipe_input
from prompt_toolkit.output import DummyOutput

from lake.settings import Settings
from orchestration import asking, shell
from orchestration.completing import Names

ENTER, CTRL_C, CTRL_D = "\r", "\x03", "\x04"


@pytest.fixture
def keys() -> Iterator[PipeInput]:
    """Return a keyboard: what is sent to it is typed."""
    with create_pipe_input() as typed, create_app_session(input=typed, output=DummyOutput()):
        yield typed


def talked(chosen: Settings, keys: PipeInput, text: str) -> None:
    """Type a text into the shell, to its end."""
    keys.send_text(text)
    with asking.session(chosen) as opened:
        shell.talk(chosen, opened)


def test_a_statement_of_two_lines_is_answered_after_its_semicolon(
    chosen: Settings, keys: PipeInput, capsys: pytest.CaptureFixture[str]
) -> None:
    talked(chosen, keys, f"select 40 +{ENTER}2 as answer;{ENTER}{CTRL_D}")

    shown = capsys.readouterr()
    assert "answer" in shown.out
    assert "42" in shown.out
    assert "1 row, " in shown.err


def test_a_mistake_is_shown_and_the_shell_goes_on(
    chosen: Settings, keys: PipeInput, capsys: pytest.CaptureFixture[str]
) -> None:
    talked(chosen, keys, f"selec 1;{ENTER}select 6 * 7 as answer;{ENTER}.quit{ENTER}")

    shown = capsys.readouterr()
    assert "hint: " in shown.err
    assert "42" in shown.out


def test_the_prompt_is_given_the_completions_of_the_word_at_the_cursor() -> None:
    names = Names({"raw_records": ("record_id",)}, ())
    typed = Document("select 1 from raw where 2", cursor_position=len("select 1 from raw"))

    (found,) = shell.completer(names).get_completions(typed, CompleteEvent())

    assert ("raw_records", -3) == (found.text, found.start_position)


def test_a_line_given_up_is_not_asked(
    chosen: Settings, keys: PipeInput, capsys: pytest.CaptureFixture[str]
) -> None:
    talked(chosen, keys, f"select 41{CTRL_C}select 42 as answer;{ENTER}{CTRL_D}")

    shown = capsys.readouterr().out
    assert "42" in shown
    assert "41" not in shown


def test_what_was_typed_is_remembered(chosen: Settings, keys: PipeInput) -> None:
    talked(chosen, keys, f"select 1;{ENTER}.quit{ENTER}")

    remembered = (chosen.home / shell.HISTORY).read_text(encoding="utf-8")
    assert "+select 1;" in remembered


@pytest.mark.parametrize(
    ("command", "word"),
    [
        (".tables", "stg_dialogues"),
        (".schema explore.language_mix", "characters"),
        (".queries", "Which languages do I talk in?"),
        (".help", "Ctrl-D"),
    ],
)
def test_commands_begin_with_a_dot(
    command: str,
    word: str,
    chosen: Settings,
    keys: PipeInput,
    capsys: pytest.CaptureFixture[str],
) -> None:
    talked(chosen, keys, f"{command}{ENTER}{CTRL_D}")

    assert word in capsys.readouterr().out


def test_an_unknown_command_has_a_hint(
    chosen: Settings, keys: PipeInput, capsys: pytest.CaptureFixture[str]
) -> None:
    talked(chosen, keys, f".teh{ENTER}.schema{ENTER}{CTRL_D}")

    assert 2 == capsys.readouterr().err.count("hint: `.help`")


@pytest.mark.parametrize(
    ("text", "whole"),
    [
        ("", True),
        (".tables", True),
        ("select 1;", True),
        ("select 1; ", True),
        ("select 1", False),
        ("select ';", False),
        ("select ';'\n;", True),
    ],
)
def test_enter_sends_what_is_whole(text: str, whole: bool) -> None:
    assert whole == shell.is_whole(text)


def test_statements_end_with_a_semicolon_at_the_end_of_a_line_or_with_the_text() -> None:
    lines = ["select 1;", "", ".tables", "select", "  2;", "select 'a;", "b' as x,", "3"]

    found = list(shell.statements(lines))

    assert ["select 1;", ".tables", "select\n  2;", "select 'a;\nb' as x,\n3"] == found
