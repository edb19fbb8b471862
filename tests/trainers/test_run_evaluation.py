"""A training, its evaluation and its comparison in one folder: with a tiny model, through the commands.

About 25 s of processor time on one thread, besides the model where it is not yet in the cache.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

torch = pytest.importorskip("torch")
for needed in ("transformers", "trl", "peft", "datasets", "accelerate", "tokenizers", "jinja2"):
    pytest.importorskip(needed)

import tiny_lm  # noqa: E402

from prepdata.cli.main import cli  # noqa: E402
from prepdata.errors import InputError, UsageError  # noqa: E402
from prepdata.quiet import keep_quiet  # noqa: E402
from trainers import record_files, run_evaluation, runs  # noqa: E402
from trainers.card import card  # noqa: E402
from trainers.compare import Comparison  # noqa: E402
from trainers.config import make_config  # noqa: E402
from trainers.preflight import Preflight, preflight, report_bytes  # noqa: E402
from trainers.resuming import check_output  # noqa: E402
from trainers.run_evaluation import COMPARISON, comparison_in, keep, trained  # noqa: E402
from trainers.run_table import Listed, Row, differences  # noqa: E402
from trainers.sft import _open_folder, train  # noqa: E402

keep_quiet()
COURSE = {
    "without_baseline": False, "gpus": ["L4"], "learning_rate": 6e-3, "batch_size": 16, "gradient_accumulation": 1,
    "gradient_checkpointing": False,
}  # fmt: skip


@pytest.fixture(scope="module", autouse=True)
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def command(*arguments: Any) -> int:
    return int(cli.main([str(part) for part in arguments], standalone_mode=False))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two evaluated runs: `good`, and `heart`, whose rows could only be learnt by heart."""
    folder = tmp_path_factory.mktemp("made")
    base, orders = tiny_lm.base_model(), tiny_lm.json_rows(280, 1)
    odd = tiny_lm.unrelated_rows(tiny_lm.CITIES, 3)
    for name, rows, test, course in (
        ("good", orders[:240], orders[240:], {"steps": 60, "replay": str(folder / "replay.jsonl")}),
        ("heart", odd[:16], odd[16:], {"steps": 60}),
    ):
        tiny_lm.write_rows(folder / "replay.jsonl", tiny_lm.prose_rows(60, 2))
        files = {"train": rows, "test": test}
        paths = {part: str(tiny_lm.write_rows(folder / f"{name}.{part}.jsonl", held)) for part, held in files.items()}
        asked = ["--model", base, "--test", paths["test"], "--max-new-tokens", "40", "--threads", "1", "--quiet"]
        record = folder / f"{name}.json"
        assert command("baseline", *asked, "--output", record) == 0
        given = {"model": str(base), "output": str(folder / name), "baseline": str(record), **COURSE, **paths, **course}
        train(make_config(given), preflight(make_config(given)), None)
        assert command("evaluate", *asked, "--adapter", folder / name, "--baseline", record) == 0
    return folder


@pytest.fixture
def copied(made: Path, tmp_path: Path) -> Path:
    """A copy that may be changed."""
    return Path(shutil.copytree(made, tmp_path / "made"))


def test_the_record_names_its_training(made: Path) -> None:
    run, record = runs.read(made / "good"), record_files.read(made / "good" / "evaluation.json")
    told, baseline = record.training, record_files.read(made / "good.json")
    assert told is not None
    assert told.run == runs.digest(made / "good")
    assert told.files == {file.role: file.sha256 for file in run.files}
    assert told.files["test"] == record.data.test.sha256
    assert told.baseline == run.baseline == baseline.sha256
    assert told.replay_share == 0.25
    assert told.first_step is not None and baseline.created[:19] <= told.created[:19] <= told.first_step[:19]
    assert set(told.reports) == {"train", "test", "replay"}


def test_reports_are_kept_and_are_the_same_each_time(made: Path) -> None:
    import hashlib

    run = runs.read(made / "good")
    for file in run.files:
        held = (made / "good" / "reports" / f"{file.role}.json").read_bytes()
        assert hashlib.sha256(held).hexdigest() == file.report
        assert json.loads(held)["summary"]["examples"] == file.rows
    again = preflight(make_config(run.config))
    assert [hashlib.sha256(report_bytes(report)).hexdigest() for _, report in again.reports] == [
        file.report for file in run.files
    ]


