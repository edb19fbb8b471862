"""Every file of a folder, split and split again with more rows: does a leak remain, does an old row move?

    python -m benchmarks.splits FOLDER [--names PART,PART] [--json FILE]

Each file with rows of a known format is split 80/10/10 and its sides are held against each other by LEAK001 to LEAK003
with their own options, as a user would do it. Then nine tenths of its rows are split, and all of them with the manifest
of the first time: no row of the nine tenths may be on another side or on none. Rows and errors are counted from the
files that were written, not taken from the report of the split.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

import prepdata
from prepdata.cli.draw import table
from prepdata.settings import Settings
from prepdata.sources import discover
from prepdata.splitting.rows import Reader

SIDES = ("train", "validation", "test")
LEAKS = ["LEAK001", "LEAK002", "LEAK003"]


class Result(NamedTuple):
    """What came of one file. `errors` are findings between the sides, `lost` lines in none or in two of the results."""

    file: str
    rows: int
    sides: tuple[int, ...]
    largest: int
    moved: int
    aside: int
    errors: int
    lost: int
    old_moved: int
    later_aside: int
    later_errors: int
    seconds: float


def lines_of(folder: Path, kind: str) -> list[bytes]:
    """Return the lines of all results of a kind."""
    found = []
    for path in sorted(folder.glob(f"*.{kind}.jsonl")):
        lines = path.read_bytes().split(b"\n")[:-1]
        found += [json.loads(line)["text"].encode() for line in lines] if kind == "set-aside" else lines
    return found


def errors(folder: Path) -> int:
    """Return the number of errors of LEAK001 to LEAK003 between the sides of a folder."""
    number = 0
    files = {side: [str(path) for path in folder.glob(f"*.{side}.jsonl") if path.stat().st_size] for side in SIDES}
    for lower, uppers in (("train", ("validation", "test")), ("validation", ("test",))):
        against = [path for side in uppers for path in files[side]]
        if files[lower] and against:
            report = prepdata.validate(files[lower], eval=against, select=LEAKS, tokens=False, cache=False, meters=())
            number += sum(finding.severity == "error" for finding in report)
    return number


def texts_of(path: Path) -> list[bytes]:
    """Return the rows of a file as a split writes them."""
    return [text.text for text in Reader(discover([str(path)]), Settings()).texts()]


def tried(path: Path, name: str, work: Path) -> Result:
    """Return what comes of a file.

    Raises:
        PrepdataError: it has no rows that can be split.
    """
    begun = time.monotonic()
    once = work / "once"
    report = prepdata.split(path, out_dir=once)
    texts = texts_of(path)
    written = Counter(line for kind in (*SIDES, "set-aside", "unread") for line in lines_of(once, kind))
    lost = sum((Counter(texts) - written).values()) + sum((written - Counter(texts)).values())
    begin, whole, twice = work / "begin" / "rows.jsonl", work / "whole" / "rows.jsonl", work / "twice"
    for place, kept in ((begin, [t for i, t in enumerate(texts) if i % 10 != 9]), (whole, texts)):
        place.parent.mkdir()
        place.write_bytes(b"".join(text + b"\n" for text in kept))
    prepdata.split(begin, out_dir=twice)
    before = {line: side for side in SIDES for line in lines_of(twice, side)}
    later = prepdata.split(whole, out_dir=twice)
    after = {line: side for side in SIDES for line in lines_of(twice, side)}
    return Result(
        name, report.rows, tuple(report.sides[side].rows for side in SIDES), report.largest, report.moved,
        len(report.set_aside), errors(once), lost,
        sum(after.get(line) != side for line, side in before.items()), len(later.set_aside), errors(twice),
        time.monotonic() - begun,
    )  # fmt: skip


def main(arguments: list[str] | None = None) -> list[Result]:
    """Try every file of a folder and print a table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--names", default="", help="only files with one of these in their path, separated by commas")
    parser.add_argument("--json", type=Path, help="file for the results")
    given = parser.parse_args(arguments)
    results: list[Result] = []
    for item in discover([str(given.folder)]):
        name = str(Path(item.path).relative_to(given.folder))
        if given.names and not any(part in name for part in given.names.split(",")):
            continue
        with tempfile.TemporaryDirectory() as work:
            try:
                result = tried(Path(item.path), name, Path(work))
            except prepdata.PrepdataError as error:
                print(f"{name}: not split: {str(error).replace(item.path, '').strip(': ')[:100]}", flush=True)
                continue
        print(f"{name}: {result.rows:,} rows, {result.seconds:.0f} s", flush=True)
        results.append(result)
    head = ["file", "rows", "train", "validation", "test", "largest", "moved", "set aside", "errors", "lost",
            "old moved", "set aside", "errors", "s"]  # fmt: skip
    shown: list[list[str]] = [
        [r.file, *(f"{n:,}" for n in (r.rows, *r.sides, r.largest, r.moved, r.aside, r.errors, r.lost, r.old_moved,
                                       r.later_aside, r.later_errors)), f"{r.seconds:.0f}"]
        for r in results
    ]  # fmt: skip
    print("\n".join(table([head, *shown], right=frozenset(range(1, len(head))))))
    if given.json:
        made: list[dict[str, Any]] = [result._asdict() for result in results]
        given.json.write_text(json.dumps(made, indent=1), encoding="utf-8")
    return results


if __name__ == "__main__":
    main()
