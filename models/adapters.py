"""An adapter on disk: two files of peft and a manifest of ours, named by their content.

    <adapters>/<adapter_id>/adapter_model.safetensors   the weights, float32
                            adapter_config.json         peft's own; loads outside Steppe
                            steppe.json                 what it was made from

No pickles, no machine paths, nothing that differs between two runs of the same training.
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from hashlib import sha256
from pathlib import Path
from typing import Any

from lake.errors import DeploymentError
from lake.ids import content_id

WEIGHTS = "adapter_model.safetensors"
CONFIG = "adapter_config.json"
MANIFEST = "steppe.json"
SHORT_ID = 12


@dataclass(frozen=True, slots=True)
class Manifest:
    """What an adapter was made from; `files` are SHA-256 digests in hexadecimal.

    `recipe` is the whole recipe and `environment` the lock of `models.environment`: with the
    training set and the base they make the adapter again.  `outcome` is what a rebuilding on a GPU
    is compared by: steps, first and last loss.  All three are empty in manifests older than they.
    """

    adapter_id: str
    base_id: str
    base_model: str
    recipe_id: str
    training_set_id: str
    template_id: str
    parent_adapter_id: str
    files: Mapping[str, str]
    libraries: Mapping[str, str]
    recipe: Mapping[str, Any] = field(default_factory=dict)
    environment: Mapping[str, Any] = field(default_factory=dict)
    outcome: Mapping[str, float] = field(default_factory=dict)


def served_name(adapter_id: str) -> str:
    """Return the name under which an adapter is served: it is never used for another one."""
    return f"steppe@{adapter_id[:SHORT_ID]}"


def digests(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of the weights and of the configuration."""
    return {name: sha256((folder / name).read_bytes()).hexdigest() for name in (WEIGHTS, CONFIG)}


def id_of(folder: Path) -> str:
    """Return the content id of an adapter's weights and configuration."""
    return content_id((folder / WEIGHTS).read_bytes(), (folder / CONFIG).read_bytes())


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Write `steppe.json`: the last file of an adapter."""
    text = json.dumps(asdict(manifest), ensure_ascii=False, sort_keys=True, indent=1)
    (folder / MANIFEST).write_text(text + "\n", encoding="utf-8")


def read_manifest(folder: Path) -> Manifest:
    """Return the manifest of an adapter; raise `DeploymentError` for none or a cut one."""
    path = folder / MANIFEST
    if not path.is_file():
        raise DeploymentError(
            f"`{folder.name}` is no adapter: it has no {MANIFEST}.",
            hint="run `steppe doctor`, which removes what a crash left",
        )
    try:
        return _typed(Manifest(**json.loads(path.read_text(encoding="utf-8"))))
    except (OSError, ValueError, TypeError) as error:
        raise DeploymentError(
            f"The {MANIFEST} of adapter `{folder.name[:SHORT_ID]}` cannot be read: {error}.",
            hint=rebuilding_hint(folder.name),
        ) from None


def _typed(manifest: Manifest) -> Manifest:
    """Return a manifest whose entries are what they should be; raise `TypeError`."""
    for entry in fields(manifest):
        if not isinstance(getattr(manifest, entry.name), str if entry.type == "str" else dict):
            raise TypeError(f"its `{entry.name}` is no {entry.type}")
    return manifest


def rebuilding_hint(adapter_id: str) -> str:
    """Return what to do about an adapter whose files are lost or damaged."""
    return f"`steppe rebuild {adapter_id[:SHORT_ID]}` makes it again and puts it back"


def verify(folder: Path) -> Manifest:
    """Return the manifest if the files are what it says; raise `DeploymentError` if not."""
    manifest = read_manifest(folder)
    try:
        same = dict(manifest.files) == digests(folder) and manifest.adapter_id == id_of(folder)
    except OSError as error:
        raise DeploymentError(
            f"Adapter `{folder.name[:SHORT_ID]}` has lost a file: {error}.",
            hint=rebuilding_hint(folder.name),
        ) from None
    if not same:
        raise DeploymentError(
            f"Adapter `{folder.name[:SHORT_ID]}` is not what its manifest says.",
            hint=rebuilding_hint(folder.name),
        )
    return manifest


def is_sound(folder: Path) -> bool:
    """Return whether an adapter is there in whole, and is what its manifest says."""
    try:
        verify(folder)
    except DeploymentError:
        return False
    return True


def why_not_served(folder: Path) -> str:
    """Return what keeps an adapter from being served beside others; empty for a plain LoRA.

    The serving engine and vLLM mix rows of many adapters in one batch, and both can do that with
    plain LoRA only: peft refuses `adapter_names` for every other kind and for DoRA, vLLM loads no
    other.  In a process of its own (`models.backends.embedded`) every adapter runs.
    """
    config = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
    if config["peft_type"] != "LORA":
        return f"it is of kind {config['peft_type']}"
    if config.get("use_dora"):
        return "it is a DoRA"
    return "it carries whole modules" if config.get("modules_to_save") else ""


def require_served(folder: Path) -> None:
    """Raise `DeploymentError` for an adapter that cannot be served beside others."""
    if reason := why_not_served(folder):
        raise DeploymentError(
            f"Adapter `{folder.name[:SHORT_ID]}` cannot be served: {reason}, and the engine mixes "
            "plain LoRA only.",
            hint='train with tuner.kind = "lora" to serve, or evaluate it where it lies: '
            "`models.backends.embedded` runs every kind",
        )


def publish(draft: Path, adapters: Path, adapter_id: str) -> Path:
    """Move a finished adapter to its place by one rename, and return the place.

    The same content may already be there, from a run that was killed after its rename; what is
    there and damaged is set aside for `steppe doctor` to remove.
    """
    target = adapters / adapter_id
    if is_sound(target):
        shutil.rmtree(draft)
        return target
    adapters.mkdir(parents=True, exist_ok=True)
    if target.exists():
        target.rename(adapters / f".draft-{adapter_id}-{time.time_ns()}")
    draft.rename(target)
    return target
