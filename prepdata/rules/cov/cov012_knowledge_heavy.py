"""COV012: answers made mostly of facts that were given nowhere."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from heapq import nsmallest
from typing import Any, ClassVar, NamedTuple

from prepdata.chunk import Chunk
from prepdata.findings import Hit, Severity, clip
from prepdata.index.columns import MEDIA_KEYS, digests
from prepdata.index.exact import whole as unpacked
from prepdata.jsontext import json_text
from prepdata.record import Record
from prepdata.rules.base import CorpusRule, Count, Parts, Untold
from prepdata.rules.base import Options as Base
from prepdata.rules.cov._share import percent, share, whole
from prepdata.text.specifics import Specifics, specifics

SHOWN = 3
"""Examples in the message."""
DENSE = 20
"""Words of an answer for each new fact, at most, where the answer is made of facts."""
OFTEN, FEW = 0.05, 3
"""Share of the answers, and number of them, from which what they name belongs to the file's own words."""
MOST = 1000
"""Rows that are looked at, at most."""
_MEDIA = frozenset(("image", "audio", "video", "file"))

Kept = tuple[int, int, list[str], list[str]]
"""Row, words of its last answer, what is specific in it and was not given before, and what was."""


class Measured(NamedTuple):
    """What all answers come to.

    Args:
        answers: last answers looked at.
        judged: those of which it can be told whether they are made of facts.
        full: those that are made of new facts.
        values: specific things in all of them.
        new: those that are new.
        examples: (row, new value) of the first answers that are made of facts.
    """

    answers: int
    judged: int
    full: int
    values: int
    new: int
    examples: list[tuple[int, str]]


class KnowledgeHeavy(CorpusRule):
    """Finds data sets whose answers are mostly facts that stand neither in their prompts nor often in the file.

    Facts are what can be told by form: names (capitals inside a sentence), numbers of three digits or more, codes such
    as HR-204, and a short answer to a question as a whole where it is a name, not something said ("Oslo", "al hirt";
    not "Sure, any time" nor "He has 869 apples"). One is new if it stands nowhere before the answer (system
    prompt, tools, earlier turns, tool results) and in fewer than 3 answers or 5% of them. An answer is made of facts
    where half of its facts or more are new, and there is a new one for every 20 words; the rule speaks where 50% of 50
    or more last answers are. Not counted as facts: small numbers, all numbers where the prompt has two or more (a
    result may be worked out), headings, headlines, links, code.

    Not looked into, and so never made of facts: JSON, XML and code; answers in German or in scripts without capitals
    (Chinese, Japanese, Korean, Arabic, Hindi, ...), where names cannot be told; answers in another language than their
    prompt; rows without a prompt; rows with images or other media. Translations that were asked for hold none. Facts in
    small letters ("the liver stores iron", "Blue whale") and facts thinly spread over long answers are not seen. Taken
    for facts by mistake may be what is made up or worked out on purpose, where it stands close together (slogans,
    invented persons, a conversion), and small talk of two or three words in small letters.

    Where there are fewer than 50 answers, or so many that it cannot look into that the share may be on either side of
    50%, the rule cannot tell. It is silent then; where it was selected by name, the report says so among what could not
    run (`not_run`), so that silence otherwise means "no".

    Equal rows count once. Of more than 1,000 different rows (option `most`) those are looked at whose digests are the
    smallest: the same ones however the input is packed, cut or shared among processes, and from standard input. Keeps
    12 bytes for each of 1,000 rows a chunk, and reads 1,000 rows again.

    Why: fine-tuning on new facts teaches a model to state what it does not know: it learns such rows slowly, and makes
        up more once it has. Facts that change or must be right are better looked up.
    Bad:
        {"messages": [{"role": "user", "content": "Who runs the Lyon depot?"}, {"role": "assistant", "content": "That is Marta Oduya, extension 4417."}]}
    Good:
        {"messages": [{"role": "system", "content": "Lyon depot: Marta Oduya, ext. 4417"}, {"role": "user", "content": "Who runs the Lyon depot?"}, {"role": "assistant", "content": "That is Marta Oduya, extension 4417."}]}
    Fix: none; look the facts up instead (retrieval), or put the text that they come from into the prompts and train how
        to answer from it.
    Source: Gekhman et al., Does Fine-Tuning LLMs on New Knowledge Encourage Hallucinations?, 2024; the thresholds are our
        own, set on one half of labelled files and measured on the other (benchmarks/README.md, 2026-11). The sample: Cohen and
        Kaplan, Summarizing Data Using Bottom-k Sketches, 2007.
    """  # noqa: E501

    code: ClassVar[str] = "COV012"
    name: ClassVar[str] = "knowledge-heavy"
    severity: ClassVar[Severity] = "info"
    heuristic: ClassVar[bool] = True
    rereads: ClassVar[bool] = True

    class Options(Base, frozen=True, forbid_unknown_fields=True, kw_only=True):
        """Args:
        share: share of the answers that are made of facts, from which the rule speaks.
        least: answers looked at below which it cannot tell.
        most: different rows that are looked at, at most.
        """

        share: str = "50%"
        least: Count = 50
        most: Count = MOST

    def setup(self) -> None:
        self.share = share(self.name, "share", self.options.share)

    def see(self, chunk: Chunk) -> Any:
        found = chunk.derived(digests)
        drawn = _drawn(zip(found.exact, found.rows), self.options.most)
        return [array("Q", drawn).tobytes(), array("I", drawn.values()).tobytes()]

    def rows_of(self, part: Any) -> Collection[int]:
        return ()

    def finish(self, parts: Parts) -> Iterator[tuple[int | None, Hit] | Untold]:
        drawn, least = self.drawn(parts), max(self.options.least, 1)
        found = measured(parts.fetch(drawn) if len(drawn) >= least else ())
        bound = self.share * found.answers
        if found.answers < least:
            there = (
                f"{len(drawn):,} different rows" if len(drawn) < least else f"{found.answers:,} of {len(drawn):,} rows"
            )
            yield Untold(f"{least:,} different rows with an answer; there are {there}")
        elif found.full and found.full >= bound:
            yield from whole([self._hit(found, len(drawn), parts.rows)])
        elif found.full + found.answers - found.judged >= bound:
            yield Untold(f"more answers that it can look into; of {found.answers:,} these are {found.judged:,}")

    def drawn(self, parts: Parts) -> Collection[int]:
        """Return the rows that are looked at."""
        return _drawn(_sketched(parts), self.options.most).values()

    def _hit(self, found: Measured, drawn: int, rows: int) -> Hit:
        of = f" (in {drawn:,} of {rows:,} rows)" if drawn < rows else ""
        shown = ", ".join(f"'{clip(value, 40)}'" for _, value in found.examples)
        return Hit(
            f"{percent(found.full, found.answers)} of {found.answers:,} answers{of} are made of facts given "
            f"nowhere: {percent(found.new, found.values)} of {found.values:,} names, numbers and codes stand neither "
            f"before their answer nor often in the file, such as {shown}. Fine-tuning on them teaches to guess: look "
            "them up (retrieval), or put their source into the prompts; `prepdata advise` helps to decide",
            related=tuple(row for row, _ in found.examples),
        )


