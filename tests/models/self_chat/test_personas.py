"""A character of a card answers; out of character is no answer."""

import json

import pytest

from lake.errors import DataError
from models.primer import prompts
from models.self_chat import personas
from models.self_chat.cards import cards, read

NAME = "Твою собаку зовут Буран."


def play(staged, dog, answer):
    def said(conversation):
        system = conversation[0]["content"]
        if system.startswith("Ты задаёшь"):
            return "Имя моей собаки?" if len(conversation) == 2 else prompts.THANKS
        saying = system.partition("«")[2].partition("»")[0]
        return answer(saying)

    return personas.run(staged(said, [dog]), [dog], 0)[0]


def test_the_system_message_of_the_character_is_kept_with_the_talk(staged, dog):
    made = play(staged, dog, lambda saying: f"{saying} {NAME}")

    assert not made.reason
    assert "system" == made.turns[0][0]
    assert made.turns[2][1].endswith(NAME)


def test_an_answer_without_the_saying_is_out_of_character(staged, dog):
    assert "out_of_character" == play(staged, dog, lambda _: NAME).reason


def test_every_shipped_card_can_be_read_and_has_a_saying():
    assert 8 == len(cards())
    assert all(card.name and card.context and card.saying for card in cards())


def test_a_tavern_card_and_a_roleplay_row_are_read(tmp_path):
    tavern = {"data": {"name": "Ия", "description": "Рыбачка.", "first_mes": "Тихо!"}}
    row = {"name": "Ия", "context": "Рыбачка.", "greeting": "Тихо!", "example_dialogue": []}
    for name, content in (("a", tavern), ("b", row)):
        (tmp_path / f"{name}.json").write_text(json.dumps(content, ensure_ascii=False))

    first, second = read(tmp_path / "a.json"), read(tmp_path / "b.json")

    assert first == second
    assert "Ты Ия. Рыбачка.\nПриветствие: Тихо!" == first.as_system()


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"name": "Ия"}', "не json"])
def test_what_is_no_card_is_an_error_with_a_hint(tmp_path, text):
    path = tmp_path / "card.json"
    path.write_text(text)

    with pytest.raises(DataError, match="no character card") as error:
        read(path)
    assert error.value.hint
