"""The gateway's log as rows: every request once, whatever became of its answer, and no words."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings, strategies

from assets import answered, forgetting
from assets.answered import Log, Names
from assets.observing import EVERYTHING, FORGOTTEN
from assets.sources import gateway
from lake.errors import DataError
from lake.ids import content_id, pseudonym_key, user_id_of
from lake.settings import Settings
from lake.tables import Lake, Provenance
from models.serving.conversation_log import FILE, ConversationLog

TODAY = datetime.now(UTC).date()
YESTERDAY = TODAY - timedelta(days=1)
BY = Provenance("test")
ADAPTER = "a" * 32
SERVED = "steppe@aaaaaaaaaaaa"
TOOK = {
    "finish": "stop",
    "tokens": {"prompt_tokens": 12, "completion_tokens": 5, "total_tokens": 17},
    "seconds": 0.5,
    "first_seconds": 0.25,
    "cached": False,
}
HELLO = [{"role": "user", "content": "Где ключи?"}]


@pytest.fixture
def log(chosen: Settings) -> Iterator[ConversationLog]:
    """The gateway's own log, over the home's inbox."""
    opened = ConversationLog(chosen.inbox, chosen.home / "streams")
    yield opened
    opened.close()


@pytest.fixture
def say(log: ConversationLog) -> Callable[..., None]:
    """Return `say(id, answered=True, **fields)`: a request, and its answer unless it has none."""

    def write(name: str, *, answered: bool = True, user: str = "vera", **more: object) -> None:
        whose = {"conversation_id": f"c{name}", "request_id": name, "user": user}
        whose["adapter"] = str(more.pop("adapter", SERVED))
        memories = more.pop("memories", [])
        log.put("request", **whose, messages=HELLO, memories=memories).result()
        if answered:
            log.put("answer", **whose, content="На полке.", **{**TOOK, **more}).result()

    return write


def path(chosen: Settings, day: date = TODAY) -> Path:
    return chosen.inbox / str(day) / FILE


def a_day_goes_by(chosen: Settings) -> None:
    """Make today's log yesterday's."""
    path(chosen, YESTERDAY).parent.mkdir(parents=True, exist_ok=True)
    path(chosen).rename(path(chosen, YESTERDAY))


def take(lake: Lake, chosen: Settings) -> answered.Taken:
    """Take the log in, as the asset does."""
    taken = answered.take(lake, chosen)
    for day, rows in taken.rows.items():
        made_from = taken.made_from[day]
        lake.replace(answered.TABLE, rows, day=day, made_from=made_from, by=BY)
    return taken


def finishes(lake: Lake) -> dict[str, tuple[date, str]]:
    return {r["answer_id"]: (r["day"], r["finish"]) for r in lake.rows(answered.TABLE)}


def test_a_request_is_a_row_with_what_its_answer_took_and_no_words(
    lake: Lake, chosen: Settings, say
) -> None:
    empty = dict.fromkeys(n for n in schema_names("adapters_versions") if n != "day")
    lake.append("adapters_versions", [{**empty, "adapter_id": ADAPTER}], day=TODAY, by=BY)
    say("r1", memories=["m1", "m2"], calls=[{"name": "clock"}], thoughts="Тайна.")

    take(lake, chosen)

    (row,) = lake.rows(answered.TABLE)
    asked_at = row.pop("asked_at")
    assert asked_at.date() == TODAY
    assert {
        "day": TODAY,
        "answer_id": "r1",
        "conversation_id": "cr1",
        "dialogue_id": content_id("conversation", "gateway", "cr1"),
        "user_id": user_id_of("vera", pseudonym_key(chosen.home)),
        "served_name": SERVED,
        "adapter_id": ADAPTER,
        "finish": "stop",
        "prompt_tokens": 12,
        "completion_tokens": 5,
        "seconds": 0.5,
        "first_seconds": 0.25,
        "memories": ["m1", "m2"],
        "cached": False,
    } == row


def test_the_base_has_no_adapter_and_one_that_nobody_trained_is_unknown(
    lake: Lake, chosen: Settings, say
) -> None:
    say("r1", adapter="base")
    say("r2")

    take(lake, chosen)

    found = [(r["served_name"], r["adapter_id"]) for r in lake.rows(answered.TABLE)]
    assert [("base", ""), (SERVED, None)] == found


def test_who_is_not_named_is_the_owner(lake: Lake, chosen: Settings, say) -> None:
    say("r1", user="")

    take(lake, chosen)

    (row,) = lake.rows(answered.TABLE)
    assert user_id_of(chosen.owner, pseudonym_key(chosen.home)) == row["user_id"]


def test_what_is_taken_in_is_stale_no_more_and_twice_is_once(
    lake: Lake, chosen: Settings, say
) -> None:
    assert [] == answered.stale(lake, chosen)
    say("r1")
    assert [TODAY] == answered.stale(lake, chosen)
    take(lake, chosen)
    first = lake.rows(answered.TABLE)
    again = take(lake, chosen)

    assert ({}, []) == (again.rows, answered.stale(lake, chosen))
    say("r2")
    assert [TODAY] == answered.stale(lake, chosen)
    take(lake, chosen)
    assert first == [r for r in lake.rows(answered.TABLE) if r["answer_id"] == "r1"]
    assert ["r1", "r2"] == [r["answer_id"] for r in lake.rows(answered.TABLE)]


def test_a_request_without_an_answer_has_its_row_and_gets_its_answer_later(
    lake: Lake, chosen: Settings, say, log: ConversationLog
) -> None:
    """Killed in the middle yesterday; the restart logs today what the client saw."""
    say("r1", answered=False)
    say("r2")
    a_day_goes_by(chosen)
    take(lake, chosen)
    before = finishes(lake)
    whose = {"conversation_id": "cr1", "request_id": "r1", "user": "vera", "adapter": SERVED}
    log.put("answer", **whose, content="На по", finish="cut").result()

    taken = take(lake, chosen)

    assert {"r1": (YESTERDAY, "unanswered"), "r2": (YESTERDAY, "stop")} == before
    assert {"r1": (YESTERDAY, "cut"), "r2": (YESTERDAY, "stop")} == finishes(lake)
    assert {} == taken.faults
    assert [] == answered.stale(lake, chosen)


def test_a_late_answer_is_found_again_where_both_days_are_read_anew(
    lake: Lake, chosen: Settings, say, log: ConversationLog
) -> None:
    say("r1", answered=False)
    a_day_goes_by(chosen)
    whose = {"conversation_id": "cr1", "request_id": "r1", "user": "vera", "adapter": SERVED}
    log.put("answer", **whose, content="", **TOOK).result()
    take(lake, chosen)
    path(chosen, YESTERDAY).write_bytes(path(chosen, YESTERDAY).read_bytes() + b'{"torn')

    taken = take(lake, chosen)

    assert {"r1": (YESTERDAY, "stop")} == finishes(lake)
    assert [YESTERDAY, TODAY] == sorted(taken.rows)


def test_what_is_no_event_is_counted_by_the_reason_that_raw_gives(
    lake: Lake, chosen: Settings, say
) -> None:
    say("r1")
    lines = [
        '{"event": "request", "conver',
        json.dumps({"event": "request", "messages": HELLO}),
        json.dumps({"event": "answer", "conversation_id": "c", "request_id": "x", "content": 3}),
        json.dumps({"event": "answer", "conversation_id": "c", "request_id": "y", "content": ""}),
        json.dumps({"event": "praise", "conversation_id": "c", "request_id": "z"}),
    ]
    with path(chosen).open("a", encoding="utf-8") as file:
        file.write("\n".join(lines))

    taken = take(lake, chosen)

    quarantined = [i.reason for i in gateway.read(path(chosen), None) if hasattr(i, "reason")]
    assert sorted(quarantined) == sorted(taken.faults.elements())
    assert {"bad_json", "no_id", "bad_content", "orphan_answer", "unknown_event"} == {*quarantined}
    assert ["r1"] == [r["answer_id"] for r in lake.rows(answered.TABLE)]


def test_a_field_that_is_missing_is_null_and_counted(lake: Lake, chosen: Settings, say) -> None:
    say("r1", tokens={"prompt_tokens": -1, "completion_tokens": True}, seconds="long", finish=None)
    say("r2", tokens=None, first_seconds=10**400, finish="cut", adapter="")
    say("r3", tokens={}, cached=True)

    taken = take(lake, chosen)

    first, second, _ = lake.rows(answered.TABLE)
    assert [None, None, None, ""] == [
        first[n] for n in ("prompt_tokens", "completion_tokens", "seconds", "finish")
    ]
    assert (0.5, None) == (second["seconds"], second["first_seconds"])
    assert {
        "no_prompt_tokens": 1,
        "no_completion_tokens": 1,
        "no_seconds": 1,
        "no_finish": 1,
        "no_served_name": 1,
    } == taken.faults


def test_of_two_lines_with_one_id_the_first_counts(
    lake: Lake, chosen: Settings, say, log: ConversationLog
) -> None:
    say("r1")
    whose = {"conversation_id": "cr1", "request_id": "r1", "user": "vera", "adapter": SERVED}
    log.put("answer", **whose, content="На", finish="cut").result()

    taken = take(lake, chosen)

    assert {"r1": (TODAY, "stop")} == finishes(lake)
    assert {"repeated_id": 1} == taken.faults


FINISHES = ("stop", "length", "tool_calls", "cut", "failed", None)


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    strategies.lists(
        strategies.tuples(strategies.integers(0, 9), strategies.sampled_from(FINISHES))
    )
)
def test_every_request_is_one_row_however_its_events_lie(tmp_path: Path, made) -> None:
    """Requests of ten ids, answered or not, in any order, over two days."""
    log, events = Log(), [[], []]
    for n, (number, finish) in enumerate(made):
        whose = {"conversation_id": "c", "request_id": f"r{number}"}
        events[n % 2].append({"event": "request", **whose, "messages": HELLO})
        if finish:
            events[-(n % 3 == 0)].append(
                {"event": "answer", **whose, "content": "", "finish": finish}
            )
    for day, of_day in zip((YESTERDAY, TODAY), events, strict=True):
        (tmp_path / "log.jsonl").write_text("\n".join(map(json.dumps, of_day)), encoding="utf-8")
        log.read(tmp_path / "log.jsonl", day)

    rows = answered.rows_of(log, Names(str, "owner", {}))

    ids = [row["answer_id"] for of_day in rows.values() for row in of_day]
    assert sorted({f"r{number}" for number, _ in made}) == sorted(ids)
    answers = {f"r{number}" for number, finish in made if finish}
    left = {r["answer_id"] for of in rows.values() for r in of if r["finish"] == "unanswered"}
    assert {*ids} - answers == left


# --- a person who is forgotten ------------------------------------------------------------------


def test_a_person_who_is_forgotten_has_no_rows_and_gets_none_from_the_log(
    lake: Lake, chosen: Settings, say
) -> None:
    say("r1")
    say("r2", user="boris")
    take(lake, chosen)
    vera = user_id_of("vera", pseudonym_key(chosen.home))

    forgetting.forget_person(lake, vera, "ушла")

    assert ["r2"] == [r["answer_id"] for r in lake.rows(answered.TABLE)]
    assert [] == answered.stale(lake, chosen)
    left = b"".join(p.read_bytes() for p in (lake.path(answered.TABLE)).glob("day=*/*.parquet"))
    assert vera.encode() not in left
    say("r3")
    taken = take(lake, chosen)
    assert ["r2", "r3"] == [r["answer_id"] for r in lake.rows(answered.TABLE)]
    assert 1 == taken.forgotten
    (word,) = lake.rows(FORGOTTEN, where=f"kind = '{EVERYTHING}'")
    assert vera == word["user_id"]


def test_nobody_is_forgotten_by_a_name_that_is_no_pseudonym(lake: Lake, say) -> None:
    with pytest.raises(DataError, match="is no pseudonym"):
        answered.forget(lake, "' or '1'='1", BY)


def schema_names(table: str) -> list[str]:
    from lake import schemas

    return list(schemas.tables()[table].schema.names)
