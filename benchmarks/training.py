"""Estimates of `prepdata train` beside what was measured, and its speed beside plain TRL + PEFT with the same settings.

    python -m benchmarks.training [--only NAMES] [--turns N]
    python -m benchmarks.training --gpu

Every run is a process of its own; models have random weights and are made on the fly. `--gpu` is the check on a GPU: a
Llama of 8 billion parameters in bfloat16, LoRA and QLoRA. It needs about 20 GB of disk and 25 GiB of GPU memory; with
`--model-size tiny --device cpu` the same code runs on any machine, in small.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

from benchmarks.measure import run
from benchmarks.training_models import LLAMA_8B, Shape, write_model, write_rows

GIB = 1024**3
PLAIN = {"gradient_checkpointing": True, "gradient_accumulation": 1, "quantization": "none"}
"""Settings of a case that names no others."""


class Case(NamedTuple):
    """A run: the model, lengths of rows in tokens, optimizer steps, settings of `prepdata train`."""

    shape: Shape
    tokens: tuple[int, int]
    steps: int
    settings: dict[str, Any]
    validated: bool = False


CASES = {
    "13 M, checkpointing": Case(Shape(320, 896, 8, 12_000), (60, 200), 6, {"batch_size": 4}, True),
    "16 M, all kept": Case(
        Shape(448, 1216, 6, 6_000, kind="qwen3"), (40, 140), 6, {"batch_size": 6, "gradient_checkpointing": False}
    ),
    "28 M, all kept, two passes": Case(
        Shape(512, 1408, 9, 2_000), (50, 110), 6,
        {"batch_size": 4, "gradient_checkpointing": False, "gradient_accumulation": 2},
    ),
    "27 M, large vocabulary": Case(Shape(192, 512, 6, 128_000, 6, 2), (60, 130), 6, {"batch_size": 4}, True),
    "28 M, QLoRA": Case(Shape(512, 1408, 9, 2_000), (50, 130), 6, {"batch_size": 4, "quantization": "nf4"}),
    "22 M, QLoRA, all kept": Case(
        Shape(384, 1024, 10, 16_000), (40, 120), 6,
        {"batch_size": 5, "quantization": "nf4", "gradient_checkpointing": False},
    ),
}  # fmt: skip
"""None of them is a model, a length or a batch that the formulas were fitted to."""

TINY = Shape(128, 384, 2, 2_000)


def gpu_cases(shape: Shape) -> dict[str, Case]:
    """Return the runs of the check on a GPU."""
    both = {"batch_size": 4, "dtype": "bfloat16"}
    tokens, steps = ((300, 700), 20) if shape == LLAMA_8B else ((40, 90), 3)
    return {
        "LoRA in bfloat16": Case(shape, tokens, steps, both),
        "QLoRA in bfloat16": Case(shape, tokens, steps, {**both, "quantization": "nf4"}),
    }


class Measured(NamedTuple):
    """One turn: the plan and the outcome of prepdata's record, what the plain script printed."""

    plan: dict[str, Any]
    outcome: dict[str, Any]
    plain: dict[str, Any]


def measure(case: Case, model: Path, folder: Path, device: str, *, peer: bool) -> Measured:
    """Train by `prepdata train` and by the plain script, in processes of their own.

    Raises:
        RuntimeError: one of them failed.
    """
    rows = case.steps * case.settings["batch_size"] * case.settings.get("gradient_accumulation", 1)
    given: dict[str, Any] = {"model": str(model), "output": str(folder / "run"), "device": device, "dtype": "float32"}
    given |= {**PLAIN, **case.settings, "steps": case.steps}
    given["train"] = str(write_rows(folder / "train.jsonl", rows, case.tokens, 1))
    flags = [f"--{name.replace('_', '-')}={value}" for name, value in given.items() if not isinstance(value, bool)]
    flags.append("--gradient-checkpointing" if given["gradient_checkpointing"] else "--no-gradient-checkpointing")
    if case.validated:
        flags.append(f"--validation={write_rows(folder / 'validation.jsonl', 8, case.tokens, 2)}")
        flags.append(f"--eval-steps={case.steps // 2}")
    command = [sys.executable, "-m", "prepdata", "train", "--without-baseline", "--json", "--quiet", *flags]
    environment = {"HF_HUB_OFFLINE": "1", "PYTHONPATH": str(Path.cwd()), "CUDA_VISIBLE_DEVICES": "0"}
    record = json.loads(run(command, environment).output)
    if "outcome" not in record:
        raise RuntimeError(f"the preflight stopped the run: {record['problems']}")
    plain = {}
    if peer:
        given["output"] = str(folder / "plain")
        (folder / "settings.json").write_text(json.dumps(given))
        said = run([sys.executable, "-m", "benchmarks.training_plain", str(folder / "settings.json")], environment)
        plain = json.loads(said.output.strip().splitlines()[-1])
    return Measured(record["plan"], record["outcome"], plain)


