"""What the gateway counts, in Prometheus' words."""

from __future__ import annotations

from collections.abc import Mapping

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
"""Upper bounds of the histograms' buckets, in seconds: Prometheus' own, and longer answers."""


class Metrics:
    """Counters and histograms of one gateway, in a registry of their own."""

    def __init__(self) -> None:
        from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

        self.registry = kept = CollectorRegistry()
        self._answers = Counter(
            "steppe_answers", "Answers, by how they ended.", ("adapter", "finish"), registry=kept
        )
        self._tokens = Counter(
            "steppe_tokens", "Tokens read and written.", ("adapter", "kind"), registry=kept
        )
        self._seconds = Histogram(
            "steppe_answer_seconds",
            "From request to end.",
            ("adapter",),
            buckets=SECONDS,
            registry=kept,
        )
        self._first = Histogram(
            "steppe_first_token_seconds",
            "From request to first words.",
            ("adapter",),
            buckets=SECONDS,
            registry=kept,
        )
        self._busy = Gauge(
            "steppe_answers_under_way", "Answers on their way.", ("adapter",), registry=kept
        )
        self._up = Gauge("steppe_upstream_up", "1 where the upstream answers.", registry=kept)

    def answered(
        self,
        adapter: str,
        finish: str,
        seconds: float,
        first_seconds: float | None,
        usage: Mapping[str, int],
    ) -> None:
        """Count an answer."""
        self._answers.labels(adapter, finish).inc()
        self._seconds.labels(adapter).observe(seconds)
        if first_seconds is not None:
            self._first.labels(adapter).observe(first_seconds)
        for kind in ("prompt_tokens", "completion_tokens"):
            if tokens := usage.get(kind):
                self._tokens.labels(adapter, kind.removesuffix("_tokens")).inc(tokens)

    def text(self, *, up: bool, busy: Mapping[str, int]) -> bytes:
        """Return everything in Prometheus' text format."""
        from prometheus_client import generate_latest

        self._up.set(int(up))
        for adapter, count in busy.items():
            self._busy.labels(adapter).set(count)
        return generate_latest(self.registry)
