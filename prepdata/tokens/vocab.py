"""Where the rank file of an encoding comes from: caches, own folder, installed packages, download.

Every file is checked against the sha256 that tiktoken's own source states before it is used. The environment
and the caches of the user are read and never changed; prepdata writes only into its own folder.
"""

from __future__ import annotations

import binascii
import hashlib
import importlib
import importlib.util
import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, NamedTuple

import msgspec

from prepdata.errors import UsageError, nearest
from prepdata.files import read_bounded, replacing

MAX_BYTES = 16 * 1024 * 1024
"""No rank file is larger (o200k_base: 3.6 MB); more than this is never read."""

DOWNLOAD_SECONDS = 10.0

BASE_URL = "https://openaipublic.blob.core.windows.net/encodings/"


class Vocabulary(msgspec.Struct, frozen=True):
    """A rank file: `url` and `sha256` are those in the source of tiktoken 0.14.0 (read 2026-11-21)."""

    name: str
    sha256: str

    @property
    def url(self) -> str:
        """The address from which tiktoken itself fetches the file."""
        return f"{BASE_URL}{self.name}.tiktoken"

    @property
    def cache_name(self) -> str:
        """The name of the file in a tiktoken cache: sha1 of its address."""
        return hashlib.sha1(self.url.encode(), usedforsecurity=False).hexdigest()


VOCABULARIES: dict[str, Vocabulary] = {
    v.name: v
    for v in (
        Vocabulary("o200k_base", "446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d"),
        Vocabulary("cl100k_base", "223921b76ee99bde995b7ff738513eef100fb51d18c93597a113bcffe865b2a7"),
        Vocabulary("p50k_base", "94b5ca7dff4d00767bc256fdd1b27e5b17361d7b8a5f968547f9f23eb70d2069"),
        Vocabulary("r50k_base", "306cd27f03c1a714eca7108e03d66b7dc042abe8c258b44c199a7ed9838dd930"),
    )
}

ENCODING_VOCABULARY = {name: name for name in VOCABULARIES} | {
    "o200k_harmony": "o200k_base",
    "p50k_edit": "p50k_base",
}
"""Encoding -> the rank file it is built on."""

REBUILT_RANKS = {"o200k_base": 199_998, "cl100k_base": 100_256}
"""Ids that rs-bpe holds, one per line of the rank file."""

PACKAGED = {
    "litellm": ("litellm_core_utils/tokenizers", "llms/tokenizers"),
    "llama_index": ("core/_static/tiktoken_cache",),
}
"""Installed packages that carry rank files under their tiktoken cache name, and the folders to look in."""


class Ranks(msgspec.Struct, frozen=True):
    """A verified rank file.

    Args:
        vocabulary: its name.
        data: its bytes.
        origin: where it came from, in words.
        path: where it lies, or None if it is held in memory only.
    """

    vocabulary: str
    data: bytes
    origin: str
    path: str | None = None


class Place(NamedTuple):
    """One place where a rank file was looked for. `state` is `absent`, `good` or `damaged` (wrong sha256)."""

    vocabulary: str
    origin: str
    path: str | None
    state: Literal["absent", "good", "damaged"]


Env = Mapping[str, str]
_Candidate = tuple[str, Path | None, Callable[[], bytes | None]]


def vocabulary_for(encoding: str) -> Vocabulary:
    """Return the vocabulary of an encoding.

    Raises:
        UsageError: the encoding is not known.
    """
    try:
        return VOCABULARIES[ENCODING_VOCABULARY[encoding]]
    except KeyError:
        known = ", ".join(sorted(ENCODING_VOCABULARY))
        hint = nearest(encoding, ENCODING_VOCABULARY)
        raise UsageError(f"Unknown encoding '{encoding}'.{hint} Known: {known}.") from None


