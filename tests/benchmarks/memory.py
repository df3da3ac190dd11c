"""What memory is worth to the embedded base: facts told in one conversation, asked for in another.

    python -P tests/benchmarks/memory.py            # some minutes
    python -P tests/benchmarks/memory.py --seed tune --ablate --out ''

Invented persons tell thirty facts each, in words that the base's schooling lacks, to the embedded
base over the gateway's own log; the loop reads the log as far as `embeddings`, and nothing is
trained.  Then every fact is asked for in a conversation of its own, with memory and without.  An
answer is right if it is the fact, word for word, as the person told it or as the primer says it.
Also counted: answers that are another person's fact, what memory costs the base's own skills, what
becomes of the base's own summaries, and the questions of the shipped sample, whose facts nobody
drew from the primer's shapes.
`--ablate` tries other numbers of facts in the prompt and other weights; the shipped ones were
chosen with the seed `tune`, and the result is of another.
"""

import argparse
import json
import random
import shutil
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from assets import inbox, sources
from assets.recollection import Recalled, Recollection
from lake.ids import pseudonym_key, user_id_of
from lake.memories import Memories
from lake.settings import Settings, load
from models.backends.embedded import TransformersModel
from models.base import BaseModel, find_base
from models.memory import Remembered
from models.memory.addressing import to_the_person
from models.memory.extraction import Told
from models.memory.phrases import PrimerPhrases
from models.memory.prompting import SCHOOLED_FACTS, with_memories
from models.memory.readings import lemmas
from models.memory.reflection import reflect, windows
from models.memory.summary import summaries
from models.primer.draw import Draw
from models.primer.facts import Fact, draw_facts
from models.primer.formats.teaching import told
from models.primer.registry import draw_skill
from models.processes import calm_down
from models.self_chat.filters import folded
from models.serving.conversation_log import ConversationLog
from orchestration import turn

RESULTS = Path(__file__).parent / "results" / "memory.json"
NAMES = ("Аня", "Боря", "Вера", "Глеб", "Дина", "Егор", "Жанна", "Захар")
HEARD = 4  # messages before it that the base sees when it answers a fact: its context is short
WEIGHTS = {
    "paper, 1 1 1": (1.0, 1.0, 1.0),
    "its code, .5 2 3": (0.5, 2.0, 3.0),
    "a tenth of relevance": (0.1, 0.1, 1.0),
    "relevance alone": (0.0, 0.0, 1.0),
    "shipped": None,
}


@dataclass(frozen=True)
class Person:
    """An invented person: the facts told, and in which words each is told and asked for."""

    name: str
    facts: list[Fact]
    statements: list[str]
    questions: list[str]

    def answers(self, n: int) -> set[str]:
        """Return the right answers to a question, folded."""
        fact = self.facts[n]
        return {folded(fact.sentence), folded(to_the_person(fact.statement))}


@dataclass(frozen=True)
class Bench:
    """A home over which the loop has run, and the model that answers."""

    settings: Settings
    people: list[Person]
    model: TransformersModel

    def user_id(self, person: Person) -> str:
        """Return a person's pseudonym in this home."""
        return user_id_of(person.name, pseudonym_key(self.settings.home))

    def recalled(self, settings: Settings) -> list[list[list[Recalled]]]:
        """Return what comes to mind at every question of every person."""
        mind, now = Recollection(settings.home, settings), datetime.now(UTC)
        return [[mind.about(self.user_id(p), q, now) for q in p.questions] for p in self.people]

    def asked(self, recalled: list[list[list[Recalled]]], facts: int) -> list[list[str]]:
        """Return the answers to every question, with so many recalled facts in the prompt."""
        prompts = [
            with_memories([_user(question)], found if facts else [], schooled=True, facts=facts)
            for person, of_person in zip(self.people, recalled, strict=True)
            for question, found in zip(person.questions, of_person, strict=True)
        ]
        said = iter(self.model.generate(prompts, max_new_tokens=64))
        return [[next(said).text.strip() for _ in person.questions] for person in self.people]

    def share_right(self, answers: list[list[str]]) -> float:
        """Return the share of right answers."""
        right = [
            folded(answer) in person.answers(n)
            for person, given in zip(self.people, answers, strict=True)
            for n, answer in enumerate(given)
        ]
        return round(sum(right) / len(right), 3)

    def of_others(self, answers: list[list[str]]) -> int:
        """Return how many answers are a fact of another person and none of one's own."""
        own = [{a for n in range(len(p.facts)) for a in p.answers(n)} for p in self.people]
        return sum(
            folded(answer) not in own[n] and any(folded(answer) in o for o in own)
            for n, given in enumerate(answers)
            for answer in given
        )


