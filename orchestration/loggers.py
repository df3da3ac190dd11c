"""Dagster's log in a terminal: warnings as they are, steps to whoever listens."""

import logging
from collections.abc import Callable

import dagster as dg

Listener = Callable[[str, str], None]
_listeners: list[Listener] = []


def listen(listener: Listener) -> None:
    """Have `listener(step, event)` called as steps of in-process runs start and end."""
    _listeners.append(listener)


def forget(listener: Listener) -> None:
    """Stop calling a listener."""
    _listeners.remove(listener)


class _Handler(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        event = getattr(record, "dagster_event", None)
        if event is not None and event.step_key:
            for listener in _listeners:
                listener(event.step_key, event.event_type_value)


@dg.logger
def console(_: dg.InitLoggerContext) -> logging.Logger:
    """Return a logger that prints nothing of its own."""
    logger = logging.Logger("steppe", level=logging.DEBUG)
    logger.addHandler(_Handler())
    return logger
