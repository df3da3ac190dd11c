"""The assistant's own tools in a chat: a scripted upstream over real HTTP, and the real base."""

import json
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import openai
import pytest

from models.base import find_base
from models.encoders import load_encoder
from models.memory.addressing import is_personal
from models.serving import access
from models.serving.answer_cache import AnswerCache
from models.serving.conversation_log import ConversationLog
from models.serving.gateway import Gateway, build
from models.serving.own_tools import OwnTools
from models.serving.served import Served
from models.serving.upstream import Upstream
from models.testing import over_http
from models.tools import Tool
from models.tools.calculator import calculator
from models.tools.clock import clock
from models.tools.react import TOO_LONG
from models.tools.tool import taking

MODELS = Path(
    os.environ.get("STEPPE_TEST_MODELS", Path(__file__).parents[3] / ".steppe" / "test-models")
)
NOW = datetime(2026, 11, 27, 9, 5)  # noqa: DTZ001
ASKED = [{"role": "user", "content": "Сколько будет 4821 умножить на 37?"}]
TOOLS = {"own_tools": True}


# --- an upstream that says what it is told to ------------------------------------------------


@dataclass
class Script:
    """A chat server without a model: it says `turns` in order, and the last one for ever.

    A turn is words, in pieces if they are a tuple, or calls, a dictionary of arguments by name,
    with words under the empty name; `None` breaks off.
    """

    turns: list[Any]
    reads: int = 0
    asked: list[dict[str, Any]] = field(default_factory=list)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        body = await _body(receive)
        if scope["path"] == "/tokenize":
            told: Any = {"count": len(json.dumps(body["messages"])), "max_model_len": self.reads}
        elif scope["path"] != "/v1/chat/completions":
            told = {"data": [{"id": "base", "max_model_len": self.reads}]}
        else:
            await self._answer(body, send)
            return
        await _send(send, json.dumps(told))

    async def _answer(self, body: dict[str, Any], send: Any) -> None:
        self.asked.append(body)
        turn = self.turns.pop(0) if len(self.turns) > 1 else self.turns[0]
        if turn is None:
            await _send(send, "", status=500)
        elif not body.get("stream"):
            message = _message(turn)
            finish = "tool_calls" if "tool_calls" in message else "stop"
            choice = {"index": 0, "message": message, "finish_reason": finish}
            told = {"choices": [choice], "usage": _usage()}
            await _send(send, json.dumps(told))
        else:
            pieces = (turn,) if isinstance(turn, str) else turn
            events = [{"choices": [{"index": 0, "delta": {"content": p}}]} for p in pieces if p]
            if pieces[-1] is not None:
                end = {"index": 0, "delta": {}, "finish_reason": "stop"}
                events += [{"choices": [end]}, {"choices": [], "usage": _usage()}]
            lines = [f"data: {json.dumps(event)}\n\n" for event in events]
            await _send(send, "".join([*lines, "data: [DONE]\n\n" * (pieces[-1] is not None)]))


def _message(turn: Any) -> dict[str, Any]:
    if isinstance(turn, str | tuple):
        return {"role": "assistant", "content": "".join(turn)}
    calls = [
        {
            "id": f"id{number}",
            "type": "function",
            "function": {"name": name, "arguments": json.dumps(given)},
        }
        for number, (name, given) in enumerate(turn.items())
        if name
    ]
    return {"role": "assistant", "content": turn.get(""), "tool_calls": calls}


def _usage() -> dict[str, Any]:
    return {
        "prompt_tokens": 10,
        "completion_tokens": 2,
        "total_tokens": 12,
        "prompt_tokens_details": None,
    }


async def _body(receive: Any) -> dict[str, Any]:
    body, more = b"", True
    while more:
        message = await receive()
        body, more = body + message.get("body", b""), message.get("more_body")
    return json.loads(body or b"{}")


async def _send(send: Any, body: str, *, status: int = 200) -> None:
    await send({"type": "http.response.start", "status": status, "headers": []})
    await send({"type": "http.response.body", "body": body.encode()})


