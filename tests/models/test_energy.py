"""Energy: counted where a counter is readable, over its turn, and never guessed."""

from models.energy import Meter


def package(root, name, microjoules, *, limit=1_000_000_000):
    folder = root / name
    folder.mkdir(exist_ok=True)
    (folder / "energy_uj").write_text(f"{microjoules}\n")
    (folder / "max_energy_range_uj").write_text(f"{limit}\n")


def test_joules_are_those_of_all_packages_and_of_no_part(tmp_path):
    package(tmp_path, "intel-rapl:0", 1_000_000)
    package(tmp_path, "intel-rapl:1", 5_000_000)
    package(tmp_path, "intel-rapl:0:0", 0)
    meter = Meter(on_gpu=False, rapl=tmp_path)
    package(tmp_path, "intel-rapl:0", 3_000_000)
    package(tmp_path, "intel-rapl:1", 5_500_000)
    package(tmp_path, "intel-rapl:0:0", 900_000_000)

    assert 2.5 == meter.joules()


def test_a_counter_that_began_anew_is_followed(tmp_path):
    package(tmp_path, "intel-rapl:0", 999_000_000)
    meter = Meter(on_gpu=False, rapl=tmp_path)
    package(tmp_path, "intel-rapl:0", 1_000_000)

    assert 2.0 == meter.joules()


def test_where_nothing_tells_nothing_is_told(tmp_path):
    assert Meter(on_gpu=False, rapl=tmp_path).joules() is None
