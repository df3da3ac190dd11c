"""Names of people: first names and patronymics in every case, with the surnames beside them.

The dictionary of pymorphy3 knows each form and its other readings, so "маше" is a name wherever
it stands and "вера" only where it is written as one.  A surname alone is left: in talk with an
assistant it is far more often Пушкин than a neighbour.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Literal

from assets.cleaning.personal.kinds import Kind, Span

if TYPE_CHECKING:
    from pymorphy3 import MorphAnalyzer
    from pymorphy3.analyzer import Parse

Sort = Literal["first", "maybe_first", "patronymic", "surname", "maybe_surname", "initial", "word"]

_WORD = re.compile(r"[А-ЯЁ]\.|[А-Яа-яЁё]+(?:-[А-Яа-яЁё]+)*")
_BETWEEN = re.compile(r"[ \u00a0]{0,2}")
# A capital letter says nothing at the beginning of a sentence, a line or a quotation.
_SENTENCE_ENDS = re.compile(r"(?:\A|[.!?…:;\n]|[-–—•*|])[\s\"«„(]*\Z|[\"«„(]\Z")
# Who is greeted, or says what he is called, is a person: "Рома, ты где?", "меня зовут слава".
_CALLED_BEFORE = re.compile(
    r"(?:привет|здравствуй\w*|добр\w+ (?:день|утро|вечер)|спасибо|зовут|зови\w*)\W{1,3}\Z", re.I
)
_CALLED_AFTER = re.compile(
    r", (?:ты|вы|тебе|вам|привет|здравствуй|добр|спасибо|скажи|подскаж|извини|прост[ио])", re.I
)
_IN_A_TOWN = re.compile(r"(?:город\w*|г\.|во|под)\s\Z", re.I)  # «Владимир» is one, too
KNOWN_WORDS = 1 << 18  # forms kept in memory, about 60 MB when full
SURE_SHARE = 0.8  # «паша» is .96 a name, «роман» .24, «лев» .63
SHORT = (
    3  # «ИНН» is a form of «Инна», «ани» of «Аня»: names in capitals or small letters are longer
)


@dataclass(frozen=True, slots=True)
class Word:
    """A word of a text, and what it can be in a name."""

    start: int
    end: int
    sort: Sort
    normal: str
    is_capital: bool


def find(text: str, before: str) -> Iterator[Span]:
    """Yield every name; the normal form is its words in the nominative."""
    for run in _runs(text):
        if _is_name(run, text, before):
            yield Span(run[0].start, run[-1].end, " ".join(word.normal for word in run))


def _runs(text: str) -> Iterator[list[Word]]:
    """Yield words that stand side by side, are written alike and may all be parts of names."""
    run: list[Word] = []
    for match in _WORD.finditer(text):
        written = match[0]
        sort, normal = _known(written.lower())
        if sort == "word" or _is_no_name(sort, written):
            continue
        word = Word(*match.span(), sort, normal, written[0].isupper())
        if run and not _goes_on(run[-1], word, text):
            yield run
            run = []
        run.append(word)
    if run:
        yield run


def _is_no_name(sort: Sort, written: str) -> bool:
    """Say whether a form of a name is an acronym or an ordinary word by the way it is written."""
    if sort == "initial" or written.istitle():
        return False
    return len(written) <= SHORT or (sort == "maybe_surname" and written.islower())


def _goes_on(last: Word, word: Word, text: str) -> bool:
    """Say whether a word goes on with the name that the last one began."""
    if last.is_capital != word.is_capital or not _BETWEEN.fullmatch(text, last.end, word.start):
        return False
    # «вера» in small letters is a name before «петровна» alone.
    if word.is_capital or word.sort == "patronymic":
        return True
    return "maybe_first" not in (last.sort, word.sort)


def _is_name(run: Sequence[Word], text: str, before: str) -> bool:
    """Say whether a run is somebody's name and not ordinary words."""
    sorts = {word.sort for word in run}
    if sorts & {"first", "patronymic"}:
        return True
    if sorts == {"maybe_first"}:
        return _is_called(run, text, before)
    # Иванов И. И., Слава Петров; two initials alone are anything.
    return len(sorts) > 1


def _is_called(run: Sequence[Word], text: str, before: str) -> bool:
    """Say whether words that may be first names stand where a person is named."""
    here = text[: run[0].start][-30:]
    if _CALLED_BEFORE.search(here or before) or _CALLED_AFTER.match(text, run[-1].end):
        return True
    is_capital_by_itself = run[0].is_capital and not _SENTENCE_ENDS.search(here)
    return is_capital_by_itself and not _IN_A_TOWN.search(here)


@lru_cache(maxsize=KNOWN_WORDS)
def _known(word: str) -> tuple[Sort, str]:
    """Return what a word in small letters can be in a name, and its normal form there."""
    if word.endswith("."):
        return "initial", word
    morphology = _morphology()
    if not morphology.word_is_known(word):
        return "word", word
    if not any(NAMES & tag.grammemes for tag in morphology.tag(word)):
        return "word", word
    return _sort(morphology.parse(word), word)


def _sort(readings: Sequence[Parse], word: str) -> tuple[Sort, str]:
    """Return what a known form with a reading as a name is, and its normal form there."""
    names = [reading for reading in readings if NAMES & reading.tag.grammemes]
    share = sum(reading.score for reading in names)
    is_place = any("Geox" in reading.tag for reading in readings)
    is_sure = share > SURE_SHARE and not is_place
    for grammeme, sure, maybe in _PARTS:
        for reading in names:
            if grammeme in reading.tag:
                return (sure if is_sure else maybe), reading.normal_form
    return "word", word


NAMES = frozenset({"Name", "Patr", "Surn"})  # OpenCorpora's grammemes
_PARTS: tuple[tuple[str, Sort, Sort], ...] = (
    ("Patr", "patronymic", "patronymic"),
    ("Name", "first", "maybe_first"),
    ("Surn", "surname", "maybe_surname"),
)


@cache
def _morphology() -> MorphAnalyzer:
    import pymorphy3

    return pymorphy3.MorphAnalyzer()


NAME = Kind("name", "имя", r"[А-Яа-яЁё]{2}", find)
