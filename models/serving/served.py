"""Which adapter answers whom: the champion, a canary for a share of people, or what is asked for.

The model named `steppe` is the adapter of the moment; `steppe@<sha12>` is that very adapter, and
`base` the bare base.  Who is on the canary is a function of person and adapter: the same person
stays on one side until the canary ends.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from models.serving.problems import Problem

ALIAS = "steppe"
BASE = "base"
BUCKETS = 10_000


@dataclass
class Served:
    """What is served; empty names are the base and nobody.  `busy` counts answers on their way."""

    adapters_dir: Path
    champion: str = ""
    canary: str = ""
    share: float = 0.0
    busy: Counter[str] = field(default_factory=Counter)

    def name_for(self, model: str, user_id: str) -> str:
        """Return the upstream's name of what answers a person, or answer 404."""
        if model == BASE:
            return BASE
        if model == ALIAS:
            if self.canary and is_on_canary(user_id, self.canary, self.share):
                return self.canary
            return self.champion or BASE
        if model not in self.names():
            raise Problem(
                404,
                f"The model `{model}` does not exist.",
                hint=f"`{ALIAS}` is the champion, `{BASE}` the bare base; see `/v1/models`",
            )
        return model

    def names(self) -> list[str]:
        """Return the adapters that are served, the champion first."""
        return [name for name in (self.champion, self.canary) if name]

    def folders(self) -> Mapping[str, Path]:
        """Return the folders of the adapters that are served."""
        return {name: self.folder_of(name) for name in self.names()}

    def folder_of(self, name: str) -> Path:
        """Return the folder of a content-addressed name, found by listing, never by joining."""
        digits = name.partition("@")[2]
        for folder in sorted(self.adapters_dir.iterdir()) if self.adapters_dir.exists() else []:
            if folder.name.startswith(digits) and (folder / "adapter_config.json").exists():
                return folder
        raise Problem(
            404, f"There is no adapter `{name}`.", hint="`steppe show adapters` lists them"
        )


def is_on_canary(user_id: str, adapter: str, share: float) -> bool:
    """Return whether a person is among the share that an adapter is tried on."""
    drawn = hashlib.sha256(f"{adapter}/{user_id}".encode()).digest()
    return int.from_bytes(drawn[:8], "big") % BUCKETS < share * BUCKETS
