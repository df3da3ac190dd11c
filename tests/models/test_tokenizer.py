"""The tokenizer loses nothing, and the chat template marks exactly what the assistant says."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models import primer
from models.tokenizer import SPECIAL_TOKENS, as_pretrained, encode_dialogues, make_tokenizer

DIALOGUES = [d.messages for d in primer.dialogues(3, 800)]
CODEC = make_tokenizer(
    [m["content"] for messages in DIALOGUES for m in messages], vocabulary=700, words=200
)
PRETRAINED = as_pretrained(CODEC, context=512)


def rendered(messages, **options):
    return PRETRAINED.apply_chat_template(messages, tokenize=False, **options)


@given(st.text(max_size=200))
@settings(max_examples=200, deadline=None)
def test_any_text_survives_the_round_trip(text: str):
    text = text.encode("utf-8", "ignore").decode()  # no lone surrogates
    for special in SPECIAL_TOKENS:
        text = text.replace(special, "")

    assert CODEC.decode(CODEC.encode(text, add_special_tokens=False).ids) == text


@pytest.mark.parametrize("text", ["12", "2026", " 407", "3*45"])
def test_digits_stand_alone(text: str):
    tokens = [CODEC.decode([i]) for i in CODEC.encode(text, add_special_tokens=False).ids]

    assert [t for t in tokens if any(c.isdigit() for c in t)] == [c for c in text if c.isdigit()]


def test_specials_are_single_tokens_in_a_fixed_order():
    ids = [PRETRAINED.convert_tokens_to_ids(token) for token in SPECIAL_TOKENS]

    assert ids == list(range(len(SPECIAL_TOKENS)))
    assert all(
        PRETRAINED(t, add_special_tokens=False)["input_ids"] == [i]
        for i, t in enumerate(SPECIAL_TOKENS)
    )


def test_messages_encode_one_by_one_to_the_same_tokens():
    for messages in DIALOGUES[:200]:
        whole = PRETRAINED(rendered(messages), add_special_tokens=False)["input_ids"]

        assert encode_dialogues(CODEC, [messages]) == [whole]


def test_a_prefix_of_a_dialogue_is_a_prefix_of_its_tokens():
    for messages in DIALOGUES[:100]:
        whole = rendered(messages)
        for end in range(1, len(messages)):
            is_question = messages[end]["role"] == "assistant"

            assert whole.startswith(rendered(messages[:end], add_generation_prompt=is_question))


def test_the_mask_covers_the_assistants_words_and_their_end():
    for messages in DIALOGUES[:100]:
        encoded = PRETRAINED.apply_chat_template(
            messages, tokenize=True, return_dict=True, return_assistant_tokens_mask=True
        )
        masked = [
            token
            for token, is_learned in zip(
                encoded["input_ids"], encoded["assistant_masks"], strict=True
            )
            if is_learned
        ]
        said = "".join(m["content"] + "<|end|>" for m in messages if m["role"] == "assistant")

        assert PRETRAINED.decode(masked) == said


def test_a_tool_call_is_written_as_the_primer_writes_it():
    call = {"name": "calculator", "arguments": {"expression": "12+30"}}
    structured = [
        {"role": "user", "content": "Вычисли: 12 плюс 30."},
        {"role": "assistant", "content": "", "tool_calls": [{"function": call}]},
    ]
    body = json.dumps(call, ensure_ascii=False)
    plain = [structured[0], {"role": "assistant", "content": f"<tool_call>{body}</tool_call>"}]

    assert rendered(structured) == rendered(plain)


def test_tools_are_named_in_a_system_message():
    tool = {"type": "function", "function": {"name": "clock", "parameters": {}}}
    text = rendered([{"role": "user", "content": "Который час?"}], tools=[tool])

    assert text.startswith("<|bos|><|system|>Инструменты: clock.<|end|><|user|>")


def test_common_words_are_whole_and_rare_words_are_spelled():
    common = CODEC.encode(" живёт", add_special_tokens=False).ids
    rare = CODEC.encode(" гиппопотам", add_special_tokens=False).ids

    assert len(common) == 1
    assert len(rare) > 2
