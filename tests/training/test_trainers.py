"""The simulated trainers by name, and what they share."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made import record, renderer, turns, write_folder

import prepdata
from prepdata import targets
from prepdata.errors import UsageError
from prepdata.formats import recognise
from prepdata.reporters.training import training_lines
from prepdata.training.base import Prepared, Trainer
from prepdata.training.settings import TrainerSettings
from prepdata.training.trainers import TRAINERS, trainer_named

LOSSES: dict[str, tuple[Any, ...]] = {
    "plain": (None, "all"), "axolotl": (None, "all"), "llama-factory": (None, "completion"),
    "unsloth": (None, "assistant"), "trl": (None,),
}  # fmt: skip
WRITTEN = [name for name, (module, _) in TRAINERS.items() if find_spec(module)]


def test_named_as_the_targets() -> None:
    assert set(TRAINERS) - {"plain"} <= set(targets.names())
    assert {"plain", "axolotl", "llama-factory", "unsloth"} <= set(WRITTEN)
    with pytest.raises(UsageError, match="Did you mean 'axolotl'"):
        trainer_named("axolotel")


@pytest.mark.parametrize("name", WRITTEN)
def test_rows_are_judged_one_by_one(tmp_path: Path, name: str) -> None:
    kind = trainer_named(name)
    assert kind.name == name and issubclass(kind, Trainer)
    rows = [
        record(turns("Where?", "Here.")),
        record(turns("user: Where?", "user: Where?")),
        record({"messages": []}),
        record({"text": "Herons."}),
        record({"messages": [{"role": "user", "content": None}, {"role": "assistant", "content": [1]}]}),
        record({"conversations": [{"from": "human", "value": "Q"}, {"from": "gpt", "value": "A"}]}),
        record({"instruction": "Q", "input": "", "output": "A"}),
        record({"prompt": "Q", "chosen": "A", "rejected": "B"}),
        record({"prompt": "Q", "completion": "A"}),
    ]
    trainer = kind(renderer(tmp_path))
    together = trainer.prepare(rows)
    assert together[0].kept and 1 in together[0].trained
    again = [one for row in rows for one in trainer.prepare([row])]
    assert [_plain(row) for row in together] == [_plain(row) for row in again]
    for row in together:
        assert len(row.ids) == len(row.trained) == len(row.offsets)
        assert 0 <= row.start <= row.end <= len(row.ids)


_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-3, 3)
    | st.sampled_from(["", "user", "assistant", "tool", "[", "[]", "{}"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["role", "content", "text", "function", "arguments"]), inner, max_size=3)
    ),
    max_leaves=6,
)
_turns = st.dictionaries(
    st.sampled_from(["role", "content", "from", "value", "tool_calls", "reasoning_content", "weight"]),
    _values,
    max_size=4,
)
_usual = st.fixed_dictionaries({"role": st.sampled_from(["user", "assistant", "tool"]), "content": _values})
_rows = st.fixed_dictionaries(
    {}, optional={
        "messages": st.lists(_turns | _usual | _values, max_size=4), "conversations": st.lists(_turns, max_size=3),
        "prompt": _values, "completion": _values, "tools": _values, "system": _values, "text": _values,
        "instruction": _values, "output": _values, "input": _values, "history": _values,
        "chat_template_kwargs": _values, "documents": _values,
    },
)  # fmt: skip


@pytest.mark.parametrize("name", WRITTEN)
def test_no_row_makes_a_trainer_stumble(tmp_path_factory: pytest.TempPathFactory, name: str) -> None:
    kind = trainer_named(name)
    made = renderer(tmp_path_factory.mktemp("model"))
    trainers = [kind(made, TrainerSettings(loss=loss, max_length=20)) for loss in LOSSES[name]]

    @settings(max_examples=150)
    @given(_rows)
    def run(raw: dict[str, Any]) -> None:
        found = recognise(raw)
        if found is None:
            return
        for trainer in trainers:
            [row] = trainer.prepare([found.view(raw)])
            assert len(row.ids) == len(row.trained) == len(row.offsets)
            assert row.kept or row.dropped or row.stopped or row.refusal

    run()


def test_settings_that_a_trainer_does_not_have_are_told_at_the_start(tmp_path: Path) -> None:
    write_folder(tmp_path / "model")
    path = tmp_path / "a.jsonl"
    path.write_text(json.dumps(turns("Where?", "Here.")) + "\n", encoding="utf-8")
    said = {"llama-factory": "leave overflow out", "unsloth": "keep-start or keep-end", "axolotl": None}
    for name, why in said.items():
        given_settings = {"targets": [name], "tokenizer": str(tmp_path / "model"), "overflow": "drop", "tokens": False}
        if why:
            with pytest.raises(UsageError, match=why):
                prepdata.validate(path, **given_settings)
        else:
            assert not [f for f in prepdata.validate(path, select=["TOK"], **given_settings) if f.severity == "error"]


def test_the_report_says_what_is_taken_for_granted(tmp_path: Path) -> None:
    write_folder(tmp_path / "model")
    path = tmp_path / "a.jsonl"
    tool = {"type": "function", "function": {"name": "count", "parameters": {"type": "object", "properties": {}}}}
    rows = [turns("Where?", "Here."), turns("How many?", "Three.", tools=[tool])]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    names = ["llama-factory", "trl"]
    report = prepdata.validate(path, targets=names, tokenizer=str(tmp_path / "model"))
    found = {one["trainer"]: one["note"] for one in report.files[0].measures["training"]["trainers"]}
    assert found == {"llama-factory": trainer_named("llama-factory").note, "trl": ""}
    lines = list(training_lines(report.files[0].measures["training"]))
    assert [line for line in lines if "simulated without" in line]
    assert lines[0].startswith("llama-factory: 1 of 2 rows kept, 1 not simulated, 1 changed;")


def _plain(row: Prepared) -> object:
    listed = {"ids": list(row.ids), "trained": list(row.trained), "offsets": list(row.offsets)}
    return row._replace(refusal=None, **listed), str(row.refusal)


def test_what_is_left_has_no_holes_in_it() -> None:
    row = Prepared("", range(10), [0] * 10, [(0, 0)] * 10, 1, 9, holes=((2, 4), (6, 7)))
    assert row.left == [1, 4, 5, 7, 8]
    assert (row.left_size, row.left_trained) == (5, 0)
    assert row._replace(trained=[1, 1, 1, 0, 1, 1, 1, 1, 0, 0]).left_trained == 4
    assert row._replace(holes=()).left == [1, 2, 3, 4, 5, 6, 7, 8]


def test_names_are_there_without_the_trainers() -> None:
    code = "import sys, prepdata.training.trainers; print('jinja2' in sys.modules, 'tokenizers' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]


def test_half_characters_that_a_template_writes_stop_no_rule(tmp_path: Path) -> None:
    template = "{% for m in messages %}{{ m.content + '\\ud800' }}{% endfor %}"
    place = write_folder(tmp_path / "model", template)
    row = {"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]}
    (tmp_path / "rows.jsonl").write_text(json.dumps(row) + "\n", encoding="utf-8")
    report = prepdata.validate(tmp_path / "rows.jsonl", tokenizer=str(place), select=["TOK"], cache=False)
    assert "no-end-of-turn" in {f.name for f in report} and "rule-crash" not in {f.name for f in report}
