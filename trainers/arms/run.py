"""Measures arms: each is one record, made row by row and kept; then times in turns; then the report.

OUTPUT/base.json, base.samples.jsonl     the record of an arm, as `prepdata baseline` writes it; none of a base whose
                                         record is given
OUTPUT/times.json                        times of all arms, taken in turns
OUTPUT/arms.json                         the report
"""

from __future__ import annotations

import os
import statistics
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from prepdata.errors import PrepdataError, UsageError, nearest
from prepdata.files import replacing
from prepdata.jsontext import json_text
from prepdata.settings import Settings
from trainers.arms.check import check
from trainers.arms.config import ARMS, RETRIEVING, TUNED, ArmName, ArmsConfig
from trainers.arms.judge import report
from trainers.arms.model import ArmResult, ArmsReport, Loaded
from trainers.arms.price import Prices, cost_of, prices_of
from trainers.arms.times import Times, timed
from trainers.arms.ways import Opened, Ways, kind_of, lacking, loaded, opened_retriever, side_of
from trainers.baseline import in_place_of
from trainers.compare import Measured
from trainers.evaluate import ERRORS, Asked, evaluate, outline, scorers_for
from trainers.gate import Gate
from trainers.generate import Backend
from trainers.latency import latency_of_rounds
from trainers.prompting import Prompting
from trainers.record import Evaluation, SampleResult
from trainers.record_files import read, read_samples
from trainers.retrieved import question
from trainers.testset import read_sets
from trainers.timing import Timed

REPORT = "arms.json"
Say = Callable[[str], None]
Progress = Callable[[int, int], None]


def measure(
    config: ArmsConfig, gate: Gate, *, command: Sequence[str] = (), say: Say = lambda _: None,
    progress: Progress | None = None, opened: Opened = opened_retriever,
) -> ArmsReport:  # fmt: skip
    """Measure all arms that can be, and write the report.

    Args:
        config: what is measured.
        gate: what an arm has to show against the base.
        command: arguments, for the records.
        say: called with a line on each arm.
        progress: called with (answers so far, answers in all) of one arm, and of the times.
        opened: opens the retriever.

    Raises:
        PrepdataError: rows, scorers, prices, what arms name, or the output folder cannot be used: nothing was asked.
        OSError: something cannot be written.
    """
    settings = Settings()
    prices = prices_of(config)
    asked = _asked(config, settings)
    _check_metrics(gate, asked)
    folder = Path(config.output)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"{folder}: no folder for the records: {error.strerror}") from None
    ways = Ways(config, [row for _, row in asked.rows()], settings, opened)
    check(config, ways, asked)
    session = _Session(config, ways, asked, folder, command, say, progress)
    taken: dict[ArmName, ArmResult] = {"base": session.given(config.baseline)} if config.baseline is not None else {}
    results = {name: taken.get(name) or session.arm(name) for name in ARMS}
    times, notes = session.times()
    measured = session.measured
    if times is not None:
        base = measured["base"].record
        measured = {n: times.beside(n, held, base) if n != "base" else held for n, held in measured.items()}
    arms = [_described(results[name], session, times, prices) for name in ARMS]
    made = report(
        arms, measured, gate, config.floor, models=session.models(), notes=[*ways.notes(), *notes],
        timed=(len(times.rows), len(times.arms["base"][0].seconds)) if times is not None else (0, 0),
    )  # fmt: skip
    with replacing(folder / REPORT) as out:
        out.write(msgspec.json.format(json_text(made).encode(), indent=2) + b"\n")
    return made


def _asked(config: ArmsConfig, settings: Settings) -> Asked:
    """Return rows and scorers, without what is put before prompts."""
    test, retention = read_sets(config.test, config.retention, settings)
    rows = [*test.rows, *(retention.rows if retention else ())]
    return Asked(test, retention, Prompting(), scorers_for(rows, config.scorers))


