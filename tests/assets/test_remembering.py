"""From dialogues to memories and back to nothing: incremental, consented, forgotten for good."""

import subprocess
import sys
import threading
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from assets import forgetting, observing, remembering
from assets.observing import Reader
from lake import query
from lake.errors import DataError
from lake.ids import content_id
from lake.memories import Memories
from lake.settings import Settings
from lake.tables import Lake, Provenance
from models.encoders import load_encoder
from models.memory.phrases import WrittenPhrases
from models.testing import ScriptedModel

ANYA, BORYA = content_id("Аня"), content_id("Боря")
DAY, NEXT = date(2026, 1, 1), date(2026, 1, 2)
LATER = datetime.now(UTC) + timedelta(days=1)
BY = Provenance("test")
RULES = Reader(observing.RULES)
Tell = Callable[..., dict]


def dialogue(name: str, *said: str, user: str = ANYA, hour: int = 0, **changes) -> dict:
    """Return a row of `cleaned_dialogues`: turns of a person and the assistant, a minute apart."""
    began = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(hours=hour)
    messages = [
        {
            "message_id": "",
            "role": ("user", "assistant")[n % 2],
            "content": text,
            "created_at": began + timedelta(minutes=n),
        }
        for n, text in enumerate(said)
    ]
    row = {
        "dialogue_id": content_id("dialogue", name),
        "revision": content_id(*said),
        "record_id": name,
        "source": "gateway",
        "conversation_id": name,
        "title": "",
        "user_id": user,
        "participants": [],
        "messages": messages,
        "language": "ru",
        "consent": "granted",
        "split": "train",
        "cluster_id": name,
        "quality": 1.0,
        "turns": len(said) // 2,
        "characters": 1,
    }
    return {**row, **changes}


DOG = dialogue("dog", "Запомни: мою собаку зовут Буран.", "Запомнил: твою собаку зовут Буран.")
TOWN = dialogue("town", "Я живу в Омске.", "Запомнил: ты живёшь в Омске.", hour=1)
MOVED = dialogue("moved", "Я живу в Туле.", "Запомнил: ты живёшь в Туле.", hour=2)
CAT = dialogue("cat", "Моего кота зовут Рыжик.", "Запомнил.", user=BORYA)


@pytest.fixture
def memories(chosen: Settings) -> Memories:
    return Memories(chosen.home)


@pytest.fixture
def keep(lake: Lake) -> Callable[..., None]:
    """Return `keep(day, row, ...)`: the cleaned dialogues of a day are these from now on."""

    def write(day: date, *rows: dict) -> None:
        made_from = content_id(*(r["revision"] + r["consent"] for r in rows), "cleaned")
        lake.replace("cleaned_dialogues", rows, day=day, made_from=made_from, by=BY)

    return write


@pytest.fixture
def remember(lake: Lake, memories: Memories, chosen: Settings) -> Callable[..., dict[str, int]]:
    """Return `remember()`: every day is read again, and whoever it changes is remembered anew."""

    def run(*days: date, reader: Reader = RULES) -> dict[str, int]:
        for day in days or (DAY, NEXT):
            observing.read_day(lake, chosen, day, reader, BY)
        encoder = load_encoder(chosen.encoder, models_dir=chosen.models_dir)
        return remembering.consolidate(lake, memories, chosen, reader, encoder)

    return run


def texts(memories: Memories, user: str = ANYA, *, replaced: bool = False) -> list[str]:
    return [row["text"] for row in memories.list(user, replaced=replaced)]


# --- reading and consolidating ------------------------------------------------------------------


def test_what_people_told_is_remembered_of_each(lake, memories, keep, remember) -> None:
    keep(DAY, DOG, CAT)
    remember()

    assert ["твою собаку зовут Буран"] == texts(memories)
    assert ["твоего кота зовут Рыжик"] == texts(memories, BORYA)
    assert [] == remembering.without_sources(lake, memories)


def test_twice_the_same_writes_nothing(lake, memories, chosen, keep, remember) -> None:
    keep(DAY, DOG, CAT)
    first = remember()
    before = (memories.version(ANYA), lake.rows("embeddings_observations"))

    assert {ANYA: 1, BORYA: 1} == first
    assert {} == remember()
    assert before == (memories.version(ANYA), lake.rows("embeddings_observations"))


def test_only_who_said_something_new_is_remembered_anew(memories, keep, remember) -> None:
    keep(DAY, DOG, CAT)
    remember()
    keep(NEXT, TOWN)

    assert {ANYA: 2} == remember()


