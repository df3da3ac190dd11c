"""`steppe mcp`: one person's tools for other programs, over the Model Context Protocol.

The transport is standard input and output, so whoever starts the process is whom it serves; the
official SDK speaks, and its protocol is all that is written to standard output.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from assets.own_tools import own_tools
from lake import query
from lake.errors import BackendUnavailable, DataError
from lake.settings import Settings
from lake.tables import Lake
from models.tools import Tool
from models.tools.tool import ERROR
from orchestration.exploring import pseudonym_of

if TYPE_CHECKING:
    from mcp.server import Server

INSTRUCTIONS = (
    "Память и разговоры одного человека в Steppe: поиск по памяти, SQL по его разговорам, "
    "точный калькулятор, даты и часы. Только чтение."
)


def run(settings: Settings, person: str | None) -> None:
    """Serve the person's tools until standard input ends; the home's owner without a name."""
    import anyio

    tools = own_tools(settings, person_of(settings, person))
    server = server_of(tools)

    async def serve() -> None:
        from mcp.server.stdio import stdio_server

        async with stdio_server() as (read, write):
            await server.run(read, write, server.create_initialization_options())

    anyio.run(serve)


def person_of(settings: Settings, person: str | None) -> str:
    """Return a person's pseudonym; `DataError` for a name that nobody in the lake has."""
    user_id = pseudonym_of(settings, person or settings.owner)
    if person is None or person == settings.owner:
        return user_id
    spoke = query.ask(
        Lake(settings.home), "select 1 from cleaned_dialogues where user_id = ? limit 1", [user_id]
    )
    if not spoke:
        raise DataError(
            f"No dialogue here is of anybody called `{person}`.",
            hint="write the name as its chats do; `steppe people` shows who speaks",
        )
    return user_id


def server_of(tools: Sequence[Tool]) -> Server[Any]:
    """Return a server that lists these tools and calls them, each call in a thread of its own.

    What a tool objects to is a result marked as an error, so that a model can mend its call.
    """
    types, Server, error = _sdk()  # noqa: N806  a class
    by_name = {tool.name: tool for tool in tools}

    async def list_tools(_: Any, __: Any) -> Any:
        return types.ListToolsResult(tools=[_listed(types, tool) for tool in tools])

    async def call_tool(_: Any, asked: Any) -> Any:
        import anyio

        tool = by_name.get(asked.name)
        if tool is None:
            raise error(types.INVALID_PARAMS, f"There is no tool `{asked.name}`.")
        observation = await anyio.to_thread.run_sync(tool.run, asked.arguments or {})
        return types.CallToolResult(
            content=[types.TextContent(text=observation)], is_error=observation.startswith(ERROR)
        )

    return Server(
        "steppe",
        version=version("steppe"),
        instructions=INSTRUCTIONS,
        on_list_tools=list_tools,
        on_call_tool=call_tool,
    )


def _listed(types: Any, tool: Tool) -> Any:
    return types.Tool(
        name=tool.name,
        description=tool.description,
        input_schema=dict(tool.parameters),
        annotations=types.ToolAnnotations(read_only_hint=True, open_world_hint=False),
    )


def _sdk() -> tuple[Any, Any, Any]:
    """Return the SDK's types, its server and its error; it is an extra."""
    try:
        from mcp import MCPError, types
        from mcp.server import Server
    except ModuleNotFoundError as error:
        raise BackendUnavailable(
            "The MCP server needs the package `mcp`, which is not here.",
            hint="pip install 'steppe[mcp]'",
        ) from error
    return types, Server, MCPError
