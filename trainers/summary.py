"""What the preflight found, and what a run came to, as text for people."""

from __future__ import annotations

from collections.abc import Iterator

from prepdata.cost import Range
from prepdata.findings import plural
from prepdata.reporters.base import safe
from trainers.config import TrainConfig
from trainers.estimate import GIB, OnGpu
from trainers.preflight import Plan, Preflight
from trainers.problems import Problem
from trainers.runs import Run


def preflight_lines(config: TrainConfig, found: Preflight) -> Iterator[str]:
    """Yield what the preflight found, line by line."""
    for file in found.files:
        rules = ", ".join(f"{name} {count:,}" for name, count in file.by_rule.items())
        said = f"{plural(file.rows, 'row')}, {plural(file.errors, 'error')}, {plural(file.warnings, 'warning')}"
        infos = sum(file.by_rule.values()) - file.errors - file.warnings
        said += f", {plural(infos, 'info')}" if infos > 0 else ""
        yield f"{file.role:<11} {safe(file.path)}: {said}{f' ({rules})' if rules else ''}"
    method = "QLoRA (NF4)" if config.quantization == "nf4" else "LoRA"
    yield f"{'method':<11} {method}, r {config.lora_r}, on {_where(found)} in {found.dtype}"
    plan = found.plan
    if plan is not None:
        yield f"{'model':<11} {plan.model_parameters:,} parameters, adapter {plan.adapter_parameters:,}"
        yield (
            f"{'an epoch':<11} {plural(plan.rows, 'row' if config.packing == 'none' else 'sequence')}, "
            f"{plan.tokens:,} tokens ({plan.trained:,} trained, {plan.padded:,} with padding), "
            f"at most {plan.max_length:,} a row"
        )
        rows = config.batch_rows * found.processes
        yield f"{'steps':<11} {plan.steps:,} of {rows:,} rows, {plan.steps_per_epoch:,} an epoch"
        each = f"for each of {found.processes} processes" if found.processes > 1 else "on this machine"
        yield f"{'memory':<11} {_memory(plan, each)}"
        if plan.seconds is not None:
            yield f"{'time':<11} {_time(plan.seconds.times(1 / 3600))} on this machine as busy as it is now"
        for one in plan.gpus:
            several = f"{found.processes} of them: " if found.processes > 1 else ""
            yield f"{one.gpu:<11} {several}{_on_gpu(one)}"
    for problem in found.problems:
        yield problem_line(problem)


def _where(found: Preflight) -> str:
    return found.device if found.processes == 1 else f"{found.processes} processes, each on {found.device},"


def problem_line(problem: Problem) -> str:
    """Return a problem and its cure as one line."""
    kind = "error" if problem.fatal else "warning"
    return f"{kind}: {problem.name}: {safe(problem.message)}. Cure: {safe(problem.cure)}"


def _on_gpu(one: OnGpu) -> str:
    if one.hours is None or one.usd is None:
        return f"does not fit into {one.memory_gib:g} GB"
    fits = "fits" if one.fits == "yes" else f"may not fit into {one.memory_gib:g} GB"
    return f"{fits}, {_time(one.hours)}, {_money(one.usd)} (prices of {one.price_date} or later)"


def _memory(plan: Plan, each: str) -> str:
    if not plan.libraries:
        return f"{_gib(plan.memory)} {each}"
    whole = Range(*(figure + plan.libraries for figure in (plan.memory.low, plan.memory.likely, plan.memory.high)))
    return f"{_gib(whole)} {each}, {plan.libraries / GIB:.1f} GiB of them the libraries"


def _gib(needed: Range) -> str:
    low, high = needed.low / GIB, needed.high / GIB
    if high < 0.1:
        return "less than 0.1 GiB"
    return f"{high:.1f} GiB" if f"{low:.1f}" == f"{high:.1f}" else f"{low:.1f} to {high:.1f} GiB"


def _time(hours: Range) -> str:
    if hours.high < 1 / 60:
        return "less than a minute"
    if hours.high < 2:
        return f"{hours.low * 60:.0f} to {hours.high * 60:.0f} min"
    return f"{hours.low:.1f} to {hours.high:.1f} h"


def _money(usd: Range) -> str:
    return "less than 0.01 USD" if usd.high < 0.01 else f"{usd.low:.2f} to {usd.high:.2f} USD"


def run_lines(run: Run) -> Iterator[str]:
    """Yield what a finished run came to, line by line."""
    assert run.outcome is not None
    outcome, folder = run.outcome, str(run.config["output"])
    early = ", ended early by the validation loss" if outcome.stopped_early else ""
    yield f"{outcome.steps:,} of {run.plan.steps:,} steps{early}; adapter of step {outcome.best_step:,}"
    if outcome.validation_loss is not None:
        yield f"best validation loss {outcome.validation_loss:.4f}"
    yield (
        f"{outcome.seconds:,.0f} s, {outcome.tokens_per_second:,.0f} tokens/s, "
        f"peak memory {outcome.peak_memory / GIB:.2f} GiB"
    )
    for problem in run.problems:
        yield problem_line(problem)
    yield f"written: {safe(folder)}/adapter"
