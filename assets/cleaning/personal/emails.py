"""E-mail addresses, as written, and as spelled against robots: `ivan собака mail.ru`."""

from __future__ import annotations

import re
from collections.abc import Iterator

from assets.cleaning.personal.kinds import Kind, Span

_LOCAL = r"[\w.+-]*\w"
_DOMAIN = r"(?P<domain>\w(?:[\w-]*\w)?(?:\.\w(?:[\w-]*\w)?)*\.(?P<top>[^\W\d_]{2,24}))"
# Not after `://user:password@`, and not `git@host:path`, which is how scp names a place.
_WRITTEN = re.compile(rf"(?<![\w.+/:@-]){_LOCAL}@{_DOMAIN}(?![\w@]|-\w|:[\w~/])")
_DOG = r"(?:[(\[] ?(?:собака|собачка|at|эт) ?[)\]]|собака|собачка)"
_SPELLED = re.compile(rf"(?<![\w.+@-])(?a:[\w.+-]*\w) ?{_DOG} ?{_DOMAIN}", re.IGNORECASE)
# Names that nobody owns: RFC 2606, section 3.
_RESERVED = re.compile(r"(?:^|\.)example\.(?:com|net|org)$|\.(?:test|example|invalid|localhost)$")
# `icon@2x.png` is a picture, `getty@tty1.service` a unit of systemd.
_NO_DOMAINS = frozenset(
    ("png", "jpg", "jpeg", "gif", "svg", "webp", "service", "socket", "timer", "target")
)


def find(text: str, _before: str) -> Iterator[Span]:
    """Yield every address; those of RFC 2606 (`example.com`) are nobody's."""
    for pattern in (_WRITTEN, _SPELLED):
        for match in pattern.finditer(text):
            domain, top = match["domain"].lower(), match["top"].lower()
            if top not in _NO_DOMAINS and not _RESERVED.search(domain):
                local = re.split(r"[@ (\[]", match[0], maxsplit=1)[0].lower()
                yield Span(*match.span(), f"{local}@{domain}")


EMAIL = Kind("email", "почта", r"@|(?i:соба[кч]|[(\[] ?(?:at|эт) ?[)\]])", find)
