"""The progress bar: on standard error, only on a terminal, gone when done."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from prepdata.runner import Progress


@contextmanager
def progress(*, enabled: bool) -> Iterator[Progress | None]:
    """Give a function to call with (path, bytes done, bytes in all), or None where nothing should be shown."""
    if not enabled or not sys.stderr.isatty() or os.environ.get("CI") or os.environ.get("TERM") == "dumb":
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, TextColumn, TimeRemainingColumn, TransferSpeedColumn
    from rich.progress import Progress as Bar

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    bar = Bar(*columns, console=Console(stderr=True), transient=True, auto_refresh=False)
    tasks: dict[str, object] = {}

    def report(path: str, done: int, total: int) -> None:
        if path not in tasks:
            tasks[path] = bar.add_task(Path(path).name, total=total or None)
        bar.update(tasks[path], completed=done)  # type: ignore[arg-type]
        bar.refresh()

    with bar:
        yield report
