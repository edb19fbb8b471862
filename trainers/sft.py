"""Supervised fine-tuning with LoRA or QLoRA: TRL's SFTTrainer with PEFT, set up without its surprises.

The rows that TRL is about to train on are counted against what prepdata says it makes of them; where the counts differ,
nothing is trained. Nothing phones home and nothing is downloaded.
"""

from __future__ import annotations

import math
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import msgspec

from prepdata.errors import InputError, PrepdataError, UsageError
from prepdata.files import read_bounded
from prepdata.model_folder import file_hash
from prepdata.quiet import hush, keep_quiet
from trainers import guards, runs
from trainers.card import write_card
from trainers.config import TrainConfig, as_dict
from trainers.data import Simulated, copy_rows, write_rows
from trainers.distributed import ALONE, Group, reason, torchrun
from trainers.preflight import Checked, Plan, Preflight
from trainers.record_files import read as read_record
from trainers.resuming import base_parts, check_dtype, check_free, check_unchanged, resumable
from trainers.runs import Outcome, Run
from trainers.summary import problem_line
from trainers.trackers import Trackers, open_trackers

if TYPE_CHECKING:
    from datasets import Dataset
    from trl.trainer.sft_config import SFTConfig
    from trl.trainer.sft_trainer import SFTTrainer

    from trainers.watching import Watch


def train(config: TrainConfig, checked: Checked, out: TextIO | None = sys.stderr, group: Group = ALONE) -> Run:
    """Train an adapter; return the record of the run, which is in its folder too.

    Args:
        config: of the run.
        checked: what the preflight found; nothing fatal.
        out: where progress goes; None for nowhere.
        group: the processes that train together; the first of them writes.

    Raises:
        UsageError: the folder of the run is taken, or holds another run than the one to go on with.
        TrainingStopped: loss or gradient is no number; checkpoints are kept.
        PrepdataError: TRL trains on other rows than prepdata says.
    """
    plan = checked.found.plan
    if plan is None or checked.train is None:
        raise UsageError("the preflight found something fatal; nothing was trained")
    keep_quiet()
    folder = Path(config.output)
    run, checkpoint = group.first(lambda: _begin(config, checked, plan, folder), tuple[Run, Path | None])
    for problem in run.problems[len(checked.found.problems) :]:  # found only now
        if out is not None:
            print(problem_line(problem), file=out, flush=True)
    try:
        outcome = _train(config, checked, plan, folder, checkpoint, out, group)
    except BaseException as error:
        if group.leads:
            said = group.why() or reason(error)
            runs.write(folder, msgspec.structs.replace(run, status="stopped", reason=said))
        raise
    seen = guards.after_training(runs.metrics(folder), config.replay_share if config.replay else 0.0)
    problems = [*run.problems, *seen]
    run = msgspec.structs.replace(run, status="finished", finished=runs.now(), outcome=outcome, problems=problems)
    if group.leads:
        write_card(folder / runs.ADAPTER / "README.md", run)
        runs.write(folder, run)
    return run


def _begin(config: TrainConfig, checked: Checked, plan: Plan, folder: Path) -> tuple[Run, Path | None]:
    """Open the folder of a run and write its record; return (record, checkpoint to go on from)."""
    run = _new_run(config, checked, plan)  # takes its time: a run folder without record could not be gone on with
    checkpoint = _open_folder(config, checked.found, run.base, folder)
    run = runs.gone_on(folder, run) if config.resume else run
    runs.write(folder, run)
    for name in (runs.DATA, runs.CHECKPOINTS):
        (folder / name).mkdir(exist_ok=True)
    runs.write_reports(folder, checked.reports)
    return run, checkpoint


