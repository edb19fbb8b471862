"""Evaluation: held-out rows are asked, answers are kept as they come, scored, and written as a record."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import msgspec

import prepdata
from prepdata.errors import InputError, UsageError
from trainers.generate import Backend, Interrupted, Output, Prompt
from trainers.journal import Journal
from trainers.latency import latency_of
from trainers.lineage import check_held_out
from trainers.memorised import memorised
from trainers.prompting import Prompting
from trainers.record import (
    Aggregate,
    Data,
    DataInfo,
    Evaluation,
    Kind,
    Latency,
    Loss,
    Rendering,
    SampleResult,
    SamplesFile,
    ScorerInfo,
    ScoreValue,
    SetName,
    Timing,
    hash_of,
)
from trainers.record_files import samples_path, write
from trainers.scorers import find_all
from trainers.scorers.base import Call, Sample, Score, Scorer
from trainers.testset import HeldOut, HeldOutSet
from trainers.timing import check_same_prompts, in_turns, spread

if TYPE_CHECKING:
    from trainers.run_evaluation import Trained

ALWAYS = "stop_rate"
"""A scorer that is never left out: a model that does not stop is no use, whatever it says."""
ERRORS = "error_rate"
"""The share of rows without an answer: in every record, though no scorer gives it."""
IN_A_ROW = 3
"""Rows without an answer, one after the other, after which an endpoint is left alone."""

Progress = Callable[[int, int], None]


class Asked(NamedTuple):
    """Everything that decides what is asked.

    Args:
        test, retention: held-out rows, and rows of what the model could do before, which it must not forget.
        prompting: what is put before prompts.
        scorers: what the answers are measured by.
        texts, general: general text whose loss is measured, and what the record says of its file.
    """

    test: HeldOutSet
    retention: HeldOutSet | None
    prompting: Prompting
    scorers: tuple[Scorer, ...]
    texts: tuple[str, ...] = ()
    general: DataInfo | None = None

    def sets(self) -> Iterator[tuple[SetName, HeldOutSet]]:
        """Yield the sets by name."""
        yield "test", self.test
        if self.retention is not None:
            yield "retention", self.retention

    def rows(self) -> list[tuple[SetName, HeldOut]]:
        """Return all rows in the order in which they are asked."""
        return [(name, row) for name, held in self.sets() for row in held.rows]

    @property
    def data(self) -> Data:
        """What the record says of the rows."""
        retention = self.retention.info if self.retention else None
        return Data(test=self.test.info, retention=retention, general=self.general)


class InTurns(NamedTuple):
    """What is asked a second time, for times: so many rows of the held-out set, of the base model and this one."""

    base: Backend
    rows: int


def usual_scorers(rows: Sequence[HeldOut]) -> tuple[str, ...]:
    """Return the names of the scorers that fit what rows expect: those they name, and an exact and a lenient match
    where a row names none."""
    named = [_named(row.expected.get("scorer")) for row in rows]
    found = [name for name in named if name]
    if len(found) < len(named) or not found:
        found = ["exact_match", "normalized_match", *found]
    for mark, name in (("schema", "json_schema"), ("calls", "tool_call"), ("facts", "ungrounded_value_rate")):
        if any(mark in row.expected for row in rows):
            found.append(name)
    return tuple(dict.fromkeys([*found, ALWAYS]))


def scorers_for(rows: Sequence[HeldOut], names: Sequence[str] = ()) -> tuple[Scorer, ...]:
    """Return the scorers of these names and the one that is never left out; without names, those that fit the rows.

    Raises:
        UsageError: there is no scorer of a name.
    """
    return find_all(tuple(dict.fromkeys([*names, ALWAYS])) if names else usual_scorers(rows))


def _named(mark: object) -> str | None:
    name = mark.get("name") if isinstance(mark, dict) else mark
    return name if isinstance(name, str) else None


def evaluate(
    backend: Backend,
    asked: Asked,
    output: Path,
    *,
    kind: Kind,
    command: Sequence[str] = (),
    allow_errors: bool = False,
    trained: Trained | None = None,
    check: Callable[[Evaluation], None] | None = None,
    against: InTurns | None = None,
    losses: bool = True,
    progress: Progress | None = None,
) -> Evaluation:
    """Ask all rows that were not yet asked, score all answers, and write the record.

    Args:
        backend: the model.
        asked: rows, prompts, scorers.
        output: path of the record; answers so far are kept beside it.
        kind: of the record.
        command: arguments, for the record.
        allow_errors: True to record rows for which a failing endpoint gave no answer; else they are left for another
            start, and there is no record before.
        trained: the run that a tuned model is from; answers are then held against its training rows.
        check: called with the record without results before anything is asked; raises where it must not go on.
        against: base model to be timed in turns with this one, after all rows were asked; None for none.
        losses: False to leave out the loss on the references, a pass over every row.
        progress: called with (answers so far, answers in all).

    Returns:
        The record as written.

    Raises:
        UsageError: a scorer fails; the model is not the base of the run, or the run trained on these rows; answers of
            another run are kept at this place.
        InputError: the endpoint cannot be reached, or gave no answer to some rows; or no row could be asked at all.
        OSError: something cannot be written.
    """
    rows = asked.rows()
    prompts = [asked.prompting.prompt(row) for _, row in rows]
    rendering = backend.rendering(prompts)
    draft = outline(backend, asked, rendering, kind, command)
    if trained is not None:
        if trained.base not in (None, draft.model.weights):
            raise UsageError(f"{trained.folder}: the run was trained on another base model than {draft.model.name}")
        draft = msgspec.structs.replace(draft, training=trained.training)
        check_held_out(draft.data, draft.training)
    if check is not None:
        check(draft)
    if against is not None:
        check_same_prompts(against.base, prompts, rendering)
    key = hash_of([draft.model, draft.arm, draft.data.test.hash, _hash(draft), draft.decoding, rendering])
    with Journal(output.with_name(f"{output.name.removesuffix('.json')}.unfinished.jsonl"), key) as journal:
        failed = _ask_all(backend, rows, prompts, journal, progress)
        if failed and not allow_errors:
            raise _unanswered(failed, len(rows), journal)
        done = journal.done | {(sample.set, sample.doc_id): sample for sample in failed}
        if all(sample.finish_reason == "error" for sample in done.values()) and not allow_errors:
            journal.remove()
            first = done[rows[0][0], rows[0][1].id]
            raise InputError(f"none of {len(rows):,} rows got an answer (row {first.doc_id}: {first.error}); no record")
        samples = [_scored(asked.scorers, done[name, row.id]) for name, row in rows]
        told = _losses(backend, asked, rows, prompts) if losses else {}
        timing = _timed(against, backend, list(zip(samples, prompts)), progress) if against else None
        record = _with_results(draft, asked, samples, told, timing)
        if trained is not None:
            record = msgspec.structs.replace(record, memorised=memorised(samples, trained.rows()))
        record = write(output, record, samples)
        journal.remove()
    return record


def _hash(draft: Evaluation) -> str | None:
    return draft.data.retention.hash if draft.data.retention else None


def outline(backend: Backend, asked: Asked, rendering: Rendering, kind: Kind, command: Sequence[str]) -> Evaluation:
    """Return the record without results."""
    return Evaluation(
        prepdata=prepdata.__version__,
        created="",
        command=tuple(command),
        kind=kind,
        model=backend.model,
        arm=asked.prompting.arm,
        rendering=rendering,
        data=asked.data,
        decoding=backend.decoding,
        scorers=tuple(_info(scorer) for scorer in asked.scorers),
        environment=backend.environment,
        results={},
        n_samples={name: {"original": held.info.rows, "effective": len(held.rows)} for name, held in asked.sets()},
        higher_is_better={},
        samples=SamplesFile(path=samples_path("record.json").name, sha256="0" * 64, rows=0),
    )


def _info(scorer: Scorer) -> ScorerInfo:
    return ScorerInfo(
        name=scorer.name,
        version=scorer.version,
        sha256=scorer.sha256,
        settings=dict(scorer.settings),
        higher_is_better=scorer.higher_is_better,
    )


# --- asking ----------------------------------------------------------------------------------------------------------


def _ask_all(
    backend: Backend,
    rows: Sequence[tuple[SetName, HeldOut]],
    prompts: Sequence[Prompt],
    journal: Journal,
    progress: Progress | None,
) -> list[SampleResult]:
    """Ask what was not yet answered; return the rows for which there may be an answer another time."""
    left = [n for n, (name, row) in enumerate(rows) if (name, row.id) not in journal.done]
    size = backend.decoding.batch_size
    failed: list[SampleResult] = []
    in_a_row = 0
    for start in range(0, len(left), size):
        if progress is not None:
            progress(len(rows) - len(left) + start, len(rows))
        batch = left[start : start + size]
        try:
            outputs = backend.generate([prompts[n] for n in batch])
        except Interrupted as error:
            answered = [(n, output) for n, output in zip(batch, error.outputs) if output is not None]
            journal.add([_sample(*rows[n], prompts[n], output) for n, output in answered if not output.again])
            raise
        samples = [_sample(*rows[n], prompts[n], output) for n, output in zip(batch, outputs)]
        journal.add([sample for sample, output in zip(samples, outputs) if not output.again])
        for sample, output in zip(samples, outputs):
            in_a_row = in_a_row + 1 if output.again else 0
            failed += [sample] if output.again else []
        if in_a_row >= IN_A_ROW:
            raise _unanswered(failed, len(rows), journal)
    if progress is not None:
        progress(len(rows), len(rows))
    return failed


def _unanswered(failed: Sequence[SampleResult], total: int, journal: Journal) -> InputError:
    first, left = failed[0], total - len(failed) - len(journal.done)
    unasked = f", and {left:,} were not asked" if left > 0 else ""
    return InputError(
        f"{len(failed):,} of {total:,} rows got no answer (row {first.doc_id}: {first.error}){unasked}. "
        f"{len(journal.done):,} answers are kept in {journal.path}: run the same command again to ask only the others."
    )


def _sample(name: SetName, row: HeldOut, prompt: Prompt, output: Output) -> SampleResult:
    return SampleResult(
        doc_id=row.id,
        set=name,
        doc_hash=row.doc_hash,
        prompt_hash=hash_of([prompt.messages, prompt.tools]),
        target_hash=row.target_hash,
        group=row.group,
        messages=prompt.messages,
        target=row.reference,
        expected=row.expected,
        resps=((output.text,),) if output.finish_reason != "error" else (),
        calls=output.calls,
        tokens=output.tokens,
        prompt_tokens=output.prompt_tokens,
        finish_reason=output.finish_reason,
        seconds=output.seconds,
        batch=output.batch,
        cpu_seconds=output.cpu_seconds,
        error=output.error,
    )


def _timed(
    against: InTurns, backend: Backend, answered: Sequence[tuple[SampleResult, Prompt]], progress: Progress | None
) -> Timing:
    """Return times of both models, of rows that got an answer."""
    rows = [(s.doc_id, prompt) for s, prompt in answered if s.set == "test" and s.finish_reason != "error"]
    if not rows:
        raise InputError("no row of the held-out set got an answer, so there is nothing to be timed")
    return in_turns(against.base, backend, [rows[n] for n in spread(against.rows, len(rows))], progress)


def _losses(
    backend: Backend, asked: Asked, rows: Sequence[tuple[SetName, HeldOut]], prompts: Sequence[Prompt]
) -> dict[str, Loss]:
    found: dict[str, Loss] = {}
    for name in dict.fromkeys(name for name, _ in rows):
        here = [n for n, (other, _) in enumerate(rows) if other == name]
        loss = backend.loss([prompts[n] for n in here], [rows[n][1].reference for n in here])
        if loss is not None:
            found[name] = loss
    if asked.texts and (general := backend.text_loss(asked.texts)) is not None:
        found["general"] = general
    return found


# --- scoring ---------------------------------------------------------------------------------------------------------


def scorer_sample(sample: SampleResult) -> Sample:
    """Return a recorded sample as scorers see it."""
    return Sample(
        id=sample.doc_id,
        prompt=sample.messages,
        reference=sample.target,
        expected=sample.expected,
        output=sample.output,
        output_calls=None if sample.calls is None else _calls(sample.calls),
        finish_reason=sample.finish_reason,
    )


def _calls(listed: Sequence[dict[str, object]]) -> tuple[Call, ...]:
    return tuple(Call(str(call.get("name", "")), call.get("arguments")) for call in listed)


def _scored(scorers: Sequence[Scorer], sample: SampleResult) -> SampleResult:
    seen = scorer_sample(sample)
    given = {scorer.name: scorer(seen) for scorer in scorers}
    scores = {name: ScoreValue(score.value, score.detail) for name, score in given.items()}
    return msgspec.structs.replace(sample, scores=scores)


def _with_results(
    draft: Evaluation,
    asked: Asked,
    samples: Sequence[SampleResult],
    losses: dict[str, Loss],
    timing: Timing | None,
) -> Evaluation:
    results: dict[str, dict[str, Aggregate]] = {}
    latency: dict[str, Latency] = {}
    better = {ERRORS: False}
    for name, _ in asked.sets():
        held = [sample for sample in samples if sample.set == name]
        groups = [sample.group for sample in held]
        results[name] = {}
        for scorer in asked.scorers:
            scores = [Score(given.value, given.detail) for sample in held if (given := sample.scores[scorer.name])]
            results[name][scorer.name] = aggregate(scores, groups)
            better[scorer.name] = scorer.higher_is_better
            for metric, value in _further(scorer, held, scores).items():
                n = sum(score.value is not None for score in scores)
                results[name][metric] = Aggregate(value=value, n=n, not_applicable=len(held) - n)
                better[metric] = scorer.higher_is_better
        failed = [Score(float(sample.finish_reason == "error")) for sample in held]
        results[name][ERRORS] = aggregate(failed, groups)
        if (times := latency_of(held)) is not None:
            latency[name] = times
    return msgspec.structs.replace(
        draft,
        created=datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
        results=results,
        higher_is_better=better,
        latency=latency,
        loss=losses,
        timing=timing,
    )


def _further(scorer: Scorer, samples: Sequence[SampleResult], scores: Sequence[Score]) -> dict[str, float]:
    """Return what a scorer works out over all samples besides the mean."""
    if scorer.aggregate is None:
        return {}
    return scorer.aggregate([scorer_sample(sample) for sample in samples], scores)


def aggregate(scores: Sequence[Score], groups: Sequence[str]) -> Aggregate:
    """Return the mean of the scores that there are, with a 95 % interval: Wilson's for passed and failed where no rows
    belong together, else a bootstrap over groups of rows.

    Args:
        scores: one a row.
        groups: what each row belongs to, "" for itself alone.
    """
    from trainers.statistics import bootstrap, clustered, wilson

    held = [
        (score.value, group or n) for n, (score, group) in enumerate(zip(scores, groups)) if score.value is not None
    ]
    missing = len(scores) - len(held)
    if not held:
        return Aggregate(value=None, n=0, not_applicable=missing)
    values = [value for value, _ in held]
    mean = math.fsum(values) / len(values)
    if set(values) <= {0.0, 1.0} and not any(groups):
        interval, method = wilson(round(math.fsum(values)), len(values)), "wilson"
    else:
        interval, method = bootstrap(clustered(values, [group for _, group in held])), "bootstrap"
    low, high = max(0.0, interval.low), min(1.0, interval.high)
    return Aggregate(value=mean, n=len(values), low=low, high=high, method=method, not_applicable=missing)


def check_output(output: Path, overwrite: bool) -> None:
    """Raise where a record cannot be written, or one is there already.

    Raises:
        UsageError: says what to do.
    """
    if output.suffix != ".json":
        raise UsageError(f"{output}: a record is a JSON file; end its name in .json")
    if not output.parent.is_dir():
        raise UsageError(f"{output.parent} is no folder")
    if output.exists() and not overwrite:
        raise UsageError(f"{output} is there already; --overwrite replaces it, or choose another --output")
