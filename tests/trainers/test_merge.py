"""Merging an adapter into its base: the weights are right, the answers stay, and what does not belong together is
refused. A few seconds of training with the tiny model."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")
for needed in ("transformers", "trl", "peft", "datasets", "accelerate", "tokenizers", "jinja2"):
    pytest.importorskip(needed)

import msgspec  # noqa: E402
import tiny_lm  # noqa: E402
from safetensors.torch import load_file, save_file  # noqa: E402

from prepdata.cli.main import cli  # noqa: E402
from prepdata.errors import InputError, PrepdataError, UsageError  # noqa: E402
from prepdata.model_folder import weights_hash  # noqa: E402
from prepdata.quiet import keep_quiet  # noqa: E402
from trainers import runs  # noqa: E402
from trainers.config import make_config  # noqa: E402
from trainers.generate import Options, Prompt  # noqa: E402
from trainers.local import LocalModel  # noqa: E402
from trainers.merge import (  # noqa: E402
    Merge,
    Unmerged,
    agreement,
    check_target,
    find_source,
    first_logits,
    largest_difference,
    not_asked,
    stored_dtype,
)
from trainers.preflight import preflight  # noqa: E402
from trainers.record import SampleResult  # noqa: E402
from trainers.record_files import read, read_samples  # noqa: E402
from trainers.sft import train  # noqa: E402

keep_quiet()


@pytest.fixture(scope="module", autouse=True)
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a copy of the base, its baseline, and a finished run."""
    folder = tmp_path_factory.mktemp("merge")
    shutil.copytree(tiny_lm.base_model(), folder / "base")
    rows = tiny_lm.json_rows(272, 1)
    tiny_lm.write_rows(folder / "train.jsonl", rows[:256])
    tiny_lm.write_rows(folder / "test.jsonl", rows[256:])
    tiny_lm.write_rows(folder / "known.jsonl", tiny_lm.prose_rows(8, 2))
    asked = ["--test", folder / "test.jsonl", "--output", folder / "baseline.json", "--max-new-tokens", 40]
    assert command("baseline", "--model", folder / "base", *asked, "--quiet") == 0
    trained(folder, "run", baseline=str(folder / "baseline.json"))
    return folder


def trained(folder: Path, output: str, **more: Any) -> None:
    given = {
        "model": str(folder / "base"), "train": str(folder / "train.jsonl"), "test": str(folder / "test.jsonl"),
        "output": str(folder / output), "gpus": ["L4"], "learning_rate": 6e-3, "batch_size": 16, "steps": 40,
        "gradient_accumulation": 1, "gradient_checkpointing": False,
    }  # fmt: skip
    config = make_config({**given, **more})
    checked = preflight(config)
    assert checked.found.exit_code == 0, checked.found.problems
    train(config, checked, None)


def command(*words: Any) -> int:
    return int(cli.main([str(word) for word in words], standalone_mode=False))


def merged_by(target: Path, *words: Any) -> Merge:
    """Run the command, which must succeed; return what it wrote down."""
    assert command("merge", *words, "--output", target, "--threads", 1, "--quiet") == 0
    return written(target)


def written(target: Path) -> Merge:
    return msgspec.json.decode((target / "merge.json").read_bytes(), type=Merge)


def changed(place: Path, tmp_path: Path, factor: float) -> Path:
    """Return a copy of the adapter, apart from its run, whose matrices B are `factor` times as large."""
    copy = shutil.copytree(place / "run" / "adapter", tmp_path / "changed")
    file = copy / "adapter_model.safetensors"
    held = {name: weight * factor if "lora_B" in name else weight for name, weight in load_file(file).items()}
    save_file(held, file, metadata={"format": "pt"})
    return copy


