"""What `prepdata arms` takes beyond the answers themselves, and how long judging takes.

    python -m benchmarks.arms [--rows 64] [--runs 3] [--judged 10000]

Asking: base, prompted and few-shot of a random model by `prepdata arms`, and by plain transformers in the same batches
(`benchmarks.arms_plain`), as whole processes in turns; both have to give the same answers. Judging: statistics and
verdict over six arms of made-up answers, in this process.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from benchmarks.clock import Timed, least, peak_of, table
from benchmarks.measure import HEAD, Run, row, run
from benchmarks.scoring import Told
from benchmarks.scoring import write_rows as write_told
from benchmarks.training_models import Shape, write_model, write_rows
from trainers import record_files
from trainers.arms.config import ARMS, ArmName
from trainers.arms.judge import report
from trainers.arms.model import ArmResult, ArmsReport
from trainers.arms.ways import kind_of
from trainers.compare import Measured
from trainers.evaluate import Asked, evaluate
from trainers.gate import Gate
from trainers.prompting import Prompting
from trainers.scorers import find_all
from trainers.testset import read_rows

SHAPE = Shape(320, 896, 8, 12_000)
ASKED = ("base", "prompted", "few-shot")
TOKENS, MOST, BATCH = (80, 240), 32, 8
"""Length of rows and of answers in tokens, and prompts asked at once."""
SCORERS = ("exact_match", "normalized_match")
GRADED = "ungrounded_value_rate"


def write_case(folder: Path, rows: int) -> dict[str, object]:
    """Write model, rows, prompt and examples; return the settings that both sides read."""
    write_model(folder / "model", SHAPE)
    test = write_rows(folder / "test.jsonl", rows, TOKENS, 1)
    shown = write_rows(folder / "shown.jsonl", 2, TOKENS, 2)
    (folder / "prompt.txt").write_text("Answer briefly, and only from what you know.\n")
    return {
        "model": str(folder / "model"), "test": str(test), "few_shot": str(shown), "batch_size": BATCH,
        "system_prompt": str(folder / "prompt.txt"), "max_new_tokens": MOST,
    }  # fmt: skip


def by_arms(folder: Path, turn: int, given: dict[str, object]) -> tuple[Run, list[str]]:
    """Run `prepdata arms`; return the run and its answers, arm after arm."""
    output = folder / f"arms-{turn}"
    settings = {**given, "output": str(output), "latency_rows": 0, "scorers": ["exact_match"]}
    file = folder / "arms.toml"
    file.write_text("".join(f"{name} = {json.dumps(value)}\n" for name, value in settings.items()))
    made = run([sys.executable, "-m", "prepdata", "arms", str(file), "--quiet"])
    found = []
    for name in ASKED:
        record = record_files.read(output / f"{name}.json")
        found += [sample.output for sample in record_files.read_samples(output / f"{name}.json", record)]
    return made, found


def by_hand(folder: Path, given: dict[str, object]) -> tuple[Run, list[str]]:
    """Run plain transformers; return the same."""
    answers, file = folder / "answers.jsonl", folder / "plain.json"
    file.write_text(json.dumps({**given, "answers": str(answers)}))
    made = run([sys.executable, "-m", "benchmarks.arms_plain", str(file)])
    return made, [json.loads(line) for line in answers.read_text().splitlines()]


def asking(folder: Path, rows: int, runs: int) -> list[str]:
    """Return the table of both sides, taken in turns."""
    given = write_case(folder, rows)
    ours, plain = [], []
    for turn in range(runs):
        one, said = by_arms(folder, turn, given)
        other, expected = by_hand(folder, given)
        if said != expected:
            raise RuntimeError(
                f"the answers differ: {next(pair for pair in zip(said, expected) if pair[0] != pair[1])}"
            )
        ours.append(one)
        plain.append(other)
    count, size = rows * len(ASKED), Path(str(given["test"])).stat().st_size * len(ASKED)
    return [
        f"\n### Asking {rows:,} rows by {len(ASKED)} arms\n",
        HEAD.replace("the peer loop", "plain transformers"),
        row("plain transformers", plain, count, size),
        row("`prepdata arms`", ours, count, size, plain),
    ]


def judging(folder: Path, rows: int, *, grouped: bool, graded: bool) -> Timed:
    """Return the time of the statistics over six arms whose answers are right more and more often."""
    answers = write_told(folder / "told.jsonl", rows, grouped)
    asked = Asked(read_rows(folder / "told.jsonl"), None, Prompting(), find_all([*SCORERS, *([GRADED] * graded)]))
    measured: dict[ArmName, Measured] = {}
    for seed, name in enumerate(ARMS):
        path = folder / f"{name}.json"
        record = evaluate(Told(answers, 0.4 + seed / 10, seed), asked, path, kind=kind_of(name))
        measured[name] = Measured(str(path), record, record_files.read_samples(path, record))
    arms = [ArmResult(name=name, status="measured") for name in ARMS]
    judge: Callable[[], ArmsReport] = lambda: report(arms, measured, Gate(primary=SCORERS[0]), None)  # noqa: E731
    kind = f"{'a graded score, ' if graded else ''}{'groups of 4' if grouped else 'each row for itself'}"
    size = (folder / "told.jsonl").stat().st_size * len(ARMS)
    return Timed(
        f"Judging {len(ARMS)} arms of {rows:,} rows", kind, least(judge, 1), rows * len(ARMS), size, peak_of(judge)
    )


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=64, help="rows asked")
    parser.add_argument("--runs", type=int, default=3, help="turns; the median is printed")
    parser.add_argument("--judged", type=int, default=10_000, help="rows judged")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        if given.runs:
            print("\n".join(asking(Path(folder), given.rows, given.runs)), flush=True)
        cases = [(False, False), (True, False), (False, True)]
        found = [judging(Path(folder), given.judged, grouped=one, graded=other) for one, other in cases]
    print("\n".join(table(found, {})), flush=True)


if __name__ == "__main__":
    main()
