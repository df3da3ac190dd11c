"""The embedded server, asked as the gateway asks it."""

from pathlib import Path

import httpx
import pytest

from models.base import BaseModel

HELLO = [{"role": "user", "content": "Привет!"}]
TOKEN = {"Authorization": "Bearer inner"}


@pytest.fixture(scope="session")
def tiny(quick_base: BaseModel) -> Path:
    """A base that can talk, in place of the tiny one."""
    return quick_base.path


def tools(*names: str) -> list[dict]:
    return [{"type": "function", "function": {"name": name}} for name in names]


def tokens(embedded, *names: str) -> int:
    body = {"messages": HELLO, "tools": tools(*names)}
    return httpx.post(f"{embedded.url}/tokenize", json=body, headers=TOKEN).json()["count"]


@pytest.mark.parametrize("path", ["/v1/models", "/metrics"])
def test_nobody_is_answered_without_the_token(embedded, path) -> None:
    assert 401 == httpx.get(embedded.url + path).status_code


def test_a_schooled_base_is_told_only_of_tools_of_its_schooling(embedded) -> None:
    embedded.service.schooled = True
    none, strange = tokens(embedded), tokens(embedded, "search_notes", "add_memory")
    known, both = tokens(embedded, "clock"), tokens(embedded, "search_notes", "clock")

    assert none == strange < known == both


def test_another_base_is_told_of_every_tool(embedded) -> None:
    assert tokens(embedded) < tokens(embedded, "search_notes")


def test_with_none_of_its_tools_at_hand_a_schooled_base_streams_word_by_word(embedded) -> None:
    body = {"model": "base", "messages": HELLO, "stream": True, "max_tokens": 6}
    said = []
    for schooled in (False, True):
        embedded.service.schooled = schooled
        asked = {**body, "tools": tools("search_notes")}
        answer = httpx.post(
            f"{embedded.url}/v1/chat/completions", json=asked, headers=TOKEN, timeout=60
        )
        said.append(answer.text.count('"content": "') - 1)  # the first one is empty

    assert 1 == said[0] < said[1]
