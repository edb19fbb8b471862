"""How targets judge whole files: byte order marks, plain rows, several targets at once, the command line."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
from target_rows import answer, call, calling, row

import prepdata
from prepdata import targets


@pytest.mark.parametrize("name", targets.names())
def test_a_byte_order_mark_and_its_absence(name: str, tmp_path: Path) -> None:
    said = targets.load(name).accepts.bom
    wanted = said.value if said else None
    for mark in (True, False):
        path = tmp_path / f"{mark}.jsonl"
        path.write_bytes(b"\xef\xbb\xbf" * mark + json.dumps(answer()).encode() + b"\n")
        found = list(prepdata.validate(path, select=["FMT003"], targets=[name], tokens=False))
        silent = {"required": mark, "refused": not mark, "accepted": True}.get(wanted or "", not mark)
        assert (found == []) == silent
        if wanted == "required" and not mark:
            assert found[0].targets == (name,)


@pytest.mark.parametrize("name", targets.names())
def test_a_plain_row_in_its_own_format_blocks_nothing(name: str, tmp_path: Path) -> None:
    target = targets.load(name)
    path = tmp_path / "a.jsonl"
    rows = [
        row(target, ("user", f"What is {i} plus {i + 1}?"), ("assistant", f"It is {2 * i + 1}.")) for i in range(40)
    ]
    mark = b"\xef\xbb\xbf" if target.accepts.bom and target.accepts.bom.value == "required" else b""
    path.write_bytes(mark + "".join(json.dumps(r) + "\n" for r in rows).encode())
    report = prepdata.validate(path, targets=[name], tokens=False)
    assert [(f.name, f.message) for f in report if f.severity == "error"] == []
    assert (report.targets[0].rows, report.targets[0].files) == (0, 0)


def test_targets_are_judged_side_by_side(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    rows = [calling(call(id="call_1")), answer(weight=0.5), answer()]
    path.write_text("".join(json.dumps(r) + "\n" for r in rows))
    wanted = ["openai", "mistral", "unsloth", "trl"]
    report = prepdata.validate(path, targets=wanted, select=["ROLE", "TOOL"], tokens=False)
    assert {t.target: (t.rows, t.files) for t in report.targets} == {
        "openai": (1, 0), "mistral": (2, 0), "unsloth": (0, 0), "trl": (0, 0),
    }  # fmt: skip
    assert [t.target for t in report.targets] == wanted


def test_the_command_line_says_what_a_target_blocks(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(json.dumps(calling(call(id="call_1"))) + "\n")
    command = [sys.executable, "-m", "prepdata", "validate", str(path), "--target", "mistral", "--select", "TOOL009"]
    run = subprocess.run([*command, "--isolated"], capture_output=True, text=True, cwd=tmp_path)
    assert run.returncode == 1
    assert "call-id-format" in run.stdout and "mistral" in run.stdout


def test_a_target_that_takes_neither_tools_nor_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trl = targets.load("trl")
    said = {
        name: msgspec.structs.replace(getattr(trl.accepts, name), value=value)
        for name, value in (("tools", False), ("weights", "refused"))
    }
    strict = msgspec.structs.replace(trl, accepts=msgspec.structs.replace(trl.accepts, **said))
    monkeypatch.setattr(targets, "_read", lambda name: strict)
    path = tmp_path / "a.jsonl"
    path.write_text("".join(json.dumps(r) + "\n" for r in (calling(call(id="call_1")), answer(weight=1), answer())))
    report = prepdata.validate(path, targets=["trl"], select=["TOOL001", "ROLE009"], tokens=False)
    assert [(f.line, f.path, f.targets) for f in report] == [
        (1, "/tools", ("trl",)), (2, "/messages/1/weight", ("trl",)),
    ]  # fmt: skip
