"""What a day is made from: every option of the sources is part of it."""

from datetime import date

import pytest

from assets import fingerprints
from assets.sources import Options
from lake.settings import SourcesSettings, load

DAY = date(2026, 3, 5)
OTHERS = {
    "nexus_dates": "mdy",
    "chatgpt_branches": True,
    "telegram_assistant": "Аня",
    "telegram_gap_hours": 2,
    "oasst_paths": "ranked",
    "sharegpt_max_characters": 10_000,
}


def test_options_are_what_the_settings_say_of_sources():
    assert Options(**SourcesSettings().model_dump()) == Options()
    assert set(OTHERS) == set(SourcesSettings.model_fields)


@pytest.mark.parametrize("name", OTHERS)
def test_a_changed_option_reads_the_days_again(tmp_path, name):
    usual = load(home=tmp_path)
    changed = load(home=tmp_path, sources={name: OTHERS[name]})

    assert fingerprints.raw(usual, DAY) == fingerprints.raw(load(home=tmp_path), DAY)
    assert fingerprints.raw(changed, DAY) != fingerprints.raw(usual, DAY)
