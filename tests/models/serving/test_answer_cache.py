"""Answers given before: found for the same question, never for another, never where personal."""

import json

import httpx
import pytest

from models.encoders import load_encoder
from models.memory.addressing import is_personal
from models.serving.answer_cache import AnswerCache, key_of

MOSCOW = "Какая река течёт через Москву?"


def said(text: str) -> list[dict[str, str]]:
    return [{"role": "user", "content": text}]


@pytest.fixture
def cache(tmp_path) -> AnswerCache:
    made = AnswerCache(load_encoder("hashed", models_dir=tmp_path), is_personal, most=2)
    made.keep("vera", said(MOSCOW), "Москва-река.", "stop")
    return made


@pytest.mark.parametrize(
    "question",
    [MOSCOW, "Через Москву какая река течет", "Скажи, пожалуйста, какая река течёт через Москву?"],
)
def test_nearly_the_same_words_find_the_answer(cache, question: str) -> None:
    assert "Москва-река." == cache.find("vera", said(question)).text


@pytest.mark.parametrize(
    "question",
    [
        "Какая река течёт через Рязань?",
        "Через какую реку течёт Москва?",
        "Какая река через Москву?",
    ],
)
def test_another_question_finds_nothing(cache, question: str) -> None:
    assert cache.find("vera", said(question)) is None


def test_the_order_of_numbers_counts() -> None:
    assert key_of("Сколько будет 5 минус 3?") != key_of("Сколько будет 3 минус 5?")
    assert key_of("Сколько будет пять минус три?") != key_of("Сколько будет три минус пять?")


def test_an_answer_belongs_to_its_scope(cache) -> None:
    assert cache.find("ivan", said(MOSCOW)) is None


@pytest.mark.parametrize("text", ["Как зовут мою собаку?", "Что я люблю?", "Как тебя зовут?"])
def test_what_is_personal_is_not_kept(cache, text: str) -> None:
    cache.keep("vera", said(text), "Да.", "stop")

    assert cache.find("vera", said(text)) is None


def test_a_cut_answer_is_not_kept_and_the_oldest_goes(cache) -> None:
    cache.keep("vera", said("Где север?"), "Там", "length")
    for n in (1, 2):
        cache.keep("vera", said(f"Сколько будет {n}?"), "Мало.", "stop")

    assert cache.find("vera", said("Где север?")) is None
    assert cache.find("vera", said(MOSCOW)) is None
    assert cache.find("vera", said("Сколько будет 2?")) is not None


def ask(served, text: str = MOSCOW, **more) -> dict:
    body = {"model": "steppe", "messages": said(text), "max_tokens": 6, "user": "vera", **more}
    return httpx.post(f"{served.url}/v1/chat/completions", json=body, timeout=60).json()


def test_the_gateway_gives_an_answer_again_until_the_adapter_changes(served, tmp_path) -> None:
    served.gateway.cache = cache = AnswerCache(served.gateway.encoder, is_personal, most=9)
    cache.keep = lambda scope, m, text, _: AnswerCache.keep(cache, scope, m, text or "Да.", "stop")
    first, again, other = ask(served), ask(served), ask(served, user="ivan")
    body = {"model": "steppe", "messages": said(MOSCOW), "max_tokens": 6, "user": "vera"}
    stream = httpx.post(f"{served.url}/v1/chat/completions", json={**body, "stream": True}).text
    served.gateway.served.champion = "steppe@aaaaaaaaaaaa"
    httpx.post(
        f"{served.url}/admin/deploy",
        json={"name": "steppe@bbbbbbbbbbbb", "probe": said("Привет!")},
        headers={"Authorization": "Bearer secret"},
        timeout=60,
    )
    changed = ask(served)

    assert [False, True, False, False] == [
        a["steppe"]["cached"] for a in (first, again, other, changed)
    ]
    assert '"cached": true' in stream
    assert stream.endswith("data: [DONE]\n\n")
    lines = next(served.inbox.rglob("gateway.jsonl")).read_text("utf-8").splitlines()
    assert 10 == len(lines)  # five requests, five answers, kept ones too
    answers = [event for event in map(json.loads, lines) if event["event"] == "answer"]
    assert [False, True, False, True, False] == [event["cached"] for event in answers]


class Changing:
    """Memories of nothing that is asked here, in a version that changes."""

    def __init__(self) -> None:
        self.now = "1"

    def about(self, user_id: str, text: str) -> list[dict]:
        return []

    def version(self, user_id: str) -> str:
        return self.now


def test_the_gateway_gives_no_answer_again_once_something_else_is_remembered(served) -> None:
    served.gateway.cache = cache = AnswerCache(served.gateway.encoder, is_personal, most=9)
    cache.keep = lambda scope, m, text, _: AnswerCache.keep(cache, scope, m, text or "Да.", "stop")
    served.gateway.memory = memory = Changing()
    before = [ask(served), ask(served)]
    memory.now = "2"
    after = [ask(served), ask(served)]

    assert [False, True] * 2 == [a["steppe"]["cached"] for a in (*before, *after)]
