"""One word for one choice: whose counts where people, judges and methods contradict each other."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assets import preferences
from assets.preferences import Choice
from lake import schemas
from lake.tables import Lake, Provenance
from models.mixture import Row

DAY = date(2026, 1, 1)
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
PERSON = ("edit", "regeneration", "thumb", "votes")
ORDER = (*PERSON, "judge", "critique")


def choice(
    name: str, origin: str, better: str = "а", worse: str = "б", hours: int = 0, **given: Any
) -> Choice:
    row = Row((("user", "Где?"),), "preference", name, chosen=better, rejected=worse, **given)
    return Choice(("t", name), row, origin, NOON + timedelta(hours=hours))


def settled(*choices: Choice) -> dict[str, str]:
    return {name: reason for (_, name), reason in preferences.settle(choices).items()}


def put(lake: Lake, table: str, *rows: dict[str, Any]) -> None:
    """Write rows of a table, columns not given empty."""
    names = [f.name for f in schemas.tables()[table].schema if f.name != "day"]
    whole = [{name: r.get(name) for name in names} for r in rows]
    lake.replace(table, whole, day=DAY, made_from="1" * 32, by=Provenance("test"))


def said(*contents: str) -> list[dict[str, Any]]:
    roles = ("user", "assistant")
    return [
        {"message_id": "", "role": roles[n % 2], "content": c, "created_at": None}
        for n, c in enumerate(contents)
    ]


def dialogue(name: str, **given: Any) -> dict[str, Any]:
    return {
        "dialogue_id": name,
        "revision": name,
        "cluster_id": name,
        "source": "messages",
        "consent": "granted",
        "split": "train",
        "messages": said(f"Где {name}?", f"Тут {name}."),
        **given,
    }


def made(name: str, parent: str, **given: Any) -> dict[str, Any]:
    """Return a row of `self_chats_preferences`."""
    return {
        "preference_id": name,
        "origin": "critique",
        "parents": [parent],
        "prompt": said(f"Что с {name}?"),
        "chosen": "Вот.",
        "rejected": "Не знаю.",
        "decided_at": NOON,
        **given,
    }


@pytest.mark.parametrize(
    ("stronger", "weaker"), [(a, b) for n, a in enumerate(ORDER) for b in ORDER[n + 1 :]]
)
def test_the_stronger_word_counts_though_it_is_older(stronger: str, weaker: str) -> None:
    old = choice("old", stronger)
    new = choice("new", weaker, "б", "а", hours=9)

    assert {"new": "overruled"} == settled(old, new)


def test_of_equal_words_the_newest_counts() -> None:
    old, new = choice("old", "thumb"), choice("new", "thumb", "б", "а", hours=1)

    assert {"old": "overruled"} == settled(old, new)


def test_equal_words_of_one_moment_are_a_conflict_and_neither_counts() -> None:
    one, other = choice("one", "votes"), choice("other", "ranks", "б", "а")
    weaker = choice("weaker", "judge", hours=1)

    assert dict.fromkeys(("one", "other", "weaker"), "conflict") == settled(one, other, weaker)


def test_the_same_choice_made_twice_counts_once_by_its_strongest_word() -> None:
    assert {"twice": "repeated"} == settled(choice("twice", "critique"), choice("best", "edit"))


def test_a_judge_of_its_own_answers_is_no_judge() -> None:
    own = choice("own", "judge", hours=1, generator="a" * 32, judge="rubric:" + "a" * 12)
    other = choice("other", "judge", "б", "а", generator="a" * 32, judge="rubric:" + "b" * 12)

    assert {"own": "overruled"} == settled(own, other)


def test_a_liked_answer_can_be_disliked_later() -> None:
    liked = choice("liked", "thumb", "а", "")
    disliked = choice("disliked", "thumb", "", "а", hours=1)

    assert {"liked": "overruled"} == settled(liked, disliked)


def test_other_answers_are_another_matter() -> None:
    assert {} == settled(choice("one", "thumb"), choice("other", "thumb", "б", "в"))


CHOICES = st.lists(
    st.builds(
        choice,
        st.uuids().map(str),
        st.sampled_from(ORDER),
        better=st.sampled_from(["а", "б"]),
        worse=st.sampled_from(["а", "б", "в"]),
        hours=st.integers(0, 2),
    ).filter(lambda c: c.row.chosen != c.row.rejected),
    max_size=12,
    unique_by=lambda c: c.key,
)


@given(choices=CHOICES, data=st.data())
def test_what_counts_contradicts_nothing_in_whatever_order_it_came(
    choices: list[Choice], data: st.DataObject
) -> None:
    reasons = preferences.settle(choices)
    kept = [c for c in choices if c.key not in reasons]
    told = {(c.row.chosen, c.row.rejected) for c in kept}

    assert reasons == preferences.settle(data.draw(st.permutations(choices)))
    assert len(told) == len(kept)
    assert not {(worse, better) for better, worse in told} & told


def test_what_says_nothing_is_left_out_with_its_reason(lake: Lake) -> None:
    put(
        lake,
        "self_chats_preferences",
        made("no question", "primer/1", prompt=[]),
        made("no answer", "primer/1", chosen="", rejected=" "),
        made("same", "primer/1", chosen="Да.", rejected="Да. "),
        made("fit", "primer/1"),
    )
    found = {c.row.dialogue_id: c.reason for c in preferences.load(lake)}

    assert {
        "no question": "no_question",
        "no answer": "no_answer",
        "same": "same_answers",
        "fit": "",
    } == found


def test_nothing_is_learned_of_what_grew_without_consent(lake: Lake) -> None:
    """Of a parent, of a parent's parent, and of a person who only looks."""
    put(
        lake,
        "cleaned_dialogues",
        dialogue("ключ", consent="explore", user_id="anya"),
        dialogue("мяч"),
    )
    put(
        lake,
        "self_chats_dialogues",
        {"dialogue_id": "child", "revision": "child", "parents": ["ключ"]},
    )
    put(
        lake,
        "self_chats_preferences",
        made("one", "ключ"),
        made("two", "child"),
        made("three", "мяч", user_id="anya"),
        made("four", "мяч"),
    )
    put(
        lake,
        "cleaned_preferences",
        {
            "preference_id": "five",
            "origin": "ranks",
            "prompt": said("Где?"),
            "chosen": "а",
            "rejected": "б",
            "consent": "explore",
        },
    )
    found = {c.row.dialogue_id: c.reason for c in preferences.load(lake)}

    assert dict.fromkeys(("one", "two", "three", "five"), "no_consent") | {"four": ""} == found


