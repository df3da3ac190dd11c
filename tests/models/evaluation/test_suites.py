"""Every suite on models whose answers are known."""

import shutil
from pathlib import Path

import pytest

from models.backends import Generation, Loss
from models.evaluation import (
    Evaluation,
    Item,
    anchor,
    contamination,
    exact,
    health,
    held_out,
    items_of,
    probe,
    relevance,
)
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
        ("distinct_1", ["раз раз", "два"], 2 / 3),
        ("mixed_script", ["шлифуяConsistencyи IT-отдел", "да нет"], 0.25),
    ],
)
def test_health_sees(metric, texts, expected):
    result = health.measure([Generation(text, "stop", 1) for text in texts])

    assert expected == pytest.approx(value(result, metric))


def test_health_counts_answers_that_never_stop():
    result = health.measure([Generation("а", "length", 1), Generation("б", "stop", 1)])

    assert 0.5 == value(result, "unfinished") == value(result, "stopped")


def test_health_knows_too_long_from_the_reference():
    said = [Generation("слово " * 50, "stop", 50), Generation("Буран.", "stop", 2)]

    assert 0.5 == value(health.measure(said, ["Буран.", "Буран."]), "too_long")
    assert 0.0 == value(health.measure(said), "too_long")


def test_the_longest_repeat_does_not_overlap_itself():
    assert health.longest_repeat("аааа") == 0.5


def test_the_anchor_asks_what_no_growth_saw():
    chosen = anchor.items(seed=3, n=20)

    assert 20 == len(chosen) == len({item.item_id for item in chosen})
    assert chosen == anchor.items(seed=3, n=20)
    assert all(item.messages[-1]["role"] == "assistant" for item in chosen)


def test_the_probe_tells_a_loaded_adapter_from_none(tiny, trained):
    prompts = [item.prompt for item in ITEMS]

    bare = probe.run(tiny, None, prompts)
    adapted = probe.run(tiny, Path(trained.path), prompts)

    assert {0.0} == {score.value for score in bare.scores}
    assert value(adapted, "files_match") == 1.0
    assert value(adapted, "logit_difference") > 0.01
    assert value(adapted, "served_error") < 1e-3 * value(adapted, "logit_difference")


def test_the_probe_sees_an_adapter_whose_weights_are_not_applied(tiny, trained, tmp_path):
    """Keys that peft does not know: it warns, and the base answers as before."""
    from safetensors.torch import load_file, save_file

    folder = shutil.copytree(trained.path, tmp_path / "adapter")
    weights = load_file(folder / "adapter_model.safetensors")
    one = next(iter(weights)).partition(".lora_")[0]
    renamed = {k.replace(".layers.1.", ".layers.0."): v for k, v in weights.items() if one not in k}
    save_file(renamed, folder / "adapter_model.safetensors")

    found = probe.run(tiny, folder, [item.prompt for item in ITEMS])

    assert value(found, "files_match") == 0.0


class Attentive(EchoModel):
    """One nat a character, and half of it where the answer has the question's number."""

    def loss(self, conversations):
        return [
            Loss(x.sum_nats * (0.5 if c[-2]["content"][-1] in c[-1]["content"] else 1), x.tokens)
            for c, x in zip(conversations, super().loss(conversations), strict=True)
        ]


def scored(result):
    return Evaluation("m", "b", "t", {"relevance": result}, "b", "t")


def test_relevance_tells_manner_from_answers():
    items = items_of(
        [
            (
                f"r{i}",
                [
                    {"role": "user", "content": f"Где {i}"},
                    {"role": "assistant", "content": f"{i} там."},
                ],
            )
            for i in range(9)
        ]
    )
    base, manner = (relevance.run(EchoModel(nats=n), items, seed=0) for n in (4.0, 1.0))
    answers = relevance.run(Attentive(nats=4.0), items, seed=0)

    assert 0.0 == pytest.approx(relevance.share(scored(base), scored(manner)))
    assert 1.0 == pytest.approx(relevance.share(scored(base), scored(answers)))
    assert relevance.share(scored(manner), scored(base)) is None
    assert () == relevance.run(EchoModel(), items[:1], seed=0).scores


def test_an_evaluation_has_every_suite(tiny, trained):
    suites = {"held_out": ITEMS, "exact": ITEMS, "anchor": anchor.items(seed=0, n=4)}
    items = Items.without_seen(suites, {"d1": "exact"}, max_share=0.5)

    scored = evaluate(tiny, Path(trained.path), items, base_id="tiny")

    every = [
        "contamination",
        "held_out",
        "relevance",
        "exact",
        "anchor",
        "skills",
        "health",
        "probe",
    ]
    assert every == list(scored.results)
    assert trained.template_id == scored.template_id == scored.trained_template_id
    assert all(s.low <= s.value <= s.high for s in scored.scores)
    assert 0.25 == scored.score("contamination", "held_out").value
    assert {"d0", "d2", "d3"} == set(scored.results["held_out"].losses)


def test_an_adapter_of_another_base_is_not_even_loaded(tiny, trained):
    items = Items(held_out=ITEMS, exact=ITEMS, anchor=())

    scored = evaluate(tiny, Path(trained.path), items, base_id="another")

    assert ("another", "tiny") == (scored.base_id, scored.trained_base_id)
    assert {} == scored.results


def test_the_same_adapter_scores_the_same_twice(tiny, trained):
    suites = {"held_out": ITEMS, "exact": ITEMS, "anchor": anchor.items(seed=0, n=4)}
    items = Items.without_seen(suites, {}, max_share=0.5)

    first, second = (evaluate(tiny, Path(trained.path), items, base_id="tiny") for _ in range(2))

    assert first.samples == second.samples
    timeless = [[s for s in e.scores if "seconds" not in s.metric] for e in (first, second)]
    assert timeless[0] == timeless[1]


def test_a_suite_that_training_knows_refuses_to_score():
    seen = {"d0": "exact", "d1": "near_duplicate"}

    few = contamination.checked(ITEMS, seen, max_share=0.5)
    many = contamination.checked(ITEMS, seen, max_share=0.4)

    assert ["d2", "d3"] == [item.item_id for item in few.clean]
    assert () == many.clean
    assert 0.5 == value(contamination.run({"exact": many}), "exact")
