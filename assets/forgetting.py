"""A person's word that something is not to be remembered: deleted now, and not read again.

A memory goes with what it had replaced, and with the summaries and reflections that rest on it:
otherwise an older value would stand again, or the words live on in a sentence of a model.  What
was told stays in the dialogues; `embeddings_forgotten` has no words, only which turns are not to
be read again.  The same thing told in a later dialogue is remembered anew.  With a person go the
rows of how they were answered, which have no words either (`assets.answered`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from assets import answered
from assets.observing import EVERYTHING, FORGOTTEN, OBSERVATIONS, Row, days_of, lock, taken_back
from lake import query, warehouse
from lake.errors import DataError
from lake.ids import content_id
from lake.memories import Memories
from lake.tables import FINGERPRINT_HEX_DIGITS, Lake, Provenance
from models.memory import Observation, merging

BY = Provenance("embeddings_forgotten")
PASSED_OVER = {"text": "", "importance": 0, "told_at": None, "sources": [], "reason": "forgotten"}


def forget_memory(lake: Lake, memory_id: str, reason: str) -> list[str]:
    """Forget one memory and what hangs on it; return the ids of all that is gone.

    It waits while the loop reads and remembers.  `DataError` where there is no such memory.
    """
    with lock(lake.home):
        return _forget_memory(lake, memory_id, reason)


def forget_person(lake: Lake, user_id: str, reason: str) -> list[str]:
    """Forget everything of a person, and read nothing of what they told until now again.

    What they told before and the loop takes in later is passed over by its time.  It waits while
    the loop reads and remembers.  `DataError` where nothing is known of them.
    """
    with lock(lake.home):
        return _forget_person(lake, user_id, reason)


def carry_out(lake: Lake) -> bool:
    """Strike what was noted and still stands: a kill came in between; say whether anything did.

    The caller holds `observing.lock`, and consolidates after it: what people told again since is
    remembered again then.
    """
    taken = taken_back(lake)
    if not (taken.memory_ids or taken.until):
        return False
    stands = any(taken.holds(row) for row in lake.rows(OBSERVATIONS, where="reason = ''"))
    if stands:
        _strike(lake, taken.holds)
        memories = Memories(lake.home)
        if memory_ids := sorted(frozenset().union(*taken.memory_ids.values())):
            memories.forget(memory_ids=memory_ids)
        for user_id in sorted(taken.until):
            memories.forget(user_id=user_id)
    return stands


def _forget_memory(lake: Lake, memory_id: str, reason: str) -> list[str]:
    memories = Memories(lake.home)
    memory = memories.get(memory_id)
    if memory is None:
        raise DataError(f"There is no memory `{memory_id}`.", hint="`steppe memory list --all`")
    rows = memories.list(memory["user_id"], replaced=True)
    gone = _with_all_that_hangs_on(memory, rows)
    _take_back(lake, gone, reason)
    memories.forget(memory_ids=[row["memory_id"] for row in gone])
    return [row["memory_id"] for row in gone]


def _forget_person(lake: Lake, user_id: str, reason: str) -> list[str]:
    memories = Memories(lake.home)
    gone = memories.list(user_id, replaced=True)
    asked = (
        "select dialogue_id, max(len(messages)) as turns from cleaned_dialogues "
        "where user_id = ? group by 1 order by 1"
    )
    said = query.ask(lake, asked, [user_id])
    if not gone and not said and not answered.knows(lake, user_id):
        raise DataError("Nothing is known of this person.", hint="`steppe people`")
    turns = [f"{row['dialogue_id']}/{n}" for row in said for n in range(row["turns"])]
    word = _word(
        memory_id="", user_id=user_id, kind=EVERYTHING, sources=turns, text_ids=[], reason=reason
    )
    _note(lake, [word])
    answered.forget(lake, user_id, BY)
    _strike(lake, lambda row: row["user_id"] == user_id)
    memories.forget(user_id=user_id)
    return [row["memory_id"] for row in gone]


def _with_all_that_hangs_on(memory: Row, rows: Sequence[Row]) -> list[Row]:
    """Return a memory, what it replaced, and the summaries and reflections that rest on either."""
    gone = {memory["memory_id"]: memory}
    grew = True
    while grew:
        told = {
            source for row in gone.values() if row["kind"] == "fact" for source in row["sources"]
        }
        more = [
            row
            for row in rows
            if row["memory_id"] not in gone
            and (
                row["replaced_by"] in gone
                or (row["kind"] == "summary" and told & set(row["sources"]))
                or (row["kind"] == "reflection" and set(gone) & set(row["sources"]))
            )
        ]
        gone |= {row["memory_id"]: row for row in more}
        grew = bool(more)
    return sorted(gone.values(), key=lambda r: (r["created_at"], r["memory_id"]))


def _take_back(lake: Lake, gone: Sequence[Row], reason: str) -> None:
    """Note which tellings are not to be read again, and strike them from what was read."""
    (user_id,) = {row["user_id"] for row in gone}
    asked = "from stg_observations where user_id = ?"
    read = query.ask(lake, asked, [user_id])
    words = []
    struck: set[tuple[str, str]] = set()
    for row in gone:
        texts, readers = _tellings(row, read)
        struck |= {(row["kind"], text) for text in texts}
        ids = [content_id(text) for text in texts]
        about = {"memory_id": row["memory_id"], "user_id": user_id, "kind": row["kind"]}
        taken = {"sources": row["sources"], "text_ids": ids, "reason": reason}
        words += [_word(**about, **taken, reader_id=reader) for reader in readers or [""]]
    _note(lake, words)
    _strike(lake, lambda r: r["user_id"] == user_id and (r["kind"], r["text"]) in struck)


def _tellings(memory: Row, read: Sequence[Row]) -> tuple[list[str], list[str]]:
    """Return the words in which a memory was told, and who read them."""
    if memory["kind"] == "reflection":
        return [], []
    own = [row for row in read if row["kind"] == memory["kind"]]
    told = (Observation(r["text"], 1, r["told_at"], tuple(r["sources"])) for r in own)
    found = next((m for m in merging.merge(told) if memory["text"] in m.texts), None)
    texts = list(found.texts) if found else [memory["text"]]
    return texts, sorted({row["reader_id"] for row in own if row["text"] in texts})


def _word(*, reader_id: str = "", **about: Any) -> Row:
    return {**about, "reader_id": reader_id, "forgotten_at": datetime.now(UTC)}


def _note(lake: Lake, words: Sequence[Row]) -> None:
    lake.append(FORGOTTEN, words, day=datetime.now(UTC).date(), by=BY)


def _strike(lake: Lake, is_taken_back: Callable[[Row], bool]) -> None:
    """Put `forgotten` where words were read, and delete the files that hold them.

    A day stays made from what it was made from: it need not be read again.
    """
    for day in days_of(lake, OBSERVATIONS):
        rows = lake.rows(OBSERVATIONS, where=f"day = DATE '{day}'")
        if any(row["text"] and is_taken_back(row) for row in rows):
            made_from = f"{lake.made_from(OBSERVATIONS, day):0{FINGERPRINT_HEX_DIGITS}x}"
            kept = _struck(rows, is_taken_back)
            lake.replace(OBSERVATIONS, kept, day=day, made_from=made_from, by=BY)
    if lake.exists(OBSERVATIONS):
        lake.vacuum(OBSERVATIONS, retention_hours=0)
    warehouse.publish(lake)


def _struck(rows: Sequence[Row], is_taken_back: Callable[[Row], bool]) -> list[Row]:
    """Return rows without what was taken back; a turn of which nothing is left says why."""
    turns: dict[tuple[object, ...], list[Row]] = defaultdict(list)
    for row in rows:
        turns[row["dialogue_id"], row["revision"], row["position"]].append(row)
    kept: list[Row] = []
    for told in turns.values():
        left = [row for row in told if not (row["text"] and is_taken_back(row))]
        kept += left or [{**told[0], **PASSED_OVER}]
    return kept
