"""Draws the terminal picture of the README from a real run on the samples, in a terminal of 104 columns.

python -m benchmarks.picture docs/validate.svg -- validate samples/broken/support.jsonl --target openai
"""

from __future__ import annotations

import fcntl
import io
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from pathlib import Path

from rich.console import Console
from rich.text import Text

WIDTH = 104
"""Columns of the terminal."""


def terminal_output(command: list[str], width: int = WIDTH) -> list[str]:
    """Return the lines that a command prints on a terminal `width` columns wide."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, width, 0, 0))
    environment = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "COLUMNS", "CI")}
    process = subprocess.Popen(command, stdout=theirs, stderr=theirs, env={**environment, "TERM": "xterm-256color"})
    os.close(theirs)
    pieces = []
    while True:
        try:
            piece = os.read(ours, 65536)
        except OSError:  # the other end is closed
            break
        if not piece:
            break
        pieces.append(piece)
    process.wait()
    os.close(ours)
    return b"".join(pieces).decode("utf-8", "replace").replace("\r\n", "\n").rstrip("\n").split("\n")


def draw(arguments: list[str], *, first: int = 30, last: int = 22) -> str:
    """Return an SVG of the first and last lines that `prepdata ARGUMENTS` prints."""
    lines = terminal_output([sys.executable, "-m", "prepdata", *arguments, "--no-progress"])
    console = Console(record=True, width=WIDTH, file=io.StringIO(), force_terminal=True, legacy_windows=False)
    console.print(Text(f"$ prepdata {' '.join(arguments)}", style="bold"))
    blank = [number for number, line in enumerate(lines) if not line.strip()]
    tail = max(len(lines) - last, 0) if len(blank) < 2 else blank[-2] + 1
    while first < tail and lines[first].startswith(" "):  # no finding is cut in two
        first -= 1
    shown: list[str | None] = list(lines) if first >= tail else [*lines[:first], None, *lines[tail:]]
    for line in shown:
        if line is None:
            console.print(Text(f"[… {tail - first:,} lines …]", style="dim"))
        else:
            console.print(Text.from_ansi(line), soft_wrap=False, no_wrap=True, overflow="ellipsis", crop=True)
    svg = console.export_svg(title="prepdata", unique_id="prepdata")
    return re.sub(r"@font-face\s*{[^}]*}|<!--.*?-->", "", svg)


if __name__ == "__main__":
    target, separator, *rest = sys.argv[1:]
    assert separator == "--", __doc__
    Path(target).write_text(draw(rest), encoding="utf-8")
