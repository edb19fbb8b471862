"""What a LoRA or QLoRA run takes: memory, hours, money, as ranges, from the shapes of the real model.

Memory in bytes, by part (the sources: Dettmers et al. 2023, "QLoRA", sections 2 and 3; Korthikanti et al. 2022,
"Reducing Activation Recomputation", section 4; `trl/kernels/chunked_logprob.py` of TRL 1.16.0):

- base: 2 a weight in 16 bits, 4 in float32. NF4 keeps the weights of linear layers in half a byte and one float32
  scale for 64 of them: 0.5625; double quantisation keeps the scales in 8 bits, with a float32 for 256 of them: 0.5159.
  Embeddings, norms and head stay as they are.
- adapter: r (in + out) parameters a layer. Weight, gradient and two moments of Adam: 16 a parameter in float32, 8 in
  bfloat16, in which TRL keeps the adapters of QLoRA.
- activations of B rows of S tokens, L layers, width H, width of the MLP M: 2 B S H L for what checkpointing keeps, and
  2 B S (8 H + 4 M) for the layer at work; without checkpointing that for every layer. Twice as much in float32.
- head: TRL works out the loss in tiles of 4,096 tokens and never has all logits; one tile in two precisions.
- GPUs: 0.5 to 1.5 GiB for the context and the libraries, then up to 20 % for memory that is not handed back.

The spread between published peaks of equal size is about two times; nothing here is exact to a few per cent.

Time. 2 operations per weight, token and pass. With LoRA 4.2 in all, 6.2 with checkpointing (counted with a FLOP counter
on a small Llama; frozen weights need no gradient of their own). Attention adds 2 S H a layer, token and pass. Of the
dense 16-bit peak of a GPU, training reaches 20 to 50 %, likely 30 % (throughput published by torchtune, LlamaFactory,
mistral-finetune and NeMo, turned into shares); QLoRA unpacks its weights in every pass, up to 1.4 times slower
(torchtune: 2,413 against 3,083 tokens a second).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from prepdata.cost import Range
from prepdata.prices.model import Gpu
from trainers.config import TrainConfig

GIB = 1024**3
BYTES = {"float32": 4.0, "bfloat16": 2.0, "float16": 2.0}
NF4_BYTES = 0.5 + 4 / 64
NF4_DOUBLE_BYTES = 0.5 + 1 / 64 + 4 / (64 * 256)
HEAD_TILE = 4096
VOCABULARY_TILE = 32_768
CPU_TILES = 7.25
"""Copies in float32 that TRL makes of a tile without Triton, so on CPUs: seven, and masks of a byte (counted in its
source, `_backward_tile`)."""
CONTEXT_GIB = Range(0.5, 1.0, 1.5)
ACTIVATION_SPREAD = Range(0.8, 1.0, 1.5)
"""What the formula for activations may be off by: exact in float32; under bfloat16 autocast norms keep float32 copies
(tensors saved for the backward pass of Llama layers with adapters, counted: 1.3 to 1.5 times the formula)."""
SLACK = Range(1.0, 1.08, 1.20)
CPU_SLACK = Range(0.85, 1.0, 1.25)
"""On CPUs, where what the allocator keeps has a term of its own."""
HEAP_BLOCK = 32 * 1024**2
"""Bytes of a block up to which malloc of glibc keeps what is freed (DEFAULT_MMAP_THRESHOLD_MAX, mallopt(3))."""
HEAP_KEPT = 0.8
"""Share of the activations in such blocks that is held on top, in holes that new blocks do not fit into."""
CPU_REST = 50 * 1024**2
"""Bytes of code that is first used in training. This and the share: seven runs on CPUs with models of 5 to 45 M
parameters (glibc 2.36, torch 2.13, 2026-11); 0.88 to 1.12 times the estimate was measured in them."""
OPERATIONS = {False: 4.2, True: 6.2}
"""Operations per weight and trained token, without and with gradient checkpointing."""
PEAK_SHARE = Range(0.20, 0.30, 0.50)
NF4_SLOWDOWN = Range(1.0, 1.2, 1.4)
USABLE = 0.95
"""Share of a GPU's memory that a run can have."""


class Linear(NamedTuple):
    """A linear layer: the last part of its name, its inputs and outputs, and whether it is the head."""

    name: str
    inputs: int
    outputs: int
    head: bool = False


