"""What each method of self-chat yields on a home, and why the rest was not kept.

    python tests/benchmarks/self_chat.py --home .steppe            # after `make run`: some minutes
    python tests/benchmarks/self_chat.py --home .steppe --methods camel,personas

Each method draws `--draws` times from the home's own dialogues, from `--facts` facts that an
invented person told in words the base never met, and from `--practice` questions of the base's
schooling.  The bare base talks; where answers are compared, the champion of the home judges.
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
from assets.lineage import adapter_folder, champion
from lake.settings import Settings, load
from lake.tables import Lake
from models.backends.embedded import TransformersModel
from models.base import BaseModel, find_base
from models.evaluation.judges.rubric import RubricJudge
from models.processes import calm_down
from models.self_chat import METHODS, SelfChat
from models.self_chat.generation import generate
from models.self_chat.invented import invented_facts

JUDGED = ("distillation",)
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
    seeds = [*day.seeds(sessions.talked_over(lake), 0), *invented_facts(arguments.facts)]
    plan = replace(talks.plan_of(settings), draws={method: arguments.draws}, max_seeds=len(seeds))
    stage = replace(
        day.stage(seeds, plan),
        model=TransformersModel(base.path),
        judge=_judge(lake, settings, base) if method in JUDGED else None,
    )
    started = time.monotonic()
    chats = generate(stage, seeds)
    kept = [chat for chat in chats if chat.kept]
    return {
        "seeds": len(seeds),
        "begun": len(chats),
        "kept": len(kept),
        "kept_of_people": sum(not _is_schooling(chat) for chat in kept),
        "choices": sum(len(chat.preferences) for chat in chats),
        "tokens": sum(chat.tokens for chat in chats),
        "seconds": round(time.monotonic() - started, 1),
        "reasons": dict(Counter(c.reason for c in chats if not c.kept).most_common()),
        "example": [list(turn) for turn in kept[0].messages] if kept else [],
    }


def _judge(lake: Lake, settings: Settings, base: BaseModel) -> RubricJudge | None:
    """Return the home's champion as a judge: other weights than those that talk."""
    reigning = champion(lake, base.base_id)
    if not reigning:
        return None
    return RubricJudge(TransformersModel(base.path, adapter_folder(settings, reigning)))


def _is_schooling(chat: SelfChat) -> bool:
    return chat.parents[0].startswith("primer/")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--methods", default=",".join(METHODS))
    parser.add_argument("--facts", type=int, default=400)
    parser.add_argument("--practice", type=int, default=200)
    parser.add_argument("--draws", type=int, default=2)
    parser.add_argument("--out", type=Path, default=RESULTS)
    main(parser.parse_args())
