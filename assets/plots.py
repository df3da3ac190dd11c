"""Pictures for the Dagster UI: small PNGs inside Markdown."""

import base64
import io
import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from itertools import cycle
from typing import Any

import dagster as dg

WIDTH_INCHES, HEIGHT_INCHES, DPI = 6.0, 2.6, 90
BAR_INCHES, TITLE_INCHES = 0.24, 0.4
# Okabe and Ito's palette, told apart by colour-blind people too (https://jfly.uni-koeln.de/color/).
COLOURS = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#999999")


def bars(counts: Mapping[str, float], title: str) -> dg.MetadataValue:
    """Return a horizontal bar a name, longest first."""
    names = sorted(counts, key=lambda name: counts[name])

    def draw(axes: Any) -> None:
        axes.barh(names, [counts[n] for n in names], color="#5b7f95")

    return _picture(draw, title)


def funnel(fates: Mapping[tuple[str, str], int], title: str) -> dg.MetadataValue:
    """Return what came in, what was kept, and what was dropped by reason, in a colour a source.

    `fates` counts by (source, fate); a bar's length is the number at its end.
    """
    totals: Counter[str] = Counter()
    for (_, fate), count in fates.items():
        totals[fate] += count
    dropped = sorted(totals.keys() - {"kept"}, key=lambda fate: (totals[fate], fate))
    names = [*dropped, "kept", "received"]
    sources = sorted({source for source, _ in fates})
    totals["received"] = totals.total()

    def draw(axes: Any) -> None:
        left = dict.fromkeys(names, 0)
        for source, colour in zip(sources, cycle(COLOURS), strict=False):
            own = {name: fates.get((source, name), 0) for name in names}
            own["received"] = sum(own.values())
            axes.barh(names, own.values(), left=list(left.values()), color=colour, label=source)
            left = {name: left[name] + own[name] for name in names}
        for row, name in enumerate(names):
            axes.annotate(f" {totals[name]:,}", (totals[name], row), va="center", fontsize=8)
        axes.margins(x=0.12)
        axes.xaxis.set_visible(False)
        axes.spines["bottom"].set_visible(False)
        axes.figure.legend(loc="outside right upper", frameon=False, fontsize=8)

    return _picture(draw, title, height=TITLE_INCHES + BAR_INCHES * max(len(names), len(sources)))


def line(points: Sequence[tuple[float, float]], title: str) -> dg.MetadataValue:
    """Return a curve through (x, y) points."""

    def draw(axes: Any) -> None:
        axes.plot([x for x, _ in points], [y for _, y in points], color="#b5651d")

    return _picture(draw, title)


def intervals(rows: Sequence[tuple[str, float, float, float]], title: str) -> dg.MetadataValue:
    """Return a dot with its interval for each (name, value, low, high)."""

    def draw(axes: Any) -> None:
        for name, value, low, high in reversed(rows):
            error = [[value - low], [high - value]]
            axes.errorbar(value, name, xerr=error, fmt="o", color="#5b7f95", capsize=3)

    return _picture(draw, title)


def differences(
    values: Sequence[float], interval: tuple[float, float, float], title: str
) -> dg.MetadataValue:
    """Return a dot a paired difference, smallest first, and their mean with its interval."""
    value, low, high = interval

    def draw(axes: Any) -> None:
        axes.axhline(0, color="#999999", linewidth=0.8)
        axes.scatter(range(len(values)), values, s=14, color=COLOURS[0])
        if math.isfinite(low):
            axes.axhspan(low, high, color=COLOURS[1], alpha=0.25)
            axes.axhline(value, color=COLOURS[1])
        axes.xaxis.set_visible(False)

    return _picture(draw, title)


def trade(points: Sequence[tuple[str, float, float, bool]]) -> dg.MetadataValue:
    """Return what was gained against what was forgotten; the last point is the newest."""

    def draw(axes: Any) -> None:
        for number, (name, gain, forgotten, passed) in enumerate(points, start=1):
            colour = COLOURS[2] if passed else COLOURS[5]
            newest = number == len(points)
            axes.scatter(gain, forgotten, s=40 if newest else 14, color=colour)
            if newest:
                axes.annotate(name, (gain, forgotten), fontsize=8, ha="right", va="bottom")
        axes.axhline(0, color="#999999", linewidth=0.8)
        axes.axvline(0, color="#999999", linewidth=0.8)
        axes.margins(0.25)
        axes.set_xlabel("nats a token gained", fontsize=8)
        axes.set_ylabel("anchor lost", fontsize=8)

    return _picture(draw, "gained against forgotten: green passed, red refused")


def _picture(
    draw: Callable[[Any], None], title: str, *, height: float = HEIGHT_INCHES
) -> dg.MetadataValue:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDTH_INCHES, height), dpi=DPI, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.spines[["top", "right"]].set_visible(False)
    axes.set_title(title, loc="left", fontsize=10)
    draw(axes)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", metadata={"Software": None})
    encoded = base64.b64encode(buffer.getvalue()).decode()
    return dg.MetadataValue.md(f"![{title}](data:image/png;base64,{encoded})")
