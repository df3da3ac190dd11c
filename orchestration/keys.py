"""`steppe keys`: who may ask the gateway, for what, and how often."""

from __future__ import annotations

from collections.abc import Sequence

import click

from lake.errors import SettingsError
from lake.settings import Settings
from models.serving import access, client

SHOWN = 12


def add(settings: Settings, person: str, scopes: Sequence[str], per_minute: int) -> str:
    """Make a key and return it: it is shown this once."""
    key = access.add(client.keys_of(settings.home), person, scopes or access.SCOPES, per_minute)
    click.echo("this key is shown once; from now on every request must carry a key", err=True)
    return key


def show(settings: Settings) -> list[str]:
    """Return a line a key: the beginning of its hash, whose it is, what it opens."""
    keys = access.read(client.keys_of(settings.home))
    return [
        f"{name[:SHOWN]}  {about['person']}  {','.join(about['scopes'])}  {about['made_at']}"
        for name, about in sorted(keys.items(), key=lambda item: item[1]["made_at"])
    ]


def revoke(settings: Settings, beginning: str) -> str:
    """Take keys away by the beginning of their hash."""
    gone = access.revoke(client.keys_of(settings.home), beginning)
    if not gone:
        raise SettingsError(f"No key begins with `{beginning}`.", hint="`steppe keys list`")
    return f"{gone} of the keys opens nothing any more" if gone == 1 else f"{gone} keys are gone"
