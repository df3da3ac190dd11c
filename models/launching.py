"""Start a module in several processes: `python -m models.launching --config_file F -m MODULE`.

It is `accelerate launch` with two things added: it dies with its parent, and takes its processes
with it; and where one of them fails, its last words are the error and not the launcher's own.
"""

from __future__ import annotations

import difflib
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from lake.errors import SettingsError
from models.processes import PARENT_VARIABLE, calm_down, die_with_parent

FILES = Path(__file__).parent / "launch"
SEVERAL = "ddp"
"""The shipped file that several processes are started by where none is named."""


def names() -> list[str]:
    """Return the names of the launch files that are shipped."""
    return sorted(path.stem for path in FILES.glob("*.yaml"))


def file_of(launch: str) -> Path:
    """Return the launch file of a name or a path; `SettingsError` says what there is."""
    shipped, given = FILES / f"{launch}.yaml", Path(launch).expanduser()
    if shipped.is_file():
        return shipped
    if given.is_file():
        return given.absolute()
    near = difflib.get_close_matches(launch, names(), n=1)
    raise SettingsError(
        f"There is no launch file `{launch}`.",
        hint=f"did you mean `{near[0]}`?" if near else f"one of {', '.join(names())}, or a path",
    )


def arguments(module: str, *, processes: int, launch: str) -> list[str]:
    """Return what follows `python` to run a module: itself, or through the launcher."""
    if processes == 1 and not launch:
        return ["-m", module]
    how = ["--config_file", str(file_of(launch or SEVERAL)), "--num_processes", str(processes)]
    return ["-m", "models.launching", *how, "-m", module]


def main(given: Sequence[str]) -> int:
    """Run `accelerate launch` with these arguments; return 1 where a process failed."""
    calm_down()
    if PARENT_VARIABLE in os.environ or "DAGSTER_PIPES_CONTEXT" in os.environ:
        die_with_parent()
    os.environ[PARENT_VARIABLE] = str(os.getpid())  # its processes must not outlive it either
    from accelerate.commands import launch
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError

    try:
        launch.launch_command(launch.launch_command_parser().parse_args(given))
    except ChildFailedError as error:
        number, failure = error.get_first_failure()
        sys.stderr.write(f"process {number} of the training ended with {failure.exitcode}\n")
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
