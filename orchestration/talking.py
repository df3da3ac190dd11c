"""`steppe chat` and `steppe serve`: the served assistant, in a terminal and over HTTP."""

from __future__ import annotations

import signal
import uuid
from types import FrameType

import click

from lake.errors import DeploymentError
from lake.settings import Settings
from models import recipes
from models.base import find_base
from models.serving import client, configs

FAREWELLS = {"", "/exit", "/quit"}


def chat(settings: Settings, *, question: str | None, model: str) -> None:
    """Hold a conversation, or answer one question; the server is started if none runs."""
    with client.running_or_temporary(settings) as server:
        if question:
            messages = [{"role": "user", "content": question}]
            _answer(server, messages, conversation_id=uuid.uuid4().hex, model=model, labelled=False)
            return
        deployed = server.health()["deployed"]
        click.echo(f"{deployed}. An empty line ends the talk.", err=True)
        _converse(server, model)


def serve(settings: Settings, *, port: int | None) -> None:
    """Serve until SIGINT or SIGTERM, then stop the server and return."""
    if found := client.running(settings):
        raise DeploymentError(
            f"The assistant is served already, at {found.url}.", hint="`steppe chat` talks to it"
        )
    chosen = settings.serving.port if port is None else port
    server, process = client.start(settings, port=chosen)
    deployed = server.health()["deployed"]
    click.echo(f"{deployed} at {server.url}/v1, with a page at {server.url}", err=True)
    click.echo("Ctrl-C stops it", err=True)

    def end(_: int, __: FrameType | None) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, end)
    try:
        process.wait()
    except KeyboardInterrupt:
        client.stop(process)


def config_of(settings: Settings, server: str) -> str:
    """Return the configuration of a server from elsewhere, as YAML."""
    base = find_base(settings.base_model, settings.models_dir)
    where = str(base.path) if base else settings.base_model  # one of a hub is fetched by the server
    recipe, devices = recipes.load(settings.recipe), max(1, settings.training.processes)
    if server == "vllm":
        return configs.as_yaml(configs.vllm(where, recipe, devices=devices))
    adapters = settings.serving.adapters_url
    return configs.as_yaml(configs.ray(where, recipe, devices=devices, adapters=adapters))


def _converse(server: client.Server, model: str) -> None:
    conversation_id, messages = uuid.uuid4().hex, list[dict[str, str]]()
    while True:
        try:
            said = click.prompt("you", default="", show_default=False, prompt_suffix="> ", err=True)
        except click.Abort:
            return
        if said.strip() in FAREWELLS:
            return
        messages.append({"role": "user", "content": said})
        text = _answer(
            server, messages, conversation_id=conversation_id, model=model, labelled=True
        )
        messages.append({"role": "assistant", "content": text})


def _answer(
    server: client.Server,
    messages: list[dict[str, str]],
    *,
    conversation_id: str,
    model: str,
    labelled: bool,
) -> str:
    """Print an answer as it comes, with the name of who gives it; return its text."""
    text = ""
    pieces = server.stream(messages, conversation_id=conversation_id, model=model)
    for number, (served, piece) in enumerate(pieces):
        if labelled and number == 0:
            click.echo(f"{served}> ", nl=False, err=True)
        click.echo(piece, nl=False)
        text += piece
    click.echo()
    return text
