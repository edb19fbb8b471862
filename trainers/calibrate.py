"""How quick this machine is with this model: passes over a few of its layers, with weights that mean nothing.

The first layers of the model are built from its configuration, as wide as they are, with adapters, quantisation,
checkpointing and the loss that TRL computes, and passed forward and backward over a batch as long as those of the run;
then the same without any layer, which leaves embedding and head. The difference is what layers take. No weights are
read. It costs a second or two: rows are left out where a batch would take longer.
"""

from __future__ import annotations

import time
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

from prepdata.cost import Range
from trainers.config import TrainConfig
from trainers.estimate import OPERATIONS, Shapes, operations

LAYERS = 2
MOST_OPERATIONS = {"cpu": 3e10, "cuda": 2e13}
"""Operations of one pass; about a second of one slow core, or a tenth of a second of a GPU."""
PASSES = 4
"""Passes that are timed, after one that is not."""
ENOUGH = 1.0
"""Seconds after which no further pass is timed; two are in any case."""
STEP_SECONDS = 0.02
"""What a step takes in the trainer besides passes over the model (tiny model, measured 2026-11)."""
SPREAD = Range(0.8, 1.0, 1.25)
"""What the estimate may be off by on a machine that is left alone (docs/training.md has the runs)."""


class Speed(NamedTuple):
    """Seconds for one token, forward and backward, in a batch of the run; as many figures as were measured."""

    layers: tuple[float, ...]
    head: tuple[float, ...]

    @property
    def seconds(self) -> float:
        """Seconds a token, likely."""
        return median(self.layers) + median(self.head)


def calibrate(
    folder: Path, config: TrainConfig, shapes: Shapes, row_tokens: int, device: str, dtype: str
) -> Speed | None:
    """Return how quick a training is; None where the model cannot be cut short.

    Args:
        folder: of the model; its configuration is read.
        config: of the run.
        shapes: of the model.
        row_tokens: tokens of a usual row, with padding.
        device, dtype: of the run.
    """
    kept = min(LAYERS, shapes.layers)
    rows = config.batch_size
    few = _first_layers(shapes, kept)
    while rows > 1 and operations(few, config, rows * row_tokens, row_tokens) > MOST_OPERATIONS[device]:
        rows //= 2
    most = MOST_OPERATIONS[device] / operations(few, config, 1, row_tokens)
    tokens = max(2, min(row_tokens, round(most / rows)))
    try:
        whole = _timed(_slice(folder, config, kept, device, dtype), rows, tokens, device, dtype)
        rest = _timed(_slice(folder, config, 0, device, dtype), rows, tokens, device, dtype)
    except (ImportError, RuntimeError, ValueError, TypeError, AttributeError, IndexError):  # a model of another make
        return None
    head = median(rest)
    scale = shapes.layers / kept / (rows * tokens)
    return Speed(
        tuple(max(0.0, seconds - head) * scale for seconds in whole), tuple(each / (rows * tokens) for each in rest)
    )


def training_seconds(
    speed: Speed, config: TrainConfig, *, tokens: float, validated: float, steps: int, accumulation: int
) -> Range:
    """Return the seconds of a training.

    Args:
        speed: of the machine.
        config: of the run.
        tokens: tokens that are trained on, with padding, in all steps.
        validated: tokens of all validations, with padding: they pass forward only.
        steps, accumulation: optimizer steps, and passes to one.
    """
    forward = 2 / OPERATIONS[config.gradient_checkpointing]
    passed = tokens + forward * validated
    fixed = steps * accumulation * STEP_SECONDS
    low, high = min(speed.layers) + min(speed.head), max(speed.layers) + max(speed.head)
    return Range(
        passed * low * SPREAD.low + fixed / 2, passed * speed.seconds + fixed, passed * high * SPREAD.high + 2 * fixed
    )


def _first_layers(shapes: Shapes, kept: int) -> Shapes:
    """Return the shapes of a model of the first layers only."""
    import msgspec

    inner = [one for one in shapes.linear if not one.head]
    linear = (*inner[: len(inner) * kept // shapes.layers], *(one for one in shapes.linear if one.head))
    return msgspec.structs.replace(shapes, linear=linear, layers=kept)


def _slice(folder: Path, config: TrainConfig, layers: int, device: str, dtype: str) -> Any:
    """Return the first layers of the model as they are trained, all weights alike."""
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoConfig, AutoModelForCausalLM
    from trl.trainer.utils import add_fused_lm_head

    told = AutoConfig.from_pretrained(folder, trust_remote_code=False, local_files_only=True)
    text = told.get_text_config()
    text.num_hidden_layers = layers
    if getattr(text, "layer_types", None):
        text.layer_types = text.layer_types[:layers]
    with torch.device("meta"):
        model: Any = AutoModelForCausalLM.from_config(told, dtype=getattr(torch, dtype))  # type: ignore[no-untyped-call]
    model.to_empty(device=device)
    with torch.no_grad():
        for tensor in (*model.parameters(), *model.buffers()):
            tensor.fill_(0.01)
    if config.quantization == "nf4":
        _quantize(model, getattr(torch, dtype), device)
    for weight in model.parameters():
        weight.requires_grad_(False)
    model.enable_input_require_grads()
    add_fused_lm_head(model, outputs=("log_probs", "entropy", "is_top1"))
    if config.gradient_checkpointing and layers:
        model.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
    if layers:
        targets = "all-linear" if "all-linear" in config.lora_targets else list(config.lora_targets)
        model = get_peft_model(model, LoraConfig(r=config.lora_r, target_modules=targets, task_type="CAUSAL_LM"))
    return model.train()


def _quantize(model: Any, compute: Any, device: str) -> None:
    """Put NF4 layers in the place of linear ones, the head excepted."""
    import bitsandbytes
    from torch import nn

    head = model.get_output_embeddings()
    for parent in list(model.modules()):
        for name, child in list(parent.named_children()):
            if not isinstance(child, nn.Linear) or child is head:
                continue
            made: Any = bitsandbytes.nn.Linear4bit(
                child.in_features, child.out_features, child.bias is not None, compute, quant_type="nf4", device="meta"
            )
            made.weight = bitsandbytes.nn.Params4bit(
                child.weight.data, requires_grad=False, compress_statistics=True, quant_type="nf4"
            )
            made.bias = child.bias
            setattr(parent, name, made.to(device))


def _timed(model: Any, rows: int, tokens: int, device: str, dtype: str) -> list[float]:
    """Return the seconds of some passes forward and backward over a batch of so many rows and tokens."""
    import torch

    ids = torch.ones((rows, tokens), dtype=torch.long, device=device)  # (rows, tokens)
    mask = torch.ones_like(ids)
    mask[1:, -1] = 0  # padding, as most batches have it
    half = torch.autocast(device, getattr(torch, dtype), enabled=dtype != "float32")
    taken: list[float] = []
    began = time.perf_counter()
    for number in range(PASSES + 1):
        started = time.perf_counter()
        with half:
            loss = model(input_ids=ids, attention_mask=mask, labels=ids, fused_lm_head=True).loss
        loss.backward()
        if device == "cuda":
            torch.cuda.synchronize()
        if number:
            taken.append(time.perf_counter() - started)
        if len(taken) > 1 and time.perf_counter() - began > ENOUGH:
            break
    return taken