def main(arguments: argparse.Namespace) -> None:
    """Print and write what was measured."""
    calm_down()
    base = find_base("embedded", arguments.models)
    if base is None:
        raise SystemExit(f"no base `embedded` in {arguments.models}: `steppe base grow` first")
    with tempfile.TemporaryDirectory() as folder:
        started = time.monotonic()
        bench = _prepared(Path(folder) / "home", base, arguments)
        found = _measured(bench)
        if arguments.ablate:
            found["ablation"] = _ablation(bench)
        found["sample"] = _sample(Path(folder) / "sample", base)
        found["seconds"] = round(time.monotonic() - started, 1)
    print(json.dumps(found, ensure_ascii=False, indent=1))
    if arguments.out:
        Path(arguments.out).write_text(
            json.dumps(found, ensure_ascii=False, indent=1) + "\n", encoding="utf-8"
        )


def _prepared(home: Path, base: BaseModel, arguments: argparse.Namespace) -> Bench:
    settings = load(home=home)
    shutil.copytree(base.path, settings.models_dir / "bases" / base.path.name)
    draw = Draw(random.Random(f"memory {arguments.seed}"), "held_out")
    people = [_person(name, draw, arguments.facts) for name in NAMES[: arguments.people]]
    bench = Bench(settings, people, TransformersModel(base.path))
    _tell(bench)
    turn.grow(settings, until="embeddings")
    return bench


def _person(name: str, draw: Draw, count: int) -> Person:
    facts = draw_facts(draw, count)
    statements = [told(fact, draw)[0].content for fact in facts]
    return Person(name, facts, statements, [fact.question(draw) for fact in facts])


def _tell(bench: Bench) -> None:
    """Let every person tell the facts in one conversation, answered by the base itself."""
    log = ConversationLog(bench.settings.inbox, bench.settings.home / "streams")
    talks: list[list[dict[str, str]]] = [[] for _ in bench.people]
    for n in range(len(bench.people[0].facts)):
        for talk, person in zip(talks, bench.people, strict=True):
            talk.append(_user(person.statements[n]))
        said = bench.model.generate([talk[-HEARD - 1 :] for talk in talks], max_new_tokens=64)
        for talk, person, answer in zip(talks, bench.people, said, strict=True):
            about = {"conversation_id": f"told-{person.name}", "request_id": f"{person.name}-{n}"}
            log.put("request", **about, user=person.name, adapter="base", messages=talk)
            finish = {"content": answer.text, "finish": answer.finish}
            log.put("answer", **about, user=person.name, adapter="base", **finish)
            talk.append({"role": "assistant", "content": answer.text})
    log.close()


def _measured(bench: Bench) -> dict[str, Any]:
    recalled = bench.recalled(bench.settings)
    with_it, without = bench.asked(recalled, SCHOOLED_FACTS), bench.asked(recalled, 0)
    kept = [Memories(bench.settings.home).list(bench.user_id(p)) for p in bench.people]
    ids = [{row["memory_id"] for row in rows} for rows in kept]
    foreign = [
        memory.memory_id
        for own, of_person in zip(ids, recalled, strict=True)
        for found in of_person
        for memory in found
        if memory.kind != "turn" and memory.memory_id not in own
    ]
    return {
        "people": len(bench.people),
        "facts_told": sum(len(p.facts) for p in bench.people),
        "memories": sum(map(len, kept)),
        "right_with_memory": bench.share_right(with_it),
        "right_without": bench.share_right(without),
        "answers_of_another_person": bench.of_others(with_it),
        "memories_of_another_person": len(foreign),
        "the_fact_comes_first": _first(bench, recalled),
        "own_skills": _skills(bench),
        "written_by_the_base": _written(bench),
        "wrong": _wrong(bench, recalled, with_it)[:20],
    }


def _first(bench: Bench, recalled: list[list[list[Recalled]]]) -> float:
    """Return how often the best memory is the fact that was asked for."""
    hits = [
        bool(facts) and folded(facts[0]) in person.answers(n)
        for person, of_person in zip(bench.people, recalled, strict=True)
        for n, found in enumerate(of_person)
        for facts in [[m.text for m in found if m.kind == "fact"]]
    ]
    return round(sum(hits) / len(hits), 3)


def _skills(bench: Bench, count: int = 300) -> dict[str, float]:
    """Return the share of the base's own skills that are right, with memory and without."""
    draw = Draw(random.Random("skills"), "held_out")
    turns = [t for _ in range(count) for t in draw_skill(draw).turns(draw)[:1] if t.determined]
    person, mind = bench.people[0], Recollection(bench.settings.home, bench.settings)
    user_id, now = bench.user_id(person), datetime.now(UTC)
    found = [mind.about(user_id, t.question, now) for t in turns]
    shares = {}
    for name, memories in (("with_memory", found), ("without", [[] for _ in turns])):
        prompts = [
            with_memories([_user(t.question)], m, schooled=True)
            for t, m in zip(turns, memories, strict=True)
        ]
        said = bench.model.generate(prompts, max_new_tokens=64)
        right = [folded(s.text) == folded(t.answer) for s, t in zip(said, turns, strict=True)]
        shares[name] = round(sum(right) / len(right), 3)
    reminded = sum(bool([m for m in f if m.kind == "fact"]) for f in found) / len(found)
    return {**shares, "reminded_of_something": round(reminded, 3), "questions": len(turns)}


