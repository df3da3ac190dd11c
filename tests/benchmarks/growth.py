"""Five turns of the loop with new dialogues each turn: does it grow, and what does it forget?

    python -P tests/benchmarks/growth.py --arm replay           # a quarter of an hour on two cores
    python -P tests/benchmarks/growth.py --arm no_replay
    python -P tests/benchmarks/growth.py --arm own_words        # the honest counter-example
    python -P tests/benchmarks/growth.py --arm no_self_chat
    python -P tests/benchmarks/growth.py --seed 1               # other draws, facts in other turns
    python -P tests/benchmarks/growth.py --compare              # with self-chats and without
    python -P tests/benchmarks/growth.py --picture              # all arms so far, as a plot

The shipped sample's facts are told in five parts, each turn one part more, through the real
program: `steppe ingest`, then `steppe grow`.  After each turn its adapter, served or not, answers
all 87 held-out questions, those of parts that are still to come too, and 1,000 primer dialogues
that no schooling held; left out are those that the person's words outdate, where "I do not know"
is no longer right.  Losses of one turn and the next are compared item by item.

    replay        the recipe `embedded`
    no_replay     the same without a row of the primer or of older dialogues
    own_words     no replay, and self-chat without grounding, filters and budget, five rows to one
    no_self_chat  the recipe `embedded` without self-chats

`--seed` is the recipe's seed (initialisation, order, draws of rows and replay) and says which facts
are told in which turn; seed 0 tells them in the order of the alphabet.
"""

import argparse
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

from assets.records import chat_of
from lake import query
from lake.tables import Lake
from models.backends import Loss
from models.backends.embedded import TransformersModel
from models.base import BaseModel, ensure_base
from models.evaluation.statistics import improvement, paired
from models.primer_scores import score_primer
from models.processes import calm_down
from models.taught import Taught

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
SAMPLES = ROOT / "assets" / "sources" / "samples"
RESULTS = HERE / "results" / "growth.json"
TURNS = 5
PLAIN = "[mixture]\nprimer = 0.0\nolder = 0.0\nframed = 0.0\n"
FLOOD = """self_chat = 5.0
[budget]
max_depth = 99
min_human_share = 0.0
max_method_share = 1.0
judge_is_not_generator = false
"""
UNFILTERED = """grounded = false
min_cyrillic = 0.0
min_letters = 0
max_repeat = 1.0
near_duplicate = 100.0
max_nats = 1000.0
min_nats = 0.0
"""
ARMS: dict[str, tuple[str, str]] = {
    "replay": ("", ""),
    "no_replay": (PLAIN, ""),
    "own_words": (PLAIN + FLOOD, UNFILTERED),
    "no_self_chat": ("[mixture]\nself_chat = 0.0\n", ""),
}
"""By arm: what its recipe changes of `embedded`, and what its self-chat policy changes."""


def main(arguments: argparse.Namespace) -> None:
    """Run one arm, or draw what is known of all."""
    calm_down()
    if arguments.compare:
        sys.stdout.write(compared(json.loads(RESULTS.read_text(encoding="utf-8"))))
        return
    arm, seed = arguments.arm, arguments.seed
    made = {} if arguments.picture else {_key(arm, seed): run(arm, seed, arguments.home)}
    found = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
    found |= made  # read after the run: two arms may go on at once
    if made:
        text = json.dumps(found, ensure_ascii=False, indent=1)
        RESULTS.write_text(text + "\n", encoding="utf-8")
    draw(found, ROOT / "docs" / "images" / "growth.png")


def run(arm: str, seed: int, home: Path) -> dict[str, Any]:
    """Take the five turns of an arm in a home of its own; return what was measured."""
    base = ensure_base("embedded", home.parent / "growth-models")
    _prepare(arm, seed, home, base)
    exam = [json.loads(line) for line in _lines(SAMPLES / "held_out.jsonl")]
    told = parts(home.parent / "growth-parts", seed)
    taught = Taught.by(said for part in told for said in part)
    turns = [_measured(base, None, exam, taught)]
    for number, part in enumerate(told, start=1):
        file = home.with_name(f"{home.name}-turn-{number}.jsonl")  # nothing of a home is taken in
        said = (json.dumps({"messages": m}, ensure_ascii=False) for m in part)
        file.write_text("\n".join(said) + "\n", encoding="utf-8")
        started = time.monotonic()
        _steppe(home, "ingest", str(file))
        _steppe(home, "grow")
        adapter = _newest(home)
        turns.append(
            _measured(base, home / "models" / "adapters" / adapter["adapter_id"], exam, taught)
            | _told(home, adapter)
            | {"dialogues": len(part), "turn_seconds": round(time.monotonic() - started, 1)}
        )
        _say(_key(arm, seed), number, turns)
    return {"base_id": base.base_id, "turns": _compared(turns)}


