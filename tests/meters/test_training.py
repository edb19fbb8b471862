"""The training meter: what trainers make of rows, worked out by hand, whatever the cut of the file.

Every byte is a token. A row of a question of q and an answer of a letters has q + a + 21 tokens: `<|im_start|>user⏎` 6,
`<|im_end|>⏎` 2, `<|im_start|>assistant⏎` 11, `<|im_end|>⏎` 2; a + 1 are trained, the last but one of the row last."""

from __future__ import annotations

import itertools
import json

import jsonschema
import msgspec
import pytest
from byte_tokenizer import write_folder
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

import prepdata
from prepdata.cli.stats import command as stats
from prepdata.formats import get
from prepdata.generate import report_schema
from prepdata.meters import build_meters
from prepdata.meters.base import MeterContext
from prepdata.parse import parse
from prepdata.reporters.training import training_lines
from prepdata.rules.base import Parts
from prepdata.settings import Settings
from prepdata.targets import load
from prepdata.training.column import rendering_of
from prepdata.training.trainers import TRAINERS


def row(question, answer):
    return {
        "messages": [
            {"role": "user", "content": "q" * question},
            {"role": "assistant", "content": "a" * answer},
        ]
    }


SYSTEM = {"messages": [{"role": "system", "content": "s"}, *row(1, 1)["messages"]]}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return str(write_folder(tmp_path_factory.mktemp("tokenizer"), "strict"))


def measure(rows, folder, cuts=(), epochs=None, targets=(), **changes):
    """Run the meter over rows cut in pieces, as the engine does: what `see` gives goes through msgpack."""
    held = tuple(load(name) for name in targets)
    rendering = rendering_of(Settings(tokenizer=folder, **changes), held)
    [meter] = build_meters(["training"], MeterContext(rendering=rendering, epochs=epochs))
    edges = [0, *sorted(cuts), len(rows)]
    parts = []
    for start, end in itertools.pairwise(edges):
        if start < end:
            data = "\n".join(map(json.dumps, rows[start:end])).encode()
            chunk = parse(data, None, end - start, get("openai")).chunk
            parts.append((start, msgspec.msgpack.decode(msgspec.msgpack.encode(meter.see(chunk)))))
    return meter.finish(Parts([], parts, len(rows)))["trainers"]


def test_by_hand(folder):
    """Tokens 41, 61, 131 (20, 30 and 100 of them trained). At 60 the second is cut after 59 of its tokens with loss (its last
    trained token is 60: nothing of the answer is lost), the third begins its answer at token 29 and keeps 31 + 0."""
    rows = [row(1, 19), row(11, 29), row(11, 99), SYSTEM]
    [found] = measure(rows, folder, max_length=60)
    assert {key: found[key] for key in ("trainer", "rows", "kept", "cut", "answers_cut", "refused", "stopped")} == {
        "trainer": "plain", "rows": 4, "kept": 3, "cut": 2, "answers_cut": 1, "refused": 1, "stopped": 0,
    }  # fmt: skip
    assert (found["tokens"], found["trained_tokens"]) == (41 + 61 + 131, 20 + 30 + 100)
    assert (found["left_tokens"], found["left_trained_tokens"]) == (41 + 60 + 60, 20 + 30 + 30)
    assert found["per_row"]["max"] == 131 and found["dropped"] == {}
    advice = {one["name"]: one for one in found["recommendations"]}
    assert advice["max-length"]["figures"]["no_answer_cut"] == {"exact": 130, "rounded": 192}
    assert advice["max-length"]["figures"]["answers_cut_as_set"] == 1
    assert advice["useless-rows"]["figures"] == {"without_trained_token": 0, "left_out_by_trainer": 0, "refused": 1}
    assert found["padding"] == advice["against-padding"]["figures"]
    assert (found["padding"]["tokens"], found["padding"]["read_random_order"]) == (161, 180)


def test_rows_that_are_left_out(folder):
    rows = [row(1, 19), row(100, 5), row(1, 19)]
    [found] = measure(rows, folder, max_length=60)
    assert (found["kept"], found["dropped"]) == (2, {"no trained token is left at a length of 60 tokens": 1})
    [found] = measure(rows, folder, max_length=60, overflow="drop")
    assert (found["kept"], found["dropped"]) == (2, {"longer than 60 tokens": 1})
    [found] = measure(rows, folder, max_length=60, overflow="error")
    assert (found["kept"], found["dropped"], found["stopped"]) == (2, {}, 1)


