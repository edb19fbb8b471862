"""Flags that say how a report is written, and the writing."""

from __future__ import annotations

import contextlib
import io
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, TextIO, TypeVar, cast

import click

from prepdata.cli.options import COLOR, Flag
from prepdata.errors import UsageError
from prepdata.files import replacing
from prepdata.report import Report
from prepdata.settings import Settings

if TYPE_CHECKING:
    from prepdata.reporters.base import Output

F = TypeVar("F", bound=Callable[..., Any])

_FLAGS: tuple[tuple[tuple[str, ...], dict[str, Any]], ...] = (
    (
        ("--output-format", "-f", "formats"),
        {
            "multiple": True,
            "metavar": "NAME",
            "help": "full (default), concise, json, jsonl, github, gitlab, sarif, junit, html; may repeat.",
        },
    ),
    (
        ("--output-file", "-o", "files"),
        {
            "multiple": True,
            "type": click.Path(),
            "help": "File for the output format at the same place in the list; - for standard output.",
        },
    ),
    (("--statistics",), {"is_flag": True, "help": "Counts per rule in place of findings."}),
    (("--quiet", "-q", "level"), {"flag_value": "quiet", "default": None, "help": "Findings only, no summary."}),
    (("--silent", "-s", "level"), {"flag_value": "silent", "help": "Nothing but the exit code."}),
    (("--verbose", "-v", "level"), {"flag_value": "verbose", "help": "All findings of a rule, however many."}),
    (("--no-progress",), {"is_flag": True, "help": "No progress bar."}),
    (("--color",), COLOR),
    (("--exit-zero",), {"is_flag": True, "help": "Exit with 0 even if there are findings."}),
)


def output_flags(function: F) -> F:
    """Add the flags of output: formats, files, colours, quiet and verbose."""
    for names, details in reversed(_FLAGS):
        function = click.option(*names, cls=Flag, section="Output", **details)(function)
    return function


def write_report(report: Report, flags: dict[str, Any]) -> int:
    """Write a report in all formats asked for; return its exit code.

    Raises:
        UsageError: an unknown format, two formats for standard output, or a file of the data to be written over.
    """
    from msgspec.structs import replace

    from prepdata.reporters import get
    from prepdata.reporters.base import Output

    level: Any = flags["level"] or "normal"
    pairs = _pairs(list(flags["formats"]), list(flags["files"]))
    writers = [(get(name), file) for name, file in pairs]
    for _, file in pairs:
        if file is not None and any(same_file(file, read.path) for read in report.files):
            raise UsageError(f"{file} is a file that was checked; give the report a name of its own")
    for write, file in writers:
        if file is not None:
            with written(Path(file)) as text:
                shown: Any = "normal" if level == "silent" else level
                write(report, text, Output(level=shown, statistics=flags["statistics"]))
        elif level != "silent":
            out, plain = terminal(flags["color"])
            with contextlib.suppress(BrokenPipeError):  # nobody reads on: the exit code still counts
                write(report, out, replace(plain, level=level, statistics=flags["statistics"]))
                out.flush()
    return report.exit_code


def _pairs(formats: list[str], files: list[str]) -> list[tuple[str, str | None]]:
    if not formats:
        formats = [os.environ.get("PREPDATA_OUTPUT_FORMAT") or "full"]
    if len(files) > len(formats):
        raise UsageError(f"{len(files)} --output-file for {len(formats)} --output-format: give a format for each file")
    named: list[str | None] = [file if file != "-" else None for file in files]
    if len(formats) > 1 and len(files) < len(formats):
        named += [None] * (len(formats) - len(files))
    pairs = list(zip(formats, named or [None]))
    if sum(1 for _, file in pairs if file is None) > 1:
        raise UsageError("only one output format can go to standard output; give the others an --output-file")
    return pairs


def same_file(one: str, other: str) -> bool:
    """True if two names lead to one file."""
    with contextlib.suppress(OSError, ValueError):
        return Path(one).samefile(other)
    return False


def terminal(color: str) -> tuple[TextIO, Output]:
    """Return standard output, and how to write to it.

    Args:
        color: "auto" (colours on a terminal, unless NO_COLOR is set), "always" or "never".
    """
    from prepdata.reporters.base import Output

    out = _stdout()
    width = shutil.get_terminal_size((100, 24)).columns if out.isatty() else 0
    return out, Output(color=_color(color, out), width=width)


def _stdout() -> TextIO:
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace")
    return sys.stdout


def _color(wanted: str, out: TextIO) -> bool:
    if wanted == "auto":
        return out.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    return wanted == "always"


@contextlib.contextmanager
def written(path: Path) -> Iterator[TextIO]:
    """Open a text file that is there whole or not at all; what is written goes to the disk piece by piece.

    Raises:
        UsageError: there is no such folder.
        OSError: it cannot be written.
    """
    if not path.parent.is_dir():
        raise UsageError(f"{path}: cannot be written: there is no folder '{path.parent}'")
    with replacing(path) as file:
        text = io.TextIOWrapper(cast(BinaryIO, file), encoding="utf-8", errors="backslashreplace", newline="\n")
        yield text
        text.detach()


def show_settings(settings: Settings, config: Path | None) -> None:
    """Print the settings in force and the configuration file they come from."""
    import msgspec

    from prepdata.report import json_text
    from prepdata.reporters.base import safe

    click.echo(f"# configuration file: {safe(str(config)) if config else 'none'}")
    for name, value in msgspec.to_builtins(settings).items():
        click.echo(f"{name} = {json_text(value)}")
