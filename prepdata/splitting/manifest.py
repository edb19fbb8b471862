"""The file that remembers which row is on which side, so that later runs leave it there.

JSON lines: a header (salt, and the digests of what was written), then one line for each cluster: its side, its key (the
lowest digest of its rows) and the digests of its rows. A digest is that of what a row says (`prepdata.index.columns`),
so rows may move in their file, and marks may be added. In memory 17 bytes a row.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import msgspec

import prepdata
from prepdata.errors import InputError, UsageError
from prepdata.files import replacing
from prepdata.splitting.assign import SIDES
from prepdata.splitting.ties import NEW

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

VERSION = 1
NAME = "split-manifest.jsonl"
KEPT = 2
"""Digests of an output that are remembered: of the run before too, in case this one ends before its time."""


class Header(msgspec.Struct, frozen=True, kw_only=True):
    """First line of the file.

    Args:
        split: version of its layout.
        prepdata: version that wrote it.
        salt: as given.
        outputs: name of each file that was written beside it -> digests (xxh3_64) of what was written there.
    """

    split: int = VERSION
    prepdata: str = prepdata.__version__
    salt: str = ""
    outputs: dict[str, list[str]] = {}


class _Layout(msgspec.Struct, frozen=True):
    split: int


class _Line(msgspec.Struct, frozen=True):
    side: str
    cluster: str
    rows: list[str]


class Manifest(NamedTuple):
    """What a manifest holds.

    Args:
        header: its first line.
        rows: (rows,) uint64, digests in rising order.
        sides: (rows,) int8, the side of each.
        clusters: (rows,) uint64, the key of its cluster.
    """

    header: Header
    rows: NDArray[np.uint64]
    sides: NDArray[np.int8]
    clusters: NDArray[np.uint64]

    def sides_of(self, digests: NDArray[np.uint64]) -> NDArray[np.int8]:
        """Return the side of rows, `NEW` for those it does not know."""
        import numpy as np

        if not len(self.rows):
            return np.full(len(digests), NEW, np.int8)
        places = np.minimum(np.searchsorted(self.rows, digests), len(self.rows) - 1)
        return np.where(self.rows[places] == digests, self.sides[places], np.int8(NEW)).astype(np.int8)

    def clusters_of(self, digests: NDArray[np.uint64]) -> NDArray[np.uint64]:
        """Return the key of the cluster of rows, the largest number there is for those it does not know."""
        import numpy as np

        unknown = np.uint64(np.iinfo(np.uint64).max)
        if not len(self.rows):
            return np.full(len(digests), unknown, np.uint64)
        places = np.minimum(np.searchsorted(self.rows, digests), len(self.rows) - 1)
        return np.where(self.rows[places] == digests, self.clusters[places], unknown)

    def extended(
        self, header: Header, rows: NDArray[np.uint64], sides: NDArray[np.int8], clusters: NDArray[np.uint64]
    ) -> Manifest:
        """Return a manifest of the known and of further rows, which may repeat and be known."""
        import numpy as np

        rows, first = np.unique(np.concatenate((self.rows, rows)), return_index=True)  # the known ones come first
        return Manifest(header, rows, np.concatenate((self.sides, sides))[first],
                        np.concatenate((self.clusters, clusters))[first])  # fmt: skip


def empty(salt: str) -> Manifest:
    """Return a manifest that knows no row."""
    import numpy as np

    return Manifest(Header(salt=salt), np.zeros(0, np.uint64), np.zeros(0, np.int8), np.zeros(0, np.uint64))


def load(path: Path, salt: str) -> Manifest:
    """Return the manifest at a path, an empty one where there is none.

    Raises:
        InputError: the file is damaged, or none of ours.
        UsageError: it was made with another salt.
    """
    import numpy as np

    if not path.exists():
        return empty(salt)
    if not path.is_file():
        raise UsageError(f"{path} is not a regular file; name another --manifest")
    try:
        with path.open("rb") as file:
            first = file.readline()
            layout = msgspec.json.decode(first, type=_Layout).split
            if layout != VERSION:
                raise InputError(f"{path}: a manifest of layout {layout}; this version knows {VERSION}")
            header = msgspec.json.decode(first, type=Header)
            rows, sides, clusters = _columns(iter(file))
    except OSError as error:
        raise InputError(f"{path}: {error.strerror or error}") from error
    except (msgspec.DecodeError, ValueError, OverflowError, RecursionError):
        raise InputError(f"{path} is no manifest of a split, or damaged; move it away to begin anew") from None
    if header.salt != salt:
        raise UsageError(
            f"{path} was made with the salt '{header.salt}'; give the same, or move the manifest away to begin anew"
        )
    order = np.argsort(rows, kind="stable")
    return Manifest(header, rows[order], sides[order], clusters[order])


def _columns(lines: Iterator[bytes]) -> tuple[NDArray[np.uint64], NDArray[np.int8], NDArray[np.uint64]]:
    from array import array

    import numpy as np

    rows, sides, clusters = array("Q"), array("b"), array("Q")
    decode = msgspec.json.Decoder(_Line).decode
    for text in lines:
        line = decode(text)
        rows.extend([int(row, 16) for row in line.rows])
        sides.extend([SIDES.index(line.side)] * len(line.rows))
        clusters.extend([int(line.cluster, 16)] * len(line.rows))
    return np.frombuffer(rows, np.uint64), np.frombuffer(sides, np.int8), np.frombuffer(clusters, np.uint64)


def save(path: Path, manifest: Manifest) -> None:
    """Write a manifest, whole or not at all, the same bytes for the same rows."""
    import numpy as np

    order = np.lexsort((manifest.rows, manifest.clusters, manifest.sides))
    listed = zip(manifest.sides[order].tolist(), manifest.clusters[order].tolist(), manifest.rows[order].tolist())
    encode = msgspec.json.Encoder().encode
    with replacing(path) as file:
        file.write(encode(manifest.header) + b"\n")
        for (side, cluster), rows in groupby(listed, key=lambda item: item[:2]):
            digests = [f"{row:016x}" for _, _, row in rows]
            file.write(encode(_Line(SIDES[side], f"{cluster:016x}", digests)) + b"\n")
