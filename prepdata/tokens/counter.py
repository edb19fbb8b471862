"""What a counter is, and which one a run uses."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Protocol

from prepdata.tokens.encodings import DEFAULT_ENCODING
from prepdata.tokens.estimate import EstimateCounter

FAST_FROM_BYTES = {"o200k_base": 1_000_000_000, "o200k_harmony": 1_000_000_000}
"""Encoding -> input size in bytes, per process, from which fastokens counts.

It repays its load earlier, at about 105 MB: 0.9 s, and then 8 to 9 ms of processor time less for each MB of input
(measured 2026-11-29 beside rs-bpe on the rows of `benchmarks.data`, of which a fifth is text that is counted). But it
takes 90 MB of memory and 45 more in each process: in two processes more than the budget of `benchmarks.memory` has room
for at 1 GB.
cl100k_base is not here: fastokens counts it hardly quicker than rs-bpe (59 to 70 MB/s against 51 to 53, 2026-11-20).
"""


class Counter(Protocol):
    """Counts tokens of plain text; text that looks like a control token is counted as the text it is.

    Attributes:
        name: the encoding or tokenizer, for the report ("tiktoken o200k_base", whichever library counts it).
        exact: False where the figures are estimates.
        notes: what a user should know about these figures; may grow while counting.
    """

    name: str
    exact: bool
    notes: list[str]

    def prepare(self) -> None:
        """Load what counting a large input is worth; processes forked afterwards share it. Optional before `count`."""
        ...

    def count(self, texts: Sequence[str]) -> list[int]:
        """Return the number of tokens of each text."""
        ...


def count_distinct(texts: Sequence[str], count: Callable[[list[str]], list[int]]) -> list[int]:
    """Count equal strings once: shared system prompts and repeated questions are common."""
    distinct = dict.fromkeys(texts, 0)
    distinct.pop("", None)
    keys = list(distinct)
    counts = count(keys)
    if len(keys) == len(texts):
        return counts
    known = dict(zip(keys, counts, strict=True))
    known[""] = 0
    return [known[text] for text in texts]


@lru_cache(maxsize=8)
def open_counter(
    *,
    encoding: str | None = None,
    tokenizer: str | None = None,
    offline: bool = False,
    input_bytes: int = 0,
) -> Counter:
    """Return the counter for a run; the same arguments give the same counter within a process.

    Args:
        encoding: a tiktoken encoding; `o200k_base` where neither this nor `tokenizer` is given.
        tokenizer: path of a `tokenizer.json`, or of the folder that holds it; or an encoding of tiktoken, by its name
            or its rank file. Takes precedence.
        offline: True where nothing may be downloaded.
        input_bytes: about how many bytes will be counted; large inputs are worth the load of a faster
            library.

    Raises:
        UsageError: unknown encoding, or a tokenizer that cannot be read.
    """
    from prepdata.tokens import vocab
    from prepdata.tokens.given import encoding_given, ranks_given
    from prepdata.tokens.huggingface import TEMPLATE_NOTE, open_tokenizer

    if tokenizer is not None:
        encoding = encoding_given(tokenizer)
        if encoding is None:
            return open_tokenizer(tokenizer)
    name = encoding or DEFAULT_ENCODING
    ranks = ranks_given(tokenizer or name, offline=offline)
    if ranks is None:
        return EstimateCounter(vocab.advice(name))
    from prepdata.tokens import rsbpe
    from prepdata.tokens.bpe import FastCounter, TiktokenCounter, fastokens_available
    from prepdata.tokens.rsbpe import RsBpeCounter

    tiktoken = TiktokenCounter(name, ranks)
    if tokenizer is not None:
        tiktoken.notes.append(TEMPLATE_NOTE)
    reference = RsBpeCounter(tiktoken) if rsbpe.available(name) else tiktoken
    least = FAST_FROM_BYTES.get(name)
    if least is not None and input_bytes >= least and ranks.path and fastokens_available():
        return FastCounter(reference, ranks.path)
    return reference


def identity(*, encoding: str | None = None, tokenizer: str | None = None, offline: bool = False) -> str:
    """Return what the counts of a run depend on besides the texts: for the key under which results are kept.

    A vocabulary that turns up later, or another tokenizer file under the same name, gives another identity. Finding
    out also leaves a rebuilt or downloaded vocabulary in prepdata's folder, so that worker processes need not.

    Raises:
        UsageError: unknown encoding, or no tokenizer at the path.
    """
    from prepdata.tokens.given import encoding_given, ranks_given

    if tokenizer is not None:
        encoding = encoding_given(tokenizer)
    if tokenizer is not None and encoding is None:
        import hashlib

        from prepdata.tokens.huggingface import locate

        return f"tokenizer:{hashlib.sha256(locate(tokenizer).read_bytes()).hexdigest()}"
    name = encoding or DEFAULT_ENCODING
    kind = "content of " if tokenizer is not None else ""
    return f"{kind}{name}:{'exact' if ranks_given(tokenizer or name, offline=offline) else 'estimate'}"