def test_the_order_of_days_changes_nothing(lake, chosen, tmp_path, keep, remember) -> None:
    keep(DAY, MOVED)
    remember(DAY)
    keep(NEXT, TOWN, DOG)
    remember(NEXT)
    there = Memories(chosen.home).list(ANYA, replaced=True)

    Memories(chosen.home).forget(user_id=ANYA)
    remember(NEXT, DAY)

    assert there == Memories(chosen.home).list(ANYA, replaced=True)


def test_a_newer_value_stands_and_the_older_is_history(memories, keep, remember) -> None:
    keep(DAY, TOWN)
    remember()
    keep(NEXT, MOVED)
    remember()

    assert ["ты живёшь в Туле"] == texts(memories)
    old, new = memories.list(ANYA, replaced=True)
    assert new["memory_id"] == old["replaced_by"]
    assert new["created_at"] == old["replaced_at"]


def test_the_newest_revision_of_a_dialogue_counts(memories, keep, remember) -> None:
    longer = dialogue(
        "dog", "Запомни: мою собаку зовут Буран.", "Запомнил.", "Я живу в Омске.", "Запомнил."
    )
    keep(DAY, DOG)
    keep(NEXT, longer)
    remember()

    assert ["твою собаку зовут Буран", "ты живёшь в Омске"] == texts(memories)
    assert [1, 1] == [len(row["sources"]) for row in memories.list(ANYA)]


def test_without_consent_nothing_is_remembered(lake, memories, keep, remember) -> None:
    keep(DAY, DOG, TOWN)
    remember()
    keep(DAY, {**DOG, "consent": "explore"}, TOWN)
    remember()

    assert ["ты живёшь в Омске"] == texts(memories)
    read = {row["dialogue_id"] for row in lake.rows("embeddings_observations")}
    assert {TOWN["dialogue_id"]} == read


def test_a_dialogue_that_is_gone_takes_its_memories_along(memories, keep, remember) -> None:
    keep(DAY, DOG, CAT)
    remember()
    keep(DAY, CAT)
    remember()

    assert ([], [BORYA]) == (texts(memories), memories.people())


def test_strangers_of_a_dataset_are_not_remembered(lake, memories, keep, remember) -> None:
    keep(DAY, {**DOG, "source": "oasst"})
    remember()

    assert [] == memories.people()
    assert {"stranger"} == {row["reason"] for row in lake.rows("embeddings_observations")}


def test_every_turn_is_remembered_or_passed_over(lake, keep, remember) -> None:
    keep(DAY, DOG, dialogue("talk", "Привет!", "Привет!", "Где мой зонт?", "Не знаю."))
    remember()

    rows = query.ask(lake, "select reason, count(*) as n from embeddings_observations group by 1")
    assert {"": 1, "acknowledgement": 1, "small_talk": 1, "question": 1, "unconfirmed": 2} == {
        row["reason"]: row["n"] for row in rows
    }
    for check in (
        "assert_every_turn_is_remembered_or_passed_over",
        "assert_observations_have_words_or_a_reason",
    ):
        assert [] == query.offending(lake, check)


def test_it_is_known_when_there_is_nothing_to_do(lake, memories, chosen, keep, remember) -> None:
    encoder = load_encoder(chosen.encoder, models_dir=chosen.models_dir).encoder_id

    def is_stale(encoder_id: str = encoder) -> bool:
        return remembering.is_stale(lake, memories, chosen, observing.RULES, encoder_id)

    assert not is_stale()
    keep(DAY, DOG)
    assert is_stale()
    remember()
    assert not is_stale()
    assert is_stale("another encoder")
    forgetting.forget_memory(lake, memories.list(ANYA)[0]["memory_id"], "так")
    assert is_stale()


# --- forgetting ---------------------------------------------------------------------------------


def holding(folder: Path, words: str) -> list[str]:
    files = (p for p in folder.rglob("*") if p.is_file())
    return [p.name for p in files if words.encode() in p.read_bytes()]


def test_what_is_forgotten_is_not_read_again(lake, memories, chosen, keep, remember) -> None:
    keep(DAY, DOG, TOWN)
    remember()
    (dog,) = [row for row in memories.list(ANYA) if "Буран" in row["text"]]

    assert [dog["memory_id"]] == forgetting.forget_memory(lake, dog["memory_id"], "не надо")
    assert ["ты живёшь в Омске"] == texts(memories)
    assert [] == holding(lake.path("embeddings_observations"), "Буран")
    assert [] == holding(memories.root, "Буран")
    remember()
    assert ["ты живёшь в Омске"] == texts(memories)
    reasons = {row["reason"] for row in lake.rows("embeddings_observations")}
    assert "forgotten" in reasons


