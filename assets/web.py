"""A page twice: as Markdown for Dagster, and as one HTML file for whoever opens it elsewhere."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from html import escape
from typing import Any

HEAD = """<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title>
<style>body {{ font: 15px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto }}
td, th {{ padding: .1rem .6rem .1rem 0; vertical-align: top; text-align: left }}</style>
"""


@dataclass(frozen=True, slots=True)
class Page:
    """The same page twice: for Dagster, and for whoever opens the file."""

    markdown: str
    html: str


def page(title: str, markdown: str) -> Page:
    """Return a page of its Markdown; HTML in it is shown as text, pictures stay inside the file."""
    from markdown_it import MarkdownIt

    renderer = MarkdownIt("commonmark", {"html": False}).enable("table")
    renderer.validateLink = lambda _: True  # type: ignore[method-assign, assignment]  # our own PNGs
    return Page(markdown, HEAD.format(title=escape(title)) + renderer.render(markdown))


def table(rows: Iterable[Mapping[str, Any]]) -> str:
    """Return rows as a Markdown table; nothing where there are none."""
    listed = list(rows)
    if not listed:
        return ""
    names = list(listed[0])
    lines = [f"| {' | '.join(names)} |", f"|{'---|' * len(names)}"]
    lines += [f"| {' | '.join(said(str(row[name])) for name in names)} |" for row in listed]
    return "\n".join(lines)


def cell(value: Any) -> str:
    """Return a value on one line, such that a table stays whole."""
    return " ".join(str(value).split()).replace("|", "\\|")


def said(text: str, most: int = 400) -> str:
    """Return somebody's words as they are: nothing in them is markup, a link or a picture."""
    line = " ".join(text.split())
    short = line if len(line) <= most else f"{line[: most - 1]}…"
    return re.sub(r"([\\`*_\[\]<>!#|&~])", r"\\\1", short)
