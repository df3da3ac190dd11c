"""What people said of answers, from the gateway's log to choices between answers.

A choice is repaired and protected as dialogues are: the same rules of text and of personal data,
in the scope of its conversation.  Its lineage: the adapter that answered, the person by pseudonym,
the dialogue that the conversation is in `cleaned_dialogues`, and the answers that were judged, by
which `deployments_answers` knows them; the one that was not chosen, where the log names it.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from typing import Any

from assets import inbox
from assets.cleaning.cleaning import scope_of
from assets.cleaning.personal import Pseudonymiser
from assets.cleaning.text import clean_text
from assets.records import messages_of
from assets.sources import gateway
from lake.ids import pseudonym_key, user_id_of
from lake.settings import Settings
from lake.tables import Lake
from models.serving.conversation_log import path_of

TABLE = "self_chats_preferences"
ORIGINS = ("thumb", "edit", "regeneration")
"""Kinds of feedback; each is the `origin` of its choice."""
Row = dict[str, Any]


def waiting(lake: Lake, settings: Settings) -> list[Row]:
    """Return the choices of the log that are not in the lake yet, in the order they were made."""
    events = (event for day in inbox.days(settings.inbox) for event in _events(settings, day))
    where = f"origin in {ORIGINS}"
    known = {r["preference_id"] for r in lake.rows(TABLE, columns="preference_id", where=where)}
    new = (event for event in events if event.get("feedback_id") not in known)
    key = pseudonym_key(settings.home)
    found = {row["preference_id"]: row for event in new if (row := row_of(event, settings, key))}
    return list(found.values())


def row_of(event: Mapping[str, Any], settings: Settings, key: bytes) -> Row | None:
    """Return a line of feedback as a row of `self_chats_preferences`; None for one that is none.

    `key` is that of the home's pseudonyms.
    """
    try:
        said = [(str(m["role"]), str(m["content"])) for m in event["messages"]]
        chosen, rejected, kind = (str(event[k]) for k in ("chosen", "rejected", "kind"))
        conversation, adapter = str(event["conversation_id"]), str(event["adapter"])
        name, decided = str(event["feedback_id"]), datetime.fromisoformat(event["at"])
        answers = [str(event.get(k) or "") for k in ("request_id", "rejected_request_id")]
    except (KeyError, TypeError, ValueError):
        return None
    if kind not in ORIGINS or not said or not (chosen or rejected):
        return None
    texts = [clean_text(text) for text in (*(text for _, text in said), chosen, rejected)]
    if settings.personal_data.enabled:
        scope = scope_of(gateway.NAME, conversation, texts)
        texts, _ = Pseudonymiser(key, settings.personal_data.names).apply(texts, scope)
    *asked, chosen, rejected = texts
    dialogue = gateway.dialogue_id(conversation)
    roles = [role for role, _ in said]
    return {
        "preference_id": name,
        "dialogue_id": dialogue,
        "session_id": "",
        "answer_id": answers[0],
        "rejected_answer_id": answers[1],
        "origin": kind,
        "user_id": user_id_of(str(event.get("user") or settings.owner), key),
        "generator": adapter,
        "judge": "",
        "principle": "",
        "parents": [dialogue],
        "ancestry_depth": 0 if kind == "edit" else 1,
        "prompt": messages_of(tuple(zip(roles, asked, strict=True))),
        "chosen": chosen,
        "rejected": rejected,
        "decided_at": decided.astimezone(UTC),
    }


def _events(settings: Settings, day: date) -> Iterator[Row]:
    path = path_of(settings.inbox, day)
    if not path.exists():
        return
    with path.open("rb") as file:
        for line in file:
            if b'"event": "feedback"' in line:
                with contextlib.suppress(ValueError):
                    yield json.loads(line)
