"""Makes hundreds of files that no export should hold, the same ones every time.

`make(folder)` fills `folder/given`, which is then walked, and `folder/elsewhere`, which nobody
may open.  It returns the reasons each file may end with; "read" stands for a dialogue.
"""

import gzip
import json
import os
import random
import struct
from collections.abc import Callable, Iterator
from pathlib import Path

BIG = 50_000_000
CHAT = [
    {"role": "user", "content": "Привет, как дела?"},
    {"role": "assistant", "content": "Хорошо."},
]
SHARED = [{"from": "human", "value": "Привет!"}, {"from": "gpt", "value": "Здравствуй."}]
NOTE = ">[!nexus_user] **User** - 04.06.2025 at 13:59\n> Привет!\n<!-- UID: 1 -->\n"
READ = frozenset({"read"})

Hostile = dict[str, frozenset[str]]


def record(**fields: object) -> str:
    return json.dumps({"messages": CHAT, **fields}, ensure_ascii=False)


VALID: dict[str, bytes] = {
    "messages.jsonl": (record(id="1") + "\n" + record(id="2") + "\n").encode(),
    "array.json": json.dumps([{"messages": CHAT}] * 3, indent=1).encode(),
    "sharegpt.json": json.dumps(
        [{"id": "1", "conversations": SHARED}], ensure_ascii=False
    ).encode(),
    "talk.txt": "- Привет!\n- Здравствуй.\n\n- Как дела?\n- Хорошо.\n".encode(),
    "marks.txt": "### Human: Привет! ### Assistant: Здравствуй.".encode(),
    "note.md": NOTE.encode(),
    "log.jsonl": b'{"event": "request", "request_id": "r", "conversation_id": "c", "messages": '
    + json.dumps(CHAT).encode()
    + b'}\n{"event": "answer", "request_id": "r", "conversation_id": "c", '
    b'"content": "\\u0434\\u0430", "finish": "stop"}\n',
}


def make(folder: Path) -> Hostile:
    """Write everything; return allowed reasons by the path inside `given`."""
    given, elsewhere = folder / "given", folder / "elsewhere"
    given.mkdir()
    elsewhere.mkdir()
    (elsewhere / "secret.jsonl").write_bytes(VALID["messages.jsonl"])
    expected: Hostile = {}
    for name, content, reasons in _contents():
        (given / name).write_bytes(content)
        expected[name] = frozenset(reasons)
    expected |= _names(given) | _parquet(given) | _links(given, elsewhere) | _large(given)
    return expected


def _contents() -> Iterator[tuple[str, bytes, tuple[str, ...]]]:
    yield from _broken_records()
    yield from _cut_and_damaged()
    yield from _encodings()
    yield from _not_text()


