"""Counting with tiktoken, and with fastokens where the input is large.

tiktoken is the reference. fastokens counts the same several times faster but takes longer to load, so it is loaded
once, before worker processes are started, and a sample of every run is counted by both.
"""

from __future__ import annotations

import binascii
import importlib
import importlib.util
import itertools
import re
import sys
import warnings
from array import array
from collections.abc import Callable, Sequence
from types import FunctionType
from typing import Any, Protocol

from prepdata.tokens.counter import count_distinct
from prepdata.tokens.estimate import estimate
from prepdata.tokens.vocab import Ranks

SAMPLE = 200
"""Strings that a run counts with both libraries before it trusts fastokens; after that two of every batch."""

FEW = 8
"""Texts below which the reference counts. fastokens takes another 64 MB of memory in each process where the first text
that it meets comes alone (0.3.5)."""

LONG_RUN = 100_000
"""tiktoken 0.14.0 aborts on about a million blanks in a row (tried 2026-11-21), so longer runs are cut
here."""

_BLANKS = re.compile(r"\s+")


def read_ranks(data: bytes) -> dict[bytes, int]:
    """Return token -> rank of a verified rank file."""
    parts = data.split()
    return dict(zip(map(binascii.a2b_base64, parts[::2]), map(int, parts[1::2]), strict=True))


def build_encoding(name: str, ranks: Ranks) -> Any:
    """Return tiktoken's encoding `name` over a rank file of ours.

    tiktoken's own definition of the encoding (pattern, special tokens) is run in a scope of its own where
    reading a rank file gives ours: no download, no cache, and nothing of tiktoken is changed for others.
    """
    tiktoken = importlib.import_module("tiktoken")
    source = importlib.import_module("tiktoken_ext.openai_public")
    scope = dict(vars(source))
    for key, value in vars(source).items():
        if isinstance(value, FunctionType) and value.__module__ == source.__name__:
            scope[key] = FunctionType(value.__code__, scope, key, value.__defaults__)
    scope["load_tiktoken_bpe"] = lambda *_args, **_kwargs: read_ranks(ranks.data)
    return tiktoken.Encoding(**scope[name]())


class TiktokenCounter:
    """Exact counts by tiktoken. Pickles by name and file, so a worker process loads it for itself."""

    exact = True

    def __init__(self, encoding: str, ranks: Ranks) -> None:
        self.encoding = encoding
        self.name = f"tiktoken {encoding}"
        self.notes: list[str] = []
        self._ranks = ranks
        self._encoding: Any = None

    def prepare(self) -> None:
        """Build the encoding."""
        if self._encoding is None:
            self._encoding = build_encoding(self.encoding, self._ranks)

    def count(self, texts: Sequence[str]) -> list[int]:
        """Return the number of tokens of each text."""
        return count_distinct(texts, self.count_plain)

    def count_plain(self, texts: Sequence[str]) -> list[int]:
        """As `count`, without looking for equal strings."""
        self.prepare()
        encode = self._encoding.encode_ordinary
        return [len(encode(t)) if len(t) < LONG_RUN else self._count_long(t) for t in texts]

    def _count_long(self, text: str) -> int:
        """Count a very long text, cutting runs of blanks that tiktoken cannot take in one piece."""
        try:
            return sum(len(self._encoding.encode_ordinary(piece)) for piece in cut_blanks(text))
        except BaseException as error:  # a panic of the library is no Exception
            if isinstance(error, KeyboardInterrupt | SystemExit | GeneratorExit):
                raise
            self._note("Some very long texts could not be tokenised; their counts are estimates.")
            return estimate(text)

    def _note(self, note: str) -> None:
        if note not in self.notes:
            self.notes.append(note)

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_encoding": None}


def cut_blanks(text: str, limit: int = LONG_RUN) -> list[str]:
    """Cut `text` so that no piece holds more than `limit` blanks in a row. Ordinary text stays in one
    piece."""
    pieces, start = [], 0
    for match in _BLANKS.finditer(text):
        cut = match.start() + limit
        while cut < match.end():
            pieces.append(text[start:cut])
            start, cut = cut, cut + limit
    pieces.append(text[start:])
    return pieces


def fastokens_available() -> bool:
    """True if the package fastokens is installed (extra `fast`)."""
    return importlib.util.find_spec("fastokens") is not None


def load_fastokens(path: str, encoding: str) -> Any:
    """Return a fastokens tokenizer over a rank file."""
    return importlib.import_module("fastokens").Tokenizer.from_tiktoken(path, encoding=encoding)


def flat_counts(tokenizer: Any, texts: Sequence[str]) -> list[int]:
    """Return token counts from fastokens' flat batch: differences of the offsets it returns."""
    _ids, raw = tokenizer.encode_batch_flat(list(texts), split_special_tokens=True)
    offsets = array("Q", raw)
    if sys.byteorder == "big":
        offsets.byteswap()
    return [end - start for start, end in itertools.pairwise(offsets)]


class PlainCounter(Protocol):
    """A counter that others can be held against: tiktoken, or rs-bpe."""

    name: str
    notes: list[str]
    encoding: str

    def prepare(self) -> None:
        """Load what counting needs."""
        ...

    def count_plain(self, texts: Sequence[str]) -> list[int]:
        """Return the number of tokens of each text."""
        ...


class FastCounter:
    """A reference counter; once prepared, fastokens, as long as it agrees with the reference on samples.

    The figures are the same either way; if they ever are not, a warning says so and the reference counts the rest.
    """

    exact = True

    def __init__(self, reference: PlainCounter, path: str, load: Callable[[str, str], Any] = load_fastokens) -> None:
        self.name = reference.name
        self.notes: list[str] = reference.notes
        self._reference = reference
        self._path = path
        self._load = load
        self._fast: Any = None
        self._checked = 0
        self._refused = False

    def prepare(self) -> None:
        """Load fastokens and the reference. Nothing is counted with fastokens yet: its threads would be missing in
        processes that are forked later."""
        self._reference.prepare()
        if self._fast is None and not self._refused:
            try:
                self._fast = self._load(self._path, self._reference.encoding)
            except Exception:
                self._refused = True  # the reference gives the same figures, only slower

    def count(self, texts: Sequence[str]) -> list[int]:
        """Return the number of tokens of each text."""
        return count_distinct(texts, self._count)

    def _count(self, texts: list[str]) -> list[int]:
        if self._fast is None or len(texts) < FEW:
            return self._reference.count_plain(texts)
        try:
            counts = flat_counts(self._fast, texts)
        except UnicodeEncodeError:  # lone surrogates: only tiktoken takes them
            return self._reference.count_plain(texts)
        except Exception as error:
            return self._refuse(f"fastokens failed ({type(error).__name__})", texts)
        if not self._agrees(texts, counts):
            return self._refuse("fastokens and tiktoken disagree", texts)
        return counts

    def _agrees(self, texts: list[str], counts: list[int]) -> bool:
        wanted = max(2, SAMPLE - self._checked)
        step = max(1, len(texts) // wanted)
        sample = range(0, len(texts), step)[:wanted]
        self._checked += len(sample)
        return self._reference.count_plain([texts[i] for i in sample]) == [counts[i] for i in sample]

    def _refuse(self, why: str, texts: list[str]) -> list[int]:
        self._refused, self._fast = True, None
        note = f"{why}; tiktoken counted instead. Please report this with the versions of both."
        self.notes.append(note)
        warnings.warn(note, RuntimeWarning, stacklevel=4)
        return self._reference.count_plain(texts)

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_fast": None}
