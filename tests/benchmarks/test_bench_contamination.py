"""The benchmark of planted evaluation items: the same every time, and what it plants is what it says."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

from benchmarks.contamination import KINDS, VARIANT, build, by_group, made_items, own, side, table
from benchmarks.contamination_peers import janitor, open_r1


def built(folder: Path, half: str = "tuning") -> list[tuple[int, str, str]]:
    folder.mkdir()
    return [tuple(planted) for planted in build(1500, half, None, folder)]  # type: ignore[misc]


def test_the_same_numbers_give_the_same_rows(tmp_path: Path) -> None:
    assert built(tmp_path / "a") == built(tmp_path / "b")
    assert (tmp_path / "a" / "train.jsonl").read_bytes() == (tmp_path / "b" / "train.jsonl").read_bytes()


def test_halves_share_no_item(tmp_path: Path) -> None:
    built(tmp_path / "a")
    built(tmp_path / "b", "frozen")
    one, other = ((tmp_path / name / "items.jsonl").read_text(encoding="utf-8").split("\n") for name in "ab")
    assert not (set(one) & set(other) - {""}) and len(one) + len(other) - 2 == len(made_items(1500))
    assert {side(item.row) for item in made_items(50)} == {"tuning", "frozen"}


def test_what_is_planted_is_found(tmp_path: Path) -> None:
    folder = tmp_path / "a"
    folder.mkdir()
    planted = build(1500, "tuning", None, folder)
    assert {p.kind for p in planted} == set(KINDS)
    assert len((folder / "train.jsonl").read_text(encoding="utf-8").split("\n")) == 1501
    sure, variants, seconds = own(folder)
    missed = Counter(p.kind for p in planted if p.kind != VARIANT and p.line not in sure)
    assert sum(missed.values()) <= 0.03 * len(planted), missed
    assert not sure - {p.line for p in planted if p.kind != VARIANT}
    assert variants and seconds > 0
    lines = list(table(1500, planted, {"prepdata": (sure, seconds)}))
    assert len(lines) == 3 and lines[0].count("|") == lines[2].count("|")
    assert set(by_group(planted, sure)) == {"English", "Chinese", "code", "choices", "template"}


def test_rules_of_others(tmp_path: Path) -> None:
    words = [
        "one",
        "two",
        "three",
        "four",
        "five",
        "six",
        "seven",
        "eight",
        "nine",
        "ten",
        "eleven",
        "twelve",
        "thirteen",
    ]
    texts = [" ".join(words), " ".join(words[:8]).upper(), ", ".join(words), " ".join(words[:7])]
    rows, items = tmp_path / "rows.jsonl", tmp_path / "items.jsonl"
    rows.write_text("".join(json.dumps({"messages": [{"content": text}]}) + "\n" for text in texts), encoding="utf-8")
    items.write_text(json.dumps({"asked": texts[0], "answer": ""}) + "\n", encoding="utf-8")
    assert open_r1(str(items), str(rows)) == [1, 2]
    assert janitor(str(items), str(rows)) == [1, 3]
