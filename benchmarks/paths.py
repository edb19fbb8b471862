"""The hot paths that `benchmarks.hot_paths` times: from the bytes of a file to the text of a report."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.clock import Timed, least, peak_of
from prepdata.api import plan_of
from prepdata.chunk import Chunk, texts
from prepdata.engine import Mapper, decode_result, encode_result
from prepdata.formats import detect, get
from prepdata.index.columns import digests
from prepdata.meters import NAMES, build_meters
from prepdata.parse import parse
from prepdata.reduce import FileRun, findings, measures
from prepdata.report import FileReport, Report
from prepdata.reporters import MODULES
from prepdata.reporters import get as reporter
from prepdata.reporters.base import Output
from prepdata.rules.base import CALLS, EVERY, LOOK, SHAPE, CorpusRule, Pattern, RecordRule, Rule, Words
from prepdata.rules.loader import build
from prepdata.scan import Scanner
from prepdata.select import select
from prepdata.settings import Settings
from prepdata.sources import discover, open_source
from prepdata.targets import load as load_target

WHOLE = "whole: map (all below, for one process)"
"""The path that holds all parts of mapping a row."""
PARTS = ("parse", "shared columns", "scanner", "record rules", "corpus rules", "meters", "results")
"""Groups whose paths are parts of mapping, each without the others."""


class Bench:
    """A file with everything that single paths need made ready beforehand.

    Args:
        file: a JSONL file.
        repeat: passes per path; the least counts.
        targets: names of targets.
        all_rules: True for the rules that are off by default too.
    """

    def __init__(self, file: Path, repeat: int, targets: Sequence[str] = (), *, all_rules: bool = False) -> None:
        self.file, self.repeat, self.size = file, repeat, file.stat().st_size
        self.settings = Settings(targets=tuple(targets), encoding="o200k_base", offline=True, cache=False,
                                 jobs=1, select=("ALL",) if all_rules else Settings().select)  # fmt: skip
        loaded = tuple(load_target(name) for name in targets)
        self.selection = select(self.settings)
        self.plan = plan_of(self.settings, self.selection, loaded, self.size)
        self.item = discover([str(file)])[0]
        source = open_source(self.item, self.settings)
        found = detect([json.loads(line) for line in source.head_rows()], {})
        self.format = found.name if found else None
        self.raws = list(source.chunks())
        self.mapper = Mapper(self.plan)
        self.results = [self.mapper.map(raw, self.format) for raw in self.raws]
        self.rows = sum(result.rows for result in self.results)
        self.chunks = [self.parsed(raw) for raw in self.raws]
        for chunk in self.chunks:
            self._fill(chunk)

    def parsed(self, raw: Any) -> Chunk:
        """Return a fresh chunk."""
        expected = get(self.format, self.plan.columns) if self.format else None
        return parse(raw.load(), raw.rows, raw.lines, expected).chunk

    def _fill(self, chunk: Chunk) -> None:
        """Run everything that derives columns, so that what is timed later finds them there."""
        chunk.derived(texts), chunk.derived(digests)
        for rule in self.mapper.corpus:
            rule.see(chunk)
        for meter in self.mapper.meters:
            meter.see(chunk)

    def timed(self, group: str, name: str, each: Callable[[Any], Any], over: Sequence[Any] | None = None, *,
              note: str = "", peer: tuple[str, float] | None = None) -> Timed:  # fmt: skip
        """Time a function that is called for every chunk (or every item of `over`)."""
        items = self.chunks if over is None else over

        def work() -> None:
            for item in items:
                each(item)

        seconds = least(work, self.repeat)
        peak = peak_of(lambda: each(items[0])) if items else 0
        return Timed(group, name, seconds, self.rows, self.size, peak, note, peer)


def sources(bench: Bench) -> Iterator[Timed]:
    """Reading, hashing, cutting; and the whole of mapping."""

    def read(_: Any) -> None:
        for _chunk in open_source(bench.item, bench.settings).chunks():
            pass

    yield bench.timed("source", "read, hash and cut into chunks", read, [None])
    mapper = bench.mapper
    yield bench.timed("whole", WHOLE.partition(": ")[2], lambda raw: mapper.map(raw, bench.format), bench.raws)


def parsing(bench: Bench) -> Iterator[Timed]:
    """Lines to records, beside the usual libraries."""
    lines = [line for raw in bench.raws for line in raw.load().split(b"\n") if line.strip()]
    for name, loads in _parsers().items():
        yield bench.timed("parsers of others", name, partial(_each, loads), [lines])
    plain = least(lambda: [json.loads(line) for line in lines], bench.repeat)
    yield bench.timed("parse", "parse: bytes to records", bench.parsed, bench.raws, peer=("json.loads", plain))


def _parsers() -> dict[str, Callable[[bytes], Any]]:
    import jsonschema
    import msgspec

    from benchmarks.peer_loop import SCHEMA, Row

    validator = jsonschema.Draft202012Validator(SCHEMA)
    return {
        "json.loads": json.loads,
        "msgspec.json.decode": msgspec.json.Decoder().decode,
        "pydantic model_validate_json": Row.model_validate_json,
        "json.loads + jsonschema": lambda line: list(validator.iter_errors(json.loads(line))),
    }


def columns(bench: Bench) -> Iterator[Timed]:
    """Columns that several rules share, each timed with those it builds on already there."""
    computes = dict.fromkeys(compute for chunk in bench.chunks for compute in chunk._derived)
    for compute in computes:
        place = f"{compute.__module__.removeprefix('prepdata.')}.{compute.__qualname__}"
        yield bench.timed("shared columns", place.replace(".<locals>", ""), compute)


def triggers(bench: Bench) -> Iterator[Timed]:
    """The scanner with rules that find nothing: what it costs to decide which rows a rule sees."""
    rules = _record_rules(bench)
    for rule in rules:
        setattr(rule, "check", _silent)  # noqa: B010
        setattr(rule, "check_texts", _silent)  # noqa: B010
    kinds = {
        "rules of every row": [rule for rule in rules if rule.trigger == EVERY],
        "rules that look at chunks": [rule for rule in rules if rule.trigger == LOOK],
        "rules of shapes": [rule for rule in rules if rule.trigger in (SHAPE, CALLS)],
        "words of rules: join, lower, search": [rule for rule in rules if isinstance(rule.trigger, Words)],
        "patterns of rules: join, search": [rule for rule in rules if isinstance(rule.trigger, Pattern)],
    }
    for name, members in kinds.items():
        run = Scanner(members).run
        yield bench.timed("scanner", f"{name} ({len(members)})", partial(_drained, run))
    whole, foreign = [], []
    for chunk in bench.chunks:
        pieces = [text.text for text in chunk.derived(texts)]
        whole.append("\0".join(pieces))
        foreign.append("\0".join(text for text in pieces if not text.isascii()))
    for rule in rules:
        if isinstance(rule.trigger, Pattern):
            searched = foreign if rule.trigger.traces == () else whole
            find = partial(_found, rule.trigger.pattern)
            yield bench.timed("patterns alone", f"{rule.code} {rule.name}", find, searched)


def _silent(*_: Any) -> Iterator[Any]:
    return iter(())


def _drained(function: Callable[[Any], Any], argument: Any) -> None:
    for _ in function(argument):
        pass


def _found(pattern: re.Pattern[str], text: str) -> None:
    for _ in pattern.finditer(text):
        pass


def _record_rules(bench: Bench) -> list[RecordRule]:
    return [rule for rule in _rules(bench) if isinstance(rule, RecordRule)]


def _rules(bench: Bench) -> list[Rule]:
    return [
        rule
        for name, options in bench.plan.rules
        for rule in [build(next(r for r in bench.selection.rules if r.name == name), options, bench.plan.context)]
        if rule.missing() is None
    ]


def record_rules(bench: Bench) -> Iterator[Timed]:
    """Each record rule on exactly the rows that its trigger lets it see."""
    rules = _record_rules(bench)
    seen: dict[str, list[tuple[Any, ...]]] = {rule.name: [] for rule in rules}
    asked = {
        rule.name: "check" if type(rule).check_texts is RecordRule.check_texts else "check_texts" for rule in rules
    }
    for rule in rules:
        name = asked[rule.name]
        setattr(rule, name, partial(_noted, getattr(rule, name), seen[rule.name]))
    scanner = Scanner(rules)
    for chunk in bench.chunks:
        for _ in scanner.run(chunk):
            pass
    for rule in rules:
        delattr(rule, asked[rule.name])
        calls = seen[rule.name]
        yield bench.timed("record rules", f"{rule.code} {rule.name}", partial(_each, _called), [calls],
                          note=f"saw {len(calls):,} rows")  # fmt: skip


def _noted(check: Callable[..., Any], into: list[tuple[Any, ...]], *given: Any) -> Any:
    into.append((check, given))
    return check(*given)


def _called(call: tuple[Any, ...]) -> None:
    for _ in call[0](*call[1]):
        pass


def corpus_rules(bench: Bench) -> Iterator[Timed]:
    """Each corpus rule's look at chunks, with shared columns there, and its judgement at the end."""
    for rule in bench.mapper.corpus:
        yield bench.timed("corpus rules", f"{rule.code} {rule.name}: see", rule.see)
    run = _file_run(bench)
    for rule in bench.mapper.corpus:
        yield bench.timed("at the end", f"{rule.code} {rule.name}: finish",
                          partial(findings, rules=[rule]), [[run._replace(results=_only(run, rule))]])  # fmt: skip


