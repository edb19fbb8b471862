"""FMT022: rows in a record format that a target does not take."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Iterator
from typing import ClassVar, Literal, NamedTuple

from prepdata.chunk import Chunk
from prepdata.findings import Hit, Severity, plural
from prepdata.rules.base import CorpusRule, Parts
from prepdata.rules.targeting import listed, value

_WRITES = {
    "chat": ("openai", "bedrock", "gemini", "sharegpt"),
    "pairs": ("openai-dpo", "trl-preference"),
    "labels": ("trl-kto",),
    "text": (),
}
"""Formats in which conversations, preference pairs and labelled answers can be written with all they hold, the best
first: Haiku takes what is written as openai, but no row with the name of a schema. A text without a prompt cannot
become a conversation."""
_HOLDS = {"chat": "conversations", "pairs": "chosen and rejected answers", "labels": "answers labelled good or bad",
          "text": "texts without a prompt"}  # fmt: skip


class _Refusal(NamedTuple):
    """Targets that take the same formats, and what of a file they do not take."""

    targets: tuple[str, ...]
    takes: tuple[str, ...]
    kinds: tuple[str, ...]


class FormatNotAccepted(CorpusRule):
    """Finds files whose rows are in a record format that a target does not take.

    Why: a hosted job refuses the file after the upload, a trainer stops at a missing key or skips all rows. Every other
    check of such a file is about rows that never get that far.
    Bad:
        {"conversations": [{"from": "human", "value": "Hi"}, {"from": "gpt", "value": "Hello."}]}
    Good:
        {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello."}]}
    Fix: none here; `prepdata convert` writes the rows in another format and says what that would lose.
    Source: the `accepts.formats` value of each target file, with its own source and date. Bytes kept per row: none.
    """

    code: ClassVar[str] = "FMT022"
    name: ClassVar[str] = "format-not-accepted"
    severity: ClassVar[Severity] = "error"
    scope: ClassVar[Literal["file", "dataset", "run"]] = "file"

    def setup(self) -> None:
        self.takes: dict[tuple[str, ...], list[str]] = {}
        for target in self.context.targets:
            known = value(target.accepts.formats)
            if known:
                self.takes.setdefault(tuple(known), []).append(target.name)
        sets = [set(formats) for formats in self.takes]
        self.everywhere = set.intersection(*sets) if sets else set()
        """Formats that all targets take."""

    def missing(self) -> str | None:
        return None if self.context.targets else "a target with --target"

    def see(self, chunk: Chunk) -> dict[str, dict[str, int]]:
        """Return how many rows there are of each format that some target does not take, by what they hold."""
        if not self.takes:
            return {}
        found: dict[str, dict[str, int]] = {}
        counts = Counter([record.format for record in chunk.records])
        for format in sorted(counts.keys() - self.everywhere):
            if format == "text":
                found[format] = {"text": counts[format]}
                continue
            rows = [record for record in chunk.records if record.format == format]
            single = [record for record in rows if not record.chosen and not record.rejected]
            pairs, labels = len(rows) - len(single), sum(1 for record in single if record.label is not None)
            found[format] = {"pairs": pairs, "labels": labels, "chat": counts[format] - pairs - labels}
        return found

    def finish(self, parts: Parts) -> Iterator[tuple[int | None, Hit]]:
        counts: dict[str, Counter[str]] = {}
        for _, seen in parts.parts:
            for format, kinds in seen.items():
                counts.setdefault(format, Counter()).update(kinds)
        refusals = []
        refused: set[str] = set()
        for takes, targets in self.takes.items():
            wrong = sorted(counts.keys() - set(takes))
            if wrong:
                refused.update(wrong)
                kinds = tuple(kind for kind in _WRITES if any(counts[format][kind] > 0 for format in wrong))
                refusals.append(_Refusal(tuple(targets), takes, kinds))
        if refusals:
            totals = {format: counts[format].total() for format in refused}
            named = {name for refusal in refusals for name in refusal.targets}
            order = tuple(target.name for target in self.context.targets if target.name in named)
            text = "; ".join([_found(totals, parts.rows), *map(_taken, refusals), *_cures(refusals, parts)])
            yield None, Hit(text, targets=order)


def _found(totals: dict[str, int], rows: int) -> str:
    """Say how many rows are of which format."""
    count = sum(totals.values())
    share = "1 row" if rows == 1 else f"all {rows:,} rows" if count == rows else f"{count:,} of {rows:,} rows"
    are = "is" if count == 1 and rows == 1 else "are"
    ordered = sorted(totals.items(), key=lambda item: (-item[1], item[0]))
    if len(ordered) == 1:
        return f"{share} {are} in the format {ordered[0][0]}"
    return f"{share} {are} in the formats " + ", ".join(f"{format} ({plural(n, 'row')})" for format, n in ordered)


def _taken(refusal: _Refusal) -> str:
    take = "takes" if len(refusal.targets) == 1 else "take"
    return f"{listed(refusal.targets)} {take} only {', '.join(refusal.takes)}"


def _cures(refusals: list[_Refusal], parts: Parts) -> Iterator[str]:
    """Yield what to do: one command for all targets where there is one, else one for each."""
    path = parts.files[0].path if parts.files else "FILE"
    file = "-" if path == "<stdin>" else shlex.quote(path)
    done: dict[tuple[str, str], list[str]] = {}
    for refusal in refusals:
        for kind in refusal.kinds:
            shared = [r for r in refusals if kind in r.kinds]
            fits = [format for format in _WRITES[kind] if format in refusal.takes]
            common = [format for format in fits if all(format in r.takes for r in shared)]
            format = next(iter(common or fits), "")
            done.setdefault((format, "" if format else _HOLDS[kind]), []).extend(refusal.targets)
    for (format, held), targets in done.items():
        who = f" for {listed(tuple(dict.fromkeys(targets)))}" if len(done) > 1 else ""
        if format:
            yield f"convert the file{who} with `prepdata convert {file} --to {format}`"
        else:
            yield f"{held} cannot be written in such a format{who}: choose other data or another target"
