"""A record of `prepdata baseline` in place of asking the base: taken where it fits, refused with what differs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from arms_asked import arm, asked, config, rows, run, write_rows
from chat_server import served

from prepdata.cli import main as command_line
from prepdata.errors import InputError, UsageError
from trainers import record_files


@pytest.fixture(scope="module")
def echo() -> Iterator[str]:
    yield from served("faulty")


@pytest.fixture
def baseline(echo: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A baseline as `prepdata baseline` records it."""
    path = tmp_path / "baseline.json"
    record(monkeypatch, echo, write_rows(tmp_path / "t.jsonl", rows()), path)
    return str(path)


def record(monkeypatch: pytest.MonkeyPatch, model: str, test: str, path: Path, *more: str) -> None:
    words = ["--model", model, "--model-name", "tiny", "--test", test, "--scorer", "contains", "--output", str(path)]
    words += ["--max-new-tokens", "512", "--batch-size", "2", "--quiet", *more]
    monkeypatch.setattr("sys.argv", ["prepdata", "baseline", *words])
    with pytest.raises(SystemExit) as ended:
        command_line.main()
    assert ended.value.code == 0


def test_a_baseline_is_taken_for_the_base(echo: str, tmp_path: Path, baseline: str) -> None:
    before, said = asked(echo), list[str]()
    found = run(config(tmp_path, echo, arms=("rag",), baseline=baseline, latency_rows=0), said=said)
    base = arm(found, "base")
    assert (base.status, base.asked, base.record) == ("measured", 0, "../baseline.json")
    assert base.sha256 == record_files.read(baseline).sha256
    assert said[0] == f"base: {baseline} is taken, its 8 rows are not asked again"
    assert asked(echo) - before == 8  # those of rag
    assert not (tmp_path / "arms" / "base.json").exists()
    assert found.verdict.arm == "rag"
    paired = arm(found, "rag").against_base
    assert paired is not None and paired.change.better == 8


def test_it_is_timed_like_a_base_that_was_asked(echo: str, tmp_path: Path, baseline: str) -> None:
    found = run(config(tmp_path, echo, arms=("rag",), baseline=baseline))
    assert found.timed_rows == 2 and arm(found, "base").latency is not None


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"max_new_tokens": 64}, "decoding.max_new_tokens: 512 there, 64 here"),
        ({"batch_size": 4}, "decoding.batch_size: 2 there, 4 here"),
        ({"model_name": "other"}, "model.name: tiny there, other here"),
        ({"scorers": ("contains", "exact_match")}, "scorers.exact_match: none there, "),
    ],
)
def test_one_of_something_else_is_refused_and_nothing_is_asked(
    echo: str, tmp_path: Path, baseline: str, given: dict[str, Any], said: str
) -> None:
    before = asked(echo)
    with pytest.raises(UsageError) as caught:
        run(config(tmp_path, echo, baseline=baseline, **given))
    assert str(caught.value).startswith(f"{baseline} cannot be taken in place of asking the base; nothing was asked.")
    assert f"\n  {said}" in str(caught.value) and str(caught.value).count("\n") == 1
    assert asked(echo) == before


def test_one_of_other_rows_is_refused(echo: str, tmp_path: Path, baseline: str) -> None:
    with pytest.raises(UsageError, match=r"data\.test\.hash"):
        run(config(tmp_path, echo, tag=" please", baseline=baseline))
    turns = [{"role": "user", "content": "Say gifts"}, {"role": "assistant", "content": "gifts"}]
    kept = write_rows(tmp_path / "kept.jsonl", [{"messages": turns}])
    with pytest.raises(UsageError, match=r"data\.retention: none there"):
        run(config(tmp_path, echo, baseline=baseline, retention=kept))


def test_a_prompted_record_is_no_base(echo: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "prompted.json"
    (tmp_path / "system.txt").write_text("Be kind.")
    test = write_rows(tmp_path / "t.jsonl", rows())
    record(monkeypatch, echo, test, path, "--system-prompt", str(tmp_path / "system.txt"))
    with pytest.raises(UsageError, match="kind: prompted there, base here"):
        run(config(tmp_path, echo, baseline=str(path)))


def test_a_changed_or_missing_one_is_refused(echo: str, tmp_path: Path, baseline: str) -> None:
    held = json.loads(Path(baseline).read_text())
    held["results"]["test"]["contains"]["value"] = 0.9
    (tmp_path / "edited.json").write_text(json.dumps(held))
    with pytest.raises(InputError, match="was changed after it was written"):
        run(config(tmp_path, echo, baseline=str(tmp_path / "edited.json")))
    with pytest.raises(InputError, match="cannot be read"):
        run(config(tmp_path, echo, baseline=str(tmp_path / "none.json")))
    (tmp_path / "baseline.samples.jsonl").unlink()
    with pytest.raises(InputError, match="the samples of"):
        run(config(tmp_path, echo, baseline=baseline))
