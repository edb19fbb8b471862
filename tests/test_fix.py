"""Fixing: only what was asked, untouched lines byte for byte, atomic, idempotent, nothing lost."""

from __future__ import annotations

import gzip
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

import prepdata
from prepdata import fix as fixing
from prepdata.errors import InputError, PrepdataError
from prepdata.fix import fix_file, keep
from prepdata.settings import Settings

SAMPLES = Path(__file__).parents[1] / "samples"
USER = {"role": "user", "content": "What is the capital of Peru?"}
GOOD = {"messages": [USER, {"role": "assistant", "content": "Lima."}]}
ROLE = {"messages": [USER, {"role": "Assistant", "content": "Lima, on the coast."}]}
SPACE = {"messages": [USER, {"role": "assistant", "content": " Lima, of course. \n"}]}
EMPTY = {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": ""}]}


def line(row: Any, **style: Any) -> bytes:
    return json.dumps(row, ensure_ascii=False, **style).encode() + b"\n"


def fixed(path: Path, result: Path | None = None, *, unsafe: bool = False, **changes: Any) -> list[Path]:
    settings = Settings(**{"ignore": ("COV",), **changes})
    result = result or path.with_name("out.jsonl")
    made = fix_file(path, settings, unsafe=unsafe, folder=result.parent)
    return keep(made, result)


def leftovers(folder: Path) -> list[str]:
    return [p.name for p in folder.iterdir() if p.name.startswith(".prepdata")]


def test_safe_fixes_touch_only_their_lines(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    odd = b'{ "messages" :[{"content": "caf\\u00e9", "role":"user"}, {"role":"assistant","content":"1.0e2"} ] }\n'
    path.write_bytes(odd + line(ROLE) + line(GOOD) + line(SPACE, separators=(",", ":")))
    before = path.read_bytes()
    result, receipt = fixed(path)
    lines = result.read_bytes().splitlines(keepends=True)
    assert lines[0] == odd and lines[2] == line(GOOD)
    assert lines[1] == line(ROLE).replace(b"Assistant", b"assistant")
    assert json.loads(lines[3])["messages"][1]["content"].strip() == "Lima, of course."
    assert b'","content":"' in lines[3]
    assert path.read_bytes() == before
    changes = [json.loads(text) for text in receipt.read_text().splitlines()]
    assert {c["rule"] for c in changes} == {"unknown-role", "edge-whitespace"}
    assert all(c["safe"] and c["old"] != c["new"] and c["file"] == str(path) for c in changes)
    assert [c["line"] for c in changes] == [2, 4]
    assert not leftovers(tmp_path)


def test_a_second_run_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b"".join(map(line, (ROLE, GOOD, SPACE, GOOD, EMPTY))))
    result = fixed(path, unsafe=True)[0]
    again = fixed(result, tmp_path / "again.jsonl", unsafe=True)
    assert again == [tmp_path / "again.jsonl"]
    assert again[0].read_bytes() == result.read_bytes()


def test_dropped_rows_are_kept_beside_with_their_reason(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(line(GOOD) + line(ROLE) + line(GOOD))
    result, dropped, receipt = fixed(path, unsafe=True, select=("exact-duplicate",))
    assert result.read_bytes() == line(GOOD) + line(ROLE)
    (row,) = [json.loads(text) for text in dropped.read_text().splitlines()]
    assert row["line"] == 3 and row["rule"] == "exact-duplicate" and json.loads(row["text"]) == GOOD
    (change,) = [json.loads(text) for text in receipt.read_text().splitlines()]
    assert change["new"] is None and not change["safe"]


def test_without_unsafe_no_row_is_dropped(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(line(GOOD) * 3)
    assert fixed(path)[0].read_bytes() == line(GOOD) * 3


def test_receipts_are_added_to(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    for row in (ROLE, SPACE):
        path.write_bytes(line(row))
        fixed(path, path)
    receipt = (tmp_path / "a.jsonl.receipt.jsonl").read_text().splitlines()
    assert [json.loads(text)["rule"] for text in receipt] == ["unknown-role", "edge-whitespace"]


def test_compressed_files_stay_compressed(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl.gz"
    path.write_bytes(gzip.compress(line(ROLE) + line(GOOD)))
    result = fixed(path, tmp_path / "b.jsonl.gz")[0]
    assert gzip.decompress(result.read_bytes()) == line(ROLE).replace(b"Assistant", b"assistant") + line(GOOD)


def test_invalid_lines_stay_as_they_are(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'{"messages": [\n' + line(ROLE) + b"not json\n" + line(GOOD).rstrip(b"\n"))
    result = fixed(path, ignore=("COV", "line-endings"))[0]
    expected = (
        b'{"messages": [\n' + line(ROLE).replace(b"Assistant", b"assistant") + b"not json\n" + line(GOOD).rstrip(b"\n")
    )
    assert result.read_bytes() == expected


def test_a_row_with_a_repeated_key_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    text = line(ROLE).replace(b'"role": "Assistant"', b'"role": "user", "role": "Assistant"')
    path.write_bytes(text + line(ROLE))
    result = fixed(path)[0]
    assert result.read_bytes() == text + line(ROLE).replace(b"Assistant", b"assistant")


def test_symbolic_links_are_not_followed(tmp_path: Path) -> None:
    (tmp_path / "real.jsonl").write_bytes(line(ROLE))
    (tmp_path / "link.jsonl").symlink_to(tmp_path / "real.jsonl")
    with pytest.raises(PrepdataError, match="link"):
        fixed(tmp_path / "real.jsonl", tmp_path / "link.jsonl")
    assert (tmp_path / "real.jsonl").read_bytes() == line(ROLE)


def test_a_full_disk_leaves_the_input_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(line(ROLE) * 3)

    class Full:
        def __init__(self, file: Any) -> None:
            self.file = file

        def write(self, data: bytes) -> int:
            raise OSError(28, "No space left on device")

        def flush(self) -> None:
            pass

    real = fixing.opened

    def full(target: Path, like: Path) -> Any:
        import contextlib

        @contextlib.contextmanager
        def manager() -> Any:
            with real(target, like) as file:
                yield Full(file)

        return manager()

    monkeypatch.setattr(fixing, "opened", full)
    with pytest.raises(OSError, match="No space"):
        fixed(path, path)
    assert path.read_bytes() == line(ROLE) * 3
    assert os.listdir(tmp_path) == ["a.jsonl"]


@pytest.mark.parametrize("delay", [0.2, 0.4, 0.6, 0.9])
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_killed_at_any_moment_the_input_is_intact_or_whole(tmp_path: Path, delay: float, number: int) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes((line(ROLE) + line(GOOD)) * 8000)
    before = path.read_bytes()
    after = before.replace(b'"Assistant"', b'"assistant"')
    command = [sys.executable, "-m", "prepdata", "fix", str(path), "--in-place", "--select", "unknown-role"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    time.sleep(delay)
    process.send_signal(number)
    _, errors = process.communicate(timeout=60)
    assert b"Traceback" not in errors or b"prepdata" not in errors  # Python itself may still be starting
    assert path.read_bytes() in (before, after)


@pytest.mark.parametrize("name", ["support", "tools", "preference"])
@pytest.mark.parametrize("unsafe", [False, True])
def test_broken_samples_get_better_and_then_stay(tmp_path: Path, name: str, unsafe: bool) -> None:
    path = tmp_path / f"{name}.jsonl"
    path.write_bytes((SAMPLES / "broken" / f"{name}.jsonl").read_bytes())
    before = len(prepdata.validate(path, tokens=False))
    result = fixed(path, unsafe=unsafe)[0]
    assert len(prepdata.validate(result, tokens=False)) < before
    again = fixed(result, tmp_path / "again.jsonl", unsafe=unsafe)
    assert again[0].read_bytes() == result.read_bytes()
    rows = len([text for text in path.read_bytes().split(b"\n") if text.strip()])
    kept = len([text for text in result.read_bytes().split(b"\n") if text.strip()])
    dropped = tmp_path / "out.jsonl.dropped.jsonl"
    assert kept + (len(dropped.read_bytes().splitlines()) if dropped.exists() else 0) == rows


def run_fix(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "prepdata", "fix", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def test_the_difference_names_lines_and_masks_secrets(tmp_path: Path) -> None:
    key = "gh" + "p_" + "aB3dE5fG7hJ9kL1mN3pQ5rS7tU9vW1xY3z01"
    secret = {"messages": [{"role": "user", "content": f"Key {key}"}, {"role": "Assistant", "content": "Noted."}]}
    path = tmp_path / "a.jsonl.gz"
    path.write_bytes(gzip.compress(line(GOOD) + line(secret) + line(GOOD) + line(ROLE)))
    run = run_fix(tmp_path, "a.jsonl.gz", "--diff", "--unsafe-fixes", "--select", "unknown-role,exact-duplicate")
    assert run.returncode == 1 and key not in run.stdout
    marks = [text for text in run.stdout.split("\n") if text.startswith("@@")]
    assert marks == ["@@ line 2 @@", "@@ line 3 @@", "@@ line 4 @@"]
    assert run.stdout.count("\n-{") == 3 and run.stdout.count("\n+{") == 2
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.jsonl.gz"]


def test_the_difference_of_a_split_array(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b"[" + line(GOOD).rstrip() + b",\n" + line(ROLE).rstrip() + b"]")
    run = run_fix(tmp_path, "a.jsonl", "--diff")
    assert run.returncode == 1 and '+{"messages"' in run.stdout


def test_stale_waivers_are_taken_out(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(line(EMPTY) + line(GOOD))
    finding = next(f for f in prepdata.validate(path, tokens=False, select=["empty-answer"]))
    live = {
        "rule": "empty-answer",
        "record": finding.digest,
        "path": finding.path,
        "file": "a.jsonl",
        "reason": "meant",
    }
    stale = {**live, "record": "0" * 16}
    waivers = tmp_path / "prepdata-waivers.json"
    waivers.write_text(json.dumps({"schema_version": 1, "waivers": [stale, live]}))
    run = run_fix(tmp_path, "a.jsonl")
    assert run.returncode == 0, run.stderr
    assert [w["record"] for w in json.loads(waivers.read_text())["waivers"]] == [finding.digest]


def test_what_others_wrote_meanwhile_is_not_lost(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b"\xef\xbb\xbf{}\n")
    fixed = fix_file(path, Settings(jobs=1), unsafe=True, folder=tmp_path)
    with path.open("ab") as file:
        file.write(b'{"more": 1}\n')
    with pytest.raises(InputError, match="changed while it was being repaired"):
        keep(fixed, path)
    assert path.read_bytes().endswith(b'{"more": 1}\n')
