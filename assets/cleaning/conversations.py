"""Which cluster the conversations of a day's choices belong to: so both lie in one split."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lake import query

if TYPE_CHECKING:
    from datetime import date

    import pyarrow as pa

    from assets.cleaning.tables import Cleaned
    from lake.tables import Lake

Conversation = tuple[str, str]
"""A source, and the id that it gives a conversation."""

EARLIER = (
    "select distinct source, conversation_id, cluster_id from stg_conversations "
    "semi join (from raw_preferences where day = ?) using (source, conversation_id) "
    "where day < ?"
)


@dataclass(frozen=True, slots=True)
class Conversations:
    """The conversations that are wanted, and the clusters of those that are known; it grows."""

    wanted: frozenset[Conversation] = frozenset()
    clusters: dict[Conversation, str] = field(default_factory=dict)

    def note(self, batch: pa.RecordBatch, cleaned: Cleaned) -> None:
        """Remember the clusters of a batch's dialogues, kept or dropped as duplicates."""
        if not self.wanted:
            return
        clusters = _by_record(cleaned.dropped) | _by_record(cleaned.kept)
        named = zip(*(batch[c].to_pylist() for c in ("source", "conversation_id")), strict=True)
        for record_id, conversation in zip(batch["record_id"].to_pylist(), named, strict=True):
            if conversation in self.wanted and record_id in clusters:
                self.clusters[conversation] = clusters[record_id]


def conversations_of(lake: Lake, day: date) -> Conversations:
    """Return the conversations of a day's choices, and the clusters that earlier days gave them."""
    wanted: set[Conversation] = set()
    for part in lake.batches(
        "raw_preferences", days=lambda d: d == day, columns=("source", "conversation_id")
    ):
        wanted |= set(zip(*(column.to_pylist() for column in part.columns), strict=True))
    if not wanted:
        return Conversations()
    earlier = query.ask(lake, EARLIER, [day, day])
    clusters = {(row["source"], row["conversation_id"]): row["cluster_id"] for row in earlier}
    return Conversations(frozenset(wanted), clusters)


def _by_record(rows: pa.Table) -> dict[str, str]:
    """Return the cluster of each record of these rows that has one."""
    found = zip(rows["record_id"].to_pylist(), rows["cluster_id"].to_pylist(), strict=True)
    return {record_id: cluster for record_id, cluster in found if cluster}
