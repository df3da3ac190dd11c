"""What a model writes over dialogues and memories: kept only where it names what was there."""

from datetime import UTC, datetime, timedelta

import pytest

from models.backends import Generation
from models.base import BaseModel
from models.memory import Remembered
from models.memory.extraction import Told
from models.memory.phrases import PrimerPhrases, WrittenPhrases
from models.memory.reflection import reflect, windows
from models.memory.summary import is_long, summaries, why_unsound
from models.primer import prompts
from models.testing import ScriptedModel

TIME = datetime(2026, 1, 1, tzinfo=UTC)
TALK = (
    *("Что такое кабан?", "Кабан — это зверь.", "Где живёт сова?", "Сова живёт в лесу."),
    "Спасибо!",
)


def says(text: str, finish: str = "stop") -> ScriptedModel:
    """Return a model with one answer to everything."""
    return ScriptedModel(says=lambda _: text, finish=finish)


def told(*said: str) -> Told:
    roles = ("user", "assistant")
    messages = [{"role": roles[n % 2], "content": text} for n, text in enumerate(said)]
    return Told("d", messages, TIME, taught=False)


def memory(n: int, importance: int = 5, replaced_by: str = "") -> Remembered:
    at = TIME + timedelta(hours=n)
    text = f"ты любишь блюдо {n}"
    return Remembered(text, importance, at, at, (f"d/{n}",), (text,), replaced_by)


def test_a_summary_names_its_turns() -> None:
    ((observation, reason),) = summaries(
        [told(*TALK)], says("Говорили про кабана и сову."), PrimerPhrases()
    )

    assert ("", "говорили про кабана и сову") == (reason, observation.text)
    assert ("d/0", "d/2", "d/4") == observation.sources


@pytest.mark.parametrize(
    ("text", "finish", "reason"),
    [
        ("Говорили про тушканчика и сову.", "stop", "ungrounded"),
        ("Говорили.", "stop", "ungrounded"),
        ("Запомнил: сова живёт в лесу.", "stop", "no_summary"),
        ("Я этого не знаю. Расскажи мне.", "stop", "no_summary"),
        ("Говорили про сову", "length", "no_stop"),
        ("", "stop", "empty"),
        ("Сова " * 100, "stop", "too_long"),
        ("Как языковая модель, я не могу пересказать разговор про сову.", "stop", "refusal"),
    ],
)
def test_what_is_unsound_is_not_kept(text: str, finish: str, reason: str) -> None:
    assert reason == why_unsound(Generation(text, finish, 1), " ".join(TALK))


def test_a_secret_is_not_shown_to_who_sums_up() -> None:
    model = says("Говорили про сову.")
    summaries([told(*TALK, "Ясно.", "Мой телефон [телефон 1]")], model, WrittenPhrases())

    assert "телефон" not in model.asked[0]
    assert "Помощник: Сова живёт в лесу." in model.asked[0]


def test_a_dialogue_is_long_by_the_turns_of_its_person() -> None:
    assert is_long(told(*TALK), 3)
    assert not is_long(told(*TALK), 4)
    assert not is_long(told(*TALK), 0)


def test_the_schooled_base_sums_up_what_it_was_schooled_in(quick_base: BaseModel) -> None:
    from models.backends.embedded import TransformersModel

    model = TransformersModel(quick_base.path)
    ((observation, reason),) = summaries([told(*TALK[:4])], model, PrimerPhrases())

    assert (observation is None) == bool(reason)


def test_memories_are_cut_into_windows_of_summed_importance() -> None:
    found = windows([memory(n) for n in range(7)], 15)

    assert [3, 3] == [len(window) for window in found]
    assert [] == windows([memory(n) for n in range(7)], 0)


def test_what_was_replaced_is_not_reflected_on() -> None:
    (window,) = windows([memory(0, 9, replaced_by="x"), memory(1, 9), memory(2, 9)], 18)

    assert ["ты любишь блюдо 1", "ты любишь блюдо 2"] == [m.text for m in window]


def test_an_insight_names_its_evidence() -> None:
    window = [memory(n) for n in range(3)]
    insights, reason = reflect(
        window, says("1, 3 | ты любишь разные блюда\n9 | чушь"), WrittenPhrases()
    )

    assert "" == reason
    assert [("ты любишь разные блюда", (window[0].text, window[2].text))] == [
        (i.text, i.evidence) for i in insights
    ]


def test_an_insight_that_only_repeats_or_invents_is_not_kept() -> None:
    window = [memory(n) for n in range(3)]

    assert ([], "repeats") == reflect(window, says("1 | ты любишь блюдо 0"), WrittenPhrases())
    assert ([], "ungrounded") == reflect(window, says("1 | у тебя есть яхта"), WrittenPhrases())
    assert ([], "nothing_told") == reflect(window, says("ничего"), WrittenPhrases())


def test_the_schooled_base_is_asked_in_its_own_words() -> None:
    model = says("Говорили про блюдо.")
    insights, _ = reflect([memory(0), memory(1)], model, PrimerPhrases())

    assert [prompts.summary("Ты любишь блюдо 0. Ты любишь блюдо 1.")] == model.asked
    assert ("ты любишь блюдо 0", "ты любишь блюдо 1") == insights[0].evidence
