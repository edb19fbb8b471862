"""The usual stack in one loop: json, a pydantic model, a JSON Schema, tiktoken. Parse, schema and counting, no more.

    python -m benchmarks.peer_loop FILE ENCODING

Needs the vocabulary where tiktoken looks for it (`TIKTOKEN_CACHE_DIR`); the benchmark runner sees to that.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, Literal

import jsonschema
import tiktoken
from pydantic import BaseModel

SCHEMA = {
    "type": "object",
    "required": ["messages"],
    "properties": {
        "messages": {
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "object",
                "required": ["role"],
                "properties": {
                    "role": {"enum": ["system", "user", "assistant", "tool"]},
                    "content": {"type": ["string", "null"]},
                    "tool_calls": {"type": "array"},
                },
            },
        },
        "tools": {"type": "array"},
    },
}


class Message(BaseModel):
    """One turn."""

    role: Literal["system", "user", "assistant", "tool"]
    content: str | None = None
    tool_calls: list[dict[str, Any]] | None = None


class Row(BaseModel):
    """One row."""

    messages: list[Message]
    tools: list[dict[str, Any]] | None = None


def main(path: str, encoding: str) -> None:
    """Check a file and print rows, problems and tokens."""
    encode = tiktoken.get_encoding(encoding).encode_ordinary
    validator = jsonschema.Draft202012Validator(SCHEMA)
    rows = problems = tokens = 0
    with Path(path).open(encoding="utf-8") as file:
        for line in file:
            raw = json.loads(line)
            problems += sum(1 for _ in validator.iter_errors(raw))
            row = Row.model_validate(raw)
            rows += 1
            for message in row.messages:
                if message.content:
                    tokens += len(encode(message.content))
    print(json.dumps({"rows": rows, "problems": problems, "tokens": tokens}))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
