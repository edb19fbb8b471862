"""SARIF 2.1.0 (docs.oasis-open.org/sarif), within the limits that GitHub code scanning states.

GitHub takes at most 25,000 results a run and shows the top 5,000 (docs.github.com, read 2026-11); the worst come first,
and what was left out is said in a notification.
"""

from __future__ import annotations

import json
from typing import Any, TextIO

import prepdata
from prepdata.findings import RANK, Finding
from prepdata.report import CRASH, Report, harmless
from prepdata.reporters.base import Output, in_repository
from prepdata.rules.docs import Doc

LIMIT = 5_000
"""Results written; more are not shown by GitHub."""
_LEVEL = {"error": "error", "warning": "warning", "info": "note"}
_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


def write(report: Report, out: TextIO, output: Output) -> None:
    """Write one SARIF run."""
    ranked = sorted(report, key=lambda f: -RANK[f.severity])
    kept = ranked[:LIMIT]
    codes = sorted({f.code: f.name for f in kept}.items())
    index = {code: i for i, (code, _) in enumerate(codes)}
    invocation: dict[str, Any] = {"executionSuccessful": all(f.name != CRASH for f in ranked)}
    if len(ranked) > len(kept):
        text = f"{len(ranked) - len(kept):,} of {len(ranked):,} findings left out: GitHub shows the first {LIMIT:,}"
        invocation["toolExecutionNotifications"] = [{"level": "warning", "message": {"text": text}}]
    driver = {
        "name": "prepdata",
        "semanticVersion": prepdata.__version__,
        "rules": [_rule(code, name) for code, name in codes],
    }
    lines = {file.path: file.lines for file in report.files if file.lines}
    run = {
        "tool": {"driver": driver},
        "invocations": [invocation],
        "columnKind": "unicodeCodePoints",
        "results": [_result(f, index[f.code], lines) for f in kept],
    }
    text = json.dumps({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}, ensure_ascii=False, indent=1)
    out.write(harmless(text) + "\n")


def _rule(code: str, name: str) -> dict[str, Any]:
    if name == CRASH:
        return {"id": code, "name": name, "shortDescription": {"text": "A rule of prepdata failed."}}
    from prepdata.rules.docs import read_doc
    from prepdata.rules.loader import find

    rule = find(name)
    doc = read_doc(rule)
    return {
        "id": code,
        "name": name,
        "shortDescription": {"text": doc.summary},
        "fullDescription": {"text": doc.sections.get("Why") or doc.summary},
        "help": {"text": _help(doc)},
        "defaultConfiguration": {"level": _LEVEL[rule.severity]},
    }


def _help(doc: Doc) -> str:
    parts = [
        doc.summary,
        *(f"{head}: {doc.sections[head]}" for head in ("Why", "Fix", "Source") if head in doc.sections),
    ]
    return "\n\n".join(part for part in parts if part)


def _result(finding: Finding, rule_index: int, lines: dict[str, int]) -> dict[str, Any]:
    location = {"physicalLocation": _place(finding.file, finding.line, lines)}
    if finding.path:
        location["logicalLocations"] = [{"fullyQualifiedName": finding.path}]  # type: ignore[assignment]
    result: dict[str, Any] = {
        "ruleId": finding.code,
        "ruleIndex": rule_index,
        "level": _LEVEL[finding.severity],
        "message": {"text": finding.message},
        "locations": [location],
        "partialFingerprints": {"prepdata/v1": finding.fingerprint},
    }
    if finding.related:
        result["relatedLocations"] = [
            {"id": i, "physicalLocation": _place(p.file, p.line, lines)} for i, p in enumerate(finding.related[:20])
        ]
    return result


def _place(file: str, line: int | None, lines: dict[str, int]) -> dict[str, Any]:
    """Return a place; a finding on the file as a whole spans all its lines, where they are known."""
    from urllib.parse import quote

    place: dict[str, Any] = {"artifactLocation": {"uri": quote(in_repository(file), errors="surrogateescape")}}
    if line is not None:
        place["region"] = {"startLine": line}
    elif lines.get(file):
        place["region"] = {"startLine": 1, "endLine": lines[file]}
    return place
