"""Content ids: the same content has the same id on every machine and in every process.

An id is the first 16 bytes of a SHA-256, as 32 hexadecimal digits, so two of 2^40 dialogues
share one with probability below 2^-48.  Parts are length-prefixed: `("ab", "c")` and
`("a", "bc")` differ.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import secrets
import struct
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from lake.errors import DataError

ID_HEX_DIGITS = 32
_SHAPE = re.compile(rf"[0-9a-f]{{{ID_HEX_DIGITS}}}")
_LENGTH = struct.Struct(">Q").pack


def content_id(*parts: str | bytes) -> str:
    """Return the id of an ordered list of parts, as 32 hexadecimal digits."""
    return id_of_prefixed([prefixed(part) for part in parts])


def prefixed(part: str | bytes) -> bytes:
    """Return a part as it enters an id: its length in eight bytes, then itself."""
    raw = part.encode("utf-8", "surrogatepass") if isinstance(part, str) else part
    return _LENGTH(len(raw)) + raw


def each_prefixed(parts: Iterable[bytes]) -> list[bytes]:
    """Return every part `prefixed`: for parts by the hundred thousand."""
    return [_LENGTH(len(part)) + part for part in parts]


def id_of_prefixed(parts: Iterable[bytes]) -> str:
    """Return the id of parts that are `prefixed` already: for ids by the hundred thousand."""
    return hashlib.sha256(b"".join(parts)).hexdigest()[:ID_HEX_DIGITS]


def ids_under(*first: str) -> Callable[[str], str]:
    """Return the function from a last part to its id; what the first parts cost is paid once."""
    begun = hashlib.sha256(b"".join(map(prefixed, first)))

    def id_under(last: str) -> str:
        digest = begun.copy()
        digest.update(prefixed(last))
        return digest.hexdigest()[:ID_HEX_DIGITS]

    return id_under


def json_id(value: Mapping[str, Any] | list[Any]) -> str:
    """Return the id of a JSON value; the order of its keys does not matter."""
    return content_id(json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")))


def file_id(path: Path) -> str:
    """Return the id of a file's bytes, reading 1 MiB at a time."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()[:ID_HEX_DIGITS]


def is_id(text: str) -> bool:
    """Say whether a text has the shape of an id or a pseudonym: 32 hexadecimal digits."""
    return _SHAPE.fullmatch(text) is not None


def require_id(text: str, what: str = "id") -> str:
    """Return a text that has the shape of an id; `DataError` for any other."""
    if not is_id(text):
        shown = text if len(text) <= ID_HEX_DIGITS else f"{text[:ID_HEX_DIGITS]}…"
        raise DataError(
            f"`{shown}` is no {what}: that is {ID_HEX_DIGITS} hexadecimal digits.",
            hint="`steppe people --who NAME` tells a name's pseudonym",
        )
    return text


def user_id_of(name: str, key: bytes) -> str:
    """Return a person's pseudonym: keyed, so that a list of names does not undo it."""
    return hmac.new(key, name.encode(), hashlib.sha256).hexdigest()[:ID_HEX_DIGITS]


def pseudonym_key(home: Path) -> bytes:
    """Return the key of this home's pseudonyms, made at first use and readable by its owner only.

    It lies beside the lake, never in it: a copied lake does not tell who spoke.
    """
    path = home / "pseudonym.key"
    if not path.exists():
        home.mkdir(parents=True, exist_ok=True)
        draft = home / f".pseudonym.{secrets.token_hex(4)}"
        draft.touch(mode=0o600)
        draft.write_bytes(secrets.token_bytes(32))
        try:
            path.hardlink_to(draft)  # fails if another process was first: its key stays
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return path.read_bytes()
