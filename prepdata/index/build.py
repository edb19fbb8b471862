"""Makes an index of evaluation sets (`prepdata.index.reference`) in bounded memory.

Texts and words go to temporary files once there are many of them, and the n-grams are sorted piece by piece: each
piece is a range of their hashes, so the pieces follow one another in the file. What stays in memory for the whole set
is `MEMORY_ITEM` bytes for each item and turn and one byte for each word; sets that would need more than
`MOST_MEMORY` are refused.
"""

from __future__ import annotations

import tempfile
from array import array
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, NamedTuple

import msgspec
from xxhash import xxh3_64, xxh3_64_hexdigest, xxh3_64_intdigest

from prepdata.errors import InputError
from prepdata.files import replacing
from prepdata.index.asking import WHOLE, Question, group_key, keys_of, questions, roles_of, says_enough
from prepdata.index.reference import (
    ALIGNED,
    COMMON,
    KINDS,
    MAGIC,
    MANY_ITEMS,
    MANY_OF_FEW,
    MOST_ITEMS,
    MOST_PLACES,
    USUAL,
    Benchmark,
    Header,
    Item,
)
from prepdata.text.fold import EDGE, closing, opening

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

GROUPS = ("group", "group_id", "source_id", "conversation_id")
"""Fields of a row that hold the id of a group or source."""
PIECE = 1 << 22
"""N-grams sorted at once, about 60 bytes of memory each."""
SPILL = 16 << 20
"""Bytes of texts or words from which on they are kept in a temporary file."""
MEMORY_ITEM = 160
"""Bytes of memory for each item and each of its turns, at most: numbers, keys, and these sorted."""
MOST_MEMORY = 4 << 30
"""Bytes of memory, beside pieces and texts, beyond which an evaluation set is refused."""
MOST_GRAMS = (1 << 32) - 1
"""N-grams of one length that an index can number."""
_FILTER_BITS = 16  # bits of the filter for each n-gram, at least
_QUESTIONS = 1000  # keys worked out at once
_BLOCK = 1 << 20  # characters of text, or words, worked on at once


class _Spool:
    """Bytes that are laid end to end: in memory while they are few, else in a temporary file."""

    def __init__(self) -> None:
        self.held: list[bytes] = []
        self.waiting = 0
        self.size = 0
        self.file: IO[bytes] | None = None

    def add(self, data: bytes) -> None:
        self.held.append(data)
        self.size += len(data)
        self.waiting += len(data)
        if self.waiting > SPILL:
            self._flush()

    def _flush(self) -> None:
        if self.file is None:
            self.file = tempfile.TemporaryFile()  # noqa: SIM115 (closed with the spool)
        self.file.write(b"".join(self.held))
        self.held, self.waiting = [], 0

    def values(self, kind: str) -> NDArray[Any]:
        """Return all that was added, as an array: of the file mapped into memory, if there is one."""
        import numpy as np

        if self.file is None:
            return np.frombuffer(b"".join(self.held), KINDS[kind])
        self._flush()
        self.file.flush()
        return np.memmap(self.file, KINDS[kind], "r")


class _Texts:
    """Texts laid end to end, and where each ends."""

    def __init__(self) -> None:
        self.spool = _Spool()
        self.ends = array("Q")

    def add(self, text: str) -> None:
        self.spool.add(text.encode("utf-8", "replace"))
        self.ends.append(self.spool.size)


