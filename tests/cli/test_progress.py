"""The progress line."""

from __future__ import annotations

import io
import sys

import pytest

from prepdata.cli.progress import Line, progress


def test_the_line_says_share_speed_and_time_left() -> None:
    line = Line(io.StringIO())
    line.path = "data/train\x1b.jsonl"
    assert line.text(50_000_000, 200_000_000, 2.0) == "train\\u001b.jsonl  25 %  50 MB  25 MB/s  6 s left"
    assert line.text(50_000_000, 0, 2.0) == "train\\u001b.jsonl  50 MB  25 MB/s"
    assert line.text(1, 200, 0.0) == "train\\u001b.jsonl  0 %  0 MB"


def test_it_is_not_written_for_every_chunk() -> None:
    out = io.StringIO()
    line = Line(out)
    for done in range(1000):
        line.show("a.jsonl", done, 1000)
    assert out.getvalue().count("\r") < 5
    line.show("b.jsonl", 1, 10)
    line.clear()
    assert out.getvalue().endswith("\r\x1b[K") and "b.jsonl" in out.getvalue()


def test_nothing_off_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    with progress(enabled=True) as report:
        assert report is None
    out = io.StringIO()
    monkeypatch.setattr(out, "isatty", lambda: True)
    monkeypatch.setattr(sys, "stderr", out)
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    with progress(enabled=False) as report:
        assert report is None
    with progress(enabled=True) as report:
        assert report is not None
        report("a.jsonl", 1, 2)
    assert out.getvalue().endswith("\r\x1b[K")
