"""Content ids: stable across processes, and different where the content is."""

import subprocess
import sys
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from lake.ids import content_id, json_id, pseudonym_key, user_id_of


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