@pytest.fixture
def before(tmp_path: Path) -> Callable[..., Any]:
    """Serve a gateway before an address: `.url`, `.gateway`, `.client`, `.log()`.

    It lends these tools, all of them usual; a calculator and a clock without any.
    """

    @contextmanager
    def serve(
        inner: str, *, tools: tuple[Tool, ...] | None = None, seconds: float = 20.0, **more: Any
    ) -> Iterator[SimpleNamespace]:
        lent = (calculator(), clock(lambda: NOW)) if tools is None else tools
        usual = [tool.name for tool in lent]
        parts = {
            "upstream": Upstream(inner, token="inner"),
            "log": ConversationLog(tmp_path / "inbox", tmp_path / "streams"),
            "access": access.Access(
                tmp_path / "keys.json", "owner", lambda name: f"id of {name}", per_minute=100_000
            ),
            "served": Served(tmp_path / "adapters"),
            "admin_token": "secret",
            "own": OwnTools(lambda _: lent, usual, seconds=seconds),
        }
        gateway = Gateway(**{**parts, **more})
        with over_http(build(gateway)) as url:
            while httpx.get(f"{url}/health").status_code != 200:
                time.sleep(0.02)
            client = openai.OpenAI(base_url=f"{url}/v1", api_key="none", max_retries=0)
            yield SimpleNamespace(
                url=url,
                gateway=gateway,
                client=client,
                log=lambda: answers(tmp_path / "inbox"),
            )

    return serve


@pytest.fixture
def talking(before) -> Iterator[Callable[..., SimpleNamespace]]:
    """Serve a gateway before a script of turns, `.script`."""
    with ExitStack() as stack:

        def serve(*turns: Any, reads: int = 0, **more: Any) -> SimpleNamespace:
            script = Script(list(turns), reads)
            talk = stack.enter_context(before(stack.enter_context(over_http(script)), **more))
            talk.script = script
            return talk

        yield serve


def answers(inbox: Path) -> list[dict[str, Any]]:
    lines = [line for p in inbox.rglob("gateway.jsonl") for line in p.read_text().splitlines()]
    return [e for e in map(json.loads, lines) if e["event"] == "answer"]


def ask(talk: SimpleNamespace, **more: Any) -> Any:
    """Ask with the usual tools, or as `more` says."""
    options = {"model": "steppe", "messages": ASKED, "extra_body": TOOLS, **more}
    return talk.client.chat.completions.create(**options)


def post(talk: SimpleNamespace, key: str = "", **more: Any) -> httpx.Response:
    body = {"model": "steppe", "messages": ASKED, **TOOLS, **more}
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    return httpx.post(f"{talk.url}/v1/chat/completions", json=body, headers=headers, timeout=60)


def made(about: dict[str, Any]) -> list[tuple[str, str, str]]:
    return [(c["name"], c["arguments"], c["observation"]) for c in about["calls"]]


SUM = {"": "Надо умножить.", "calculator": {"expression": "4821*37"}}
SUM_MADE = ("calculator", '{"expression": "4821*37"}', "178377")


# --- what is told ----------------------------------------------------------------------------


def test_the_answer_stands_apart_from_calls_and_thoughts(talking) -> None:
    talk = talking(SUM, {"clock": {}}, "<think>Готово.</think>Это 178377.")

    told = ask(talk)

    about, (choice,) = told.model_extra["steppe"], told.choices
    assert ("Это 178377.", "stop") == (choice.message.content, choice.finish_reason)
    assert [SUM_MADE, ("clock", "{}", "09:05")] == made(about)
    assert all(0 <= call["seconds"] < 5 for call in about["calls"])
    assert (["Надо умножить.", "Готово."], "") == (about["thoughts"], about["stopped"])
    assert (30, 6, 36) == (
        told.usage.prompt_tokens,
        told.usage.completion_tokens,
        told.usage.total_tokens,
    )
    (line,) = talk.log()
    assert "Это 178377." == line["content"]
    assert made(about) == made(line)
    assert (about["thoughts"], 36) == (line["thoughts"], line["tokens"]["total_tokens"])


def test_the_model_reads_its_tools_and_what_they_observed(talking) -> None:
    talk = talking(SUM, "Это 178377.")

    ask(talk, temperature=0.5)

    first, second = talk.script.asked
    assert ["calculator", "clock"] == [t["function"]["name"] for t in first["tools"]]
    assert ["user", "assistant", "tool"] == [m["role"] for m in second["messages"]]
    assert second["messages"][1]["tool_calls"][0]["id"] == second["messages"][2]["tool_call_id"]
    assert (0.5, False, "base") == (second["temperature"], second["stream"], second["model"])
    assert "own_tools" not in first


def test_only_the_tools_that_a_request_names_are_at_hand(talking) -> None:
    talk = talking({"calculator": {"expression": "1+1"}}, "Не знаю.")

    told = ask(talk, extra_body={"own_tools": ["clock"]})

    assert ["clock"] == [t["function"]["name"] for t in talk.script.asked[0]["tools"]]
    (call,) = told.model_extra["steppe"]["calls"]
    assert call["observation"].startswith("Ошибка: инструмента `calculator` нет. Есть: `clock`.")


