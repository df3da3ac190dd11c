"""What one sentence of a person is: a fact told, or a word for what it is instead.

The rules are for Russian and for the formats of the primer (`models.primer.formats.teaching`):
`Запомни: ...`, `Кстати, ...`, a bare sentence about oneself.  They are strict on purpose: of ten
thousand memories of a published system 97.8 % were junk (mem0, issue 4573).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from models.memory.addressing import speaks_of_the_speaker
from models.memory.readings import readings
from models.primer import prompts

FEWEST_WORDS, MOST_CHARACTERS = 2, 200
"""A fact is a short sentence: the longest of the primer's is half of that."""

TELLING = re.compile(
    r"^(?:(?:пожалуйста|ещё|еще|и|а|также),?\s+)*"
    r"(?:запомни(?:те)?|запиши(?:те)?|знай(?:те)?|учти(?:те)?|помни(?:те)?|имей(?:те)? в виду"
    r"|кстати|между прочим|к слову)\b[,:]?\s*(?:пожалуйста,?\s*)?(?:что\s+)?",
    re.IGNORECASE,
)
CORRECTING = re.compile(r"^(?:нет|неверно|неправильно|не так|ошибаешься)\s*[,.!:—-]+\s*", re.I)
CONFIRMING = re.compile(
    r"^(?:да|верно|правильно|точно|именно|так и есть|угу|ага|всё так|все так)\b(?!\s*(?:нет|но)\b)",
    re.IGNORECASE,
)
ACKNOWLEDGING = re.compile(r"^(?:запомнил|записал|учту)[ао]?\s*[:.,]\s*", re.IGNORECASE)
PLACEHOLDER = re.compile(r"\[\w+(?: \d+)?\]")  # `assets.cleaning.personal.pseudonyms`
_IN_A_GROUP = re.compile(r"^Участник \d+: ")  # `assets.sources.telegram`: several people speak
_SECRET = re.compile(r"(?i:\b(?:парол|пин-?код|pin\b|cvv|cvc|код из смс|секретн)\w*)|\b\d{6,}\b")

_ASKING = frozenset(
    (
        *("кто", "что", "где", "когда", "как", "какой", "какая", "какое", "какие", "какого"),
        *("какую", "каком", "какому", "каким", "какова", "сколько", "почему", "зачем", "куда"),
        *("откуда", "чей", "чья", "чьё", "чьи", "чем", "кем", "кому", "чему", "кого", "чего"),
        *("разве", "неужели", "ли"),
    )
)
_REQUESTS = re.compile(
    r"^(?:а\s+|ну\s+|и\s+)?(?:я\s+)?(?:забыл|не вижу|не помню|не найду|не могу|ищу|потерял"
    r"|хочу знать|хочу узнать|интересно"
    r"|ты (?:не )?(?:знаешь|помнишь|можешь)|давай)\w*\b",
    re.IGNORECASE,
)
_SMALL_TALK = re.compile(
    r"^(?:привет\w*|здравствуй\w*|здорово|приветствую|добр(?:ый|ое|ой|ого)\s+\w+|спасибо\w*"
    r"|благодарю|пока|до свидания|до встречи|до завтра|спокойной ночи|как дела|хорошо|ладно"
    r"|отлично|понятно|ясно|окей|ок|да|нет|угу|ага|молодец|супер|здорово|извини\w*|прости\w*"
    r"|пожалуйста|начинай|дальше|прощай\w*)\b",
    re.IGNORECASE,
)
_PASSING = re.compile(
    r"^(?:а\s+|но\s+|и\s+)?(?:я\s+)?(?:не\s+)?(?:думаю|считаю|понял\w*|понимаю|согласн?\w*|шучу"
    r"|пошутил\w*|имею в виду|хотел\w* (?:спросить|сказать)|жду|надеюсь|рад\w*|устал\w*|спрашиваю"
    r"|говорю|повторяю|скучаю|обиделся|обиделась)\b|^мне (?:кажется|скучно|грустно|весело|жаль)\b"
    r"|^у меня (?:вопрос|просьба)\b",
    re.IGNORECASE,
)
_MOOD = re.compile(r"(?i:я|мне) (?:очень |так |опять |сейчас )?[а-яё]+")  # and no more: `я болею`
_SUPPOSING = re.compile(r"^(?:если|допустим|представь|предположим|пусть|вдруг)\b", re.IGNORECASE)


def sentences(text: str) -> Iterator[str]:
    """Yield the sentences of a turn, their end marks with them."""
    for part in re.split(r"(?<=[.!?…])\s+(?=[А-ЯЁA-Z«\[\"])|\n+", text.strip()):
        if part.strip():
            yield part.strip()


def why_not(sentence: str, *, acknowledged: bool = False) -> str:
    """Return why a sentence of a person tells no fact of them, or an empty string.

    `acknowledged` says that it was taken for one when it was told.
    """
    if PLACEHOLDER.search(sentence) or _SECRET.search(sentence):
        return "secret"
    if _IN_A_GROUP.match(sentence):
        return "somebody_else"
    told = TELLING.match(sentence) is not None
    bare = stripped(sentence)
    if reason := _no_statement(bare):
        return reason
    if told or acknowledged:
        return ""
    if _PASSING.match(bare) or _MOOD.fullmatch(bare):
        return "passing"
    return "" if speaks_of_the_speaker(bare) else "not_about_the_person"


def stripped(sentence: str) -> str:
    """Return a sentence without the words that only say that it is told, and its end marks."""
    bare = TELLING.sub("", CORRECTING.sub("", sentence.strip()))
    return bare.strip().rstrip(".!… ").strip()


def is_question(sentence: str) -> bool:
    """Say whether a sentence asks for something: by its mark, its first word, or its frame."""
    bare = sentence.strip()
    words = re.findall(r"\w+", bare.lower())
    if not words or bare.endswith("?"):
        return bare.endswith("?")
    first = words[1] if words[0] in ("а", "и", "ну") and len(words) > 1 else words[0]
    return first in _ASKING or _REQUESTS.match(bare) is not None


def is_request(sentence: str) -> bool:
    """Say whether a sentence tells the assistant to do something: an imperative first."""
    words = re.findall(r"\w+", sentence.lower())
    return bool(words) and "impr" in readings(words[0])[0].tag


def is_confirmation(text: str) -> bool:
    """Say whether a turn says yes to what was said before it."""
    return CONFIRMING.match(text.strip()) is not None and not text.strip().endswith("?")


def is_acknowledgement(text: str) -> bool:
    """Say whether an answer only says that something was taken note of."""
    return ACKNOWLEDGING.match(text.strip()) is not None


def is_unknown(text: str) -> bool:
    """Say whether an answer is the base's honest `Я этого не знаю`."""
    return text.strip().startswith(prompts.UNKNOWN.partition(".")[0])


def _no_statement(bare: str) -> str:
    if is_question(bare):
        return "question"
    if _SMALL_TALK.match(bare):
        return "small_talk"
    if is_request(bare):
        return "request"
    if _SUPPOSING.match(bare):
        return "supposition"
    if len(bare.split()) < FEWEST_WORDS:
        return "too_short"
    return "too_long" if len(bare) > MOST_CHARACTERS else ""
