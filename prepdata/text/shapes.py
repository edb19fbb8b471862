"""What shape does an answer have: JSON, Markdown, code, a number, a few words, prose? And how are dates written in it?

Judged by first and last characters and by the beginnings of lines, in about a microsecond. `shape` says what an answer
looks like, not whether it parses.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from prepdata.text.columns import Column

Shape = str

SHAPES: dict[Shape, str] = {
    "json": "JSON", "fenced json": "JSON in a code fence", "xml": "XML or HTML", "code": "bare code",
    "fenced code": "code in a fence", "markdown": "Markdown", "number": "a number", "short": "a few words",
    "prose": "prose", "empty": "nothing",
}  # fmt: skip
"""Shape -> how people call it."""

FORMAL = frozenset({"json", "fenced json", "xml", "code", "fenced code"})
"""Shapes that a program reads."""

SHORT = 80
"""Letters up to which an answer on one line is a few words."""

_NUMBER = re.compile(
    r"[-+−~≈]?[$€£¥]? ?\d[\d.,' \u00a0\u202f]{0,24}(?:[eE][-+]?\d{1,3})? ?(?:%|[€$£¥°]|[A-Za-zµ]{1,3})?\.?"
)
_CODE = re.compile(
    r"(?:(?:async )?def \w|class \w+[:({]|import [\w.]+\s*(?:\n|;|as |,|$)|from [\w.]+ import |#include|#!/|<\?php"
    r"|(?:SELECT|INSERT INTO|UPDATE|DELETE FROM|CREATE TABLE|ALTER TABLE|WITH \w+ AS)\s|(?:const|let|var) \w+ ?="
    r"|[Ss]elect\s[^\n]{1,300}?[=(*_;]|function ?\w*\(|public (?:static|class)|package \w+;|using \w[\w.]*;|fn \w+\("
    r"|return [^\n]{0,40}[-+*/(\[.=]|return \w+;?$|for \w[\w, ]* in [^\n]{1,200}:"
    r"|(?:if|while|elif|with) ?[^\n]{1,200}:(?:\s*\n| return| raise| \w+ ?=)"
    r"|(?:if|while|for|switch) ?\([^\n]{1,200}\)|try:\s|print(?:ln|f)?\(|assert \w|\$ \w+ -|@\w+\n"
    r"|[a-z_]\w* ?= ?[\[{(][^\n]{0,200}\n"
    r"|[a-z_]\w*(?:, ?\w+)? ?[-+*/]?= ?\S[^\n]{0,200};?\s*\n"
    r"\s*(?:[a-z_][\w.]* ?[-+*/]?=|(?:for|if|while|return|with) |[a-z_][\w.]*\())"
)
_CODE_FIRST = frozenset("abcdefghijklmnopqrstuvwxyz_#<$@")
_SQL_FIRST = frozenset("SIUDCAW")
"""First letters that `_CODE` can match; of those in `_SQL_FIRST` a capital follows, or "elect"."""
_MARK_FIRST = frozenset("#-*+•1|>")
"""First letters that `_MARK_AT_START` can match."""
_MARK_AT_START = re.compile(r"#{1,6} [^\d\s$(-]|[-*+•] \S|1[.)] |\|.+\|\s*\n|> ")
_MARK_AT_LINE = re.compile(r"\n(?:#{1,6} [^\d\s$(-]|[-*•] |1[.)] |\|[ -])")
_BOLD = re.compile(r"\*\*[^\s*][^*\n]{0,200}\*\*")
_TAG = re.compile(r"<[A-Za-z!?][^<>]{0,200}>")
_CODE_SIGNS = b"{}[]();_\\|"


def shape(text: str) -> Shape:
    """Return the shape of an answer, a key of `SHAPES`."""
    bare = text.strip()
    if not bare:
        return "empty"
    first, last = bare[0], bare[-1]
    if first in "{[" and last in "}]" and _json_begins(bare):
        return "json"
    if first == "`" and bare.startswith("```"):
        return _fenced(bare)
    if first == "<" and last == ">" and _TAG.match(bare):
        return "xml"
    one_line = "\n" not in bare
    code = first in _CODE_FIRST or (first in _SQL_FIRST and (bare[1:2].isupper() or bare[1:6] == "elect"))
    if one_line and len(bare) <= SHORT:
        if (first.isdigit() or first in "-+−~≈$€£¥") and _NUMBER.fullmatch(bare):
            return "number"
        return "code" if (code and _CODE.match(bare)) or _many_signs(bare) else "short"
    if code and _CODE.match(bare):
        return "code"
    if (first in _MARK_FIRST and _MARK_AT_START.match(bare)) or "```" in bare or ("**" in bare and _BOLD.search(bare)):
        return "markdown"
    if not one_line and _MARK_AT_LINE.search(bare):
        return "markdown"
    return "code" if _many_signs(bare[:300]) else "prose"


def _json_begins(bare: str) -> bool:
    """Return whether a bracket begins a JSON value, not a placeholder or a list of words."""
    inner = bare[1:60].lstrip()
    if bare[0] == "{":
        return inner[:1] in ('"', "}", "'") and bare[-1] == "}"
    return inner[:1] in '"{[]' and bare[-1] == "]" if not inner[:1].isdigit() else bare[-1] == "]"


def _fenced(bare: str) -> Shape:
    if not bare.endswith("```") or bare.count("```") != 2:
        return "markdown"
    head = bare[3:40].split("\n", 1)[0].strip().lower()
    body = bare[3:].split("\n", 1)[-1].lstrip()[:1]
    return "fenced json" if head in ("json", "json5", "jsonc") or (not head and body in ("{", "[")) else "fenced code"


def _many_signs(head: str) -> bool:
    raw = head.encode("utf-8", "replace")
    most = 0.06 * len(raw) + 2
    signs = len(raw) - len(raw.translate(None, _CODE_SIGNS))
    return signs > most and signs - 4 * raw.count(b"{{") > most


class Dominant(NamedTuple):
    """The shape that most answers have, how many have it, and how many answers there are."""

    shape: Shape
    rows: int
    total: int


def dominant(counts: Mapping[Shape, int], least: int, share: float) -> Dominant | None:
    """Return the shape that at least `share` of at least `least` answers have (empty ones apart), or None."""
    total = sum(count for name, count in counts.items() if name != "empty")
    if total < least:
        return None
    if not total:
        return None
    top = max(counts, key=lambda name: (counts[name] if name != "empty" else -1, name))
    return Dominant(top, counts[top], total) if counts[top] >= share * total else None


_MONTHS = ("january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november",
           "december")  # fmt: skip

STYLES: dict[str, tuple[str, ...]] = {
    "date: 2024-03-05": ("0000-00-00",),
    "date: 03/05/2024": ("00/00/0000", "0/00/0000", "00/0/0000", "0/0/0000"),
    "date: 2024/03/05": ("0000/00/00", "0000/0/0", "0000/0/00", "0000/00/0"),
    "date: 05.03.2024": ("00.00.0000", "0.00.0000", "00.0.0000", "0.0.0000"),
    "date: March 5, 2024": tuple(f"{month} {day}, 0000" for month in _MONTHS for day in ("0", "00")),
    "date: 5 March 2024": tuple(f"{day} {month} 0000" for month in _MONTHS for day in ("0", "00")),
    "number: 1,234.50": ("0,000.0", "0,000.00", "0,000,000"),
    "number: 1.234,50": ("0.000,0", "0.000,00", "0.000.000"),
}
"""Styles of dates and numbers -> how they look with every digit a zero. "kind: example"."""


def styles(column: Column) -> dict[str, list[int]]:
    """Return style -> rows of the texts that use it, for a column of texts."""
    automaton, owners = _automaton()
    folded = column.folded
    found: dict[str, set[int]] = {}
    size = len(folded)
    for word, start, end in automaton.find_matches_as_indexes(folded, overlapping=True):
        if (start and folded[start - 1] in _JOINING) or (end < size and _goes_on(folded, end, size)):
            continue
        found.setdefault(owners[word], set()).add(column.rows[column.at(start)])
    return {style: sorted(rows) for style, rows in found.items()}


_JOINING = frozenset(b"0.,/-_:")


def _goes_on(folded: bytes, end: int, size: int) -> bool:
    """Return whether a number goes on after `end`: by a digit, or by a mark and a digit."""
    after = folded[end]
    return after == 0x30 or (after in _JOINING and after != 0x3A and end + 1 < size and folded[end + 1] == 0x30)


@lru_cache(maxsize=1)
def _automaton() -> tuple[Any, list[str]]:
    import ahocorasick_rs

    words = [(word, style) for style, listed in STYLES.items() for word in listed]
    return (
        ahocorasick_rs.BytesAhoCorasick(
            [word.encode() for word, _ in words], implementation=ahocorasick_rs.Implementation.DFA
        ),
        [style for _, style in words],
    )
