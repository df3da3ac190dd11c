"""The published sets: instructions, self-chats, role-play, pairs, premises, votes."""

import json
from collections import Counter
from pathlib import Path

import pytest

from assets import sources
from assets.sources import sharegpt
from lake.schemas import Dialogue, Message, Preference, Unreadable


def read(folder: Path, content: str | list, **options: object) -> list[sources.Item]:
    path = folder / "set"
    is_text = isinstance(content, str)
    path.write_text(content if is_text else json.dumps(content, ensure_ascii=False), "utf-8")
    return list(sources.read(path, root=folder, options=sources.Options(**options)))


def said(item: sources.Item) -> list[tuple[str, str]]:
    assert isinstance(item, Dialogue), item
    return [(message.role[0], message.content) for message in item.messages]


def reasons(items: list[sources.Item]) -> list[str]:
    return [item.reason if isinstance(item, Unreadable) else "read" for item in items]


# --- alpaca -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        ({"instruction": "а?", "input": "", "output": "б"}, [("u", "а?"), ("a", "б")]),
        ({"instruction": "а?", "input": "в", "output": "б"}, [("u", "а?\n\nв"), ("a", "б")]),
        ({"instruction": "а?", "input": "<noinput>", "answer": "б"}, [("u", "а?"), ("a", "б")]),
    ],
)
def test_an_instruction_and_its_input_are_the_users_turn(tmp_path, record, expected):
    (dialogue,) = read(tmp_path, [record])

    assert said(dialogue) == expected
    assert (dialogue.source, dialogue.conversation_id) == ("alpaca", "")


def test_of_several_answers_the_best_one_counts_and_the_others_are_told(tmp_path):
    answers = {"output": "хуже", "alternative_output": "лучше", "full_output": ""}

    (dialogue,) = read(tmp_path, [{"instruction": "а?", **answers}])

    assert said(dialogue)[1] == ("a", "лучше")
    assert dialogue.remarks == ("Other answers of the record are left out: output.",)


def test_every_instance_of_a_seed_task_is_a_dialogue(tmp_path):
    task = {"instruction": "Реши", "instances": [{"input": n, "output": n} for n in ("1", "2")]}

    found = read(tmp_path, [task])

    assert [said(item)[0][1] for item in found] == ["Реши\n\n1", "Реши\n\n2"]
    assert [item.position for item in found] == ["item 1, instance 1", "item 1, instance 2"]


def test_an_instruction_without_words_or_answer_has_a_reason(tmp_path):
    found = read(tmp_path, [{"instruction": "", "output": "б"}, {"instruction": "а", "output": 5}])

    assert reasons(found) == ["bad_content", "bad_content"]


# --- saiga ------------------------------------------------------------------------------------


def test_columns_are_read_as_rows(tmp_path):
    columns = {"role": ["system", "user", "bot"], "content": ["ты", "а?", "б"]}

    (dialogue,) = read(tmp_path, [{"messages": columns, "seed": "x"}])

    assert said(dialogue) == [("s", "ты"), ("u", "а?"), ("a", "б")]
    assert dialogue.source == "saiga"


def test_columns_of_different_length_have_a_reason(tmp_path):
    columns = {"role": ["user", "bot"], "content": ["а?"]}

    assert reasons(read(tmp_path, [{"messages": columns}])) == ["bad_content"]


def test_a_card_is_the_system_message_of_its_dialogues(tmp_path):
    chat = [{"role": "operator", "content": "а?"}, {"role": "char", "content": "б"}]
    card = {"name": "Рокси", "context": "Рокер.", "greeting": "Йо!", "example_dialogue": chat}

    played = read(tmp_path, [{**card, "dialogues": [{"topic": "Рок", "chat": chat}, {}]}])
    (example,) = read(tmp_path, [card])

    assert said(played[0]) == [("s", "Ты Рокси. Рокер."), ("u", "а?"), ("a", "б")]
    assert (played[0].title, played[0].annotations) == ("Рок", ("greeting: Йо!",))
    assert [item.position for item in played] == ["item 1, dialogue 1", "item 1, dialogue 2"]
    assert reasons(played) == ["read", "no_messages"]
    assert said(example) == said(played[0])


def test_an_english_card_has_an_english_system_message(tmp_path):
    chat = [{"role": "user", "content": "hi"}, {"role": "char", "content": "hello"}]
    card = {"name": "Zelara", "context": "An elf.", "example_dialogue": chat}

    assert said(read(tmp_path, [card])[0])[0] == ("s", "You are Zelara. An elf.")


# --- pairs ------------------------------------------------------------------------------------

