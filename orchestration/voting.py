"""`steppe votes`: people's side-by-side votes, and how far they agree."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path

import click

from assets import comparisons
from lake.settings import Settings
from lake.tables import Lake
from models.evaluation.judges import people
from models.evaluation.pairwise import Judgement
from orchestration.turn import only_one


def take(settings: Settings, paths: Sequence[Path]) -> None:
    """Keep the votes in these files and print what they add up to."""
    judged = [j for path in paths for j in people.votes(path)]
    with only_one(settings):
        added = comparisons.take_in(Lake(settings.home), judged)
    unread = sum(j.choice is None for j in judged)
    click.echo(
        f"{added} votes taken in, {len(judged) - added} already known; "
        f"{unread} of them are no vote and are kept as they came"
    )
    read = [j for j in judged if j.choice]
    for line in _told(read):
        click.echo(line)


def _told(votes: Sequence[Judgement]) -> list[str]:
    """Return each pair of models with the majority on its items, and how far workers agree."""
    pairs: dict[tuple[str, ...], list[Judgement]] = defaultdict(list)
    for vote in votes:
        pairs[tuple(sorted((vote.first, vote.second)))].append(vote)
    lines = []
    for (one, other), given in sorted(pairs.items()):
        by_item: dict[str, list[str]] = defaultdict(list)
        for vote in given:
            by_item[vote.item_id].append(vote.winner or "tie")
        won = Counter(people.majority(found) or "no majority" for found in by_item.values())
        agreed = people.alpha([(v.item_id, v.judge, v.winner or "tie") for v in given])
        counts = ", ".join(f"{name} {n}" for name, n in won.most_common())
        told = f"{agreed:.3f}" if math.isfinite(agreed) else "wants two labels of one item"
        lines.append(
            f"{one} and {other}: {len(given)} votes on {len(by_item)} items: {counts}; "
            f"Krippendorff's alpha {told}"
        )
    return lines
