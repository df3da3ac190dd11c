"""The calculator: exact arithmetic by the syntax tree, never by `eval`.

Numbers are fractions, so whole numbers stay whole and 0,1 + 0,2 is 0,3.  Russian writing is read:
a decimal comma, `×`, `:`, `15 % от 200`, words such as «плюс».  Everything is bounded: the length
of what is read, the size of every number on the way, and so the time.
"""

from __future__ import annotations

import ast
import math
import operator
import re
from collections.abc import Callable, Mapping
from fractions import Fraction

from lake.errors import BadArguments
from models.tools.tool import Tool, taking

MAX_CHARACTERS = 300
MAX_BITS = 1024  # of a numerator or a denominator: 308 digits
SIGNIFICANT = 12  # digits of a number that has no end, or a long one

WORDS = (
    (r"\bплюс\b", "+"),
    (r"\bминус\b", "-"),
    (r"\b(?:умножить|помножить|умноженное|умножено)\s+на\b|[×·⋅]", "*"),
    (r"(?<=[\d)])\s*[xх]\s*(?=[\d(])", "*"),
    (r"\b(?:разделить|поделить|деленное|делённое|делено)\s+на\b|[÷:]", "/"),
    (r"\bв\s+степени\b|\^", "**"),
    (r"[−–—]", "-"),
    (r"\s*%\s*от\s+", "/100*"),
    (r"(\d)\s*%(?!\s*[\d(])", r"\1/100"),
)
GROUPS = re.compile(r"(?<=\d)[ \u00a0\u202f](?=\d{3}(?!\d))")  # 1 000 000
UNCLEAR = re.compile(r"[+-]\s*[\d.]+\s*%(?!\s*(?:[\d(]|от\b))")  # 200 + 10 %: of what?
DECIMAL_COMMA = re.compile(r"(?<=\d),(?=\d)")
NUMBER = re.compile(r"\d+(\.\d+)?|\.\d+|\d+\.")
HINT = "нужно выражение вроде (2 + 3) * 4, 3,5 / 2, 2 ** 10, корень(2), 15 % от 200"

