"""A grown vocabulary: shorter texts, the same words before and after, a base of its own."""

import json

import pytest

from lake.errors import ModelError
from models import base as bases
from models import qlora, recipes, vocabulary
from models.chat import load_tokenizer
from models.testing import tiny_base

TEXTS = [
    "Сарай у озера чинил сосед, а крышу сарая перекрыли осенью.",
    "У озера стоит сарай. Сосед обещал починить крышу сарая весной.",
    "Осенью у озера туманно, и соседский сарай не видно с дороги.",
] * 3
HELD_OUT = ["Сосед видел туман у озера.", "Крыша сарая протекла осенью."]
ELSEWHERE = ["Print 42, please!", "Привет 🙂", "  два  пробела "]


@pytest.fixture(scope="module")
def extended(tiny, tmp_path_factory):
    parent = bases.find_base(str(tiny), tiny.parent)
    folder = tmp_path_factory.mktemp("extended") / "base"
    return vocabulary.extend(parent, TEXTS, HELD_OUT, size=60, folder=folder)


@pytest.fixture(scope="module")
def tokenizers(tiny, extended):
    return load_tokenizer(tiny), load_tokenizer(extended.base.path)


def test_texts_like_those_it_was_grown_from_cost_fewer_tokens(extended):
    assert 60 == extended.added
    assert extended.after.tokens_per_word < 0.75 * extended.before.tokens_per_word
    assert extended.after.tokens_per_character < 0.75 * extended.before.tokens_per_character


@pytest.mark.parametrize("text", [*TEXTS[:3], *HELD_OUT, *ELSEWHERE])
def test_every_text_survives_the_round_trip(tokenizers, text):
    for tokenizer in tokenizers:
        assert text == tokenizer.decode(tokenizer.encode(text, add_special_tokens=False))


def test_old_tokens_keep_their_ids_and_specials_their_meaning(tokenizers):
    before, after = tokenizers

    assert before.get_vocab().items() <= after.get_vocab().items()
    assert before.all_special_tokens == after.all_special_tokens
    assert before.chat_template == after.chat_template
    assert len(after.get_vocab()) == len(before.get_vocab()) + 60


def test_a_text_without_new_tokens_is_what_it_was_to_the_network(tiny, extended, tokenizers):
    import torch
    from transformers import AutoModelForCausalLM

    before, after = tokenizers
    text = "?!?"
    ids = before.encode(text, add_special_tokens=False)
    with torch.no_grad():
        old, new = (
            AutoModelForCausalLM.from_pretrained(path)(input_ids=torch.tensor([ids])).logits
            for path in (tiny, extended.base.path)
        )

    assert ids == after.encode(text, add_special_tokens=False)
    known = len(before.get_vocab())  # the network may have rows that no token uses yet
    torch.testing.assert_close(old[..., :known], new[..., :known])


def test_a_new_token_begins_as_the_mean_of_what_it_stands_for(tiny, extended, tokenizers):
    import torch
    from transformers import AutoModelForCausalLM

    before, after = tokenizers
    old, new = (
        AutoModelForCausalLM.from_pretrained(path).get_input_embeddings().weight.detach()
        for path in (tiny, extended.base.path)
    )
    token, where = max(after.get_vocab().items(), key=lambda found: found[1])
    pieces = [piece.id for piece in before.backend_tokenizer.model.tokenize(token)]

    assert len(pieces) > 1
    torch.testing.assert_close(new[where], old[pieces].mean(dim=0))


def test_it_is_a_base_of_its_own_that_names_its_parent(tiny, extended):
    parent = bases.find_base(str(tiny), tiny.parent)
    found = bases.ensure_base(str(extended.base.path), tiny.parent)

    assert parent.base_id != found.base_id == extended.base.base_id
    assert parent.base_id == found.report["parent_base_id"]
    assert str(tiny.parent) not in json.dumps(found.report)


def test_the_same_texts_make_the_same_base(tiny, extended, tmp_path):
    parent = bases.find_base(str(tiny), tiny.parent)
    again = vocabulary.extend(parent, TEXTS, HELD_OUT, size=60, folder=tmp_path / "base")
    name = "model.safetensors"

    assert extended.base.base_id == again.base.base_id
    assert (extended.base.path / name).read_bytes() == (again.base.path / name).read_bytes()


def test_continued_pre_training_teaches_it(extended, tmp_path):
    """In nats a character, for tokens are not what they were: less than before teaching."""
    path = tmp_path / "rows.jsonl"
    talks = [
        [{"role": "user", "content": "Что нового?"}, {"role": "assistant", "content": text}]
        for text in TEXTS
    ]
    path.write_text("\n".join(json.dumps({"messages": talk}) for talk in talks))
    recipe = recipes.load("embedded_cpt").model_dump(mode="json")
    recipe["training"] |= {"checkpoint_steps": 0, "epochs": 4.0}
    request = qlora.TrainRequest(
        base_path=str(extended.base.path),
        base_id=extended.base.base_id,
        base_model="extended",
        recipe=recipe,
        rows_path=str(path),
        adapters_dir=str(tmp_path / "adapters"),
        training_set_id="set",
    )
    report = qlora.train(request, lambda _: None)

    assert "cpt" == report.method
    assert report.losses[-1][1] < report.losses[0][1]


def test_what_has_nothing_to_join_is_refused_and_leaves_nothing(tiny, tmp_path):
    parent = bases.find_base(str(tiny), tiny.parent)

    with pytest.raises(ModelError, match="nothing to join"):
        vocabulary.extend(parent, ["я"], [], size=5, folder=tmp_path / "base")
    assert [] == list(tmp_path.iterdir())


def test_a_folder_that_is_there_is_not_overwritten(tiny, tmp_path):
    parent = bases.find_base(str(tiny), tiny.parent)

    with pytest.raises(ModelError, match="is there already"):
        vocabulary.extend(parent, TEXTS, [], size=5, folder=tmp_path)


def test_an_embedded_base_stays_one_of_its_schooling(quick_base, tmp_path):
    """Words that are whole tokens from the start (`ignore_merges`) stay whole."""
    made = vocabulary.extend(quick_base, TEXTS, HELD_OUT, size=30, folder=tmp_path / "base")
    text = "Где мои ключи? Сарай у озера."
    tokenizer = load_tokenizer(made.base.path)

    assert "embedded-quick" == made.base.origin
    assert made.after.tokens_per_word < made.before.tokens_per_word
    assert text == tokenizer.decode(tokenizer.encode(text, add_special_tokens=False))


def test_a_tokenizer_that_does_not_part_words_is_refused(tmp_path):
    base = tiny_base(tmp_path / "base")
    path = base / "tokenizer.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "pre_tokenizer": None}))
    parent = bases.find_base(str(base), tmp_path)

    with pytest.raises(ModelError, match="cannot be extended"):
        vocabulary.extend(parent, TEXTS, [], size=5, folder=tmp_path / "new")