def assert_sums(place: Path, adapter: Path, merged: Path) -> None:
    """Every weight is that of the base, plus alpha / r times B A where the adapter has some."""
    base, low, found = (load_file(next(folder.glob("*.safetensors"))) for folder in (place / "base", adapter, merged))
    told = json.loads((adapter / "adapter_config.json").read_text())
    scale, touched = told["lora_alpha"] / told["r"], 0
    assert base.keys() == found.keys()
    for name, weight in base.items():
        stem = f"base_model.model.{name.removesuffix('.weight')}"
        if f"{stem}.lora_A.weight" in low:
            product = low[f"{stem}.lora_B.weight"].double() @ low[f"{stem}.lora_A.weight"].double()
            assert float((weight + scale * product - found[name]).abs().max()) < 1e-6
            assert not torch.equal(weight, found[name])
            touched += 1
        else:
            assert torch.equal(weight, found[name]), name
    assert touched == 14  # seven linear layers in two blocks


def test_a_run_is_merged_and_answers_as_before(place: Path, tmp_path: Path) -> None:
    target, run = tmp_path / "merged", runs.read(place / "run")
    merge = merged_by(target, place / "run", "--retention", place / "known.jsonl")
    assert_sums(place, place / "run" / "adapter", target)
    assert merge.agreement is not None and run.outcome is not None
    assert (merge.agreement.rows, merge.agreement.same, merge.agreement.reference) == (24, 24, "unmerged")
    assert merge.agreement.logits is not None and 0 < merge.agreement.logits < 1e-4
    assert (merge.base_weights, merge.weights) == (run.base.weights, weights_hash(target))
    assert (merge.dtype, merge.method, merge.rank, merge.quantization) == ("float32", "LORA", 16, "none")
    assert {file.name for file in target.iterdir()} == {
        "README.md", "chat_template.jinja", "config.json", "generation_config.json", "merge.json", "model.safetensors",
        "tokenizer.json", "tokenizer_config.json",
    }  # fmt: skip
    for name in ("generation_config.json", "chat_template.jinja"):
        assert (target / name).read_bytes() == (place / "base" / name).read_bytes()
    assert (target / "model.safetensors").stat().st_mode == (target / "config.json").stat().st_mode
    card = (target / "README.md").read_text()
    assert all(part in card for part in (run.base.weights, run.outcome.adapter, merge.weights, "24 of 24 answers"))
    record = read(tmp_path / "merged.json")
    assert (record.model.weights, record.sha256) == (merge.weights, merge.agreement.evaluation)
    assert record.decoding.max_new_tokens == 40  # as in the run's baseline
    assert not [file for file in tmp_path.iterdir() if file.name.startswith(".prepdata")]


def test_an_adapter_of_qlora_goes_into_the_unquantised_base(place: Path, tmp_path: Path) -> None:
    pytest.importorskip("bitsandbytes")
    trained(place, "qrun", quantization="nf4", steps=8, without_baseline=True)
    merge = merged_by(tmp_path / "merged", place / "qrun", "--max-new-tokens", 40)
    assert_sums(place, place / "qrun" / "adapter", tmp_path / "merged")
    assert merge.quantization == "nf4"
    assert merge.agreement is not None and merge.agreement.same == 16
    assert "quantization_config" not in json.loads((tmp_path / "merged" / "config.json").read_text())


def test_weights_are_rounded_once(place: Path, tmp_path: Path) -> None:
    whole = merged_by(tmp_path / "whole", place / "run", "--without-test")
    assert whole.agreement is None
    assert not (tmp_path / "whole.json").exists()
    half = merged_by(tmp_path / "half", place / "run" / "adapter", "--dtype", "bfloat16", "--same", 0.9)
    assert half.dtype == "bfloat16" and half.agreement is not None
    assert half.agreement.logits is not None and half.agreement.logits > 1e-3
    one, other = (load_file(tmp_path / name / "model.safetensors") for name in ("whole", "half"))
    assert all(torch.equal(one[name].bfloat16(), other[name]) for name in one)
    assert stored_dtype(tmp_path / "half") == "bfloat16"