def test_learnt_by_heart_and_not(made: Path) -> None:
    good, heart = (record_files.read(made / name / "evaluation.json").memorised for name in ("good", "heart"))
    assert good is not None and heart is not None
    assert (good.answers, good.copied, runs.read(made / "good").problems) == (40, 0, [])
    assert (heart.answers, heart.copied > 0) == (16, True)
    rows = [json.loads(line) for line in (made / "heart" / "data" / "train.jsonl").read_text().splitlines()]
    for one in heart.worst:
        answer = rows[one.row - 1]["messages"][-1]["content"]
        assert all(word in answer.lower() for word in one.text.split())
    assert [problem.name for problem in runs.read(made / "heart").problems] == ["many-epochs"]


def test_a_comparison_is_kept_and_told_in_the_card(copied: Path, capsys: pytest.CaptureFixture[str]) -> None:
    card = copied / "good" / "adapter" / "README.md"
    before = card.read_text()
    assert command("compare", copied / "good.json", copied / "good") == 0
    assert "comparison.json" in capsys.readouterr().err
    kept = comparison_in(copied / "good")
    assert kept is not None and kept.verdict == "improved"
    after = card.read_text()
    assert "## Compared with its base" in after and "improved: gate passed" in after
    assert [line for line in before.split("\n") if line not in after.split("\n")] == []
    assert "- gate: exact\\_match improved" in after
    assert command("compare", copied / "good.json", copied / "good") == 0
    assert "another gate" not in capsys.readouterr().err
    assert command("compare", copied / "good.json", copied / "good", "--alpha", "0.01", "--quiet") == 0
    said = capsys.readouterr().err
    assert "compared by another gate before: improved: gate passed (exact_match improved" in said
    assert "comparison.1.json" in said
    older = (copied / "good" / "comparison.1.json").read_bytes()
    assert msgspec.json.decode(older, type=Comparison) == kept
    assert card.read_text().count("## Compared") == 1
    assert "(alpha 0.01)" in card.read_text().replace("\\", "")
    again = comparison_in(copied / "good")
    assert again is not None and again.gate.alpha == 0.01
    assert command("compare", copied / "good.json", copied / "good") == 0
    assert (copied / "good" / "comparison.2.json").is_file()
    capsys.readouterr()
    assert command("runs", copied / "good") == 0
    assert "passed: exact_match improved" in capsys.readouterr().out


def test_a_record_without_a_newer_key_is_told_too(copied: Path) -> None:
    run = runs.read(copied / "good")
    older = {name: value for name, value in run.config.items() if name not in ("replay_share", "quantization")}
    assert "replay_share: `0.25`" in card(run)
    assert "replay_share" not in card(msgspec.structs.replace(run, config=older))


