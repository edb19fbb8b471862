"""The limits of every target file: one just inside, one just outside."""

from __future__ import annotations

from typing import Any

import pytest

from prepdata.chunk import Fact
from prepdata.rules.base import Context, FileInfo, Parts
from prepdata.rules.fmt.fmt003_byte_order_mark import ByteOrderMark
from prepdata.rules.fmt.fmt015_target_limit import TargetLimit
from prepdata.targets import load
from prepdata.targets import names as target_names

TARGETS = [load(name) for name in target_names()]


def said(target: Any, *, size: int = 0, rows: int = 100) -> list[str]:
    rule = TargetLimit(context=Context(targets=(target,)))
    found = list(rule.finish(Parts([FileInfo("a.jsonl", size, rows, 0)], [], rows)))
    assert all(row is None and hit.targets == (target.name,) for row, hit in found)
    return [hit.message for _, hit in found]


@pytest.mark.parametrize("target", TARGETS, ids=lambda t: t.name)
def test_bytes(target: Any) -> None:
    most, least = target.limits.max_file_bytes, target.limits.min_file_bytes
    if most:
        assert not said(target, size=most.value)
        (message,) = said(target, size=most.value + 1)
        assert f"{most.value:,}" in message and str(most.date) in message
    if least:
        assert not said(target, size=least.value)
        assert f"{least.value:,}" in said(target, size=least.value - 1)[0]
    if not most:
        assert not said(target, size=1 << 50)


@pytest.mark.parametrize("target", TARGETS, ids=lambda t: t.name)
def test_rows(target: Any) -> None:
    most = target.limits.max_rows
    if most:
        assert not said(target, rows=most.value)
        assert f"{most.value:,}" in said(target, rows=most.value + 1)[0]
    else:
        assert not said(target, rows=1 << 40)


def test_an_unknown_size_is_no_size() -> None:
    assert not [message for target in TARGETS for message in said(target, size=0)]


def test_several_files_and_targets() -> None:
    rule = TargetLimit(context=Context(targets=tuple(TARGETS)))
    files = [FileInfo("a", 1 << 60, 1, 0), FileInfo("b", 5000, 1, 1)]
    hits = [hit for _, hit in rule.finish(Parts(files, [], 2))]
    assert len(hits) == sum(1 for t in TARGETS if t.limits.max_file_bytes)


def test_without_a_target_it_says_what_it_needs() -> None:
    assert TargetLimit().missing() == "a target with --target"
    assert TargetLimit(context=Context(targets=(TARGETS[0],))).missing() is None


@pytest.mark.parametrize("target", TARGETS, ids=lambda t: t.name)
def test_byte_order_mark(target: Any) -> None:
    rule = ByteOrderMark(context=Context(targets=(target,)))
    asked = target.accepts.bom.value if target.accepts.bom else None
    there = list(rule.explain(Fact("bom", data={"where": "file"})))
    absent = list(rule.explain(Fact("no-bom")))
    assert [hit.severity for hit in there] == {None: ["warning"], "refused": ["error"]}.get(asked, [])
    assert bool(absent) == (asked == "required")


def test_two_targets_that_contradict_each_other() -> None:
    import datetime

    import msgspec

    from prepdata.targets.model import Value

    plain = load("openai")
    accepts = msgspec.structs.replace(plain.accepts, bom=Value("refused", "x", datetime.date(2026, 1, 1)))
    refusing = msgspec.structs.replace(plain, name="refusing", accepts=accepts)
    rule = ByteOrderMark(context=Context(targets=(load("azure-openai"), refusing)))
    (there,) = rule.explain(Fact("bom", data={"where": "file"}))
    assert (there.severity, there.targets, there.fix) == ("error", ("refusing",), None)
    (absent,) = rule.explain(Fact("no-bom"))
    assert absent.targets == ("azure-openai",)
