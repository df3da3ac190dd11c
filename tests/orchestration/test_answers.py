"""An answer for a person or for a program: nothing is lost but what is said to be cut."""

import json
from datetime import date
from decimal import Decimal

import pyarrow as pa
import pytest

from lake.errors import SettingsError
from orchestration import answers

ANSWER = pa.table(
    {
        "n": [1, None],
        "share": [0.123456789, None],
        "text": ["две\nстроки", None],
        "said": [[{"role": "user"}], None],
        "day": [date(2026, 1, 1), None],
    }
)


def shown(capsys: pytest.CaptureFixture[str], answer: pa.Table, shape: str) -> str:
    answers.give(answer, shape)
    return capsys.readouterr().out


def test_a_row_of_a_table_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    lines = shown(capsys, ANSWER, "table").splitlines()
    first, second = ([c.strip() for c in line.split("│")[1:-1]] for line in lines[3:5])

    assert ["1", "0.123457", "две строки", '[{"role": "user"}]', "2026-01-01"] == first
    assert ["null"] * 5 == second


def test_numbers_stand_to_the_right(capsys: pytest.CaptureFixture[str]) -> None:
    lines = shown(capsys, pa.table({"n": [5, 1000], "t": ["a", "bbb"]}), "table").splitlines()

    assert "│    5 │ a   │" == lines[3]


def test_a_pipe_cuts_no_text(capsys: pytest.CaptureFixture[str]) -> None:
    assert "x" * 5000 in shown(capsys, pa.table({"t": ["x" * 5000]}), "table")


def test_of_a_long_answer_the_first_rows_are_shown_and_the_rest_is_told(
    capsys: pytest.CaptureFixture[str],
) -> None:
    answers.give(pa.table({"n": range(answers.SHOWN_ROWS + 1)}), "table")

    assert "the first 1,000 of 1,001 rows" in capsys.readouterr().err


def test_json_has_a_row_a_line_and_every_value() -> None:
    row = {"d": Decimal("0.5"), "at": date(2026, 1, 1), "said": [{"role": "user"}], "no": None}

    assert {
        "d": 0.5,
        "at": "2026-01-01",
        "said": [{"role": "user"}],
        "no": None,
    } == json.loads(answers.json_lines([row]))


def test_csv_has_its_header_even_without_rows(capsys: pytest.CaptureFixture[str]) -> None:
    assert "n,share,text,said,day\n" == shown(capsys, ANSWER.slice(0, 0), "csv")


def test_csv_has_structs_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    written = shown(capsys, ANSWER.select(["n", "said"]), "csv")

    assert 'n,said\n1,"[{""role"": ""user""}]"\n,\n' == written


def test_parquet_is_not_printed_in_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)

    with pytest.raises(SettingsError, match="--out"):
        answers.give(ANSWER, "parquet")
