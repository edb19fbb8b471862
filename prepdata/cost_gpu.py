"""What LoRA and QLoRA training cost on GPUs of one's own or rented ones: memory, hours, dollars. Pure functions.

Compute. A forward pass takes about 2 floating-point operations per parameter and token, a full backward pass 4
(Kaplan et al. 2020, "Scaling Laws for Neural Language Models", section 2.1). With LoRA the frozen weights need no
gradient of their own, so the backward pass takes about 2: 4 in all. Recomputing activations (gradient checkpointing,
the default where memory is short) adds a second forward pass: 6. The share of a GPU's peak that training reaches is
set between 0.15 and 0.50, likely 0.30 (the PaLM paper, Chowdhery et al. 2022, appendix B, reports 0.21 to 0.46 for
large runs; small batches of short rows reach less). QLoRA unpacks its 4-bit weights in every pass: taken as no slower
up to 1.8 times slower, likely 1.4. These factors are from memory of the papers, not measured here.

Memory. Weights: 2 bytes a parameter (BF16); QLoRA about 0.56 (4-bit NF4 with double quantisation, Dettmers et al.
2023: 0.5 bytes and 0.127 bits, and embeddings kept at 2 bytes). Adapter, its gradients and Adam states: 16 bytes for
each trained parameter, with 1 % of the model trained. Activations with checkpointing: one row at a time, 2 bytes per
token, layer and hidden unit, and the scores over the vocabulary, kept twice in 4 bytes. Fixed: 1.5 GiB.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from prepdata.cost import Amount, Range, epochs_said, oldest_of
from prepdata.prices import as_of, gpu, gpus

Method = Literal["lora", "qlora"]

FLOPS_PER_PARAMETER = Range(4.0, 6.0, 6.0)
PEAK_SHARE = Range(0.15, 0.30, 0.50)
QLORA_SLOWDOWN = Range(1.0, 1.4, 1.8)

WEIGHT_BYTES: dict[str, float] = {"lora": 2.0, "qlora": 0.56}
TRAINED_SHARE = 0.01
TRAINED_BYTES = 16.0
VOCABULARY = 128_000
FIXED_GIB = 1.5
USABLE = 0.92
"""Share of a GPU's memory that can be filled before fragmentation ends the run."""

GIB = 1024**3
GPU_COUNTS = (1, 2, 4, 8)


class OwnGpu(msgspec.Struct, frozen=True, kw_only=True):
    """The estimate for one GPU type and method.

    Args:
        gpu, method: what is used.
        gpus: GPUs needed to hold the model, or None where eight are not enough.
        memory_gib: memory needed in all, in GiB; `gpu_memory_gib` what one GPU has.
        hours: wall-clock hours on that many GPUs.
        usd: rent of all GPUs for those hours, in USD.
        as_of: date of the oldest price used, and when it counts as old.
        assumptions: what the range rests on.
    """

    gpu: str
    method: str
    gpus: int | None
    memory_gib: float
    gpu_memory_gib: float
    hours: Range | None
    usd: Range | None
    as_of: str
    assumptions: list[str]


def memory_gib(billions: float, method: Method, row_tokens: int) -> tuple[float, float]:
    """Return (GiB that can be spread over GPUs, GiB that every GPU needs).

    Args:
        billions: parameters of the model, in billions.
        method: `lora` or `qlora`.
        row_tokens: the longest row trained, in tokens.
    """
    parameters = billions * 1e9
    shared = parameters * (WEIGHT_BYTES[method] + TRAINED_SHARE * TRAINED_BYTES) / GIB
    layers, hidden = shape_of(billions)
    activations = row_tokens * (layers * hidden * 2 + VOCABULARY * 4 * 2) / GIB
    return shared, activations + FIXED_GIB


def shape_of(billions: float) -> tuple[int, int]:
    """Return (layers, hidden units) of a usual model of that size: 32 and 4,096 at 7 billion, growing evenly."""
    factor = (billions / 7.0) ** (1 / 3)
    return max(1, round(32 * factor)), max(64, round(4096 * factor))


def gpus_needed(billions: float, method: Method, row_tokens: int, gpu_gib: float) -> int | None:
    """Return the smallest usual number of GPUs that holds the run, or None where eight do not."""
    shared, each = memory_gib(billions, method, row_tokens)
    for count in GPU_COUNTS:
        if shared / count + each <= gpu_gib * USABLE:
            return count
    return None


def gpu_seconds(billions: float, tokens: float, tflops: float, method: Method) -> Range:
    """Return seconds of one GPU for training on `tokens` tokens (all epochs together)."""
    work = billions * 1e9 * tokens
    slow = QLORA_SLOWDOWN if method == "qlora" else Range(1.0, 1.0, 1.0)
    peak = tflops * 1e12
    return Range(
        FLOPS_PER_PARAMETER.low * work * slow.low / (peak * PEAK_SHARE.high),
        FLOPS_PER_PARAMETER.likely * work * slow.likely / (peak * PEAK_SHARE.likely),
        FLOPS_PER_PARAMETER.high * work * slow.high / (peak * PEAK_SHARE.low),
    )


def own_gpu(
    gpu_name: str,
    amount: Amount,
    *,
    billions: float,
    method: Method,
    epochs: float,
    row_tokens: int,
) -> OwnGpu:
    """Return hours and dollars of LoRA or QLoRA training on one type of GPU.

    Args:
        gpu_name: a GPU of the price list.
        amount: rows and tokens of one epoch.
        billions: parameters of the model, in billions.
        method: `lora` or `qlora`.
        epochs: epochs trained.
        row_tokens: the longest row trained, in tokens.

    Raises:
        UsageError: the GPU is not in the list.
    """
    card = gpu(gpu_name)
    count = gpus_needed(billions, method, row_tokens, card.memory_gib)
    shared, each = memory_gib(billions, method, row_tokens)
    error = amount.error
    seconds = gpu_seconds(billions, amount.tokens * epochs, card.tflops, method)
    one = Range(seconds.low * (1 - error), seconds.likely, seconds.high * (1 + error)).times(1 / 3600)
    assumptions = [
        f"{billions:g} billion parameters, {amount.tokens * epochs:,.0f} tokens in {epochs_said(epochs)}",
        f"4 to 6 operations per parameter and token, {PEAK_SHARE.low:.0%} to {PEAK_SHARE.high:.0%} of peak reached",
        f"peak {card.tflops:g} TFLOPS ({card.tflops_confidence})",
        f"rows up to {row_tokens:,} tokens, one at a time, activations recomputed",
        f"{card.low.usd:g} to {card.high.usd:g} USD a GPU hour, likely {card.typical.usd:g}",
        "loading, evaluation and failed runs not counted",
    ]
    assumptions += amount.caution()
    usd = Range(one.low * card.low.usd, one.likely * card.typical.usd, one.high * card.high.usd)
    return OwnGpu(
        gpu=card.name,
        method=method,
        gpus=count,
        memory_gib=shared + each * (count or 1),
        gpu_memory_gib=card.memory_gib,
        hours=one.times(1 / count) if count else None,
        usd=usd if count else None,
        as_of=as_of(oldest_of([card.low, card.typical, card.high], gpus().checked)),
        assumptions=assumptions,
    )
