"""The page of a training set: what it holds, what its budget is, what it left out, and samples."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from assets import plots, web
from assets.manifests import COUNTED, Manifest

SAMPLES = 3
"""Rows shown of every role and source."""


def page(manifest: Manifest) -> web.Page:
    """Return the page of a frozen set."""
    title = f"training set {manifest.training_set_id[:12]}"
    parts = [f"# {title}", _lead(manifest), _picture(manifest)]
    for name in COUNTED:
        parts += [f"## by {name}", web.table(manifest.counts(name))]
    parts += ["## budget", web.table(budget_rows(manifest))]
    parts += ["## left out", web.table(manifest.reasons()) or "Nothing: every candidate is in it."]
    parts += ["## samples", *_samples(manifest)]
    return web.page(title, "\n\n".join(part for part in parts if part) + "\n")


def write(made: web.Page, path: Path) -> Path:
    """Write a page as one HTML file; return the path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(".draft")
    draft.write_text(made.html, encoding="utf-8")
    return draft.replace(path)


def budget_rows(manifest: Manifest) -> list[dict[str, Any]]:
    """Return each bound of the budget beside what the set has, and how many rows it cost."""
    bounds = manifest.limits()
    if bounds is None:
        return []
    shares, lost = manifest.shares(), manifest.lost()
    deepest = max(row["ancestry_depth"] or 0 for row in manifest.rows)
    largest = max(shares.methods, key=lambda m: shares.methods[m], default="")
    counts = [
        ("max_depth", bounds.max_depth, deepest, "too_deep"),
        ("min_human_share", bounds.min_human_share, f"{shares.human_share:.4f}", "human_share"),
        (
            "max_method_share",
            bounds.max_method_share,
            f"{shares.method_share(largest):.4f} {largest}".strip(),
            "method_share",
        ),
        ("judge_is_not_generator", bounds.judge_is_not_generator, "", "judged_by_itself"),
    ]
    return [
        {"bound": name, "asked": asked, "has": has, "left_out": lost[reason]}
        for name, asked, has, reason in counts
    ]


def _lead(manifest: Manifest) -> str:
    shares = manifest.shares()
    recipe = manifest.recipe.get("name", "unknown")
    method = manifest.recipe.get("method", "unknown")
    versions = ", ".join(f"{t} version {v}" for t, v in sorted(manifest.versions.items()))
    return (
        f"{len(manifest.rows):,} rows; {shares.human:,.0f} tokens of people and "
        f"{shares.synthetic:,.0f} of methods, as often as they are told; recipe `{recipe}` "
        f"(`{method}`); frozen {manifest.frozen_at:%Y-%m-%d %H:%M} UTC from {versions}."
    )


def _picture(manifest: Manifest) -> str:
    counted: Counter[str] = Counter()
    for row in manifest.rows:
        told = round((row["tokens"] or 0) * row["weight"])
        counted[f"{row['role']}: {row['source']}"] += told
    return str(plots.bars(counted, "tokens told by role and source").value)


def _samples(manifest: Manifest) -> Iterator[str]:
    for row in manifest.samples(SAMPLES):
        head = f"**{row['role']}, {web.said(row['source'] or '')}**, told {row['weight']:g} times"
        yield "\n".join([head, "", *(f"- {line}" for line in lines_of(row))])


def lines_of(row: Mapping[str, Any]) -> list[str]:
    """Return what is said in a row, a line a message; of a choice, both answers."""
    said = [f"{m['role']}: {web.said(m['content'])}" for m in row["messages"]]
    answers = [("better", row["chosen"]), ("worse", row["rejected"])]
    return said + [f"{name}: {web.said(text)}" for name, text in answers if text]
