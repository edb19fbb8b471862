"""What is looked at before training: data, model folder, device, disk, and what the run will take.

A problem is fatal or a warning, and lies in the data (exit code 1) or in how the run is set up (exit code 2); each says
what cures it. Nothing is trained, no code of the model folder is run, nothing is downloaded.
"""

from __future__ import annotations

import hashlib
import importlib.util
import math
import os
import tempfile
from collections.abc import Sequence
from itertools import combinations
from pathlib import Path
from typing import Any, Literal, NamedTuple

import msgspec

from prepdata.api import validate
from prepdata.cost import Range
from prepdata.errors import InputError, UsageError, nearest
from prepdata.findings import plural
from prepdata.model_folder import check_model, file_hash, weights_hash
from prepdata.prices import gpu
from prepdata.render.renderer import Renderer, open_renderer
from prepdata.report import Report
from prepdata.settings import Settings
from prepdata.training.trl import Trl
from trainers import calibrate, devices, disk, estimate, guards, resident
from trainers.config import TrainConfig
from trainers.data import Simulated, copy_rows, simulate, trainer_settings, write_rows
from trainers.distributed import ALONE, Group
from trainers.problems import Problem
from trainers.trackers import missing as missing_trackers

LIBRARIES = ("torch", "transformers", "trl", "peft", "datasets", "accelerate")
_LEAKS = frozenset({"eval-overlap", "near-eval-overlap"})
"""Rules whose errors are rows that stand in a held-out file too."""


class DataFile(msgspec.Struct, frozen=True):
    """A file of the run: what it is for, its path as given, sha256 as stored, rows, findings of the validation, sha256
    of its report as the run folder keeps it."""

    role: Literal["train", "replay", "validation", "test"]
    path: str
    sha256: str | None
    rows: int
    errors: int
    warnings: int
    by_rule: dict[str, int]
    report: str | None = None


class Plan(msgspec.Struct, frozen=True):
    """What the run comes to.

    Args:
        max_length: tokens at which rows are cut.
        rows: rows or packed sequences of an epoch; `validation_rows` of one validation.
        tokens: tokens of an epoch; `trained` those that the loss counts; `padded` with those that batches are filled
            up with (their order is the trainer's, so this is an expectation over shuffled rows).
        steps, steps_per_epoch: optimizer steps.
        eval_steps, save_steps: steps between two validations and checkpoints.
        adapter_parameters, model_parameters: weights.
        memory: bytes on the device, low, likely, high; on CPUs besides `libraries`.
        libraries: bytes that this process has before a model is loaded; 0 on GPUs.
        seconds: of the training on this machine, by passes over some layers; None where that could not be measured.
        gpus: the same run on GPU types.
        disk: bytes that the run folder grows to (`trainers/disk.py`).
    """

    max_length: int
    rows: int
    validation_rows: int
    tokens: int
    trained: int
    padded: int
    steps: int
    steps_per_epoch: int
    eval_steps: int | None
    save_steps: int
    adapter_parameters: int
    model_parameters: int
    memory: Range
    libraries: int
    seconds: Range | None
    gpus: list[estimate.OnGpu]
    disk: int


class Preflight(msgspec.Struct, frozen=True):
    """What was found. `plan` is None where data or set-up do not allow one."""

    files: list[DataFile]
    problems: list[Problem]
    device: str
    dtype: str
    processes: int
    plan: Plan | None

    @property
    def exit_code(self) -> int:
        """0 nothing fatal, 1 only data stands in the way, 2 the set-up does."""
        fatal = [problem for problem in self.problems if problem.fatal]
        return 0 if not fatal else 1 if all(problem.data for problem in fatal) else 2


class Checked(NamedTuple):
    """What a training needs of its preflight besides what is written down."""

    found: Preflight
    reports: list[tuple[str, Report]]
    train: Simulated | None
    validation: Simulated | None


