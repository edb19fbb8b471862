"""`prepdata lock`: writes down what data, tokenizer and targets are now, or says what has changed."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from prepdata.cli.options import Command, lock_path, settings_flags, settings_from
from prepdata.errors import EXIT_CLEAN, EXIT_FINDINGS, UsageError
from prepdata.reporters.base import safe

if TYPE_CHECKING:
    from prepdata.lock.make import Made
    from prepdata.lock.model import Lock


@click.command("lock", cls=Command, short_help="Lock data and tokenizer.")
@click.argument("paths", nargs=-1, metavar="[PATHS...]")
@click.option("--tokenizer", type=click.Path(), metavar="DIR", help="tokenizer.json or tokenizer folder to lock too.")
@click.option("--target", multiple=True, metavar="NAME", help="Target whose facts are locked too; may repeat.")
@click.option("--lock", type=click.Path(), metavar="FILE", help="Lock file (default: prepdata.lock by the settings).")
@click.option("--copy-templates", is_flag=True, help="Keep copies of the small template files beside the lock.")
@click.option("--check", is_flag=True, help="Write nothing; exit with 1 if anything differs from the lock.")
@click.option("--quiet", "-q", is_flag=True, help="Say nothing but errors.")
@settings_flags("input", "config")
def command(paths: tuple[str, ...], **flags: Any) -> int:
    """Write digests of PATHS, the tokenizer, the targets' facts and the settings to prepdata.lock.

    From then on `prepdata validate` reports data and tokenizers that differ from it. Without PATHS, --tokenizer or
    --target those of the last lock are looked at again.
    """
    copies, check, quiet = flags.pop("copy_templates"), flags.pop("check"), flags.pop("quiet")
    settings, config = settings_from(flags)
    place = Path(settings.lock) if settings.lock is not None else lock_path(config)
    if not place.parent.is_dir():
        raise UsageError(f"{place}: cannot be written: there is no folder '{place.parent}'")
    from prepdata.cli.progress import progress
    from prepdata.lock.make import make
    from prepdata.lock.model import read

    old = read(place) if place.exists() or place.is_symlink() else None
    if check and old is None:
        raise UsageError(f"{place}: there is no lock yet; make it with `prepdata lock PATHS`")
    with progress(enabled=not quiet) as report:
        made = make(paths, settings, place, old, copies=copies, checking=check, progress=report)
    for note in made.notes:
        _say(note)
    if check and old is not None:
        return _compared(place, old, made, quiet=quiet)
    _write(place, old, made, quiet=quiet)
    return EXIT_CLEAN


def _compared(place: Path, old: Lock, made: Made, *, quiet: bool) -> int:
    """Say what differs from the lock; return the exit code."""
    import prepdata
    from prepdata.lock.drift import damaged_copies

    lines = [*_changes(old, made), *(f"changed  copy of {safe(name)}" for name in damaged_copies(old, place))]
    if not quiet:
        said = _number(len(lines), "difference") if lines else "nothing has changed"
        click.echo("\n".join([*lines, f"{safe(str(place))}: {said}"]))
    if not quiet and old.prepdata != prepdata.__version__:
        _say(f"locked with prepdata {old.prepdata[:40]}, this is {prepdata.__version__}")
    return EXIT_FINDINGS if lines else EXIT_CLEAN


def _write(place: Path, old: Lock | None, made: Made, *, quiet: bool) -> None:
    from prepdata.lock.drift import damaged_copies
    from prepdata.lock.make import keep_copies
    from prepdata.lock.model import write

    large = keep_copies(made, place, old)
    for name in damaged_copies(made.lock, place):
        _say(f"the copy of {name} is missing or not what was locked; lock again where the tokenizer is at hand")
    if old != made.lock:
        write(place, made.lock)
    if quiet:
        return
    for name in large:
        _say(f"no copy of {name}: it has 1 MB or more")
    lock = made.lock
    held = [_number(len(lock.files), "file")]
    if lock.tokenizer:
        held.append(f"tokenizer of {_number(len(lock.tokenizer.files), 'file')}")
    if lock.targets:
        held.append(_number(len(lock.targets), "target"))
    state = "up to date" if old == lock else "written"
    click.echo("\n".join([*(_changes(old, made) if old else ()), f"{state}: {safe(str(place))} ({', '.join(held)})"]))


def _changes(old: Lock | None, made: Made) -> list[str]:
    from prepdata.lock.make import changes
    from prepdata.lock.model import Lock

    return [safe(line) for line in changes(old or Lock(prepdata=made.lock.prepdata), made.lock)]


def _number(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def _say(text: str) -> None:
    print(f"prepdata: {safe(text)}", file=sys.stderr)
