"""Rows of case files and labelled sets, where many rows are alike but for a number or a word.

`rows` are taken as they are; each entry of `fill` adds `times` copies of its `row`, in whose strings `{n}` stands for
the number of the copy and `{name}` for one of the words listed under that name in `words`, in turn, or for the piece of
text given under that name in `repeat`, so many times.
"""

from __future__ import annotations

import json
from typing import Any


def filled(entry: dict[str, Any]) -> list[Any]:
    """Return the rows of a case or of a labelled entry."""
    rows = list(entry.get("rows", []))
    for fill in entry.get("fill", []):
        text = json.dumps(fill["row"], ensure_ascii=False)
        for name, (piece, times) in fill.get("repeat", {}).items():
            text = text.replace("{" + name + "}", json.dumps(piece * times, ensure_ascii=False)[1:-1])
        for number in range(fill["times"]):
            line = text.replace("{n}", str(number))
            for name, words in fill.get("words", {}).items():
                word = json.dumps(words[number % len(words)], ensure_ascii=False)[1:-1]
                line = line.replace("{" + name + "}", word)
            rows.append(json.loads(line))
    return rows
