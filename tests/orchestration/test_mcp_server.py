"""`steppe mcp` as other programs meet it: a real process, the SDK's own client, every tool."""

import importlib.util
import os
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp import Client, MCPError, StdioServerParameters

from lake.errors import DataError
from lake.ids import pseudonym_key, user_id_of
from lake.settings import Settings
from lake.tables import Lake
from orchestration import mcp_server

ROOT = Path(__file__).parents[2]
SPEC = importlib.util.spec_from_file_location(
    "two_people", ROOT / "tests" / "lake" / "two_people.py"
)
two_people = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(two_people)

CALLS = {
    "search_memory": ({"text": "собака"}, "Ничего такого я не помню."),
    "sql": ({"statement": "select count(*) as n from messages"}, "n\n4"),
    "calculator": ({"expression": "37 + 45"}, "82"),
    "date": (
        {"what": "weekday", "first": "1 мая 2024"},
        "1 мая 2024 года: среда.",
    ),
}


@pytest.fixture
def home(chosen: Settings, lake: Lake) -> Path:
    """A home whose owner has spoken, and somebody else called Аня."""
    key = pseudonym_key(chosen.home)
    two_people.fill(lake, own=user_id_of(chosen.owner, key))
    return chosen.home


def served(home: Path, *arguments: str) -> StdioServerParameters:
    environment = {"STEPPE_HOME": str(home), "PYTHONPATH": str(ROOT), "PATH": os.environ["PATH"]}
    command = ["-P", "-m", "orchestration.cli", "mcp", *arguments]
    return StdioServerParameters(command=sys.executable, args=command, env=environment)


def with_client(server: Any, talk: Callable[[Client], Awaitable[Any]]) -> Any:
    async def run() -> Any:
        async with Client(server, read_timeout_seconds=120) as client:
            return await talk(client)

    return anyio.run(run)


def test_a_client_lists_and_calls_every_tool(home: Path) -> None:
    async def talk(client: Client) -> tuple[Any, dict[str, Any]]:
        listed = await client.list_tools()
        calls = {n: await client.call_tool(n, given) for n, (given, _) in CALLS.items()}
        calls["clock"] = await client.call_tool("clock", {})
        return listed.tools, calls

    listed, calls = with_client(served(home), talk)

    assert [*CALLS, "clock"] == [tool.name for tool in listed]
    assert all(tool.annotations.read_only_hint and tool.description for tool in listed)
    assert "object" == listed[0].input_schema["type"]
    assert {n: told for n, (_, told) in CALLS.items()} == {
        n: result.content[0].text for n, result in calls.items() if n != "clock"
    }
    assert not any(result.is_error for result in calls.values())
    assert ":" == calls["clock"].content[0].text[2]


def test_mistakes_come_back_as_errors_that_a_model_can_read(home: Path) -> None:
    async def talk(client: Client) -> tuple[Any, Any, str]:
        hostile = await client.call_tool("sql", {"statement": "from read_text('/etc/passwd')"})
        missing = await client.call_tool("calculator", {})
        with pytest.raises(MCPError, match="no tool `rm`"):
            await client.call_tool("rm", {})
        return hostile, missing

    hostile, missing = with_client(served(home), talk)

    assert hostile.is_error
    assert "`read_text` may not be read from here" in hostile.content[0].text
    assert missing.is_error
    assert missing.content[0].text.startswith("Ошибка: Нет аргумента `expression`.")


def test_the_owner_is_served_unless_somebody_is_named(chosen: Settings, home: Path) -> None:
    key = pseudonym_key(home)

    assert user_id_of("owner", key) == mcp_server.person_of(chosen, None)
    assert user_id_of("owner", key) == mcp_server.person_of(chosen, "owner")
    with pytest.raises(DataError, match=r"(?s)`Аня`.*steppe people"):
        mcp_server.person_of(chosen, "Аня")


def test_somebody_named_has_their_own_rows_alone(chosen: Settings, lake: Lake, home: Path) -> None:
    anya = user_id_of("Аня", pseudonym_key(home))
    two_people.fill(lake, own=anya)
    tools = mcp_server.own_tools(chosen, mcp_server.person_of(chosen, "Аня"))

    async def talk(client: Client) -> str:
        found = await client.call_tool("sql", {"statement": "select count(*) as n from dialogues"})
        return found.content[0].text

    assert "n\n2" == with_client(mcp_server.server_of(tools), talk)


def test_a_home_without_the_person_says_so_before_it_serves(home: Path) -> None:
    import subprocess

    done = subprocess.run(
        [sys.executable, "-P", "-m", "orchestration.cli", "mcp", "--person", "Никто"],
        env={"STEPPE_HOME": str(home), "PYTHONPATH": str(ROOT), "PATH": os.environ["PATH"]},
        stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert (1, "") == (done.returncode, done.stdout)
    assert "error: No dialogue here is of anybody called `Никто`." in done.stderr
