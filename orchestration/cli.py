"""`steppe`: the one program.  Commands parse, call and print; data goes to standard output.

Exit codes: 0 done, 1 the work failed (the error ends with a hint), 2 the command was misused.
"""

from __future__ import annotations

import functools
import json
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from lake.errors import SteppeError
from lake.settings import Settings, settings
from models.processes import calm_down


def _translated(command: Callable[..., Any]) -> Callable[..., Any]:
    """Turn our errors into a message, a hint and exit code 1: the one place where that is done."""

    @functools.wraps(command)
    def run(*arguments: Any, **options: Any) -> Any:
        try:
            return command(*arguments, **options)
        except SteppeError as error:
            click.echo(f"error: {error}", err=True)
            raise SystemExit(1) from None

    return run


SHOWN = ("tables", "adapters", "deployments", "canary", "funnel")
SCOPES = ("chat", "memory", "feedback", "tools", "people")
"""`models.serving.access.SCOPES` and `PEOPLE`, told here so that `--help` loads no server."""


class _Commands(click.Group):
    def add_command(self, cmd: click.Command, name: str | None = None) -> None:
        if cmd.callback:
            cmd.callback = _translated(cmd.callback)
        super().add_command(cmd, name)


def _said(_: click.Context, __: click.Parameter, reason: str) -> str:
    """Return a reason that says something."""
    if not reason.strip():
        raise click.BadParameter("say why: it is what the next reader sees")
    return reason.strip()


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="steppe")
def main() -> None:
    """A dialogue lakehouse in which a Russian-speaking assistant grows by talking."""
    calm_down()


@main.command()
def journey() -> None:
    """Take in the sample dialogues and run all seven stages; end in a summary."""
    from orchestration import samples

    samples.take_in(settings())
    _grow(settings())


@main.command()
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
def ingest(paths: tuple[Path, ...]) -> None:
    """Copy files or folders of dialogues into today's inbox; `steppe grow` reads them."""
    from assets import inbox

    taken = inbox.take_in(paths, settings().inbox, day=datetime.now(UTC).date())
    click.echo(
        f"{taken.copied} files taken in for {taken.day}, {taken.known} already known, "
        f"{taken.refused} refused (with reasons: steppe show funnel)"
    )
    click.echo("next: steppe grow", err=True)


@main.command()
@click.option(
    "--until",
    type=click.Choice(["raw", "cleaned", "embeddings"]),
    help="Stop after a stage: tables alone, without a model.",
)
def grow(until: str | None) -> None:
    """Take one turn of the loop on what is new: read, clean, embed, talk, train, judge, serve."""
    _grow(settings(), until=until or "")


def _grow(chosen: Settings, *, until: str = "") -> None:
    from orchestration import console, summary, turn

    with console.watching():
        made = turn.grow(chosen, until=until)
    if not made.changed:
        click.echo("Nothing is new: no table, vector or adapter was written.")
    elif until:
        days = "day" if len(made.days) == 1 else "days"
        click.echo(f"{len(made.days)} {days} up to `{until}` (counts: steppe show funnel)")
        click.echo("next: steppe query · steppe sql · steppe grow", err=True)
    else:
        console.print_summary(summary.of(made, chosen))


@main.command()
@click.argument("question", required=False)
@click.option("--model", default="steppe", help="`steppe`, `steppe@<sha12>` or `base`.")
def chat(question: str | None, model: str) -> None:
    """Talk with the champion; with QUESTION, ask it once and print the answer."""
    from orchestration import talking

    talking.chat(settings(), question=question, model=model)


SHAPE = click.option(
    "--format",
    "shape",
    type=click.Choice(["table", "json", "csv", "parquet"]),
    default="table",
    show_default=True,
)
OUT = click.option("--out", type=click.Path(path_type=Path), help="Write to a file.")


@main.command(name="sql")
@click.argument("query", required=False)
@SHAPE
@OUT
@click.option("--raw", is_flag=True, help="Show raw words too, personal data included.")
def sql_command(query: str | None, shape: str, out: Path | None, raw: bool) -> None:
    """Ask the lake in SQL (DuckDB, read-only); without QUERY, open a shell or read a pipe."""
    from orchestration import asking, shell

    if query:
        asking.answer(settings(), query, shape=shape, out=out, originals=raw)
    elif out is not None or shape == "parquet":
        raise click.UsageError("a file and Parquet hold one answer: give QUERY.")
    else:
        shell.run(settings(), shape=shape, originals=raw)


@main.command(name="query")
@click.argument("name", required=False)
@SHAPE
@OUT
def query_command(name: str | None, shape: str, out: Path | None) -> None:
    """Ask a question that has a name; without NAME, list the questions."""
    from orchestration import answers, asking

    if name:
        asking.named(settings(), name, shape=shape, out=out)
    else:
        answers.give(asking.questions(), shape, out)


