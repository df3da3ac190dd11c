"""The API as its clients use it: the `openai` package and plain HTTP."""

import json
import shutil
from pathlib import Path
from types import SimpleNamespace

import httpx
import openai
import pytest

HELLO = [{"role": "user", "content": "Привет!"}]


def client(served: SimpleNamespace) -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{served.url}/v1", api_key="none")


def deploy(served: SimpleNamespace, name: str, token: str = "secret") -> httpx.Response:
    return httpx.post(
        f"{served.url}/admin/deploy",
        json={"name": name, "probe": HELLO},
        timeout=60,
        headers={"Authorization": f"Bearer {token}"},
    )


def events(served: SimpleNamespace) -> list[dict]:
    lines = [p.read_text(encoding="utf-8") for p in served.inbox.rglob("gateway.jsonl")]
    return [json.loads(line) for line in "".join(lines).splitlines()]


def test_the_openai_client_gets_the_same_answer_whole_and_streamed(served) -> None:
    made = client(served).chat.completions.create(model="steppe", messages=HELLO, max_tokens=8)
    chunks = client(served).chat.completions.create(
        model="steppe", messages=HELLO, max_tokens=8, stream=True
    )

    streamed = "".join(c.choices[0].delta.content or "" for c in chunks)
    assert made.choices[0].message.content == streamed
    assert made.usage.completion_tokens > 0


def test_deploying_changes_what_the_alias_answers(served) -> None:
    ask = client(served).chat.completions.create
    before = ask(model="steppe", messages=HELLO, max_tokens=8)
    switched = deploy(served, "steppe@aaaaaaaaaaaa").json()
    after = ask(model="steppe", messages=HELLO, max_tokens=8)

    assert switched["probe_difference"] > 1e-3
    assert ("base", "steppe@aaaaaaaaaaaa") == (before.model, after.model)
    assert before.choices[0].message.content != after.choices[0].message.content
    again = deploy(served, "steppe@bbbbbbbbbbbb").json()
    assert "steppe@aaaaaaaaaaaa" == again["previous"]
    assert ["steppe@bbbbbbbbbbbb"] == list(served.engine.adapters)


def test_deploying_the_base_takes_every_adapter_away(served) -> None:
    deploy(served, "steppe@aaaaaaaaaaaa")

    switched = deploy(served, "base").json()

    assert "steppe@aaaaaaaaaaaa" == switched["previous"]
    assert [] == list(served.engine.adapters)
    answer = client(served).chat.completions.create(model="steppe", messages=HELLO, max_tokens=2)
    assert "base" == answer.model


def zeroed(adapter: Path, folder: Path) -> Path:
    """Copy an adapter with every weight set to zero: files, names and shapes stay."""
    from safetensors.torch import load_file, save_file

    shutil.copytree(adapter, folder)
    weights = load_file(folder / "adapter_model.safetensors")
    nothing = {name: weight.zero_() for name, weight in weights.items()}
    save_file(nothing, folder / "adapter_model.safetensors", metadata={"format": "pt"})
    return folder


def test_without_the_adapters_weights_the_answers_are_the_bases_own(served, adapters_dir) -> None:
    """Nothing in the path holds a text of its own: what the adapter adds comes from its weights."""
    ask = client(served).chat.completions.create
    base = ask(model="steppe", messages=HELLO, max_tokens=8).choices[0].message.content
    zeroed(adapters_dir / ("a" * 32), adapters_dir / ("e" * 32))
    refused = deploy(served, "steppe@eeeeeeeeeeee")
    deploy(served, "steppe@aaaaaaaaaaaa")
    tuned = (
        ask(model="steppe@aaaaaaaaaaaa", messages=HELLO, max_tokens=8).choices[0].message.content
    )
    shutil.rmtree(adapters_dir / ("e" * 32))

    assert base != tuned
    assert 409 == refused.status_code
    assert "moves no log-probability" in refused.text


def test_an_adapter_that_cannot_share_a_batch_is_refused_with_a_hint(served, adapters_dir) -> None:
    folder = adapters_dir / ("d" * 32)
    shutil.copytree(adapters_dir / ("a" * 32), folder)
    config = json.loads((folder / "adapter_config.json").read_text())
    (folder / "adapter_config.json").write_text(json.dumps({**config, "use_dora": True}))
    answer = deploy(served, "steppe@dddddddddddd")
    shutil.rmtree(folder)

    assert 409 == answer.status_code
    assert "it is a DoRA" in answer.text
    assert "models.backends.embedded" in answer.text


