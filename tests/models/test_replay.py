"""Replay is mostly about a person's life; the anchor is as the primer is."""

from pathlib import Path

from models import replay
from models.base import BaseModel
from models.primer import prompts
from models.taught import Taught

GROWN = BaseModel("id", "embedded", Path())
NOTHING = Taught.by([])
DOG = Taught.by(
    [
        [
            {"role": "user", "content": "Как зовут мою собаку?"},
            {"role": "assistant", "content": "Твою собаку зовут Буран."},
        ]
    ]
)


def test_replay_is_a_function_of_the_seed_and_a_prefix_of_more():
    few = replay.replay_dialogues(GROWN, 20, seed=1, taught=NOTHING)
    many = replay.replay_dialogues(GROWN, 30, seed=1, taught=NOTHING)

    assert few == many[:20]
    assert few != replay.replay_dialogues(GROWN, 20, seed=2, taught=NOTHING)


def test_half_and_more_of_replay_is_about_a_persons_life():
    """In the primer itself it is less than a third."""
    told = replay.replay_dialogues(GROWN, 400, seed=1, taught=NOTHING)
    personal = [m for m in told if any(w in str(m) for w in ("Память:", "Запомнил:"))]

    assert len(told) == 400
    assert len(personal) > 170


def test_a_base_from_a_hub_was_never_schooled_here():
    hub = BaseModel("id", "Qwen/Qwen3-0.6B", Path())

    assert replay.replay_dialogues(hub, 5, seed=1, taught=NOTHING) == []


def test_nothing_outdated_is_replayed_or_anchored():
    dialogues = [
        *replay.replay_dialogues(GROWN, 300, seed=1, taught=DOG),
        *(messages for _, messages in replay.anchor_dialogues(100, seed=1, taught=DOG)),
    ]

    assert not any(DOG.outdates(messages) for messages in dialogues)


def test_an_anchor_ends_with_a_determined_answer():
    for skill, messages in replay.anchor_dialogues(60, seed=1, taught=NOTHING):
        last = next(m for m in reversed(messages) if m["role"] == "assistant")

        assert skill
        assert last["content"] not in ("", prompts.THANKS)