def preflight(config: TrainConfig, group: Group = ALONE, *, here: bool = True) -> Checked:
    """Look at everything that a run hangs on. Of several processes the first does; the others get no reports.

    Args:
        config: of the run.
        group: the processes that are to train together.
        here: False for a run on another machine, whose time this one cannot tell.

    Raises:
        UsageError: the model folder, the tokenizer or an installed library does not allow to look any further.
        InputError: a file cannot be read.
    """
    _check_libraries(config)
    device = devices.choose(config, group.size)
    free = devices.free_memory(device, group)

    def look() -> Checked:
        return _preflight(config, device, free, group.size, here)

    def without_reports(checked: Checked) -> Checked:
        return checked._replace(reports=[])

    return group.first(look, Checked, without_reports)


def _preflight(config: TrainConfig, device: str, free: int, processes: int, here: bool) -> Checked:
    """Look at everything, in one process; `free` bytes of memory for each of them, `here` as in `preflight`."""
    folder = check_model(config.model)
    renderer = open_renderer(str(folder), config.chat_template)
    dtype, problems = devices.problems_of(config, folder, device, processes)
    shapes = estimate.read_shapes(folder)
    problems += [*_same_file_problems(config), *_layer_problems(config, shapes)]
    problems += [*_tokenizer_problems(config, renderer), *_baseline_problems(config, folder)]
    reports = _reports(config, shapes.context or 0)
    files = [_file(role, path, report) for role, path, report in reports]
    unmarked = any(problem.name == "no-generation-markers" for problem in problems)
    problems += [problem for file in files for problem in _data_problems(file, unmarked)]
    shown = [(role, report) for role, _, report in reports]
    if unmarked or any(problem.fatal and problem.data for problem in problems):
        return Checked(Preflight(files, problems, device, dtype, processes, None), shown, None, None)
    max_length, train, validation, row_bytes = _simulated(config, renderer)
    problems += _row_problems(config, train, max_length, shapes.context)
    if not train.kept:
        return Checked(Preflight(files, problems, device, dtype, processes, None), shown, train, validation)
    plan = make_plan(config, shapes, train, validation, max_length, device, dtype, processes)
    held = resident.library_memory(device) if device == "cpu" else 0
    row_tokens = round(plan.padded / train.kept)
    timed = here and processes == 1
    speed = calibrate.calibrate(folder, config, shapes, row_tokens, device, dtype) if timed else None
    plan = msgspec.structs.replace(
        plan,
        libraries=held,
        seconds=_seconds(config, plan, speed, validation),
        disk=_disk(config, plan, train, validation, row_bytes, folder, processes),
    )
    problems += [*devices.memory_problems(plan.memory, free, processes), *disk.problems(config.output, plan.disk)]
    problems += _interval_problems(config, plan)
    problems += guards.many_epochs(plan.steps / plan.steps_per_epoch, train.rows)
    return Checked(Preflight(files, problems, device, dtype, processes, plan), shown, train, validation)


def _check_libraries(config: TrainConfig) -> None:
    wanted = [*LIBRARIES, *(["bitsandbytes"] if config.quantization == "nf4" else [])]
    missing = [name for name in wanted if importlib.util.find_spec(name) is None]
    if missing:
        extra = "qlora" if missing == ["bitsandbytes"] else "train"
        raise UsageError(
            f"training needs {', '.join(missing)}: install torch for your machine first, "
            f'then pip install "prepdata[{extra}]"'
        )
    if absent := missing_trackers(config):
        raise UsageError(f"trackers: not installed: {', '.join(absent)}; pip install {' '.join(absent)}")


def _same_file_problems(config: TrainConfig) -> list[Problem]:
    """Return which files of the run are one and the same: by another name, or as a copy."""
    given = {role: path for role in ("train", "replay", "validation", "test") if (path := getattr(config, role))}
    digests = {role: file_hash(Path(path)) for role, path in given.items()}
    problems = []
    for one, other in combinations(given, 2):
        real = [os.path.realpath(given[role]) for role in (one, other)]
        if real[0] == real[1]:
            said = f"{given[one]} is named twice, as the {one} file and as the {other} file"
        elif digests[one] is not None and digests[one] == digests[other]:
            said = f"the {one} file {given[one]} and the {other} file {given[other]} hold the same bytes"
        else:
            continue
        if given[one] != given[other] and real[0] == real[1]:
            said += f" ({given[other]})"
        cure = "give rows of their own for each; `prepdata split` parts one file"
        problems.append(Problem("same-file", True, True, said, cure))
    return problems


