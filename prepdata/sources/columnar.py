"""Parquet files, Arrow files and Hugging Face datasets on disk: rows are written as JSON lines, so that everything
after this is the same as for text. Memory: one batch of rows. Needs pyarrow (extra `hf`)."""

from __future__ import annotations

import base64
import datetime
import hashlib
import json
import math
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec

from prepdata.chunk import Fact
from prepdata.errors import InputError
from prepdata.files import read_bounded
from prepdata.sources.base import HEAD_BYTES, RawChunk, Source, digest_of
from prepdata.sources.cut import Bounds, State, cut_lines

_STATE_BYTES = 1 << 24
"""Size of the list of files of a saved dataset beyond which it is not read (bytes)."""
_BATCH_ROWS = 256
_BLOCK = 256 << 10
PARQUET, ARROW = b"PAR1", b"ARROW1"


class TableSource(Source):
    """One table: a Parquet file, an Arrow file, or one split of a saved dataset. Its rows have no lines."""

    has_lines = False
    kind = "table"

    def __init__(self, path: str, *, bounds: Bounds | None = None, hashed: bool = True) -> None:
        """Open a file or the folder of a saved dataset.

        Raises:
            InputError: pyarrow is not installed, or the file cannot be read.
        """
        super().__init__(path)
        self.bounds = bounds or Bounds()
        self.files = table_files(path)
        self.size = sum(file.stat().st_size for file in self.files)
        self._hashed = hashed
        _pyarrow(path)

    def head(self) -> bytes:
        taken, have = [], 0
        for line in self._lines():
            taken.append(line)
            have += len(line)
            if have >= HEAD_BYTES:
                break
        return b"".join(taken)[:HEAD_BYTES]

    def head_rows(self, n: int = 64) -> Sequence[bytes]:
        return [line.rstrip(b"\n") for line in islice(self._lines(), n)]

    def chunks(self) -> Iterator[RawChunk]:
        rows = 0
        for cut in cut_lines(_blocks(self._lines()), self.bounds, State()):
            rows += cut.lines
            yield RawChunk(cut.data, None, cut.lines, None, digest_of(cut.data, None, cut.lines), cut.facts, cut.size)
        if not rows:
            self.facts.append(Fact("empty-file"))
        if self._hashed:
            self.sha256 = _sha256(self.files)

    def _lines(self) -> Iterator[bytes]:
        """Yield every row as a line of JSON."""
        for file in self.files:
            try:
                for batch in _batches(file):
                    yield from encode_rows(batch.to_pylist(), floats=_has_floats(batch.schema))
            except InputError:
                raise
            except Exception as error:  # pyarrow's errors have many classes
                reason = str(error).split("\n")[0][:200]
                raise InputError(
                    f"{file} cannot be read as a table: {reason}. Write it again, or fetch it again."
                ) from error


def table_files(path: str) -> list[Path]:
    """Return the files of a table, in order.

    Raises:
        InputError: the path is missing, or the folder is no saved dataset.
    """
    place = Path(path)
    if not place.is_dir():
        return [place]
    try:
        state = json.loads(read_bounded(place / "state.json", _STATE_BYTES))
        names = [entry["filename"] for entry in state["_data_files"]]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path} is no saved dataset: its state.json cannot be read. Save it again.") from error
    files = [place / str(name) for name in names]
    inside = place.resolve()
    for file in files:
        if inside not in file.resolve().parents or not file.is_file():
            raise InputError(f"{path}: state.json names the file '{file.name}', which is not in the folder.")
    return files


def is_dataset(folder: Path) -> bool:
    """True for a folder that `Dataset.save_to_disk` wrote."""
    return (folder / "state.json").is_file() and (folder / "dataset_info.json").is_file()


def encode_rows(rows: Iterable[dict[str, Any]], *, floats: bool = True) -> Iterator[bytes]:
    """Yield rows as lines of JSON: bytes as base64, dates in ISO form, numbers that are not finite by their names.

    Args:
        rows: decoded rows.
        floats: False if no column can hold a float.
    """
    encode = msgspec.json.Encoder(enc_hook=_plain).encode
    for row in rows:
        if floats and _odd(row):
            yield json.dumps(row, ensure_ascii=False, default=_plain).encode("utf-8", "replace") + b"\n"
            continue
        try:
            yield encode(row) + b"\n"
        except (OverflowError, UnicodeEncodeError):
            yield json.dumps(row, ensure_ascii=True, default=_plain).encode() + b"\n"


def _odd(value: Any) -> bool:
    """True if a number in `value` is not finite."""
    kind = type(value)
    if kind is float:
        return not math.isfinite(value)
    if kind is dict:
        return any(map(_odd, value.values()))
    if kind is list or kind is tuple:
        return any(map(_odd, value))
    return False


def _plain(value: Any) -> Any:
    """Return a value that JSON can hold, for one that it cannot."""
    if isinstance(value, (bytes, bytearray, memoryview)):
        return base64.b64encode(value).decode("ascii")
    if isinstance(value, (datetime.datetime, datetime.date, datetime.time)):
        return value.isoformat()
    return str(value)


def _blocks(lines: Iterable[bytes]) -> Iterator[bytes]:
    """Yield lines joined into larger pieces."""
    taken: list[bytes] = []
    have = 0
    for line in lines:
        taken.append(line)
        have += len(line)
        if have >= _BLOCK:
            yield b"".join(taken)
            taken, have = [], 0
    if taken:
        yield b"".join(taken)


def _batches(file: Path) -> Iterator[Any]:
    """Yield the record batches of a Parquet or Arrow file, at most `_BATCH_ROWS` rows each."""
    with file.open("rb") as opened:
        magic = opened.read(6)
    pa = _pyarrow(str(file))
    if magic.startswith(PARQUET):
        import pyarrow.parquet

        with pyarrow.parquet.ParquetFile(file, pre_buffer=False) as table:
            yield from table.iter_batches(batch_size=_BATCH_ROWS)
        return
    with pa.OSFile(str(file)) as plain:  # a map of a file that is cut off meanwhile ends the process
        if magic == ARROW:
            reader = pa.ipc.open_file(plain)
            found: Iterable[Any] = (reader.get_batch(i) for i in range(reader.num_record_batches))
        else:
            found = pa.ipc.open_stream(plain)
        for batch in found:
            for at in range(0, batch.num_rows, _BATCH_ROWS):
                yield batch.slice(at, _BATCH_ROWS)


def _has_floats(schema: Any) -> bool:
    text = str(schema)
    return "float" in text or "double" in text


def _pyarrow(path: str) -> Any:
    try:
        import pyarrow
        import pyarrow.ipc
    except ImportError as error:
        raise InputError(
            f"{path}: reading Parquet files and saved datasets needs pyarrow: pip install 'prepdata[hf]'"
        ) from error
    return pyarrow


def _sha256(files: Sequence[Path]) -> str:
    """Return the digest of the files' bytes, one after another."""
    hasher = hashlib.sha256()
    for file in files:
        with file.open("rb") as opened:
            while block := opened.read(_BLOCK):
                hasher.update(block)
    return hasher.hexdigest()
