"""Two gigabytes must not need two gigabytes: the peak of a process that reads large exports."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

import pytest

from assets import sources
from assets.sources.testing import ONE_TALK, export

ROOT = Path(__file__).parents[3]
SIZE = 200_000_000
MAX_PEAK_MIB = 300
SMALL = 24_000_000
MAX_SMALL_MIB = 200

READER = """
import re, sys
from pathlib import Path
from assets import sources

for name in sys.argv[1:]:
    path = Path(name)
    count = sum(1 for _ in sources.read(path, root=path.parent))
    peak = re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1]
    print(count, int(peak) // 1024)
"""


def peaks(*paths: Path) -> list[list[int]]:
    """Return how many items each file gave, and the peak of the process in MiB so far."""
    done = subprocess.run(
        [sys.executable, "-c", READER, *map(str, paths)],
        cwd=ROOT, capture_output=True, text=True, check=True, timeout=600,
    )  # fmt: skip
    return [[int(word) for word in line.split()] for line in done.stdout.splitlines()]


def fill(file: IO[bytes], size: int, records: Iterator[bytes], between: bytes) -> int:
    """Write records until the file has its size; return how many."""
    written = count = 0
    for record in records:
        part = between + record if count else record
        written += file.write(part)
        count += 1
        if written > size:
            break
    return count


def talks(number: int) -> list[list[str]]:
    return [[f"Вопрос {number}? " + "слово " * 40, f"Ответ {number}. " + "дело " * 80] * 2]


def chatgpt(file: IO[bytes]) -> int:
    many = (export("chatgpt", talks(n)).strip()[1:-1] for n in iter(int, 1))
    file.write(b"[")
    count = fill(file, SIZE, many, b",")
    file.write(b"]")
    return count


def telegram(file: IO[bytes]) -> int:
    """A whole account: chats of 1,000 messages, an hour apart, so that a chat is one dialogue."""

    def chats() -> Iterator[bytes]:
        for number in range(10**6):
            said = [
                {"id": n, "type": "message", "date_unixtime": str(1_700_000_000 + n * 3600),
                 "from": "Аня", "from_id": f"user{n % 2}", "text": f"{n} " + "слово " * 30}
                for n in range(1000)
            ]  # fmt: skip
            chat = {"name": "Аня", "type": "personal_chat", "id": number, "messages": said}
            yield json.dumps(chat, ensure_ascii=False, indent=1).encode()

    file.write(b'{"about": "x", "chats": {"about": "x", "list": [')
    count = fill(file, SIZE, chats(), b",")
    file.write(b"]}}")
    return count


@pytest.mark.slow
@pytest.mark.parametrize("write", [chatgpt, telegram])
def test_a_large_export_is_read_with_little_memory(
    tmp_path: Path, write: Callable[[IO[bytes]], int]
) -> None:
    path = tmp_path / "export.json"
    with path.open("wb") as file:
        count = write(file)

    ((items, peak),) = peaks(path)

    print(f"{path.stat().st_size / 1e6:.0f} MB, {items} dialogues: peak {peak} MiB")
    path.unlink()
    assert items == count
    assert peak < MAX_PEAK_MIB


@pytest.mark.slow
def test_every_source_of_many_records_streams(tmp_path: Path) -> None:
    names = [s.name for s in sources.SOURCES if s.name not in ONE_TALK]
    paths = []
    for name in names:
        many = export(name, [talk for n in range(2000) for talk in talks(n)])
        paths.append(tmp_path / name)
        paths[-1].write_bytes(many)
        if name not in ("chatgpt", "claude", "telegram", "baize", "alpaca", "sharegpt"):
            paths[-1].write_bytes(many * (SMALL // len(many)))

    found = peaks(*paths)

    for name, (items, peak) in zip(names, found, strict=True):
        print(f"{name}: {items} items, peak {peak} MiB")
    assert all(items >= 2000 for items, _ in found)
    assert found[-1][1] < MAX_SMALL_MIB
