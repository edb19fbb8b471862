"""Evaluation sets in one file: what they ask, and the n-grams of it, sorted so that a text is looked up at once.

The file is read by mapping it into memory: processes share it, and only the pages that are looked at are read. It
holds no code: a header in JSON says which arrays lie where, and everything is checked against the size of the file.
Layout: `MAGIC`, length of the header (8 bytes, little-endian), header, arrays at multiples of 64 bytes.
"""

from __future__ import annotations

import mmap
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
from xxhash import xxh3_64_hexdigest, xxh3_64_intdigest

from prepdata.errors import InputError
from prepdata.files import replacing
from prepdata.index.words import alone
from prepdata.record import Message, Record
from prepdata.text.fold import fold

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from prepdata.index.words import Words

MAGIC = b"PREPIDX1"
_ANY_MAGIC = MAGIC[:-1]
SUFFIX = ".prepidx"
USUAL = 5
"""Words of the n-grams that every index holds."""
MANY_ITEMS = 20  # an n-gram in more different turns than this, and than `COMMON` of them, is template text, ...
MOST_ITEMS = 100  # ... in more than this always, ...
MANY_OF_FEW = 3  # ... and of a small set in more than this and a third of them
COMMON = 0.01
MOST_PLACES = 1000  # an n-gram that is there more often is too, be it in one turn ("0 0 0 0 0 0")
FEWEST = 5
"""Words of a turn below which it says too little to be told from others of its kind; whole prompts count always."""
_ALIGNED = 64
_LONGEST_HEADER = 64 << 20
_FILTER_BITS = 16  # bits of the filter for each n-gram, at least
_KINDS = {"u8": "<u8", "u4": "<u4", "u2": "<u2", "u1": "|u1"}


GROUPS = ("group", "group_id", "source_id", "conversation_id")
"""Fields of a row that hold the id of a group or source."""


class Item(NamedTuple):
    """One row of an evaluation set.

    Args:
        line: 1-based line, or number of the row where the file has no lines.
        name: its id as written, "" where it has none.
        turns: what is asked, one text per turn of the user; choices left out.
        answer: what is expected, "" where the row does not say.
        record: the row as a record, where it has one of the formats for training data.
        raw: the row.
    """

    line: int
    name: str
    turns: tuple[str, ...]
    answer: str
    record: Record | None
    raw: dict[str, Any]


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


