"""A comparison as Markdown, short enough for a comment on a pull request."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TextIO

from prepdata.reporters.base import safe
from trainers.compare import Comparison
from trainers.reporters.words import HEAD, LEGEND, cells, headline, models, timed

_ACTIVE = re.compile(r"([\\`*_{}\[\]()#+!|~@-])")


def write(comparison: Comparison, out: TextIO) -> None:
    """Write a heading, a table and lists. What comes from files is escaped: it makes no link, mention or markup."""
    mark = {True: "✅", False: "❌", None: "⚠️"}[comparison.passed]
    lines = [f"### {mark} prepdata compare: {headline(comparison)}", "", text(models(comparison)), ""]
    lines += [row(HEAD), row(["---"] * len(HEAD), plain=True)]
    lines += [row(cells(change)) for change in comparison.metrics]
    for title, texts in (
        ("Times", [timed(change) for change in comparison.latency]),
        ("Not passed because", comparison.reasons),
        ("Notes", comparison.notes),
    ):
        if texts:
            lines += ["", f"**{title}**", "", *(f"- {text(line)}" for line in texts)]
    lines += ["", text(LEGEND), ""]
    out.write("\n".join(lines))


def row(parts: Sequence[str], *, plain: bool = False) -> str:
    """Return a row of a table; `plain` cells are written as they are."""
    return f"| {' | '.join(parts if plain else map(text, parts))} |"


def text(raw: str) -> str:
    """Return a text in which nothing is markup, on one line."""
    shown = safe(raw).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _ACTIVE.sub(lambda match: f"&#{ord(match[1])};" if match[1] in "@|" else f"\\{match[1]}", shown)
