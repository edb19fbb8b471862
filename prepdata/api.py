"""The library's functions: settings in, result out. The command line only builds settings and prints results."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from prepdata.contamination import contamination
from prepdata.engine import Plan
from prepdata.errors import InputError
from prepdata.findings import Finding
from prepdata.meters import USUAL
from prepdata.meters.base import MeterContext
from prepdata.reduce import FileRun, findings, measures
from prepdata.references import not_held, references
from prepdata.report import Blocked, FileReport, NotRun, Report
from prepdata.rules.base import Context, FactRule, Given, Rule
from prepdata.rules.loader import build
from prepdata.runner import Progress, Runner, jobs_for, total_size
from prepdata.select import Selection, options_of, select, settle
from prepdata.settings import Settings
from prepdata.sources import discover
from prepdata.targets import load as load_target
from prepdata.targets import stale
from prepdata.targets.model import Target
from prepdata.training.column import rendering_of, unrendered

if TYPE_CHECKING:
    from prepdata.lock.held import Held

Paths = str | os.PathLike[str] | Iterable[str | os.PathLike[str]]


def validate(
    paths: Paths,
    settings: Settings | None = None,
    *,
    progress: Progress | None = None,
    meters: Sequence[str] | None = None,
    triggers: bool = True,
    **changes: Any,
) -> Report:
    """Check files and return a report.

    Args:
        paths: a file, a folder, "-" for standard input, or several of them.
        settings: a whole `Settings`; default settings if None.
        progress: called with (path, bytes done, bytes in all) while it works.
        meters: names of the meters to run; None for those that the settings ask for.
        triggers: False to show every row to every rule: slower, same result.
        **changes: single settings by name, e.g. `select=["TEXT"]`, `targets=["openai"]`.

    Returns:
        The report: findings, counts, measures.

    Raises:
        UsageError: an unknown setting, rule, target or format.
        InputError: a path that cannot be read, or nothing to read at all.
    """
    settings, said = located_settings(changed(settings or Settings(), changes))
    listed = [os.fspath(p) for p in ([paths] if isinstance(paths, (str, os.PathLike)) else paths)]
    inputs = discover(listed)
    if not inputs:
        raise InputError(
            f"no data files in {', '.join(listed) or 'nothing'}. Give a .jsonl file, a folder of them, or - ."
        )
    selection = select(settings)
    targets = tuple(load_target(name) for name in settings.targets)
    size = total_size(inputs)
    held = _held(settings, selection)
    with references(settings) as given:
        said += not_held(inputs, listed, given)
        plan = plan_of(settings, selection, targets, size, meters, triggers, given, held is not None)
        with Runner(plan, settings, size, progress) as runner:
            runs = [runner.run(item) for item in inputs]
            runner.dismiss()
        if held is not None:
            runs = held.with_drift(runs, runner.mapper)
        return _report(settings, selection, plan, runs, runner, held, said)


def _held(settings: Settings, selection: Selection) -> Held | None:
    """Return the lock that the run is held against, if there is one."""
    if settings.lock is None:
        return None
    from prepdata.lock.held import held_against

    return held_against(settings, selection)


def located_settings(settings: Settings) -> tuple[Settings, tuple[str, ...]]:
    """Return (settings whose tokenizer is on this machine, what is to be said of that).

    Raises:
        UsageError: it is that of a model of the Hub, and cannot be had.
    """
    if settings.tokenizer is None:
        return settings, unrendered(settings)
    from prepdata.tokens.hub import located

    place, note = located(settings.tokenizer, offline=settings.offline)
    said = (note, *unrendered(msgspec.structs.replace(settings, tokenizer=place)))
    return msgspec.structs.replace(settings, tokenizer=place), tuple(filter(None, said))


def changed(settings: Settings, changes: dict[str, Any]) -> Settings:
    """Return settings with some of them replaced, checked like those of a configuration file.

    Raises:
        UsageError: a name or a type is wrong.
    """
    if not changes:
        return settings
    from prepdata.config import read_settings

    return read_settings(changes, base=settings, origin="")


def plan_of(
    settings: Settings,
    selection: Selection,
    targets: tuple[Target, ...],
    size: int,
    meters: Sequence[str] | None = None,
    triggers: bool = True,
    given: tuple[Given, ...] = (),
    locked: bool = False,
) -> Plan:
    """Return the plan of a run: what a worker process needs to know."""
    wanted = tuple(USUAL if meters is None else meters)
    rendering = rendering_of(settings, targets)
    counting = {"tokens", "cost", "training", "choosing"}
    without = counting if not settings.tokens else {"training"} if rendering is None else set()
    wanted = tuple(name for name in wanted if name not in without)
    rules = tuple((rule.name, rule.sized(options_of(rule, settings), size)) for rule in selection.rules)
    context = Context(
        targets=targets,
        model=settings.model,
        marks=settings.marks,
        columns=settings.columns,
        references=given,
        rendering=rendering,
        context_length=settings.context_length,
        locked=locked,
    )
    meter_context = MeterContext(
        targets=targets,
        encoding=settings.encoding,
        model=settings.model,
        tokenizer=settings.tokenizer,
        offline=settings.offline,
        input_bytes=size // jobs_for(settings, size),
        epochs=settings.epochs,
        context=settings.context_length,
        rendering=rendering,
        marks=settings.marks,
    )
    return Plan(rules, context, wanted, meter_context, settings.columns, triggers)


def _report(
    settings: Settings,
    selection: Selection,
    plan: Plan,
    runs: list[Any],
    runner: Runner,
    held: Held | None,
    said: tuple[str, ...],
) -> Report:
    files: list[FileRun] = [run for run, _, _ in runs]
    context, targets = plan.context, plan.context.targets
    rules = [build(rule, options, context) for rule, (_, options) in zip(selection.rules, plan.rules)]
    runnable = [rule for rule in rules if rule.missing() is None]
    mapper = runner.mapper
    jobs = 1 if runner.spools else runner.jobs  # what standard input held has one place to read from
    untold: list[NotRun] = []
    found = findings(files, runnable, runner.reader().rows, jobs, untold)
    if held is not None:
        found += held.tokenizer_findings(mapper, runnable, settings.tokenizer)
    found = settle(found, settings, selection.rules, {f.path: f.rows for f in files})
    found = _waived(found, settings, files, runnable)
    whole = measures(files, mapper.meters)
    if context.references:
        whole["contamination"] = contamination(found, context.references, sum(file.rows for file in files))
    reports = tuple(
        FileReport(
            path=file.path,
            format=format_name,
            examples=file.rows,
            lines=sum(r.lines for r in file.results) if file.has_lines else None,
            size=source.size,
            sha256=source.sha256,
            measures=whole if len(files) == 1 else measures([file], mapper.meters),
        )
        for file, source, format_name in runs
    )
    return Report(
        files=reports,
        findings=tuple(found),
        measures=whole,
        targets=matrix(found, targets),
        not_run=_not_run(rules, untold, selection),
        notes=(*said, *_notes(targets)),
        fail_on=settings.fail_on,
    )


def _waived(found: list[Finding], settings: Settings, files: Sequence[FileRun], rules: Sequence[Rule]) -> list[Finding]:
    """Return the findings with the accepted ones marked, and what is to be said of stale waivers."""
    if settings.waivers is None:
        return found
    import datetime

    from prepdata.reduce import finding_of
    from prepdata.waivers import apply, fact, load

    today, ran = datetime.date.today(), [rule.name for rule in rules]
    applied = apply(found, load(settings.waivers), today=today, ran=ran, files=[file.path for file in files])
    speakers = [rule for rule in rules if isinstance(rule, FactRule) and "stale-waiver" in rule.facts]
    said = [
        finding_of(rule, hit, settings.waivers)
        for rule in speakers
        for item in applied.stale
        for hit in rule.explain(fact(item))
    ]
    return applied.findings + said


def matrix(found: Sequence[Finding], targets: Sequence[Target]) -> tuple[Blocked, ...]:
    """Return per target how many rows and files its errors block."""
    lines = []
    for target in targets:
        blocking = [
            f for f in found if f.severity == "error" and not f.waived and (not f.targets or target.name in f.targets)
        ]
        rows = {(f.file, f.record, f.line) for f in blocking if f.line is not None or f.record is not None}
        files = {f.file for f in blocking if f.line is None and f.record is None}
        by_rule: dict[str, int] = {}
        for f in blocking:
            by_rule[f.name] = by_rule.get(f.name, 0) + f.rows
        together = max((f.rows for f in blocking if f.rows > 1), default=0)  # of one finding that stands for many rows
        lines.append(Blocked(target.name, max(len(rows), together), len(files), dict(sorted(by_rule.items()))))
    return tuple(lines)


def _not_run(rules: Sequence[Rule], untold: Sequence[NotRun], selection: Selection) -> tuple[NotRun, ...]:
    """Return the rules named one by one that could not run, or could not tell."""
    lacking = [NotRun(rule.name, needs) for rule in rules if (needs := rule.missing()) is not None]
    return tuple(item for item in (*lacking, *untold) if item.name in selection.named)


def _notes(targets: Sequence[Target]) -> tuple[str, ...]:
    import datetime

    today = datetime.date.today()
    return tuple(
        f"the facts about {t.title} were last checked on {t.checked}, more than 90 days ago"
        for t in targets
        if stale(t, today)
    )


__all__ = ["Paths", "changed", "matrix", "plan_of", "validate"]
