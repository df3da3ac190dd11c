"""The embedded server: the engine behind that part of vLLM's API which the gateway uses.

    GET  /health, /metrics, /v1/models
    POST /v1/chat/completions       whole, streamed, with tools, and with `logprobs` of one token
    POST /tokenize                  how many tokens a conversation has
    POST /v1/load_lora_adapter, /v1/unload_lora_adapter

It listens on loopback, and every request must carry the token of the process that started it: it
loads adapters by their paths, as vLLM does, and only the gateway may name one.
"""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fastapi import Depends, FastAPI, Request
from fastapi.responses import JSONResponse, PlainTextResponse, StreamingResponse
from pydantic import BaseModel, Field

from lake.errors import DeploymentError
from models.chat import prompt_tokens
from models.primer.formats.tools import CALCULATOR, CLOCK
from models.serving import engine as engines
from models.serving import events, problems, tool_calls
from models.serving.access import bearing
from models.serving.problems import Problem
from models.serving.requests import ChatMessage, ChatRequest

BASE = "base"
NEW_TOKENS = 128
"""Tokens of an answer where a request names no limit."""
OTHER_LOGPROBS = 20


class LoadRequest(BaseModel):
    """An adapter to load, in vLLM's words."""

    lora_name: str = Field(pattern=r"^steppe@[0-9a-f]{12}$")
    lora_path: str


class UnloadRequest(BaseModel):
    """An adapter to unload, in vLLM's words."""

    lora_name: str


class TokenizeRequest(BaseModel):
    """A conversation to count, in vLLM's words."""

    model: str = BASE
    messages: list[ChatMessage] = Field(min_length=1)
    tools: list[dict[str, Any]] | None = None


