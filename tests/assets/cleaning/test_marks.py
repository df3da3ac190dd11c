"""Pictographs inside words and numbers are marked; ordinary ones are not."""

import pytest

from assets import sources
from assets.cleaning.marks import MARK_RULES, glued_pictographs
from assets.cleaning.text import clean_text


@pytest.mark.parametrize(
    ("text", "marked"),
    [
        ("модель ~🔩13 ГБ весом", ["~🔩13"]),
        ("сло🔩во", ["сло🔩во"]),
        ("около ≈☀\ufe0f7 часов", ["≈☀\ufe0f7"]),
        ("Привет 😊", []),
        ("Привет😊Как дела?", []),
        ("📞8-800 и 💰 500 рублей", []),
        ("раз 🌟 два 🌟", []),
        ("рейтинг 4★, 5☆", []),
        ("🧙\u200d♂\ufe0f🚪📚", []),
        ("```\na🔩1\n```", []),
    ],
)
def test_only_glued_pictographs_are_marked(text, marked):
    assert glued_pictographs(text) == marked


def test_the_owners_note_shows_its_two_glitches_and_no_other(shared_data):
    (path,) = (shared_data / "nexus").iterdir()
    (dialogue,) = sources.read(path, root=path.parent)
    texts = [clean_text(message.content) for message in dialogue.messages]

    found = [
        (rule.name, place) for rule in MARK_RULES for text in texts for place in rule.find(text)
    ]

    assert len(texts) == 3
    assert found == [("mixed_scripts", "шлифуяConsistencyи"), ("glued_pictograph", "~🔩13")]
