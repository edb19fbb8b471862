"""COV012: answers made mostly of facts that were given nowhere."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from typing import Any, ClassVar, NamedTuple

from prepdata.chunk import Chunk
from prepdata.findings import Hit, Severity, clip
from prepdata.index.columns import MEDIA_KEYS, digests
from prepdata.jsontext import json_text
from prepdata.record import Record
from prepdata.rules.base import CorpusRule, Count, Parts, Share
from prepdata.rules.base import Options as Base
from prepdata.rules.cov._share import percent, share, whole
from prepdata.text.specifics import Specifics, specifics

SHOWN = 3
"""Examples in the message."""
DENSE = 20
"""Words of an answer for each new fact, at most, where the answer is made of facts."""
OFTEN, FEW = 0.05, 3
"""Share of the answers, and number of them, from which what they name belongs to the file's own words."""
SAMPLED = 2_000_000
"""Bytes of input up to which every row is looked at; of more, rows that come to half of this at least."""
UNKNOWN = 1 / 64
"""Share of the rows looked at where the size of the input is not known (standard input)."""
_KEYS = 1 << 64
_MEDIA = frozenset(("image", "audio", "video", "file"))

Kept = tuple[int, int, list[str], list[str]]
"""Row, words of its last answer, what is specific in it and was not given before, and what was."""


class Measured(NamedTuple):
    """What all answers come to.

    Args:
        answers: last answers looked at.
        full: those that are made of new facts.
        values: specific things in all of them.
        new: those that are new.
        examples: (row, new value) of the first answers that are made of facts.
    """

    answers: int
    full: int
    values: int
    new: int
    examples: list[tuple[int, str]]


class KnowledgeHeavy(CorpusRule):
    """Finds data sets whose answers are mostly facts that stand neither in their prompts nor often in the file.

    Facts are what can be told by form: names (capitals inside a sentence), numbers of three digits or more, codes such
    as HR-204, and a short answer to a question as a whole. One is new if it stands nowhere before the answer (system
    prompt, tools, earlier turns, tool results) and in fewer than 3 answers or 5% of them. An answer is made of facts
    where half of its facts or more are new, and there is a new one for every 20 words; the rule speaks where 50% of 50
    or more last answers are. Not counted as facts: small numbers, all numbers where the prompt has two or more (a
    result may be worked out), headings, headlines, links, code.

    Not looked into, and so never made of facts: JSON, XML and code; answers in German or in scripts without capitals
    (Chinese, Japanese, Korean, Arabic, Hindi, ...), where names cannot be told; translations, and answers in another
    language than their prompt; rows without a prompt; rows with images or other media. Facts in small letters ("the
    liver stores iron") and facts thinly spread over long answers are not seen. Taken for facts by mistake may be what
    is made up or worked out on purpose, where it stands close together (slogans, invented persons, a conversion).

    Of inputs beyond 2 MB a sample is looked at, drawn by the digests of the rows: one in 2, 4, 8, ..., so that it
    comes to 1 to 2 MB of the files; of standard input, whose size is not known, one row in 64. Keeps at most 32 short
    texts for each row that is looked at: a few MB however large the files are.

    Why: fine-tuning on new facts teaches a model to state what it does not know: it learns such rows slowly, and makes
        up more once it has. Facts that change or must be right are better looked up.
    Bad:
        {"messages": [{"role": "user", "content": "Who runs the Lyon depot?"}, {"role": "assistant", "content": "That is Marta Oduya, extension 4417."}]}
    Good:
        {"messages": [{"role": "system", "content": "Lyon depot: Marta Oduya, ext. 4417"}, {"role": "user", "content": "Who runs the Lyon depot?"}, {"role": "assistant", "content": "That is Marta Oduya, extension 4417."}]}
    Fix: none; look the facts up instead (retrieval), or put the text that they come from into the prompts and train how
        to answer from it.
    Source: Gekhman et al., Does Fine-Tuning LLMs on New Knowledge Encourage Hallucinations?, 2024; the thresholds are our
        own, set on one half of labelled files and measured on the other (benchmarks/README.md, 2026-11).
    """  # noqa: E501

    code: ClassVar[str] = "COV012"
    name: ClassVar[str] = "knowledge-heavy"
    severity: ClassVar[Severity] = "info"
    heuristic: ClassVar[bool] = True

    class Options(Base, frozen=True, forbid_unknown_fields=True, kw_only=True):
        """Args:
        share: share of the answers that are made of facts, from which the rule speaks.
        least: answers looked at below which it keeps silent.
        sample: share of the rows (0-1) that is looked at; null for all of them up to 2 MB of input, a part beyond.
        """

        share: str = "50%"
        least: Count = 50
        sample: Share | None = None

    @classmethod
    def sized(cls, options: dict[str, Any], size: int) -> dict[str, Any]:
        if options.get("sample") is not None:
            return options
        return {**options, "sample": sample_of(size)}

    def setup(self) -> None:
        self.share = share(self.name, "share", self.options.share)
        self.sample = 1.0 if self.options.sample is None else self.options.sample

    def see(self, chunk: Chunk) -> Any:
        answers, kept = 0, []
        for record in self._drawn(chunk):
            found = _answer(record)
            if found is None:
                continue
            answers += 1
            if isinstance(found, Specifics) and (found.new or found.given):
                kept.append([record.row, found.words, found.new, found.given])
        return [answers, kept]

    def rows_of(self, part: Any) -> Collection[int]:
        return [row for row, _, new, _ in part[1] if new]

    def finish(self, parts: Parts) -> Iterator[tuple[int | None, Hit]]:
        answers = sum(part[0] for _, part in parts.parts)
        if answers < max(self.options.least, 1):
            return
        kept = [(start + row, words, new, given) for start, part in parts.parts for row, words, new, given in part[1]]
        measured = measure(answers, kept)
        if measured.full and measured.full >= self.share * answers:
            yield from whole([self._hit(measured)])

    def _hit(self, found: Measured) -> Hit:
        drawn = "" if self.sample == 1 else f" (one row in {1 / self.sample:,.0f} was looked at)"
        shown = ", ".join(f"'{clip(value, 40)}'" for _, value in found.examples)
        return Hit(
            f"{percent(found.full, found.answers)} of {found.answers:,} answers{drawn} are made of facts given "
            f"nowhere: {percent(found.new, found.values)} of {found.values:,} names, numbers and codes stand neither "
            f"before their answer nor often in the file, such as {shown}. Fine-tuning on them teaches to guess: look "
            "them up (retrieval), or put their source into the prompts; `prepdata advise` helps to decide",
            related=tuple(row for row, _ in found.examples),
        )

    def _drawn(self, chunk: Chunk) -> Iterator[Record]:
        """Yield the rows that are looked at: those with small digests, so that no cut of the file changes them."""
        if self.sample >= 1:
            yield from chunk.records
            return
        below = int(self.sample * _KEYS)
        for record, digest in zip(chunk.records, chunk.derived(digests).exact):
            if digest < below:
                yield record


def sample_of(size: int) -> float:
    """Return the share of the rows that is looked at in inputs of `size` bytes (0: not known): a power of two, so that
    a small change of the input does not change it."""
    if not size:
        return UNKNOWN
    drawn = 1.0
    while size * drawn > SAMPLED:
        drawn /= 2
    return drawn


def measure(answers: int, kept: Sequence[Kept]) -> Measured:
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
    return Measured(answers, full, values, total, examples)


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
