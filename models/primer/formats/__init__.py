"""How primer dialogues are built, one format a file; importing this package registers them."""

from models.primer.formats import (
    critique,
    judging,
    memory,
    paraphrase,
    persona,
    reflection,
    role_play,
    summary,
    talk,
    teaching,
    tools,
    transcript,
    user_side,
)

__all__ = [
    "critique",
    "judging",
    "memory",
    "paraphrase",
    "persona",
    "reflection",
    "role_play",
    "summary",
    "talk",
    "teaching",
    "tools",
    "transcript",
    "user_side",
]
