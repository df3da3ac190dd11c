"""A conversation longer than the model reads is answered from its newest turns."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

import openai
import pytest

from models.serving import windows


@pytest.fixture
def client(served) -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{served.url}/v1", api_key="none")


def long_talk(turns: int) -> list[dict[str, str]]:
    said = [
        message
        for n in range(turns)
        for message in (
            {"role": "user", "content": f"Где мой предмет номер {n}? Расскажи подробно и точно."},
            {"role": "assistant", "content": f"Предмет номер {n} лежит в ящике номер {n}."},
        )
    ]
    return [
        {"role": "system", "content": "Ты помощник."},
        *said,
        {"role": "user", "content": "Ещё"},
    ]


def test_a_long_conversation_is_answered_and_logged_whole(client, served) -> None:
    talk = long_talk(200)

    made = client.chat.completions.create(model="base", messages=talk, max_tokens=8)

    (line, *_) = next(served.inbox.rglob("gateway.jsonl")).read_text("utf-8").splitlines()
    reads = served.engine.max_length
    assert made.choices[0].finish_reason in ("stop", "length")
    assert made.usage.prompt_tokens <= reads - 8
    assert line.count("Где мой предмет номер") == 200


def test_a_newest_turn_that_is_too_long_alone_is_refused_with_a_hint(client) -> None:
    with pytest.raises(openai.UnprocessableEntityError, match="newest turn"):
        client.chat.completions.create(
            model="base", messages=[{"role": "user", "content": "слово " * 4000}]
        )


class Slow:
    """An upstream of a short window that counts no conversation until it is let go."""

    def __init__(self) -> None:
        self.let_go, self.waiting = asyncio.Event(), 0

    async def reads(self) -> int:
        return 256

    async def count(self, messages: list, _: object) -> tuple[int, int]:
        self.waiting += 1
        await self.let_go.wait()
        return sum(len(m["content"]) for m in messages) // 4, 256

    async def whole(self, _: object) -> dict:
        return {"choices": [{"message": {"content": "кратко"}}]}


def test_long_conversations_at_a_slow_upstream_hold_no_thread_of_the_others() -> None:
    async def remembered_meanwhile() -> str:
        upstream, threads = Slow(), 2
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(threads))
        fitted = [windows.fitted(upstream, "base", long_talk(20), 16) for _ in range(6)]
        talks = [asyncio.create_task(talk) for talk in fitted]
        while upstream.waiting < threads:
            await asyncio.sleep(0.01)
        try:
            return await asyncio.wait_for(asyncio.to_thread(lambda: "remembered"), 5)
        finally:
            upstream.let_go.set()
            await asyncio.gather(*talks)

    assert "remembered" == asyncio.run(remembered_meanwhile())


def test_the_bound_on_tokens_is_one() -> None:
    said = [{"role": "user", "content": "Привет!"}]

    assert windows._at_most(said) > len("Привет!".encode())


def test_tools_take_their_part_of_the_window(client, served) -> None:
    talk, tools = long_talk(200), [tool(n) for n in range(20)]

    made = client.chat.completions.create(model="base", messages=talk, tools=tools, max_tokens=8)

    assert made.usage.prompt_tokens <= served.engine.max_length - 8


def test_tools_that_leave_no_room_are_named_in_the_hint(client) -> None:
    tools = [tool(n, "x" * 200) for n in range(100)]

    with pytest.raises(openai.UnprocessableEntityError) as refused:
        client.chat.completions.create(model="base", messages=long_talk(1), tools=tools)

    assert "fewer than 100 tools" in refused.value.body["hint"]


def tool(n: int, end: str = "") -> dict[str, object]:
    function = {"name": f"tool_{n}{end}", "parameters": {"type": "object"}}
    return {"type": "function", "function": function}
