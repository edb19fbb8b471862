"""Counting with a Hugging Face `tokenizer.json`: fastokens where it can load the file, else the library
tokenizers."""

from __future__ import annotations

import importlib
import importlib.util
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from prepdata.errors import UsageError
from prepdata.tokens.bpe import SAMPLE, flat_counts
from prepdata.tokens.counter import Counter, count_distinct
from prepdata.tokens.estimate import estimate
from prepdata.tokens.hub import shown

MOST_BYTES = 1 << 28
"""Size of a tokenizer.json beyond which it is not read (bytes); large ones have some 35 million."""

TEMPLATE_NOTE = "Content only: what the chat template adds is not counted here."


def locate(path: str) -> Path:
    """Return the `tokenizer.json` that a path means: the file itself, or the one in a folder.

    Raises:
        UsageError: there is none.
    """
    given = Path(path)
    file = given / "tokenizer.json" if given.is_dir() else given
    if not file.is_file():
        raise UsageError(f"No tokenizer.json at {path}. Give the file, or the folder of the model that holds it.")
    if file.stat().st_size > MOST_BYTES:
        raise UsageError(f"{file} is no tokenizer: more than {MOST_BYTES:,} bytes.")
    return file


def open_tokenizer(path: str) -> Counter:
    """Return a counter for a `tokenizer.json` file or a folder with one.

    Raises:
        UsageError: the file is missing or damaged, or neither tokenizers nor fastokens is installed.
    """
    file = locate(path)
    name = f"{shown(file) or file.stem}/tokenizer.json"
    reference = _load_reference(file)
    fast = _load_fast(file)
    if reference is None and fast is None:
        if importlib.util.find_spec("tokenizers") is None:
            raise UsageError("Reading a tokenizer.json needs the package tokenizers: pip install 'prepdata[render]'.")
        raise UsageError(f"{file} is no tokenizer that the library tokenizers can read.")
    return TokenizerCounter(name, str(file), reference, fast)


def _load_reference(file: Path) -> Any:
    if importlib.util.find_spec("tokenizers") is None:
        return None
    try:
        tokenizer = importlib.import_module("tokenizers").Tokenizer.from_file(str(file))
    except Exception:  # the library raises bare Exception on a damaged file
        return None
    tokenizer.no_truncation()
    tokenizer.no_padding()
    tokenizer.encode_special_tokens = True
    return tokenizer


def _load_fast(file: Path) -> Any:
    if importlib.util.find_spec("fastokens") is None:
        return None
    try:
        tokenizer = importlib.import_module("fastokens").Tokenizer.from_file(str(file))
        tokenizer.no_truncation()
        tokenizer.no_padding()
    except Exception:  # it refuses what it does not know (normalisers, models); tokenizers takes over
        return None
    return tokenizer


class TokenizerCounter:
    """Exact counts of content by a tokenizer file; a sample is counted by both libraries where both are
    there."""

    def __init__(self, name: str, path: str, reference: Any, fast: Any) -> None:
        self.exact = True
        self.name = name
        self.notes: list[str] = [TEMPLATE_NOTE]
        self._path = path
        self._reference = reference
        self._fast = fast
        self._checked = 0
        if reference is None:
            self.notes.append("Counted by fastokens alone; install tokenizers to have a sample checked.")

    def prepare(self) -> None:
        """Nothing is left to load: both libraries read the file when the counter is opened."""

    def count(self, texts: Sequence[str]) -> list[int]:
        """Return the number of tokens of each text."""
        return count_distinct(texts, self._count)

    def _count(self, texts: list[str]) -> list[int]:
        if self._fast is None or not texts:
            return self._slow(texts)
        try:
            counts = flat_counts(self._fast, [clean(text) for text in texts])
        except Exception:
            return self._slow(texts) if self._reference is not None else self._estimated(texts)
        if self._reference is not None and not self._agrees(texts, counts):
            note = "fastokens and tokenizers disagree on this tokenizer; tokenizers counted instead."
            self.notes.append(note)
            warnings.warn(note, RuntimeWarning, stacklevel=3)
            self._fast = None
            return self._slow(texts)
        return counts

    def _slow(self, texts: Sequence[str]) -> list[int]:
        if not texts:
            return []
        found = self._reference.encode_batch_fast([clean(t) for t in texts], add_special_tokens=False)
        return [len(encoding) for encoding in found]

    def _estimated(self, texts: Sequence[str]) -> list[int]:
        self.exact = False
        note = "Some texts could not be tokenised; their counts are estimates."
        if note not in self.notes:
            self.notes.append(note)
        return [estimate(text) for text in texts]

    def _agrees(self, texts: list[str], counts: list[int]) -> bool:
        wanted = max(2, SAMPLE - self._checked)
        sample = range(0, len(texts), max(1, len(texts) // wanted))[:wanted]
        self._checked += len(sample)
        return self._slow([texts[i] for i in sample]) == [counts[i] for i in sample]

    def __reduce__(self) -> tuple[Any, ...]:
        return open_tokenizer, (self._path,)


def clean(text: str) -> str:
    """Return text with lone surrogates replaced: both libraries take valid Unicode only."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()
