"""HTML in messages: ShareGPT's answers are pages, other exports leave tags and entities behind.

Code keeps its tags, and so does a message that talks about markup or has a tag that is none of
prose.  FastChat converts every message, and so harms `List<int>` and `a < b`; here a message is a
page only when it is one from its first sign to its last.
"""

from __future__ import annotations

import re
from functools import cache
from html import unescape
from typing import TYPE_CHECKING

from assets.cleaning.prose import in_prose

if TYPE_CHECKING:
    from bs4 import BeautifulSoup, Tag
    from markdownify import MarkdownConverter

GATE = r"<[/A-Za-z]|&[#A-Za-z][0-9A-Za-z]{1,30};"
# The tags of ShareGPT's answers: paragraphs, lists, tables, emphasis, and the furniture of a code
# block.  A page with any other (`form`, `script`, `section`) is somebody's code.
_PROSE_TAGS = {
    "a", "b", "blockquote", "br", "button", "center", "code", "del", "div", "em", "figure", "font",
    "h1", "h2", "h3", "h4", "h5", "h6", "hr", "i", "img", "li", "line", "ol", "p", "path",
    "polyline", "pre", "rect", "s", "small", "span", "strong", "sub", "sup", "svg", "table",
    "tbody", "td", "th", "thead", "tr", "u", "ul",
}  # fmt: skip
_FURNITURE = ("button", "svg", "img")
_TAG = re.compile(r"</?([A-Za-z][A-Za-z0-9]*)\b[^<>]*>")
_PAGE = re.compile(
    r"\s*<(?:div|p|ol|ul|pre|h[1-6]|table|blockquote)(?:\s[^<>]*)?>.*"
    r"</(?:div|p|ol|ul|pre|h[1-6]|table|blockquote)>\s*",
    re.S,
)
_TALK_OF_MARKUP = re.compile(r"html|разметк|\bт[еэ]г|markdown|\bcss\b|\bxml\b", re.I)
_BREAK = re.compile(r"(?<![ \t])[ \t]*<(?:br[ \t]*/?|/?p|/?div)>[ \t]*\n?")
_PAIR = re.compile(
    r"<(b|strong|i|em|u|span|font|center|small|sub|sup)(?:\s[^<>\n]*)?>([^<>\n]*)</\1>"
)
# `&lt;b&gt;` is a tag that somebody shows, `&amp;lt;` an entity: decoded, they would be taken for
# the thing itself.
_SHOWN = r"&lt;[/!A-Za-z][^&<>\n]{0,100}(?:&gt;)?|&amp;[#A-Za-z][0-9A-Za-z]{0,30};"
_ENTITY = re.compile(rf"{_SHOWN}|(&(?:#\d{{1,7}}|#[xX][0-9A-Fa-f]{{1,6}}|[A-Za-z]\w{{1,30}});)")
_LANGUAGE = re.compile(r"\blanguage-([\w+#-]+)")


def hypertext(text: str) -> str:
    """A page becomes Markdown; in prose, tags of emphasis and entities become what they mean."""
    if not _PROSE_TAGS.issuperset(tag.lower() for tag in _TAG.findall(text)):
        return text
    if _PAGE.fullmatch(text) and "```" not in text:
        return _markdown(text)
    return text if _TALK_OF_MARKUP.search(text) else in_prose(text, _without_tags)


def _without_tags(text: str) -> str:
    text = _PAIR.sub(lambda pair: _markdown(pair[0]), _BREAK.sub("\n", text))
    return _ENTITY.sub(lambda found: unescape(found[1]) if found[1] else found[0], text)


def _markdown(html: str) -> str:
    """Return HTML as Markdown; as it is, where it is too broken or too deep for the parser."""
    from bs4 import BeautifulSoup
    from bs4.exceptions import ParserRejectedMarkup

    try:
        page = BeautifulSoup(html, "html.parser")
        for block in page.find_all("pre"):
            _bare_code(page, block)
        for furniture in page.find_all(_FURNITURE):
            furniture.decompose()
        return _converter().convert_soup(page)
    except (ParserRejectedMarkup, RecursionError):
        return html


def _bare_code(page: BeautifulSoup, block: Tag) -> None:
    """Leave nothing in a `pre` but the text of its code: no caption, button or colours."""
    code = block.find("code")
    if code is None:
        return
    bare = page.new_tag("pre", attrs={"class": " ".join(code.get_attribute_list("class"))})
    bare.string = code.get_text()
    block.replace_with(bare)


@cache
def _converter() -> MarkdownConverter:
    from markdownify import MarkdownConverter

    return MarkdownConverter(
        heading_style="atx",
        bullets="-",
        autolinks=False,  # `<https://...>` would be a tag to the next round
        escape_asterisks=False,
        escape_underscores=False,
        code_language_callback=_code_language,
    )


def _code_language(block: Tag) -> str:
    found = _LANGUAGE.search(" ".join(block.get_attribute_list("class")))
    return found[1] if found else ""
