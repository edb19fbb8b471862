"""The benchmark of retrieval: the same documents every time, and a table with every step."""

from __future__ import annotations

from pathlib import Path

import pytest

for library in ("lxml", "qdrant_client", "semantic_text_splitter"):
    pytest.importorskip(library)

from benchmarks import retrieval  # noqa: E402


def test_documents_are_the_same_every_time(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        assert retrieval.write_documents(tmp_path / name, 0.1) > 95_000
    files = sorted(path.name for path in (tmp_path / "one").iterdir())
    assert len(files) == 2
    assert all((tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes() for file in files)


def test_the_table(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("sys.argv", ["retrieval", "--megabytes", "0.05"])
    retrieval.main()
    out = capsys.readouterr().out
    steps = ("read", "cut", "index, BM25 alone", "write the index", "open it in memory", "73 questions, bm25")
    assert all(f"\n| {step} | " in out for step in steps)
    assert "MB, 1 documents, " in out and "peak memory" in out