def _only(run: FileRun, rule: CorpusRule) -> list[Any]:
    import msgspec

    name = "rule:" + rule.name
    return [
        msgspec.structs.replace(r, hits=[], parts={k: v for k, v in r.parts.items() if k == name}) for r in run.results
    ]


def meters(bench: Bench) -> Iterator[Timed]:
    """Each meter with shared columns there, and without them those that are off by default."""
    usual = {meter.name for meter in bench.mapper.meters}
    for meter in build_meters(NAMES, bench.plan.meter_context):
        group = "meters" if meter.name in usual else "meters off by default"
        yield bench.timed(group, f"{meter.name}: see", meter.see)
        if meter.name in usual:
            yield bench.timed("at the end", f"meter {meter.name}: finish", partial(measures, meters=[meter]),
                              [[_file_run(bench)]])  # fmt: skip


def counters(bench: Bench) -> Iterator[Timed]:
    """Token counters on the texts of all rows, beside tiktoken's own two ways."""
    from prepdata.tokens import vocab
    from prepdata.tokens.bpe import FastCounter, TiktokenCounter, build_encoding, fastokens_available
    from prepdata.tokens.estimate import EstimateCounter

    batches = [[text.text for text in chunk.derived(texts)] for chunk in bench.chunks]
    ranks = vocab.find("o200k_base", offline=True)
    estimate = EstimateCounter("")
    group = "token counters"
    if ranks is None:
        yield bench.timed(group, "estimate", estimate.count, batches, note="no vocabulary here")
        return
    encoding = build_encoding("o200k_base", ranks)
    loop = bench.timed(group, "tiktoken encode_ordinary in a loop (peer)",
                       lambda batch: [len(encoding.encode_ordinary(t)) for t in batch], batches)  # fmt: skip
    yield loop
    peer = ("a tiktoken loop", loop.seconds)
    yield bench.timed(group, "tiktoken encode_ordinary_batch, 1 thread (peer)",
                      lambda batch: encoding.encode_ordinary_batch(batch, num_threads=1), batches)  # fmt: skip
    ours: dict[str, Any] = {"estimate": estimate, "tiktoken counter": TiktokenCounter("o200k_base", ranks)}
    if fastokens_available() and ranks.path:
        ours["fastokens counter"] = FastCounter(ours["tiktoken counter"], ranks.path)
    for name, counter in ours.items():
        counter.prepare()
        counter.count(batches[0])
        yield bench.timed(group, name, counter.count, batches, peer=peer)


