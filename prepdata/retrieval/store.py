"""The store of vectors: Qdrant, in this process or as a server. Searches are exact, so that both give one ranking."""

from __future__ import annotations

import contextlib
import os
import warnings
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from prepdata.errors import InputError, UsageError
from prepdata.retrieval.bm25 import Sparse
from prepdata.retrieval.inverted import PLACES
from prepdata.retrieval.model import needed

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

KEY_VARIABLE = "QDRANT_API_KEY"
"""Environment variable of the server's key. It is never written anywhere."""
TIMEOUT = 30
"""Seconds that a server may take for an answer."""
_BATCH = 256  # points sent at once
_LOCAL = ("localhost", "127.0.0.1", "::1")


class Store:
    """Vectors of chunks, numbered from 0 in the order of their ids."""

    def __init__(self, url: str | None = None) -> None:
        """Open the store.

        Args:
            url: of a Qdrant server; None for one in memory.

        Raises:
            UsageError: qdrant-client is not installed, or the address cannot be used.
        """
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                import qdrant_client
        except ImportError:
            raise UsageError(needed("qdrant-client")) from None
        self.kind = "local" if url is None else "server"
        self._shown = "" if url is None else _checked(url)
        key = os.environ.get(KEY_VARIABLE) or None
        if url is not None and key and urlsplit(url).scheme != "https" and urlsplit(url).hostname not in _LOCAL:
            raise UsageError(f"{self._shown}: the key in {KEY_VARIABLE} would be sent unencrypted; use https")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of keys over http on this machine
            self._client: Any = (
                qdrant_client.QdrantClient(":memory:")
                if url is None
                else qdrant_client.QdrantClient(url=url, api_key=key, timeout=TIMEOUT, check_compatibility=False)
            )

    def fill(self, name: str, sparse: Sequence[Sparse] | None, dense: NDArray[np.float32] | None) -> None:
        """Have a collection hold the vectors. One that a run left unfinished is gone on with.

        Args:
            name: of the collection; the same name must mean the same vectors.
            sparse: BM25 vector of each chunk; None where BM25 is not asked of the store.
            dense: (chunks, width) vectors of length 1; None for none.

        Raises:
            InputError: the store does not answer or refuses; what it has got is kept.
        """
        from qdrant_client import models

        self._name = name
        self._points = len(sparse if sparse is not None else dense if dense is not None else ())
        with self._told("while vectors were sent"):
            if not self._client.collection_exists(name):
                dot = models.Distance.DOT
                sizes = {} if dense is None else {"dense": models.VectorParams(size=int(dense.shape[1]), distance=dot)}
                self._client.create_collection(
                    name,
                    vectors_config=sizes,
                    sparse_vectors_config={"bm25": models.SparseVectorParams()} if sparse is not None else None,
                )
            done = self._client.count(name, exact=True).count
            for begin in range(done, self._points, _BATCH):
                numbers = range(begin, min(begin + _BATCH, self._points))
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")  # that many points are slow in memory
                    self._client.upsert(name, [_point(models, n, sparse, dense) for n in numbers], wait=True)

    def sparse(self, query: Sparse, k: int) -> list[tuple[int, float]]:
        """Return the chunks with the highest BM25 scores: number and score. Chunks without a word of it are none.

        Raises:
            InputError: the store does not answer or refuses.
        """
        from qdrant_client import models

        if not query.indices:
            return []
        vector = models.SparseVector(indices=query.indices, values=query.values)
        return [(number, score) for number, score in self._best(vector, "bm25", k) if score > 0]

    def dense(self, query: NDArray[np.float32], k: int) -> list[tuple[int, float]]:
        """Return the chunks whose vectors have the highest dot products with a vector; none for one of zeros.

        Raises:
            InputError: the store does not answer or refuses.
        """
        return self._best(query.tolist(), "dense", k) if query.any() else []

    def _best(self, query: Any, using: str, k: int) -> list[tuple[int, float]]:
        """Return the best `k`, equal scores by number: asks on while the last score may have equals."""
        from qdrant_client import models

        limit = k + 1
        while True:
            with self._told("during a search"):
                points = self._client.query_points(
                    self._name,
                    query=query,
                    using=using,
                    limit=limit,
                    search_params=models.SearchParams(exact=True) if self.kind == "server" else None,
                    with_payload=False,
                ).points
            if any(not isinstance(p.id, int) or p.id >= self._points for p in points):
                raise InputError(f"the store at {self._shown}: the collection {self._name} holds points of others")
            found = sorted(((p.id, round(p.score, PLACES)) for p in points), key=lambda hit: (-hit[1], hit[0]))
            if len(points) < limit or found[-1][1] < found[k - 1][1]:
                return found[:k]
            limit *= 4

    @contextlib.contextmanager
    def _told(self, when: str) -> Iterator[None]:
        """Turn what the client raises into one line that names the server, never the key."""
        import httpx
        from qdrant_client.http.exceptions import ApiException

        try:
            yield
        except (ApiException, httpx.HTTPError, OSError, ValueError) as error:
            if self.kind == "local":
                raise
            status = getattr(error, "status_code", None)
            why = {401: f"it wants a key: set {KEY_VARIABLE}", 403: f"it refuses the key in {KEY_VARIABLE}"}.get(
                status or 0, f"it answers {status}" if status else "it does not answer"
            )
            raise InputError(
                f"the store at {self._shown}, {when}: {why}. What is finished is kept; run again."
            ) from None


def _point(models: Any, number: int, sparse: Sequence[Sparse] | None, dense: NDArray[np.float32] | None) -> Any:
    vectors: dict[str, Any] = {}
    if sparse is not None:
        vectors["bm25"] = models.SparseVector(indices=sparse[number].indices, values=sparse[number].values)
    if dense is not None:
        vectors["dense"] = dense[number].tolist()
    return models.PointStruct(id=number, vector=vectors)


def _checked(url: str) -> str:
    """Return an address fit to be shown.

    Raises:
        UsageError: it is none of http, or holds a password.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise UsageError("the address of the store cannot be read") from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise UsageError(f"{url}: an address of a store begins with http:// or https://")
    if parts.username or parts.password:
        raise UsageError(f"the address of the store holds a password; put the key into {KEY_VARIABLE}")
    return f"{parts.scheme}://{parts.hostname}" + (f":{port}" if port else "")
