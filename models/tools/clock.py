"""The clock: the hour and the minute, as the embedded base learned to ask for them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from models.tools.tool import Tool, taking


def clock(now: Callable[[], datetime]) -> Tool:
    """Return the tool over a clock."""
    return Tool("clock", "Говорит, который час.", taking(), lambda _: f"{now():%H:%M}")
