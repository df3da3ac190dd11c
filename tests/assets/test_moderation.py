"""What may not be taught: words of a list, and the owner's own function."""

import pytest

from assets import moderation
from lake.errors import SettingsError
from lake.settings import load


def test_a_word_of_the_list_is_the_reason_whatever_its_case(tmp_path):
    path = tmp_path / "words.txt"
    path.write_text("# чего нельзя\n\nтайн\\w*\nсекрет\n")

    moderate = moderation.of(load(self_chat={"moderation": path}))

    assert "тайн\\w*" == moderate("Это Тайна.")
    assert "" == moderate("Это не важно.")


def test_without_a_list_everything_may_be_taught():
    assert "" == moderation.of(load())("Это тайна.")


def test_the_hook_is_asked_too():
    chosen = load(self_chat={"moderation_hook": "string:capwords"})

    assert "Да" == moderation.of(chosen)("да")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("no_such_module:f", "no_such_module"),
        ("string:nothing", "nothing"),
        ("string:digits", "no f"),
    ],
)
def test_a_hook_that_cannot_be_had_is_an_error_with_a_hint(name, said):
    with pytest.raises(SettingsError, match=said) as error:
        moderation.of(load(self_chat={"moderation_hook": name}))
    assert error.value.hint


def test_a_list_that_cannot_be_used_is_an_error(tmp_path):
    with pytest.raises(SettingsError, match="cannot be read"):
        moderation.of(load(self_chat={"moderation": tmp_path / "none.txt"}))
    path = tmp_path / "words.txt"
    path.write_text("(")
    with pytest.raises(SettingsError, match="no regular expression"):
        moderation.of(load(self_chat={"moderation": path}))


def test_a_hook_that_fails_or_says_no_text_is_told():
    for name, said in (("math:sqrt", "failed"), ("builtins:bool", "no text")):
        moderate = moderation.of(load(self_chat={"moderation_hook": name}))

        with pytest.raises(SettingsError, match=said):
            moderate("да")


@pytest.mark.parametrize("line", ["x*", "а|", "()"])
def test_a_line_that_matches_every_text_is_refused_not_ignored(tmp_path, line):
    path = tmp_path / "words.txt"
    path.write_text(f"{line}\nгде\n")

    with pytest.raises(SettingsError, match="even an empty text"):
        moderation.of(load(self_chat={"moderation": path}))


def test_each_line_is_an_expression_of_its_own(tmp_path):
    path = tmp_path / "words.txt"
    path.write_text("\ufeffгде\n(?i)зонт\n(?P<a>к)от\n(?P<a>к)ит\n", encoding="utf-8")

    moderate = moderation.of(load(self_chat={"moderation": path}))

    assert ["где", "(?i)зонт", "(?P<a>к)ит"] == [moderate(t) for t in ("Где он?", "Зонт", "Кит")]


def test_another_list_is_another_id(tmp_path):
    path = tmp_path / "words.txt"
    path.write_text("тайна")

    assert moderation.list_id(load()) != moderation.list_id(load(self_chat={"moderation": path}))
