"""From the gateway's log to the marts: two adapters answer, people judge, one turn tells it."""

import json
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from assets import answered, forgetting
from lake import query
from lake.ids import pseudonym_key, user_id_of
from lake.settings import Settings
from lake.tables import Lake, Provenance
from models.base import BaseModel
from models.evaluation.statistics import wilson
from models.serving.conversation_log import ConversationLog, replay
from models.serving.feedback import Answers, FeedbackRequest, event_of
from orchestration import exploring, turn

OLD, NEW = "a" * 32, "b" * 32
CHAMPION, CHALLENGER = "steppe@aaaaaaaaaaaa", "steppe@bbbbbbbbbbbb"
BY = Provenance("test")


@pytest.fixture
def log(chosen: Settings) -> Iterator[ConversationLog]:
    opened = ConversationLog(chosen.inbox, chosen.home / "streams")
    yield opened
    opened.close()


def name(number: int) -> str:
    """Return an answer's id as the gateway makes them."""
    return f"chatcmpl-{number:032x}"


def serve(lake: Lake) -> None:
    """Write that one adapter is served to everyone and another one to half of the people."""
    began = datetime.now(UTC) - timedelta(hours=1)
    row = {"evaluation_id": "e", "decided_by": "person", "reason": "", "probe_difference": 1.0}
    old = {"deployment_id": "1", "served_name": CHAMPION, "adapter_id": OLD, "from_adapter_id": ""}
    new = {"deployment_id": "2", "served_name": CHALLENGER, "adapter_id": NEW}
    history = [
        {**row, **old, "share": None, "deployed_at": began},
        {**row, **new, "from_adapter_id": OLD, "share": 0.5, "deployed_at": began},
    ]
    lake.append("deployments_history", history, day=began.date(), by=BY)
    blank = {f.name: None for f in lake.arrow("adapters_versions").schema if f.name != "day"}
    trained = [{**blank, "adapter_id": adapter_id} for adapter_id in (OLD, NEW)]
    lake.append("adapters_versions", trained, day=began.date(), by=BY)


def talk(
    log: ConversationLog,
    number: int,
    who: str,
    adapter: str,
    words: str,
    finish: str = "stop",
    *,
    seconds: float = 1.0,
    tokens: int = 10,
    text: str = "",
) -> None:
    """Log a request and its answer as the gateway does; no finish, no answer."""
    whose = {
        "conversation_id": f"talk-{who}",
        "request_id": name(number),
        "user": who,
        "adapter": adapter,
    }
    said = [{"role": "user", "content": words}]
    log.put("request", **whose, messages=said, memories=["m"] if who == "vera" else []).result()
    usage = {"prompt_tokens": 7, "completion_tokens": tokens, "total_tokens": 7 + tokens}
    took = {"tokens": usage, "seconds": seconds, "first_seconds": seconds / 4, "cached": False}
    if finish:
        text = text or f"Это ответ номер {number}, он лежит на полке."
        log.put("answer", **whose, content=text, finish=finish, **took).result()


def judge(log: ConversationLog, number: int, who: str, kind: str, **more: str) -> None:
    """Log what a person says of an answer, as the gateway does."""
    answers = Answers()
    replay(log.recent(), answers)
    said = FeedbackRequest.model_validate({"answer_id": name(number), "kind": kind, **more})
    log.put("feedback", **event_of(said, who, answers, datetime.now(UTC))).result()


