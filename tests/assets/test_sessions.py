"""Self-chat by itself: budgets, a planted collapse, a person's word, and what a kill leaves."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from assets import self_chats, sessions, talks
from lake import query, schemas
from lake.errors import BackendUnavailable, SettingsError
from lake.settings import Settings
from lake.tables import Lake, Provenance
from models import base as bases
from models.backends import Generation
from models.base import BaseModel
from models.self_chat.journal import Journal
from models.testing import EchoModel

MONDAY = datetime(2026, 3, 2, 3, tzinfo=UTC)
NAMES = ("собаку", "кошку", "лодку", "козу", "лошадь", "корову", "утку", "птицу", "рыбку", "мышь")

FIRST = ("Скажи", "Напомни же", "Подскажи мне", "Ответь", "Назови вслух", "Вспомни", "Поведай нам")
LAST = ("пожалуйста", "да поскорее", "ещё один раз", "если помнишь")


class Talker(EchoModel):
    """Says a question in other words, each time in others."""

    def generate(self, conversations: Any, *, seed: int = 0, **_: Any) -> list[Generation]:
        return [_said(c[-1]["content"].split()[-1].rstrip("?"), seed) for c in conversations]


class Looping(EchoModel):
    """Says one word again and again, whatever it is asked."""

    def generate(self, conversations: Any, **_: Any) -> list[Generation]:
        return [Generation("да да да да да да да да", "stop", 8) for _ in conversations]


def _said(noun: str, seed: int) -> Generation:
    draw = 2 * (seed // 1000) + seed % 1000
    text = f"{FIRST[draw % 7]}, мою {noun} как зовут, {LAST[draw // 7 % 4]}?"
    return Generation(text, "stop", 9, seconds=1.0)


def said(question: str, answer: str) -> list[dict[str, Any]]:
    told = (("user", question), ("assistant", answer))
    return [{"message_id": "", "role": r, "content": c, "created_at": None} for r, c in told]


def cleaned(noun: str) -> dict[str, Any]:
    return {
        "dialogue_id": noun,
        "revision": noun,
        "cluster_id": noun,
        "source": "messages",
        "consent": "granted",
        "split": "train",
        "messages": said(f"Как зовут мою {noun}?", f"Твою {noun} зовут Ветка."),
    }


def whole(table: str, given: dict[str, Any]) -> dict[str, Any]:
    """Return a row of a table, columns not given empty."""
    names = schemas.tables()[table].schema.names
    return {name: given.get(name) for name in names if name != "day"}


def put(lake: Lake, table: str, *rows: dict[str, Any]) -> None:
    """Write rows of a table as those of one day."""
    written, by = [whole(table, row) for row in rows], Provenance("test")
    lake.replace(table, written, day=date(2026, 3, 1), made_from="1" * 32, by=by)


@pytest.fixture
def settings(lake: Lake, chosen: Settings, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Settings over a lake with ten dialogues, whose self-chat a scripted model holds."""
    put(lake, "cleaned_dialogues", *(cleaned(noun) for noun in NAMES))
    speaks(monkeypatch, Talker())
    quiet = chosen.judge.model_copy(update={"kind": "none"})
    bounds = chosen.home / "bounds.toml"  # ten short dialogues of people are soon outweighed
    bounds.write_text("max_synthetic = 0.99\n")
    changes = {"methods": {"paraphrase": 2}, "seeds_per_session": 5, "bounds": bounds}
    talk = chosen.self_chat.model_copy(update=changes)
    return chosen.model_copy(update={"judge": quiet, "self_chat": talk, "self_chats_per_day": 9})


def speaks(monkeypatch: pytest.MonkeyPatch, model: EchoModel) -> None:
    """Let this model hold the self-chat."""
    monkeypatch.setattr(talks.Talks, "speaker", lambda _: model)


def texts(lake: Lake, table: str = "self_chats_dialogues") -> list[str]:
    asked = f"select m.content from (select unnest(messages) as m from {table}) where m.role='user'"
    return [row["content"] for row in query.ask(lake, asked)]


