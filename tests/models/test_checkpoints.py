"""A checkpoint counts only if all of it is there (trap T3)."""

import pytest

from models import checkpoints


def make(folder, step, *, sealed=True):
    path = folder / f"checkpoint-{step}"
    path.mkdir()
    (path / "weights").write_bytes(b"w" * step)
    (path / "optimizer").write_bytes(b"o")
    if sealed:
        checkpoints.seal(path)
    return path


def test_the_newest_sound_one_is_taken_by_number_not_by_name(tmp_path):
    make(tmp_path, 9)
    newest = make(tmp_path, 10)

    assert newest == checkpoints.newest_sound(tmp_path)


@pytest.mark.parametrize("harm", ["unsealed", "truncated", "lost_optimizer", "stray"])
def test_a_harmed_one_is_removed_and_the_one_before_taken(tmp_path, harm):
    sound = make(tmp_path, 2)
    harmed = make(tmp_path, 4, sealed=harm != "unsealed")
    if harm == "truncated":
        (harmed / "weights").write_bytes(b"w")
    if harm == "lost_optimizer":
        (harmed / "optimizer").unlink()
    if harm == "stray":
        (harmed / "half.tmp").touch()

    assert sound == checkpoints.newest_sound(tmp_path)
    assert not harmed.exists()


def test_without_any_there_is_none(tmp_path):
    assert checkpoints.newest_sound(tmp_path) is None