def _broken_records() -> Iterator[tuple[str, bytes, tuple[str, ...]]]:
    deep = 100_000
    cases: dict[str, tuple[str, str]] = {
        "roles_number": ('{"messages": [{"role": 1, "content": "x"}]}', "unknown_role"),
        "roles_path": ('{"messages": [{"role": "../../etc", "content": "x"}]}', "unknown_role"),
        "roles_null": ('{"messages": [{"role": null, "content": "x"}]}', "unknown_role"),
        "roles_list": ('{"messages": [{"role": ["user"], "content": "x"}]}', "unknown_role"),
        "share_role": ('[{"conversations": [{"from": "cat", "value": "x"}]}]', "unknown_role"),
        "no_content": ('{"messages": [{"role": "user"}]}', "bad_content"),
        "content_number": ('{"messages": [{"role": "user", "content": 1e999}]}', "bad_json"),
        "content_bool": ('{"messages": [{"role": "user", "content": true}]}', "bad_content"),
        "content_parts": ('{"messages": [{"role": "user", "content": [[1]]}]}', "bad_content"),
        "calls_text": ('{"messages": [{"role": "user", "tool_calls": "x"}]}', "bad_content"),
        "messages_object": ('{"messages": {"role": "user"}}', "no_messages"),
        "messages_null": ('{"messages": null}', "no_messages"),
        "messages_strings": ('{"messages": ["user"]}', "bad_message"),
        "surrogate": (r'{"messages": [{"role": "user", "content": "\ud800"}]}', "lone_surrogate"),
        "surrogate_low": (
            r'{"messages": [{"role": "user", "content": "\udc00x"}]}',
            "lone_surrogate",
        ),
        "surrogate_item": (
            r'[{"messages": [{"role": "user", "content": "\udfff"}]}]',
            "lone_surrogate",
        ),
        "escape": (r'{"messages": [{"role": "user", "content": "\x"}]}', "bad_json"),
        "nan": ('{"messages": NaN}', "bad_json"),
        "single_quotes": ("{'messages': [], \"messages\": 1}", "bad_json"),
        "trailing_comma": ('{"messages": [1,],}', "bad_json"),
        "two_on_a_line": (record() + record(), "bad_json"),
        "deep_line": ('{"messages": ' + "[" * deep + "]" * deep + "}", "too_deep"),
        "deep_open": ('{"messages": ' + "[" * deep, "too_deep"),
        "deep_objects": ('{"messages":' * deep, "too_deep"),
        "deep_item": ('[{"messages": ' + '{"a":' * deep + "1" + "}" * deep + "}]", "too_deep"),
        "array_of_numbers": ('[1, 2, "messages", {"messages": 1}]', "not_an_object no_messages"),
        "array_empty_then_text": ('[] "messages": []', "bad_json not_an_object"),
        "array_stray_closers": ('[{"messages": 1}}}]]', "no_messages bad_json truncated_json"),
        "array_unclosed_string": ('[{"messages": "x', "truncated_json"),
        "array_backslash_end": ('[{"messages": "x\\', "truncated_json"),
        "no_uid_no_text": (">[!nexus_user] **User**\n", "read"),
        "front_matter_only": ("---\nnexus: x\n---\n", "no_messages"),
        "front_matter_open": ("---\nnexus: x\n", "no_messages"),
        "marks_only": ("### Human:", "read"),
        "marks_in_json": ('{"text": "### Human: ### Human:"}', "read"),
        "marks_late": ('{"x": 1, "text": "### Human: да", "input": 5}', "read"),
        "event_unknown": ('{"event": "request", "request_id": "r"}\n{"event": 1}', "no_id"),
        "event_odd": (
            '{"event": "answer", "request_id": "r", "conversation_id": "c", "content": 1}',
            "bad_content",
        ),
        "event_orphan": (
            '{"event": "answer", "request_id": "r", "conversation_id": "c", "content": "x"}',
            "orphan_answer",
        ),
        "dash_only": ("- ", "read"),
        "dash_then_text": ("- а\n- б\n\nтекст\n", "read no_dash"),
        "prose": ("Просто рассказ.\n" * 50, "unknown_format"),
        "csv": ("role,content\nuser,x\n", "unknown_format"),
        "html": ("<html><body>messages</body></html>", "unknown_format"),
        "number": ("1" * 10_000, "unknown_format"),
    }
    for name, (text, reasons) in cases.items():
        ended = text + "\n" * text.startswith("{")
        yield f"record_{name}.jsonl", ended.encode(), tuple(reasons.split())
    for name, line in (
        ("duplicate_keys", '{"messages": 1, ' + record()[1:]),
        ("huge_id", record(id=10**4000)),
        ("huge_float", record(id=1e300, created_at="9" * 99)),
        ("bad_time", record(created_at="0001-01-01T00:00:00+23:59")),
        ("nul_escape", record(title="\0").replace("\\u0000", "\\u0000")),
        ("path_content", record(id="../../../etc/passwd", title="/etc/shadow")),
        ("sql_content", record(id="'; DROP TABLE raw_records; --")),
        ("template_content", record(title="{{ 7*7 }}<|im_end|>")),
        ("object_id", record(id={"a": [1]}, title=[], user=5)),
        ("blank_lines", "\n\n" + record() + "\n\n\n"),
        ("carriage_returns", record() + "\r\n" + record() + "\r\n"),
    ):
        yield f"odd_{name}.jsonl", line.encode(), ("read",)


def _cut_and_damaged() -> Iterator[tuple[str, bytes, tuple[str, ...]]]:
    """Every valid file, cut at ten places and with ten bytes changed: anything but an error."""
    rng = random.Random(20260101)
    for name, content in VALID.items():
        for n in range(10):
            yield f"cut_{n}_{name}", content[: rng.randrange(len(content))], ()
            damaged = bytearray(content)
            for _ in range(10):
                damaged[rng.randrange(len(damaged))] = rng.randrange(256)
            yield f"damaged_{n}_{name}", bytes(damaged), ()


