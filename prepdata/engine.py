"""The only loop. Map: a raw chunk becomes a chunk result. Reduce: all chunk results become a report.

Both halves go from data to data, so that one process, several, or another machine run the same functions, and what a
chunk gave can be kept (`prepdata.cache`) until its bytes, the settings or the version change.
"""

from __future__ import annotations

from array import array
from typing import Any

import msgspec

from prepdata.chunk import Chunk, Fact
from prepdata.findings import Hit
from prepdata.formats import get
from prepdata.index.columns import exact_digests
from prepdata.meters import Meter, build_meters
from prepdata.meters.base import MeterContext
from prepdata.parse import parse
from prepdata.record import Record
from prepdata.report import CRASH
from prepdata.rules.base import Context, CorpusRule, FactRule, RecordRule, Rule
from prepdata.rules.loader import build, find
from prepdata.scan import Scanner
from prepdata.sources.base import RawChunk
from prepdata.text.masking import masked, text_at


class Plan(msgspec.Struct, frozen=True):
    """All that a worker process needs to map chunks.

    Args:
        rules: names of the rules that run, with their options.
        context: what rules may know of the run.
        meters: names of the meters; `meter_context` what they may know.
        columns: user-given column names for rows of no known format.
        triggers: False to show every row to every rule (tests only).
    """

    rules: tuple[tuple[str, dict[str, Any]], ...]
    context: Context
    meters: tuple[str, ...]
    meter_context: MeterContext
    columns: dict[str, str] = {}
    triggers: bool = True