OPERATORS: Mapping[type[ast.operator], Callable[[Fraction, Fraction], Fraction]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: lambda a, b: Fraction(a // b),
    ast.Mod: operator.mod,
}


def calculator() -> Tool:
    """Return the tool."""
    expression = {"type": "string", "description": "выражение, например (17 + 25) * 3"}
    return Tool(
        "calculator",
        "Считает точно: сложение, вычитание, умножение, деление, степени, проценты, корень.",
        taking(expression=expression),
        lambda given: calculate(given["expression"]),
    )


def calculate(expression: str) -> str:
    """Return the value of an expression in digits, a decimal comma in it; `≈` where it is rounded.

    `BadArguments` says what is not arithmetic, divides by zero, or grows too large.
    """
    written = _python(expression)
    try:
        tree = ast.parse(written, mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise BadArguments(f"Выражение «{expression[:80]}» не разобрать.", hint=HINT) from None
    try:
        return shown(_value(tree.body, written))
    except ZeroDivisionError:
        raise BadArguments("На ноль делить нельзя.", hint="проверь делитель") from None


def shown(value: Fraction) -> str:
    """Return a number exactly if its decimals end soon, else rounded to `SIGNIFICANT` digits."""
    if value.denominator == 1:
        return str(value.numerator)
    digits = _decimals(value.denominator)
    whole = len(str(abs(value.numerator) // value.denominator))
    if digits is not None and digits + whole <= 2 * SIGNIFICANT:
        return _fixed(value, digits).replace(".", ",")
    places = SIGNIFICANT - whole if abs(value) >= 1 else SIGNIFICANT + _zeros(value)
    rounded = _fixed(value, max(places, 0))
    if "." in rounded:  # else the zeros at its end are its size
        rounded = rounded.rstrip("0").rstrip(".")
    return "≈ " + rounded.replace(".", ",")


def _python(expression: str) -> str:
    """Return an expression as Python writes it."""
    if len(expression) > MAX_CHARACTERS:
        raise BadArguments(
            f"В выражении {len(expression)} знаков, а можно {MAX_CHARACTERS}.",
            hint="раздели его на части",
        )
    written = expression.strip().rstrip("=?").lower()
    written = DECIMAL_COMMA.sub(".", GROUPS.sub("", written))
    if UNCLEAR.search(written):
        raise BadArguments("Непонятно, от чего процент.", hint="пиши 200 + 10 % от 200")
    for pattern, sign in WORDS:
        written = re.sub(pattern, sign, written)
    return " ".join(written.replace(";", ",").split())


def _value(node: ast.expr, written: str) -> Fraction:
    """Return the value of a node; what is not listed here is no arithmetic."""
    match node:
        case ast.Constant():
            return _bounded(_number(ast.get_source_segment(written, node) or ""))
        case ast.UnaryOp(op=ast.UAdd() | ast.USub() as op, operand=operand):
            value = _value(operand, written)
            return -value if isinstance(op, ast.USub) else value
        case ast.BinOp(left=left, op=ast.Pow(), right=right):
            return _power(_value(left, written), _value(right, written))
        case ast.BinOp(left=left, op=op, right=right) if type(op) in OPERATORS:
            combine = OPERATORS[type(op)]
            return _bounded(combine(_value(left, written), _value(right, written)))
        case ast.Call(func=ast.Name(id=name), args=args, keywords=[]) if name in FUNCTIONS:
            return _called(name, [_value(argument, written) for argument in args])
    part = (ast.get_source_segment(written, node) or written)[:40]
    raise BadArguments(f"«{part}» — не арифметика.", hint=HINT)


def _number(digits: str) -> Fraction:
    if not NUMBER.fullmatch(digits):
        raise BadArguments(f"«{digits[:40]}» — не число.", hint=HINT)
    return Fraction(digits)


def _bounded(value: Fraction) -> Fraction:
    if max(value.numerator.bit_length(), value.denominator.bit_length()) > MAX_BITS:
        raise BadArguments("Число слишком большое: больше 308 цифр.", hint="возьми числа поменьше")
    return value


def _power(base: Fraction, exponent: Fraction) -> Fraction:
    if exponent == Fraction(1, 2):
        return _root(base)
    if exponent.denominator != 1:
        raise BadArguments("Степень должна быть целой.", hint="корень пишется корень(2)")
    if abs(base) <= 1 and base.denominator == 1:  # 0, 1 and -1, whatever the exponent
        return base ** _small(int(exponent))
    size = max(base.numerator.bit_length(), base.denominator.bit_length())
    if (size - 1) * abs(exponent) > MAX_BITS:
        raise BadArguments(
            "Число слишком большое: больше 308 цифр.", hint="возьми степень поменьше"
        )
    return _bounded(base ** int(exponent))


def _small(exponent: int) -> int:
    """Return an exponent near zero with the sign and the parity of this one."""
    return (exponent > 0) * 2 - (exponent < 0) * 2 - exponent % 2 if exponent else 0


def _root(value: Fraction) -> Fraction:
    """Return a square root, exact where there is one, else to more digits than are shown."""
    if value < 0:
        raise BadArguments("Из отрицательного числа корня нет.", hint="проверь знак")
    top, bottom = math.isqrt(value.numerator), math.isqrt(value.denominator)
    if top * top == value.numerator and bottom * bottom == value.denominator:
        return Fraction(top, bottom)
    scale = 10 ** (3 * SIGNIFICANT)
    small = 10**SIGNIFICANT if value < Fraction(1, 10**SIGNIFICANT) else 1
    scale *= small
    return Fraction(math.isqrt(value.numerator * scale**2 // value.denominator), scale)


def _called(name: str, values: list[Fraction]) -> Fraction:
    function, counts = FUNCTIONS[name]
    if len(values) not in counts:
        raise BadArguments(f"У `{name}` не столько чисел: {len(values)}.", hint=HINT)
    return _bounded(function(*values))


def _rounded(value: Fraction, places: Fraction = Fraction(0)) -> Fraction:
    """Return a number rounded to a place; a half goes away from zero, as in school."""
    if places.denominator != 1 or abs(places) > 2 * SIGNIFICANT:
        raise BadArguments("Округлять можно до 24 знаков.", hint=HINT)
    scale = Fraction(10) ** int(places)
    away = math.floor(abs(value) * scale + Fraction(1, 2))
    return Fraction(away if value >= 0 else -away) / scale


FUNCTIONS: Mapping[str, tuple[Callable[..., Fraction], range]] = {
    "sqrt": (_root, range(1, 2)),
    "корень": (_root, range(1, 2)),
    "abs": (abs, range(1, 2)),
    "модуль": (abs, range(1, 2)),
    "round": (_rounded, range(1, 3)),
    "округлить": (_rounded, range(1, 3)),
    "min": (min, range(2, 20)),
    "max": (max, range(2, 20)),
}


def _decimals(denominator: int) -> int | None:
    """Return how many decimals a fraction has, or nothing if they do not end."""
    twos = fives = 0
    while denominator % 2 == 0:
        denominator, twos = denominator // 2, twos + 1
    while denominator % 5 == 0:
        denominator, fives = denominator // 5, fives + 1
    return max(twos, fives) if denominator == 1 else None


def _zeros(value: Fraction) -> int:
    """Return how many zeros follow the comma of a number below one."""
    return next(n for n in range(MAX_BITS) if abs(value) * 10 ** (n + 1) >= 1)


def _fixed(value: Fraction, places: int) -> str:
    """Return a number with so many decimals, rounded."""
    scaled = _rounded_to(value, places)
    digits = str(abs(scaled)).rjust(places + 1, "0")
    sign = "-" if scaled < 0 else ""
    return f"{sign}{digits[:-places]}.{digits[-places:]}" if places else f"{sign}{digits}"


def _rounded_to(value: Fraction, places: int) -> int:
    scaled = abs(value) * 10**places + Fraction(1, 2)
    return math.floor(scaled) if value >= 0 else -math.floor(scaled)
