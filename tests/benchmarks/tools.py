"""How often the embedded base calls the right tool, and uses what it says.

    python -P tests/benchmarks/tools.py [DIALOGUES]      # 200 without an argument

Held-out primer dialogues of the format `tools` are held with the real base, the real tools and the
real loop (`models/tools/react.py`, the schooled dialect); before each question stands the true
dialogue so far, and the clock shows the dialogue's own time.  Counted, question by question:

    called          a tool was needed, and exactly that call was made
    used            ... and the answer is the one that the tool's result determines
    let be          no tool was needed, and none was called
    refused         the same questions without any tool named: the honest refusal (the baseline)

The shares are given with Wilson's 95 % intervals.  `in_a_chat` asks the same of the gateway with
`own_tools`, before the embedded server: OpenAI's tool calls over HTTP, in the native dialect.  Two
more arms show where it ends: five tools named instead of the two it was schooled in, and
calculations it never met (three digits, products).
"""

import json
import os
import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from math import sqrt
from pathlib import Path
from typing import Any

from models.processes import calm_down

calm_down()

from models.backends.embedded import TransformersModel  # noqa: E402  after the environment is calm
from models.base import find_base  # noqa: E402
from models.primer import dialogues, prompts  # noqa: E402
from models.testing import over_http  # noqa: E402
from models.tools import Tool, tools_of  # noqa: E402
from models.tools.dialects import AssistantTurn  # noqa: E402
from models.tools.react import SCHOOLED, Call, Reasoned, answer  # noqa: E402

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
SEED = 2026
SCHOOLED_IN = ("calculator", "clock")
MAX_TOKENS = 64
NEVER_MET = (("три цифры", 100, 999, "+-"), ("произведение", 2, 9, "*"))
WORDS = {"+": "плюс", "-": "минус", "*": "умножить на"}


@dataclass(frozen=True)
class Question:
    """A question of a dialogue: what was said before, and what has to follow it."""

    before: list[dict[str, str]]
    call: str
    result: str
    answer: str


def main(wanted: int) -> None:
    """Hold the dialogues in every arm; print and write the shares."""
    models = Path(os.environ.get("STEPPE_TEST_MODELS", ROOT / ".steppe" / "test-models"))
    base = find_base("embedded", models) or sys.exit("the embedded base is not here")
    model = TransformersModel(base.path)
    asked = list(_questions(wanted))
    result = {
        "base_id": base.base_id,
        "seed": SEED,
        "dialogues": wanted,
        "questions": len(asked),
        "two_tools": _held(_alone(model, SCHOOLED_IN), asked),
        "in_a_chat": _in_a_chat(base.path, asked),
        "five_tools": _held(_alone(model, ()), asked),
        "without_tools": _without(model, asked),
        "never_met": _never_met(model),
    }
    written = json.dumps(result, indent=1, ensure_ascii=False)
    (HERE / "results" / "tools.json").write_text(written + "\n", encoding="utf-8")
    sys.stdout.write(written + "\n")


def _questions(wanted: int) -> Iterator[Question]:
    """Yield the determined questions of so many held-out dialogues with tools."""
    found, position = 0, 0
    while found < wanted:
        (dialogue,) = dialogues(SEED, 1, "held_out", start=position)
        position += 1
        if dialogue.skill != "tools":
            continue
        found += 1
        messages = dialogue.messages
        for number, message in enumerate(messages):
            if message["role"] != "user" or number + 1 not in dialogue.scored:
                continue
            said = messages[number + 1 : number + 4]
            if "<tool_call>" in said[0]["content"]:
                words = (said[0]["content"], said[1]["content"], said[2]["content"])
                yield Question(messages[1 : number + 1], *words)
            else:
                yield Question(messages[1 : number + 1], "", "", said[0]["content"])


def _tools(shown: str, named: tuple[str, ...]) -> list[Tool]:
    """Return the tools of these names, all without any; the clock shows the dialogue's time."""
    moment = f"2026-11-27 {shown}" if ":" in shown else "2026-11-27 12:00"

    def now() -> datetime:
        return datetime.strptime(moment, "%Y-%m-%d %H:%M")  # noqa: DTZ007  a wall clock

    every = tools_of(recall=lambda _: [], ask=lambda _: _Nothing(), now=now)
    return [tool for tool in every if not named or tool.name in named]


@dataclass(frozen=True)
class _Nothing:
    columns: tuple[str, ...] = ()
    rows: tuple[Any, ...] = ()
    cut: bool = False


def _held(answered: Callable[[Question], Reasoned], asked: list[Question]) -> dict[str, Any]:
    began, counts = time.monotonic(), {"called": [0, 0], "used": [0, 0], "let be": [0, 0]}
    stopped = {"": 0, "repeated": 0, "steps": 0}
    for question in asked:
        found = answered(question)
        stopped[found.stopped] += 1
        if not question.call:
            _count(counts["let be"], hit=not found.calls)
            continue
        is_called = _call_of(found) == _wanted(question.call)
        _count(counts["called"], hit=is_called)
        _count(counts["used"], hit=is_called and found.answer == question.answer)
    seconds = (time.monotonic() - began) / len(asked)
    ends = {name or "answered": n for name, n in stopped.items()}
    shares = {name: _share(*count) for name, count in counts.items()}
    return {**shares, "ended": ends, "seconds_a_question": round(seconds, 3)}