class _Header(msgspec.Struct, frozen=True):
    benchmarks: tuple[Benchmark, ...]
    sizes: tuple[int, ...]
    arrays: dict[str, tuple[str, int, int]]  # name -> (type, offset after the header, number)


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

    def __init__(self, path: Path, header: _Header, data: Any, start: int) -> None:
        self.path = path
        self.benchmarks = header.benchmarks
        self.sizes = header.sizes
        self.known: dict[Any, Any] = {}
        self._header = header
        self._data = data
        self._start = start

    def array(self, name: str) -> NDArray[Any]:
        """Return one of the arrays of the index; it is read as it is looked at."""
        import numpy as np

        kind, offset, number = self._header.arrays[name]
        return np.frombuffer(self._data, _KINDS[kind], number, self._start + offset)

    def texts(self, name: str, place: int) -> str:
        """Return one text of "parts", "answers" or "names"."""
        ends = self.array(name + ".ends")
        begin, end = int(ends[place - 1]) if place else 0, int(ends[place])
        return self.array(name)[begin:end].tobytes().decode("utf-8", "replace")

    def place(self, item: int) -> tuple[Benchmark, int, str]:
        """Return (evaluation set, 1-based line in its file, id or "") of an item."""
        benchmark = self.benchmarks[int(self.array("item_benchmarks")[item])]
        return benchmark, int(self.array("item_lines")[item]), self.texts("names", item)

    def find(self, size: int, grams: Words, *, without: NDArray[np.uint64] | None = None, most: int = 0) -> Matches:
        """Return which texts have which n-grams of the index, each once a text, in order of text and n-gram.

        Args:
            size: words of the n-grams.
            grams: those of the texts, as `prepdata.index.words.shingles` returns them.
            without: sorted n-grams that are passed over.
            most: places in the index that are returned of one n-gram; 0 for all.
        """
        import numpy as np

        bits = self.array(f"filter{size}")
        shift = np.uint64(64 - (len(bits) * 8 - 1).bit_length())
        slots = grams.hashes >> shift
        likely = np.flatnonzero(bits[slots >> np.uint64(3)] >> (slots & np.uint64(7)).astype(np.uint8) & 1)
        asked = grams.hashes[likely]
        if without is not None and len(without):
            other = without[np.minimum(np.searchsorted(without, asked), len(without) - 1)] != asked
            likely, asked = likely[other], asked[other]
        texts = np.searchsorted(grams.ends, likely, "right")
        order = np.lexsort((asked, texts))
        texts, asked = texts[order], asked[order]
        new = np.append(True, (texts[1:] != texts[:-1]) | (asked[1:] != asked[:-1]))[: len(texts)]
        found = self._among(f"grams{size}", asked[new], most)
        return Matches(texts[new][found.which], found.entries)

    def _among(self, name: str, keys: NDArray[np.uint64], most: int = 0) -> Matches:
        """Return where keys are among the sorted ones of an array."""
        import numpy as np

        known = self.array(name)
        left = np.searchsorted(known, keys, "left")
        number = np.searchsorted(known, keys, "right") - left
        held = np.flatnonzero(number)
        left, number = left[held], np.minimum(number[held], most or len(known))
        before = np.cumsum(number) - number
        return Matches(np.repeat(held, number), np.arange(int(number.sum())) + np.repeat(left - before, number))

    def holders(self, name: str, keys: NDArray[np.uint64]) -> Matches:
        """Return where keys ("prompts", "turns", "groups") are in the index."""
        return self._among(name + ".keys", keys)


def turn_key(text: str) -> int:
    """Return the key of one turn of a user: equal for texts that fold to the same."""
    return xxh3_64_intdigest(fold(text))


def says_enough(text: str) -> bool:
    """True if a turn has `FEWEST` words; of scripts without spaces, in which a word has about two signs, so many."""
    if len(text.split(None, FEWEST)) >= FEWEST:
        return True
    return not text.isascii() and len(alone(text)) >= 2 * FEWEST


def prompt_key(turns: Sequence[tuple[str, str]]) -> int:
    """Return the key of a whole prompt, given (role, text) of its turns without system prompts. A prompt of one turn
    has the key of that turn."""
    if len(turns) == 1:
        return turn_key(turns[0][1])
    return xxh3_64_intdigest(
        b"\xff".join([role.encode("utf-8", "surrogatepass") + b"\xfe" + fold(text) for role, text in turns])
    )


def group_key(value: object) -> int:
    """Return the key of a group or source id."""
    return xxh3_64_intdigest(str(value).encode("utf-8", "replace"))


def asked(messages: Iterable[Message]) -> list[tuple[str, str]]:
    """Return (role, text) of the turns of a prompt that say what is asked."""
    return [(m.role, m.text) for m in messages if m.role not in ("system", "developer")]


class _Texts:
    """Texts laid end to end."""

    def __init__(self) -> None:
        self.pieces: list[bytes] = []
        self.ends: list[int] = []
        self.size = 0

    def add(self, text: str) -> None:
        data = text.encode("utf-8", "replace")
        self.pieces.append(data)
        self.size += len(data)
        self.ends.append(self.size)


