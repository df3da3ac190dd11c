"""What adapters are examined on: chosen from the lake and from the owner's own questions.

`<home>/suites/*.jsonl` holds questions with one right answer, `{"question", "answer"}` a line, or
with the choices given, `{"question", "choices", "answer"}`; no training set ever reads that
folder.  What a training set holds all the same is in no suite.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assets import contamination
from assets.fingerprints import OWN_ANSWERS
from assets.records import chat_of
from lake import query
from lake.errors import DataError
from lake.ids import content_id
from lake.settings import Settings
from lake.tables import Lake
from models import replay
from models.evaluation import Item, items_of
from models.evaluation.choices import Question
from models.evaluation.run import Items

if TYPE_CHECKING:
    from models.gate import Policy

HELD_OUT_DIALOGUES = 200
ANCHOR_DIALOGUES = 300
ANCHOR_SEED = 20_260_101
CODE = "2"  # raised by hand when a suite measures otherwise: what was judged is judged anew


def items(lake: Lake, settings: Settings, adapters: Sequence[str], policy: Policy) -> Items:
    """Return the items every model of one evaluation meets: those none of these adapters saw."""
    left = 1 - policy.contamination.max_share  # so much of a suite that scores was never seen
    split, held_out = held_out_items(lake, enough=policy.improvement.min_dialogues / left)
    asked = questions(settings.home / "suites") or held_out
    given = choices(settings.home / "suites")
    suites = {"held_out": held_out, "exact": asked, "anchor": anchor(lake)}
    if given:
        suites["choices"] = [question.as_item() for question in given]
    everyone = [item for suite in suites.values() for item in suite]
    seen = contamination.seen(everyone, taught_to(lake, adapters), _cleaning(settings))
    return Items.without_seen(
        suites,
        seen,
        choices=given,
        max_share=policy.contamination.max_share,
        held_out_split=split,
    )


def held_out_items(lake: Lake, *, enough: float) -> tuple[str, list[Item]]:
    """Return the person's test dialogues; with those of validation where there are too few."""
    for split in ("test", "test and validation"):
        rows = _held_out(lake, split.split(" and "))
        found = items_of([(r["dialogue_id"], chat_of(r)) for r in rows])
        if len(found) >= enough:
            break
    return split, found


def taught_to(lake: Lake, adapters: Sequence[str]) -> list[list[dict[str, str]]]:
    """Return every row of the training sets of these adapters, and of those they grew from."""
    question = (
        "select distinct messages, chosen from adapters_training_sets where training_set_id in "
        "(select training_set_id from stg_adapter_families where list_contains(?, adapter_id))"
    )
    told = query.ask(lake, question, [list(adapters)])
    return [[*chat_of(row), *_chosen(row)] for row in told]


def _chosen(row: Mapping[str, Any]) -> list[dict[str, str]]:
    """Return the better answer of a choice as the message it would be; of a dialogue, nothing."""
    return [{"role": "assistant", "content": row["chosen"]}] if row["chosen"] else []


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
    return items_of([(f"{skill}/{n}", messages) for n, (skill, messages) in enumerate(dialogues)])


def questions(folder: Path) -> list[Item]:
    """Return the owner's questions; `DataError` names the line that is not one."""
    return [q for q in _lines(folder) if isinstance(q, Item)]


def choices(folder: Path) -> list[Question]:
    """Return the owner's questions with given choices; `DataError` names the line that is not."""
    return [q for q in _lines(folder) if isinstance(q, Question)]


def _lines(folder: Path) -> list[Item | Question]:
    found = []
    for path in sorted(folder.glob("*.jsonl")) if folder.exists() else []:
        for number, line in enumerate(path.read_text(encoding="utf-8").split("\n"), start=1):
            if line.strip():
                found.append(_question(line, f"{path.stem}/{number}"))
    return found


def examined(lake: Lake, settings: Settings) -> list[Item]:
    """Return what suites ask of any adapter: the owner's questions, and held-out dialogues.

    The anchor is not among them: no schooling holds it, and replay is schooling told again.
    """
    found = _owned(settings.home / "suites")
    for splits in (["test"], ["test", "validation"]):
        found += items_of([(r["dialogue_id"], chat_of(r)) for r in _held_out(lake, splits)])
    return list({item.item_id: item for item in found}.values())


def holding(lake: Lake, settings: Settings, rows: Sequence[contamination.Talk]) -> dict[int, str]:
    """Return which rows hold what a suite asks, by place: learned, they would spoil the exam."""
    return contamination.holding(examined(lake, settings), rows, _cleaning(settings))


def asked(lake: Lake, settings: Settings) -> list[str]:
    """Return every question that no training may see: the suites' and the held-out dialogues'."""
    held_out = query.ask(
        lake, "select content from stg_messages where split != 'train' and role = 'user'"
    )
    suites = _owned(settings.home / "suites")
    return [row["content"] for row in held_out] + [i.prompt[-1]["content"] for i in suites]


def _owned(folder: Path) -> list[Item]:
    """Return what the owner's suites ask, with choices or without."""
    return [*questions(folder), *(question.as_item() for question in choices(folder))]


def fingerprint(chosen: Items) -> str:
    """Return the id of the items."""
    everyone = [*chosen.held_out, *chosen.exact, *chosen.anchor]
    given = repr([(q.item_id, q.listed, q.right) for q in chosen.choices])
    seen = repr({name: sorted(suite.seen.items()) for name, suite in chosen.suites.items()})
    return content_id(
        CODE, seen, given, *(part for i in everyone for part in (i.item_id, repr(i.messages)))
    )


def _question(line: str, where: str) -> Item | Question:
    try:
        row = json.loads(line)
        asked, answer = str(row["question"]), str(row["answer"])
        given = tuple(map(str, row.get("choices", ())))
        if given:
            return Question(where, asked, given, given.index(answer))
    except (ValueError, KeyError, TypeError, AttributeError):
        raise DataError(
            f"`{where}` of your suites is not a question with an answer: {line[:80]}",
            hint='a line is {"question": "...", "answer": "..."}; with "choices": ["...", "..."] '
            "the answer is one of them",
        ) from None
    messages = ({"role": "user", "content": asked}, {"role": "assistant", "content": answer})
    return Item(where, messages)


def _held_out(lake: Lake, splits: Sequence[str]) -> list[dict[str, Any]]:
    question = (
        "from stg_dialogues where list_contains(?, split) and source != ? and consent = 'granted' "
        "and (dialogue_id, revision) not in "
        "(select (dialogue_id, revision) from embeddings_duplicates) order by dialogue_id limit ?"
    )
    return query.ask(lake, question, [list(splits), OWN_ANSWERS, HELD_OUT_DIALOGUES])


def _cleaning(settings: Settings) -> Any:
    from assets.cleaning import load_policy

    return load_policy(settings.cleaning_policy)
