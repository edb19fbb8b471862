"""The tokens meter: how many tokens a file holds, how many are trained, and which rows are too long."""

from __future__ import annotations

import sys
from array import array
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import msgspec

from prepdata.chunk import Chunk
from prepdata.jsontext import json_text
from prepdata.meters.base import Meter, MeterContext
from prepdata.meters.spread import bars, spread
from prepdata.record import Message, Record
from prepdata.rules.base import Parts
from prepdata.tokens.conversation import CONTENT_ONLY, Overhead, overhead_for, tool_pieces
from prepdata.tokens.counter import Counter, identity, open_counter
from prepdata.tokens.encodings import DEFAULT_ENCODING, encoding_for

LISTED = 20
"""Row numbers listed for rows over a limit."""

_MAX = 2**32 - 1


class RowCounts(NamedTuple):
    """Tokens of the rows of one chunk, in the order of its records; lists of equal length.

    Args:
        sequence: tokens the model reads at once: of a preference row the prompt with the longer answer.
        trained: tokens of the answers that are trained on (content, reasoning, calls).
        total, prompt: sums over the chunk; `total` counts both answers of a preference row.
        images: rows with media parts, whose tokens are not counted.
        counter: what counted.
    """

    sequence: list[int]
    trained: list[int]
    total: int
    prompt: int
    images: int
    counter: Counter


class Choice(NamedTuple):
    """How a run counts: the encoding or tokenizer, and a caution where it stands in for another."""

    encoding: str | None
    tokenizer: str | None
    caution: str = ""


def choose(context: MeterContext) -> Choice:
    """Return how to count: a given tokenizer, a given encoding, the model's encoding, or the default."""
    if context.tokenizer:
        return Choice(None, context.tokenizer)
    if context.encoding:
        return Choice(context.encoding, None)
    if context.model:
        found = encoding_for(context.model)
        if found:
            return Choice(found, None)
        return Choice(
            DEFAULT_ENCODING,
            None,
            f"tiktoken does not know the model '{context.model}': counted with {DEFAULT_ENCODING} in its place; "
            "give its tokenizer with --tokenizer for exact counts.",
        )
    return Choice(DEFAULT_ENCODING, None)


def fingerprint(context: MeterContext) -> str:
    """Return what token counts depend on besides the rows, for the key under which a chunk's results are kept.

    Raises:
        UsageError: unknown encoding, or no tokenizer at the path.
    """
    choice = choose(context)
    return identity(encoding=choice.encoding, tokenizer=choice.tokenizer, offline=context.offline)


def counts_of(chunk: Chunk, context: MeterContext) -> RowCounts:
    """Return the token counts of a chunk's rows, counted once however many meters ask."""
    choice = choose(context)
    return chunk.derived(_compute(choice.encoding, choice.tokenizer, context.offline, context.input_bytes))


def prepare(context: MeterContext) -> None:
    """Load the counter of a run.

    Raises:
        UsageError: unknown encoding, or a tokenizer that cannot be read.
    """
    choice = choose(context)
    _open(choice.encoding, choice.tokenizer, context.offline, context.input_bytes).prepare()


def _open(encoding: str | None, tokenizer: str | None, offline: bool, input_bytes: int) -> Counter:
    return open_counter(encoding=encoding, tokenizer=tokenizer, offline=offline, input_bytes=input_bytes)


@lru_cache(maxsize=8)
def _compute(
    encoding: str | None, tokenizer: str | None, offline: bool, input_bytes: int
) -> Callable[[Chunk], RowCounts]:
    overhead = overhead_for(encoding) if tokenizer is None else CONTENT_ONLY

    def compute(chunk: Chunk) -> RowCounts:
        return count_rows(chunk.records, _open(encoding, tokenizer, offline, input_bytes), overhead)

    return compute


