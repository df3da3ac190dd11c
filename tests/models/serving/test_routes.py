"""What stands before every route: a key, its scope, its rate, and so many requests at once."""

import asyncio

import httpx
import pytest

from models.serving import access
from models.serving.gateway import build

HELLO = [{"role": "user", "content": "Привет!"}]
ROUTES = {
    "/v1/chat/completions": ("chat", {"model": "base", "max_tokens": 1, "messages": HELLO}),
    "/v1/embeddings": ("chat", {"input": "Привет!"}),
    "/v1/feedback": (
        "feedback",
        {"answer_id": f"chatcmpl-{'0' * 32}", "kind": "thumb", "thumb": "up"},
    ),
}
OPEN = {200, 404}  # it was let in: there is no such answer to judge


def ask(served, path: str, key: str, method: str = "POST", body: dict | None = None) -> int:
    headers = {"Authorization": f"Bearer {key}"}
    return httpx.request(
        method, served.url + path, json=body, headers=headers, timeout=60
    ).status_code


@pytest.mark.parametrize("without", ["a key", "its scope", "its rate"])
@pytest.mark.parametrize("path", ROUTES)
def test_no_route_is_open_without(served, path: str, without: str) -> None:
    keys, (scope, body) = served.gateway.access.path, ROUTES[path]
    others = [other for other in access.SCOPES if other != scope]
    key = access.add(keys, "vera", [scope], per_minute=1)
    closed = {
        "a key": ("sk-steppe-x", 401),
        "its scope": (access.add(keys, "ivan", others), 403),
        "its rate": (key, 429),
    }

    first = ask(served, path, key, body=body)
    wrong, status = closed[without]

    assert first in OPEN
    assert status == ask(served, path, wrong, body=body)


def test_models_are_listed_for_whoever_has_a_key(served) -> None:
    key = access.add(served.gateway.access.path, "vera", ["feedback"])

    assert [401, 200] == [ask(served, "/v1/models", k, "GET") for k in ("sk-steppe-x", key)]


@pytest.mark.parametrize("path", ROUTES)
def test_a_gateway_takes_in_only_so_many_requests_at_once(gateway, path: str) -> None:
    gateway.max_at_once = 0

    async def asked() -> httpx.Response:
        transport = httpx.ASGITransport(build(gateway))
        async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as client:
            return await client.post(path, json=ROUTES[path][1])

    answer = asyncio.run(asked())

    assert 503 == answer.status_code
    assert "serving.max_at_once" in answer.json()["error"]["hint"]
