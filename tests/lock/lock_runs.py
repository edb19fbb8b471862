"""A project to be locked, and the command run as users run it: as a process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

ROW = {"messages": [{"role": "user", "content": "Which plug fits the One?"}, {"role": "assistant", "content": "Grey."}]}
MORE = {"messages": [{"role": "user", "content": "And the Trio?"}, {"role": "assistant", "content": "The black one."}]}
TEMPLATE = "{% for m in messages %}\n<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
ONLY = ("--select", "PROV005,TOK010", "--no-tokens", "-f", "concise", "-q")


def prepdata(*arguments: str, cwd: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PREPDATA_CACHE_DIR": str(cwd / ".cache"), "NO_COLOR": "1", **variables}
    return subprocess.run(
        [sys.executable, "-m", "prepdata", *arguments],
        cwd=cwd, capture_output=True, text=True, encoding="utf-8", env=environment, timeout=120,
    )  # fmt: skip


def rows(path: Path, *given: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in given), encoding="utf-8")
    return path


def locked(project: Path, *arguments: str) -> str:
    run = prepdata("lock", "train.jsonl", "test.jsonl", "--tokenizer", "model", *arguments, cwd=project)
    assert run.returncode == 0, run.stderr
    return run.stdout
