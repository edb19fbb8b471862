"""What a counter is, and which one a run uses."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Protocol

from prepdata.tokens.encodings import DEFAULT_ENCODING
from prepdata.tokens.estimate import EstimateCounter

FAST_FROM_BYTES = {"o200k": 400_000_000, "cl100k": 150_000_000}
"""Input size in bytes, per process, from which fastokens repays its load and its memory.

Measured 2026-11-20: load 0.75 s for o200k and 0.25 s for cl100k against 0.05 s for rs-bpe and 0.2 s for tiktoken; then
5 and 3 times tiktoken's speed. Only a part of a file is counted, since equal texts are counted once: at 77 MB in two
processes fastokens cost 2.6 s of processor time more than it saved, and 160 MiB of memory per process (2026-11-21).
"""

BESIDE_RS_BPE = 10
"""So many times larger an input has to be where rs-bpe would count: it gives fastokens less to gain (5 % of a run), and
two processes with fastokens took 866 MiB for a file of 1 GB, without it half of that (2026-11-24)."""


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
        tokenizer: path of a `tokenizer.json`, or of the folder that holds it; takes precedence.
        offline: True where nothing may be downloaded.
        input_bytes: about how many bytes will be counted; large inputs are worth the load of a faster
            library.

    Raises:
        UsageError: unknown encoding, or a tokenizer that cannot be read.
    """
    if tokenizer is not None:
        from prepdata.tokens.huggingface import open_tokenizer

        return open_tokenizer(tokenizer)
    from prepdata.tokens import vocab

    name = encoding or DEFAULT_ENCODING
    ranks = vocab.find(name, offline=offline)
    if ranks is None:
        return EstimateCounter(vocab.advice(name))
    from prepdata.tokens import rsbpe
    from prepdata.tokens.bpe import FastCounter, TiktokenCounter, fastokens_available
    from prepdata.tokens.rsbpe import RsBpeCounter

    tiktoken = TiktokenCounter(name, ranks)
    reference = RsBpeCounter(tiktoken) if rsbpe.available(name) else tiktoken
    least = FAST_FROM_BYTES.get(name.split("_")[0])
    if least is not None and reference is not tiktoken:
        least *= BESIDE_RS_BPE
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
    if tokenizer is not None:
        import hashlib

        from prepdata.tokens.huggingface import locate

        return f"tokenizer:{hashlib.sha256(locate(tokenizer).read_bytes()).hexdigest()}"
    from prepdata.tokens import vocab

    name = encoding or DEFAULT_ENCODING
    ranks = vocab.find(name, offline=offline)
    return f"{name}:exact" if ranks else f"{name}:estimate"
