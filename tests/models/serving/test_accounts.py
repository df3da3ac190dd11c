"""However an answer ends, its account is closed: logged once, pieces gone, nothing on its way."""

import asyncio
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import httpx
import pytest
from fastapi import FastAPI, Request, Response
from fastapi.responses import StreamingResponse

from models.serving.access import Access
from models.serving.conversation_log import ConversationLog
from models.serving.gateway import Gateway, build
from models.serving.served import Served
from models.serving.upstream import Upstream
from models.testing import over_http

HELLO = [{"role": "user", "content": "Привет!"}]
WORDS = ["Твою", " собаку", " зовут", " Буран."]


class Script:
    """What the upstream answers: `whole` as it is, `pieces` one after the other."""

    def __init__(self) -> None:
        self.whole: object = None
        self.pieces: list[str] = [*map(self.piece, WORDS), self.piece("", "stop")]
        self.pause = 0.0

    @staticmethod
    def piece(text: str, finish: str | None = None) -> str:
        choice = {"index": 0, "delta": {"content": text}, "finish_reason": finish}
        return f"data: {json.dumps({'choices': [choice]})}\n\n"

    def app(self) -> FastAPI:
        app = FastAPI()
        app.get("/health")(lambda: {"status": "ok"})
        app.get("/v1/models")(lambda: {"data": []})

        @app.post("/v1/chat/completions")
        async def chat(request: Request) -> Response:
            if not (await request.json()).get("stream"):
                return Response(json.dumps(self.whole), media_type="application/json")
            return StreamingResponse(self.stream(), media_type="text/event-stream")

        return app

    async def stream(self):
        for piece in [*self.pieces, "data: [DONE]\n\n"]:
            yield piece
            await asyncio.sleep(self.pause)


@pytest.fixture
def talk(tmp_path: Path) -> Iterator[SimpleNamespace]:
    """A gateway before a scripted upstream: `.url`, `.gateway`, `.script`, `.ask`, `.log`."""
    script = Script()
    with over_http(script.app()) as upstream:
        gateway = Gateway(
            upstream=Upstream(upstream),
            log=ConversationLog(tmp_path / "inbox", tmp_path / "streams"),
            access=Access(tmp_path / "keys.json", "owner", lambda n: n, per_minute=100_000),
            served=Served(tmp_path / "adapters"),
            admin_token="secret",
        )
        with over_http(build(gateway)) as url:
            wait_until(lambda: httpx.get(f"{url}/health").status_code == 200)
            yield SimpleNamespace(
                url=f"{url}/v1/chat/completions",
                gateway=gateway,
                script=script,
                streams=tmp_path / "streams",
                log=lambda: logged(tmp_path),
            )


def logged(home: Path) -> list[dict]:
    lines = [line for path in home.rglob("gateway.jsonl") for line in path.open(encoding="utf-8")]
    return [json.loads(line) for line in lines]


def wait_until(true: Callable[[], object]) -> None:
    until = time.monotonic() + 20
    while not true():
        assert time.monotonic() < until
        time.sleep(0.02)


def ask(talk: SimpleNamespace, messages: list[dict] = HELLO, **more: object) -> httpx.Response:
    return httpx.post(talk.url, json={"model": "steppe", "messages": messages, **more}, timeout=20)


def is_closed(talk: SimpleNamespace) -> bool:
    left = list(talk.streams.glob("*")) if talk.streams.exists() else []
    busy = any(talk.gateway.served.busy.values()) or any(talk.gateway.places.taken.values())
    return not left and not busy


@pytest.mark.parametrize("seen", [0, 1, len(WORDS)])
def test_clients_that_leave_close_their_accounts(talk, seen) -> None:
    talk.script.pause = 0.01
    body = {"model": "steppe", "messages": HELLO, "stream": True}
    for _ in range(20):
        with httpx.stream("POST", talk.url, json=body) as answer:
            lines = (line for line in answer.iter_lines() if line)
            for _, _line in zip(range(seen), lines, strict=False):
                pass

    wait_until(lambda: is_closed(talk))
    asked = [event["request_id"] for event in talk.log() if event["event"] == "request"]
    assert sorted(asked) == sorted(e["request_id"] for e in talk.log() if e["event"] == "answer")
    assert 200 == ask(talk, stream=True).status_code


def test_what_is_handed_to_the_log_is_not_called_back(talk) -> None:
    writing = talk.gateway.log.put("request", number=1)

    assert not writing.cancel()
    writing.result(10)


@pytest.mark.parametrize(
    "whole", [{}, {"choices": []}, {"choices": [{"message": {"content": "Да."}}]}, [], None]
)
def test_an_upstream_that_makes_no_sense_is_an_answer_that_failed(talk, whole) -> None:
    talk.script.whole = whole

    told = ask(talk)

    assert (503, True) == (told.status_code, "retry-after" in told.headers)
    assert ["request", "answer"] == [event["event"] for event in talk.log()]
    assert "failed" == talk.log()[-1]["finish"]
    assert is_closed(talk)


def test_a_stream_that_ends_before_it_begins_is_an_answer_that_failed(talk) -> None:
    talk.script.pieces = []

    assert 503 == ask(talk, stream=True).status_code
    assert "failed" == talk.log()[-1]["finish"]
    assert is_closed(talk)


def test_an_answer_that_cannot_be_logged_is_told_and_kept_for_the_next_start(talk) -> None:
    append = talk.gateway.log._append

    def full(path: Path, lines: list) -> None:
        if any(b'"event": "answer"' in line for line, _ in lines):
            for _, done in lines:
                done.set_exception(OSError(28, "No space left on device"))
        else:
            append(path, lines)

    talk.gateway.log._append = full
    said = ask(talk, stream=True).text
    talk.gateway.log._append = append

    assert "No space left on device" in said
    assert "[DONE]" not in said
    assert {"base": 0} == dict(talk.gateway.served.busy)
    assert 1 == talk.gateway.log.recover()
    assert ("".join(WORDS), "cut") == (talk.log()[-1]["content"], talk.log()[-1]["finish"])


def test_who_asks_again_after_an_error_is_in_the_same_conversation(talk) -> None:
    first = ask(talk, stream=True)
    assert 200 == first.status_code
    longer = [*HELLO, {"role": "assistant", "content": "".join(WORDS)}, HELLO[0]]
    talk.script.whole = {}
    refused = ask(talk, longer)
    again = ask(talk, longer, stream=True)

    assert (503, 200) == (refused.status_code, again.status_code)
    assert 1 == len({event["conversation_id"] for event in talk.log()})
