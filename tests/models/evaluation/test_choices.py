"""Given answers: the likeliest is chosen, a generated one is read strictly, none is lost."""

from collections import defaultdict

import pytest

from assets.sources import rsg
from models.backends.embedded import TransformersModel
from models.evaluation import Result, Sample, choices, skills
from models.evaluation.choices import Question
from models.evaluation.judges import people
from models.testing import EchoModel

KEYS = Question("k", "Где ключи?", ("На полке.", "В реке, под мостом."), 0)
TEA = Question("t", "С чем чай?", ("С мятой.", "С солью."), 1)


def score(result, metric):
    return next(s for s in result.scores if s.metric == metric)


def test_the_likeliest_choice_counts_whole_and_by_the_character():
    """The echo's nats are its characters: the shortest is likeliest, by the character all tie."""
    result = choices.run(EchoModel(answer=lambda _: "а"), [KEYS, TEA])

    assert 0.5 == score(result, "accuracy").value
    assert 0.5 == score(result, "generated").value
    assert 1.0 == score(result, "generated").coverage


@pytest.mark.parametrize(
    ("said", "place"),
    [
        ("А", 0),
        ("б)", 1),
        ("На полке", 0),
        ("Б) В реке, под мостом.", 1),
        ("Думаю, на полке", None),
        ("", None),
        ("В", None),
    ],
)
def test_a_generated_answer_is_a_letter_or_a_choice(said, place):
    assert place == choices.read(said, KEYS)


def test_what_cannot_be_read_is_wrong_and_lowers_the_coverage():
    result = choices.run(EchoModel(answer=lambda _: "не знаю"), [KEYS, TEA])

    assert (0.0, 0.0) == (score(result, "generated").value, score(result, "generated").coverage)
    assert ["не знаю", "не знаю"] == [sample.answer for sample in result.samples]


def test_crowd_votes_make_questions(shared_data, tiny):
    """Twenty items of PARus by the majority's label, asked of a network without training."""
    by_item = defaultdict(list)
    for item, _, label in rsg.votes(shared_data / "rsg_human" / "assign_PARus.tsv"):
        by_item[item].append(label)
    questions = [
        Question(str(n), " ".join(item.split("\0")[:2]), tuple(item.split("\0")[2:]), right)
        for n, (item, labels) in enumerate(sorted(by_item.items())[:20])
        for right in [int(people.majority(labels))]
    ]

    result = choices.run(TransformersModel(tiny), questions)

    assert {20} == {s.n for s in result.scores}
    assert all(s.low <= s.value <= s.high for s in result.scores)


def test_skills_are_the_anchor_by_the_beginning_of_its_ids():
    anchored = Result(
        (), tuple(Sample("anchor", i, "", "", "", x) for i, x in (("sums/1", 1.0), ("sums/2", 0.0)))
    )

    assert [("sums", 0.5, 2)] == [(s.metric, s.value, s.n) for s in skills.run(anchored).scores]
