"""Writes `schemas/*.schema.json` from the models: `python -m prepdata.models.generate [--check] [FOLDER]`."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from prepdata.models import MODELS, schema

FOLDER = Path(__file__).parents[2] / "schemas"


def texts() -> dict[str, str]:
    """Return file name -> text of every schema."""
    return {f"{name}.schema.json": json.dumps(schema(name), indent=2, ensure_ascii=False) + "\n" for name in MODELS}


def drifted(folder: Path) -> list[str]:
    """Return the names of the schema files that are not as the models say."""
    return [
        name
        for name, text in texts().items()
        if not (folder / name).is_file() or (folder / name).read_text(encoding="utf-8") != text
    ]


def main(arguments: list[str]) -> int:
    """Write the schemas, or with --check only tell which are out of date; return the exit code."""
    checking = "--check" in arguments
    rest = [item for item in arguments if item != "--check"]
    folder = Path(rest[0]) if rest else FOLDER
    stale = drifted(folder)
    for name in stale:
        if not checking:
            (folder / name).write_text(texts()[name], encoding="utf-8")
        print(f"{'out of date' if checking else 'written'}: {folder / name}")
    return 1 if checking and stale else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
