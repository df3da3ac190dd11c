"""Who asks, what they may do, how often and how much.

On loopback without a file of keys whoever asks is the owner, as on their own machine; a request's
`user` names another person then.  With the file, even if its last key was revoked, a request must
carry one, and it says who asks: what the request says of that is ignored.  One key is for many only
where it opens `people`: a front end such as Open WebUI then names its own people,
`<person of the key>/<name>`, and nobody else's.

    <home>/serving/keys.json    {"<sha256>": {"person", "scopes", "per_minute", "made_at"}}

Keys are kept as hashes; the key itself is shown once.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

from fastapi import Header

from lake.errors import SettingsError
from models.serving.problems import Problem
from models.serving.rates import Rates

PEOPLE = "people"
SCOPES = ("chat", "memory", "feedback", "tools")
"""What a key opens where nothing else is said: talking, one's own memories, judging answers, tools
over one's dialogues.  `PEOPLE` must be asked for."""
KEY_BYTES = 32
PREFIX = "sk-steppe-"
MAX_KEYED = 10_000
"""Persons whose rate is remembered at a time."""


@dataclass(frozen=True, slots=True)
class Person:
    """Who asks: the name that the log keeps, their pseudonym in the lake, what they may do."""

    name: str
    user_id: str
    scopes: frozenset[str]
    per_minute: int = 0  # what that key allows; 0 where it says nothing of its own

    def needs(self, scope: str) -> None:
        """Answer 403 unless the person's key opens this."""
        if scope not in self.scopes:
            raise Problem(
                403,
                f"This key does not open `{scope}`.",
                hint=f"`steppe keys add --scope {scope}` makes one that does",
            )


@dataclass
class Access:
    """The keys of a home, and what was asked lately; `key` is one more that the settings give.

    `owners_token` lies in the home: whoever reads it is its owner.  It makes no other key needed.
    """

    path: Path
    owner: str
    pseudonym: Callable[[str], str]
    per_minute: int
    key: str = ""
    owners_token: str = ""
    must_be_keyed: bool = False
    _keys: dict[str, dict[str, Any]] = field(default_factory=dict)
    _is_keyed: bool = False
    _read_at: tuple[int, int] = (-1, -1)
    _rates: Rates = field(default_factory=lambda: Rates(MAX_KEYED))

    def person(self, authorization: str, user: str | None = None) -> Person:
        """Return who asks, or answer 401; `user` is whom the request names, None where it cannot.

        422 where a key of many comes without a name: they would all be one person.  503 where the
        file of keys cannot be read: nobody is let in by that.
        """
        keys, given = self._current(), authorization.removeprefix("Bearer ").strip()
        if self._needs_no_key():
            name = user or self.owner
            return Person(name, self._id(name), frozenset(SCOPES))
        if any(_is_same(given, own) for own in (self.key, self.owners_token) if own):
            return Person(self.owner, self._id(self.owner), frozenset(SCOPES))
        known = keys.get(digest(given))
        if known is None:
            raise Problem(
                401, "This address needs a key.", hint="`steppe keys add` makes one: Bearer KEY"
            )
        holder, scopes = str(known["person"]), frozenset(known["scopes"])
        name = holder
        if PEOPLE in scopes and user is not None:
            name = _one_of(holder, user)
        return Person(name, self._id(name), scopes, int(known.get("per_minute") or 0))

    def is_open(self) -> bool:
        """Say whether no key is needed; not so where the file of keys cannot be read."""
        try:
            self._current()
        except Problem:
            return False
        return self._needs_no_key()

    def admit(self, person: Person, now: float | None = None) -> None:
        """Count a request of a person, or answer 429 with how long to wait.

        Keys of one person with limits of their own are counted apart.
        """
        moment = time.monotonic() if now is None else now
        limit = person.per_minute or self.per_minute
        if wait := self._rates.wait(f"{limit} {person.name}", limit, moment):
            raise Problem(
                429,
                f"More than {limit} requests a minute.",
                hint=f"wait {wait:.0f} s, or set `serving.requests_per_minute`",
                headers={"Retry-After": str(max(1, round(wait)))},
            )

    def _needs_no_key(self) -> bool:
        return not self._is_keyed and not self.key and not self.must_be_keyed

    def _id(self, name: str) -> str:
        return self.pseudonym(name) if name else ""

    def _current(self) -> Mapping[str, dict[str, Any]]:
        """Return the keys, read again when their file has changed."""
        try:
            found = self.path.stat()
            changed = found.st_mtime_ns, found.st_ino
        except FileNotFoundError:
            changed = 0, 0
        if changed != self._read_at:
            try:
                self._keys, self._is_keyed = read(self.path), any(changed)
            except SettingsError as error:
                self._read_at = -1, -1
                raise Problem(503, error.message, hint=error.hint) from None
            self._read_at = changed
        return self._keys