class Builder:
    """Collects evaluation sets and writes them as one index."""

    def __init__(self, sizes: Sequence[int] = (USUAL,)) -> None:
        """Args:
        sizes: words of the n-grams.
        """
        self.sizes = tuple(sorted({USUAL, *sizes}))
        self.benchmarks: list[Benchmark] = []
        self.columns: dict[str, array[int]] = {
            name: array("Q" if name.endswith((".keys", "media", "digests")) else "I")
            for name in ("item_lines", "item_benchmarks", "part_items", "part_media", "part_words", "part_digests",
                         "prompts.keys", "prompts.items", "turns.keys", "turns.items", "groups.keys", "groups.items")
        }  # fmt: skip
        self.roles: set[int] = set()
        self.edges: set[bytes] = set()  # opening and closing of each turn, 16 bytes
        self.parts, self.names, self.answers = _Texts(), _Texts(), _Texts()
        self.words = _Spool()
        self.number_of_words = 0
        self._asked: list[tuple[str, int, Question]] = []
        self._unfolded = 0  # characters of these
        self._batch: list[str] = []
        self._waiting = 0

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
            InputError: it has no item, or is too large.
        """
        columns, count, said, left = self.columns, 0, xxh3_64(), 0
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
            self._ask(number, item, groups)
            for at, turn in enumerate(item.turns):
                columns["part_items"].append(number)
                columns["part_media"].append(item.media[at] if item.media else 0)
                columns["part_digests"].append(xxh3_64_intdigest(turn.encode()))
                self.parts.add(turn)
                self._read(turn, name)
            media = [str(item.media)] if any(item.media) else []
            asks = "\0".join([*item.turns, *media, "", item.answer])
            said.update(xxh3_64_hexdigest(asks.encode("utf-8", "replace")).encode())
            count += 1
        if not count and needed:
            raise InputError(f"{name}: no row in it asks anything that could be found elsewhere. Rows need a prompt, a "
                             "question or the like; name its field with the setting `columns`")  # fmt: skip
        name = name.encode("utf-8", "replace").decode()  # a path may be no Unicode
        self.benchmarks.append(Benchmark(name, count, said.hexdigest(), left))
        return self.benchmarks[-1]

    def _ask(self, number: int, item: Item, groups: Sequence[str]) -> None:
        """Take what an item asks, and the groups it belongs to."""
        shown = item.media or (0,) * len(item.turns)
        turns = [Question(at, (("user", turn),), shown[at : at + 1]) for at, turn in enumerate(item.turns)]
        whole = Question(WHOLE, tuple(("user", turn) for turn in item.turns), shown)
        if item.record is not None and len(turns) > 1:
            whole = next((q for q in questions(item.record) if q.turn == WHOLE), whole)
        if len(whole.said) > 1:
            self.roles.add(roles_of([role for role, _ in whole.said]))
        self._asked.append(("prompts", number, whole))
        self.edges.update(opening(turn).ljust(EDGE, b"\0") + closing(turn).ljust(EDGE, b"\0") for turn in item.turns)
        self._asked += [("turns", number, turn) for turn in turns if says_enough(turn.said[0][1])]
        self._unfolded += sum(map(len, item.turns))
        if len(self._asked) > _QUESTIONS or self._unfolded > _BLOCK:
            self._fold()
        for group in groups:
            value = item.raw.get(group)
            if type(value) in (str, int):
                self.columns["groups.keys"].append(group_key(value))
                self.columns["groups.items"].append(number)

    def _fold(self) -> None:
        """Add the keys of the questions that wait, many at once."""
        for (name, number, _), key in zip(self._asked, keys_of([question for _, _, question in self._asked])):
            self.columns[name + ".keys"].append(key)
            self.columns[name + ".items"].append(number)
        self._asked, self._unfolded = [], 0

    def _read(self, turn: str, name: str) -> None:
        """Take the words of a turn, many turns together."""
        self._batch.append(turn)
        self._waiting += len(turn)
        if self._waiting >= _BLOCK:
            self._take()
            self._refuse(name)

    def _take(self) -> None:
        import numpy as np

        from prepdata.index.words import words

        found = words(self._batch)
        self.words.add(found.hashes.astype("<u8", copy=False).tobytes())
        self.number_of_words += len(found.hashes)
        self.columns["part_words"].extend(np.diff(found.ends, prepend=0).tolist())
        self._batch, self._waiting = [], 0

    def _refuse(self, name: str) -> None:
        """Refuse what would need more memory than it may.

        Raises:
            InputError: it would.
        """
        items = len(self.columns["item_lines"]) + len(self.columns["part_items"])
        needed = MEMORY_ITEM * items + self.number_of_words
        if needed > MOST_MEMORY or self.number_of_words > MOST_GRAMS:
            raise InputError(
                f"{name}: too large for one index. With {items:,} items and turns of {self.number_of_words:,} words it "
                f"would need {needed / (1 << 30):.2f} GiB of memory while it is made, more than "
                f"{MOST_MEMORY / (1 << 30):.2f}; cut it into several files, and make an index of each "
                "with `prepdata index build`"
            )

    def save(self, path: Path, *, synced: bool = True) -> None:
        """Write the index, whole or not at all.

        Args:
            path: where to.
            synced: False where it may be lost with the machine, as a cache may.

        Raises:
            OSError: it cannot be written.
            InputError: there is too much for one index.
        """
        import numpy as np

        if self._batch:
            self._take()
        self._fold()
        self._refuse(", ".join(made.name for made in self.benchmarks[:3]))
        placed: dict[str, tuple[str, int, int]] = {}
        offset = 0
        for name, kind, number in self._layout():
            placed[name] = (kind, offset, number)
            offset += -(-number * int(kind[1:]) // ALIGNED) * ALIGNED
        room = len(self._header(placed))
        room += -(len(MAGIC) + 8 + room) % ALIGNED
        start = len(MAGIC) + 8 + room
        with replacing(path, synced=synced) as file:
            written: dict[str, int] = {}  # bytes of each array
            for name, values in self._arrays():
                at = written.get(name, 0)
                file.seek(start + placed[name][1] + at)
                file.write(np.ascontiguousarray(values).data)
                written[name] = at + values.nbytes
            kind, at, _ = placed["common"]  # the last one; how many there are is known only now
            placed["common"] = (kind, at, written["common"] // int(kind[1:]))
            file.seek(0)
            file.write(MAGIC + room.to_bytes(8, "little") + self._header(placed).ljust(room))
            file.truncate(start + at + -(-written["common"] // ALIGNED) * ALIGNED)

    def _header(self, placed: dict[str, tuple[str, int, int]]) -> bytes:
        return msgspec.json.encode(Header(tuple(self.benchmarks), self.sizes, placed))

    def _layout(self) -> Iterator[tuple[str, str, int]]:
        """Yield (name, type, number of values) of every array, in order; of "common" the most there may be."""
        columns, texts = self.columns, {"parts": self.parts, "answers": self.answers, "names": self.names}
        for name in ("item_lines", "item_benchmarks", "part_items", "part_words"):
            yield name, "u4", len(columns[name])
        yield "part_media", "u8", len(columns["part_media"])
        yield "prompts.roles", "u8", len(self.roles)
        yield "edges", "u8", 2 * len(self.edges)
        for name in ("prompts", "turns", "groups"):
            yield name + ".keys", "u8", len(columns[name + ".keys"])
            yield name + ".items", "u4", len(columns[name + ".items"])
        for name, held in texts.items():
            yield name + ".ends", "u8", len(held.ends)
            yield name, "u1", held.spool.size
        yield "template", "u1", self.number_of_words
        for size in self.sizes:
            grams = self._number_of_grams(size)
            yield f"grams{size}", "u8", grams
            yield f"grams{size}.parts", "u4", grams
            yield f"grams{size}.places", "u4", grams
            yield f"filter{size}", "u1", 1 << _filter_bits(grams) - 3
        yield "common", "u8", self._number_of_grams(USUAL)

    def _number_of_grams(self, size: int) -> int:
        import numpy as np

        words = np.frombuffer(self.columns["part_words"], np.uint32).astype(np.int64)
        return int(np.maximum(words - size + 1, words > 0).sum())

    def _arrays(self) -> Iterator[tuple[str, NDArray[Any]]]:
        """Yield the arrays; of those that are made in pieces, one after another."""
        import numpy as np

        for name in ("item_lines", "item_benchmarks", "part_items", "part_words"):
            yield name, np.array(self.columns[name], "<u4")
        yield "part_media", np.array(self.columns["part_media"], "<u8")
        yield "prompts.roles", np.array(sorted(self.roles), "<u8")
        yield "edges", np.frombuffer(b"".join(sorted(self.edges)), "<u8")
        for name in ("prompts", "turns", "groups"):
            keys = np.array(self.columns[name + ".keys"], "<u8")
            order = np.argsort(keys, kind="stable")
            yield name + ".keys", keys[order]
            yield name + ".items", np.array(self.columns[name + ".items"], "<u4")[order]
        for name, held in (("parts", self.parts), ("answers", self.answers), ("names", self.names)):
            yield name + ".ends", np.array(held.ends, "<u8")
            values = held.spool.values("u1")
            for begin in range(0, len(values), SPILL):
                yield name, values[begin : begin + SPILL]
        ends = np.cumsum(np.frombuffer(self.columns["part_words"], np.uint32), dtype=np.int64)
        words = self.words.values("u8")
        template = _Template(np.frombuffer(self.columns["part_digests"], np.uint64), ends)
        for size in self.sizes:
            total = self._number_of_grams(size)
            for piece in _pieces(words, ends, size, total):
                yield f"grams{size}", piece.keys
                yield f"grams{size}.parts", piece.parts
                yield f"grams{size}.places", piece.places
                yield f"filter{size}", piece.filled
                if size == USUAL:
                    yield "common", template.take(piece)
        yield "template", template.flags


class _Piece(NamedTuple):
    """The n-grams in one range of hashes, sorted; those of one hash by turn and place.

    Args:
        keys: (n-grams,) their hashes; parts, places: turn and first word of each.
        filled: the part of the filter for this range.
    """

    keys: NDArray[np.uint64]
    parts: NDArray[np.uint32]
    places: NDArray[np.uint32]
    filled: NDArray[np.uint8]


def _pieces(words: NDArray[np.uint64], ends: NDArray[np.int64], size: int, total: int) -> Iterator[_Piece]:
    """Yield the n-grams of some turns in pieces of about `PIECE`, in order of their hashes.

    Args:
        words: the words of all turns; ends: (turns,) where those of each end.
        size: words of an n-gram.
        total: number of the n-grams.
    """
    import numpy as np

    bits = _filter_bits(total)
    split = min(bits - 3, max(0, (total - 1) // PIECE).bit_length())  # 2 ** split pieces
    for number in range(1 << split):
        found = list(_in_range(words, ends, size, number, split))
        count = sum(len(keys) for keys, _, _ in found)
        if 60 * count > MOST_MEMORY:  # one n-gram over and over
            raise InputError(
                f"these evaluation files repeat a run of {size} words too often: {count:,} places cannot be sorted in "
                f"{MOST_MEMORY / (1 << 30):.2f} GiB of memory; take the repetitions out"
            )
        keys, parts, places = (
            np.concatenate([one[i] for one in found] or [np.zeros(0, "<u8" if i == 0 else "<u4")]) for i in range(3)
        )
        del found
        order = _order(keys)
        keys = keys[order]
        slots = (keys >> np.uint64(64 - bits)).astype(np.int64) - (number << bits - split)
        filled = np.zeros(1 << bits - split, bool)
        filled[slots] = True
        yield _Piece(keys, parts[order], places[order], np.packbits(filled, bitorder="little"))


def _in_range(
    words: NDArray[np.uint64], ends: NDArray[np.int64], size: int, number: int, split: int
) -> Iterator[tuple[NDArray[np.uint64], NDArray[np.uint32], NDArray[np.uint32]]]:
    """Yield (hashes, turns, places) of the n-grams whose hash begins with the `split` bits of `number`."""
    import numpy as np

    from prepdata.index.words import Words, shingles

    borders = np.searchsorted(ends, np.arange(0, len(words) + _BLOCK, _BLOCK)).tolist()
    borders[-1] = len(ends)
    for first, last in pairwise(borders):
        if first == last:
            continue
        begin = int(ends[first - 1]) if first else 0
        grams = shingles(Words(np.asarray(words[begin : int(ends[last - 1])]), ends[first:last] - begin), size)
        counts = np.diff(grams.ends, prepend=0)
        parts = np.repeat(np.arange(first, last, dtype="<u4"), counts)
        places = (np.arange(len(grams.hashes)) - np.repeat(grams.ends - counts, counts)).astype("<u4")
        if split:
            held = grams.hashes >> np.uint64(64 - split) == np.uint64(number)
            yield grams.hashes[held], parts[held], places[held]
        else:
            yield grams.hashes, parts, places


def _order(keys: NDArray[np.uint64]) -> NDArray[np.int64]:
    """Return the stable order of numbers. Most are there once, so the quick order is put right where they are not."""
    import numpy as np

    order = np.argsort(keys)
    ordered = keys[order]
    same = np.append(False, ordered[1:] == ordered[:-1])[: len(keys)]
    if not same.any():
        return order
    groups = np.cumsum(~same)
    held = np.flatnonzero(same | np.append(same[1:], False))
    order[held] = order[held][np.lexsort((order[held], groups[held]))]
    return order


def _filter_bits(grams: int) -> int:
    """Return of how many first bits of a hash the filter tells whether any n-gram has them."""
    return max(10, (grams * _FILTER_BITS - 1).bit_length())


class _Template:
    """Which n-grams many different turns have, and for each word of each turn whether it lies in one (`flags`)."""

    def __init__(self, digests: NDArray[np.uint64], ends: NDArray[np.int64]) -> None:
        """Args:
        digests: (turns,) of their texts.
        ends: (turns,) where the words of each end.
        """
        import numpy as np

        _, once = np.unique(digests, return_index=True)
        self.first = np.zeros(len(digests), bool)  # True for the first turn of each text
        self.first[once] = True
        turns = len(once)
        self.most = min(max(MANY_ITEMS, min(MOST_ITEMS, int(COMMON * turns))), max(MANY_OF_FEW, turns // 3))
        self.ends = ends
        self.flags = np.zeros(int(ends[-1]) if len(ends) else 0, np.uint8)

    def take(self, piece: _Piece) -> NDArray[np.uint64]:
        """Return the n-grams of a piece that many turns have, and mark their words."""
        import numpy as np

        keys, parts = piece.keys, piece.parts
        new = np.append(True, keys[1:] != keys[:-1])[: len(keys)]
        begins = np.flatnonzero(new)
        other = new | np.append(True, parts[1:] != parts[:-1])[: len(keys)]
        held = np.add.reduceat((other & self.first[parts]).astype(np.int64), begins) if len(begins) else begins
        sizes = np.diff(np.append(begins, len(keys)))
        many = (held > self.most) | (sizes > MOST_PLACES)
        common = np.repeat(many, sizes)
        parts = parts[common]
        words = np.append(0, self.ends)[parts] + piece.places[common]
        for step in range(USUAL):
            self.flags[(words + step)[words + step < self.ends[parts]]] = 1
        return keys[begins][many]