PAIR = {"instruction": "а?", "input": "", "left_answer": "л", "right_answer": "п", "id": "h1"}


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        ({**PAIR, "result": "left"}, ("л", "п", "votes")),
        ({**PAIR, "result": "right"}, ("п", "л", "votes")),
        ({**PAIR, "left_grade": 5.5, "right_grade": 8}, ("п", "л", "grades")),
        (
            {
                "input_values": PAIR,
                "known_solutions": [{"output_values": {"result": "left"}}],
            },
            ("л", "п", "votes"),
        ),
    ],
)
def test_the_better_answer_is_chosen(tmp_path, record, expected):
    (found,) = read(tmp_path, [record])

    assert isinstance(found, Preference)
    assert (found.chosen, found.rejected, found.origin) == expected
    assert (found.prompt, found.source) == ((Message("user", "а?"),), "pairs")
    assert (found.conversation_id, found.position) == ("h1", "item 1")


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        ({**PAIR, "result": "equal"}, "no_preference"),
        ({**PAIR, "left_grade": 8, "right_grade": 8.0}, "no_preference"),
        ({**PAIR}, "no_preference"),
        ({**PAIR, "left_answer": "", "result": "left"}, "bad_content"),
        ({**PAIR, "instruction": None, "result": "left"}, "bad_content"),
    ],
)
def test_a_tie_prefers_nothing(tmp_path, record, reason):
    assert reasons(read(tmp_path, [record])) == [reason]


# --- baize ------------------------------------------------------------------------------------


def test_baize_keeps_its_last_exchange_and_drops_the_empty_mark(tmp_path):
    opening = "The conversation between human and AI assistant.\n"
    text = f"{opening}[|Human|] а?\n[|AI|] б\n[|Human|] в?\n[|AI|] г\n[|Human|] "

    (dialogue,) = read(tmp_path, [{"topic": "тема", "input": text}])

    assert said(dialogue) == [("u", "а?"), ("a", "б"), ("u", "в?"), ("a", "г")]
    assert (dialogue.title, dialogue.annotations) == ("тема", ())


def test_another_opening_is_an_annotation_and_no_speaker_a_reason(tmp_path):
    found = read(tmp_path, [{"input": "Сцена.\n[|Human|] а?"}, {"input": "тишина"}, {"topic": 1}])

    assert found[0].annotations == ("Сцена.",)
    assert reasons(found) == ["read", "no_messages", "no_messages"]


# --- triples ----------------------------------------------------------------------------------


def test_the_premise_is_what_the_assistant_knows(tmp_path):
    found = read(tmp_path, "\nT: Я продаю\nT: Недорого\nQ: ты продаёшь?\nA: да\n\nQ: кто?\nA: я\n")

    assert [said(item) for item in found] == [
        [("s", "Я продаю\nНедорого"), ("u", "ты продаёшь?"), ("a", "да")],
        [("u", "кто?"), ("a", "я")],
    ]
    assert [item.position for item in found] == ["lines 2-5", "lines 7-8"]


def test_a_block_of_another_kind_is_told(tmp_path):
    found = read(tmp_path, "Q: кто?\nA: я\nи ты\n\nпросто текст\n\nT: Я продаю\n")

    assert said(found[0])[1] == ("a", "я\nи ты")
    assert reasons(found) == ["read", "bad_block", "no_messages"]


# --- rsg --------------------------------------------------------------------------------------

RCB = "premise;hypothesis;result;worker_id\n"


def test_the_majority_of_clean_votes_answers(tmp_path):
    votes = ["entailment6", "entailment", "neutral", "entailment"]

    found = read(tmp_path, RCB + "".join(f"Он судим.;Его судили.;{vote};w\n" for vote in votes))

    assert reasons(found) == ["unknown_label", "read"]
    assert found[0].position == "line 2"
    assert said(found[1]) == [
        ("u", "Он судим.\n\nСледует ли отсюда: «Его судили.»?"),
        ("a", "Да, следует."),
    ]
    assert found[1].annotations == ("label entailment; votes: entailment 2, neutral 1",)
    assert found[1].position == "line 3, line 4, line 5"


def test_ties_and_broken_rows_are_told(tmp_path):
    rows = "а;б;neutral;w\nа;б;entailment;w\nа;б\n" + "а;б;" + "x" * 200_000 + ";w\n\n"

    found = read(tmp_path, RCB + rows)

    assert reasons(found) == ["bad_row", "bad_row", "no_majority"]


@pytest.mark.parametrize(
    "header",
    [
        'INPUT:sent1;INPUT:sent2;INPUT:premise;INPUT:question;OUTPUT:variant\xa0"',
        '"premise;hypothesis;result',
    ],
)
def test_a_header_is_read_as_the_rows_are(tmp_path, header):
    """Found by the fuzzer: two ways of cutting the header disagreed, and a column was missing."""
    found = read(tmp_path, header + "\n" + "а;б;в;г;0\n")

    assert found
    assert all(isinstance(item, Unreadable) for item in found)


