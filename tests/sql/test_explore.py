"""Each question of `sql/explore`: given rows, expected rows; and on an empty lake no row at all."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

import sql
from lake import query
from lake.tables import Lake

Rows = dict[str, list[dict[str, Any]]]
DAY = date(2026, 1, 1)
MORNING = datetime(2026, 1, 5, 9, 30, tzinfo=UTC)  # a Monday
LOCAL = MORNING.astimezone()


def talk(*contents: str, at: datetime | None = None) -> list[dict[str, Any]]:
    """Return messages of user and assistant in turn, an hour apart from `at` on."""
    return [
        {
            "message_id": "",
            "role": ("user", "assistant")[n % 2],
            "content": content,
            "created_at": at and at + timedelta(hours=n),
        }
        for n, content in enumerate(contents)
    ]


def kept(name: str, **columns: Any) -> dict[str, Any]:
    """Return a row of `cleaned_dialogues`."""
    return {"dialogue_id": name, "revision": name, "record_id": name, "source": "nexus", **columns}


def dropped(name: str, **columns: Any) -> dict[str, Any]:
    """Return a row of `cleaned_dropped`, a whole dialogue."""
    return {
        "record_id": name,
        "grain": "dialogue",
        "source": "nexus",
        "rule": "length",
        "reason": "too_short",
        **columns,
    }


CASES: dict[str, tuple[Rows, list[tuple[Any, ...]]]] = {
    "duplicates_between_sources": (
        {
            "cleaned_dialogues": [
                kept("a", cluster_id="c"),
                kept("b", cluster_id="alone"),
                kept("e", cluster_id="own"),
            ],
            "cleaned_dropped": [
                dropped("f", source="saiga", cluster_id="c"),
                dropped("g", source="saiga", cluster_id="c"),
                dropped("h", cluster_id="own"),
                dropped("i"),
            ],
        },
        [
            ("nexus", "nexus", 1, 2, 2, 1),
            ("nexus", "saiga", 1, 1, 2, 2),
            ("saiga", "saiga", 1, 2, 2, 2),
        ],
    ),
    "how_was_it_answered": (
        {
            "deployments_answers": [
                {"answer_id": "a", "served_name": "base", "user_id": "me", "finish": "stop"},
                {
                    "answer_id": "b",
                    "served_name": "base",
                    "user_id": "anya",
                    "finish": "length",
                    "seconds": 3.0,
                },
                {"answer_id": "c", "served_name": "base", "user_id": "me", "finish": "cut"},
                {
                    "answer_id": "d",
                    "served_name": "steppe@aaaaaaaaaaaa",
                    "user_id": "me",
                    "finish": "failed",
                    "day": DAY + timedelta(days=7),
                },
            ],
            "self_chats_preferences": [
                {"preference_id": "p", "origin": "thumb", "answer_id": "a", "chosen": "да"}
            ],
        },
        [
            (date(2025, 12, 29), "base", 3, 2, 0.3333, 1, 1.0, 1.5),
            (date(2026, 1, 5), "steppe@aaaaaaaaaaaa", 1, 1, 0.0, 0, None, None),
        ],
    ),
    "language_mix": (
        {
            "cleaned_dialogues": [
                *(kept(str(n), language="ru", characters=10) for n in range(3)),
                kept("e", language="en", characters=7),
            ]
        },
        [("nexus", "ru", 3, 0.75, 30), ("nexus", "en", 1, 0.25, 7)],
    ),
    "longest_threads": (
        {
            "cleaned_dialogues": [
                kept("short", turns=1, characters=9),
                kept("long", turns=4, title="О лодке", messages=talk("а", "б", "в", at=MORNING)),
            ]
        },
        [
            ("long", "nexus", "О лодке", 4, 0, MORNING, 2.0, DAY),
            ("short", "nexus", "", 1, 9, None, None, DAY),
        ],
    ),
    "message_lengths": (
        {"cleaned_dialogues": [kept("a", messages=talk("раз", "четыре", "семь", "одиннадцать"))]},
        [("nexus", "user", 2, 4, 4, 4), ("nexus", "assistant", 2, 9, 11, 11)],
    ),
    "personal_data_found": (
        {
            "cleaned_dialogues": [kept("a")],
            "cleaned_preferences": [{"record_id": "b", "source": "pairs"}],
            "cleaned_findings": [
                {"record_id": "a", "rule": "personal_data", "reason": "phone"},
                {"record_id": "a", "rule": "personal_data", "reason": "phone", "number": 1},
                {"record_id": "b", "rule": "personal_data", "reason": "email"},
                {"record_id": "b", "rule": "mojibake", "reason": "repaired", "number": 1},
            ],
        },
        [("nexus", "phone", 2, 1, DAY), ("pairs", "email", 1, 1, DAY)],
    ),
    "questions_asked_again": (
        {
            "cleaned_dialogues": [
                kept("a", messages=talk("Где ключи?", "На полке.")),
                kept("b", messages=talk("где ключи", "В кармане.", "А лодка?"), source="saiga"),
                kept("c", messages=talk("А лодка?", "У озера.")),
            ]
        },
        [("Где ключи?", 2, "nexus, saiga", DAY, DAY)],
    ),
    "self_chat_yield": (
        {
            "self_chats_dialogues": [{"dialogue_id": "a", "method": "two_role", "generator": "g"}],
            "self_chats_dropped": [
                {"dialogue_id": n, "method": "two_role", "generator": "g", "reason": reason}
                for n, reason in (("b", "no_stop"), ("c", "ungrounded"), ("d", "no_stop"))
            ],
        },
        [("two_role", "g", 4, 1, 0.25, "no_stop", DAY)],
    ),
    "token_budget": (
        {
            "cleaned_dialogues": [
                kept("a", split="train", messages=talk("ы" * 270, "x" * 450)),
                kept("b", split="test", messages=talk("x" * 40, "y" * 40)),
            ]
        },
        [("nexus", "test", 1, 2, 80, 18, 20), ("nexus", "train", 1, 2, 720, 200, 235)],
    ),
    "topics_over_time": (
        {
            "cleaned_dialogues": [
                kept("a", messages=talk("Где моя лодка?", at=MORNING)),
                kept("b", messages=talk("Лодку покрасить?", at=MORNING)),
                kept("c", messages=talk("Покрасить забор?", at=MORNING + timedelta(days=60))),
            ]
        },
        [
            (date(2026, 1, 1), "лодка", 2, 1.0, 0.6667, 0.81),
            (date(2026, 1, 1), "покрасить", 1, 0.5, 0.6667, -0.29),
            (date(2026, 3, 1), "забор", 1, 1.0, 0.3333, 1.1),
            (date(2026, 3, 1), "покрасить", 1, 1.0, 0.6667, 0.41),
        ],
    ),
    "training_set_makeup": (
        {
            "cleaned_dialogues": [kept("d")],
            "self_chats_dialogues": [{"dialogue_id": "s", "method": "paraphrase"}],
            "adapters_training_sets": [
                {"training_set_id": "t", "role": role, "weight": 1.0, "position": n, **row}
                for n, (role, row) in enumerate(
                    [
                        ("new", {"dialogue_id": "d", "source_table": "cleaned_dialogues"}),
                        ("new", {"dialogue_id": "d", "source_table": "cleaned_dialogues"}),
                        ("self", {"dialogue_id": "s", "source_table": "self_chats_dialogues"}),
                        ("replay", {"source_table": "primer"}),
                    ]
                )
            ],
            "adapters_versions": [{"adapter_id": "a", "training_set_id": "t"}],
        },
        [
            ("t", "a", "new", "nexus", 2, 1, 2.0, 0.5, datetime(2026, 1, 1, tzinfo=UTC)),
            ("t", "a", "replay", "primer", 1, 1, 1.0, 0.25, datetime(2026, 1, 1, tzinfo=UTC)),
            ("t", "a", "self", "paraphrase", 1, 1, 1.0, 0.25, datetime(2026, 1, 1, tzinfo=UTC)),
        ],
    ),
    "what_became_of_each_file": (
        {
            "raw_records": [
                {"record_id": n, "source": "nexus", "file": "notes.md"} for n in ("a", "b", "c")
            ],
            "raw_preferences": [{"record_id": "p", "source": "pairs", "file": "pairs.jsonl"}],
            "raw_quarantined": [{"record_id": "q", "file": "cat.png", "reason": "binary"}],
            "cleaned_dialogues": [kept("a")],
            "cleaned_preferences": [{"record_id": "p"}],
            "cleaned_dropped": [dropped("b"), dropped("a", grain="message")],
        },
        [
            (DAY, "cat.png", None, 1, 0, 0, 1, 0, "binary"),
            (DAY, "notes.md", "nexus", 3, 1, 1, 0, 1, "too_short"),
            (DAY, "pairs.jsonl", "pairs", 1, 1, 0, 0, 0, None),
        ],
    ),
    "what_do_i_talk_about": (
        {
            "cleaned_dialogues": [
                kept("a", messages=talk("Какой рыбы много в озере?", "В озере много щук.")),
                kept("b", messages=talk("Что за рыба в этом озере?")),
                kept("c", messages=talk("Где лодка? Мой номер [телефон 1]."), source="saiga"),
            ]
        },
        [
            ("nexus", "озере", 2, 0.81),
            ("nexus", "рыба", 2, 0.81),
            ("saiga", "лодка", 1, 1.1),
            ("saiga", "номер", 1, 1.1),
        ],
    ),
    "what_was_dropped_and_why": (
        {
            "raw_records": [{"record_id": str(n), "source": "nexus"} for n in range(4)],
            "raw_preferences": [{"record_id": str(n), "source": "nexus"} for n in range(5)],
            "raw_quarantined": [{"record_id": "q", "reason": "binary", "excerpt": "secret"}],
            "cleaned_dropped": [
                dropped("p", grain="preference", rule="choice", reason="same_answers"),
                dropped("0", excerpt="Ага."),
                dropped("1", excerpt=""),
                dropped("2", grain="message", rule="turns", reason="trailing_user"),
            ],
            "self_chats_dropped": [
                {"method": "two_role", "reason": "no_stop", "messages": talk("Кто?", "Кот и")}
            ],
        },
        [
            ("cleaned", "dialogue", "nexus", "length", "too_short", 2, 0.5, DAY, "Ага."),
            ("cleaned", "preference", "nexus", "choice", "same_answers", 1, 0.2, DAY, None),
            ("cleaned", "message", "nexus", "turns", "trailing_user", 1, None, DAY, None),
            ("raw", "record", None, "reader", "binary", 1, None, DAY, None),
            ("self_chats", "dialogue", "two_role", "filter", "no_stop", 1, 1.0, DAY, "Кот и"),
        ],
    ),
    "what_was_marked": (
        {
            "cleaned_findings": [
                {"record_id": "a", "rule": "mojibake", "reason": "repaired", "excerpt": "мир"},
                {"record_id": "a", "rule": "mojibake", "reason": "repaired", "number": 1},
                {"record_id": "a", "rule": "personal_data", "reason": "phone", "number": 2},
            ]
        },
        [("mojibake", "repaired", 2, 1, "мир")],
    ),
    "when_do_i_talk": (
        {
            "cleaned_dialogues": [
                kept("a", messages=talk("раз", "да", at=MORNING)),
                kept("b", messages=talk("два", at=MORNING)),
                kept("c", messages=talk("три")),
            ]
        },
        [(LOCAL.isoweekday(), LOCAL.hour, 2, 2), (None, None, 1, 1)],
    ),
    "with_whom_do_i_talk": (
        {
            "cleaned_dialogues": [
                kept("a", user_id="me", turns=2, characters=20),
                kept("b", user_id="me", turns=1, characters=10),
                kept("c", user_id="me", participants=["me", "anya"], turns=3, source="telegram"),
            ]
        },
        [
            ("assistant", 2, 3, 30, "nexus", DAY, DAY),
            ("anya", 1, 3, 0, "telegram", DAY, DAY),
        ],
    ),
}


def test_every_question_has_its_case() -> None:
    assert sql.names("explore") == sorted([*CASES, "drift_by_week"])


@pytest.mark.parametrize("name", sorted(CASES))
def test_given_rows_give_the_expected_answer(name: str, lake: Lake, fill: Any) -> None:
    given, expected = CASES[name]
    for table, rows in given.items():
        fill(table, *rows)

    found = query.ask(lake, sql.read(f"explore/{name}"))

    assert expected == [tuple(row.values()) for row in found]


def test_a_week_is_compared_with_the_eight_before_it(lake: Lake, fill: Any) -> None:
    weeks = [date(2025, 12, 29) + timedelta(weeks=n) for n in range(6)]
    fill(
        "cleaned_dialogues",
        *(kept(f"{n}", day=w, language="ru", characters=n) for n, w in enumerate(weeks[:5])),
        kept("late", day=weeks[5], language="en", characters=3),
    )
    fill("cleaned_dropped", dropped("gone", day=weeks[0], rule="duplicate"))

    found = [tuple(r.values()) for r in query.ask(lake, sql.read("explore/drift_by_week"))]

    assert [
        (weeks[5], "characters", 3.0, 2.0, False),
        (weeks[5], "dialogues", 1.0, 1.2, False),
        (weeks[5], "dropped_share", 0.0, 0.1, False),
        (weeks[5], "duplicate_share", 0.0, 0.1, False),
        (weeks[5], "quality", 0.0, 0.0, False),
        (weeks[5], "russian_share", 0.0, 1.0, True),
        (weeks[5], "turns", 0.0, 0.0, False),
    ] == found[:7]
    assert {w for w, *_ in found} == set(weeks)
    assert not any(unusual for *_, unusual in found[7:])


@pytest.mark.parametrize("name", sql.names("explore"))
def test_nothing_is_answered_on_an_empty_lake(name: str, lake: Lake) -> None:
    assert [] == query.ask(lake, sql.read(f"explore/{name}"))


@pytest.mark.parametrize("name", sql.names("explore"))
def test_a_question_is_asked_in_the_first_line_and_its_grain_stated_in_the_second(
    name: str,
) -> None:
    first, second = sql.read(f"explore/{name}").splitlines()[:2]

    assert first.startswith("-- ")
    assert "?" in first
    assert second.startswith("-- grain: one row per ")
