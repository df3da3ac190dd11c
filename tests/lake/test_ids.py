"""Content ids: stable across processes, and different where the content is."""

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lake.errors import DataError
from lake.ids import (
    content_id,
    is_id,
    json_id,
    pseudonym_key,
    require_id,
    user_id_of,
)


@given(st.lists(st.text()), st.lists(st.text()))
def test_different_parts_have_different_ids(a: list[str], b: list[str]) -> None:
    assert (content_id(*a) == content_id(*b)) == (a == b)


def test_an_id_is_the_same_in_another_process() -> None:
    code = "from lake.ids import content_id; print(content_id('степь', 'a'))"

    found = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.strip()

    assert content_id("степь", "a") == found


def test_the_order_of_keys_does_not_matter() -> None:
    assert json_id({"a": 1, "b": 2}) == json_id({"b": 2, "a": 1})


def test_a_pseudonym_depends_on_the_key_of_the_home(tmp_path: Path) -> None:
    one, two = pseudonym_key(tmp_path / "a"), pseudonym_key(tmp_path / "b")

    assert one == pseudonym_key(tmp_path / "a")
    assert user_id_of("Вера", one) != user_id_of("Вера", two)
    assert 0o600 == (tmp_path / "a" / "pseudonym.key").stat().st_mode & 0o777


@given(st.text())
def test_only_hexadecimal_digits_are_an_id(text: str) -> None:
    made = content_id(text)

    assert made == require_id(made)
    assert not is_id(made.upper()) or made.isdigit()
    assert not is_id(f"{made}\n")
    assert not is_id(text)


def test_what_is_no_id_is_refused_with_a_hint() -> None:
    with pytest.raises(DataError, match="hint: `steppe people"):
        require_id("' or '1'='1", "pseudonym")
