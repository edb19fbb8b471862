"""`prepdata show`: a row as the model sees it. Every byte is a token, so that tokens can be counted by hand."""

from __future__ import annotations

import io
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from byte_tokenizer import write_folder
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_model import write_tokenizer

from prepdata.cli import output as cli_output
from prepdata.cli.show import command
from prepdata.errors import PrepdataError
from prepdata.formats import recognise
from prepdata.generate import show_schema
from prepdata.render import Rendered, open_renderer
from prepdata.reporters.base import Output
from prepdata.reporters.tokens import write_view
from prepdata.training.base import Change, Prepared, Trainer, of
from prepdata.training.plain import Plain
from prepdata.training.settings import TrainerSettings
from prepdata.training.trainers import TRAINERS
from prepdata.training.view import covering, view

SCHEMA = json.loads(show_schema())
KEY = "gh" + "p_" + "aB3dE5fG7hJ9kL1mN3pQ5rS7tU9vW1xY3z01"


def chat(question: str, answer: str) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]}


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    base = tmp_path_factory.mktemp("tokenizers")
    return {name: str(write_folder(base / name, name)) for name in ("chatml", "unmarked", "strict", "tools")}


@pytest.fixture
def show(tmp_path, folders, monkeypatch):
    """Return a function that shows rows (the first line of a file unless other places are named)."""
    monkeypatch.chdir(tmp_path)

    def run(rows, *arguments, tokenizer="chatml", places=("rows.jsonl:1",), **environment):
        (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        given = [*places, "--tokenizer", folders[tokenizer], "--isolated", *arguments]
        result = CliRunner().invoke(command, given, standalone_mode=False, env=environment)
        if result.exception is not None:
            raise result.exception
        return result.stdout

    return run


def as_json(text: str) -> list[dict[str, Any]]:
    document = json.loads(text)
    jsonschema.Draft202012Validator(SCHEMA).validate(document)
    return document["rows"]


# --- JSON ------------------------------------------------------------------------------------------------------------


def test_json_by_hand(show, folders):
    """<|im_start|>user⏎Hi<|im_end|>⏎ is 1 + 5 + 2 + 1 + 1 = 10 tokens; <|im_start|>assistant⏎ 1 + 10; Yo<|im_end|> 3, which
    are trained; ⏎ 1. 25 in all."""
    [row] = as_json(show([chat("Hi", "Yo")], "--json"))
    assert row["text"] == "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\nYo<|im_end|>\n"
    assert row["counts"] == {
        "tokens": 25, "trained": 3, "left": 25, "left_trained": 3, "lost": 0, "lost_trained": 0,
    }  # fmt: skip
    assert [n for n, flag in enumerate(row["trained"]) if flag] == [21, 22, 23]
    assert [n for n, flag in enumerate(row["special"]) if flag] == [0, 8, 10, 23]
    assert row["ids"] == [256, *b"user\nHi", 257, 10, 256, *b"assistant\nYo", 257, 10]
    assert "".join(row["tokens"]) == row["text"]
    assert row["offsets"][0] == [0, 12] and row["offsets"][1] == [12, 13]
    assert (row["start"], row["end"], row["line"], row["record"]) == (0, 25, 1, 0)
    assert (row["trainer"], row["format"], row["refused"], row["masked"]) == ("plain", "openai", None, [])
    assert row["template"]["name"] == "default" and row["template"]["source"] == folders["chatml"]
    assert re.fullmatch("[0-9a-f]{16}", row["template"]["digest"])


def test_json_of_a_cut_row(show):
    [row] = as_json(show([chat("Hi", "Yo")], "--json", "--max-length", "22"))
    assert (row["start"], row["end"], len(row["ids"])) == (0, 22, 25)
    assert row["counts"] == {
        "tokens": 25, "trained": 3, "left": 22, "left_trained": 1, "lost": 3, "lost_trained": 2,
    }  # fmt: skip
    assert row["settings"]["max_length"] == 22
    [row] = as_json(show([chat("Hi", "Yo")], "--json", "--max-length", "22", "--overflow", "keep-end"))
    assert (row["start"], row["end"], row["counts"]["lost_trained"]) == (3, 25, 0)


def test_json_of_dropped_and_refused_rows(show):
    [row] = as_json(show([chat("Hi", "Yo")], "--json", "--max-length", "21"))
    assert row["dropped"] == "no trained token is left at a length of 21 tokens"
    assert row["counts"] == {"tokens": 25, "trained": 3, "left": 0, "left_trained": 0, "lost": 0, "lost_trained": 0}
    [row] = as_json(show([chat("Hi", "Yo")], "--json", "--max-length", "21", "--overflow", "error"))
    assert row["stopped"] == "longer than 21 tokens"
    system = {"messages": [{"role": "system", "content": "x"}, *chat("Hi", "Yo")["messages"]]}
    [row] = as_json(show([system], "--json", tokenizer="strict"))
    assert row["refused"] == {"said": "System role not supported", "line": 1, "meant": True}
    assert row["ids"] == [] and row["text"] == ""


def test_rows_of_plain_text_have_no_template(show):
    [row] = as_json(show([{"text": "abc"}], "--json"))
    assert (row["template"], row["counts"]["trained"]) == (None, 3)


def test_several_tokens_share_a_character(show):
    [row] = as_json(show([chat("Hi", "é😀")], "--json"))
    at = row["text"].index("é")
    assert row["offsets"][21:27] == [[at, at + 1]] * 2 + [[at + 1, at + 2]] * 4
    assert row["tokens"][21:27] == ["é"] * 2 + ["😀"] * 4


def test_several_rows_come_in_the_order_they_are_named(show):
    rows = [chat("a", "b"), chat("c", "d")]
    found = as_json(show(rows, "--json", places=("rows.jsonl:2", "rows.jsonl:1", "rows.jsonl[1]")))
    assert [(row["line"], row["record"]) for row in found] == [(2, 1), (1, 0), (2, 1)]


def test_another_template_and_another_loss(show, tmp_path):
    (tmp_path / "own.jinja").write_text("{% for m in messages %}[{{ m.content }}]{% endfor %}")
    [row] = as_json(show([chat("Hi", "Yo")], "--json", "--chat-template", "own.jinja", "--loss", "all"))
    assert row["text"] == "[Hi][Yo]"
    assert row["counts"]["trained"] == 8


# --- secrets ---------------------------------------------------------------------------------------------------------


def test_secrets_are_masked_with_their_ids(show):
    shown = show([chat(f"Is {KEY} fine?", f"No: {KEY}!")], "--json")
    [row] = as_json(shown)
    assert KEY not in shown and KEY[6:20] not in shown
    assert "Is ghp_… (40 characters) fine?" in row["text"]
    assert row["ids"].count(None) == 2 * len(KEY)
    assert len(row["masked"]) == 2
    for start, end in row["masked"]:
        assert row["text"][start:end] == "ghp_… (40 characters)"
    whole = "".join(token for token, number in zip(row["tokens"], row["ids"]) if number is not None)
    assert whole == row["text"].replace("ghp_… (40 characters)", "")
    assert row["ids"][-1] == 10 and row["tokens"][-1] == "\n"
    assert row["text"].endswith("!<|im_end|>\n") and row["tokens"][-3:] == ["!", "<|im_end|>", "\n"]
    text = show([chat(f"Is {KEY} fine?", f"No: {KEY}!")])
    assert "masked: 2 places that hold secrets" in text and KEY[6:20] not in text


def test_secrets_in_refusals_are_masked(show, tmp_path):
    (tmp_path / "own.jinja").write_text("{{ raise_exception('no: ' + messages[0].content) }}")
    [row] = as_json(show([chat(f"key {KEY}", "b")], "--json", "--chat-template", "own.jinja"))
    assert row["refused"]["said"].startswith("no: key ghp_…")
    assert KEY not in show([chat(f"key {KEY}", "b")], "--chat-template", "own.jinja")


# --- text ------------------------------------------------------------------------------------------------------------


def body(text: str) -> list[str]:
    return text.split("\n\n", 1)[1].rstrip("\n").split("\n")


def test_marks_stand_below_the_text_where_there_are_no_colours(show):
    assert body(show([chat("Hi", "Yo")])) == [
        "  | <|im_start|>user↵",
        "    ~~~~~~~~~~~~",
        "  | Hi<|im_end|>↵",
        "      ~~~~~~~~~~",
        "  | <|im_start|>assistant↵",
        "    ~~~~~~~~~~~~",
        "  | Yo<|im_end|>↵",
        "    ==##########",
    ]


def test_head(show, folders):
    head = show([chat("Hi", "Yo")]).split("\n\n")[0].split("\n")
    assert head[:3] == [
        "rows.jsonl:1 (openai)",
        "  tokens: 25, 3 of them trained (12.0%)",
        "  trainer: plain (loss assistant, overflow keep-start)",
    ]
    assert " ".join(head[3:-1]).startswith("  template: default of ")
    assert head[-1] == "  shown: = trained; # special, trained; ~ special; no mark not trained"


def test_the_cut_is_marked_with_what_is_lost(show):
    text = show([chat("Hi", "Yo you")], "--max-length", "23")
    assert "  cut: 23 tokens are left, 2 of them trained; 6 tokens cut off, 5 of them trained" in text
    assert body(text)[-6:] == [
        "    ~~~~~~~~~~~~",
        "  | Yo",
        "    ==",
        "  --- cut at 23 tokens: 6 tokens cut off, 5 of them trained ---",
        "  |  you<|im_end|>↵",
        "    xxxxxxxxxxxxxx-",
    ]


def test_the_cut_at_the_beginning(show):
    lines = body(show([chat("Hi", "Yo")], "--max-length", "22", "--overflow", "keep-end"))
    assert lines[:5] == [
        "  | <|im_start|>us",
        "    --------------",
        "  --- cut: what stands above is lost: 3 tokens cut off, 0 of them trained ---",
        "  | er↵",
        "  | Hi<|im_end|>↵",
    ]


def test_white_space_that_matters_can_be_seen(show):
    lines = [line for line in body(show([chat("a \tb  \n c  ", " Yo ")])) if line.startswith("  |")]
    assert lines[1:3] == ["  | a →b··↵", "  |  c··<|im_end|>↵"]
    assert lines[4] == "  |  Yo·<|im_end|>↵"


def test_borders_of_tokens(show):
    text = show([chat("Hi", "é")], "--tokens")
    assert "▏ a token begins" in text
    assert "  | ▏H▏i▏<|im_end|>▏↵" in text
    assert "  | ▏é▏▏<|im_end|>▏↵" in text  # two tokens make one letter


def test_what_the_tokenizer_passes_over_is_no_token(show, tmp_path):
    folder = tmp_path / "words"
    folder.mkdir()
    write_tokenizer(folder / "tokenizer.json", ["hi", "yo", ":"])
    (folder / "chat_template.jinja").write_text("{% for m in messages %}{{ m.content }} : \n{% endfor %}")
    text = show([chat("Hi", "Yo")], "--tokenizer", str(folder), "--loss", "all")
    assert "shown: = trained; . no token" in text
    assert body(text) == ["  | Hi :·↵", "    ==.=..", "  | Yo :·↵", "    ==.=.."]
    [row] = as_json(show([chat("Hi", "Yo")], "--json", "--tokenizer", str(folder), "--loss", "all"))
    assert row["tokens"] == ["Hi", ":", "Yo", ":"]


def test_white_space_that_is_in_tokens_but_not_in_their_offsets(show, folders, tmp_path):
    """Byte-level tokenizers may leave it out of the offsets (`trim_offsets`)."""
    folder = tmp_path / "trimmed"
    shutil.copytree(folders["chatml"], folder)
    held = json.loads((folder / "tokenizer.json").read_text())
    held["post_processor"] = {**held["pre_tokenizer"], "trim_offsets": True}
    (folder / "tokenizer.json").write_text(json.dumps(held))
    rows = [chat("a  b", " c\n")]
    assert body(show(rows, "--tokenizer", str(folder))) == body(show(rows))
    [row] = as_json(show(rows, "--json", "--tokenizer", str(folder)))
    assert "".join(row["tokens"]) == row["text"]


@pytest.mark.parametrize(
    ("text", "given", "found"),
    [
        ("a b", [(0, 1), (2, 3)], [(0, 1), (1, 3)]),
        ("a \n", [(0, 1), (2, 2), (3, 3)], [(0, 1), (1, 2), (2, 3)]),
        ("a b ", [(0, 1), (2, 3)], [(0, 1), (1, 4)]),
        ("a-b", [(0, 1), (2, 3)], [(0, 1), (2, 3)]),  # no white space: the tokenizer dropped it
        ("é", [(0, 1), (0, 1)], [(0, 1), (0, 1)]),
        (" ", [], []),
    ],
)
def test_covering_by_hand(text, given, found):
    assert covering(text, given) == found


def test_colours_in_place_of_marks(show):
    text = show([chat("Hi", "Yo")], "--color", "always")
    assert "\x1b[32mYo\x1b[0m\x1b[1;4;32m<|im_end|>\x1b[0m↵" in text
    assert "\x1b[36m<|im_start|>\x1b[0muser↵" in text
    assert "==" not in text
    assert "\x1b" not in show([chat("Hi", "Yo")])


def test_no_color_is_honoured_on_a_terminal(monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    monkeypatch.setattr(sys, "stdout", Terminal())
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert cli_output.terminal("auto")[1].color
    monkeypatch.setenv("NO_COLOR", "1")
    assert not cli_output.terminal("auto")[1].color
    assert cli_output.terminal("always")[1].color


def test_long_lines_go_on_below(show):
    lines = [line for line in body(show([chat("x" * 250, "Yo")])) if line[2] in "|+"]
    assert lines[1:4] == ["  | " + "x" * 96, "  + " + "x" * 96, "  + " + "x" * 58 + "<|im_end|>↵"]


def test_wide_letters_keep_the_marks_in_place(show):
    assert body(show([chat("Hi", "日本")]))[-2:] == ["  | 日本<|im_end|>↵", "    ====##########"]


def test_hostile_text_cannot_steer_the_terminal(show):
    nasty = "a\x1b[31m\u202eb\u200b\x07\r\u2028\U000e0041\ufeff\x9b\u00a0c"
    text = show([chat(nasty, "Yo")])
    assert "a\\u001b[31m\\u202eb\\u200b\\u0007\\u000d\\u2028\\U000e0041\\ufeff\\u009b\\u00a0c<|im_end|>" in text
    assert all(letter.isprintable() or letter == "\n" for letter in text)


@pytest.fixture(scope="module")
def renderer(folders):
    return open_renderer(folders["unmarked"])


@settings(max_examples=40)
@given(st.text(max_size=30), st.text(min_size=1, max_size=30), st.integers(1, 60), st.booleans())
def test_nothing_but_what_can_be_printed_is_written(renderer, question, answer, most, borders):
    trainer = Plain(renderer, TrainerSettings(max_length=most))
    raw = chat(question, answer)
    record = recognise(raw).view(raw)
    [made] = trainer.prepare([record])
    seen = view(record, made, trainer, file="a", line=1, number=0)
    assert len(seen.ids) == len(seen.tokens) == len(seen.trained) == len(seen.special) == len(seen.offsets)
    assert seen.counts.left + seen.counts.lost in (0, len(seen.ids))
    out = io.StringIO()
    write_view(seen, out, Output(width=60), borders=borders)
    assert all(letter.isprintable() or letter == "\n" for letter in out.getvalue())


# --- trainers --------------------------------------------------------------------------------------------------------


class Shouting(Trainer):
    """A trainer that trains on nothing but the last token, and says that it changed the row."""

    name = "trl"
    title = "a trainer of the tests"

    defaults = TrainerSettings(loss="completion")

    def prepare(self, records):
        def made(record) -> Prepared:
            text = record.messages[0].text.upper()
            encoded = self.renderer.encode(Rendered(text, bare=True))
            row = of(encoded, text, [0] * (len(encoded.ids) - 1) + [1])
            return row._replace(changes=(Change("/messages/0/content", "is said louder"),), lost_prompt=2)

        return [made(record) for record in records]


def test_changes_and_several_trainers(show, monkeypatch):
    monkeypatch.setitem(TRAINERS, "trl", (__name__, "Shouting"))
    monkeypatch.setitem(TRAINERS, "axolotl", ("prepdata.training.plain", "Plain"))
    text = show([chat("hi", "yo")], "--target", "trl", "--target", "axolotl")
    first, second = text.split("\n\nrows.jsonl:1 (openai)")
    assert "  changed: /messages/0/content: is said louder" in first
    assert "  prompt: rendered by itself it ends with 2 tokens that the whole row does not begin with" in first
    assert "  | HI\n     =" in first
    assert "trainer: plain" in second
    [one, two] = as_json(show([chat("hi", "yo")], "--json", "--target", "trl", "--target", "axolotl"))
    assert one["changes"] == [{"path": "/messages/0/content", "what": "is said louder"}]
    assert (one["lost_prompt"], one["trainer"], two["trainer"]) == (2, "trl", "plain")


# --- wrong use -------------------------------------------------------------------------------------------------------


def test_wrong_use_says_what_to_give(show, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run = CliRunner().invoke
    for arguments, said in (
        ([], "say which row: prepdata show FILE:LINE"),
        (["rows.jsonl:1", "--isolated"], "--tokenizer DIR"),
        (["rows.jsonl:1", "--isolated", "--tokenizer", "missing"], "No tokenizer.json at missing"),
        (["rows.jsonl:1", "--tokenizer", str(write_folder(tmp_path / "none", None))], "--chat-template FILE"),
    ):
        error = run(command, arguments, standalone_mode=False).exception
        assert isinstance(error, PrepdataError) and said in str(error)
    with pytest.raises(PrepdataError, match="the file has 1 line"):
        show([chat("a", "b")], places=("rows.jsonl:1", "rows.jsonl:2"))


def prepdata(*arguments: str, cwd: Path, stdin: str = "") -> subprocess.CompletedProcess[str]:
    given = [sys.executable, "-m", "prepdata", "show", *arguments]
    return subprocess.run(given, cwd=cwd, capture_output=True, text=True, encoding="utf-8", input=stdin, timeout=120)


def test_as_a_process(tmp_path, folders):
    line = json.dumps(chat("Hi", "Yo"))
    found = prepdata("-:2", "-[0]", "--tokenizer", folders["chatml"], cwd=tmp_path, stdin=f"\n{line}\n")
    assert found.returncode == 0 and found.stdout.count("<stdin>:2 (openai)") == 2 and not found.stderr
    found = prepdata("-:1", "--tokenizer", folders["chatml"], cwd=tmp_path, stdin=f"\n{line}\n")
    assert (found.returncode, found.stdout) == (2, "")
    assert found.stderr == "prepdata: -:1: no row stands in this line; the nearest row is in line 2\n"


def test_trainers_that_are_not_simulated_are_named(tmp_path, folders):
    absent = next((name for name in ("trl", "axolotl", "llama-factory", "unsloth") if name not in TRAINERS), None)
    if absent is None:
        pytest.skip("all trainers are simulated")
    line = json.dumps(chat("Hi", "Yo")) + "\n"
    found = prepdata("-:1", "--tokenizer", folders["chatml"], "--target", absent, cwd=tmp_path, stdin=line)
    assert found.returncode == 0
    assert found.stderr == f"prepdata: not simulated yet: {absent}: shown is what any trainer makes of a row\n"
