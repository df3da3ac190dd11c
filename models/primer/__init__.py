"""The primer: a deterministic generator of Russian dialogues, the embedded base's childhood.

`dialogues(seed, n, split)` yields dialogues of a small steppe world in every format that the
later stages use.  A dialogue is a function of (seed, split, position).  The two splits cannot
overlap: a tenth of all dialogues, chosen by the hash of their text, belongs to `held_out`, and
held-out facts are made of words that no training dialogue contains.
"""

from __future__ import annotations

import random
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from lake.ids import content_id, file_id
from models.primer import formats, notes, prompts, skills
from models.primer.draw import Draw, Split
from models.primer.registry import FORMATS, SKILLS, Said, draw_format

__all__ = [
    "FORMATS",
    "SKILLS",
    "PrimerDialogue",
    "dialogues",
    "formats",
    "notes",
    "primer_id",
    "prompts",
    "skills",
]

HELD_OUT_SHARE = 10  # one dialogue in so many is held out, by the hash of its text


@dataclass(frozen=True, slots=True)
class PrimerDialogue:
    """A generated dialogue.

    `skill` names what it exercises; `scored` are the positions of the assistant's messages
    whose answer is determined, and `labels` the name each of them counts under.
    """

    skill: str
    messages: list[dict[str, str]]
    scored: tuple[int, ...]
    labels: tuple[str, ...]


def dialogues(
    seed: int, n: int, split: Split = "train", *, start: int = 0
) -> Iterator[PrimerDialogue]:
    """Yield dialogues `start` to `start + n` of the endless series of this seed and split."""
    for position in range(start, start + n):
        draw = Draw(random.Random(f"{seed}/{split}/{position}"), split)
        yield _next(draw)


def primer_id() -> str:
    """Return the hash of everything the primer's text depends on: code, words, dictionary."""
    here = Path(__file__).parent
    files = sorted(p for p in here.rglob("*") if p.suffix in {".py", ".txt"})
    parts = [part for p in files for part in (p.relative_to(here).as_posix(), file_id(p))]
    return content_id(*parts, version("pymorphy3"), version("pymorphy3-dicts-ru"))


def _next(draw: Draw) -> PrimerDialogue:
    while True:
        chosen = draw_format(draw)
        said = chosen.build(draw)
        if _split_of(said) == draw.split:
            return _dialogue(chosen.name, said)


def _split_of(said: list[Said]) -> Split:
    text = "\n".join(message.content for message in said)
    return "train" if zlib.crc32(text.encode()) % HELD_OUT_SHARE else "held_out"


def _dialogue(name: str, said: list[Said]) -> PrimerDialogue:
    scored = tuple(i for i, message in enumerate(said) if message.scored_as)
    labels = tuple(said[i].scored_as for i in scored)
    skill = labels[0] if name == "talk" and labels else name
    messages = [{"role": message.role, "content": message.content} for message in said]
    return PrimerDialogue(skill, messages, scored, labels)