@pytest.mark.parametrize("names", [False, []])
def test_a_request_without_tools_is_answered_without(talking, names) -> None:
    talk = talking("Привет!")

    told = ask(talk, extra_body={"own_tools": names})

    assert "calls" not in told.model_extra["steppe"]
    assert "tools" not in talk.script.asked[0]


# --- streams ---------------------------------------------------------------------------------


def test_a_stream_tells_every_call_and_then_the_answer(talking) -> None:
    talk = talking(SUM, {"clock": {}}, "Это 178377.")

    chunks = list(ask(talk, stream=True, stream_options={"include_usage": True}))

    *said, usage = chunks
    calls = [about(c)["call"]["name"] for c in said if "call" in about(c)]
    words = [c.choices[0].delta.content or "" for c in said]  # as careless clients read it
    assert ["calculator", "clock"] == calls
    assert ["", "", "", "Это 178377.", ""] == words
    assert 36 == usage.usage.total_tokens
    assert 1 == len({chunk.id for chunk in chunks})
    assert (["Надо умножить."], 2) == (about(said[-1])["thoughts"], len(about(said[-1])["calls"]))
    assert ("stop", "base") == (said[-1].choices[0].finish_reason, about(said[0])["adapter"])
    (line,) = talk.log()
    assert ("Это 178377.", about(said[-1])["calls"]) == (line["content"], line["calls"])


def test_openais_own_reader_of_streams_passes_over_calls(talking) -> None:
    talk = talking(SUM, "Это 178377.")

    with talk.client.chat.completions.stream(
        model="steppe", messages=ASKED, extra_body=TOOLS
    ) as stream:
        final = stream.get_final_completion()

    assert ("Это 178377.", "stop") == (
        final.choices[0].message.content,
        final.choices[0].finish_reason,
    )
    assert not final.choices[0].message.tool_calls


def test_langchain_streams_and_asks_with_the_assistants_tools(talking) -> None:
    from langchain_openai import ChatOpenAI

    talk = talking(SUM, "Это 178377.", SUM, "Это 178377.")
    model = ChatOpenAI(
        base_url=f"{talk.url}/v1", api_key="none", model="steppe", extra_body=TOOLS, max_retries=0
    )

    assert "Это 178377." == model.invoke(ASKED).content
    assert "Это 178377." == "".join(chunk.content for chunk in model.stream(ASKED))


def test_the_last_answer_comes_in_pieces_without_its_thoughts(talking) -> None:
    last = ("<thi", "nk>Опять", ".</think>Это", " 178377.", " <tool", "_call>{}</tool_call>")
    talk = talking(SUM, SUM, last)

    chunks = list(ask(talk, stream=True))

    words = [c.choices[0].delta.content for c in chunks if c.choices[0].delta.content]
    end = about(chunks[-1])
    assert ["Это", " 178377."] == words
    assert (["Надо умножить.", "Надо умножить.", "Опять."], "repeated", 1) == (
        end["thoughts"],
        end["stopped"],
        len(end["calls"]),
    )
    assert "tools" not in talk.script.asked[-1]
    assert "Это 178377." == talk.log()[0]["content"]


# --- what goes wrong -------------------------------------------------------------------------


@pytest.mark.parametrize("turns", [(None,), (SUM, None), (SUM, SUM, None)])
def test_an_upstream_that_is_down_is_a_503_and_in_the_log(talking, turns) -> None:
    talk = talking(*turns)

    told = post(talk)

    assert (503, "2") == (told.status_code, told.headers["Retry-After"])
    (line,) = talk.log()
    assert ("failed", [SUM_MADE][: len(turns) - 1]) == (line["finish"], made(line))
    assert {"base": 0} == dict(talk.gateway.served.busy)


def test_a_stream_before_its_first_turn_is_a_503_too(talking) -> None:
    assert 503 == post(talking(None), stream=True).status_code


@pytest.mark.parametrize("end", [None, ("Это", None)])
def test_a_stream_that_breaks_off_says_so_after_what_was_seen(talking, end) -> None:
    talk = talking(SUM, SUM, end)

    events = list(stream_of(talk))

    assert 503 == events[-1]["error"]["code"]
    seen = "".join(e["choices"][0]["delta"].get("content", "") for e in events[:-1])
    (line,) = talk.log()
    assert (seen, "failed", [SUM_MADE]) == (line["content"], line["finish"], made(line))
    assert ("Это" if end else "") == seen