HEAD = (
    "| run | memory estimated MiB | measured MiB | ratio | of them libraries | time estimated s | measured s | ratio "
    "| tokens/s | plain TRL + PEFT | ratio | peak of plain MiB |\n"
    "|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|"
)  # fmt: skip


def line(name: str, turns: list[Measured]) -> str:
    """Return a line of the table: medians over turns, ratios taken within each turn (with the least and the most)."""
    mib = 2**20
    needed = [(turn.plan["memory"], turn.outcome["peak_memory"] - turn.plan["libraries"]) for turn in turns]
    ratios = [seen / told["likely"] for told, seen in needed]
    told, seen = needed[0][0], median(seen for _, seen in needed)
    cells = [
        f"{told['likely'] / mib:,.0f} ({told['low'] / mib:,.0f} to {told['high'] / mib:,.0f})", f"{seen / mib:,.0f}",
        spread(ratios), f"{turns[0].plan['libraries'] / mib:,.0f}",
    ]  # fmt: skip
    times = [(turn.plan["seconds"], turn.outcome["seconds"]) for turn in turns if turn.plan["seconds"]]
    if times:
        expected = median(told["likely"] for told, _ in times)
        took = median(seen for _, seen in times)
        cells += [f"{expected:.1f}", f"{took:.1f}", spread([seen / told["likely"] for told, seen in times])]
    else:
        cells += ["-", f"{median(turn.outcome['seconds'] for turn in turns):.1f}", "-"]
    cells.append(f"{median(turn.outcome['tokens_per_second'] for turn in turns):,.0f}")
    if turns[0].plain:
        pairs = [turn.outcome["tokens_per_second"] / turn.plain["tokens_per_second"] for turn in turns]
        peak = max(turn.plain["peak"] for turn in turns)
        cells += [f"{median(turn.plain['tokens_per_second'] for turn in turns):,.0f}", spread(pairs)]
        cells.append(f"{peak / mib:,.0f}")
    else:
        cells += ["", "", ""]
    return f"| {name} | {' | '.join(cells)} |"


def spread(ratios: list[float]) -> str:
    """Return a median, with the least and the most where there are several."""
    said = f"{median(ratios):.2f}"
    return said if len(ratios) == 1 else f"{said} ({min(ratios):.2f} to {max(ratios):.2f})"


def lines(cases: dict[str, Case], turns: int, place: Path, device: str, *, peer: bool) -> Iterator[str]:
    """Yield the lines of the table, each as soon as it is there."""
    yield HEAD
    made: dict[Shape, Path] = {}
    for name, case in cases.items():
        dtype = case.settings.get("dtype", "float32")
        if case.shape not in made:
            made[case.shape] = write_model(place / f"model{len(made)}", case.shape, dtype=dtype, device=device)
        found = []
        for _ in range(turns):
            with tempfile.TemporaryDirectory(dir=place) as folder:
                found.append(measure(case, made[case.shape], Path(folder), device, peer=peer))
        yield line(name, found)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--turns", type=int, default=1, help="runs of each kind, in turn")
    parser.add_argument("--only", help="parts of the names of runs, with commas")
    parser.add_argument("--no-plain", action="store_true", help="leave plain TRL + PEFT out")
    parser.add_argument("--gpu", action="store_true", help="the check on a GPU")
    parser.add_argument("--model-size", choices=["8b", "tiny"], default="8b", help="of the check on a GPU")
    parser.add_argument("--device", choices=["cuda", "cpu"], help="cuda with --gpu, else cpu")
    parser.add_argument("--folder", type=Path, help="where models and runs are kept meanwhile")
    given = parser.parse_args()
    cases = gpu_cases(LLAMA_8B if given.model_size == "8b" else TINY) if given.gpu else CASES
    if given.only:
        cases = {name: case for name, case in cases.items() if any(part in name for part in given.only.split(","))}
    device = given.device or ("cuda" if given.gpu else "cpu")
    with tempfile.TemporaryDirectory(dir=given.folder) as place:
        for said in lines(cases, given.turns, Path(place), device, peer=not given.no_plain):
            print(said, flush=True)


if __name__ == "__main__":
    main()