@main.command()
@click.argument("text")
@click.option("--limit", default=10, show_default=True, type=click.IntRange(1, 1000))
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
def search(text: str, limit: int, as_json: bool) -> None:
    """Find turns by meaning and by words."""
    from orchestration import exploring

    exploring.search(settings(), text, limit=limit, as_json=as_json)


@main.command()
@click.argument("what", type=click.Choice(SHOWN))
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
def show(what: str, as_json: bool) -> None:
    """Show tables, adapters, what was served, the newest canary, or what became of every record."""
    from orchestration import exploring

    exploring.show(settings(), what, as_json=as_json)


@main.command()
@click.argument("adapter", required=False)
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
def verdict(adapter: str | None, as_json: bool) -> None:
    """Print what was decided on ADAPTER and why: every rule with its numbers."""
    from orchestration import deciding

    deciding.verdict(settings(), adapter, as_json=as_json)


@main.command()
@click.argument("adapter")
@click.option("--reason", required=True, callback=_said, help="Why; it is recorded.")
def hold(adapter: str, reason: str) -> None:
    """Keep ADAPTER from being served, whatever the gate says."""
    from orchestration import deciding

    deciding.hold(settings(), adapter, reason)


@main.command()
@click.argument("adapter")
@click.option("--reason", default="", help="Why; needed where the gate refused, and recorded.")
def promote(adapter: str, reason: str) -> None:
    """Serve ADAPTER: its id's beginning, `steppe@<sha12>`, `challenger` or `previous`."""
    from orchestration import deciding

    deciding.promote(settings(), adapter, reason)


@main.command()
@click.option("--reason", default="", help="Why; it is recorded.")
def rollback(reason: str) -> None:
    """Serve the adapter before the champion again, and hold the champion."""
    from orchestration import deciding

    deciding.rollback(settings(), reason)


@main.command()
@click.argument("adapter")
@click.option("--verify", is_flag=True, help="Only compare: exit 1 where another one comes out.")
def rebuild(adapter: str, verify: bool) -> None:
    """Train ADAPTER again from its frozen rows, recipe and base, and compare the two."""
    from orchestration import rebuilding

    rebuilding.rebuild(settings(), adapter, verify=verify)


@main.command()
@click.argument(
    "paths", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path)
)
def votes(paths: tuple[Path, ...]) -> None:
    """Take in people's side-by-side votes (JSON lines) and print how far they agree."""
    from orchestration import voting

    voting.take(settings(), paths)


@main.command()
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
def harness(folder: Path) -> None:
    """Write your suites as lm-evaluation-harness tasks; print the commands that run them."""
    from orchestration import deciding

    for line in deciding.harness_commands(settings(), folder):
        click.echo(line)