def results(bench: Bench) -> Iterator[Timed]:
    """Chunk results on their way from worker processes, and reduced."""
    blobs = [blob for result in bench.results if (blob := encode_result(result)) is not None]
    kept = sum(len(blob) for blob in blobs) / max(1, bench.rows)
    yield bench.timed("results", "encode a chunk result", encode_result, bench.results, note=f"{kept:,.0f} bytes a row")
    yield bench.timed("at the end", "decode a chunk result", decode_result, blobs)
    rules = _rules(bench)
    run = _file_run(bench)
    yield bench.timed("at the end", "findings of all rules", lambda _: findings([run], rules), [None])


def reporters(bench: Bench) -> Iterator[Timed]:
    """Reporters on the findings of this file."""
    report = _report(bench)
    for name in MODULES:
        yield bench.timed("reporters", name, partial(_written, reporter(name)), [report],
                          note=f"{len(report.findings):,} findings")  # fmt: skip


def _each(function: Callable[[Any], Any], items: Sequence[Any]) -> None:
    for item in items:
        function(item)


def _written(write: Any, report: Report) -> None:
    write(report, io.StringIO(), Output())


def _file_run(bench: Bench) -> FileRun:
    return FileRun(str(bench.file), 0, bench.size, True, bench.results, [])


def _report(bench: Bench) -> Report:
    run = _file_run(bench)
    found = findings([run], _rules(bench))
    file = FileReport(path=run.path, format=bench.format, examples=bench.rows, lines=bench.rows, size=bench.size,
                      sha256=None)  # fmt: skip
    return Report(files=(file,), findings=tuple(found), measures=measures([run], bench.mapper.meters))


GROUPS: tuple[Callable[[Bench], Iterator[Timed]], ...] = (
    sources, parsing, columns, triggers, record_rules, corpus_rules, meters, counters, results, reporters,
)  # fmt: skip
