"""The commands cost, stats and vocab, run as a user runs them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from kettles import kettle_file

from prepdata.cli import draw
from prepdata.cli.main import cli
from prepdata.errors import InputError, UsageError
from prepdata.tokens import vocab

FLAGS = ["--isolated", "--no-cache", "--jobs", "1", "--offline"]


pytestmark = pytest.mark.usefixtures("no_vocabulary")


@pytest.fixture
def data(tmp_path):
    return kettle_file(tmp_path, "You help in a kettle shop.")


def run(*args):
    done = CliRunner().invoke(cli, args, standalone_mode=False)
    if done.exception:
        raise done.exception
    return done.output


def run_json(*args):
    return json.loads(run(*args, "-f", "json"))


def test_cost_as_text(data):
    shown = run("cost", data, *FLAGS, "--target", "openai", "--model", "gpt-4o-mini", "--prompt-before", "900")
    assert "ESTIMATED" in shown
    assert "40 rows" in shown
    assert "gpt-4o-mini" in shown
    assert "as of 2026-06-30, old from 2026-09-29" in shown
    assert "price secondary" in shown
    assert "█" in shown
    assert "paid for after" in shown
    assert "Assumptions" in shown
    assert "3 epochs by the rule of OpenAI's cookbook for 40 rows" in shown


def test_cost_as_json(data):
    found = run_json("cost", data, *FLAGS, "--target", "openai", "--model", "gpt-4o", "--epochs", "2")
    [job] = found["hosted"]
    total = found["tokens"]["total"]
    assert found["rows"] == 40
    assert not found["tokens"]["exact"]
    assert job["usd"]["likely"] == pytest.approx(total * 2 * 25 / 1e6, rel=1e-3)
    assert job["usd"]["low"] == pytest.approx(job["usd"]["likely"] * 0.75, rel=1e-3)
    assert found["own_gpus"] == []
    assert found["calls"] == []


def test_cost_without_target_shows_every_provider(data):
    found = run_json("cost", data, *FLAGS)
    assert {job["provider"] for job in found["hosted"]} >= {"openai", "together", "fireworks", "mistral"}
    assert found["unpriced"] == []


def test_cost_on_own_gpus(data):
    found = run_json("cost", data, *FLAGS, "--gpu", "h100", "--gpu", "L4", "--params", "8", "--method", "qlora")
    assert [(job["gpu"], job["method"]) for job in found["own_gpus"]] == [("H100", "qlora"), ("L4", "qlora")]
    assert found["hosted"] == []
    shown = run("cost", data, *FLAGS, "--params", "400", "--gpu", "L4")
    assert "does not fit on 8" in shown
    assert "2 GPUs" in run("cost", data, *FLAGS, "--params", "70", "--gpu", "H100")


def test_the_size_may_stand_in_the_models_name(data):
    found = run_json("cost", data, *FLAGS, "--target", "fireworks", "--model", "Qwen/Qwen2.5-7B")
    assert len(found["own_gpus"]) == 6
    assert [job["offer"] for job in found["hosted"]] == ["up to 16 billion parameters"]


def test_a_provider_without_price_is_named(data):
    shown = run("cost", data, *FLAGS, "--target", "openai", "--target", "trl", "--model", "unheard-of")
    assert "No price of openai for 'unheard-of'." in shown
    shown = run("cost", data, *FLAGS, "--model", "gpt4o-mini")
    assert "No price list has the model 'gpt4o-mini'; near it: gpt-4o-mini, gpt-4.1-mini" in shown
    assert "No price known for" not in shown


def test_broken_rows_are_told(data, tmp_path):
    file = tmp_path / "half broken.jsonl"
    file.write_text(Path(data).read_text() + "garbage\n" * 3)
    for more in ([], ["--compare", "--calls-per-day", "5", "--model", "gpt-4o-mini"]):
        done = CliRunner().invoke(cli, ["cost", str(file), *FLAGS, *more], standalone_mode=False)
        assert done.exception is None
        assert "3 of " in done.stderr
        assert f"could not be read and are left out; `prepdata validate '{file}'` shows why" in done.stderr
    with pytest.raises(InputError, match=r"no row could be read, .*`prepdata validate .*` shows why"):
        file.write_text("garbage")
        run("cost", str(file), *FLAGS)


@pytest.mark.parametrize(
    ("args", "said"),
    [([], "give at least one file"), (["DATA", "--no-tokens"], "needs the tokens"),
     (["DATA", "--gpu", "H100"], "--params"), (["DATA", "--gpu", "H100", "--params", "nan"], "--params nan"),
     (["DATA", "--gpu", "H100", "--params", "7000000000"], "expected the billions"), (["DATA", "--gpu", "abacus", "--params", "7"], "Unknown GPU"),
     (["DATA", "--target", "opnai"], "Did you mean 'openai'")],
)  # fmt: skip
def test_wrong_use(data, args, said):
    with pytest.raises(UsageError, match=said):
        run("cost", *[data if a == "DATA" else a for a in args], *FLAGS)


def test_stats_as_text(data):
    shown = run("stats", data, *FLAGS)
    assert "40 rows, format openai" in shown
    assert "assistant 40, system 40, user 40" in shown
    assert "system prompt in 40 rows, 1 different" in shown
    assert "first in row 1" in shown
    assert "Length per row" in shown


def test_stats_as_json(data):
    found = run_json("stats", data, *FLAGS)
    assert found["files"][0]["examples"] == 40
    assert set(found["measures"]) == {"lengths", "roles", "languages", "tokens"}


def test_stats_without_tokens(data):
    found = run_json("stats", data, *FLAGS, "--no-tokens")
    assert "tokens" not in found["measures"]
    assert "Tokens" not in run("stats", data, *FLAGS, "--no-tokens")


def test_stats_needs_a_path():
    with pytest.raises(UsageError, match="give at least one file"):
        run("stats", *FLAGS)


def test_text_from_data_cannot_steer_the_terminal(tmp_path):
    file = tmp_path / "odd.jsonl"
    call = {"function": {"name": "f\u001b[2J", "arguments": "{}"}}
    row = {"messages": [{"role": "user\u001b[31m", "content": "x"}, {"role": "assistant", "tool_calls": [call]}]}
    file.write_text(json.dumps(row) + "\n")
    assert "\u001b" not in run("stats", str(file), *FLAGS)


def test_vocab_lists_what_is_there(tmp_path, monkeypatch):
    monkeypatch.setenv("PREPDATA_VOCAB_DIR", str(tmp_path))
    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", "")
    shown = run("vocab")
    assert "o200k_base: " in shown
    assert "p50k_base: not there" in shown
    assert "prepdata vocab add FILE" in shown
    places = run_json("vocab", "list")
    assert {p["vocabulary"] for p in places} == set(vocab.VOCABULARIES)


def test_vocab_adds_and_prints_the_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("PREPDATA_VOCAB_DIR", str(tmp_path / "own"))
    assert run("vocab", "path").strip() == str(tmp_path / "own")
    wrong = tmp_path / "wrong"
    wrong.write_bytes(b"x")
    with pytest.raises(UsageError, match="none of the rank files"):
        run("vocab", "add", str(wrong))
    with pytest.raises(UsageError, match="give the file"):
        run("vocab", "add")
    with pytest.raises(UsageError, match="belong to"):
        run("vocab", "list", str(wrong))


@pytest.mark.parametrize(
    ("share", "drawn"),
    [(0, ""), (0.001, "▏"), (0.5, "██"), (1, "████"), (2, "████"), (0.28, "█▏")],
)
def test_bars(share, drawn):
    assert draw.bar(share, 4) == drawn


def test_histograms():
    assert draw.histogram([[0, 1, 2], [1, 2, 0], [2, 4, 4]], width=4) == ["    0  2  ██", "    1  0", "  2-3  4  ████"]
    assert draw.histogram([]) == []


def test_tables():
    assert draw.table([("a", "1"), ("bcd", "20")], right=frozenset({1})) == ["  a     1", "  bcd  20"]
    assert draw.table([]) == []


@pytest.mark.parametrize(
    ("usd", "shown"),
    [(None, "unknown"), (0, "$0.00"), (12.4, "$12.40"), (1234.5, "$1,234.50"), (0.0284, "$0.028"),
     (0.000285, "$0.000285"), (-3.5, "$-3.50")],
)  # fmt: skip
def test_money(usd, shown):
    assert draw.money(usd) == shown


@pytest.mark.parametrize(("value", "shown"), [(0.001, "4 s"), (0.5, "30 min"), (2, "2.0 h"), (1200, "1,200.0 h")])
def test_hours(value, shown):
    assert draw.hours(value) == shown


def test_spans():
    assert draw.span({"low": 1, "likely": 1, "high": 1}, draw.money) == "$1.00"
    assert draw.span({"low": 1, "likely": 2, "high": 3}, draw.money) == "$1.00 - $2.00 - $3.00"
    assert draw.span(None, draw.money) == "unknown"
