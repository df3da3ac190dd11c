"""What was spent before a kill is paid by whoever goes on, and what nobody knows is unknown."""

import json

import pytest

from models.energy import Meter
from models.training import spent
from models.training.spent import Account, Spent


@pytest.fixture
def meter(tmp_path):
    """A meter of a processor that has used two joules so far, and the file that says so."""
    package = tmp_path / "intel-rapl:0"
    package.mkdir()
    (package / "energy_uj").write_text("2000000")
    (package / "max_energy_range_uj").write_text("262143328850")
    return Meter(on_gpu=False, rapl=tmp_path), package / "energy_uj"


def test_who_goes_on_adds_what_the_checkpoint_says(meter, tmp_path):
    told, counter = meter
    spent.keep(Spent(10.0, 20.0, 30.0, 40), tmp_path)
    account = Account(told)
    account.go_on_from(tmp_path)
    account.give_up(5)
    counter.write_text("9000000")

    now = account.now()

    assert (37.0, 45) == (now.joules, now.tokens)
    assert 10.0 < now.seconds < 11.0
    assert 20.0 <= now.cpu_seconds < 21.0


def test_what_is_kept_is_read(tmp_path):
    spent.keep(Spent(1.5, 2.5, None, 3), tmp_path)

    assert Spent(1.5, 2.5, None, 3) == spent.read(tmp_path)
    assert ["cpu_seconds", "joules", "seconds", "tokens"] == sorted(
        json.loads((tmp_path / spent.RECORD).read_text())
    )


def test_a_checkpoint_that_says_nothing_leaves_the_energy_unknown(meter, tmp_path):
    account = Account(meter[0])
    account.go_on_from(tmp_path)

    assert account.now().joules is None


def test_unknown_and_known_is_unknown():
    assert Spent(3.0, 3.0, None, 3) == Spent(1.0, 1.0, None, 1) + Spent(2.0, 2.0, 5.0, 2)