def _open_folder(config: TrainConfig, found: Preflight, base: runs.BaseModel, folder: Path) -> Path | None:
    """Make the folder of a run, or find the checkpoint to go on from.

    Raises:
        UsageError: it is taken, or holds another run: other keys, files, base model, dtype or number of processes.
    """
    if not config.resume:
        check_free(folder)
        folder.mkdir(parents=True, exist_ok=True)
        return None
    before = resumable(config, folder, found.processes)
    parts = {name: getattr(base, name) for name in ("weights", "tokenizer", "template")}
    check_unchanged(config, folder, before, {file.role: file.sha256 for file in found.files}, parts)
    check_dtype(folder, before, found.device, found.dtype)
    checkpoint = last_checkpoint(folder / runs.CHECKPOINTS)
    runs.keep_metrics(folder, _step(checkpoint) if checkpoint else 0)
    return checkpoint


def last_checkpoint(folder: Path) -> Path | None:
    """Return the last checkpoint that is whole; those that a kill left in pieces are removed."""
    from trainers.watching import COMPLETE

    there = sorted(folder.glob("checkpoint-*"), key=_step)
    for broken in (one for one in there if not (one / COMPLETE).is_file()):
        shutil.rmtree(broken)
    whole = [one for one in there if one.is_dir()]
    return whole[-1] if whole else None


def _step(checkpoint: Path) -> int:
    return int(checkpoint.name.rpartition("-")[2])


def _new_run(config: TrainConfig, checked: Checked, plan: Plan) -> Run:
    parts = base_parts(config)
    base = runs.BaseModel(
        config.model, str(parts["weights"]), parts["tokenizer"], str(parts["template"]), plan.model_parameters
    )
    assert checked.train is not None
    return Run(
        created=runs.now(),
        config=as_dict(config),
        files=checked.found.files,
        problems=checked.found.problems,
        plan=plan,
        base=base,
        machine=runs.machine(checked.found.device, checked.found.dtype, checked.found.processes),
        baseline=read_record(config.baseline).sha256 if config.baseline and not config.without_baseline else None,
        rows=checked.train.kept,
        trained_tokens=checked.train.trained,
    )


def _train(
    config: TrainConfig,
    checked: Checked,
    plan: Plan,
    folder: Path,
    checkpoint: Path | None,
    out: TextIO | None,
    group: Group,
) -> Outcome:
    import transformers
    from transformers.trainer_callback import PrinterCallback

    from trainers.watching import Watch

    hush()
    transformers.set_seed(config.seed)
    assert checked.train is not None
    step = _step(checkpoint) if checkpoint else 0
    trackers = group.first(lambda: open_trackers(config, folder, step), shared=lambda _: None) or Trackers({})
    watch = Watch(folder / runs.METRICS, out, group, trackers)
    watch.start_peak(checked.found.device)
    with trackers, _datasets(config, folder, group) as (rows, validation):
        trainer = _trainer(config, plan, checked, folder, rows, validation, watch)
        trainer.remove_callback(PrinterCallback)
        _as_planned(trainer, checked.found, group)
        _same_rows(trainer.train_dataset, checked.train, "training")
        if checked.validation is not None and config.packing == "none":
            _same_rows(trainer.eval_dataset, checked.validation, "validation")
        trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
        peak = max(group.all(watch.peak))
    return group.first(lambda: _outcome(trainer, plan, watch, peak, folder / runs.ADAPTER), Outcome)


def _outcome(trainer: SFTTrainer, plan: Plan, watch: Watch, peak: int, target: Path) -> Outcome:
    """Write adapter and tokenizer into a folder; return what the run came to."""
    model: Any = trainer.model
    tokenizer: Any = trainer.processing_class
    model.save_pretrained(target, save_embedding_layers=False)
    tokenizer.save_pretrained(target)
    state = trainer.state
    best = state.best_global_step if plan.eval_steps is not None else None
    digest = file_hash(target / "adapter_model.safetensors")
    if digest is None:
        raise PrepdataError(f"{target}: no adapter was written")
    return Outcome(
        steps=state.global_step,
        seconds=round(watch.seconds, 2),
        tokens_per_second=round(watch.speed, 1),
        peak_memory=peak,
        train_loss=watch.last_loss,
        validation_loss=state.best_metric,
        best_step=best or state.global_step,
        stopped_early=state.global_step < plan.steps,
        adapter=digest,
    )


