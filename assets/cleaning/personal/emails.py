"""E-mail addresses, as written, and as spelled against robots: `ivan собака mail.ru`."""

from __future__ import annotations

import re
from collections.abc import Iterator

from assets.cleaning.personal.kinds import Kind, Span

# A name has at most 64 characters, a label of a domain 63: RFC 5321, section 4.5.3.1; RFC 1035.
_LOCAL = re.compile(r"(?<![\w.+@-])\w(?:[\w.+'-]{0,62}\w)?\Z")
_DOMAIN = re.compile(
    r"(?P<domain>(?:\w(?:[\w-]{0,61}\w)?\.){1,8}"
    r"(?P<top>(?a:[A-Za-z]{2,24})(?![A-Za-z0-9])|[а-яё]{2,12}(?!\w)))(?![@_]|-\w|:[\w~/])"
)
_DOG = r"(?:[(\[] ?(?:собака|собачка|at|эт) ?[)\]]|собака|собачка| @ ?|@ )"
_DOT = r"(?:\.| ?[(\[](?:dot|точка)[)\]] ?| точка )"
# Blanks around the signs are forgiven before the domains of Russian mail and the commonest others.
_SPELLED = re.compile(
    rf"(?<![\w.+@-])(?a:[\w.+-]{{0,63}}\w) ?{_DOG} ?(?P<domain>(?a:[\w-]{{2,63}})"
    rf"(?:{_DOT}(?a:[\w-]{{2,63}})){{0,2}}{_DOT}(?P<top>ru|com|net|org|su|by|kz))(?!\w)",
    re.IGNORECASE,
)
_SPELLED_SIGNS = (
    "собак", "собач", "(at", "[at", "( at", "[ at", "(эт", "[эт", "( эт", "[ эт", "@ ", " @",
)  # fmt: skip
_IN_URL = re.compile(r"://[^\s/]*\Z")  # `https://user:password@host`
# Names that nobody owns: RFC 2606, section 3, and the words of templates.
_RESERVED = re.compile(
    r"(?:^|\.)(?:example|domain|домен)\.\w+$|\.(?:test|example|invalid|localhost)$"
)
# `icon@2x.png` is a picture, `getty@tty1.service` a unit of systemd.
_NO_DOMAINS = frozenset(
    ("png", "jpg", "jpeg", "gif", "svg", "webp", "service", "socket", "timer", "target")
)


def find(text: str, _before: str) -> Iterator[Span]:
    """Yield every address; those of RFC 2606 (`example.com`) are nobody's."""
    for sign in re.finditer("@", text):
        local = _LOCAL.search(text, max(0, sign.start() - 64), sign.start())
        domain = _DOMAIN.match(text, sign.end())
        if local and domain and _is_somebodys(text, local.start(), domain):
            yield Span(local.start(), domain.end(), f"{local[0]}@{domain['domain']}".lower())
    lowered = text.lower()
    if not any(sign in lowered for sign in _SPELLED_SIGNS):
        return
    for match in _SPELLED.finditer(text):
        if _is_somebodys(text, match.start(), match):
            name = re.split(r"[@ (\[]", match[0], maxsplit=1)[0]
            domain_name = re.sub(_DOT, ".", match["domain"])
            yield Span(*match.span(), f"{name}@{domain_name}".lower())


def _is_somebodys(text: str, start: int, domain: re.Match[str]) -> bool:
    name, top = domain["domain"].lower(), domain["top"].lower()
    is_place = _IN_URL.search(text[max(0, start - 80) : start]) is not None
    return not (is_place or top in _NO_DOMAINS or _RESERVED.search(name))


EMAIL = Kind("email", "почта", r"@|(?i:соба[кч])|[(\[] ?(?i:at|эт)", find)
