"""The gateway: an OpenAI-compatible API before an upstream that decodes.

    POST /v1/chat/completions, /v1/embeddings, /v1/feedback
    GET  /v1/models, /health, /metrics, /
    POST /admin/deploy, /admin/canary    for the owner's own tools, with the owner's token

It holds no weights and opens no table: what it may reach of the lake (memories, tools) is handed
to it as functions.  A request names models by their names only, so none can reach the file system.
"""

from __future__ import annotations

import asyncio
import gc
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any, Protocol

from fastapi import Depends, FastAPI, Header, Query, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from models.serving import bounds, front_ends, hosts, pages, problems, switching, windows
from models.serving.access import Access, Person, bearing
from models.serving.answer_cache import scope_of
from models.serving.answers import Answer, Shared, as_problem
from models.serving.conversation_log import replay
from models.serving.feedback import FeedbackRequest, event_of
from models.serving.own_tools import OwnTools, WithTools
from models.serving.problems import RETRY_AFTER_SECONDS, Problem
from models.serving.requests import DEPLOYABLE, ChatMessage, ChatRequest, Text
from models.serving.served import ALIAS, BASE
from models.serving.upstream import UpstreamDown, UpstreamRefused
from models.tools import Tool, openai_schema
from models.tools.dialects import Messages
from models.tools.react import Reasoning

if TYPE_CHECKING:
    from models.encoders import Encoder

logger = logging.getLogger(__name__)

MAX_EMBEDDED = 256
"""Texts of one request for embeddings."""


class Remembers(Protocol):
    """What is known of a person; the gateway asks it before every answer."""

    def about(self, user_id: str, text: str) -> Sequence[Mapping[str, Any]]:
        """Return memories that matter for a text, best first: `memory_id`, `kind`, `text`, ..."""

    def version(self, user_id: str) -> str:
        """Return an id that changes when anything remembered of a person does."""

    def told(
        self, messages: list[dict[str, Any]], memories: Sequence[Mapping[str, Any]]
    ) -> list[dict[str, Any]]:
        """Return the messages with memories in them, in the words that the model knows."""


class EmbeddingsRequest(BaseModel):
    """OpenAI's request for embeddings; token ids are no text and are refused."""

    input: Text | list[Text]
    model: str = Field("steppe", max_length=128)
    encoding_format: str = Field("float", pattern="^(float|base64)$")


class DeployRequest(BaseModel):
    """Which adapter to serve, by its content-addressed name; `base` serves the bare base.

    `expected` are log-probabilities of the first token under the trained adapter, by token.
    """

    name: str = Field(pattern=DEPLOYABLE)
    probe: list[ChatMessage] = Field(min_length=1)
    expected: dict[str, float] = Field(default_factory=dict)

    def as_probe(self) -> switching.Probe:
        """Return what the adapter is asked before anybody is."""
        return switching.Probe([m.as_chat() for m in self.probe], self.expected)


class CanaryRequest(DeployRequest):
    """Which adapter to try on a share of people; a share of 0 ends it."""

    share: float = Field(ge=0, le=1)


