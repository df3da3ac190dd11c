"""The base model every adapter stands on: grown here, or taken from a folder or a hub.

`embedded` and `embedded-quick` are grown from the primer by `models.growth` in a process of its
own, once for each `base_id`; a path is used where it lies; anything else is a name on the
Hugging Face hub.  Whoever gets a `BaseModel` need not know which of these it is.

`python -m models.base grow|show [BASE_MODEL] --models-dir DIR` does it from a shell.
"""

from __future__ import annotations

import argparse
import fcntl
import json
import os
import shutil
import subprocess
import sys
from collections import deque
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from tempfile import TemporaryFile, mkdtemp
from typing import IO, Any

from lake.errors import BackendUnavailable, TrainingFailed
from lake.ids import content_id, file_id
from models.base_spec import BaseSpec, base_id, base_specs, load_spec
from models.primer_scores import score_primer
from models.processes import child_environment

__all__ = [
    "BaseModel",
    "BaseSpec",
    "Progress",
    "base_id",
    "base_specs",
    "ensure_base",
    "find_base",
    "find_by_id",
    "grow_base",
    "leftovers",
    "load_spec",
    "score_primer",
]

GROWING = ".growing-"  # prefix of unfinished bases: never read, always removable
WEIGHTS = "model.safetensors"
EXTENSION = "steppe-base.json"  # in a folder whose base was made from another one
IDENTITY_FILES = ("config.json", "tokenizer.json", "tokenizer_config.json", "chat_template.jinja")
ERROR_LINES = 12  # of a failed growth's standard error, shown to the person
ROOT = Path(__file__).parents[1]


@dataclass(frozen=True, slots=True)
class BaseModel:
    """A base in Hugging Face form.

    `report` is what its growth measured, or what `models.vocabulary` made it from, else empty.
    """

    base_id: str
    name: str
    path: Path
    report: dict[str, Any] = field(default_factory=dict)

    @property
    def origin(self) -> str:
        """Return the name of the base whose schooling this one had: its own, or its parent's."""
        return str(self.report.get("origin", self.name))

    @property
    def knows_the_primer(self) -> bool:
        """Return whether the base, or the one it was made from, was grown here."""
        return bool({self.name, self.origin} & set(base_specs()))


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a growth is; the loss is in nats a token."""

    step: int
    total: int
    loss: float
    tokens_per_second: float


def ensure_base(
    base_model: str, models_dir: Path, progress: Callable[[Progress], None] | None = None
) -> BaseModel:
    """Return the base of a setting, growing or fetching it where it is not here yet.

    Raises `BackendUnavailable` for a model that cannot be had, `TrainingFailed` for a growth
    that ended without a base.
    """
    found = find_base(base_model, models_dir)
    if found:
        return found
    if base_model in base_specs():
        return grow_base(load_spec(base_model), models_dir, progress)
    return _described(base_model, _downloaded(base_model))


def find_base(base_model: str, models_dir: Path) -> BaseModel | None:
    """Return the base of a setting if it is on this machine, without growing or fetching it."""
    if base_model in base_specs():
        identity = base_id(load_spec(base_model))
        path = models_dir / "bases" / identity
        return _grown(base_model, identity, path) if path.is_dir() else None
    if Path(base_model).is_dir():
        return _described(base_model, Path(base_model))
    cached = _cached(base_model)
    return _described(base_model, cached) if cached else None


def find_by_id(identity: str, base_model: str, models_dir: Path) -> BaseModel:
    """Return the base that an adapter was trained on, by its id, wherever it lies now.

    Raise `BackendUnavailable` where it is not here, or where its name now means another one.
    """
    grown = models_dir / "bases" / identity
    if grown.is_dir():
        return _grown(base_model, identity, grown)
    found = find_base(base_model, models_dir)
    if found and found.base_id == identity:
        return found
    what = "is another one by now" if found else "is not here"
    raise BackendUnavailable(
        f"The base `{base_model}` ({identity[:12]}) {what}.",
        hint="put the model back where it lay, or grow it with the version of then",
    )


def leftovers(models_dir: Path) -> list[Path]:
    """Return the folders of growths that were killed; removing them loses nothing.

    A growth that is still going on holds a lock on its folder, and is not among them.
    """
    drafts = sorted((models_dir / "bases").glob(f"{GROWING}*"))
    return [draft for draft in drafts if not _is_locked(draft)]


def grow_base(
    spec: BaseSpec, models_dir: Path, progress: Callable[[Progress], None] | None = None
) -> BaseModel:
    """Grow the base of a spec in a process of its own; it appears whole, by one rename."""
    bases = models_dir / "bases"
    bases.mkdir(parents=True, exist_ok=True)
    identity = base_id(spec)
    draft = Path(mkdtemp(prefix=GROWING, dir=bases))
    lock = os.open(draft, os.O_RDONLY)
    fcntl.flock(lock, fcntl.LOCK_EX)  # says that this draft is alive; the kernel forgets it with us
    try:
        _run_growth(spec, draft, progress)
        _publish(draft, bases / identity)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
        os.close(lock)
    return _grown(spec.name, identity, bases / identity)


def _is_locked(draft: Path) -> bool:
    lock = os.open(draft, os.O_RDONLY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(lock)
    return False


def _run_growth(spec: BaseSpec, draft: Path, progress: Callable[[Progress], None] | None) -> None:
    spec_file = draft / "spec.json"
    spec_file.write_text(json.dumps(asdict(spec)), encoding="utf-8")
    command = [sys.executable, "-m", "models.growth", str(spec_file), str(draft)]
    environment = {**child_environment(), "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
    with TemporaryFile("w+", encoding="utf-8") as errors:
        process = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=errors, text=True
        )
        try:
            _follow(process, progress)
        except BaseException:
            process.kill()
            raise
        finally:
            code = process.wait()
        if code:
            raise TrainingFailed(
                f"The growth of `{spec.name}` ended with code {code}.\n{_last_lines(errors)}",
                hint="run `steppe base grow` again; a killed growth leaves nothing behind",
            )
    spec_file.unlink()


def _follow(process: subprocess.Popen[str], progress: Callable[[Progress], None] | None) -> None:
    for line in process.stdout or ():
        if progress:
            progress(Progress(**json.loads(line)))


def _publish(draft: Path, path: Path) -> None:
    try:
        draft.chmod(0o755)
        draft.rename(path)
    except OSError:
        if not path.is_dir():  # else another process was first with the same base
            raise


def _last_lines(errors: IO[str]) -> str:
    errors.seek(0)
    return "".join(deque(errors, maxlen=ERROR_LINES)).rstrip()


def _grown(name: str, identity: str, path: Path) -> BaseModel:
    report = json.loads((path / "report.json").read_text(encoding="utf-8"))
    return BaseModel(identity, name, path, report)


def _described(base_model: str, path: Path) -> BaseModel:
    """Return a base that others made; its id hashes the small files and the weights' sizes."""
    if not (path / "config.json").is_file():
        raise BackendUnavailable(
            f"`{base_model}` is not a model folder: it has no config.json.",
            hint="give a folder in Hugging Face form, a hub name, or `embedded`",
        )
    small = [path / name for name in IDENTITY_FILES if (path / name).is_file()]
    weights = sorted(path.glob("*.safetensors"))
    parts = [part for file in small for part in (file.name, file_id(file))]
    parts += [part for file in weights for part in (file.name, str(file.stat().st_size))]
    made_from = path / EXTENSION
    report = json.loads(made_from.read_text(encoding="utf-8")) if made_from.is_file() else {}
    return BaseModel(content_id("base", *parts), base_model, path, report)