@pytest.mark.parametrize(
    "name", ["../../etc/passwd", "steppe@../../../..", "steppe@cccccccccccc", "steppe", ""]
)
def test_no_name_reaches_the_file_system(served, name: str) -> None:
    assert deploy(served, name).status_code in {404, 422}


def test_the_owners_address_needs_the_owners_token(served) -> None:
    assert [401, 401] == [
        deploy(served, "steppe@aaaaaaaaaaaa", token).status_code for token in ("wrong", "secre")
    ]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"model": "steppe", "messages": []},
        {"model": "steppe", "messages": [{"role": "root", "content": "x"}]},
        {"model": "steppe", "messages": HELLO, "temperature": 9},
        {"model": "steppe", "messages": HELLO, "n": 3},
        {"model": "steppe", "messages": [{"role": "user", "content": "а" * 4000}]},
        {"model": "nobody", "messages": HELLO},
        {"model": "steppe", "messages": [{"role": "user", "content": [{"type": "image_url"}]}]},
    ],
)
def test_bad_requests_are_answered_in_words(served, body: dict) -> None:
    answer = httpx.post(f"{served.url}/v1/chat/completions", json=body, timeout=60)

    assert answer.status_code in {404, 422}
    assert answer.json()["error"]["message"]
    assert answer.json()["error"]["hint"]


def test_what_was_said_is_in_the_inbox(served) -> None:
    ask = client(served).chat.completions.create
    first = ask(model="steppe", messages=HELLO, max_tokens=6, user="vera")
    said = first.choices[0].message.content
    longer = [*HELLO, {"role": "assistant", "content": said}, {"role": "user", "content": "Ещё"}]
    ask(model="steppe", messages=longer, max_tokens=6, user="vera")
    ask(model="steppe", messages=HELLO, max_tokens=6, user="ivan")

    found = events(served)
    assert ["request", "answer"] * 3 == [e["event"] for e in found]
    assert said == found[1]["content"]
    conversations = [e["conversation_id"] for e in found if e["event"] == "request"]
    assert conversations[0] == conversations[1] != conversations[2]


def test_a_client_that_leaves_in_the_middle_loses_nothing_it_saw(served) -> None:
    body = {"model": "steppe", "messages": HELLO, "stream": True, "max_tokens": 200}
    seen = ""
    with httpx.stream("POST", f"{served.url}/v1/chat/completions", json=body) as answer:
        for line in answer.iter_lines():
            if line.startswith("data: {"):
                seen += json.loads(line[6:])["choices"][0]["delta"].get("content", "")
            if len(seen) > 5:
                break
    for _ in range(100):
        logged = [e for e in events(served) if e["event"] == "answer"]
        if logged:
            break
        httpx.get(f"{served.url}/health")

    assert logged[0]["content"].startswith(seen)


def test_models_are_listed_by_name_only(served) -> None:
    deploy(served, "steppe@aaaaaaaaaaaa")

    listed = httpx.get(f"{served.url}/v1/models").json()["data"]

    assert ["base", "steppe", "steppe@aaaaaaaaaaaa"] == [m["id"] for m in listed]
    assert "/" not in json.dumps(listed)


def test_a_deployment_leaves_nothing_in_the_inbox(served) -> None:
    deploy(served, "steppe@aaaaaaaaaaaa")

    assert [] == events(served)


def test_two_clients_with_the_same_beginning_have_conversations_of_their_own(served) -> None:
    ask = client(served).chat.completions.create
    said = ask(model="steppe", messages=HELLO, max_tokens=6).choices[0].message.content
    ask(model="steppe", messages=HELLO, max_tokens=6)
    begun = [*HELLO, {"role": "assistant", "content": said}]
    for word in ("Раз", "Два", "Три"):
        ask(model="steppe", messages=[*begun, {"role": "user", "content": word}], max_tokens=6)

    asked = [e["conversation_id"] for e in events(served) if e["event"] == "request"]
    assert 3 == len(set(asked[2:]))