def folder(env: Env | None = None) -> Path | None:
    """Return prepdata's own vocabulary folder (it may not exist yet), or None where there is no home
    folder."""
    env = os.environ if env is None else env
    if own := env.get("PREPDATA_VOCAB_DIR"):
        return Path(own)
    try:
        home = Path.home()
    except RuntimeError:
        return None
    if sys.platform == "win32":
        base = Path(env.get("LOCALAPPDATA") or home / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = home / "Library" / "Application Support"
    else:
        base = Path(env.get("XDG_DATA_HOME") or home / ".local" / "share")
    return base / "prepdata" / "vocabularies"


def find(encoding: str, *, offline: bool = False, env: Env | None = None) -> Ranks | None:
    """Return the verified rank file of an encoding, or None if there is none to be had.

    The order is: the user's tiktoken cache, prepdata's own folder, an installed package, the download. What
    is rebuilt or downloaded is kept in prepdata's folder, so that the next run finds it there.

    Args:
        encoding: name of a tiktoken encoding.
        offline: True where nothing may be downloaded.
        env: environment variables; by default those of the process.

    Raises:
        UsageError: the encoding is not known.
    """
    vocabulary = vocabulary_for(encoding)
    env = os.environ if env is None else env
    for origin, path, read in _candidates(vocabulary, env):
        data = read()
        if data is not None and _good(vocabulary, data):
            return Ranks(vocabulary.name, data, origin, str(path) if path else None)
    made = [("rebuilt from rs-bpe", _rebuild)]
    if not offline:
        made.append(("downloaded", _download))
    for origin, make in made:
        data = make(vocabulary)
        if data is not None and _good(vocabulary, data):
            return Ranks(vocabulary.name, data, origin, _keep(vocabulary, data, env))
    return None


def survey(env: Env | None = None) -> list[Place]:
    """Return every place where rank files are looked for and what lies there. Downloads and writes
    nothing."""
    env = os.environ if env is None else env
    places = []
    for vocabulary in VOCABULARIES.values():
        for origin, path, read in _candidates(vocabulary, env):
            places.append(Place(vocabulary.name, origin, str(path) if path else None, _state(vocabulary, read())))
        if vocabulary.name in REBUILT_RANKS:
            there = importlib.util.find_spec("rs_bpe") is not None
            places.append(Place(vocabulary.name, "package rs-bpe", None, "good" if there else "absent"))
    return places


def add(source: Path, *, env: Env | None = None) -> tuple[str, Path]:
    """Copy a rank file into prepdata's folder; which vocabulary it is follows from its sha256.

    Returns:
        The name of the vocabulary and the path of the copy.

    Raises:
        UsageError: the file cannot be read, is no rank file that prepdata knows, or cannot be stored.
    """
    data = _read(source)
    if data is None:
        raise UsageError(f"{source} cannot be read, or is larger than {MAX_BYTES} bytes.")
    for vocabulary in VOCABULARIES.values():
        if _good(vocabulary, data):
            kept = _keep(vocabulary, data, os.environ if env is None else env)
            if kept is None:
                raise UsageError(f"{source} is {vocabulary.name}, but it cannot be stored in {folder(env)}.")
            return vocabulary.name, Path(kept)
    wanted = ", ".join(f"{v.name} (sha256 {v.sha256[:12]}…)" for v in VOCABULARIES.values())
    raise UsageError(f"{source} is none of the rank files prepdata knows: {wanted}. Was it cut off or re-encoded?")


def advice(encoding: str) -> str:
    """Return what a user can do where no vocabulary was found."""
    vocabulary = vocabulary_for(encoding)
    return (
        f"No vocabulary for {encoding} was found, so token counts are estimates. For exact counts install "
        f"prepdata[offline], or fetch {vocabulary.url} on another machine and run 'prepdata vocab add FILE'."
    )


def _candidates(vocabulary: Vocabulary, env: Env) -> Iterator[_Candidate]:
    for origin, path in _paths(vocabulary, env):
        yield origin, path, lambda path=path: _read(path)  # type: ignore[misc]


def _paths(vocabulary: Vocabulary, env: Env) -> Iterator[tuple[str, Path]]:
    for variable in ("TIKTOKEN_CACHE_DIR", "DATA_GYM_CACHE_DIR"):
        if variable in env:
            if env[variable]:
                yield variable, Path(env[variable]) / vocabulary.cache_name
            break
    else:
        yield "tiktoken's default cache", Path(tempfile.gettempdir()) / "data-gym-cache" / vocabulary.cache_name
    if own := folder(env):
        yield "prepdata's vocabulary folder", own / f"{vocabulary.name}.tiktoken"
    for package, folders in PACKAGED.items():
        for root in _package_roots(package):
            for inner in folders:
                yield f"package {package.replace('_', '-')}", root / inner / vocabulary.cache_name


def _package_roots(package: str) -> list[Path]:
    """Return the folders of an installed package without importing it."""
    try:
        spec = importlib.util.find_spec(package)
    except (ImportError, ValueError):
        return []
    return [Path(p) for p in spec.submodule_search_locations or ()] if spec else []


def _read(path: Path) -> bytes | None:
    try:
        return read_bounded(path, MAX_BYTES)
    except OSError:
        return None


def _good(vocabulary: Vocabulary, data: bytes) -> bool:
    return hashlib.sha256(data).hexdigest() == vocabulary.sha256


def _state(vocabulary: Vocabulary, data: bytes | None) -> Literal["absent", "good", "damaged"]:
    if data is None:
        return "absent"
    return "good" if _good(vocabulary, data) else "damaged"


def _rebuild(vocabulary: Vocabulary) -> bytes | None:
    """Write the rank file anew from the ids that the package rs-bpe holds; None where it is not installed."""
    if vocabulary.name not in REBUILT_RANKS or importlib.util.find_spec("rs_bpe") is None:
        return None
    try:
        module: Any = importlib.import_module("rs_bpe.bpe").openai
        decode = getattr(module, vocabulary.name)().bpe().decode_tokens
        encode = binascii.b2a_base64
        return b"".join(
            b"%s %d\n" % (encode(bytes(decode([i])), newline=False), i) for i in range(REBUILT_RANKS[vocabulary.name])
        )
    except Exception:  # a foreign binary package: whatever goes wrong, the next source is tried
        return None


def _download(vocabulary: Vocabulary) -> bytes | None:
    """Fetch the rank file from where tiktoken fetches it; None if that fails."""
    import http.client
    import urllib.request

    try:
        with urllib.request.urlopen(vocabulary.url, timeout=DOWNLOAD_SECONDS) as reply:
            data: bytes = reply.read(MAX_BYTES + 1)
    except (OSError, ValueError, http.client.HTTPException):
        return None
    return data if len(data) <= MAX_BYTES else None


def _keep(vocabulary: Vocabulary, data: bytes, env: Env) -> str | None:
    """Store a rank file in prepdata's folder in one step; None where it cannot be written."""
    target_folder = folder(env)
    if target_folder is None:
        return None
    target = target_folder / f"{vocabulary.name}.tiktoken"
    try:
        target_folder.mkdir(parents=True, exist_ok=True)
        with replacing(target) as f:
            f.write(data)
    except OSError:
        return None
    return str(target)