def _alone(model: TransformersModel, named: tuple[str, ...]) -> Callable[[Question], Reasoned]:
    def answered(question: Question) -> Reasoned:
        tools = _tools(question.result, named)
        return answer(_asking(model), question.before, tools, dialect=SCHOOLED)

    return answered


def _in_a_chat(base: Path, asked: list[Question]) -> dict[str, Any]:
    """Hold the dialogues with a gateway before the embedded server, both in threads of this."""
    import httpx

    from models.serving import embedded, gateway
    from models.serving.access import Access
    from models.serving.conversation_log import ConversationLog
    from models.serving.engine import Engine
    from models.serving.own_tools import OwnTools
    from models.serving.served import Served
    from models.serving.upstream import Upstream

    shown = [""]
    own = OwnTools(lambda _: _tools(shown[0], SCHOOLED_IN), SCHOOLED_IN)

    def answered(question: Question) -> Reasoned:
        shown[0] = question.result
        body = {"model": "base", "messages": question.before, "own_tools": True}
        told = client.post("/v1/chat/completions", json=body).raise_for_status().json()
        about = told["steppe"]
        calls = tuple(Call(**call) for call in about["calls"])
        content = told["choices"][0]["message"]["content"]
        return Reasoned(content, tuple(about["thoughts"]), calls, about["stopped"])

    with (
        tempfile.TemporaryDirectory() as folder,
        over_http(embedded.build(embedded.Embedded(Engine(base)))) as inner,
    ):
        home = Path(folder)
        told = gateway.Gateway(
            upstream=Upstream(inner),
            log=ConversationLog(home / "inbox", home / "streams"),
            access=Access(home / "keys.json", "owner", lambda name: name, per_minute=10**6),
            served=Served(home / "adapters"),
            admin_token="none",
            own=own,
        )
        with (
            over_http(gateway.build(told)) as url,
            httpx.Client(base_url=url, timeout=60) as client,
        ):
            while client.get("/health").status_code != 200:
                time.sleep(0.05)
            return _held(answered, asked)


def _asking(model: TransformersModel) -> Any:
    def ask(messages: list[dict[str, Any]], _: list[dict[str, Any]]) -> AssistantTurn:
        return AssistantTurn(model.generate([messages], max_new_tokens=MAX_TOKENS)[0].text)

    return ask


def _without(model: TransformersModel, asked: list[Question]) -> dict[str, Any]:
    needing = [question.before for question in asked if question.call]
    answers = [g.text for g in model.generate(needing, max_new_tokens=MAX_TOKENS)]
    honest = sum(text in {prompts.TOO_LARGE, prompts.NO_CLOCK} for text in answers)
    return {"refused": _share(len(answers), honest)}


def _never_met(model: TransformersModel, each: int = 100) -> dict[str, Any]:
    found = {}
    for name, low, high, signs in NEVER_MET:
        draw, counts = random.Random(SEED), {"called": [0, 0], "used": [0, 0]}
        for _ in range(each):
            b, a = sorted((draw.randint(low, high), draw.randint(low, high)))
            sign = draw.choice(signs)
            question = f"Сколько будет {a} {WORDS[sign]} {b}?"
            reasoned = answer(
                _asking(model),
                [{"role": "user", "content": question}],
                _tools("", SCHOOLED_IN),
                dialect=SCHOOLED,
            )
            value = str({"+": a + b, "-": a - b, "*": a * b}[sign])
            _count(
                counts["called"],
                hit=any(call.observation == value for call in reasoned.calls),
            )
            _count(counts["used"], hit=f" {value}." in reasoned.answer)
        found[name] = {key: _share(*count) for key, count in counts.items()}
    return found


def _call_of(found: Reasoned) -> tuple[str, Any] | None:
    """Return the one call that was made, nothing where there were none or several."""
    if len(found.calls) != 1:
        return None
    (call,) = found.calls
    try:
        return call.name, json.loads(call.arguments)
    except ValueError:
        return None


def _wanted(call: str) -> tuple[str, Any]:
    body = json.loads(call.removeprefix("<tool_call>").removesuffix("</tool_call>"))
    return body["name"], body["arguments"]


def _count(counts: list[int], *, hit: bool) -> None:
    counts[0] += 1
    counts[1] += hit


def _share(n: int, hits: int) -> dict[str, Any]:
    """Return a share with Wilson's interval (JASA 1927), z = 1.96."""
    z = 1.96
    share = hits / max(n, 1)
    middle = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z * sqrt(share * (1 - share) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    return {
        "n": n,
        "share": round(share, 3),
        "low": round(middle - half, 3),
        "high": round(middle + half, 3),
    }


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 200)
