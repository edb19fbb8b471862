"""What could not be read of the rows that a command measures: told, with the way to see why."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from prepdata.errors import InputError
from prepdata.findings import plural
from prepdata.reporters.base import safe

if TYPE_CHECKING:
    from prepdata.report import Report


def check_read(paths: Sequence[str], read: int) -> None:
    """Make sure that some rows could be read.

    Args:
        paths: what was given.
        read: rows that were measured.

    Raises:
        InputError: none could: there is nothing to measure.
    """
    if not read:
        raise InputError(f"{_names(paths)}: no row could be read, so there is nothing to measure; {_why(paths)}")


def tell_unread(paths: Sequence[str], report: Report, read: int) -> None:
    """Say on standard error how many rows could not be read, and are not among those measured."""
    lost = report.examples - read
    if lost > 0:
        said = f"{_names(paths)}: {lost:,} of {plural(report.examples, 'row')} could not be read and are left out"
        click.echo(f"prepdata: {safe(said)}; {safe(_why(paths))}", err=True)


def _names(paths: Sequence[str]) -> str:
    return ", ".join("standard input" if path == "-" else path for path in paths)


def _why(paths: Sequence[str]) -> str:
    return f"`prepdata validate {shlex.join(paths)}` shows why"
