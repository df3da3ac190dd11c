"""Every record is kept or dropped with a reason; what is clean stays as it is."""

from collections import Counter
from itertools import pairwise
from typing import NamedTuple

import msgspec
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assets import sources
from assets.cleaning import Cleaner, Neighbours, Policy, load_policy
from assets.cleaning.splits import SPLITS, splits_of
from assets.records import Place, message_of, records_table
from lake.ids import content_id
from lake.schemas import Dialogue, Message

POLICY = load_policy()


class Record(NamedTuple):
    """A dialogue as it lies in `raw_records`."""

    record_id: str
    dialogue: Dialogue


class Kept(NamedTuple):
    """A row of `cleaned_dialogues`."""

    record_id: str
    dialogue_id: str
    revision: str
    dialogue: Dialogue
    turns: int
    split: str
    cluster_id: str


class Dropped(NamedTuple):
    """A row of `cleaned_dropped`."""

    record_id: str
    source: str
    grain: str
    position: int
    rule: str
    reason: str
    cluster_id: str
    excerpt: str


class Result(NamedTuple):
    """What became of records."""

    kept: list[Kept]
    dropped: list[Dropped]


def fresh() -> Neighbours:
    return Neighbours(load_policy())


def clean(records, *, policy: Policy = POLICY, neighbours: Neighbours | None = None) -> Result:
    """Clean dialogues by way of the tables, as the asset does."""
    table = records_table(
        [r.dialogue for r in records],
        [Place("f", "i", n) for n in range(len(records))],
        first_number=0,
        owner="owner",
        pseudonym=str,
    )
    names = dict(zip(table["record_id"].to_pylist(), [r.record_id for r in records], strict=True))
    (batch,) = table.combine_chunks().to_batches() or [pa.RecordBatch.from_pylist([], table.schema)]
    cleaned = Cleaner(policy, neighbours or fresh()).clean(batch)
    kept = [
        Kept(
            names[row["record_id"]],
            row["dialogue_id"],
            row["revision"],
            Dialogue(
                tuple(map(message_of, row["messages"])), row["source"], row["conversation_id"]
            ),
            row["turns"],
            row["split"],
            row["cluster_id"],
        )
        for row in cleaned.kept.to_pylist()
    ]
    dropped = [Dropped(**row) for row in cleaned.dropped.to_pylist()]
    return Result(kept, [d._replace(record_id=names[d.record_id]) for d in dropped])


CONTENTS = st.sampled_from(
    [
        "Привет, как дела?",
        "Хорошо, спасибо!",
        "Расскажи о степи.",
        "",
        " \n",
        "Степь широка  и ровна.",
        "```py\nx  = 1",
        "конец\n```",
        "Hello, how are you?",
        "Как языковая модель, я не могу.",
        "и\u0306од",
        "Гуляю",
        "【1†a】",
    ]
)
ROLES = st.sampled_from(["system", "user", "assistant", "assistant", "user", "tool"])
MESSAGES = st.lists(st.builds(Message, ROLES, CONTENTS), max_size=9).map(tuple)
RECORDS = st.lists(MESSAGES, max_size=6).map(
    lambda many: [Record(f"r{n}", Dialogue(m, "messages")) for n, m in enumerate(many)]
)


def talk(*contents: str, first: str = "user") -> tuple[Message, ...]:
    order = ("user", "assistant") if first == "user" else ("assistant", "user")
    return tuple(Message(order[n % 2], content) for n, content in enumerate(contents))


def one(*messages: Message):
    return clean([Record("r", Dialogue(messages, "messages"))])


def said(cleaned) -> list[tuple[str, str]]:
    (kept,) = cleaned.kept
    return [(m.role, m.content) for m in kept.dialogue.messages]


def drops(cleaned) -> list[tuple[str, int, str]]:
    return [(d.grain, d.position, d.reason) for d in cleaned.dropped]


@given(RECORDS)
def test_every_record_ends_once(records):
    cleaned = clean(records)
    whole = [d.record_id for d in cleaned.dropped if d.grain == "dialogue"]
    kept = {k.record_id for k in cleaned.kept}

    assert sorted([*whole, *kept]) == sorted(r.record_id for r in records)
    assert all(d.record_id in kept for d in cleaned.dropped if d.grain == "message")
    assert all(d.rule and d.reason and len(d.excerpt) <= 200 for d in cleaned.dropped)
    keys = [(d.record_id, d.position, d.rule) for d in cleaned.dropped]
    assert len(keys) == len(set(keys))


