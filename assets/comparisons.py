"""Pairs of answers, judged: by the judge of the settings in an evaluation, and by people."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from assets.judgements import BASE, About
from lake import warehouse
from lake.errors import SettingsError
from lake.settings import Settings
from lake.tables import Lake, Provenance
from models.backends import Progress
from models.backends.embedded import TransformersModel
from models.backends.openai import OpenAIModel
from models.base import BaseModel
from models.evaluation import Evaluation, exact, pairwise
from models.evaluation.judges.openai import OpenAIJudge
from models.evaluation.pairwise import Judge, Judgement

TABLE = "evaluations_comparisons"


def judge_of(settings: Settings, base: BaseModel) -> Judge | None:
    """Return the judge that the settings name, None for none."""
    chosen = settings.judge
    if chosen.kind == "none":
        return None
    if chosen.kind == "rubric":
        from models.evaluation.judges.rubric import RubricJudge  # the whole primer comes with it

        return RubricJudge(TransformersModel(base.path, model_id=base.base_id))
    if not chosen.url or not chosen.model:
        raise SettingsError(
            "`judge.kind` is `openai`, and `judge.url` or `judge.model` is missing.",
            hint="STEPPE_JUDGE__URL=http://host:port STEPPE_JUDGE__MODEL=name",
        )
    key = chosen.api_key.get_secret_value() if chosen.api_key else ""
    return OpenAIJudge(OpenAIModel(chosen.url, chosen.model, key, chosen.timeout_seconds))


def compared(
    judge: Judge,
    about: About,
    champion: Evaluation,
    challenger: Evaluation,
    *,
    most: int,
    progress: Progress | None = None,
) -> list[Judgement]:
    """Return the judge's opinions on both models' answers to the first `most` questions."""
    names = (about.champion_id or BASE, about.adapter_id)
    answers = {
        name: {s.item_id: s.answer for s in scored.results[exact.SUITE].samples}
        for name, scored in zip(names, (champion, challenger), strict=True)
        if exact.SUITE in scored.results
    }
    if len(answers) < len(names):
        return []
    return pairwise.compare(about.items.exact[:most], answers, judge, progress=progress)


def rows(judgements: Sequence[Judgement], evaluation_id: str = "") -> list[dict[str, Any]]:
    """Return judgements as rows of `evaluations_comparisons`."""
    return [
        {
            "evaluation_id": evaluation_id,
            "item_id": j.item_id,
            "judge": j.judge,
            "first_model": j.first,
            "second_model": j.second,
            "choice": j.choice,
            "text": j.text,
            "tokens": j.tokens,
        }
        for j in judgements
    ]


def take_in(lake: Lake, judgements: Sequence[Judgement]) -> int:
    """Keep people's votes; return how many were new."""
    added = lake.append(
        TABLE, rows(judgements), day=datetime.now(UTC).date(), by=Provenance("evaluations")
    )
    warehouse.publish(lake)
    return added
