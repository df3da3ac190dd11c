"""Every suite on models whose answers are known."""

from pathlib import Path

import pytest

from models.backends import Generation, TransformersModel
from models.evaluation import Item, anchor, exact, health, held_out, items_of, probe
from models.evaluation.run import Items, evaluate
from models.testing import EchoModel

TALKS = [
    (f"d{i}", [{"role": "user", "content": f"Скажи {i}"}, {"role": "assistant", "content": a}])
    for i, a in enumerate(["Скажи 0", " Скажи  1 ", "Нет.", "Скажи 3"])
]
ITEMS = items_of(TALKS)


def value(result, metric):
    return next(s.value for s in result.scores if s.metric == metric)


def test_items_end_with_the_assistants_last_answer():
    talk = [*TALKS[0][1], {"role": "user", "content": "Пока"}]

    assert [Item("a", tuple(TALKS[0][1]))] == items_of([("a", talk), ("b", talk[-1:])])


def test_exact_forgives_spaces_and_nothing_else():
    result, answers = exact.run(EchoModel(), ITEMS)

    assert [s.score for s in result.samples] == [1.0, 1.0, 0.0, 1.0]
    assert value(result, "exact") == 0.75
    assert len(answers) == 4


def test_an_answer_without_an_end_is_not_exact():
    cut, _ = exact.run(EchoModel(), ITEMS, max_new_tokens=3)

    assert value(cut, "exact") == 0.0


def test_held_out_compares_the_same_dialogues_only():
    worse = held_out.run(EchoModel(nats=2.0), ITEMS, seed=0)
    better = held_out.run(EchoModel(nats=1.5), ITEMS[1:], seed=0)

    interval, dialogues = held_out.compare(worse, better, seed=0)

    assert (interval.value, dialogues) == (0.5, 3)
    assert value(worse, "nats_per_token") == 2.0


@pytest.mark.parametrize(
    ("metric", "texts", "expected"),
    [
        ("empty", ["", " ", "да", "нет"], 0.5),
        ("cyrillic", ["да", "no"], 0.5),
        ("repetition", ["раз два три четыре раз два три четыре"], 0.2),
        ("longest_repeat", ["мама" * 2], 0.5),
        ("distinct_2", ["раз два", "раз два"], 0.5),
    ],
)
def test_health_sees(metric, texts, expected):
    result = health.measure([Generation(text, "stop", 1) for text in texts])

    assert expected == pytest.approx(value(result, metric))


def test_health_counts_answers_that_never_stop():
    result = health.measure([Generation("а", "length", 1), Generation("б", "stop", 1)])

    assert 0.5 == value(result, "unfinished") == value(result, "stopped")


def test_the_longest_repeat_does_not_overlap_itself():
    assert health.longest_repeat("аааа") == 0.5


def test_the_anchor_asks_what_no_growth_saw():
    chosen = anchor.items(seed=3, n=20)

    assert 20 == len(chosen) == len({item.item_id for item in chosen})
    assert chosen == anchor.items(seed=3, n=20)
    assert all(item.messages[-1]["role"] == "assistant" for item in chosen)


def test_the_probe_tells_a_loaded_adapter_from_none(tiny, trained):
    prompts = [item.prompt for item in ITEMS]

    bare = probe.run(TransformersModel(tiny), prompts)
    adapted = probe.run(TransformersModel(tiny, Path(trained.path)), prompts)

    assert (value(bare, "files_match"), value(bare, "logit_difference")) == (0.0, 0.0)
    assert value(adapted, "files_match") == 1.0
    assert value(adapted, "logit_difference") > 0.01


def test_an_evaluation_has_every_suite(tiny, trained):
    model = TransformersModel(tiny, Path(trained.path))
    items = Items(held_out=ITEMS, exact=ITEMS, anchor=anchor.items(seed=0, n=4))

    evaluation = evaluate(model, items, base_id="tiny")

    assert list(evaluation.results) == ["held_out", "exact", "anchor", "health", "probe"]
    assert trained.template_id == evaluation.template_id
    assert all(s.low <= s.value <= s.high for s in evaluation.scores)
    assert 2 * len(ITEMS) + 4 == len(evaluation.samples)