@dataclass
class Embedded:
    """What the routes share: the engine, and the token that a request must carry.

    `schooled` says that the base was grown here, and knows no tool but those of its schooling.
    """

    engine: engines.Engine
    token: str = ""
    schooled: bool = False
    requests: int = 0
    tokens: int = 0

    def adapter_of(self, model: str) -> str:
        """Return the engine's name of a model, or answer 404."""
        if model == BASE:
            return engines.BASE
        if model not in self.engine.adapters:
            raise Problem(404, f"The model `{model}` does not exist.", hint="see `/v1/models`")
        return model

    def known(self, tools: tool_calls.Tools) -> list[dict[str, Any]]:
        """Return those of a request's tools that the model is told of."""
        return tool_calls.within(tools, (CALCULATOR, CLOCK)) if self.schooled else list(tools or ())

    def prompt(self, messages: list[dict[str, Any]]) -> list[int]:
        """Return the prompt's token ids, or answer 422 for one that leaves no room."""
        ids = prompt_tokens(self.engine.tokenizer, messages)
        if len(ids) >= self.engine.max_length:
            raise Problem(
                422,
                f"The conversation has {len(ids)} tokens; this model reads "
                f"{self.engine.max_length}.",
                hint="leave out older messages",
            )
        return ids

    async def run(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """Run a function on the engine's thread, between two steps."""
        return await asyncio.wrap_future(self.engine.call(function, *arguments))


def build(service: Embedded) -> FastAPI:
    """Return the application over a service; the engine stops with it."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        if not service.engine.is_alive():
            service.engine.start()
        yield
        service.engine.stop()

    words, hint = "This address needs its token.", "ask the gateway instead"
    owner = [Depends(bearing(service.token, words, hint))] if service.token else []
    app = FastAPI(title="Steppe embedded", lifespan=lifespan, docs_url=None, redoc_url=None)
    problems.install(app)
    app.get("/health")(_health(service))
    app.get("/metrics", dependencies=owner)(_metrics(service))
    app.get("/v1/models", dependencies=owner)(_models(service))
    app.post("/tokenize", dependencies=owner)(_tokenize(service))
    app.post("/v1/chat/completions", dependencies=owner)(_chat(service))
    app.post("/v1/load_lora_adapter", dependencies=owner)(_load(service))
    app.post("/v1/unload_lora_adapter", dependencies=owner)(_unload(service))
    return app


def _health(service: Embedded) -> Callable[[], Any]:
    async def health() -> Any:  # in the loop: it waits for no thread that loads an adapter
        alive = service.engine.is_alive()
        return JSONResponse({"status": "ok" if alive else "down"}, 200 if alive else 503)

    return health


def _metrics(service: Embedded) -> Callable[[], Any]:
    def metrics() -> PlainTextResponse:
        running, waiting = service.engine.load
        told = {
            "vllm:num_requests_running": running,
            "vllm:num_requests_waiting": waiting,
            "vllm:request_success_total": service.requests,
            "vllm:generation_tokens_total": service.tokens,
        }
        return PlainTextResponse("".join(f"{name} {value}\n" for name, value in told.items()))

    return metrics


def _models(service: Embedded) -> Callable[[], Any]:
    def models() -> dict[str, Any]:
        named = [(BASE, None), *((name, BASE) for name in sorted(service.engine.adapters))]
        return {
            "object": "list",
            "data": [
                {
                    "id": n,
                    "object": "model",
                    "created": 0,
                    "owned_by": "steppe",
                    "parent": parent,
                    "max_model_len": service.engine.max_length,
                }
                for n, parent in named
            ],
        }

    return models


def _tokenize(service: Embedded) -> Callable[..., Any]:
    def tokenize(body: TokenizeRequest) -> dict[str, Any]:
        said = tool_calls.plain([m.as_chat() for m in body.messages], service.known(body.tools))
        ids = prompt_tokens(service.engine.tokenizer, said)
        return {"count": len(ids), "max_model_len": service.engine.max_length, "tokens": ids}

    return tokenize


def _load(service: Embedded) -> Callable[..., Any]:
    async def load(body: LoadRequest) -> dict[str, str]:
        try:
            await service.run(service.engine.load_adapter, body.lora_name, Path(body.lora_path))
        except DeploymentError as error:
            raise Problem(409, error.message, hint=error.hint) from error
        return {"status": "loaded"}

    return load


def _unload(service: Embedded) -> Callable[..., Any]:
    async def unload(body: UnloadRequest) -> dict[str, str]:
        if not await service.run(service.engine.unload_adapter, body.lora_name):
            raise Problem(409, f"`{body.lora_name}` answers still.", hint="ask again")
        return {"status": "unloaded"}

    return unload


def _chat(service: Embedded) -> Callable[..., Any]:
    async def chat(body: ChatRequest, http: Request) -> Any:
        adapter = service.adapter_of(body.model)
        body.tools = service.known(body.tools)
        ids = service.prompt(tool_calls.plain(body.chat(), body.tools))
        if body.logprobs:
            return await _first_token(service, body, adapter, ids)
        answer = Answer.begin(service, body, adapter, ids)
        if body.stream:
            return StreamingResponse(answer.events(), media_type=events.MEDIA_TYPE)
        return await answer.whole(http)

    return chat


async def _first_token(
    service: Embedded, body: ChatRequest, adapter: str, ids: list[int]
) -> dict[str, Any]:
    """Return the likeliest first token with the log-probabilities of the next ones behind it."""
    if body.stream or body.new_tokens != 1:
        raise Problem(422, "`logprobs` are told of one token.", hint="ask with `max_tokens` 1")
    logits = await service.run(service.engine.last_logits, ids, adapter)
    values, tokens = logits.log_softmax(-1).topk(body.top_logprobs or OTHER_LOGPROBS)
    listed = [
        {"token": service.engine.tokenizer.decode([int(token)]), "logprob": float(value)}
        for token, value in zip(tokens, values, strict=True)
    ]
    said = listed[0]["token"]
    told = Answer.begin(service, body, adapter, ids, submit=False)
    return told.body(said, "length", logprobs={"content": [{**listed[0], "top_logprobs": listed}]})


@dataclass
class Answer:
    """One answer on its way: fed by the engine's thread, read by one client."""

    service: Embedded
    body_asked: ChatRequest
    request: engines.Request
    pieces: asyncio.Queue[engines.Piece]
    answer_id: str = field(default_factory=lambda: f"chatcmpl-{uuid.uuid4().hex}")
    created: int = field(default_factory=lambda: int(time.time()))

    @classmethod
    def begin(
        cls,
        service: Embedded,
        body: ChatRequest,
        adapter: str,
        ids: list[int],
        *,
        submit: bool = True,
    ) -> Answer:
        """Hand a request to the engine."""
        loop, pieces = asyncio.get_running_loop(), asyncio.Queue[engines.Piece]()

        def sink(piece: engines.Piece) -> None:
            loop.call_soon_threadsafe(pieces.put_nowait, piece)

        request = engines.Request(ids, adapter, _sampling(body), sink)
        if submit:
            service.engine.submit(request)
        return cls(service, body, request, pieces)

    async def parts(self) -> AsyncIterator[engines.Piece]:
        """Yield the pieces; decoding stops with whoever reads them."""
        try:
            while True:
                piece = await self.pieces.get()
                yield piece
                if piece.finish:
                    return
        finally:
            self.request.cancelled = True
            self.service.requests += 1
            self.service.tokens += len(self.request.answered)

    async def whole(self, http: Request) -> Any:
        """Return the answer as one JSON body; a client that left stops the decoding."""
        text, finish = "", ""
        async for piece in self.parts():
            text, finish = text + piece.text, piece.finish
            if not finish and await http.is_disconnected():
                self.request.cancelled = True
        if finish == "failed":
            raise Problem(500, "The model failed on this conversation.", hint="ask again")
        return self.body(text, finish)

    def body(self, text: str, finish: str, **more: Any) -> dict[str, Any]:
        """Return OpenAI's body of a whole answer."""
        message, reason = tool_calls.message(text, self.body_asked.tools, _openai(finish))
        return {
            **self._head("chat.completion"),
            "choices": [{"index": 0, "message": message, "finish_reason": reason, **more}],
            "usage": self._usage(),
        }

    async def events(self) -> AsyncIterator[str]:
        """Yield the answer as server-sent events, `[DONE]` last.

        Where tools are at hand the answer comes in one piece: it may turn out to be a call.
        """
        yield self._event({"role": "assistant", "content": ""})
        held = ""
        async for piece in self.parts():
            if piece.finish == "failed":
                broken = problems.body_of(500, "The model failed on this conversation.")
                yield events.line(broken)
                return
            if self.body_asked.tools:
                held += piece.text
            elif piece.text:
                yield self._event({"content": piece.text})
            if piece.finish:
                delta: dict[str, Any] = {}
                reason = _openai(piece.finish)
                if self.body_asked.tools:
                    delta, reason = tool_calls.message(held, self.body_asked.tools, reason)
                    delta = tool_calls.as_delta(delta)
                yield self._event(delta, reason)
        if self.body_asked.wants_usage:
            told = {**self._head("chat.completion.chunk"), "choices": [], "usage": self._usage()}
            yield events.line(told)
        yield events.DONE

    def _usage(self) -> dict[str, int]:
        used, made = len(self.request.ids), len(self.request.answered)
        return {
            "prompt_tokens": used,
            "completion_tokens": made,
            "total_tokens": used + made,
        }

    def _event(self, delta: dict[str, Any], finish: str | None = None) -> str:
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        told = {**self._head("chat.completion.chunk"), "choices": [choice]}
        return events.line(told)

    def _head(self, kind: str) -> dict[str, Any]:
        served = BASE if self.request.adapter == engines.BASE else self.request.adapter
        return {"id": self.answer_id, "object": kind, "created": self.created, "model": served}


def _sampling(body: ChatRequest) -> engines.Sampling:
    stop = [body.stop] if isinstance(body.stop, str) else body.stop or []
    return engines.Sampling(
        max_tokens=body.new_tokens or NEW_TOKENS,
        temperature=body.temperature or 0.0,
        top_p=body.top_p or 1.0,
        seed=body.seed or 0,
        stop=tuple(s for s in stop if s),
    )


def _openai(finish: str) -> str:
    return "length" if finish == "length" else "stop"
