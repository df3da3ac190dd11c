"""The calculator: exact, Russian, bounded, and no door to anything else."""

import time
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lake.errors import BadArguments
from models.tools.calculator import calculate, calculator, shown


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("37+45", "82"),
        ("91 - 17", "74"),
        ("2 + 3 * 4", "14"),
        ("(2 + 3) * 4", "20"),
        ("-7 // 2", "-4"),
        ("7 % 3", "1"),
        ("2 ** 10", "1024"),
        ("2^10", "1024"),
        ("2 ** -2", "0,25"),
        ("(-1) ** 1000001", "-1"),
        ("0 ** 0", "1"),
        ("0,1 + 0,2", "0,3"),
        ("3,5 × 2", "7"),
        ("12 : 5", "2,4"),
        ("10 ÷ 4", "2,5"),
        ("1 000 000 * 3", "3000000"),
        ("1 000 + 1 000", "2000"),
        ("15 % от 200", "30"),
        ("50%", "0,5"),
        ("5 х 6", "30"),
        ("20 плюс 22", "42"),
        ("64 минус 21", "43"),
        ("6 умножить на 7", "42"),
        ("84 разделить на 2", "42"),
        ("2 в степени 5", "32"),
        ("37 + 45 =", "82"),
        ("1 / 3", "≈ 0,333333333333"),
        ("2 / 3", "≈ 0,666666666667"),
        ("-2 / 3", "≈ -0,666666666667"),
        ("1 / 3000", "≈ 0,000333333333333"),
        ("100000 / 7", "≈ 14285,7142857"),
        ("144115188075849463 / 575", "≈ 250635109697130"),
        ("корень(16)", "4"),
        ("sqrt(2)", "≈ 1,41421356237"),
        ("2 ** 0,5", "≈ 1,41421356237"),
        ("модуль(-3)", "3"),
        ("округлить(2,5)", "3"),
        ("round(2,345; 2)", "2,35"),
        ("max(3; 7; 5)", "7"),
        ("min(3, 7)", "3"),
        ("99999999999999999999 + 1", "100000000000000000000"),
        ("1" + "0" * 200 + " + 1", "1" + "0" * 199 + "1"),
    ],
)
def test_expressions_are_counted_as_people_write_them(expression: str, value: str) -> None:
    assert value == calculate(expression)


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("", "не разобрать"),
        ("сколько", "не арифметика"),
        ("2 +", "не разобрать"),
        ("1 / 0", "На ноль"),
        ("0 ** -1", "На ноль"),
        ("5 % 0", "На ноль"),
        ("2 ** 2000", "слишком большое"),
        ("9 ** 9 ** 9 ** 9", "слишком большое"),
        ("10 ** 308 * 10 ** 308", "слишком большое"),
        ("2 ** 0,3", "должна быть целой"),
        ("sqrt(-1)", "корня нет"),
        ("sqrt(1; 2)", "не столько чисел"),
        ("round(1; 100)", "до 24 знаков"),
        ("200 + 10 %", "от чего процент"),
        ("1" * 301, "301 знаков"),
        ("(" * 149 + "1" + "(" * 140, "не разобрать"),
        ("1e400", "не число"),
        ("1j", "не число"),
        ("0x1f", "не разобрать"),
        ("1_000", "не число"),
        ("'a' * 1000000000", "не число"),
        ("True + 1", "не арифметика"),
        ("[1] * 10", "не арифметика"),
        ("1 if 2 else 3", "не арифметика"),
        ("1 < 2", "не арифметика"),
        ("1 | 2", "не арифметика"),
        ("1 << 100000000", "не арифметика"),
        ("x = 1", "не разобрать"),
        ("lambda: 1", "не разобрать"),
        ("__import__('os').system('id')", "не арифметика"),
        ("().__class__.__bases__", "не арифметика"),
        ("open('a')", "не арифметика"),
        ("max(*[1, 2])", "не арифметика"),
        ("round(number=1)", "не арифметика"),
        ("(1).real", "не арифметика"),
        ("f'{1}'", "не арифметика"),
        ("(x := 1)", "не разобрать"),
        ("1\n2", "не разобрать"),
        ("1\0", "не разобрать"),
        ("１ + １", "не разобрать"),
    ],
)  # fmt: skip
def test_what_is_no_arithmetic_is_told(expression: str, words: str) -> None:
    with pytest.raises(BadArguments, match=rf"(?s){words}.*hint: "):
        calculate(expression)


numbers = st.integers(-(10**6), 10**6)


@given(numbers, numbers, st.sampled_from(["+", "-", "*"]))
def test_whole_numbers_stay_exact(a: int, b: int, sign: str) -> None:
    expected = {"+": a + b, "-": a - b, "*": a * b}[sign]

    assert str(expected) == calculate(f"({a}) {sign} ({b})")


@given(st.integers(-(10**9), 10**9), st.integers(0, 9))
def test_decimals_come_back_as_they_were_written(digits: int, places: int) -> None:
    value = Fraction(digits, 10**places)

    assert value == Fraction(shown(value).replace(",", "."))


@given(st.fractions(max_denominator=10**6))
def test_a_rounded_number_is_close(value: Fraction) -> None:
    told = Fraction(shown(value).removeprefix("≈ ").replace(",", "."))

    assert abs(told - value) <= abs(value) / 10**10


@given(st.text(max_size=60))
def test_any_words_end_in_an_observation(words: str) -> None:
    observation = calculator().run({"expression": words})

    assert observation
    assert observation[0] in "0123456789-≈О"


def test_the_largest_numbers_take_no_time() -> None:
    """A bound on steps, not on time: a hundred of the worst in the time of any test."""
    began = time.process_time()
    for _ in range(100):
        calculate("(2 ** 1000 - 1) * (3 ** 10) // 7 ** 200 + корень(2 ** 999)")

    assert time.process_time() - began < 10
