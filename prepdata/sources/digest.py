"""The digest of a file's bytes, computed beside the reading."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from concurrent.futures import Future, ThreadPoolExecutor

_INLINE = 8 << 20  # bytes hashed without a thread: starting one costs more


class Digest:
    """SHA-256 of a stream. Beyond the first 8 MiB it is computed in a thread, at most one block behind."""

    def __init__(self) -> None:
        self._hasher = hashlib.sha256()
        self._seen = 0
        self._pool: ThreadPoolExecutor | None = None
        self._last: Future[None] | None = None

    def update(self, block: bytes) -> None:
        """Add a block. It must not change afterwards."""
        self._seen += len(block)
        if self._seen <= _INLINE:
            self._hasher.update(block)
            return
        if self._pool is None:
            from concurrent.futures import ThreadPoolExecutor

            self._pool = ThreadPoolExecutor(1)
        if self._last is not None:
            self._last.result()
        self._last = self._pool.submit(self._hasher.update, block)

    def hexdigest(self) -> str:
        """Return the digest of all blocks so far, in hexadecimal."""
        if self._last is not None:
            self._last.result()
        if self._pool is not None:
            self._pool.shutdown()
            self._pool = None
        return self._hasher.hexdigest()
