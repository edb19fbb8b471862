"""Passages inside a text: tags, numbered headings, `[1]` under a heading such as "Context:", or one block under it.

Every expression is anchored at a line start or a `<` and bounded, so that reading takes linear time. Compiling them
takes longer than a look at a small file: this is imported where a text has a trace of passages (`_passage_traces`).
"""

from __future__ import annotations

import re

from prepdata.text import _passage_words as words
from prepdata.text._passage import Block, Passage, size

LEAST = 30
"""Characters below which what stands under a heading is no retrieved text ("Context: work")."""
PARTS = 1000
"""Passages of a text that are read."""


def _any(listed: tuple[str, ...]) -> str:
    return "|".join(re.escape(word) for word in sorted(listed, key=len, reverse=True))


_LEAD = r"^[ \t#*>\[(（【]{0,8}"
_COLON = r"[\])）】*]{0,3} ?[:：]"
_HEADING = re.compile(
    rf"{_LEAD}(?:[^\W\d_]{{1,20}} ){{0,2}}(?:{_any(words.HEADINGS)})(?:[ \t]?\([^()\n]{{0,40}}\))?"
    rf"(?:{_COLON}[*]{{0,2}}| is below\.?|[*]{{0,3}}$)",
    re.IGNORECASE | re.MULTILINE,
)
_INTRO = re.compile(
    r"\bfollowing (?:[^\W\d_]{1,20} ){0,3}(?:context|documents|passages|sources"
    r"|excerpts|snippets|search results)\b[^\n]{0,200}\n|folgenden? (?:[^\W\d_]{1,20} ){0,2}(?:kontext|dokumente"
    r"|quellen|auszüge|textabschnitte)\b[^\n]{0,200}\n",
    re.IGNORECASE,
)
_PIECES = re.compile(
    r"\bfollowing (?:[^\W\d_]{1,20} ){0,2}(?:pieces|parts) of (?:[^\W\d_]{1,20} )?context", re.IGNORECASE
)
"""What only a prompt for retrieved text says, whatever follows."""
_END = re.compile(rf"{_LEAD}(?:{_any(words.ENDS)})(?:[ \t]?\d{{1,3}})?{_COLON}", re.IGNORECASE | re.MULTILINE)
_UNIT = re.compile(
    rf"{_LEAD}(?:{_any(words.UNITS)})[ \t]{{0,2}}[:#№]?[ \t]?[\[(（]?(\d{{1,3}})(?![\d.,]?\d)[\])）】*]{{0,3}}"
    rf"(?=[ \t]{{0,2}}(?:[:：.,(\-—–|「《]|$))",
    re.IGNORECASE | re.MULTILINE,
)
_ORIGIN = re.compile(
    rf"{_LEAD}(?:{_any(words.ORIGINS)})[*]{{0,2}} ?[:：][*]{{0,2}}[ \t]{{0,2}}"
    r"([^\s\])】]{1,160}\.[A-Za-z0-9]{1,5}|https?://[^\s\])】]{1,200})[\])】]?[ \t]{0,2}$",
    re.IGNORECASE | re.MULTILINE,
)
_BRACKET = re.compile(r"^[ \t*>\-]{0,4}[\[【](\d{1,3})[\]】](?!\()[ \t]{0,2}[:：.\-]?[ \t]?(?=\S)", re.MULTILINE)
_SOURCED = re.compile(r"^\[(\d{1,3})\] (?=\(?(?:source|title|file|url):)", re.IGNORECASE | re.MULTILINE)
_RULE = re.compile(r"^[ \t]*(?:-{3,}|={3,}|\*{3,}|_{3,})[ \t]*$", re.MULTILINE)
_TAG = re.compile(rf"<(/?)({_any((*words.OUTER_TAGS, *words.INNER_TAGS))})\b([^<>]{{0,300}})>", re.IGNORECASE)
_ATTRIBUTE = re.compile(r"\b(id|index|source|title|name|url|path|filename|file)\s?=\s?[\"']?([^\"'>]{1,200})[\"']?")
_CHILD = re.compile(r"<(source|title|url)>([^<>]{1,300})</\1>", re.IGNORECASE)
_TITLE = re.compile(r"[ \t]{0,2}[(:：\-–—]?[ \t]{0,2}title[:：][ \t]?([^\n)]{1,160})\)?", re.IGNORECASE)
_TASK = re.compile(words.TASKS, re.IGNORECASE)


def read(text: str, path: str) -> Block | None:
    """Return the passages that a text holds, None if it holds none that can be told from the rest."""
    if "<" in text:
        block = _tagged(text, path)
        if block is not None:
            return block
    heading = _HEADING.search(text) or _INTRO.search(text)
    body = _body(text, heading) if heading is not None else ""
    if 2 * size(body) >= LEAST and (numbered := _numbered(body, path)):
        return Block(tuple(numbered), True)
    sourced = _split(text, list(_SOURCED.finditer(text)), path)
    if len(sourced) >= 2:
        return Block(tuple(sourced), True)
    units = _split(text, list(_UNIT.finditer(text)), path)
    if len(units) >= 2 or (units and (heading is not None or _alone(units[0], text))):
        return Block(tuple(units), True)
    origins = _split(text, list(_ORIGIN.finditer(text)), path, origin=True)
    if len(origins) >= 2:
        return Block(tuple(origins), True)
    return _under(text, heading, body, path) if heading is not None and size(body) >= LEAST else None


