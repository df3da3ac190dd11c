"""Facts as a model from elsewhere reads them: taken only where the person's words carry them."""

from datetime import UTC, datetime

from models.memory.extraction import Told
from models.memory.reading import by_model
from models.testing import ScriptedModel

TIME = datetime(2026, 1, 1, tzinfo=UTC)


def told(*said: str, system: str = "") -> Told:
    messages = [{"role": "system", "content": system}] if system else []
    for n, text in enumerate(said):
        messages.append({"role": ("user", "assistant")[n % 2], "content": text})
    return Told("d", messages, TIME, taught=False)


def read(dialogue: Told, answer: str) -> tuple[list[tuple[str, int]], list[str], str]:
    """Return facts with their importance, the reasons, and what the model was asked."""
    model = ScriptedModel(says=lambda _: answer)
    (turns,) = by_model([dialogue], model)
    facts = [(o.text, o.importance) for turn in turns for o in turn.facts]
    return facts, [turn.reason for turn in turns], "".join(model.asked)


def test_what_the_model_finds_is_remembered_with_its_rating() -> None:
    facts, reasons, _ = read(
        told("Вчера гулял с псом, Бураном его зовут.", "Как мило."),
        "0 | 6 | твоего пса зовут Бураном",
    )

    assert [("твоего пса зовут Бураном", 6)] == facts
    assert ["", "unconfirmed"] == reasons


def test_a_short_answer_is_read_with_its_question() -> None:
    dialogue = told("Привет!", "Как зовут твою собаку?", "Буран.", "Красиво.")
    facts, _, asked = read(dialogue, "2 | 6 | твою собаку зовут Буран")

    assert [("твою собаку зовут Буран", 6)] == facts
    assert "[2] (Как зовут твою собаку?) Буран." in asked


def test_what_the_person_did_not_say_is_refused() -> None:
    invented = "0 | 5 | тебя зовут Иван Петров\n0 | 9 | your dog is called Buran"
    facts, reasons, _ = read(told("Гуляю с собакой у реки.", "Хорошо."), invented)

    assert [] == facts
    assert "ungrounded" == reasons[0] or "not_about_the_person" == reasons[0]


def test_an_answer_a_system_message_and_a_secret_are_never_shown() -> None:
    dialogue = told(
        *("Мой телефон [телефон 1].", "Живёшь в Омске?", "Живу в Туле.", "Твой кот рыжий."),
        system="Память: твою собаку зовут Полкан.",
    )
    facts, _, asked = read(dialogue, "4 | 5 | твой кот рыжий\n0 | 5 | твою собаку зовут Полкан")

    assert [] == facts
    assert not any(word in asked for word in ("телефон", "Полкан", "кот рыжий"))


def test_junk_lines_are_left_out_and_the_turns_keep_their_reasons() -> None:
    answer = "ничего\nВот факты:\n99 | 5 | ты живёшь в Туле\n0 | много | ты живёшь в Туле\n|||"
    facts, reasons, _ = read(told("Где мои ключи?", "Не знаю.", "Живу в Туле.", "Ясно."), answer)

    assert [] == facts
    assert ["question", "unconfirmed", "nothing_told", "unconfirmed"] == reasons


def test_a_dialogue_without_words_of_a_person_is_not_asked_about() -> None:
    model = ScriptedModel(says=lambda _: "")
    by_model(
        [Told("d", [{"role": "system", "content": "Ты помощник."}], TIME, taught=False)], model
    )

    assert [] == model.asked