@dataclass(kw_only=True)
class Gateway(Shared):
    """What the routes share."""

    access: Access
    admin_token: str
    max_bytes: int = 1 << 20
    max_at_once: int = 512
    hosts: Sequence[str] = ("*",)
    memory: Remembers | None = None
    own: OwnTools | None = None
    encoder: Encoder | None = None
    switching: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def answer(self, body: ChatRequest, person: Person, told: front_ends.Told) -> Answer:
        """Return an answer that is about to be asked for: whose, in which conversation, on what."""
        tools = self._own_tools(body, person)
        said = body.chat()
        task = told.task_of(said)
        conversation = told.conversation_of(person.name, self.access.owner)
        conversation = conversation or self.conversations.id_of(person.name, said)
        memories = () if task else await self._remembered(person, body, said)
        shown = self.memory.told(said, memories) if self.memory and memories else said
        shown = await self._fitted(body, person, shown, openai_schema(tools) or body.tools or [])
        name = self.served.name_for(body.model, person.user_id)  # from here on without a pause
        answer = Answer(
            self,
            body,
            person,
            name,
            conversation_id=conversation,
            said=said,
            shown=shown,
            memories=memories,
            scope="" if task else self._scope(body, person, name, said, memories),
            task=task,
            own=self._reasoning(self.own, body, name, shown, tools) if self.own and tools else None,
        )
        self.served.busy[name] += 1
        return answer

    def _own_tools(self, body: ChatRequest, person: Person) -> tuple[Tool, ...]:
        """Return the tools of its own that the assistant may use for this answer."""
        if not body.own_tools:
            return ()
        if body.tools or body.logprobs or (body.model_extra or {}).get("tool_choice"):
            raise Problem(
                422,
                "`own_tools` does not go with `tools`, `tool_choice` or `logprobs`.",
                hint="ask with the assistant's tools or with yours",
            )
        if self.own is None:
            raise Problem(422, "No tools are lent here.", hint="leave out `own_tools`")
        return self.own.wanted(body.own_tools, person)

    def _reasoning(
        self, own: OwnTools, body: ChatRequest, name: str, shown: Messages, tools: Sequence[Tool]
    ) -> WithTools:
        """Return what asks the upstream, and makes the calls that the model wants."""

        def fit(messages: Messages, offered: Messages) -> Awaitable[Messages]:
            return windows.fitted(self.upstream, name, messages, body.new_tokens, offered)

        return WithTools(self.upstream, own, tools, Reasoning.of(shown, tools), fit)

    def _scope(
        self,
        body: ChatRequest,
        person: Person,
        name: str,
        said: Sequence[Mapping[str, Any]],
        memories: Sequence[Mapping[str, Any]],
    ) -> str:
        """Return what a kept answer belongs to; empty where none may be kept."""
        if self.cache is None or not self.cache.most or memories or body.temperature:
            return ""
        if body.tools or body.own_tools:
            return ""
        try:
            version = self.memory.version(person.user_id) if self.memory else ""
        except Exception:
            logger.exception("what is remembered has no version; no answer is kept")
            return ""
        drawn = body.model_dump(exclude_none=True, exclude={"messages", "user", "stream", "model"})
        return scope_of(person.user_id, name, version, said, drawn)

    async def _fitted(
        self, body: ChatRequest, person: Person, shown: Messages, tools: Messages
    ) -> Messages:
        name = self.served.name_for(body.model, person.user_id)
        try:
            return await windows.fitted(self.upstream, name, shown, body.new_tokens, tools)
        except (UpstreamDown, UpstreamRefused) as error:
            raise as_problem(error) from error

    async def _remembered(
        self, person: Person, body: ChatRequest, said: Sequence[Mapping[str, Any]]
    ) -> Sequence[Mapping[str, Any]]:
        if self.memory is None or "memory" not in person.scopes:
            return ()
        text = _asked(said)
        if (body.model_extra or {}).get("memory") is False or not text:
            return ()
        try:
            return await asyncio.to_thread(self.memory.about, person.user_id, text)
        except Exception:
            logger.exception("nothing was remembered; the answer is given without")
            return ()


