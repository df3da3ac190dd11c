"""Rules on text repair what they name, leave the rest, and change nothing twice."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assets.cleaning.text import TEXT_RULES, clean_text

# What the rules work on, thrown together: far likelier to meet than in arbitrary text.
PIECES = st.sampled_from(
    [
        " ",
        "  ",
        "\t",
        "\n",
        "\n\n\n",
        "\r\n",
        "\r",
        "\u2028",
        "\u00a0",
        "\u200b",
        "\u200d",
        "\ufeff",
        "е",
        "и",
        "\u0306",
        "\u0308",
        "й",
        "слово",
        "a",
        "1",
        "|",
        "- ",
        "```",
        "```py\n",
        "~~~",
        "\x00",
        "【42†L1】",
        "【",
        "】",
        "†",
        "citeturn0search1",
        "cited",
        "\ue200cite\ue202turn0\ue201",
        "\uf8ff",
        "👩",
        "👩\u200d💻",
        "\u0958",
        "\u2126",
        "    код  x",
    ]
)
TEXTS = st.one_of(st.lists(PIECES, max_size=25).map("".join), st.text(max_size=40))


@given(TEXTS)
def test_clean_text_is_clean(text):
    cleaned = clean_text(text)

    assert clean_text(cleaned) == cleaned
    assert unicodedata.is_normalized("NFC", cleaned)
    assert cleaned == cleaned.strip("\n").rstrip()


@given(TEXTS)
def test_nothing_is_invented(text):
    """Every sign of the result stands in the composed original, or is a space or line feed."""
    known = set(unicodedata.normalize("NFC", text)) | set(unicodedata.normalize("NFD", text))
    composed = set(unicodedata.normalize("NFC", clean_text(text)))

    assert {unicodedata.normalize("NFD", sign)[0] for sign in composed} <= known | {" ", "\n"}


@pytest.mark.parametrize("rule", TEXT_RULES, ids=lambda rule: rule.name)
@given(text=TEXTS)
def test_a_gate_lets_no_work_past(rule, text):
    assert rule.gate(text) or rule.apply(text) == text


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
