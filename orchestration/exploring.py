"""Looking into the lake from a terminal: search, and what there is."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import click

from lake import query, schemas
from lake.ids import pseudonym_key, user_id_of
from lake.settings import Settings
from lake.tables import Lake
from lake.vectors import Vectors
from models.base import BaseModel
from models.encoders import load_encoder


def search(settings: Settings, text: str, *, limit: int, as_json: bool) -> None:
    """Print the turns nearest to a text, best first."""
    encoder = load_encoder(settings.encoder, models_dir=settings.models_dir)
    vector = encoder.encode([text])[0].tolist()
    found = Vectors(settings.home).search(text, vector, limit=limit)
    shown = [
        {
            "score": r["_relevance_score"],
            "role": r["role"],
            "text": r["text"],
            "day": r["day"],
            "dialogue_id": r["dialogue_id"],
        }
        for r in found
    ]
    _print(shown, as_json=as_json)


ADAPTERS = """
select
    'steppe@' || left(adapter_id, 12) as adapter,
    recipe,
    train_rows as rows,
    case passed when true then 'passed' when false then 'refused' end as gate,
    case when decided_by != 'person' then '' when may_be_served then 'promoted' else 'held' end
        as person,
    printf('%+.2f [%+.2f, %+.2f]', improvement, low, high) as nats_saved,
    exact
from adapter_leaderboard
"""
DEPLOYMENTS = """
select
    strftime(deployed_at, '%Y-%m-%d %H:%M') as since,
    served_name as served,
    case when share > 0 then printf('%.0f %%', 100 * share) when share = 0 then 'ended' else '' end
        as canary,
    people,
    answers,
    if(judged > 0, printf('%.2f of %d', good, judged), '') as good,
    decided_by,
    reason
from deployment_history
"""
"""What fits a terminal; `--json` gives every column."""


def show(settings: Settings, what: str, *, as_json: bool) -> None:
    """Print the tables, the adapters, the deployments, the newest canary, or the funnel."""
    lake = Lake(settings.home)
    rows = {
        "tables": lambda: _tables(lake),
        "adapters": lambda: query.ask(lake, "from adapter_leaderboard" if as_json else ADAPTERS),
        "deployments": lambda: query.ask(
            lake, "from deployment_history" if as_json else DEPLOYMENTS
        ),
        "canary": lambda: query.ask(lake, "from canary"),
        "funnel": lambda: query.ask(lake, "from cleaning_funnel"),
    }[what]()
    if what == "canary" and rows and not as_json:
        _print_canary([row for row in rows if row["canary_id"] == rows[0]["canary_id"]])
    else:
        _print(rows, as_json=as_json)


def _print_canary(rows: Sequence[Mapping[str, Any]]) -> None:
    """Print one canary measure by measure: shares of how many answers, and the difference."""
    from orchestration.console import print_table

    one = next(row for row in rows if row["measure"] == "whole")
    until = f" until {one['ended_at']:%Y-%m-%d %H:%M}" if one["ended_at"] else ""
    click.echo(
        f"{one['challenger']} on {one['share']:.0%} of people since "
        f"{one['began_at']:%Y-%m-%d %H:%M}{until}, beside {one['champion']}; "
        f"{_people(one)} people were answered"
    )
    print_table([_measure(row) for row in rows])


def _measure(row: Mapping[str, Any]) -> dict[str, str]:
    limit, low = row["than_seconds"], row["low"]
    interval = f" [{low:+.3f}, {row['high']:+.3f}]" if low is not None else ""
    difference = row["difference"]
    return {
        "measure": row["measure"] if limit is None else f"{row['measure']} (> {limit:.2f} s)",
        "challenger": _share_of(row, "challenger"),
        "champion": _share_of(row, "champion"),
        "difference": "" if difference is None else f"{difference:+.3f}{interval}",
        "so": row["word"] + (f" people, {_people(row)}" if row["word"] == "too few" else ""),
    }


def _share_of(row: Mapping[str, Any], side: str) -> str:
    n = row[f"{side}_n"]
    return f"{row[f'{side}_share']:.3f} of {n}" if n else "none"


def _people(row: Mapping[str, Any]) -> str:
    return f"{row['challenger_people']} and {row['champion_people']}"


def people(settings: Settings, *, as_json: bool) -> None:
    """Print everybody who speaks in the lake, by pseudonym; only the owner is told apart."""
    owner = pseudonym_of(settings, settings.owner)
    rows = query.ask(Lake(settings.home), "from stg_people")
    shown = [{"who": "owner" if r["person_id"] == owner else "", **r} for r in rows]
    _print(shown, as_json=as_json)


def pseudonym_of(settings: Settings, name: str) -> str:
    """Return the pseudonym of a name in this home: the way from a name, and none back."""
    return user_id_of(name, pseudonym_key(settings.home))


def show_base(base: BaseModel) -> None:
    """Print a base: its id, where it lies, and its exactness skill by skill."""
    from orchestration.console import print_table

    click.echo(f"{base.name} {base.base_id}\n{base.path}")
    skills = base.report.get("primer", {}).get("skills", {})
    if skills:
        print_table([{"skill": name, **scores} for name, scores in skills.items()])


def show_settings(settings: Settings) -> None:
    """Print every setting with its value and meaning; secrets stay hidden."""
    from orchestration.console import print_table

    print_table(
        [
            {"setting": name, "value": str(value), "meaning": info.description or ""}
            for name, value, info in _flat(settings)
        ]
    )


def example_settings() -> str:
    """Return a `steppe.toml` that states every default, with its meaning."""
    lines: list[str] = [
        "# Every setting with its default; `steppe settings` shows what is in force."
    ]
    section = ""
    for name, _, info in _flat(Settings.model_construct()):
        prefix, _, key = name.rpartition(".")
        if prefix != section:
            lines += ["", f"[{prefix}]"]
            section = prefix
        default = info.get_default()
        meaning = f"  # {info.description}" if info.description else ""
        if default is None:
            lines.append(f'# {key} = ""{meaning}')
        else:
            lines.append(f"{key} = {_toml(default)}{meaning}")
    return "\n".join(lines) + "\n"


def _toml(value: Any) -> str:
    """Return a setting's default as TOML writes it."""
    if isinstance(value, dict):
        inner = ", ".join(f"{json.dumps(key)} = {_toml(v)}" for key, v in value.items())
        return f"{{{inner}}}" if inner else "{}"
    return json.dumps(value if isinstance(value, int | float) else str(value))


def _flat(settings: Settings) -> list[tuple[str, Any, Any]]:
    """Return (dotted name, value, field) of every setting, plain ones first."""
    plain: list[tuple[str, Any, Any]] = []
    nested: list[tuple[str, Any, Any]] = []
    for name, info in type(settings).model_fields.items():
        value = getattr(settings, name)
        inner = getattr(type(value), "model_fields", None)
        if inner is None:
            plain.append((name, value, info))
        else:
            nested += [
                (f"{name}.{key}", getattr(value, key), field) for key, field in inner.items()
            ]
    return plain + nested


def _tables(lake: Lake) -> list[dict[str, Any]]:
    return [
        {
            "table": t.name,
            "rows": sum(p.rows for p in lake.partitions(t.name)),
            "version": lake.version(t.name),
            "grain": t.grain,
        }
        for t in schemas.tables().values()
    ]


def _print(rows: Sequence[Mapping[str, Any]], *, as_json: bool) -> None:
    from orchestration.answers import json_lines
    from orchestration.console import print_table

    if as_json:
        click.echo(json_lines(rows), nl=False)
    else:
        print_table(rows)