@main.command()
@click.option("--who", metavar="NAME", help="Print the pseudonym of a name, as its chats write it.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
def people(who: str | None, as_json: bool) -> None:
    """Show who speaks in the lake, by pseudonym, and whose dialogues may be trained on."""
    from orchestration import exploring

    if who is None:
        exploring.people(settings(), as_json=as_json)
    else:
        click.echo(exploring.pseudonym_of(settings(), who))


@main.command()
@click.argument("adapter", required=False)
@click.option("--share", type=click.FloatRange(0, 1, min_open=True), default=0.1, show_default=True)
@click.option("--end", is_flag=True, help="End what is tried.")
@click.option("--reason", required=True, callback=_said, help="Why; it is recorded.")
def canary(adapter: str | None, share: float, end: bool, reason: str) -> None:
    """Try ADAPTER on a SHARE of people: the same ones, until it is ended or promoted."""
    from orchestration import deciding

    if bool(adapter) == end:
        raise click.UsageError("name an ADAPTER, or say --end")
    click.echo(deciding.canary(settings(), adapter or "", share, reason))


@main.group(cls=_Commands)
def keys() -> None:
    """Keys of the gateway: whose they are, and what they open."""


@keys.command(name="add")
@click.option("--person", required=True, help="Whose it is: the name that the log keeps.")
@click.option(
    "--scope", multiple=True, type=click.Choice(SCOPES), help="Default: all but `people`."
)
@click.option("--per-minute", type=click.IntRange(0), default=0, help="Default: the setting.")
def keys_add(person: str, scope: tuple[str, ...], per_minute: int) -> None:
    """Make a key; it is printed once and kept as its hash."""
    from orchestration import keys as doors

    click.echo(doors.add(settings(), person, scope, per_minute))


@keys.command(name="list")
def keys_list() -> None:
    """Show whose keys there are, by the beginning of their hash."""
    from orchestration import keys as doors

    for line in doors.show(settings()):
        click.echo(line)


@keys.command(name="revoke")
@click.argument("beginning")
def keys_revoke(beginning: str) -> None:
    """Take away the key whose hash begins with BEGINNING."""
    from orchestration import keys as doors

    click.echo(doors.revoke(settings(), beginning))


@main.command()
@click.option("--port", type=click.IntRange(0, 65535), help="Default: the setting `serving.port`.")
@click.option("--show", type=click.Choice(["vllm", "ray"]), help="Print its configuration instead.")
def serve(port: int | None, show: str | None) -> None:
    """Serve the champion over an OpenAI-compatible API, until Ctrl-C.

    With --show nothing is served: the configuration of vLLM, or of Ray Serve, for the base and the
    recipe of the settings is printed.
    """
    from orchestration import talking

    if show:
        click.echo(talking.config_of(settings(), show), nl=False)
    else:
        talking.serve(settings(), port=port)


@main.command(name="mcp")
@click.option("--person", metavar="NAME", help="Whose memories and dialogues; default: the owner.")
def mcp_command(person: str | None) -> None:
    """Serve one person's tools to other programs over MCP (stdio), until the input ends."""
    from orchestration import mcp_server

    mcp_server.run(settings(), person)


@main.command()
def ui() -> None:
    """Bring up Dagster, MLflow and the served assistant; stop them all with Ctrl-C."""
    from orchestration import pages

    pages.run(settings())


@main.command()
@click.option("--dry-run", is_flag=True, help="Say what would be repaired.")
def doctor(dry_run: bool) -> None:
    """Find and repair what a crash can leave: stuck runs, leaked slots, orphan files."""
    from orchestration import repairs

    findings = repairs.examine(settings(), repair=not dry_run)
    for finding in findings:
        click.echo(finding.line(repaired=not dry_run))
    if any(f.beyond_repair for f in findings):
        raise SystemExit(1)


@main.command()
@click.argument("switch", type=click.Choice(["on", "off", "status"]))
@click.argument("what", type=click.Choice(["loop", "self-chat"]), required=False)
def automate(switch: str, what: str | None) -> None:
    """Turn the nightly self-chat and the training trigger on or off, or self-chat in idle time.

    Without WHAT it is the first, and `status` shows both.
    """
    from orchestration import automation, pages

    chosen = settings()
    if switch != "status":
        automation.turn(chosen.home, on=switch == "on", switch=what or "loop")
        pages.reload_definitions(chosen)
    shown = [what] if what else list(automation.SWITCHES) if switch == "status" else ["loop"]
    states = {name: "on" if automation.is_on(chosen.home, name) else "off" for name in shown}
    for name, state in states.items():
        click.echo(f"{automation.SWITCHES[name]}: {state}")
    if "on" in states.values():
        click.echo("they run while `steppe ui` runs", err=True)


@main.group(cls=_Commands, name="self-chat")
def self_chat() -> None:
    """Self-chat round the clock: what it said, and a person's word on it."""


@self_chat.command(name="status")
@SHAPE
def self_chat_status(shape: str) -> None:
    """Show whether self-chat may go on, what of the day's budget is left, and every session."""
    from orchestration import talking_to_itself

    talking_to_itself.status(settings(), shape=shape)


@self_chat.command(name="run")
def self_chat_run() -> None:
    """Hold one session now, within the day's budget."""
    from orchestration import console, talking_to_itself

    with console.watching():
        said = talking_to_itself.run(settings())
    click.echo(said)


@self_chat.command(name="hold")
@click.option("--reason", required=True, callback=_said, help="Why; it is recorded.")
def self_chat_hold(reason: str) -> None:
    """Let no session begin until `steppe self-chat resume`."""
    from orchestration import talking_to_itself

    click.echo(talking_to_itself.say(settings(), "held", reason))


@self_chat.command(name="resume")
@click.option("--reason", default="", help="Why; it is recorded.")
def self_chat_resume(reason: str) -> None:
    """Let sessions begin again after a pause or a hold."""
    from orchestration import talking_to_itself

    click.echo(talking_to_itself.say(settings(), "resumed", reason))


@self_chat.command(name="forget")
@click.argument("day", metavar="DAY", type=click.DateTime(formats=["%Y-%m-%d"]))
@click.option("--reason", default="", help="Why; it is recorded.")
def self_chat_forget(day: datetime, reason: str) -> None:
    """Delete everything that the sessions of DAY (2026-12-31, say) said."""
    from orchestration import talking_to_itself

    click.echo(talking_to_itself.forget(settings(), day.date(), reason))


@main.group(cls=_Commands)
def memory() -> None:
    """What is remembered of people, and a person's word on it."""


PERSON = click.option(
    "--person", metavar="NAME", help="A name as its chats write it, or a pseudonym."
)


@memory.command(name="list")
@PERSON
@click.option("--all", "replaced", is_flag=True, help="Also what something newer has replaced.")
@SHAPE
@OUT
def memory_list(person: str | None, replaced: bool, shape: str, out: Path | None) -> None:
    """List what is remembered, of everybody or of one person, oldest first."""
    from orchestration import remembered

    remembered.show(settings(), person, replaced=replaced, shape=shape, out=out)


@memory.command(name="forget")
@click.argument("words", metavar="[MEMORY]", required=False, default="")
@PERSON
@click.option("--reason", required=True, callback=_said, help="Why; it is recorded.")
def memory_forget(words: str, person: str | None, reason: str) -> None:
    """Forget MEMORY, an id's beginning, or everything of a person: deleted, and not read again."""
    from orchestration import remembered

    if bool(words) == bool(person):
        raise click.UsageError("name a memory or --person, one of the two.")
    click.echo(remembered.forget(settings(), words, person, reason))


@main.group(cls=_Commands)
def base() -> None:
    """The base model: grown here, local, or from a hub."""


@base.command(name="show")
@click.option("--json", "as_json", is_flag=True)
def base_show(as_json: bool) -> None:
    """Show the base of the setting `base_model` and what it can do, skill by skill."""
    from models.base import find_base
    from orchestration import exploring

    chosen = settings()
    found = find_base(chosen.base_model, chosen.models_dir)
    if found is None:
        raise SteppeError(
            f"The base `{chosen.base_model}` is not here yet.", hint="`steppe base grow` makes it"
        )
    if as_json:
        click.echo(json.dumps({"base_id": found.base_id, "path": str(found.path), **found.report}))
    else:
        exploring.show_base(found)


@base.command(name="grow")
def base_grow() -> None:
    """Grow or fetch the base, unless it is here."""
    from orchestration import console, exploring, turn

    with console.watching():
        found = turn.grow_base(settings())
    exploring.show_base(found)


@base.command(name="extend")
@click.argument(
    "texts", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path)
)
@click.option(
    "--size",
    default=200,
    show_default=True,
    type=click.IntRange(min=1),
    help="At most so many new tokens.",
)
@click.option("--out", required=True, type=click.Path(path_type=Path), help="The new folder.")
def base_extend(texts: tuple[Path, ...], size: int, out: Path) -> None:
    """Make a base with more tokens, from text files; every tenth line only measures."""
    from orchestration import extending

    extending.extend_base(settings(), texts, size=size, folder=out)
    click.echo(f'next: base_model = "{out}" and recipe = "embedded_cpt", steppe grow', err=True)


