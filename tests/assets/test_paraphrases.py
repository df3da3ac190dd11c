"""Semantic duplicates: found exactly, in order, and left out of what teaches."""

from datetime import date
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assets import paraphrases as module
from assets.embeddings import paraphrased
from assets.paraphrases import Paraphrase, paraphrases
from lake import settings as settings_module
from lake.tables import Lake, Provenance
from models.encoders import load_encoder

DAY, NEXT = date(2026, 1, 1), date(2026, 1, 2)


def unit(*degrees: float) -> np.ndarray:
    """Return vectors in a plane at these angles."""
    angles = np.radians(degrees)
    return np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)


def test_the_nearest_that_stays_is_named() -> None:
    found = paraphrases((["c", "d"], unit(10, 80)), [(["a", "b"], unit(0, 12))], threshold=0.99)

    assert found == [Paraphrase(0, "b", pytest.approx(np.cos(np.radians(2))))]


def test_what_repeats_a_paraphrase_only_stays() -> None:
    found = paraphrases((["a", "b", "c"], unit(0, 8, 16)), [], threshold=float(np.cos(0.15)))

    assert [(0 + p.row, p.of) for p in found] == [(1, "a")]


@given(st.lists(st.integers(0, 90), min_size=1, max_size=30), st.integers(1, 5))
def test_blocks_do_not_change_the_result(degrees: list[int], size: int) -> None:
    ids = [str(n) for n in range(len(degrees))]
    whole = paraphrases((ids, unit(*degrees)), [], threshold=0.995)
    rows_at_once = module.ROWS_AT_ONCE
    module.ROWS_AT_ONCE = size
    try:
        cut = paraphrases((ids, unit(*degrees)), [], threshold=0.995)
    finally:
        module.ROWS_AT_ONCE = rows_at_once

    assert [p[:2] for p in whole] == [p[:2] for p in cut]


def test_a_later_day_is_compared_with_what_stayed_before(tmp_path: Path) -> None:
    settings = settings_module.load(home=tmp_path, semantic_duplicates=0.8)
    lake = Lake(tmp_path)
    encoder = load_encoder("hashed", models_dir=settings.models_dir)
    for day, *asked in (
        (DAY, "Как приготовить плов с бараниной дома?", "Где живут сайгаки?"),
        (NEXT, "Как приготовить дома плов с бараниной?", "Сколько лет коню?"),
    ):
        rows = [_row(day, question) for question in asked]
        lake.replace("cleaned_dialogues", rows, day=day, made_from="1" * 32, by=Provenance("t"))

    first = paraphrased(lake, settings, DAY, encoder, made_from="1")
    later = paraphrased(lake, settings, NEXT, encoder, made_from="2")

    assert first == []
    assert [(r["dialogue_id"], r["paraphrase_of"]) for r in later] == [
        ("Как приготовить дома плов с бараниной?", "Как приготовить плов с бараниной дома?")
    ]


def _row(day: date, question: str) -> dict:
    said = [("user", question), ("assistant", "Расскажу подробно.")]
    return {
        "dialogue_id": question,
        "revision": question,
        "record_id": question,
        "source": "messages",
        "conversation_id": "",
        "title": "",
        "user_id": "u",
        "participants": [],
        "language": "ru",
        "consent": "granted",
        "split": "train",
        "cluster_id": question,
        "quality": 0.5,
        "turns": 1,
        "characters": len(question),
        "messages": [
            {"message_id": "", "role": r, "content": c, "created_at": None} for r, c in said
        ],
    }
