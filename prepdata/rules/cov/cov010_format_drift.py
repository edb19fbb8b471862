"""COV010: answers that leave the shape or the style that nearly all others have."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any, ClassVar

from prepdata.chunk import Chunk
from prepdata.findings import Hit, Severity
from prepdata.rules.base import CorpusRule, Count, Parts
from prepdata.rules.base import Options as Base
from prepdata.rules.cov._share import EXAMPLES, counted, first, percent, share, whole
from prepdata.text.columns import turns
from prepdata.text.shapes import FORMAL, SHAPES, dominant, shape, styles

_CODE_WORDS = (
    "code", "function", "program", "script", "query", "sql", "class", "implement", "regex", "command", "snippet",
    "python", "javascript", "html", "css", "java", "bash", "formula", "equation", "latex", "c++", "algorithm",
)  # fmt: skip
_LIST_WORDS = (
    "list", "bullet", "step", "idea", "tip", "table", "ways", "reasons", "examples", "outline", "plan", "recipe",
    "how to", "how do", "how can", "headings", "markdown", "format", "name ", "give me", "suggest", "poem", "song",
    "three", "four", "five", "several", "some ", "steps", "pros and cons", "compare", "instructions", "essay",
    "letter", "email", "article", "post", "story", "report", "rewrite", "write", "generate", "create", "what are",
)  # fmt: skip
ASKED: dict[str, tuple[str, ...]] = {
    "json": ("json", "list", "array", "dictionary", "object", *_CODE_WORDS),
    "fenced json": ("json", "list", "array", "dictionary", "object", *_CODE_WORDS),
    "xml": ("xml", "html", "svg", "tag", "web page", "website", *_CODE_WORDS),
    "code": _CODE_WORDS,
    "fenced code": _CODE_WORDS,
    "markdown": (*_LIST_WORDS, *_CODE_WORDS),
}
"""Shape -> words by which a prompt asks for it: an answer that was asked for does not leave the shape."""


class FormatDrift(CorpusRule):
    """Finds the few answers that leave the shape, or the way of writing dates and numbers, that nearly all have.

    A shape dominates where 95% of 50 or more answers have it. Where programs read the answers (JSON, XML, code) or
    they are numbers, every other shape is drift. Among prose and short answers only JSON, XML, fenced code and
    Markdown are, and only where the prompt has no word that asks for them. Dates and numbers: 95% of 30 or more
    rows that hold one. Keeps counts and a few row numbers.

    Why: whatever reads the answers breaks on the odd one; and the model learns that either shape will do.
    Bad:
        {"note": "480 answers are JSON objects, 6 are JSON in a code fence"}
    Good:
        {"note": "all answers are JSON objects"}
    Fix: none; rewrite the odd answers in the common shape, or say in their prompts which shape is wanted.
    Source: Sclar et al., Quantifying Language Models' Sensitivity to Spurious Features in Prompt Design, 2023.
    """

    code: ClassVar[str] = "COV010"
    name: ClassVar[str] = "format-drift"
    severity: ClassVar[Severity] = "warning"
    heuristic: ClassVar[bool] = True

    class Options(Base, frozen=True, forbid_unknown_fields=True, kw_only=True):
        """Args:
        share: share from which a shape or a style dominates.
        least: answers below which the rule keeps silent about shapes.
        dates: rows with a date (or a number with separators) below which it keeps silent about their style.
        """

        share: str = "95%"
        least: Count = 50
        dates: Count = 30

    def setup(self) -> None:
        self.share = share(self.name, "share", self.options.share)

    def see(self, chunk: Chunk) -> Any:
        found = chunk.derived(turns)
        last = dict(zip(found.answers.rows, found.answers.texts))
        for row, _ in found.called:
            last.pop(row, None)
        shapes: dict[str, list[int]] = {}
        for row, text in last.items():
            shapes.setdefault(shape(text), []).append(row)
        prompts = {} if shapes.keys().isdisjoint(ASKED) else dict(zip(found.prompts.rows, found.prompts.texts))
        kept = {}
        for name, rows in shapes.items():
            unasked = rows if name not in ASKED else [row for row in rows if not _asks(name, prompts.get(row, ""))]
            kept[name] = [len(rows), rows[:EXAMPLES], len(unasked), unasked[:EXAMPLES]]
        return [kept, {name: [len(rows), rows[:EXAMPLES]] for name, rows in styles(found.answers).items()}]

    def finish(self, parts: Parts) -> Iterator[tuple[int | None, Hit]]:
        counts: Counter[str] = Counter()
        unasked: Counter[str] = Counter()
        rows: dict[str, list[int]] = {}
        odd: dict[str, list[int]] = {}
        style_counts: Counter[str] = Counter()
        style_rows: dict[str, list[int]] = {}
        for start, (shapes, written) in parts.parts:
            for name, (count, shown, uncalled, odd_shown) in shapes.items():
                counts[name] += count
                unasked[name] += uncalled
                rows[name] = first(shown, start, rows.get(name, []))
                odd[name] = first(odd_shown, start, odd.get(name, []))
            for style, (count, shown) in written.items():
                style_counts[style] += count
                style_rows[style] = first(shown, start, style_rows.get(style, []))
        yield from whole(self._shapes(counts, unasked, rows, odd))
        for kind in ("date", "number"):
            yield from whole(self._styles(kind, style_counts, style_rows))

    def _shapes(self, counts: Any, unasked: Any, rows: Any, odd: Any) -> Iterator[Hit]:
        top = dominant(counts, self.options.least, self.share)
        if top is None:
            return
        if top.shape in FORMAL or top.shape == "number":
            left = {name: count for name, count in counts.items() if name not in (top.shape, "empty") and count}
            shown = rows
        else:
            left = {name: unasked[name] for name in ASKED if name not in (top.shape, "code") and unasked[name]}
            shown = odd
        if not left:
            return
        examples = sorted(row for name in left for row in shown[name])[:EXAMPLES]
        many = sum(left.values())
        named = counted({SHAPES[name]: count for name, count in left.items()})
        yield Hit(
            f"{percent(top.rows, top.total)} of {top.total:,} answers are {SHAPES[top.shape]}, "
            f"{many:,} {'is' if many == 1 else 'are'} not: {named}. Rewrite them alike, or let the prompts ask for it",
            related=tuple(examples),
        )

    def _styles(self, kind: str, counts: Any, rows: Any) -> Iterator[Hit]:
        own = {style: count for style, count in counts.items() if style.startswith(kind)}
        total = sum(own.values())
        if len(own) < 2 or total < self.options.dates:
            return
        top = max(own, key=lambda style: (own[style], style))
        if own[top] < self.share * total:
            return
        left = {style: count for style, count in own.items() if style != top}
        examples = sorted(row for style in left for row in rows[style])[:EXAMPLES]
        names = counted({f"'{style.partition(': ')[2]}'": count for style, count in left.items()})
        yield Hit(
            f"{percent(own[top], total)} of {total:,} answers with a {kind} write it as "
            f"'{top.partition(': ')[2]}', others as {names}. Write all alike",
            related=tuple(examples),
        )


def _asks(name: str, prompt: str) -> bool:
    lowered = prompt.lower()
    return any(word in lowered for word in ASKED[name])
