"""The values by which generated dialogues are kept or not; what the rules are is in `filters`."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from lake.ids import json_id
from models.self_chat import values

FILE = Path(__file__).with_name("policy.toml")


class Policy(BaseModel):
    """Thresholds of the filters; `policy.toml` says what each means."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    min_cyrillic: float = Field(ge=0, le=1)
    min_letters: int = Field(ge=0)
    max_repeat: float = Field(gt=0, le=1)
    max_characters: int = Field(ge=1)
    max_nats: float = Field(gt=0)
    min_nats: float = Field(ge=0)
    near_duplicate: float = Field(gt=0, le=100)
    min_judge: float = Field(ge=-1, le=1)
    grounded: bool

    @property
    def policy_id(self) -> str:
        """Return the id of every value."""
        return json_id(self.model_dump(mode="json"))


def load(path: Path | None = None) -> Policy:
    """Return the shipped policy, with the values of a file over it."""
    return values.load(Policy, FILE, path)