def _check_metrics(gate: Gate, asked: Asked) -> None:
    """Refuse a gate that asks for metrics that no scorer gives, before anything is asked.

    Raises:
        UsageError: names the metric, and the nearest that there is.
    """
    known = [scorer.name for scorer in asked.scorers]
    named = {"primary": gate.primary, "forgetting-metric": gate.forgetting_metric}
    if not any(scorer.aggregate for scorer in asked.scorers):  # aggregates have names of their own
        guarded = {f"guards.{word}": word.rpartition("/")[2] for word in gate.guards}
        named |= {place: metric for place, metric in guarded.items() if metric != ERRORS}
    for place, metric in named.items():
        if metric is not None and metric not in known:
            raise UsageError(
                f"gate.{place}: no scorer gives the metric '{metric[:80]}'.{nearest(metric, known)} "
                f"These are measured: {', '.join(known)}"
            )


class _Session:
    """One call: asks arm after arm, and keeps what was measured."""

    def __init__(
        self, config: ArmsConfig, ways: Ways, asked: Asked, folder: Path, command: Sequence[str], say: Say,
        progress: Progress | None,
    ) -> None:  # fmt: skip
        self.config, self.ways, self.asked, self.folder = config, ways, asked, folder
        self.command, self.say, self.progress = command, say, progress
        self.measured: dict[ArmName, Measured] = {}
        self.asks: dict[ArmName, Asked] = {}
        self.held: dict[ArmName, Loaded] = {}

    def arm(self, name: ArmName) -> ArmResult:
        """Return an arm with its record; where it cannot be measured, why."""
        if why := lacking(name, self.config):
            return ArmResult(name=name, status="left out", reason=why)
        try:
            made = self._made(name)
        except (PrepdataError, OSError) as error:
            self.say(f"{name}: not measured: {error}")
            return ArmResult(name=name, status="failed", reason=" ".join(str(error).split()))
        return made

    def given(self, baseline: str) -> ArmResult:
        """Return the base as a record of `prepdata baseline` holds it.

        Raises:
            PrepdataError: the record cannot be read, or is not what would be asked now; says in which fields.
        """
        asked, backend = self.asked, self.ways.backend("base")
        rendering = backend.rendering([asked.prompting.prompt(row) for _, row in asked.rows()])
        record = in_place_of(baseline, outline(backend, asked, rendering, kind_of("base"), self.command))
        self.say(f"base: {baseline} is taken, its {record.samples.rows:,} rows are not asked again")
        return self._held("base", Path(baseline), record, backend, asked)

    def _made(self, name: ArmName) -> ArmResult:
        """Return an arm whose record is there, made now or before."""
        asked = self.asked._replace(prompting=self.ways.prompting(name))
        backend = self.ways.backend(name)
        path = self.folder / f"{name}.json"
        record, new = self._kept(name, path, backend, asked), 0
        if record is None:
            counter = _Counter(self.progress)
            record = evaluate(
                backend, asked, path, kind=kind_of(name), command=self.command, trained=self.ways.trained(name),
                losses=False, progress=counter,
            )  # fmt: skip
            new = counter.asked
            self.say(f"{name}: {new:,} rows asked")
        return self._held(name, path, record, backend, asked, new)

    def _held(
        self, name: ArmName, path: Path, record: Evaluation, backend: Backend, asked: Asked, new: int = 0
    ) -> ArmResult:
        """Return an arm with its record, and keep what was asked of which model."""
        self.measured[name] = Measured(str(path), record, read_samples(path, record))
        self.asks[name], self.held[name] = asked, loaded(backend, (name,))
        shown = asked.prompting.retrieved
        return ArmResult(
            name=name,
            status="measured",
            record=os.path.relpath(path, self.folder),
            sha256=record.sha256,
            asked=new,
            metrics=record.results,
            k=shown.info.k if shown else None,
            retrieval=shown.measured(asked.test.rows) if shown else {},
        )

    def _kept(self, name: ArmName, path: Path, backend: Backend, asked: Asked) -> Evaluation | None:
        """Return the record of an earlier call; None where there is none, or it was made with other settings."""
        if not path.exists():
            return None
        record = read(path)
        prompts = [asked.prompting.prompt(row) for _, row in asked.rows()]
        draft = outline(backend, asked, backend.rendering(prompts), kind_of(name), self.command)
        if changed := _changed(record, draft):
            self.say(f"{name}: asked again, since other than before: {', '.join(changed)}")
            return None
        self.say(f"{name}: kept, all {len(prompts):,} rows were asked before")
        return record

    def times(self) -> tuple[Times | None, list[str]]:
        """Return the times of all measured arms in turns, and what to know of them."""
        if not self.config.latency_rows or "base" not in self.measured:
            return None, ["no times were taken in turns" + ("" if self.config.latency_rows else " (latency-rows = 0)")]
        sides = {name: self._timed(name) for name in self.measured}
        try:
            return timed(sides, self.measured, self.config.latency_rows, self.folder, self.progress), []
        except (PrepdataError, OSError, ValueError) as error:
            return None, [f"no times: {error}"]

    def _timed(self, name: ArmName) -> Timed:
        rows, prompting = self.asked.test.rows, self.asks[name].prompting
        backend = self.ways.backend(name)
        before: Callable[[int], object] | None = None
        if name in RETRIEVING:
            retriever, k = self.ways.retriever(), self.config.k

            def before(number: int) -> object:
                return retriever.search(question(rows[number]), k)

        return Timed(backend, [prompting.prompt(row) for row in rows], before)

    def models(self) -> list[Loaded]:
        """Return the models that were loaded, each with the arms that share it."""
        found = []
        for side in ("base", "tuned"):
            arms = tuple(name for name in self.held if side_of(name) == side)
            if arms:
                found.append(msgspec.structs.replace(self.held[arms[0]], arms=arms))
        return found