class RawHit(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A hit with its place in the chunk. `crash` holds the exception's text where the rule crashed."""

    rule: str
    row: int | None
    line: int | None
    hit: Hit
    crash: str = ""


class ChunkResult(msgspec.Struct, frozen=True):
    """What one chunk gave.

    Args:
        rows: number of rows (lines that are not blank).
        lines: number of lines.
        row_lines: uint32 line number of each row, empty where row and line numbers are equal.
        digests: uint64 digest of each row's meaning; for a row without a record, of its bytes. Rows of which no rule
            can speak may have none (0).
        hits: findings of fact and record rules.
        parts: what corpus rules ("rule:NAME") and meters ("meter:NAME") kept.
    """

    rows: int
    lines: int
    row_lines: bytes
    digests: bytes
    hits: list[RawHit]
    parts: dict[str, Any]

    def line_of(self, row: int) -> int:
        """Return the 0-based line, in the chunk, of a 0-based row."""
        if not self.row_lines:
            return row
        return int.from_bytes(self.row_lines[row * 4 : row * 4 + 4], "little")

    def digest_of(self, row: int) -> int:
        """Return the digest of a row's meaning, or of its bytes if it has no record."""
        return int.from_bytes(self.digests[row * 8 : row * 8 + 8], "little")


_encode = msgspec.msgpack.Encoder().encode
decode_result = msgspec.msgpack.Decoder(ChunkResult).decode


def encode_result(result: ChunkResult) -> bytes | None:
    """Return a result as msgpack; None where it holds what msgpack cannot say: huge integers, half characters."""
    try:
        return _encode(result)
    except (OverflowError, ValueError, TypeError, RecursionError):
        return None


class Mapper:
    """Maps raw chunks to chunk results; built once per process."""

    def __init__(self, plan: Plan) -> None:
        built = [build(find(name), options, plan.context) for name, options in plan.rules]
        runnable = [rule for rule in built if rule.missing() is None]
        self.columns = plan.columns
        self.fact_rules = _by_fact(runnable)
        self.corpus = [r for r in runnable if isinstance(r, CorpusRule)]
        self.scanner = Scanner([r for r in runnable if isinstance(r, RecordRule)], triggers=plan.triggers)
        self.meters: list[Meter] = build_meters(plan.meters, plan.meter_context)

    def prepare(self) -> None:
        """Load what many chunks need, before any is mapped; processes forked afterwards share it."""
        for meter in self.meters:
            meter.prepare()

    def map(self, raw: RawChunk, format_name: str | None) -> ChunkResult:
        """Return what a raw chunk gives. `format_name` is the format of the file, if it has one."""
        expected = get(format_name, self.columns) if format_name else None
        chunk, row_lines = parse(raw.load(), raw.rows, raw.lines, expected)
        hits = self.explain(chunk.facts)
        for rule, record, found in self.scanner.run(chunk):
            shown = discreet(rule, found, record) if isinstance(found, Hit) else found
            hits.append(_raw_hit(rule, record.row, record.line, shown))
        parts: dict[str, Any] = {}
        for corpus_rule in self.corpus:
            try:
                parts["rule:" + corpus_rule.name] = corpus_rule.see(chunk)
            except Exception as error:
                hits.append(_raw_hit(corpus_rule, None, None, error))
        for meter in self.meters:
            parts["meter:" + meter.name] = meter.see(chunk)
        rows = len(row_lines)
        same = rows == chunk.lines and rows > 0 and row_lines[-1] == rows - 1
        spoken = {hit.row for hit in hits if hit.row is not None}
        held = chunk
        if (named := self._named(parts)) is not None:
            held = _spoken_of(chunk, spoken | named)
        return ChunkResult(
            rows, chunk.lines, b"" if same else _packed("I", row_lines), _row_digests(held, rows), hits, parts
        )

    def _named(self, parts: dict[str, Any]) -> set[int] | None:
        """Return the rows that corpus rules may speak of, None for any."""
        rows: set[int] = set()
        for rule in self.corpus:
            key = "rule:" + rule.name
            named = rule.rows_of(parts[key]) if key in parts else ()
            if named is None:
                return None
            rows.update(named)
        return rows

    def explain(self, facts: list[Fact]) -> list[RawHit]:
        """Return what the fact rules say of facts."""
        hits: list[RawHit] = []
        for fact in facts:
            for rule in self.fact_rules.get(fact.kind, ()):
                try:
                    for hit in rule.explain(fact):
                        hits.append(_raw_hit(rule, fact.row, fact.line, discreet(rule, hit)))
                except Exception as error:
                    hits.append(_raw_hit(rule, fact.row, fact.line, error))
        return hits


def discreet(rule: Rule, hit: Hit, record: Record | None = None) -> Hit:
    """Return a hit with secrets and personal data masked in what it shows; PRIV rules do so themselves."""
    if rule.code.startswith("PRIV"):
        return hit
    source = text_at(record.raw, hit.path) if record is not None else None
    message = masked(hit.message, source)
    excerpt = masked(hit.excerpt, source) if hit.excerpt else hit.excerpt
    if message == hit.message and excerpt == hit.excerpt:
        return hit
    return msgspec.structs.replace(hit, message=message, excerpt=excerpt)


def _by_fact(rules: list[Rule]) -> dict[str, list[FactRule]]:
    found: dict[str, list[FactRule]] = {}
    for rule in rules:
        if isinstance(rule, FactRule):
            for kind in rule.facts:
                found.setdefault(kind, []).append(rule)
    return found


def _raw_hit(rule: Rule, row: int | None, line: int | None, found: Hit | BaseException) -> RawHit:
    if isinstance(found, Hit):
        return RawHit(rule.name, row, line, found)
    return RawHit(rule.name, row, line, crash_hit(rule.name, found), f"{type(found).__name__}: {found}")


def crash_hit(rule: str, error: BaseException) -> Hit:
    """Return the hit that says that a rule crashed. The data itself is not repeated in it."""
    return Hit(
        f"rule '{rule}' failed with {type(error).__name__}; its result is incomplete. "
        f"Please report this; until then `--ignore {rule}` lets the run pass.",
        severity="error",
    )


def _packed(code: str, values: array[int]) -> bytes:
    import sys

    if sys.byteorder == "big":
        values = array(code, values)
        values.byteswap()
    return values.tobytes()


def _spoken_of(chunk: Chunk, rows: set[int]) -> Chunk:
    """Return the part of a chunk with some rows: no other will be asked for its digest."""
    part = Chunk(chunk.format, [record for record in chunk.records if record.row in rows], [], chunk.lines)
    part.unread = {row: digest for row, digest in chunk.unread.items() if row in rows}
    return part


def _row_digests(chunk: Chunk, rows: int) -> bytes:
    exact = exact_digests(chunk)
    if len(exact) == rows:
        return _packed("Q", exact)
    spread = array("Q", bytes(8 * rows))
    for record, digest in zip(chunk.records, exact):
        spread[record.row] = digest
    for row, digest in chunk.unread.items():
        spread[row] = digest
    return _packed("Q", spread)


__all__ = ["CRASH", "ChunkResult", "Mapper", "Plan", "RawHit", "decode_result", "encode_result"]
