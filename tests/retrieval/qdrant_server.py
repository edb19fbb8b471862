"""A small server that answers those REST calls of Qdrant which prepdata and its tests make, by a client in local mode,
or by Qdrant's engine in this process.

Not the server itself: it shows that addresses, bodies, keys and faults are handled over HTTP, not what the real one does beside.
"""

from __future__ import annotations

import json
import re
import threading
import warnings
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from qdrant_client import QdrantClient, models


class Server:
    """Runs while the block runs.

    Args:
        key: what clients have to send as `api-key`; "" for nothing.
        answers: calls that are answered; the connection of every later one is cut.
        engine: what answers; a client in local mode if None.
    """

    def __init__(self, key: str = "", answers: int = 1 << 30, engine: Any = None) -> None:
        self.key, self.answers = key, answers
        self.calls: list[tuple[str, str]] = []
        self.bodies: list[dict[str, Any]] = []
        self.client = engine or QdrantClient(":memory:")
        self._lock = threading.Lock()
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self._http.server_port}"

    def __enter__(self) -> Server:
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._http.shutdown()
        self._http.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_: object) -> None:
                pass

            def _any(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers.get("content-length") or 0)) or b"{}")
                with outer._lock, warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    outer.calls.append((self.command, self.path))
                    outer.bodies.append(body)
                    if len(outer.calls) > outer.answers:
                        self.connection.close()
                        return
                    if outer.key and self.headers.get("api-key") != outer.key:
                        self._send(403 if self.headers.get("api-key") else 401, {"status": {"error": "no"}})
                        return
                    result = outer.answer(self.command, self.path, body)
                if result is None:
                    self._send(404, {"status": {"error": "Not found"}, "time": 0.0})
                else:
                    self._send(200, {"result": result, "status": "ok", "time": 0.0})

            do_GET = do_PUT = do_POST = do_DELETE = _any  # noqa: N815

            def _send(self, status: int, document: dict[str, Any]) -> None:
                raw = json.dumps(document).encode()
                self.send_response(status)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(raw)))
                self.end_headers()
                self.wfile.write(raw)

        return Handler

    def answer(self, method: str, path: str, body: dict[str, Any]) -> Any:
        """Return what the call gives; None where there is no such call."""
        found = re.fullmatch(r"/collections/([\w.-]+)(/[\w/]+)?", path.partition("?")[0])
        if not found:
            return None
        name, rest = found[1], found[2] or ""
        if (method, rest) == ("GET", "/exists"):
            return {"exists": self.client.collection_exists(name)}
        if (method, rest) == ("PUT", ""):
            wanted = models.CreateCollection.model_validate(body)
            return self.client.create_collection(
                name, vectors_config=wanted.vectors, sparse_vectors_config=wanted.sparse_vectors
            )
        if (method, rest) == ("DELETE", ""):
            return self.client.delete_collection(name)
        if (method, rest) == ("POST", "/points/count"):
            return {"count": self.client.count(name).count}
        if (method, rest) == ("PUT", "/points"):
            self.client.upsert(name, models.PointsList.model_validate(body).points)
            return {"operation_id": 1, "status": "completed"}
        if (method, rest) == ("POST", "/points/query"):
            asked = models.QueryRequest.model_validate(body)
            points = self.client.query_points(name, query=asked.query, using=asked.using, limit=asked.limit).points
            return {"points": [{"id": p.id, "version": 0, "score": p.score} for p in points]}
        return None
