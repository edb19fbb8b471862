"""One page that needs nothing else: counts, measures and the worst findings.

Everything from the data is escaped, nothing is loaded from anywhere, there is no script, and the size is bounded.
"""

from __future__ import annotations

from html import escape
from typing import Any, TextIO

from prepdata.findings import MARKS, RANK, Finding, clip, plural
from prepdata.report import CRASH, Report
from prepdata.reporters.base import Output, safe
from prepdata.reporters.html_style import STYLE
from prepdata.reporters.measures import cost_lines
from prepdata.reporters.summary import causes

SHOWN = 200
"""Findings shown per rule at most; the rest are counted."""
BUDGET = 800
"""Findings shown in all, about 500 bytes each; shared among the rules."""
FILES = 50
"""Files listed."""
LONGEST = 500
"""Characters of a message or excerpt that are shown."""
_POLICY = "default-src 'none'; style-src 'unsafe-inline'"


def write(report: Report, out: TextIO, output: Output) -> None:
    """Write a whole HTML document."""
    title = "prepdata: " + ", ".join(f.path for f in report.files[:3])
    out.write(
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        f'<meta name="viewport" content="width=device-width"><title>{_text(clip(title, 120))}</title></head>'
        f'<body class="prepdata-page">{fragment(report)}</body></html>\n'
    )


def fragment(report: Report) -> str:
    """Return the report as an HTML fragment, for notebooks and for the page."""
    parts = (
        _head(report),
        _tiles(report),
        _tokens(report),
        _targets(report),
        _rules(report),
        _files(report),
        _notes(report),
        _findings(report),
    )
    return f'<div class="prepdata"><style>{STYLE}</style>{"".join(parts)}</div>'


def _head(report: Report) -> str:
    failed = report.exit_code
    state = "clean" if not failed else "a rule crashed" if failed == 2 else "findings to look at"
    kind = "ok" if not failed else "error"
    names = ", ".join(f.path for f in report.files[:3]) + (" …" if len(report.files) > 3 else "")
    return f'<h1>prepdata <span class="badge {kind}">{state}</span></h1><p class="dim">{_text(names)}</p>'


def _tiles(report: Report) -> str:
    counts = report.summary()
    tiles = [
        ("rows", counts["examples"], ""),
        ("errors", counts["errors"], "error"),
        ("warnings", counts["warnings"], "warning"),
        ("infos", counts["infos"], "info"),
    ]
    if counts["waived"]:
        tiles.append(("waived", counts["waived"], ""))
    cells = "".join(
        f'<div class="tile"><b class="{kind if number else "dim"}">{number:,}</b><span>{label}</span></div>'
        for label, number, kind in tiles
    )
    return f'<div class="tiles">{cells}</div>'


def _tokens(report: Report) -> str:
    tokens = report.measures.get("tokens")
    if not tokens:
        return ""
    about = "" if tokens.get("exact") else "about "
    counter = f'<span class="dim">({_text(tokens.get("counter", ""))})</span>'
    lines = [f"{about}{tokens['total']:,} tokens, {about}{tokens['trained']:,} of them trained {counter}"]
    lines += [
        f"{plural(limit['rows_over'], 'row')} longer than the {limit['limit']:,} tokens of {_text(limit['target'])}"
        for limit in tokens.get("limits", ())
        if limit["rows_over"]
    ]
    lines += [_text(f"cost: {line}") for line in cost_lines(report.measures.get("cost") or {})]
    said = "".join(f"<p>{line}</p>" for line in lines)
    return f"<h2>Tokens</h2>{said}{_histogram(tokens.get('histogram') or [])}"


def _histogram(bars: list[list[int]]) -> str:
    filled = [i for i, bar in enumerate(bars) if bar[2]]
    if not filled:
        return ""
    bars = bars[filled[0] : filled[-1] + 1]
    most = max(count for _, _, count in bars)
    rows = "".join(
        f'<tr><td class="n">{low:,}–{below - 1:,}</td><td class="n">{count:,}</td><td>{_bar(count / most)}</td></tr>'
        for low, below, count in bars
    )
    return (
        f'<table class="bars"><tr><th class="n">tokens of a row</th><th class="n">rows</th><th></th></tr>{rows}</table>'
    )


def _bar(share: float, kind: str = "") -> str:
    return f'<div class="bar {kind}" style="width:{max(0.4, 16 * share) if share else 0:.1f}rem"></div>'