@contextmanager
def _datasets(config: TrainConfig, folder: Path, group: Group) -> Iterator[tuple[Dataset, Dataset | None]]:
    """Give training and validation rows as the library datasets loads them; its cache is in the folder."""
    import datasets

    datasets.disable_progress_bars()
    train, validation = folder / runs.DATA / "train.jsonl", folder / runs.DATA / "validation.jsonl"

    def write() -> None:
        write_rows(config, train)
        if config.validation:
            copy_rows(Path(config.validation), validation)

    group.first(write)
    cache = folder / ".cache"

    def load(file: Path) -> Dataset:
        try:
            return datasets.load_dataset("json", data_files=str(file), split="train", cache_dir=str(cache))
        except Exception as error:  # the library lets through whatever is raised below it
            raise InputError(f"{file}: the library datasets does not load it: {error}") from error

    try:
        yield load(train), load(validation) if config.validation else None
        group.wait()
    finally:
        if group.leads:
            shutil.rmtree(cache, ignore_errors=True)


def _trainer(
    config: TrainConfig,
    plan: Plan,
    checked: Checked,
    folder: Path,
    rows: Dataset,
    validation: Dataset | None,
    watch: Watch,
) -> SFTTrainer:
    from peft import LoraConfig
    from transformers import AutoTokenizer, EarlyStoppingCallback
    from trl.trainer.sft_trainer import SFTTrainer

    tokenizer = AutoTokenizer.from_pretrained(config.model, local_files_only=True, trust_remote_code=False)
    if config.chat_template:
        tokenizer.chat_template = read_bounded(config.chat_template, 1 << 24).decode()
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    targets = "all-linear" if "all-linear" in config.lora_targets else list(config.lora_targets)
    lora = LoraConfig(
        r=config.lora_r,
        lora_alpha=config.lora_alpha,
        lora_dropout=config.lora_dropout,
        target_modules=targets,
        bias="none",
        task_type="CAUSAL_LM",
    )
    several = checked.found.device == "cuda" and watch.group.size > 1
    place = f"cuda:{watch.group.local_rank}" if several else checked.found.device
    callbacks: list[Any] = [watch]
    if validation is not None and config.early_stopping:
        callbacks.append(EarlyStoppingCallback(config.early_stopping))
    return SFTTrainer(
        model=_model(config, place, checked.found.dtype),
        args=sft_config(config, plan, checked.found.device, checked.found.dtype, folder / runs.CHECKPOINTS),
        train_dataset=rows,
        eval_dataset=validation,
        processing_class=tokenizer,
        peft_config=lora,
        callbacks=callbacks,
    )


def _model(config: TrainConfig, device: str, dtype: str) -> Any:
    """Return the base model, from safetensors only, in the dtype of the run and not in float32."""
    import torch
    from transformers import AutoModelForCausalLM, BitsAndBytesConfig

    given: dict[str, Any] = {"dtype": getattr(torch, dtype), "device_map": {"": device}}
    if config.quantization == "nf4":
        given["quantization_config"] = BitsAndBytesConfig(  # type: ignore[no-untyped-call]
            load_in_4bit=True,
            bnb_4bit_quant_type="nf4",
            bnb_4bit_use_double_quant=True,
            bnb_4bit_compute_dtype=given["dtype"],
        )
    model = AutoModelForCausalLM.from_pretrained(
        config.model, use_safetensors=True, local_files_only=True, trust_remote_code=False, **given
    )
    if device == "cpu" and config.quantization == "nf4":
        layers: list[Any] = [one for one in model.modules() if hasattr(one, "support_avx512bf16_for_cpu")]
        for layer in layers:
            # else a validation packs the weights for a kernel without gradients, which the next step then runs
            # through (`Linear4bit.forward` of bitsandbytes 0.50.2, on CPUs with AVX512-BF16)
            layer.support_avx512bf16_for_cpu = False
    return model


