"""The report of a run: files, findings, measures, and the exit code that follows from them."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

import msgspec

import prepdata
from prepdata.errors import EXIT_CLEAN, EXIT_ERROR, EXIT_FINDINGS
from prepdata.findings import RANK, Finding
from prepdata.jsontext import json_text as written

SCHEMA_VERSION = 1
CRASH = "rule-crash"
STEERING = "\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069"
"""Characters that JSON lets stand and that a terminal or viewer may obey, for a character class: controls, line and
paragraph separators, what turns the direction of writing."""
_CONTROLS = re.compile(f"[{STEERING}]")


class FileReport(msgspec.Struct, frozen=True, kw_only=True):
    """One input. `examples` counts rows (lines that are not blank); `size` is bytes as stored; `format` is None where
    no row had a known format."""

    path: str
    format: str | None
    examples: int
    lines: int | None
    size: int | None
    sha256: str | None
    measures: dict[str, Any] = {}


class Blocked(msgspec.Struct, frozen=True):
    """One line of the target matrix: how many rows (and whole-file problems) a target would refuse."""

    target: str
    rows: int
    files: int
    by_rule: dict[str, int]
    note: str = ""


class NotRun(msgspec.Struct, frozen=True):
    """A selected rule that could not run, or could not tell, and what it needs."""

    name: str
    needs: str


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What `prepdata.validate` returns. Iterating gives the findings that are not waived, in file order."""

    files: tuple[FileReport, ...]
    findings: tuple[Finding, ...]
    measures: dict[str, Any]
    targets: tuple[Blocked, ...] = ()
    not_run: tuple[NotRun, ...] = ()
    notes: tuple[str, ...] = ()
    fail_on: str = "error"

    def __iter__(self) -> Iterator[Finding]:
        return (f for f in self.findings if not f.waived)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    @property
    def examples(self) -> int:
        """Rows in all files."""
        return sum(f.examples for f in self.files)

    @property
    def exit_code(self) -> int:
        """0 nothing at or above `fail_on`, 1 findings, 2 a rule crashed."""
        if any(f.name == CRASH for f in self.findings):
            return EXIT_ERROR
        if self.fail_on == "never":
            return EXIT_CLEAN
        limit = RANK[self.fail_on]
        return EXIT_FINDINGS if any(RANK[f.severity] >= limit for f in self) else EXIT_CLEAN

    def summary(self) -> dict[str, Any]:
        """Return counts: examples, errors, warnings, infos, waived, and per rule."""
        severities = Counter(f.severity for f in self)
        rules = Counter(f.name for f in self)
        return {
            "examples": self.examples,
            "errors": severities["error"],
            "warnings": severities["warning"],
            "infos": severities["info"],
            "waived": sum(1 for f in self.findings if f.waived),
            "by_rule": dict(sorted(rules.items())),
        }

    def to_dict(self) -> dict[str, Any]:
        """Return the report as the JSON contract has it (`schemas/report.schema.json`)."""
        return {**self._head(), "findings": [finding_dict(f) for f in self.findings]}

    def _head(self) -> dict[str, Any]:
        """Return all of the report but its findings, which come last."""
        return {
            "schema_version": SCHEMA_VERSION,
            "tool": {"name": "prepdata", "version": prepdata.__version__},
            "files": [msgspec.to_builtins(f) for f in self.files],
            "summary": self.summary(),
            "measures": self.measures,
            "targets": [msgspec.to_builtins(t) for t in self.targets],
            "not_run": [msgspec.to_builtins(n) for n in self.not_run],
            "notes": list(self.notes),
        }

    def to_json(self, *, indent: int = 2) -> str:
        """Return the report as JSON text; `indent=0` for one line."""
        if indent == 2:
            return "".join(self.json_pieces())
        return json_text(self.to_dict(), indent=indent)

    def json_pieces(self) -> Iterator[str]:
        """Yield `to_json()` in pieces, one a finding: a report of a million findings needs no room for its text."""
        head = json_text({**self._head(), "findings": []}, indent=2)
        opened = head.rpartition("[]")[0] + "["
        yield opened
        mark = "\n    "
        for finding in self.findings:
            yield mark + json_text(finding_dict(finding), indent=2).replace("\n", "\n    ")
            mark = ",\n    "
        yield "\n  ]\n}" if self.findings else "]\n}"

    def _repr_html_(self) -> str:
        from prepdata.reporters.html import fragment

        return fragment(self)


def json_text(value: Any, *, indent: int = 0) -> str:
    """Return plain values as JSON text, on one line unless `indent` is given. File names need not be text;
    controls that a terminal may obey are escaped."""
    text = written(value)
    if indent:
        try:
            text = msgspec.json.format(text, indent=indent)
        except msgspec.DecodeError:  # escaped half characters, which msgspec does not read
            text = json.dumps(json.loads(text), indent=indent)
    return harmless(text)


def harmless(text: str) -> str:
    """Return JSON text with what would steer a terminal, break a line or turn the order of letters as escapes."""
    return _CONTROLS.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


def finding_dict(finding: Finding) -> dict[str, Any]:
    """Return one finding as plain values, with every field of the contract present.

    Of a fix only operations and places are given: the new values hold text of the row, unmasked.
    """
    plain: dict[str, Any] = msgspec.to_builtins(finding)
    if finding.fix:
        plain["fix"]["edits"] = [{"op": edit.op, "path": edit.path} for edit in finding.fix.edits]
    return plain