def build(gateway: Gateway) -> FastAPI:
    """Return the application over a gateway; the log and the upstream end with it."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        gateway.log.recover()
        replay(gateway.log.recent(), gateway.conversations, gateway.given)
        watch = asyncio.create_task(gateway.upstream.watch())
        gc.collect()
        gc.freeze()  # what was loaded stays: a sweep over all of it stops every answer for 0.1 s
        yield
        watch.cancel()
        await gateway.upstream.close()
        gateway.log.close()

    app = FastAPI(title="Steppe", lifespan=lifespan, docs_url=None, redoc_url=None)
    problems.install(app)
    app.add_middleware(bounds.Small, most=gateway.max_bytes)
    app.add_middleware(bounds.AtOnce, most=gateway.max_at_once)
    app.add_middleware(hosts.OwnNames, hosts=gateway.hosts, is_open=gateway.access.is_open)
    app.get("/health")(_health(gateway))
    app.get("/metrics")(_metrics(gateway))
    app.get("/v1/models")(_models(gateway))
    app.post("/v1/chat/completions")(_chat(gateway))
    app.post("/v1/embeddings")(_embeddings(gateway))
    app.post("/v1/feedback")(_feedback(gateway))
    words = "This address needs the owner's token."
    owner = [Depends(bearing(gateway.admin_token, words, "`steppe` itself sends it"))]
    app.post("/admin/deploy", dependencies=owner)(_deploy(gateway))
    app.post("/admin/canary", dependencies=owner)(_canary(gateway))
    pages.install(app)
    return app


def _health(gateway: Gateway) -> Callable[[], Any]:
    def health() -> Any:
        up = gateway.upstream.is_up
        body = {
            "status": "ok" if up else "down",
            "deployed": gateway.served.champion or BASE,
            "canary": gateway.served.canary,
            "restarts": gateway.upstream.restarts,
        }
        headers = {} if up else {"Retry-After": str(RETRY_AFTER_SECONDS)}
        return JSONResponse(body, 200 if up else 503, headers)

    return health


def _metrics(gateway: Gateway) -> Callable[[], Any]:
    def metrics() -> Response:
        return Response(
            gateway.metrics.text(up=gateway.upstream.is_up, busy=gateway.served.busy),
            media_type="text/plain; version=0.0.4",
        )

    return metrics


def _models(gateway: Gateway) -> Callable[..., Any]:
    def models(authorization: Annotated[str, Header()] = "") -> dict[str, Any]:
        gateway.access.person(authorization)
        served = gateway.served
        named = [(BASE, None), (ALIAS, served.champion or BASE)]
        named += [(name, BASE) for name in served.names()]
        return {
            "object": "list",
            "data": [
                {"id": n, "object": "model", "created": 0, "owned_by": "steppe", "parent": parent}
                for n, parent in named
            ],
        }

    return models


def _chat(gateway: Gateway) -> Callable[..., Any]:
    async def chat(
        body: ChatRequest,
        told: Annotated[front_ends.Told, Depends(front_ends.told)],
        authorization: Annotated[str, Header()] = "",
    ) -> Any:
        person = gateway.access.person(authorization, told.person or body.user or "")
        person.needs("chat")
        gateway.access.admit(person)
        gateway.places.take(person.name)
        try:
            answer = await gateway.answer(body, person, told)
        except BaseException:
            gateway.places.leave(person.name)
            raise
        return await answer.response()  # closes the account, and leaves the place

    return chat


def _embeddings(gateway: Gateway) -> Callable[..., Any]:
    async def embeddings(
        body: EmbeddingsRequest, authorization: Annotated[str, Header()] = ""
    ) -> Any:
        person = gateway.access.person(authorization)
        person.needs("chat")
        gateway.access.admit(person)
        texts = [body.input] if isinstance(body.input, str) else body.input
        if not texts or len(texts) > MAX_EMBEDDED:
            raise Problem(
                422, f"`input` holds {len(texts)} texts.", hint=f"send 1 to {MAX_EMBEDDED}"
            )
        if gateway.encoder is None:
            raise Problem(404, "No encoder is set.", hint="set `encoder`")
        found = await asyncio.to_thread(gateway.encoder.encode, texts)
        return {
            "object": "list",
            "model": gateway.encoder.encoder_id,
            "data": [
                {"object": "embedding", "index": n, "embedding": _as(body.encoding_format, row)}
                for n, row in enumerate(found)
            ],
            "usage": {"prompt_tokens": 0, "total_tokens": 0},
        }

    return embeddings


def _feedback(gateway: Gateway) -> Callable[..., Any]:
    async def feedback(
        body: FeedbackRequest,
        authorization: Annotated[str, Header()] = "",
        user: Annotated[str, Query(max_length=256)] = "",
    ) -> dict[str, str]:
        person = gateway.access.person(authorization, user)
        person.needs("feedback")
        gateway.access.admit(person)
        event = event_of(body, person.name, gateway.given, datetime.now(UTC))
        await gateway.log.write("feedback", **event)
        return {"feedback_id": event["feedback_id"]}

    return feedback


def _asked(said: Sequence[Mapping[str, Any]]) -> str:
    """Return what the person asks, also while tools are called for it; empty where nobody asks."""
    for message in reversed(said):
        if message["role"] == "user":
            return str(message.get("content") or "")
        if message["role"] != "tool" and not message.get("tool_calls"):
            return ""
    return ""


def _as(encoding: str, row: Any) -> Any:
    if encoding == "float":
        return row.tolist()
    import base64

    return base64.b64encode(row.astype("<f4").tobytes()).decode()


def _deploy(gateway: Gateway) -> Callable[..., Any]:
    async def deploy(body: DeployRequest) -> dict[str, Any]:
        served = (gateway.upstream, gateway.served, body.name)
        async with gateway.switching:
            return await switching.deploy(*served, body.as_probe())

    return deploy


def _canary(gateway: Gateway) -> Callable[..., Any]:
    async def canary(body: CanaryRequest) -> dict[str, Any]:
        served = (gateway.upstream, gateway.served, body.name)
        async with gateway.switching:
            return await switching.try_on(*served, body.share, body.as_probe())

    return canary
