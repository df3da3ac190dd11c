"""The OpenAI-compatible API of the served assistant.

`/v1/chat/completions` (whole and streamed), `/v1/models`, `/health`, and for the owner's own tools
`/admin/deploy`, which needs the token that only the owner's account can read.  The model named
`steppe` is whatever adapter is deployed; `steppe@<sha12>` is that very adapter; `base` is the base
model.  A request names models by these names only, so none can reach the file system.
"""

from __future__ import annotations

import asyncio
import hmac
import json
import time
import uuid
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

from fastapi import Depends, FastAPI, Header, HTTPException, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, StreamingResponse
from pydantic import BaseModel, Field

from lake.errors import DeploymentError
from lake.ids import json_id
from models.chat import prompt_tokens
from models.serving import engine as engines
from models.serving.conversation_log import ConversationLog

ALIAS = "steppe"
BASE_NAME = "base"
DEPLOYABLE = r"^(base|steppe@[0-9a-f]{12})$"
PROBE_FLOOR = 1e-4  # float32 logits of one prompt repeat to about 1e-5 between batch shapes
REMEMBERED_CONVERSATIONS = 10_000


class ChatMessage(BaseModel):
    """One message of a request; unknown fields of other clients are ignored."""

    role: Literal["system", "developer", "user", "assistant", "tool"]
    content: str | list[dict[str, Any]] | None = None

    def as_chat(self) -> dict[str, str]:
        """Return `{"role", "content"}` with text parts joined; other parts are refused."""
        role = "system" if self.role == "developer" else self.role
        if isinstance(self.content, list):
            if any(part.get("type") != "text" for part in self.content):
                raise HTTPException(422, "only text parts can be answered here")
            text = "".join(str(part.get("text") or "") for part in self.content)
        else:
            text = self.content or ""
        if not _is_text(text):
            raise HTTPException(422, "a message holds half a surrogate pair, which is no text")
        return {"role": role, "content": text}


class ChatRequest(BaseModel):
    """The part of OpenAI's request that is honoured."""

    model: str = Field(max_length=64)
    messages: list[ChatMessage] = Field(min_length=1, max_length=1000)
    stream: bool = False
    temperature: float = Field(0.0, ge=0, le=2)
    top_p: float = Field(1.0, gt=0, le=1)
    max_tokens: int | None = Field(None, ge=1, le=4096)
    max_completion_tokens: int | None = Field(None, ge=1, le=4096)
    seed: int = Field(0, ge=0, lt=2**63)
    stop: str | list[str] | None = None
    n: Literal[1] = 1
    user: str = Field("", max_length=256)

    def sampling(self) -> engines.Sampling:
        """Return how to draw the answer."""
        stop = [self.stop] if isinstance(self.stop, str) else self.stop or []
        return engines.Sampling(
            max_tokens=self.max_completion_tokens or self.max_tokens or 128,
            temperature=self.temperature,
            top_p=self.top_p,
            seed=self.seed,
            stop=tuple(s for s in stop if s),
        )


class DeployRequest(BaseModel):
    """Which adapter to serve, by its content-addressed name; none serves the bare base."""

    name: str = Field(pattern=DEPLOYABLE)
    probe: list[ChatMessage] = Field(min_length=1)


@dataclass
class Conversations:
    """Recognises a conversation by what was said in it so far, since the API carries no id."""

    known: OrderedDict[str, str] = field(default_factory=OrderedDict)

    def id_of(self, user: str, messages: list[dict[str, str]]) -> str:
        """Return the id of the conversation whose newest turn this is, new or known.

        A turn continues a conversation once: who goes on from the same words otherwise has a
        conversation of its own.
        """
        return self.known.pop(self._key(user, messages[:-1]), "") or uuid.uuid4().hex

    def remember(self, conversation_id: str, user: str, messages: list[dict[str, str]]) -> None:
        """Note how far a conversation has come."""
        self.known[self._key(user, messages)] = conversation_id
        while len(self.known) > REMEMBERED_CONVERSATIONS:
            self.known.popitem(last=False)

    @staticmethod
    def _key(user: str, messages: list[dict[str, str]]) -> str:
        said = [m for m in messages if m["role"] != "system"]
        return json_id([user, said]) if said else ""