@given(RECORDS)
def test_cleaning_what_is_clean_changes_nothing(records):
    once = clean(records)
    twice = clean([Record(k.record_id, k.dialogue) for k in once.kept])

    assert twice.kept == once.kept
    assert twice.dropped == []


@given(RECORDS)
def test_kept_dialogues_alternate_and_end_in_an_answer(records):
    for kept in clean(records).kept:
        roles = [m.role for m in kept.dialogue.messages]
        spoken = [r for r in roles if r in ("user", "assistant")]
        assert roles.count("system") == (roles[0] == "system")
        assert spoken[0] == "user"
        assert roles[-1] == "assistant"
        assert all(a != b or a == "tool" for a, b in pairwise(roles))
        assert all(m.content for m in kept.dialogue.messages)


@given(MESSAGES)
def test_no_message_of_a_kept_dialogue_vanishes(messages):
    """Each is kept, joined to its neighbour, or dropped under its own position."""
    cleaned = one(*messages)
    for kept in cleaned.kept:
        dropped = [d.position for d in cleaned.dropped]
        text = "\n\n".join(m.content for m in kept.dialogue.messages)
        rest = [m for n, m in enumerate(messages) if n not in dropped]
        assert len(dropped) == len(set(dropped))
        assert all(word in text for m in rest for word in m.content.split() if word.isalpha())


def test_one_speakers_messages_in_a_row_are_joined_by_a_blank_line():
    messages = (*talk("Привет!"), *talk("Ты тут?", "Тут."), Message("assistant", "Слушаю."))

    cleaned = one(*messages)

    assert said(cleaned) == [("user", "Привет!\n\nТы тут?"), ("assistant", "Тут.\n\nСлушаю.")]
    assert drops(cleaned) == []


def test_messages_without_a_place_are_left_out_with_a_reason():
    messages = (
        Message("assistant", "Чем помочь?"),
        Message("user", "Сколько времени?"),
        Message("tool", "12:00"),
        Message("assistant", "Полдень."),
        Message("system", "Говори кратко."),
        Message("user", ""),
        Message("user", "Спасибо"),
        Message("user", "Пока"),
    )

    cleaned = one(*messages)

    assert said(cleaned) == [("user", "Сколько времени?"), ("assistant", "Полдень.")]
    assert drops(cleaned) == [
        ("message", 0, "leading_assistant"),
        ("message", 2, "stray_tool"),
        ("message", 4, "late_system"),
        ("message", 5, "empty"),
        ("message", 6, "no_answer"),
        ("message", 7, "no_answer"),
    ]


def test_calls_of_tools_keep_their_order():
    messages = (
        Message("system", "Ты помощник."),
        Message("user", "Сколько времени?"),
        Message("assistant", "<tool_call>"),
        Message("tool", "12:00"),
        Message("tool", "среда"),
        Message("assistant", "Среда, полдень."),
    )

    assert said(one(*messages)) == [(m.role, m.content) for m in messages]


@pytest.mark.parametrize(
    ("messages", "reason"),
    [
        ((), "no_exchange"),
        (talk("Привет!"), "no_exchange"),
        (talk("Привет!", first="assistant"), "no_exchange"),
        (talk(" ", "\u200b"), "no_exchange"),
        ((Message("wizard", "Привет!"), *talk("Да?", "Да, привет!")), "unknown_role"),
        (talk("Да", "Да"), "too_short"),
        (talk("Да?", "да" * 60_000), "too_long"),
        (talk(*["Привет"] * 402), "too_many_messages"),
        (talk("Who are you?", "I am an assistant."), "language_en"),
        (talk("Як справи? Що ви їсте?", "Їмо вареники і п'ємо чай."), "language_cyrillic"),
        (talk("你好吗？", "我很好，谢谢你。"), "language_other"),
        (talk("2 + 2 = ?", "2 + 2 = 4"), "language_unknown"),
        (talk("Кто ты?", "Как большая языковая модель, я не имею чувств."), "refusal"),
    ],
)
def test_a_dialogue_is_dropped_for_the_first_reason_there_is(messages, reason):
    cleaned = one(*messages)

    assert cleaned.kept == []
    assert drops(cleaned) == [("dialogue", -1, reason)]


