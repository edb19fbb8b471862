"""How quick this machine is with this model: passes over a few of its layers, with weights that mean nothing.

The first layers of the model are built from its configuration, as wide as they are, with adapters, quantisation and
checkpointing, and passed forward and backward over a batch as long as those of the run; then embedding and head alone,
with the loss that TRL computes. No weights are read. It costs a second or two: where a batch would take longer, some of
its rows are left out.
"""

from __future__ import annotations

import time
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import msgspec

from prepdata.cost import Range
from trainers.config import TrainConfig
from trainers.estimate import HEAP_BLOCK, OPERATIONS, VOCABULARY_TILE, Shapes, operations

LAYERS = 2
MOST_OPERATIONS = {"cpu": 2e10, "cuda": 2e13}
"""Operations of one pass; about half a second of one slow core, or a tenth of a second of a GPU."""
PASSES = 3
"""Passes that are timed, after one that is not."""
ENOUGH = 0.7
"""Seconds after which no further pass is timed; one is in any case."""
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
    batch = config.batch_size * row_tokens
    inner, outer = _parts(shapes, kept)
    least = round(1.25 * HEAP_BLOCK / (4 * min(shapes.vocabulary, VOCABULARY_TILE)))  # tiles that are laid out anew
    found = []
    for part, layers, fewest in ((inner, kept, 0), (outer, 0, least)):
        most = MOST_OPERATIONS[device] / operations(part, config, 1, row_tokens)
        wanted = min(batch, max(most, fewest, 2))
        rows = max(1, round(wanted / row_tokens))
        tokens = min(row_tokens, max(2, round(wanted / rows)))
        try:
            taken = _timed(_slice(folder, config, layers, device, dtype), rows, tokens, device, dtype)
        except (ImportError, RuntimeError, ValueError, TypeError, AttributeError, IndexError):  # of another make
            return None
        scale = shapes.layers / layers if layers else 1.0
        found.append(tuple(seconds * scale / (rows * tokens) for seconds in taken))
    return Speed(*found)


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


def _parts(shapes: Shapes, kept: int) -> tuple[Shapes, Shapes]:
    """Return the shapes of the first layers without a head, and those of the head without a layer."""
    inner = [one for one in shapes.linear if not one.head]
    head = tuple(one for one in shapes.linear if one.head)
    few = tuple(inner[: len(inner) * kept // shapes.layers])
    return (
        msgspec.structs.replace(shapes, linear=few, layers=kept, vocabulary=0),
        msgspec.structs.replace(shapes, linear=head, layers=0),
    )


def _slice(folder: Path, config: TrainConfig, layers: int, device: str, dtype: str) -> Any:
    """Return the first layers of the model as they are trained, or with none embedding and head; all weights alike."""
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
    if not layers:
        add_fused_lm_head(model, outputs=("log_probs", "entropy", "is_top1"))
        return model.train()
    if config.gradient_checkpointing:
        model.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
    targets = "all-linear" if "all-linear" in config.lora_targets else list(config.lora_targets)
    adapted: Any = get_peft_model(model, LoraConfig(r=config.lora_r, target_modules=targets, task_type="CAUSAL_LM"))
    return adapted.train()


def _quantize(model: Any, compute: Any, device: str) -> None:
    """Put NF4 layers in the place of linear ones, the head excepted."""
    import bitsandbytes
    from torch import nn

    of: Any = bitsandbytes.nn
    head = model.get_output_embeddings()
    for parent in list(model.modules()):
        for name, child in list(parent.named_children()):
            if not isinstance(child, nn.Linear) or child is head:
                continue
            made: Any = of.Linear4bit(
                child.in_features, child.out_features, child.bias is not None, compute, quant_type="nf4", device="meta"
            )
            made.weight = of.Params4bit(
                child.weight.data, requires_grad=False, compress_statistics=True, quant_type="nf4"
            )
            made.bias = child.bias
            setattr(parent, name, made.to(device))


def _timed(model: Any, rows: int, tokens: int, device: str, dtype: str) -> list[float]:
    """Return the seconds of some passes forward and backward over a batch of so many rows and tokens.

    Through the layers only where the model has an adapter, else through embedding and head with the loss.
    """
    import torch

    ids = torch.ones((rows, tokens), dtype=torch.long, device=device)  # (rows, tokens)
    mask = torch.ones_like(ids)
    mask[1:, -1] = 0  # padding, as most batches have it
    half = torch.autocast(device, getattr(torch, dtype), enabled=dtype != "float32")
    layers = model.get_base_model().base_model if hasattr(model, "peft_config") else None
    taken: list[float] = []
    began = time.perf_counter()
    for number in range(PASSES + 1):
        started = time.perf_counter()
        with half:
            if layers is not None:
                loss = layers(input_ids=ids, attention_mask=mask, use_cache=False).last_hidden_state.sum()
            else:
                loss = model(input_ids=ids, attention_mask=mask, labels=ids, fused_lm_head=True).loss
        loss.backward()
        if device == "cuda":
            torch.cuda.synchronize()
        if number:
            taken.append(time.perf_counter() - started)
        if taken and time.perf_counter() - began > ENOUGH:
            break
    return taken