def test_a_session_writes_its_talks_under_its_id_and_closes_with_a_row(
    lake: Lake, settings: Settings, quick_base: BaseModel
) -> None:
    row = sessions.hold_one(lake, settings, quick_base, MONDAY)

    kept = lake.rows("self_chats_dialogues")
    assert ("done", "", 10) == (row["state"], row["reason"], row["begun"])
    assert {row["session_id"]} == {r["session_id"] for r in kept}
    assert row["kept"] == len(kept) > 0
    assert row["begun"] == len(kept) + len(lake.rows("self_chats_dropped"))
    assert 90 == row["tokens"]
    assert row["seconds"] > 0


def test_a_week_with_a_collapse_in_it(
    lake: Lake, settings: Settings, quick_base: BaseModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The pause comes within one session, nothing of it is kept, and after `resume` it goes on."""
    states, kept_before = [], 0
    for day in range(7):
        now = MONDAY + timedelta(days=day)
        if day == 3:
            speaks(monkeypatch, Looping())
            kept_before = len(texts(lake))
        if day == 4:
            assert "paused" in sessions.why_not(lake, settings, now)
            sessions.say(lake, "resumed", "мы его починили", now=now)
            speaks(monkeypatch, Talker())
        for hour in range(2):
            at = now + timedelta(hours=hour)
            if not sessions.why_not(lake, settings, at):
                states.append((day, sessions.hold_one(lake, settings, quick_base, at)["state"]))
        if day == 3:
            assert kept_before == len(texts(lake))

    assert [(3, "paused")] == [state for state in states if state[1] != "done"]
    assert {0, 1, 2, 4, 5, 6} == {day for day, state in states if state == "done"}
    assert not [text for text in texts(lake) if "да да" in text]
    assert [] == query.ask(lake, "select * from self_chats_preferences")
    drift = query.ask(lake, "from self_chat_drift")
    assert [s for _, s in states] == [row["state"] for row in drift]


def test_a_paused_session_is_dropped_with_the_bound_as_the_reason(
    lake: Lake, settings: Settings, quick_base: BaseModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    (settings.home / "bounds.toml").write_text("max_synthetic = 0.0\n")

    row = sessions.hold_one(lake, settings, quick_base, MONDAY)

    assert row["state"] == "paused"
    assert row["reason"].startswith("synthetic ")
    assert [] == lake.rows("self_chats_dialogues")
    assert "paused:synthetic" in {r["reason"] for r in lake.rows("self_chats_dropped")}


def test_the_days_budget_of_tokens_and_of_seconds_ends_it(
    lake: Lake, settings: Settings, quick_base: BaseModel
) -> None:
    sessions.hold_one(lake, settings, quick_base, MONDAY)

    def left(**changes: Any) -> str:
        talk = settings.self_chat.model_copy(update=changes)
        return sessions.why_not(lake, settings.model_copy(update={"self_chat": talk}), MONDAY)

    assert left(tokens_per_day=90) == "the day's budget is spent: 90 tokens of 90"
    assert left(seconds_per_day=0.0).startswith("the day's budget is spent: ")
    assert left(seconds_per_day=0.0).endswith(" seconds of 0")
    assert left(methods={}).startswith("no method of self-chat is drawn")
    assert left() == ""
    assert sessions.why_not(lake, settings, MONDAY + timedelta(days=1)) == ""


def test_a_hold_stands_until_it_is_taken_back(lake: Lake, settings: Settings) -> None:
    sessions.say(lake, "held", "сначала посмотрю", now=MONDAY)
    assert sessions.why_not(lake, settings, MONDAY) == "held: сначала посмотрю"

    sessions.say(lake, "resumed", "", now=MONDAY + timedelta(minutes=1))
    assert sessions.why_not(lake, settings, MONDAY) == ""


def test_a_hold_said_during_a_session_outlives_it(
    lake: Lake, settings: Settings, quick_base: BaseModel
) -> None:
    sessions.say(lake, "held", "хватит", now=MONDAY)
    sessions.hold_one(lake, settings, quick_base, MONDAY)  # begun before the word, closed after it

    assert "held: хватит" == sessions.why_not(lake, settings, MONDAY)


def test_a_day_names_the_adapters_that_learned_from_it(
    lake: Lake, settings: Settings, quick_base: BaseModel
) -> None:
    sessions.hold_one(lake, settings, quick_base, MONDAY)
    talk = lake.rows("self_chats_dialogues")[0]["dialogue_id"]
    held = {"training_set_id": "t", "source_table": "self_chats_dialogues", "dialogue_id": talk}
    put(lake, "adapters_training_sets", held)
    grown = [("other", "o", ""), ("taught", "t", ""), ("child", "c", "taught")]
    names = ("adapter_id", "training_set_id", "parent_adapter_id")
    put(lake, "adapters_versions", *(dict(zip(names, row, strict=True)) for row in grown))

    assert ["child", "taught"] == sessions.taught_by(lake, MONDAY.date())
    assert [] == sessions.taught_by(lake, date(2026, 3, 20))


def test_a_day_is_forgotten_and_the_others_stay(
    lake: Lake, settings: Settings, quick_base: BaseModel
) -> None:
    for day in range(2):
        sessions.hold_one(lake, settings, quick_base, MONDAY + timedelta(days=day))
    of_tuesday = lake.rows("self_chats_dialogues", where="day = DATE '2026-03-03'")

    gone = sessions.forget(lake, MONDAY.date(), "не то")

    assert gone > 0
    assert of_tuesday == lake.rows("self_chats_dialogues")
    assert "2026-03-02" in lake.rows(sessions.TABLE, where="state = 'forgotten'")[0]["reason"]
    with pytest.raises(SettingsError, match="2026-03-20"):
        sessions.forget(lake, date(2026, 3, 20), "")


def test_a_session_that_was_killed_is_held_again_and_nothing_is_doubled(
    lake: Lake, settings: Settings, quick_base: BaseModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    append = Lake.append

    def dies(self: Lake, table: str, *arguments: Any, **options: Any) -> int:
        if table == sessions.TABLE:
            raise KeyboardInterrupt
        return append(self, table, *arguments, **options)

    with monkeypatch.context() as patched:
        patched.setattr(Lake, "append", dies)
        with pytest.raises(KeyboardInterrupt):
            sessions.hold_one(lake, settings, quick_base, MONDAY)
    left = texts(lake)
    row = sessions.hold_one(lake, settings, quick_base, MONDAY)

    assert left
    assert sorted(left) == sorted(texts(lake))
    assert row["kept"] == len(left)


def test_what_people_and_sessions_left_on_a_day_outlives_its_nightly_self_chat(lake: Lake) -> None:
    columns = schemas.tables()["self_chats_preferences"].schema.names
    blank = {name: None for name in columns if name != "day"}
    rows = [
        {**blank, "preference_id": name, "session_id": session, "origin": origin}
        for name, session, origin in (
            ("night", "", "critique"),
            ("session", "s", "critique"),
            ("person", "", "thumb"),
        )
    ]
    by = Provenance("test")
    lake.replace("self_chats_preferences", rows, day=MONDAY.date(), made_from="1" * 32, by=by)

    kept = lake.rows("self_chats_preferences", where=talks.OTHERS["self_chats_preferences"])

    assert ["person", "session"] == sorted(row["preference_id"] for row in kept)


def test_nothing_is_said_on_a_home_without_dialogues(lake: Lake, chosen: Settings) -> None:
    assert sessions.why_not(lake, chosen, MONDAY).startswith("there is no question with an answer")


def test_greetings_alone_are_nothing_to_talk_over(lake: Lake, settings: Settings) -> None:
    greeting = {**cleaned("утро"), "messages": said("Доброе утро!", "Доброе!")}
    put(lake, "cleaned_dialogues", greeting)

    assert "no question with an answer" in sessions.why_not(lake, settings, MONDAY)


def test_a_failed_session_goes_on_from_its_journal_and_is_billed_once(
    lake: Lake, settings: Settings, quick_base: BaseModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Dying(Talker):
        left = 1

        def generate(self, conversations: Any, **how: Any) -> list[Generation]:
            if not self.left:
                raise BackendUnavailable("nobody answers", hint="start it")
            self.left -= 1
            return super().generate(conversations, **how)

    speaks(monkeypatch, Dying())
    with pytest.raises(BackendUnavailable):
        sessions.hold_one(lake, settings, quick_base, MONDAY)
    (failed,) = lake.rows(sessions.TABLE)
    (chunk,) = settings.home.glob("journals/*/*/*.json")
    speaks(monkeypatch, Talker())
    row = sessions.hold_one(lake, settings, quick_base, MONDAY + timedelta(hours=1))

    assert ("failed", 45) == (failed["state"], failed["tokens"])
    assert (10, 45) == (row["begun"], row["tokens"])
    assert not chunk.parent.exists()


def test_a_journal_that_cannot_be_read_is_said_again(
    lake: Lake, settings: Settings, quick_base: BaseModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    chunk = Journal.chunk

    def torn(self: Journal, name: str, make: Any) -> Any:
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / f"{name}.json").write_text("[{")
        return chunk(self, name, make)

    monkeypatch.setattr(Journal, "chunk", torn)

    assert 10 == sessions.hold_one(lake, settings, quick_base, MONDAY)["begun"]


def test_whatever_fails_is_recorded(
    lake: Lake, settings: Settings, quick_base: BaseModel, tmp_path: Path
) -> None:
    broken = tmp_path / "bounds.toml"
    broken.write_text("min_topics = 'much'")
    talk = settings.self_chat.model_copy(update={"bounds": broken})
    with pytest.raises(SettingsError):
        sessions.hold_one(lake, settings.model_copy(update={"self_chat": talk}), quick_base, MONDAY)

    (row,) = lake.rows(sessions.TABLE)
    assert "failed" == row["state"]
    assert "bounds.toml" in row["reason"]


def test_sessions_too_short_to_be_judged_alone_are_judged_together(
    lake: Lake, settings: Settings, quick_base: BaseModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    speaks(monkeypatch, Looping())
    talk = settings.self_chat.model_copy(update={"seeds_per_session": 1})
    short = settings.model_copy(update={"self_chat": talk})
    states = []
    while sessions.why_not(lake, short, MONDAY) == "":
        now = MONDAY + timedelta(minutes=len(states))
        states.append(sessions.hold_one(lake, short, quick_base, now)["state"])

    assert ["done"] * 3 + ["paused"] == states  # two dialogues a session, eight are judged


def test_a_hold_said_while_a_session_waits_its_turn_is_heard(
    lake: Lake, settings: Settings, quick_base: BaseModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    @contextmanager
    def waits(_: Settings) -> Iterator[None]:
        sessions.say(lake, "held", "хватит")
        yield

    monkeypatch.setattr(talks, "writing", waits)
    monkeypatch.setattr(bases, "ensure_base", lambda *_: quick_base)
    told = self_chats.self_chats_sessions(dg.build_asset_context(), lake, settings)

    assert ["held"] == [row["state"] for row in lake.rows(sessions.TABLE)]
    assert "хватит" in str(told.metadata["reason"])


def test_sessions_that_fail_are_billed_and_stop_after_three(
    lake: Lake, settings: Settings, quick_base: BaseModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Gone(EchoModel):
        def generate(self, *_: Any, **__: Any) -> list[Generation]:
            raise BackendUnavailable("nobody answers", hint="start it")

    speaks(monkeypatch, Gone())
    for hour in range(3):
        now = MONDAY + timedelta(hours=hour)
        assert "" == sessions.why_not(lake, settings, now)
        with pytest.raises(BackendUnavailable):
            sessions.hold_one(lake, settings, quick_base, now)

    assert "failed: nobody answers" == sessions.why_not(lake, settings, MONDAY)
    assert sessions.spent(lake, MONDAY.date())[1] > 0
    sessions.say(lake, "resumed", "", now=MONDAY + timedelta(hours=4))
    assert "" == sessions.why_not(lake, settings, MONDAY)
