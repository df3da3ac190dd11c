"""`steppe base extend` makes a base from text files, and says what it is worth."""

from click.testing import CliRunner

from models.base import find_base
from models.testing import tiny_base
from orchestration.cli import main

LINES = ["Сарай у озера чинил сосед.", "У озера стоит сарай.", "Осенью у озера туманно."] * 8


def test_it_makes_a_base_that_the_setting_can_name(tmp_path, monkeypatch):
    texts = tmp_path / "notes.txt"
    texts.write_text("\n\n".join(LINES), encoding="utf-8")
    monkeypatch.setenv("STEPPE_BASE_MODEL", str(tiny_base(tmp_path / "base")))
    new = tmp_path / "new"

    done = CliRunner().invoke(
        main, ["base", "extend", str(texts), "--size", "20", "--out", str(new)]
    )
    found = find_base(str(new), tmp_path)

    assert 0 == done.exit_code, done.output
    assert found.base_id == done.stdout.splitlines()[0]
    assert "20 new tokens" in done.stdout
    assert "on lines it was not made from" in done.stdout


def test_what_is_no_text_is_refused(tmp_path):
    file = tmp_path / "notes.txt"
    file.write_bytes(b"\xff\xfe\x00")

    done = CliRunner().invoke(main, ["base", "extend", str(file), "--out", str(tmp_path / "new")])

    assert 1 == done.exit_code
    assert "cannot be read as UTF-8 text" in done.stderr
