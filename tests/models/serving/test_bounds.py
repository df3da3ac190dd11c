"""What a gateway lets in: so many requests at once, the rest is told to wait."""

import asyncio

import httpx
import pytest

from models.serving.bounds import AtOnce, Places, Small
from models.serving.problems import Problem


def test_one_request_too_many_is_told_to_wait_and_the_others_are_answered() -> None:
    held = asyncio.Event()

    async def slow(scope, receive, send) -> None:
        if scope["path"] == "/v1/chat/completions":
            await held.wait()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    async def ask() -> tuple[list[httpx.Response], httpx.Response, httpx.Response, httpx.Response]:
        transport = httpx.ASGITransport(AtOnce(slow, most=2))
        async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as client:
            waiting = [asyncio.create_task(client.post("/v1/chat/completions")) for _ in range(2)]
            await asyncio.sleep(0.01)
            refused = await client.post("/v1/chat/completions")
            health = await client.get("/health")
            held.set()
            answered = [await task for task in waiting]
            return answered, refused, health, await client.post("/v1/chat/completions")

    answered, refused, health, after = asyncio.run(ask())

    assert [200, 200] == [answer.status_code for answer in answered]
    assert (503, "2") == (refused.status_code, refused.headers["Retry-After"])
    assert "serving.max_at_once" in refused.json()["error"]["hint"]
    assert (200, 200) == (health.status_code, after.status_code)


def test_nobody_takes_every_place() -> None:
    places = Places(most=2)
    places.take("anna")
    places.take("anna")
    with pytest.raises(Problem, match="under way") as refused:
        places.take("anna")
    places.take("boris")
    places.leave("anna")
    places.take("anna")

    assert (429, "2") == (refused.value.status_code, refused.value.headers["Retry-After"])
    for person in ("anna", "anna", "boris"):
        places.leave(person)
    assert {} == dict(places.taken)


def test_a_body_that_stops_on_its_way_does_not_wait_for_ever() -> None:
    async def reading(scope, receive, send) -> None:
        while (await receive()).get("more_body"):
            pass

    async def ask() -> None:
        parts = iter([{"type": "http.request", "body": b"{", "more_body": True}])

        async def receive() -> dict:
            for part in parts:
                return part
            return await asyncio.Event().wait()

        scope = {"type": "http", "headers": []}
        await Small(reading, most=100, seconds=0.05)(scope, receive, None)

    with pytest.raises(Problem, match="No part of the body") as refused:
        asyncio.run(ask())
    assert 408 == refused.value.status_code
