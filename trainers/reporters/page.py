"""A comparison as one HTML page that needs nothing else, with the rows that got better and worse side by side.

Everything from files is escaped; nothing is loaded from anywhere, and there is no script.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any, TextIO

from prepdata.findings import plural
from prepdata.reporters.base import safe
from prepdata.reporters.html_style import STYLE
from trainers.compare import Comparison
from trainers.pairs import Change, Pair, scores_of
from trainers.reporters.words import HEAD, LEGEND, cells, headline, models, timed

SHOWN = 50
"""Rows shown that got better, and as many that got worse; the rest are counted."""
LONGEST = 2_000
"""Characters shown of each text."""
_NUMBER = re.compile(r"[-+]?\d")
_POLICY = "default-src 'none'; style-src 'unsafe-inline'"
_STYLE = """
.prepdata-page .prepdata{min-width:0}
.prepdata .badge{display:inline-block}
.prepdata .scroll{overflow-x:auto}
.prepdata .scroll td,.prepdata .scroll th{padding-right:.5rem}
.prepdata .num{white-space:nowrap;font-variant-numeric:tabular-nums}
.prepdata .sides{width:100%;min-width:40rem;table-layout:fixed}
.prepdata .sides td,.prepdata .sides th{width:25%;overflow-wrap:anywhere}
.prepdata .sides pre{white-space:pre-wrap;margin:0}
"""


def write(comparison: Comparison, pairs: Mapping[str, Sequence[Pair]], out: TextIO) -> None:
    """Write the page.

    Args:
        comparison: what is shown.
        pairs: set -> pairs, as `pair_up` gives them; shown by the primary metric, and by guards not kept.
        out: where to.
    """
    kind = {True: "ok", False: "error", None: "warning"}[comparison.passed]
    parts = [
        f'<h1>prepdata compare <span class="badge {kind}">{text(headline(comparison))}</span></h1>',
        f'<p class="dim">{text(models(comparison))}</p>',
        listed("Not passed because", comparison.reasons),
        table("Metrics", HEAD, map(cells, comparison.metrics)),
        f'<p class="dim">{text(LEGEND)}</p>',
        listed("Times", [timed(change) for change in comparison.latency]),
        listed("Notes", comparison.notes),
    ]
    for change in comparison.metrics:
        if change.role == "primary" or (change.role == "guard" and not change.within_margin):
            parts += _examples(change, pairs.get(change.set, ()))
    out.write(whole(f"prepdata compare: {comparison.verdict}", parts))


def whole(title: str, parts: Sequence[str]) -> str:
    """Return a page: its title as text, its parts as HTML."""
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        f'<meta name="viewport" content="width=device-width"><title>{text(title)}'
        f'</title></head><body class="prepdata-page"><div class="prepdata"><style>{STYLE}{_STYLE}</style>'
        f"{''.join(parts)}</div></body></html>\n"
    )


def table(title: str, head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a section with a table of texts, in a box of its own that scrolls where the screen is too narrow."""
    top = "".join(f"<th>{text(name)}</th>" for name in head)
    body = "".join(f"<tr>{''.join(map(_cell, row))}</tr>" for row in rows)
    return f'<h2>{text(title)}</h2><div class="scroll"><table><tr>{top}</tr>{body}</table></div>'


def _cell(raw: str) -> str:
    """Return a cell; what begins with a number (a value with its interval, a p-value) stays on one line."""
    return f"<td{' class=num' if _NUMBER.match(raw) else ''}>{text(raw)}</td>"


def listed(title: str, texts: Sequence[str]) -> str:
    """Return a section with a list of texts, "" for an empty one."""
    return f"<h2>{title}</h2><ul>{''.join(f'<li>{text(line)}</li>' for line in texts)}</ul>" if texts else ""


def _examples(change: Change, pairs: Sequence[Pair]) -> list[str]:
    """Return the sections of rows that got worse and better by a metric, the largest changes first."""
    sign = 1 if change.higher_is_better else -1
    moved: dict[bool, list[tuple[float, Pair]]] = {False: [], True: []}
    for pair in pairs:
        one, other = scores_of(pair, change.metric)
        if one is not None and other is not None and one != other:
            gain = sign * (other - one)
            moved[gain > 0].append((gain, pair))
    found = []
    for title, better in (("Rows that got worse", False), ("Rows that got better", True)):
        rows = sorted(moved[better], key=lambda item: (-abs(item[0]), item[1].baseline.doc_id))
        more = len(rows) - SHOWN
        note = f'<p class="dim">and {plural(more, "more row")}, in the samples of the records</p>' if more > 0 else ""
        body = "".join(_example(pair, change.metric) for _, pair in rows[:SHOWN])
        found.append(f"<h2>{title} ({text(change.label)}): {len(rows):,}</h2>{body}{note}")
    return found


def _example(pair: Pair, metric: str) -> str:
    one, other = pair.baseline, pair.run
    asked = "\n\n".join(f"{turn.get('role', '?')}: {_said(turn)}" for turn in one.messages)
    columns = [("asked", asked, ""), ("reference", one.target, "")]
    for name, sample in (("baseline", one), ("run", other)):
        score = sample.scores[metric]
        detail = ", ".join(filter(None, [f"{score.value:.3g}", score.detail, sample.finish_reason]))
        columns.append((name, sample.output, detail))
    head = "".join(f"<th>{text(name)} <span class=dim>{text(detail[:300])}</span></th>" for name, _, detail in columns)
    body = "".join(f"<td><pre>{_long(said)}</pre></td>" for _, said, _ in columns)
    return (
        f"<details open><summary><b>{text(one.doc_id[:120])}</b></summary>"
        f'<div class="scroll"><table class="sides"><tr>{head}</tr><tr>{body}</tr></table></div></details>'
    )


def _said(turn: dict[str, Any]) -> str:
    content = turn.get("content")
    if isinstance(content, str):
        return content
    from prepdata.jsontext import json_text

    return json_text(content if content is not None else turn.get("tool_calls"))


def _long(raw: str) -> str:
    cut = f"\n… and {len(raw) - LONGEST:,} characters" if len(raw) > LONGEST else ""
    return "\n".join(map(text, raw[:LONGEST].split("\n"))) + cut


def text(raw: Any) -> str:
    """Return a text of data as HTML."""
    return escape(safe(str(raw)), quote=True)