def test_a_choice_is_held_out_with_what_it_grew_from(lake: Lake) -> None:
    put(
        lake,
        "cleaned_dialogues",
        dialogue("проба", split="test"),
        dialogue("мяч"),
        dialogue("сверка", split="validation"),
    )
    put(
        lake,
        "self_chats_dialogues",
        {"dialogue_id": "child", "revision": "child", "parents": ["проба"]},
    )
    put(
        lake,
        "self_chats_preferences",
        made("one", "child"),
        made("two", "сверка"),
        made("three", "проба", rejected=""),
        made("four", "мяч"),
    )
    found = {c.row.dialogue_id: c.split for c in preferences.load(lake)}
    pairs = [row.dialogue_id for row in preferences.held_out_preferences(lake)]

    assert {"one": "test", "two": "validation", "three": "test"} == {
        name: split for name, split in found.items() if name != "four"
    }
    assert ["one", "two"] == [name for name in pairs if name != "four"]


def test_of_what_grew_from_train_alone_a_tenth_is_held_out_cluster_by_cluster(lake: Lake) -> None:
    """Self-chat starts from no held-out dialogue: else no pair would measure anything."""
    put(lake, "cleaned_dialogues", *(dialogue(f"д{n}") for n in range(300)))
    put(
        lake,
        "self_chats_preferences",
        *(made(f"п{n}/{again}", f"д{n}") for n in range(300) for again in range(2)),
    )
    found = {c.row.dialogue_id: c.split for c in preferences.load(lake)}
    held_out = sum(split != "train" for split in found.values()) / len(found)

    assert all(found[f"п{n}/0"] == found[f"п{n}/1"] for n in range(300))
    assert 0.05 < held_out < 0.15


def test_a_longer_answer_is_no_better_one() -> None:
    pair = choice("one", "ranks", "а" * 30, "б" * 10).row
    liked = choice("one", "thumb", "а" * 30, "").row

    assert [True, False, False] == [preferences.is_too_long(pair, ratio) for ratio in (2, 3, 0)]
    assert not preferences.is_too_long(liked, 2)