def test_what_is_told_again_is_remembered_again(lake, memories, keep, remember) -> None:
    keep(DAY, DOG)
    remember()
    forgetting.forget_memory(lake, memories.list(ANYA)[0]["memory_id"], "не надо")
    keep(NEXT, dialogue("again", "Мою собаку зовут Буран.", "Запомнил.", hour=30))
    remember()

    assert ["твою собаку зовут Буран"] == texts(memories)
    assert 1 == len(memories.list(ANYA)[0]["sources"])


def test_a_memory_goes_with_what_it_had_replaced(lake, memories, keep, remember) -> None:
    keep(DAY, TOWN, MOVED)
    remember()
    (new,) = memories.list(ANYA)

    assert 2 == len(forgetting.forget_memory(lake, new["memory_id"], "не надо"))
    remember()
    assert [] == texts(memories, replaced=True)


def test_the_other_fact_of_a_turn_stays(lake, memories, keep, remember) -> None:
    keep(DAY, dialogue("two", "Меня зовут Аня. Я живу в Омске.", "Запомнил."))
    remember()
    (town,) = [row for row in memories.list(ANYA) if "Омске" in row["text"]]
    forgetting.forget_memory(lake, town["memory_id"], "не надо")
    remember()

    assert ["тебя зовут Аня"] == texts(memories)


def test_a_person_is_forgotten_with_everything_said_so_far(lake, memories, keep, remember) -> None:
    keep(DAY, DOG, TOWN, CAT)
    remember()

    assert 2 == len(forgetting.forget_person(lake, ANYA, "ушла"))
    remember()
    assert [BORYA] == memories.people()
    assert [] == holding(lake.path("embeddings_observations"), "Буран")
    keep(NEXT, {**MOVED, "messages": [{**m, "created_at": LATER} for m in MOVED["messages"]]})
    remember()
    assert ["ты живёшь в Туле"] == texts(memories)


def test_what_a_person_told_before_and_comes_later_stays_forgotten(
    lake, memories, keep, remember
) -> None:
    keep(DAY, DOG, CAT)
    remember()
    forgetting.forget_person(lake, ANYA, "ушла")
    asked, answer = MOVED["messages"]
    both = [*MOVED["messages"], {**asked, "created_at": LATER}, {**answer, "created_at": LATER}]
    keep(NEXT, TOWN, {**MOVED, "messages": both})
    remember()

    assert ["ты живёшь в Туле"] == texts(memories)
    assert [[f"{MOVED['dialogue_id']}/2"]] == [r["sources"] for r in memories.list(ANYA)]
    assert [] == holding(lake.path("embeddings_observations"), "Омске")
    (fate,) = {
        row["reason"]
        for row in lake.rows("embeddings_observations")
        if row["dialogue_id"] == TOWN["dialogue_id"]
    }
    assert "forgotten" == fate


