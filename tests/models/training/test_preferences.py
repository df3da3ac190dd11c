"""DPO and KTO: answers without a partner, frozen references, and kills in between."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from models import adapters, qlora, recipes
from models.chat import encode, load_tokenizer
from models.training import trainers

FEW_STEPS = {"training": {"max_steps": 4, "checkpoint_steps": 2, "batch": 4}}
DPO = {"method": "dpo", **FEW_STEPS}
KTO = {"method": "kto", **FEW_STEPS}


def preference(question: str, chosen: str, rejected: str, weight: float = 1.0) -> dict:
    return {
        "prompt": [{"role": "user", "content": question}],
        "chosen": chosen,
        "rejected": rejected,
        "weight": weight,
        "role": "preference",
    }


ROWS = [
    preference("Как зовут мою собаку?", "Твою собаку зовут Буран.", "Не знаю.", weight=2.0),
    preference("Где мои ключи?", "Ключи лежат на полке.", "Где-то.", weight=2.0),
    preference("Какой чай я люблю?", "С мятой.", "Никакой."),
    preference("Где я работаю?", "Ты работаешь у озера.", ""),
    preference("О чём поговорим?", "", "Отстань."),
]


@pytest.fixture(scope="module")
def pairs_path(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("pairs") / "rows.jsonl"
    path.write_text("\n".join(json.dumps(row) for row in ROWS) + "\n", encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def ask(quick_request, pairs_path):
    """Return a maker of requests over the pairs."""

    def make(folder: Path | None = None, **changes) -> qlora.TrainRequest:
        return quick_request(folder, rows_path=str(pairs_path), **changes)

    return make


def read(tiny, path: Path, method: str) -> qlora.Rows:
    recipe = recipes.load("quick").model_dump(mode="json") | {"method": method}
    return qlora.read_rows(path, load_tokenizer(tiny), recipes.parse(recipe))


def test_dpo_leaves_out_answers_without_a_partner_and_says_which(tiny, pairs_path):
    rows = read(tiny, pairs_path, "dpo")

    assert (5, 5) == (rows.total, len(rows.examples))
    assert {"no_chosen": 1, "no_rejected": 1} == rows.dropped


def test_kto_uses_every_answer_that_is_there(tiny, pairs_path):
    rows = read(tiny, pairs_path, "kto")
    liked = [example.columns["label"] for example in rows.examples]

    assert {} == rows.dropped
    assert (6, 6) == (sum(liked), len(liked) - sum(liked))


@pytest.mark.parametrize(
    ("method", "row", "reason"),
    [
        ("dpo", preference("Да?", "Да.", "Да."), "same_answers"),
        ("dpo", preference("Да?", "Да. " * 200, "Нет."), "longer_than_max_length"),
        ("kto", preference("Да?", "Да.", "Нет. " * 200), "longer_than_max_length"),
        ("kto", preference("Да?", " ", ""), "no_answer"),
        ("dpo", {"messages": []}, "not_a_preference"),
        ("sft", preference("Да?", "Да.", "Нет."), "not_a_dialogue"),
        ("cpt", preference("Да?", "Да.", "Нет."), "not_a_dialogue"),
    ],
)
def test_a_row_that_cannot_be_used_has_a_reason(tiny, tmp_path, method, row, reason):
    path = tmp_path / "rows.jsonl"
    path.write_text(json.dumps(row))

    assert {reason: 1} == read(tiny, path, method).dropped


def test_trl_reads_an_answer_as_a_dialogue_does(tiny, ask, pairs_path):
    """Prompt and answer are the tokens that `chat.encode` gives."""
    request = ask(recipe=DPO)
    recipe = recipes.parse(request.recipe)
    tokenizer = load_tokenizer(tiny)
    rows = qlora.read_rows(pairs_path, tokenizer, recipe)
    trainer = trainers.build_trainer(request, recipe, rows, tokenizer, lambda _: None)
    first = trainer.train_dataset[0]
    text = [
        {"role": "user", "content": "Как зовут мою собаку?"},
        {"role": "assistant", "content": "Твою собаку зовут Буран."},
    ]

    assert list(encode(tokenizer, text).tokens) == first["prompt_ids"] + first["chosen_ids"]


@pytest.mark.parametrize("recipe", [DPO, KTO], ids=["dpo", "kto"])
def test_a_fresh_adapter_has_the_base_as_its_reference(ask, recipe):
    """At the first step nothing is learned yet: the loss is that of a coin."""
    told = []
    report = qlora.train(ask(recipe=recipe), told.append)
    steps = [event for event in told if event["event"] == "step"]

    expected = {"dpo": 0.6931, "kto": 0.5}[recipe["method"]]

    assert expected == pytest.approx(steps[0]["loss"], abs=1e-4)
    assert report.losses[-1][1] < report.losses[0][1]
    assert report.method == recipe["method"]
    assert report.metrics["reward_margin"] > 0


def test_dpo_tells_how_often_the_chosen_answer_wins(ask):
    report = qlora.train(ask(recipe=DPO), lambda _: None)

    assert 1.0 == report.metrics["reward_accuracy"]


@pytest.mark.parametrize("loss", recipes.LOSSES["dpo"])
def test_every_loss_of_dpo_trains(ask, loss):
    recipe = DPO | {"preference": {"loss": loss}}
    report = qlora.train(ask(recipe=recipe), lambda _: None)

    assert report.losses[-1][1] < report.losses[0][1]


@pytest.mark.parametrize("loss", recipes.LOSSES["kto"])
def test_every_loss_of_kto_trains(ask, loss):
    recipe = KTO | {"preference": {"loss": loss}}
    report = qlora.train(ask(recipe=recipe), lambda _: None)

    assert report.losses[-1][1] < report.losses[0][1]


def test_dpo_may_learn_the_chosen_answer_besides(ask):
    plain = qlora.train(ask(recipe=DPO), lambda _: None)
    both = qlora.train(ask(recipe=DPO | {"preference": {"sft": 1.0}}), lambda _: None)

    assert both.losses[0][1] > plain.losses[0][1] + 3  # nats a token of an untrained base


@pytest.mark.parametrize("recipe", [DPO, KTO], ids=["dpo", "kto"])
def test_the_reference_of_a_continued_adapter_is_not_published(ask, trained, recipe):
    child = qlora.train(ask(parent_adapter=trained.path, recipe=recipe), lambda _: None)
    folder = Path(child.path)

    assert trained.adapter_id == child.parent_adapter_id
    assert trained.trainable_parameters == child.trainable_parameters
    assert {adapters.WEIGHTS, adapters.CONFIG, adapters.MANIFEST} == {
        path.name for path in folder.iterdir()
    }
    assert adapters.verify(folder)


@pytest.mark.parametrize("recipe", [DPO, KTO], ids=["dpo", "kto"])
@pytest.mark.parametrize("continued", [False, True], ids=["fresh", "continued"])
def test_one_that_was_interrupted_resumes_to_the_same_bytes(
    ask, trained, tmp_path, recipe, continued
):
    """T5: with a reference saved beside it, the adapter that learns would start anew."""
    changes = {"recipe": recipe, "parent_adapter": trained.path if continued else ""}
    whole = qlora.train(ask(**changes), lambda _: None)
    request = ask(tmp_path, **changes)

    def stop(event: dict) -> None:
        if event.get("step") == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        qlora.train(request, stop)
    resumed = qlora.train(request, lambda _: None)

    assert whole.sha256 == resumed.sha256
    assert len(resumed.losses) == len(whole.losses)


def test_another_order_of_seeds_is_another_training_of_kto(ask):
    first = qlora.train(ask(recipe=KTO), lambda _: None)
    second = qlora.train(ask(recipe=KTO | {"seed": 1}), lambda _: None)

    assert first.sha256 != second.sha256


def test_a_request_that_differs_in_its_parent_is_another_request(ask, trained):
    request = ask(recipe=DPO)

    assert request.request_id != replace(request, parent_adapter=trained.path).request_id
