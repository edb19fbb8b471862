"""Supervised fine-tuning with LoRA or QLoRA: TRL's SFTTrainer with PEFT, set up without its surprises.

The rows that TRL is about to train on are counted against what prepdata says it makes of them; where the counts differ,
nothing is trained. Nothing phones home and nothing is downloaded.
"""

from __future__ import annotations

import logging
import math
import os
import shutil
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import msgspec

from prepdata.errors import InputError, PrepdataError, UsageError
from prepdata.files import read_bounded
from trainers import runs
from trainers.card import write_card
from trainers.config import TrainConfig, as_dict
from trainers.data import Simulated, copy_rows, write_rows
from trainers.model_folder import file_hash, weights_hash
from trainers.preflight import Checked, Plan
from trainers.runs import Outcome, Run

if TYPE_CHECKING:
    from datasets import Dataset
    from trl.trainer.sft_config import SFTConfig
    from trl.trainer.sft_trainer import SFTTrainer

    from trainers.watching import Watch

OFFLINE = {
    "HF_HUB_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "DO_NOT_TRACK": "1",
    "HF_DATASETS_DISABLE_PROGRESS_BARS": "1",
    "TOKENIZERS_PARALLELISM": "false",
}
"""Set before anything of Hugging Face is imported: no statistics, no look-ups, no bars over our own progress."""
_MAY_DIFFER = frozenset({"resume", "gpus", "baseline", "without_baseline", "output"})
"""Keys that may be others when a run goes on."""


def keep_quiet() -> None:
    """Turn off telemetry, look-ups and progress bars of the libraries, for this process and those it starts."""
    os.environ.update(OFFLINE)


def train(config: TrainConfig, checked: Checked, out: TextIO | None = sys.stderr) -> Run:
    """Train an adapter; return the record of the run, which is in its folder too.

    Args:
        config: of the run.
        checked: what the preflight found; nothing fatal.
        out: where progress goes; None for nowhere.

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
    checkpoint = _open_folder(config, checked, folder)
    run = _new_run(config, checked, plan)
    runs.write(folder, run)
    try:
        outcome = _train(config, checked, plan, folder, checkpoint, out)
    except BaseException as error:
        said = str(error) if isinstance(error, PrepdataError) else type(error).__name__
        runs.write(folder, msgspec.structs.replace(run, status="stopped", reason=said))
        raise
    run = msgspec.structs.replace(run, status="finished", finished=runs.now(), outcome=outcome)
    write_card(folder / runs.ADAPTER / "README.md", run)
    runs.write(folder, run)
    return run


def _open_folder(config: TrainConfig, checked: Checked, folder: Path) -> Path | None:
    """Make the folder of a run, or find the checkpoint to go on from."""
    if not config.resume:
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise UsageError(f"{folder}: there is something already; choose another --output, or say --resume")
        for name in (runs.DATA, runs.CHECKPOINTS):
            (folder / name).mkdir(parents=True)
        return None
    before = runs.read(folder)
    if before.status == "finished":
        raise UsageError(f"{folder}: this run is finished; there is nothing to resume")
    now = as_dict(config)
    other = [name for name in now if name not in _MAY_DIFFER and now[name] != before.config.get(name)]
    if other:
        raise UsageError(f"{folder}: the run to be resumed has another {', '.join(other)}; resume with the same")
    changed = [new.path for old, new in zip(before.files, checked.found.files) if old.sha256 != new.sha256]
    if changed or before.base.weights != weights_hash(Path(config.model)):
        raise UsageError(f"{folder}: {', '.join(changed) or config.model} changed since the run began; start a new run")
    found = last_checkpoint(folder / runs.CHECKPOINTS)
    runs.keep_metrics(folder, _step(found) if found else 0)
    return found


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
    from hashlib import sha256

    from prepdata.render.folder import read_folder

    held = read_folder(config.model, config.chat_template)
    template = sha256((held.template(False) or "").encode()).hexdigest()
    weights = weights_hash(Path(config.model))
    base = runs.BaseModel(config.model, weights, file_hash(held.file), template, plan.model_parameters)
    assert checked.train is not None
    return Run(
        created=runs.now(),
        config=as_dict(config),
        files=checked.found.files,
        problems=checked.found.problems,
        plan=plan,
        base=base,
        machine=runs.machine(checked.found.device, checked.found.dtype),
        baseline=file_hash(Path(config.baseline)) if config.baseline else None,
        rows=checked.train.kept,
        trained_tokens=checked.train.trained,
    )


def _train(
    config: TrainConfig, checked: Checked, plan: Plan, folder: Path, checkpoint: Path | None, out: TextIO | None
) -> Outcome:
    import transformers
    from transformers.trainer_callback import PrinterCallback

    from trainers.watching import Watch

    transformers.utils.logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    transformers.utils.logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    warnings.filterwarnings("ignore", category=FutureWarning)  # of names that transformers will change in version 6
    logging.getLogger("bitsandbytes").setLevel(logging.CRITICAL)  # of kernels that it would like to download
    transformers.set_seed(config.seed)
    watch = Watch(folder / runs.METRICS, out)
    watch.start_peak(checked.found.device)
    assert checked.train is not None
    with _datasets(config, folder) as (rows, validation):
        trainer = _trainer(config, plan, checked, folder, rows, validation, watch)
        trainer.remove_callback(PrinterCallback)
        _same_rows(trainer.train_dataset, checked.train, "training")
        if checked.validation is not None and config.packing == "none":
            _same_rows(trainer.eval_dataset, checked.validation, "validation")
        trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
    target = folder / runs.ADAPTER
    model: Any = trainer.model
    tokenizer: Any = trainer.processing_class
    model.save_pretrained(target, save_embedding_layers=False)
    tokenizer.save_pretrained(target)
    state = trainer.state
    best = state.best_global_step if checked.validation is not None and state.best_global_step else state.global_step
    digest = file_hash(target / "adapter_model.safetensors")
    if digest is None:
        raise PrepdataError(f"{target}: no adapter was written")
    return Outcome(
        steps=state.global_step,
        seconds=round(watch.seconds, 2),
        tokens_per_second=round(watch.speed, 1),
        peak_memory=watch.peak,
        train_loss=watch.last_loss,
        validation_loss=state.best_metric,
        best_step=best,
        stopped_early=state.global_step < plan.steps,
        adapter=digest,
    )


@contextmanager
def _datasets(config: TrainConfig, folder: Path) -> Iterator[tuple[Dataset, Dataset | None]]:
    """Give training and validation rows as the library datasets loads them; its cache is in the folder."""
    import datasets

    datasets.disable_progress_bars()
    train, validation = folder / runs.DATA / "train.jsonl", folder / runs.DATA / "validation.jsonl"
    write_rows(config, train)
    if config.validation:
        copy_rows(Path(config.validation), validation)
    cache = folder / ".cache"

    def load(file: Path) -> Dataset:
        try:
            return datasets.load_dataset("json", data_files=str(file), split="train", cache_dir=str(cache))
        except Exception as error:  # the library lets through whatever is raised below it
            raise InputError(f"{file}: the library datasets does not load it: {error}") from error

    try:
        yield load(train), load(validation) if config.validation else None
    finally:
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
    callbacks: list[Any] = [watch]
    if validation is not None and config.early_stopping:
        callbacks.append(EarlyStoppingCallback(config.early_stopping))
    return SFTTrainer(
        model=_model(config, checked.found.device, checked.found.dtype),
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
    return AutoModelForCausalLM.from_pretrained(
        config.model, use_safetensors=True, local_files_only=True, trust_remote_code=False, **given
    )


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
