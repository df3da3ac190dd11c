"""Who talks with itself, in which words, by which rules: what a run of self-chat needs.

The champion talks, or the bare base while there is none; or another model, where the settings
name one behind an API.  A judge is asked only if it is another model than the one that talks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assets import comparisons, exams, moderation
from assets.lineage import adapter_folder, champion
from assets.records import chat_of, messages_of, pairs
from lake import query
from lake.errors import SettingsError
from lake.ids import content_id
from lake.settings import Settings
from lake.tables import Lake
from models import base as bases
from models import replay, self_chat
from models.judge_ids import judges_itself

if TYPE_CHECKING:
    from models.backends import ChatModel
    from models.evaluation.pairwise import Judge
    from models.self_chat.phrases import Phrases
    from models.self_chat.stage import Stage

OTHERS = {
    "self_chats_dialogues": "session_id != ''",
    "self_chats_dropped": "session_id != ''",
    "self_chats_preferences": "(session_id != '' or origin in ('thumb', 'edit', 'regeneration'))",
}
"""Rows of a day that are not of the night's own self-chat: of sessions, and of people."""
Row = dict[str, Any]
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class Talks:
    """The self-chat of one day: the home it is held in, on which base."""

    lake: Lake
    settings: Settings
    base: bases.BaseModel
    day: date

    def hold(
        self,
        seeds: Sequence[self_chat.Seed],
        plan: self_chat.Plan,
        progress: Progress | None = None,
        *,
        journal: Path,
    ) -> list[self_chat.SelfChat]:
        """Return every dialogue the model held over these seeds, kept or not.

        `journal` is a folder of this run's own: what it says is kept there until it is written.
        """
        from models.self_chat.generation import generate

        if not seeds or not plan.draws:
            return []
        return generate(self.stage(seeds, plan), seeds, progress, journals=journal)

    def seeds(self, told: Sequence[Row], number: int) -> list[self_chat.Seed]:
        """Return the dialogues to start from, with as much of the base's schooling as is set."""
        own = seeds_of(told)
        wanted = self.settings.self_chat.practice
        schooled = replay.practice(self.base, wanted, seed=number) if own and wanted else []
        return own + [self_chat.Seed(name, pairs(said), told=False) for name, said in schooled]

    def stage(self, seeds: Sequence[self_chat.Seed], plan: self_chat.Plan) -> Stage:
        """Return who talks, in which words, by which rules."""
        from models.self_chat.filters import Filters
        from models.self_chat.policy import load
        from models.self_chat.stage import Stage

        filters = Filters.over(
            seeds,
            exams.asked(self.lake, self.settings),
            policy=load(self.settings.self_chat.policy),
            known=asked_before(self.lake, self.day),
            moderate=moderation.of(self.settings),
        )
        model = self.speaker()
        return Stage(model, self.phrases(), plan, filters, self.judge_of(model))

    def speaker(self) -> ChatModel:
        """Return the model that talks: the champion on its base, or one behind an API."""
        if self.settings.self_chat.backend == "openai":
            return _behind_an_api(self.settings)
        reigning = champion(self.lake, self.base.base_id)
        folder = adapter_folder(self.settings, reigning) if reigning else None
        name = reigning or self.base.base_id
        if self.settings.self_chat.backend == "vllm":
            from models.backends.vllm import VllmModel

            return VllmModel(self.base.path, folder, name)
        from models.backends.embedded import TransformersModel

        return TransformersModel(self.base.path, folder, model_id=name)

    def phrases(self) -> Phrases:
        """Return the primer's own words for a base grown here, sentences for any other model."""
        from models.self_chat.phrases import PrimerPhrases, WrittenPhrases

        elsewhere = self.settings.self_chat.backend == "openai"
        schooled = self.base.knows_the_primer and not elsewhere
        return PrimerPhrases() if schooled else WrittenPhrases()

    def judge_of(self, model: ChatModel) -> Judge | None:
        """Return the judge of the settings, unless it is the model that it would judge."""
        judge = comparisons.judge_of(self.settings, self.base)
        if judge is None or judges_itself(judge.judge_id, model.model_id):
            return None
        return judge


def seeds_of(told: Sequence[Row]) -> list[self_chat.Seed]:
    """Return people's dialogues as what to start from."""
    return [self_chat.Seed(row["dialogue_id"], pairs(chat_of(row))) for row in told]


def told_of(row: Row) -> self_chat.SelfChat:
    """Return a row of `self_chats_dialogues` or `self_chats_dropped` as the dialogue it was."""
    return self_chat.SelfChat(
        messages=pairs(chat_of(row)),
        method=row["method"],
        generator=row["generator"],
        seed=row["seed"],
        parents=tuple(row["parents"]),
        ancestry_depth=row["ancestry_depth"],
        reason=row.get("reason") or "",
    )


