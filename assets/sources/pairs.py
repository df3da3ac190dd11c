"""`pairs`: two answers to one instruction, and which of them people or a judge liked better.

    {"instruction": "...", "input": "", "left_answer": "...", "right_answer": "...",
     "result": "left"}                                        a vote
    {..., "left_grade": 9.5, "right_grade": 8.0}              grades
    {"input_values": {...}, "known_solutions": [{"output_values": {"result": "left"}}]}

The forms of rulm's side-by-side evaluations.  A tie prefers nothing and ends with that reason.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from assets.sources.alpaca import asked
from assets.sources.reading import Head, Item, Options, Source, json_records
from assets.sources.records import id_from, objects_from, text_from, unreadable
from lake.errors import SourceFormatError
from lake.schemas import Preference, Unreadable

NAME = "pairs"


def recognises(head: Head) -> bool:
    """Records with a left and a right answer, or a task of a crowd with its solution."""
    forms = ({"left_answer", "right_answer"}, {"input_values", "known_solutions"})
    return any(form <= head.keys for form in forms)


def read(path: Path, _options: Options) -> Iterator[Item]:
    """Yield a preference a record."""
    for position, record in json_records(path):
        yield record if isinstance(record, Unreadable) else _preference(record, position)


def _preference(record: Mapping[str, Any], position: str) -> Item:
    given = record.get("input_values")
    pair = given if isinstance(given, dict) else record
    left, right = text_from(pair, "left_answer"), text_from(pair, "right_answer")
    try:
        question = asked(pair)
        if not (left and right):
            raise SourceFormatError("bad_content", "A pair has two answers.")
        verdict, origin = _verdict(record)
        if verdict not in ("left", "right"):
            raise SourceFormatError("no_preference", f"The answers were judged `{verdict[:50]}`.")
    except SourceFormatError as error:
        return unreadable(error, pair, position)
    chosen, rejected = (left, right) if verdict == "left" else (right, left)
    return Preference(
        (question,), chosen, rejected, NAME, origin, id_from(pair, "id"), position=position
    )


def _verdict(record: Mapping[str, Any]) -> tuple[str, str]:
    """Return `left`, `right` or another word, and whether `votes` or `grades` said so."""
    left, right = record.get("left_grade"), record.get("right_grade")
    if isinstance(left, (int, float)) and isinstance(right, (int, float)):
        return ("equal" if left == right else "left" if left > right else "right"), "grades"
    for solution in objects_from(record.get("known_solutions")):
        values = solution.get("output_values")
        if isinstance(values, dict):
            return text_from(values, "result"), "votes"
    return text_from(record, "result"), "votes"


SOURCE = Source(NAME, recognises, read)