def _written(bench: Bench, talks: int = 200) -> dict[str, Any]:
    """Let the base sum up talks of four taught facts each, and reflect on ten facts at a time."""
    draw = Draw(random.Random("written"), "held_out")
    now = datetime.now(UTC)
    dialogues = []
    for n in range(talks):
        said = [s for fact in draw_facts(draw, 4) for s in told(fact, draw)]
        messages = [{"role": s.role, "content": s.content} for s in said]
        dialogues.append(Told(f"talk-{n}", messages, now, taught=False))
    sums = summaries(dialogues, bench.model, PrimerPhrases())
    kept = [o.text for o, _ in sums if o]
    thoughts = [
        reflect(window, bench.model, PrimerPhrases())
        for person in bench.people
        for window in windows(_as_memories(person, now), 50)
    ]
    return {
        "summaries": {"asked": talks, "kept": len(kept), "examples": kept[:5]},
        "summaries_refused": dict(Counter(reason for _, reason in sums if reason)),
        "reflections": {"asked": len(thoughts), "kept": sum(map(bool, (i for i, _ in thoughts)))},
    }


def _as_memories(person: Person, now: datetime) -> list[Remembered]:
    texts = [to_the_person(fact.statement) for fact in person.facts]
    return [Remembered(text, 5, now, now, ("d/0",), (text,)) for text in texts]


def _sample(home: Path, base: BaseModel) -> dict[str, Any]:
    """Ask the shipped sample's held-out questions of the bare base, with memory and without.

    An answer is right if its own words are those of the sample's answer, in any form.
    """
    settings = load(home=home)
    shutil.copytree(base.path, settings.models_dir / "bases" / base.path.name)
    samples = Path(sources.__file__).parent / "samples"
    inbox.take_in([samples / "dialogues"], settings.inbox, day=datetime.now(UTC).date())
    turn.grow(settings, until="embeddings")
    lines = (samples / "held_out.jsonl").read_text(encoding="utf-8").splitlines()
    asked = [json.loads(line) for line in lines]
    owner = user_id_of(settings.owner, pseudonym_key(home))
    mind, now = Recollection(home, settings), datetime.now(UTC)
    found = [mind.about(owner, row["question"], now) for row in asked]
    model = TransformersModel(base.path)
    shares: dict[str, Any] = {"memories": len(Memories(home).list(owner)), "questions": len(asked)}
    for name, memories in (("right_with_memory", found), ("right_without", [[] for _ in asked])):
        prompts = [
            with_memories([_user(row["question"])], m, schooled=True)
            for row, m in zip(asked, memories, strict=True)
        ]
        said = model.generate(prompts, max_new_tokens=64)
        right = [
            set(lemmas(s.text)) == set(lemmas(row["answer"]))
            for s, row in zip(said, asked, strict=True)
        ]
        shares[name] = round(sum(right) / len(right), 3)
    return shares


def _ablation(bench: Bench) -> dict[str, Any]:
    rows: dict[str, Any] = {"facts_in_prompt": {}, "weights": {}, "least_similarity": {}}
    recalled = bench.recalled(bench.settings)
    for facts in (0, 1, 2, 3, 4):
        rows["facts_in_prompt"][facts] = bench.share_right(bench.asked(recalled, facts))
    for name, weights in WEIGHTS.items():
        chosen = _changed(bench.settings, weights)
        found = bench.recalled(chosen)
        right = bench.share_right(bench.asked(found, SCHOOLED_FACTS))
        rows["weights"][name] = {"right": right, "first": _first(bench, found)}
    for least in (0.0, 0.1, 0.2, 0.3):
        memory = bench.settings.memory.model_copy(update={"least_similarity": least})
        chosen = bench.settings.model_copy(update={"memory": memory})
        right = bench.share_right(bench.asked(bench.recalled(chosen), SCHOOLED_FACTS))
        own = _skills(Bench(chosen, bench.people, bench.model))
        rows["least_similarity"][least] = {"right": right, **own}
    return rows


def _changed(settings: Settings, weights: tuple[float, float, float] | None) -> Settings:
    if weights is None:
        return settings
    named = dict(zip(("recency", "importance", "relevance"), weights, strict=True))
    return settings.model_copy(update={"memory": settings.memory.model_copy(update=named)})


def _wrong(
    bench: Bench, recalled: list[list[list[Recalled]]], answers: list[list[str]]
) -> list[dict[str, Any]]:
    return [
        {
            "told": person.statements[n],
            "asked": person.questions[n],
            "answered": answer,
            "recalled": [m.text for m in found if m.kind == "fact"][:1],
        }
        for person, of_person, given in zip(bench.people, recalled, answers, strict=True)
        for n, (found, answer) in enumerate(zip(of_person, given, strict=True))
        if folded(answer) not in person.answers(n)
    ]


def _user(content: str) -> dict[str, str]:
    return {"role": "user", "content": content}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--models", type=Path, default=Path(".steppe/test-models"))
    parser.add_argument("--people", type=int, default=5)
    parser.add_argument("--facts", type=int, default=30)
    parser.add_argument("--seed", default="bar")
    parser.add_argument("--ablate", action="store_true")
    parser.add_argument("--out", default=str(RESULTS))
    main(parser.parse_args())
