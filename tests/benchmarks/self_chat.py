"""What each method of self-chat yields on a home, and why the rest was not kept.

    python tests/benchmarks/self_chat.py --home .steppe            # after `make run`: some minutes
    python tests/benchmarks/self_chat.py --home .steppe --methods camel,personas

Each method draws over the day's dialogues of the home and over questions of the base's schooling,
`--draws` times each.  The champion
talks, the bare base judges; on a home without a champion the base talks and nobody judges.
"""

import argparse
import json
import time
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from assets import sessions, talks
from lake.settings import load
from lake.tables import Lake
from models.base import find_base
from models.processes import calm_down
from models.self_chat import METHODS, SelfChat

RESULTS = Path(__file__).parent / "results" / "self_chat.json"


def main(arguments: argparse.Namespace) -> None:
    """Print and write one row a method."""
    calm_down()
    found = {}
    for method in arguments.methods.split(","):
        found[method] = _yield_of(method, arguments)
        print(json.dumps({method: found[method]}, ensure_ascii=False), flush=True)
    if arguments.out:
        arguments.out.write_text(
            json.dumps(found, ensure_ascii=False, indent=1) + "\n", encoding="utf-8"
        )


def _yield_of(method: str, arguments: argparse.Namespace) -> dict[str, Any]:
    settings = load(home=arguments.home.absolute(), self_chat={"practice": arguments.practice})
    lake, base = Lake(settings.home), find_base(settings.base_model, settings.models_dir)
    if base is None:
        raise SystemExit(f"no base in {settings.home}: `make run` first")
    day = talks.Talks(lake, settings, base, datetime.now(UTC).date() + timedelta(days=1))
    told = sessions.talked_over(lake)
    plan = replace(
        talks.plan_of(settings, depth=talks.depth_of_champion(lake, base)),
        draws={method: arguments.draws},
        max_seeds=len(told) + arguments.practice,
    )
    started = time.monotonic()
    chats = day.hold(told, plan)
    kept = [chat for chat in chats if chat.kept]
    return {
        "begun": len(chats),
        "kept": len(kept),
        "kept_of_people": sum(not _is_schooling(chat) for chat in kept),
        "choices": sum(len(chat.preferences) for chat in chats),
        "tokens": sum(chat.tokens for chat in chats),
        "seconds": round(time.monotonic() - started, 1),
        "generator": chats[0].generator[:12] if chats else "",
        "reasons": dict(Counter(c.reason for c in chats if not c.kept).most_common()),
        "example": [list(turn) for turn in kept[0].messages] if kept else [],
    }


def _is_schooling(chat: SelfChat) -> bool:
    return chat.parents[0].startswith("primer/")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--methods", default=",".join(METHODS))
    parser.add_argument("--practice", type=int, default=500)
    parser.add_argument("--draws", type=int, default=3)
    parser.add_argument("--out", type=Path, default=RESULTS)
    main(parser.parse_args())
