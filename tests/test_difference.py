"""What `fix --diff` shows: every line that changes, once, in linear time, and never a secret."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prepdata import difference as module
from prepdata.difference import difference, lines_of, survivors
from prepdata.fix import Change, Fixed, fix_file
from prepdata.settings import Settings

KEY = "gh" + "p_" + "aB3dE5fG7hJ9kL1mN3pQ5rS7tU9vW1xY3z01"


def row(answer: str, question: str = "Capital of Peru?") -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]}


def shown(path: Path, **options: Any) -> list[str]:
    fixed = fix_file(path, Settings(ignore=("COV", "DUP"), **options), unsafe=True, folder=path.parent)
    try:
        return list(difference(fixed))
    finally:
        fixed.written.unlink(missing_ok=True)


def change(line: int | None, *, round: int = 1, old: str | None = "a", new: str | None = None) -> Change:
    return Change(
        file="f", round=round, line=line, record=None, rule="r", title="t", safe=True, path=None, old=old, new=new
    )


@pytest.mark.parametrize(
    ("changes", "kept"),
    [
        ([], [0, 1, 2, 3, 4]),
        ([change(1)], [1, 2, 3, 4]),
        ([change(5)], [0, 1, 2, 3]),
        ([change(2), change(4)], [0, 2, 4]),
        ([change(2, new="b")], [0, 1, 2, 3, 4]),
        ([change(2, old=None)], [0, 1, 2, 3, 4]),
        ([change(None)], [0, 1, 2, 3, 4]),
        ([change(2), change(2, round=2)], [0, 3, 4]),
        ([change(2, round=2), change(1, round=1)], [1, 3, 4]),
        ([change(1), change(1, round=2), change(1, round=3)], [3, 4]),
        ([change(3), change(3)], [0, 1, 3, 4]),
    ],
)
def test_lines_of_the_original_that_are_still_there(changes: list[Change], kept: list[int]) -> None:
    assert survivors(5, changes) == kept


@given(st.integers(0, 30), st.lists(st.lists(st.integers(1, 30), max_size=5), max_size=4))
def test_lines_are_dropped_round_by_round(lines: int, rounds: list[list[int]]) -> None:
    expected = list(range(lines))
    changes = []
    for number, gone in enumerate(rounds, 1):
        changes += [change(line, round=number) for line in gone]
        expected = [line for place, line in enumerate(expected, 1) if place not in gone]
    assert survivors(lines, changes) == expected


def test_only_changed_lines_are_shown(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    before = [row("Lima."), row("Lima, of course. "), row("In Peru: Lima.")]
    path.write_text("".join(json.dumps(item) + "\n" for item in before))
    assert shown(path) == [
        f"--- {path}", f"+++ {path} (fixed)", "@@ line 2 @@",
        "-" + json.dumps(before[1]), "+" + json.dumps(row("Lima, of course.")),
    ]  # fmt: skip


def test_an_array_becomes_lines_and_secrets_stay_masked(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text(json.dumps([row("Lima."), row(f"The key is {KEY}"), row("Lima. ")], indent=1))
    found = shown(path, targets=("openai",))
    assert found[:2] == [f"--- {path}", f"+++ {path} (fixed)"]
    assert [json.loads(line[1:])["messages"][1]["content"] for line in found if line.startswith("+{")] == [
        "Lima.", "The key is [GITHUB_TOKEN]", "Lima.",
    ]  # fmt: skip
    assert KEY not in "\n".join(found) and any(line.startswith("-") and "ghp_" in line for line in found)
    assert all(line[:1] in "+-@" for line in found)


def test_too_many_lines_without_an_order_are_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old, new = tmp_path / "a.jsonl", tmp_path / "b.jsonl"
    old.write_text("1\n2\n3\n4\n5\n6\n7\n8\n")
    new.write_text("1\n")
    fixed = Fixed(old, new, [], [], [], (0, 0, 0))
    assert "@@ -2,7 +1,0 @@" in list(difference(fixed))
    monkeypatch.setattr(module, "MOST_LINES", 7)
    assert list(difference(fixed))[2:] == [
        "8 lines before, 1 line after: too many to compare without an order in common"
    ]


@pytest.mark.parametrize(
    ("data", "lines"), [(b"", []), (b"a", ["a"]), (b"a\n", ["a"]), (b"a\n\nb", ["a", "", "b"]), (b"\xff\n", ["\ufffd"])]
)
def test_lines_of_a_file(tmp_path: Path, data: bytes, lines: list[str]) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(data)
    assert lines_of(path) == lines
