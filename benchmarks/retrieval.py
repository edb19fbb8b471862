"""How quick retrieval is, beside rank_bm25 on the same chunks in the same run.

    python -m benchmarks.retrieval [--megabytes 1] [--embedding MODEL]

Documents are made of the words of the support pages, of a fixed seed. Prints a Markdown table: reading and cutting, the
index (with vectors if a model is given), opening the store, questions a second of each kind, memory. Times are the best
of three but for the index. The peer (pip install rank_bm25) scores the same words in Python and numpy, in the same run;
without it its rows are left out. Beside the questions of the samples, which share few words with the documents, the
beginnings of passages are asked for, which share all. Its ranking is not held against ours: its BM25 is another
variant.
"""

from __future__ import annotations

import argparse
import random
import resource
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from prepdata.retrieval.bm25 import words_of
from prepdata.retrieval.build import build, indexed_text, load, save
from prepdata.retrieval.chunks import chunks_of
from prepdata.retrieval.documents import read_documents
from prepdata.retrieval.questions import read_questions
from prepdata.retrieval.search import IndexRetriever

SUPPORT = Path(__file__).resolve().parent.parent / "samples" / "support"
_DOCUMENT = 50_000  # characters
_QUESTION = 80  # characters of a passage that are asked for


def write_documents(folder: Path, megabytes: float) -> int:
    """Write documents of about so many MB in all; return their bytes."""
    words = " ".join(path.read_text(encoding="utf-8") for path in sorted((SUPPORT / "docs").iterdir())).split()
    draw, written = random.Random(7), 0
    for number in range(max(1, round(megabytes * 1e6 / _DOCUMENT))):
        sentences, length = [f"# Page {number}\n"], 0
        while length < _DOCUMENT:
            picked = draw.choices(words, k=draw.randint(6, 18))
            picked[draw.randrange(len(picked))] += str(draw.randint(0, 9999))
            sentences.append(" ".join(picked) + (".\n\n" if draw.random() < 0.2 else "."))
            length += len(sentences[-1]) + 1
        written += (folder / f"page{number:05}.md").write_bytes(" ".join(sentences).encode())
    return written


def timed(work: Callable[[], Any], times: int = 3) -> tuple[float, Any]:
    """Return the best time of a piece of work (seconds), and what it gave."""
    best, found = float("inf"), None
    for _ in range(times):
        start = time.perf_counter()
        found = work()
        best = min(best, time.perf_counter() - start)
    return best, found


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--megabytes", type=float, default=1.0)
    parser.add_argument("--embedding")
    given = parser.parse_args()
    questions = [question.text for question in read_questions(SUPPORT.parent / "retrieval" / "questions.jsonl")]
    print("| step | time | rate |\n|---|---:|---:|")
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place, "docs")
        folder.mkdir()
        size = write_documents(folder, given.megabytes) / 1e6
        spent, documents = timed(lambda: list(read_documents(folder)))
        _line("read", spent, f"{size / spent:.0f} MB/s")
        spent, chunks = timed(lambda: [chunk for document in documents for chunk in chunks_of(document)])
        _line("cut", spent, f"{len(chunks) / spent:,.0f} chunks/s, {size / spent:.1f} MB/s")
        spent, index = timed(lambda: build(folder, embedding=given.embedding), 1)
        kind = "with vectors" if given.embedding else "BM25 alone"
        _line(f"index, {kind}", spent, f"{len(chunks) / spent:,.0f} chunks/s, {size / spent:.2f} MB/s")
        spent, _ = timed(lambda: save(index, Path(place, "made"), folder))
        _line("write the index", spent, f"{size / spent:.0f} MB/s")
        spent, retriever = timed(lambda: IndexRetriever(load(Path(place, "made")), "hybrid", given.embedding), 1)
        _line("open it in memory", spent, f"{len(chunks) / spent:,.0f} chunks/s")
    modes: list[Any] = ["dense", "hybrid"] if given.embedding else []
    for mode in modes:
        spent, _ = timed(lambda mode=mode: [retriever.ranked(question, 10, mode) for question in questions])
        _line(f"{len(questions)} questions, {mode}", spent, f"{len(questions) / spent:,.0f} a second")
    texts = [indexed_text(chunk) for chunk in chunks]
    beginnings = [chunk.text[:_QUESTION] for chunk in chunks[:: max(1, len(chunks) // len(questions))]][
        : len(questions)
    ]
    for what, asked in (("questions", questions), ("beginnings of passages", beginnings)):
        _beside(what, asked, texts, retriever)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"\n{size:.1f} MB, {len(documents)} documents, {len(chunks):,} chunks; peak memory {peak:,.0f} MiB")


def _beside(what: str, asked: list[str], texts: list[str], retriever: IndexRetriever) -> None:
    """Ask BM25 of ours and of rank_bm25 the same, in turn."""
    ours, _ = timed(lambda: [retriever.ranked(question, 10, "bm25") for question in asked])
    _line(f"{len(asked)} {what}, bm25", ours, f"{len(asked) / ours:,.0f} a second")
    try:
        from rank_bm25 import BM25Okapi
    except ImportError:
        return
    peer = BM25Okapi([words_of(text) for text in texts])

    def ask() -> None:
        for question in asked:
            peer.get_scores(words_of(question)).argsort()[-10:]

    theirs, _ = timed(ask)
    rate = f"{len(asked) / theirs:,.0f} a second; ours {theirs / ours:.0f} times as many"
    _line(f"{len(asked)} {what}, rank_bm25", theirs, rate)


def _line(step: str, spent: float, rate: str) -> None:
    print(f"| {step} | {spent:.3f} s | {rate} |")


if __name__ == "__main__":
    main()
