"""Mutation fuzzing of the whole library: no crash, no hang, no traceback, whatever the bytes and the settings.

    python -m benchmarks.fuzz --minutes 10 [--seed 1] [--keep DIR] FILES...

Takes sample files (rows, or test cases that hold rows), changes them (bytes flipped, lines cut, joined, repeated,
values replaced by odd JSON, arrays, other encodings, damaged archives), and runs one job on the result with settings
drawn at random: checking with every rule, repairing, measuring, converting. Reports what raised, took too long, gave a
rule crash, or left a file behind. Bad inputs are kept in DIR with their settings. Exits with 1 if anything was found.
"""

from __future__ import annotations

import argparse
import bz2
import gzip
import json
import lzma
import random
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import prepdata
from prepdata import formats, targets
from prepdata.config import read_settings
from prepdata.convert import convert
from prepdata.errors import PrepdataError
from prepdata.fix import fix_file
from prepdata.reporters import get as reporter
from prepdata.reporters.base import Output

LIMIT = 10
"""Seconds of processor time that one small input may take."""
ODD: list[Any] = [
    *(None, True, False, 0, -1, 1e308, 5e-324, 2**70, -(2**63), "", " ", "\0", "\ud800", "<|im_end|>", "{{x}}", "/"),
    *([], {}, [[]], [None], [{}], {"": ""}, {"role": []}, [[[[[[1]]]]]], "~0", "\x1b]0;x\x07", "\x85\u2028"),
    *("a" * 5000, "([" * 200, "\u202e\u200b\ufeff", "0" * 400, "data:image/png;base64,AAAA", "<think>", "```json\n{"),
    *({"$ref": "#"}, {"type": "object", "pattern": "(a+)+$"}, {"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#"}}}),
    *("tool", "assistant", "user", "system", {"type": "text", "text": 5}, {"type": "image_url", "image_url": 1}),
    *({"name": "f", "arguments": "{"}, {"text": "x"}, [{"role": "user", "content": "x"}], "4111 1111 1111 1111"),
]
ODD_BYTES = [
    *(b"\x00", b"\xff", b"\xef\xbb\xbf", b"\r", b"\n", b"\n\n", b'"', b"\\", b"\\ud800", b"{", b"}", b"[", b"]"),
    *(b"NaN", b"1e999", b"\xe2\x80\xa8", b"\xc3", b'{"a":' * 300, b",", b"-", b"9" * 5000, b"\xed\xa0\x80"),
    *(b"'", b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"PAR1", b"ARROW1", b'"messages":', b'"role":'),
]
KEYS = ("", "a/b", "Role", "content ", "messages", "prompt", "chosen", "tools", "text", "label", "contents", "\x1b[2J")
SUFFIXES = ("jsonl", "jsonl", "jsonl", "json", "jsonl.gz", "jsonl.zst", "csv", "arrow", "parquet", "txt")
JOBS = ("check", "check", "check", "check", "fix", "convert", "stats")


def flip(data: bytes, rng: random.Random) -> bytes:
    """Change some bytes."""
    made = bytearray(data)
    for _ in range(rng.randint(1, 8)):
        at = rng.randrange(len(made) + 1)
        if rng.random() < 0.5 and at < len(made):
            made[at] = rng.randrange(256)
        else:
            made[at:at] = rng.choice(ODD_BYTES)
    return bytes(made)


def cut(data: bytes, rng: random.Random) -> bytes:
    """Take out, repeat or join stretches."""
    start, end = sorted((rng.randrange(len(data) + 1), rng.randrange(len(data) + 1)))
    return rng.choice(
        [data[:start] + data[end:], data[:end], data[start:], data[:end] + data[start:end] * 2 + data[end:]]
    )


def values(data: bytes, rng: random.Random) -> bytes:
    """Replace values or keys of some rows by odd ones."""
    lines = data.split(b"\n")
    for _ in range(rng.randint(1, 12)):
        at = rng.randrange(len(lines))
        try:
            row = json.loads(lines[at])
        except (ValueError, RecursionError):
            continue
        lines[at] = json.dumps(_odd(row, rng), ensure_ascii=rng.random() < 0.5).encode("utf-8", "surrogatepass")
    return b"\n".join(lines)


