"""What the assistant can do besides talking, each bound to the person it talks with.

One tool a file; `react` is the loop that lets a model use them, and `steppe mcp` serves the same
to other programs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from models.tools.calculator import calculator
from models.tools.clock import clock
from models.tools.date import date_tool
from models.tools.search_memory import Recall, search_memory
from models.tools.sql import Answered, sql
from models.tools.tool import Tool

__all__ = ["Tool", "openai_schema", "tools_of"]


def tools_of(
    *,
    recall: Recall,
    ask: Callable[[str], Answered],
    now: Callable[[], datetime],
) -> tuple[Tool, ...]:
    """Return every tool for one person: whose memories and rows it is, the functions know."""
    return (search_memory(recall), sql(ask), calculator(), date_tool(now), clock(now))


def openai_schema(tools: Sequence[Tool]) -> list[dict[str, Any]]:
    """Return tools as the field `tools` of OpenAI's chat completions has them."""
    return [tool.schema() for tool in tools]
