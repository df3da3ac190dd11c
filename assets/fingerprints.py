"""What a partition is made from, as one id a stage: equal ids mean there is nothing to do.

Each stage's fingerprint contains the one before it, so a changed file, rule, encoder or base
changes exactly what lies downstream of it.  Assets write it with their rows, in the same commit;
`steppe grow` and the inbox sensor compare.
"""

from datetime import date
from typing import Any

from assets import inbox, moderation
from assets.digests import digest
from lake import query
from lake.ids import content_id, json_id
from lake.settings import Settings
from lake.tables import Lake
from models.self_chat import policy
from models.serving.conversation_log import path_of

RAW_CODE = "3"  # raised by hand when a reader's change alters what it yields
OWN_ANSWERS = "gateway"
"""The source whose answers the model gave itself: training on them unjudged is how it rots."""
SELF_CHATS_CODE = "2"
OBSERVATIONS_CODE = "2"
ANSWERS_CODE = "1"
KEPT = ("cleaned_signatures", "cleaned_preferences")
"""The tables by which later days know what was kept."""


def raw(settings: Settings, day: date) -> str:
    """Return the id of a day's files and of how they are read."""
    files = inbox.fingerprint(settings.inbox, day)
    options = settings.sources.model_dump_json()
    return content_id("raw", RAW_CODE, options, settings.owner, files)


def cleaned(settings: Settings, day: date) -> str:
    """Return the id of a day's records, the day before as it was cleaned, the policy, its settings.

    What earlier days kept is a duplicate today.  The id of the day before contains that of its own
    day before, and it is read from the lake: a day that was cleaned out of turn is told from one
    that knew all earlier days.
    """
    from assets import cleaning

    lake = Lake(settings.home)
    before = max((d for t in KEPT for d in _days(lake, t) if d < day), default=None)
    known = [lake.made_from("raw_records", day), before and lake.made_from(KEPT[0], before)]
    personal = settings.personal_data.model_dump_json()
    consent = json_id(settings.consent.model_dump())
    rules = cleaning.load_policy(settings.cleaning_policy)
    return content_id("cleaned", rules.policy_id, personal, consent, *map(str, known))


def _days(lake: Lake, table: str) -> list[date]:
    return [part.day for part in lake.partitions(table)]


def embeddings(settings: Settings, day: date, encoder_id: str) -> str:
    """Return the id of a day's dialogues and of the encoder."""
    return content_id("embeddings", encoder_id, cleaned(settings, day))


def observations(settings: Settings, day: date, reader_id: str) -> str:
    """Return the id of a day's dialogues, of who reads them, and of which are read how."""
    how = settings.memory.model_dump_json(include={"summary_turns", "strangers"})
    return content_id("observations", OBSERVATIONS_CODE, reader_id, how, cleaned(settings, day))


def paraphrases(settings: Settings, day: date, encoder_id: str) -> str:
    """Return the id of a day's dialogues, the encoder, and how near is the same."""
    near = str(settings.semantic_duplicates)
    return content_id("paraphrases", near, embeddings(settings, day, encoder_id))


def self_chats(lake: Lake, settings: Settings, day: date, base_id: str) -> str:
    """Return the id of a day's dialogues to talk over, the base, and how many chats may be held.

    The champion of the moment is left out: a day's self-chats are held once, and each names the
    model that held it.  So is what was said to the served assistant: a chat at noon must not have
    the morning's self-chats held anew.
    """
    told = talked_over(lake, day)
    how = settings.self_chat.model_dump_json(include={"methods", "practice", "backend", "model"})
    return content_id(
        "self_chats",
        SELF_CHATS_CODE,
        base_id,
        str(settings.self_chats_per_day),
        how,
        policy.load(settings.self_chat.policy).policy_id,
        moderation.list_id(settings),
        *(row["revision"] for row in told),
    )


def answers(settings: Settings, day: date) -> str:
    """Return the id of a day's log of the gateway, and of whose an unnamed request is."""
    log = digest(path_of(settings.inbox, day), inbox=settings.inbox)
    return content_id("answers", ANSWERS_CODE, settings.owner, log)


def talked_over(lake: Lake, day: date) -> list[dict[str, Any]]:
    """Return the dialogues of a day that self-chat starts from: none without consent."""
    question = (
        "from cleaned_dialogues where day = ? and split = 'train' and source != ? "
        "and coalesce(consent, 'granted') = 'granted' order by dialogue_id, revision"
    )
    return query.ask(lake, question, [day, OWN_ANSWERS])