@dataclass
class Service:
    """What the routes share: the engine, the log, which adapter the alias means."""

    engine: engines.Engine
    log: ConversationLog
    adapters_dir: Path
    admin_token: str
    api_key: str = ""
    deployed: str = ""
    conversations: Conversations = field(default_factory=Conversations)

    def adapter_of(self, model: str) -> str:
        """Return the engine's name of a requested model, or answer 404."""
        if model == BASE_NAME or (model == ALIAS and not self.deployed):
            return engines.BASE
        name = self.deployed if model == ALIAS else model
        if name not in self.engine.adapters:
            raise HTTPException(404, f"The model `{model}` does not exist.")
        return name

    def folder_of(self, name: str) -> Path:
        """Return the folder of a content-addressed name, found by listing, never by joining."""
        digits = name.partition("@")[2]
        for folder in sorted(self.adapters_dir.iterdir()) if self.adapters_dir.exists() else []:
            if folder.name.startswith(digits) and (folder / "adapter_config.json").exists():
                return folder
        raise HTTPException(404, f"There is no adapter `{name}`.")

    async def deploy(self, name: str, probe: list[dict[str, str]]) -> dict[str, Any]:
        """Load, warm, probe, switch; then unload the old adapter once nobody uses it.

        The name `base` takes every adapter away.
        """
        if name == BASE_NAME:
            return await self._switch("", probe_difference=0.0)
        call = self.engine.call
        try:
            await asyncio.wrap_future(call(self.engine.load_adapter, name, self.folder_of(name)))
        except DeploymentError as error:
            raise HTTPException(409, str(error)) from error
        ids = encode(self.engine, probe)
        base = await asyncio.wrap_future(call(self.engine.last_logits, ids, engines.BASE))
        tuned = await asyncio.wrap_future(call(self.engine.last_logits, ids, name))
        difference = float((tuned - base).abs().max())
        if difference < PROBE_FLOOR:
            raise HTTPException(409, f"`{name}` moves no logit by more than {difference:.2g}.")
        return await self._switch(name, probe_difference=difference)

    async def _switch(self, name: str, *, probe_difference: float) -> dict[str, Any]:
        previous, self.deployed = self.deployed, name
        if previous and previous != name:
            await self._drain(previous)
        return {"name": name, "previous": previous, "probe_difference": probe_difference}

    async def _drain(self, name: str) -> None:
        for _ in range(1200):  # a minute: the longest answer is shorter
            if await asyncio.wrap_future(self.engine.call(self.engine.unload_adapter, name)):
                return
            await asyncio.sleep(0.05)


def encode(engine: engines.Engine, messages: list[dict[str, str]]) -> list[int]:
    """Return the prompt's token ids, or answer 422 for one that leaves no room for an answer."""
    ids = prompt_tokens(engine.tokenizer, messages)
    if len(ids) >= engine.max_length:
        raise HTTPException(
            422, f"The conversation has {len(ids)} tokens; this model reads {engine.max_length}."
        )
    return ids


