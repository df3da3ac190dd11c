"""Every shape of a personal fact can be told, asked for in several ways, and said back."""

import random

import pytest

from models.primer import language as lang
from models.primer.draw import Draw
from models.primer.facts import SHAPES, draw_fact, draw_facts


def draw(seed: int) -> Draw:
    return Draw(random.Random(seed), "train")


@pytest.mark.parametrize("shape", SHAPES)
def test_a_fact_is_asked_for_in_several_ways(shape: str):
    fact = draw_fact(draw(1), shape)
    stream = draw(2)

    assert len({fact.question(stream) for _ in range(60)}) >= 10


@pytest.mark.parametrize("shape", SHAPES)
def test_an_answer_speaks_to_the_person(shape: str):
    stream = draw(3)
    for _ in range(30):
        said = set(draw_fact(stream, shape).answer.split())

        assert not said & {"я", "мой", "моя", "моё", "мои", "мне", "меня", "моего", "моей"}


def test_facts_drawn_together_do_not_contradict():
    facts = draw_facts(draw(4), 20)

    assert len({fact.key for fact in facts}) == 20


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (lang.mine("собака", "accs"), "мою собаку"),
        (lang.yours("кот", "accs"), "твоего кота"),
        (lang.mine("ключи", "accs"), "мои ключи"),
        (lang.yours("письмо"), "твоё письмо"),
        (lang.inflect("сурок", "accs"), "сурка"),
        (lang.counted("сайгак", 5), "сайгаков"),
        (lang.years(12), "лет"),
        (lang.years(23), "года"),
        (lang.agreeing("синий", "лодка"), "синяя"),
    ],
)
def test_words_are_inflected(given: str, expected: str):
    assert given == expected
