"""Server-sent events, as OpenAI's clients read a streamed answer."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

MEDIA_TYPE = "text/event-stream"
DONE = "data: [DONE]\n\n"


def line(told: Mapping[str, Any]) -> str:
    """Return an event with a JSON body."""
    return f"data: {json.dumps(told, ensure_ascii=False)}\n\n"