def _layer_problems(config: TrainConfig, shapes: estimate.Shapes) -> list[Problem]:
    """Return which layers are to get an adapter and are not there; nothing of models without linear layers."""
    there = sorted({one.name for one in shapes.linear if not one.head})
    absent = [name for name in config.lora_targets if name != "all-linear" and name not in there]
    if not absent or not there:
        return []
    said = f"lora_targets: {config.model} has no layer {', '.join(repr(name) for name in absent)}"
    cure = f"--lora-targets all-linear, or some of {', '.join(there)}.{nearest(absent[0], there)}"
    return [Problem("no-such-layer", True, False, said, cure)]


def _reports(config: TrainConfig, context: int) -> list[tuple[Any, str, Report]]:
    """Return (role, path, report) of every file, held against those that come after it."""
    shared = Settings(
        targets=("trl",),
        tokenizer=config.model,
        chat_template=config.chat_template,
        max_length=config.max_length or context,
        loss=config.loss,
        packing="" if config.packing == "none" else config.packing,
        ignore=config.ignore,
        offline=True,
    )
    found: list[tuple[Any, str, Report]] = []
    held_out: list[str] = []
    for role, path in (("test", config.test), ("validation", config.validation), ("replay", config.replay)):
        if path is None:
            continue
        report = validate(path, msgspec.structs.replace(shared, eval=tuple(held_out)))
        found.insert(0, (role, path, report))
        held_out += [path] if report.examples and role != "replay" else []
    report = validate(config.train, msgspec.structs.replace(shared, eval=tuple(held_out)))
    return [("train", config.train, report), *found]


def _file(role: Any, path: str, report: Report) -> DataFile:
    if len(report.files) != 1:
        raise InputError(f"{path}: {len(report.files)} data files there; give one file for {role}")
    told, digest = report.summary(), hashlib.sha256(report_bytes(report)).hexdigest()
    return DataFile(
        role, path, report.files[0].sha256, report.examples, told["errors"], told["warnings"], told["by_rule"], digest
    )


def report_bytes(report: Report) -> bytes:
    """Return a report as run folders keep it: what `prepdata validate --output-format json` writes."""
    return report.to_json().encode("utf-8", "backslashreplace") + b"\n"


def _data_problems(file: DataFile, unmarked: bool = False) -> list[Problem]:
    """Return what the validation found.

    Args:
        file: with the counts of its findings.
        unmarked: True if the template lacks markers, which is a problem of its own and not one of each file.
    """
    if not file.rows:
        return [Problem("empty-file", True, True, f"{file.path}: no rows", f"give a {file.role} file with rows")]
    errors = file.errors - (file.by_rule.get("no-generation-marker", 0) if unmarked else 0)
    if not errors:
        return []
    said = f"{file.path}: {plural(errors, 'error')} in {plural(file.rows, 'row')}"
    cure = "mend the rows named above (`prepdata fix` repairs some), or say --ignore RULE for what you accept"
    if leaks := sum(count for name, count in file.by_rule.items() if name in _LEAKS):
        said += f"; {leaks:,} of the findings are rows that a test or validation file has too"
        cure = (
            f"take those rows out of one of the files: {file.path} without them, or all parted anew by `prepdata split`"
        )
        cure += "; " + "mend the other rows named above" if errors > leaks else ""
    return [Problem("data-errors", True, True, said, cure)]


