"""Scoring answers and comparing records without a model: rows/s and peak memory of every step.

    python -m benchmarks.scoring [--rows 20000] [--scorers exact_match,normalized_match,ungrounded_value_rate]

Answers are made by a backend that says what it is told at once, so that only the work around a model is timed: reading
rows, scoring, statistics, writing and reading records, comparing. Processor seconds in this process, the least of
`--repeat` passes; peak memory is that of Python's own allocations, in a pass of its own (`benchmarks.clock`).
"""

from __future__ import annotations

import argparse
import json
import random
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.clock import Timed, least, peak_of, table
from trainers import record_files
from trainers.compare import Measured, compare
from trainers.evaluate import Asked, _scored, evaluate
from trainers.gate import Gate
from trainers.generate import Output, Prompt
from trainers.pairs import pair_up
from trainers.prompting import Prompting
from trainers.record import Decoding, Environment, Loss, ModelInfo, Rendering
from trainers.scorers import find_all
from trainers.testset import read_rows

GROUPS = 4
"""Rows that come from one source: statistics go by clusters."""


class Told:
    """A backend whose answers are right with some probability, and otherwise another number."""

    environment = Environment(python="3", system="none")

    def __init__(self, answers: dict[str, str], right: float, seed: int) -> None:
        self.model = ModelInfo(name=f"told-{seed}", backend="transformers")
        self.decoding = Decoding(max_new_tokens=64, engine="transformers", batch_size=64)
        self.answers, self.right, self.chance = answers, right, random.Random(seed)

    def rendering(self, prompts: Sequence[Prompt]) -> Rendering:
        """Return the same for all."""
        return Rendering(renderer="prepdata", prompt_ids="0" * 64)

    def generate(self, prompts: Sequence[Prompt]) -> list[Output]:
        """Return what is told."""
        found = []
        for prompt in prompts:
            answer = self.answers[prompt.messages[-1]["content"]]
            if self.chance.random() > self.right:
                answer = answer.replace("7", "8") + "?"
            found.append(Output(answer, tokens=12, finish_reason="stopped", seconds=0.1 + self.chance.random() / 10))
        return found

    def loss(self, prompts: Sequence[Prompt], references: Sequence[str]) -> Loss | None:
        """There is none."""
        return None

    def text_loss(self, texts: Sequence[str]) -> Loss | None:
        """There is none."""
        return None


def write_rows(file: Path, count: int, grouped: bool) -> dict[str, str]:
    """Write held-out rows; return question -> answer."""
    chance, answers = random.Random(1), {}
    words = ["".join(chance.choices("abcdefghijklmnoprstuvw", k=chance.randint(3, 9))) for _ in range(5000)]
    with file.open("w", encoding="ascii") as out:
        for number in range(count):
            order, price = f"order {number}7", f"{chance.randint(1, 900)}.{number % 90 + 10}"
            asked = f"{' '.join(chance.choices(words, k=20))}, {order}: what does it cost?"
            answers[asked] = f"The {order} costs {price} EUR, {' '.join(chance.choices(words, k=8))}."
            row: dict[str, Any] = {
                "messages": [{"role": "user", "content": asked}, {"role": "assistant", "content": answers[asked]}],
                "facts": {"order": order, "price": price},
            }
            if grouped:
                row["group"] = f"source {number // GROUPS}"
            out.write(json.dumps(row) + "\n")
    return answers


def timed(rows: int, scorers: Sequence[str], repeat: int, folder: Path, grouped: bool) -> list[Timed]:
    """Return the time and memory of every step."""
    file = folder / "test.jsonl"
    answers = write_rows(file, rows, grouped)
    asked = Asked(read_rows(file), None, Prompting(), find_all(scorers))
    size = file.stat().st_size
    name = f"{rows:,} rows, {'groups of ' + str(GROUPS) if grouped else 'each for itself'}"
    found: list[Timed] = []

    def time(step: str, function: Any, note: str = "") -> None:
        found.append(Timed(name, step, least(function, repeat), rows, size, peak_of(function), note))

    def record(which: str, right: float, seed: int) -> Measured:
        path = folder / f"{which}.json"
        evaluate(Told(answers, right, seed), asked, path, kind="base")
        held = record_files.read(path)
        return Measured(str(path), held, record_files.read_samples(path, held))

    base, run = record("base", 0.6, 1), record("run", 0.8, 2)
    time("read the held-out file", lambda: read_rows(file))
    time("a whole evaluation, asking and journal among it", lambda: record("again", 0.6, 1))
    for scorer in asked.scorers:
        time(f"score: {scorer.name}", lambda scorer=scorer: [_scored((scorer,), one) for one in base.samples])
    time("read a record and its samples", lambda: record_files.read_samples(base.path, record_files.read(base.path)))
    time("pair up", lambda: pair_up(base.samples, run.samples))
    time("compare two records", lambda: compare(base, run, Gate()), f"{len(asked.scorers)} scorers")
    return found


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--scorers", default="exact_match,normalized_match,ungrounded_value_rate")
    parser.add_argument("--repeat", type=int, default=2)
    given = parser.parse_args()
    for grouped in (False, True):
        with tempfile.TemporaryDirectory() as folder:
            found = timed(given.rows, given.scorers.split(","), given.repeat, Path(folder), grouped)
        print("\n".join(table(found, {})), flush=True)


if __name__ == "__main__":
    main()
