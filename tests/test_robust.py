"""Hostile data, places and moments through the whole program: exit codes 0, 1 and 2, one line said, nothing left over."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import prepdata
from prepdata import formats
from prepdata.convert import convert
from prepdata.errors import InputError
from prepdata.fix import fix_file
from prepdata.jsontext import json_text
from prepdata.settings import Settings

ROW = b'{"messages": [{"role": "user", "content": "Where is it?"}, {"role": "assistant", "content": "On its way."}]}\n'
CALL = '{"messages": [{"role": "user", "content": "x"}, {"role": "assistant", "tool_calls": [{"id": "c", "type": "function", "function": {"name": "f", "arguments": %s}}]}]}'  # fmt: skip
CONTENT = '{"messages": [{"role": "user", "content": %s}]}'
HALF = '{"a": "\\ud800", "b": 1180591620717411303424}'
GUARD = 120
"""Seconds after which a process is taken to hang."""
WINDOWS = os.name == "nt"


def command(*arguments: str, **more: Any) -> subprocess.CompletedProcess[bytes]:
    """Run the command line; see that its exit code is one of three and that there is no traceback."""
    given = {"capture_output": True, "timeout": GUARD, **more}
    done = subprocess.run([sys.executable, "-m", "prepdata", *arguments], **given)
    assert done.returncode in (0, 1, 2), done.stderr
    shown = (done.stdout or b"") + (done.stderr or b"")
    assert b"Traceback" not in shown and b"internal error" not in shown, shown[-2000:]
    return done


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def repair(path: Path, *, select: tuple[str, ...] = ("ALL",), **settings: Any) -> Any:
    return fix_file(path, Settings(select=select, jobs=1, **settings), unsafe=True, folder=path.parent)


@pytest.mark.parametrize("value", ["\ud800", {"a": "\udfff", "b": 2**70}, [1.5, None, "\x9b"], 2**64, {}])
def test_any_value_can_be_written_as_json(value: Any) -> None:
    assert json.loads(json_text(value)) == value
    json_text(value).encode()


@pytest.mark.parametrize("tokens", [False, True])
@pytest.mark.parametrize("arguments", [HALF, '["\\ud800"]', '"{\\"a\\": \\"\\\\ud800\\"}"', "1180591620717411303424"])
def test_half_characters_in_arguments(tmp_path: Path, arguments: str, tokens: bool) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(CALL % arguments)
    for targets in ([], ["openai"], ["bedrock-nova"]):
        report = prepdata.validate(path, select=["ALL"], targets=targets, cache=False, tokens=tokens, offline=True)
        assert "rule-crash" not in {f.name for f in report}


@pytest.mark.parametrize("content", ['{"a": "\\ud800"}', '[{"type": "text", "text": {"\\udfff": 1}}]', "[{}]", "NaN"])
def test_half_characters_in_content_that_is_no_text(tmp_path: Path, content: str) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(CONTENT % content)
    report = prepdata.validate(path, select=["ALL"], cache=False, tokens=False)
    assert list(report) and "rule-crash" not in {f.name for f in report}


@pytest.mark.parametrize("to", formats.names())
def test_half_characters_are_converted(to: str) -> None:
    tools = [{"type": "function", "function": {"name": "f", "description": "\ud800", "parameters": {}}}]
    row = {**json.loads(CALL % HALF), "tools": tools}
    for done in convert([row], formats.get(to)):
        json_text(done.row).encode()


def test_half_characters_are_converted_by_the_command(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text(CALL % HALF + "\n")
    command("convert", "--to", "sharegpt", "-o", str(tmp_path / "b.jsonl"), str(tmp_path / "a.jsonl"))


def test_json_reports_hold_no_terminal_controls(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"messages": [{"role": "\x9b31m\x7f", "content": "x"}]}')
    text = prepdata.validate(path, select=["ALL"], cache=False, tokens=False).to_json()
    assert not set(text) & {"\x9b", "\x1b", "\x7f"} and "\\u009b31m" in text
    json.loads(text)


def test_no_fix_where_targets_want_different_arguments(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(CALL % '"{}"' + "\n" + CALL % '{"a": 1}' + "\n")
    fixed = repair(path, targets=("openai", "bedrock-nova"))
    assert not [c for c in fixed.changes if c.rule == "arguments-kind"]
    assert len([f for f in fixed.left if f.name == "arguments-kind"]) == 2
    assert [c.rule for c in repair(path, targets=("openai",)).changes if c.rule == "arguments-kind"]


def test_a_fix_that_changes_nothing_is_no_change(tmp_path: Path) -> None:
    """A carriage return inside a broken row cannot be taken out; it is reported, and not repaired eight times."""
    path = tmp_path / "a.jsonl"
    path.write_bytes(ROW + b'{"mess\rages": 1}\n')
    fixed = repair(path)
    assert fixed.changes == [] and fixed.written.read_bytes() == path.read_bytes()
    assert {f.name for f in fixed.left} >= {"line-endings", "invalid-json"}


def test_rows_parted_by_carriage_returns_alone(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(ROW.replace(b"\n", b"\r") + ROW.replace(b"way", b"back").replace(b"\n", b"\r"))
    fixed = repair(path, select=("FMT",))
    assert fixed.written.read_bytes() == ROW + ROW.replace(b"way", b"back")
    assert {c.rule for c in fixed.changes} == {"line-endings"}


def test_an_array_with_a_broken_row_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b"[\n" + ROW + b',{"a":\n "b" "c"}\n]\n')
    with pytest.raises(InputError, match="is not JSON"):
        repair(path)
    assert names_in(tmp_path) == ["a.jsonl"]


def test_an_array_with_odd_values_keeps_them_when_split(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'[{"a":\r\n  NaN,\n\n "b": 1e400, "c": 1.10}\n, {"a": 1,\n "a": 2}]\n')
    fixed = fix_file(path, Settings(select=("json-array-file",), jobs=1), unsafe=True, folder=tmp_path)
    assert fixed.written.read_bytes() == b'{"a": NaN, "b": 1e400, "c": 1.10}\n{"a": 1, "a": 2}\n'


def test_configuration_that_is_none(tmp_path: Path) -> None:
    data, config = tmp_path / "a.jsonl", tmp_path / "odd.toml"
    data.write_bytes(ROW)
    for text in (b"a = " + b"[" * 100_000, bytes(range(256)), b"#" * (1 << 21)):
        config.write_bytes(text)
        assert command("validate", "--config", str(config), str(data)).returncode == 2


@pytest.mark.skipif(WINDOWS, reason="no such devices")
def test_a_device_without_end() -> None:
    assert command("validate", "--no-tokens", "/dev/zero").returncode == 1
    assert command("fix", "-o", "/tmp/never.jsonl", "/dev/zero").returncode == 2


@pytest.mark.skipif(WINDOWS, reason="names of files")
def test_names_with_controls_are_shown_harmless(tmp_path: Path) -> None:
    path = tmp_path / "a\n\x1b[31m.jsonl"
    path.write_bytes(ROW)
    for arguments in (["validate", "--no-tokens"], ["fix"]):
        done = command(*arguments, str(path))
        assert b"\x1b" not in done.stdout + done.stderr
    assert b"\x1b" not in command("validate", str(path) + "none").stderr


@pytest.mark.skipif(WINDOWS, reason="closing streams from a shell")
def test_closed_and_full_outputs(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b"{}\n")
    line = f"{sys.executable} -m prepdata validate --no-tokens {path}"
    for more in (">&-", "<&-", "2>&-", ">&- 2>&- <&-"):
        done = subprocess.run(["sh", "-c", f"{line} {more}"], capture_output=True, timeout=GUARD)
        assert done.returncode == 1 and b"Traceback" not in done.stderr, more


@pytest.mark.skipif(WINDOWS, reason="no such devices")
def test_devices_are_read_within_bounds_and_never_replaced(tmp_path: Path) -> None:
    data = tmp_path / "a.jsonl"
    data.write_bytes(ROW)
    for flag in ("--waivers", "--config", "--tokenizer"):
        assert command("validate", flag, "/dev/zero", str(data)).returncode == 2
    config = tmp_path / "c.toml"
    config.write_text('[rules.invalid-structured-answer]\nschema = "/dev/zero"\n')
    assert command("validate", "--no-tokens", "--config", str(config), str(data)).returncode == 2
    config.unlink()
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    assert command("fix", "-o", str(pipe), str(data)).returncode == 2
    command("validate", "--no-tokens", "-f", "json", "-o", "/dev/null", str(data))
    assert pipe.is_fifo() and Path("/dev/null").is_char_device()
    assert names_in(tmp_path) == ["a.jsonl", "pipe"]


@pytest.mark.skipif(not Path("/dev/full").is_char_device(), reason="no such device")
def test_a_full_disk_is_named(tmp_path: Path) -> None:
    data = tmp_path / "a.jsonl"
    data.write_bytes(ROW)
    for arguments in (["convert", "--to", "sharegpt"], ["validate", "--no-tokens", "-f", "json"]):
        done = command(*arguments, "-o", "/dev/full", str(data))
        assert done.returncode == 2 and b"/dev/full: No space left on device" in done.stderr
    with open("/dev/full", "wb") as full:
        done = command("validate", "--no-tokens", str(data), stdout=full, stderr=subprocess.PIPE, capture_output=False)
    assert done.returncode == 2 and b"output: No space left on device" in done.stderr


@pytest.mark.skipif(WINDOWS, reason="limits of files")
def test_a_result_that_does_not_fit_leaves_nothing_behind(tmp_path: Path) -> None:
    data = tmp_path / "a.jsonl"
    data.write_bytes(ROW * 20_000)
    lines = ("fix --unsafe-fixes -o big.jsonl a.jsonl", "convert --to sharegpt -o big.jsonl a.jsonl")
    for line in lines:
        limited = f"ulimit -f 64; trap '' XFSZ; exec {sys.executable} -m prepdata {line}"
        done = subprocess.run(["sh", "-c", limited], capture_output=True, timeout=GUARD, cwd=tmp_path, env=own_path())
        assert (
            done.returncode == 2
            and b"big.jsonl" in done.stderr
            and b"File too large" in done.stderr
            and b"Traceback" not in done.stderr
        )
    assert names_in(tmp_path) == ["a.jsonl"]


def own_path() -> dict[str, str]:
    """The environment, with this prepdata to be found from any folder."""
    return {**os.environ, "PYTHONPATH": str(Path(prepdata.__file__).parents[1])}


@pytest.mark.skipif(WINDOWS, reason="signals")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_gives_its_exit_code(number: signal.Signals) -> None:
    code = f"import os; from prepdata.cli import main; main.cli.main = lambda **_: os.kill(os.getpid(), {number:d}); main.main()"  # fmt: skip
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=GUARD)
    assert (done.returncode, done.stderr) == (128 + number, b"prepdata: interrupted\n")


@pytest.mark.skipif(WINDOWS, reason="signals")
def test_nohup_stays_in_force() -> None:
    code = "import os; from prepdata.cli import main; main.cli.main = lambda **_: os.kill(os.getpid(), 1); main.main()"
    done = subprocess.run(["sh", "-c", f"trap '' HUP; exec {sys.executable} -c '{code}'"], timeout=GUARD)
    assert done.returncode == 0


def test_nothing_is_left_of_a_repair_that_is_broken_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b"\xef\xbb\xbf" + ROW)
    rounds = iter(range(10))

    def interrupted(*given: Any, **more: Any) -> Any:
        if next(rounds):
            raise KeyboardInterrupt
        return prepdata.validate(*given, **more)

    monkeypatch.setattr("prepdata.fix.validate", interrupted)
    with pytest.raises(KeyboardInterrupt):
        repair(path)
    assert names_in(tmp_path) == ["a.jsonl"]


STEERING = "\x1b]0;x\x07\x9b31m\x7f\u202e"


@pytest.mark.skipif(WINDOWS, reason="names of files")
@pytest.mark.parametrize("name", ["full", "concise", "json", "jsonl", "github", "gitlab", "sarif", "junit", "html"])
def test_no_report_steers_a_terminal(tmp_path: Path, name: str) -> None:
    call = {"id": "c" + STEERING, "type": STEERING, "function": {"name": "f" + STEERING, "arguments": "{" + STEERING}}
    tool = {"type": "function", "function": {"name": STEERING, "parameters": {"properties": {STEERING: {}}}}}
    messages = [{"role": "r" + STEERING, "content": STEERING}, {"role": "assistant", "tool_calls": [call]}]
    row = {"messages": messages, "tools": [tool], STEERING: 1}
    path = tmp_path / f"a{STEERING}\n.jsonl"
    path.write_text(json.dumps(row, ensure_ascii=False) + "\n" + json.dumps(row) + "\n", encoding="utf-8")
    done = command("validate", "--no-tokens", "--select", "ALL", "--target", "openai", "-v", "-f", name, str(path))
    assert done.stdout and not set(done.stdout.decode()) & (set(STEERING) - set("]0;x31m"))