def build(service: Service) -> FastAPI:
    """Return the application over a service; the engine stops with it."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        if not service.engine.is_alive():
            service.engine.start()
        yield
        service.engine.stop()

    app = FastAPI(title="Steppe", lifespan=lifespan, docs_url=None, redoc_url=None)
    app.add_exception_handler(HTTPException, _problem)
    app.add_exception_handler(RequestValidationError, _invalid)
    keyed = [Depends(_bearer(service.api_key))]
    app.get("/health")(_health(service))
    app.get("/v1/models", dependencies=keyed)(_models(service))
    app.post("/v1/chat/completions", dependencies=keyed)(_chat(service))
    owner = [Depends(_bearer(service.admin_token, required=True))]
    app.post("/admin/deploy", dependencies=owner)(_deploy(service))
    return app


def _bearer(secret: str, *, required: bool = False) -> Callable[..., None]:
    def check(authorization: Annotated[str, Header()] = "") -> None:
        wanted = f"Bearer {secret}".encode()
        if (secret or required) and not hmac.compare_digest(authorization.encode(), wanted):
            raise HTTPException(401, "This address needs its bearer token.")

    return check


def _health(service: Service) -> Callable[[], Any]:
    def health() -> Any:
        alive = service.engine.is_alive()
        body = {"status": "ok" if alive else "down", "deployed": service.deployed or BASE_NAME}
        return JSONResponse(body, 200 if alive else 503)

    return health


def _models(service: Service) -> Callable[[], Any]:
    def models() -> dict[str, Any]:
        named = [(BASE_NAME, None), (ALIAS, service.deployed or BASE_NAME)]
        named += [(name, BASE_NAME) for name in sorted(service.engine.adapters)]
        return {
            "object": "list",
            "data": [
                {"id": n, "object": "model", "created": 0, "owned_by": "steppe", "parent": parent}
                for n, parent in named
            ],
        }

    return models


def _deploy(service: Service) -> Callable[..., Any]:
    async def deploy(body: DeployRequest) -> dict[str, Any]:
        return await service.deploy(body.name, [m.as_chat() for m in body.probe])

    return deploy


def _chat(service: Service) -> Callable[..., Any]:
    async def chat(
        body: ChatRequest,
        http: Request,
        x_conversation_id: Annotated[str, Header(pattern=r"^[A-Za-z0-9-]{0,64}$")] = "",
    ) -> Any:
        messages = [m.as_chat() for m in body.messages]
        answer = Answer.begin(service, body, messages, x_conversation_id)
        if body.stream:
            return StreamingResponse(answer.events(), media_type="text/event-stream")
        return await answer.whole(http)

    return chat


@dataclass
class Answer:
    """One answer on its way: fed by the engine's thread, read by one client, logged at its end."""

    service: Service
    model: str
    adapter: str
    user: str
    conversation_id: str
    messages: list[dict[str, str]]
    request: engines.Request
    pieces: asyncio.Queue[engines.Piece]
    request_id: str = field(default_factory=lambda: f"chatcmpl-{uuid.uuid4().hex}")
    created: int = field(default_factory=lambda: int(time.time()))
    text: str = ""

    @classmethod
    def begin(
        cls, service: Service, body: ChatRequest, messages: list[dict[str, str]], conversation: str
    ) -> Answer:
        """Log the request, then hand it to the engine."""
        adapter = service.adapter_of(body.model)
        ids = encode(service.engine, messages)
        loop, pieces = asyncio.get_running_loop(), asyncio.Queue[engines.Piece]()

        def sink(piece: engines.Piece) -> None:
            loop.call_soon_threadsafe(pieces.put_nowait, piece)

        request = engines.Request(ids, adapter, body.sampling(), sink)
        conversation = conversation or service.conversations.id_of(body.user, messages)
        answer = cls(
            service, body.model, adapter, body.user, conversation, messages, request, pieces
        )
        answer.record("request", messages=messages)
        service.engine.submit(request)
        return answer

    def record(self, event: str, **fields: Any) -> None:
        """Write an event of this answer to the conversation log."""
        self.service.log.write(
            event,
            conversation_id=self.conversation_id,
            request_id=self.request_id,
            user=self.user,
            adapter=self.adapter,
            **fields,
        )

    async def parts(self) -> AsyncIterator[engines.Piece]:
        """Yield the pieces; however it ends, what the client saw is in the log."""
        finish = "cut"
        try:
            while finish == "cut":
                piece = await self.pieces.get()
                self.text += piece.text
                finish = piece.finish or "cut"
                yield piece
                if piece.finish:
                    break
        finally:
            self.request.cancelled = True
            self.record("answer", content=self.text, finish=finish)
            said = [*self.messages, {"role": "assistant", "content": self.text}]
            self.service.conversations.remember(self.conversation_id, self.user, said)

    async def whole(self, http: Request) -> Any:
        """Return the answer as one JSON body; a client that left stops the decoding."""
        finish = ""
        async for piece in self.parts():
            finish = piece.finish
            if not finish and await http.is_disconnected():
                self.request.cancelled = True
        if finish == "failed":
            raise HTTPException(500, "The model failed on this conversation.")
        message = {"role": "assistant", "content": self.text}
        used, made = len(self.request.ids), len(self.request.answered)
        return {
            **self._head("chat.completion"),
            "choices": [{"index": 0, "message": message, "finish_reason": _openai(finish)}],
            "usage": {
                "prompt_tokens": used,
                "completion_tokens": made,
                "total_tokens": used + made,
            },
        }

    async def events(self) -> AsyncIterator[str]:
        """Yield the answer as server-sent events, `[DONE]` last."""
        yield self._event({"role": "assistant", "content": ""})
        async for piece in self.parts():
            if piece.text:
                yield self._event({"content": piece.text})
            if piece.finish:
                yield self._event({}, _openai(piece.finish))
        yield "data: [DONE]\n\n"

    def _event(self, delta: dict[str, str], finish: str | None = None) -> str:
        body = {
            **self._head("chat.completion.chunk"),
            "choices": [{"index": 0, "delta": delta, "finish_reason": finish}],
        }
        return f"data: {json.dumps(body, ensure_ascii=False)}\n\n"

    def _head(self, kind: str) -> dict[str, Any]:
        served = BASE_NAME if self.adapter == engines.BASE else self.adapter
        return {
            "id": self.request_id,
            "object": kind,
            "created": self.created,
            "model": served,
            "system_fingerprint": served,
        }


def _is_text(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _openai(finish: str) -> str:
    return "length" if finish == "length" else "stop"


async def _problem(_: Request, error: Exception) -> JSONResponse:
    code = getattr(error, "status_code", 500)
    return JSONResponse(_error(str(getattr(error, "detail", error)), code), code)


async def _invalid(_: Request, error: Exception) -> JSONResponse:
    first = error.errors()[0] if isinstance(error, RequestValidationError) else {}
    where = ".".join(str(part) for part in first.get("loc", ()))
    return JSONResponse(_error(f"{where}: {first.get('msg', 'invalid')}", 422), 422)


def _error(message: str, code: int) -> dict[str, Any]:
    return {"error": {"message": message, "type": "invalid_request_error", "code": code}}
