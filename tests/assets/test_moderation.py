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


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("math:sqrt", "failed"),
        ("builtins:bool", "no text"),
        ("os:getcwd", "takes no arguments"),
        ("shutil:copy", "missing 1 required"),
    ],
)
def test_a_hook_that_is_no_function_of_one_text_is_told_before_there_is_any(name, said):
    with pytest.raises(SettingsError, match=said) as error:
        moderation.of(load(self_chat={"moderation_hook": name}))
    assert error.value.hint


def test_a_hook_whose_module_ends_the_program_is_an_error(tmp_path, monkeypatch):
    (tmp_path / "ends_the_program.py").write_text("raise SystemExit(3)")
    monkeypatch.syspath_prepend(tmp_path)

    with pytest.raises(SettingsError, match="cannot be had"):
        moderation.of(load(self_chat={"moderation_hook": "ends_the_program:f"}))


def test_a_hook_that_fails_on_a_text_is_told(tmp_path, monkeypatch):
    (tmp_path / "fails_on_one.py").write_text("def f(text):\n    return 1 / (text != 'да') and ''")
    monkeypatch.syspath_prepend(tmp_path)
    moderate = moderation.of(load(self_chat={"moderation_hook": "fails_on_one:f"}))

    with pytest.raises(SettingsError, match="failed: ZeroDivisionError"):
        moderate("да")


BAD = {
    "(": "no regular expression",
    "а{99999999999999999999}": "no regular expression",
    "(" * 3000 + "а" + ")" * 3000: "no regular expression",
    "[[а]": "no regular expression",
    "(?L)а": "no regular expression",
    "x*": "in every text",
    "а|": "in every text",
    "()": "in every text",
    r"\b": "in every text",
    "^": "in every text",
    "да|$": "in every text",
    r"(?<=\w)": "in every text",
    "(?!нет)": "in every text",
}


@pytest.mark.parametrize("line", BAD, ids=lambda line: line[:20])
def test_a_bad_line_is_refused_with_its_number(tmp_path, line):
    path = tmp_path / "words.txt"
    path.write_text(f"# чего нельзя\n\nгде\n{line}\n")

    with pytest.raises(SettingsError, match=BAD[line]) as error:
        moderation.of(load(self_chat={"moderation": path}))
    assert error.value.message.startswith(f"`{path}`, line 4, ")
    assert len(error.value.message) < 400
    assert error.value.hint


@pytest.mark.parametrize("line", [r"\bтайна\b", "^секрет", "(?=бомб)", "а{2,}"])
def test_a_line_that_needs_a_letter_is_taken(tmp_path, line):
    path = tmp_path / "words.txt"
    path.write_text(line)

    moderate = moderation.of(load(self_chat={"moderation": path}))

    assert ["", line] == [moderate("Добрый день."), moderate("секрет, тайна, бомба, аах")]


def test_each_line_is_an_expression_of_its_own(tmp_path):
    path = tmp_path / "words.txt"
    path.write_text("\ufeffгде\n(?i)зонт\n(?P<a>к)от\n(?P<a>к)ит\n", encoding="utf-8")

    moderate = moderation.of(load(self_chat={"moderation": path}))

    assert ["где", "(?i)зонт", "(?P<a>к)ит"] == [moderate(t) for t in ("Где он?", "Зонт", "Кит")]


def test_another_list_is_another_id(tmp_path):
    path = tmp_path / "words.txt"
    path.write_text("тайна")

    assert moderation.list_id(load()) != moderation.list_id(load(self_chat={"moderation": path}))
