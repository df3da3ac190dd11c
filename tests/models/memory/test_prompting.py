"""Memories in a conversation: few and best first for the schooled base, all for any other."""

from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from models.memory.prompting import MOST_CHARACTERS, used, with_memories
from models.primer import prompts

ASKED = [{"role": "user", "content": "Как зовут мою собаку?"}]
SENT = {"role": "system", "content": "Отвечай кратко."}


@dataclass(frozen=True)
class Recalled:
    text: str
    kind: str = "fact"


DOG, HOME = Recalled("твою собаку зовут Буран"), Recalled("ты живёшь в Омске")
TALK, TURN = Recalled("говорили про собаку", "summary"), Recalled("Буран опять лает", "turn")


def test_without_memories_nothing_changes() -> None:
    assert ASKED == with_memories(ASKED, [], schooled=True)
    assert ASKED == with_memories(ASKED, [TALK], schooled=True)


def test_the_schooled_base_gets_the_best_fact_in_the_words_of_its_schooling() -> None:
    said = with_memories(ASKED, [TURN, DOG, HOME], schooled=True)

    assert [{"role": "system", "content": prompts.memory([DOG.text])}, *ASKED] == said


def test_what_it_was_sent_stays_before_it() -> None:
    (system, question) = with_memories([SENT, *ASKED], [DOG], schooled=True)

    assert f"Отвечай кратко. {prompts.memory([DOG.text])}" == system["content"]
    assert ASKED[0] == question


def test_any_other_model_gets_everything_behind_the_system_message() -> None:
    first, second, question = with_memories([SENT, *ASKED], [DOG, TALK, TURN], schooled=False)

    assert (SENT, ASKED[0]) == (first, question)
    lines = [line for line in second["content"].splitlines() if line.startswith("- ")]
    assert [f"- {DOG.text}", f"- из разговора: {TALK.text}", f"- сказано: {TURN.text}"] == lines


def test_more_facts_can_be_asked_for() -> None:
    assert [DOG, HOME] == used([DOG, TURN, HOME], schooled=True, facts=3)


@given(st.text(max_size=600))
def test_a_memory_stays_one_line(text: str) -> None:
    said = with_memories(ASKED, [Recalled(f"а {text}", "turn")], schooled=False)

    (line,) = [x for x in said[0]["content"].split("\n") if x.startswith("- ")]
    assert len(line) <= MOST_CHARACTERS + 20
    assert len(said[0]["content"].splitlines()) == 3


def test_the_conversation_that_came_in_is_not_changed() -> None:
    sent = [dict(SENT), *ASKED]
    with_memories(sent, [DOG], schooled=True)

    assert [SENT, *ASKED] == sent
