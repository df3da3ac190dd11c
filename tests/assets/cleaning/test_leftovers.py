"""Buttons, ends of templates and veils are taken off; a second speaker inside is a reason."""

import pytest

from assets.cleaning import load_policy
from assets.cleaning.leftovers import buttons, chat_template, ends, spoilers
from lake.schemas import Message


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2 / 3\nОтвет", "Ответ"),
        ("```\npythonCopy code\nx = 1\n```", "```python\nx = 1\n```"),
        ("```python\nCopy code\nx = 1\n```", "```python\nx = 1\n```"),
        ("```pythonCopy code\nx = 1\n```", "```python\nx = 1\n```"),
        ("Вот:\nbashКопировать код\nls", "Вот:\nls"),
        ("Да.\nCopy123 chars / 20 words", "Да.\n"),
        ("1 / 2 стакана муки", "1 / 2 стакана муки"),
        ("5 / 3\nдробь", "5 / 3\nдробь"),
        ("Нажми Copy code и вставь.", "Нажми Copy code и вставь."),
    ],
)
def test_captions_of_buttons_are_removed(text, expected):
    assert buttons(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Да.<|im_end|>", "Да."),
        ("<s>Привет</s> </s>\n", "Привет"),
        ("<|begin_of_text|> Привет<|eot_id|>", "Привет"),
        ("Что значит </s> в тексте?", "Что значит </s> в тексте?"),
        ("```\nx</s>\n```", "```\nx</s>\n```"),
    ],
)
def test_ends_of_templates_are_removed(text, expected):
    assert ends(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("||секрет||", "секрет"),
        ("это ||очень личное||, да", "это очень личное, да"),
        ("a || b || c", "a || b || c"),
        ("if (a||b||c)", "if (a||b||c)"),
        ("| 1 || 2 |", "| 1 || 2 |"),
        ("`x = ||a||`", "`x = ||a||`"),
    ],
)
def test_veiled_words_are_shown(text, expected):
    assert spoilers(text) == expected


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("Да. ### Human: А ты? ### Assistant: И я.", "chat_template"),
        ("<|im_start|>user\nПривет", "chat_template"),
        ("[INST] Привет [/INST]", "chat_template"),
        ("[|Human|] Привет [|AI|]", "chat_template"),
        ("Шаблон — `<|im_start|>user`, а у Llama:\n```\n[INST]\n```", None),
        ("### Ответ\nДа.", None),
        ("Пользователь: привет\nБот: привет", None),
    ],
)
def test_a_turn_inside_a_message_is_a_reason(text, reason):
    policy = load_policy()

    assert [chat_template(Message(role, text), policy) for role in ("user", "assistant")] == [
        reason,
        reason,
    ]
