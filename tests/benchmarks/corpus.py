"""The input of the race: real dialogues with planted copies and personal data, by a seed.

Koziev's dialogues and the Russian OASST threads as JSON lines `{"id", "messages"}`; among each
hundred thousand twelve thousand are planted: exact copies, copies with other punctuation and
case, copies with 0.2 to 2 % of their letters changed.  Every fiftieth dialogue names a mail
address or a telephone, every hundredth has HTML around a word.
"""

import json
import random
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from assets import sources
from lake.schemas import Dialogue

PLANTED_SHARE = 0.12
LETTERS = "оеаинтсрвлкмдпуя"
ORDINARY = re.compile(r"(?<![^\W_])[а-яё]{2,}(?![^\W_])")  # a word that is no name and no number


@dataclass(frozen=True)
class Corpus:
    """The file, how many dialogues, and of each planted copy its kind and original."""

    file: Path
    dialogues: int
    copies: dict[str, tuple[str, str]]


def write(data: Path, file: Path, *, dialogues: int, seed: int = 0) -> Corpus:
    """Write the corpus; what is planted stands at random places among the rest."""
    rng = random.Random(seed)
    planted = int(dialogues * PLANTED_SHARE)
    whole = [_sprinkled(n, turns, rng) for n, turns in _turns(data, dialogues - planted)]
    lines = [(str(n), turns) for n, turns in enumerate(whole)]
    copies: dict[str, tuple[str, str]] = {}
    for place, original in enumerate(rng.sample(range(len(whole)), planted)):
        kind, change = KINDS[place % len(KINDS)]
        name = f"copy-{place}"
        copies[name] = (kind, str(original))
        lines.append((name, change(whole[original], rng)))
    rng.shuffle(lines)
    with file.open("w", encoding="utf-8") as out:
        for name, turns in lines:
            out.write(json.dumps({"id": name, "messages": _messages(turns)}, ensure_ascii=False))
            out.write("\n")
    return Corpus(file, len(lines), copies)


def _turns(data: Path, count: int) -> Iterator[tuple[int, list[str]]]:
    """Yield so many dialogues of whole pairs: Steppe would leave an unanswered turn out."""
    paths = (
        *sorted((data / "oasst_ru").rglob("*.json*")),
        data / "koziev" / "extract_dialogues_from_anekdots.txt",
    )
    found = 0
    for path in paths:
        for item in sources.read(path, root=data):
            if isinstance(item, Dialogue) and len(item.messages) >= 2:
                yield found, [m.content for m in item.messages[: len(item.messages) // 2 * 2]]
                found += 1
                if found == count:
                    return


def _messages(turns: list[str]) -> list[dict[str, str]]:
    return [{"role": ("user", "assistant")[n % 2], "content": text} for n, text in enumerate(turns)]


def _sprinkled(number: int, turns: list[str], rng: random.Random) -> list[str]:
    first, *others = turns
    if number % 50 == 0:
        mail = f"Пишите на person{rng.randrange(10**6)}@post-mail.ru"
        phone = f"Звоните: +7 912 {rng.randrange(100, 999)}-{rng.randrange(10, 99)}-45"
        first = f"{first} {rng.choice([mail, phone])}"
    if number % 100 == 1:
        first = f"<p>{first}</p>"
    return [first, *others]


def _exact(turns: list[str], _rng: random.Random) -> list[str]:
    return turns


def _light(turns: list[str], _rng: random.Random) -> list[str]:
    return [text.upper().replace(",", "").replace(".", "!") + " ..." for text in turns]


def _slipped(turns: list[str], rng: random.Random) -> list[str]:
    """Change 0.2 to 2 % of the letters, in ordinary words, one letter at least."""
    whole = "\n".join(turns)
    places = [at for word in ORDINARY.finditer(whole) for at in range(*word.span())]
    signs = list(whole)
    for _ in range(max(1, round(sum(map(str.isalnum, whole)) * rng.uniform(0.002, 0.02)))):
        if places:
            at = places.pop(rng.randrange(len(places)))
            signs[at] = rng.choice(LETTERS.replace(signs[at], ""))
    lines = iter("".join(signs).split("\n"))
    return ["\n".join(next(lines) for _ in text.split("\n")) for text in turns]


Change = Callable[[list[str], random.Random], list[str]]
KINDS: tuple[tuple[str, Change], ...] = (("exact", _exact), ("light", _light), ("slips", _slipped))
