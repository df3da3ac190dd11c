"""Of what a fact speaks and what it says of it: two facts contradict where only the latter differs.

A claim is a pair (key, value).  Only what can be true of one value at a time is a claim: where one
lives, what a dog is called, when one gets up; one may love two kinds of tea.  Whether a thing is
so or not so is a claim of every fact.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from models.memory.readings import lemmas

_TIME = (
    r"(?:в |к |после )?(?:\d{1,2}(?::\d\d| час\w*| утра| вечера)[\w ]*|полдень|полночь"
    r"|половине \w+|час\b|(?:два|три|четыре|пять|шесть|семь|восемь|девять|десять|одиннадцать"
    r"|двенадцать) час\w*|(?:в|во) (?:понедельник|вторник|среду|четверг|пятницу|субботу"
    r"|воскресенье)|по (?:понедельникам|вторникам|средам|четвергам|пятницам|субботам"
    r"|воскресеньям|утрам|вечерам|выходным)|завтра|послезавтра)"
)
_WHEN = rf"(?P<v>{_TIME}(?:[ ,]+{_TIME})*)"
_STANDS = r"(?:лежит|лежат|стоит|стоят|висит|висят|хранится|хранятся|спрятан\w*|находится)"
_MONTH = r"(?:января|февраля|марта|апреля|мая|июня|июля|августа|сентября|октября|ноября|декабря)"
_COLOUR = (
    r"(?:красн|син|зелён|зелен|жёлт|желт|бел|чёрн|черн|сер|оранжев|лилов|розов|голуб|фиолетов"
    r"|коричнев)\w+"
)

_PATTERNS = tuple(
    (predicate, re.compile(pattern, re.IGNORECASE))
    for predicate, pattern in (
        ("birthday", rf"^день рождения (?:у )?(?P<s>.+?)(?: —)? (?P<v>\w+ {_MONTH})$"),
        ("name", r"^(?P<s>.+?) зовут (?P<v>.+)$"),
        ("name", r"^(?:имя|кличка) (?P<s>.+?)(?: —)? (?P<v>\S+)$"),
        ("age", r"^(?P<s>.+?) (?P<v>\d+ (?:лет|год|года))$"),
        ("number", r"^номер (?P<s>.+?)(?: —)? (?P<v>\d+)$"),
        ("home", r"^(?P<s>.+?) (?:живёшь|живешь|живёт|живет|живут) (?P<v>.+)$"),
        ("trade", r"^(?P<s>.+?) работае(?:шь|т) (?P<v>(?!в |во |на )\S+)$"),
        ("workplace", r"^(?P<s>.+?) работае(?:шь|т) (?P<v>(?:в|во|на) .+)$"),
        ("place", rf"^(?P<s>.+?) {_STANDS} (?P<v>.+)$"),
        ("favourite", r"^(?P<s>(?:твой|твоя|твоё|твои) любим\w+ \w+)(?: —)? (?P<v>.+)$"),
        ("colour", rf"^(?P<s>(?:твой|твоя|твоё|твои) \w+) (?P<v>{_COLOUR})$"),
        ("colour", rf"^у тебя (?P<v>{_COLOUR}) (?P<s>\w+)$"),
    )
)
_SCHEDULE = re.compile(rf"(?<!\w){_WHEN}(?!\w)", re.IGNORECASE)
_DOING = re.compile(r"\b(?:тебе|надо|нужно|ложишься|\w+(?:[её]|и)шь(?:ся)?)\b")


@dataclass(frozen=True, slots=True)
class Claim:
    """What a fact says of a subject: equal keys and different values contradict each other."""

    key: tuple[str, ...]
    value: tuple[str, ...]


def claims(text: str) -> tuple[Claim, ...]:
    """Return the claims of a fact in the second person; the last is that it is so, or not so."""
    said = lemmas(text)
    whole = Claim(("so", *sorted(set(said) - {"не"})), ("не",) if "не" in said else ())
    if "не" in said:
        return (whole,)
    return (*_of_patterns(text), *_of_schedule(text), whole)


def _of_patterns(text: str) -> tuple[Claim, ...]:
    for predicate, pattern in _PATTERNS:
        found = pattern.match(text.strip())
        if found:
            subject = sorted(lemmas(found["s"])) or ["ты"]
            return (Claim((predicate, *subject), tuple(sorted(lemmas(found["v"])))),)
    return ()


def _of_schedule(text: str) -> tuple[Claim, ...]:
    """Return when something is done: the rest of the sentence is the subject."""
    found = _SCHEDULE.search(text)
    if not found or not _DOING.search(text) or _is_habit(text, found["v"]):
        return ()
    rest = sorted(lemmas(f"{text[: found.start()]} {text[found.end() :]}"))
    value = re.findall(r"\w+", found["v"].lower())
    return (Claim(("when", *rest), tuple(value)),) if rest else ()


def _is_habit(text: str, when: str) -> bool:
    """Say whether something is done on certain days, which may be several: `по средам рисуешь`."""
    return when.lower().startswith("по ") and not re.search(r"\b(?:надо|нужно)\b", text)
