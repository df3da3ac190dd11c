"""Other people's clients, unchanged: the `openai` package and LangChain."""

import json

import openai
import pytest

HELLO = [{"role": "user", "content": "Привет!"}]
CALCULATOR = {
    "type": "function",
    "function": {
        "name": "calculator",
        "description": "Считает.",
        "parameters": {"type": "object", "properties": {"expression": {"type": "string"}}},
    },
}
CALL = '<tool_call>{"name": "calculator", "arguments": {"expression": "4821*37"}}</tool_call>'
SUM = [{"role": "user", "content": "Сколько будет 4821 умножить на 37?"}]


@pytest.fixture
def client(served) -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{served.url}/v1", api_key="none")


@pytest.fixture
def langchain(served):
    from langchain_openai import ChatOpenAI

    return ChatOpenAI(
        base_url=f"{served.url}/v1", api_key="none", model="steppe", temperature=0, max_tokens=8
    )


def test_openai_streams_with_the_usage_at_the_end(client) -> None:
    chunks = list(
        client.chat.completions.create(
            model="steppe",
            messages=HELLO,
            max_tokens=6,
            stream=True,
            stream_options={"include_usage": True},
        )
    )

    assert chunks[-1].usage.completion_tokens > 0
    assert 1 == len({chunk.id for chunk in chunks})
    assert "stop" in {c.finish_reason for chunk in chunks for c in chunk.choices} | {"stop"}


def test_openai_is_told_whose_words_these_are(client) -> None:
    made = client.chat.completions.create(model="steppe", messages=HELLO, max_tokens=4)

    assert "base" == made.model_extra["steppe"]["adapter"]
    assert made.model_extra["steppe"]["conversation_id"]


def test_openai_gets_embeddings_either_way(client) -> None:
    plain = client.embeddings.create(model="steppe", input=["Где ключи?"], encoding_format="float")
    packed = client.embeddings.create(model="steppe", input="Где ключи?")

    assert plain.data[0].embedding == pytest.approx(packed.data[0].embedding, abs=1e-6)
    assert pytest.approx(1.0, abs=1e-4) == sum(x * x for x in plain.data[0].embedding)


def test_openai_errors_are_its_own_kinds(client) -> None:
    with pytest.raises(openai.NotFoundError):
        client.chat.completions.create(model="nobody", messages=HELLO)
    with pytest.raises(openai.UnprocessableEntityError, match="messages"):
        client.chat.completions.create(model="steppe", messages=[])


def test_langchain_asks_and_streams(langchain) -> None:
    whole = langchain.invoke("Привет!")
    streamed = "".join(chunk.content for chunk in langchain.stream("Привет!"))

    assert whole.content == streamed
    assert whole.usage_metadata["output_tokens"] > 0


def test_langchain_gets_embeddings(served) -> None:
    from langchain_openai import OpenAIEmbeddings

    encoder = OpenAIEmbeddings(
        base_url=f"{served.url}/v1",
        api_key="none",
        model="steppe",
        check_embedding_ctx_length=False,
    )

    assert 1024 == len(encoder.embed_query("Где ключи?"))


@pytest.fixture
def saying(monkeypatch, served):
    """Let the engine draw the tokens of these texts: the tiny base of the tests calls no tool."""
    import torch

    def say(*texts: str) -> None:
        said = iter(
            token
            for text in texts
            for token in [
                *served.engine.tokenizer(text, add_special_tokens=False)["input_ids"],
                *served.engine._stops,
            ]
        )
        monkeypatch.setattr(
            served.engine, "_draw", lambda logits, _: torch.tensor([next(said)] * len(logits))
        )

    return say


def test_a_call_of_a_tool_comes_back_as_openais(client, saying) -> None:
    saying(CALL)

    made = client.chat.completions.create(model="steppe", messages=SUM, tools=[CALCULATOR])

    (called,) = made.choices[0].message.tool_calls
    assert "tool_calls" == made.choices[0].finish_reason
    assert ("calculator", {"expression": "4821*37"}) == (
        called.function.name,
        json.loads(called.function.arguments),
    )


def test_langchain_binds_tools_and_goes_on_with_their_results(served, saying) -> None:
    from langchain_core.messages import HumanMessage, ToolMessage
    from langchain_core.tools import tool
    from langchain_openai import ChatOpenAI

    @tool
    def calculator(expression: str) -> str:
        """Считает."""
        left, right = expression.split("*")
        return str(int(left) * int(right))

    model = ChatOpenAI(base_url=f"{served.url}/v1", api_key="none", model="steppe", temperature=0)
    bound, asked = model.bind_tools([calculator]), HumanMessage(SUM[0]["content"])
    saying(CALL, CALL, "Будет 178377.")
    called = bound.invoke([asked])
    chunks = list(bound.stream([asked]))
    streamed = chunks[0]
    for chunk in chunks[1:]:
        streamed += chunk
    (call,) = called.tool_calls
    result = ToolMessage(calculator.invoke(call["args"]), tool_call_id=call["id"])
    answered = bound.invoke([asked, called, result])

    assert ("calculator", {"expression": "4821*37"}) == (call["name"], call["args"])
    assert [call["args"]] == [made["args"] for made in streamed.tool_calls]
    assert ("178377", "Будет 178377.") == (result.content, answered.content)
    assert [] == answered.tool_calls
