"""`[n]` in an answer."""

from __future__ import annotations

import re
from collections.abc import Sequence

_CLOSING = re.compile(r"[.!?…。！？]{1,3}\Z")
_BLOCK = ("```", "~~~", "|")
"""What the last line of code or of a table begins with."""


def with_citation(answer: str, numbers: Sequence[int]) -> str | None:
    """Return an answer that cites passages by number, before its last full stop; below it where it ends with code or a
    table. None for JSON, which a citation would break."""
    text = answer.rstrip()
    if (text[:1], text[-1:]) in (("{", "}"), ("[", "]")):
        return None
    cited = "".join(f"[{number}]" for number in numbers)
    if text.rpartition("\n")[2].lstrip().startswith(_BLOCK):
        return f"{text}\n\n{cited}"
    closing = _CLOSING.search(text, max(0, len(text) - 3))
    if closing is None:
        return f"{text} {cited}"
    return f"{text[: closing.start()].rstrip()} {cited}{closing[0]}"
