"""The window onto a conversation: what fits, what goes, and what stands in its place."""

import os
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lake.errors import ModelError
from models.backends.embedded import TransformersModel
from models.base import BaseModel, find_base
from models.chat import load_tokenizer
from models.context import EARLIER, Count, Message, Window, counter, fit, summary_request

SHARED_MODELS = Path(
    os.environ.get("STEPPE_TEST_MODELS", Path(__file__).parents[2] / ".steppe" / "test-models")
)
PROMPT = {"role": "system", "content": "Ты помощник."}


def counting(a_message: int, a_conversation: int) -> Count:
    """Return what counts words, with tokens of a template's own."""

    def count(messages: Sequence[Message]) -> int:
        words = sum(len(m["content"].split()) for m in messages)
        return a_conversation + sum(a_message for _ in messages) + words

    return count


def said(role: str, words: int, number: int = 0) -> dict[str, str]:
    return {"role": role, "content": " ".join([f"{role}{number}"] * words)}


def talk(turns: int, words: int = 5) -> list[dict[str, str]]:
    """Return a system prompt and so many turns of a question and an answer."""
    pairs = [(said("user", words, n), said("assistant", words, n)) for n in range(turns)]
    return [PROMPT, *(message for pair in pairs for message in pair)]


spoken = st.builds(
    said,
    st.sampled_from(["user", "assistant", "tool", "system"]),
    st.integers(0, 12),
    st.integers(),
)
conversations = st.builds(
    lambda head, rest: [*head, *rest],
    st.lists(st.builds(said, st.just("system"), st.integers(1, 6)), max_size=2),
    st.lists(spoken, min_size=1, max_size=24),
)
counts = st.builds(counting, st.integers(0, 5), st.integers(0, 8))
summaries = st.one_of(
    st.none(),
    st.integers(0, 40).map(lambda n: lambda old: " ".join(["кратко"] * n)),
    st.just(lambda old: f"  из {len(old)}  "),
)


def head_of(messages: Sequence[Message]) -> list[Message]:
    first = next((i for i, m in enumerate(messages) if m["role"] != "system"), len(messages))
    return list(messages[:first])


def newest_turn(messages: Sequence[Message]) -> list[Message]:
    """Return the newest turn as the module's docstring says, written another way."""
    last = max((i for i, m in enumerate(messages) if m["role"] == "user"), default=0)
    return list(messages[max(last, len(head_of(messages))) :])


def is_in_order(part: Sequence[Message], whole: Sequence[Message]) -> bool:
    left = iter(whole)
    return all(any(m is other for other in left) for m in part)


@given(conversations, st.integers(0, 120), counts, summaries)
def test_whatever_is_said_the_window_keeps_its_promises(messages, budget, count, summarise):
    """Never over, newest turn whole, order and system prompt kept, the same again."""
    head, newest = head_of(messages), newest_turn(messages)
    if count(messages) > budget and count([*head, *newest]) > budget:
        with pytest.raises(ModelError, match="hint: "):
            fit(messages, budget=budget, count=count, summarise=summarise)
        return
    window = fit(messages, budget=budget, count=count, summarise=summarise)

    kept = [m for m in window.messages if any(m is other for other in messages)]
    made = [m for m in window.messages if not any(m is other for other in messages)]
    assert count(window.messages) <= budget
    assert head == list(window.messages[: len(head)])
    assert newest == list(window.messages[len(window.messages) - len(newest) :])
    assert is_in_order(kept, messages)
    assert len(messages) == len(kept) + window.dropped
    assert ([EARLIER + window.summary] if window.summary else []) == [m["content"] for m in made]
    assert all(window.messages[len(head)] is m for m in made)
    again = fit(window.messages, budget=budget, count=count, summarise=summarise)
    assert Window(window.messages) == again


@given(st.integers(2, 30), st.integers(0, 5), st.integers(25, 400))
def test_no_turn_goes_that_would_have_fitted(turns, overhead, budget):
    messages, count = talk(turns), counting(overhead, 3)
    window = fit(messages, budget=max(budget, count(talk(1))), count=count)

    one_more = [PROMPT, *messages[-len(window.messages) - 1 :]]
    assert not window.dropped or count(one_more) > max(budget, count(talk(1)))


def test_what_fits_is_left_as_it_is() -> None:
    messages = talk(3)

    assert Window(tuple(messages)) == fit(messages, budget=1000, count=counting(2, 2))


