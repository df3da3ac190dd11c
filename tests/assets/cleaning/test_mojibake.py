"""Wrong encodings are undone where that makes a text more Russian, and nowhere else."""

import ftfy.bad_codecs  # noqa: F401  # registers what browsers do with bytes a code page lacks
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assets.cleaning.mojibake import encoding

TEXTS = ["Привет, как дела? Ёжик — «да», №5…", "И снова здравствуйте!", "ВСЁ ИЗ МОСКВЫ И СССР»"]
MISREAD = [
    ("utf-8", "sloppy-windows-1251"),
    ("utf-8", "sloppy-windows-1252"),
    ("utf-8", "latin-1"),
    ("cp1251", "cp1252"),
    ("cp1251", "latin-1"),
]


@pytest.mark.parametrize(("written", "read"), MISREAD)
@pytest.mark.parametrize("text", TEXTS)
def test_what_was_misread_is_read_again(text, written, read):
    assert encoding(text.encode(written).decode(read)) == text


def test_a_line_alone_may_be_misread():
    assert encoding("Он написал:\nРџСЂРёРІРµС‚!\nИ всё.") == "Он написал:\nПривет!\nИ всё."


@pytest.mark.parametrize(
    "text",
    [
        "Р Р° тест",  # ftfy alone makes «а тест» of it
        "Вы из «ГРИНПИС»? Сделано в СССР”, «КПСС»…",
        "Déjà vu, Größe, naïveté, créée",
        "Буквы äöü есть в немецком.",
        "ÄÖÜ",
        "Иванов… и «Конюхов»",
        "Љубав је све, ја сам њен.",
        "Їжак, ґанок, Європа",
        "",
    ],
)
def test_what_was_read_rightly_stays(text):
    assert encoding(text) == text


@given(st.text(alphabet="абвгдежзийклмнопрстуфхцчшщъыьэюяАБВГДЕЁЖ ,.!?—«»…0123456789", max_size=60))
def test_russian_stays(text):
    assert encoding(text) == text
