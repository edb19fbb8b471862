"""Runs side by side: a table of them, and what sets them apart."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from prepdata.jsontext import json_text
from prepdata.reporters.base import safe
from trainers.compare import Comparison
from trainers.reporters.words import gate_line
from trainers.runs import Run


class Listed(NamedTuple):
    """A run in its folder, and how it compared with its base, if it was compared."""

    folder: Path
    run: Run
    comparison: Comparison | None


class Row(msgspec.Struct, frozen=True):
    """One thing that is looked at, and what it is in each run; None where a run has none."""

    name: str
    values: tuple[Any, ...]


def table(found: Sequence[Listed]) -> Iterator[str]:
    """Yield a table of runs, line by line: what they trained, what came of it, what was warned of."""
    rows = [("run", "status", "began", "base", "method", "rows", "steps", "validation loss", "compared", "gate",
             "warnings")]  # fmt: skip
    for folder, run, comparison in found:
        outcome = run.outcome
        loss = outcome.validation_loss if outcome else None
        method = "qlora" if run.config.get("quantization") == "nf4" else "lora"
        rows.append(
            (
                safe(str(folder)),
                run.status,
                safe(run.created[:16]),
                safe(Path(run.base.path).name),
                f"{method} r{run.config.get('lora_r')}",
                f"{run.rows:,}",
                f"{outcome.steps if outcome else 0:,}/{run.plan.steps:,}",
                "" if loss is None else f"{loss:.4f}",
                comparison.verdict if comparison else "",
                f"{_passed(comparison)}: {safe(gate_line(comparison))}" if comparison else "",
                safe(", ".join(problem.name for problem in run.problems)),
            )
        )
    return _aligned(rows)


def _passed(comparison: Comparison) -> str:
    return {True: "passed", False: "not passed", None: "not decided"}[comparison.passed]


def differences(found: Sequence[Listed]) -> list[Row]:
    """Return what sets runs apart (configuration, data, model, libraries, machine), then what came of each."""
    return [
        row for row in _rows([_inputs(one.run) for one in found]) if any(v != row.values[0] for v in row.values)
    ] + [row for row in _rows([_outcome(one) for one in found]) if any(v is not None for v in row.values)]


def _rows(found: Sequence[dict[str, Any]]) -> list[Row]:
    names = dict.fromkeys(name for one in found for name in one)
    return [Row(name, tuple(one.get(name) for one in found)) for name in names]


def _inputs(run: Run) -> dict[str, Any]:
    found = {f"config.{name}": value for name, value in run.config.items() if name != "output"}
    found |= {f"data.{file.role}": file.sha256 for file in run.files}
    found |= {f"base.{name}": getattr(run.base, name) for name in ("weights", "tokenizer", "template")}
    found |= {
        f"machine.{name}": getattr(run.machine, name)
        for name in ("processes", "device_name", "dtype", "threads", "python")
    }
    found |= {f"library.{name}": version for name, version in run.machine.libraries.items()}
    return found | {"baseline": run.baseline, "rows": run.rows, "planned steps": run.plan.steps}


def _outcome(one: Listed) -> dict[str, Any]:
    run, comparison = one.run, one.comparison
    found: dict[str, Any] = {"status": run.status}
    if run.outcome is not None:
        names = ("steps", "best_step", "train_loss", "validation_loss", "seconds", "tokens_per_second", "peak_memory")
        found |= {name.replace("_", " "): getattr(run.outcome, name) for name in names}
    found["warnings"] = ", ".join(problem.name for problem in run.problems) or None
    for change in comparison.metrics if comparison else ():
        if change.role != "secondary":
            found |= {f"{change.label} before": change.baseline, f"{change.label} after": change.run}
    if comparison is not None:
        gate = comparison.gate
        found |= {"gate.primary": gate.primary, "gate.require": gate.require, "gate.alpha": gate.alpha}
        found |= {f"gate.{c.label}": c.margin for c in comparison.metrics if c.margin is not None}
        found |= {"gate.latency": gate.latency, "verdict": comparison.verdict, "gate passed": comparison.passed}
    return found


def difference_lines(found: Sequence[Listed], rows: Sequence[Row]) -> Iterator[str]:
    """Yield what sets runs apart as a table, one column a run; digests are shortened."""
    head = ("", *(safe(str(one.folder)) for one in found))
    return _aligned([head, *((safe(row.name), *map(_shown, row.values)) for row in rows)])


def _shown(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:.4g}"
    text = value if isinstance(value, str) else json_text(value)
    digest = len(text) == 64 and not text.strip("0123456789abcdef")
    return safe(text[:12] if digest else text if len(text) <= 60 else f"{text[:57]}...")


def _aligned(rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
    """Yield rows as lines with columns below one another; columns that are empty below their head are left out."""
    shown = [n for n in range(len(rows[0])) if any(row[n] for row in rows[1:])]
    widths = {n: max(len(row[n]) for row in rows) for n in shown}
    for row in rows:
        yield "  ".join(row[n].ljust(widths[n]) for n in shown).rstrip()