class Builder:
    """Collects evaluation sets and writes them as one index. Memory: twice the texts, and 100 bytes for each word."""

    def __init__(self, sizes: Sequence[int] = (USUAL,)) -> None:
        """Args:
        sizes: words of the n-grams.
        """
        self.sizes = tuple(sorted({USUAL, *sizes}))
        self.benchmarks: list[Benchmark] = []
        self.columns: dict[str, list[int]] = {
            name: [] for name in ("item_lines", "item_benchmarks", "part_items", "prompts.keys", "prompts.items",
                                  "turns.keys", "turns.items", "groups.keys", "groups.items")
        }  # fmt: skip
        self.parts: list[str] = []
        self.names, self.answers = _Texts(), _Texts()

    def add(
        self, name: str, items: Iterable[Item | None], groups: Sequence[str] = GROUPS, *, needed: bool = True
    ) -> Benchmark:
        """Add one evaluation set.

        Args:
            name: what it is called.
            items: its items, None for rows that are none.
            groups: fields that hold a group or source id.
            needed: False where a set without any item may be (one of the files of a folder).

        Raises:
            InputError: it has no item.
        """
        columns, count, said, left = self.columns, 0, [], 0
        for item in items:
            if item is None:
                left += 1
                continue
            item = item._replace(turns=tuple(turn.encode("utf-8", "replace").decode() for turn in item.turns))
            number = len(columns["item_lines"])
            columns["item_lines"].append(item.line)
            columns["item_benchmarks"].append(len(self.benchmarks))
            self.names.add(item.name)
            self.answers.add(item.answer)
            self._keys(number, item, groups)
            for turn in item.turns:
                columns["part_items"].append(number)
                self.parts.append(turn)
            said.append(xxh3_64_hexdigest("\0".join([*item.turns, "", item.answer]).encode("utf-8", "replace")))
            count += 1
        if not count and needed:
            raise InputError(f"{name}: no row in it asks anything that could be found elsewhere. Rows need a prompt, a "
                             "question or the like; name its field with the setting `columns`")  # fmt: skip
        name = name.encode("utf-8", "replace").decode()  # a path may be no Unicode
        self.benchmarks.append(Benchmark(name, count, xxh3_64_hexdigest("".join(said).encode()), left))
        return self.benchmarks[-1]

    def _keys(self, number: int, item: Item, groups: Sequence[str]) -> None:
        columns = self.columns
        prompt = [("user", turn) for turn in item.turns]
        if item.record is not None and len(item.turns) > 1:
            prompt = asked(item.record.split()[0])
        columns["prompts.keys"].append(prompt_key(prompt))
        columns["prompts.items"].append(number)
        for turn in item.turns:
            if says_enough(turn):
                columns["turns.keys"].append(turn_key(turn))
                columns["turns.items"].append(number)
        for group in groups:
            value = item.raw.get(group)
            if type(value) in (str, int):
                columns["groups.keys"].append(group_key(value))
                columns["groups.items"].append(number)

    def save(self, path: Path) -> None:
        """Write the index, whole or not at all.

        Raises:
            OSError: it cannot be written.
        """
        arrays = dict(self._arrays())
        placed, offset = {}, 0
        for name, (kind, values) in arrays.items():
            placed[name] = (kind, offset, len(values))
            offset += -(-values.nbytes // _ALIGNED) * _ALIGNED
        header = msgspec.json.encode(_Header(tuple(self.benchmarks), self.sizes, placed))
        header += b" " * (-(len(MAGIC) + 8 + len(header)) % _ALIGNED)
        with replacing(path) as file:
            file.write(MAGIC + len(header).to_bytes(8, "little") + header)
            for _, values in arrays.values():
                data = values.tobytes()
                file.write(data)
                file.write(bytes(-len(data) % _ALIGNED))

    def _arrays(self) -> Iterator[tuple[str, tuple[str, NDArray[Any]]]]:
        import numpy as np

        from prepdata.index.words import words

        for name in ("item_lines", "item_benchmarks", "part_items"):
            yield name, ("u4", np.array(self.columns[name], "<u4"))
        for name in ("prompts", "turns", "groups"):
            keys = np.array(self.columns[name + ".keys"], "<u8")
            order = np.argsort(keys, kind="stable")
            yield name + ".keys", ("u8", keys[order])
            yield name + ".items", ("u4", np.array(self.columns[name + ".items"], "<u4")[order])
        texts = _Texts()
        for part in self.parts:
            texts.add(part)
        for name, held in (("parts", texts), ("answers", self.answers), ("names", self.names)):
            yield name, ("u1", np.frombuffer(b"".join(held.pieces), np.uint8))
            yield name + ".ends", ("u8", np.array(held.ends, "<u8"))
        found = words(self.parts)
        yield "part_words", ("u4", np.diff(found.ends, prepend=0).astype("<u4"))
        for size in self.sizes:
            yield from self._grams(found, size)

    def _grams(self, found: Any, size: int) -> Iterator[tuple[str, tuple[str, NDArray[Any]]]]:
        import numpy as np

        from prepdata.index.words import shingles

        grams = shingles(found, size)
        counts = np.diff(grams.ends, prepend=0)
        order = np.argsort(grams.hashes, kind="stable")  # then by turn and place, as they are
        keys = grams.hashes[order].astype("<u8", copy=False)
        parts = np.repeat(np.arange(len(counts), dtype="<u4"), counts)[order]
        places = (np.arange(len(order)) - np.repeat(grams.ends - counts, counts)).astype("<u4")[order]
        del order, grams
        yield f"grams{size}", ("u8", keys)
        yield f"grams{size}.parts", ("u4", parts)
        yield f"grams{size}.places", ("u4", places)
        yield f"filter{size}", ("u1", _filter(keys))
        if size == USUAL:
            yield from self._template(keys, parts, places, found.ends)

    def _template(
        self, keys: NDArray[Any], parts: NDArray[Any], places: NDArray[Any], ends: NDArray[np.int64]
    ) -> Iterator[tuple[str, tuple[str, NDArray[Any]]]]:
        """Yield the n-grams that many different turns have, and for each word of each turn whether it lies in one."""
        import numpy as np

        known: dict[str, int] = {}
        first = np.array([known.setdefault(part, n) == n for n, part in enumerate(self.parts)], bool)
        turns = len(known)
        most = min(max(MANY_ITEMS, min(MOST_ITEMS, int(COMMON * turns))), max(MANY_OF_FEW, turns // 3))
        begins = np.flatnonzero(np.append(True, keys[1:] != keys[:-1])[: len(keys)])
        other = np.append(True, (keys[1:] != keys[:-1]) | (parts[1:] != parts[:-1]))[: len(keys)]
        held = np.add.reduceat((other & first[parts]).astype(np.int64), begins) if len(begins) else begins
        sizes = np.diff(np.append(begins, len(keys)))
        many = (held > most) | (sizes > MOST_PLACES)
        common = np.repeat(many, sizes)
        flags = np.zeros(int(ends[-1]) if len(ends) else 0, np.uint8)
        words = (np.append(0, ends)[parts] + places)[common]
        for step in range(USUAL):
            flags[(words + step)[words + step < ends[parts[common]]]] = 1
        yield "common", ("u8", keys[begins][many])
        yield "template", ("u1", flags)


def _filter(keys: NDArray[np.uint64]) -> NDArray[np.uint8]:
    """Return bits that tell which beginnings sorted n-grams have: at least `_FILTER_BITS` for each of them."""
    import numpy as np

    bits = max(10, (len(keys) * _FILTER_BITS - 1).bit_length())
    slots = keys >> np.uint64(64 - bits)
    slots = slots[np.append(True, slots[1:] != slots[:-1])[: len(slots)]]
    filled = np.zeros(1 << bits - 3, np.uint8)
    np.bitwise_or.at(
        filled, (slots >> np.uint64(3)).astype(np.int64), np.uint8(1) << (slots & np.uint64(7)).astype(np.uint8)
    )
    return filled


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
        header = msgspec.json.decode(data[start : start + size], type=_Header)
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
    if len(reference.array("template")) != int(reference.array("part_words").sum()):
        raise ValueError
    reference.array("common")
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
