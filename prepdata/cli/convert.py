"""`prepdata convert`: write one record format as another."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import click

from prepdata.cli.options import Command, settings_flags, settings_from
from prepdata.errors import EXIT_CLEAN, EXIT_FINDINGS, UsageError
from prepdata.files import replacing
from prepdata.jsontext import json_text

_PACKED = (".gz", ".zst", ".bz2", ".xz")


@click.command("convert", cls=Command, short_help="Write another record format.")
@click.argument("path", metavar="FILE")
@click.option("--to", "target", required=True, metavar="NAME", help="Record format to write.")
@click.option("--output", "-o", type=click.Path(dir_okay=False), help="File for the result; default NAME.FORMAT.jsonl.")
@click.option("--allow-loss", is_flag=True, help="Also write rows that lose something, where they can be written.")
@click.option("--quiet", "-q", is_flag=True, help="Say nothing but errors.")
@settings_flags("input", "config")
def command(path: str, target: str, **flags: Any) -> int:
    """Write FILE (or - for standard input) in another record format.

    Rows of which nothing is lost are written. The others go, each with its reasons, into OUTPUT.lossy.jsonl; the exit
    code is then 1. With --allow-loss they are written all the same where that is possible.
    """
    from prepdata.formats import get

    output, allow, quiet = flags.pop("output"), flags.pop("allow_loss"), flags.pop("quiet")
    settings, _ = settings_from(flags)
    to = get(target)
    if path == "-" and not output:
        output = "-"
    result = Path(output) if output else result_of(Path(path), target)
    _check(path, result)
    beside = result.with_name(result.name + ".lossy.jsonl") if output != "-" else None
    with _file(None if output == "-" else result) as good, _file(beside, lazy=True) as bad:
        written, lossy, kinds = _convert(path, settings, to, allow, good, bad)
    if not quiet:
        from prepdata.findings import plural
        from prepdata.reporters.base import safe

        lose = "loses" if lossy == 1 else "lose"
        said = f"{plural(written, 'row')} written as {to.name}; {plural(lossy, 'row')} {lose} something"
        print(f"{safe(path)}: {said}", file=sys.stderr)
        for reason, number in sorted(kinds.items(), key=lambda item: (-item[1], item[0]))[:10]:
            print(f"  {number:,} x {safe(reason)}", file=sys.stderr)
        if output != "-":
            print(f"written: {safe(str(result))}{f', {safe(str(beside))}' if lossy else ''}", file=sys.stderr)
    return EXIT_FINDINGS if lossy else EXIT_CLEAN


def result_of(path: Path, format: str) -> Path:
    """Return the default name of a result: `train.jsonl` as openai gives `train.openai.jsonl`."""
    name = path.name
    for packed in _PACKED:
        name = name.removesuffix(packed)
    return path.with_name(f"{Path(name).stem}.{format}.jsonl")


def _check(path: str, result: Path) -> None:
    if result.name.endswith(_PACKED):
        raise UsageError(f"{result}: convert writes plain JSONL; choose a name without {result.suffix}")
    if result.is_symlink():
        raise UsageError(f"{result} is a symbolic link; name the file itself")
    if str(result) == "-":
        return
    if not result.parent.is_dir():
        raise UsageError(f"{result.parent} is no folder")
    if path != "-" and result.exists() and Path(path).exists() and Path(path).samefile(result):
        raise UsageError(f"{result} is the input; choose another --output")


class _Lines:
    """Lines of a file that is made when the first one comes; None as path is standard output."""

    def __init__(self, path: Path | None, stack: contextlib.ExitStack) -> None:
        self.path = path
        self.stack = stack
        self.file: IO[bytes] | None = None

    def open(self) -> IO[bytes]:
        """Return the file, made now if it was not yet."""
        if self.file is None:
            self.file = self.stack.enter_context(replacing(self.path)) if self.path else sys.stdout.buffer
        return self.file

    def write(self, value: Any) -> None:
        """Write a value as a line of JSON."""
        self.open().write(json_text(value).encode() + b"\n")


@contextlib.contextmanager
def _file(path: Path | None, *, lazy: bool = False) -> Iterator[_Lines]:
    """Give lines to be written at `path` (None: standard output); on an error nothing is left behind."""
    if path is not None and path.is_symlink():
        raise UsageError(f"{path} is a symbolic link; remove it first")
    with contextlib.ExitStack() as stack:
        lines = _Lines(path, stack)
        if not lazy:
            lines.open()
        yield lines
        if path is None:
            sys.stdout.flush()


def _convert(
    path: str, settings: Any, to: Any, allow: bool, good: _Lines, bad: _Lines
) -> tuple[int, int, dict[str, int]]:
    """Return (rows written, rows that lose something, how often each reason)."""
    from prepdata.convert import convert_record
    from prepdata.formats import get, recognise
    from prepdata.records import records_of

    written = lossy = 0
    kinds: dict[str, int] = {}
    for line, number, record, why in records_of(path, settings):
        losses: list[dict[str, str]]
        row = None
        if record is None:
            losses = [{"path": "", "reason": why}]
        else:
            columns = settings.columns if record.format == "prompt-completion" else None
            source = get(record.format, columns)
            if columns and not source.recognise(record.raw):
                source = recognise(record.raw) or source
            row, lost = convert_record(record, source, to)
            losses = [{"path": loss.path, "reason": loss.reason} for loss in lost]
        if losses:
            lossy += 1
            for reason in {loss["reason"] for loss in losses}:
                kinds[reason] = kinds.get(reason, 0) + 1
        if row is not None and (allow or not losses):
            written += 1
            good.write(row)
        if losses and bad.path is not None:
            bad.write({"line": line, "record": number, "losses": losses, "row": record.raw if record else None})
    return written, lossy, kinds
