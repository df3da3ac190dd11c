"""A set is held to its budget: what goes, goes with a reason, and nothing else goes."""

from hypothesis import given
from hypothesis import strategies as st

from models import budget, recipes
from models.mixture import Row
from models.recipe_parts import Budget

BUDGET = recipes.load("quick").budget
OPEN = Budget(max_depth=99, min_human_share=0, max_method_share=1, judge_is_not_generator=False)


def human(n, tokens=10, weight=1.0, **given):
    talk = (("user", f"{n}?"), ("assistant", "Да."))
    return Row(talk, "new", str(n), str(n), "cleaned_dialogues", weight, tokens=tokens, **given)


def chat(n, method="camel", tokens=10, depth=1, weight=1.0, **given):
    talk = (("user", f"{n}!"), ("assistant", "Нет."))
    return Row(
        talk,
        "self",
        f"s{n}",
        f"s{n}",
        "self_chats_dialogues",
        weight,
        source=method,
        ancestry_depth=depth,
        tokens=tokens,
        **given,
    )


def primer(n, tokens=1000):
    return Row((("user", f"{n}"),), "replay", source_table="primer", source="primer", tokens=tokens)


def choice(n, **given):
    return Row(
        (("user", f"{n}?"),),
        "preference",
        f"p{n}",
        source_table="self_chats_preferences",
        tokens=10,
        chosen="Да.",
        rejected="Нет.",
        **given,
    )


def reasons(settled):
    return {row.dialogue_id: reason for row, reason in settled.left_out}


def test_a_row_of_too_many_generations_is_too_deep():
    rows = [human(0, tokens=1000), chat(1, depth=3), chat(2, depth=4)]

    assert {"s2": "too_deep"} == reasons(budget.settle(rows, BUDGET))


def test_no_row_is_judged_by_the_model_that_made_it():
    """A judge's id names its kind, and its model by twelve digits."""
    own, other = "a" * 32, "b" * 32
    rows = [
        human(0, tokens=1000),
        chat(1, generator=own, judge=f"rubric:{own[:12]}"),
        chat(2, generator=own, judge=f"rubric:{other[:12]}"),
        chat(3, generator=own),
        choice(4, generator=own, judge=own),
    ]
    told = {"s1": "judged_by_itself", "p4": "judged_by_itself"}
    lenient = BUDGET.model_copy(update={"judge_is_not_generator": False})

    assert told == reasons(budget.settle(rows, BUDGET))
    assert {} == reasons(budget.settle(rows, lenient))


def test_a_method_has_no_more_than_its_share():
    """With people at 90 tokens, a method may have 30: a quarter of 120."""
    rows = [human(0, tokens=90), *(chat(n) for n in range(5))]

    settled = budget.settle(rows, BUDGET)

    assert {"s3": "method_share", "s4": "method_share"} == reasons(settled)
    assert 0.25 == budget.shares(settled.kept).method_share("camel")


def test_people_have_at_least_their_share():
    methods = [chat(n, method=f"m{n}") for n in range(5)]
    rows = [human(0, tokens=30), *methods]
    wide = BUDGET.model_copy(update={"max_method_share": 1.0})

    settled = budget.settle(rows, wide)

    assert ["human_share"] * 2 == list(reasons(settled).values())
    assert 0.5 == budget.shares(settled.kept).human_share


def test_schooling_and_choices_are_in_no_share():
    rows = [human(0, tokens=30), primer(1), choice(2), chat(3)]

    found = budget.shares(rows)

    assert (30, 10, 0.75) == (found.human, found.synthetic, found.human_share)
    assert () == budget.settle([primer(1), choice(2)], BUDGET).left_out


def test_a_frame_is_schooling_and_a_telling_counts():
    framed = human(0, tokens=50, frame_tokens=40, weight=3.0)

    assert 30 == budget.told(framed) == budget.shares([framed]).human


def test_the_deepest_go_first_and_then_the_last():
    rows = [human(0, tokens=90), chat(1, depth=2), *(chat(n) for n in range(2, 6))]

    assert ["s1", "s5"] == sorted(reasons(budget.settle(rows, BUDGET)))


def test_a_set_without_people_keeps_no_self_chat():
    rows = [primer(0), chat(1), chat(2)]

    assert (primer(0),) == budget.settle(rows, BUDGET).kept


ROWS = st.lists(
    st.one_of(
        st.builds(human, st.integers(0, 99), tokens=st.integers(0, 50)),
        st.builds(
            chat,
            st.integers(0, 99),
            method=st.sampled_from(["camel", "baize", "personas"]),
            tokens=st.integers(0, 50),
            depth=st.integers(1, 5),
            weight=st.sampled_from([0.5, 1.0, 6.0]),
        ),
        st.builds(primer, st.integers(0, 99)),
    ),
    max_size=40,
)


@given(rows=ROWS)
def test_what_is_kept_is_within_the_budget_and_nothing_is_lost(rows):
    settled = budget.settle(rows, BUDGET)
    found = budget.shares(settled.kept)

    assert sorted(map(repr, rows)) == sorted(
        map(repr, [*settled.kept, *(row for row, _ in settled.left_out)])
    )
    assert all(row.ancestry_depth <= BUDGET.max_depth for row in settled.kept)
    assert found.human_share >= BUDGET.min_human_share - 1e-9
    assert all(found.method_share(m) <= BUDGET.max_method_share + 1e-9 for m in found.methods)
    assert {reason for _, reason in settled.left_out} <= set(budget.REASONS)
    assert settled == budget.settle(rows, BUDGET)


@given(rows=ROWS)
def test_a_set_within_its_budget_stays_as_it_is(rows):
    kept = budget.settle(rows, BUDGET).kept

    assert budget.Settled(kept, ()) == budget.settle(kept, BUDGET)
    assert tuple(rows) == budget.settle(rows, OPEN).kept