class Shapes(msgspec.Struct, frozen=True):
    """What of a model memory and time hang on.

    Args:
        parameters: all weights, tied ones once.
        linear: its linear layers, the head among them.
        layers: blocks.
        hidden: width of the residual stream.
        mlp: width of the MLP.
        vocabulary: rows of the embedding.
        context: tokens that it can read, None if its configuration does not say.
    """

    parameters: int
    linear: tuple[Linear, ...]
    layers: int
    hidden: int
    mlp: int
    vocabulary: int
    context: int | None = None

    @property
    def quantized(self) -> int:
        """Weights that NF4 takes: those of linear layers without the head."""
        return sum(one.inputs * one.outputs for one in self.linear if not one.head)

    @property
    def active(self) -> int:
        """Weights that each token meets, without the embedding: linear layers and the head, tied or not."""
        head = 0 if any(one.head for one in self.linear) else self.hidden * self.vocabulary
        return sum(one.inputs * one.outputs for one in self.linear) + head

    def adapted(self, targets: Sequence[str]) -> list[Linear]:
        """Return the layers that get an adapter; "all-linear" names all but the head."""
        every = "all-linear" in targets
        return [one for one in self.linear if not one.head and (every or one.name in targets)]


def shapes_of(config: Any) -> Shapes:
    """Return the shapes of a model of transformers, built without memory (device "meta") from its configuration.

    Args:
        config: a `transformers.PretrainedConfig`.
    """
    import torch
    from transformers import AutoModelForCausalLM

    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(config)  # type: ignore[no-untyped-call]
    head = model.get_output_embeddings()
    linear = tuple(
        Linear(name.rpartition(".")[2], module.in_features, module.out_features, module is head)
        for name, module in model.named_modules()
        if isinstance(module, torch.nn.Linear)
    )
    text = config.get_text_config()
    hidden = int(text.hidden_size)
    context = getattr(text, "max_position_embeddings", None)
    return Shapes(
        parameters=sum(one.numel() for one in model.parameters()),
        linear=linear,
        layers=int(text.num_hidden_layers),
        hidden=hidden,
        mlp=int(getattr(text, "intermediate_size", None) or 4 * hidden),
        vocabulary=int(text.vocab_size),
        context=context if isinstance(context, int) else None,
    )


def lora_parameters(shapes: Shapes, config: TrainConfig) -> int:
    """Return how many weights the adapter has: r (in + out) for each layer that gets one."""
    return sum(config.lora_r * (one.inputs + one.outputs) for one in shapes.adapted(config.lora_targets))


def base_bytes(shapes: Shapes, quantization: str, dtype: str) -> float:
    """Return the bytes of the frozen weights.

    Args:
        shapes: of the model.
        quantization: "none", "nf4" (with double quantisation, as here trained) or "nf4-single".
        dtype: of what is not quantised.
    """
    each = {"none": BYTES[dtype], "nf4": NF4_DOUBLE_BYTES, "nf4-single": NF4_BYTES}[quantization]
    return each * shapes.quantized + BYTES[dtype] * (shapes.parameters - shapes.quantized)


def activation_bytes(shapes: Shapes, config: TrainConfig, row_tokens: int, dtype: str) -> float:
    """Return the bytes of activations at the peak on a GPU, for the longest row in every place of the batch.

    With checkpointing the layer at work and the loss are not there at the same time; the larger one counts.
    """
    tokens, size = config.batch_size * row_tokens, BYTES[dtype]
    layer = size * tokens * (8 * shapes.hidden + 4 * shapes.mlp)
    tile = size * _tile(shapes, tokens)
    if not config.gradient_checkpointing:
        return layer * shapes.layers + tile
    return max(layer, tile) + size * tokens * shapes.hidden * shapes.layers


def _tile(shapes: Shapes, tokens: int) -> int:
    """Return the numbers in one tile of the head."""
    return min(tokens, HEAD_TILE) * min(shapes.vocabulary, VOCABULARY_TILE)


def activation_bytes_on_cpu(shapes: Shapes, config: TrainConfig, row_tokens: int, dtype: str) -> float:
    """Return the same for CPUs: with the gradients of the layer at work, and what malloc of glibc does not hand back.

    The heap stays as large as the layers have made it, and the tiles of the head come on top.
    """
    tokens, size = config.batch_size * row_tokens, BYTES[dtype]
    layers = 1 if config.gradient_checkpointing else shapes.layers
    kept = shapes.layers if config.gradient_checkpointing else 0
    numbers = _tile(shapes, tokens)
    found = numbers * (size + 4 * CPU_TILES)
    if numbers < HEAP_BLOCK:
        found += 2 * numbers  # masks of a byte
    for width, of_layer, of_gradients in ((shapes.hidden, 8, 3), (shapes.mlp, 4, 3)):
        block = size * tokens * width
        count = layers * of_layer + of_gradients + (kept if width == shapes.hidden else 0)
        found += count * block * (1 + HEAP_KEPT if block < HEAP_BLOCK else 1)
    return found


