"""What a model prefers: by likelihood, pair by pair, before and after."""

import json
from dataclasses import dataclass
from pathlib import Path

import pytest

from models import qlora
from models.backends import Loss
from models.backends.embedded import TransformersModel
from models.evaluation.preferences import Pair, pairs, preference_accuracy
from models.testing import EchoModel

SAID = [
    ("Как зовут мою собаку?", "Твою собаку зовут Буран.", "Не знаю."),
    ("Где мои ключи?", "Ключи лежат на полке.", "Где-то."),
    ("Какой чай я люблю?", "С мятой.", "Никакой."),
]
PAIRS = [Pair(f"p{n}", ({"role": "user", "content": q},), c, r) for n, (q, c, r) in enumerate(SAID)]


@dataclass(frozen=True)
class Fond(EchoModel):
    """Finds an answer likelier by a nat for each of its favourite letters in it."""

    letters: str = ""

    def loss(self, conversations, /):
        said = [c[-1]["content"] for c in conversations]
        return [Loss(-float(sum(text.count(x) for x in self.letters)), 1) for text in said]


def test_a_margin_is_what_the_chosen_answer_is_likelier_by():
    found = preference_accuracy(Fond(letters="о"), PAIRS, reference=Fond())
    counts = [c.count("о") - r.count("о") for _, c, r in SAID]

    assert counts == [row.after for row in found.rows]
    assert [0.0] * 3 == [row.before for row in found.rows]


def test_without_a_change_half_of_the_pairs_count_as_raised():
    found = preference_accuracy(EchoModel(), PAIRS, reference=EchoModel())

    assert 0.5 == found.raised(seed=0).value
    assert 0.0 == found.gained(seed=0).value


def test_what_was_preferred_before_is_no_gain():
    same = preference_accuracy(Fond(letters="уля"), PAIRS, reference=Fond(letters="уля"))
    new = preference_accuracy(Fond(letters="уля"), PAIRS, reference=Fond())

    assert 1.0 == same.preferred(seed=0).value == new.preferred(seed=0).value
    assert (0.0, 0.5) == (same.gained(seed=0).value, new.gained(seed=0).value)


def test_earlier_answers_of_a_prompt_do_not_count(tiny):
    said = ({"role": "user", "content": "Да?"}, {"role": "assistant", "content": "Да."})
    asked = Pair("a", (*said, {"role": "user", "content": "Да?"}), "Да.", "Да.")
    found = preference_accuracy(TransformersModel(tiny), [asked], reference=TransformersModel(tiny))

    assert 0.0 == pytest.approx(found.rows[0].after, abs=1e-4)


def test_an_answer_without_a_partner_is_no_pair():
    rows = [
        {"prompt": [], "chosen": "Да.", "rejected": "Нет."},
        {"prompt": [], "chosen": "Да.", "rejected": " "},
    ]

    assert ["Нет."] == [pair.rejected for pair in pairs(rows)]


def test_dpo_raises_what_was_chosen(tiny, quick_request, tmp_path):
    path = tmp_path / "rows.jsonl"
    rows = [{"prompt": list(p.prompt), "chosen": p.chosen, "rejected": p.rejected} for p in PAIRS]
    path.write_text("\n".join(map(json.dumps, rows)))
    request = quick_request(tmp_path, rows_path=str(path), recipe={"method": "dpo"})
    report = qlora.train(request, lambda _: None)
    found = preference_accuracy(
        TransformersModel(tiny, Path(report.path)), PAIRS, reference=TransformersModel(tiny)
    )

    assert 1.0 == found.raised(seed=0).value
    assert all(row.after > row.before for row in found.rows)
