"""Records are cut out of a stream of JSON wherever its chunks end, and none is lost."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assets.sources.cutting import Cutter, Piece, list_parts, own_keys

LIMIT = 1 << 20
TEXTS = st.text('"\\[]{},:ж \n', max_size=8)
VALUES = st.recursive(
    TEXTS | st.integers() | st.none() | st.booleans(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)
RECORDS = st.dictionaries(TEXTS, VALUES, max_size=4)


def chunked(text: str, size: int) -> list[bytes]:
    raw = text.encode()
    return [raw[at : at + size] for at in range(0, len(raw), size)]


def cut(text: str, size: int = 7, limit: int = LIMIT) -> list[Piece]:
    cutter = Cutter(limit)
    pieces = [piece for chunk in chunked(text, size) for piece in cutter.feed(chunk)]
    return [*pieces, *cutter.rest()]


@given(st.lists(RECORDS, max_size=4), st.integers(1, 9), st.sampled_from([None, 1]))
def test_the_items_of_an_array_come_back_as_they_were(records, size, indent):
    pieces = cut(json.dumps(records, indent=indent, ensure_ascii=False), size)

    assert [json.loads(piece.raw) for piece in pieces] == records
    assert {piece.reason for piece in pieces} <= {""}


@given(st.lists(RECORDS, min_size=1, max_size=4), st.integers(1, 9))
def test_so_do_objects_one_after_another(records, size):
    pieces = cut("\n".join(json.dumps(record, indent=1) for record in records), size)

    assert [json.loads(piece.raw) for piece in pieces] == records


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('[1, "а,б", {"c": 1}]', [("1", ""), ('"а,б"', ""), ('{"c": 1}', "")]),
        ('[{"a": 1}, {"b": 2', [('{"a": 1}', ""), ('{"b": 2', "truncated_json")]),
        ('[{"a": 1},', [('{"a": 1}', ""), ("", "truncated_json")]),
        ('[{"a": "x\\', [('{"a": "x\\', "truncated_json")]),
        ('[{"a": 1}}]', [('{"a": 1}', ""), ("]", "")]),
        ("", []),
    ],
)
def test_what_is_no_record_or_was_cut_off_is_told(text, expected):
    assert [(piece.raw.decode(), piece.reason) for piece in cut(text)] == expected


def test_a_record_over_the_limit_leaves_its_start_and_its_neighbours():
    pieces = cut('[{"a": 1}, {"b": "' + "ж" * 90_000 + '"}, {"c": 1}]', 4096, limit=100_000)

    assert [(len(p.raw) > 60_000, p.reason) for p in pieces] == [
        (False, ""), (True, "record_too_large"), (False, ""),
    ]  # fmt: skip


@given(st.lists(st.tuples(RECORDS, st.lists(RECORDS, max_size=3)), max_size=3), st.integers(1, 9))
def test_lists_under_a_key_come_with_the_object_around_them(chats, size):
    named = [
        {"name": n, "photo": before, "messages": items}
        for n, (before, items) in enumerate(chats)
        if "messages" not in json.dumps(before)
    ]
    text = json.dumps({"about": "x", "contacts": {"list": [{}]}, "chats": {"list": named}})

    headers, lists = [], []
    for kind, raw in list_parts(chunked(text, size), "messages", LIMIT):
        if kind == "header":
            headers.append(json.loads(raw))
            lists.append(b"")
        else:
            lists[-1] += raw

    assert [json.loads(raw) for raw in lists] == [chat["messages"] for chat in named]
    assert headers == [{"name": c["name"], "photo": {}, "messages": []} for c in named]


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ('{"a": {"b": 1}, "c": "\\"d\\": 1"}', {"a", "c"}),
        ('[{"a": [{"b": 1}]}, {"z": 1}]', {"a"}),
        ('{"a": 1, "text": "he said \\"messages\\": {', {"a", "text"}),
        ('{"a": "b', {"a"}),
        ("[1, 2]", set()),
        ("просто текст", set()),
    ],
)
def test_own_keys_are_those_of_the_first_object_only(text, keys):
    assert own_keys(text) == keys
