"""Paraphrases of evaluation items, the whole way: same report for every cut, honest words where it cannot run."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tiny_model import write_model

import prepdata
from prepdata.api import plan_of
from prepdata.engine import Mapper, decode_result, encode_result
from prepdata.errors import UsageError
from prepdata.formats import get
from prepdata.reduce import FileRun, findings
from prepdata.references import references
from prepdata.rules.leak._semantic import STEPS, matches
from prepdata.rules.leak.leak007_semantic_overlap import SemanticOverlap
from prepdata.select import Selection
from prepdata.settings import Settings
from prepdata.sources.base import RawChunk
from prepdata.text.amounts import amounts, other_amounts

pytest.importorskip("tokenizers")

ASKED = "Which heron was spotted by the child at the river?"
REWORDED = "What fowl did that kid noticed on the stream?"
OTHER = "Why do old clocks in towers stop after a thunderstorm?"


def chat(asked: str, answer: str = "Yes.") -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": asked}, {"role": "assistant", "content": answer}]}


def write(path: Path, rows: list[Any]) -> Path:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return path


TRAIN = [chat(OTHER), chat(REWORDED), chat("Is it  raining in the old towers?"), chat(REWORDED), chat(ASKED)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write(tmp_path / "train.jsonl", TRAIN)
    write(tmp_path / "test.jsonl", [chat(OTHER.replace("clocks", "herons")), chat(ASKED)])
    write_model(tmp_path / "model", [TRAIN, ASKED, "herons"])
    return tmp_path


def check(folder: Path, **changes: Any) -> prepdata.Report:
    options = {"model": str(folder / "model"), **changes.pop("options", {})}
    given = {"eval": [str(folder / "test.jsonl")], "select": ["semantic-overlap"], "rules": {"LEAK007": options},
             "tokens": False, "jobs": 1, "cache": False, **changes}  # fmt: skip
    return prepdata.validate(folder / "train.jsonl", **given)


def told(report: prepdata.Report) -> list[tuple[int | None, str, list[int | None]]]:
    return [(f.line, f.severity, [p.line for p in f.related]) for f in report]


def test_what_is_found_and_what_it_comes_to(folder: Path) -> None:
    report = check(folder)
    assert told(report) == [(2, "warning", [2]), (4, "warning", [2])]
    entry = report.measures["contamination"][0]
    assert (entry["spoilt"], entry["rows"], entry["rows_left"]) == (1, 2, 3)
    assert {f.fix.safe for f in report if f.fix} == {False}


def test_any_split_over_chunks_gives_the_same(folder: Path) -> None:
    lines = [json.dumps(row).encode() + b"\n" for row in TRAIN]
    records = [get("openai", {}).view(row) for row in TRAIN]
    settings = Settings(tokens=False, rules={"LEAK007": {"model": str(folder / "model")}})
    results = set()
    with references(Settings(eval=(str(folder / "test.jsonl"),), cache=False)) as known:
        mapper = Mapper(plan_of(settings, Selection((SemanticOverlap,), frozenset()), (), 0, given=known))

        def again(files: Any, rows: Any) -> Any:
            return ((row, records[row]) for row in sorted(rows))

        for borders in ([0, 5], [0, 1, 2, 3, 4, 5], [0, 2, 5], [0, 4, 5]):
            chunks = []
            for start, end in pairwise(borders):
                raw = RawChunk(b"".join(lines[start:end]), None, end - start, None, 0)
                chunks.append(decode_result(encode_result(mapper.map(raw, "openai")) or b""))
            found = findings([FileRun("data.jsonl", 0, 0, True, chunks, [])], mapper.corpus, again)
            results.add(repr([(f.line, f.message, f.path, f.related) for f in found]))
    assert len(results) == 1 and "asks in other words" in results.pop()


def test_worker_processes_and_the_cache_give_the_same(folder: Path) -> None:
    write(folder / "train.jsonl", [chat(OTHER + f" {n}", "y" * 2500) for n in range(3000)] + TRAIN)
    once = check(folder, cache_dir=str(folder / "cache"), cache=True)
    again = check(folder, cache_dir=str(folder / "cache"), cache=True)
    two = check(folder, jobs=2)
    assert told(once) and once.findings == again.findings == two.findings
    write_model(folder / "model", [OTHER, "cd"])  # another model: the cache must not answer
    changed = check(folder, cache_dir=str(folder / "cache"), cache=True)
    assert changed.findings != once.findings


def test_it_says_why_it_could_not_run(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def needs(**changes: Any) -> str:
        (said,) = check(folder, **changes).not_run
        assert said.name == "semantic-overlap"
        return said.needs

    assert "--eval" in needs(eval=[])
    assert "option `model`" in needs(options={"model": None})
    with pytest.raises(UsageError, match="Nothing is downloaded"):
        check(folder, options={"model": "no-such-model"})
    real = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *more: None if name == "tokenizers" else real(name, *more)
    )
    assert "prepdata[semantic]" in needs()


def test_a_damaged_model_ends_the_command_with_code_2(folder: Path) -> None:
    (folder / "model" / "tokenizer.json").write_text("{}")
    (folder / "prepdata.toml").write_text('[rules.semantic-overlap]\nmodel = "model"\n')
    run = subprocess.run(
        [sys.executable, "-m", "prepdata", "validate", "train.jsonl", "--eval", "test.jsonl", "--select", "LEAK007"],
        cwd=folder, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])},
    )  # fmt: skip
    assert run.returncode == 2 and "no tokenizer" in run.stderr and "Traceback" not in run.stderr


def test_nothing_heavy_is_imported_unless_the_rule_runs(folder: Path) -> None:
    code = (
        "import sys, prepdata; prepdata.validate('train.jsonl', eval=['test.jsonl'], tokens=False, cache=False); "
        "print(sorted({'tokenizers', 'threadpoolctl', 'torch'} & set(sys.modules)))"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    run = subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, env=environment)
    assert run.stdout.strip() == "[]", run.stderr


def test_blocks_of_any_size_give_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    draw = np.random.default_rng(3)
    texts, items = (draw.normal(size=(n, 8)).astype(np.float32) for n in (60, 40))
    texts /= np.linalg.norm(texts, axis=1, keepdims=True)
    items /= np.linalg.norm(items, axis=1, keepdims=True)
    whole = matches(texts, items, 0.6)
    monkeypatch.setattr("prepdata.rules.leak._semantic.BLOCK_BYTES", 4 * 40 * 7)
    assert matches(texts, items, 0.6) == whole
    exact = np.rint(texts.astype(float) @ items.T.astype(float) * STEPS)
    for found, row in zip(whole, exact):
        near = (row >= 6000).sum()
        assert (found is None) == (near == 0)
        assert found is None or (found[0], found[1], found[2]) == (row.argmax(), row.max(), near)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [("12 eggs", {"12"}), ("a dozen eggs", {"12"}), ("1,200.50 euros", {"1200.5"}), ("1.000.000 in 0.125 s", {"1000000", ".125"}),
     ("twice a day", {"2"}), ("drei Äpfel und 3 Birnen", {"3"}), ("两个人", {"2"}), ("one", set()), ("", set())],
)  # fmt: skip
def test_amounts(text: str, wanted: set[str]) -> None:
    assert amounts(text) == wanted


@pytest.mark.parametrize(
    ("one", "other", "wanted"),
    [("12 and 3", "twelve and three", None), ("12", "7", (["12"], ["7"])), ("12 and 3", "12 and 3 and 4", None),
     ("12", "12 and 60", ([], ["60"])), ("12", "none", None), ("2 5 7 9", "2 5 7 8", (["9"], ["8"]))],
)  # fmt: skip
def test_other_amounts(one: str, other: str, wanted: Any) -> None:
    assert other_amounts(one, other) == wanted
