"""Signs, marks and blanks: repairs take off what they name and leave the rest."""

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assets.cleaning import text as rules
from assets.cleaning.text import clean_text

# What these rules work on, thrown together: far likelier to meet than in arbitrary text.
PIECES = st.sampled_from([
    " ", "  ", "\t", "\n", "\n\n\n", "\r\n", "\r", "\u2028", "\u00a0", "\u200b", "\u200d",
    "\ufeff", "е", "и", "\u0306", "\u0308", "й", "слово", "a", "1", "|", "- ", "```", "```py\n",
    "~~~", "\x00", "【42†L1】", "【", "】", "†", "citeturn0search1", "cited", "\uf8ff", "👩",
    "\ue200cite\ue202turn0\ue201", "👩\u200d💻", "\u0958", "\u2126", "    код  x",
])  # fmt: skip
TEXTS = st.one_of(st.lists(PIECES, max_size=25).map("".join), st.text(max_size=40))


@given(TEXTS)
def test_clean_text_is_composed_and_has_no_blank_ends(text):
    cleaned = clean_text(text)

    assert unicodedata.is_normalized("NFC", cleaned)
    assert cleaned == cleaned.strip("\n").rstrip()


@pytest.mark.parametrize("rule", ["line_ends", "controls", "citations", "whitespace"])
@given(text=TEXTS)
def test_nothing_is_invented(rule, text):
    """Every sign of the result stands in the original, or is a space or line feed."""
    assert set(getattr(rules, rule)(text)) <= set(text) | {" ", "\n"}


def test_the_gate_of_normal_form_lets_no_sign_past():
    """Signs that normal form C may change, alone or after another, are all in its gate."""
    (rule,) = (rule for rule in rules.TEXT_RULES if rule.name == "nfc")
    signs = [chr(n) for n in range(0x30000) if not 0xD800 <= n < 0xE000]
    second = {
        chr(int(parts[1], 16))
        for parts in (unicodedata.decomposition(sign).split() for sign in signs)
        if len(parts) == 2 and "<" not in parts[0]
    }

    missed = [
        hex(ord(sign))
        for sign in signs
        if not re.search(rule.gate, sign)
        and (
            unicodedata.combining(sign)
            or sign in second
            or unicodedata.normalize("NFC", sign) != sign
        )
    ]

    assert missed == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("и\u0306од", "йод"),
        ("раз\r\nдва\rтри", "раз\nдва\nтри"),
        ("при\u200bвет\ufeff\x00", "привет"),
        ("семья 👩\u200d💻 дома", "семья 👩\u200d💻 дома"),
        ("соеди\u200dнение", "соединение"),
        ("Так пишут【42†L67-L75】. И так 【4:0†source】.", "Так пишут. И так."),
        ("【важно】 остаётся", "【важно】 остаётся"),
        ("Ответ \ue200cite\ue202turn0search1\ue201.", "Ответ."),
        ("Ответ citeturn0search1turn2view0.", "Ответ."),
        ("cited and linked words stay", "cited and linked words stay"),
        ("много   пробелов\u00a0тут  ", "много пробелов тут"),
        ("абзац\n\n\n\nабзац", "абзац\n\nабзац"),
        ("- пункт\n    - глубже", "- пункт\n    - глубже"),
        ("| a   | b |", "| a   | b |"),
        (
            "код:\n```py\nif x:\n    y  =  1\n\n\n\nz\n```",
            "код:\n```py\nif x:\n    y  =  1\n\n\n\nz\n```",
        ),
        ("\n\n  отступ", "отступ"),
        ("\n    код:\n        ещё", "    код:\n        ещё"),
        ("", ""),
        (" \n\t ", ""),
    ],
)
def test_each_repair_does_what_it_says(text, expected):
    assert clean_text(text) == expected


def test_the_owners_note_loses_its_citation_marks_and_nothing_else(shared_data):
    from assets import sources

    (path,) = (shared_data / "nexus").iterdir()
    (dialogue,) = sources.read(path, root=path.parent)
    before = dialogue.messages[2].content

    after = clean_text(before)

    assert before.count("†") == 57
    assert "†" not in after
    assert 0.9 * len(before) < len(after) < len(before)
