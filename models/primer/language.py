"""Russian inflection for the primer's templates, by pymorphy3's dictionary.

Every function is a pure function of its arguments and is cached: the primer inflects a few
thousand words a hundred thousand times.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pymorphy3 import MorphAnalyzer
    from pymorphy3.analyzer import Parse

PRONOUNS = {"masc": "он", "femn": "она", "neut": "оно", "plur": "они"}
OBJECT_PRONOUNS = {"masc": "его", "femn": "её", "neut": "его", "plur": "их"}


@cache
def _analyzer() -> MorphAnalyzer:
    from pymorphy3 import MorphAnalyzer

    return MorphAnalyzer(lang="ru")


@cache
def _noun(word: str) -> Parse:
    """Return the reading of `word` as a noun in the nominative, a living being where one is."""
    readings = [p for p in _analyzer().parse(word) if "NOUN" in p.tag and "nomn" in p.tag]
    own = [p for p in readings if p.normal_form == word] or readings
    living = [p for p in own if "anim" in p.tag]
    return (living or own)[0]


@cache
def inflect(noun: str, case: str, number: str = "") -> str:
    """Return `noun` (nominative) in an OpenCorpora case, and number where one is given."""
    wanted = {case, number} - {""}
    form = _noun(noun).inflect(wanted)
    return str(form.word) if form else noun


@cache
def gender(noun: str) -> str:
    """Return `masc`, `femn`, `neut`, or `plur` for a noun in the plural."""
    tag = _noun(noun).tag
    return "plur" if tag.number == "plur" else str(tag.gender or "masc")


@cache
def is_animate(noun: str) -> bool:
    """Return whether the noun's accusative is that of a living being."""
    return "anim" in _noun(noun).tag


@cache
def counted(noun: str, number: int) -> str:
    """Return the noun's form after a number: 1 сурок, 2 сурка, 5 сурков."""
    return str(_noun(noun).make_agree_with_number(number).word)


def years(number: int) -> str:
    """Return the word for years after a number: 1 год, 2 года, 5 лет."""
    form = counted("год", number)
    return "лет" if form == "годов" else form


@cache
def agreeing(adjective: str, noun: str, case: str = "nomn") -> str:
    """Return an adjective or a possessive (masculine nominative) agreeing with `noun`."""
    reading = next(p for p in _analyzer().parse(adjective) if "ADJF" in p.tag)
    kind = gender(noun)
    wanted = {case, "plur"} if kind == "plur" else {case, "sing", kind}
    if case == "accs" and kind in {"masc", "plur"}:
        wanted.add("anim" if is_animate(noun) else "inan")
    form = reading.inflect(wanted)
    return str(form.word) if form else adjective


def mine(noun: str, case: str = "nomn") -> str:
    """Return `мой зонт`, `моей собаки`...: the speaker's own thing in a case."""
    return f"{agreeing('мой', noun, case)} {inflect(noun, case)}"


def yours(noun: str, case: str = "nomn") -> str:
    """Return `твой зонт`, `твоей собаки`...: the listener's own thing in a case."""
    return f"{agreeing('твой', noun, case)} {inflect(noun, case)}"


def capital(text: str) -> str:
    """Return the text with its first letter in upper case, the rest as it is."""
    return text[:1].upper() + text[1:]


def lower_first(text: str) -> str:
    """Return the text with its first letter in lower case, the rest as it is."""
    return text[:1].lower() + text[1:]


def words(line: str) -> tuple[str, ...]:
    """Return the words of a line."""
    return tuple(line.split())
