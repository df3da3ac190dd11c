"""Signs of drift: what they measure, and which bound stops a run."""

from dataclasses import replace

import pytest

from lake.errors import SettingsError
from models.self_chat import SelfChat
from models.self_chat.monitors import Signs, crossed, distinct, entropy, load, read

SOUND = Signs(
    begun=20,
    kept=5,
    distinct_2=0.5,
    topics=0.9,
    past=0.1,
    synthetic=0.3,
    refusals=0.0,
    russian=1.0,
)


def chat(question, answer, reason=""):
    said = (("user", question), ("assistant", answer))
    return SelfChat(said, "paraphrase", "echo", 0, ("p",), 1, reason)


def test_distinct_n_is_the_share_of_different_pairs():
    assert 1.0 == distinct(["а б в", "г д"])
    assert 0.5 == distinct(["а б", "а б"])
    assert 1.0 == distinct([])


def test_entropy_is_of_what_is_asked_about():
    assert 1.0 == entropy(["Где ключ?", "Где зонт?"])
    assert 0.0 == entropy(["Где ключ?", "Чей ключ?"])
    assert 0.0 == entropy([])


def test_signs_are_of_all_that_was_said_kept_or_not(dog):
    talked = [
        chat("Как зовут собаку?", "Твою собаку зовут Буран."),
        chat("Как зовут собаку?", "Извините, как языковая модель я не могу.", "refusal"),
        chat("Как зовут кота?", "The cat has no name.", "not_russian"),
    ]

    signs = read(
        talked,
        [dog],
        asked_before=["как зовут кота"],
        letters_of_people=59,
        letters_of_models=0,
    )

    assert (3, 1) == (signs.begun, signs.kept)
    assert pytest.approx(2 / 3) == signs.lost
    assert pytest.approx(1 / 3) == signs.past
    assert pytest.approx(1 / 3) == signs.refusals
    assert pytest.approx(5 / 6) == signs.russian
    assert pytest.approx(41 / 100) == signs.synthetic


def test_what_is_sound_crosses_nothing():
    assert "" == crossed(SOUND, load())


@pytest.mark.parametrize(
    ("sign", "value"),
    [
        ("distinct_2", 0.01),
        ("topics", 0.1),
        ("past", 1.0),
        ("synthetic", 0.99),
        ("refusals", 0.9),
        ("russian", 0.2),
    ],
)
def test_each_bound_stops_with_its_name_and_figure(sign, value):
    assert f"{sign} {value:.3f}" == crossed(replace(SOUND, **{sign: value}), load())


def test_nothing_kept_at_all_stops():
    assert "lost 1.000" == crossed(replace(SOUND, kept=0), load())


def test_a_few_dialogues_are_no_ground_for_a_judgement():
    assert "" == crossed(replace(SOUND, begun=3, distinct_2=0.0), load())


def test_own_bounds_go_over_the_shipped_and_a_typo_is_an_error(tmp_path):
    path = tmp_path / "bounds.toml"
    path.write_text("max_past = 0.5\n")
    assert 0.5 == load(path).max_past

    path.write_text("max_pasd = 0.5\n")
    with pytest.raises(SettingsError, match="max_pasd"):
        load(path)
    path.write_text("max_past = 'much'\n")
    with pytest.raises(SettingsError, match="`max_past`") as error:
        load(path)
    assert "pydantic" not in str(error.value)