class _Counter:
    """Passes progress on, and counts the answers that were not there before."""

    def __init__(self, progress: Progress | None) -> None:
        self.progress, self.first, self.total = progress, -1, 0

    def __call__(self, done: int, total: int) -> None:
        self.first, self.total = done if self.first < 0 else self.first, total
        if self.progress is not None:
            self.progress(done, total)

    @property
    def asked(self) -> int:
        """Answers made by this call."""
        return self.total - max(self.first, 0)


def _changed(record: Evaluation, draft: Evaluation) -> list[str]:
    """Return in what a record differs from one that would be made now."""
    sides = []
    for one in (record, draft):
        plain = msgspec.to_builtins(one)
        held = {name: plain[name] for name in ("model", "arm", "rendering", "decoding", "scorers")}
        sets = {name: info and info["hash"] for name, info in plain["data"].items()}
        sides.append({**held, "data": sets})
    return [name for name in sides[0] if sides[0][name] != sides[1][name]]


def _described(arm: ArmResult, session: _Session, times: Times | None, prices: Prices) -> ArmResult:
    """Return an arm with tokens, times and costs."""
    if arm.status != "measured":
        return arm
    samples = [sample for sample in session.measured[arm.name].samples if sample.set == "test"]
    tokens = _mean([s.prompt_tokens for s in samples], samples), _mean([s.tokens for s in samples], samples)
    seconds = times.mean(arm.name) if times is not None else None
    return msgspec.structs.replace(
        arm,
        tokens_in=tokens[0],
        tokens_out=tokens[1],
        latency=latency_of_rounds(times.arms[arm.name]) if times is not None else None,
        seconds=seconds,
        cost=cost_of(
            prices, tuned=arm.name in TUNED, searched=arm.name in RETRIEVING, tokens=tokens, seconds=seconds
        ),
    )  # fmt: skip


def _mean(counts: Sequence[int | None], samples: Sequence[SampleResult]) -> float | None:
    """Return the mean over rows with an answer; None where one of them has no count."""
    held = [count for count, sample in zip(counts, samples) if sample.finish_reason != "error"]
    known = [count for count in held if count is not None]
    return statistics.fmean(known) if known and len(known) == len(held) else None
