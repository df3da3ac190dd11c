"""What the primer knows, one skill a file; importing this package registers them all."""

from models.primer.skills import (
    animals,
    comparison,
    counting,
    ignorance,
    moods,
    names,
    opposites,
    out_of_reach,
    plants,
    recipes,
    repeating,
    seasons,
    small_talk,
    sums,
    time,
    word_problems,
)

__all__ = [
    "animals",
    "comparison",
    "counting",
    "ignorance",
    "moods",
    "names",
    "opposites",
    "out_of_reach",
    "plants",
    "recipes",
    "repeating",
    "seasons",
    "small_talk",
    "sums",
    "time",
    "word_problems",
]
