"""Mutation fuzzing of the whole command: no crash, no hang, no traceback, whatever the bytes.

    python -m benchmarks.fuzz --minutes 10 [--seed 1] [--keep DIR] FILES...

Takes sample files, changes them (bytes flipped, lines cut, joined, repeated, values replaced by odd JSON), runs
`prepdata.validate` with every rule on the result in this process, and reports what raised, took too long, or gave a
rule crash. Bad inputs are kept in DIR. Exits with 1 if anything was found.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import prepdata
from prepdata.errors import InputError

LIMIT = 10.0
"""Seconds that one small input may take."""
ODD: list[Any] = [
    *(None, True, False, 0, -1, 1e308, 2**70, "", " ", "\0", "\ud800", "<|im_end|>", "{{x}}", "/", "~0"),
    *([], {}, [[]], [None], [{}], {"": ""}, {"role": []}, [[[[[[1]]]]]]),
    *("a" * 5000, "([" * 200, "\u202e\u200b\ufeff", "0" * 400, "data:image/png;base64,AAAA"),
]
ODD_BYTES = [
    *(b"\x00", b"\xff", b"\xef\xbb\xbf", b"\r", b"\n", b"\n\n", b'"', b"\\", b"\\ud800", b"{", b"}", b"[", b"]"),
    *(b"NaN", b"1e999", b"\xe2\x80\xa8", b"\xc3", b'{"a":' * 300, b","),
    *(b"'", b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"PAR1"),
]


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
    for _ in range(rng.randint(1, 6)):
        at = rng.randrange(len(lines))
        try:
            row = json.loads(lines[at])
        except ValueError:
            continue
        lines[at] = json.dumps(_odd(row, rng)).encode("utf-8", "surrogatepass")
    return b"\n".join(lines)


def _odd(value: Any, rng: random.Random) -> Any:
    if rng.random() < 0.15 or not isinstance(value, (dict, list)) or not value:
        return rng.choice(ODD)
    if isinstance(value, list):
        at = rng.randrange(len(value))
        return [*value[:at], _odd(value[at], rng), *value[at + 1 :]]
    key = rng.choice(list(value))
    if rng.random() < 0.1:
        return {
            **{k: v for k, v in value.items() if k != key},
            str(rng.choice(["", "a/b", "Role", "content "])): value[key],
        }
    return {**value, key: _odd(value[key], rng)}


def array(data: bytes, rng: random.Random) -> bytes:
    """Make a JSON array of the rows, or pretty-print them."""
    lines = [line for line in data.split(b"\n") if line.strip()]
    if rng.random() < 0.5:
        return b"[" + b",\n".join(lines) + rng.choice([b"]", b"", b",]"])
    return data.replace(b", ", b",\n  ")


def encoded(data: bytes, rng: random.Random) -> bytes:
    """Write the text in another encoding, or compressed."""
    import gzip

    text = data.decode("utf-8", "replace")
    return rng.choice(
        [text.encode("utf-16"), text.encode("cp1252", "replace"), gzip.compress(data), gzip.compress(data)[:-9]]
    )


MUTATIONS: list[Callable[[bytes, random.Random], bytes]] = [flip, flip, cut, values, values, values, array, encoded]


def attempt(data: bytes, path: Path) -> str | None:
    """Check one input; return what went wrong, or None."""
    path.write_bytes(data)
    started = time.perf_counter()
    try:
        report = prepdata.validate(path, select=["ALL"], tokens=False, cache=False, jobs=1,
                                   targets=["openai", "trl", "mistral", "bedrock-nova"])  # fmt: skip
        report.to_json()
    except InputError:
        return None
    except Exception:
        return traceback.format_exc()
    crashes = [f.message for f in report if f.name == "rule-crash"]
    if crashes:
        return crashes[0]
    took = time.perf_counter() - started
    return f"took {took:.1f} s" if took > LIMIT else None


def main(arguments: list[str]) -> int:
    """Fuzz until time is up; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", type=Path, default=Path("fuzz-findings"))
    given = parser.parse_args(arguments)
    rng = random.Random(given.seed)
    seeds = [b"\n".join(path.read_bytes().split(b"\n")[:60]) for path in given.files]
    ends, runs, problems = time.monotonic() + given.minutes * 60, 0, {}
    with tempfile.TemporaryDirectory() as folder:
        while time.monotonic() < ends:
            data = rng.choice(seeds)
            for _ in range(rng.randint(1, 3)):
                data = rng.choice(MUTATIONS)(data, rng) if data else data
            name = rng.choice(["data.jsonl", "data.jsonl", "data.json", "data.jsonl.gz"])
            problem = attempt(data, Path(folder) / name)
            runs += 1
            if problem and problem.strip().split("\n")[-1][:80] not in problems:
                problems[problem.strip().split("\n")[-1][:80]] = problem
                given.keep.mkdir(exist_ok=True)
                (given.keep / f"{len(problems)}-{name}").write_bytes(data)
                print(f"--- problem {len(problems)} after {runs} inputs\n{problem}", flush=True)
    print(f"{runs:,} inputs in {given.minutes:g} minutes, {len(problems)} problems")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