@pytest.mark.parametrize(
    "answer",
    [
        "Я не могу выполнить этот запрос.",
        "Извините, но как ИИ-ассистент я воздержусь.",
        "Я — языковая модель, обученная отвечать.",
        "К сожалению, у меня нет доступа к интернету.",
        "As an AI language model, I have no opinion, но отвечу по-русски.",
        "I’m sorry, but I can’t help. Простите меня, пожалуйста.",
    ],
)
def test_stock_refusals_are_dropped(answer):
    assert drops(one(*talk("Расскажи что-нибудь.", answer))) == [("dialogue", -1, "refusal")]


@pytest.mark.parametrize(
    "answer",
    [
        "Извини, я опоздал.",
        "Я этого ещё не знаю. Расскажи мне!",
        "Компьютерная программа считает быстро.",
        "Про ChatGPT и OpenAI пишут в газетах.",
        "Не могу найти ключи, помоги.",
        "Языковая модель предсказывает следующее слово.",
        "Он сказал sorry и ушёл.",
        "Не буду ответить, он отвечать не хочет: вопрос сложный.",
    ],
)
def test_ordinary_words_are_no_refusal(answer):
    assert drops(one(*talk("Расскажи что-нибудь.", answer))) == []


def test_a_persons_own_words_are_never_a_refusal():
    assert drops(one(*talk("Как языковая модель, ты можешь больше?", "Могу немного."))) == []


def test_a_dialogue_said_before_is_a_duplicate_here_or_in_what_was_kept_earlier():
    messages = talk("Как дела?", "Хорошо.")
    records = [Record(f"r{n}", Dialogue(messages, "messages", f"c{n}")) for n in range(2)]

    known = fresh()
    first = clean(records, neighbours=known)
    later = clean(records, neighbours=known)

    assert [k.record_id for k in first.kept] == ["r0"]
    assert [(d.record_id, d.reason) for d in first.dropped] == [("r1", "exact_duplicate")]
    assert [d.cluster_id for d in first.dropped + later.dropped] == [first.kept[0].cluster_id] * 3
    assert later.kept == []


def test_the_same_conversation_with_more_turns_is_a_new_revision_of_it():
    short = Dialogue(talk("Как дела?", "Хорошо."), "nexus", "c1")
    long = msgspec.structs.replace(
        short, messages=talk("Как дела?", "Хорошо.", "А у кота?", "Тоже.")
    )

    kept = clean([Record("a", short), Record("b", long)]).kept

    assert kept[0].dialogue_id == kept[1].dialogue_id
    assert kept[0].revision != kept[1].revision
    assert [k.turns for k in kept] == [1, 2]


def test_the_split_depends_on_the_id_alone_and_has_its_shares():
    ids = np.array([content_id(str(n)) for n in range(20_000)], "S32")
    splits = Counter(SPLITS[number] for number in splits_of(ids))

    assert splits["train"] == pytest.approx(18_000, rel=0.02)
    assert splits["validation"] == pytest.approx(1_000, rel=0.1)
    assert splits["test"] == pytest.approx(1_000, rel=0.1)


@pytest.mark.parametrize(
    ("path", "kept", "reasons"),
    [
        ("nexus", 1, {}),
        ("oasst_ru", 76, {"near_duplicate": 4}),
        ("fastchat/data/dummy_conversation.json", 0, {"language_en": 500}),
    ],
)
def test_real_exports_are_accounted_for(shared_data, path, kept, reasons):
    records = [
        Record(f"{found.name} {n}", item)
        for found in sources.walk([shared_data / path])
        for n, item in enumerate(sources.read(found.path, root=found.root))
    ]

    cleaned = clean(records)

    assert len(cleaned.kept) == kept
    assert Counter(d.reason for d in cleaned.dropped if d.grain == "dialogue") == reasons


def test_the_shipped_sample_is_clean(sample_records):
    cleaned = clean(sample_records)

    assert len(cleaned.kept) == len(sample_records) >= 200
    assert cleaned.dropped == []


@pytest.fixture
def sample_records():
    from pathlib import Path

    folder = Path(sources.__file__).parent / "samples" / "dialogues"
    return [
        Record(f"{found.name} {n}", item)
        for found in sources.walk([folder])
        for n, item in enumerate(sources.read(found.path, root=found.root))
    ]
