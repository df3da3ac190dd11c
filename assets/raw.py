"""raw: dialogues exactly as received, one partition a day; and the base everything starts from."""

from collections.abc import Iterable, Iterator
from datetime import date
from typing import TYPE_CHECKING, Any

import dagster as dg

from assets import fingerprints, inbox, plots, reporting
from assets.partitions import DAYS
from assets.records import quarantined_row, record_row
from lake.ids import pseudonym_key, user_id_of
from lake.schemas import Dialogue, Unreadable
from lake.settings import Settings
from lake.tables import Lake
from models import base as bases

if TYPE_CHECKING:
    from assets import sources


@dg.asset(group_name="raw", kinds={"huggingface"})
def base_model(
    context: dg.AssetExecutionContext, settings: dg.ResourceParam[Settings]
) -> dg.MaterializeResult:
    """The network every adapter stands on: grown here from the primer, or brought from a hub."""
    report = reporting.progress("base")
    base = bases.ensure_base(
        settings.base_model, settings.models_dir, lambda p: report(p.step, p.total)
    )
    context.log.info(f"base {base.base_id} in {base.path}")
    return dg.MaterializeResult(
        metadata={"base_id": base.base_id, "path": str(base.path), **_shown(base.report)},
        data_version=dg.DataVersion(base.base_id),
    )


@dg.multi_asset(
    name="raw",
    specs=[
        dg.AssetSpec("raw_records", description="One record as received.", kinds={"delta"}),
        dg.AssetSpec(
            "raw_quarantined", description="What could not be read, and why.", kinds={"delta"}
        ),
    ],
    group_name="raw",
    partitions_def=DAYS,
)
def raw(
    context: dg.AssetExecutionContext,
    lake: dg.ResourceParam[Lake],
    settings: dg.ResourceParam[Settings],
) -> Iterator[dg.MaterializeResult]:
    """Read every file of a day's inbox; nothing of it is lost, what cannot be read has a reason."""
    day = reporting.day_of(context)
    made_from = fingerprints.raw(settings, day)
    by = reporting.provenance(context, "raw", fingerprints.RAW_CODE)
    read, unread = _read(settings, day)
    version = lake.replace("raw_quarantined", unread, day=day, made_from=made_from, by=by)
    reasons = _counts(unread, "reason")
    yield reporting.materialized(
        lake,
        "raw_quarantined",
        len(unread),
        version,
        fingerprint=made_from,
        reasons=plots.bars(reasons, "quarantined by reason") if reasons else {},
        preview=reporting.preview(unread, ["file", "reason", "detail"]),
    )
    version = lake.replace("raw_records", read, day=day, made_from=made_from, by=by)
    yield reporting.materialized(
        lake,
        "raw_records",
        len(read),
        version,
        fingerprint=made_from,
        sources=_counts(read, "source"),
        preview=reporting.preview(read, ["source", "position", "messages"]),
    )


def _read(settings: Settings, day: date) -> tuple[list[dict], list[dict]]:
    """Return the rows of `raw_records` and of `raw_quarantined`."""
    owner = user_id_of(settings.owner, pseudonym_key(settings.home))
    read: list[dict] = []
    unread: list[dict] = []
    from assets import sources

    options = sources.Options(**settings.sources.model_dump())
    for found in inbox.files(settings.inbox, day):
        name = f"{day}/{found.name}"
        file_id = "" if found.problem else inbox.digest(found.path)
        for index, item in enumerate(_items(found, options)):
            if isinstance(item, Dialogue):
                row = record_row(item, file=name, file_id=file_id, index=index, owner=owner)
                read.append(row)
            else:
                unread.append(quarantined_row(item, file=name, file_id=file_id, index=index))
    for index, item in enumerate(inbox.refused(settings.inbox, day)):
        row = quarantined_row(item, file=item.position, file_id="", index=-1 - index)
        unread.append(row)
    return read, unread


def _items(found: "sources.Found", options: "sources.Options") -> Iterable[Dialogue | Unreadable]:
    from assets import sources

    if found.problem:
        return [found.problem]
    return sources.read(found.path, root=found.root, options=options)


def _counts(rows: list[dict], column: str) -> dict[str, int]:
    counts: dict[str, int] = {}
    for row in rows:
        counts[row[column]] = counts.get(row[column], 0) + 1
    return counts


def _shown(report: dict) -> dict[str, Any]:
    primer = report.get("primer", {})
    scores = {f"exact/{name}": skill["exact"] for name, skill in primer.get("skills", {}).items()}
    return {**{k: v for k, v in primer.items() if k != "skills"}, **scores}
