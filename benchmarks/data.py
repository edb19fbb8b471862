"""Makes chat files of any size for benchmarks, the same for the same numbers.

    python -m benchmarks.data ROWS FILE [--seed 1]

The rows of `samples/` come first; further rows are made from them by replacing half of the words by other words of the
samples, so that lengths, system prompts, languages and tool calls keep their mix while no row repeats another.
"""

from __future__ import annotations

import argparse
import json
import random
from pathlib import Path
from typing import Any

SAMPLES = Path(__file__).parents[1] / "samples"


def sample_rows() -> list[dict[str, Any]]:
    """Return the rows of the support and tools samples; one in six has tools."""
    rows = []
    for name in ("support/train.jsonl", "tools/train.jsonl"):
        text = (SAMPLES / name).read_text(encoding="utf-8")
        rows.append([json.loads(line) for line in text.split("\n") if line.strip()])
    support, tools = rows
    return [
        row for i, row in enumerate(support) for row in ([row, tools[i // 5 % len(tools)]] if i % 5 == 4 else [row])
    ]


def vary(text: str, words: list[str], rng: random.Random) -> str:
    """Return a text with half of its words replaced."""
    pieces = text.split(" ")
    picks = rng.choices(words, k=len(pieces))
    return " ".join(new if rng.random() < 0.5 else old for old, new in zip(pieces, picks))


def made(row: dict[str, Any], words: list[str], rng: random.Random) -> dict[str, Any]:
    """Return a row like another, with other words in user and assistant turns."""
    messages = [
        {**m, "content": vary(m["content"], words, rng)}
        if m["role"] in ("user", "assistant") and isinstance(m.get("content"), str) else m
        for m in row["messages"]
    ]  # fmt: skip
    return {**row, "messages": messages}


def write(rows: int, path: Path, seed: int = 1) -> None:
    """Write `rows` rows to a file."""
    rng, base = random.Random(seed), sample_rows()
    words = [w for row in base for m in row["messages"] for w in str(m.get("content") or "").split()][:20_000]
    with path.open("w", encoding="utf-8") as file:
        for number in range(rows):
            row = base[number % len(base)]
            row = row if number < len(base) else made(row, words, rng)
            file.write(json.dumps(row, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rows", type=int)
    parser.add_argument("file", type=Path)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    write(given.rows, given.file, given.seed)
