"""Answers in a machine's stock phrases: refusals, and talk about its own make."""

from __future__ import annotations

from assets.cleaning.policy import Policy
from lake.schemas import Message
from models import stock_phrases


def refusal(message: Message, _policy: Policy) -> str | None:
    """No answer declines in a machine's stock phrases."""
    said = message.role == "assistant" and stock_phrases.refuses(message.content)
    return "refusal" if said else None


def self_mention(message: Message, _policy: Policy) -> str | None:
    """No answer claims to be somebody else's product."""
    said = message.role == "assistant" and stock_phrases.mentions_its_make(message.content)
    return "self_mention" if said else None
