"""What Open WebUI 0.12.4 really asked, asked again: two people of one key, each with a chat.

`open_webui.json` was recorded between the two; of its tools the names and parameters are kept, of
its prompts for titles and the like the first line and the chat (docs/serving.md: how it is set).
"""

import json
from pathlib import Path
from types import SimpleNamespace

import httpx
import pytest

from assets import sources
from models.serving import access
from models.serving.front_ends import Told

RECORDED = json.loads(Path(__file__).with_name("open_webui.json").read_text(encoding="utf-8"))
TOOLS = {tool["function"]["name"]: tool for tool in RECORDED["tools"]}
VERA, IVAN = "92981a2b-144c-4ddf-972e-788782616691", "dce974bb-d186-4dd7-8939-24edda6d043c"
TASK, USER, CHAT = "X-OpenWebUI-Task", "X-OpenWebUI-User-Id", "X-OpenWebUI-Chat-Id"


def asked(
    served: SimpleNamespace, key: str, *, without: tuple[str, ...] = ()
) -> list[httpx.Response]:
    """Ask every recorded request, some headers left out."""
    return [asked_again(served, key, told, without) for told in RECORDED["requests"]]


def asked_again(
    served: SimpleNamespace, key: str, told: dict, without: tuple[str, ...] = ()
) -> httpx.Response:
    headers = {k: v for k, v in told["headers"].items() if k not in without}
    body = dict(told["body"] or {})
    if "tools" in body:
        body["tools"] = [TOOLS[name] for name in body["tools"]]
    return httpx.request(
        told["method"],
        served.url + told["path"],
        json=body or None,
        headers={**headers, "Authorization": f"Bearer {key}"},
        timeout=60,
    )


def logged(served: SimpleNamespace) -> list[dict]:
    (path,) = served.inbox.rglob("gateway.jsonl")
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def requests(served: SimpleNamespace) -> list[dict]:
    return [event for event in logged(served) if event["event"] == "request"]


@pytest.fixture
def embedded(embedded: SimpleNamespace) -> SimpleNamespace:
    """The embedded server over a base grown here."""
    embedded.service.schooled = True
    return embedded


@pytest.fixture
def key(served: SimpleNamespace) -> str:
    """A key for the people of an Open WebUI."""
    return access.add(served.gateway.access.path, "openwebui", ["chat", "memory", access.PEOPLE])


def test_every_request_of_open_webui_is_answered(served, key) -> None:
    answers = asked(served, key)

    assert {200} == {answer.status_code for answer in answers}
    streamed = [a.text for a in answers if a.headers["content-type"].startswith("text/event")]
    assert 3 == len(streamed)
    assert all(text.endswith("data: [DONE]\n\n") for text in streamed)


def test_people_of_one_key_are_told_apart_and_their_chats_stay_whole(served, key) -> None:
    asked(served, key)

    said = [event for event in requests(served) if "task" not in event]
    vera, again, ivan = said
    assert [f"openwebui/{VERA}"] * 2 == [vera["user"], again["user"]]
    assert f"openwebui/{IVAN}" == ivan["user"]
    assert vera["conversation_id"] == again["conversation_id"] != ivan["conversation_id"]


@pytest.mark.parametrize("without", [(), (TASK,), (TASK, CHAT)])
def test_what_open_webui_asks_by_itself_becomes_no_dialogue(served, key, without) -> None:
    asked(served, key, without=without)

    (log,) = served.inbox.rglob("gateway.jsonl")
    dialogues = list(sources.read(log, root=served.inbox))
    words = [m.content for d in dialogues for m in d.messages if m.role == "user"]
    assert all("### Task" not in word for word in words)
    assert {"Привет!", "Кто говорит мяу?"} == set(words)
    assert 7 == sum("task" in event for event in requests(served))


def test_its_task_is_named_in_the_log_where_its_header_names_it(served, key) -> None:
    asked(served, key)

    named = {event.get("task", "") for event in requests(served)}
    assert {"", "title_generation", "follow_up_generation", "tags_generation"} == named


def test_without_its_header_of_the_chat_a_conversation_is_known_by_its_words(served, key) -> None:
    first = next(told for told in RECORDED["requests"] if (told["body"] or {}).get("stream"))
    answer = asked_again(served, key, first, (CHAT,)).text
    events = [json.loads(line[6:]) for line in answer.splitlines() if line.startswith("data: {")]
    said = "".join(e["choices"][0]["delta"].get("content") or "" for e in events)
    told = [*first["body"]["messages"], {"role": "assistant", "content": said}]
    body = {**first["body"], "messages": [*told, {"role": "user", "content": "А ещё?"}]}
    asked_again(served, key, {**first, "body": body}, (CHAT,))

    assert 1 == len({event["conversation_id"] for event in requests(served)})


def test_a_key_of_many_without_a_name_is_refused_with_the_setting_that_names_it(
    served, key
) -> None:
    answers = asked(served, key, without=(USER,))

    chats = [a for a, told in zip(answers, RECORDED["requests"], strict=True) if told["body"]]
    chats = chats[:-1]  # the last one asks for an embedding, which belongs to nobody
    assert {422} == {answer.status_code for answer in chats}
    assert "ENABLE_FORWARD_USER_INFO_HEADERS" in chats[0].json()["error"]["hint"]
    assert 200 == answers[-1].status_code


def test_nobody_else_may_name_people(served) -> None:
    own = access.add(served.gateway.access.path, "vera", ["chat"])
    asked(served, own)

    assert {"vera"} == {event["user"] for event in requests(served)}


@pytest.mark.parametrize(
    ("messages", "task"),
    [
        ([{"role": "user", "content": "### Task:\nНазови.\n<chat_history>\n"}], "unnamed"),
        (
            [
                {"role": "system", "content": "Кратко."},
                {"role": "user", "content": "### Task:\nGo on.\n<text>а</text>"},
            ],
            "unnamed",
        ),
        ([{"role": "user", "content": "### Task:\nпомыть окна"}], ""),
        ([{"role": "user", "content": "Что значит <chat_history>?"}], ""),
        ([{"role": "user", "content": "Привет!"}], ""),
    ],
)
def test_a_task_is_known_by_its_form(messages, task) -> None:
    assert task == Told().task_of(messages)


@pytest.mark.parametrize("told", [Told(chat="local:AbC_1"), Told("one")])
def test_one_name_of_a_conversation_is_two_for_two_people(told) -> None:
    assert told.conversation_of("vera", "owner") != told.conversation_of("ivan", "owner")
    assert "" == Told().conversation_of("vera", "owner")


def test_the_owners_own_names_of_conversations_stand_as_they_are() -> None:
    assert "one" == Told("one").conversation_of("owner", "owner")
