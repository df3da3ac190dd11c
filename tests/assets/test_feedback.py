"""What people said of answers becomes choices: protected, with their lineage, once."""

import json
from datetime import UTC, datetime

import pytest

from assets import feedback, preferences, self_chats
from assets.sources import gateway
from lake import query
from lake.ids import content_id, pseudonym_key, user_id_of
from lake.settings import Settings
from lake.tables import Lake, Provenance
from models.serving.feedback import Answers, FeedbackRequest, Given, event_of

NOW = datetime(2026, 11, 20, 9, tzinfo=UTC)
WHOSE = {
    "conversation_id": "c1",
    "request_id": "r",
    "user": "vera",
    "adapter": "steppe@aaaaaaaaaaaa",
}


def event(name: str = "f1", **more: object) -> dict[str, object]:
    told = {
        "event": "feedback",
        **WHOSE,
        "feedback_id": name,
        "kind": "edit",
        "messages": [{"role": "user", "content": "Как  мне позвонить, +7 916 123-45-67?"}],
        "chosen": "Звони вечером.",
        "rejected": "Не знаю.",
        "at": NOW.isoformat(),
    }
    return {**told, **more}


@pytest.fixture
def logged(chosen: Settings):
    """Write events into the gateway's log of their day."""

    def write(*events: dict[str, object]) -> None:
        path = chosen.inbox / NOW.date().isoformat() / "gateway.jsonl"
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8") as file:
            for told in events:
                file.write(json.dumps(told, ensure_ascii=False) + "\n")

    return write


def test_a_choice_has_its_lineage_and_no_personal_data(
    lake: Lake, chosen: Settings, logged
) -> None:
    logged(event())

    (row,) = feedback.waiting(lake, chosen)

    assert ("edit", "Звони вечером.", "Не знаю.") == (row["origin"], row["chosen"], row["rejected"])
    assert "916" not in row["prompt"][0]["content"]
    assert user_id_of("vera", pseudonym_key(chosen.home)) == row["user_id"]
    assert "steppe@aaaaaaaaaaaa" == row["generator"]
    assert [content_id("conversation", "gateway", "c1")] == row["parents"] == [row["dialogue_id"]]


def test_a_choice_names_the_answers_it_is_about(lake: Lake, chosen: Settings, logged) -> None:
    """A log of before the one that was not chosen was named is read all the same."""
    logged(event(), event("f2", kind="regeneration", rejected_request_id="s"))

    old, new = feedback.waiting(lake, chosen)

    assert [("r", ""), ("r", "s")] == [
        (row["answer_id"], row["rejected_answer_id"]) for row in (old, new)
    ]


def test_what_is_in_the_lake_waits_no_more(lake: Lake, chosen: Settings, logged) -> None:
    logged(event(), event("f2", kind="thumb", rejected=""), event())
    rows = feedback.waiting(lake, chosen)
    lake.append(self_chats.CHOICES, rows, day=NOW.date(), by=Provenance("test"))
    logged(event("f3", kind="regeneration"))

    assert ["f1", "f2"] == [row["preference_id"] for row in rows]
    assert ["f3"] == [row["preference_id"] for row in feedback.waiting(lake, chosen)]


def test_a_change_of_mind_after_a_turn_of_the_loop_is_the_last_word(
    lake: Lake, chosen: Settings, logged
) -> None:
    answer_id, answers = f"chatcmpl-{'a' * 32}", Answers()
    said = [{"role": "user", "content": "Где ключи?"}]
    answers.remember(answer_id, Given("vera", "c1", "base", said, "На полке."))

    def say(thumb: str, minute: int) -> None:
        now = NOW.replace(minute=minute)
        asked = FeedbackRequest(answer_id=answer_id, kind="thumb", thumb=thumb)
        told = event_of(asked, "vera", answers, now)
        logged({"event": "feedback", **told, "at": now.isoformat()})

    def turn() -> list[tuple[int, int, bool]]:
        rows = feedback.waiting(lake, chosen)
        lake.append(self_chats.CHOICES, rows, day=NOW.date(), by=Provenance("test"))
        asked = "select thumbs_up, thumbs_down, is_good from stg_judgements"
        return [tuple(row.values()) for row in query.ask(lake, asked)]

    say("up", 1)
    say("down", 2)
    assert [(1, 1, False)] == turn()
    say("up", 3)
    assert [(2, 1, True)] == turn()
    (counts,) = [choice for choice in preferences.load(lake) if not choice.reason]
    assert ("На полке.", "") == (counts.row.chosen, counts.row.rejected)


@pytest.mark.parametrize(
    "broken", [{"kind": "praise"}, {"chosen": "", "rejected": ""}, {"messages": 3}, {"at": "soon"}]
)
def test_a_line_that_is_none_is_left(lake: Lake, chosen: Settings, logged, broken) -> None:
    logged(event(**broken))

    assert [] == feedback.waiting(lake, chosen)


def test_a_persons_choices_teach(lake: Lake, chosen: Settings, logged) -> None:
    logged(
        event(), event("f2", kind="thumb", chosen="", messages=[{"role": "user", "content": "?"}])
    )
    rows = feedback.waiting(lake, chosen)
    lake.append(self_chats.CHOICES, rows, day=NOW.date(), by=Provenance("test"))

    found = preferences.load(lake)

    assert {"edit", "thumb"} == {choice.origin for choice in found if not choice.reason}


def test_the_log_is_read_as_dialogues_all_the_same(tmp_path) -> None:
    path = tmp_path / "gateway.jsonl"
    asked = {**WHOSE, "event": "request", "at": NOW.isoformat()}
    said = [{"role": "user", "content": "Где ключи?"}]
    answer = {**WHOSE, "event": "answer", "content": "На полке.", "finish": "stop"}
    lines = [{**asked, "messages": said}, {**answer, "at": NOW.isoformat()}, event()]
    path.write_text("\n".join(json.dumps(x, ensure_ascii=False) for x in lines), encoding="utf-8")

    (dialogue,) = gateway.read(path, None)

    assert ["Где ключи?", "На полке."] == [m.content for m in dialogue.messages]
    assert "feedback edit" in dialogue.annotations