def test_nothing_to_measure(folder):
    [found] = measure([], folder)
    assert (found["rows"], found["recommendations"], found["padding"]) == (0, [], None)
    [found] = measure([SYSTEM], folder)
    assert (found["refused"], found["tokens"], [one["name"] for one in found["recommendations"]]) == (
        1, 0, ["useless-rows"],
    )  # fmt: skip


ROWS = st.lists(
    st.one_of(st.builds(row, st.integers(0, 60), st.integers(0, 60)), st.just(SYSTEM)), min_size=1, max_size=12
)


@settings(max_examples=40)
@given(ROWS, st.sets(st.integers(0, 12)), st.sampled_from([None, 50, 90]), st.sampled_from([None, "drop", "keep-end"]))
def test_the_cut_of_the_file_does_not_matter(folder, rows, cuts, most, overflow):
    changes = {"max_length": most, "overflow": overflow}
    assert measure(rows, folder, {cut for cut in cuts if cut < len(rows)}, **changes) == measure(
        rows, folder, **changes
    )


def test_each_trainer_asked_for_is_measured(folder, monkeypatch):
    monkeypatch.setitem(TRAINERS, "trl", ("prepdata.training.plain", "Plain"))
    monkeypatch.setitem(TRAINERS, "axolotl", ("prepdata.training.plain", "Plain"))
    found = measure([row(1, 19)], folder, targets=("trl", "openai", "axolotl"))
    assert [(one["trainer"], one["rows"]) for one in found] == [("trl", 1), ("axolotl", 1)]


# --- in reports ------------------------------------------------------------------------------------------------------


@pytest.fixture
def data(tmp_path):
    path = tmp_path / "data.jsonl"
    path.write_text("".join(json.dumps(one) + "\n" for one in [row(1, 19), row(11, 29), row(11, 99), SYSTEM]))
    return path


def test_validate_measures_training_with_a_chat_template_only(data, folder, tmp_path):
    report = prepdata.validate(data, tokenizer=folder, max_length=60)
    [found] = report.measures["training"]["trainers"]
    assert (found["rows"], found["kept"]) == (4, 3)
    assert "training" not in prepdata.validate(data, tokenizer=folder, tokens=False).measures
    bare = str(write_folder(tmp_path / "bare", None))
    assert "training" not in prepdata.validate(data, tokenizer=bare).measures
    assert "training" not in prepdata.validate(data, tokens=False).measures


def test_the_report_is_as_its_schema_says(data, folder):
    measures = prepdata.validate(data, tokenizer=folder, max_length=60).measures
    schema = json.loads(report_schema())
    held = {"$defs": schema["$defs"], **schema["properties"]["measures"]}
    jsonschema.Draft202012Validator(held).validate(measures)
    measures["training"]["trainers"][0]["kept"] = "three"
    assert not jsonschema.Draft202012Validator(held).is_valid(measures)


def test_lines_of_validate(folder):
    rows = [row(1, 19), row(11, 29), row(11, 99), SYSTEM]
    lines = list(training_lines({"trainers": measure(rows, folder, max_length=60)}))
    assert lines == [
        "plain: 3 of 4 rows kept, 2 cut (the answers of 1), 1 refused by the template; 161 tokens, 80 of them trained",
        "plain: recommended max length 192, no packing, batches of 4 rows, 3 epochs (3 steps) (`prepdata stats` says why)",
    ]
    assert list(training_lines({})) == []


def test_stats_say_why(data, folder):
    result = CliRunner().invoke(
        stats, [str(data), "--isolated", "--tokenizer", folder, "--max-length", "60", "--epochs", "2"],
        standalone_mode=False, catch_exceptions=False,
    )  # fmt: skip
    text = " ".join(result.stdout.split())
    assert "Training (as plain does it: max length 60, loss assistant, overflow keep-start)" in text
    assert "3 of 4 rows kept, 2 cut (the answers of 1), 1 refused by the template" in text
    assert "233 tokens rendered, 150 of them trained" in text
    assert "max-length 192: the last trained token of the longest row is its token 130" in text
    assert "epochs 2: as set: 3 rows in batches of 4 are 2 steps" in text