def test_a_client_that_leaves_in_a_call_has_what_it_saw_in_the_log(talking) -> None:
    go = threading.Event()
    slow = Tool("clock", "", taking(), lambda _: str(go.wait(10)))
    talk = talking(SUM, {"clock": {}}, "Всё.", tools=(calculator(), slow))

    for event in stream_of(talk):
        if "call" in event.get("steppe", {}):
            break
    wait_for(talk.log)
    wait_for(lambda: not talk.gateway.served.busy["base"])  # a moment after the log has it
    go.set()

    (line,) = talk.log()
    assert ("cut", "", [SUM_MADE]) == (line["finish"], line["content"], made(line))
    assert {"base": 0} == dict(talk.gateway.served.busy)


def test_a_call_that_takes_too_long_is_given_up_while_others_are_answered(talking) -> None:
    go, begun = threading.Event(), threading.Event()

    def wait(_: Any) -> str:
        begun.set()
        return str(go.wait(10))

    talk = talking({"clock": {}}, "Не знаю.", tools=(Tool("clock", "", taking(), wait),), seconds=1)
    asking = threading.Thread(target=lambda: told.append(ask(talk)))
    told: list[Any] = []
    asking.start()
    assert begun.wait(10)
    assert 200 == httpx.get(f"{talk.url}/health", timeout=0.9).status_code
    asking.join()
    go.set()

    (call,) = told[0].model_extra["steppe"]["calls"]
    assert call["observation"].startswith("Ошибка: инструмент не ответил за 1 с.")
    assert "Не знаю." == told[0].choices[0].message.content


def test_a_tool_that_breaks_is_an_observation(talking) -> None:
    def broken(_: Any) -> str:
        raise OSError("the disk is gone")

    talk = talking({"clock": {}}, "Не знаю.", tools=(Tool("clock", "", taking(), broken),))

    told = ask(talk)

    (call,) = told.model_extra["steppe"]["calls"]
    assert call["observation"].startswith("Ошибка: инструмент сломался.")
    assert "disk" not in json.dumps(told.model_extra)


# --- who may, and what is asked wrongly ------------------------------------------------------


def test_a_key_without_the_scope_is_refused_in_words(talking) -> None:
    talk = talking("Привет!")
    path = talk.gateway.access.path
    chat, tools = (access.add(path, "vera", scopes) for scopes in (["chat"], ["chat", "tools"]))

    refused = post(talk, chat)

    assert 403 == refused.status_code
    assert "--scope tools" in refused.json()["error"]["hint"]
    assert [200, 200] == [post(talk, tools).status_code, post(talk, chat, own_tools=0).status_code]


def test_a_search_in_memory_needs_the_scope_of_memory_too(talking) -> None:
    search = Tool("search_memory", "", taking(), lambda _: "")
    talk = talking("Привет!", tools=(search, clock(lambda: NOW)))
    key = access.add(talk.gateway.access.path, "vera", ["chat", "tools"])

    assert 403 == post(talk, key, own_tools=["search_memory"]).status_code
    assert 200 == post(talk, key).status_code
    assert ["clock"] == [t["function"]["name"] for t in talk.script.asked[0]["tools"]]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"own_tools": ["rm"]}, "there are `calculator`, `clock`"),
        ({"tools": [{"type": "function", "function": {"name": "x"}}]}, "or with yours"),
        ({"tool_choice": "none"}, "or with yours"),
        ({"own_tools": "calculator"}, "docs/serving.md"),
        ({"own_tools": [["clock"]]}, "docs/serving.md"),
        ({"own_tools": ["x" * 65]}, "docs/serving.md"),
    ],
)
def test_what_is_asked_wrongly_is_told_with_a_hint(talking, body, words) -> None:
    told = post(talking("Привет!"), **body)

    assert 422 == told.status_code
    assert words in told.json()["error"]["hint"]


def test_a_gateway_that_lends_no_tools_says_so(talking) -> None:
    told = post(talking("Привет!", own=None))

    assert (422, "leave out `own_tools`") == (told.status_code, told.json()["error"]["hint"])


# --- memory, the window, the cache -----------------------------------------------------------


class Known:
    """What a home hands to its gateway of memories: one fact of everybody."""

    def about(self, user_id: str, text: str) -> list[dict[str, Any]]:
        return [{"memory_id": "m", "kind": "fact", "text": "твою собаку зовут Буран"}]

    def version(self, user_id: str) -> str:
        return "1"

    def told(self, messages: list[dict], memories: list[dict]) -> list[dict]:
        return [{"role": "system", "content": f"Память: {memories[0]['text']}."}, *messages]


