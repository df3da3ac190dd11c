"""What is packed is read as if it were not, and a bomb ends with a reason."""

import gzip
import io
import json
import os
import tempfile
import zipfile
from pathlib import Path

import pyarrow as pa
import pytest

from assets import sources
from assets.sources import packed
from assets.sources.testing import export
from lake.schemas import Unreadable

CHAT = [{"role": "user", "content": "Привет!"}, {"role": "assistant", "content": "Привет."}]
LINES = "".join(
    json.dumps({"messages": CHAT, "id": str(n)}, ensure_ascii=False) + "\n" for n in range(3)
).encode()


def zipped(**members: bytes) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return held.getvalue()


def zstd(content: bytes) -> bytes:
    return pa.compress(content, codec="zstd", asbytes=True)


def read(folder: Path, content: bytes, name: str = "export.bin") -> list[sources.Item]:
    path = folder / name
    path.write_bytes(content)
    return list(sources.read(path, root=folder))


def places(items: list[sources.Item]) -> list[tuple[str, str]]:
    return [(i.position, i.reason if isinstance(i, Unreadable) else "read") for i in items]


@pytest.mark.parametrize("pack", [gzip.compress, zstd, lambda raw: gzip.compress(zstd(raw))])
def test_gzip_and_zstandard_are_told_by_content_and_positions_stay(tmp_path, pack):
    plain, found = read(tmp_path, LINES), read(tmp_path, pack(LINES), "talk.exe")

    assert found == plain
    assert [item.position for item in found] == ["line 1", "line 2", "line 3"]


def test_positions_name_the_members_of_a_zip(tmp_path):
    inner = zipped(**{"deep.jsonl": LINES})
    content = zipped(
        **{"a/talks.jsonl": LINES, "b.jsonl.gz": gzip.compress(LINES), "c.zip": inner, "d.md": b""}
    )

    found = read(tmp_path, content, "export.zip")

    ends = [f"line {n}" for n in (1, 2, 3)]
    assert [(place, "read") for place in (f"export.zip!a/talks.jsonl: {end}" for end in ends)] == (
        places(found)[:3]
    )
    assert places(found)[3] == ("export.zip!b.jsonl.gz: line 1", "read")
    assert places(found)[6] == ("export.zip!c.zip!deep.jsonl: line 1", "read")
    assert places(found)[9:] == [("export.zip!d.md", "empty_file")]


def test_what_nobody_can_read_is_not_unpacked_and_has_a_reason(tmp_path):
    picture = b"\x89PNG\r\n\x1a\n" + os.urandom(1 << 20)
    content = zipped(**{"a.png": picture, "__MACOSX/._a": b"x", "b/.DS_Store": b"x", "c/": b""})

    assert places(read(tmp_path, content, "e.zip")) == [
        ("e.zip!a.png", "not_a_dialogue"),
        ("e.zip!__MACOSX/._a", "ignored"),
        ("e.zip!b/.DS_Store", "ignored"),
    ]


def test_of_a_chatgpt_export_everything_is_accounted_for(tmp_path):
    account = {"id": "user-1", "email": "a@b.c", "chatgpt_plus_user": False}
    content = zipped(
        **{
            "user.json": json.dumps(account).encode(),
            "conversations.json": export("chatgpt", [["Как?", "Так."], ["Где?", "Тут."]]),
            "message_feedback.json": b"[]",
            "chat.html": b"<html><body>" + "Как?".encode() + b"</body></html>",
            "file-1-cat.png": b"\x89PNG\r\n\x1a\n\0\0",
        }
    )

    assert places(read(tmp_path, content, "export.zip")) == [
        ("export.zip!user.json", "not_a_dialogue"),
        ("export.zip!conversations.json: item 1", "read"),
        ("export.zip!conversations.json: item 2", "read"),
        ("export.zip!message_feedback.json", "not_a_dialogue"),
        ("export.zip!chat.html", "unknown_format"),
        ("export.zip!file-1-cat.png", "not_a_dialogue"),
    ]


def test_a_member_with_a_password_says_so(tmp_path):
    content = bytearray(zipped(**{"a.jsonl": LINES}))
    content[content.index(b"PK\x01\x02") + 8] |= 1

    assert places(read(tmp_path, bytes(content), "e.zip")) == [("e.zip!a.jsonl", "encrypted")]


@pytest.mark.parametrize("pack", [gzip.compress, zstd, lambda raw: zipped(**{"a.jsonl": raw})])
def test_damage_is_told_wherever_it_stands(tmp_path, pack):
    whole = pack(LINES * 2000)

    for at in range(len(whole) // 20, len(whole), len(whole) // 20):
        found = read(tmp_path, whole[:at])
        assert found
        assert all(item.reason == "bad_archive" for item in found)


@pytest.mark.parametrize("pack", [gzip.compress, zstd, lambda raw: zipped(**{"a.jsonl": raw})])
def test_a_bomb_ends_with_a_reason(tmp_path, pack, monkeypatch):
    monkeypatch.setattr(packed, "FREE_BYTES", 1 << 20)

    (found,) = read(tmp_path, pack(b"- a\n" * (4 << 20)))

    assert found.reason == "archive_too_large"


def test_the_bytes_of_all_members_count_together(tmp_path, monkeypatch):
    monkeypatch.setattr(packed, "FREE_BYTES", 3 << 20)
    members = {f"{n}.txt": b"- " + b"a" * (1 << 20) for n in range(5)}

    found = read(tmp_path, zipped(**members), "e.zip")

    assert [reason for _, reason in places(found)] == ["read"] * 2 + ["archive_too_large"] * 3


def test_too_many_members_and_too_deep_a_nest_are_told(tmp_path, monkeypatch):
    monkeypatch.setattr(packed, "MAX_MEMBERS", 2)
    many = zipped(**{f"{n}.txt": b"- a\n" for n in range(3)})
    deep = gzip.compress(gzip.compress(gzip.compress(LINES)))

    assert [r for _, r in places(read(tmp_path, many))] == ["read", "read", "archive_too_large"]
    assert [r for _, r in places(read(tmp_path, deep))] == ["nested_too_deep"]
    assert [r for _, r in places(read(tmp_path, zipped()))] == ["no_records"]


def test_a_directory_of_absurd_size_is_not_read_into_memory(tmp_path, monkeypatch):
    monkeypatch.setattr(packed, "MAX_DIRECTORY_BYTES", 1000)
    many = zipped(**{f"{n}.txt": b"- a\n" for n in range(100)})

    (found,) = read(tmp_path, many)

    assert found.reason == "bad_archive"
    assert "directory" in found.detail


def test_a_member_without_a_name_is_read_all_the_same(tmp_path):
    """Found by the fuzzer: a name ends at a NUL, and `ZipInfo.is_dir` raises on an empty one."""
    content = bytearray(zipped(a=LINES))
    for place in (30, content.index(b"PK\x01\x02") + 46):
        content[place] = 0

    found = read(tmp_path, bytes(content), "e.zip")

    assert places(found)[0] == ("e.zip!unnamed: line 1", "read")


def test_names_of_members_never_become_paths(tmp_path):
    content = zipped(**{"../../evil.jsonl": LINES, "/etc/evil.jsonl": LINES})
    before = set(Path(tempfile.gettempdir()).iterdir())

    found = read(tmp_path, content, "e.zip")

    assert {reason for _, reason in places(found)} == {"read"}
    assert found[0].position == "e.zip!../../evil.jsonl: line 1"
    assert not (tmp_path.parent.parent / "evil.jsonl").exists()
    assert not [p for p in set(Path(tempfile.gettempdir()).iterdir()) - before if "evil" in p.name]