def test_one_turn_tells_how_the_canary_does(
    quick_base: BaseModel,
    chosen: Settings,
    lake: Lake,
    log: ConversationLog,
    capsys: pytest.CaptureFixture[str],
) -> None:
    shutil.copytree(quick_base.path, chosen.models_dir / "bases" / quick_base.path.name)
    serve(lake)
    told, learned = "Запомни: мою собаку зовут Буран.", "Запомнил: твою собаку зовут Буран."
    talk(log, 1, "vera", CHAMPION, "Где ключи от дома?", seconds=1.0)
    talk(log, 2, "vera", CHAMPION, told, text=learned, seconds=3.0, tokens=30)
    talk(log, 3, "ivan", CHAMPION, "Где мой новый забор?", "length", seconds=2.0, tokens=20)
    talk(log, 4, "anna", CHALLENGER, "Где белая коза?", seconds=4.0, tokens=8)
    talk(log, 5, "anna", CHALLENGER, "Где белая коза?", seconds=6.0, tokens=12)
    talk(log, 6, "anna", CHALLENGER, "Где старый колодец?", "failed", seconds=0.1, tokens=0)
    talk(log, 7, "petr", CHALLENGER, "Где наша степь?", "")
    judge(log, 1, "vera", "thumb", thumb="up")
    judge(log, 2, "vera", "thumb", thumb="down")
    judge(log, 3, "ivan", "edit", text="Забор стоит за домом, у самой реки.")
    judge(log, 5, "anna", "regeneration", rejected_answer_id=name(4))

    made = turn.grow(chosen.model_copy(update={"self_chats_per_day": 0}))

    assert made.changed
    old, new = query.ask(lake, "from served_answers order by served_name")
    counted = ("role", "people", "conversations", "answers", "whole", "too_long", "failed")
    assert ("champion", 2, 2, 3, 2, 1, 0) == tuple(old[n] for n in counted)
    assert ("canary", 2, 2, 4, 2, 0, 1) == tuple(new[n] for n in counted)
    assert (OLD, NEW, 1) == (old["adapter_id"], new["adapter_id"], new["unanswered"])
    said = ("thumbs_up", "thumbs_down", "edits", "regenerations_won", "regenerations_lost")
    assert [(1, 1, 1, 0, 0), (0, 0, 0, 1, 1)] == [tuple(r[n] for n in said) for r in (old, new)]
    assert (2, 0) == (old["with_memories"], new["with_memories"])
    for row, good, of in ((old, 1, 3), (new, 1, 2)):
        right = wilson(good, of)
        found = (row["judged"], row["good"], row["good_low"], row["good_high"])
        assert pytest.approx((of, right.value, right.low, right.high)) == found
    speed = ("seconds_p50", "seconds_p95", "first_seconds_p50", "tokens_per_second")
    assert pytest.approx((2.0, 2.9, 0.5, 60 / 6)) == tuple(old[n] for n in speed)
    assert pytest.approx((5.0, 5.9, 1.25, 20 / 10)) == tuple(new[n] for n in speed)

    rows = {row["measure"]: row for row in query.ask(lake, "from canary")}
    assert {"too few"} == {row["word"] for row in rows.values()}
    assert pytest.approx((1 / 2, 2, 1 / 3, 3, 1 / 6)) == tuple(
        rows["good"][n]
        for n in (
            *("challenger_share", "challenger_n", "champion_share", "champion_n"),
            "difference",
        )
    )
    assert pytest.approx((2 / 4 - 2 / 3, 1 / 4)) == (
        rows["whole"]["difference"],
        rows["failed"]["difference"],
    )
    slow = rows["slow"]  # of 1, 2, 3, 4 and 6 seconds
    assert (3.0, 1.0, 0.0) == tuple(
        slow[n] for n in ("than_seconds", "challenger_share", "champion_share")
    )

    exploring.show(chosen, "canary", as_json=False)
    shown = capsys.readouterr().out
    assert f"{CHALLENGER} on 50% of people since" in shown
    assert "too few" in shown
    exploring.show(chosen, "deployments", as_json=True)
    served = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert {CHAMPION: (2, 3), CHALLENGER: (2, 4)} == {
        row["served_name"]: (row["people"], row["answers"]) for row in served
    }

    again = turn.grow(chosen.model_copy(update={"self_chats_per_day": 0}))
    assert not again.changed
    lake.delete(answered.TABLE, where=f"answer_id = '{name(2)}'", by=BY)
    lost = query.offending(lake, "assert_every_request_is_answered_for")
    assert {("talk-vera", "question"), ("talk-vera", "answer")} == {
        (row["conversation_id"], row["what"]) for row in lost
    }
    anna = user_id_of("anna", pseudonym_key(chosen.home))
    forgetting.forget_person(lake, anna, "ушла")
    assert [] == answered.stale(lake, chosen)
    assert {CHAMPION: 2, CHALLENGER: 1} == {
        row["served_name"]: row["answers"] for row in query.ask(lake, "from served_answers")
    }
