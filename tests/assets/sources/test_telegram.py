"""Telegram's export: stretches of talk, told apart by silence."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from assets import sources
from lake.schemas import Dialogue, Unreadable

START = 1_700_000_000
HOUR = 3600


def message(number: int, who: str, text: object, hours: float = 0, **fields: object) -> dict:
    seconds = START + int(hours * HOUR) + number
    person = {"Аня": "user7", "Я": "user1", "Боря": "user9"}[who]
    return {
        "id": number,
        "type": "message",
        "date": "2023-11-14T22:13:20",
        "date_unixtime": str(seconds),
        "from": who,
        "from_id": person,
        "text": text,
        **fields,
    }


TALK = [
    message(1, "Я", "Привет!"),
    message(2, "Аня", ["Привет, ", {"type": "bold", "text": "ты где"}, "?"]),
    message(3, "Я", "Утро!", hours=10),
    message(4, "Аня", "Доброе.", hours=10.5),
]


def chat(messages: list[dict], kind: str = "personal_chat", name: str = "Аня", number: int = 7):
    return {"name": name, "type": kind, "id": number, "messages": messages}


def account(*chats: dict) -> dict:
    person = {"user_id": 1, "first_name": "Я"}
    return {
        "about": "Here is the data you requested.",
        "personal_information": person,
        "contacts": {"about": "…", "list": [{"first_name": "Аня"}]},
        "chats": {"about": "…", "list": list(chats)},
    }


def read(folder: Path, export: dict, *, indent: int | None = 1, **options) -> list[sources.Item]:
    path = folder / "result.json"
    path.write_text(json.dumps(export, ensure_ascii=False, indent=indent), encoding="utf-8")
    return list(sources.read(path, root=folder, options=sources.Options(**options)))


def said(dialogue: sources.Item) -> list[tuple[str, str]]:
    assert isinstance(dialogue, Dialogue), dialogue
    return [(m.role, m.content) for m in dialogue.messages]


@pytest.mark.parametrize("indent", [None, 1])
def test_a_personal_chat_is_cut_at_silences(tmp_path, indent):
    first, second = read(tmp_path, chat(TALK), indent=indent)

    assert said(first) == [("user", "Привет!"), ("assistant", "Привет, ты где?")]
    assert said(second) == [("user", "Утро!"), ("assistant", "Доброе.")]
    assert [d.conversation_id for d in (first, second)] == ["7_1", "7_3"]
    assert [d.position for d in (first, second)] == ["list 1, items 1-2", "list 1, items 3-4"]
    assert (first.source, first.title, first.participants) == ("telegram", "", ("Я", "Аня"))
    assert first.messages[0].created_at == datetime.fromtimestamp(START + 1, UTC)
    assert first.remarks == (
        "`sources.telegram_assistant` is empty: the other one speaks as the assistant.",
    )


def test_the_silence_is_a_setting(tmp_path):
    assert len(read(tmp_path, chat(TALK), telegram_gap_hours=12)) == 1


@pytest.mark.parametrize("name", ["Я", "1", "user1"])
def test_who_is_the_assistant_is_a_setting(tmp_path, name):
    first, _ = read(tmp_path, chat(TALK), telegram_assistant=name)

    assert [role for role, _ in said(first)] == ["assistant", "user"]
    assert first.remarks == ()


def test_in_a_group_users_are_numbered_and_nobody_is_taken_for_the_assistant(tmp_path):
    talk = [message(1, "Я", "Кто идёт?"), message(2, "Аня", "Я."), message(3, "Боря", "И я.")]
    group = chat(talk, "private_supergroup", "Кино", 55)

    (unset,) = read(tmp_path, group)
    (chosen,) = read(tmp_path, group, telegram_assistant="Боря")

    assert said(unset) == [
        ("user", "Участник 1: Кто идёт?"),
        ("user", "Участник 2: Я."),
        ("user", "Участник 3: И я."),
    ]
    assert (unset.title, unset.participants) == ("Кино", ("Я", "Аня", "Боря"))
    assert unset.remarks == ("`sources.telegram_assistant` is empty: everybody is a user.",)
    assert said(chosen)[2] == ("assistant", "И я.")


def test_a_whole_account_is_read_chat_by_chat(tmp_path):
    group = chat([message(1, "Боря", "Да?")], "private_group", "Кино", 55)
    silent = chat([{"id": 1, "type": "service", "action": "create_group"}], "private_group", "Х", 5)

    found = read(tmp_path, account(chat(TALK), silent, group))

    assert [i.reason if isinstance(i, Unreadable) else i.conversation_id for i in found] == [
        "7_1", "7_3", "no_messages", "55_1",
    ]  # fmt: skip
    assert found[3].position == "list 3, items 1-1"
    assert found[2].position == "list 2"


def test_media_forwards_answers_edits_and_services_are_named(tmp_path):
    away = "(File not included. Change data exporting settings to download.)"
    talk = [
        {"id": 1, "type": "service", "action": "phone_call", "actor": "Аня"},
        message(2, "Я", "Смотри", photo="photos/p1.jpg"),
        message(3, "Аня", "", media_type="sticker", sticker_emoji="🙂", file=away),
        message(4, "Аня", "да", forwarded_from="Боря", edited="2023-11-14T22:13:20"),
        message(5, "Я", "", file="files/план.pdf", file_name="план.pdf", reply_to_message_id=2),
        message(6, "Я", "", poll={"question": "Идём?", "answers": []}),
        message(7, "Я", "", location_information={"latitude": 1.0, "longitude": 2.0}),
        message(8, "Я", "", media_type="voice_message", file=away),
        message(9, "Я", ""),
        message(10, "Я", [{"type": "pre", "text": "x = 1", "language": "python"}, " и ",
                          {"type": "text_link", "text": "тут", "href": "https://e.org"}]),
    ]  # fmt: skip

    (dialogue,) = read(tmp_path, chat(talk), telegram_assistant="Аня")

    assert [text for _, text in said(dialogue)] == [
        "[photo]\nСмотри",
        "[sticker 🙂]",
        "[forwarded]\nда",
        "[file: план.pdf]",
        "[poll] Идём?",
        "[location]",
        "[voice_message]",
        "```python\nx = 1\n``` и [тут](https://e.org)",
    ]
    assert dialogue.attachments == ("photos/p1.jpg", "files/план.pdf")
    assert dialogue.annotations == ("service message 1: phone_call",)
    assert dialogue.remarks == (
        "Answers: 5 to 2.",
        "Edited: 4.",
        "Forwarded: 4.",
        "Left out: 1 messages without content.",
    )


def test_times_without_a_zone_are_told(tmp_path):
    old = message(1, "Я", "Да?")
    del old["date_unixtime"]

    (dialogue,) = read(tmp_path, chat([old]), telegram_assistant="Аня")

    assert dialogue.messages[0].created_at == datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)
    assert dialogue.remarks == ("Times are those of the exporting machine, of an unknown zone.",)


def test_a_chat_that_is_never_silent_is_cut_all_the_same(tmp_path):
    talk = [message(n, "Я", "да") for n in range(25_000)]

    found = read(tmp_path, chat(talk), indent=None)

    assert [len(d.messages) for d in found] == [10_000, 10_000, 5_000]


def test_a_broken_message_is_told_and_its_neighbours_are_read(tmp_path):
    path = tmp_path / "result.json"
    text = json.dumps(chat([*TALK[:2], {"id": 99}, *TALK[2:]]), ensure_ascii=False)
    path.write_text(text.replace('{"id": 99}', '{"id": nope}'), encoding="utf-8")

    found = list(sources.read(path, root=tmp_path))

    assert [i.reason if isinstance(i, Unreadable) else "read" for i in found] == [
        "bad_json", "read", "read",
    ]  # fmt: skip
    assert found[0].position == "list 1, item 3"


def test_a_chat_that_went_on_keeps_the_ids_of_its_dialogues(tmp_path):
    more = [*TALK, message(5, "Аня", "Как ты?", 11), message(6, "Я", "Хорошо", 40)]

    before, after = read(tmp_path, chat(TALK)), read(tmp_path, chat(more))

    assert [d.conversation_id for d in before] == ["7_1", "7_3"]
    assert [d.conversation_id for d in after] == ["7_1", "7_3", "7_6"]
    assert after[0] == before[0]
    assert after[1].messages[:2] == before[1].messages