def _targets(report: Report) -> str:
    if not report.targets:
        return ""
    rows = "".join(
        f'<tr><td>{_text(t.target)}</td><td class="n">{t.rows:,}</td><td>'
        f"{_text(causes(t)) or '<span class=ok>accepts all rows</span>'}"
        f"</td></tr>"
        for t in report.targets
    )
    head = '<tr><th>target</th><th class="n">rows refused</th><th>because of</th></tr>'
    return f"<h2>Targets</h2><table>{head}{rows}</table>"


def _grouped(report: Report) -> list[list[Finding]]:
    groups: dict[tuple[str, str], list[Finding]] = {}
    for finding in report:
        groups.setdefault((finding.severity, finding.name), []).append(finding)
    return sorted(groups.values(), key=lambda g: (-RANK[g[0].severity], -len(g), g[0].code))


def _rules(report: Report) -> str:
    groups = _grouped(report)
    if not groups:
        return ""
    most = max(map(len, groups))
    rows = "".join(
        f'<tr><td><a href="#{_anchor(g[0])}">{_text(g[0].code)}</a></td><td>{_text(g[0].name)}</td>'
        f'<td class="{g[0].severity}">{g[0].severity}</td><td class="n">{len(g):,}</td>'
        f"<td>{_bar(len(g) / most, g[0].severity)}</td></tr>"
        for g in groups
    )
    head = '<tr><th>code</th><th>rule</th><th>severity</th><th class="n">findings</th><th></th></tr>'
    return f"<h2>Rules</h2><table>{head}{rows}</table>"


def _files(report: Report) -> str:
    cells = "".join(
        f'<tr><td>{_text(f.path)}</td><td>{_text(f.format or "unknown")}</td><td class="n">{f.examples:,}</td></tr>'
        for f in report.files[:FILES]
    )
    more = (
        f'<p class="dim">and {plural(len(report.files) - FILES, "more file")}</p>' if len(report.files) > FILES else ""
    )
    head = '<tr><th>file</th><th>format</th><th class="n">rows</th></tr>'
    return f"<h2>Files</h2><table>{head}{cells}</table>{more}"


def _notes(report: Report) -> str:
    said = [f"not run: {item.name} (needs {item.needs})" for item in report.not_run] + list(report.notes)
    return f"<ul>{''.join(f'<li>{_text(line)}</li>' for line in said)}</ul>" if said else ""


def _findings(report: Report) -> str:
    groups = _grouped(report)
    if not groups:
        return ""
    each = min(SHOWN, max(5, BUDGET // len(groups)))
    return "<h2>Findings</h2>" + "".join(_group(group, each) for group in groups)


def _group(findings: list[Finding], each: int) -> str:
    first = findings[0]
    rows = "".join(_row(f) for f in findings[:each])
    more = f'<p class="dim">and {len(findings) - each:,} more</p>' if len(findings) > each else ""
    return (
        f'<details open id="{_anchor(first)}"><summary><span class="badge {first.severity}">{first.severity}</span> '
        f"<b>{_text(first.code)} {_text(first.name)}</b> <span class=dim>{plural(len(findings), 'finding')}</span>"
        f'</summary><p class="dim">{_text(_why(first))}</p><table class="list">{rows}</table>{more}</details>'
    )


def _why(finding: Finding) -> str:
    if finding.name == CRASH:
        return ""
    from prepdata.rules.docs import read_doc
    from prepdata.rules.loader import find

    return read_doc(find(finding.name)).summary


def _row(finding: Finding) -> str:
    line = "" if finding.line is None else f":{finding.line}"
    path = f"<br><code>{_cut(finding.path)}</code>" if finding.path else ""
    related = ", ".join(f"{p.file}:{p.line}" if p.line else p.file for p in finding.related[:3])
    see = f'<p class="dim">see {_cut(related)}</p>' if related else ""
    fix = f'<p class="dim">fix: {_cut(finding.fix.title)}</p>' if finding.fix else ""
    excerpt = f"<pre>{_excerpt(finding.excerpt)}</pre>" if finding.excerpt else ""
    return (
        f"<tr><td>{_cut(finding.file)}<b>{line}</b>{path}</td><td>{_cut(finding.message)}{excerpt}{see}{fix}</td></tr>"
    )


def _excerpt(excerpt: str) -> str:
    text = _cut(excerpt)
    start, end = text.find(MARKS[0]), text.rfind(MARKS[1])
    if start < 0 or end < start:
        return text
    return f"{text[:start]}<mark>{text[start + 1 : end]}</mark>{text[end + 1 :]}"


def _anchor(finding: Finding) -> str:
    return _text(f"{finding.severity}-{finding.code}")


def _cut(text: str) -> str:
    return _text(text if len(text) <= LONGEST else text[: LONGEST - 1] + "…")


def _text(text: Any) -> str:
    return escape(safe(str(text)), quote=True)
