"""Text of HTML through lxml (BSD): what a reader sees. Parsed as a stream of events, without a tree: nesting has no
price. Nothing is run or fetched; no entity of the document's own is expanded."""

from __future__ import annotations

import re
from typing import Any

from prepdata.errors import UsageError
from prepdata.retrieval.documents import Unreadable
from prepdata.retrieval.model import needed

_UNSEEN = frozenset({
    "script", "style", "template", "noscript", "iframe", "object", "embed", "svg", "math", "canvas", "head", "select",
    "textarea", "button",
})  # fmt: skip
"""Elements whose content is no text of the page; the title is taken from the head all the same."""
_PARAGRAPHS = frozenset({
    "p", "h1", "h2", "h3", "h4", "h5", "h6", "table", "ul", "ol", "pre", "blockquote", "section", "article",
})  # fmt: skip
_LINES = _PARAGRAPHS | frozenset({
    "address", "aside", "br", "dd", "div", "dl", "dt", "fieldset", "figcaption", "figure", "footer", "form", "header",
    "hr", "li", "main", "nav", "tr",
})  # fmt: skip
_GAPS = re.compile(r"[ \t\r\f\v\xa0]+")
_LINE_GAPS = re.compile(r" ?\n ?")
_EMPTY_LINES = re.compile(r"\n{3,}")


def html_text(raw: bytes) -> tuple[str, str]:
    """Return title ("" for none) and visible text of HTML: block elements are lines, cells are parted by ` | `.

    Raises:
        Unreadable: it cannot be parsed at all, or is binary.
        UsageError: lxml is not installed.
    """
    try:
        from lxml import etree
    except ImportError:
        raise UsageError(needed("lxml")) from None
    if b"\0" in raw and raw[:2] not in (b"\xff\xfe", b"\xfe\xff"):
        raise Unreadable("is binary, not HTML")
    encoding = None if raw[:2] in (b"\xff\xfe", b"\xfe\xff") else _utf8(raw)
    target = _Text()
    parser = etree.HTMLParser(target=target, no_network=True, huge_tree=True, encoding=encoding)
    try:
        etree.fromstring(raw, parser)
    except (etree.LxmlError, ValueError) as error:
        raise Unreadable(f"is no HTML that can be read ({type(error).__name__})") from None
    return target.title(), target.text()


def _utf8(raw: bytes) -> str | None:
    """Return "utf-8" where the bytes are that, whatever the page says; else None, and the page's own word counts."""
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError:
        return None
    return "utf-8"


class _Text:
    """Takes the events of the parser, keeps text."""

    def __init__(self) -> None:
        self._pieces: list[str] = []
        self._titles: dict[str, list[str]] = {"title": [], "h1": []}
        self._inside = ""  # an element whose content is left out
        self._depth = 0  # of that element in itself
        self._naming = ""  # "title" or "h1" while it is open

    def start(self, tag: Any, _: Any) -> None:
        if tag in self._titles and not self._titles[tag] and not (self._inside and tag == "h1"):
            self._naming = tag
        if self._inside:
            self._depth += tag == self._inside
        elif tag in _UNSEEN:
            self._inside, self._depth = tag, 1
        elif tag in ("td", "th"):
            self._pieces.append(" | ")
        elif tag in _LINES:
            self._pieces.append("\n\n" if tag in _PARAGRAPHS else "\n- " if tag == "li" else "\n")

    def end(self, tag: Any) -> None:
        if tag == self._naming:
            self._naming = ""
        if self._inside:
            self._depth -= tag == self._inside
            if not self._depth:
                self._inside = ""
        elif tag in _LINES:
            self._pieces.append("\n\n" if tag in _PARAGRAPHS else "\n")

    def data(self, data: str) -> None:
        if self._naming and self._inside in ("", "head"):
            self._titles[self._naming].append(data)
        if not self._inside:
            self._pieces.append(data.replace("\n", " "))

    def comment(self, _: str) -> None:
        """Comments are no text."""

    def close(self) -> None:
        """Nothing is left to do."""

    def title(self) -> str:
        """Return the first heading of the page, else what its head calls it."""
        return "".join(self._titles["h1"]).strip() or "".join(self._titles["title"]).strip()

    def text(self) -> str:
        """Return the text with its white space tidied."""
        joined = _LINE_GAPS.sub("\n", _GAPS.sub(" ", "".join(self._pieces)))
        return _EMPTY_LINES.sub("\n\n", joined).replace("\n| ", "\n").strip()