def _encodings() -> Iterator[tuple[str, bytes, tuple[str, ...]]]:
    text = "- Привет, как твои дела?\n- Хорошо, спасибо, а твои?\n\n" * 20
    for codec in ("cp1251", "koi8_r", "cp866", "utf-16-le", "utf-16-be"):
        yield f"encoding_{codec}.txt", text.encode(codec), ("not_utf8",)
    for codec in ("utf-16", "utf-8-sig"):
        yield f"encoding_{codec}.txt", text.encode(codec), ("read",)
    for name, content in VALID.items():
        decoded = content.decode()
        yield f"marked_{name}", b"\xef\xbb\xbf" + content, ("read",)
        yield f"utf16_{name}", b"\xfe\xff" + decoded.encode("utf-16-be"), ("read",)
    yield "utf16_odd.txt", text.encode("utf-16") + b"\x04", ("read", "not_utf8", "no_dash")
    yield (
        "utf16_surrogate.txt",
        b"\xff\xfe" + "- да\n\n- ".encode("utf-16-le") + b"\x00\xd8",
        (
            "read",
            "not_utf8",
        ),
    )
    yield "one_bad_block.txt", b"- \xff\xfe\n\n" + text.encode(), ("not_utf8", "read")
    bad_line = record().encode().replace(b"\xd0", b"\xff")
    yield "one_bad_line.jsonl", bad_line + b"\n" + record().encode() * 1, ("not_utf8", "read")
    yield "utf32.txt", text.encode("utf-32"), ()


def _not_text() -> Iterator[tuple[str, bytes, tuple[str, ...]]]:
    rng = random.Random(7)
    yield "empty.jsonl", b"", ("empty_file",)
    yield "mark_only.txt", b"\xef\xbb\xbf", ("empty_file",)
    yield "mark16_only.txt", b"\xff\xfe", ("empty_file",)
    yield "blanks.md", b" \n\t\r\n " * 1000, ("empty_file",)
    yield "nul.txt", b"\0" * 4096, ("binary", "not_utf8")
    yield "nul_in_block.txt", b"- a\n- b\n\n" * 9000 + b"- \0\n", ("read", "binary")
    yield "bell.txt", b"- \x07\x07\x07\n", ("binary",)
    yield "pdf.md", b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n" + rng.randbytes(4000), ("not_a_dialogue",)
    yield "zip.json", b"PK\x03\x04" + rng.randbytes(4000), ("bad_archive",)
    yield "gzip.jsonl", gzip.compress(VALID["messages.jsonl"] * 500, mtime=0), ("read",)
    yield "elf.txt", b"\x7fELF\x02\x01\x01" + bytes(64), ("binary",)
    yield "pickle.json", b"\x80\x05\x95\x00cos\nsystem\n", ("binary", "not_utf8")
    for n in range(40):
        yield f"random_{n}.bin", rng.randbytes(rng.randrange(1, 5000)), ()
    for n in range(20):
        letters = "".join(rng.choices('{}[]",:\\- #>!абв\n', k=rng.randrange(1, 2000)))
        yield f"soup_{n}.json", letters.encode(), ()
        start = rng.choice(['{"messages":', '[{"conversations":', "- ", ">[!nexus_user]"])
        yield f"started_soup_{n}.json", (start + letters).encode(), ()


def _names(given: Path) -> Hostile:
    names = [
        "new\nline.md", 'quote".json', "it's.jsonl", "..hidden", "...", "-rf", "$(id).txt", " ",
        "a;b|c&d", "%2e%2e%2f", "con.txt", "ё" * 120, "\u202egpj.exe", "*?.md", ".hidden",
    ]  # fmt: skip
    for name in names:
        (given / name).write_bytes(VALID["talk.txt"])
    raw = os.fsencode(given) + b"/bad\xff\xfename.txt"
    with open(raw, "wb") as file:  # noqa: PTH123 - a name that is no text
        file.write(VALID["talk.txt"])
    (given / "folder.jsonl" / "sub.json").mkdir(parents=True)
    (given / "folder.jsonl" / "sub.json" / "talk").write_bytes(VALID["talk.txt"])
    (given / ".git").mkdir()
    (given / ".git" / "config").write_bytes(VALID["talk.txt"])
    (given / ".DS_Store").write_bytes(b"\0\0\0\1Bud1")
    deep = given / "/".join(["d"] * 200)
    deep.mkdir(parents=True)
    (deep / "talk.txt").write_bytes(VALID["talk.txt"])
    read = dict.fromkeys(names, READ)
    nested = {"folder.jsonl/sub.json/talk": READ, "d/" * 200 + "talk.txt": READ}
    ignored = {".git": frozenset({"ignored"}), ".DS_Store": frozenset({"ignored"})}
    return {**read, **nested, **ignored, "bad\\xff\\xfename.txt": READ}


