"""What a person reads is what was said: text is never taken for markup."""

import pytest

from orchestration.console import print_table


@pytest.mark.parametrize("text", ["[/b]", "[red]gone", "a [b] c"])
def test_brackets_in_a_dialogue_are_text(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    print_table([{"text": text}])

    assert text in capsys.readouterr().out