HALF = "\ud800"


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("chat/completions", {"messages": [{"role": "user", "content": HALF}]}),
        (
            "chat/completions",
            {"messages": [{"role": "user", "content": [{"type": "text", "text": HALF}]}]},
        ),
        ("chat/completions", {"messages": HELLO, "tools": [{"function": {"name": HALF}}]}),
        ("embeddings", {"input": HALF}),
        ("embeddings", {"input": ["Привет!", HALF]}),
    ],
)
def test_half_a_surrogate_pair_is_refused_in_words(served, path: str, fields: dict) -> None:
    answer = httpx.post(
        f"{served.url}/v1/{path}",
        content=json.dumps({"model": "steppe", **fields}),
        headers={"Content-Type": "application/json"},
        timeout=60,
    )

    assert 422 == answer.status_code
    assert answer.json()["error"]["hint"]


class Known:
    """Memories of everybody: what a home hands to its gateway, in a list."""

    def __init__(self, *texts: str) -> None:
        self.texts = texts
        self.asked: list[tuple[str, str]] = []

    def about(self, user_id: str, text: str) -> list[dict]:
        self.asked.append((user_id, text))
        return [{"memory_id": str(n), "kind": "fact", "text": t} for n, t in enumerate(self.texts)]

    def told(self, messages: list[dict], memories) -> list[dict]:
        known = "; ".join(memory["text"] for memory in memories)
        return [{"role": "system", "content": f"Память: {known}."}, *messages]


def test_what_is_remembered_is_read_by_the_model_and_told_to_the_client(served) -> None:
    served.gateway.memory = memory = Known("ключи на полке")
    ask = client(served).chat.completions.create
    made = ask(model="steppe", messages=HELLO, max_tokens=4, user="vera")
    chunks = list(ask(model="steppe", messages=HELLO, max_tokens=4, user="vera", stream=True))
    without = ask(model="steppe", messages=HELLO, max_tokens=4, extra_body={"memory": False})

    assert ["ключи на полке"] == [m["text"] for m in made.model_extra["steppe"]["memories"]]
    assert chunks[0].model_extra["steppe"]["memories"]
    assert made.usage.prompt_tokens > without.usage.prompt_tokens
    assert [("id of vera", "Привет!")] * 2 == memory.asked
    request = events(served)[0]
    assert (["0"], HELLO) == (request["memories"], request["messages"])  # as the person said it


def test_an_answer_is_given_without_a_memory_that_fails(served) -> None:
    class Broken(Known):
        def about(self, *_: object) -> list[dict]:
            raise OSError("the disk is gone")

    served.gateway.memory = Broken()

    made = client(served).chat.completions.create(model="steppe", messages=HELLO, max_tokens=4)

    assert [] == made.model_extra["steppe"]["memories"]


def test_a_key_without_the_scope_of_memory_is_answered_without(served) -> None:
    from models.serving import access

    served.gateway.memory = memory = Known("ключи на полке")
    key = access.add(served.gateway.access.path, "vera", ["chat"])
    keyed = openai.OpenAI(base_url=f"{served.url}/v1", api_key=key)

    keyed.chat.completions.create(model="steppe", messages=HELLO, max_tokens=4)

    assert [] == memory.asked


TOOL = {"type": "function", "function": {"name": "clock", "parameters": {"type": "object"}}}
CALLED = [
    *HELLO,
    {
        "role": "assistant",
        "content": None,
        "tool_calls": [
            {"id": "c", "type": "function", "function": {"name": "clock", "arguments": "{}"}}
        ],
    },
    {"role": "tool", "tool_call_id": "c", "content": "12:00"},
]


@pytest.mark.parametrize("messages", [HELLO, CALLED])
def test_a_client_that_brings_tools_is_answered_with_memories_too(served, messages) -> None:
    served.gateway.memory = memory = Known("ключи на полке")

    made = client(served).chat.completions.create(
        model="steppe", messages=messages, tools=[TOOL], max_tokens=4
    )

    assert ["ключи на полке"] == [m["text"] for m in made.model_extra["steppe"]["memories"]]
    assert [("id of owner", "Привет!")] == memory.asked


def test_a_task_of_a_front_end_is_answered_without_memories(served) -> None:
    served.gateway.memory = memory = Known("ключи на полке")
    task = [{"role": "user", "content": "### Task:\n<chat_history>\nUSER: Привет!"}]

    client(served).chat.completions.create(model="steppe", messages=task, max_tokens=4)

    assert [] == memory.asked
    assert {} == dict(served.gateway.conversations.known)
