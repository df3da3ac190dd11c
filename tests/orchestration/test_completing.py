"""What may stand at the cursor: relations after `from`, columns of what is asked, keywords."""

import pytest

from lake import query
from lake.tables import Lake
from orchestration.completing import Names, completions, names_of, word_at_end

NAMES = Names(
    {
        "raw_records": ("record_id", "source"),
        "raw_quarantined": ("record_id", "reason"),
        "stg_dialogues": ("dialogue_id", "source", "split"),
        "explore.language_mix": ("source", "share"),
        "meta.tables": ("name",),
    },
    ("from", "select", "semi", "sum"),
)


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("select * from raw_", "", ["raw_records", "raw_quarantined"]),
        ("SELECT * FROM Raw_q", "", ["raw_quarantined"]),
        ("from explore.", "", ["explore.language_mix"]),
        ("from stg_dialogues join ra", "", ["raw_records", "raw_quarantined"]),
        ("describe stg", "", ["stg_dialogues"]),
        ("select so", " from stg_dialogues", ["source"]),
        ("from stg_dialogues where sp", "", ["split"]),
        ("from meta.tables where n", "", ["name"]),
        ("from raw_records where s", "", ["source", "stg_dialogues", "select", "semi", "sum"]),
        ("select d.s", " from stg_dialogues as d", ["d.source", "d.split"]),
        ("from stg_dialogues d where d.di", "", ["d.dialogue_id"]),
        ("from explore.language_mix m where m.sh", "", ["m.share"]),
        ("sel", "", ["select"]),
        ("from", "", []),
        ("select ", "", []),
        ("select 'абв", "", []),
        (".", "", [".tables", ".schema", ".queries", ".help", ".quit"]),
        (".q", "", [".queries", ".quit"]),
        (".schema st", "", ["stg_dialogues"]),
        (".schema explore.", "", ["explore.language_mix"]),
    ],
)  # fmt: skip
def test_what_may_stand_at_the_cursor(before: str, after: str, expected: list[str]) -> None:
    assert expected == completions(before, after, NAMES)


@pytest.mark.parametrize(
    ("before", "word"),
    [("", ""), ("select ", ""), ("from raw_r", "raw_r"), ("d.so", "d.so"), (".ta", ".ta")],
)
def test_a_completion_replaces_the_word_before_the_cursor(before: str, word: str) -> None:
    assert word == word_at_end(before)


def test_the_names_are_those_of_the_lake(lake: Lake) -> None:
    with query.connect(lake, explore=True) as connection:
        names = names_of(connection)

    assert {"raw_records", "stg_words", "source_mix", "explore.language_mix"} <= set(names.columns)
    assert "meta.partitions" in names.columns
    assert ("source", "language", "dialogues", "share", "characters") == names.columns[
        "explore.language_mix"
    ]
    assert {"select", "qualify"} <= set(names.keywords)
