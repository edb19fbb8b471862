"""Citations in answers: `[1]`, `[1, 2]`, `【1】`, `[[1](address)]`, `<co: 1>`, `[docs/a.md]`, `(Source: docs/a.md)`."""

from __future__ import annotations

import re
from typing import NamedTuple

from prepdata.rules.text._pieces import code_spans
from prepdata.text.lazy import lazily
from prepdata.text.passages import Context, named

_NUMBERS = lazily(
    r"[\[【](?:\^|(?:doc|document|passage|source|ref|dokument|quelle|fuente|文档|资料)\.?[ :#]{0,2})?"
    r"(\d{1,3}(?: ?[,;、–-] ?\d{1,3}){0,9})[\]】](?!\(\S|: ?http)"
    r"|(?<=\[)\[(\d{1,3})\](?=\(\S)|<co: ?(\d{1,3}(?:, ?\d{1,3}){0,9})>",
    re.IGNORECASE,
)
_FILES = lazily(
    r"[\[(（【](?:(?:source|see|from|file|quelle|siehe|fuente|fonte|出典|来源)[:：]? ?)?"
    r"((?:[\w.-]{1,60}/){0,8}[\w.-]{1,80}\.(?:md|txt|html?|pdf|rst|docx?|json|csv|mdx|adoc))(?:#[\w-]{1,60})?[\])）】]",
    re.IGNORECASE,
)
_INTERVAL = lazily(
    r"(?:∈|\b(?:in|into|within|interval|intervals|range|between|from|onto|Intervall|Bereich|zwischen|intervalle|entre|dans"
    r"|intervalo|rango|intervallo|tra|интервале|отрезке|в)|区间|範囲) ?$",
    re.IGNORECASE,
)
"""What stands before the ends of an interval."""
_ATTACHED = lazily(r"[A-Za-z0-9]\[\d")
_DIGITS = lazily(r"\d+")
MOST = 200
"""Citations of an answer that are looked at."""
_RANGE = lazily(r"(\d+) ?[–-] ?(\d+)")


class Citation(NamedTuple):
    """One name or number that an answer cites, and where. `attached`: to a word, as an index of a variable may be."""

    name: str
    span: tuple[int, int]
    attached: bool = False


def citations(text: str) -> list[Citation]:
    """Return what an answer cites, in order; code is left out."""
    if not any(mark in text for mark in "[【(（<"):
        return []
    text = without_code(text)
    found: list[Citation] = []
    for match in _NUMBERS.finditer(text):
        if not _indexes(text, match.start()):
            attached = _ATTACHED.match(text, max(0, match.start() - 1)) is not None
            listed = _listed(match[1] or match[2] or match[3])
            found += [Citation(number, match.span(), attached) for number in listed]
    found += [Citation(match[1], match.span()) for match in _FILES.finditer(text)]
    return found[:MOST]


def without_code(text: str) -> str:
    """Return a text with spaces where it has code."""
    spans = code_spans(text)
    if not spans:
        return text
    pieces, end = [], 0
    for start, stop in spans:
        pieces += [text[end:start], " " * (stop - start)]
        end = stop
    return "".join([*pieces, text[end:]])


def _listed(numbers: str) -> list[str]:
    """Return the numbers of "1, 3-5" one by one."""
    found: list[str] = []
    for piece in re.split(r"[,;、]", numbers):
        bounds = _RANGE.search(piece)
        if bounds and int(bounds[1]) < int(bounds[2]):
            found += [str(number) for number in range(int(bounds[1]), min(int(bounds[2]), int(bounds[1]) + MOST) + 1)]
        else:
            found += [str(int(digits)) for digits in _DIGITS.findall(piece)]
    return found


def _indexes(text: str, start: int) -> bool:
    """True if a bracket is not a citation: `x[4]`, `= [1, 2]`, `f([3])`."""
    before = text[max(0, start - 2) : start]
    return before[-1:] in ("=", "(", "_", ")") or before.endswith("= ")


def absent(context: Context, cited: list[Citation]) -> list[Citation]:
    """Return the citations of passages that are not among those of a row. Empty where the passages cannot be told
    apart, or where a citation stands in the context itself."""
    if not cited or not context.apart:
        return []
    numbers = {passage.id.lstrip("0") or "0" for passage in context.passages if passage.id.isdigit()}
    if not numbers:
        numbers = {str(place) for place in range(len(context.passages) + 1)}
    cited = _without_intervals(context, cited, numbers)
    numbers |= {name.lstrip("0") or "0" for name in context.known if name.isdigit()}
    files = {name for name in context.known if "." in name}
    found = [
        citation
        for citation in cited
        if (not citation.attached and citation.name not in numbers)
        if citation.name.isdigit() or (files and not _known_file(citation.name.lower(), files))
    ]
    if not found:
        return []
    held = context.text.lower()
    own = {number for match in _NUMBERS.finditer(held) for number in _listed(match[1] or match[2] or match[3])}
    return [one for one in found if (one.name not in own if one.name.isdigit() else one.name.lower() not in held)]


def _without_intervals(context: Context, cited: list[Citation], numbers: set[str]) -> list[Citation]:
    """Return citations without those that are the two ends of an interval: "in [0, 1]" where no passage is 0, "lies in
    [3, 7]" where none of the two is a passage."""
    answer = context.answer.text if context.answer is not None else ""
    ends: dict[tuple[int, int], list[str]] = {}
    for one in cited:
        ends.setdefault(one.span, []).append(one.name)
    left = {
        span
        for span, names in ends.items()
        if len(names) == 2 and "," in answer[slice(*span)] and _INTERVAL.search(answer, max(0, span[0] - 12), span[0])
        if numbers.isdisjoint(names) or (names[0] == "0" and "0" not in numbers)
    }
    return [one for one in cited if one.span not in left]


def _known_file(name: str, files: set[str]) -> bool:
    return name in files or name.rsplit("/", 1)[-1] in files


def place_of(context: Context, name: str) -> int | None:
    """Return the place of the passage that a citation names, None if that is not sure."""
    places = [place for place, passage in enumerate(context.passages) if name.lower() in named(passage)]
    if not places and name.isdigit() and not any(passage.id for passage in context.passages):
        places = [int(name) - 1] if 0 < int(name) <= len(context.passages) else []
    return places[0] if len(places) == 1 else None
