"""How many of the planted defects of `samples/broken` are reported, by prepdata and by other tools if they are there.

    python -m benchmarks.planted [--python /path/to/other/venv/bin/python]

The list of defects is the table in `samples/README.md`; those of the LEAK family are left out. A defect
counts as reported if the tool says anything about its line (or, for prepdata, if its rule speaks of the whole file).
The clean twin shows false alarms. ftgate stops at the first line that is no JSON and at answers that are no text, so it
is given only lines that are JSON objects. The check of Together stops at the first problem and names that one.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
from collections import defaultdict
from pathlib import Path

SAMPLES = Path(__file__).parents[1] / "samples"
SETS = ("support", "tools", "preference")
Lines = dict[int, set[str]]


def planted(name: str) -> Lines:
    """Return line -> rules planted there, for `broken/NAME.jsonl`."""
    found: Lines = defaultdict(set)
    for line in (SAMPLES / "README.md").read_text(encoding="utf-8").split("\n"):
        match = re.match(rf"\| broken/{name}\.jsonl \| (\d+) \| (\w+) \| ([\w-]+) \|", line)
        if match and not match[2].startswith("LEAK"):
            found[int(match[1])].add(match[3])
    return found


def prepdata(path: Path, python: str) -> Lines:
    """Return line -> rules that prepdata reports (line 0: the file as a whole)."""
    command = [sys.executable, "-m", "prepdata", "validate", str(path), "-f", "json", "--no-tokens", "--no-cache"]
    run = subprocess.run([*command, "--target", "openai"], capture_output=True, text=True)
    found: Lines = defaultdict(set)
    for item in json.loads(run.stdout)["findings"]:
        found[item["line"] or 0].add(item["name"])
    return found


def cleanllm(path: Path, python: str) -> Lines | str:
    """Return line -> reasons of `cleanllm preflight --framework trl`."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder, "r.json")
        tool = Path(python).with_name("cleanllm")
        command = [str(tool), "preflight", str(path), "--framework", "trl", "--report-json", str(report)]
        run = subprocess.run(command, capture_output=True, text=True)
        if not report.exists():
            return run.stderr.strip().split("\n")[-1]
        found: Lines = defaultdict(set)
        for item in json.loads(report.read_text(encoding="utf-8"))["issues"]:
            found[item["line"]].add(item["reason"])
    return found


def ftgate(path: Path, python: str) -> Lines | str:
    """Return line -> kinds of `ftgate data` on the lines of a file that are JSON objects."""
    places: list[int] = []
    with tempfile.TemporaryDirectory() as folder:
        readable = Path(folder, "rows.jsonl")
        with readable.open("wb") as file:
            for number, line in enumerate(path.read_bytes().split(b"\n"), 1):
                try:
                    text = line.decode("utf-8-sig")
                    if isinstance(json.loads(text), dict):
                        file.write(text.encode() + b"\n")
                        places.append(number)
                except ValueError:
                    continue
        command = [str(Path(python).with_name("ftgate")), "data", str(readable), "--format", "json"]
        run = subprocess.run(command, capture_output=True, text=True)
    if not run.stdout.startswith("{"):
        return run.stderr.strip().split("\n")[-1]
    found: Lines = defaultdict(set)
    for item in json.loads(run.stdout)["issues"]:
        row = item.get("row")
        found[places[row] if isinstance(row, int) and row >= 0 else 0].add(str(item))
    return found


def together(path: Path, python: str) -> Lines | str:
    """Return what the file check of Together's library says; it names the first problem only."""
    code = (
        "import json, sys\nfrom together.lib.utils.files import check_file\n"
        "print(json.dumps({k: str(v) for k, v in check_file(sys.argv[1]).items()}))"
    )
    run = subprocess.run([python, "-c", code, str(path)], capture_output=True, text=True)
    if not run.stdout.startswith("{"):
        return run.stderr.strip().split("\n")[-1]
    said = json.loads(run.stdout)
    if said["is_check_passed"] == "True":
        return {}
    line = said.get("line_number", "None")
    return {int(line): {said["message"]}} if line.isdigit() else said["message"].split("\n")[0]


def main() -> None:
    """Print a table: per set and tool the planted lines reported, other lines reported, and lines of the clean twin."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--python", help="python of an environment with cleanllm, ftgate, together")
    wanted = parser.parse_args()
    tools = [prepdata] + ([cleanllm, ftgate, together] if wanted.python else [])
    print("| set | tool | planted defects reported | other lines | lines of the clean twin |\n|---|---|---:|---:|---:|")
    for name in SETS:
        plan = planted(name)
        for tool in tools:
            broken = tool(SAMPLES / "broken" / f"{name}.jsonl", wanted.python or "")
            clean = tool(SAMPLES / name / "train.jsonl", wanted.python or "")
            if isinstance(broken, str):
                print(f"{tool.__name__} stops on {name}: {broken}", file=sys.stderr)
                print(f"| {name} | {tool.__name__} | none, stops | - | {len(clean)} |")
                continue
            hit = [line for line in plan if line in broken or plan[line] & broken.get(0, set())]
            other = [line for line in broken if line and line not in plan]
            quiet = [line for line in clean if line]
            print(f"| {name} | {tool.__name__} | {len(hit)} of {len(plan)} | {len(other)} | {len(quiet)} |")
            if tool is prepdata and len(hit) < len(plan):
                print("missed:", *(f"{n}:{'/'.join(plan[n])}" for n in plan if n not in hit), file=sys.stderr)


if __name__ == "__main__":
    main()
