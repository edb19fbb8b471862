"""The index of a folder of documents: made in memory, kept in a folder, told from one of changed documents.

An index folder holds `manifest.json`, `chunks.jsonl` and, with an embedding, `dense.npy`: no code, nothing pickled.
"""

from __future__ import annotations

import hashlib
import io
import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from prepdata.errors import InputError, UsageError
from prepdata.files import naming, read_bounded
from prepdata.retrieval.chunks import OVERLAP, SIZE, checked, chunks_of
from prepdata.retrieval.documents import fingerprints, read_documents
from prepdata.retrieval.model import Chunk, LeftOut

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

VERSION = 1
MOST_CHUNKS = 100_000
"""Chunks of an index: about 28 MB of text, and 0.5 GiB of memory to search it by words (measured 2026-11-30)."""
_MANIFEST, _CHUNKS, _DENSE = "manifest.json", "chunks.jsonl", "dense.npy"
_PARTS = {_MANIFEST, _CHUNKS, _DENSE}
_MOST_BYTES = 1 << 30
_BATCH = 256


class Embedding(msgspec.Struct, frozen=True):
    """The model that made the dense vectors: the digest of what is in its folder, and how many numbers a vector has."""

    digest: str
    width: int


class Manifest(msgspec.Struct, frozen=True):
    """What an index was made of.

    Args:
        prepdata_index: version of the layout.
        fingerprint: sha256 over documents, chunking and embedding (hex).
        folder: the documents folder, seen from the index folder; "" for an index in memory.
        documents: sha256 of each document by its path.
        size, overlap: of the chunks, in characters.
        embedding: what made the dense vectors; None where there are none.
        left_out: files that were not read, and why.
        chunks: how many.
        files: sha256 of the other files of the index.
    """

    prepdata_index: int
    fingerprint: str
    folder: str
    documents: dict[str, str]
    size: int
    overlap: int
    embedding: Embedding | None
    left_out: list[LeftOut]
    chunks: int
    files: dict[str, str] = {}


class Index(msgspec.Struct, frozen=True):
    """Chunks in the order of documents, their dense vectors (chunks, width) or None, and what they were made of."""

    manifest: Manifest
    chunks: list[Chunk]
    dense: Any = None


def indexed_text(chunk: Chunk) -> str:
    """Return what is searched of a chunk: the title of its document and its text."""
    return f"{chunk.title}\n{chunk.text}"


def build(
    folder: str | os.PathLike[str],
    *,
    size: int = SIZE,
    overlap: int = OVERLAP,
    embedding: str | None = None,
    skip_unreadable: bool = False,
) -> Index:
    """Return the index of a folder of documents.

    Args:
        folder: the documents.
        size, overlap: of the chunks, in characters.
        embedding: a model folder or an installed package that holds one; None for BM25 alone.
        skip_unreadable: leave out documents that cannot be read.

    Raises:
        UsageError: no such folder, sizes that cannot be, a model that cannot be used, a library that is missing.
        InputError: a document cannot be read, there is none, or there are too many chunks.
    """
    checked(size, overlap)
    check_folder(folder, "the folder of the documents")
    left_out: list[LeftOut] = []
    paths: list[str] = []
    chunks: list[Chunk] = []
    for document in read_documents(folder, skip_unreadable=skip_unreadable, left_out=left_out):
        paths.append(document.path)
        chunks += chunks_of(document, size, overlap)
        if len(chunks) > MOST_CHUNKS:
            raise InputError(f"{folder}: more than {MOST_CHUNKS:,} chunks; give fewer documents or larger chunks")
    if not chunks:
        raise InputError(f"{folder}: the documents hold nothing beside their titles")
    dense, made_by = _embedded(chunks, embedding) if embedding else (None, None)
    now = fingerprints(folder)
    hashes = {path: now.get(path, "") for path in paths}
    said = (VERSION, hashes, size, overlap, made_by, chunks)
    fingerprint = hashlib.sha256(msgspec.json.encode(said)).hexdigest()
    manifest = Manifest(VERSION, fingerprint, "", hashes, size, overlap, made_by, left_out, len(chunks))
    return Index(manifest, chunks, dense)


def _embedded(chunks: Sequence[Chunk], embedding: str) -> tuple[NDArray[np.float32], Embedding]:
    import numpy as np

    from prepdata.embed.encoder import open_embedder
    from prepdata.embed.folder import look

    model = open_embedder(embedding)
    texts = [indexed_text(chunk) for chunk in chunks]
    found = np.concatenate([model.embed(texts[at : at + _BATCH]) for at in range(0, len(texts), _BATCH)])
    return found, Embedding(look(embedding).digest, found.shape[1])


