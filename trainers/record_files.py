"""Records of evaluations on the disk: written whole or not at all, hashed, and held against their hashes when read."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec

from prepdata.errors import InputError
from prepdata.files import read_bounded, replacing
from prepdata.jsontext import json_text
from trainers.record import SCHEMA_VERSION, Evaluation, SampleResult, SamplesFile

MOST_BYTES = 1 << 26
"""Size of a record beyond which it is not read (bytes)."""
MOST_SAMPLES = 1 << 32
"""Size of a file of samples beyond which it is not read (bytes)."""


def samples_path(record: str | os.PathLike[str]) -> Path:
    """Return where the samples of a record stand: `baseline.json` -> `baseline.samples.jsonl`."""
    path = Path(record)
    return path.with_name(f"{path.name.removesuffix('.json')}.samples.jsonl")


def write(path: str | os.PathLike[str], record: Evaluation, samples: Iterable[SampleResult]) -> Evaluation:
    """Write a record and its samples, each whole or not at all, the samples first; return the record with its hashes.

    Args:
        path: of the record; the samples go beside it.
        record: `samples` and `sha256` in it are filled in.
        samples: in the order in which they were asked.

    Raises:
        OSError: a file cannot be written.
    """
    beside = samples_path(path)
    digest, rows = hashlib.sha256(), 0
    with replacing(beside) as out:
        for sample in samples:
            line = json_text(sample).encode() + b"\n"
            digest.update(line)
            out.write(line)
            rows += 1
    file = SamplesFile(path=beside.name, sha256=digest.hexdigest(), rows=rows)
    record = msgspec.structs.replace(record, samples=file, sha256="")
    record = msgspec.structs.replace(record, sha256=digest_of(json_text(record).encode()))
    with replacing(Path(path)) as out:
        out.write(msgspec.json.format(json_text(record).encode(), indent=2) + b"\n")
    return record


def digest_of(data: bytes) -> str:
    """Return the hash of a record: sha256 of what its file holds, without its own hash, as JSON with sorted keys.

    Of the file and not of the struct: a later version of prepdata, which knows more fields, reads the same hash.
    """
    held = msgspec.json.decode(data)
    return hashlib.sha256(msgspec.json.encode({**held, "sha256": ""}, order="sorted")).hexdigest()


class _Head(msgspec.Struct):
    schema_version: int


def read(path: str | os.PathLike[str]) -> Evaluation:
    """Return a record; its hash is checked.

    Raises:
        InputError: it cannot be read, is damaged, was changed, or is of another layout; says what and where.
    """
    where = os.fspath(path)
    again = "make it again with prepdata baseline or prepdata evaluate"
    if Path(path).is_dir():
        raise InputError(f"{where}: a folder, where the file of a record is wanted (such as evaluation.json in a run)")
    try:
        data = read_bounded(path, MOST_BYTES)
        version = msgspec.json.decode(data, type=_Head).schema_version
        if version != SCHEMA_VERSION:
            advice = "update prepdata" if version > SCHEMA_VERSION else again
            raise InputError(
                f"{where}: layout {version} of a record; this version of prepdata knows {SCHEMA_VERSION}: {advice}"
            )
        record = msgspec.json.decode(data, type=Evaluation)
    except OSError as error:
        raise InputError(f"{where}: cannot be read: {error.strerror or error}") from None
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise InputError(f"{where}: no record of an evaluation: {_said(error)}; {again}") from None
    if record.sha256 != digest_of(data):
        raise InputError(f"{where}: its hash does not fit what it holds: it was changed after it was written; {again}")
    return record


def read_samples(path: str | os.PathLike[str], record: Evaluation) -> list[SampleResult]:
    """Return the samples of the record at `path`; their hash is checked.

    Raises:
        InputError: they cannot be read, are damaged, or are not those of the record.
    """
    file = Path(path).with_name(record.samples.path)
    try:
        data = read_bounded(file, MOST_SAMPLES)
    except OSError as error:
        raise InputError(
            f"{file}: the samples of {os.fspath(path)} cannot be read: {error.strerror or error}"
        ) from None
    if hashlib.sha256(data).hexdigest() != record.samples.sha256:
        raise InputError(
            f"{file}: these are not the samples that {os.fspath(path)} was made with: their hash does not fit"
        )
    return list(_decoded(data, file))


def _decoded(data: bytes, file: Path) -> Iterator[SampleResult]:
    for number, line in enumerate(data.splitlines(), 1):
        try:
            yield sample_of(line)
        except (ValueError, RecursionError) as error:
            raise InputError(f"{file}:{number}: no sample of an evaluation: {_said(error)}") from None


_decode = msgspec.json.Decoder(SampleResult).decode


def sample_of(line: bytes) -> SampleResult:
    """Return the sample in a line of JSON; half characters in its texts are taken as they come.

    Raises:
        ValueError, RecursionError: there is none in it.
    """
    try:
        return _decode(line)
    except msgspec.ValidationError:
        raise
    except msgspec.DecodeError:
        return msgspec.convert(json.loads(line), SampleResult)


_PLACE = re.compile(r" - at `\$(.*)`$")


def _said(error: BaseException) -> str:
    """Return what a decoder says, its place as a JSON path with slashes."""
    text = str(error) or type(error).__name__
    return _PLACE.sub(lambda m: f" (at {m[1].replace('[', '/').replace(']', '').replace('.', '/') or '/'})", text)
