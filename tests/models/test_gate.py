"""The gate lets through what is better and healthy, and says why not."""

import random
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lake.errors import SettingsError
from models import gate
from models.backends import Loss
from models.evaluation import Evaluation, Result, Sample, Score

POLICY = gate.load_policy()


def one(suite, **metrics):
    """A suite's scores, without an item behind them."""
    return Result(tuple(Score(suite, m, v, v, v, 40) for m, v in metrics.items()))


def losses(nats):
    rng = random.Random(0)
    return {f"d{i}": Loss((nats + rng.gauss(0, 0.2)) * 10, 10) for i in range(40)}


def anchor(right, nats, coverage):
    """400 answers of which a share is right, and the loss of each dialogue."""
    samples = tuple(
        Sample("anchor", f"a{i}", "", "", "", float(i < 400 * right)) for i in range(400)
    )
    scores = one("anchor", exact=right, nats_per_token=nats).scores
    known = {f"a{i}": Loss(10 * nats, 10) for i in range(400)}
    return Result(tuple(replace(s, coverage=coverage) for s in scores), samples, known)


def evaluation(nats, *, exact=0.9, anchor_nats=0.1, coverage=1.0, seen=0.0, **bad):
    """A model that is sound but for what is said otherwise."""
    answers = dict.fromkeys(("empty", "unfinished", "too_long", "repetition", "mixed_script"), 0.0)
    answers |= {"cyrillic": 1.0, "distinct_2": 0.5}
    probes = {"files_match": 1.0, "logit_difference": 2.0, "served_error": 1e-5}
    seen_of = {"held_out": seen, "exact": 0.0, "anchor": 0.0}
    return Evaluation(
        "model",
        "base",
        "template",
        {
            "contamination": one("contamination", **seen_of),
            "held_out": replace(one("held_out", nats_per_token=nats), losses=losses(nats)),
            "relevance": one("relevance", right=nats, wrong=bad.get("wrong", 3.2)),
            "anchor": anchor(exact, anchor_nats, coverage),
            "health": one("health", **{m: bad.get(m, v) for m, v in answers.items()}),
            "probe": one("probe", **{m: bad.get(m, v) for m, v in probes.items()}),
        },
        "base",
        "template",
    )


CHAMPION = evaluation(3.0)


def test_a_better_and_healthy_challenger_passes():
    verdict = gate.judge(CHAMPION, evaluation(2.0), POLICY)

    assert verdict.passed
    assert () == verdict.failed
    assert verdict.low > 0.9
    assert verdict.policy_id == POLICY.policy_id


@pytest.mark.parametrize(
    ("challenger", "rule"),
    [
        (evaluation(3.0), "improvement"),
        (evaluation(2.0, exact=0.8), "anchor_exact"),
        (evaluation(2.0, anchor_nats=0.4), "anchor_loss"),
        (evaluation(2.0, wrong=2.2), "relevance"),
        (evaluation(2.0, empty=0.1), "empty"),
        (evaluation(2.0, unfinished=0.2), "unfinished"),
        (evaluation(2.0, too_long=0.2), "too_long"),
        (evaluation(2.0, repetition=0.3), "repetition"),
        (evaluation(2.0, mixed_script=0.3), "mixed_script"),
        (evaluation(2.0, cyrillic=0.5), "cyrillic"),
        (evaluation(2.0, distinct_2=0.01), "distinct_2"),
        (evaluation(2.0, coverage=0.5), "coverage"),
        (evaluation(2.0, seen=0.3), "contamination_held_out"),
        (evaluation(2.0, files_match=0.0), "files"),
        (evaluation(2.0, served_error=1.0), "served"),
        (replace(evaluation(2.0), trained_base_id="other"), "base"),
        (replace(evaluation(2.0), trained_template_id="other"), "template"),
    ],
)
def test_one_failed_rule_is_enough_and_is_named(challenger, rule):
    verdict = gate.judge(CHAMPION, challenger, POLICY)

    assert not verdict.passed
    assert (rule,) == verdict.failed


def test_an_adapter_that_is_not_loaded_is_told_from_one_that_forgets_nothing():
    verdict = gate.judge(CHAMPION, evaluation(3.0, logit_difference=0.0), POLICY)

    assert {"improvement", "loaded", "served"} == set(verdict.failed)


def test_every_rule_gives_its_numbers_whether_it_held_or_not():
    held = gate.judge(CHAMPION, evaluation(2.0), POLICY).rules
    broken = gate.judge(CHAMPION, evaluation(2.0, exact=0.1, empty=0.9), POLICY).rules
    blind = gate.judge(CHAMPION, replace(evaluation(2.0), results={}), POLICY).rules

    names = [rule.name for rule in held]
    assert len(names) == len(set(names))
    assert names == [rule.name for rule in broken] == [rule.name for rule in blind]


def test_forgetting_is_judged_by_the_far_end_of_its_interval():
    """A drop of 6 points of 400 answers may well be one of 8.4."""
    assert gate.judge(CHAMPION, evaluation(2.0, exact=0.86), POLICY).passed
    assert ("anchor_exact",) == gate.judge(CHAMPION, evaluation(2.0, exact=0.84), POLICY).failed


def test_a_fault_the_champion_has_too_is_no_reason():
    assert gate.judge(evaluation(3.0, cyrillic=0.5), evaluation(2.0, cyrillic=0.5), POLICY).passed


def test_what_was_not_measured_has_not_held():
    verdict = gate.judge(CHAMPION, replace(evaluation(2.0), results={}), POLICY)

    assert not verdict.passed
    assert {"base", "template"} == {r.name for r in verdict.rules} - set(verdict.failed)


def test_a_judge_that_cannot_be_read_lets_nothing_through():
    opinions = Result((Score("pairwise", "win_rate", 0.9, 0.8, 1.0, 40, coverage=0.6),))
    better = evaluation(2.0)

    verdict = gate.judge(
        CHAMPION, replace(better, results={**better.results, "pairwise": opinions}), POLICY
    )

    assert ("coverage",) == verdict.failed
    assert "least coverage 0.600 of `pairwise`" in str(verdict.reasons)


def test_each_further_candidate_must_show_more():
    first = gate.judge(CHAMPION, evaluation(2.95), POLICY, candidate=1)
    thirtieth = gate.judge(CHAMPION, evaluation(2.95), POLICY, candidate=30)

    assert first.alpha > thirtieth.alpha
    assert first.improvement == thirtieth.improvement
    assert first.low > thirtieth.low


@given(st.integers(1, 5000))
def test_all_candidates_together_spend_less_than_alpha(candidates):
    spent = sum(gate.share_of_alpha(0.05, k) for k in range(1, candidates + 1))

    assert 0.025 <= spent < 0.05


def test_a_verdict_is_a_function_of_its_arguments():
    assert gate.judge(CHAMPION, evaluation(2.0), POLICY) == gate.judge(
        CHAMPION, evaluation(2.0), POLICY
    )


def test_a_wrong_policy_is_refused_by_name(tmp_path):
    path = tmp_path / "policy.toml"
    path.write_text(gate.POLICY.read_text().replace("max_exact_drop", "max_drop"))

    with pytest.raises(SettingsError, match=r"anchor\.max_exact_drop"):
        gate.load_policy(path)