def _drawn(rows: Iterable[tuple[int, int]], most: int) -> dict[int, int]:
    """Return the `most` smallest digests of (digest, row), each with its first row: a bottom-k sketch, which is the
    same when it is made of sketches of the parts."""
    drawn: dict[int, int] = {}
    for digest, row in rows:
        if digest not in drawn:
            drawn[digest] = row
            if len(drawn) >= 8 * (most + 1000):
                drawn = {key: drawn[key] for key in nsmallest(most, drawn)}
    return {key: drawn[key] for key in nsmallest(most, drawn)}


def _sketched(parts: Parts) -> Iterator[tuple[int, int]]:
    """Yield (digest, row in the scope) of the sketches of all chunks, in file order."""
    for start, (keys, rows) in parts.parts:
        yield from zip(unpacked(keys, "Q"), [start + row for row in unpacked(rows, "I")])


def measured(rows: Iterable[tuple[int, Record]]) -> Measured:
    """Return what the last answers of (row, record) come to."""
    answers = judged = 0
    kept: list[Kept] = []
    for row, record in rows:
        found = _answer(record)
        if found is None:
            continue
        answers += 1
        if isinstance(found, Specifics):
            judged += 1
            if found.new or found.given:
                kept.append((row, found.words, found.new, found.given))
    return measure(answers, judged, kept)


def measure(answers: int, judged: int, kept: Sequence[Kept]) -> Measured:
    """Return what answers come to, of which those with something specific were kept."""
    spread = Counter(value for _, _, new, given in kept for value in {*new, *given})
    often = max(FEW, OFTEN * answers)
    full = total = values = 0
    examples: list[tuple[int, str]] = []
    for row, words, new, given in kept:
        left = [value for value in new if spread[value] < often]
        values += len(new) + len(given)
        total += len(left)
        if left and 2 * len(left) >= len(new) + len(given) and DENSE * len(left) >= words:
            full += 1
            if len(examples) < SHOWN:
                examples.append((row, left[0]))
    return Measured(answers, judged, full, values, total, examples)


def _answer(record: Record) -> Specifics | bool | None:
    """Return what is specific in the last answer of a row: False where that is not looked into, None where the row
    trains no text."""
    prompt, answer = record.split()
    if not answer or record.label is False:
        return None
    last = answer[-1]
    if not last.trained or not last.text or last.text.isspace():
        return None
    turns = (*prompt, *answer[:-1])
    if not turns:
        return False
    if not MEDIA_KEYS.isdisjoint(record.raw) or any(part.kind in _MEDIA for turn in turns for part in turn.parts):
        return False
    before: list[str] = []
    for turn in turns:
        before.append(turn.text)
        before += [json_text(call.raw) for call in turn.calls]
        before += [json_text(part.raw) for part in turn.parts if part.kind not in ("text", "reasoning")]
    if record.tools_key:
        before.append(record.tools_key.decode("utf-8", "replace"))
    return specifics(last.text, "\n".join(before), turns[-1].text) or False
