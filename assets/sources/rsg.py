"""`rsg`: raw crowd votes of Russian SuperGLUE (https://github.com/RussianNLP/RussianSuperGLUE).

    premise;hypothesis;result;worker_id
    Мужчина уже был судим.;Мужчину уже судили.;entailment;2cd15054...

Three tasks are known by their columns: PARus, RCB, RWSD.  The votes on one item become one
dialogue, the question and the answer of the majority; the wording of both is ours, the label and
the votes stand in the annotations.  A vote with a label that the task does not have
(`entailment6`) counts for nothing and has a reason of its own, and so has a tie.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from assets.sources.reading import (
    Head,
    Item,
    Options,
    Source,
    decoded,
    excerpt_of,
    head_of,
    lines,
    too_large,
)
from assets.sources.spill import Spill
from lake.schemas import Dialogue, Message, Unreadable

NAME = "rsg"
BENCHMARK = "An item of Russian SuperGLUE: whoever trains on it cannot be examined by it."

Row = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class _Task:
    """A task: what its items are told by, where the label stands, and how both are worded."""

    item: tuple[str, ...]
    label: str
    question: Callable[[Row], str]
    answers: Callable[[Row], dict[str, str]]

    def columns(self) -> set[str]:
        """Return the columns without which a row says nothing."""
        return {*self.item, self.label}


def _alternatives(row: Row) -> str:
    given = f"{row['INPUT:premise']} {row['INPUT:question']}"
    return f"{given}\n1. {row['INPUT:sent1']}\n2. {row['INPUT:sent2']}"


def _hypothesis(row: Row) -> str:
    return f"{row['premise']}\n\nСледует ли отсюда: «{row['hypothesis']}»?"


def _reference(row: Row) -> str:
    before, _, rest = row["INPUT:text"].partition("<b>")
    phrase, _, after = rest.partition("</b>")
    return f"{before}{phrase}{after}\n\n«{phrase}» относится к «{row['INPUT:span1']}»?"


TASKS = {
    "PARus": _Task(
        ("INPUT:premise", "INPUT:question", "INPUT:sent1", "INPUT:sent2"),
        "OUTPUT:variant",
        _alternatives,
        lambda row: {"0": row["INPUT:sent1"], "1": row["INPUT:sent2"]},
    ),
    "RCB": _Task(
        ("premise", "hypothesis"),
        "result",
        _hypothesis,
        lambda _: {
            "entailment": "Да, следует.",
            "contradiction": "Нет, это противоречит сказанному.",
            "neutral": "Отсюда этого не узнать.",
        },
    ),
    "RWSD": _Task(
        ("INPUT:text", "INPUT:span1"),
        "OUTPUT:result",
        _reference,
        lambda _: {"true": "Да.", "false": "Нет."},
    ),
}


def recognises(head: Head) -> bool:
    """A first line with the columns of one of the tasks."""
    return _task(head) is not None


def read(path: Path, _options: Options) -> Iterator[Item]:
    """Yield the votes that count for nothing, then a dialogue an item, in the file's order."""
    task = _task(head_of(path))
    if task is None:
        return
    with Spill() as pile:
        yield from _votes(path, task, pile)
        while (key := pile.first_key()) is not None:
            yield _dialogue(list(pile.take(key)), task)


def _votes(path: Path, task: _Task, pile: Spill) -> Iterator[Item]:
    """Put the votes aside by item; yield those that cannot be counted."""
    columns: list[str] = []
    for line in lines(path):
        position = f"line {line.number}"
        text = decoded(line.raw, position) if line.whole else too_large(position, line.raw)
        if isinstance(text, Unreadable):
            yield text
            continue
        cells = _cells(text)
        if not columns:
            columns = cells
        elif cells:
            row = dict(zip(columns, cells, strict=False))
            is_whole = len(cells) == len(columns) == len(row) and task.columns() <= row.keys()
            if problem := _problem(row, task, position) if is_whole else _broken(text, position):
                yield problem
            else:
                pile.put("\0".join(row[name] for name in task.item), position, row)


def votes(path: Path) -> list[tuple[str, str, str]]:
    """Return the votes that count as (item, worker, label): those with a label of the task."""
    task = _task(head_of(path))
    found: list[tuple[str, str, str]] = []
    if task is None:
        return found
    with Spill() as pile:
        for _ in _votes(path, task, pile):
            pass  # what does not count: `read` tells it
        while (key := pile.first_key()) is not None:
            for _, row in pile.take(key):
                worker = row.get("ASSIGNMENT:worker_id") or row.get("worker_id") or ""
                found.append((key, worker, row[task.label]))
    return found


def _cells(text: str) -> list[str]:
    try:
        return next(csv.reader([text], delimiter=";"), [])
    except csv.Error:  # a cell over 128 KiB
        return [""]


def _broken(text: str, position: str) -> Unreadable:
    detail = "The row has not one cell for each column."
    return Unreadable("bad_row", position, excerpt_of(text), detail)


def _problem(row: Row, task: _Task, position: str) -> Unreadable | None:
    allowed, label = task.answers(row), row[task.label]
    if label in allowed:
        return None
    detail = f"`{label[:50]}` is none of {', '.join(allowed)}."
    return Unreadable("unknown_label", position, excerpt_of(";".join(row.values())), detail)


def _dialogue(votes: list[tuple[str, dict[str, str]]], task: _Task) -> Item:
    positions = ", ".join(position for position, _ in votes)
    row = votes[0][1]
    counts = Counter(vote[task.label] for _, vote in votes)
    (label, most), *others = counts.most_common()
    told = ", ".join(f"{name} {count}" for name, count in sorted(counts.items()))
    if others and others[0][1] == most:
        said = excerpt_of(row[task.item[0]])
        return Unreadable("no_majority", positions[:200], said, f"The votes are {told}.")
    return Dialogue(
        (Message("user", task.question(row)), Message("assistant", task.answers(row)[label])),
        source=NAME,
        position=positions,
        annotations=(f"label {label}; votes: {told}",),
        remarks=(BENCHMARK,),
    )


def _task(head: Head) -> _Task | None:
    columns = set(_cells(head.text.partition("\n")[0].strip()))
    known = (task for task in TASKS.values() if task.columns() <= columns)
    return next(known, None)


SOURCE = Source(NAME, recognises, read)
