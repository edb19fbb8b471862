"""Evaluation sets in one file: what they ask, and the n-grams of it, sorted so that a text is looked up at once.

The file is read by mapping it into memory: processes share it, and only the pages that are looked at are read. It
holds no code: a header in JSON says which arrays lie where, and everything is checked against the size of the file.
Layout: `MAGIC`, length of the header (8 bytes, little-endian), header, arrays at multiples of 64 bytes.
"""

from __future__ import annotations

import mmap
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from prepdata.errors import InputError
from prepdata.index.asking import Wanted
from prepdata.record import Record
from prepdata.text.fold import EDGE

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from prepdata.index.words import Words

MAGIC = b"PREPIDX2"
_ANY_MAGIC = MAGIC[:-1]
SUFFIX = ".prepidx"
USUAL = 5
"""Words of the n-grams that every index holds."""
MANY_ITEMS = 20  # an n-gram in more different turns than this, and than `COMMON` of them, is template text, ...
MOST_ITEMS = 100  # ... in more than this always, ...
MANY_OF_FEW = 3  # ... and of a small set in more than this and a third of them
COMMON = 0.01
MOST_PLACES = 1000  # an n-gram that is there more often is too, be it in one turn ("0 0 0 0 0 0")
ALIGNED = 64
"""Every array begins at a multiple of this (bytes)."""
_LONGEST_HEADER = 64 << 20
KINDS = {"u8": "<u8", "u4": "<u4", "u2": "<u2", "u1": "|u1"}


class Item(NamedTuple):
    """One row of an evaluation set.

    Args:
        line: 1-based line, or number of the row where the file has no lines.
        name: its id as written, "" where it has none.
        turns: what is asked, one text per turn of the user; choices left out.
        answer: what is expected, "" where the row does not say.
        record: the row as a record, where it has one of the formats for training data.
        raw: the row.
        media: for each turn the key of what it shows (`prepdata.index.asking.media_of`), 0 for nothing; () where no
            turn shows anything.
    """

    line: int
    name: str
    turns: tuple[str, ...]
    answer: str
    record: Record | None
    raw: dict[str, Any]
    media: tuple[int, ...] = ()


class Benchmark(msgspec.Struct, frozen=True):
    """One evaluation set in an index.

    Args:
        name: as the user calls it, or the path of the file.
        items: number of items.
        digest: xxh3_64 of what the items ask and expect, 16 hex digits.
        left_out: rows that ask nothing or could not be read.
    """

    name: str
    items: int
    digest: str
    left_out: int = 0


class Header(msgspec.Struct, frozen=True):
    """What stands at the head of an index.

    Args:
        benchmarks: the evaluation sets.
        sizes: words of the n-grams.
        arrays: name -> (type, offset behind the header in bytes, number of values).
    """

    benchmarks: tuple[Benchmark, ...]
    sizes: tuple[int, ...]
    arrays: dict[str, tuple[str, int, int]]


class Matches(NamedTuple):
    """Where something is found in an index.

    Args:
        which: (matches,) texts or keys that were looked up, by their number.
        entries: (matches,) places in the sorted n-grams or keys of the index.
    """

    which: NDArray[np.int64]
    entries: NDArray[np.int64]


