"""Documents that the tests of retrieval share."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SUPPORT = ROOT / "samples" / "support"
BIRDS = {
    "birds/heron.md": "# The heron\n\nA heron stands in the river. It was spotted at dawn.\n",
    "birds/clock.txt": "Old clocks stop. The shop has apples.\n",
    "price.html": "<title>Prices</title><h1>Prices</h1><p>Apples cost two coins.</p><script>heron()</script>",
}


def write(folder: Path, files: dict[str, str | bytes]) -> Path:
    """Write files below a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    return folder
