"""A file of rows whose counts are known."""

from __future__ import annotations

import json
from pathlib import Path


def kettle_file(folder: Path, system: str) -> str:
    """Write 40 rows of a kettle shop with a system prompt; return the path of the file."""
    file = folder / "train.jsonl"
    rows = [
        {
            "messages": [
                {"role": "system", "content": system},
                {"role": "user", "content": f"Is kettle number {i} in stock?"},
                {"role": "assistant", "content": "Yes, it is. " * (1 + i % 7)},
            ]
        }
        for i in range(40)
    ]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return str(file)