def _body(text: str, heading: re.Match[str]) -> str:
    """Return what stands between a heading and the question."""
    end = _END.search(text, heading.end())
    return _ruled(text[heading.end() : end.start() if end else len(text)])


def _numbered(body: str, path: str) -> list[Passage]:
    """Return the passages of a text that begins with `[1]`, or `[0]`, and counts on."""
    heads = list(_BRACKET.finditer(body))
    if not heads or int(heads[0][1]) > 1 or body[: heads[0].start()].strip(" \t\n-="):
        return []
    return _split(body, heads, path)


def _alone(unit: Passage, text: str) -> bool:
    """True if a text that has one numbered heading is all there is to be read: no task works on it."""
    return size(unit.text) >= LEAST and _TASK.search(text) is None


def _under(text: str, heading: re.Match[str], body: str, path: str) -> Block | None:
    """Return what stands under a heading as one block, or parted by rules, if it is there to be asked about."""
    asked = _END.search(text, heading.end()) is not None
    told = heading.re is _INTRO and _PIECES.match(heading[0]) is not None
    if heading.re is _INTRO and not told and (not asked or size(body) < 2 * LEAST):
        return None  # "Sort the following documents ...": only a question tells that they are there to be asked about
    if _TASK.search(text.replace(body, " ", 1)) or not (asked or told or any(mark in text for mark in "?？؟")):
        return None
    parts = [part.strip() for part in _RULE.split(body) if part.strip()]
    if len(parts) > 1 and all(size(part) >= LEAST for part in parts):
        return Block(tuple(Passage("", part, path) for part in parts[:PARTS]), True)
    whole = "\n".join(parts)
    return Block((Passage("", whole, path),), "\n\n" not in whole)


def _ruled(body: str) -> str:
    """Return what stands between the first and the last rule, where a text begins with a rule ("-----")."""
    rules = list(_RULE.finditer(body))
    if len(rules) < 2 or body[: rules[0].start()].strip():
        return body
    return body[rules[0].end() : rules[-1].start()]


def _split(text: str, heads: list[re.Match[str]], path: str, *, origin: bool = False) -> list[Passage]:
    """Return what stands under each of some heads; the last one ends at a question. Heads must count upwards."""
    if not origin:
        heads = _counting(heads)
    found: list[Passage] = []
    for number, head in enumerate(heads[:PARTS]):
        stop = heads[number + 1].start() if number + 1 < len(heads) else len(text)
        if stop == len(text) and (end := _END.search(text, head.end())):
            stop = end.start()
        title = _TITLE.match(text, head.end(), stop)
        names = (title[1].strip(),) if title else ()
        body = text[title.end() if title else head.end() : stop].lstrip(" \t\n:：.-—–").rstrip()
        if not body and not names:
            continue
        if not title and not origin:
            first = body.partition("\n")[0].strip()
            names = (first,) if len(first) <= 80 and "\n" in body else ()
        found.append(Passage("", body, path, (head[1],)) if origin else Passage(head[1], body, path, names))
    return found


def _counting(heads: list[re.Match[str]]) -> list[re.Match[str]]:
    """Return the heads that count on from the first one, which must be 0 or 1."""
    found: list[re.Match[str]] = []
    for head in heads:
        if int(head[1]) == (int(found[-1][1]) + 1 if found else min(int(head[1]), 1)):
            found.append(head)
    return found


def _tagged(text: str, path: str) -> Block | None:
    """Return the passages between tags: `<document>` and its like, or what `<context>` holds."""
    opened: list[re.Match[str]] = []
    inner: list[tuple[re.Match[str], int]] = []  # elements that hold no others
    outer: list[tuple[int, int]] = []  # elements that are in no others
    for match in _TAG.finditer(text):
        if not match[1]:
            opened.append(match)
            continue
        if not opened or opened[-1][2].lower() != match[2].lower():
            continue
        head = opened.pop()
        if match[2].lower() not in words.INNER_TAGS:
            while outer and outer[-1][0] >= head.end():
                outer.pop()
            outer.append((head.end(), match.start()))
        elif not inner or inner[-1][0].start() < head.end():
            inner.append((head, match.start()))
    elements = [(head, text[head.end() : stop].strip()) for head, stop in inner[:PARTS]]
    found = [_element(head[3], body, path) for head, body in elements if body]
    if found:
        return Block(tuple(found), True)
    bodies = [body for start, stop in outer[:PARTS] if size(body := text[start:stop]) >= LEAST]
    if len(bodies) != 1:
        return Block(tuple(Passage("", body.strip(), path) for body in bodies), True) if bodies else None
    body = bodies[0].strip()
    for heads, origin in ((_BRACKET, False), (_UNIT, False), (_ORIGIN, True)):
        found = _split(body, list(heads.finditer(body)), path, origin=origin)
        if found:
            return Block(tuple(found), True)
    parts = [part.strip() for part in _RULE.split(body) if part.strip()]
    if len(parts) > 1:
        return Block(tuple(Passage("", part, path) for part in parts[:PARTS]), True)
    return Block((Passage("", body, path),), "\n\n" not in body)


def _element(attributes: str, body: str, path: str) -> Passage:
    said = {key.lower(): value.strip() for key, value in _ATTRIBUTE.findall(attributes)}
    id = said.pop("id", "") or said.pop("index", "")
    children = tuple(match[2].strip() for match in _CHILD.finditer(body[:1000]))
    return Passage(id, body, path, (*said.values(), *children))
