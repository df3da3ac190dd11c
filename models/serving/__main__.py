"""`python -m models.serving`: the embedded server as a process of its own.

The gateway starts it on loopback, with everything it may touch on its command line and the token
that its requests carry in the environment.
"""

from __future__ import annotations

import argparse
import os
import signal
from pathlib import Path

from models.processes import calm_down, die_with_parent
from models.serving import listening
from models.serving.upstream import TOKEN_VARIABLE


def main() -> None:
    """Load the base, answer until SIGTERM or SIGINT."""
    arguments = _arguments()
    calm_down()
    die_with_parent(signal.SIGTERM)
    import torch

    from models.serving.embedded import Embedded, build
    from models.serving.engine import Engine

    torch.set_num_threads(1)
    service = Embedded(
        Engine(arguments.base, max_batch=arguments.max_batch),
        os.environ.get(TOKEN_VARIABLE, ""),
        schooled=arguments.schooled,
    )
    listening.serve(build(service), listening.at(listening.HOST, arguments.port))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m models.serving")
    parser.add_argument("--base", type=Path, required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--max-batch", type=int, default=16)
    parser.add_argument("--schooled", action="store_true", help="the base was grown here")
    return parser.parse_args()


if __name__ == "__main__":
    main()
