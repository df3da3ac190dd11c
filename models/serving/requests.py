"""What a client may send: OpenAI's request, with the limits of this server.

The upstream gets of it what is in `PASSED_ON`; a request names models by their names only, and no
template, path or host, so none can reach the file system or the net.
"""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator

MODEL = r"^[A-Za-z0-9@._/-]{1,128}$"
DEPLOYABLE = r"^(base|steppe@[0-9a-f]{12})$"
MAX_TOKENS = 4096
MAX_TOOLS = 128
"""OpenAI's own limit; Open WebUI brings 36 with every question."""
MAX_NAME = 64
"""Characters of a name of a tool or of who speaks, OpenAI's own limit."""
MAX_CALL_BYTES = 64 << 10
"""Of one tool call in a message, as JSON: the longest answer at 16 bytes a token."""
ToolName = Annotated[str, Field(max_length=MAX_NAME)]
StopText = Annotated[str, Field(max_length=256)]
MAX_STOPS = 4
"""OpenAI's own limit; every piece of an answer is looked through for each."""
PASSED_ON = frozenset(
    {
        *("stream", "stream_options", "n", "max_tokens", "max_completion_tokens", "min_tokens"),
        *("temperature", "top_p", "top_k", "min_p", "seed", "stop", "stop_token_ids"),
        *("presence_penalty", "frequency_penalty", "repetition_penalty", "length_penalty"),
        *("logit_bias", "logprobs", "top_logprobs", "bad_words", "reasoning_effort"),
        *("tools", "tool_choice", "parallel_tool_calls", "response_format"),
    }
)
"""What of a request the upstream gets as it came: fields of OpenAI and of vLLM's `SamplingParams`.

Left out is what reaches further than this answer: `chat_template` and its `chat_template_kwargs`
are programs that the upstream runs, `kv_transfer_params` names hosts, `priority` takes from others.
"""


def _whole(text: str) -> str:
    """Return a text; `ValueError` for half a surrogate pair, which no encoder takes."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError("it holds half a surrogate pair, which is no text") from None
    return text


def _bytes(value: Any) -> int:
    """Return how long a value is as JSON; `ValueError` where it cannot be written."""
    try:
        return len(json.dumps(value, ensure_ascii=False).encode())
    except (UnicodeEncodeError, RecursionError):
        raise ValueError("a tool cannot be written as text") from None


Text = Annotated[str, AfterValidator(_whole)]


class ChatMessage(BaseModel):
    """One message; `tool_calls` and `tool_call_id` are those of OpenAI's tool calls."""

    model_config = ConfigDict(extra="ignore")

    role: Literal["system", "developer", "user", "assistant", "tool"]
    content: str | list[dict[str, Any]] | None = None
    name: str | None = Field(None, max_length=MAX_NAME)
    tool_calls: list[dict[str, Any]] | None = Field(None, max_length=64)
    tool_call_id: str | None = Field(None, max_length=128)

    @field_validator("content")
    @classmethod
    def _only_text(cls, content: Any) -> str:
        """Join text parts; refuse other parts, and half a surrogate pair, which is no text."""
        if isinstance(content, list):
            if any(part.get("type") != "text" for part in content):
                raise ValueError("only text parts can be answered here")
            content = "".join(str(part.get("text") or "") for part in content)
        return _whole(content or "")

    @field_validator("tool_calls")
    @classmethod
    def _bounded(cls, calls: list[dict[str, Any]] | None) -> list[dict[str, Any]] | None:
        """Refuse calls that are too long, or no text."""
        for call in calls or ():
            function = call.get("function")
            name = function.get("name") if isinstance(function, dict) else ""
            if len(str(name)) > MAX_NAME:
                raise ValueError(f"the name of a tool has at most {MAX_NAME} characters")
            if _bytes(call) > MAX_CALL_BYTES:
                raise ValueError(f"a tool call has at most {MAX_CALL_BYTES:,} bytes as JSON")
        return calls

    @property
    def text(self) -> str:
        """Return the content as text."""
        return self.content if isinstance(self.content, str) else ""

    def as_chat(self) -> dict[str, Any]:
        """Return the message as a chat template takes it: keys without a value left out."""
        role = "system" if self.role == "developer" else self.role
        told: dict[str, Any] = {"role": role, "content": self.text}
        for key in ("name", "tool_calls", "tool_call_id"):
            if value := getattr(self, key):
                told[key] = value
        return told


class ChatRequest(BaseModel):
    """OpenAI's chat request; what is neither named here nor in `PASSED_ON` is ignored.

    `own_tools` is ours: which of its own tools the assistant may use, by name, or the usual ones.
    """

    model_config = ConfigDict(
        extra="allow",
        json_schema_extra={
            "examples": [
                {"model": "steppe", "messages": [{"role": "user", "content": "Привет!"}]},
                {"model": "base", "messages": [{"role": "user", "content": "?"}], "stream": True},
                {
                    "model": "steppe",
                    "messages": [{"role": "user", "content": "Который час?"}],
                    "own_tools": ["clock"],
                },
            ]
        },
    )

    model: str = Field(pattern=MODEL)
    messages: list[ChatMessage] = Field(min_length=1, max_length=1000)
    stream: bool = False
    stream_options: dict[str, Any] | None = None
    temperature: float | None = Field(None, ge=0, le=2)
    top_p: float | None = Field(None, gt=0, le=1)
    max_tokens: int | None = Field(None, ge=1, le=MAX_TOKENS)
    max_completion_tokens: int | None = Field(None, ge=1, le=MAX_TOKENS)
    seed: int | None = Field(None, ge=0, lt=2**63)
    stop: StopText | Annotated[list[StopText], Field(max_length=MAX_STOPS)] | None = None
    n: Literal[1] | None = 1
    user: str | None = Field(None, max_length=256)
    tools: list[dict[str, Any]] | None = Field(None, max_length=MAX_TOOLS)
    own_tools: bool | Annotated[list[ToolName], Field(max_length=64)] | None = None
    logprobs: bool | None = None
    top_logprobs: int | None = Field(None, ge=0, le=20)

    @field_validator("tools")
    @classmethod
    def _are_text(cls, tools: list[dict[str, Any]] | None) -> list[dict[str, Any]] | None:
        """Refuse tools that cannot be told to a model."""
        _bytes(tools)
        return tools

    def chat(self) -> list[dict[str, Any]]:
        """Return the messages as a chat template takes them."""
        return [message.as_chat() for message in self.messages]

    @property
    def new_tokens(self) -> int | None:
        """Return how many tokens the answer may have, under either of OpenAI's names."""
        return self.max_completion_tokens or self.max_tokens

    @property
    def wants_usage(self) -> bool:
        """Return whether a stream ends with a chunk that counts tokens."""
        return bool((self.stream_options or {}).get("include_usage"))