def _odd(value: Any, rng: random.Random) -> Any:
    if rng.random() < 0.12 or not isinstance(value, (dict, list)) or not value:
        return rng.choice(ODD)
    if isinstance(value, list):
        at = rng.randrange(len(value))
        if rng.random() < 0.1:
            return value * rng.choice([0, 2, 3, 50])
        return [*value[:at], _odd(value[at], rng), *value[at + 1 :]]
    key = rng.choice(list(value))
    if rng.random() < 0.15:
        return {**{k: v for k, v in value.items() if k != key}, rng.choice(KEYS): value[key]}
    if rng.random() < 0.15:
        return {**value, rng.choice(KEYS): rng.choice(ODD)}
    return {**value, key: _odd(value[key], rng)}


def mix(data: bytes, rng: random.Random) -> bytes:
    """Put the rows in another order, some of them many times."""
    lines = data.split(b"\n")
    rng.shuffle(lines)
    return b"\n".join(lines + rng.choices(lines, k=rng.choice([0, 3, 100])))


def array(data: bytes, rng: random.Random) -> bytes:
    """Make a JSON array of the rows, pretty-print them, or put them under a key."""
    lines = [line for line in data.split(b"\n") if line.strip()]
    if rng.random() < 0.5:
        return rng.choice([b"[", b"[\n", b'{"data": [', b"[["]) + b",\n".join(lines) + rng.choice([b"]", b"", b",]"])
    return data.replace(b", ", b",\n  ")


def encoded(data: bytes, rng: random.Random) -> bytes:
    """Write the text in another encoding, or compressed, whole, cut off or damaged."""
    text = data.decode("utf-8", "replace")
    kind = rng.randrange(8)
    if kind < 3:
        return text.encode(("utf-16", "utf-32-be", "cp1252")[kind], "replace")
    if kind == 3:
        return data.replace(b"\n", rng.choice([b"\r\n", b"\r", b"\n\r"]))
    import zstandard

    made = [gzip.compress, zstandard.ZstdCompressor().compress, bz2.compress, lzma.compress][kind - 4](data)
    how = rng.randrange(4)
    if how == 0:
        return made[: rng.randrange(len(made) + 1)]
    return (made, made * 2, flip(made, rng))[how - 1]


Mutation = Callable[[bytes, random.Random], bytes]
MUTATIONS: list[Mutation] = [flip, flip, cut, values, values, values, values, mix, array, encoded]


def drawn(rng: random.Random) -> dict[str, Any]:
    """Return settings drawn at random."""
    named = list(targets.names())
    found: dict[str, Any] = {"select": ["ALL"], "tokens": False, "cache": False, "jobs": 1}
    found["targets"] = rng.sample(named, rng.choice([0, 1, 3, len(named)]))
    if rng.random() < 0.3:
        found["format"] = rng.choice(formats.names())
    if rng.random() < 0.15:
        columns = ("question", "sql", "messages", "prompt", "text", "tools", "a/b", "")
        found["columns"] = {key: rng.choice(columns) for key in rng.sample(["prompt", "completion", "system"], 2)}
    if rng.random() < 0.1:
        found["max_line_bytes"] = 1024
    return found


class Slow(Exception):
    """The input took too long."""


def _too_slow(*_: Any) -> None:
    raise Slow(f"took more than {LIMIT} s")


def attempt(path: Path, job: str, given: dict[str, Any], rng: random.Random) -> str | None:
    """Do one job on a file; return what went wrong, or None."""
    signal.setitimer(signal.ITIMER_PROF, LIMIT)
    try:
        return DO[job](path, given, rng)
    except PrepdataError:
        return None
    except Slow:
        return traceback.format_exc(limit=-6)
    except Exception:
        return traceback.format_exc()
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)


class _Sink:
    def write(self, text: str) -> int:
        text.encode("utf-8", "backslashreplace")
        bad = [c for c in text if c in "\x1b\x9b\r\0"]
        if bad:
            raise AssertionError(f"control characters {bad[:3]} in what is shown")
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        for line in lines:
            self.write(line)

    def flush(self) -> None: ...
    def isatty(self) -> bool:
        return False


def check(path: Path, given: dict[str, Any], rng: random.Random) -> str | None:
    """Check with all rules and write one report."""
    report = prepdata.validate(path, **given)
    report.to_json()
    name = rng.choice(["full", "concise", "json", "jsonl", "github", "gitlab", "sarif", "junit", "html"])
    sink: Any = _Sink()
    reporter(name)(report, sink, Output(width=rng.choice([0, 20, 80]), level=rng.choice(["normal", "verbose"])))
    crashes = [f.message for f in report if f.name == "rule-crash"]
    return crashes[0] if crashes else None


