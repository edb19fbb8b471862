"""Reduce: all chunk results of a run become findings and measures. Pure, and the same however files were cut."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Collection, Iterator, Sequence
from functools import partial
from hashlib import blake2b
from itertools import accumulate, groupby
from typing import Any, NamedTuple

import msgspec

from prepdata.engine import ChunkResult, RawHit, crash_hit, discreet
from prepdata.errors import PrepdataError
from prepdata.findings import Finding, Hit, Place
from prepdata.meters import Meter
from prepdata.record import Record
from prepdata.report import CRASH, NotRun
from prepdata.rules.base import CorpusRule, FileInfo, Parts, Rule, Untold

CRASH_CODE = "RUN001"


class FileRun(NamedTuple):
    """One file with everything its chunks gave.

    Args:
        path: as shown to people.
        argument: number of the path argument it came from (files of one argument are one dataset).
        size: bytes as stored, 0 if unknown.
        has_lines: False where rows have no line numbers (Parquet).
        results: one per chunk, in file order.
        hits: findings of the file as a whole.
    """

    path: str
    argument: int
    size: int
    has_lines: bool
    results: Sequence[ChunkResult]
    hits: Sequence[RawHit]

    @property
    def rows(self) -> int:
        """Rows in the file."""
        return sum(r.rows for r in self.results)


class Locator:
    """Finds file, line, record number and digest of a row counted over several files."""

    def __init__(self, files: Sequence[FileRun]) -> None:
        self.chunks: list[tuple[FileRun, ChunkResult, int, int]] = []  # file, result, first row and line in the file
        for file in files:
            row = line = 0
            for result in file.results:
                self.chunks.append((file, result, row, line))
                row, line = row + result.rows, line + result.lines
        self.ends = list(accumulate(result.rows for _, result, _, _ in self.chunks))

    def find(self, row: int) -> tuple[FileRun, int | None, int, int]:
        """Return (file, 1-based line or None, 0-based record, digest) of a row.

        Raises:
            IndexError: there is no such row.
        """
        if row < 0:
            raise IndexError(row)
        i = bisect_right(self.ends, row)
        file, result, first_row, first_line = self.chunks[i]
        local = row - (self.ends[i] - result.rows)
        line = first_line + result.line_of(local) + 1 if file.has_lines else None
        return file, line, first_row + local, result.digest_of(local)

    def place(self, row: int) -> Place:
        """Return file and line of a row."""
        file, line, _, _ = self.find(row)
        return Place(file.path, line)


def fingerprint(rule: str, digest: int | str, path: str | None) -> str:
    """Return the key that stays with a finding when its row moves: 16 hex digits of rule, row digest and path."""
    text = f"{rule}\n{digest}\n{path or ''}"
    return blake2b(text.encode("utf-8", "replace"), digest_size=8).hexdigest()


Again = Callable[[Sequence[FileRun], Collection[int]], Iterator[tuple[int, Record]]]
"""Reads rows of files again (`prepdata.reread`)."""


def findings(
    files: Sequence[FileRun],
    rules: Sequence[Rule],
    again: Again | None = None,
    jobs: int = 1,
    untold: list[NotRun] | None = None,
) -> list[Finding]:
    """Return all findings of a run, in order of file, line, code and path.

    Args:
        files: what the files gave.
        rules: the rules of the run.
        again: reads rows again, for rules that need that.
        jobs: processes that rules may use, where `again` can be called in several at a time.
        untold: to which rules are added that could not tell, if given.
    """
    by_name = {rule.name: rule for rule in rules}
    found: list[Finding] = []
    for file in files:
        found.extend(_file_findings(file, by_name))
    for rule in rules:
        if isinstance(rule, CorpusRule):
            for scope in _scopes(files, rule.scope):
                found.extend(_corpus_findings(rule, scope, again, jobs, [] if untold is None else untold))
    order = {file.path: i for i, file in enumerate(files)}
    found.sort(
        key=lambda f: (order[f.file], f.line or 0, f.record or 0, f.code, f.path or "", f.span or (0, 0), f.message)
    )
    return found


def measures(files: Sequence[FileRun], meters: Sequence[Meter]) -> dict[str, Any]:
    """Return what the meters measure over some files."""
    return {meter.name: meter.finish(_parts(files, "meter:" + meter.name)) for meter in meters}


def _parts(files: Sequence[FileRun], key: str) -> Parts:
    infos, parts, row = [], [], 0
    for file in files:
        infos.append(FileInfo(file.path, file.size, file.rows, row))
        for result in file.results:
            if key in result.parts:
                parts.append((row, result.parts[key]))
            row += result.rows
    return Parts(infos, parts, row)


def _scopes(files: Sequence[FileRun], scope: str) -> Iterator[Sequence[FileRun]]:
    if scope == "run":
        yield files
    elif scope == "file":
        yield from ([file] for file in files)
    else:
        for _, group in groupby(files, key=lambda f: f.argument):
            yield list(group)


def _file_findings(file: FileRun, rules: dict[str, Rule]) -> Iterator[Finding]:
    for raw in file.hits:
        yield _finding(
            rules[raw.rule],
            raw.hit,
            file.path,
            raw.line + 1 if raw.line is not None else None,
            None,
            file.path,
            crash=raw.crash,
        )
    row = line = 0
    for result in file.results:
        for raw in result.hits:
            digest: int | str = result.digest_of(raw.row) if raw.row is not None else file.path
            number = line + raw.line + 1 if raw.line is not None and file.has_lines else None
            record = row + raw.row if raw.row is not None else None
            yield _finding(rules[raw.rule], raw.hit, file.path, number, record, digest, crash=raw.crash)
        row, line = row + result.rows, line + result.lines


def _corpus_findings(
    rule: CorpusRule, files: Sequence[FileRun], again: Again | None, jobs: int, untold: list[NotRun]
) -> Iterator[Finding]:
    locator = Locator(files)
    parts = _parts(files, "rule:" + rule.name)
    if again is not None and rule.rereads:
        parts = parts._replace(fetch=partial(again, files), jobs=jobs)
    try:
        found = list(_located(rule, files, locator, parts, untold))
    except PrepdataError:
        raise
    except Exception as error:
        hit = crash_hit(rule.name, error)
        yield _finding(rule, hit, files[0].path, None, None, files[0].path, crash=f"{type(error).__name__}: {error}")
        return
    yield from found


def _located(
    rule: CorpusRule, files: Sequence[FileRun], locator: Locator, parts: Parts, untold: list[NotRun]
) -> Iterator[Finding]:
    for said in rule.finish(parts):
        if isinstance(said, Untold):
            untold.append(NotRun(rule.name, said.needs))
            continue
        row, found = said
        hit = discreet(rule, found)
        related = tuple(locator.place(r) if isinstance(r, int) else r for r in hit.related)
        if row is None:
            if len(files) > 1:
                hit = msgspec.structs.replace(hit, message=f"{hit.message} ({len(files):,} files taken together)")
            yield _finding(rule, hit, files[0].path, None, None, files[0].path, related)
        else:
            file, line, record, digest = locator.find(row)
            yield _finding(rule, hit, file.path, line, record, digest, related)


def finding_of(rule: Rule, hit: Hit, file: str, crash: str = "") -> Finding:
    """Return a finding about a file as a whole; `crash` holds the exception's text where the rule crashed."""
    return _finding(rule, hit, file, None, None, file, crash=crash)


def _finding(
    rule: Rule,
    hit: Hit,
    file: str,
    line: int | None,
    record: int | None,
    digest: int | str,
    related: tuple[Place, ...] = (),
    crash: str = "",
) -> Finding:
    code, name = (CRASH_CODE, CRASH) if crash else (rule.code, rule.name)
    return Finding(
        code=code,
        name=name,
        severity=hit.severity or rule.severity,
        message=hit.message,
        file=file,
        line=line,
        record=record,
        path=hit.path,
        span=hit.span,
        excerpt=hit.excerpt,
        targets=hit.targets,
        related=related,
        fix=hit.fix,
        rows=hit.rows,
        fingerprint=fingerprint(f"{CRASH} {rule.name}" if crash else name, digest, hit.path),
        digest=None if isinstance(digest, str) else f"{digest:016x}",
    )
