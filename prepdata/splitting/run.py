"""`prepdata.split`: files in, train, validation and test files out."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Any, NamedTuple

import msgspec

from prepdata.api import Paths, changed
from prepdata.errors import InputError, UsageError
from prepdata.files import settle
from prepdata.index.exact import Joined, distinct
from prepdata.jsontext import json_text
from prepdata.rules.base import Context, FileInfo, Parts
from prepdata.rules.dup.dup003_near_duplicate import NearDuplicate
from prepdata.rules.loader import build
from prepdata.select import options_of
from prepdata.settings import Settings
from prepdata.sources import Input, discover
from prepdata.splitting import manifest as manifests
from prepdata.splitting.assign import SIDES, Asked, planned, totals
from prepdata.splitting.place import Placed, Placing
from prepdata.splitting.proof import Proof, Written, named, prove
from prepdata.splitting.report import CutCluster, SetAside, Side, SplitReport
from prepdata.splitting.rows import Collector, Reader, Rows, near_parts
from prepdata.splitting.ties import NEW, Clusters, Links, clustered, joined

PACKED = (".gz", ".zst", ".bz2", ".xz")
SMALL = 20
"""Rows up to which no cluster is too large; otherwise a quarter of the largest side."""
_BESIDE = ("set-aside", "unread")
_LETTERS = "abc"  # names of the proof's files: no words that tell a side


def split(
    paths: Paths,
    settings: Settings | None = None,
    *,
    train: str | float | None = None,
    validation: str | float | None = None,
    test: str | float | None = None,
    stratify: str | Sequence[str] = (),
    group: str | Sequence[str] = ("group",),
    salt: str = "",
    out_dir: str | os.PathLike[str] | None = None,
    manifest: str | os.PathLike[str] | None = None,
    dry_run: bool = False,
    force: bool = False,
    **changes: Any,
) -> SplitReport:
    """Split files into train, validation and test, with what belongs together on one side, and prove it.

    Args:
        paths: a file or several of them, each of which is split.
        settings: format, columns, marks, worker processes, options of near-duplicate; default settings if None.
        train, validation, test: a share of the rows (0.1, "10%") or a number of rows (500); train gets what is left.
            By default 10 % each for validation and test.
        stratify: row marks (`label`, `source`, ...) whose values every side gets its share of.
        group: row marks that name what a row comes from; rows with the same value stay together.
        salt: any text; another one gives another split.
        out_dir: folder of the results; the folder of the input if None.
        manifest: file that remembers the sides; `split-manifest.jsonl` in the folder of the results if None.
        dry_run: True to write nothing.
        force: True to replace files that this command did not write, or that were changed since.
        **changes: single settings by name.

    Returns:
        What was done: rows of each side, clusters, what was set aside and why, and the proof.

    Raises:
        UsageError: shares that do not add up, a result that would replace another file, an unknown setting.
        InputError: a file that cannot be read, or only in part, or that holds no row of a known format.
    """
    settings = changed(settings or Settings(), changes)
    listed = [os.fspath(path) for path in ([paths] if isinstance(paths, (str, os.PathLike)) else paths)]
    asked = planned(train, validation, test)
    inputs, folder = _inputs(listed, Path(out_dir) if out_dir is not None else None)
    place = Path(manifest) if manifest is not None else folder / manifests.NAME
    known = manifests.load(place, salt)
    job = _Job(inputs, settings, asked, _listed(stratify), _listed(group), folder, place, known)
    if not dry_run:
        job.refuse_foreign(force=force)
    return job.run(dry_run=dry_run)


def _listed(value: str | Sequence[str]) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value)


def _inputs(paths: Sequence[str], out_dir: Path | None) -> tuple[list[Input], Path]:
    """Return the inputs and the folder of the results.

    Raises:
        UsageError, InputError: something that cannot be split.
    """
    if not paths:
        raise UsageError("give a file to split")
    for path in paths:
        if path == "-":
            raise UsageError("split needs a file; standard input cannot be read twice")
        if Path(path).is_dir():
            raise InputError(f"{path}: give the files of a folder one by one")
        if Path(path).exists() and not Path(path).is_file():
            raise InputError(f"{path}: not a regular file; it cannot be read twice. Save it to a file first")
    inputs = discover(paths)
    folders = {Path(item.path).absolute().parent for item in inputs}
    if out_dir is None and len(folders) > 1:
        raise UsageError("the files lie in several folders; say with --out-dir where the results go")
    names = [name_of(item.path) for item in inputs]
    if len(set(names)) < len(names):
        raise UsageError(f"two files would give results of the same name ({', '.join(sorted(names))}); rename one")
    folder = out_dir if out_dir is not None else Path(inputs[0].path).parent
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{folder} is no folder")
    return inputs, folder


def name_of(path: str) -> str:
    """Return the name that the results of a file begin with: `data.jsonl.gz` gives `data`."""
    name = Path(path).name
    for packed in PACKED:
        name = name.removesuffix(packed)
    return Path(name).stem


class _Near(NamedTuple):
    links: Links
    variants: int


class _Job:
    """One split: what was asked, and the way from the files to the report."""

    def __init__(self, inputs: Sequence[Input], settings: Settings, asked: Sequence[Asked], strata: Sequence[str],
                 groups: Sequence[str], folder: Path, place: Path, known: manifests.Manifest) -> None:  # fmt: skip
        self.inputs, self.settings, self.asked = inputs, settings, asked
        self.strata, self.groups = strata, groups
        self.folder, self.place, self.known = folder, place, known
        self.names = [name_of(item.path) for item in inputs]
        self.reader = Reader(inputs, settings)
        self.stamps = [_stamp(item.path) for item in inputs]

    def result(self, name: str, kind: str) -> Path:
        """Return the file of a side (or `set-aside`, `unread`) of an input."""
        return self.folder / f"{name}.{kind}.jsonl"

    def refuse_foreign(self, *, force: bool) -> None:
        """Refuse to replace what an earlier run did not write.

        Raises:
            UsageError: a result is there that the manifest does not know, or is no plain file.
        """
        for name in self.names:
            for kind in (*SIDES, *_BESIDE):
                path = self.result(name, kind)
                if path.is_symlink():
                    raise UsageError(f"{path} is a symbolic link; remove it first")
                if not path.exists():
                    continue
                if not path.is_file():
                    raise UsageError(f"{path} is not a regular file; choose another --out-dir")
                if any(Path(item.path).samefile(path) for item in self.inputs):
                    raise UsageError(f"{path} is an input; choose another --out-dir")
                if not force and _digest(path) not in self.known.header.outputs.get(path.name, ()):
                    raise UsageError(
                        f"{path} is there and was not written by this split, or was changed since; "
                        "choose another --out-dir, or replace it with --force"
                    )

    def run(self, *, dry_run: bool) -> SplitReport:
        """Do it, and return the report."""
        rows = self._read()
        wanted = totals(self.asked, len(rows.digests) - len(rows.unread))
        near = self._near(rows)
        most = max(SMALL, max(wanted) // 4)
        part = min([most, *(max(SMALL // 2, number) for number in wanted if number)])
        clusters = clustered(joined([rows.links, near.links]), rows.digests, most, part)
        old = self.known.sides_of(rows.digests).astype("int64")
        old[list(rows.unread)] = NEW
        if not dry_run:
            self.folder.mkdir(parents=True, exist_ok=True)
        with _folder(None if dry_run else self.folder) as work:
            placing = Placing(clusters, rows.digests, rows.strata, old, wanted, self.known.header.salt, part)

            def proof(sides: Any) -> Proof:
                return prove(self._write(work, sides, rows), self.settings, self.groups)

            placed = placing.placed(proof)
            report = self._report(rows, clusters, placed, old, wanted, near.variants, dry_run=dry_run)
            if [_stamp(item.path) for item in self.inputs] != self.stamps:
                raise InputError("a file changed while it was being split; run again when nothing writes to it")
            if not dry_run:
                self._keep(work, rows, placed, report)
        return report

    def _read(self) -> Rows:
        collector = Collector(Context(marks=self.settings.marks), self.groups, self.strata)
        for number, first, chunk, count in self.reader.chunks():
            collector.see(number, first, chunk, count)
        rows = collector.made(self.reader.reencoded())
        if len(rows.digests) == len(rows.unread):
            raise InputError(
                f"{', '.join(item.path for item in self.inputs)}: no row of a known format to split; "
                "name the format with --format, or the columns with the setting `columns`"
            )
        return rows

    def _near(self, rows: Rows) -> _Near:
        """Return what ties near duplicates together, and how many pairs are only variants of one another."""
        import numpy as np
        from xxhash import xxh3_64_intdigest

        rule = build(NearDuplicate, options_of(NearDuplicate, self.settings), Context())
        assert isinstance(rule, NearDuplicate)
        made = near_parts(rows)
        rows.grams.clear()
        total = len(rows.digests)
        parts = Parts([FileInfo("", 0, total, 0)], made, total, self.reader.fetch)
        both = Joined([(first, part[:3]) for first, part in made])
        judged = rule.judged(parts, both)
        same = [pair for pair in judged if pair.how is None or not pair.how.meant]
        ends = [(both.row(pair.first), both.row(pair.second)) for pair in same]
        said = rows.digests
        keys = [xxh3_64_intdigest(b"%d %d" % tuple(sorted((int(said[a]), int(said[b]))))) for a, b in ends]
        strengths = [min(1.0, max(pair.similarity, pair.how.ratio if pair.how else 0.0)) for pair in same]
        links = Links(
            np.array([row for pair in ends for row in pair], np.int64),
            np.repeat(np.array(keys, np.uint64), 2),
            np.repeat(np.array(strengths, np.float32), 2),
        )
        return _Near(links, len(judged) - len(same))

    def _write(self, work: Path, sides: Any, rows: Rows) -> list[Written]:
        """Write the sides of all inputs into the folder `work`."""
        import numpy as np

        files, first = [], 0
        with contextlib.ExitStack() as stack:
            opened: dict[tuple[int, int], IO[bytes]] = {}
            for number, count in enumerate(rows.counts):
                here = sides[first : first + count]
                for side, letter in enumerate(_LETTERS):
                    path = work / f"{number}-{letter}.jsonl"
                    opened[number, side] = stack.enter_context(path.open("wb"))
                    files.append(Written(path, side, np.flatnonzero(here == side) + first))
                first += count
            for number, row, _, text in self.reader.texts():
                if row < len(sides) and sides[row] >= 0:
                    opened[number, int(sides[row])].write(text + b"\n")
        return files

    def _keep(self, work: Path, rows: Rows, placed: Placed, report: SplitReport) -> None:
        """Put the results in their places: the manifest first, so that it knows them whatever comes between."""
        import numpy as np

        self._write_beside(work, rows, placed, report)
        made: dict[Path, Path] = {}
        for number, name in enumerate(self.names):
            for side, letter in zip(SIDES, _LETTERS):
                path = work / f"{number}-{letter}.jsonl"
                if path.stat().st_size or self._is_asked(side) or self.result(name, side).exists():
                    made[self.result(name, side)] = path
            for kind in _BESIDE:
                if (path := work / f"{number}-{kind}.jsonl").exists():
                    made[self.result(name, kind)] = path
        outputs = {path.name: [_digest(file)] for path, file in made.items()}
        for name, digests in self.known.header.outputs.items():
            outputs[name] = [*outputs.get(name, ()), *digests][: manifests.KEPT]
        header = manifests.Header(salt=self.known.header.salt, outputs=dict(sorted(outputs.items())))
        on = np.flatnonzero(placed.sides >= 0)
        _, which = np.unique(placed.labels[on], return_inverse=True)
        unknown = np.uint64(np.iinfo(np.uint64).max)
        keys, own = (np.full(int(which.max(initial=-1)) + 1, unknown, np.uint64) for _ in range(2))
        np.minimum.at(keys, which, self.known.clusters_of(rows.digests[on]))
        np.minimum.at(own, which, rows.digests[on])
        keys = np.where(keys == unknown, own, keys)
        sides = placed.sides[on].astype(np.int8)
        if self.place.is_symlink():
            raise UsageError(f"{self.place} is a symbolic link; remove it first")
        manifests.save(self.place, self.known.extended(header, rows.digests[on], sides, keys[which]))
        mode = Path(self.inputs[0].path).stat().st_mode & 0o777
        for path, file in made.items():
            settle(file, path, mode=mode)
        for name in self.names:
            for kind in _BESIDE:  # of an earlier run, whose rows are on a side now
                path = self.result(name, kind)
                if path not in made and path.exists():
                    path.unlink()

    def _write_beside(self, work: Path, rows: Rows, placed: Placed, report: SplitReport) -> None:
        """Write the rows set aside, with their reasons, and those without a record as they are."""
        if not placed.aside and not rows.unread:
            return
        said = {(item.file, item.record): item for item in report.set_aside}
        paths = [item.path for item in self.inputs]
        with contextlib.ExitStack() as stack:
            opened: dict[str, IO[bytes]] = {}
            for number, row, _, text in self.reader.texts():
                kind = "set-aside" if row in placed.aside else "unread" if row in rows.unread else ""
                if not kind:
                    continue
                name = f"{number}-{kind}.jsonl"
                if name not in opened:
                    opened[name] = stack.enter_context((work / name).open("wb"))
                if kind == "set-aside":
                    item = said[named(row, rows.counts, paths)]
                    told = {**msgspec.structs.asdict(item), "text": text.decode("utf-8", "replace")}
                    text = json_text(told).encode()
                opened[name].write(text + b"\n")

    def _is_asked(self, side: str) -> bool:
        wanted = self.asked[SIDES.index(side)]
        return side == "train" or bool(wanted.share or wanted.number)

    def _report(self, rows: Rows, clusters: Clusters, placed: Placed, old: Any, wanted: Sequence[int], variants: int,
                *, dry_run: bool) -> SplitReport:  # fmt: skip
        import numpy as np

        paths = [item.path for item in self.inputs]
        ties = [tie for item in placed.aside.values() for tie in item.ties]
        lines = self._lines([*placed.aside, *rows.unread, *ties, *(leak.row for leak in placed.proof.leaks)])

        def called(row: int) -> str:
            file, record = named(row, rows.counts, paths)
            line = lines.get(row)
            return f"{file}:{line}" if line is not None else f"{file} row {record + 1}"

        def aside(row: int, reason: str, ties: tuple[int, ...] = ()) -> SetAside:
            file, record = named(row, rows.counts, paths)
            return SetAside(file=file, line=lines.get(row), record=record, reason=reason, ties=tuple(map(called, ties)))

        on = np.flatnonzero(placed.sides >= 0)
        labels = placed.labels[on]
        sizes = np.unique(labels, return_counts=True)[1]
        by_side = np.bincount(placed.sides[on], minlength=len(SIDES)).tolist()
        sides = {}
        for side, name in enumerate(SIDES):
            number = len(distinct(labels[placed.sides[on] == side]))
            made = tuple(str(self.result(n, name)) for n in self.names) if by_side[side] or self._is_asked(name) else ()
            sides[name] = Side(rows=by_side[side], asked=wanted[side], share=by_side[side] / max(1, len(on)),
                               clusters=number, files=made)  # fmt: skip
        strata: dict[str, dict[str, int]] = {}
        if self.strata:
            table = np.zeros((len(rows.names), len(SIDES)), np.int64)
            np.add.at(table, (rows.strata[on], placed.sides[on]), 1)
            listed = sorted(zip(rows.names, table.tolist()))
            strata = {name: dict(zip(SIDES, numbers)) for name, numbers in listed}
        left = tuple(f"{called(leak.row)}: {leak.message}" for leak in placed.proof.leaks)
        notes = tuple(f"{path}: not UTF-8; the results are" for path in rows.reencoded)
        return SplitReport(
            rows=len(rows.digests), sides=sides, known=int((old != NEW).sum()),
            new=int((old[rows.strata >= 0] == NEW).sum()), clusters=int((sizes > 1).sum()),
            largest=int(sizes.max(initial=0)), strata=strata,
            cut=tuple(CutCluster(rows=c.rows, without=c.without, parts=c.parts, largest=c.largest)
                      for c in clusters.cuts),
            variants=variants,
            set_aside=tuple(aside(row, item.reason, item.ties) for row, item in sorted(placed.aside.items())),
            unread=tuple(aside(row, why) for row, why in sorted(rows.unread.items())),
            moved=placed.moved, rounds=placed.rounds, proof=placed.proof.checked, left=left, notes=notes,
            manifest=str(self.place), dry_run=dry_run,
        )  # fmt: skip

    def _lines(self, wanted: Sequence[int]) -> dict[int, int]:
        """Return the 1-based line of some rows, where their file has lines."""
        left = set(wanted)
        return {text.row: text.line for text in self.reader.texts() if text.row in left and text.line} if left else {}


def _stamp(path: str) -> tuple[int, int, int]:
    info = Path(path).stat()
    return info.st_ino, info.st_size, info.st_mtime_ns


def _digest(path: Path) -> str:
    """Return the xxh3_64 of a file's bytes."""
    import xxhash

    hasher = xxhash.xxh3_64()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            hasher.update(block)
    return hasher.hexdigest()


@contextlib.contextmanager
def _folder(inside: Path | None) -> Iterator[Path]:
    """Give a folder that is gone afterwards, in the folder of the results so that files can be moved in one step."""
    made = Path(tempfile.mkdtemp(prefix=".prepdata-split-", dir=inside))
    try:
        yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)