def test_old_turns_give_way_to_a_summary_after_the_system_prompt() -> None:
    asked: list[list[Message]] = []

    def summarise(old: Sequence[Message]) -> str:
        asked.append(list(old))
        return "Говорили про сусликов."

    messages = talk(6)
    window = fit(messages, budget=40, count=counting(0, 0), summarise=summarise)

    told = {"role": "system", "content": EARLIER + "Говорили про сусликов."}
    assert (PROMPT, told, *messages[-4:]) == window.messages
    assert [messages[1:-4]] == asked
    assert 8 == window.dropped


def test_a_summary_of_before_is_summed_up_again_and_stands_once() -> None:
    def summarise(old: Sequence[Message]) -> str:
        return f"после: {old[0]['content'].removeprefix(EARLIER).split()[0]}"

    count = counting(0, 0)
    first = fit(talk(6), budget=40, count=count, summarise=summarise)
    longer = [*first.messages, said("user", 9, 7), said("assistant", 9, 7)]
    second = fit(longer, budget=40, count=count, summarise=summarise)

    assert "после: user0" == first.summary
    assert "после: после:" == second.summary
    assert 1 == sum(m["content"].startswith(EARLIER) for m in second.messages)


def test_a_result_is_never_parted_from_its_call() -> None:
    call, result = said("assistant", 5, 1), said("tool", 5, 1)
    messages = [PROMPT, said("user", 5), call, result, said("assistant", 5), *talk(1)[1:]]

    window = fit(messages, budget=22, count=counting(0, 0))

    assert (PROMPT, *messages[-2:]) == window.messages


def test_a_summary_too_long_is_cut_after_a_word() -> None:
    window = fit(talk(6), budget=24, count=counting(0, 0), summarise=lambda _: "раз два три " * 50)

    assert 24 == counting(0, 0)(window.messages)
    assert window.summary.startswith("раз два три")


def test_a_newest_turn_that_cannot_fit_is_an_error_with_a_hint() -> None:
    with pytest.raises(ModelError, match=r"takes 12 tokens.*room for 10"):
        fit(talk(3), budget=10, count=counting(0, 0))


def test_the_base_counts_by_its_own_template(quick_base: BaseModel) -> None:
    count = counter(load_tokenizer(quick_base.path))
    messages = [PROMPT, *({**m, "content": "Кто живёт в степи?"} for m in talk(60)[1:])]
    window = fit(messages, budget=300, count=count)

    assert 300 - count(messages[-2:]) < count(window.messages) <= 300
    assert messages[-1] == window.messages[-1]


def test_a_summary_is_asked_for_in_the_words_the_base_met() -> None:
    old = [
        {"role": "system", "content": EARLIER + "Говорили про сурка."},
        {"role": "user", "content": "Что ест суслик?"},
        {"role": "tool", "content": "42"},
        {"role": "assistant", "content": "Суслик ест траву."},
    ]

    assert [
        {
            "role": "user",
            "content": "Кратко: Говорили про сурка. Что ест суслик? Суслик ест траву.",
        }
    ] == summary_request(old)


def test_the_embedded_base_sums_up_what_went() -> None:
    """The words it was schooled in: a talk about two animals is named by both."""
    base = find_base("embedded", SHARED_MODELS)
    if base is None:
        pytest.skip("the embedded base is not here: `steppe base grow` with STEPPE_TEST_MODELS")
    model = TransformersModel(base.path)

    def summarise(old: Sequence[Message]) -> str:
        return model.generate([summary_request(old)], max_new_tokens=48)[0].text

    old = [
        {"role": "user", "content": "Что ест суслик?"},
        {"role": "assistant", "content": "Суслик ест траву и зёрна."},
        {"role": "user", "content": "Где живёт орёл?"},
        {"role": "assistant", "content": "Орёл живёт на скалах."},
    ]
    count = counter(model.tokenizer)
    question = {"role": "user", "content": "Как дела?"}
    window = fit(
        [PROMPT, *old, question], budget=count([PROMPT, question]) + 24, count=count,
        summarise=summarise,
    )  # fmt: skip

    assert window.summary.startswith("Говорили про ")
    assert [PROMPT["content"], EARLIER + window.summary, "Как дела?"] == [
        m["content"] for m in window.messages
    ]