@contextmanager
def writing(settings: Settings) -> Iterator[None]:
    """Hold what only one at a time may do: hold a session, or write a day's self-chats.

    The kernel lets go of it even after `kill -9`.
    """
    from filelock import FileLock

    settings.home.mkdir(parents=True, exist_ok=True)
    with FileLock(settings.home / ".self-chats.lock"):
        yield


def plan_of(settings: Settings, *, seed: int = 0, depth: int = 0) -> self_chat.Plan:
    """Return how much of a day is talked over, and by which methods."""
    draws = {name: n for name, n in settings.self_chat.methods.items() if n > 0}
    if unknown := sorted(set(draws) - set(self_chat.METHODS)):
        raise SettingsError(
            f"There is no method of self-chat `{unknown[0]}`.",
            hint=f"`self_chat.methods` knows {', '.join(self_chat.METHODS)}",
        )
    most = settings.self_chats_per_day
    return self_chat.Plan(seed=seed, max_seeds=most, draws=draws if most else {}, depth=depth)


def depth_of_champion(lake: Lake, base: bases.BaseModel) -> int:
    """Return how many generations deep the words are that taught the champion; 0 for people's."""
    adapter_id = champion(lake, base.base_id)
    if not adapter_id:
        return 0
    asked = (
        "select coalesce(max(ancestry_depth), 0) as depth from adapters_training_sets "
        "where training_set_id in "
        "(select training_set_id from stg_adapter_families where adapter_id = ?)"
    )
    return int(query.ask(lake, asked, [adapter_id])[0]["depth"])


def asked_before(lake: Lake, day: date) -> list[str]:
    """Return what people and earlier self-chats asked until a day; the day's own chats apart."""
    asked = (
        "select m.content from cleaned_dialogues, unnest(messages) as t(m) "
        "where day <= ? and split = 'train' and m.role = 'user' union "
        "select m.content from self_chats_dialogues, unnest(messages) as t(m) "
        "where day < ? and m.role = 'user' order by 1"
    )
    return [row["content"] for row in query.ask(lake, asked, [day, day])]


def kept_row(chat: self_chat.SelfChat, session_id: str = "") -> Row:
    """Return a kept dialogue as a row of `self_chats_dialogues`."""
    said = [part for turn in chat.messages for part in turn]
    return {
        **_common(chat, session_id),
        "revision": content_id(*said),
        "turns": sum(role == "assistant" for role, _ in chat.messages),
    }


def dropped_row(chat: self_chat.SelfChat, session_id: str = "") -> Row:
    """Return a refused dialogue as a row of `self_chats_dropped`."""
    return {**_common(chat, session_id), "reason": chat.reason}


def preference_rows(chat: self_chat.SelfChat, decided_at: Any, session_id: str = "") -> list[Row]:
    """Return the choices that a dialogue left, as rows of `self_chats_preferences`."""
    return [
        {
            "preference_id": content_id(
                p.origin, dialogue_id(chat), p.chosen, p.rejected, *(c for _, c in p.prompt)
            ),
            "dialogue_id": dialogue_id(chat),
            "session_id": session_id,
            "answer_id": "",
            "rejected_answer_id": "",
            "origin": p.origin,
            "user_id": "",
            "generator": chat.generator,
            "judge": chat.judge,
            "principle": chat.principle,
            "parents": list(chat.parents),
            "ancestry_depth": chat.ancestry_depth,
            "prompt": messages_of(p.prompt),
            "chosen": p.chosen,
            "rejected": p.rejected,
            "decided_at": decided_at,
        }
        for p in chat.preferences
    ]


def dialogue_id(chat: self_chat.SelfChat) -> str:
    """Return the id of a self-chat: who talked, how, over what, in which draw."""
    return content_id("self_chat", chat.method, chat.generator, *chat.parents, str(chat.seed))


def _behind_an_api(settings: Settings) -> ChatModel:
    from models.backends.openai import OpenAIModel

    chosen = settings.self_chat
    if not chosen.url or not chosen.model:
        raise SettingsError(
            "`self_chat.backend` is `openai`, and `self_chat.url` or `self_chat.model` is missing.",
            hint="STEPPE_SELF_CHAT__URL=http://host:port STEPPE_SELF_CHAT__MODEL=name",
        )
    key = chosen.api_key.get_secret_value() if chosen.api_key else ""
    return OpenAIModel(chosen.url, chosen.model, key)


def _common(chat: self_chat.SelfChat, session_id: str) -> Row:
    return {
        "dialogue_id": dialogue_id(chat),
        "session_id": session_id,
        "method": chat.method,
        "generator": chat.generator,
        "parents": list(chat.parents),
        "seed": chat.seed,
        "ancestry_depth": chat.ancestry_depth,
        "principle": chat.principle,
        "judge": chat.judge,
        "nats": chat.scores.get("nats"),
        "judge_score": chat.scores.get("judge"),
        "tokens": chat.tokens,
        "seconds": chat.seconds,
        "messages": messages_of(chat.messages),
    }
