"""What `prepdata split` says of what it did: every line, in the right number, and nothing left out without a word."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from prepdata.cli.split import SHOWN, described
from prepdata.splitting.report import Checked, CutCluster, SetAside, Side, SplitReport

SIDES = {
    "train": Side(rows=1800, asked=1800, share=0.9, clusters=1750, files=("a.train.jsonl",)),
    "validation": Side(rows=99, asked=100, share=0.0495, clusters=99, files=("a.validation.jsonl",)),
    "test": Side(rows=101, asked=100, share=0.0505, clusters=98, files=("a.test.jsonl",)),
}
PLAIN = SplitReport(
    rows=2000, sides=SIDES, known=0, new=2000, clusters=0, largest=1, strata={}, cut=(), variants=0, set_aside=(),
    unread=(), moved=0, rounds=1, proof=(), left=(), notes=(), manifest="split-manifest.jsonl", dry_run=False,
)  # fmt: skip
TABLE = [
    "  side         rows  share  asked  clusters",
    "  train       1,800  90.0%  1,800     1,750",
    "  validation     99   5.0%    100        99",
    "  test          101   5.1%    100        98",
]
WRITTEN = "written: a.train.jsonl, a.validation.jsonl, a.test.jsonl, split-manifest.jsonl"


def lines(**changes: Any) -> list[str]:
    return list(described(msgspec.structs.replace(PLAIN, **changes)))


def aside(number: int, **changes: Any) -> SetAside:
    given = {"file": "a.jsonl", "line": number, "record": number - 1, "reason": "ties train and test", **changes}
    return SetAside(**given)


def checked(**changes: Any) -> Checked:
    given: dict[str, Any] = {
        "side": "train", "rows": 1800, "against": ("validation", "test"), "items": 200,
        "errors": {"eval-overlap": 0, "near-eval-overlap": 1200}, "infos": 3,
    }  # fmt: skip
    return Checked(**{**given, **changes})


def test_a_plain_split_says_little() -> None:
    assert lines() == [*TABLE, "no two rows belong together", WRITTEN]
    assert PLAIN.exit_code == 0


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"clusters": 1, "largest": 2}, ["1 cluster of two rows or more; the largest has 2 rows"]),
        ({"clusters": 1200, "largest": 30}, ["1,200 clusters of two rows or more; the largest has 30 rows"]),
        ({"known": 1, "new": 1999}, ["kept on the side of an earlier run: 1 row; new: 1,999"]),
        ({"known": 2000, "new": 0}, ["kept on the side of an earlier run: 2,000 rows; new: 0"]),
        ({"variants": 1}, ["not kept together for being alike: 1 pair with another number, name or the like"]),
        ({"variants": 7}, ["not kept together for being alike: 7 pairs with another number, name or the like"]),
        ({"moved": 1, "rounds": 2}, ["moved by the proof: 1 row, in 2 rounds"]),
        ({"strata": {"en": {"train": 9, "test": 1}}}, ["stratum en: train 9, test 1"]),
        ({"notes": ("a note",)}, ["a note"]),
        ({"cut": (CutCluster(rows=900, without="turns", parts=30, largest=40),)},
         ["a cluster of 900 rows was too large: cut into 30 parts, the largest of 40, passing over turns"]),
        ({"cut": (CutCluster(rows=900, without="", parts=1, largest=900),)},
         ["a cluster of 900 rows was too large: it could not be cut"]),
        ({"set_aside": (aside(3, ties=("a.jsonl:1", "b.jsonl:2")),)},
         ["set aside: a.jsonl:3: ties train and test (a.jsonl:1, b.jsonl:2)"]),
        ({"unread": (aside(3, line=None, reason="no object"),)}, ["without a record: a.jsonl row 3: no object"]),
        ({"proof": (checked(),)},
         ["proof: train (1,800 rows) against validation and test (200): errors: eval-overlap 0, near-eval-overlap 1,200"]),
        ({"proof": (checked(rows=1, against=("test",)),)},
         ["proof: train (1 row) against test (200): errors: eval-overlap 0, near-eval-overlap 1,200"]),
        ({"proof": (checked(rows=0),)}, ["proof: train: nothing to hold it against"]),
        ({"proof": (checked(side="validation", against=()),)}, ["proof: validation: nothing to hold it against"]),
        ({"left": ("a.jsonl:1 and b.jsonl:2",)},
         ["left, since both rows had their side before: a.jsonl:1 and b.jsonl:2"]),
    ],
)  # fmt: skip
def test_what_happened_is_said_once(changes: dict[str, Any], said: list[str]) -> None:
    found = lines(**changes)
    told = said if "clusters" in changes else ["no two rows belong together", *said]
    assert found == [*TABLE, *told, WRITTEN]


@pytest.mark.parametrize(("more", "one"), [(0, False), (1, True), (2, False)])
def test_long_lists_say_how_much_is_not_shown(more: int, one: bool) -> None:
    many = range(1, SHOWN + more + 1)
    cases: list[tuple[dict[str, Any], str, str]] = [
        ({"strata": {f"s{i}": {"train": 1} for i in many}}, "stratum s",
         f"and {more} more {'stratum' if one else 'strata'} (--json lists them)"),
        ({"cut": tuple(CutCluster(rows=9, without="", parts=1, largest=9) for _ in many)}, "a cluster of",
         f"and {more} more cluster{'' if one else 's'} too large (--json lists them)"),
        ({"set_aside": tuple(map(aside, many))}, "set aside: a.jsonl:", f"set aside: {more} more"),
        ({"unread": tuple(map(aside, many))}, "without a record: a.jsonl:", f"without a record: {more} more"),
        ({"left": tuple(map(str, many))}, "left, since", f"and {more} more"),
    ]  # fmt: skip
    for changes, beginning, rest in cases:
        found = lines(**changes)
        assert sum(line.startswith(beginning) for line in found) == SHOWN, beginning
        assert (rest in found) == bool(more), rest


@pytest.mark.parametrize("field", ["set_aside", "unread"])
def test_a_row_on_no_side_gives_exit_code_1(field: str) -> None:
    assert msgspec.structs.replace(PLAIN, **{field: (aside(1),)}).exit_code == 1
    assert msgspec.structs.replace(PLAIN, left=("x",)).exit_code == 1


def test_a_dry_run_says_that_nothing_was_written() -> None:
    assert lines(dry_run=True)[-1] == "nothing was written (--dry-run)"
