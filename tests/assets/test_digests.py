"""Ids of files: of their bytes, read again only where a file changed."""

import os
import shutil
from pathlib import Path

import pytest

from assets import digests
from lake.ids import file_id


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "2026-01-01" / "talk.jsonl"
    path.parent.mkdir()
    path.write_text("Привет", encoding="utf-8")
    return path


def test_it_is_the_id_of_the_bytes_also_after_a_change(tmp_path: Path, file: Path) -> None:
    before = digests.digest(file, inbox=tmp_path), file_id(file)
    file.write_text("Привет!", encoding="utf-8")

    assert before[0] == before[1]
    assert file_id(file) == digests.digest(file, inbox=tmp_path) != before[0]


def test_another_process_remembers_it(tmp_path: Path, file: Path) -> None:
    told, state = digests.digest(file, inbox=tmp_path), file.stat()
    digests._of_state.cache_clear()
    file.write_text("Прощай", encoding="utf-8")  # as long, and its time put back
    os.utime(file, ns=(state.st_atime_ns, state.st_mtime_ns))

    assert told == digests.digest(file, inbox=tmp_path)


def test_a_broken_memory_is_no_harm(tmp_path: Path, file: Path) -> None:
    (tmp_path / digests.MEMORY).write_text("no database at all")

    assert file_id(file) == digests.digest(file, inbox=tmp_path)


def test_a_moved_home_reads_nothing_anew(tmp_path: Path, file: Path) -> None:
    told = digests.digest(file, inbox=tmp_path)
    moved = tmp_path.with_name("moved")
    shutil.move(tmp_path, moved)
    (moved / "2026-01-01" / "talk.jsonl").touch()

    assert told == digests.digest(moved / "2026-01-01" / "talk.jsonl", inbox=moved)
