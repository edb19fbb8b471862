"""Estimates against figures worked out by hand for Llama-3.1-8B, and what they hang on."""

from __future__ import annotations

import msgspec
import pytest

from prepdata.cost import Range
from prepdata.prices import gpu
from trainers import estimate
from trainers.config import TrainConfig
from trainers.estimate import GIB, Linear, Shapes

CONFIG = TrainConfig(model="m", train="t", output="o")
NF4 = msgspec.structs.replace(CONFIG, quantization="nf4")
BLOCK = (
    Linear("q_proj", 4096, 4096),
    Linear("k_proj", 4096, 1024),
    Linear("v_proj", 4096, 1024),
    Linear("o_proj", 4096, 4096),
    Linear("gate_proj", 4096, 14336),
    Linear("up_proj", 4096, 14336),
    Linear("down_proj", 14336, 4096),
)
HEAD = Linear("lm_head", 4096, 128_256, True)
LLAMA = Shapes(8_030_261_248, BLOCK * 32 + (HEAD,), 32, 4096, 14336, 128_256, 131_072)


def test_weights_of_llama_8b() -> None:
    assert LLAMA.quantized == 6_979_321_856
    found = {
        name: round(estimate.base_bytes(LLAMA, name, dtype) / GIB, 1)
        for name, dtype in (("none", "bfloat16"), ("nf4-single", "bfloat16"), ("nf4", "bfloat16"))
    }
    assert found == {"none": 15.0, "nf4-single": 5.6, "nf4": 5.3}
    assert round(estimate.base_bytes(LLAMA, "none", "float32") / GIB, 1) == 29.9


def test_parameters_of_the_adapter() -> None:
    assert estimate.lora_parameters(LLAMA, CONFIG) == 41_943_040
    two = msgspec.structs.replace(CONFIG, lora_targets=("q_proj", "v_proj"), lora_r=8)
    assert estimate.lora_parameters(LLAMA, two) == 32 * 8 * (4096 + 4096 + 4096 + 1024)


def test_published_peaks_lie_in_the_range() -> None:
    """Read in others' documents: 18.7 GB for LoRA of 8B on an H100 (with libraries); torchtune 16.2 and 7.4 GiB of
    memory in use, so without the context of the GPU, for 2 x 2,048 tokens on a 4090."""
    two = {"batch_size": 2}
    lora = estimate.memory(LLAMA, msgspec.structs.replace(CONFIG, **two), 2048, "bfloat16").times(1 / GIB)
    qlora = estimate.memory(LLAMA, msgspec.structs.replace(NF4, **two), 2048, "bfloat16").times(1 / GIB)
    assert lora.low < 18.7 < lora.high < 25
    assert abs(qlora.low - 0.5 - 7.4) < 0.5
    assert qlora.high < 13


def test_checkpointing_length_and_batch_change_the_activations() -> None:
    without = msgspec.structs.replace(CONFIG, gradient_checkpointing=False)
    kept, all_of_them = (estimate.activation_bytes(LLAMA, c, 1024, "bfloat16") for c in (CONFIG, without))
    layer, tile = 2 * 4 * 1024 * (8 * 4096 + 4 * 14336), 2 * 4 * 1024 * 32_768
    assert all_of_them == 32 * layer + tile
    assert kept == layer + 2 * 4 * 1024 * 4096 * 32
    assert estimate.activation_bytes(LLAMA, CONFIG, 2048, "bfloat16") == 2 * kept


def test_the_loss_on_cpus_takes_more_than_a_layer() -> None:
    """Without Triton the tile of the head is there eight times in float32, with masks of a byte."""
    two = msgspec.structs.replace(CONFIG, batch_size=2)
    wide, none = (msgspec.structs.replace(LLAMA, vocabulary=size) for size in (1_000_000, 0))
    found = [estimate.activation_bytes_on_cpu(one, two, 100, "float32") for one in (wide, none)]
    assert found[0] - found[1] == 200 * 32_768 * (4 * 8.25 + 2)


def test_the_allocator_on_cpus_keeps_small_blocks() -> None:
    """Blocks under 32 MiB leave holes that are not handed back; larger ones are."""
    one = msgspec.structs.replace(CONFIG, batch_size=1, gradient_checkpointing=False)
    small = Shapes(1000, BLOCK[:1], 4, 512, 1024, 0)
    for tokens, holes in ((100, 1.8), (20_000, 1.0)):
        found = estimate.activation_bytes_on_cpu(small, one, tokens, "float32")
        assert found == pytest.approx(4 * tokens * holes * (4 * (8 * 512 + 4 * 1024) + 3 * 512 + 3 * 1024))
    few = estimate.activation_bytes_on_cpu(
        small, msgspec.structs.replace(one, gradient_checkpointing=True), 100, "float32"
    )
    assert few == pytest.approx(4 * 100 * 1.8 * (11 * 512 + 7 * 1024 + 4 * 512))


