"""Times `prepdata validate` against the usual stack and against other checkers, on generated files.

    python -m benchmarks.validate --rows 50000 [--rows 500000 ...] [--runs 3] [--states warm,cold]
                                  [--peers ftgate,cleanllm,together] [--peer-python PATH] [--out FILE]

Every command is a whole process over the same file. The contenders take turns (A B C, A B C, ...), so that a busy
machine disturbs all alike; medians are printed as a Markdown table with rows/s, MB/s, peak memory of the process tree
and the ratio to the peer loop, paired by turn. "Cold" means that the kernel was asked to drop the file from its page
cache before each run; whether it did is looked up. The vocabulary is the one that prepdata finds; nothing is
downloaded.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

from benchmarks import data
from benchmarks.measure import HEAD, Run, chill, resident, row, run, warm

ENCODING = "o200k_base"
ROOT = Path(__file__).parents[1]
PEERS = ("ftgate", "cleanllm", "together")
STRUCTURE = "FMT,ROLE,TEXT001,TEXT009"
"""Rules that look at what checkers of structure look at too: JSON, keys, roles, turns, empty contents."""
WARM_UP_ROWS = 200


class Contender(NamedTuple):
    """One command; `before` is done before each of its runs and not timed."""

    name: str
    command: list[str]
    before: Callable[[int], None] | None = None


def own(file: Path, cache: Path) -> list[Contender]:
    """Return the peer loop and prepdata in its several ways. Those with the cache build on one another, in order."""
    ours = [sys.executable, "-m", "prepdata", "validate", str(file), "--quiet", "--statistics", "--isolated"]
    ours += ["--encoding", ENCODING, "--offline", "--fail-on", "never", "--no-progress"]
    kept = [*ours, "--cache-dir", str(cache)]
    return [
        Contender("peer loop: json + pydantic + jsonschema + tiktoken",
                  [sys.executable, "-m", "benchmarks.peer_loop", str(file), ENCODING]),
        Contender("prepdata, first run (fills the cache)", kept, lambda _: shutil.rmtree(cache, ignore_errors=True)),
        Contender("prepdata, second run (from the cache)", kept),
        Contender("prepdata, second run after editing one row", kept, lambda turn: edit_one_row(file, turn)),
        Contender("prepdata, no cache", [*ours, "--no-cache"]),
        Contender("prepdata, no cache, one process", [*ours, "--no-cache", "--jobs", "1"]),
        Contender("prepdata, no cache, no tokens", [*ours, "--no-cache", "--no-tokens"]),
        Contender("prepdata, no cache, structure alone", [*ours, "--no-cache", "--no-tokens", "--select", STRUCTURE]),
    ]  # fmt: skip


def others(file: Path, python: str, wanted: list[str]) -> list[Contender]:
    """Return the peers that are installed under an interpreter, and say which are not."""
    commands = {
        "ftgate": ["-c", "import sys; from ftgate.cli import main; sys.exit(main())", "data", str(file)],
        "cleanllm": ["-m", "cleanllm", "preflight", str(file), "--framework", "trl"],
        "together": [str(ROOT / "benchmarks" / "peer_together.py"), str(file)],
    }
    found = []
    for name in wanted:
        code = f"import importlib.metadata; print(importlib.metadata.version({name!r}))"
        asked = subprocess.run([python, "-c", code], capture_output=True, text=True)
        if asked.returncode:
            print(f"{name}: not installed, left out", file=sys.stderr)
            continue
        title = {"ftgate": "data", "cleanllm": "preflight --framework trl", "together": "check_file"}[name]
        found.append(Contender(f"{name} {asked.stdout.strip()} {title}", [python, *commands[name]]))
    return found


def rank_folder(folder: Path) -> dict[str, str]:
    """Return the environment in which tiktoken finds its rank file without a download."""
    from prepdata.tokens.vocab import VOCABULARIES, find

    found = find(ENCODING, offline=True)
    if found is None:
        raise SystemExit(f"no vocabulary for {ENCODING}; see `prepdata vocab`")
    (folder / VOCABULARIES[ENCODING].cache_name).write_bytes(found.data)
    return {"TIKTOKEN_CACHE_DIR": str(folder)}


def edit_one_row(file: Path, turn: int) -> None:
    """Change one row in the middle of a file, another one each turn; its length changes too."""
    edited = file.with_suffix(".edited")
    with file.open("rb") as old, edited.open("wb") as new:
        left = file.stat().st_size // 2 + turn * 50_000
        while left > 0 and (block := old.read(min(left, 8 << 20))):
            new.write(block)
            left -= len(block)
        new.write(old.readline())
        record = json.loads(old.readline())
        record["messages"][-1]["content"] = f"An edited answer, number {turn}."
        new.write(json.dumps(record, ensure_ascii=False).encode() + b"\n")
        shutil.copyfileobj(old, new, 8 << 20)
        new.flush()
        os.fsync(new.fileno())
    edited.replace(file)


def turns(
    contenders: list[Contender], file: Path, runs: int, state: str, environment: dict[str, str]
) -> list[list[Run]]:
    """Run all contenders in turns and return the runs of each."""
    taken: list[list[Run]] = [[] for _ in contenders]
    for turn in range(runs):
        for runs_of, contender in zip(taken, contenders):
            if contender.before:
                contender.before(turn if state == "warm" else turn + runs)
            (warm if state == "warm" else chill)(file)
            if state == "cold" and not turn and contender is contenders[0]:
                print(f"left in the page cache after dropping: {resident(file):.1%}", file=sys.stderr)
            runs_of.append(run(contender.command, environment))
            last = runs_of[-1]
            print(f"{state} {turn + 1}/{runs} {contender.name}: {last.wall:.2f} s", file=sys.stderr, flush=True)
    return taken


def warm_up(file: Path, given: argparse.Namespace, environment: dict[str, str]) -> None:
    """Run every contender once on a small file: from then on the bytecode of its modules is kept, as for users."""
    data.write(WARM_UP_ROWS, file)
    for contender in chosen(file, file.with_suffix(".cache"), given):
        run(contender.command, environment)


def chosen(file: Path, cache: Path, given: argparse.Namespace, *, peers: bool = True) -> list[Contender]:
    """Return the contenders that the flags ask for."""
    found = own(file, cache)
    if peers:
        found += others(file, given.peer_python, [p for p in given.peers.split(",") if p])
    if not given.only:
        return found
    words = given.only.split(",")
    return [contender for contender in found if any(word in contender.name for word in words)]


def compare(rows: int, given: argparse.Namespace, folder: Path) -> list[str]:
    """Return the tables for a file of so many rows."""
    file, ranks = folder / f"{rows}.jsonl", folder / "ranks"
    print(f"writing {rows:,} rows", file=sys.stderr)
    data.write(rows, file)
    ranks.mkdir(exist_ok=True)
    environment = {**rank_folder(ranks), "PYTHONPATH": str(ROOT), "PYTHONHASHSEED": "0",
                   "PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": str(folder / "bytecode")}  # fmt: skip
    warm_up(folder / "small.jsonl", given, environment)
    contenders = chosen(file, folder / "cache", given, peers=rows <= given.peer_rows)
    notes = []
    if rows > given.peer_rows and given.peers:
        notes.append(f"Peers other than the loop run up to {given.peer_rows:,} rows (`--peer-rows`).")
    lines = []
    for state in given.states.split(","):
        taken = turns(contenders, file, given.runs, state, environment)
        size = file.stat().st_size
        if contenders[0].name.startswith("peer loop") and (seen := json.loads(taken[0][0].output))["rows"] != rows:
            raise SystemExit(f"the peer loop saw {seen['rows']} rows of {rows}")
        lines.append(f"\n**{rows:,} rows, {size / 1e6:,.1f} MB, page cache {state}, median of {given.runs}**\n\n{HEAD}")
        lines += [row(c.name, r, rows, size, taken[0]) for c, r in zip(contenders, taken)]
    shutil.rmtree(folder / "cache", ignore_errors=True)
    file.unlink()
    return [*lines, *(f"\n{note}" for note in notes)]


def about() -> str:
    """Return a line on the machine and the versions, since figures mean nothing without."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    names = ("prepdata", "msgspec", "tiktoken", "pydantic", "jsonschema")
    model = platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        model = next(
            (li.partition(":")[2].strip() for li in cpuinfo.read_text().split("\n") if "model name" in li), model
        )
    load = f", load {os.getloadavg()[0]:.1f} at the start" if hasattr(os, "getloadavg") else ""
    return (f"{cores} cores ({model}), Python {platform.python_version()}, "
            + ", ".join(f"{name} {version(name)}" for name in names) + load)  # fmt: skip


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, action="append", help="rows of the file; may repeat (default 50000)")
    parser.add_argument("--runs", type=int, default=3, help="turns per contender and state")
    parser.add_argument("--states", default="warm,cold", help="page cache: warm, cold")
    parser.add_argument("--peers", default=",".join(PEERS))
    parser.add_argument("--peer-python", default=sys.executable, help="interpreter under which the peers are installed")
    parser.add_argument("--peer-rows", type=int, default=500_000, help="peers that hold all rows stop here")
    parser.add_argument("--only", default="", help="words, comma-separated: contenders whose name holds one of them")
    parser.add_argument("--folder", type=Path, help="where the files are made (a disk, not memory)")
    parser.add_argument("--out", type=Path, help="append the tables to this file as well")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=given.folder) as folder:
        lines = [about()]
        print(lines[0], flush=True)
        for rows in given.rows or [50_000]:
            tables = compare(rows, given, Path(folder))
            print("\n".join(tables), flush=True)
            lines += tables
    if given.out:
        with given.out.open("a", encoding="utf-8") as out:
            out.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
