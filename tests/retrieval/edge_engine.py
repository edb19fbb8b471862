"""Qdrant's own engine in this process (package qdrant-edge-py), behind the calls that the test server makes."""

from __future__ import annotations

import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import qdrant_edge as edge
from qdrant_client import models


class EdgeEngine:
    """One shard for each collection, with the real segments and scorers; the network layer is that of the tests."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.shards = folder, dict[str, Any]()

    def collection_exists(self, name: str) -> bool:
        return name in self.shards

    def create_collection(self, name: str, vectors_config: Any, sparse_vectors_config: Any) -> bool:
        dense = {n: edge.EdgeVectorParams(p.size, edge.Distance.Dot) for n, p in (vectors_config or {}).items()}
        sparse = {n: edge.EdgeSparseVectorParams() for n in sparse_vectors_config}
        config = edge.EdgeConfig(vectors=dense, sparse_vectors=sparse)
        self.shards[name] = edge.EdgeShard.create(str(self.folder / name), config)
        return True

    def delete_collection(self, name: str) -> bool:
        found = self.shards.pop(name, None) is not None
        shutil.rmtree(self.folder / name, ignore_errors=True)
        return found

    def count(self, name: str) -> Any:
        return SimpleNamespace(count=self.shards[name].count(edge.CountRequest(exact=True)))

    def upsert(self, name: str, points: list[models.PointStruct]) -> None:
        made = [edge.Point(p.id, {n: _vector(v) for n, v in p.vector.items()}) for p in points]
        self.shards[name].update(edge.UpdateOperation.upsert_points(made))

    def query_points(self, name: str, query: Any, using: str, limit: int) -> Any:
        nearest = edge.Query.Nearest(_vector(query.nearest), using=using)
        request = edge.QueryRequest(limit=limit, query=nearest, params=edge.SearchParams(exact=True))
        return SimpleNamespace(points=self.shards[name].query(request))


def _vector(given: Any) -> Any:
    if isinstance(given, models.SparseVector):
        return edge.SparseVector(given.indices, given.values)
    return given