def test_other_answers_are_told(place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = tmp_path / "merged"
    words = ["merge", place / "run", "--output", target, "--compare", place / "baseline.json"]
    assert command(*words) == 1
    shown = capsys.readouterr()
    held = written(target).agreement
    assert held is not None and held.share < 0.95 and held.reference == "baseline.json"
    assert f"{held.same} of 16 answers are those of baseline.json" in shown.out
    assert held.differing and all(row in shown.out for row in held.differing)
    records = (place / "baseline.json", tmp_path / "merged.json")
    texts = [{s.doc_id: s.output for s in read_samples(file, read(file))} for file in records]
    assert held.same == sum(texts[0][row] == texts[1][row] for row in texts[0])
    shutil.rmtree(target)
    with pytest.raises(UsageError, match="there already"):
        command(*words)
    assert command(*words, "--overwrite", "--same", 0, "--json") == 0
    assert json.loads(capsys.readouterr().out)["agreement"]["wanted"] == 0


def test_a_record_of_other_rows_is_no_reference(place: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"data\.test\.hash"):
        command("merge", place / "run", "--output", tmp_path / "m", "--test", place / "known.jsonl", "--quiet",
                "--compare", place / "baseline.json")  # fmt: skip
    assert not (tmp_path / "m").exists()


def test_base_and_adapter_must_be_those_of_the_run(place: Path, tmp_path: Path) -> None:
    other = shutil.copytree(place / "base", tmp_path / "other")
    held = load_file(other / "model.safetensors")
    held["model.norm.weight"] = held["model.norm.weight"] * 1.01
    save_file(held, other / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(UsageError, match="not the weights that the adapter was trained on"):
        find_source(str(place / "run"), str(other))
    run = shutil.copytree(place / "run", tmp_path / "run")
    shutil.copyfile(changed(place, tmp_path, 1.01) / "adapter_model.safetensors",
                    run / "adapter" / "adapter_model.safetensors")  # fmt: skip
    with pytest.raises(UsageError, match="the adapter changed"):
        find_source(str(run), None)
    runs.write(run, msgspec.structs.replace(runs.read(run), status="stopped", outcome=None))
    with pytest.raises(UsageError, match="not finished"):
        find_source(str(run), None)
    moved = msgspec.structs.replace(runs.read(place / "run"), base=msgspec.structs.replace(
        runs.read(place / "run").base, path=str(tmp_path / "gone")))  # fmt: skip
    runs.write(run, moved)
    with pytest.raises(UsageError, match="lies elsewhere now, name it by --model"):
        find_source(str(run), None)


def test_a_run_is_found_from_within_its_adapter(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(place / "run" / "adapter")
    assert find_source(".", None).run == runs.read(place / "run")


def test_an_adapter_alone_needs_its_base(place: Path, tmp_path: Path) -> None:
    adapter = changed(place, tmp_path, 0.5)
    with pytest.raises(UsageError, match="name its folder by --model"):
        find_source(str(adapter), None)
    with pytest.raises(UsageError, match="name them by --test"):
        command("merge", adapter, "--model", place / "base", "--output", tmp_path / "m")
    merge = merged_by(tmp_path / "m", adapter, "--model", place / "base", "--test", place / "test.jsonl",
                      "--max-new-tokens", 40)  # fmt: skip
    assert_sums(place, adapter, tmp_path / "m")
    assert (merge.run, merge.quantization, merge.adapter) == (None, None, "changed")
    assert "No record of the training" in (tmp_path / "m" / "README.md").read_text()


def test_folders_that_are_not_merged(place: Path, tmp_path: Path) -> None:
    quantised = shutil.copytree(place / "base", tmp_path / "nf4")
    told = json.loads((quantised / "config.json").read_text())
    (quantised / "config.json").write_text(json.dumps({**told, "quantization_config": {"load_in_4bit": True}}))
    adapter = changed(place, tmp_path, 1.0)
    with pytest.raises(UsageError, match="full precision"):
        find_source(str(adapter), str(quantised))
    (tmp_path / "taken").mkdir()
    check_target(tmp_path / "taken")
    (tmp_path / "taken" / "note").write_text("mine")
    for taken in (tmp_path / "taken", tmp_path / "taken" / "note"):
        with pytest.raises(UsageError, match="something already"):
            check_target(taken)
    with pytest.raises(UsageError, match="is no folder"):
        check_target(tmp_path / "nowhere" / "merged")
    (adapter / "adapter_model.safetensors").rename(adapter / "adapter_model.bin")
    with pytest.raises(UsageError, match="pickled"):
        find_source(str(adapter), str(place / "base"))


@pytest.mark.parametrize(
    ("factor", "dtype", "said"), [(1e9, "float16", "does not fit into float16"), (float("nan"), "auto", "NaN")]
)
def test_sums_that_are_no_numbers(place: Path, tmp_path: Path, factor: float, dtype: str, said: str) -> None:
    adapter = changed(place, tmp_path, factor)
    words = ["merge", adapter, "--model", place / "base", "--output", tmp_path / "m", "--without-test"]
    with pytest.raises(PrepdataError, match=said):
        command(*words, "--dtype", dtype)
    assert not (tmp_path / "m").exists()


def test_a_failure_leaves_nothing_behind(place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import transformers

    (tmp_path / "m").mkdir()

    def full(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(transformers.PreTrainedTokenizerBase, "save_pretrained", full)
    with pytest.raises(OSError, match="No space"):
        command("merge", place / "run", "--output", tmp_path / "m", "--without-test")
    assert [file.name for file in tmp_path.iterdir()] == ["m"]
    assert not any((tmp_path / "m").iterdir())
    monkeypatch.undo()
    merged_by(tmp_path / "m", place / "run", "--without-test")  # an empty folder is no obstacle


def test_a_merge_that_was_ended_before_it_was_asked_goes_on(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    target, words = tmp_path / "m", ("merge", place / "run", "--output", tmp_path / "m", "--threads", 1)

    def end(*_: Any, **__: Any) -> None:
        raise SystemExit  # passes by all that catches errors, as a kill does

    for after, files in (("largest_difference", {"m"}), ("agreement", {"m", "m.json", "m.samples.jsonl"})):
        with monkeypatch.context() as patch:
            patch.setattr(f"trainers.merge.{after}", end)
            with pytest.raises(SystemExit):
                command(*words)
        assert {file.name for file in tmp_path.iterdir()} == files
        assert written(target).agreement is None
    made = (target / "model.safetensors").stat().st_mtime_ns
    capsys.readouterr()
    assert command(*words) == 0
    assert f"{target} is merged already; it is asked now" in capsys.readouterr().err
    merge = written(target)
    assert merge.agreement is not None and (merge.agreement.same, merge.agreement.rows) == (16, 16)
    assert (target / "model.safetensors").stat().st_mtime_ns == made
    with pytest.raises(UsageError, match="something already"):
        command(*words)


def test_only_the_very_merge_that_is_wanted_goes_on(place: Path, tmp_path: Path) -> None:
    target = tmp_path / "m"
    merged_by(target, place / "run", "--without-test")
    with pytest.raises(UsageError, match="something already"):
        command("merge", place / "run", "--output", target, "--without-test")
    source = find_source(str(place / "run"), None)
    assert not_asked(target, source, "auto") == not_asked(target, source, "float32") == written(target)
    assert not_asked(target, source, "bfloat16") is None
    other = find_source(str(changed(place, tmp_path, 2.0)), str(place / "base"))
    assert not_asked(target, other, "auto") is None
    (tmp_path / "m.json").write_text((place / "baseline.json").read_text())
    with pytest.raises(UsageError, match=r"m\.json is there already"):  # not the record of this model
        command("merge", place / "run", "--output", target)
    record = (target / "merge.json").read_text()
    for text in ("", "[" * 100_000, record.replace(written(target).weights, "0" * 64)):
        (target / "merge.json").write_text(text)
        assert not_asked(target, source, "auto") is None
    (target / "merge.json").write_text(record)
    weights = target / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"\x55")
    assert not_asked(target, source, "auto") is None


def test_the_template_trained_with_goes_along(place: Path, tmp_path: Path) -> None:
    adapter = changed(place, tmp_path, 1.0)
    text = tiny_lm.TEMPLATE.replace("'\\n' }}{% endfor %}", "' \\n' }}{% endfor %}")
    assert text != tiny_lm.TEMPLATE
    (adapter / "chat_template.jinja").write_text(text)
    merge = merged_by(tmp_path / "m", adapter, "--model", place / "base", "--test", place / "test.jsonl",
                      "--max-new-tokens", 8)  # fmt: skip
    assert (tmp_path / "m" / "chat_template.jinja").read_text() == text
    assert merge.agreement is not None and merge.agreement.same == 16


def test_base_and_adapter_apart_are_not_merged_when_asked(place: Path) -> None:
    source = find_source(str(place / "run"), None)
    model = Unmerged(source, Options(threads=1))
    assert any("lora_A" in name for name, _ in model.net.named_parameters())
    assert {weight.dtype for weight in model.net.parameters()} == {torch.float32}
    prompts = [Prompt("a", ({"role": "user", "content": "Ann from Oslo orders 3 lamps"},))]
    merged = LocalModel(str(place / "base"), Options(adapter=str(place / "run"), threads=1))
    plain = LocalModel(str(place / "base"), Options(threads=1))
    apart = first_logits(model, prompts)
    assert apart.shape == (1, model.net.config.vocab_size)
    near, far = (largest_difference(apart, first_logits(other, prompts)) for other in (merged, plain))
    assert near is not None and far is not None and near < 1e-4 < 0.1 < far


def test_differences_and_shares() -> None:
    assert largest_difference(torch.zeros(2, 3), torch.tensor([[0, 0, 0], [0, -2.5, 1]])) == 2.5
    assert largest_difference(torch.zeros(0, 0), torch.zeros(0, 0)) is None
    assert largest_difference(torch.zeros(1, 3), torch.zeros(1, 4)) is None
    before = [_sample("a", "x"), _sample("b", "y"), _sample("c", "z", "cut"), _sample("d", "only here")]
    after = [_sample("a", "x"), _sample("b", "Y"), _sample("c", "z")]
    found = agreement("r", before, after, wanted=0.5, logits=None, evaluation="0" * 64)
    assert (found.rows, found.same, found.differing, found.passed) == (3, 1, ("b", "c"), False)
    assert agreement("r", before, after[:1], wanted=1.0, logits=None, evaluation="0" * 64).passed
    with pytest.raises(InputError, match="none of its rows"):
        agreement("r", before, [_sample("e", "x")], wanted=1.0, logits=None, evaluation="0" * 64)


def _sample(name: str, answer: str, reason: Any = "stopped") -> SampleResult:
    return SampleResult(
        doc_id=name, set="test", doc_hash="0" * 64, prompt_hash="0" * 64, target_hash="0" * 64, messages=(), target="",
        resps=((answer,),), tokens=1, finish_reason=reason, seconds=1.0,
    )  # fmt: skip


def test_the_type_of_a_checkpoint(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"torch_dtype": "bfloat16"}')
    assert stored_dtype(tmp_path) == "bfloat16"
    (tmp_path / "config.json").write_text("{}")
    save_file({"a": torch.zeros(2, dtype=torch.float16)}, tmp_path / "model.safetensors")
    assert stored_dtype(tmp_path) == "float16"
    (tmp_path / "config.json").write_text('{"dtype": "float8_e4m3fn"}')
    with pytest.raises(UsageError, match="choose --dtype"):
        stored_dtype(tmp_path)