def _is_same(given: str, own: str) -> bool:
    return hmac.compare_digest(given.encode("utf-8", "replace"), own.encode())


def _one_of(holder: str, user: str) -> str:
    if not user:
        raise Problem(
            422,
            "This key is for many people, and the request names nobody.",
            hint="name one in `user`; Open WebUI does with ENABLE_FORWARD_USER_INFO_HEADERS=true",
        )
    return f"{holder}/{user}"


def bearing(token: str, words: str, hint: str) -> Callable[..., None]:
    """Return a route's dependency that answers 401 to a request without a token."""

    def check(authorization: Annotated[str, Header()] = "") -> None:
        wanted = f"Bearer {token}".encode()
        if not hmac.compare_digest(authorization.encode("utf-8", "replace"), wanted):
            raise Problem(401, words, hint=hint)

    return check


def digest(key: str) -> str:
    """Return the hash under which a key is kept."""
    return hashlib.sha256(key.encode("utf-8", "replace")).hexdigest()


def read(path: Path) -> dict[str, dict[str, Any]]:
    """Return the keys of a home by their hashes; `SettingsError` if the file cannot be read.

    The hint keeps the file: without it everybody on loopback would be the owner.
    """
    if not path.exists():
        return {}
    try:
        keys = json.loads(path.read_text(encoding="utf-8"))
        return {str(name): _entry(about) for name, about in keys.items()}
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise SettingsError(
            f"`{path.name}` cannot be read: {type(error).__name__} {error}.",
            hint="put a good copy back, or write {} into it and make keys with `steppe keys add`",
        ) from None


def _entry(about: Mapping[str, Any]) -> dict[str, Any]:
    """Return a key's entry; `KeyError`, `TypeError` or `ValueError` where it is none."""
    scopes = [str(scope) for scope in about["scopes"]]
    rate = int(about.get("per_minute") or 0)
    return {**about, "person": str(about["person"]), "scopes": scopes, "per_minute": rate}


def add(path: Path, person: str, scopes: Sequence[str], per_minute: int = 0) -> str:
    """Make a key for a person; return it: it is kept nowhere but as a hash.

    `SettingsError` for a name with a slash: those are of people whom a key of many names.
    """
    if "/" in person:
        raise SettingsError(f"`{person}` has a slash.", hint="give a name without one")
    key = PREFIX + secrets.token_urlsafe(KEY_BYTES)
    made = {
        "person": person,
        "scopes": sorted(scopes),
        "per_minute": per_minute,
        "made_at": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    write(path, {**read(path), digest(key): made})
    return key


def revoke(path: Path, beginning: str) -> int:
    """Take away the keys whose hash begins so; return how many those were."""
    keys = read(path)
    left = {name: about for name, about in keys.items() if not name.startswith(beginning)}
    if len(left) < len(keys):
        write(path, left)
    return len(keys) - len(left)


def write(path: Path, keys: Mapping[str, Mapping[str, Any]]) -> None:
    """Put the file of keys in place of the old one, readable by its owner only."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(f".{secrets.token_hex(4)}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        json.dump(keys, file, ensure_ascii=False, indent=1)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
