"""Why a text is not JSON, in words that help: from the standard parser's message and what stands at that place."""

from __future__ import annotations

import re

_WORD = re.compile(r"[^\W\d]\w{0,30}")
_PYTHON = {"True": "true", "False": "false", "None": "null", "undefined": "null", "nan": "null", "inf": "null"}
_CONTROL = {
    "\t": ("tab", "\\t"),
    "\n": ("line break", "\\n"),
    "\r": ("carriage return", "\\r"),
    "\0": ("NUL byte", "\\u0000"),
    "\b": ("backspace", "\\b"),
    "\f": ("form feed", "\\f"),
}
_SMART = "“”„‟«»‘’＂"
_SINGLE_START = re.compile(r"[\[{(]\s*'")
_AFTER_NUMBER = re.compile(r"-?0$")
CUT = "the line ends in the middle of the object: it was cut off, or a line break inside a text was not written as \\n"


def diagnose(text: str, message: str, pos: int) -> tuple[str, int]:
    """Return (reason, position) for a text that the standard library's JSON parser refused.

    Args:
        text: the whole line, or the text of a row.
        message: the parser's own message.
        pos: 0-based position in characters that it gave.
    """
    stripped = text.strip()
    if "\0" in text and (stripped.count("\0") == len(stripped) or message.startswith(("Expecting", "Extra"))):
        return "NUL bytes instead of text: the file was damaged while it was written", text.index("\0")
    if _SINGLE_START.match(stripped):
        return "single quotes: this is how Python prints an object, not JSON; write it with json.dumps", text.index("'")
    here = text[pos : pos + 1]
    if not text[pos:].strip() and not message.startswith(("Unterminated", "Extra")):
        return CUT, len(text.rstrip())
    for start, handler in _HANDLERS:
        if message.startswith(start):
            return handler(text, pos, here)
    return f"{message[:1].lower()}{message[1:]}", pos


def _extra(text: str, pos: int, here: str) -> tuple[str, int]:
    rest = text[pos:].strip()
    if here in "{[":
        return "two values on one line: every row needs a line of its own", pos
    if rest in (",", ";"):
        return f"a '{rest}' after the object: rows are separated by line breaks alone", pos
    if here == ",":
        return "more text after a comma: rows are separated by line breaks alone", pos
    if here in "}]":
        return f"one closing '{here}' too many", pos
    if _comment(text, pos):
        return "a comment after the object: JSON has none", pos
    if pos and _AFTER_NUMBER.search(text[:pos]) and here.isdigit():
        return "a number that begins with 0", pos
    return "text after the end of the JSON value", pos


def _key(text: str, pos: int, here: str) -> tuple[str, int]:
    if here == "}":
        return "a comma before the closing '}'", pos
    return _common(text, pos, here) or _unquoted(text, pos, "key") or "expected a key in double quotes", pos


def _value(text: str, pos: int, here: str) -> tuple[str, int]:
    before = text[:pos].rstrip()[-1:]
    if here in "}]" and text[:pos].strip():
        if before == ",":
            return f"a comma before the closing '{here}'", pos
        return f"a value is missing before '{here}'", pos
    if here == ",":
        return "a value is missing before ','", pos
    common = _common(text, pos, here)
    if common:
        return common, pos
    word = _word(text, pos)
    if word in _PYTHON:
        return f"{word} is not JSON; write {_PYTHON[word]}", pos
    if not text[:pos].strip():
        return _beginning(text, word), pos
    if here in "+." or text[pos : pos + 2] == "-.":
        return "a number must begin with a digit or a minus sign", pos
    if here == "-" and text[pos + 1 : pos + 4].lower() in ("inf", "nan"):
        return "infinity is not JSON; write null", pos
    return _unquoted(text, pos, "text") or "expected a value", pos


