"""COV008: no row for an edge case."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from prepdata.chunk import Chunk
from prepdata.errors import ConfigError, nearest
from prepdata.findings import Hit, Severity, clip, plural
from prepdata.rules.base import CorpusRule, Count, Parts
from prepdata.rules.base import Options as Base
from prepdata.rules.cov._declared import Bucket, Matcher, match, matchers
from prepdata.rules.cov._share import EXAMPLES, first, percent, rows_needed, whole
from prepdata.text.buckets import BUCKETS, buckets
from prepdata.text.columns import turns

OTHER = "other-language"
SPELT = 3
"""Missing buckets up to which the message says how each is decided; with more it points to the documentation."""
HOW = "; `prepdata rule COV008` tells how each is decided"


class MissingEdgeCase(CorpusRule):
    """Finds edge cases, built in or declared, that too few rows show.

    Built in: a user turn that is empty or one word, very long (4,000 letters), in another language, with emoji or odd
    characters, with numbers, with code, with typos or in capitals; several user turns; a question out of scope (the answer
    declines); prompt injection. Declared: `buckets = {refunds = {words = ["refund"], min = "1%"}}` or with a `pattern`
    (a regular expression, stopped after a tenth of a second a text); `where` is "prompt", "answer" or "any". The built-in
    ones say nothing below 100 rows. Keeps a few numbers a chunk.

    Why: users will do all of these from the first day on. What no row shows is left to the base model's habits.
    Bad:
        {"note": "500 rows, all in English, all tidy, all one turn, all answered"}
    Good:
        {"messages": [{"role": "user", "content": "WHERE IS MY ORDR???"}, {"role": "assistant", "content": "Sorry for the wait! Could you tell me the order number?"}]}
    Fix: none; add rows, or name the cases that cannot occur in the option `skip`.
    Source: Ribeiro et al., Beyond Accuracy: Behavioral Testing of NLP Models with CheckList, 2020.
    """  # noqa: E501

    code: ClassVar[str] = "COV008"
    name: ClassVar[str] = "missing-edge-case"
    severity: ClassVar[Severity] = "warning"
    heuristic: ClassVar[bool] = True

    class Options(Base, frozen=True, forbid_unknown_fields=True, kw_only=True):
        """Args:
        skip: built-in buckets that do not matter here; "all" for none of them.
        least: rows with a user turn below which the built-in buckets keep silent.
        min: rows that a built-in bucket needs: a share ("0.5%") or a number ("3").
        buckets: your own, by name.
        """

        skip: tuple[str, ...] = ()
        least: Count = 100
        min: str = "1"
        buckets: dict[str, Bucket] = {}

    def setup(self) -> None:
        for word in self.options.skip:
            if word not in BUCKETS and word != "all":
                known = ", ".join([*BUCKETS, "all"])
                raise ConfigError(f"rules.{self.name}.skip: no bucket '{word}'.{nearest(word, BUCKETS)} Known: {known}")
        rows_needed(self.name, "min", self.options.min, 100)
        self.builtin = [] if "all" in self.options.skip else [n for n in BUCKETS if n not in self.options.skip]
        self.matchers = matchers(self.name, self.options.buckets)

    def see(self, chunk: Chunk) -> Any:
        found = chunk.derived(turns)
        rows = len(set(found.prompts.rows))
        known: dict[str, list[Any]] = {}
        languages: dict[str, list[Any]] = {}
        if self.builtin:
            edge = chunk.derived(buckets)
            known = {name: [len(there), there[:EXAMPLES]] for name, there in edge.rows.items() if name in self.builtin}
            languages = {name: [len(there), there[:EXAMPLES]] for name, there in edge.languages.items()}
        own = {}
        for matcher in self.matchers:
            texts, numbers = _texts(found, matcher)
            there, slow = match(matcher, texts, numbers)
            own[matcher.name] = [len(there), sorted(there)[:EXAMPLES], slow]
        return [rows, known, languages, own, len(chunk.records)]

    def finish(self, parts: Parts) -> Iterator[tuple[int | None, Hit]]:
        rows = sum(part[0] for _, part in parts.parts)
        records = sum(part[4] for _, part in parts.parts)
        if self.builtin and rows >= self.options.least:
            known = _joined(parts, 1)
            languages = _joined(parts, 2)
            if languages:
                main = max(languages, key=lambda name: (languages[name][0], name))
                others = [there for name, there in languages.items() if name != main]
                known[OTHER] = (
                    sum(n for n, _ in others),
                    sorted(row for _, shown in others for row in shown)[:EXAMPLES],
                )
            yield from whole(self._builtin(known, rows))
        for matcher in self.matchers:
            yield from whole(self._declared(matcher, parts, records))

    def _builtin(self, known: Mapping[str, tuple[int, list[int]]], rows: int) -> Iterator[Hit]:
        needed = rows_needed(self.name, "min", self.options.min, rows)
        measured = [(name, known.get(name, (0, []))) for name in self.builtin]
        missing = [(name, n) for name, (n, _) in measured if n < needed]
        if not missing:
            return
        there = [(name, n, shown) for name, (n, shown) in measured if n >= needed]
        long = len(missing) > SPELT
        lacking = ", ".join(
            name + ("" if long else f" ({BUCKETS[name]})") + (f": {n}" if n else "") for name, n in missing
        )
        found = ", ".join(f"{name} {percent(n, rows)}" for name, n, _ in there) or "none"
        few = "no row" if needed <= 1 else f"fewer than {needed} rows"
        yield Hit(
            f"{few} of {rows:,} for {len(missing)} of {len(measured)} edge cases: {lacking}. Found: {found}. "
            f"Add such rows, or name what cannot occur in the option 'skip'{HOW if long else ''}",
            related=tuple(dict.fromkeys(shown[0] for _, _, shown in there if shown)),
        )

    def _declared(self, matcher: Matcher, parts: Parts, rows: int) -> Iterator[Hit]:
        count = 0
        shown: list[int] = []
        for start, part in parts.parts:
            there, examples, slow = part[3][matcher.name]
            if slow is not None:
                yield Hit(
                    f"edge case '{clip(matcher.name)}' could not be measured: its pattern takes too long on a text of "
                    "the row listed; make it simpler, or use words",
                    related=(start + slow,),
                )
                return
            count += there
            shown = first(examples, start, shown)
        needed = rows_needed(self.name, f"buckets.{matcher.name}.min", matcher.bucket.min, rows)
        if not rows or count >= needed:
            return
        texts = {"prompt": "user turns", "answer": "answers", "any": "user turns and answers"}[matcher.bucket.where]
        how = (
            f"by {plural(len(matcher.words), 'word')}"
            if matcher.words
            else f"by the pattern '{clip(matcher.bucket.pattern or '')}'"
        )
        yield Hit(
            f"edge case '{clip(matcher.name)}': {count:,} of {plural(rows, 'row')} ({percent(count, rows)}), declared "
            f"are at least {matcher.bucket.min}; found {how} in {texts}. Add such rows",
            related=tuple(shown),
        )


def _texts(found: Any, matcher: Matcher) -> tuple[list[str], list[int]]:
    where = matcher.bucket.where
    columns = (
        [found.prompts]
        if where == "prompt"
        else [found.answers]
        if where == "answer"
        else [found.prompts, found.answers]
    )
    return [t for c in columns for t in c.texts], [r for c in columns for r in c.rows]


def _joined(parts: Parts, index: int) -> dict[str, tuple[int, list[int]]]:
    """Return bucket -> (rows, first examples) over all chunks."""
    found: dict[str, tuple[int, list[int]]] = {}
    for start, part in parts.parts:
        for name, (count, shown) in part[index].items():
            n, kept = found.get(name, (0, []))
            found[name] = (n + count, first(shown, start, kept))
    return found
