"""The gate lets through what is better and healthy, and says why not."""

import random
from dataclasses import replace

import pytest

from lake.errors import SettingsError
from models import gate
from models.backends import Loss
from models.evaluation import Evaluation, Result, Score

POLICY = gate.load_policy()


def one(suite, **metrics):
    return Result(tuple(Score(suite, m, v, v, v, 40) for m, v in metrics.items()))


def losses(nats):
    rng = random.Random(0)
    return {f"d{i}": Loss((nats + rng.gauss(0, 0.2)) * 10, 10) for i in range(40)}


def evaluation(nats, *, name="model", exact=0.9, anchor_nats=0.1, probe=1.0, moved=2.0, **bad):
    answers = {"empty": 0.0, "unfinished": 0.0, "repetition": 0.0, "cyrillic": 1.0, **bad}
    return Evaluation(
        name,
        "base",
        "template",
        {
            "held_out": Result((), (), losses(nats)),
            "anchor": one("anchor", exact=exact, nats_per_token=anchor_nats),
            "health": one("health", **answers),
            "probe": one("probe", files_match=probe, logit_difference=moved),
        },
    )


CHAMPION = evaluation(3.0)


def failed(verdict):
    return [reason for reason in verdict.reasons if reason.startswith("failed")]


def test_a_better_and_healthy_challenger_passes():
    verdict = gate.judge(CHAMPION, evaluation(2.0), POLICY)

    assert verdict.passed
    assert failed(verdict) == []
    assert verdict.low > 0.9
    assert verdict.policy_id == POLICY.policy_id


@pytest.mark.parametrize(
    ("challenger", "reason"),
    [
        (evaluation(3.0), "nats a token on held-out"),
        (evaluation(2.0, exact=0.86), "anchor answers exact"),
        (evaluation(2.0, anchor_nats=0.4), "anchor nats"),
        (evaluation(2.0, empty=0.1), "answers empty"),
        (evaluation(2.0, unfinished=0.2), "answers unfinished"),
        (evaluation(2.0, repetition=0.3), "answers repetition"),
        (evaluation(2.0, cyrillic=0.5), "answers cyrillic"),
        (evaluation(2.0, probe=0.0), "files match"),
        (evaluation(2.0, moved=0.0), "moves a logit"),
        (replace(evaluation(2.0), base_id="other"), "base other"),
        (replace(evaluation(2.0), template_id="other"), "chat template other"),
    ],
)
def test_one_failed_rule_is_enough_and_is_named(challenger, reason):
    verdict = gate.judge(CHAMPION, challenger, POLICY)

    assert not verdict.passed
    assert len(failed(verdict)) == 1
    assert reason in failed(verdict)[0]


def test_every_rule_gives_its_numbers_whether_it_held_or_not():
    held = gate.judge(CHAMPION, evaluation(2.0), POLICY).reasons
    broken = gate.judge(CHAMPION, evaluation(2.0, exact=0.1, empty=0.9), POLICY).reasons

    assert len(held) == len(broken) == 12


def test_a_fall_of_exactly_the_margin_is_allowed():
    assert gate.judge(CHAMPION, evaluation(2.0, exact=0.87), POLICY).passed


def test_a_fault_the_champion_has_too_is_no_reason():
    assert gate.judge(evaluation(3.0, cyrillic=0.5), evaluation(2.0, cyrillic=0.5), POLICY).passed


def test_what_was_not_measured_has_not_held():
    blind = replace(evaluation(2.0), results={})

    verdict = gate.judge(CHAMPION, blind, POLICY)

    assert not verdict.passed
    assert len(failed(verdict)) == 10


def test_a_verdict_is_a_function_of_its_arguments():
    assert gate.judge(CHAMPION, evaluation(2.0), POLICY) == gate.judge(
        CHAMPION, evaluation(2.0), POLICY
    )


def test_a_wrong_policy_is_refused_by_name(tmp_path):
    path = tmp_path / "policy.toml"
    path.write_text(gate.POLICY.read_text().replace("max_exact_drop", "max_drop"))

    with pytest.raises(SettingsError, match=r"anchor\.max_exact_drop"):
        gate.load_policy(path)
