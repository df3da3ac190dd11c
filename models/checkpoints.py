"""Checkpoints that can be trusted: a manifest of digests is written last, by one rename.

Without it a half-written newest checkpoint is not skipped, and one that lost its optimiser is
resumed silently with a fresh one: the adapter comes out different and nobody is told.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from lake.ids import file_id

MANIFEST = "steppe-checkpoint.json"


def seal(checkpoint: Path) -> None:
    """Write the manifest of a finished checkpoint."""
    draft = checkpoint / f".{MANIFEST}"
    draft.write_text(json.dumps(_digests(checkpoint), sort_keys=True), encoding="utf-8")
    draft.rename(checkpoint / MANIFEST)


def is_sound(checkpoint: Path) -> bool:
    """Return whether every file the manifest names is there with its digest."""
    manifest = checkpoint / MANIFEST
    if not manifest.is_file():
        return False
    named: dict[str, str] = json.loads(manifest.read_text(encoding="utf-8"))
    return named == _digests(checkpoint)


def newest_sound(folder: Path) -> Path | None:
    """Return the newest sound checkpoint in a folder, and remove every unsound one."""
    found = sorted(folder.glob("checkpoint-*"), key=lambda path: int(path.name.rpartition("-")[2]))
    sound: Path | None = None
    for checkpoint in found:
        if is_sound(checkpoint):
            sound = checkpoint
        else:
            shutil.rmtree(checkpoint)
    return sound


def _digests(checkpoint: Path) -> dict[str, str]:
    files = (p for p in sorted(checkpoint.rglob("*")) if p.is_file())
    return {
        str(p.relative_to(checkpoint)): file_id(p) for p in files if not p.name.endswith(MANIFEST)
    }