def parts(folder: Path, seed: int = 0) -> list[list[list[dict[str, str]]]]:
    """Return the sample's dialogues in five parts: every fact whole in one of them."""
    home = folder / "home"
    if not home.exists():
        _steppe(home, "ingest", str(SAMPLES / "dialogues"))
        _steppe(home, "grow", "--until", "cleaned")
    asked = "from cleaned_dialogues where source != 'gateway' order by dialogue_id"
    answers = {json.loads(line)["answer"] for line in _lines(SAMPLES / "held_out.jsonl")}
    by_fact: dict[str, list[list[dict[str, str]]]] = defaultdict(list)
    for row in query.ask(Lake(home), asked):
        said = chat_of(row)
        named = [m["content"] for m in said if m["content"] in answers]
        by_fact[named[0] if named else said[0]["content"]].append(said)
    found: list[list[list[dict[str, str]]]] = [[] for _ in range(TURNS)]
    facts = sorted(by_fact, key=lambda f: (f not in answers, f))
    if seed:
        random.Random(seed).shuffle(facts)
    for number, fact in enumerate(facts):
        found[number % TURNS] += by_fact[fact]
    return found


def _key(arm: str, seed: int) -> str:
    return f"{arm}_seed_{seed}" if seed else arm


def _prepare(arm: str, seed: int, home: Path, base: BaseModel) -> None:
    shutil.rmtree(home, ignore_errors=True)
    shutil.copytree(base.path, home / "models" / "bases" / base.path.name)
    recipe, policy = ARMS[arm]
    shipped = (ROOT / "models" / "recipes" / "embedded.toml").read_text(encoding="utf-8")
    changed = _changed(shipped, f"seed = {seed}\n{recipe}")
    (home / "recipe.toml").write_text(changed, encoding="utf-8")
    (home / "policy.toml").write_text(policy, encoding="utf-8")
    (home / "suites").mkdir()
    shutil.copyfile(SAMPLES / "held_out.jsonl", home / "suites" / "sample.jsonl")


def _changed(shipped: str, changes: str) -> str:
    """Return a recipe's text with the values of `changes` put over it, table by table."""
    import tomllib

    merged = tomllib.loads(shipped)
    for key, value in tomllib.loads(changes).items():
        merged[key] = {**merged.get(key, {}), **value} if isinstance(value, dict) else value
    lines = [f"{key} = {json.dumps(v)}" for key, v in merged.items() if not isinstance(v, dict)]
    for table, values in merged.items():
        if isinstance(values, dict):
            lines += [f"[{table}]", *(f"{key} = {json.dumps(v)}" for key, v in values.items())]
    return "\n".join(lines) + "\n"


def _steppe(home: Path, *words: str) -> None:
    chosen = {
        "STEPPE_HOME": str(home),
        "STEPPE_RECIPE": str(home / "recipe.toml"),
        "STEPPE_SELF_CHAT__POLICY": str(home / "policy.toml"),
    }
    if not (home / "recipe.toml").exists():
        chosen = {"STEPPE_HOME": str(home)}
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    command = [sys.executable, "-m", "orchestration.cli", *words]
    environment = {**os.environ, **chosen, "PYTHONPATH": path}
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if ended.returncode:
        raise SystemExit(f"steppe {' '.join(words)}:\n{ended.stderr}")


def _newest(home: Path) -> dict[str, Any]:
    return max(Lake(home).rows("adapters_versions"), key=lambda row: row["created_at"])


def _told(home: Path, adapter: dict[str, Any]) -> dict[str, Any]:
    lake = Lake(home)
    where = f"adapter_id = '{adapter['adapter_id']}'"
    verdicts = sorted(lake.rows("evaluations_verdicts", where=where), key=lambda r: r["decided_at"])
    return {
        "adapter_id": adapter["adapter_id"],
        "train_rows": adapter["train_rows"],
        "passed": verdicts[-1]["passed"],
        "failed": verdicts[-1]["failed"],
        "self_chats": lake.arrow("self_chats_dialogues").num_rows,
    }


