"""`prepdata convert` as a user runs it."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from prepdata.cli.convert import command, result_of
from prepdata.errors import UsageError

GOOD = {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello."}]}
LOSSY = {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello.", "weight": 0}]}
BAD = {"messages": [{"role": "user", "content": "Hi"}]}


def save(path: Path, *rows: Any) -> Path:
    path.write_text("".join((r if isinstance(r, str) else json.dumps(r)) + "\n" for r in rows), encoding="utf-8")
    return path


def rows(path: Path) -> list[Any]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def run(*arguments: object) -> Any:
    result = CliRunner().invoke(command, [*map(str, arguments), "--isolated"], standalone_mode=False)
    if result.exception is not None:
        raise result.exception
    return result


def test_all_rows_are_written(tmp_path: Path) -> None:
    data = save(tmp_path / "train.jsonl", GOOD, GOOD)
    before = data.read_bytes()
    result = run(data, "--to", "alpaca")
    assert result.return_value == 0
    assert rows(tmp_path / "train.alpaca.jsonl") == [{"instruction": "Hi", "input": "", "output": "Hello."}] * 2
    assert data.read_bytes() == before
    assert sorted(p.name for p in tmp_path.iterdir()) == ["train.alpaca.jsonl", "train.jsonl"]


def test_lossy_rows_go_beside_with_their_reasons(tmp_path: Path) -> None:
    data = save(tmp_path / "train.jsonl", GOOD, "", LOSSY, "{broken", BAD, {"x": 1})
    result = run(data, "--to", "alpaca")
    assert result.return_value == 1
    assert len(rows(tmp_path / "train.alpaca.jsonl")) == 1
    beside = rows(tmp_path / "train.alpaca.jsonl.lossy.jsonl")
    assert [(item["line"], item["record"]) for item in beside] == [(3, 1), (4, 2), (5, 3), (6, 4)]
    assert beside[0]["losses"] == [
        {"path": "/messages/1", "reason": "the weight of this turn would be lost or changed"}
    ]
    assert beside[0]["row"] == LOSSY
    assert "invalid-json" in beside[1]["losses"][0]["reason"] and beside[1]["row"] is None
    assert "1 row written as alpaca; 4 rows lose something" in result.stderr


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ([GOOD], "1 row written as alpaca; 0 rows lose something"),
        ([GOOD, GOOD], "2 rows written as alpaca; 0 rows lose something"),
        ([LOSSY], "0 rows written as alpaca; 1 row loses something"),
    ],
)
def test_counts_are_said_in_the_right_number(tmp_path: Path, given: list[Any], said: str) -> None:
    assert f"train.jsonl: {said}\n" in run(save(tmp_path / "train.jsonl", *given), "--to", "alpaca").stderr


def test_allowing_loss_writes_what_can_be_written(tmp_path: Path) -> None:
    data = save(tmp_path / "train.jsonl", GOOD, LOSSY, BAD)
    result = run(data, "--to", "alpaca", "--allow-loss", "-o", tmp_path / "out.jsonl")
    assert result.return_value == 1
    assert len(rows(tmp_path / "out.jsonl")) == 2
    assert len(rows(tmp_path / "out.jsonl.lossy.jsonl")) == 2


def test_standard_output(tmp_path: Path) -> None:
    data = save(tmp_path / "train.jsonl", GOOD, BAD)
    result = run(data, "--to", "sharegpt", "-o", "-", "-q")
    assert json.loads(result.stdout.splitlines()[0])["conversations"][1] == {"from": "gpt", "value": "Hello."}
    assert sorted(p.name for p in tmp_path.iterdir()) == ["train.jsonl"]


def test_the_input_is_never_overwritten(tmp_path: Path) -> None:
    data = save(tmp_path / "train.jsonl", GOOD)
    link = tmp_path / "hard.jsonl"
    os.link(data, link)
    for output in (data, link):
        with pytest.raises(UsageError, match="is the input"):
            run(data, "--to", "alpaca", "-o", output)
    soft = tmp_path / "soft.jsonl"
    soft.symlink_to(data)
    with pytest.raises(UsageError, match="symbolic link"):
        run(data, "--to", "alpaca", "-o", soft)
    assert rows(data) == [GOOD]


@pytest.mark.parametrize(
    ("output", "to", "said"),
    [("x.jsonl.gz", "alpaca", "plain JSONL"), ("no/x.jsonl", "alpaca", "no folder"), ("x.jsonl", "alpacca", "Did you")],
)
def test_wrong_use(tmp_path: Path, output: str, to: str, said: str) -> None:
    data = save(tmp_path / "train.jsonl", GOOD)
    with pytest.raises(UsageError, match=said):
        run(data, "--to", to, "-o", tmp_path / output)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["train.jsonl"]


def test_nothing_is_left_behind_on_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = save(tmp_path / "train.jsonl", GOOD, BAD, GOOD)
    old = save(tmp_path / "out.jsonl", {"text": "older"})

    def full(self: Path, target: Path) -> Path:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(OSError, match="No space"):
        run(data, "--to", "alpaca", "-o", old)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["out.jsonl", "train.jsonl"]
    assert rows(old) == [{"text": "older"}]


def test_columns_and_a_given_format(tmp_path: Path) -> None:
    data = save(tmp_path / "train.jsonl", {"frage": "Wo?", "antwort": "Hier."})
    config = tmp_path / "prepdata.toml"
    config.write_text('[columns]\nprompt = "frage"\ncompletion = "antwort"\n')
    result = CliRunner().invoke(command, [str(data), "--to", "openai", "--config", str(config)], standalone_mode=False)
    assert result.exception is None and result.return_value == 0
    assert rows(tmp_path / "train.openai.jsonl")[0]["messages"][0] == {"role": "user", "content": "Wo?"}


def test_an_array_and_an_archive(tmp_path: Path) -> None:
    import gzip

    array = tmp_path / "train.json"
    array.write_text(json.dumps([GOOD, GOOD], indent=1))
    assert run(array, "--to", "alpaca").return_value == 0
    assert len(rows(tmp_path / "train.alpaca.jsonl")) == 2
    packed = tmp_path / "more.jsonl.gz"
    packed.write_bytes(gzip.compress(json.dumps(GOOD).encode() + b"\n"))
    assert run(packed, "--to", "alpaca").return_value == 0
    assert len(rows(tmp_path / "more.alpaca.jsonl")) == 1


def test_names_of_results() -> None:
    assert result_of(Path("a/train.jsonl"), "openai") == Path("a/train.openai.jsonl")
    assert result_of(Path("train.json.gz"), "openai") == Path("train.openai.jsonl")
