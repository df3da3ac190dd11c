"""Without keys a gateway answers to its own names only; over real HTTP and alone."""

import httpx
import pytest

from models.serving import access
from models.serving.gateway import build
from models.serving.hosts import LOOPBACK, name_of
from models.testing import over_http


@pytest.fixture
def url(gateway):
    gateway.hosts = LOOPBACK
    with over_http(build(gateway)) as url:
        yield url


def status(url: str, host: str, path: str = "/", key: str = "") -> int:
    return httpx.get(
        url + path, headers={"Host": host, "Authorization": f"Bearer {key or None}"}
    ).status_code


@pytest.mark.parametrize("path", ["/", "/health", "/v1/models", "/openapi.json"])
def test_a_page_that_points_its_name_at_loopback_is_refused(url, path: str) -> None:
    answer = httpx.get(url + path, headers={"Host": "evil.example:8010"})

    assert 400 == answer.status_code
    assert "evil.example" in answer.json()["error"]["message"]
    assert "127.0.0.1" in answer.json()["error"]["hint"]


def test_the_names_of_loopback_are_answered_whatever_the_port(url) -> None:
    hosts = ("127.0.0.1:8010", "localhost", "LocalHost:1", "[::1]:8010", "[::1]")

    assert {200} == {status(url, host) for host in hosts}


@pytest.mark.parametrize(
    "host", ["", "localhost.evil.example", "evil.example:127.0.0.1", "[::1].a"]
)
def test_a_name_that_only_looks_like_one_is_refused(url, host: str) -> None:
    assert 400 == status(url, host)


def test_with_keys_a_proxy_may_keep_its_name_and_a_page_without_one_gets_nothing(
    url, gateway
) -> None:
    key = access.add(gateway.access.path, "vera", ["chat"])

    assert 200 == status(url, "chat.example", "/v1/models", key)
    assert 401 == status(url, "evil.example", "/v1/models")


@pytest.mark.parametrize(
    ("host", "name"),
    [("a:1", "a"), ("A", "a"), ("[::1]:1", "[::1]"), ("[::1]", "[::1]"), (":1", ":1"), ("", "")],
)
def test_a_name_is_without_its_port(host: str, name: str) -> None:
    assert name == name_of(host)