def _tokenizer_problems(config: TrainConfig, renderer: Renderer) -> list[Problem]:
    problems = []
    named = renderer.folder.named
    trl = Trl(renderer, trainer_settings(config, config.max_length))
    if config.loss == "assistant" and trl.problem:
        cure = "give a --chat-template with the markers around each answer and its end token, or --loss completion"
        problems.append(Problem("no-generation-markers", True, False, trl.problem, cure))
    elif config.loss == "assistant" and not trl.stop_token_trained:
        said = "the token that ends an answer stands outside the generation markers: the model would not learn to stop"
        cure = "move {% endgeneration %} of the chat template behind that token"
        problems.append(Problem("stop-token-not-trained", True, False, said, cure))
    if not named.get("eos_token"):
        said, cure = "the tokenizer names no eos_token", "set eos_token in tokenizer_config.json: the end of a turn"
        problems.append(Problem("no-eos", True, False, said, cure))
    elif named.get("pad_token") in (None, named["eos_token"]):
        said = "there is no pad_token of its own: padding looks like the end of an answer"
        cure = "name an unused special token as pad_token in tokenizer_config.json"
        problems.append(Problem("pad-is-eos", False, False, said, cure))
    return problems


def _baseline_problems(config: TrainConfig, folder: Path) -> list[Problem]:
    """Return whether the base model was measured on the very test file before."""
    if config.without_baseline:
        return []
    cure = "record it by `prepdata baseline` and name it by --baseline, or say --without-baseline"
    if config.test is None or config.baseline is None:
        missing = "test file" if config.test is None else "recorded baseline"
        said = f"no {missing}: whether training helps could not be shown"
        return [Problem("no-baseline", True, False, said, cure)]
    from trainers.record_files import read

    record = read(config.baseline)
    problems = []
    if record.data.test.sha256 != file_hash(Path(config.test)):
        said = f"{config.baseline} was recorded on another test file than {config.test}"
        problems.append(Problem("other-test-file", True, False, said, cure))
    if record.kind == "tuned" or record.model.weights not in (None, weights_hash(folder)):
        said = f"{config.baseline} was recorded of another model than {config.model}"
        problems.append(Problem("other-model", True, False, said, cure))
    return problems


def _simulated(config: TrainConfig, renderer: Renderer) -> tuple[int, Simulated, Simulated | None, int]:
    """Return (length at which rows are cut, what TRL makes of the training rows, and of the validation rows, bytes of
    all these rows as JSON lines)."""
    settings = trainer_settings(config, config.max_length)
    with tempfile.TemporaryDirectory(prefix="prepdata-") as place:
        file = Path(place) / "rows.jsonl"
        write_rows(config, file)
        size = file.stat().st_size
        train = simulate(file, renderer, settings)
        validation = None
        if config.validation:
            copy_rows(Path(config.validation), file)
            size += file.stat().st_size
            validation = simulate(file, renderer, settings)
    longest = max(train.longest, validation.longest if validation else 0)
    return config.max_length or longest, train, validation, size


def _row_problems(config: TrainConfig, train: Simulated, max_length: int, context: int | None) -> list[Problem]:
    problems = []
    if train.stopped:
        problems.append(Problem("trainer-stops", True, True, f"TRL ends at a row: {train.stopped}", "mend the row"))
    elif train.left_out:
        said = "; ".join(f"{count:,} x {why}" for why, count in train.left_out.items())
        problems.append(Problem("rows-left-out", True, True, f"TRL would leave out rows silently: {said}", "mend them"))
    if train.cut:
        said = f"{train.cut:,} rows lose trained tokens at {max_length:,} tokens"
        cure = f"--max-length {train.longest} keeps all of them whole; or take the long rows out"
        problems.append(Problem("answers-cut", True, True, said, cure))
    if context and max_length > context:
        said = f"rows of up to {max_length:,} tokens; the model reads {context:,}"
        problems.append(Problem("over-context", True, True, said, f"--max-length {context}, and shorten longer rows"))
    return problems