def test_columns_of_a_broken_header_break_the_rows_not_the_run(tmp_path):
    path = tmp_path / "set"
    path.write_bytes(RCB.strip().encode() + b";\xff\n" + "а;б;neutral;w\n".encode())

    assert reasons(list(sources.read(path, root=tmp_path))) == ["not_utf8"]


def test_the_other_two_tasks_are_worded_too(tmp_path):
    parus = "INPUT:sent1;INPUT:sent2;INPUT:premise;INPUT:question;OUTPUT:variant\nа;б;П.;В?;1\n"
    rwsd = "INPUT:text;INPUT:span1;OUTPUT:result\nМэт ушёл. <b>Он</b> спал.;Мэт;true\n"

    assert said(read(tmp_path, parus)[0]) == [("u", "П. В?\n1. а\n2. б"), ("a", "б")]
    assert said(read(tmp_path, rwsd)[0]) == [
        ("u", "Мэт ушёл. Он спал.\n\n«Он» относится к «Мэт»?"),
        ("a", "Да."),
    ]


# --- sharegpt ---------------------------------------------------------------------------------


def shared(*texts: str, system: str = "") -> Dialogue:
    roles = ("user", "assistant")
    turns = tuple(Message(roles[n % 2], text) for n, text in enumerate(texts))
    first = (Message("system", system),) if system else ()
    return Dialogue((*first, *turns), "sharegpt", "c")


def test_a_long_dialogue_is_split_between_pairs_and_none_is_lost():
    dialogue = shared("аа", "бб", "вв", "гг", "дд", "ее", system="с")

    parts = list(sharegpt.split(dialogue, 9))

    assert [said(part) for part in parts] == [
        [("s", "с"), ("u", "аа"), ("a", "бб"), ("u", "вв"), ("a", "гг")],
        [("s", "с"), ("u", "дд"), ("a", "ее")],
    ]
    assert [part.conversation_id for part in parts] == ["c_1", "c_5"]


def test_a_pair_over_the_limit_is_a_part_of_its_own():
    parts = list(sharegpt.split(shared("а", "б" * 20, "в", "г"), 5))

    assert [len(part.messages) for part in parts] == [2, 2]
    assert [len(part.remarks) for part in parts] == [1, 0]


def test_the_split_is_off_unless_the_setting_says_so(tmp_path):
    turns = [{"from": "human", "value": "а" * 50}, {"from": "gpt", "value": "б"}] * 2
    export = [{"id": "c", "conversations": turns}]

    (whole,) = read(tmp_path, export)
    parts = read(tmp_path, export, sharegpt_max_characters=60)

    assert whole.conversation_id == "c"
    assert [part.conversation_id for part in parts] == ["c_0", "c_2"]
    assert sum((part.messages for part in parts), ()) == whole.messages


# --- everything -------------------------------------------------------------------------------

DATA = {
    "camel": {"alpaca": 175, "not_a_dialogue": 4, "unknown_format": 1},
    "fastchat": {"sharegpt": 500, "not_a_dialogue": 31, "unknown_format": 3},
    "koziev": {"plain_text": 87_720, "triples": 85_711, "unknown_format": 3},
    "nexus": {"nexus": 1},
    "oasst": {"oasst": 276, "oasst preference": 1508, "unknown_format": 2},
    "oasst_ru": {"human_assistant": 80},
    "qlora": {"not_a_dialogue": 56, "unknown_format": 1},
    "rsg_human": {"rsg": 984, "unknown_label": 233, "no_majority": 97, "unknown_format": 4},
    "rulm": {
        "alpaca": 859,
        "saiga": 30,
        "pairs preference": 183,
        "no_preference": 17,
        "unknown_format": 2,
    },
    "saiga_bot": {"not_a_dialogue": 1, "unknown_format": 1},
}


def kind(item: sources.Item) -> str:
    if isinstance(item, Unreadable):
        return item.reason
    return f"{item.source} preference" if isinstance(item, Preference) else item.source


@pytest.mark.parametrize("folder", DATA)
def test_all_real_data_is_read_or_has_a_reason(shared_data, folder):
    """`unknown_format` are licences and descriptions, and Koziev's two lists of sentences."""
    counts: Counter[str] = Counter()
    for found in sources.walk([shared_data / folder]):
        items = list(sources.read(found.path, root=found.root))
        assert items, found.name
        counts.update(map(kind, items))

    assert counts == DATA[folder]
