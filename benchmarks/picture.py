"""Draws the terminal picture of the README from a real run on the samples.

    python -m benchmarks.picture docs/validate.svg -- validate samples/broken/support.jsonl --target openai
"""

from __future__ import annotations

import io
import re
import subprocess
import sys
from pathlib import Path

from rich.console import Console
from rich.text import Text


def draw(arguments: list[str], *, lines: int = 44, width: int = 112) -> str:
    """Return an SVG of the last `lines` lines that `prepdata ARGUMENTS` prints."""
    command = [sys.executable, "-m", "prepdata", *arguments, "--color", "always"]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    output = run.stdout.rstrip("\n").split("\n")
    shown = output[-lines:] if len(output) > lines else output
    console = Console(record=True, width=width, file=io.StringIO(), force_terminal=True, legacy_windows=False)
    console.print(Text(f"$ prepdata {' '.join(arguments)}", style="bold"))
    if len(output) > lines:
        console.print(Text(f"… {len(output) - lines:,} lines above", style="dim"))
    for line in shown:
        console.print(Text.from_ansi(line), soft_wrap=False, no_wrap=True, overflow="ellipsis", crop=True)
    svg = console.export_svg(title="prepdata")
    return re.sub(r"@font-face\s*{[^}]*}", "", svg)


if __name__ == "__main__":
    target, separator, *rest = sys.argv[1:]
    assert separator == "--", __doc__
    Path(target).write_text(draw(rest), encoding="utf-8")
