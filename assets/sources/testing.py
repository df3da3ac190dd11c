"""An export of every format, built from talks: what the contract test and the fuzzer start from.

A talk is a list of texts, the user's first, then in turn.  Formats of one exchange take its first
two, and `no_dialogue` takes nothing of it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

from assets.sources import human_assistant, nexus, plain_text
from assets.sources.baize import OPENING
from lake.schemas import Dialogue, Message

Talk = Sequence[str]
ROLES = ("user", "assistant")
ONE_EXCHANGE = frozenset({"alpaca", "pairs", "rsg", "triples"})
ONE_TALK = frozenset({"nexus", "no_dialogue"})  # a file


def export(source: str, talks: Sequence[Talk]) -> bytes:
    """Return a file of a source that holds these talks."""
    return _EXPORTS[source](talks).encode()


def _dialogue(talk: Talk, source: str) -> Dialogue:
    said = tuple(Message(ROLES[n % 2], text, message_id=f"m{n}") for n, text in enumerate(talk))
    return Dialogue(said, source)


def _chat(talk: Talk, assistant: str = "assistant") -> list[dict[str, str]]:
    names = ("user", assistant)
    return [{"role": names[n % 2], "content": text} for n, text in enumerate(talk)]


def _array(records: Sequence[Any]) -> str:
    return json.dumps(records, ensure_ascii=False, indent=1)


def _lines(records: Sequence[Any]) -> str:
    return "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records)


def _chatgpt(talks: Sequence[Talk]) -> str:
    return _array([_chatgpt_conversation(number, talk) for number, talk in enumerate(talks)])


def _chatgpt_conversation(number: int, talk: Talk) -> dict[str, Any]:
    nodes: dict[str, Any] = {"root": {"id": "root", "parent": None, "message": None}}
    parent = "root"
    for n, text in enumerate(talk):
        content = {"content_type": "text", "parts": [text]}
        author: dict[str, Any] = {"role": ROLES[n % 2], "name": None, "metadata": {}}
        message = {"id": f"m{n}", "author": author, "content": content, "create_time": 1.7e9 + n}
        nodes[f"m{n}"] = {"id": f"m{n}", "parent": parent, "children": [], "message": message}
        parent = f"m{n}"
    head = {"title": "Разговор", "create_time": 1.7e9, "mapping": nodes}
    return {**head, "current_node": parent, "conversation_id": f"c{number}"}


def _claude(talks: Sequence[Talk]) -> str:
    senders = ("human", "assistant")
    return _array(
        [
            {
                "uuid": f"c{number}",
                "name": "Разговор",
                "chat_messages": [
                    {"uuid": f"m{n}", "sender": senders[n % 2], "text": text, "files": []}
                    for n, text in enumerate(talk)
                ],
            }
            for number, talk in enumerate(talks)
        ]
    )


def _telegram(talks: Sequence[Talk]) -> str:
    people = (("Я", "user1"), ("Аня", "user7"))
    day, messages = 86_400, list[dict[str, Any]]()
    for number, talk in enumerate(talks):
        for n, text in enumerate(talk):
            name, person = people[n % 2]
            said = {"id": len(messages), "type": "message", "from": name, "from_id": person}
            when = {"date_unixtime": str(1_700_000_000 + number * day + n)}
            messages.append({**said, **when, "text": text, "text_entities": []})
    head = {"name": "Аня", "type": "personal_chat", "id": 7, "messages": messages}
    return json.dumps(head, ensure_ascii=False, indent=1)


def _oasst(talks: Sequence[Talk]) -> str:
    return _lines([_oasst_tree(number, talk) for number, talk in enumerate(talks)])


def _oasst_tree(number: int, talk: Talk) -> dict[str, Any]:
    roles, below = ("prompter", "assistant"), list[dict[str, Any]]()
    for n in range(len(talk) - 1, -1, -1):
        said = {"message_id": f"t{number}m{n}", "role": roles[n % 2], "text": talk[n], "rank": 0}
        below = [{**said, "replies": below}]
    return {"message_tree_id": f"t{number}m0", "tree_state": "ready", "prompt": below[0]}


def _baize(talks: Sequence[Talk]) -> str:
    names = ("Human", "AI")
    said = ["".join(f"[|{names[n % 2]}|] {t}\n" for n, t in enumerate(talk)) for talk in talks]
    return _array([{"topic": "тема", "input": f"{OPENING}\n{text}[|Human|] "} for text in said])


def _pairs(talks: Sequence[Talk]) -> str:
    return _lines(
        [
            {"instruction": t[0], "left_answer": t[1], "right_answer": "-", "result": "left"}
            for t in talks
        ]
    )


def _gateway(talks: Sequence[Talk]) -> str:
    events: list[dict[str, Any]] = []
    for number, talk in enumerate(talks):
        last = len(talk) - len(talk) % 2  # a request ends with the user, an answer follows it
        ids = {"conversation_id": f"c{number}", "request_id": f"r{number}"}
        asked = talk if last != len(talk) else talk[:-1]
        events.append({"event": "request", **ids, "messages": _chat(asked)})
        if last == len(talk):
            events.append({"event": "answer", **ids, "content": talk[-1], "finish": "stop"})
    return _lines(events)


def _rsg(talks: Sequence[Talk]) -> str:
    columns = "INPUT:sent1;INPUT:sent2;INPUT:premise;INPUT:question;OUTPUT:variant\n"
    return columns + "".join(f'"{t[1]}";нет;"{t[0]}";Что дальше?;0\n' for t in talks)


def _sharegpt(talks: Sequence[Talk]) -> str:
    names = ("human", "gpt")
    said = [[{"from": names[n % 2], "value": t} for n, t in enumerate(talk)] for talk in talks]
    return _array([{"id": f"c{n}", "conversations": turns} for n, turns in enumerate(said)])


_EXPORTS: dict[str, Callable[[Sequence[Talk]], str]] = {
    "nexus": lambda talks: nexus.render(_dialogue(talks[0], "nexus")),
    "gateway": _gateway,
    "chatgpt": _chatgpt,
    "claude": _claude,
    "telegram": _telegram,
    "oasst": _oasst,
    "baize": _baize,
    "saiga": lambda talks: _lines([{"messages": _chat(t, "bot"), "source": "x"} for t in talks]),
    "pairs": _pairs,
    "alpaca": lambda talks: _array(
        [{"instruction": t[0], "input": "", "output": t[1]} for t in talks]
    ),
    "human_assistant": lambda talks: _lines(
        [{"text": human_assistant.render(_dialogue(t, "human_assistant"))} for t in talks]
    ),
    "sharegpt": _sharegpt,
    "messages": lambda talks: _lines([{"messages": _chat(talk)} for talk in talks]),
    "rsg": _rsg,
    "triples": lambda talks: "\n".join(f"Q: {talk[0]}\nA: {talk[1]}\n" for talk in talks),
    "no_dialogue": lambda _: _lines([{"question_id": n, "text": "Почему?"} for n in range(9)]),
    "plain_text": lambda talks: plain_text.render([_dialogue(t, "plain_text") for t in talks]),
}
