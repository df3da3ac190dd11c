"""Ten thousand outputs that no parser expects: every method ends every dialogue with a reason."""

import random
from dataclasses import replace
from functools import cached_property

from models.backends import Generation
from models.evaluation.pairwise import Opinion
from models.primer import prompts
from models.self_chat import METHODS, Seed
from models.self_chat.generation import generate
from models.self_chat.phrases import PrimerPhrases, WrittenPhrases
from models.testing import EchoModel

PIECES = (
    *(prompts.USER_TAG, prompts.ASSISTANT_TAG, prompts.INSTRUCTION, prompts.SOLUTION),
    *(prompts.NEXT, prompts.TASK_DONE, prompts.UNKNOWN, prompts.THANKS, "Хорошо.", "Неверно."),
    *("Как зовут мою собаку?", "Твою собаку зовут Буран.", "да ", "\n", "\0", "🔩", "{facts}", "{"),
    *("[Пользо", "<|end|>", "The dog", "ё" * 300, "12", "«", "Итог: соответствует", " ", "А", "%s"),
)
WANTED = 10_000


class Noise(EchoModel):
    """Answers with pieces of every protocol, cut anywhere."""

    @cached_property
    def outputs(self):
        return [0]

    def generate(self, conversations, *, seed=0, **_):
        rng = random.Random(f"{seed}/{self.outputs[0]}")
        self.outputs[0] += len(conversations)
        return [_noise(rng) for _ in conversations]


class Chance:
    """A judge that says anything, or nothing."""

    judge_id = "chance"
    rng = random.Random(3)

    def judge(self, _question, _first, _second, facts=()):
        return Opinion(self.rng.choice(("first", "second", "tie", None)), "")


def _noise(rng):
    text = "".join(rng.choice(PIECES) for _ in range(rng.randrange(7)))
    return Generation(text[: rng.randrange(len(text) + 1)], rng.choice(("stop", "length")), 1)


def test_ten_thousand_fuzzed_outputs_end_kept_or_with_a_reason(staged, dog, cat):
    seeds = [
        Seed(f"{seed.dialogue_id}{n}", seed.messages, told=n % 3 > 0)
        for seed in (dog, cat)
        for n in range(24)
    ]
    model, turn = Noise(), 0
    while model.outputs[0] < WANTED:
        stage = staged(
            None,
            seeds,
            model=model,
            judge=Chance(),
            draws=dict.fromkeys(METHODS, 1),
            seed=100 * turn,
            revisions=2,
        )
        phrases = WrittenPhrases() if turn % 2 else PrimerPhrases()
        made = generate(replace(stage, phrases=phrases), seeds)
        turn += 1

        assert len(METHODS) * len(seeds) == len(made)
        assert all(chat.kept != bool(chat.reason) for chat in made)
        assert all(chat.messages for chat in made if chat.kept)
