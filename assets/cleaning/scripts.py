"""Words of two alphabets: Latin twins in Russian words are repaired, real mixtures are shown.

Scripts are told by proof.  A letter without a twin in the other alphabet proves its own; a word
with proof of one alphabet alone is written in it wholly.  Of 29 mixed words in 566 answers of two
Saiga models this repairs 10; «СO» with no proof at all stays.
"""

from __future__ import annotations

import re

from assets.cleaning.prose import in_prose, prose

# Letters that look alike in print (Unicode Technical Standard 39, confusables.txt), and `k`, which
# models write for «к».
_LATIN = "AaBCcEeËëHKkMOoPpTXxy"
_CYRILLIC = "АаВСсЕеЁёНКкМОоРрТХху"
_TO_CYRILLIC = str.maketrans(_LATIN, _CYRILLIC)
_TO_LATIN = str.maketrans(_CYRILLIC, _LATIN)
# A letter of each alphabet side by side: the gate of both rules.
SEAM = "[А-Яа-яЁё][A-Za-zËë]|[A-Za-zËë][А-Яа-яЁё]"
_WORD = re.compile(f"[A-Za-zËëА-Яа-яЁё]*(?:{SEAM})[A-Za-zËëА-Яа-яЁё]*")
_LATIN_PROOF = re.compile(f"[A-Za-z](?<![{_LATIN}])")
_CYRILLIC_PROOF = re.compile(f"[А-Яа-яЁё](?<![{_CYRILLIC}])")
# A Latin word that begins with one or two Cyrillic twins («Тhe»); those at its end may be a Russian
# ending («PDFка»), and three have not been seen to be meant as Latin («Кроissant»).
_LATIN_WORD = re.compile(f"[{_CYRILLIC}]{{1,2}}[A-Za-z]+")
# How Russian writes foreign words: a Latin abbreviation before or after a stem («PCшник»,
# «микроSD»), or an ending of at most seven letters («-ившийся») on a Latin stem («turnовые»);
# «Preимущество» is neither.
_ABBREVIATION = re.compile(r"[A-Z]{2,}[а-яё]+|[А-ЯЁа-яё][а-яё]+[A-Z]{2,}[а-яё]{0,3}")
_ENDING = re.compile(r"[A-Za-z]{2,}[а-яё]{1,7}")
_SHORTEST = 4  # letters of a word worth a mark: shorter ones are units and variables («Цw»)


def twins(text: str) -> str:
    """A word with proof of one alphabet alone is written in that alphabet; code stays."""
    return in_prose(text, lambda part: _WORD.sub(_in_one_alphabet, part))


def _in_one_alphabet(found: re.Match[str]) -> str:
    word = found[0]
    if _CYRILLIC_PROOF.search(word):
        is_mixed = _LATIN_PROOF.search(word) or _ABBREVIATION.fullmatch(word)
        return word if is_mixed else word.translate(_TO_CYRILLIC)
    is_latin = _LATIN_PROOF.search(word) and _LATIN_WORD.fullmatch(word)
    return word.translate(_TO_LATIN) if is_latin else word


def mixed_words(text: str) -> list[str]:
    """Return the words that change their alphabet within, as no Russian word does."""
    words = (word[0] for word in _WORD.finditer(prose(text)))
    return [word for word in words if len(word) >= _SHORTEST and not _is_borrowed(word)]


def _is_borrowed(word: str) -> bool:
    return bool(_ABBREVIATION.fullmatch(word) or _ENDING.fullmatch(word))
