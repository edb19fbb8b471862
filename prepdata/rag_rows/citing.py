"""`[n]` in an answer."""

from __future__ import annotations

import re
from collections.abc import Sequence

_CLOSING = re.compile(r"([.!?…。！？]+)([\"”»)]*)\s*\Z")
_BLOCK = re.compile(r"(?:\A|\n)[ \t]*(?:```|~~~|\|)[^\n]*\Z")


def with_citation(answer: str, numbers: Sequence[int]) -> str | None:
    """Return an answer that cites passages by number, before its last full stop; below it where it ends with code or a
    table. None for JSON, which a citation would break."""
    text = answer.rstrip()
    if (text[:1], text[-1:]) in (("{", "}"), ("[", "]")):
        return None
    cited = "".join(f"[{number}]" for number in numbers)
    if _BLOCK.search(text):
        return f"{text}\n\n{cited}"
    closing = _CLOSING.search(text)
    if closing is None or closing[2]:
        return f"{text} {cited}"
    return f"{text[: closing.start()].rstrip()} {cited}{closing[1]}"
