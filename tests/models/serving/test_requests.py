"""What a client may send: how much of it, and what of it the upstream gets."""

import pytest
from pydantic import ValidationError

from models.serving.requests import MAX_CALL_BYTES, PASSED_ON, ChatRequest

OURS = {"model", "messages", "user", "own_tools"}
HELLO = {"role": "user", "content": "Привет!"}


def asked(*messages: dict, **fields: object) -> ChatRequest:
    return ChatRequest.model_validate({"model": "steppe", "messages": [HELLO, *messages], **fields})


def called(name: str = "clock", arguments: object = "{}") -> dict:
    call = {"id": "c", "type": "function", "function": {"name": name, "arguments": arguments}}
    return {"role": "assistant", "content": None, "tool_calls": [call]}


def nested(depth: int) -> list:
    value: list = []
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize("stop", ["\n", ["\n"] * 4, "x" * 256, []])
def test_four_stops_of_some_length_are_taken(stop: object) -> None:
    assert stop == asked(stop=stop).stop


@pytest.mark.parametrize("stop", [["\n"] * 5, "x" * 257, ["x" * 257]])
def test_more_or_longer_stops_are_refused(stop: object) -> None:
    with pytest.raises(ValidationError):
        asked(stop=stop)


@pytest.mark.parametrize(
    "message",
    [called(), called("x" * 64), called(arguments="а" * 30_000), called(arguments={"zone": "UTC"})],
)
def test_a_tool_call_of_some_length_is_taken(message: dict) -> None:
    assert message["tool_calls"] == asked(message).messages[1].tool_calls


@pytest.mark.parametrize(
    "message",
    [
        called("x" * 65),
        called(arguments="x" * MAX_CALL_BYTES),
        called(arguments={"x": "а" * MAX_CALL_BYTES}),
        called(arguments="\ud800"),
        called(arguments=nested(100_000)),
    ],
    ids=["long name", "long arguments", "long object", "half a surrogate pair", "nested"],
)
def test_a_tool_call_that_is_too_long_or_no_text_is_refused(message: dict) -> None:
    with pytest.raises(ValidationError, match="tool"):
        asked(message)


def test_what_a_request_says_of_its_answer_is_passed_on() -> None:
    assert set(ChatRequest.model_fields) - OURS <= PASSED_ON


def test_nothing_that_reaches_further_than_the_answer_is_passed_on() -> None:
    further = {"chat_template": "{{ x }}", "kv_transfer_params": {"host": "h"}, "priority": -1}
    body = asked(top_k=5, tool_choice="none", **further)

    passed = body.model_dump(exclude_none=True, include=PASSED_ON)

    assert {"top_k": 5, "tool_choice": "none", "n": 1, "stream": False} == passed
