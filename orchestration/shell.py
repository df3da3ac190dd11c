"""`steppe sql` without a query: a shell in a terminal, a reader of statements in a pipe."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from itertools import takewhile
from sqlite3 import complete_statement  # knows strings and comments, as DuckDB writes them too
from typing import TYPE_CHECKING, Any

import click

from lake.errors import SteppeError
from lake.settings import Settings
from orchestration import answers, asking, completing
from orchestration.completing import COMMANDS, Names

if TYPE_CHECKING:
    from prompt_toolkit import PromptSession
    from prompt_toolkit.completion import Completer
    from prompt_toolkit.key_binding import KeyBindings

HISTORY = ".sql_history"
QUIT = {".quit", ".exit"}
GREETING = "SQL ends with `;`, Tab completes, .help has the commands, Ctrl-D leaves."


def run(settings: Settings, *, shape: str = "table", originals: bool = False) -> None:
    """Answer statements until the end of input; an error is shown and the next one is read.

    In a pipe, where nobody sees it, an error makes the exit code 1 at the end.
    """
    with asking.session(settings, originals=originals) as opened:
        if sys.stdin.isatty():
            talk(settings, opened, shape=shape)
            return
        told = takewhile(lambda statement: statement not in QUIT, statements(sys.stdin))
        if sum(not _tried(opened, statement, shape) for statement in told):
            raise SystemExit(1)


def talk(settings: Settings, opened: asking.Session, *, shape: str = "table") -> None:
    """Read statements and dot commands from a terminal until `.quit` or Ctrl-D."""
    prompt = _prompt(settings, completing.names_of(opened.connection()))
    click.echo(GREETING, err=True)
    while True:
        try:
            text = prompt.prompt("steppe> ").strip()
        except KeyboardInterrupt:  # the line is given up, as in every shell
            continue
        except EOFError:
            return
        if text in QUIT:
            return
        for statement in statements(text.splitlines()):
            _tried(opened, statement, shape)


def statements(lines: Iterable[str]) -> Iterator[str]:
    """Yield statements, which end with a line that ends in `;`, and dot commands, a line each."""
    waiting = ""
    for line in lines:
        waiting = f"{waiting}\n{line}".strip()
        if waiting and is_whole(waiting):
            yield waiting
            waiting = ""
    if waiting:
        yield waiting


def is_whole(text: str) -> bool:
    """Say whether Enter sends the text: a dot command, statements with their `;`, or nothing."""
    stripped = text.strip()
    return not stripped or stripped.startswith(".") or complete_statement(stripped)


def _tried(opened: asking.Session, statement: str, shape: str) -> bool:
    """Answer a statement or command; say whether it went well."""
    try:
        if statement.startswith("."):
            _obey(opened, statement)
        else:
            asking.give(opened, statement, shape)
    except SteppeError as error:
        click.echo(f"error: {error}", err=True)
        return False
    except KeyboardInterrupt:
        click.echo("stopped", err=True)
        return False
    return True


def _obey(opened: asking.Session, command: str) -> None:
    word, _, name = command.rstrip("; ").partition(" ")
    if word == ".tables":
        answers.print_table(asking.relations(opened.lake))
    elif word == ".schema" and name:
        answers.print_table(opened.ask(f"describe {name}").select(["column_name", "column_type"]))
    elif word == ".queries":
        answers.print_table(asking.questions())
    elif word == ".help":
        click.echo("\n".join(f"{name:10}{meaning}" for name, meaning in COMMANDS.items()))
    else:
        raise SteppeError(f"`{command}` is no command.", hint="`.help` lists them")


def _prompt(settings: Settings, names: Names) -> PromptSession[str]:
    """Return a prompt with history, completion, highlighting and statements of many lines."""
    from prompt_toolkit import PromptSession
    from prompt_toolkit.history import FileHistory
    from prompt_toolkit.lexers import PygmentsLexer
    from pygments.lexers.sql import PostgresLexer

    settings.home.mkdir(parents=True, exist_ok=True)
    return PromptSession(
        history=FileHistory(str(settings.home / HISTORY)),
        completer=completer(names),
        complete_while_typing=False,
        lexer=PygmentsLexer(PostgresLexer),  # DuckDB speaks a dialect of it; pygments has none
        multiline=True,
        prompt_continuation="     -> ",
        key_bindings=_enter(),
    )


def completer(names: Names) -> Completer:
    """Return the completions of `completing` as the prompt takes them."""
    from prompt_toolkit.completion import Completer, Completion

    class FromNames(Completer):
        def get_completions(
            self,
            document: Any,
            complete_event: Any,  # noqa: ARG002
        ) -> Iterator[Completion]:
            before, after = document.text_before_cursor, document.text_after_cursor
            width = len(completing.word_at_end(before))
            for text in completing.completions(before, after, names):
                yield Completion(text, start_position=-width)

    return FromNames()


def _enter() -> KeyBindings:
    """Return the key that sends what is whole and goes to the next line where it is not."""
    from prompt_toolkit.key_binding import KeyBindings

    keys = KeyBindings()

    @keys.add("enter")
    def _(event: Any) -> None:
        buffer = event.current_buffer
        if is_whole(buffer.text):
            buffer.validate_and_handle()
        else:
            buffer.insert_text("\n")

    return keys
