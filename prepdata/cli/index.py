"""`prepdata index`: benchmarks in one file, to hold training data against."""

from __future__ import annotations

import json
from itertools import chain, count
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from prepdata.cli.draw import table
from prepdata.cli.options import Command, settings_flags, settings_from
from prepdata.errors import EXIT_CLEAN, InputError, UsageError
from prepdata.findings import plural
from prepdata.reporters.base import safe

if TYPE_CHECKING:
    from prepdata.index.build import Builder
    from prepdata.index.reference import Reference


@click.group("index", short_help="Build and list indexes of benchmarks.")
def command() -> None:
    """Keep what benchmarks ask in one file, and hold training data against it: `prepdata validate --index NAME`.

    NAME is a name, then the file is kept in the folder of indexes, or the path of a file that ends in .prepidx.
    """


@command.command("build", cls=Command, short_help="Make an index of benchmark files.")
@click.argument("name", metavar="NAME")
@click.argument("files", nargs=-1, required=True, metavar="[BENCHMARK=]FILE...")
@click.option(
    "--gram",
    "grams",
    type=click.IntRange(1, 100),
    multiple=True,
    metavar="N",
    help="Words of further n-grams, for presets: 8 (palm, tulu3, open-r1), 10 (llama2), 13 (gpt3); may repeat.",
)
@settings_flags("config")
def build(name: str, files: tuple[str, ...], grams: tuple[int, ...], **flags: Any) -> int:
    """Make an index of benchmark files, each of any format that can be read; an index of that name is replaced.

    Rows need a prompt or question under one of the usual names, or under the one that the setting `columns` gives.
    """
    from prepdata.index.build import Builder
    from prepdata.items import items
    from prepdata.sources import discover

    path = _path(name)
    settings, _ = settings_from(flags)
    builder = Builder(grams)
    for file in files:
        called, _, where = file.partition("=") if "=" in file and not Path(file).exists() else ("", "", file)
        for item in discover([where]):
            title = _unused(called or Path(item.path).name.split(".")[0] or item.path, builder)
            made = builder.add(title, items(item, settings), needed=item.path == where)
            left_out = f"; {plural(made.left_out, 'row')} left out: nothing is asked" if made.left_out else ""
            click.echo(f"{safe(made.name)}: {plural(made.items, 'item')}{left_out}")
    if not any(made.items for made in builder.benchmarks):
        raise InputError("no row in these files asks anything")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        builder.save(path)
    except OSError as error:
        raise InputError(f"{path}: {error.strerror or error}") from error
    click.echo(f"{safe(str(path))}: {path.stat().st_size:,} bytes, n-grams of {_listed(builder.sizes)} words")
    return EXIT_CLEAN


def _unused(title: str, builder: Builder) -> str:
    """Return a name that no benchmark of an index has: the one wished for, or that with a number."""
    taken = {made.name for made in builder.benchmarks}
    return next(name for name in chain([title], (f"{title}-{n}" for n in count(2))) if name not in taken)


@command.command("list", cls=Command, short_help="List the indexes and what is in them.")
@click.argument("names", nargs=-1, metavar="[NAME...]")
@click.option("--output-format", "-f", "output", type=click.Choice(["text", "json"]), default="text", help="Output.")
def listing(names: tuple[str, ...], output: str) -> int:
    """List the indexes of the folder, or those named, and the benchmarks in each."""
    from prepdata.index.reference import SUFFIX, open_reference
    from prepdata.references import index_folder, index_path

    paths = [index_path(name) for name in names] or sorted(index_folder().glob("*" + SUFFIX))
    found = []
    for path in paths:
        try:
            found.append((path, open_reference(str(path))))
        except InputError as error:
            if names:
                raise
            click.echo(f"prepdata: {safe(str(error))}", err=True)
    if output == "json":
        click.echo(json.dumps([_described(path, reference) for path, reference in found], indent=2))
        return EXIT_CLEAN
    if not found:
        click.echo(f"no index in {index_folder()}; make one with `prepdata index build NAME FILES...`")
        return EXIT_CLEAN
    rows = [
        [safe(path.stem), safe(benchmark.name), f"{benchmark.items:,}", _listed(reference.sizes)]
        for path, reference in found
        for benchmark in reference.benchmarks
    ]
    click.echo("\n".join(table([["index", "benchmark", "items", "n-grams"], *rows], right=frozenset({2}))))
    return EXIT_CLEAN


def _described(path: Path, reference: Reference) -> dict[str, Any]:
    benchmarks = [
        {"name": b.name, "items": b.items, "left_out": b.left_out, "digest": b.digest} for b in reference.benchmarks
    ]
    return {"name": path.stem, "path": str(path), "grams": list(reference.sizes), "benchmarks": benchmarks}


def _path(name: str) -> Path:
    import os

    from prepdata.index.reference import SUFFIX
    from prepdata.references import index_folder

    if not name.isprintable():
        raise UsageError("the name of an index has characters that cannot be seen")
    if os.sep in name or name.endswith(SUFFIX):
        if not name.endswith(SUFFIX):
            raise UsageError(f"{name}: a path of an index ends in {SUFFIX}")
        return Path(name)
    if name.startswith((".", "-")) or not name.strip():
        raise UsageError(f"'{name}' is no name for an index")
    return index_folder() / (name + SUFFIX)


def _listed(sizes: tuple[int, ...]) -> str:
    return ", ".join(map(str, sizes))
