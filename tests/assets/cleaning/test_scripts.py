"""Latin twins in Russian words are repaired; words of two alphabets are marked, borrowings not."""

import pytest

from assets.cleaning.scripts import mixed_words, twins


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("картинa в кластерe", "картина в кластере"),
        ("молоka, науk, Увлеkaтельные", "молока, наук, Увлекательные"),
        ("Cистема TOЛЬКО xлеб", "Система ТОЛЬКО хлеб"),
        ("зовëм на ëлку", "зовём на ёлку"),
        ("Тhe Сw, Оahu", "The Cw, Oahu"),
        ("`ценa` и ценa", "`ценa` и цена"),
        ("https://ru.example/ценa", "https://ru.example/ценa"),
    ],
)
def test_a_word_is_written_in_the_alphabet_that_its_letters_prove(text, expected):
    assert twins(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "git-репозиторий, 3D-модель, IT-шник, web-сервера, Wi-Fi'ем",
        "PDFка, SMSки, PCшник, микроSD, VIPы, turnовые, iPhoneы",
        "СО2 и CO₂, х86 и x86, Иван IV",
        "Москва is the capital of России",
    ],
)
def test_legitimate_mixtures_stay_and_are_not_marked(text):
    assert twins(text) == text
    assert mixed_words(text) == []


@pytest.mark.parametrize(
    ("text", "marked"),
    [
        ("шлифуяConsistencyи.", ["шлифуяConsistencyи"]),
        ("Возroждения и Preимущество", ["Возroждения", "Preимущество"]),
        ("изanother, Кроissant", ["изanother", "Кроissant"]),
        ("```\nгетName()\n``` и `имяFile`", []),
        ("«Цw»", []),
    ],
)
def test_words_that_change_their_alphabet_are_marked(text, marked):
    assert mixed_words(text) == marked