def _parquet(given: Path) -> Hostile:
    import pyarrow as pa
    import pyarrow.parquet as pq

    def write(name: str, rows: list[dict[str, object]]) -> bytes:
        pq.write_table(pa.Table.from_pylist(rows), given / name)
        return (given / name).read_bytes()

    good = write("good.parquet", [{"messages": CHAT, "id": "1"}] * 50)
    write("wrong.parquet", [{"text": "x"}])
    write("strings.parquet", [{"messages": "x"}])
    write("numbers.parquet", [{"messages": [1, 2]}])
    write("roles.parquet", [{"messages": [{"role": "cat", "content": "x"}]}])
    write("nulls.parquet", [{"messages": None}, {"messages": CHAT}])
    binary = pa.array([b"\xff\xfe"], pa.binary()).view(pa.string())
    pq.write_table(pa.table({"messages": [CHAT], "title": binary}), given / "not_utf8.parquet")
    expected = {
        "good.parquet": READ,
        "wrong.parquet": frozenset({"wrong_schema"}),
        "strings.parquet": frozenset({"no_messages"}),
        "numbers.parquet": frozenset({"bad_message"}),
        "roles.parquet": frozenset({"unknown_role"}),
        "nulls.parquet": frozenset({"no_messages", "read"}),
        "not_utf8.parquet": frozenset({"not_utf8"}),
    }
    damages: dict[str, Callable[[bytes], bytes]] = {
        "magic_only": lambda b: b"PAR1",
        "cut_half": lambda b: b[: len(b) // 2],
        "cut_end": lambda b: b[:-1],
        "footer_length": lambda b: b[:-8] + struct.pack("<I", 2**31) + b"PAR1",
        "footer_zero": lambda b: b[:-40] + bytes(32) + b[-8:],
        "pages": lambda b: b[:8] + bytes(64) + b[72:],
    }
    for name, damage in damages.items():
        (given / f"{name}.parquet").write_bytes(damage(good))
        expected[f"{name}.parquet"] = frozenset({"bad_parquet", "read"})
    rng = random.Random(11)
    for n in range(30):
        changed = bytearray(good)
        for _ in range(4):
            changed[rng.randrange(4, len(changed) - 4)] = rng.randrange(256)
        (given / f"changed_{n}.parquet").write_bytes(bytes(changed))
        expected[f"changed_{n}.parquet"] = frozenset()
    return expected


def _links(given: Path, elsewhere: Path) -> Hostile:
    links = {
        "out_file.jsonl": (elsewhere / "secret.jsonl", "outside_link"),
        "out_folder": (elsewhere, "outside_link"),
        "out_relative": (Path("../elsewhere/secret.jsonl"), "outside_link"),
        "out_system": (Path("/etc/passwd"), "outside_link"),
        "out_device": (Path("/dev/zero"), "outside_link"),
        "out_root": (Path("/"), "outside_link"),
        "in_file": (Path("good.parquet"), "inside_link"),
        "in_folder": (Path("folder.jsonl"), "inside_link"),
        "up": (Path(), "inside_link"),
        "nowhere": (Path("absent"), "broken_link"),
        "loop_a": (Path("loop_b"), "link_loop"),
        "loop_b": (Path("loop_a"), "link_loop"),
        "self": (Path("self"), "link_loop"),
        "chain": (Path("out_file.jsonl"), "outside_link"),
    }
    for name, (target, _) in links.items():
        (given / name).symlink_to(target)
    os.mkfifo(given / "pipe.jsonl")
    expected = {name: frozenset({reason}) for name, (_, reason) in links.items()}
    return {**expected, "pipe.jsonl": frozenset({"special_file"})}


def _large(given: Path) -> Hostile:
    word = b"abc " * (BIG // 4)
    large = {
        "large_line.jsonl": (b'{"messages": "' + word + b'"}\n' + VALID["messages.jsonl"], "read"),
        "large_cut.jsonl": (b'{"messages": "' + word, ""),
        "large_item.json": (b'[{"messages": "' + word + b'"},' + record().encode() + b"]", "read"),
        "large_block.txt": (b"- " + word + b"\n\n- a\n- b\n", "read"),
        "large_many_lines.txt": (b"- a\n" * 1_000_000 + b"\n- a\n- b\n", "read"),
        "large_values.json": (b'{"messages": [' + b"{}," * 5_000_000 + b"{}]}", ""),
        "large_lines_note.md": (NOTE.encode() + b">\n" * 1_000_000, ""),
        "large_note.md": (NOTE.encode() + b"> " + word, ""),
        "large_marks.txt": (b"### Human: " + word, ""),
    }
    for name, (content, _) in large.items():
        (given / name).write_bytes(content)
    return {n: frozenset({"record_too_large", *extra.split()}) for n, (_, extra) in large.items()}