def _beginning(text: str, word: str) -> str:
    begin = text.lstrip()
    if begin.startswith("data:"):
        return "the line begins with 'data:', as in a recorded event stream; take that away"
    if begin.startswith("<"):
        return "this looks like HTML or XML; a row is one object {...} on one line"
    if begin.startswith("```"):
        return "a Markdown code fence; take the line out"
    if begin[0] in "}])":
        return f"the line begins with '{begin[0]}': the object is spread over several lines; write it on one"
    if begin.startswith(("---", "- ")) or re.match(r"\w+: ", begin):
        return "plain text or YAML; a row is one object {...} on one line"
    return "a row is one object {...} on one line"


def _comma(text: str, pos: int, here: str) -> tuple[str, int]:
    before = text[:pos].rstrip()
    if before.endswith('"'):
        if here == ":":
            return "two values without a comma, or a key inside a list: '[' where '{' was meant", pos
        if here == '"':
            return 'a comma is missing between two texts, or a double quote inside a text is not written as \\"', pos
        if here not in "{[]}":
            return _common(text, pos, here) or 'a double quote inside a text is not written as \\"', pos
    if before[-1:].isdigit() and here.isdigit():
        return "a number that begins with 0", pos
    if here in "]}":
        other = "'{' is closed by ']'" if here == "]" else "'[' is closed by '}'"
        return f"brackets do not match: {other}", pos
    if here in '{["':
        return "a comma is missing", pos
    return _common(text, pos, here) or f"expected ',' or a closing bracket instead of '{here}'", pos


def _colon(text: str, pos: int, here: str) -> tuple[str, int]:
    if here in ",}":
        return "a key without a value; perhaps '{' where '[' was meant", pos
    if here == "=":
        return "'=' where ':' was meant", pos
    return "a ':' is missing after a key, or a double quote inside it is not written as \\\"", pos


def _unterminated(text: str, pos: int, here: str) -> tuple[str, int]:
    return "a text without its closing quote: " + CUT, pos


def _control(text: str, pos: int, here: str) -> tuple[str, int]:
    name, written = _CONTROL.get(here, (f"control character U+{ord(here):04X}", f"\\u{ord(here):04x}"))
    return f"a bare {name} inside a text; write {written}", pos


def _escape(text: str, pos: int, here: str) -> tuple[str, int]:
    following = text[pos + 1 : pos + 2]
    return f"'\\{following}' is no JSON escape; write a backslash as \\\\", pos


def _unicode(text: str, pos: int, here: str) -> tuple[str, int]:
    return "'\\u' must be followed by four hexadecimal digits", pos


def _trailing(text: str, pos: int, here: str) -> tuple[str, int]:
    at = pos + 1 + len(text[pos + 1 :]) - len(text[pos + 1 :].lstrip())
    return f"a comma before the closing '{text[at : at + 1]}'", at


def _common(text: str, pos: int, here: str) -> str:
    """Return the reason for what is wrong wherever it stands, or an empty string."""
    if here == "'":
        return "single quotes; JSON wants double quotes"
    if here and here in _SMART:
        return f"a typographic quote ({here}); JSON wants straight double quotes"
    if _comment(text, pos):
        return "a comment: JSON has none"
    if here == "\ufeff":
        return "a byte order mark in the middle of the line"
    if here == "\u00a0" or here == "\u200b":
        return "an invisible character (no-break or zero-width space) between the values"
    return ""


def _comment(text: str, pos: int) -> bool:
    return text.startswith(("//", "/*", "#"), pos)


def _word(text: str, pos: int) -> str:
    match = _WORD.match(text, pos)
    return match.group() if match else ""


def _unquoted(text: str, pos: int, what: str) -> str:
    word = _word(text, pos)
    return f"a {what} without quotes ({word})" if word else ""


_HANDLERS = (
    ("Extra data", _extra),
    ("Expecting property name", _key),
    ("Expecting value", _value),
    ("Expecting ',' delimiter", _comma),
    ("Expecting ':' delimiter", _colon),
    ("Unterminated string", _unterminated),
    ("Invalid control character", _control),
    ("Invalid \\escape", _escape),
    ("Invalid \\uXXXX", _unicode),
    ("Illegal trailing comma", _trailing),
)