def test_a_comparison_that_was_ended_between_its_files(copied: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, readme = copied / "good", copied / "good" / "adapter" / "README.md"
    assert command("compare", copied / "good.json", folder, "-q") == 0
    found = comparison_in(folder)
    assert found is not None
    (folder / COMPARISON).unlink()
    readme.write_text(card(runs.read(folder)))
    whole = run_evaluation.replacing

    def ended(target: Path) -> Any:
        if writes and writes.pop():
            raise KeyboardInterrupt
        return whole(target)

    for name in ("trainers.card.replacing", "trainers.run_evaluation.replacing"):
        monkeypatch.setattr(name, ended)
    writes = [True, False]  # the second file is not written
    with pytest.raises(KeyboardInterrupt):
        keep(folder, found)
    assert [Path(file).name for file in keep(folder, found).files] == [COMPARISON, "README.md"]
    assert comparison_in(folder) == found and readme.read_text() == card(runs.read(folder), found)


def test_what_was_made_by_hand_is_left_alone(copied: Path, capsys: pytest.CaptureFixture[str]) -> None:
    card = copied / "good" / "adapter" / "README.md"
    card.write_text(card.read_text() + "Made with love.\n")
    assert command("compare", copied / "good.json", copied / "good") == 0
    assert "Made with love" in card.read_text() and "## Compared" not in card.read_text()
    said = capsys.readouterr().err
    assert "README" not in said and "was left as it is" in said
    (copied / "good" / COMPARISON).write_text('{"mine": 1}\n')
    with pytest.raises(InputError, match="move it away"):
        command("compare", copied / "good.json", copied / "good")
    assert (copied / "good" / COMPARISON).read_text() == '{"mine": 1}\n'


def test_comparisons_with_other_arms_are_not_kept(copied: Path) -> None:
    record = copied / "good" / "evaluation.json"
    assert command("compare", record, copied / "good", "--require", "not-worse", "--margin", "0.2", "-q") == 0
    assert not (copied / "good" / COMPARISON).exists()
    assert command("compare", copied / "good.json", record, "-q") == 0
    assert not (copied / "good" / COMPARISON).exists()


def test_a_baseline_recorded_anew_is_refused(copied: Path) -> None:
    path = copied / "good.json"
    record = record_files.read(path)
    held = record_files.read_samples(path, record)
    record_files.write(path, msgspec.structs.replace(record, created="2030-01-01T00:00:00Z"), held)
    with pytest.raises(UsageError, match="the training was started with the baseline"):
        command("compare", path, copied / "good", "-q")
    assert not (copied / "good" / COMPARISON).exists()
    assert command("compare", path, copied / "good", "-q", "--other-baseline") == 0
    kept = comparison_in(copied / "good")
    assert kept is not None and any("recorded after the training began" in note for note in kept.notes)


def test_a_run_that_goes_on_keeps_its_baseline(copied: Path) -> None:
    run = runs.read(copied / "good")
    later = msgspec.structs.replace(run, created="2030-01-01T00:00:00+00:00", baseline=None)
    assert runs.gone_on(copied / "good", later) == run
    with pytest.raises(UsageError, match="started with another baseline"):
        runs.gone_on(copied / "good", msgspec.structs.replace(run, baseline="0" * 64))


def test_a_run_that_goes_on_elsewhere_says_so(copied: Path) -> None:
    folder, run = copied / "good", runs.read(copied / "good")
    there = {**run.machine.libraries, "torch": "2.6.0"}
    gpu = msgspec.structs.replace(run.machine, device="cuda", device_name="NVIDIA L4", libraries=there)
    runs.write(folder, msgspec.structs.replace(run, status="stopped", machine=gpu))
    once = runs.gone_on(folder, msgspec.structs.replace(run, problems=[]))
    (told,) = once.problems
    assert (told.name, told.fatal) == ("other-machine", False)
    assert told.message.startswith("the run began on cuda (NVIDIA L4), now on cpu (")
    assert f"with torch 2.6.0, now {run.machine.libraries['torch']}: " in told.message
    runs.write(folder, msgspec.structs.replace(once, status="stopped"))
    assert runs.gone_on(folder, msgspec.structs.replace(run, problems=[])).problems == [told], "still known, told once"


@pytest.mark.parametrize(
    ("part", "said"), [("weights", "good: "), ("tokenizer", "the tokenizer of"), ("template", "the chat template")]
)
def test_a_run_does_not_go_on_with_another_base(copied: Path, part: str, said: str) -> None:
    folder, run = copied / "good", runs.read(copied / "good")
    runs.write(folder, msgspec.structs.replace(run, status="stopped"))
    config = make_config({**run.config, "resume": True})
    found = Preflight(run.files, [], "cpu", "float32", 1, None)
    checkpoint = _open_folder(config, found, run.base, folder)
    assert checkpoint is not None and checkpoint.name == "checkpoint-60"
    with pytest.raises(UsageError, match="began in float32 on cpu, and would go on in bfloat16 on cuda"):
        _open_folder(config, msgspec.structs.replace(found, device="cuda", dtype="bfloat16"), run.base, folder)
    with pytest.raises(UsageError, match=f"{said}.* changed since the run began"):
        _open_folder(config, found, msgspec.structs.replace(run.base, **{part: "0" * 64}), folder)


def test_what_cannot_go_on_is_told_at_once(copied: Path) -> None:
    import msgspec

    folder, run = copied / "good", runs.read(copied / "good")
    keys = {**run.config, "output": str(folder), "resume": True}
    with pytest.raises(UsageError, match="finished; there is nothing to resume"):
        check_output(make_config(keys), 1)
    runs.write(folder, msgspec.structs.replace(run, status="stopped"))
    check_output(make_config(keys), 1)
    with pytest.raises(UsageError, match="another learning_rate"):
        check_output(make_config({**keys, "learning_rate": 1e-3}), 1)
    with pytest.raises(UsageError, match="1 processes, and there are 2"):
        check_output(make_config(keys), 2)
    with pytest.raises(UsageError, match="started with another baseline"):
        check_output(make_config({**keys, "baseline": str(copied / "heart.json")}), 1)
    for dtype in ("float32", "auto"):  # which comes to the same here
        check_output(make_config({**keys, "dtype": dtype}), 1)
    with pytest.raises(
        UsageError, match=r"began in float32 on cpu, and would go on in bfloat16 on cpu; .*--dtype float32"
    ):
        check_output(make_config({**keys, "dtype": "bfloat16"}), 1)
    runs.write(folder, msgspec.structs.replace(run, status="stopped", base=_other_weights(run)))
    with pytest.raises(UsageError, match="changed since the run began"):
        check_output(make_config(keys), 1)
    changed = [msgspec.structs.replace(file, sha256="0" * 64) for file in run.files]
    runs.write(folder, msgspec.structs.replace(run, status="stopped", files=changed))
    with pytest.raises(UsageError, match=r"good\.train\.jsonl.* changed since the run began"):
        check_output(make_config(keys), 1)


def _other_weights(run: runs.Run) -> runs.BaseModel:
    import msgspec

    return msgspec.structs.replace(run.base, weights="0" * 64)


def test_rows_that_were_trained_on_are_not_asked(made: Path, tmp_path: Path) -> None:
    asked = ["evaluate", "--model", tiny_lm.base_model(), "--adapter", made / "good", "--quiet", "--threads", "1"]
    for role, more in (("train", []), ("replay", ["--test", made / "good.test.jsonl", "--retention"])):
        file = made / ("good.train.jsonl" if role == "train" else "replay.jsonl")
        with pytest.raises(UsageError, match=f"is the {role} file of the training, byte for byte"):
            command(*asked, *(more or ["--test"]), file, "--output", tmp_path / "x.json")
    assert not list(tmp_path.iterdir())


def test_runs_are_compared(copied: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command("compare", copied / "good.json", copied / "good", "-q") == 0
    assert command("runs", copied / "good", copied / "heart") == 0
    told = {" ".join(line.split()[:-2]): line.split()[-2:] for line in capsys.readouterr().out.splitlines() if line}
    assert told["rows"] == ["300", "16"] and told["exact_match before"][1] == "-"
    assert told["warnings"] == ["-", "many-epochs"] and told["verdict"] == ["improved", "-"]
    assert "config.seed" not in told and "base.weights" not in told
    assert command("runs", copied / "good", copied / "heart", "--json") == 0
    plain = json.loads(capsys.readouterr().out)
    assert [run["comparison"] is None for run in plain["runs"]] == [False, True]
    rows = {row["name"]: row["values"] for row in plain["differences"]}
    assert rows["data.train"] == [
        next(file["sha256"] for file in run["files"] if file["role"] == "train") for run in plain["runs"]
    ]
    assert command("runs", copied) == 0
    listed = capsys.readouterr().out
    assert "improved" in listed and "many-epochs" in listed and "data.train" not in listed
    (copied / "good" / COMPARISON).write_text("{}")
    assert command("runs", copied / "good") == 2
    assert "move it away" in capsys.readouterr().err


def test_runs_of_several_processes_are_told_apart(copied: Path) -> None:
    run = runs.read(copied / "good")
    two = msgspec.structs.replace(run, machine=msgspec.structs.replace(run.machine, processes=2))
    found = differences([Listed(copied, run, None), Listed(copied, two, None)])
    assert found[0] == Row("machine.processes", (1, 2))


def test_runs_that_cannot_be_named(copied: Path, tmp_path: Path) -> None:
    assert trained(tmp_path) is None
    same = trained(copied / "good" / "adapter")
    assert same is not None and same.training == trained(copied / "good").training  # type: ignore[union-attr]
    weights = copied / "good" / "adapter" / "adapter_model.safetensors"
    shutil.copy(copied / "heart" / "adapter" / "adapter_model.safetensors", weights)
    with pytest.raises(UsageError, match="not those that the run wrote"):
        trained(copied / "good")
    run = msgspec.structs.replace(runs.read(copied / "heart"), status="running", outcome=None)
    runs.write(copied / "heart", run)
    with pytest.raises(UsageError, match="is not finished"):
        trained(copied / "heart")


def test_wrong_use(copied: Path, tmp_path: Path) -> None:
    base, test = tiny_lm.base_model(), copied / "good.test.jsonl"
    asked = ["evaluate", "--test", test, "--quiet", "--max-new-tokens", "4", "--threads", "1"]
    with pytest.raises(UsageError, match="Missing option '--output'"):
        command(*asked, "--model", base)
    with pytest.raises(UsageError, match="is there already; --overwrite"):
        command(*asked, "--model", base, "--adapter", copied / "good")
    with pytest.raises(UsageError, match="no run folder"):
        command(*asked, "--model", base, "--run", tmp_path, "--output", tmp_path / "x.json")
    with pytest.raises(UsageError, match="leave it out"):
        command(*asked, "--model", base, "--run", copied / "good", "--adapter", copied / "good")
    with pytest.raises(InputError, match=r"no evaluation\.json there"):
        command("compare", copied / "good.json", tmp_path)
    other = Path(shutil.copytree(base, tmp_path / "other"))
    config = json.loads((other / "config.json").read_text())
    (other / "config.json").write_text(json.dumps({**config, "rms_norm_eps": 1e-3}))
    with pytest.raises(UsageError, match="trained on another base model than other"):
        command(*asked, "--model", other, "--adapter", copied / "good", "--output", tmp_path / "x.json")
    assert not (tmp_path / "x.json").exists()


def test_an_adapter_is_asked_by_the_template_that_it_was_trained_with(copied: Path, tmp_path: Path) -> None:
    text = tiny_lm.TEMPLATE.replace("'\\n' }}{% endfor %}", "' \\n' }}{% endfor %}")
    assert text != tiny_lm.TEMPLATE
    (copied / "good" / "adapter" / "chat_template.jinja").write_text(text)
    plain = tmp_path / "plain.jinja"
    plain.write_text(tiny_lm.TEMPLATE)
    asked = ["evaluate", "--model", tiny_lm.base_model(), "--adapter", copied / "good", "--quiet", "--threads", "1"]
    asked += ["--test", copied / "good.test.jsonl", "--max-new-tokens", "1", "--output", tmp_path / "x.json"]
    for more, template in (((), text), (("--overwrite", "--chat-template", plain), tiny_lm.TEMPLATE)):
        assert command(*asked, *more) == 0
        told = record_files.read(tmp_path / "x.json").rendering.template
        assert told == hashlib.sha256(template.encode()).hexdigest()


def test_a_model_without_an_adapter_names_its_run(copied: Path, tmp_path: Path) -> None:
    test = tmp_path / "few.jsonl"
    test.write_text("\n".join((copied / "good.test.jsonl").read_text().splitlines()[:2]) + "\n")
    record = tmp_path / "merged.json"
    asked = ["--test", test, "--quiet", "--max-new-tokens", "4", "--threads", "1", "--output", record]
    assert command("evaluate", "--model", tiny_lm.base_model(), "--run", copied / "good", *asked) == 0
    told = record_files.read(record)
    assert told.training == trained(copied / "good").training  # type: ignore[union-attr]
    assert told.memorised is not None and told.data.test.sha256 != told.training.files["test"]  # type: ignore[union-attr]
