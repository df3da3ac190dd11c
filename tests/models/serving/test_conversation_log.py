"""The log: a line an event, on disk before it is acknowledged, whole after a kill."""

import json
import os
import subprocess
import sys
import textwrap
from datetime import UTC, datetime, timedelta

import pytest

from models.serving.conversation_log import ConversationLog, replay
from models.serving.conversations import Conversations

WHOSE = {"conversation_id": "c", "request_id": "r", "user": "vera", "adapter": "base"}
CALL = {"name": "clock", "arguments": "{}", "observation": "09:05", "seconds": 0.1}


@pytest.fixture
def log(tmp_path):
    made = ConversationLog(tmp_path / "inbox", tmp_path / "streams")
    yield made
    made.close()


def lines(tmp_path) -> list[dict]:
    (path,) = tmp_path.rglob("gateway.jsonl")
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_a_torn_line_is_left_alone_and_the_next_one_is_whole(log, tmp_path) -> None:
    log.put("request", content="раз").result()
    path = next(tmp_path.rglob("gateway.jsonl"))
    path.write_bytes(path.read_bytes() + b'{"event": "requ')
    log.put("answer", content="два").result()

    found = path.read_text(encoding="utf-8").splitlines()
    assert ["раз", "два"] == [json.loads(found[n])["content"] for n in (0, 2)]


def test_events_that_come_together_are_all_written_in_their_order(log, tmp_path) -> None:
    done = [log.put("request", number=n) for n in range(500)]
    for future in done:
        future.result()

    assert list(range(500)) == [event["number"] for event in lines(tmp_path)]


def test_a_stream_cut_by_a_kill_becomes_the_answer_that_was_cut(tmp_path) -> None:
    code = f"""
        import os, pathlib, signal
        from models.serving.conversation_log import ConversationLog
        home = pathlib.Path({str(tmp_path)!r})
        stream = ConversationLog(home / "inbox", home / "streams").stream("r")
        stream.begin({WHOSE!r})
        stream.add_call({CALL!r})
        stream.add("Твою соб")
        stream.add("аку")
        os.kill(os.getpid(), signal.SIGKILL)
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(code)], env=os.environ, check=False)
    log = ConversationLog(tmp_path / "inbox", tmp_path / "streams")

    assert 1 == log.recover()
    assert 0 == log.recover()
    (answer,) = lines(tmp_path)
    assert ("Твою собаку", "cut", "c") == (
        answer["content"],
        answer["finish"],
        answer["conversation_id"],
    )
    assert [CALL] == answer["calls"]


def test_a_stream_whose_answer_is_logged_already_is_not_logged_twice(log, tmp_path) -> None:
    stream = log.stream("r")
    stream.begin(WHOSE)
    stream.add("Да.")
    log.put("answer", **WHOSE, content="Да.", finish="stop").result()

    log.recover()

    assert ["stop"] == [event["finish"] for event in lines(tmp_path)]


def test_nor_is_one_that_lay_there_for_a_week(log, tmp_path) -> None:
    stream = log.stream("r")
    stream.begin(WHOSE)
    log.put("answer", **WHOSE, content="Да.", finish="stop").result()
    now = datetime.now(UTC)
    then = now - timedelta(days=7)
    (tmp_path / "inbox" / str(now.date())).rename(tmp_path / "inbox" / str(then.date()))
    (left,) = (tmp_path / "streams").iterdir()
    os.utime(left, (then.timestamp(), then.timestamp()))

    log.recover()

    assert ["stop"] == [event["finish"] for event in lines(tmp_path)]


def test_a_disk_that_takes_no_more_is_told(tmp_path) -> None:
    (tmp_path / "inbox").write_text("a file where the folder should be")
    log = ConversationLog(tmp_path / "inbox", tmp_path / "streams")

    with pytest.raises(OSError, match="inbox"):
        log.put("request").result()
    log.close()


def test_a_conversation_goes_on_after_a_restart(log) -> None:
    hello = [{"role": "user", "content": "Привет!"}]
    log.put("request", **WHOSE, messages=hello).result()
    log.put("answer", **WHOSE, content="Здравствуй.", finish="stop").result()
    known = Conversations()

    replay(log.recent(), known)

    said = [*hello, {"role": "assistant", "content": "Здравствуй."}]
    longer = [*said, {"role": "user", "content": "Как дела?"}]
    assert "c" != known.id_of("ivan", longer)
    assert "c" == known.id_of("vera", longer) == known.id_of("vera", longer)
    known.remember("c", "vera", [*longer, {"role": "assistant", "content": "Хорошо."}])
    assert "c" != known.id_of("vera", longer)  # it has gone on