def sft_config(config: TrainConfig, plan: Plan, device: str, dtype: str, folder: Path) -> SFTConfig:
    """Return the arguments of TRL's trainer; whatever has a treacherous default is named."""
    from trl.trainer.sft_config import SFTConfig

    validated = plan.eval_steps is not None
    return SFTConfig(
        output_dir=str(folder),
        # rows and loss
        max_length=plan.max_length,
        packing=config.packing != "none",
        packing_strategy="bfd" if config.packing == "none" else config.packing,
        eval_packing=False,
        assistant_only_loss=config.loss == "assistant",
        completion_only_loss={"assistant": None, "completion": True, "all": False}[config.loss],
        # course
        max_steps=plan.steps,
        per_device_train_batch_size=config.batch_size,
        per_device_eval_batch_size=config.batch_size,
        gradient_accumulation_steps=config.gradient_accumulation,
        learning_rate=config.learning_rate,
        lr_scheduler_type=config.scheduler,
        warmup_steps=math.ceil(config.warmup * plan.steps),
        weight_decay=config.weight_decay,
        max_grad_norm=config.max_grad_norm,
        optim="adamw_torch",
        seed=config.seed,
        data_seed=config.seed,
        # device
        use_cpu=device == "cpu",
        bf16=dtype == "bfloat16",
        fp16=dtype == "float16",
        gradient_checkpointing=config.gradient_checkpointing,
        gradient_checkpointing_kwargs={"use_reentrant": False} if config.gradient_checkpointing else None,
        dataloader_pin_memory=device != "cpu",
        ddp_timeout=7200,  # seconds; the first process prepares the rows while the others wait
        ddp_find_unused_parameters=False,  # every weight of the adapter has a gradient in every step
        # validation and checkpoints
        eval_strategy="steps" if validated else "no",
        eval_steps=plan.eval_steps,
        save_strategy="steps",
        save_steps=plan.save_steps,
        save_total_limit=config.keep_checkpoints,
        load_best_model_at_end=validated,
        metric_for_best_model="eval_loss" if validated else None,
        greater_is_better=False if validated else None,
        # what is said, and to whom
        logging_steps=1,
        logging_nan_inf_filter=False,
        disable_tqdm=True,
        report_to=[],
        push_to_hub=False,
    )


def _as_planned(trainer: SFTTrainer, found: Preflight, group: Group) -> None:
    """Hold what accelerate has made of the launcher against what was planned.

    Raises:
        PrepdataError: it trains with another number of processes, or on another device.
    """
    device = trainer.args.device
    here = (trainer.accelerator.num_processes, trainer.args.process_index, device.type)
    own = device.type == "cpu" or group.size == 1 or device.index == group.local_rank
    if here != (group.size, group.rank, found.device) or not own:
        raise PrepdataError(
            f"accelerate would train as process {here[1] + 1} of {here[0]} on {device}, where process "
            f"{group.rank + 1} of {group.size} on {found.device} was planned; nothing was trained. Start the processes "
            f"by {torchrun(max(2, group.size))}"
        )


def _same_rows(prepared: Any, simulated: Simulated, what: str) -> None:
    """Hold what TRL is about to train on against the simulation.

    Raises:
        PrepdataError: rows or trained tokens differ.
    """
    rows, trained = len(prepared), 0
    for batch in prepared.select_columns(["labels"]).iter(1000):
        trained += sum(label != -100 for labels in batch["labels"] for label in labels)
    if (rows, trained) != (simulated.kept, simulated.trained):
        raise PrepdataError(
            f"TRL would use {rows:,} {what} rows with {trained:,} trained tokens, where prepdata counts "
            f"{simulated.kept:,} and {simulated.trained:,}; nothing was trained. This is a bug in prepdata or a "
            "version of TRL that it does not know; please report it"
        )
