"""Checks that `prepdata validate` holds to its memory budget: 500 MB + 64 bytes a row, all processes together.

    python -m benchmarks.memory [--megabytes 1000] [--file FILE]

Prints a Markdown table; the exit code is 1 if a run went over the budget. Memory is the proportional set size (PSS) of
the process tree, looked up twenty times a second, so a peak shorter than that can be missed.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from benchmarks import data
from benchmarks.measure import Run, run
from benchmarks.validate import ENCODING, ROOT, about

BASE_MB = 500
"""Megabytes (1e6 bytes) that any run may take."""
BYTES_A_ROW = 64
"""Bytes on top for each row."""


def ways(cache: Path) -> dict[str, list[str]]:
    """Return name -> options of the runs that are looked at."""
    kept = ["--cache-dir", str(cache)]
    return {
        "no tokens": ["--no-tokens", "--no-cache"],
        "with tokens": ["--no-cache"],
        "with tokens, fills the cache": kept,
        "with tokens, from the cache": kept,
        "with tokens, one process": ["--no-cache", "--jobs", "1"],
    }


def budget(rows: int) -> float:
    """Return the budget in MiB for a file of so many rows."""
    return (BASE_MB * 1_000_000 + BYTES_A_ROW * rows) / 2**20


def measured(file: Path, cache: Path) -> dict[str, Run]:
    """Run prepdata in all ways over a file."""
    command = [sys.executable, "-m", "prepdata", "validate", str(file), "--quiet", "--statistics", "--isolated",
               "--offline", "--encoding", ENCODING, "--fail-on", "never", "--no-progress"]  # fmt: skip
    return {name: run([*command, *more], {"PYTHONPATH": str(ROOT)}) for name, more in ways(cache).items()}


def rows_of(file: Path) -> int:
    """Return the number of lines of a file."""
    with file.open("rb", buffering=0) as opened:
        return sum(block.count(b"\n") for block in iter(lambda: opened.read(8 << 20), b""))


def table(runs: dict[str, Run], rows: int, size: int) -> list[str]:
    """Return the lines of the table."""
    allowed = budget(rows)
    lines = [f"\n**{rows:,} rows, {size / 1e6:,.0f} MB; budget {allowed:,.0f} MiB (500 MB + 64 bytes a row)**\n",
             "| run | wall s | peak MiB | bytes a row above 100 MB | within the budget |",
             "|---|---:|---:|---:|---|"]  # fmt: skip
    for name, taken in runs.items():
        above = max(0.0, taken.peak * 2**20 - 100e6) / max(1, rows)
        word = "yes" if taken.peak <= allowed else "**no**"
        lines.append(f"| {name} | {taken.wall:.1f} | {taken.peak:,.0f} | {above:,.0f} | {word} |")
    return lines


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--megabytes", type=int, default=1000, help="size of the generated file (1e6 bytes)")
    parser.add_argument("--file", type=Path, help="a file to look at in place of a generated one")
    parser.add_argument("--folder", type=Path, help="where the file is made")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=given.folder) as folder:
        file = given.file or Path(folder) / "rows.jsonl"
        if not given.file:
            data.write_size(given.megabytes * 1_000_000, file)
        rows, size = rows_of(file), file.stat().st_size
        runs = measured(file, Path(folder) / "cache")
    print("\n".join([about(), *table(runs, rows, size)]))
    return 1 if any(taken.peak > budget(rows) for taken in runs.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
