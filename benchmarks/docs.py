"""Keeps the examples of the guides true: commands in `console` blocks are run, and their output is written below them.

    python -m benchmarks.docs [--check]

A block is run where the line above it is `<!-- run -->`, or `<!-- run N -->` to keep the last N lines of the output.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
GUIDES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
RUN = re.compile(r"(<!-- run( \d+)? -->\n```console\n)(\$ prepdata [^\n]*\n)(.*?)(```\n)", re.DOTALL)


def output(command: str, last: int | None) -> str:
    """Return what a command of the guides prints, its last lines if so many are wanted, line ends cleaned."""
    words = [sys.executable, "-m", *shlex.split(command)]
    clean = {k: v for k, v in os.environ.items() if not k.startswith("PREPDATA_") or k.endswith("_DIR")}
    run = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, env={**clean, "NO_COLOR": "1"})
    lines = [line.rstrip() for line in (run.stderr + run.stdout).rstrip("\n").split("\n")]
    if last is not None and len(lines) > last:
        lines = ["...", *lines[-last:]]
    return "".join(line + "\n" for line in lines)


def refreshed(text: str) -> str:
    """Return a guide with the outputs of its commands as they are now."""

    def run(match: re.Match[str]) -> str:
        last = int(match[2]) if match[2] else None
        return f"{match[1]}{match[3]}{output(match[3][2:].strip(), last)}{match[5]}"

    return RUN.sub(run, text)


def main() -> int:
    """Refresh the guides, or with --check say which are out of date."""
    stale = []
    for guide in GUIDES:
        old = guide.read_text(encoding="utf-8")
        new = refreshed(old)
        if new != old:
            stale.append(guide.name)
            if "--check" not in sys.argv:
                guide.write_text(new, encoding="utf-8")
    print(f"out of date: {', '.join(stale) or 'nothing'}")
    return 1 if stale and "--check" in sys.argv else 0


if __name__ == "__main__":
    sys.exit(main())
