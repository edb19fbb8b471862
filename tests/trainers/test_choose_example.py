"""The example of choosing from start to end: `samples/choose/run.sh` is run once; the tests look at what it left.

Its model takes about a minute of processor time to make; then it is kept in the cache of prepdata.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import pytest

for needed in (
    "torch", "transformers", "trl", "peft", "datasets", "accelerate", "tokenizers", "jinja2", "semantic_text_splitter",
):  # fmt: skip
    pytest.importorskip(needed)
fcntl = pytest.importorskip("fcntl")  # the lock, and a shell

from prepdata.cache import folder as cache_folder  # noqa: E402

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "samples" / "choose"
KEPT = cache_folder(None)
"""Where the model is kept. Looked up when this is imported: the tests themselves have a cache folder of their own."""
TUNED_ON = ("train", "validation", "examples")
ARMS = ["base", "prompted", "few-shot", "rag", "tuned", "hybrid"]


class Example(NamedTuple):
    """What a run of the example left: its folder, exit code, and what it said."""

    folder: Path
    code: int
    said: str

    def report(self, task: str) -> dict[str, Any]:
        """Return the report on the arms of a task."""
        read: dict[str, Any] = json.loads((self.folder / task / "arms" / "arms.json").read_text())
        return read

    def rates(self, task: str, metric: str) -> dict[str, tuple[float, float, float]]:
        """Return arm -> (value, low, high) of a metric of a task."""
        found = {arm["name"]: arm["metrics"]["test"][metric] for arm in self.report(task)["arms"]}
        return {name: (one["value"], one["low"], one["high"]) for name, one in found.items()}

    def rows(self, name: str) -> list[dict[str, Any]]:
        """Return the rows of a file."""
        return [json.loads(line) for line in (self.folder / name).read_text().splitlines()]


def part_read(row: dict[str, Any]) -> str:
    """Return the title of the passage that a row under a system prompt holds."""
    asked: str = row["messages"][1]["content"]
    return asked.partition("\n[1] ")[2].partition("\n")[0]


def kept_model() -> Path:
    """Return where the model of this recipe is kept."""
    recipe = b"".join((EXAMPLE / name).read_bytes() for name in ("facts.py", "pretrain.py"))
    return KEPT / f"choose-lm-{hashlib.blake2b(recipe, digest_size=8).hexdigest()}"


def run_example(folder: Path) -> subprocess.CompletedProcess[str]:
    paths = os.pathsep.join([str(ROOT), *sys.path])
    env = {**os.environ, "PYTHON": sys.executable, "PYTHONPATH": paths, "OMP_NUM_THREADS": "1"}
    return subprocess.run(
        ["bash", str(EXAMPLE / "run.sh"), str(folder)], env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True, check=False,
    )  # fmt: skip


@pytest.fixture(scope="session")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Example:
    """The example, run once however many processes the tests are spread over."""
    place = tmp_path_factory.getbasetemp()
    place = (place.parent if "PYTEST_XDIST_WORKER" in os.environ else place) / "choose"
    place.mkdir(exist_ok=True)
    folder, model = place / "choice", kept_model()
    with (place / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (place / "code").exists():
            if model.exists():
                shutil.copytree(model, folder / "model")
            done = run_example(folder)
            (place / "said").write_text(done.stdout)
            (place / "code").write_text(str(done.returncode))
            if (folder / "model" / "model.safetensors").exists() and not model.exists():
                made = model.with_name(f"{model.name}.{os.getpid()}")
                shutil.copytree(folder / "model", made)
                made.rename(model)
    return Example(folder, int((place / "code").read_text()), (place / "said").read_text())


def test_the_example_ends_as_it_should(whole: Example) -> None:
    assert whole.code == 0, whole.said[-3000:]
    assert "== all as expected, in " in whole.said
    codes = re.findall(r"^ *\d+ s  exit code (\d)  prepdata (\w+)", whole.said, re.MULTILINE)
    assert codes == [("0", "validate"), ("0", "baseline"), ("0", "train"), ("0", "arms")] * 2
    assert "Traceback" not in whole.said


def test_the_rows_are_held_against_the_test_set_and_the_rules_of_rag(whole: Example) -> None:
    specs, letters = (whole.said.partition(f"$ prepdata validate {task}/")[2] for task in ("specs", "letters"))
    for said, task in ((specs, "specs"), (letters, "letters")):
        assert f"eval {task}/test.jsonl: none of 120 items is among the rows" in said.partition("$ prepdata")[0]
    assert "RAG0" not in specs.partition("$ prepdata")[0]
    rows = whole.rows("specs/train.jsonl")
    context = [row for row in rows if row["messages"][0]["content"].startswith("Context:")]
    declined = [row for row in context if row.get("answerable") is False]
    assert 0.1 < len(declined) / len(context) < 0.2 < 0.8 < len(context) / len(rows)


def test_the_baseline_of_the_training_is_the_base(whole: Example) -> None:
    for task in ("specs", "letters"):
        base = whole.report(task)["arms"][0]
        baseline = json.loads((whole.folder / task / "baseline.json").read_text())
        assert (base["record"], base["sha256"], base["asked"]) == ("../baseline.json", baseline["sha256"], 0)
        run = json.loads((whole.folder / task / "lora" / "run.json").read_text())
        assert run["baseline"] == baseline["sha256"]
        notes = [note for arm in whole.report(task)["arms"] for note in arm["notes"]]
        assert not any("baseline" in note or "forgetting was not looked at" in note for note in notes)


@pytest.mark.parametrize("task", ["specs", "letters"])
def test_nothing_is_forgotten(whole: Example, task: str) -> None:
    arms = {arm["name"]: arm for arm in whole.report(task)["arms"]}
    kept = {name: arm["metrics"]["retention"]["exact_match"] for name, arm in arms.items()}
    assert kept["base"]["low"] > 0.9 and kept["base"]["n"] == 100
    for name in ("tuned", "hybrid"):
        assert kept[name]["low"] > 0.85
        assert not any("retention" in reason for reason in arms[name]["reasons"])


def test_it_does_not_write_over_a_run(whole: Example) -> None:
    again = run_example(whole.folder)
    assert again.returncode == 2 and "name a new folder" in again.stdout


@pytest.mark.parametrize("task", ["specs", "letters"])
def test_every_arm_is_measured_with_its_interval(whole: Example, task: str) -> None:
    report = whole.report(task)
    assert [arm["name"] for arm in report["arms"]] == ARMS
    assert {arm["status"] for arm in report["arms"]} == {"measured"}
    assert report["rows"] == 120
    for value, low, high in whole.rates(task, "exact_match").values():
        assert 0 <= low <= value <= high <= 1 and low < high


def test_retrieval_mends_the_facts_and_not_the_form(whole: Example) -> None:
    facts, form = whole.rates("specs", "contains"), whole.rates("specs", "json_schema")
    assert facts["rag"][1] > 0.8 > 0.2 > facts["base"][2]
    assert form["rag"][2] < 0.1


def test_tuning_mends_the_form_and_not_the_facts(whole: Example) -> None:
    facts, form = whole.rates("specs", "contains"), whole.rates("specs", "json_schema")
    assert form["tuned"][1] > 0.8 > 0.1 > form["base"][2]
    assert facts["tuned"][2] < 0.2


def test_hybrid_mends_both_and_nothing_else_does(whole: Example) -> None:
    both = whole.rates("specs", "exact_match")
    assert both["hybrid"][1] > 0.8
    assert {name for name in ARMS if both[name][2] > 0.2} == {"hybrid"}
    verdict = whole.report("specs")["verdict"]
    assert (verdict["arm"], verdict["best"]) == ("hybrid", "hybrid")


def test_where_a_prompt_is_enough_it_says_so(whole: Example) -> None:
    right = whole.rates("letters", "exact_match")
    assert right["prompted"][1] > 0.8 > 0.2 > right["base"][2]
    verdict = whole.report("letters")["verdict"]
    assert (verdict["arm"], verdict["reached"], verdict["fallback"]) == ("prompted", True, "prompted")
    assert "take prompted" in whole.said and "take hybrid" in whole.said


def test_retrieval_finds_the_half_of_the_page(whole: Example) -> None:
    arms = {arm["name"]: arm for arm in whole.report("specs")["arms"]}
    assert arms["hybrid"]["retrieval"] == arms["rag"]["retrieval"] != {}
    recall = next(one for name, one in arms["rag"]["retrieval"].items() if name.startswith("recall"))
    assert recall["value"] > 0.9 and recall["n"] == 120


def test_no_held_out_part_is_tuned_on(whole: Example) -> None:
    parts = {row["gold"][0]["text"].partition(" is ")[0].rpartition(" ")[0] for row in whole.rows("specs/test.jsonl")}
    assert len(parts) == 120
    files = ["replay", "retention", *(f"{task}/{name}" for task in ("specs", "letters") for name in TUNED_ON)]
    seen = json.dumps([whole.rows(f"{name}.jsonl") for name in files])
    assert [name for name in parts if name in seen] == []
    replayed, kept = (set(map(part_read, whole.rows(f"{name}.jsonl"))) for name in ("replay", "retention"))
    assert len(replayed) > 90 and len(kept) == 20 and not replayed & kept


def test_the_documents_are_the_help_pages_and_the_parts(whole: Example) -> None:
    documents = whole.folder / "specs" / "documents"
    helped = {path.name: path.read_bytes() for path in (ROOT / "samples" / "support" / "docs").glob("*.md")}
    assert {path.name: path.read_bytes() for path in (documents / "help").glob("*.md")} == helped
    for row in whole.rows("specs/test.jsonl"):
        (gold,) = row["gold"]
        assert gold["text"] in (documents / gold["source"]).read_text()
        assert row["scorer"]["contains"][0] in gold["text"]


def test_the_guide_shows_its_command_and_verdicts() -> None:
    guide = (ROOT / "docs" / "arms.md").read_text(encoding="utf-8")
    assert "bash samples/choose/run.sh" in guide
    assert "take hybrid" in guide and "take prompted" in guide
