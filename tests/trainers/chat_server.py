"""Serves a model folder by the chat completions protocol, for tests: python chat_server.py FOLDER MAX_NEW_TOKENS.

Prints the port when it is ready. With `faulty` in place of the folder it gives wrong answers of all kinds, named by the
text of the last message. A model whose name ends in a number waits so many milliseconds before each answer.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Lock
from typing import Any

NO_ANSWERS = {
    "no json": b"<html>\x1b[31mBad gateway</html>",
    "other json": b'{"choices": [{"message": {"content": 7}}]}',
    "no choice": b'{"choices": []}',
}


class Handler(BaseHTTPRequestHandler):
    """Answers one request."""

    backend: Any = None
    lock = Lock()
    asked: dict[str, int] = {}

    def do_GET(self) -> None:
        if self.path == "/v1/asked":
            return self.send(self.asked)
        return self.send({"object": "list", "data": [{"id": "tiny", "object": "model"}]})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        wait = body["model"].rpartition("-")[2]
        if wait.isdecimal():
            time.sleep(int(wait) / 1000)
        if self.backend is None:
            if body["model"] == "newer" and "max_completion_tokens" not in body:
                return self.send({"error": {"message": "'max_tokens': use 'max_completion_tokens' instead"}}, 400)
            return self.fail(body["messages"][-1]["content"])
        from trainers.generate import Prompt

        with self.lock:
            (output,) = self.backend.generate([Prompt("", tuple(body["messages"]), tuple(body.get("tools", ())))])
        reason = {"stopped": "stop", "cut": "length"}[output.finish_reason]
        self.send(completion(output.text, reason, output.tokens))
        return None

    def fail(self, what: str) -> None:
        """Do what a message says; `once ...` only the first time."""
        with self.lock:
            number = self.asked[what] = self.asked.get(what, 0) + 1
        if what.startswith("once ") and number > 1:
            return self.send(completion(f"fine at try {number}"))
        what = what.removeprefix("once ")
        if what.isdecimal():
            key = self.headers.get("Authorization", "nothing")
            return self.send({"error": {"message": f"said {key}"}}, int(what))
        if what == "cut":
            self.send_response(200)
            self.send_header("Content-Length", "5000")
            self.end_headers()
            self.wfile.write(b'{"choices": [')
            self.close_connection = True
            return None
        if what == "nothing":
            self.close_connection = True
            return None
        if what in NO_ANSWERS:
            return self.send_bytes(NO_ANSWERS[what])
        if what.startswith("slow "):
            time.sleep(0.2)
        if what == "hang" or what.startswith("stuck"):
            time.sleep(3 if what == "hang" else 600)
            return None
        if what == "trickle":
            self.send_response(200)
            self.end_headers()
            with contextlib.suppress(OSError):  # nobody listens to the end
                for _ in range(40):
                    self.wfile.write(b" ")
                    self.wfile.flush()
                    time.sleep(0.1)
            return None
        if what == "elsewhere":
            self.send_response(302)
            self.send_header("Location", "http://me:pass@127.0.0.1:9/v2/?key=x")
            self.end_headers()
            return None
        if what == "calls":
            call = {"id": "c", "type": "function", "function": {"name": "weather", "arguments": '{"city": "Oslo"}'}}
            return self.send(completion(None, "tool_calls", 4, [call]))
        if what == "huge":
            return self.send_bytes(b" " * ((1 << 26) + 1))
        if what == "empty":
            return self.send(completion(""))
        return self.send(completion(what, "length" if what == "long" else "stop", len(what)))

    def send(self, value: Any, status: int = 200) -> None:
        """Answer with JSON."""
        self.send_bytes(json.dumps(value).encode(), status)

    def send_bytes(self, data: bytes, status: int = 200) -> None:
        """Answer with bytes."""
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        if status == 429:
            self.send_header("Retry-After", "0")
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


def completion(text: str | None, reason: str = "stop", tokens: int | None = None, calls: Any = None) -> dict[str, Any]:
    """Return an answer of the protocol."""
    message = {"role": "assistant", "content": text, **({"tool_calls": calls} if calls else {})}
    usage = {"usage": {"completion_tokens": tokens}} if tokens is not None else {}
    return {"choices": [{"index": 0, "message": message, "finish_reason": reason}], **usage}


def served(what: str, tokens: int = 16) -> Iterator[str]:
    """Start a server in a process of its own; give its URL."""
    paths = os.pathsep.join([str(Path(__file__).parents[2]), *sys.path])
    process = subprocess.Popen(
        [sys.executable, __file__, what, str(tokens)], stdout=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONPATH": paths},
    )  # fmt: skip
    assert process.stdout is not None
    port = process.stdout.readline().strip()
    assert port, "the server did not start"
    yield f"http://127.0.0.1:{port}/v1"
    process.kill()
    process.wait()


def main(folder: str, max_new_tokens: int) -> None:
    """Serve until the end of the process."""
    if folder != "faulty":
        from trainers.generate import Options, open_backend

        Handler.backend = open_backend(folder, Options(max_new_tokens=max_new_tokens, threads=1))
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    print(server.server_address[1], flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
