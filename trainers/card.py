"""Model cards of adapters and merged models: filled from their records, with nothing left to fill in by hand."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from prepdata.files import replacing
from prepdata.jsontext import json_text
from prepdata.report import harmless
from trainers.compare import Change, Comparison
from trainers.reporters.markdown import text
from trainers.reporters.words import gate_line, headline
from trainers.runs import Run

if TYPE_CHECKING:
    from trainers.merge import Merge

_SETTINGS = (
    "quantization", "lora_r", "lora_alpha", "lora_dropout", "lora_targets", "loss", "packing", "learning_rate",
    "scheduler", "warmup", "weight_decay", "batch_size", "gradient_accumulation", "gradient_checkpointing", "seed",
    "replay_share",
)  # fmt: skip


def write_card(path: Path, run: Run, comparison: Comparison | None = None) -> None:
    """Write the card of a finished run, with its comparison with the base if there is one."""
    with replacing(path) as file:
        file.write(card(run, comparison).encode("utf-8", "backslashreplace"))


def card(run: Run, comparison: Comparison | None = None) -> str:
    """Return the card as Markdown; names of files and models stand in code, with nothing that could end it."""
    base = Path(run.base.path).name
    lines = [
        "---",
        "library_name: peft",
        f"base_model: {harmless(json_text(base))}",
        "pipeline_tag: text-generation",
        "tags: [lora, sft, prepdata]",
        "---",
        "",
        f"# Adapter for {code(base)}",
        "",
        *_training(run, comparison),
    ]
    return "\n".join(lines) + "\n"


def merged_card(merge: Merge, run: Run | None) -> str:
    """Return the card of a merged model as Markdown; `run` made the adapter, None where no record of it is known."""
    held = merge.agreement
    if held is None:
        asked = "It was not asked anything after the merge."
    else:
        logits = "" if held.logits is None else f"; largest difference of a logit {held.logits:.2g}"
        apart = "base and adapter apart" if held.reference == "unmerged" else f"the record {code(held.reference)}"
        asked = (
            f"Asked again after the merge: {held.same:,} of {held.rows:,} answers are those of {apart}{logits}. "
            f"Record of that evaluation: `{held.evaluation}`."
        )
    lines = [
        "---",
        "library_name: transformers",
        f"base_model: {harmless(json_text(merge.base))}",
        "pipeline_tag: text-generation",
        "tags: [lora, sft, prepdata]",
        "---",
        "",
        f"# {code(merge.base)} with an adapter merged in",
        "",
        (
            f"{code(merge.method)} of rank {merge.rank or 'none'}, added in float32 to the unquantised weights and "
            f"stored in {merge.dtype}: {merge.parameters:,} parameters. Merged by prepdata {merge.prepdata} on "
            f"{merge.created}. {asked}"
        ),
        "",
        f"- base weights `{merge.base_weights}`",
        f"- adapter `{merge.adapter_weights}`",
        f"- merged weights `{merge.weights}`",
        "",
        *(_training(run) if run is not None else ["No record of the training was found beside the adapter."]),
    ]
    return "\n".join(lines) + "\n"


def _training(run: Run, comparison: Comparison | None = None) -> list[str]:
    """Return the lines that tell how an adapter was trained, and how it compared with its base if that is known."""
    method = "QLoRA (NF4, double quantisation)" if run.config.get("quantization") == "nf4" else "LoRA"
    outcome, plan = run.outcome, run.plan
    assert outcome is not None
    processes = f"{run.machine.processes} processes, each on " if run.machine.processes > 1 else ""
    lines = [
        (
            f"{method} with {plan.adapter_parameters:,} parameters on a base of {run.base.parameters:,}, trained by "
            f"prepdata {run.prepdata} from {run.created} to {run.finished}."
        ),
        "",
        "## Data",
        "",
        "| role | file | rows | sha256 |",
        "|---|---|---|---|",
    ]
    lines += [f"| {f.role} | {code(Path(f.path).name)} | {f.rows:,} | `{f.sha256}` |" for f in run.files]
    lines += [
        "",
        (
            f"Trained on {plan.rows:,} rows or sequences an epoch, {plan.tokens:,} tokens of which the loss counts "
            f"{plan.trained:,}; at most {plan.max_length:,} tokens a row."
        ),
        "",
        "## Outcome",
        "",
        f"- {outcome.steps:,} of {plan.steps:,} steps; the adapter is that of step {outcome.best_step:,}",
        f"- training loss of the last step: {_number(outcome.train_loss)}",
        f"- best validation loss: {_number(outcome.validation_loss)}",
        "- whether it answers better than its base is not said by the loss: "
        + (f"recorded baseline `{run.baseline}`" if run.baseline else "no baseline was recorded before training"),
        "",
        *_warnings(run),
        *(_compared(comparison) if comparison is not None else ()),
        "## Settings",
        "",
        *(f"- {name}: {code(json_text(run.config[name]))}" for name in _SETTINGS if name in run.config),
        "",
        "## Where",
        "",
        f"- base weights `{run.base.weights}`, tokenizer `{run.base.tokenizer}`, chat template `{run.base.template}`",
        (
            f"- {processes}{code(run.machine.device_name)}, {run.machine.dtype}, {code(run.machine.system)}, "
            f"Python {run.machine.python}"
        ),
        f"- {', '.join(f'{name} {version}' for name, version in run.machine.libraries.items())}",
        f"- adapter weights `{outcome.adapter}`",
    ]
    return lines


def _warnings(run: Run) -> list[str]:
    if not run.problems:
        return []
    return ["## Warnings", "", *(f"- {problem.name}: {text(problem.message)}" for problem in run.problems), ""]


def _compared(comparison: Comparison) -> list[str]:
    """Return the section that tells how the run compared: verdict, primary metric, guards, reasons and notes."""
    shown = [change for change in comparison.metrics if change.role != "secondary"]
    return [
        "## Compared with its base",
        "",
        f"{headline(comparison)}, against the baseline `{comparison.baseline.sha256}`.",
        "",
        f"- gate: {text(gate_line(comparison))}",
        *(f"- {text(change.label)} [{change.role}]: {text(_sides(change))}" for change in shown),
        *(f"- not passed: {text(reason)}" for reason in comparison.reasons),
        *(f"- {text(note)}" for note in comparison.notes),
        "",
    ]


def _sides(change: Change) -> str:
    if change.baseline is None or change.run is None:
        return change.said
    return f"{change.baseline:.3f} before, {change.run:.3f} after; {change.said}"


def code(raw: str) -> str:
    """Return a text as code of Markdown on one line."""
    return "`" + re.sub(r"[`|\s\x00-\x1f]", " ", harmless(raw)) + "`"


def _number(value: Any) -> str:
    return "none" if value is None else f"{value:.4f}"
