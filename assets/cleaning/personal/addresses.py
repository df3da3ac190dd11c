"""Addresses: a street and a house, with or without a flat; a street or a town alone is nobody's.

Town and postal index stay in the text: many live there, and a talk is about somewhere.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from assets.cleaning.personal.kinds import DIGIT, Kind, Span

# --- words of a place, and the beginnings by which a line is taken for one ----------------------
_FULL = (
    r"улиц[аыеу]|проспекте?|переул(?:ок|ке)|набережн(?:ая|ой|ую)|бульваре?|шоссе"
    r"|микрорайоне?|тупике?|проезде?|алле[яеию]|лини[яи]"
    r"|площад[ьи](?=\s(?-i:[А-ЯЁ]))"  # «площадь прямоугольника равна 243»
)
_SHORT = r"ул|пр-?к?т|просп|пр|пер|наб|б-р|бул|ш|пл|мк?р-?н?|туп|ал"
_TYPE = rf"(?i:(?:{_FULL})(?!\w)|(?:{_SHORT})(?![\w-])\.?)"
_COUNTED = r"(?i:лини[яи]|просека?|мкр-?н?|микрорайоне?|квартале?)\.?"
# A line without any of these words holds no address: most lines with a digit are done here.
_SIGNS = frozenset(
    {
        *("улица", "улицы", "улице", "улицу", "проспект", "проспекте", "переулок", "переулке"),
        *("набережная", "набережной", "набережную", "бульвар", "бульваре", "шоссе", "площадь"),
        *("площади", "микрорайон", "микрорайоне", "тупик", "тупике", "проезд", "проезде"),
        *("аллея", "аллее", "аллеи", "аллею", "линия", "линии", "просек", "просека", "квартал"),
        *("квартале", "ул", "пр", "пр-т", "пр-кт", "прт", "пркт", "просп", "пер", "наб", "б-р"),
        *("бул", "ш", "пл", "мкр", "мр", "мкр-н", "мр-н", "мкрн", "мрн", "туп", "ал", "кв"),
        *("квартира", "деревня", "дер", "село", "посёлок", "поселок", "пос", "хутор", "снт"),
    }
)
_WORDS = re.compile(r"[а-яё-]+")
# --- what the place is called -------------------------------------------------------------------
_CAPITAL = r"[А-ЯЁ][А-ЯЁа-яё-]{1,40}"
# In small letters only a word with the ending of a street: «ленина», «садовая», «строителей».
_LOWER = r"[а-яё-]{2,40}(?:а|я|ы|и|ой|ей|ов|ев|ая|яя|ый|ий|ого|его|их|ых|ую|юю)(?![а-яё])"
_ORDINAL = r"[0-9]{1,4}(?:-?[а-яё]{1,3})?"
_NAME = (
    rf"(?:{_ORDINAL}\s)?(?:(?:им\.|[А-ЯЁ]\.|[а-яё]{{2,12}})\s?){{0,2}}"
    rf"(?:{_CAPITAL}\s){{0,2}}(?:{_CAPITAL}|{_LOWER})"
)
_MONTHS = "января|февраля|марта|апреля|мая|июня|июля|августа|сентября|октября|ноября|декабря"
_DATED = rf"[0-9]{{1,4}}\s(?:лет\s)?(?i:{_MONTHS}|года|победы)"
# --- house and flat -----------------------------------------------------------------------------
_NUMBER = r"[0-9]{1,4}(?:\s?[/-]\s?[0-9]{1,4})?(?:-?бис)?(?:\s?[А-Яа-яЁё](?![\w.]))?"
_PART = (
    r"(?i:корпус|корп|к|строение|стр|литера?|лит|владение|вл|квартира|кв|офис|оф|участок|уч"
    r"|комната|ком|помещение|пом)\.?"
)
_PARTS = rf"(?:,?\s?{_PART}\s?№?\s?{_NUMBER}|,[0-9]{{1,4}}){{0,6}}"
_HOUSE_WORD = r"(?:(?i:дом|д|участок|уч)\.?\s?№?|№)\s?"
_MEASURE = (
    "раз|мин(?:ут)?|руб|км|кв|м|см|мм|кг|г|час|сек|челов|градус|год|лет|дн|сезон|сери|балл|тыс"
    "|млн|млрд|шт|авари|этаж|станц"
)  # what is counted, where a number is no house
_END = rf"(?!\w|[.,:][0-9]|\s?[%°₽$€]|\s?(?:{_MEASURE})[а-яё]{{0,6}}(?!\w))"
_HOUSE = rf"(?:,?\s?{_HOUSE_WORD}|,?\s|,){_NUMBER}(?:[кКсС][0-9]{{1,2}})?{_PARTS}{_END}"
# --- the four ways to write an address, and houses of a village ---------------------------------
_STREET_FIRST = rf"(?:[0-9]{{1,2}}-?[яйе]\s)?{_TYPE}\s?(?:{_DATED}|{_NAME}){_HOUSE}"
_NAME_FIRST = (
    rf"(?:[0-9]{{1,2}}-?[яйе]\s)?(?:{_CAPITAL}\s)?"
    rf"[А-ЯЁ][А-ЯЁа-яё-]{{1,40}}(?:ая|яя|ое|ее|ий|ый|ой|ую|ом|ем)\s{_TYPE}{_HOUSE}"
)
# Quarters with numbers for names need the word "house", and nameless streets a flat.
_COUNTED_FIRST = (
    rf"(?:{_COUNTED}\s?{_ORDINAL}|{_ORDINAL}\s{_COUNTED}),?\s{_HOUSE_WORD}{_NUMBER}{_PARTS}{_END}"
)
_NAMELESS = (
    rf"(?:[А-Яа-яЁё-]{{3,40}}[аяойеую]|(?i:дом|корпус))\s{_NUMBER}"
    rf",?\s(?i:квартира|кв)\.?\s?[0-9]{{1,4}}{_END}"
)
_VILLAGE = (
    rf"(?i:деревня|дер\.|село|посёлок|поселок|пос\.|хутор|снт)\s{_CAPITAL},\s"
    rf"(?P<house>(?i:дом|д)\.?\s?{_NUMBER}{_PARTS}){_END}"
)
_PATTERNS = tuple(
    re.compile(r"(?<![\w.@/-])" + pattern)
    for pattern in (_STREET_FIRST, _NAME_FIRST, _COUNTED_FIRST, _NAMELESS, _VILLAGE)
)
_DIGIT = re.compile(DIGIT)
_PLACE_WORDS = re.compile(
    r"\b(?:ул(?:иц[аыеу])?|пр(?:-?к?т|осп(?:ект)?)?|пер|дом|д|корп(?:ус)?|кв(?:артира)?)\b"
)


def find(text: str, _before: str) -> Iterator[Span]:
    """Yield every street with a house; the normal form is its names and numbers."""
    for start, end in _lines(text):
        for pattern in _PATTERNS:
            for match in pattern.finditer(text, start, end):
                part = "house" if "house" in pattern.groupindex else 0
                yield Span(*match.span(part), _normal(match[0]))


def _lines(text: str) -> Iterator[tuple[int, int]]:
    """Yield the bounds of each line that has a digit and a word of a place."""
    end = 0
    while digit := _DIGIT.search(text, end):
        start = text.rfind("\n", 0, digit.start()) + 1
        end = text.find("\n", digit.end())
        end = len(text) if end < 0 else end
        if not _SIGNS.isdisjoint(_WORDS.findall(text[start:end].lower())):
            yield start, end


def _normal(written: str) -> str:
    bare = _PLACE_WORDS.sub(" ", written.lower().replace("ё", "е"))
    return " ".join(re.findall(r"\w+", bare))


ADDRESS = Kind("address", "адрес", DIGIT, find)
