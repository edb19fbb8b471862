"""Micro-benchmarks of the hot paths of `prepdata validate`, one process, processor time.

    python -m benchmarks.hot_paths [--rows 10000] [--repeat 3] [--target openai] [--all-rules] [--file FILE]
    python -m benchmarks.hot_paths --save before.json
    python -m benchmarks.hot_paths --against before.json [--fail-above 1.5]

Prints Markdown tables: microseconds a row, rows/s, MB/s of the file, peak memory, and where sensible how many times as
fast as a usual library that does the same on the same rows in the same run. With `--against` every path that became a
quarter slower is marked; with `--fail-above` the exit code is 1 if one became that many times as slow.
"""

from __future__ import annotations

import argparse
import gc
import json
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks import data, paths
from benchmarks.clock import Timed, table


def measured(bench: paths.Bench) -> Iterator[Timed]:
    """Yield every hot path, group by group."""
    for group in paths.GROUPS:
        yield from group(bench)


def dearest(found: list[Timed], count: int = 10) -> list[str]:
    """Return the dearest paths that are part of mapping a row, with their share of the whole."""
    whole = next((t for t in found if t.key == paths.WHOLE), None)
    parts = [t for t in found if t.group in paths.PARTS]
    parts.sort(key=lambda t: -t.seconds)
    lines = [f"\n### The {count} dearest parts of a row\n", "| part | us/row | share | note |", "|---|---:|---:|---|"]
    for t in parts[:count]:
        share = f"{t.seconds / whole.seconds:.0%}" if whole and whole.seconds else ""
        lines.append(f"| {t.key} | {t.micros:,.2f} | {share} | {t.note} |")
    if whole:
        rest = sum(t.seconds for t in parts) / whole.seconds if whole.seconds else 0
        lines.append(f"\nOne row costs {whole.micros:,.1f} us; the parts timed one by one add up to {rest:.0%} of it.")
    return lines


def main() -> int:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--file", type=Path, help="measure on this file in place of a generated one")
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--target", action="append", default=[])
    parser.add_argument("--all-rules", action="store_true", help="rules that are off by default too")
    parser.add_argument("--save", type=Path)
    parser.add_argument("--against", type=Path)
    parser.add_argument("--fail-above", type=float, default=0.0)
    given = parser.parse_args()
    before: dict[str, float] = json.loads(given.against.read_text()) if given.against else {}
    with tempfile.TemporaryDirectory() as folder:
        file = given.file
        if file is None:
            file = Path(folder) / "rows.jsonl"
            data.write(given.rows, file)
        bench = paths.Bench(file, given.repeat, given.target, all_rules=given.all_rules)
        gc.freeze()  # the rows held for the benchmark are no work for the collector, as they are none in a real run
        print(f"{bench.rows:,} rows, {bench.size / 1e6:,.1f} MB, least of {given.repeat}, processor time", flush=True)
        found = list(measured(bench))
    print("\n".join([*table(found, before), *dearest(found)]))
    if given.save:
        given.save.write_text(json.dumps({t.key: round(t.micros, 3) for t in found}, indent=1) + "\n")
    slower = [t.key for t in found if t.key in before and t.micros > before[t.key] * given.fail_above
              and t.micros - before[t.key] > 0.2]  # fmt: skip
    if given.fail_above and slower:
        print(f"\nSlower than {given.fail_above:g} times before: {', '.join(slower)}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
