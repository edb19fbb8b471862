"""Records of evaluations made for tests: rows with scores, written as `trainers.record` writes them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from trainers.compare import Measured
from trainers.record import (
    Aggregate,
    Arm,
    Data,
    DataInfo,
    Decoding,
    Environment,
    Evaluation,
    Latency,
    ModelInfo,
    Rendering,
    SampleResult,
    SamplesFile,
    ScorerInfo,
    ScoreValue,
)
from trainers.record_files import read, read_samples, write

Scores = Mapping[str, Sequence[float | None]]
LESS_IS_BETTER = ("ungrounded_value_rate",)


def sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def sample(number: int, scores: Mapping[str, float | None], **changes: Any) -> SampleResult:
    given: dict[str, Any] = {
        "doc_id": f"row-{number}",
        "set": "test",
        "doc_hash": sha(f"doc {number}"),
        "prompt_hash": sha(f"prompt {number}"),
        "target_hash": sha(f"target {number}"),
        "messages": ({"role": "user", "content": f"question {number}"},),
        "target": f"answer {number}",
        "resps": ((f"output {number}",),),
        "tokens": 9,
        "finish_reason": "stopped",
        "seconds": 0.1 + number / 1000,
        "scores": {name: ScoreValue(value) for name, value in scores.items()},
    }
    return SampleResult(**{**given, **changes})


def samples(scores: Scores, set: str = "test", **changes: Any) -> list[SampleResult]:
    """Return one sample for each place of the columns of scores."""
    count = max(map(len, scores.values()))
    return [sample(i, {name: column[i] for name, column in scores.items()}, set=set, **changes) for i in range(count)]


def record(held: Sequence[SampleResult], **changes: Any) -> Evaluation:
    results: dict[str, dict[str, Aggregate]] = {}
    for set_ in dict.fromkeys(s.set for s in held):
        for name in dict.fromkeys(name for s in held if s.set == set_ for name in s.scores):
            values = [s.scores[name].value for s in held if s.set == set_ and s.scores[name].value is not None]
            value = sum(values) / len(values) if values else None
            results.setdefault(set_, {})[name] = Aggregate(value=value, n=len(values))
    names = list(dict.fromkeys(name for s in held for name in s.scores))
    info = {set_: DataInfo(path=f"{set_}.jsonl", sha256=sha(set_), rows=9, hash=sha(set_)) for set_ in results}
    given: dict[str, Any] = {
        "prepdata": "0.1.0",
        "created": "2026-11-29T10:00:00Z",
        "kind": "base",
        "model": ModelInfo(name="tiny", backend="transformers"),
        "arm": Arm(),
        "rendering": Rendering(renderer="prepdata", prompt_ids=sha("ids")),
        "data": Data(test=info["test"], retention=info.get("retention")),
        "decoding": Decoding(max_new_tokens=64, engine="transformers"),
        "scorers": tuple(
            ScorerInfo(name=n, version="1", sha256=sha(n), higher_is_better=n not in LESS_IS_BETTER) for n in names
        ),
        "environment": Environment(python="3.11", system="Linux"),
        "results": results,
        "n_samples": {set_: {"original": 9, "effective": 9} for set_ in results},
        "higher_is_better": {n: n not in LESS_IS_BETTER for n in names},
        "latency": {"test": Latency(p50=0.1, p95=0.2, ms_per_token=10.0, n=len(held))},
        "samples": SamplesFile(path="none.jsonl", sha256=sha(""), rows=len(held)),
    }
    return Evaluation(**{**given, **changes})


def written(path: Path, held: Sequence[SampleResult], **changes: Any) -> Path:
    """Write a record with its samples; return its path."""
    write(path, record(held, **changes), held)
    return path


def measured(path: Path, held: Sequence[SampleResult], **changes: Any) -> Measured:
    """Return a record as a command reads it: written, and read again."""
    written(path, held, **changes)
    found = read(path)
    return Measured(str(path), found, read_samples(path, found))


def replaced(held: Sequence[SampleResult], number: int, **changes: Any) -> list[SampleResult]:
    """Return samples with one of them changed."""
    return [msgspec.structs.replace(s, **changes) if i == number else s for i, s in enumerate(held)]
