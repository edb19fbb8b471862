"""How well `knowledge-heavy` (COV012) tells files of facts from files of behaviour.

    python -m benchmarks.knowledge                           # the project's own labelled files, half by half
    python -m benchmarks.knowledge --label fact FILE ...     # other files, all of one label

Prints a Markdown table: for each file the last answers looked at, the share of their names, numbers and codes that is
new, the share of the answers that are made of such facts, and whether the rule speaks from its 50% on. The threshold
was set on the calibration half; the held-out half was measured once after that.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from benchmarks.rows import filled
from prepdata.chunk import Chunk
from prepdata.formats import detect, get
from prepdata.parse import parse
from prepdata.rules.base import Parts
from prepdata.rules.cov.cov012_knowledge_heavy import KnowledgeHeavy, Measured, measured
from prepdata.settings import Settings
from prepdata.sources import discover, open_source

LABELLED = Path(__file__).resolve().parent.parent / "tests" / "rules" / "labelled" / "knowledge-heavy.jsonl"
HALVES = ("calibration", "held-out", "fresh", "short-calibration", "short-held-out")
HEAD = "| file | label | answers | facts that are new | answers made of facts | speaks |\n|---|---|---:|---:|---:|---|"


class Line(NamedTuple):
    """One file: its name, its label (`fact` or `behaviour`) and what was measured."""

    name: str
    label: str
    found: Measured

    @property
    def speaks(self) -> bool:
        """True where half of the answers or more are made of facts, however few answers there are."""
        return self.found.answers > 0 and 2 * self.found.full >= self.found.answers

    def __str__(self) -> str:
        found = self.found
        right = self.speaks == (self.label == "fact")
        said = ("yes" if self.speaks else "no") + ("" if right else " (wrong)")
        new, full = (f"{part / of:.0%}" if of else "-" for part, of in
                     ((found.new, found.values), (found.full, found.answers)))  # fmt: skip
        return f"| {self.name} | {self.label} | {found.answers:,} | {new} | {full} | {said} |"


def judged(path: Path) -> Measured:
    """Return what the rule measures in a file: of all rows, or of as many as it draws."""
    rule = KnowledgeHeavy()
    parts, records, start = [], {}, 0
    for chunk in _chunks(path):
        parts.append((start, rule.see(chunk)))
        records.update({start + record.row: record for record in chunk.records})
        start += len(chunk.records) + len(chunk.unread)
    drawn = rule.drawn(Parts([], parts, start))
    return measured((row, records[row]) for row in sorted(drawn))


def _chunks(path: Path) -> Iterator[Chunk]:
    settings, item = Settings(), discover([str(path)])[0]
    found = detect([json.loads(line) for line in open_source(item, settings).head_rows()], {})
    for raw in open_source(item, settings).chunks():
        yield parse(raw.load(), raw.rows, raw.lines, get(found.name, {}) if found else None).chunk


def own(half: str) -> Iterator[Line]:
    """Yield the project's own labelled files of one half."""
    with tempfile.TemporaryDirectory() as folder:
        for text in LABELLED.read_text(encoding="utf-8").splitlines():
            entry = json.loads(text)
            if entry["half"] == half:
                path = Path(folder) / "data.jsonl"
                rows = [json.dumps(row, ensure_ascii=False) + "\n" for row in filled(entry)]
                path.write_text("".join(rows), encoding="utf-8")
                yield Line(entry["why"], "fact" if entry["label"] else "behaviour", judged(path))


def show(lines: Iterable[Line]) -> None:
    """Print the table of some files."""
    print(HEAD)
    for line in lines:
        print(line)


def main() -> int:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="*", type=Path, help="other files, all of one label")
    parser.add_argument("--label", choices=("fact", "behaviour"), default="fact")
    parser.add_argument("--half", choices=HALVES, help="only this half of our own files")
    given = parser.parse_args()
    if given.files:
        show(Line(path.stem, given.label, judged(path)) for path in given.files)
        return 0
    for half in [given.half] if given.half else HALVES:
        print(f"\n{half}:\n")
        show(own(half))
    return 0


if __name__ == "__main__":
    sys.exit(main())
