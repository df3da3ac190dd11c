"""What a person reads of a step that failed."""

import dagster as dg
import pytest
from pydantic import BaseModel

from lake.errors import SettingsError
from orchestration import turn

HINTED = SettingsError("There is no list.", hint="name a file")


class Shape(BaseModel):
    """Something that a value does not fit."""

    n: int


def failing(error: BaseException) -> dg.ExecuteInProcessResult:
    """Run a step that raises."""

    @dg.asset
    def broken() -> None:
        raise error

    return dg.materialize([broken], raise_on_error=False)


def misfit() -> Exception:
    """Return pydantic's own error, which ends in a link."""
    try:
        Shape.model_validate({"n": "x"})
    except ValueError as error:
        return error
    raise AssertionError


@pytest.mark.parametrize(
    ("error", "words", "hint"),
    [
        (HINTED, "The step `broken` failed: There is no list.", "name a file"),
        (
            dg.Failure("models.train ended with 1:\nerror: No rows.\n\nhint: ingest some"),
            "The step `broken` failed: models.train ended with 1:\nerror: No rows.",
            "ingest some",
        ),
        (KeyError("a"), "The step `broken` failed: KeyError: 'a'", "steppe ui"),
        (dg.DagsterInvariantViolationError("x"), "DagsterInvariantViolationError: x", "steppe ui"),
    ],
    ids=["ours", "a failure", "built in", "another's"],
)
def test_a_failed_step_is_told_in_words(error: Exception, words: str, hint: str) -> None:
    told = turn._failure_of(failing(error))

    assert told.message.endswith(words)
    assert hint in told.hint


def test_links_of_pydantic_are_left_out() -> None:
    told = turn._failure_of(failing(misfit()))

    assert "ValidationError: 1 validation error for Shape" in told.message
    assert "pydantic" not in told.message


def test_what_is_no_error_with_a_class_stays_as_it_is() -> None:
    assert "no colon" == turn.told_by("no colon\n", "KeyError")
    assert "other: words" == turn.told_by("other: words", "KeyError")
