"""COV003: one label, source or tool has nearly all the rows; a declared tool is never called."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, ClassVar

from prepdata.alike import Alike, alike
from prepdata.chunk import Chunk
from prepdata.findings import Hit, Severity, clip
from prepdata.rules.base import CorpusRule, Count, Parts
from prepdata.rules.base import Options as Base
from prepdata.rules.cov._share import percent, quoted, share, whole
from prepdata.text.columns import Turns, turns

LETTERS = 40
"""Letters up to which an answer on one line can be a label."""
MANY = 512
"""With more different values in one chunk a set is not closed, and no more are kept."""
LABELS = 50
"""Different values up to which a set counts as closed."""
EACH = 5
"""A value of a closed set comes this often on average, at least."""

Tally = dict[str, int] | None
"""Value -> rows; None where there are more than `MANY`."""


class DominantLabel(CorpusRule):
    """Finds data sets in which one label, one source or one tool has most of the rows, and tools never called.

    Labels are the row mark `label`, or the answers themselves where nearly all are short and come from a closed set (50
    values at most). Sources are the row mark `source`. Tools count where two or more are declared. Says nothing below
    50 rows. Keeps the counts of short values, 512 at most a chunk, and of tool names.

    Why: a model that says the commonest label to everything is right 9 times of 10 on such data, and learns just
        that. A tool that is declared and never called teaches the model never to call it.
    Bad:
        {"note": "960 of 1,000 answers are 'not spam'"}
    Good:
        {"note": "520 answers are 'spam', 480 'not spam'"}
    Fix: none; collect more rows of the rare labels, or drop some of the common one.
    Source: He and Garcia, Learning from Imbalanced Data, 2009.
    """

    code: ClassVar[str] = "COV003"
    name: ClassVar[str] = "dominant-label"
    severity: ClassVar[Severity] = "warning"
    heuristic: ClassVar[bool] = True

    class Options(Base, frozen=True, forbid_unknown_fields=True, kw_only=True):
        """Args:
        share: share from which a value dominates.
        least: rows below which the rule keeps silent.
        """

        share: str = "80%"
        least: Count = 50

    def setup(self) -> None:
        self.share = share(self.name, "share", self.options.share)

    def see(self, chunk: Chunk) -> Any:
        found = chunk.derived(turns)
        answers, labels = _labels(found)
        called = Counter(name[:64] for _, name in found.called)
        groups = chunk.derived(alike)
        offered = [record.tools for group in groups if group.first.tools for record in group.records]
        lists = {id(tools): tools for tools in offered}  # one object for most rows that declare the same
        declared: Counter[str] = Counter()
        for key, rows in Counter(map(id, offered)).items():
            for name in dict.fromkeys([tool.name[:64] for tool in lists[key] if type(tool.name) is str]):
                declared[name] += rows
        return [
            answers, labels, _marked(groups, self.context.marks.get("label", "label")),
            _marked(groups, self.context.marks.get("source", "source")), dict(called), dict(declared), len(offered),
        ]  # fmt: skip

    def finish(self, parts: Parts) -> Iterator[tuple[int | None, Hit]]:
        seen = [part for _, part in parts.parts]
        rows = sum(part[0] for part in seen)
        labels = _sum(part[1] for part in seen)
        marks = _sum(part[2] for part in seen)
        sources = _sum(part[3] for part in seen)
        if marks:
            yield from whole(self._dominant(marks, "label", "rows with a label", 1))
        elif labels and sum(labels.values()) >= 0.9 * rows:
            yield from whole(self._dominant(labels, "answer", "answers", 2))
        if sources:
            yield from whole(self._dominant(sources, "source", "rows with a source", 2))
        called, declared = (_sum([part[i] for part in seen]) or {} for i in (4, 5))
        if len(declared) > 1:
            yield from whole(self._dominant(called, "tool", "calls", 2))
        yield from whole(self._never_called(called, declared, sum(part[6] for part in seen)))

    def _dominant(self, tally: Mapping[str, int], what: str, of: str, least: int) -> Iterator[Hit]:
        total = sum(tally.values())
        closed = least <= len(tally) <= LABELS and total >= EACH * len(tally)
        if what == "tool":
            closed = bool(tally)
        if total < self.options.least or not closed:
            return
        top, rows = max(tally.items(), key=lambda item: (item[1], item[0]))
        if rows >= self.share * total:
            rest = (
                "all of them"
                if len(tally) == 1
                else f"the other {len(tally) - 1:,} share {percent(total - rows, total)}"
            )
            yield Hit(
                f"the {what} '{clip(top, 40)}' has {percent(rows, total)} of {total:,} {of} ({rest}): a model "
                f"learns to say it always. Collect more of the others"
            )

    def _never_called(self, called: Mapping[str, int], declared: Mapping[str, int], offered: int) -> Iterator[Hit]:
        least = max(20, 0.05 * offered)
        never = sorted(name for name, rows in declared.items() if rows >= least and name not in called)
        if called and never and sum(called.values()) >= self.options.least:
            verb = "is" if len(never) == 1 else "are"
            yield Hit(
                f"{quoted(never)} {verb} declared as a tool in many of {offered:,} rows and never called: a model "
                "learns never to call it. Add rows that call it, or leave it out"
            )


def _labels(found: Turns) -> tuple[int, Tally]:
    """Return (rows with an answer, counts of the last answers that may be labels)."""
    last = dict(zip(found.answers.rows, found.answers.texts))
    tally = Counter([text.strip() for text in last.values() if len(text) <= LETTERS and "\n" not in text])
    return len(last), dict(tally) if len(tally) <= MANY else None


def _marked(groups: list[Alike], key: str) -> Tally:
    """Return the counts of the values of a row mark, taken from the row or its `metadata` or `meta`."""
    tally: Counter[str] = Counter()
    marked = [group.records for group in groups if not group.first.raw.keys().isdisjoint((key, "metadata", "meta"))]
    for raw in [record.raw for records in marked for record in records]:
        value = raw.get(key)
        if value is None and ("metadata" in raw or "meta" in raw):
            inner = raw.get("metadata") or raw.get("meta")
            value = inner.get(key) if type(inner) is dict else None
        if value is not None and type(value) in (str, int, bool):
            tally[str(value)[:64]] += 1
    return dict(tally) if len(tally) <= MANY else None


def _sum(tallies: Iterable[Tally]) -> dict[str, int] | None:
    """Return all counts together, None as soon as one chunk or all chunks together hold too many."""
    total: Counter[str] = Counter()
    for tally in tallies:
        if tally is None:
            return None
        total.update(tally)
    return dict(total)
