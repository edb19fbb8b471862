"""Remembers what chunks gave, by their content, so that a second run costs only what changed.

One file per input and plan in the user's cache folder holds the results of the last run: a msgpack map from chunk
digest to chunk result, after a checksum of 8 bytes. The name carries a digest of everything else the results depend on
(version, rules, options, settings, format), so that a result is never used where another would be right. Nothing is
unpickled; a damaged file is ignored.
"""

from __future__ import annotations

import contextlib
import os
import re
import time
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import xxhash

import prepdata
from prepdata.files import read_bounded, replacing

if TYPE_CHECKING:
    from prepdata.engine import Plan
    from prepdata.settings import Settings

SMALLEST = 4_000_000
"""Inputs below this size in bytes are not cached: reading them again is as quick."""
LARGEST = 1_000_000_000
"""A cache file above this size in bytes is not written."""
_NAMES = re.compile(r"(\.prepdata-)?[0-9a-f]{16}(\.prepidx)?")
KEEP_DAYS = 30
"""A cache file unused for this long is removed."""


def code_version() -> str:
    """Return the version, and while prepdata is run from its sources, when they last changed."""
    package = Path(__file__).parent
    if package.parent.name == "site-packages":
        return prepdata.__version__
    return f"{prepdata.__version__} {max(path.stat().st_mtime_ns for path in package.rglob('*.[pt][yo]*'))}"


def _counting(plan: Plan) -> str:
    """Return what token counts depend on besides the settings: which vocabulary there is."""
    if not {"tokens", "choosing"} & {*plan.meters}:
        return ""
    from prepdata.meters.tokens import fingerprint

    return fingerprint(plan.meter_context)


class Kept:
    """The kept results of one input: `get` and `put` by chunk digest, then `close` to write."""

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self.active = path is not None
        self.old: dict[int, bytes] = {}
        self.new: dict[int, bytes] = {}
        self.changed = False
        if path is not None:
            with contextlib.suppress(OSError):
                self.old = _decoded(read_bounded(path, LARGEST + 8)) if path.is_file() else {}

    def get(self, digest: int) -> bytes | None:
        """Return the kept result of a chunk, or None."""
        blob = self.old.get(digest)
        if blob is not None:
            self.new[digest] = blob
        return blob

    def put(self, digest: int, blob: bytes) -> None:
        """Keep the result of a chunk."""
        self.new[digest] = blob
        self.changed = True

    def close(self) -> None:
        """Write what this run used or made, if anything is new. A cache that cannot be written is no error."""
        if self.path is None or sum(map(len, self.new.values())) > LARGEST:
            return
        with contextlib.suppress(OSError, ValueError):
            if self.changed:
                _write(self.path, self.new)
            elif self.new:
                os.utime(self.path)  # it was used


def _decoded(data: bytes) -> dict[int, bytes]:
    """Return what a cache file holds, nothing if it is damaged."""
    body = memoryview(data)[8:]
    if data[:8] != xxhash.xxh3_64_digest(body):
        return {}
    try:
        return msgspec.msgpack.decode(body, type=dict[int, bytes])
    except msgspec.DecodeError:
        return {}


def _write(path: Path, results: dict[int, bytes]) -> None:
    body = msgspec.msgpack.encode(results)
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path, mode=0o600, synced=False) as file:
        file.write(xxhash.xxh3_64_digest(body))
        file.write(body)


class Cache:
    """Opens the kept results of inputs."""

    def __init__(self, folder: Path | None, plan_digest: str = "") -> None:
        self.folder = folder
        self.plan_digest = plan_digest

    @classmethod
    def of(cls, settings: Settings, plan: Plan, size: int) -> Cache:
        """Return the cache for a run over `size` bytes; an inactive one if the run is small or it is switched off."""
        if not settings.cache or size < SMALLEST:
            return cls(None)
        sizeless = msgspec.structs.replace(plan.meter_context, input_bytes=0)
        plan = msgspec.structs.replace(plan, meter_context=sizeless)
        digest = xxhash.xxh3_64_hexdigest(msgspec.msgpack.encode(plan) + f"{_counting(plan)}{code_version()}".encode())
        cache = cls(folder(settings.cache_dir), digest)
        cache.prune()
        return cache

    def open(self, path: str, format_name: str | None) -> Kept:
        """Return the kept results of one input."""
        if self.folder is None:
            return Kept(None)
        name = os.fsencode(f"{Path(path).absolute()}\n{format_name}\n{self.plan_digest}")
        key = xxhash.xxh3_64_hexdigest(name)
        return Kept(self.folder / key)

    def prune(self) -> None:
        """Remove cache files that have not been used for `KEEP_DAYS`; files of others in the folder are left alone."""
        if self.folder is None:
            return
        limit = time.time() - KEEP_DAYS * 86400
        with contextlib.suppress(OSError, ValueError):  # not there, not readable, no possible name
            for path in self.folder.iterdir():
                if _NAMES.fullmatch(path.name) and path.is_file() and path.stat().st_mtime < limit:
                    path.unlink()


def folder(given: str | None) -> Path:
    """Return the cache folder: the given one, PREPDATA_CACHE_DIR, or the user's cache folder."""
    chosen = given or os.environ.get("PREPDATA_CACHE_DIR")
    if chosen:
        return Path(chosen)
    import platformdirs

    return Path(platformdirs.user_cache_dir("prepdata")) / "chunks"
