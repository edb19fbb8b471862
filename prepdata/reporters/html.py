"""One page that needs nothing else: counts, measures and the worst findings. Everything from the data is escaped."""

from __future__ import annotations

from html import escape
from typing import TextIO

from prepdata.findings import RANK, Finding
from prepdata.report import Report
from prepdata.reporters.base import Output, safe

SHOWN = 200
"""Findings shown per rule; the rest are counted."""
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
_STYLE = """
.prepdata{font:14px/1.45 system-ui,sans-serif;color:#1b1f24;max-width:70rem}
.prepdata table{border-collapse:collapse;margin:.6rem 0}
.prepdata td,.prepdata th{border-bottom:1px solid #d8dee4;padding:.2rem .7rem .2rem 0;text-align:left;vertical-align:top}
.prepdata .n{text-align:right;font-variant-numeric:tabular-nums}
.prepdata .error{color:#b3261e}.prepdata .warning{color:#8a5a00}.prepdata .info{color:#0b5cad}
.prepdata code{background:#f3f5f7;padding:0 .25rem;overflow-wrap:anywhere;white-space:pre-wrap}
.prepdata summary{cursor:pointer;margin:.4rem 0}
"""


def write(report: Report, out: TextIO, output: Output) -> None:
    """Write a whole HTML document; it loads nothing from anywhere."""
    title = "prepdata: " + ", ".join(f.path for f in report.files[:3])
    out.write(
        f'<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        f'<meta name="viewport" content="width=device-width"><title>{_text(title)}</title></head>'
        f"<body>{fragment(report)}</body></html>\n"
    )


def fragment(report: Report) -> str:
    """Return the report as an HTML fragment, for notebooks and for the page."""
    counts = report.summary()
    cells = "".join(
        f'<tr><td>{_text(f.path)}</td><td>{_text(f.format or "unknown")}</td><td class="n">{f.examples:,}</td></tr>'
        for f in report.files
    )
    head = (
        f'<p><b class="error">{counts["errors"]:,} errors</b>, <b class="warning">{counts["warnings"]:,} warnings</b>, '
        f'<b class="info">{counts["infos"]:,} infos</b>, {counts["waived"]:,} waived in {counts["examples"]:,} rows</p>'
    )
    groups: dict[tuple[int, str], list[Finding]] = {}
    for finding in report:
        groups.setdefault((-RANK[finding.severity], finding.name), []).append(finding)
    blocks = "".join(_group(groups[key]) for key in sorted(groups, key=lambda k: (k[0], -len(groups[k]), k[1])))
    table = f'<table><tr><th>file</th><th>format</th><th class="n">rows</th></tr>{cells}</table>'
    return f'<div class="prepdata"><style>{_STYLE}</style><h1>prepdata</h1>{head}{table}{_targets(report)}{_tokens(report)}{blocks}</div>'


def _targets(report: Report) -> str:
    if not report.targets:
        return ""
    rows = "".join(
        f'<tr><td>{_text(t.target)}</td><td class="n">{t.rows:,}</td><td>'
        f"{_text(', '.join(f'{k} {v:,}' for k, v in t.by_rule.items()) or 'accepts all rows')}</td></tr>"
        for t in report.targets
    )
    return f'<table><tr><th>target</th><th class="n">rows refused</th><th>why</th></tr>{rows}</table>'


def _tokens(report: Report) -> str:
    tokens = report.measures.get("tokens")
    if not tokens:
        return ""
    about = "" if tokens.get("exact") else "about "
    return f"<p>{about}{tokens['total']:,} tokens, {about}{tokens['trained']:,} of them trained ({_text(str(tokens.get('counter', '')))})</p>"


def _group(findings: list[Finding]) -> str:
    first = findings[0]
    rows = "".join(_row(f) for f in findings[:SHOWN])
    more = f"<p>and {len(findings) - SHOWN:,} more</p>" if len(findings) > SHOWN else ""
    return (
        f'<details open><summary><b class="{first.severity}">{_text(first.code)} {_text(first.name)}</b> '
        f"({len(findings):,})</summary><table>{rows}</table>{more}</details>"
    )


def _row(finding: Finding) -> str:
    place = finding.file if finding.line is None else f"{finding.file}:{finding.line}"
    excerpt = f"<br><code>{_text(finding.excerpt)}</code>" if finding.excerpt else ""
    return f"<tr><td>{_text(place)}</td><td><code>{_text(finding.path or '')}</code></td><td>{_text(finding.message)}{excerpt}</td></tr>"


def _text(text: str) -> str:
    return escape(safe(text), quote=True)
