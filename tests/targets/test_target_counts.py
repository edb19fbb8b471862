"""Values of targets that count rows or bytes, from both sides: no such files are written."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from target_rows import answer, image, seen

import prepdata
from prepdata import Finding, targets
from prepdata.api import matrix
from prepdata.chunk import Chunk
from prepdata.engine import ChunkResult
from prepdata.formats import get
from prepdata.reduce import FileRun, findings
from prepdata.rules.base import Context
from prepdata.rules.loader import find
from prepdata.targets.model import Target


def counted(target: Target, rule: str, *, rows: int = 100, size: int = 10_000, part: Any = None) -> list[Finding]:
    """Findings of a rule on a file of so many rows and bytes, `part` being what it counted in them."""
    result = ChunkResult(rows, rows, b"", b"", [], {f"rule:{rule}": part})
    made = find(rule)(context=Context(targets=(target,)))
    return findings([FileRun("a.jsonl", 0, size, True, [result], [])], [made])


COUNTS: list[tuple[str, str, str, int]] = [
    ("min_rows", "too-few-examples", "rows", -1),
    ("max_rows", "target-limit", "rows", 1),
    ("max_file_bytes", "target-limit", "size", 1),
    ("min_file_bytes", "target-limit", "size", -1),
    ("max_rows_with_images", "target-limit", "part", 1),
]


def count_params() -> Iterator[Any]:
    for name in targets.names():
        for field, rule, what, step in COUNTS:
            value = getattr(targets.load(name).limits, field)
            if value and value.value + step:  # a file without rows is FMT021's
                yield pytest.param(name, field, rule, what, step, id=f"{name}:{field}")


@pytest.mark.parametrize(("name", "field", "rule", "what", "step"), list(count_params()))
def test_counts_from_both_sides(name: str, field: str, rule: str, what: str, step: int) -> None:
    target = targets.load(name)
    value = getattr(target.limits, field).value
    (inside,) = matrix(counted(target, rule, **{what: value}), [target])
    assert (inside.rows, inside.files, inside.by_rule) == (0, 0, {})
    (outside,) = matrix(counted(target, rule, **{what: value + step}), [target])
    assert (outside.target, outside.rows, outside.files, outside.by_rule) == (name, 0, 1, {rule: 1})
    (other,) = matrix(counted(target, rule, **{what: value + step}), [targets.load("trl")])
    assert other.files == 0, "what one target refuses does not block another"


@pytest.mark.parametrize("text", ["", "\n", " \n\t\n"])
@pytest.mark.parametrize("name", ["together", "mistral"])
def test_a_file_without_rows_is_blocked_once(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / "a.jsonl").write_text(text)
    report = prepdata.validate(tmp_path / "a.jsonl", targets=[name], tokens=False)
    assert report.targets[0].by_rule.keys() == {"unreadable-file"} | (
        {"target-limit"} if text and name == "mistral" else set()
    )
    assert report.targets[0].files == 1
    assert report.exit_code == 1


@pytest.mark.parametrize("name", [n for n in targets.names() if targets.load(n).limits.recommended_rows])
def test_advice_on_rows_from_both_sides(name: str) -> None:
    target = targets.load(name)
    assert target.limits.recommended_rows
    advised = target.limits.recommended_rows.value

    def found(rows: int) -> list[Finding]:
        rule = find("too-few-examples")
        made = rule(rule.Options(least=0), context=Context(targets=(target,)))
        result = ChunkResult(rows, rows, b"", b"", [], {"rule:too-few-examples": None})
        return findings([FileRun("a.jsonl", 0, 10_000, True, [result], [])], [made])

    assert found(advised) == []
    (below,) = found(advised - 1)
    assert (below.severity, below.targets) == ("warning", (name,))
    assert f"below {advised} ({name} advises so)" in below.message


def test_rows_with_images_are_counted_only_where_a_target_does(tmp_path: Path) -> None:
    openai, trl = targets.load("openai"), targets.load("trl")
    picture = seen(openai, image(openai, "url"))
    chunk = Chunk("openai", [get("openai", {}).view(r) for r in (picture, answer(), picture)], [], 3)
    rule = find("target-limit")
    assert rule(context=Context(targets=(openai, trl))).see(chunk) == 2
    assert rule(context=Context(targets=(trl,))).see(chunk) is None