@pytest.mark.parametrize("whole", [True, False])
def test_a_word_that_was_noted_and_not_carried_out_is_followed_at_the_next_run(
    lake, memories, chosen, keep, remember, monkeypatch, whole: bool
) -> None:
    keep(DAY, DOG)
    remember()
    what = ANYA if whole else memories.list(ANYA)[0]["memory_id"]
    forget = forgetting.forget_person if whole else forgetting.forget_memory
    with monkeypatch.context() as killed:
        killed.setattr(forgetting, "_strike", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            forget(lake, what, "не надо")
    assert holding(lake.path("embeddings_observations"), "Буран")
    assert forgetting.carry_out(lake)
    assert not forgetting.carry_out(lake)
    assert [] == holding(lake.path("embeddings_observations"), "Буран")
    assert [] == holding(memories.root, "Буран")
    encoder = load_encoder(chosen.encoder, models_dir=chosen.models_dir)
    remembering.consolidate(lake, memories, chosen, RULES, encoder)

    assert [] == texts(memories)


def test_forgetting_waits_while_the_loop_reads(lake, memories, chosen, keep, remember) -> None:
    keep(DAY, DOG)
    remember()
    memory_id = memories.list(ANYA)[0]["memory_id"]
    word = threading.Thread(target=forgetting.forget_memory, args=(lake, memory_id, "не надо"))
    with observing.lock(chosen.home):
        word.start()
        word.join(0.5)
        assert word.is_alive()
        remember()
    word.join()

    assert [] == texts(memories)
    assert {} == remember()
    assert [] == texts(memories)


def test_what_was_forgotten_is_told_without_its_words(lake, memories, keep, remember) -> None:
    keep(DAY, DOG)
    remember()
    forgetting.forget_memory(lake, memories.list(ANYA)[0]["memory_id"], "не надо")

    (row,) = lake.rows("embeddings_forgotten")
    assert ("fact", "не надо", [f"{DOG['dialogue_id']}/0"]) == (
        row["kind"],
        row["reason"],
        row["sources"],
    )
    assert "Буран" not in str(row)


def test_nothing_is_forgotten_that_is_not_there(lake) -> None:
    with pytest.raises(DataError, match="hint:"):
        forgetting.forget_memory(lake, content_id("nothing"), "так")
    with pytest.raises(DataError, match="hint:"):
        forgetting.forget_person(lake, ANYA, "так")
    with pytest.raises(DataError, match="hint:"):
        forgetting.forget_person(lake, "' or '1'='1", "так")


# --- what a model writes ------------------------------------------------------------------------


def answered(request: str) -> str:
    """Read, sum up and reflect by the words of the request."""
    if "Выпиши" in request:
        return "0 | 8 | твою собаку зовут Буран\n2 | 7 | ты живёшь в Омске"
    return "1, 2 | ты живёшь с собакой" if "выводы" in request else "говорили про собаку"


TALK = dialogue(
    "talk", "Моя собака — Буран, так её и зовут.", "Хорошо.", "Живу я в Омске.", "Ясно."
)


@pytest.fixture
def writer(chosen: Settings) -> Reader:
    return Reader(
        content_id("writer"),
        ScriptedModel(says=answered),
        WrittenPhrases(),
        follows_instructions=True,
    )


@pytest.fixture
def chosen(tmp_path: Path) -> Settings:
    """Settings under which two turns are a long dialogue and two facts enough to reflect on."""
    from lake.settings import load

    memory = {"summary_turns": 2, "reflection_importance": 15}
    return load(home=tmp_path / "home", base_model="embedded-quick", recipe="quick", memory=memory)


def test_a_model_reads_sums_up_and_reflects(lake, memories, keep, remember, writer) -> None:
    keep(DAY, TALK)
    remember(reader=writer)

    rows = {row["kind"]: row for row in memories.list(ANYA)}
    facts = [row for row in memories.list(ANYA) if row["kind"] == "fact"]
    assert {"fact", "summary", "reflection"} == set(rows)
    assert [8, 7] == [row["importance"] for row in facts]
    assert sorted(row["memory_id"] for row in facts) == sorted(rows["reflection"]["sources"])
    assert [f"{TALK['dialogue_id']}/0", f"{TALK['dialogue_id']}/2"] == rows["summary"]["sources"]
    assert [] == remembering.without_sources(lake, memories)


def test_a_window_is_reflected_on_once(memories, keep, remember, writer) -> None:
    keep(DAY, TALK)
    remember(reader=writer)
    keep(NEXT, dialogue("tea", "Люблю чай.", "Ясно.", hour=30))
    remember(reader=writer)

    assert 1 == sum("выводы" in request for request in writer.model.asked)
    assert ["ты живёшь с собакой"] == [
        row["text"] for row in memories.list(ANYA) if row["kind"] == "reflection"
    ]


def test_summaries_and_reflections_go_with_a_fact_they_rest_on(
    lake, memories, keep, remember, writer
) -> None:
    keep(DAY, TALK)
    remember(reader=writer)
    (dog,) = [row for row in memories.list(ANYA) if "зовут Буран" in row["text"]]
    gone = forgetting.forget_memory(lake, dog["memory_id"], "не надо")

    assert 3 == len(gone)
    assert ["ты живёшь в Омске"] == texts(memories)
    asked = len(writer.model.asked)
    remember(reader=writer)
    assert "твою собаку зовут Буран" not in texts(memories)
    shown = [request for request in writer.model.asked[asked:] if "Перескажи" in request]
    assert not any("Буран" in request for request in shown)


def test_a_memory_without_its_source_is_found(lake, memories, keep, remember) -> None:
    keep(DAY, DOG, CAT)
    remember()
    (stolen,) = memories.list(BORYA)
    row = {k: v for k, v in stolen.items() if k != "last_used_at"}
    row |= {"sources": [f"{DOG['dialogue_id']}/0"], "vector": [0.0] * 1024}
    memories.upsert([row], dimensions=1024)

    assert [stolen["memory_id"]] == [
        wrong["memory_id"] for wrong in remembering.without_sources(lake, memories)
    ]


# --- recollection -------------------------------------------------------------------------------


def test_recollecting_imports_no_torch(chosen: Settings) -> None:
    code = (
        "import sys; from datetime import datetime, UTC; from pathlib import Path;"
        "from assets.recollection import Recollection; from lake.settings import load;"
        f"s = load(home=Path({str(chosen.home)!r}));"
        f"print(Recollection(s.home, s).about('{ANYA}', 'Где я живу?', datetime.now(UTC)));"
        "print(sorted({'torch', 'transformers', 'dagster'} & set(sys.modules)))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert ["[]", "[]"] == found.stdout.split("\n")[:2]
