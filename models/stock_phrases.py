"""A machine's stock phrases: refusals, and talk about its own make.

The phrases are in `refusals.txt` and `self_mentions.txt`; each holds, at the beginning of a word,
one of its gate's stems.  Saiga's published list of substrings has a missing comma that joins two
of them into one that never matches, and drops every «sorry» and «компьютерная программа».
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path


def phrases(name: str) -> list[str]:
    """Return the expressions of a file beside this module, without its comments."""
    found = (Path(__file__).parent / name).read_text(encoding="utf-8").splitlines()
    return [line for line in found if line and not line.startswith("#")]


@cache
def _compiled(name: str) -> re.Pattern[str]:
    return re.compile(rf"(?<!\w)(?:{'|'.join(phrases(name))})")


REFUSAL_GATE = (
    r"(?i:(?:^|\W)(?:модель|интеллект|как (?:ии|ai)|виртуальн|противоречит|ограничен"
    "|не (?:могу|буду|в состоянии|имею|обладаю)|нет доступа|an ai|language model"
    "|an artificial|sorry|i can|i am unable|too many requests))"
)
SELF_MENTION_GATE = (
    r"(?i:(?:^|\W)(?:openai|anthropic|google|сбер|яндекс|yandex|lmsys|mistral|deepseek|alibaba"
    "|researchers|chat ?gpt|gpt-[0-9]|сайга|saiga|vicuna|викуна|open ?assistant|gigachat"
    "|гигачат|claude|gemini|llama|qwen|помощник|ассистент))"
)


def refuses(answer: str) -> bool:
    """Return whether an answer declines in a machine's stock phrases."""
    return _compiled("refusals.txt").search(_settled(answer)) is not None


def mentions_its_make(answer: str) -> bool:
    """Return whether an answer claims to be somebody else's product."""
    return _compiled("self_mentions.txt").search(_settled(answer)) is not None


def _settled(answer: str) -> str:
    """Return an answer in the form the phrases are written in."""
    return answer.lower().replace("ё", "е").replace("\u2019", "'")
