"""What a client may send: OpenAI's request, with the limits of this server.

Fields that OpenAI knows and that mean nothing here are let through to the upstream, as vLLM does;
a request names models by their names only, so none can reach the file system.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

MODEL = r"^[A-Za-z0-9@._/-]{1,128}$"
DEPLOYABLE = r"^(base|steppe@[0-9a-f]{12})$"
MAX_TOKENS = 4096
MAX_TOOLS = 128
"""OpenAI's own limit; Open WebUI brings 36 with every question."""
ToolName = Annotated[str, Field(max_length=64)]


class ChatMessage(BaseModel):
    """One message; `tool_calls` and `tool_call_id` are those of OpenAI's tool calls."""

    model_config = ConfigDict(extra="ignore")

    role: Literal["system", "developer", "user", "assistant", "tool"]
    content: str | list[dict[str, Any]] | None = None
    name: str | None = Field(None, max_length=64)
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
        text = content or ""
        try:
            text.encode()
        except UnicodeEncodeError:
            raise ValueError("a message holds half a surrogate pair, which is no text") from None
        return text

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
    """OpenAI's chat request; what is not named here goes to the upstream as it came.

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
    stop: str | list[str] | None = None
    n: Literal[1] | None = 1
    user: str | None = Field(None, max_length=256)
    tools: list[dict[str, Any]] | None = Field(None, max_length=MAX_TOOLS)
    own_tools: bool | Annotated[list[ToolName], Field(max_length=64)] | None = None
    logprobs: bool | None = None
    top_logprobs: int | None = Field(None, ge=0, le=20)

    def chat(self) -> list[dict[str, Any]]:
        """Return the messages as a chat template takes them."""
        return [message.as_chat() for message in self.messages]

    @property
    def wants_usage(self) -> bool:
        """Return whether a stream ends with a chunk that counts tokens."""
        return bool((self.stream_options or {}).get("include_usage"))