def make_plan(
    config: TrainConfig,
    shapes: estimate.Shapes,
    train: Simulated,
    validation: Simulated | None,
    max_length: int,
    device: str,
    dtype: str,
    processes: int = 1,
) -> Plan:
    """Return what the run comes to. Steps as transformers counts them: the last, smaller batch is one too.

    Batches go round the processes; where the last round is not full, accelerate fills it with the first rows
    (`even_batches` of its BatchSamplerShard, accelerate 1.15).
    """
    batches = math.ceil(math.ceil(train.kept / config.batch_size) / processes)
    per_epoch = math.ceil(batches / config.gradient_accumulation)
    steps = config.steps or math.ceil(config.epochs * per_epoch)
    padded = _padded(train.lengths, config.batch_size)
    eval_steps = (config.eval_steps or max(1, steps // 10)) if validation is not None else None
    save_steps = config.save_steps or eval_steps or max(1, steps // 10)
    longest = min(max_length, max(train.lengths))
    work = estimate.operations(shapes, config, round(padded * steps / per_epoch), padded / train.kept)
    half = estimate.memory(shapes, config, longest, "bfloat16")
    adapter = estimate.lora_parameters(shapes, config)
    return Plan(
        max_length=max_length,
        rows=train.kept,
        validation_rows=validation.kept if validation else 0,
        tokens=train.tokens,
        trained=train.trained,
        padded=padded,
        steps=steps,
        steps_per_epoch=per_epoch,
        eval_steps=eval_steps,
        save_steps=save_steps,
        adapter_parameters=adapter,
        model_parameters=shapes.parameters,
        memory=estimate.memory(shapes, config, longest, dtype, gpu=device == "cuda"),
        libraries=0,
        seconds=None,
        gpus=[_rented(config, name, half, work, processes) for name in config.gpus],
        disk=0,
    )


def _rented(config: TrainConfig, name: str, needed: Range, work: float, processes: int) -> estimate.OnGpu:
    """Return what a run takes on as many GPUs of a type as there are processes: the work is shared, all are paid."""
    one = estimate.on_gpu(gpu(name), needed, work / processes, nf4=config.quantization == "nf4")
    return msgspec.structs.replace(one, usd=one.usd.times(processes)) if one.usd else one


def _seconds(
    config: TrainConfig, plan: Plan, speed: calibrate.Speed | None, validation: Simulated | None
) -> Range | None:
    if speed is None:
        return None
    each = _padded(validation.lengths, config.batch_size) if validation is not None else 0
    return calibrate.training_seconds(
        speed,
        config,
        tokens=plan.padded * plan.steps / plan.steps_per_epoch,
        validated=each * (plan.steps // plan.eval_steps) if plan.eval_steps else 0,
        steps=plan.steps,
        accumulation=config.gradient_accumulation,
    )


def _disk(
    config: TrainConfig,
    plan: Plan,
    train: Simulated,
    validation: Simulated | None,
    row_bytes: int,
    folder: Path,
    processes: int,
) -> int:
    return disk.run_folder(
        config,
        adapter=plan.adapter_parameters,
        steps=plan.steps,
        save_steps=plan.save_steps,
        eval_steps=plan.eval_steps,
        tokens=train.tokens + (validation.tokens if validation else 0),
        rows=row_bytes,
        tokenizer=disk.tokenizer_bytes(folder),
        processes=processes,
    )


def _padded(lengths: Sequence[int], batch: int) -> int:
    """Return the tokens of an epoch with padding: rows in an order drawn once stand for any other."""
    import random

    drawn = list(lengths)
    random.Random(0).shuffle(drawn)
    return sum(max(drawn[at : at + batch]) * len(drawn[at : at + batch]) for at in range(0, len(drawn), batch))


def _interval_problems(config: TrainConfig, plan: Plan) -> list[Problem]:
    """Return which steps between two validations or checkpoints are more than the run has."""
    saved_by = "eval-steps" if config.save_steps is None else "save-steps"
    found = [
        ("not-validated", "eval-steps", plan.eval_steps,
         "nothing is validated on the way, so no better step than the last can be taken, and none ends the run early"),
        ("no-checkpoints", saved_by, plan.save_steps,
         "no checkpoint is made on the way, and a run that is killed begins anew"),
    ]  # fmt: skip
    problems = []
    for name, key, each, what in found:
        if each is not None and each > plan.steps:
            said = f"{key} is {each:,} and the run has {plural(plan.steps, 'step')}: {what}"
            cure = f"--{key} {max(1, plan.steps // 10)}, or leave it out: a tenth of the run"
            problems.append(Problem(name, False, False, said, cure))
    return problems