def count_rows(records: list[Record], counter: Counter, overhead: Overhead) -> RowCounts:
    """Return the token counts of records: all texts are gathered first and counted in one call."""
    work = _Work(counter, overhead)
    plain, texts = work.plain, work.texts
    frames: list[_Frame] = []
    for record in records:
        frame = plain.get((record.format, record.shape))
        if frame is None or record.tools_raw is not msgspec.UNSET:
            frame = work.gather(record)
        else:
            texts += [message.text for message in record.messages]
        frames.append(frame)
    counts = counter.count(texts)
    sequence: list[int] = []
    trained: list[int] = []
    total = prompt = at = 0
    for frame in frames:
        whole, answered = frame.tokens(counts, at)
        at += frame.size
        total += whole
        prompt += whole - answered
        if frame.pair:
            chosen, rejected = frame.pair
            better, learned = chosen.tokens(counts, at)
            worse, _ = rejected.tokens(counts, at + chosen.size)
            at += chosen.size + rejected.size
            total += better + worse
            whole += max(better, worse)
            answered += learned
        sequence.append(whole)
        trained.append(answered)
    return RowCounts(sequence, trained, total, prompt, work.images, counter)


class _Frame(NamedTuple):
    """Some messages without their texts.

    Args:
        around: tokens around the texts.
        size: number of texts.
        answers: which of these are trained on.
        pair: of a preference row, the chosen and the rejected answer.
    """

    around: int
    size: int
    answers: tuple[int, ...]
    pair: tuple[_Frame, ...] = ()

    def tokens(self, counts: list[int], at: int) -> tuple[int, int]:
        """Return (all tokens, those of answers); the texts' own begin at `at` in `counts`."""
        own = counts[at : at + self.size]
        return self.around + sum(own), sum([own[i] for i in self.answers])


class _Work:
    """Gathers what has to be counted for some rows.

    Args:
        texts: what is to be counted, in order.
        plain: frames of rows of plain messages, by format and shape.
    """

    def __init__(self, counter: Counter, overhead: Overhead) -> None:
        self.counter = counter
        self.overhead = overhead
        self.images = 0
        self.texts: list[str] = []
        self.plain: dict[Any, _Frame] = {}
        self.role_cost: dict[str, int] = {}
        self.tools: dict[bytes, tuple[int, list[str]]] = {}

    def gather(self, record: Record) -> _Frame:
        """Note the texts of a row and return what they stand in."""
        fixed, texts = (0, []) if record.tools_raw is msgspec.UNSET else self._tools(record)
        self.texts += texts
        media: list[bool] = []
        frame = self._frame(record.messages, self.overhead.per_row + fixed, len(texts), media)
        if record.preference:
            pair = tuple([self._frame(turns, 0, 0, media) for turns in (record.chosen, record.rejected)])
            frame = frame._replace(pair=pair)
        elif record.shape is not None and frame.size == len(record.messages):
            self.plain[record.format, record.shape] = frame
        self.images += any(media)
        return frame

    def _frame(self, turns: Sequence[Message], around: int, before: int, media: list[bool]) -> _Frame:
        """Note the texts of some messages, behind `before` others, and add to `media` whether a message holds any."""
        texts: list[str] = []
        answers: list[int] = []
        for message in turns:
            first = before + len(texts)
            texts.append(message.text)
            if message.calls or message.reasoning or message.parts:
                texts += _extras(message)
                media.append(any(p.kind in ("image", "audio", "video", "file") for p in message.parts))
            around += self._around(message)
            if message.trained:
                answers += range(first, before + len(texts))
        self.texts += texts
        return _Frame(around, before + len(texts), tuple(answers))

    def _tools(self, record: Record) -> tuple[int, list[str]]:
        """Return (tokens, texts still to be counted) of the declared tools."""
        key = record.tools_key
        found = self.tools.get(key) if key is not None else None
        if found is None:
            found = tool_pieces(record.tools_raw, self.overhead)
            if key is not None:
                found = self.tools[key] = found[0] + sum(self.counter.count(found[1])), []
        return found

    def _around(self, message: Message) -> int:
        """Return the tokens around one message: its markers, its role word, its name."""
        overhead = self.overhead
        cost = overhead.per_message
        if overhead.role_word and message.role:
            if message.role not in self.role_cost:
                self.role_cost[message.role] = self.counter.count([message.role])[0]
            cost += self.role_cost[message.role]
        if isinstance(message.name, str) and overhead.per_name:
            cost += overhead.per_name + self.counter.count([message.name])[0]
        return cost