def fix(path: Path, given: dict[str, Any], rng: random.Random) -> str | None:
    """Repair, and see that the input is as it was and nothing is left behind."""
    before = path.read_bytes()
    try:
        settings, unsafe = read_settings(given, origin=""), rng.random() < 0.7
        fixed = fix_file(path, settings, unsafe=unsafe, folder=path.parent)
        again = fix_file(fixed.written, settings, unsafe=unsafe, folder=path.parent) if fixed.changes else fixed
        fixed.written.unlink()
        again.written.unlink(missing_ok=True)
    finally:
        left = [p for p in path.parent.iterdir() if p != path]
        for item in left:
            item.unlink()
    if left:
        return f"left behind: {left[0].suffix}"
    if again is not fixed and again.changes:
        return f"a second repair changes more: {sorted({(c.rule, c.title) for c in again.changes})}"
    return None if path.read_bytes() == before else "the input was changed"


def stats(path: Path, given: dict[str, Any], rng: random.Random) -> str | None:
    """Measure all there is to measure."""
    from prepdata.cli.stats import text

    report = prepdata.validate(path, meters=("lengths", "roles", "languages"), **given)
    "\n".join(text(report.measures)).encode("utf-8", "backslashreplace")
    json.dumps(report.measures)
    return None


def written(path: Path, given: dict[str, Any], rng: random.Random) -> str | None:
    """Write the rows in another format."""
    rows = []
    for line in path.read_bytes().split(b"\n"):
        try:
            row = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(row, dict):
            rows.append(row)
    to, source = formats.get(rng.choice(formats.names())), formats.get(rng.choice(formats.names()))
    for done in convert(rows, to, rng.choice([None, None, source])):
        json.dumps(done.row)
    return None


DO: dict[str, Callable[[Path, dict[str, Any], random.Random], str | None]] = {
    "check": check,
    "fix": fix,
    "convert": written,
    "stats": stats,
}


def seed(path: Path) -> bytes:
    """Return the first rows of a sample; of a file of test cases, the rows inside."""
    found: list[bytes] = []
    for line in path.read_bytes().split(b"\n")[:60]:
        try:
            case = json.loads(line)
        except ValueError:
            case = None
        inside = case.get("rows", [case["row"]] if "row" in case else None) if isinstance(case, dict) else None
        found += [json.dumps(row).encode() for row in inside] if isinstance(inside, list) else [line]
    return b"\n".join(found)


def key_of(problem: str) -> str:
    """Return what tells problems apart: the last two lines of a traceback without the values."""
    lines = problem.strip().split("\n")
    places = [line.strip()[-60:] for line in lines if line.startswith("  File")]
    return (places[-1] if places else "") + lines[-1][:50]


def main(arguments: list[str]) -> int:
    """Fuzz until time is up; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", type=Path, default=Path("fuzz-findings"))
    given = parser.parse_args(arguments)
    rng = random.Random(given.seed)
    seeds = [seed(path) for path in given.files]
    signal.signal(signal.SIGPROF, _too_slow)
    ends, runs, problems = time.monotonic() + given.minutes * 60, 0, {}
    with tempfile.TemporaryDirectory() as folder:
        while time.monotonic() < ends:
            data = rng.choice(seeds)
            if rng.random() < 0.1:
                data += b"\n" + rng.choice(seeds)
            for _ in range(rng.randint(1, 3)):
                data = rng.choice(MUTATIONS)(data, rng) if data else data
            path = Path(folder) / f"data.{rng.choice(SUFFIXES)}"
            path.write_bytes(data)
            job, settings = rng.choice(JOBS), drawn(rng)
            problem = attempt(path, job, settings, rng)
            runs += 1
            if problem and key_of(problem) not in problems:
                problems[key_of(problem)] = problem
                given.keep.mkdir(exist_ok=True, parents=True)
                shutil.copy(path, given.keep / f"{len(problems)}-{path.name}")
                (given.keep / f"{len(problems)}.txt").write_text(f"{job} {settings}\n{problem}")
                print(f"--- problem {len(problems)} after {runs} inputs: {job} {settings}\n{problem}", flush=True)
            path.unlink()
    print(f"{runs:,} inputs in {given.minutes:g} minutes, {len(problems)} problems")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