def memory(shapes: Shapes, config: TrainConfig, row_tokens: int, dtype: str, *, gpu: bool = True) -> Range:
    """Return the memory of a run on one device, in bytes.

    Args:
        shapes: of the model.
        config: of the run.
        row_tokens: the longest row trained, in tokens.
        dtype: of base and activations.
        gpu: False for what a run on CPUs takes besides the libraries of Python.
    """
    adapter = lora_parameters(shapes, config)
    trained = (Range(8.0, 8.0, 16.0) if config.quantization == "nf4" else Range(16.0, 16.0, 16.0)).times(adapter)
    base = base_bytes(shapes, config.quantization, dtype)
    if not gpu:
        active = activation_bytes_on_cpu(shapes, config, row_tokens, dtype)
        mapped = (
            BYTES[dtype] * shapes.quantized if config.quantization == "nf4" else 0
        )  # the file of weights stays there
        whole = base + mapped + trained.likely + active + CPU_REST
        return Range(whole * CPU_SLACK.low, whole * CPU_SLACK.likely, whole * CPU_SLACK.high)
    spread = ACTIVATION_SPREAD.times(activation_bytes(shapes, config, row_tokens, dtype))
    context = CONTEXT_GIB.times(GIB)
    return Range(
        (base + trained.low + spread.low + context.low) * SLACK.low,
        (base + trained.likely + spread.likely + context.likely) * SLACK.likely,
        (base + trained.high + spread.high + context.high) * SLACK.high,
    )


def operations(shapes: Shapes, config: TrainConfig, tokens: int, row_tokens: float) -> float:
    """Return the floating-point operations of training.

    Args:
        shapes: of the model.
        config: of the run.
        tokens: tokens that go through the model in all epochs, padding among them.
        row_tokens: tokens of a usual row, for attention.
    """
    passes = OPERATIONS[config.gradient_checkpointing] / 2
    attention = 2 * shapes.layers * shapes.hidden * row_tokens  # causal: scores and sums of half of all pairs
    return tokens * passes * (2 * shapes.active + attention)


class OnGpu(msgspec.Struct, frozen=True):
    """The estimate for one GPU type.

    Args:
        gpu: its name in the price list; `memory_gib` what it has.
        fits: "yes", "maybe" (the range of memory reaches beyond it) or "no".
        hours: low, likely, high; None where it does not fit.
        usd: rent for that long, low, likely, high; None where it does not fit.
        price_date: day of the oldest price used.
    """

    gpu: str
    memory_gib: float
    fits: str
    hours: Range | None
    usd: Range | None
    price_date: str


def on_gpu(card: Gpu, needed: Range, work: float, *, nf4: bool) -> OnGpu:
    """Return what a run takes on one GPU.

    Args:
        card: from the price list.
        needed: memory in bytes.
        work: operations of the run.
        nf4: True for QLoRA.
    """
    room = card.memory_gib * GIB * USABLE
    fits = "yes" if needed.high <= room else "no" if needed.low > room else "maybe"
    date = min(card.low.date, card.typical.date, card.high.date).isoformat()
    if fits == "no":
        return OnGpu(card.name, card.memory_gib, fits, None, None, date)
    slow = NF4_SLOWDOWN if nf4 else Range(1.0, 1.0, 1.0)
    seconds = work / (card.tflops * 1e12)
    hours = Range(
        seconds / PEAK_SHARE.high * slow.low / 3600,
        seconds / PEAK_SHARE.likely * slow.likely / 3600,
        seconds / PEAK_SHARE.low * slow.high / 3600,
    )
    usd = Range(hours.low * card.low.usd, hours.likely * card.typical.usd, hours.high * card.high.usd)
    return OnGpu(card.name, card.memory_gib, fits, hours, usd, date)


def read_shapes(folder: Path) -> Shapes:
    """Return the shapes of the model in a folder; reads config.json only, runs no code of the folder."""
    from transformers import AutoConfig

    return shapes_of(AutoConfig.from_pretrained(folder, trust_remote_code=False, local_files_only=True))
