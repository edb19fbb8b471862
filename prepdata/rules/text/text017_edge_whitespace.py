"""TEXT017: white space at the edge of an answer."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import ClassVar

from prepdata.chunk import Chunk
from prepdata.findings import Edit, Fix, Hit, Severity
from prepdata.record import Record
from prepdata.rules.base import LOOK, RecordRule, Trigger
from prepdata.rules.text._pieces import answered

LEADING_MEANT = frozenset({"prompt-completion", "completion", "text"})
"""Formats whose completions begin with a space by custom, since text is glued to text."""
_NAMES = {" ": "space", "\n": "line break", "\t": "tab", "\r": "carriage return", "\u00a0": "no-break space"}

_CODE = re.compile(r"[=(){}\[\];]|\breturn\b|:$", re.MULTILINE)


class EdgeWhitespace(RecordRule):
    """Finds white space at the start or the end of a trained turn.

    Why: chat templates put their own line breaks around a turn. What stands there besides is learned: answers begin
    with a blank, or the end token comes after a line break that is never made at inference. Indentation of code is
    kept, and so is the space that begins a completion in prompt/completion rows.
    Bad:
        {"messages": [{"role": "user", "content": "Where is my order?"}, {"role": "assistant", "content": " On its way.
         "}]}
    Good:
        {"messages": [{"role": "user", "content": "Where is my order?"}, {"role": "assistant", "content": "On its
         way."}]}
    Fix: safe; the white space is removed. What the answer says stays the same.
    Source: OpenAI, legacy fine-tuning guide on leading spaces of completions (2023-07); chat templates in common use.
    """

    code: ClassVar[str] = "TEXT017"
    name: ClassVar[str] = "edge-whitespace"
    severity: ClassVar[Severity] = "warning"
    fix = "safe"
    heuristic: ClassVar[bool] = True
    trigger: ClassVar[Trigger] = LOOK

    def wanted(self, chunk: Chunk) -> list[Record]:
        found = chunk.derived(answered)
        return [
            record for record, message, text in zip(found.records, found.messages, found.texts)
            if text.strip() != text or message.kind == "parts"
        ]  # fmt: skip

    def check(self, record: Record) -> Iterator[Hit]:
        for message in record.answers:
            if message.kind == "text":
                text = message.text
                if text[0].isspace() or text[-1].isspace():
                    yield from self._judge(record, text, message.field, True, True)
            elif message.kind == "parts":
                found = [p for p in message.parts if p.kind == "text" and p.text and not p.text.isspace()]
                for part in found:
                    first, last = part is message.parts[0], part is message.parts[-1]
                    yield from self._judge(record, part.text, part.field, first, last)

    def _judge(self, record: Record, text: str, path: str, first: bool, last: bool) -> Iterator[Hit]:
        start = len(text) - len(text.lstrip()) if first else 0
        if start:
            start = 0 if record.format in LEADING_MEANT else _cut(text, start)
        end = len(text.rstrip()) if last else len(text)
        if end < len(text) and text[end:] in ("\n", "\r\n") and _ends_in_code(text[start:end]):
            end = len(text)
        if not start and end == len(text):
            return
        both = " and ".join(
            [f"begins with {_named(text[:start])}"] * bool(start)
            + [f"ends with {_named(text[end:])}"] * (end < len(text))
        )
        edit = Edit("set", path, text[start:end])
        yield Hit(
            f"this answer {both}; templates bring their own white space: remove it",
            path,
            span=(0, start) if start else (end, len(text)),
            excerpt=_excerpt(text, start, end),
            fix=Fix("remove the white space at the edges", True, (edit,)),
        )  # fmt: skip


def _cut(text: str, start: int) -> int:
    """Return how much of the white space at the start can go: not the indentation of a first line of code or verse."""
    lead = text[:start]
    cut = lead.rfind("\n") + 1
    indent = lead[cut:]
    if not indent or any(c not in " \t" for c in indent):
        return start
    later = [line for line in text[start:].split("\n")[1:6] if line.strip()]
    if "\t" in indent or len(indent) > 1:
        kept = any(line[0] in " \t" for line in later) or bool(_CODE.search(text[start : start + 400]))
    else:
        kept = any(line.startswith(indent) for line in later)
    return cut if kept else start


def _ends_in_code(text: str) -> bool:
    """True if the last line is indented or closes a block: bare code ends with one line break."""
    line = text[text.rfind("\n") + 1 :]
    return line[:1] in (" ", "\t") or line in ("}", "end", "};", ")", "```") or line[:4] in ("def ", "retu")


def _named(space: str) -> str:
    kinds = {_NAMES.get(c, "white space") for c in space}
    name = kinds.pop() if len(kinds) == 1 else "character of white space"
    if len(space) == 1:
        return f"a {name}"
    return f"{len(space)} {name.replace('character', 'characters')}{'' if ' ' in name and 'of' in name else 's'}"


def _excerpt(text: str, start: int, end: int) -> str:
    if start:
        return f"⟪{_visible(text[:start])}⟫" + " ".join(text[start : start + 40].split("\n"))
    return " ".join(text[max(0, end - 40) : end].split("\n")) + f"⟪{_visible(text[end:])}⟫"


def _visible(space: str) -> str:
    return "".join({"\n": "↵", "\t": "→", "\r": "␍"}.get(c, "·") for c in space[:20])