def _extras(message: Message) -> list[str]:
    """Return what a message holds besides its content: reasoning, and names and arguments of its calls."""
    found = [message.reasoning] if message.reasoning else []
    for call in message.calls:
        for value in (call.name, call.arguments):
            if isinstance(value, str):
                found.append(value)
            elif value is not None:
                found.append(json_text(value))
    return found


def limits_of(context: MeterContext) -> list[tuple[str, int]]:
    """Return (whose, tokens) of every context length that rows are held against."""
    lengths = [(t.name, t.limits.max_row_tokens or t.limits.default_row_tokens) for t in context.targets]
    found = [(name, length.value) for name, length in lengths if length]
    return [("context", context.context), *found] if context.context else found


class Tokens(Meter):
    """Counts tokens. Kept: 8 bytes a row."""

    name = "tokens"

    def prepare(self) -> None:
        """Load the counter."""
        prepare(self.context)

    def see(self, chunk: Chunk) -> dict[str, Any]:
        """Return packed counts per row and sums of the chunk."""
        counts = counts_of(chunk, self.context)
        over = {
            f"{whose}:{limit}": [r.row for r, n in zip(chunk.records, counts.sequence) if n > limit][:LISTED]
            for whose, limit in limits_of(self.context)
        }
        return {
            "sequence": pack(counts.sequence),
            "trained": pack(counts.trained),
            "total": counts.total,
            "prompt": counts.prompt,
            "images": counts.images,
            "over": over,
            "counter": counts.counter.name,
            "exact": counts.counter.exact,
            "notes": list(counts.counter.notes),
        }

    def finish(self, parts: Parts) -> dict[str, Any]:
        """Return the token measures of a file (tokens; percentiles are nearest rank)."""
        kept = [part for _, part in parts.parts]
        caution = choose(self.context).caution
        sequence, trained = unpack(p["sequence"] for p in kept), unpack(p["trained"] for p in kept)
        notes = list(dict.fromkeys([*([caution] if caution else []), *(n for p in kept for n in p["notes"])]))
        return {
            "counter": kept[0]["counter"] if kept else "none",
            "exact": all(p["exact"] for p in kept) and not caution,
            "notes": notes,
            "rows": len(sequence),
            "total": sum(p["total"] for p in kept),
            "trained": sum(trained),
            "prompt": sum(p["prompt"] for p in kept),
            "untrained_rows": trained.count(0),
            "media_rows": sum(p["images"] for p in kept),
            "per_row": spread(sequence),
            "trained_per_row": spread(trained),
            "limits": [_over(whose, limit, sequence, parts) for whose, limit in limits_of(self.context)],
            "histogram": bars(sequence),
        }


def _over(whose: str, limit: int, sequence: array[int], parts: Parts) -> dict[str, Any]:
    """Return how many rows are over a limit, and the tokens that would be cut off them."""
    long = [n for n in sequence if n > limit]
    rows = [first + row for first, part in parts.parts for row in part["over"].get(f"{whose}:{limit}", ())]
    return {
        "target": whose,
        "limit": limit,
        "rows_over": len(long),
        "tokens_cut": sum(long) - limit * len(long),
        "first_rows": rows[:LISTED],
    }


def pack(values: list[int]) -> bytes:
    """Return counts as little-endian uint32."""
    packed = array("I", [min(v, _MAX) for v in values])
    if sys.byteorder == "big":
        packed.byteswap()
    return packed.tobytes()


def unpack(pieces: Any) -> array[int]:
    """Return the counts of packed pieces, in order."""
    values = array("I")
    for piece in pieces:
        values.frombytes(piece)
    if sys.byteorder == "big":
        values.byteswap()
    return values