class Reference:
    """An index that was opened. Attributes `benchmarks` and `sizes` tell what is in it; `known` is for what rules have
    worked out with it, so that the next one need not."""

    def __init__(self, path: Path, header: Header, data: Any, start: int) -> None:
        self.path = path
        self.benchmarks = header.benchmarks
        self.sizes = header.sizes
        self.known: dict[Any, Any] = {}
        self._header = header
        self._data = data
        self._start = start
        self._arrays: dict[str, NDArray[Any]] = {}

    def array(self, name: str) -> NDArray[Any]:
        """Return one of the arrays of the index; it is read as it is looked at."""
        found = self._arrays.get(name)
        if found is None:
            import numpy as np

            kind, offset, number = self._header.arrays[name]
            found = self._arrays[name] = np.frombuffer(self._data, KINDS[kind], number, self._start + offset)
        return found

    def texts(self, name: str, place: int) -> str:
        """Return one text of "parts", "answers" or "names"."""
        ends = self.array(name + ".ends")
        begin, end = int(ends[place - 1]) if place else 0, int(ends[place])
        start = self._start + self._header.arrays[name][1]
        return bytes(self._data[start + begin : start + end]).decode("utf-8", "replace")

    @cached_property
    def wanted(self) -> Wanted:
        """What questions that it may hold look like."""
        said = self.array("edges").tobytes()
        cut = [said[at : at + EDGE].rstrip(b"\0") for at in range(0, len(said), EDGE)]
        roles = self.array("prompts.roles").tolist()
        return Wanted.of(roles, zip(cut[0::2], cut[1::2]))

    def place(self, item: int) -> tuple[Benchmark, int, str]:
        """Return (evaluation set, 1-based line in its file, id or "") of an item."""
        benchmark = self.benchmarks[int(self.array("item_benchmarks")[item])]
        return benchmark, int(self.array("item_lines")[item]), self.texts("names", item)

    def find(self, size: int, grams: Words, *, without: NDArray[np.uint64] | None = None) -> Matches:
        """Return which texts have which n-grams of the index, each once a text, in order of text and n-gram.

        Args:
            size: words of the n-grams.
            grams: those of the texts, as `prepdata.index.words.shingles` returns them.
            without: sorted n-grams that are passed over.
        """
        import numpy as np

        likely = self._likely(size, grams)
        asked = grams.hashes[likely]
        if without is not None and len(without):
            other = without[np.minimum(np.searchsorted(without, asked), len(without) - 1)] != asked
            likely, asked = likely[other], asked[other]
        texts = np.searchsorted(grams.ends, likely, "right")
        order = np.lexsort((asked, texts))
        texts, asked = texts[order], asked[order]
        new = np.append(True, (texts[1:] != texts[:-1]) | (asked[1:] != asked[:-1]))[: len(texts)]
        found = self._among(f"grams{size}", asked[new])
        return Matches(texts[new][found.which], found.entries)

    def follow(self, size: int, grams: Words) -> tuple[Matches, NDArray[np.int64]]:
        """Return which texts have n-grams of the index, and the first word of each in the text: every place in the
        text, in order, and of the places in the index the first."""
        import numpy as np

        likely = self._likely(size, grams)
        asked, known = grams.hashes[likely], self.array(f"grams{size}")
        entries = np.searchsorted(known, asked)
        held = known[np.minimum(entries, len(known) - 1)] == asked if len(known) else np.zeros(len(asked), bool)
        likely, entries = likely[held], entries[held]
        texts = np.searchsorted(grams.ends, likely, "right")
        return Matches(texts, entries), likely - np.append(0, grams.ends)[texts]

    def _likely(self, size: int, grams: Words) -> NDArray[np.int64]:
        """Return the places of n-grams of which the index may hold one."""
        import numpy as np

        bits = self.array(f"filter{size}")
        slots = grams.hashes >> np.uint64(64 - (len(bits) * 8 - 1).bit_length())
        return np.flatnonzero(bits[slots >> np.uint64(3)] >> (slots & np.uint64(7)).astype(np.uint8) & 1)

    def _among(self, name: str, keys: NDArray[np.uint64]) -> Matches:
        """Return where keys are among the sorted ones of an array."""
        import numpy as np

        known = self.array(name)
        left = np.searchsorted(known, keys, "left")
        number = np.searchsorted(known, keys, "right") - left
        held = np.flatnonzero(number)
        left, number = left[held], number[held]
        before = np.cumsum(number) - number
        return Matches(np.repeat(held, number), np.arange(int(number.sum())) + np.repeat(left - before, number))

    def holders(self, name: str, keys: NDArray[np.uint64]) -> Matches:
        """Return where keys ("prompts", "turns", "groups") are in the index."""
        return self._among(name + ".keys", keys)


@lru_cache(maxsize=16)
def open_reference(path: str) -> Reference:
    """Return an index, mapped into memory.

    Raises:
        InputError: there is none at the path, or it is damaged.
    """
    try:
        with Path(path).open("rb") as file:
            data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except FileNotFoundError:
        raise InputError(f"there is no index {path}; make it with `prepdata index build`") from None
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: {getattr(error, 'strerror', None) or 'it is empty, or no path'}") from error
    start = len(MAGIC) + 8
    if data[: len(MAGIC)] != MAGIC:
        if data[: len(_ANY_MAGIC)] == _ANY_MAGIC:
            raise InputError(f"{path} was made by another version of prepdata; make it again with this one")
        raise InputError(f"{path} is no index of prepdata; make one with `prepdata index build`")
    size = int.from_bytes(data[len(MAGIC) : start], "little")
    try:
        if size > min(_LONGEST_HEADER, len(data)):
            raise ValueError
        header = msgspec.json.decode(data[start : start + size], type=Header)
        reference = Reference(Path(path), header, data, start + size)
        _check(reference)
    except (msgspec.DecodeError, ValueError, KeyError, IndexError):
        raise InputError(f"{path} is damaged; make the index again with `prepdata index build`") from None
    return reference


def _check(reference: Reference) -> None:
    """Refuse an index whose arrays do not fit together: nothing that is read from it may lead outside.

    Raises:
        ValueError, KeyError: they do not.
    """

    def within(values: NDArray[Any], bound: int) -> None:
        if len(values) and int(values.max()) >= bound:
            raise ValueError

    items, parts = len(reference.array("item_lines")), len(reference.array("part_items"))
    within(reference.array("item_benchmarks"), len(reference.benchmarks))
    within(reference.array("part_items"), items)
    for name, number in (("parts", parts), ("answers", items), ("names", items)):
        ends = reference.array(name + ".ends")
        within(ends, len(reference.array(name)) + 1)
        if len(ends) != number:
            raise ValueError
    if len(reference.array("item_benchmarks")) != items or len(reference.array("part_words")) != parts:
        raise ValueError
    if len(reference.array("part_media")) != parts:
        raise ValueError
    if len(reference.array("template")) != int(reference.array("part_words").sum()):
        raise ValueError
    reference.array("common")
    reference.array("prompts.roles")
    reference.array("edges")
    for name in ("prompts", "turns", "groups"):
        within(reference.array(name + ".items"), items)
        if len(reference.array(name + ".keys")) != len(reference.array(name + ".items")):
            raise ValueError
    for size in reference.sizes:
        grams = len(reference.array(f"grams{size}"))
        bits = len(reference.array(f"filter{size}"))
        within(reference.array(f"grams{size}.parts"), parts)
        sound = len(reference.array(f"grams{size}.parts")) == len(reference.array(f"grams{size}.places")) == grams
        if not sound or bits < 1 or bits & (bits - 1):
            raise ValueError
