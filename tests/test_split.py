"""Any split of a file over chunks and processes gives the same report."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import prepdata
import prepdata.report
from prepdata.api import plan_of
from prepdata.engine import Mapper, decode_result, encode_result
from prepdata.reduce import FileRun, findings, measures
from prepdata.rules.base import Context
from prepdata.rules.loader import build
from prepdata.select import options_of, select
from prepdata.settings import Settings
from prepdata.sources.base import RawChunk
from prepdata.targets import load as load_target

SAMPLES = Path(__file__).parents[1] / "samples"
FILES = ["broken/support.jsonl", "broken/tools.jsonl", "broken/preference.jsonl", "support/train.jsonl"]


class Whole:
    """A file and a mapper for it, ready to be cut anywhere."""

    def __init__(self, name: str, **changes: Any) -> None:
        self.settings = Settings(select=("ALL",), tokens=False, targets=("openai", "trl"), **changes)
        self.selection = select(self.settings)
        self.targets = tuple(load_target(t) for t in self.settings.targets)
        plan = plan_of(self.settings, self.selection, self.targets, 0)
        self.mapper = Mapper(plan)
        context = Context(targets=self.targets)
        rules = [build(rule, options_of(rule, self.settings), context) for rule in self.selection.rules]
        self.rules = [rule for rule in rules if rule.missing() is None]
        data = (SAMPLES / name).read_bytes().removeprefix(b"\xef\xbb\xbf")
        self.lines = [line + b"\n" for line in data.split(b"\n")]

    def report(self, cuts: list[int]) -> str:
        borders = [0, *sorted({cut % len(self.lines) for cut in cuts} - {0}), len(self.lines)]
        results = []
        for start, end in pairwise(borders):
            data = b"".join(self.lines[start:end])
            raw = RawChunk(data, None, end - start, None, 0)
            results.append(decode_result(encode_result(self.mapper.map(raw, "openai"))))
        file = FileRun("data.jsonl", 0, 0, True, results, [])
        found = findings([file], self.rules)
        said = [prepdata.report.finding_dict(f) for f in found]
        return json.dumps([said, measures([file], self.mapper.meters)], sort_keys=True)


WHOLE: dict[str, tuple[Whole, str]] = {}


@pytest.mark.parametrize("name", FILES)
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(cuts=st.lists(st.integers(0, 10_000), max_size=12))
def test_any_cut_gives_the_same_findings_and_measures(name: str, cuts: list[int]) -> None:
    if name not in WHOLE:
        whole = Whole(name)
        WHOLE[name] = whole, whole.report([])
    whole, expected = WHOLE[name]
    assert whole.report(cuts) == expected


@pytest.mark.parametrize("name", FILES[:2])
def test_a_row_a_chunk(name: str) -> None:
    whole = Whole(name)
    assert whole.report(list(range(len(whole.lines)))) == whole.report([])


@pytest.mark.parametrize("name", FILES)
def test_several_processes_and_the_cache_give_the_same_json(name: str, tmp_path: Path) -> None:
    path = tmp_path / "big.jsonl"
    text = (SAMPLES / name).read_bytes().removeprefix(b"\xef\xbb\xbf")
    path.write_bytes(text * (6_000_000 // len(text) + 1))
    options: dict[str, Any] = {"tokens": False, "targets": ["openai"], "cache_dir": str(tmp_path / "cache")}
    alone = prepdata.validate(path, jobs=1, cache=False, **options).to_json()
    together = prepdata.validate(path, jobs=2, **options).to_json()
    assert together == alone
    assert list((tmp_path / "cache").iterdir())
    assert prepdata.validate(path, jobs=2, **options).to_json() == alone
    assert prepdata.validate(path, jobs=1, **options).to_json() == alone


@pytest.mark.parametrize("name", FILES)
def test_triggers_change_nothing(name: str) -> None:
    with_triggers = prepdata.validate(SAMPLES / name, select=["ALL"], tokens=False)
    without = prepdata.validate(SAMPLES / name, select=["ALL"], tokens=False, triggers=False)
    assert with_triggers.to_json() == without.to_json()
