"""What is served, changed while people are answered: load, warm, probe, switch, drain, unload.

An answer on its way ends on the adapter it began with.  The probe goes through the serving path:
the first token's log-probabilities under the adapter must differ from the base's, or it is not
applied, and must be those of the trained adapter where these are given.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from models.serving.probing import furthest
from models.serving.problems import Problem
from models.serving.served import BASE, Served
from models.serving.upstream import Upstream, UpstreamDown, UpstreamRefused

PROBE_FLOOR = 1e-4
"""Log-probabilities of one prompt repeat to about 1e-5 between batch shapes in float32."""
PROBE_TOLERANCE = 0.05
"""Nats that a served log-probability may be from the trained one: float32 against bfloat16."""
DRAIN_SECONDS = 60.0
LOOK_EVERY_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class Probe:
    """A conversation to ask, and what the trained adapter's first token costs there, by token."""

    messages: list[dict[str, Any]]
    expected: Mapping[str, float] = field(default_factory=dict)


async def deploy(upstream: Upstream, served: Served, name: str, probe: Probe) -> dict[str, Any]:
    """Serve an adapter, or the bare base, to everyone; return what was served, how it
    differs, and when it was switched.

    It ends a canary: whoever was tried was compared with the champion of before.
    """
    difference = 0.0 if name == BASE else await _ready(upstream, served, name, probe)
    previous, tried = served.champion, served.canary
    served.champion = "" if name == BASE else name
    served.canary, served.share = "", 0.0
    told = {"name": name, "previous": previous, "probe_difference": difference, "at": _now()}
    for left in (previous, tried):
        await _drain(upstream, served, left)
    return told


async def try_on(
    upstream: Upstream, served: Served, name: str, share: float, probe: Probe
) -> dict[str, Any]:
    """Serve an adapter to a share of people; a share of 0 ends what is tried."""
    previous = served.canary
    if name == BASE or share == 0:
        served.canary, served.share = "", 0.0
        told = {"name": "", "previous": previous, "share": 0.0, "probe_difference": 0.0}
    else:
        difference = await _ready(upstream, served, name, probe)
        served.canary, served.share = name, share
        told = {"name": name, "previous": previous, "share": share, "probe_difference": difference}
    told["at"] = _now()
    await _drain(upstream, served, previous)
    return told


async def _ready(upstream: Upstream, served: Served, name: str, probe: Probe) -> float:
    """Load an adapter and ask it the probe twice, the first time to warm it."""
    try:
        await upstream.load(name, served.folder_of(name))
        await upstream.first_token(name, probe.messages)
        tuned = await upstream.first_token(name, probe.messages)
        base = await upstream.first_token(BASE, probe.messages)
    except UpstreamDown as error:
        raise Problem(503, error.message, hint=error.hint) from error
    except UpstreamRefused as error:
        raise Problem(409, error.message, hint=error.hint) from error
    difference = furthest(tuned, base)
    if difference < PROBE_FLOOR:
        raise Problem(
            409,
            f"`{name}` moves no log-probability by more than {difference:.2g}.",
            hint="it is not applied, or it has learned nothing: see `steppe verdict`",
        )
    if probe.expected and (off := furthest(tuned, probe.expected)) > PROBE_TOLERANCE:
        raise Problem(
            409,
            f"`{name}` as served is {off:.2g} nats from the adapter that was trained.",
            hint="another base or another template serves: `steppe settings`, `steppe base show`",
        )
    return difference


def _now() -> str:
    """Return the moment of a switch, in UTC: draining takes its time after it."""
    return datetime.now(UTC).isoformat()


async def _drain(upstream: Upstream, served: Served, name: str) -> None:
    """Unload an adapter that nobody is answered with any more, once that is so."""
    if not name or name in served.names():
        return
    for _ in range(round(DRAIN_SECONDS / LOOK_EVERY_SECONDS)):
        if not served.busy[name]:
            try:
                await upstream.unload(name)
            except (UpstreamDown, UpstreamRefused):
                pass  # an upstream that is brought back does not load it again
            else:
                return
        await asyncio.sleep(LOOK_EVERY_SECONDS)
