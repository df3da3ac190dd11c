"""The primer is a function of its seed, its splits do not meet, and its answers are right."""

import json
import re
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.primer import FORMATS, SKILLS, PrimerDialogue, dialogues, primer_id
from models.primer.draw import word_lists

SAMPLE = 3000


@pytest.fixture(scope="module")
def train() -> list[PrimerDialogue]:
    return list(dialogues(5, SAMPLE))


@pytest.fixture(scope="module")
def held_out() -> list[PrimerDialogue]:
    return list(dialogues(5, 600, "held_out"))


def texts(sample: list[PrimerDialogue]) -> set[str]:
    return {"\n".join(m["content"] for m in d.messages) for d in sample}


def words(sample: list[PrimerDialogue]) -> set[str]:
    return set(re.findall(r"[а-яё]+", " ".join(texts(sample)).lower()))


def answers(sample: list[PrimerDialogue], label: str) -> list[tuple[str, str]]:
    """Return (what was said before, the answer) of every answer scored under a label."""
    return [
        (d.messages[position - 1]["content"], d.messages[position]["content"])
        for d in sample
        for position, scored_as in zip(d.scored, d.labels, strict=True)
        if scored_as == label
    ]


@given(seed=st.integers(0, 2**32), start=st.integers(0, 10**9))
@settings(max_examples=30, deadline=None)
def test_a_dialogue_is_a_function_of_seed_split_and_position(seed: int, start: int):
    series = list(dialogues(seed, 3, start=start))

    assert series == list(dialogues(seed, 3, start=start))
    assert series[2:] == list(dialogues(seed, 1, start=start + 2))


def test_the_splits_share_no_dialogue(train, held_out):
    assert not texts(train) & texts(held_out)


def test_training_dialogues_contain_no_held_out_word(train):
    lists = word_lists()
    unseen = {w for (_, split), ws in lists.items() if split == "held_out" for w in ws}
    seen = {w for (_, split), ws in lists.items() if split == "train" for w in ws}

    assert not unseen & seen
    assert not unseen & words(train)


def test_held_out_dialogues_do_contain_held_out_words(held_out):
    unseen = {w for (_, split), ws in word_lists().items() if split == "held_out" for w in ws}

    assert len(unseen & words(held_out)) > 100


def test_every_skill_and_format_occurs(train):
    named = {d.skill for d in train} | {label for d in train for label in d.labels}

    assert set(FORMATS) - named == set() or set(FORMATS) - named <= {"talk"}
    assert set(SKILLS) - named <= {"moods"}  # nothing of a mood is determined


def test_messages_alternate_and_end_with_the_assistant(train):
    for dialogue in train:
        roles = [m["role"] for m in dialogue.messages if m["role"] != "system"]

        assert roles[0] == "user"
        assert roles[1::2] == ["assistant"] * (len(roles) // 2)
        assert dialogue.messages[-1]["role"] == "assistant"
        assert all(m["content"].strip() == m["content"] != "" for m in dialogue.messages)


def test_what_is_scored_is_said_by_the_assistant(train):
    for dialogue in train:
        assert len(dialogue.scored) == len(dialogue.labels)
        assert {dialogue.messages[i]["role"] for i in dialogue.scored} <= {"assistant"}


def test_nothing_of_a_template_is_left_unfilled(train):
    assert not [
        text
        for text in texts(train)
        if re.search(r"\{\w*\}[^}]|None", text) and "tool_call" not in text
    ]


def test_sums_are_right(train):
    found = answers(train, "sums") + answers(train, "word_problems")

    assert len(found) > 100
    for _, answer in found:
        a, sign, b, result = re.match(r"(\d+) (плюс|минус) (\d+) будет (\d+)", answer).groups()
        assert int(result) == int(a) + (1 if sign == "плюс" else -1) * int(b)


def test_tool_calls_are_json_and_the_result_is_used(train):
    for _, answer in answers(train, "tool_call"):
        call = json.loads(answer.removeprefix("<tool_call>").removesuffix("</tool_call>"))
        assert call["name"] in {"calculator", "clock"}
    for result, answer in answers(train, "tool_answer"):
        assert result in answer


def test_memory_is_answered_from_the_prompt(train):
    asked = 0
    for dialogue in train:
        if dialogue.skill != "memory":
            continue
        facts = (
            dialogue.messages[0]["content"].removeprefix("Память: ").removesuffix(".").split("; ")
        )
        for position, label in zip(dialogue.scored, dialogue.labels, strict=True):
            if label.startswith("memory") and label != "memory_unknown":
                answer = dialogue.messages[position]["content"]
                asked += 1
                assert answer[0].lower() + answer[1:-1] in facts

    assert asked > 300


def test_judging_sees_both_orders_and_ties(train):
    verdicts = Counter(answer for _, answer in answers(train, "judging"))

    assert set(verdicts) == {"А.", "Б.", "Поровну."}
    assert min(verdicts.values()) > SAMPLE / 100


def test_ignorance_ranges_over_many_questions(train):
    questions = {question for question, _ in answers(train, "ignorance")}

    assert {answer for _, answer in answers(train, "ignorance")} == {
        "Я этого не знаю. Расскажи мне."
    }
    assert len(questions) > 100


def test_the_primer_id_is_a_content_id():
    assert re.fullmatch("[0-9a-f]{32}", primer_id())
    assert primer_id() == primer_id()


def test_the_users_side_keeps_to_its_topic(train):
    """All answers a questioner hears about the person's life tell the same fact, or none."""
    for dialogue in train:
        if dialogue.skill == "user_side" and " мо" in dialogue.messages[0]["content"]:
            heard = {m["content"] for m in dialogue.messages[2:] if m["role"] == "user"}

            assert len(heard) == 1
