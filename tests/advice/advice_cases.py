"""The written cases of `prepdata advise`, one TOML file each: answers, measurements, and what is expected."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import msgspec

from prepdata.advice.answers import checked
from prepdata.advice.decide import Facts
from prepdata.advice.facts import Measured, facts_of

CASES = sorted((Path(__file__).parent / "cases").glob("*.toml"))


def read(path: Path) -> tuple[dict[str, Any], Facts]:
    """Return a case and the facts that its answers and measurements give."""
    case = tomllib.loads(path.read_text())
    measured = msgspec.convert(case["measured"], Measured) if "measured" in case else None
    return case, facts_of(checked(case["answers"]), measured)
