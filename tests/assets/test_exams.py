"""What examines an adapter: its person's test dialogues and questions, nothing it has seen."""

import json
from datetime import date

import pytest

from assets import exams
from lake import schemas
from lake.errors import DataError
from lake.settings import Settings
from lake.tables import Lake, Provenance
from models import gate
from models.evaluation import Item
from models.evaluation.choices import Question

DAY = date(2026, 1, 1)
POLICY = gate.load_policy()


def talk(question: str, answer: str) -> list[dict[str, object]]:
    said = (("user", question), ("assistant", answer))
    return [{"message_id": "", "role": r, "content": c, "created_at": None} for r, c in said]


def put(lake: Lake, table: str, *rows: dict[str, object]) -> None:
    """Write rows of a table, columns not given empty."""
    names = [f.name for f in schemas.tables()[table].schema if f.name != "day"]
    whole = [{name: r.get(name) for name in names} for r in rows]
    lake.replace(table, whole, day=DAY, made_from="1" * 32, by=Provenance("test"))


def dialogues(lake: Lake, **splits: int) -> None:
    """Write so many dialogues of each split."""
    rows = [
        {
            "dialogue_id": f"{split}{n}",
            "revision": f"{split}{n}",
            "cluster_id": f"{split}{n}",
            "source": "messages",
            "consent": "granted",
            "split": split,
            "messages": talk(f"Где мой предмет номер {n} из {split}?", f"В ящике {n}."),
        }
        for split, count in splits.items()
        for n in range(count)
    ]
    put(lake, "cleaned_dialogues", *rows)


def test_the_test_split_examines_and_validation_helps_out_where_it_is_small(lake: Lake) -> None:
    dialogues(lake, train=3, validation=4, test=5)

    alone, tested = exams.held_out_items(lake, enough=5)
    helped, both = exams.held_out_items(lake, enough=6)

    assert ("test", 5) == (alone, len(tested))
    assert ("test and validation", 9) == (helped, len(both))


def test_what_the_adapter_or_its_parent_was_taught_is_in_no_suite(
    lake: Lake, chosen: Settings
) -> None:
    dialogues(lake, test=12)
    put(
        lake,
        "adapters_versions",
        {"adapter_id": "child", "training_set_id": "two", "parent_adapter_id": "parent"},
        {"adapter_id": "parent", "training_set_id": "one", "parent_adapter_id": ""},
        {"adapter_id": "stranger", "training_set_id": "three", "parent_adapter_id": ""},
    )
    told = [("one", 0), ("two", 1), ("three", 2)]
    put(
        lake,
        "adapters_training_sets",
        *(
            {
                "training_set_id": name,
                "position": 0,
                "messages": talk(f"Где мой предмет номер {n} из test?", f"В ящике {n}."),
            }
            for name, n in told
        ),
    )

    items = exams.items(lake, chosen, ["child", ""], POLICY)

    assert {"test0": "exact", "test1": "exact"} == items.suites["held_out"].seen
    left = {item.item_id for item in items.held_out}
    assert {f"test{n}" for n in range(2, 12)} == left
    assert exams.fingerprint(items) != exams.fingerprint(
        exams.items(lake, chosen, ["stranger"], POLICY)
    )


def test_questions_may_give_their_choices(tmp_path) -> None:
    given = {"question": "Где ключи?", "choices": ["На полке.", "В реке."], "answer": "В реке."}
    plain = {"question": "Где чай?", "answer": "На кухне."}
    lines = (json.dumps(row, ensure_ascii=False) for row in (given, plain))
    (tmp_path / "mine.jsonl").write_text("\n".join(lines), encoding="utf-8")

    (question,), (item,) = exams.choices(tmp_path), exams.questions(tmp_path)

    assert Question("mine/1", "Где ключи?", ("На полке.", "В реке."), 1) == question
    assert isinstance(item, Item)
    assert "mine/2" == item.item_id


def test_questions_with_choices_are_kept_from_self_chat_too(lake: Lake, chosen: Settings) -> None:
    given = {"question": "Где ключи?", "choices": ["На полке.", "В реке."], "answer": "В реке."}
    (chosen.home / "suites").mkdir(parents=True)
    file = chosen.home / "suites" / "mine.jsonl"
    file.write_text(json.dumps(given, ensure_ascii=False), encoding="utf-8")

    assert ["Где ключи?"] == exams.asked(lake, chosen)


@pytest.mark.parametrize(
    "line",
    [
        "{",
        "[]",
        "7",
        '{"question": "Где?"}',
        '{"question": "Где?", "choices": ["Тут."], "answer": "Там."}',
        '{"question": "Где?", "choices": 7, "answer": "Там."}',
    ],
)
def test_a_line_that_is_no_question_is_named(tmp_path, line: str) -> None:
    (tmp_path / "mine.jsonl").write_text(line, encoding="utf-8")

    with pytest.raises(DataError, match=r"(?s)`mine/1`.*hint: a line is"):
        exams.questions(tmp_path)
