"""Every error Steppe raises on purpose.

```
SteppeError                    has .hint: what to do about it
├── SettingsError              a setting is missing, unknown or contradictory
├── DataError
│   ├── SourceFormatError      a source file is not what its reader expects
│   ├── SchemaError            rows do not fit the table
│   ├── CheckFailed            a data check found offending rows
│   └── BadArguments           a model called a tool in a way that cannot be answered
├── LakeError
│   ├── TableNotFound          no such table, or nothing committed to it yet
│   ├── CommitConflict         someone else committed first, again and again; safe to retry
│   └── CorruptTable           the log and the files on disk disagree
├── ModelError
│   ├── RecipeError            a recipe has an unknown key or an impossible value
│   ├── BackendUnavailable     the model, the encoder or the package behind it is not here
│   └── TrainingFailed         the trainer process ended without an adapter
└── DeploymentError            the served model could not be switched, reached or trusted
```

Raise them low, translate them once at each door: the CLI prints `error:` and `hint:` and exits 1,
Dagster shows a `Failure`, the HTTP server answers with problem JSON.  A malformed *row* is data,
not an exception: it becomes a quarantined or dropped row with a reason.
"""

from __future__ import annotations


class SteppeError(Exception):
    """What happened, and a hint at what to do: `str(error)` shows both, a blank line between."""

    def __init__(self, message: str, *, hint: str) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}\n\nhint: {self.hint}"


class SettingsError(SteppeError):
    """A setting is missing, unknown or contradictory."""


class DataError(SteppeError):
    """Data is not what it should be."""


class SourceFormatError(DataError):
    """A source file is not what its reader expects: `reason` is a short word, kept as data."""

    def __init__(
        self, reason: str, message: str, *, hint: str = "see `steppe show funnel`"
    ) -> None:
        super().__init__(message, hint=hint)
        self.reason = reason


class SchemaError(DataError):
    """Rows do not fit the table they are written to."""


class CheckFailed(DataError):
    """A data check found offending rows."""


class BadArguments(DataError):
    """A model called a tool in a way that cannot be answered; it reads message and hint."""


class LakeError(SteppeError):
    """The lake cannot do what was asked."""


class TableNotFound(LakeError):
    """No such table, or nothing committed to it yet."""


class CommitConflict(LakeError):
    """Someone else committed first, again and again; safe to retry."""


class CorruptTable(LakeError):
    """A table's log and its files on disk disagree."""


class ModelError(SteppeError):
    """A model cannot be made, loaded or run."""


class RecipeError(ModelError):
    """A recipe has an unknown key or an impossible value."""


class BackendUnavailable(ModelError):
    """The model, the encoder or the package behind it is not here."""


class TrainingFailed(ModelError):
    """The trainer process ended without an adapter."""


class DeploymentError(SteppeError):
    """The served model could not be switched, reached or trusted."""