@main.group(cls=_Commands, name="training-set")
def training_set() -> None:
    """Training sets as they were frozen: what taught each adapter, and what did not."""


JSON = click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")


@training_set.command(name="list")
@JSON
def training_set_list(as_json: bool) -> None:
    """List every training set, newest first, with the adapter it made."""
    from orchestration import training_sets

    training_sets.show_all(settings(), as_json=as_json)


@training_set.command(name="show")
@click.argument("words", metavar="[ID]", required=False, default="")
@click.option("--samples", default=1, show_default=True, type=click.IntRange(0, 100))
@click.option("--json", "as_json", is_flag=True, help="The whole of it as one JSON object.")
def training_set_show(words: str, samples: int, as_json: bool) -> None:
    """Show a training set, the newest by default: rows, tokens, budget, what was left out.

    ID is the beginning of its id, or of the id of the adapter it made.
    """
    from orchestration import training_sets

    training_sets.show(settings(), words, samples=samples, as_json=as_json)


@training_set.command(name="diff")
@click.argument("a")
@click.argument("b")
@click.option("--json", "as_json", is_flag=True, help="Every row and key that differs, a line.")
def training_set_diff(a: str, b: str, as_json: bool) -> None:
    """Show how training set B differs from A: rows, weights, and the recipe key by key."""
    from orchestration import training_sets

    training_sets.show_difference(settings(), a, b, as_json=as_json)


@main.command(name="settings")
@click.option("--example", is_flag=True, help="Print a `steppe.toml` with every default.")
def settings_command(example: bool) -> None:
    """Show every setting with its value and meaning."""
    from orchestration import exploring

    if example:
        click.echo(exploring.example_settings(), nl=False)
    else:
        exploring.show_settings(settings())


if __name__ == "__main__":
    sys.exit(main())
