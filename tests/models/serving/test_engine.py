"""The engine gives each request what it would get alone, whoever shares its batch."""

import queue
import threading
from pathlib import Path

import pytest

PROMPTS = ["Привет!", "Где мои ключи?", "Как зовут мою собаку?", "О чём поговорим?"]


def ask(engine, text: str, adapter: str, **sampling: object) -> tuple[list[int], str, str]:
    """Return (tokens, text, finish) of one request."""
    from models.serving.engine import Request, Sampling

    pieces: queue.Queue = queue.Queue()
    ids = engine.tokenizer.apply_chat_template(
        [{"role": "user", "content": text}], add_generation_prompt=True, return_dict=True
    )["input_ids"]
    request = Request(ids, adapter, Sampling(**{"max_tokens": 12, **sampling}), pieces.put)
    engine.submit(request)
    said = ""
    while True:
        piece = pieces.get(timeout=60)
        said += piece.text
        if piece.finish:
            return request.answered, said, piece.finish


def alone(tiny: Path, adapter: Path | None, text: str) -> list[int]:
    """Return the tokens that `generate` gives to this request by itself."""
    import torch
    from peft import PeftModel
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(tiny)
    model = AutoModelForCausalLM.from_pretrained(tiny, dtype=torch.float32)
    if adapter:
        model = PeftModel.from_pretrained(model, adapter)
    encoded = tokenizer.apply_chat_template(
        [{"role": "user", "content": text}],
        add_generation_prompt=True,
        return_tensors="pt",
        return_dict=True,
    )
    out = model.eval().generate(
        **encoded, max_new_tokens=12, do_sample=False, pad_token_id=tokenizer.pad_token_id
    )
    made = out[0, encoded["input_ids"].shape[1] :].tolist()
    return made[: made.index(tokenizer.eos_token_id)] if tokenizer.eos_token_id in made else made


def test_mixed_batches_answer_as_generate_does(engine, tiny: Path, adapters_dir: Path) -> None:
    from models.serving.engine import BASE

    folders = {
        BASE: None,
        "steppe@aaaaaaaaaaaa": adapters_dir / ("a" * 32),
        "steppe@bbbbbbbbbbbb": adapters_dir / ("b" * 32),
    }
    wanted = [(text, name) for name in folders for text in PROMPTS]
    found: dict = {}

    def run(text: str, name: str) -> None:
        found[text, name] = ask(engine, text, name)[0]

    threads = [threading.Thread(target=run, args=pair) for pair in wanted]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)

    expected = {(text, name): alone(tiny, folders[name], text) for text, name in wanted}
    assert expected == found
    assert 1 < len({tuple(v) for v in found.values()})


def test_a_seed_repeats_a_drawn_answer(engine) -> None:
    from models.serving.engine import BASE

    one, two, other = (
        ask(engine, "Привет!", BASE, temperature=1.0, top_p=0.9, seed=seed) for seed in (1, 1, 2)
    )

    assert one == two
    assert one != other


def test_a_stop_word_ends_the_answer_before_it(engine) -> None:
    from models.serving.engine import BASE

    _, whole, _ = ask(engine, "Привет!", BASE, temperature=1.0, seed=3)
    stop = whole[len(whole) // 2]
    _, cut, finish = ask(engine, "Привет!", BASE, temperature=1.0, seed=3, stop=(stop,))

    assert (whole.split(stop)[0], "stop") == (cut, finish)


def test_the_length_limit_is_told(engine) -> None:
    from models.serving.engine import BASE

    tokens, _, finish = ask(engine, "Привет!", BASE, max_tokens=2)

    assert (2, "length") == (len(tokens), finish)


def test_an_adapter_in_use_is_not_unloaded_and_an_unused_one_is(engine) -> None:
    assert engine.call(engine.unload_adapter, "steppe@aaaaaaaaaaaa").result(60)
    assert "steppe@aaaaaaaaaaaa" not in engine.adapters


def test_a_failed_step_is_answered_and_the_next_request_works(engine) -> None:
    from models.serving.engine import BASE

    assert "failed" == ask(engine, "Привет!", "no such adapter")[2]
    assert "failed" != ask(engine, "Привет!", BASE)[2]


@pytest.mark.parametrize("name", ["steppe@aaaaaaaaaaaa", "steppe@bbbbbbbbbbbb"])
def test_an_adapter_moves_the_logits(engine, name: str) -> None:
    from models.serving.engine import BASE

    base, tuned = (
        engine.call(engine.last_logits, [1, 4, 20, 2, 5], who).result(60) for who in (BASE, name)
    )

    assert float((base - tuned).abs().max()) > 1e-3


@pytest.mark.parametrize("how", [{"temperature": 1e-300}, {"temperature": 1.0, "top_p": 1e-50}])
def test_the_smallest_chance_leaves_the_likeliest_token(engine, how) -> None:
    import torch

    from models.serving.engine import BASE, Piece, Request, Sampling, _draw_one

    request = Request([1], BASE, Sampling(**how), lambda _: Piece(""))

    assert 2 == int(_draw_one(torch.tensor([0.0, 1.0, 5.0]), request))
