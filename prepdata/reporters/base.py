"""What a reporter is: a function that writes a report to a stream. One file per output format."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Literal, TextIO

import msgspec

from prepdata.report import STEERING, Report

_INVISIBLE = "\u180e\u200b-\u200d\u2060-\u2065\u206a-\u206f\ufeff\ufff9-\ufffb\U000e0000-\U000e007f"
_CONTROLS = re.compile(f"[\x00-\x08\x0a-\x1f{STEERING}{_INVISIBLE}]")


class Output(msgspec.Struct, frozen=True, kw_only=True):
    """How to write.

    Args:
        color: True for terminal colours.
        width: columns of the terminal; 0 where lines are not to be wrapped (files, pipes).
        level: "quiet" findings only, "normal" with summary, "verbose" with infos on what ran.
        statistics: True to write counts per rule in place of findings (text formats).
        measures: True to add token counts and cost to text formats.
    """

    color: bool = False
    width: int = 0
    level: Literal["quiet", "normal", "verbose"] = "normal"
    statistics: bool = False
    measures: bool = True


Reporter = Callable[[Report, TextIO, Output], None]


def safe(text: str) -> str:
    """Return text from a dataset fit for one line of a terminal: controls, line separators and invisible
    characters made visible."""
    return _CONTROLS.sub(_escape, text)


def _escape(match: re.Match[str]) -> str:
    number = ord(match[0])
    return f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"


def in_repository(path: str) -> str:
    """Return a path as CI systems want it: with slashes, and relative to the working folder where it lies below it."""
    plain = path.replace("\\", "/")
    here = Path.cwd().as_posix().rstrip("/") + "/"
    return plain.removeprefix(here).removeprefix("./") or plain
