"""A judgement's page and rows, also where nothing could be measured."""

from assets import judgements
from assets.judgements import About
from lake.tables import Lake
from models import gate
from models.backends import Loss
from models.evaluation import Evaluation, Result, Sample, Score
from models.evaluation.run import Items

ABOUT = About("e", "a" * 32, "", Items((), (), ()), 2)


def scored(nats: float, base: str = "base") -> Evaluation:
    """A model of so many nats a token on twelve dialogues."""
    losses = {str(n): Loss((nats + n / 100) * 9, 9) for n in range(12)}
    samples = tuple(Sample("anchor", str(n), "", "", "", float(n > 3)) for n in range(40))
    results = {
        "held_out": Result(
            (Score("held_out", "nats_per_token", nats, nats, nats, 12),), (), losses
        ),
        "anchor": Result((Score("anchor", "exact", 0.9, 0.8, 0.95, 40),), samples, losses),
        "exact": Result((Score("exact", "exact", 0.5, 0.4, 0.6, 50),)),
    }
    return Evaluation("m", base, "t", results, base, "t")


def test_the_page_has_every_rule_and_its_pictures(lake: Lake) -> None:
    verdict = gate.judge(scored(3.0), scored(1.0), gate.load_policy(), candidate=2)

    page = judgements.page(lake, ABOUT, scored(3.0), scored(1.0), verdict=verdict)

    assert all(f"| {rule.name} |" in page.markdown for rule in verdict.rules)
    assert 3 == page.markdown.count("data:image/png;base64,") == page.html.count("<img")
    assert "<td>improvement</td>" in page.html


def test_what_was_not_measured_has_a_page_and_empty_numbers(lake: Lake) -> None:
    nothing = Evaluation("m", "base", "t", {}, "another", "t")
    verdict = gate.judge(scored(3.0), nothing, gate.load_policy())

    page = judgements.page(lake, ABOUT, scored(3.0), nothing, verdict=verdict)
    (row,) = judgements.rows(ABOUT, scored(3.0), nothing, verdict)["evaluations_verdicts"]

    assert "✗ | base" in page.markdown
    assert (None, None, None) == (row["improvement"], row["low"], row["high"])
    assert "base" in row["failed"]


def test_saved_nats_are_paired_by_dialogue() -> None:
    assert [1.0] * 12 == [round(x, 9) for x in judgements.saved(scored(3.0), scored(2.0))]


def test_what_a_judgement_cost_is_in_its_row() -> None:
    verdict = gate.judge(scored(3.0), scored(1.0), gate.load_policy(), candidate=2)
    spent = judgements.Stopwatch().spent(tokens=12)

    (row,) = judgements.rows(ABOUT, scored(3.0), scored(1.0), verdict, spent)[
        "evaluations_verdicts"
    ]

    assert (12, spent.seconds, spent.cpu_seconds) == (
        row["tokens"],
        row["seconds"],
        row["cpu_seconds"],
    )
    assert 0 <= spent.seconds
