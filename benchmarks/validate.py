"""Times `prepdata validate` against the usual stack and against other checkers, on generated files.

    python -m benchmarks.validate --rows 50000 [--rows 500000 ...] [--runs 3] [--peers ftgate,cleanllm,together]

Every command is a whole process; the runs of all contenders are interleaved, and the median is printed with rows/s,
MB/s, peak memory of the process tree and the ratio to the peer loop of the same run. Peers that are not installed are
left out with a word. The vocabulary is taken from where `prepdata vocab` finds it, so that nothing is downloaded.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import shutil
import sys
import tempfile
from pathlib import Path
from statistics import median

from benchmarks import data
from benchmarks.measure import HEAD, Run, row, run

ENCODING = "o200k_base"
PEERS = {
    "ftgate": ["-m", "ftgate", "data", "{file}"],
    "cleanllm": ["-m", "cleanllm", "preflight", "{file}"],
    "together": ["-m", "benchmarks.peer_together", "{file}"],
}


def contenders(file: Path, cache: Path, peers: list[str]) -> dict[str, list[str]]:
    """Return name -> command of everything that is timed on a file."""
    ours = [sys.executable, "-m", "prepdata", "validate", str(file), "--quiet", "--statistics", "--encoding", ENCODING]
    ours += ["--offline", "--fail-on", "never"]
    found = {
        "peer loop (pydantic + jsonschema + tiktoken)": [sys.executable, "-m", "benchmarks.peer_loop", str(file), ENCODING],
        "prepdata, all default rules, exact counts": [*ours, "--no-cache"],
        "the same, one process": [*ours, "--no-cache", "--jobs", "1"],
        "prepdata --no-tokens": [*ours, "--no-cache", "--no-tokens"],
        "prepdata, second run (cache)": [*ours, "--cache-dir", str(cache)],
        "prepdata, second run after editing one row": [*ours, "--cache-dir", str(cache)],
    }
    for name in peers:
        module = {"together": "together"}.get(name, name)
        if importlib.util.find_spec(module) is None:
            print(f"{name}: not installed, left out")
            continue
        found[name] = [sys.executable, *(part.format(file=file) for part in PEERS[name])]
    return found


def rank_folder(folder: Path) -> dict[str, str]:
    """Return the environment in which tiktoken finds its rank file without a download."""
    from prepdata.tokens.vocab import VOCABULARIES, find

    found = find(ENCODING, offline=True)
    if found is None:
        raise SystemExit(f"no vocabulary for {ENCODING}; see `prepdata vocab`")
    (folder / VOCABULARIES[ENCODING].cache_name).write_bytes(found.data)
    return {"TIKTOKEN_CACHE_DIR": str(folder)}


def edit_one_row(file: Path, number: int) -> None:
    """Change one row in the middle of a file, another one each time."""
    lines = file.read_bytes().split(b"\n")
    at = len(lines) // 2 + number
    record = json.loads(lines[at])
    record["messages"][-1]["content"] = f"An edited answer, number {number}."
    lines[at] = json.dumps(record, ensure_ascii=False).encode()
    file.write_bytes(b"\n".join(lines))


def compare(rows: int, runs: int, peers: list[str], folder: Path) -> list[str]:
    """Return the table lines for a file of so many rows."""
    file, cache, ranks = folder / f"{rows}.jsonl", folder / "cache", folder / "ranks"
    data.write(rows, file)
    ranks.mkdir(exist_ok=True)
    environment = {**rank_folder(ranks), "PYTHONPATH": os.getcwd()}
    commands = contenders(file, cache, peers)
    timed: dict[str, list[Run]] = {name: [] for name in commands}
    run(commands["prepdata, second run (cache)"], environment)
    for number in range(runs):
        for name, command in commands.items():
            if "editing" in name:
                edit_one_row(file, number)
            timed[name].append(run(command, environment))
    size = file.stat().st_size
    base = median(r.wall for r in next(iter(timed.values())))
    lines = [f"\n{rows:,} rows, {size / 1e6:,.1f} MB, median of {runs}\n", HEAD]
    lines += [row(name, taken, rows, size, base) for name, taken in timed.items()]
    shutil.rmtree(cache, ignore_errors=True)
    file.unlink()
    return lines


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, action="append")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--peers", default="ftgate,cleanllm,together")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for rows in given.rows or [50_000]:
            for text in compare(rows, given.runs, [p for p in given.peers.split(",") if p], Path(folder)):
                print(text, flush=True)


if __name__ == "__main__":
    main()