def test_memory_on_cpus_is_besides_the_libraries_and_without_a_context() -> None:
    found = estimate.memory(LLAMA, CONFIG, 512, "float32", gpu=False)
    parts = estimate.base_bytes(LLAMA, "none", "float32") + 16 * estimate.lora_parameters(LLAMA, CONFIG)
    assert found.likely == parts + estimate.activation_bytes_on_cpu(LLAMA, CONFIG, 512, "float32") + estimate.CPU_REST
    assert found.low < found.likely < found.high
    quantized = estimate.memory(LLAMA, NF4, 512, "float32", gpu=False).likely
    parts = (
        estimate.base_bytes(LLAMA, "nf4", "float32") + 4 * LLAMA.quantized
    )  # in NF4, and as the mapped file has them
    parts += 8 * estimate.lora_parameters(LLAMA, NF4) + estimate.activation_bytes_on_cpu(LLAMA, NF4, 512, "float32")
    assert quantized == parts + estimate.CPU_REST


def test_operations_and_hours() -> None:
    """15 M tokens on 8 B: 1.0 to 1.7 hours on an A100 at 30 to 50 % of its peak."""
    work = estimate.operations(LLAMA, CONFIG, 15_000_000, 500)
    assert work == pytest.approx(15e6 * 6.2 * 7.5046e9, rel=0.02)
    found = estimate.on_gpu(gpu("A100-80"), Range(1, 1, 1), work, nf4=False)
    assert found.hours is not None and found.usd is not None
    assert found.hours.low == pytest.approx(1.25, rel=0.05)
    assert found.hours.likely == pytest.approx(2.1, rel=0.05)
    assert found.usd.likely == pytest.approx(found.hours.likely * gpu("A100-80").typical.usd)


def test_what_fits() -> None:
    small = gpu("RTX4090")
    for needed, fits in ((Range(1, 2, 20), "yes"), (Range(20, 22, 26), "maybe"), (Range(23.5, 30, 40), "no")):
        found = estimate.on_gpu(small, needed.times(GIB), 1e18, nf4=True)
        assert (found.fits, found.hours is None) == (fits, fits == "no")


def test_shapes_come_from_the_model_itself() -> None:
    pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    config = transformers.LlamaConfig(
        hidden_size=4096, intermediate_size=14336, num_hidden_layers=32, num_attention_heads=32,
        num_key_value_heads=8, vocab_size=128_256, max_position_embeddings=131_072,
    )  # fmt: skip
    found = estimate.shapes_of(config)
    assert msgspec.structs.replace(found, linear=()) == msgspec.structs.replace(LLAMA, linear=())
    assert sorted(found.linear) == sorted(LLAMA.linear)


def test_activations_are_those_that_a_layer_keeps() -> None:
    """What torch keeps for the backward pass of a layer with adapters, counted in float32 by a hook."""
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    peft = pytest.importorskip("peft")
    hidden, mlp, rows, tokens = 256, 640, 2, 64

    def kept(layers: int) -> int:
        config = transformers.LlamaConfig(
            hidden_size=hidden, intermediate_size=mlp, num_hidden_layers=layers, num_attention_heads=4,
            num_key_value_heads=4, vocab_size=100,
        )  # fmt: skip
        model = peft.get_peft_model(
            transformers.LlamaForCausalLM(config), peft.LoraConfig(r=4, target_modules="all-linear")
        )
        model.enable_input_require_grads()
        weights = {parameter.untyped_storage().data_ptr() for parameter in model.parameters()}
        held: dict[int, object] = {}

        def keep(tensor: object) -> object:
            storage = tensor.untyped_storage()  # type: ignore[attr-defined]
            if storage.data_ptr() not in weights:
                held[storage.data_ptr()] = storage
            return tensor

        with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
            model(input_ids=torch.zeros(rows, tokens, dtype=torch.long))
        return sum(storage.nbytes() for storage in held.values())  # type: ignore[attr-defined]

    shapes = Shapes(0, (), 2, hidden, mlp, 100)
    config = msgspec.structs.replace(CONFIG, batch_size=rows, gradient_checkpointing=False)
    tile = 4 * rows * tokens * 100
    active = estimate.activation_bytes(shapes, config, tokens, "float32") - tile
    assert active == pytest.approx(kept(3) - kept(1), rel=0.05)
