"""How fast the rules on text look through messages, and how far that is from merely reading them.

Question: 252,494 lines of anecdotes (15 MB of text, hardly any work), and half a megabyte of long
answers of Saiga and OpenAssistant (one in four has work), through each gate, through all repairs
and through all reasons and marks.  Expected: 450 MB a CPU second for a gate and for all repairs of
anecdotes (measured ungated: 17), 25 for the repairs of long answers, which run in Python.
Baseline, in the same process: the bytes of the file decoded.  Ratios count; the seconds are of
whatever machine this is.
"""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from assets import sources
from assets.cleaning import load_policy
from assets.cleaning.filters import MESSAGE_RULES
from assets.cleaning.marks import MARK_RULES
from assets.cleaning.said import either
from assets.cleaning.text import TEXT_RULES, clean_text
from lake.schemas import Dialogue, Message

pytestmark = pytest.mark.benchmark
RESULTS = Path(__file__).parent / "results"
POLICY = load_policy()
REPAIRS = either(rule.gate for rule in TEXT_RULES)
MARKS = either(rule.gate for rule in MARK_RULES)


def fastest(work: Callable[[], Any], times: int = 3) -> float:
    """Return the least CPU seconds of a few runs."""
    spent = []
    for _ in range(times):
        started = time.process_time()
        work()
        spent.append(time.process_time() - started)
    return max(min(spent), 1e-6)


def said_in(folder: Path) -> pl.DataFrame:
    dialogues = (
        item
        for found in sources.walk([folder])
        for item in sources.read(found.path, root=found.root)
        if isinstance(item, Dialogue)
    )
    rows = [(m.role, m.content) for dialogue in dialogues for m in dialogue.messages]
    return pl.DataFrame(rows, schema=["role", "content"], orient="row")


def passing(said: pl.DataFrame, gate: str) -> pl.DataFrame:
    return said.filter(pl.col("content").str.contains(gate))


def repaired(said: pl.DataFrame) -> list[str]:
    return [clean_text(text) for text in passing(said, REPAIRS)["content"].to_list()]


def judged(said: pl.DataFrame) -> list[str | None]:
    return [
        rule.reason(Message(role, content), POLICY)
        for rule in MESSAGE_RULES
        for role, content in passing(said, rule.gate).iter_rows()
    ]


def marked(said: pl.DataFrame) -> list[list[str]]:
    texts = passing(said, MARKS)["content"].to_list()
    return [rule.find(text) for text in texts for rule in MARK_RULES]


def measured(said: pl.DataFrame) -> dict[str, float]:
    """Return MB of text a CPU second, by what is done to it."""
    content = said["content"]
    megabytes = content.str.len_bytes().sum() / 1e6
    encoded = "\n".join(content.to_list()).encode()
    work: dict[str, Callable[[], Any]] = {
        "decode": encoded.decode,
        **{
            f"gate of {rule.name}": lambda gate=rule.gate: content.str.contains(gate)
            for rule in (*TEXT_RULES, *MARK_RULES, *MESSAGE_RULES)
        },
        "gate of all repairs": lambda: content.str.contains(REPAIRS),
        "all repairs": lambda: repaired(said),
        "all marks": lambda: marked(said),
        "all reasons of messages": lambda: judged(said),
    }
    return {name: round(megabytes / fastest(run)) for name, run in work.items()}


def test_rules_on_text(shared_data: Path) -> None:
    corpora = {
        "anecdotes": said_in(shared_data / "koziev" / "extract_dialogues_from_anekdots.txt"),
        "long answers": pl.concat(
            [said_in(shared_data / "oasst_ru"), said_in(shared_data / "rulm")] * 8
        ),
    }

    found = {name: measured(said) for name, said in corpora.items()}

    for name, speeds in found.items():
        slower = {
            what: round(speeds["decode"] / speed, 1) for what, speed in speeds.items() if speed
        }
        result = {"mb_per_cpu_second": speeds, "times_the_floor": slower}
        print(json.dumps({name: result}, indent=1))
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "cleaning_rules.json").write_text(json.dumps(found, indent=1) + "\n")

    assert 252_494 == len(corpora["anecdotes"])
