"""An endpoint that goes away in the middle of an arm: the arm says why, others go on, and no answer is asked twice."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Lock, Thread
from typing import Any

import pytest
from arms_asked import arm, config, run

from trainers.gate import Gate


class Endpoint:
    """Says `<topic>7` to every question until it has answered so many; then it is down."""

    def __init__(self) -> None:
        self.left, self.answered, self.lock = 10**9, Counter[str](), Lock()
        endpoint = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                status, said = endpoint.answer(body["model"], body["messages"][-1]["content"])
                data = json.dumps(said).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/v1"

    def answer(self, model: str, asked: str) -> tuple[int, dict[str, Any]]:
        """Return the status and what is said."""
        with self.lock:
            if self.left < 1:
                return 503, {"error": {"message": "overloaded <b>now</b>"}}
            self.left -= 1
            self.answered[f"{model}: {asked}"] += 1
        topic = asked.rpartition(" ")[2].strip("?")
        said = {"role": "assistant", "content": f"{topic}7" if model == "tuned" else "?"}
        return 200, {"choices": [{"index": 0, "message": said, "finish_reason": "stop"}]}


def started() -> Iterator[Endpoint]:
    made = Endpoint()
    Thread(target=made.server.serve_forever, daemon=True).start()
    yield made
    made.server.shutdown()
    made.server.server_close()


endpoint, base = pytest.fixture(started, name="endpoint"), pytest.fixture(started, name="base")


def test_a_tuned_endpoint_that_goes_down_in_the_middle(base: Endpoint, endpoint: Endpoint, tmp_path: Path) -> None:
    endpoint.left = 5
    given = config(tmp_path, base.url, tuned=endpoint.url, tuned_name="tuned", latency_rows=0, batch_size=1)
    first = run(given)
    assert {one.name: one.status for one in first.arms} == {
        "base": "measured", "prompted": "measured", "few-shot": "measured", "rag": "measured", "tuned": "failed",
        "hybrid": "failed",
    }  # fmt: skip
    failed = arm(first, "tuned")
    assert "3 of 8 rows got no answer" in failed.reason and "overloaded" in failed.reason
    assert "5 answers are kept in" in failed.reason
    assert (first.verdict.arm, first.exit_code) == (None, 2)
    assert "not known of tuned, hybrid: run the same command again when it can be measured" in first.verdict.said

    endpoint.left, before = 10**9, base.answered.total()
    again = run(given)
    assert [(one.name, one.asked) for one in again.arms][4:] == [("tuned", 3), ("hybrid", 8)]
    assert base.answered.total() == before
    assert set(endpoint.answered.values()) == {1}
    assert (again.verdict.arm, again.exit_code) == ("tuned", 0)


def test_a_base_that_goes_down_is_no_verdict(endpoint: Endpoint, tmp_path: Path) -> None:
    endpoint.left = 2
    found = run(config(tmp_path, endpoint.url, arms=("prompted",), latency_rows=0, batch_size=1))
    assert [one.status for one in found.arms][:2] == ["failed", "failed"]
    assert (found.verdict.reached, found.exit_code, found.rows) == (None, 2, 0)
    endpoint.left = 10**9
    found = run(config(tmp_path, endpoint.url, arms=("prompted",), latency_rows=0, batch_size=1))
    assert [one.asked for one in found.arms][:2] == [6, 8]


def test_it_goes_down_while_times_are_taken(endpoint: Endpoint, tmp_path: Path) -> None:
    endpoint.left = 16 + 3
    given = config(tmp_path, endpoint.url, tuned=endpoint.url, tuned_name="tuned", arms=("tuned",), price_hour=1.0)
    found = run(given)
    assert found.timed_rows == 0 and found.notes[0].startswith("no times: ") and "overloaded" in found.notes[0]
    assert arm(found, "tuned").passed is True
    cost = arm(found, "tuned").cost
    assert cost is not None and cost.usd_per_thousand is None
    judged = run(given, gate=Gate(primary="contains", latency=1.0))  # a gate that needs them
    assert arm(judged, "tuned").passed is None and judged.exit_code == 2