def _cached(base_model: str) -> Path | None:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError

    try:
        return Path(snapshot_download(base_model, local_files_only=True))
    except (LocalEntryNotFoundError, HFValidationError):
        return None


def _downloaded(base_model: str) -> Path:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    try:
        patterns = ["*.json", "*.safetensors", "*.jinja", "*.txt", "*.model"]
        return Path(snapshot_download(base_model, allow_patterns=patterns))
    except (HfHubHTTPError, HFValidationError, LocalEntryNotFoundError, OSError) as error:
        raise BackendUnavailable(
            f"The base model `{base_model}` is not here and could not be fetched: {error}",
            hint='go online, give a local folder, or set base_model = "embedded"',
        ) from error


def _shown(base: BaseModel) -> str:
    head = f"{base.name}  {base.base_id}  {base.path}"
    scores = base.report.get("primer")
    if not scores:
        return head
    rows = [f"  {k:18s} {v:.3f}" for k, v in scores.items() if k != "skills"]
    rows += [f"    {k:18s} {v['exact']:.2f} of {v['n']}" for k, v in scores["skills"].items()]
    return "\n".join([head, *rows])


def _print_progress(progress: Progress) -> None:
    end = "\n" if progress.step == progress.total else "\r"
    sys.stderr.write(
        f"step {progress.step}/{progress.total}  loss {progress.loss:.3f}  "
        f"{progress.tokens_per_second:,.0f} tokens/s{end}"
    )
    sys.stderr.flush()


def main() -> None:
    """Grow or show a base, as the command line says."""
    parser = argparse.ArgumentParser(prog="python -m models.base", description=__doc__)
    parser.add_argument("action", choices=("grow", "show"))
    parser.add_argument("base_model", nargs="?", default="embedded")
    parser.add_argument("--models-dir", type=Path, required=True)
    given = parser.parse_args()
    if given.action == "grow":
        base = ensure_base(given.base_model, given.models_dir, _print_progress)
    else:
        found = find_base(given.base_model, given.models_dir)
        if not found:
            parser.exit(1, f"`{given.base_model}` is not here yet\n")
        base = found
    sys.stdout.write(_shown(base) + "\n")


if __name__ == "__main__":
    main()
