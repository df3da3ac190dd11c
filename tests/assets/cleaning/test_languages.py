"""Languages are told by letters; the cheap answer agrees with the exact one."""

import polars as pl
import pytest

from assets.cleaning.languages import language_of, plainly_russian


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("да", "ru"),
        ("Как по-казахски «озеро»? — По-казахски «озеро» — «көл».", "ru"),
        ("Объясни функцию map в JavaScript и reduce in Python", "mixed"),
        ("Код:\n```py\nprint('hello world and many other words')\n```", "ru"),
        ("```py\nprint('hello')\n```", "en"),
        ("См. https://example.com/a-long-latin-address", "ru"),
        ("Добра дана, како сте? Љубав је све, ја сам њен.", "cyrillic"),
        ("Сәлеметсіз бе, қалыңыз қалай?", "cyrillic"),
        ("Où êtes-vous né, chère élève préférée?", "other"),
        ("😀 12:30", "unknown"),
        ("x² — это квадрат", "ru"),
    ],
)
def test_languages_are_told_by_letters(text, language):
    assert language_of(text) == language


@pytest.mark.parametrize(
    ("text", "is_plain"),
    [
        ("Привет, как дела? — Хорошо… 5 км², «да» 😊", True),
        ("да `x`", False),
        ("Їжак", False),
        ("12:30", False),
        ("", False),
    ],
)
def test_plainly_russian_is_russian_letters_and_no_others(text, is_plain):
    assert pl.DataFrame({"text": [text]}).select(plainly_russian("text")).item() == is_plain
