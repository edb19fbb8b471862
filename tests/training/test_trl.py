"""The simulated SFTTrainer, worked out by hand with a tokenizer whose tokens are words. No torch, no TRL."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import Any

import pytest

from prepdata.errors import UsageError
from prepdata.formats import recognise
from prepdata.record import Record
from prepdata.render.renderer import Renderer, open_renderer
from prepdata.training import trl
from prepdata.training.base import Prepared, TrainerSettings
from prepdata.training.columns import Columns
from prepdata.training.plain import Plain
from prepdata.training.trl import Trl, labels

tokenizers = pytest.importorskip("tokenizers")

WORDS = "[UNK] <s> END sys user assistant : a b c d e f g".split()  # noqa: SIM905
MARKED = (
    "{% for m in messages %}{{ m.role }} : "
    "{% if m.role == 'assistant' %}{% generation %}{{ m.content }} END{% endgeneration %}{% else %}{{ m.content }}{% endif %} "
    "{% endfor %}{% if add_generation_prompt %}assistant : {% endif %}"
)
UNMARKED = MARKED.replace("{% generation %}", "").replace("{% endgeneration %}", "")


def renderer(folder: Path, template: str = MARKED, bos: bool = False) -> Renderer:
    """Return a renderer; texts that no template wrote begin with <s> where asked for."""
    single = [{"SpecialToken": {"id": "<s>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}]
    start = {"type": "TemplateProcessing", "single": single, "pair": [*single, {"Sequence": {"id": "B", "type_id": 0}}],
             "special_tokens": {"<s>": {"id": "<s>", "ids": [1], "tokens": ["<s>"]}}}  # fmt: skip
    made = {
        "version": "1.0", "truncation": None, "padding": None, "normalizer": None, "decoder": None,
        "added_tokens": [{"id": 2, "content": "END", "single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}],
        "pre_tokenizer": {"type": "WhitespaceSplit"}, "post_processor": start if bos else None,
        "model": {"type": "WordLevel", "vocab": {word: i for i, word in enumerate(WORDS)}, "unk_token": "[UNK]"},
    }  # fmt: skip
    (folder / "tokenizer.json").write_text(json.dumps(made))
    (folder / "tokenizer_config.json").write_text(json.dumps({"chat_template": template, "eos_token": "END"}))
    return open_renderer(str(folder))


def chat(*said: str) -> dict[str, Any]:
    """Return a row of turns of user and assistant."""
    return {"messages": [{"role": "assistant" if n % 2 else "user", "content": text} for n, text in enumerate(said)]}


def record_of(raw: dict[str, Any]) -> Record:
    form = recognise(raw)
    return form.view(raw) if form else Record("unknown", raw, ())


def prepare(
    folder: Path, *rows: dict[str, Any], bos: bool = False, template: str = MARKED, **given: Any
) -> list[Prepared]:
    settings = TrainerSettings(**given)
    return Trl(renderer(folder, template, bos), settings).prepare([record_of(row) for row in rows])


def said(row: Prepared, all_of_it: bool = False) -> str:
    """Return the trained words of a row after it is cut, or all."""
    tokens = row.ids[row.start : row.end] if all_of_it else [token for token in labels(row) if token != -100]
    return " ".join(WORDS[token] for token in tokens)


def test_conversations_are_trained_whole_or_where_the_template_marks(tmp_path: Path) -> None:
    row = chat("a b", "c d", "e", "f")
    (whole,) = prepare(tmp_path, row)
    assert said(whole) == said(whole, True) == "user : a b assistant : c d END user : e assistant : f END"
    (marked,) = prepare(tmp_path, row, loss="assistant")
    assert said(marked) == "c d END f END" and marked.ids == whole.ids


def test_cut_and_dropped(tmp_path: Path) -> None:
    rows = chat("a b", "c d"), chat("a b c d e f", "g"), chat("a", "b")  # 9, 12 and 7 tokens
    start = prepare(tmp_path, *rows, loss="assistant", max_length=8)
    assert [said(row) for row in start] == ["c d", "", "b END"]
    assert [row.dropped for row in start] == ["", "no trained token is left at a length of 8 tokens", ""]
    assert [(row.start, row.end) for row in start] == [(0, 8), (0, 8), (0, 7)]
    end = prepare(tmp_path, *rows, loss="assistant", max_length=8, overflow="keep-end")
    assert [said(row, True) for row in end[:2]] == [": a b assistant : c d END", "c d e f assistant : g END"]
    assert all(row.kept for row in end)
    none = prepare(tmp_path, *rows, loss="assistant", max_length=0)
    assert [row.end for row in none] == [9, 12, 7] and all(row.kept for row in none)


def test_the_default_length_is_1024(tmp_path: Path) -> None:
    rows = chat("a " * 1016, "b"), chat("a " * 1017, "b")  # with 7 other tokens; a double space is no token
    assert [(len(row.ids), row.end) for row in prepare(tmp_path, *rows)] == [(1022, 1022), (1023, 1023)]
    (row,) = prepare(tmp_path, chat("a " * 1019, "b"))
    assert (len(row.ids), row.end, said(row).endswith(": b")) == (1025, 1024, True)


def test_prompt_and_completion_of_turns(tmp_path: Path) -> None:
    turns = chat("a", "b", "c", "d")["messages"]
    row = {"prompt": turns[:1], "completion": turns[1:]}
    assert said(prepare(tmp_path, row)[0]) == "b END user : c assistant : d END"
    assert said(prepare(tmp_path, row, loss="assistant")[0]) == "b END d END"
    assert said(prepare(tmp_path, row, loss="all")[0]).startswith("user : a assistant : b END")
    earlier = {"prompt": turns[:3], "completion": turns[3:]}
    assert said(prepare(tmp_path, earlier, loss="assistant")[0]) == "d END"


def test_prompt_that_is_no_prefix(tmp_path: Path) -> None:
    template = MARKED.replace("assistant : {% endif %}", "assistant : g g{% endif %}")
    turns = chat("a", "b")["messages"]
    (row,) = prepare(tmp_path, {"prompt": turns[:1], "completion": turns[1:]}, template=template)
    assert (said(row), row.lost_prompt) == ("b END", 2)


def test_texts_get_the_end_of_sequence_token(tmp_path: Path) -> None:
    pair, text, ended = {"prompt": "a b", "completion": " c"}, {"text": "d e"}, {"text": "d END"}
    rows = prepare(tmp_path, pair, text, ended, bos=True)
    assert [said(row, True) for row in rows] == ["<s> a b c END", "<s> d e END", "<s> d END"]
    assert [said(row) for row in rows] == ["c END", "<s> d e END", "<s> d END"]
    assert [[change.path for change in row.changes] for row in rows] == [["/completion"], ["/text"], []]
    assert said(prepare(tmp_path, pair, bos=True, loss="all")[0]) == "<s> a b c END"


def test_rows_without_trained_tokens(tmp_path: Path) -> None:
    turns = chat("a", "b", "c")["messages"]
    row = {"prompt": turns[:2], "completion": turns[2:]}  # the completion is a turn of the user
    assert prepare(tmp_path, row, loss="assistant")[0].dropped == "no token of it is trained"
    (kept,) = prepare(tmp_path, row, loss="assistant", max_length=0)
    assert kept.kept and set(labels(kept)) == {-100}
    (ends,) = prepare(tmp_path, chat("a"), loss="assistant", max_length=0)
    assert "marks no token" in ends.stopped and not ends.kept


def test_packing_leaves_rows_as_they_are(tmp_path: Path) -> None:
    rows = chat("a b c d e f", "g"), chat("a", "b")
    for strategy, ends in (("bfd", [8, 7]), ("bfd_split", [12, 7]), ("wrapped", [12, 7])):
        found = prepare(tmp_path, *rows, loss="assistant", packing=strategy, max_length=8)
        assert [row.end for row in found] == ends and all(row.kept for row in found)


def test_a_template_that_trl_does_not_know(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trl, "known_templates", lambda: {"other": "other"})
    (row,) = prepare(tmp_path, chat("a", "b"), template=UNMARKED, loss="assistant")
    assert "nor is it one of those" in row.stopped and said(row) == ""
    (row,) = prepare(tmp_path, {"text": "a"}, template=UNMARKED, loss="assistant")
    assert row.stopped == "assistant-only loss needs rows with turns"


def test_a_template_that_trl_knows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trl, "known_templates", lambda: {UNMARKED: "g " + MARKED})
    (row,) = prepare(tmp_path, chat("a", "b"), template=UNMARKED, loss="assistant")
    assert (said(row), said(row, True)) == ("b END", "g user : a assistant : b END")
    assert not prepare(tmp_path, chat("a", "b"), template=UNMARKED)[0].stopped


def test_templates_that_cannot_be_looked_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = renderer(tmp_path, UNMARKED)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    trl.known_templates.cache_clear()
    try:
        found = Trl(made, TrainerSettings(loss="assistant"))
    finally:
        trl.known_templates.cache_clear()
    (row,) = found.prepare([record_of(chat("a", "b"))])
    assert row.refusal is not None and "could not be looked up" in row.refusal.said and not row.stopped


def test_known_templates_are_read_from_the_files_of_the_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "trl"
    (package / "chat_templates").mkdir(parents=True)
    (package / "__init__.py").write_text("raise ImportError('not to be imported')")
    for name, text in (("x", "X"), ("x_training", "X marked"), ("y", "Y"), ("z_training", "Z")):
        (package / "chat_templates" / f"{name}.jinja").write_text(text)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(__import__("sys").modules, "trl", raising=False)
    trl.known_templates.cache_clear()
    try:
        assert trl.known_templates() == {"X": "X marked"}
    finally:
        trl.known_templates.cache_clear()


def test_stop_token(tmp_path: Path) -> None:
    assert Trl(renderer(tmp_path)).stop_token_trained is True
    outside = MARKED.replace(" END{% endgeneration %}", "{% endgeneration %} END")
    assert Trl(renderer(tmp_path, outside)).stop_token_trained is False
    assert Trl(renderer(tmp_path, UNMARKED)).stop_token_trained is False
    assert Trl(renderer(tmp_path, "{{ raise_exception('no') }}")).stop_token_trained is False


REFUSED = {
    "DPOTrainer": {"prompt": "a", "chosen": "b", "rejected": "c"},
    "KTOTrainer": {"prompt": "a", "completion": "b", "label": False},
    "alpaca": {"instruction": "a", "input": "", "output": "b"},
    "gemini": {"contents": [{"role": "user", "parts": [{"text": "a"}]}, {"role": "model", "parts": [{"text": "b"}]}]},
    "vision": {**chat("a", "b"), "images": ["x.png"]},
    "completion beside": {"prompt": "a"},
    "token ids": {"input_ids": [1, 2]},
    "not simulated": {**chat("a", "b"), "chat_template_kwargs": {"truncation": True}},
    "by chance": {**chat("a", "b"), "completion": "c"},
}


@pytest.mark.parametrize("word", REFUSED)
def test_rows_that_are_refused(tmp_path: Path, word: str) -> None:
    (row,) = prepare(tmp_path, REFUSED[word])
    assert row.refusal is not None and word in row.refusal.said and not row.kept and not row.ids


def test_what_is_not_read_is_told(tmp_path: Path) -> None:
    row = {**chat("a", "b"), "documents": [{"text": "c"}], "functions": []}
    row["messages"][1]["weight"] = 0
    (made,) = prepare(tmp_path, row)
    assert [(change.path, change.what) for change in made.changes] == [
        ("/documents", "is not read"), ("/messages/1/weight", "is not read: the turn is trained on"),
    ]  # fmt: skip
    assert said(made).endswith("b END")


def test_one_bad_row_does_not_keep_the_others_from_being_told(tmp_path: Path) -> None:
    rows = [chat("a", "b"), {"messages": []}, {"foo": 1}, {**chat("c", "d"), "tools": "{"}, chat("e", "f")]
    found = prepare(tmp_path, *rows)
    assert [row.kept for row in found] == [True, False, False, False, True]
    assert found[1].stopped == "/messages is an empty list" and "no JSON" in found[3].stopped
    assert said(found[4]) == "user : e assistant : f END"


def test_the_first_row_decides_for_all(tmp_path: Path) -> None:
    rows = [{"text": "a"}, chat("b", "c")]
    made = Trl(renderer(tmp_path), columns=Columns.of(rows)).prepare([record_of(row) for row in rows])
    assert made[0].kept and "the first row is a text" in made[1].stopped
    alone = Trl(renderer(tmp_path)).prepare([record_of(row) for row in rows])
    assert all(row.kept for row in alone)


@pytest.mark.parametrize("name", ["messages", "tools", "self", "add_generation_prompt"])
def test_variables_that_are_given_already_do_not_crash_a_plain_trainer(tmp_path: Path, name: str) -> None:
    row = {**chat("a", "b"), "chat_template_kwargs": {name: [1]}}
    found = Plain(renderer(tmp_path)).prepare([record_of(row), record_of(chat("a", "b"))])
    assert found[0].refusal is not None and name in found[0].refusal.said and found[1].kept


@pytest.mark.parametrize(
    ("given", "word"), [({"overflow": "drop"}, "keep-start"), ({"packing": "bfd", "max_length": 0}, "max-length")]
)
def test_settings_that_trl_does_not_have(tmp_path: Path, given: dict[str, Any], word: str) -> None:
    with pytest.raises(UsageError, match=word):
        Trl(renderer(tmp_path), TrainerSettings(**given))
