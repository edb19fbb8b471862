"""The record of an evaluation: written whole, read back, told from a damaged or changed one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from prepdata.errors import InputError
from trainers import record_files as records
from trainers.record import (
    Aggregate,
    Arm,
    Data,
    DataInfo,
    Decoding,
    Environment,
    Evaluation,
    ModelInfo,
    Rendering,
    SampleResult,
    SamplesFile,
    ScorerInfo,
    ScoreValue,
    differences,
)

DIGEST = "0" * 64
OTHER = "1" * 64


def data_info(digest: str = DIGEST) -> DataInfo:
    return DataInfo(path="test.jsonl", sha256=digest, rows=2, hash=digest)


def evaluation(**changes: Any) -> Evaluation:
    given: dict[str, Any] = {
        "prepdata": "0.1.0", "created": "2026-11-29T00:00:00Z", "kind": "base",
        "model": ModelInfo(name="m", backend="transformers"), "arm": Arm(),
        "rendering": Rendering(renderer="prepdata", tokenizer=DIGEST, template=DIGEST, prompt_ids=DIGEST),
        "data": Data(test=data_info()), "decoding": Decoding(max_new_tokens=8, engine="transformers"),
        "scorers": (ScorerInfo(name="exact_match", version="1", sha256=DIGEST),),
        "environment": Environment(python="3.11", system="Linux"),
        "results": {"test": {"exact_match": Aggregate(value=0.1 + 0.2, n=2)}},
        "n_samples": {"test": {"original": 2, "effective": 2}}, "higher_is_better": {"exact_match": True},
        "samples": SamplesFile(path="x", sha256=DIGEST, rows=0),
    }  # fmt: skip
    return Evaluation(**{**given, **changes})


def sample(number: int) -> SampleResult:
    return SampleResult(
        doc_id=f"row-{number}", set="test", doc_hash=DIGEST, prompt_hash=DIGEST, target_hash=DIGEST,
        messages=({"role": "user", "content": "Où ?"},), target="là", resps=(("\ud800 half",),), tokens=3,
        finish_reason="stopped", seconds=0.25, scores={"exact_match": ScoreValue(None, "why")},
    )  # fmt: skip


@pytest.fixture
def written(tmp_path: Path) -> Path:
    path = tmp_path / "baseline.json"
    records.write(path, evaluation(), [sample(1), sample(2)])
    return path


def test_what_was_written_is_read_back(written: Path) -> None:
    record = records.read(written)
    assert record.results["test"]["exact_match"].value == 0.1 + 0.2
    assert record.samples.path == "baseline.samples.jsonl"
    assert record.samples.rows == 2
    found = records.read_samples(written, record)
    assert [one.doc_id for one in found] == ["row-1", "row-2"]
    assert found[0].output == "\ud800 half"
    assert "n-samples" in json.loads(written.read_text())


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"value": 0.30000000000000004', '"value": 0.9', "changed after it was written"),
        ('"name": "m"', '"name": "n"', "changed after it was written"),
        ('"schema_version": 1', '"schema_version": 2', "update prepdata"),
        ('"schema_version": 1', '"schema_version": "1"', "no record of an evaluation"),
        ('"kind": "base"', '"kind": "best"', "(at /kind)"),
        ('"kind": "base"', '"kind": "base", "verdict": 1', "verdict"),
        ("}\n", "", "no record of an evaluation"),
    ],
)
def test_a_record_that_was_changed_is_refused(written: Path, old: str, new: str, said: str) -> None:
    text = written.read_text()
    assert old in text
    written.write_text(new.join(text.rsplit(old, 1)))
    with pytest.raises(InputError, match="baseline") as caught:
        records.read(written)
    assert said in str(caught.value)


def test_layout_alone_does_not_change_the_hash(written: Path) -> None:
    written.write_text(json.dumps(json.loads(written.read_text()), indent=None))
    assert records.read(written).kind == "base"


def test_samples_of_another_record_are_refused(written: Path) -> None:
    record = records.read(written)
    file = records.samples_path(written)
    file.write_bytes(file.read_bytes().replace(b"row-2", b"row-3"))
    with pytest.raises(InputError, match="their hash does not fit"):
        records.read_samples(written, record)
    file.unlink()
    with pytest.raises(InputError, match="cannot be read"):
        records.read_samples(written, record)


def test_a_record_cannot_lead_out_of_its_folder(written: Path) -> None:
    text = written.read_text().replace("baseline.samples.jsonl", "../secret.jsonl")
    written.write_text(text)
    with pytest.raises(InputError, match="/samples/path"):
        records.read(written)


def test_missing_file_and_text_that_is_no_json(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        records.read(tmp_path / "none.json")
    (tmp_path / "odd.json").write_bytes(b"\xff\xfe")
    with pytest.raises(InputError, match="no record"):
        records.read(tmp_path / "odd.json")


def test_an_error_while_samples_are_written_leaves_the_old_ones(written: Path) -> None:
    def failing() -> Any:
        yield sample(3)
        raise RuntimeError

    with pytest.raises(RuntimeError):
        records.write(written, evaluation(), failing())
    assert len(records.read_samples(written, records.read(written))) == 2
    assert sorted(p.name for p in written.parent.iterdir()) == ["baseline.json", "baseline.samples.jsonl"]


def test_differences_name_the_fields() -> None:
    base = evaluation()
    assert differences(base, evaluation(created="2027", environment=Environment(python="4", system="x"))) == []
    other = evaluation(
        data=Data(test=data_info(OTHER), retention=data_info()),
        decoding=Decoding(max_new_tokens=9, engine="transformers"),
        scorers=(ScorerInfo(name="exact_match", version="1", sha256=OTHER),),
        rendering=msgspec.structs.replace(base.rendering, prompt_ids=OTHER),
    )
    found = {difference.field: difference for difference in differences(base, other)}
    assert set(found) == {"data.test.hash", "data.retention", "decoding.max_new_tokens", "scorers.exact_match"}
    rendered = evaluation(rendering=msgspec.structs.replace(base.rendering, prompt_ids=OTHER))
    assert [difference.field for difference in differences(base, rendered)] == ["rendering.prompt_ids"]
    assert found["decoding.max_new_tokens"][1:] == (8, 9)


def test_a_template_whose_prompts_read_alike_is_the_same_rendering() -> None:
    base = evaluation()
    marked = msgspec.structs.replace(base.rendering, template=OTHER)
    assert differences(base, evaluation(rendering=marked)) == []
    prompted = evaluation(arm=Arm(few_shot=2), rendering=msgspec.structs.replace(base.rendering, prompt_ids=OTHER))
    assert differences(base, prompted) == []
    both = evaluation(arm=Arm(few_shot=2), rendering=marked)
    assert [difference.field for difference in differences(base, both)] == ["rendering.template"]


def test_a_folder_is_no_record(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="a folder, where the file of a record is wanted"):
        records.read(tmp_path)
