"""What a gateway lets in: so many requests at once, the rest is told to wait."""

import asyncio

import httpx

from models.serving.bounds import AtOnce


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
