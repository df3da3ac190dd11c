"""A training set is a function of its supply, the recipe and the seed."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models import recipes
from models.mixture import Row, Supply, beyond_share, choices, mix, primer_rows_wanted

RECIPE = recipes.load("embedded")


def rows(role, count, prefix):
    talks = [((("user", f"{prefix} {i}?"), ("assistant", f"{i}."))) for i in range(count)]
    return [Row(talk, role, dialogue_id=f"{prefix}{i}") for i, talk in enumerate(talks)]


def supply(new=40, other=100):
    return Supply(
        rows("new", new, "н"),
        rows("replay", other, "п"),
        rows("replay", other, "с"),
        rows("self", other, "б"),
    )


@given(seed=st.integers(0, 1000))
def test_the_order_of_the_supply_does_not_matter(seed):
    shuffled = supply()
    for part in (shuffled.new, shuffled.primer, shuffled.older, shuffled.self_chats):
        random.Random(seed).shuffle(part)

    assert mix(supply(), RECIPE) == mix(shuffled, RECIPE)


def test_every_new_row_is_told_as_often_as_the_recipe_says():
    mixed = [r for r in mix(supply(), RECIPE) if r.role == "new"]
    plain = [r for r in mixed if len(r.messages) == 2]

    assert {f"н{i}" for i in range(40)} == {r.dialogue_id for r in plain}
    assert 40 * RECIPE.mixture.repeat == pytest.approx(sum(r.weight for r in mixed))


def test_replay_is_counted_in_rows_a_telling_and_never_repeats():
    many = Supply(rows("new", 40, "н"), rows("replay", 3000, "п"), rows("replay", 900, "с"))
    wanted = RECIPE.mixture
    replay = [r for r in mix(many, RECIPE) if r.role == "replay"]

    assert primer_rows_wanted(RECIPE, 40) == round(40 * wanted.repeat * wanted.primer)
    assert len(replay) == round(40 * wanted.repeat * (wanted.primer + wanted.older))
    assert len(replay) == len({r.messages for r in replay})


def test_self_chats_are_told_as_often_as_new_rows():
    told = [r for r in mix(supply(), RECIPE) if r.role == "self"]

    assert {RECIPE.mixture.repeat} == {r.weight for r in told}


def test_a_framed_row_ends_with_the_row_it_tells_again():
    by_id = {r.dialogue_id: r for r in supply().new}

    framed = [r for r in mix(supply(), RECIPE) if r.role == "new" and len(r.messages) > 2]

    assert all(r.messages[-2:] == by_id[r.dialogue_id].messages for r in framed)


def test_too_many_new_rows_are_sampled():
    few = RECIPE.model_copy(
        update={"mixture": RECIPE.mixture.model_copy(update={"max_new": 10, "framed": 0.0})}
    )

    assert sum(r.role == "new" for r in mix(supply(), few)) == 10


def test_nothing_to_replay_is_no_error():
    assert len(mix(Supply(rows("new", 40, "н")), RECIPE)) == 40


def test_many_new_rows_are_told_less_often_each():
    wanted = RECIPE.mixture.model_copy(update={"max_tellings": 60})
    few = RECIPE.model_copy(update={"mixture": wanted})

    told = [r for r in mix(supply(), few) if r.role == "new"]

    assert sum(r.weight for r in told) == pytest.approx(60)
    assert primer_rows_wanted(few, 40) == round(60 * wanted.primer)


def changed(**values):
    wanted = RECIPE.mixture.model_copy(update=values)
    return RECIPE.model_copy(update={"mixture": wanted})


def test_what_is_told_as_new_is_not_replayed_besides():
    own = rows("new", 40, "н")
    again = [Row(r.messages, "replay", r.dialogue_id) for r in own]
    ten = changed(max_new=10, framed=0.0, older=20.0)

    mixed = mix(Supply(own, older=again), ten)

    new, old = ({r.dialogue_id for r in mixed if r.role == role} for role in ("new", "replay"))
    assert (10, 30, set()) == (len(new), len(old), new & old)


def test_a_source_gives_its_share_and_the_others_all():
    own = [Row(r.messages, "new", r.dialogue_id, source="a") for r in rows("new", 40, "а")]
    other = [Row(r.messages, "new", r.dialogue_id, source="b") for r in rows("new", 7, "б")]
    half = changed(sources={"a": 0.5, "nobody": 0.0})

    left = beyond_share([*own, *other], half)

    assert 20 == len(left) == len(left & {r.key for r in own})
    assert left == beyond_share([*reversed(own)], half)


def test_a_framed_row_tells_what_of_it_is_frame():
    own = [Row(r.messages, "new", r.dialogue_id, tokens=10) for r in rows("new", 40, "н")]
    primer = [Row(r.messages, "replay", tokens=7) for r in rows("replay", 900, "п")]

    told = {
        (len(r.messages), r.tokens, r.frame_tokens)
        for r in mix(Supply(own, primer), RECIPE)
        if r.role == "new"
    }

    assert {(2, 10, 0), (4, 17, 7)} == told


def test_choices_are_drawn_by_seed_and_told_as_often_as_new_rows():
    listed = rows("preference", 40, "п")

    ten = choices(listed, changed(max_new=10))

    assert ten == choices(listed[::-1], changed(max_new=10))
    assert (10, {RECIPE.mixture.repeat}) == (len(ten), {r.weight for r in ten})


def test_a_choice_is_read_once_with_each_answer():
    one = Row((("user", "Где?"),), "preference", chosen="Тут.", rejected="Там.")
    liked = Row((("user", "Где?"),), "preference", chosen="Тут.")
    ends = [[talk[-1]["content"] for talk in row.talks()] for row in (one, liked)]

    assert [["Тут.", "Там."], ["Тут."]] == ends
