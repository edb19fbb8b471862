"""Time and memory of whole runs over very many short rows, with and without the search for near duplicates.

    python -m benchmarks.many --rows 1000000 --rows 10000000

The rows (about 170 bytes) are made at random of 20,000 words; one in twenty is a near copy of an earlier one. Without
tokens and cache. Memory is the proportional set size of the process and all it started, summed (`benchmarks.measure`).
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks.measure import Run, run

VOCABULARY = 20_000
COPIES = 0.05
KEPT = 10_000
"""Earlier rows of which copies are made."""
RUNS = {
    "default rules": (),
    "and near-duplicate": ("--extend-select", "near-duplicate"),
    "near-duplicate alone": ("--select", "DUP001,DUP002,near-duplicate"),
}


def rows(number: int, seed: int = 1) -> Iterator[str]:
    """Yield lines: a question of 6 to 14 words, an answer of 8 to 16."""
    made = random.Random(seed)
    words = ["".join(made.choices("abcdefghijklmnoprstuvw", k=made.randint(3, 9))) for _ in range(VOCABULARY)]
    earlier: list[tuple[list[str], list[str]]] = []
    for _ in range(number):
        if earlier and made.random() < COPIES:
            asked, answered = (list(side) for side in made.choice(earlier))
            answered[made.randrange(len(answered))] = made.choice(words)
        else:
            asked, answered = made.choices(words, k=made.randint(6, 14)), made.choices(words, k=made.randint(8, 16))
            if len(earlier) < KEPT:
                earlier.append((asked, answered))
            else:
                earlier[made.randrange(KEPT)] = asked, answered
        turns = [{"role": "user", "content": " ".join(asked)}, {"role": "assistant", "content": " ".join(answered)}]
        yield json.dumps({"messages": turns}) + "\n"


def line(what: str, found: Run, number: int, size: int) -> str:
    """Return a line of the table."""
    return (
        f"| {what} | {number:,} | {size / 1e6:,.0f} | {found.wall:,.0f} | {found.cpu:,.0f} "
        f"| {number / found.wall:,.0f} | {size / found.wall / 1e6:.1f} | {found.peak:,.0f} "
        f"| {found.peak * 2**20 / number:,.0f} |"
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, action="append")
    parser.add_argument("--only", help="parts of the names of runs, with commas")
    parser.add_argument("--folder", help="where the file is made")
    given = parser.parse_args()
    wanted = [name for name in RUNS if not given.only or any(part in name for part in given.only.split(","))]
    print("| what | rows | MB | wall s | cpu s | rows/s | MB/s | peak MiB | bytes a row |")
    print("|---|---:|---:|---:|---:|---:|---:|---:|---:|", flush=True)
    with tempfile.TemporaryDirectory(dir=given.folder) as folder:
        for number in given.rows or [1_000_000]:
            file = Path(folder) / "rows.jsonl"
            with file.open("w", encoding="ascii") as out:
                out.writelines(rows(number))
            for name in wanted:
                command = [sys.executable, "-m", "prepdata", "validate", str(file), "--no-tokens", "--no-cache"]
                found = run([*command, "--isolated", "-f", "json", "--exit-zero", "-o", f"{file}.json", *RUNS[name]])
                print(line(name, found, number, file.stat().st_size), flush=True)


if __name__ == "__main__":
    main()
