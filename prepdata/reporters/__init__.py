"""Output formats by name."""

from __future__ import annotations

import importlib

from prepdata.errors import UsageError, nearest
from prepdata.reporters.base import Reporter

MODULES = {
    "full": "full",
    "concise": "concise",
    "json": "json_report",
    "jsonl": "jsonl",
    "github": "github",
    "gitlab": "gitlab",
    "sarif": "sarif",
    "junit": "junit",
    "html": "html",
}


def get(name: str) -> Reporter:
    """Return the reporter of that name.

    Raises:
        UsageError: there is none; names the nearest.
    """
    if name not in MODULES:
        raise UsageError(f"unknown output format '{name}'.{nearest(name, MODULES)} Known: {', '.join(MODULES)}")
    write: Reporter = importlib.import_module(f"prepdata.reporters.{MODULES[name]}").write
    return write