def _measured(
    base: BaseModel, adapter: Path | None, exam: list[dict[str, Any]], taught: Taught
) -> dict[str, Any]:
    model = TransformersModel(base.path, adapter, model_id="measured")
    asked = [[{"role": "user", "content": row["question"]}] for row in exam]
    told = [
        [*q, {"role": "assistant", "content": row["answer"]}]
        for q, row in zip(asked, exam, strict=True)
    ]
    losses = model.loss(told)
    said = [x.text.strip() for x in model.generate(asked, max_new_tokens=48)]
    primer = score_primer(
        base.path, adapter, n=1000, but=lambda d: taught.outdates([dict(m) for m in d.messages])
    )
    return {
        "losses": [[x.sum_nats, x.tokens] for x in losses],
        "right": [float(a == row["answer"]) for a, row in zip(said, exam, strict=True)],
        "different_answers": len(set(said)) / len(said),
        "primer": primer["overall"],
    }


def _compared(turns: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the turns, each with its gain over the one before in nats a token and in answers."""
    found = []
    for before, turn in zip([turns[0], *turns], turns, strict=False):
        old, new = ([Loss(*x) for x in t["losses"]] for t in (before, turn))
        gain = improvement(old, new, seed=0)
        pairs = [b - a for a, b in zip(before["right"], turn["right"], strict=True)]
        right = paired(pairs, seed=0)
        shown = {key: value for key, value in turn.items() if key not in {"losses", "right"}}
        found.append(
            {
                **shown,
                "nats": sum(x.sum_nats for x in new) / sum(x.tokens for x in new),
                "gain": [gain.value, gain.low, gain.high],
                "exact": sum(turn["right"]) / len(turn["right"]),
                "exact_gain": [right.value, right.low, right.high],
                "right": turn["right"],
            }
        )
    return found


def compared(found: dict[str, Any]) -> str:
    """Return a table of exactness with self-chats and without after the last turn, a seed a row.

    The differences are over the same questions; the last row takes every question's mean over the
    seeds first, so that a question asked on three seeds is one question, not three.
    """
    lines, by_seed = ["| seed | with | without | difference |", "|---|---|---|---|"], []
    for key in sorted(k for k in found if k.startswith("no_self_chat")):
        other = key.replace("no_self_chat", "replay")
        if other in found:
            pair = (found[other]["turns"][-1]["right"], found[key]["turns"][-1]["right"])
            by_seed.append(pair)
            lines.append(_row(key.partition("_seed_")[2] or "0", *pair))
    means = [
        [sum(x) / len(x) for x in zip(*arm, strict=True)] for arm in zip(*by_seed, strict=True)
    ]
    return "\n".join([*lines, _row("mean", *means)]) + "\n"


def _row(name: str, ours: list[float], theirs: list[float]) -> str:
    found = paired([a - b for a, b in zip(ours, theirs, strict=True)], seed=0)
    shown = f"{found.value:.3f} [{found.low:.3f}, {found.high:.3f}]"
    return f"| {name} | {sum(ours) / len(ours):.3f} | {sum(theirs) / len(theirs):.3f} | {shown} |"


def draw(found: dict[str, Any], path: Path) -> None:
    """Draw held-out exactness and primer exactness, turn by turn, a line an arm."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.6), sharex=True)
    for arm, told in found.items():
        turns = range(len(told["turns"]))
        left.plot(turns, [t["exact"] for t in told["turns"]], marker="o", label=arm)
        right.plot(turns, [t["primer"] for t in told["turns"]], marker="o", label=arm)
    left.set(title="held-out questions answered word for word", xlabel="turn", ylim=(0, 1))
    right.set(title="primer dialogues answered word for word", xlabel="turn", ylim=(0, 1))
    left.legend()
    figure.tight_layout()
    figure.savefig(path, dpi=130)
    plt.close(figure)


def _lines(path: Path) -> list[str]:
    return [line for line in path.read_text(encoding="utf-8").split("\n") if line.strip()]


def _say(arm: str, number: int, turns: list[dict[str, Any]]) -> None:
    last = _compared(turns)[-1]
    words = f"nats {last['nats']:.3f} gain {last['gain']} exact {last['exact']:.3f}"
    sys.stderr.write(f"{arm} turn {number}: {words} primer {last['primer']:.3f} {last['passed']}\n")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--arm", choices=ARMS, default="replay")
    parser.add_argument("--home", type=Path, default=Path(tempfile.gettempdir()) / "steppe-growth")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--compare", action="store_true")
    parser.add_argument("--picture", action="store_true")
    main(parser.parse_args())
