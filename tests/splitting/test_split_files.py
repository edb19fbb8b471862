"""`prepdata.split` and `prepdata split` on files: every row somewhere, nothing on two sides, nothing moved later."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import prepdata
from prepdata.errors import InputError, UsageError
from prepdata.splitting import manifest as manifests
from prepdata.splitting.assign import TEST, TRAIN

SIDES = ("train", "validation", "test")
NOUNS = [
    "heron",
    "lamp",
    "kettle",
    "ladder",
    "river",
    "button",
    "violin",
    "castle",
    "pepper",
    "window",
    "engine",
    "basket",
    "candle",
    "mirror",
    "garden",
    "saddle",
]
VERBS = ["repair", "paint", "carry", "measure", "borrow", "polish", "weigh", "fold", "hide", "photograph"]


def sentence(number: int) -> str:
    """A question with hardly three words in a row that another one has."""
    pick = random.Random(number)
    a, b, c, d = pick.sample(NOUNS, 4)
    return f"{pick.choice(VERBS)} {a} {number * 7919 % 10007} {b} {pick.choice(VERBS)} {c}{number} {d}{number * 31}?"


def chat(asked: str, answer: str, **marks: Any) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": asked}, {"role": "assistant", "content": answer}], **marks}


def plain(number: int, **marks: Any) -> dict[str, Any]:
    return chat(sentence(number), f"answer {number} {NOUNS[number % 16]}", **marks)


def write(path: Path, rows: list[Any]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def sides_in(folder: Path, name: str = "data") -> dict[str, str]:
    """Line -> side, of the results in a folder."""
    found: dict[str, str] = {}
    for side in SIDES:
        path = folder / f"{name}.{side}.jsonl"
        for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else ():
            assert found.get(line, side) == side
            found[line] = side
    return found


def cut(path: Path, **options: Any) -> prepdata.SplitReport:
    return prepdata.split(path, **{"jobs": 1, "out_dir": path.parent / "out", **options})


def leaks(folder: Path, name: str = "data") -> int:
    files = {side: folder / f"{name}.{side}.jsonl" for side in SIDES}
    report = prepdata.validate(
        files["train"], eval=[str(files[side]) for side in ("validation", "test") if files[side].exists()],
        select=["LEAK001", "LEAK002", "LEAK003"], tokens=False, cache=False, jobs=1,
    )  # fmt: skip
    return sum(finding.severity == "error" for finding in report)


# --- what is on which side -------------------------------------------------------------------------------------------


def test_shares_bytes_and_proof(tmp_path: Path) -> None:
    data = write(tmp_path / "data.jsonl", [plain(i) for i in range(200)])
    report = cut(data)
    assert [report.sides[side].rows for side in SIDES] == [160, 20, 20]
    found = sides_in(tmp_path / "out")
    assert sorted(found) == sorted(data.read_text().splitlines())
    order = [line for line in data.read_text().splitlines() if found[line] == "train"]
    assert (tmp_path / "out/data.train.jsonl").read_text().splitlines() == order
    assert report.exit_code == 0 and leaks(tmp_path / "out") == 0
    assert [sum(checked.errors.values()) for checked in report.proof] == [0, 0]
    assert [(checked.side, checked.against) for checked in report.proof] == [
        ("train", ("validation", "test")), ("validation", ("test",))
    ]  # fmt: skip
    assert not [path for path in (tmp_path / "out").iterdir() if path.name.startswith(".")]


def test_what_belongs_together(tmp_path: Path) -> None:
    """Copies, near copies, equal prompts, turns, beginnings and groups; ten of each so that chance cannot hide them."""
    rows: list[list[dict[str, Any]]] = []
    for i in range(0, 600, 6):
        long = "It was a wet day when the old clock maker of our town, who never spoke, came in and asked for glue. "
        asked, answer = sentence(i), f"{long} {sentence(i + 1)} {sentence(i + 2)}"
        turns = [("user", asked), ("assistant", answer), ("user", "And " + sentence(i + 3)), ("assistant", "So it is.")]
        longer = {"messages": [{"role": role, "content": text} for role, text in turns]}
        rows.append(
            [
                [chat(asked, answer), chat(asked, answer)],
                [chat(asked, answer), chat(asked.upper(), answer)],
                [chat(asked, answer), chat(asked, "Nobody knows that.")],
                [chat(asked, answer), chat(asked, answer.replace("wet", "rainy").replace("came in", "walked in"))],
                [chat(asked, answer), longer],
                [plain(i, group=f"g{i}"), plain(i + 1, group=f"g{i}"), plain(i + 2, metadata={"group": f"g{i}"})],
            ][i // 6 % 6]
        )
    data = write(tmp_path / "data.jsonl", [row for cluster in rows for row in cluster])
    report = cut(data, validation=0.3, test=0.3)
    found = sides_in(tmp_path / "out")
    for cluster in rows:
        assert len({found[json.dumps(row)] for row in cluster}) == 1, cluster
    assert report.largest == 3 and leaks(tmp_path / "out") == 0
    assert Counter(found.values())["test"] > 40


def test_variants_and_template_text_tie_nothing(tmp_path: Path) -> None:
    begin = "You are the clerk of a small hotel by the sea and you speak politely to every guest who comes in. "
    rows = [chat(begin + sentence(i), f"Certainly: {i}") for i in range(300)]
    rows += [
        chat(f"How many days does it take to walk {i} miles over the hills to the lake?", f"{i * 3}") for i in range(30)
    ]
    report = cut(write(tmp_path / "data.jsonl", rows))
    assert report.variants > 20 and report.largest < 5
    assert report.sides["test"].rows == 33 and not report.set_aside


def test_a_chain_of_near_duplicates_does_not_swallow_the_file(tmp_path: Path) -> None:
    pick = random.Random(7)
    words = ["".join(pick.choice("aeiou") + pick.choice("bdfklmnprst") for _ in range(3)) for _ in range(1000)]
    rows = [chat("Say: " + " ".join(words[i : i + 40]), " ".join(words[i + 5 : i + 45])) for i in range(0, 900, 3)]
    report = cut(write(tmp_path / "data.jsonl", rows))
    (one,) = report.cut
    assert one.rows == 300 and one.largest <= 30 and one.without == "near duplicates"
    assert min(report.sides[side].rows for side in ("validation", "test")) >= 15 and len(report.set_aside) < 60
    assert leaks(tmp_path / "out") == 0 and report.exit_code == 1
    before = sides_in(tmp_path / "out")
    pick.shuffle(rows)
    cut(write(tmp_path / "mixed" / "data.jsonl", rows))
    assert sides_in(tmp_path / "mixed" / "out") == before


def test_strata_and_counts(tmp_path: Path) -> None:
    rows = [plain(i, label="rare" if i % 10 == 0 else "usual", source=f"s{i % 2}") for i in range(400)]
    data = write(tmp_path / "data.jsonl", rows)
    report = cut(data, stratify="label", test=100, validation="5%")
    assert report.strata == {
        "rare": {"train": 28, "validation": 2, "test": 10}, "usual": {"train": 252, "validation": 18, "test": 90}
    }  # fmt: skip
    report = cut(data, stratify=["label", "source"], test=100, dry_run=True, manifest=tmp_path / "no.jsonl")
    assert report.strata["rare / s0"]["test"] == 10 and report.strata["usual / s1"]["test"] == 50


def test_groups_named_otherwise_and_source_only_if_asked(tmp_path: Path) -> None:
    rows = [plain(i, source=f"s{i // 3}", talk=i // 4) for i in range(240)]
    data = write(tmp_path / "data.jsonl", rows)

    def whole(mark: str) -> bool:
        sides: dict[Any, set[str]] = {}
        for line, side in sides_in(tmp_path / "out").items():
            sides.setdefault(json.loads(line)[mark], set()).add(side)
        return all(len(found) == 1 for found in sides.values())

    cut(data)
    assert not whole("source") and not whole("talk")
    (tmp_path / "out" / manifests.NAME).unlink()
    cut(data, group="source", force=True)
    assert whole("source") and not whole("talk")
    (tmp_path / "out" / manifests.NAME).unlink()
    cut(data, group=["source", "talk"], force=True)
    assert whole("source") and whole("talk")
    (tmp_path / "out" / manifests.NAME).unlink()
    cut(data, group="group", marks={"group": "talk"}, force=True)
    assert whole("talk")


def test_salt_gives_another_split(tmp_path: Path) -> None:
    data = write(tmp_path / "data.jsonl", [plain(i) for i in range(200)])
    cut(data, out_dir=tmp_path / "a")
    cut(data, out_dir=tmp_path / "b", salt="b")
    assert sides_in(tmp_path / "a") != sides_in(tmp_path / "b")
    with pytest.raises(UsageError, match="made with the salt 'b'"):
        cut(data, out_dir=tmp_path / "b")


CLUSTERS = st.lists(st.sampled_from([1, 1, 1, 2, 3]), min_size=3, max_size=14)


def pool(shape: list[int]) -> list[dict[str, Any]]:
    """Rows in clusters of the given sizes: copies, other answers, groups."""
    rows = []
    for number, size in enumerate(shape):
        for copy in range(size):
            rows.append(chat(sentence(number), f"answer {copy % 2}", label=number % 2, n=copy))
    return rows


@settings(max_examples=15, suppress_health_check=[HealthCheck.too_slow])
@given(CLUSTERS, st.randoms(use_true_random=False))
def test_any_order_of_rows_gives_the_same_sides(
    tmp_path_factory: pytest.TempPathFactory, shape: list[int], pick: random.Random
) -> None:
    rows = pool(shape)
    mixed = list(rows)
    pick.shuffle(mixed)
    found = []
    for one in (rows, mixed):
        folder = tmp_path_factory.mktemp("order")
        report = cut(write(folder / "data.jsonl", one), test=0.3, stratify="label")
        found.append(sides_in(folder / "out"))
        assert sum(side.rows for side in report.sides.values()) == len(rows)
        assert all(abs(side.rows - side.asked) <= 3 for side in report.sides.values())
    assert found[0] == found[1]


@settings(max_examples=15, suppress_health_check=[HealthCheck.too_slow])
@given(CLUSTERS, st.data())
def test_adding_rows_moves_none(
    tmp_path_factory: pytest.TempPathFactory, shape: list[int], data: st.DataObject
) -> None:
    rows = pool(shape)
    kept = data.draw(st.lists(st.booleans(), min_size=len(rows), max_size=len(rows)))
    first = [row for row, keep in zip(rows, kept) if keep] or rows[:1]
    folder = tmp_path_factory.mktemp("more")
    cut(write(folder / "data.jsonl", first), test=0.3)
    before = sides_in(folder / "out")
    report = cut(write(folder / "data.jsonl", rows), test=0.3)
    after = sides_in(folder / "out")
    assert {line: after.get(line) for line in before} == before
    assert report.known >= len(before) and not report.set_aside


# --- later runs ------------------------------------------------------------------------------------------------------


def test_a_row_that_ties_two_sides_is_set_aside(tmp_path: Path) -> None:
    data = write(tmp_path / "data.jsonl", [plain(i) for i in range(100)])
    cut(data, test=0.3)
    before = sides_in(tmp_path / "out")
    asked = {side: json.loads(line)["messages"][0]["content"] for line, side in before.items()}
    turns = [("user", asked["train"]), ("assistant", "Yes."), ("user", asked["test"]), ("assistant", "No.")]
    tying = {"messages": [{"role": role, "content": text} for role, text in turns]}
    more = [*(plain(i) for i in range(100)), tying, chat(asked["test"], "Another answer to it.")]
    report = cut(write(data, more), test=0.3)
    after = sides_in(tmp_path / "out")
    assert {line: after[line] for line in before} == before
    assert after[json.dumps(more[-1])] == "test"
    assert [(row.line, row.record, row.reason) for row in report.set_aside] == [
        (101, 100, "ties rows of train and test together")
    ]
    assert len(report.set_aside[0].ties) == 2 and report.exit_code == 1
    kept = json.loads((tmp_path / "out/data.set-aside.jsonl").read_text())
    assert json.loads(kept["text"]) == tying and kept["reason"] and kept["line"] == 101
    assert leaks(tmp_path / "out") == 0
    report = cut(write(data, more[:100]), test=0.3)  # the row is gone, and so is the file that held it
    assert report.exit_code == 0 and not (tmp_path / "out/data.set-aside.jsonl").exists()


def test_a_run_again_changes_nothing(tmp_path: Path) -> None:
    data = write(tmp_path / "data.jsonl", [plain(i) for i in range(60)] + [plain(7), chat(sentence(8), "No.")])
    cut(data)
    cut(data)
    before = {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    report = cut(data)
    assert {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()} == before
    assert (report.known, report.new, report.exit_code) == (62, 0, 0)
    lines = (tmp_path / "out" / manifests.NAME).read_text().splitlines()
    assert len(lines) == 61 and sum(len(json.loads(line)["rows"]) for line in lines[1:]) == 61


def test_rows_that_left_are_remembered(tmp_path: Path) -> None:
    rows = [plain(i) for i in range(80)]
    data = write(tmp_path / "data.jsonl", rows)
    cut(data, test=0.4)
    before = sides_in(tmp_path / "out")
    cut(write(data, rows[:20]), test=0.4)
    cut(write(data, rows), test=0.4)
    assert sides_in(tmp_path / "out") == before


def test_old_leaks_are_told_and_nothing_is_moved(tmp_path: Path) -> None:
    rows = [plain(i, group="g" if i < 30 else None) for i in range(60)]
    data = write(tmp_path / "data.jsonl", rows)
    cut(data, test=0.4, group="other")
    before = sides_in(tmp_path / "out")
    report = cut(data, test=0.4)
    assert sides_in(tmp_path / "out") == before
    assert report.left and "group 'g'" in report.left[0] and report.exit_code == 1


def test_results_of_others_are_not_replaced(tmp_path: Path) -> None:
    data = write(tmp_path / "data.jsonl", [plain(i) for i in range(40)])
    mine = write(tmp_path / "data.test.jsonl", [plain(1)])
    with pytest.raises(UsageError, match=r"data\.test\.jsonl is there and was not written by this split"):
        cut(data, out_dir=tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data.jsonl", "data.test.jsonl"]
    cut(data, out_dir=tmp_path, force=True)
    cut(data, out_dir=tmp_path)
    mine.write_text(mine.read_text() + "\n")
    with pytest.raises(UsageError, match="changed since"):
        cut(data, out_dir=tmp_path)
    mine.unlink()
    mine.symlink_to(data)
    with pytest.raises(UsageError, match="symbolic link"):
        cut(data, out_dir=tmp_path, force=True)
    mine.unlink()
    mine.mkdir()
    with pytest.raises(UsageError, match="not a regular file"):
        cut(data, out_dir=tmp_path, force=True)


# --- odd files -------------------------------------------------------------------------------------------------------


def test_bytes_are_kept_and_nothing_is_lost(tmp_path: Path) -> None:
    lines = [json.dumps(plain(i)).replace('": ', '" :  ').encode() + (b"\r" if i % 3 else b"") for i in range(50)]
    lines[7:7] = [b"", b'{"messages": [', b"[1, 2]", b'{"no": "format"}', '{"text": "\xe9"}'.encode("latin-1")]
    data = tmp_path / "data.jsonl"
    data.write_bytes(b"\n".join(lines))
    report = cut(data)
    out = tmp_path / "out"
    written = [
        line for kind in (*SIDES, "unread") for line in (out / f"data.{kind}.jsonl").read_bytes().split(b"\n")[:-1]
    ]
    assert sorted(written) == sorted(line for line in lines if line)
    assert [(row.line, row.record, row.reason) for row in report.unread] == [
        (9, 7, "invalid-json"), (10, 8, "not-an-object"), (11, 9, "unknown-format")
    ]  # fmt: skip
    assert report.exit_code == 1


def test_arrays_and_packed_files(tmp_path: Path) -> None:
    import gzip

    rows = [plain(i) for i in range(30)]
    array, packed = tmp_path / "one.json", tmp_path / "two.jsonl.gz"
    array.write_text(json.dumps(rows, indent=2))
    packed.write_bytes(gzip.compress("".join(json.dumps(row) + "\n" for row in rows[:20]).encode()))
    report = prepdata.split([array, packed], out_dir=tmp_path / "out", jobs=1)
    one, two = sides_in(tmp_path / "out", "one"), sides_in(tmp_path / "out", "two")
    assert sorted(json.dumps(json.loads(line)) for line in one) == sorted(map(json.dumps, rows))
    sides = {json.dumps(json.loads(line)): side for line, side in one.items()}
    assert {line: sides[line] for line in two} == two and report.rows == 50


def test_files_that_cannot_be_split(tmp_path: Path) -> None:
    good = write(tmp_path / "data.jsonl", [plain(i) for i in range(10)])
    other = write(tmp_path / "sub/data.jsonl", [plain(1)])
    for paths, said in (
        ([], "give a file"), (["-"], "standard input"), ([good, other], "several folders"),
    ):  # fmt: skip
        with pytest.raises(UsageError, match=said):
            prepdata.split(paths)
    with pytest.raises(UsageError, match="same name"):
        prepdata.split([good, other], out_dir=tmp_path / "out")
    with pytest.raises(InputError, match="one by one"):
        prepdata.split(tmp_path)
    with pytest.raises(InputError, match="no such file"):
        prepdata.split(tmp_path / "none.jsonl")
    with pytest.raises(InputError, match="no row of a known format"):
        cut(write(tmp_path / "odd.jsonl", [{"a": 1}]))
    with pytest.raises(InputError, match="cannot be read"):
        cut(good, max_line_bytes=100)
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe.jsonl")
        with pytest.raises(InputError, match="not a regular file"):
            prepdata.split(tmp_path / "pipe.jsonl")
    with pytest.raises(UsageError, match="no-such"):
        cut(good, **{"no-such": 1})
    assert not (tmp_path / "out").exists()


# --- manifest --------------------------------------------------------------------------------------------------------


def test_manifest_goes_round(tmp_path: Path) -> None:
    path = tmp_path / "m.jsonl"
    rows = np.array([5, 3, 2**64 - 1], np.uint64)
    made = manifests.empty("s").extended(
        manifests.Header(salt="s", outputs={"a": ["1"]}), rows, np.array([TRAIN, TEST, TRAIN], np.int8),
        np.array([5, 3, 5], np.uint64),
    )  # fmt: skip
    manifests.save(path, made)
    found = manifests.load(path, "s")
    assert found.header == made.header
    assert found.sides_of(np.array([2**64 - 1, 3, 4, 5], np.uint64)).tolist() == [TRAIN, TEST, -1, TRAIN]
    later = found.extended(found.header, np.array([3, 9], np.uint64), np.array([TRAIN, TEST], np.int8), rows[:2])
    assert later.sides_of(np.array([3, 9], np.uint64)).tolist() == [TEST, TEST]  # what is known stays


@pytest.mark.parametrize("text", [b"", b"x", b"{}\n{}\n", b'{"split": 1}\n{"side": "no", "cluster": "1", "rows": ["1"]}\n',
                                  b'{"split": 2}\n', b'{"split": 1}\n{"side": "test", "cluster": "1", "rows": ["zz"]}\n',
                                  b'{"split": 1}\n{"side": "test", "cluster": "1", "rows": ["11111111111111111"]}\n'])  # fmt: skip
def test_damaged_manifests(tmp_path: Path, text: bytes) -> None:
    path = tmp_path / "m.jsonl"
    path.write_bytes(text)
    with pytest.raises(InputError):
        manifests.load(path, "")


# --- command line ----------------------------------------------------------------------------------------------------


def run(*args: object, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "prepdata", "split", *map(str, args)], capture_output=True, text=True,
                          cwd=folder)  # fmt: skip


def test_command(tmp_path: Path) -> None:
    data = write(tmp_path / "data.jsonl", [plain(i, label=i % 2) for i in range(100)])
    dry = run("data.jsonl", "--train", "0.8", "--validation", "0.1", "--test", "10%", "--dry-run", folder=tmp_path)
    assert dry.returncode == 0 and "nothing was written" in dry.stderr, dry.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["data.jsonl"]
    done = run("data.jsonl", "--test", "25", "--stratify", "label", "--json", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["sides"]["test"]["rows"] == 25 and report["strata"]["1"]["test"] in (12, 13)
    assert report["sides"]["validation"] == {"rows": 0, "asked": 0, "share": 0.0, "clusters": 0, "files": []}
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "data.jsonl", "data.test.jsonl", "data.train.jsonl", "split-manifest.jsonl"
    ]  # fmt: skip
    data.write_text(data.read_text() + "{broken\n")
    again = run("data.jsonl", "--test", "25", folder=tmp_path)
    assert again.returncode == 1 and "earlier run: 100 rows; new: " in again.stderr and "data.jsonl:101" in again.stderr
    assert (tmp_path / "data.unread.jsonl").read_text() == "{broken\n"
    quiet = run("data.jsonl", "--test", "25", "-q", folder=tmp_path)
    assert (quiet.returncode, quiet.stdout, quiet.stderr) == (1, "", "")


@pytest.mark.parametrize(
    ("args", "said"),
    [
        ([], "Missing argument"),
        (["none.jsonl"], "no such file"),
        (["-"], "standard input"),
        (["data.jsonl", "--test", "many"], "neither a share"),
        (["data.jsonl", "--train", "0.5", "--test", "0.1"], "add up to 0.6"),
        (["data.jsonl", "--test", "101"], "only 20"),
        (["data.jsonl", "--out-dir", "data.jsonl"], "data.jsonl"),
        (["data.jsonl", "--manifest", "data.jsonl"], "no manifest"),
    ],
)
def test_wrong_use(tmp_path: Path, args: list[str], said: str) -> None:
    write(tmp_path / "data.jsonl", [plain(i) for i in range(20)])
    done = run(*args, folder=tmp_path)
    assert done.returncode == 2 and said in done.stderr and "Traceback" not in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["data.jsonl"]


def test_the_same_question_about_two_pictures_is_two_questions(tmp_path: Path) -> None:
    def row(i: int, picture: int) -> dict[str, Any]:
        return {"messages": [{"role": "user", "content": f"<image>{sentence(i)}"},
                             {"role": "assistant", "content": sentence(i + picture)}],
                "images": [f"{i}-{picture}.png"]}  # fmt: skip

    def share(same: bool) -> set[int]:
        rows = [row(i, 0 if same else side) for i in range(0, 400, 4) for side in (0, 2)]
        for number, one in enumerate(rows):
            one["messages"][1]["content"] = sentence(number + 5000)
        folder = tmp_path / str(same)
        folder.mkdir()
        cut(write(folder / "data.jsonl", rows), validation=0.3, test=0.3)
        found = sides_in(folder / "out")
        return {len({found[json.dumps(one)] for one in rows[n : n + 2]}) for n in range(0, len(rows), 2)}

    assert share(True) == {1}, "the same words about the same picture stay together"
    assert share(False) == {1, 2}


def test_questions_in_chinese_keep_conversations_together(tmp_path: Path) -> None:
    rows = []
    for i in range(60):
        asked = f"请用一句话概括这份关于城市公共自行车使用情况的年度报告第{i}号"
        for side in (0, 1):
            turns = [("user", sentence(2 * i + side)), ("assistant", "Yes."), ("user", asked), ("assistant", f"{side}")]
            rows.append({"messages": [{"role": role, "content": text} for role, text in turns]})
    cut(write(tmp_path / "data.jsonl", rows), validation=0.3, test=0.3)
    found = sides_in(tmp_path / "out")
    assert all(found[json.dumps(rows[n])] == found[json.dumps(rows[n + 1])] for n in range(0, len(rows), 2))