def test_what_is_remembered_is_read_with_tools_as_without(talking) -> None:
    talk = talking(SUM, "Это 178377.", memory=Known())

    told = ask(talk)

    for asked in talk.script.asked:
        assert "Память: твою собаку зовут Буран." == asked["messages"][0]["content"]
    assert ["m"] == [m["memory_id"] for m in told.model_extra["steppe"]["memories"]]


def test_an_observation_that_the_model_cannot_read_is_taken_back(talking) -> None:
    long = Tool("clock", "", taking(), lambda _: "я" * 4000)
    talk = talking({"clock": {}}, "Не знаю.", tools=(long,), reads=2000)

    told = ask(talk)

    (call,) = told.model_extra["steppe"]["calls"]
    assert "я" * 4000 == call["observation"]
    assert TOO_LONG == talk.script.asked[1]["messages"][-1]["content"]
    assert "Не знаю." == told.choices[0].message.content


def test_a_question_that_is_too_long_is_a_422_before_anything_is_made(talking) -> None:
    talk = talking(SUM, reads=100)

    assert 422 == post(talk, messages=[{"role": "user", "content": "слово " * 400}]).status_code
    assert [] == talk.script.asked


def test_an_answer_made_with_tools_is_never_kept(talking) -> None:
    cache = AnswerCache(load_encoder("hashed", models_dir=MODELS), is_personal, 10)
    talk = talking({"clock": {}}, "Сейчас 09:05.", "Который?", cache=cache)
    question = [{"role": "user", "content": "Который час показывают городские часы?"}]

    ask(talk, messages=question)
    plain = [ask(talk, messages=question, extra_body={}) for _ in range(2)]
    again = ask(talk, messages=question)

    told = [t.model_extra["steppe"]["cached"] for t in (*plain, again)]
    assert [False, True, False] == told
    assert 4 == len(talk.script.asked)


# --- the real base ---------------------------------------------------------------------------


@pytest.fixture
def real(before) -> Iterator[SimpleNamespace]:
    """A gateway before the embedded base itself, which knows a calculator and a clock."""
    from models.serving.embedded import Embedded
    from models.serving.embedded import build as build_embedded
    from models.serving.engine import Engine

    base = find_base("embedded", MODELS)
    if base is None:
        pytest.skip("the embedded base is not here: `steppe base grow` with STEPPE_TEST_MODELS")
    with (
        over_http(build_embedded(Embedded(Engine(base.path), "inner"))) as inner,
        before(inner) as talk,
    ):
        yield talk


@pytest.mark.parametrize(
    ("question", "call", "reply"),
    [
        ("Сколько будет 37 плюс 45?", ("calculator", "82"), "37 плюс 45 будет 82."),
        ("Который час?", ("clock", "09:05"), "Сейчас 09:05."),
        ("Привет!", None, "Привет! О чём поговорим?"),
    ],
)
def test_the_embedded_base_uses_the_tools_it_knows(real, question, call, reply) -> None:
    asked = [{"role": "user", "content": question}]
    whole = ask(real, messages=asked)
    streamed = list(ask(real, messages=asked, stream=True))

    calls = [(c["name"], c["observation"]) for c in whole.model_extra["steppe"]["calls"]]
    assert ([call] if call else [], reply) == (calls, whole.choices[0].message.content)
    assert reply == "".join(c.choices[0].delta.content or "" for c in streamed)
    assert calls == [(c["name"], c["observation"]) for c in about(streamed[-1])["calls"]]


# --- helpers ---------------------------------------------------------------------------------


def about(chunk: Any) -> dict[str, Any]:
    """Return what Steppe adds to an event."""
    return (chunk.model_extra or {}).get("steppe") or {}


def stream_of(talk: SimpleNamespace) -> Iterator[dict[str, Any]]:
    """Yield the events of a streamed answer, as they come over HTTP."""
    body = {"model": "steppe", "messages": ASKED, "stream": True, **TOOLS}
    url = f"{talk.url}/v1/chat/completions"
    with httpx.stream("POST", url, json=body, timeout=60) as answer:
        for line in answer.iter_lines():
            if line.startswith("data: {"):
                yield json.loads(line[6:])


def wait_for(told: Callable[[], Any]) -> None:
    for _ in range(200):
        if told():
            return
        time.sleep(0.02)
