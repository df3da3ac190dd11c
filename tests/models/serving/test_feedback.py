"""Thumbs, edits and choices between two answers, through the API."""

import json
from datetime import UTC, datetime

import httpx
import pytest

from models.serving import feedback
from models.serving.feedback import Answers, Given
from models.serving.newest import Newest

HELLO = [{"role": "user", "content": "Расскажи о степи."}]


def ask(served, user: str = "vera", **more) -> dict:
    drawn = {"temperature": 1.9, "seed": 1}  # an untrained base's likeliest answer may be empty
    body = {"model": "base", "messages": HELLO, "max_tokens": 6, "user": user, **drawn, **more}
    return httpx.post(f"{served.url}/v1/chat/completions", json=body, timeout=60).json()


def say(served, user: str = "vera", **body) -> httpx.Response:
    return httpx.post(f"{served.url}/v1/feedback", json=body, params={"user": user}, timeout=60)


def logged(served) -> list[dict]:
    text = next(served.inbox.rglob("gateway.jsonl")).read_text("utf-8")
    return [e for e in map(json.loads, text.splitlines()) if e["event"] == "feedback"]


def words(answer: dict) -> str:
    return answer["choices"][0]["message"]["content"]


def test_a_thumb_is_a_choice_with_one_answer(served) -> None:
    answer = ask(served)
    for thumb in ("up", "down"):
        assert 200 == say(served, answer_id=answer["id"], kind="thumb", thumb=thumb).status_code

    up, down = logged(served)
    assert (words(answer), "") == (up["chosen"], up["rejected"])
    assert ("", words(answer)) == (down["chosen"], down["rejected"])
    assert HELLO == up["messages"]
    assert (answer["steppe"]["conversation_id"], "base") == (up["conversation_id"], up["adapter"])


def test_whoever_changes_their_mind_twice_said_three_things(served) -> None:
    answer = ask(served)
    told = [
        say(served, answer_id=answer["id"], kind="thumb", thumb=thumb).json()["feedback_id"]
        for thumb in ("up", "down", "up")
    ]

    assert 3 == len(set(told))
    assert told == [event["feedback_id"] for event in logged(served)]


def test_the_same_words_of_two_adapters_are_judged_apart() -> None:
    answers, now = Answers(), datetime(2026, 1, 1, tzinfo=UTC)
    ids = [f"chatcmpl-{digit * 32}" for digit in "ab"]
    for answer_id, adapter in zip(ids, ("base", "steppe@aaaaaaaaaaaa"), strict=True):
        answers.remember(answer_id, Given("vera", "c", adapter, HELLO, "Да."))
    said = [feedback.FeedbackRequest(answer_id=i, kind="thumb", thumb="up") for i in ids]

    one, other = (feedback.event_of(each, "vera", answers, now) for each in said)

    assert one["feedback_id"] != other["feedback_id"]
    assert one == feedback.event_of(said[0], "vera", answers, now)


def test_an_edit_is_better_than_the_answer(served) -> None:
    answer = ask(served)
    done = say(served, answer_id=answer["id"], kind="edit", text="Здравствуй, Вера!")
    same = say(served, answer_id=answer["id"], kind="edit", text=words(answer))

    (event,) = logged(served)
    assert [200, 422] == [done.status_code, same.status_code]
    assert ("Здравствуй, Вера!", words(answer)) == (event["chosen"], event["rejected"])


def test_of_two_answers_to_the_same_words_one_is_chosen(served) -> None:
    one, other = (ask(served, seed=seed) for seed in (1, 2))
    done = say(served, answer_id=other["id"], kind="regeneration", rejected_answer_id=one["id"])

    (event,) = logged(served)
    assert 200 == done.status_code
    assert (words(other), words(one)) == (event["chosen"], event["rejected"])
    assert (other["id"], one["id"]) == (event["request_id"], event["rejected_request_id"])


def test_an_edited_answer_is_chosen_as_it_was_edited(served) -> None:
    one, other = (ask(served, seed=seed) for seed in (1, 2))
    better = {"kind": "regeneration", "rejected_answer_id": other["id"], "text": "Здравствуй!"}

    assert 200 == say(served, answer_id=one["id"], **better).status_code

    (event,) = logged(served)
    assert ("Здравствуй!", words(other)) == (event["chosen"], event["rejected"])


def test_answers_to_other_words_cannot_be_compared(served) -> None:
    one = ask(served)
    other = ask(served, messages=[{"role": "user", "content": "Где ключи?"}])

    done = say(served, answer_id=one["id"], kind="regeneration", rejected_answer_id=other["id"])

    assert 422 == done.status_code


def test_nobody_judges_an_answer_to_somebody_else(served) -> None:
    answer = ask(served, user="vera")

    assert 404 == say(served, "ivan", answer_id=answer["id"], kind="thumb", thumb="up").status_code


@pytest.mark.parametrize(
    "body",
    [
        {"kind": "thumb"},
        {"kind": "edit", "thumb": "up"},
        {"kind": "praise", "thumb": "up"},
        {"kind": "edit", "text": ""},
    ],
)
def test_half_a_feedback_is_refused(served, body: dict) -> None:
    answer = ask(served)

    assert 422 == say(served, answer_id=answer["id"], **body).status_code


def test_an_answer_can_be_judged_after_a_restart(served) -> None:
    from models.serving.conversation_log import replay
    from models.serving.feedback import Answers

    answer, again = ask(served), Answers()
    replay(served.gateway.log.recent(), again)

    assert words(answer) == again.of(answer["id"], "vera").text


def given(words: int) -> Given:
    return Given("vera", "c", "base", [{"role": "user", "content": "x" * words}], "")


def test_answers_of_long_conversations_are_forgotten_before_memory_fills() -> None:
    answers, half = Answers(), feedback.REMEMBERED_CHARACTERS // 2 - given(0).characters
    for n in range(5):
        answers.remember(str(n), given(half))

    assert ["3", "4"] == list(answers.known)
    answers.remember("huge", given(3 * half))
    assert ({}, 0) == (dict(answers.known), answers.characters)


def test_what_is_remembered_of_answers_is_counted_once() -> None:
    answers = Answers(Newest(2))
    for answer_id in ("a", "a", "b", "c"):
        answers.remember(answer_id, given(10))

    assert (["b", "c"], 2 * given(10).characters) == (list(answers.known), answers.characters)


def calling(arguments: object) -> Given:
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": arguments}}
    said = {"role": "assistant", "content": "", "tool_calls": [call]}
    return Given("vera", "c", "base", [said], "")


@pytest.mark.parametrize("arguments", ["x" * 50_000, {"x" * 50_000: "y"}, [[]] * 500])
def test_what_tools_were_called_with_is_held_and_counted(arguments: object) -> None:
    assert 50_000 <= calling(arguments).characters <= 60_000


def test_messages_without_a_word_are_counted() -> None:
    silent = Given("vera", "c", "base", [{"role": "user", "content": ""}] * 1000, "")

    assert silent.characters >= 1000 * feedback.OBJECT_CHARACTERS
