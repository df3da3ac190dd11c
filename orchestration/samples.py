"""The shipped sample: one invented person's dialogues, and questions no training ever sees."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from importlib.resources import as_file, files

from assets import inbox
from lake.settings import Settings

EXAM = "held_out.jsonl"


def take_in(settings: Settings) -> inbox.Taken:
    """Put the sample dialogues into today's inbox and their exam among the suites."""
    with as_file(files("assets") / "sources" / "samples") as folder:
        suites = settings.home / "suites"
        suites.mkdir(parents=True, exist_ok=True)
        draft = suites / ".sample.draft"
        shutil.copyfile(folder / EXAM, draft)
        draft.replace(suites / "sample.jsonl")
        return inbox.take_in([folder / "dialogues"], settings.inbox, day=datetime.now(UTC).date())