def save(index: Index, folder: str | os.PathLike[str], documents: str | os.PathLike[str]) -> None:
    """Write an index as a folder: whole or not at all. An index that is there is replaced.

    Raises:
        UsageError: something else is in its place.
        OSError: it cannot be written.
    """
    import numpy as np

    target = Path(os.path.realpath(folder))
    if target.exists():
        others = [path.name for path in target.iterdir() if path.name not in _PARTS] if target.is_dir() else []
        if is_index(target) and others:
            raise UsageError(f"{folder}: beside an index it holds {min(others)}; move that, as the folder is replaced")
        if not is_index(target) and (not target.is_dir() or any(target.iterdir())):
            raise UsageError(f"{folder}: there is something else than an index; give a folder of its own")
    if not target.parent.is_dir():
        raise UsageError(f"{Path(folder).parent} is no folder")
    if target.is_relative_to(Path(documents).resolve()):
        raise UsageError(f"{folder} is among the documents; choose another place for the index")
    made = target.with_name(f".prepdata-{os.urandom(8).hex()}")
    old = target.with_name(f".prepdata-{os.urandom(8).hex()}")
    contents = {_CHUNKS: b"".join(msgspec.json.encode(chunk) + b"\n" for chunk in index.chunks)}
    if index.dense is not None:
        buffer = io.BytesIO()
        np.save(buffer, index.dense, allow_pickle=False)
        contents[_DENSE] = buffer.getvalue()
    manifest = msgspec.structs.replace(
        index.manifest,
        folder=Path(os.path.relpath(Path(documents).resolve(), target)).as_posix(),
        files={name: hashlib.sha256(raw).hexdigest() for name, raw in contents.items()},
    )
    contents[_MANIFEST] = msgspec.json.format(msgspec.json.encode(manifest), indent=2) + b"\n"
    with naming(target):
        try:
            made.mkdir()
            for name, raw in contents.items():
                with (made / name).open("xb") as file:
                    file.write(raw)
                    file.flush()
                    os.fsync(file.fileno())
            if target.exists():
                target.replace(old)
            made.replace(target)
        except BaseException:
            if old.exists() and not target.exists():
                old.replace(target)
            raise
        finally:
            for left in (made, old):
                shutil.rmtree(left, ignore_errors=True)


def is_index(folder: str | os.PathLike[str]) -> bool:
    """True if a folder is an index, whole or damaged: by its manifest, or since it holds the parts of one alone."""
    try:
        if b'"prepdata_index"' in read_bounded(Path(folder, _MANIFEST), _MOST_BYTES)[:200]:
            return True
        return {_MANIFEST, _CHUNKS} <= {path.name for path in Path(folder).iterdir()} <= _PARTS
    except (OSError, ValueError):
        return False


def check_folder(folder: str | os.PathLike[str], what: str) -> None:
    """Raise where something is no folder: a file is told from nothing.

    Args:
        folder: what was given.
        what: what it should be, in words.

    Raises:
        UsageError: names it.
    """
    path = Path(folder)
    if path.exists() and not path.is_dir():
        raise UsageError(f"{folder}: a file; give {what}")


def manifest_of(folder: str | os.PathLike[str]) -> Manifest:
    """Return the manifest of an index folder.

    Raises:
        InputError: it is damaged, or of another version.
    """
    try:
        found = msgspec.json.decode(read_bounded(Path(folder, _MANIFEST), _MOST_BYTES), type=Manifest)
    except (OSError, ValueError, msgspec.DecodeError, RecursionError):
        raise _damaged(folder, _MANIFEST) from None
    if found.prepdata_index != VERSION:
        raise InputError(f"{folder}: an index of layout {found.prepdata_index}, not {VERSION}; make it anew")
    return found


def load(folder: str | os.PathLike[str]) -> Index:
    """Return the index of an index folder.

    Raises:
        InputError: a part of it is missing or damaged.
    """
    manifest = manifest_of(folder)
    parts: dict[str, bytes] = {}
    for name in [_CHUNKS] + ([_DENSE] if manifest.embedding else []):
        try:
            parts[name] = read_bounded(Path(folder, name), _MOST_BYTES)
        except OSError:
            raise _damaged(folder, name) from None
        if hashlib.sha256(parts[name]).hexdigest() != manifest.files.get(name):
            raise _damaged(folder, name)
    try:
        chunks = [msgspec.json.decode(line, type=Chunk) for line in parts[_CHUNKS].splitlines()]
    except (ValueError, msgspec.DecodeError, RecursionError):
        raise _damaged(folder, _CHUNKS) from None
    if not chunks or len(chunks) != manifest.chunks:
        raise _damaged(folder, _CHUNKS)
    if manifest.embedding is None:
        return Index(manifest, chunks)
    dense = _vectors(parts[_DENSE])
    if dense is None or dense.shape != (len(chunks), manifest.embedding.width):
        raise _damaged(folder, _DENSE)
    return Index(manifest, chunks, dense)


def _vectors(raw: bytes) -> NDArray[np.float32] | None:
    """Return the vectors of an array file; None where it holds something else. Nothing is unpickled."""
    import numpy as np

    try:
        found = np.lib.format.read_array(io.BytesIO(raw), allow_pickle=False)
    except (ValueError, EOFError, OSError, MemoryError, RecursionError, SyntaxError):
        return None
    return found if found.dtype == np.float32 and np.isfinite(found).all() else None


def _damaged(folder: str | os.PathLike[str], name: str) -> InputError:
    return InputError(f"{folder}: the index is damaged ({name}); `prepdata retrieval index --rebuild` mends it")


def changes(manifest: Manifest, documents: str | os.PathLike[str]) -> list[str]:
    """Return what is no longer as an index has it, one line for each document: changed, new, gone.

    Raises:
        UsageError, InputError: the folder cannot be read.
    """
    now, known = fingerprints(documents), manifest.documents
    unread = {left.place for left in manifest.left_out}
    said = [f"{path}: changed" for path in known if path in now and now[path] != known[path]]
    said += [f"{path}: new" for path in now if path not in known and path not in unread]
    return sorted(said + [f"{path}: gone" for path in known if path not in now])
