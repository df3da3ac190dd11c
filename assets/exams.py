"""What adapters are examined on: chosen from the lake and from the owner's own questions.

`<home>/suites/*.jsonl` holds questions with one right answer, `{"question", "answer"}` a line; no
training set ever reads that folder.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from assets.fingerprints import OWN_ANSWERS
from assets.records import chat_of
from lake import query
from lake.errors import DataError
from lake.ids import content_id
from lake.settings import Settings
from lake.tables import Lake
from models import replay
from models.evaluation import Item, items_of
from models.evaluation.run import Items

HELD_OUT_DIALOGUES = 200
ANCHOR_DIALOGUES = 300
ANCHOR_SEED = 20_260_101


def items(lake: Lake, settings: Settings) -> Items:
    """Return the items every model of one evaluation meets."""
    held_out = items_of([(r["dialogue_id"], chat_of(r)) for r in _held_out(lake)])
    return Items(held_out, questions(settings.home / "suites") or held_out, anchor(lake))


def anchor(lake: Lake) -> list[Item]:
    """Return what must not be forgotten: the same items for ever, but for those outdated.

    To answer at last what the person has told is no forgetting of "I do not know".
    """
    from models.taught import Taught

    told = query.ask(
        lake,
        "select messages from stg_dialogues where source != ? and consent = 'granted'",
        [OWN_ANSWERS],
    )
    taught = Taught.by(chat_of(row) for row in told)
    dialogues = replay.anchor_dialogues(ANCHOR_DIALOGUES, seed=ANCHOR_SEED, taught=taught)
    return items_of([(f"anchor/{n}", messages) for n, messages in enumerate(dialogues)])


def questions(folder: Path) -> list[Item]:
    """Return the owner's questions; `DataError` names the line that is not one."""
    found: list[Item] = []
    for path in sorted(folder.glob("*.jsonl")) if folder.exists() else []:
        for number, line in enumerate(path.read_text(encoding="utf-8").split("\n"), start=1):
            if line.strip():
                found.append(_question(line, f"{path.stem}/{number}"))
    return found


def asked(lake: Lake, settings: Settings) -> list[str]:
    """Return every question that no training may see: the suites' and the held-out dialogues'."""
    held_out = query.ask(
        lake, "select content from stg_messages where split != 'train' and role = 'user'"
    )
    suites = questions(settings.home / "suites")
    return [row["content"] for row in held_out] + [i.prompt[-1]["content"] for i in suites]


def fingerprint(chosen: Items) -> str:
    """Return the id of the items."""
    everyone = [*chosen.held_out, *chosen.exact, *chosen.anchor]
    return content_id(*(part for i in everyone for part in (i.item_id, repr(i.messages))))


def _question(line: str, where: str) -> Item:
    try:
        row = json.loads(line)
        asked, answer = str(row["question"]), str(row["answer"])
    except (json.JSONDecodeError, KeyError, TypeError):
        raise DataError(
            f"`{where}` of your suites is not a question with an answer: {line[:80]}",
            hint='a line is {"question": "...", "answer": "..."}',
        ) from None
    messages = ({"role": "user", "content": asked}, {"role": "assistant", "content": answer})
    return Item(where, messages)


def _held_out(lake: Lake) -> list[dict[str, Any]]:
    question = (
        "from stg_dialogues where split != 'train' and source != ? and consent = 'granted' "
        "and (dialogue_id, revision) not in "
        "(select (dialogue_id, revision) from embeddings_duplicates) order by dialogue_id limit ?"
    )
    return query.ask(lake, question, [OWN_ANSWERS, HELD_OUT_DIALOGUES])
