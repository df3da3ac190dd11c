"""Pictures for the Dagster UI: small PNGs inside Markdown."""

import base64
import io
from collections.abc import Mapping, Sequence

import dagster as dg

WIDTH_INCHES, HEIGHT_INCHES, DPI = 6.0, 2.6, 90


def bars(counts: Mapping[str, float], title: str) -> dg.MetadataValue:
    """Return a horizontal bar a name, longest first."""
    names = sorted(counts, key=lambda name: counts[name])

    def draw(axes: object) -> None:
        axes.barh(names, [counts[n] for n in names], color="#5b7f95")  # type: ignore[attr-defined]

    return _picture(draw, title)


def line(points: Sequence[tuple[float, float]], title: str) -> dg.MetadataValue:
    """Return a curve through (x, y) points."""

    def draw(axes: object) -> None:
        axes.plot([x for x, _ in points], [y for _, y in points], color="#b5651d")  # type: ignore[attr-defined]

    return _picture(draw, title)


def intervals(rows: Sequence[tuple[str, float, float, float]], title: str) -> dg.MetadataValue:
    """Return a dot with its interval for each (name, value, low, high)."""

    def draw(axes: object) -> None:
        for name, value, low, high in reversed(rows):
            error = [[value - low], [high - value]]
            axes.errorbar(value, name, xerr=error, fmt="o", color="#5b7f95", capsize=3)  # type: ignore[attr-defined]

    return _picture(draw, title)


def _picture(draw: object, title: str) -> dg.MetadataValue:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDTH_INCHES, HEIGHT_INCHES), dpi=DPI, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.spines[["top", "right"]].set_visible(False)
    axes.set_title(title, loc="left", fontsize=10)
    draw(axes)  # type: ignore[operator]
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", metadata={"Software": None})
    encoded = base64.b64encode(buffer.getvalue()).decode()
    return dg.MetadataValue.md(f"![{title}](data:image/png;base64,{encoded})")
