"""The policy: shipped values, a file over them, and an id that names it all."""

from dataclasses import fields, replace
from pathlib import Path

import pytest

from assets.cleaning import Policy, load_policy
from assets.cleaning.policy import POLICY_FILE
from lake.errors import SettingsError


def changed(folder: Path, line: str) -> Path:
    path = folder / "mine.toml"
    path.write_text(line, encoding="utf-8")
    return path


def test_a_file_of_ones_own_replaces_what_it_names(tmp_path):
    policy = load_policy(changed(tmp_path, 'languages = ["ru"]\nmax_messages = 10'))

    assert policy == replace(load_policy(), languages=("ru",), max_messages=10)
    assert policy.policy_id != load_policy().policy_id


def test_every_value_has_its_reason_beside_it():
    lines = POLICY_FILE.read_text(encoding="utf-8").splitlines()
    values = {line.split(" = ")[0]: line for line in lines if " = " in line and line[0] != "#"}

    assert list(values) == [field.name for field in fields(Policy)]
    assert [name for name, line in values.items() if "# " not in line] == []


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("languges = []", "did you mean `languages`?"),
        ("zzz = 1", "the keys are languages,"),
        ("languages = 'ru'", "shows every key"),
        ("max_messages = -1", "shows every key"),
        ("max_messages = true", "shows every key"),
        ("max_messages = '5'", "shows every key"),
        ("max_repeated_spans = 1.5", "shows every key"),
        ("max_top_ngrams = [0.2]", "shows every key"),
        ("min_repetition_words = 20", "shows every key"),
        ("max_messages 5", "it is TOML"),
    ],
)
def test_a_misspelt_policy_is_refused_with_a_hint(tmp_path, line, told):
    with pytest.raises(SettingsError) as caught:
        load_policy(changed(tmp_path, line))

    assert told in caught.value.hint


def test_a_policy_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(SettingsError, match=r"none\.toml"):
        load_policy(tmp_path / "none.toml")
