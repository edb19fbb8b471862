"""Makes a Llama of few layers with random weights for tests: it says nothing of sense, but it says it at once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from byte_tokenizer import SPECIAL, write_folder


def write_random_model(
    folder: Path, template: str = "chatml", *, context: int = 256, seed: int = 0, layers: int = 2, **config: Any
) -> Path:
    """Write a model folder whose tokens are bytes.

    Args:
        folder: where.
        template: name of one of the templates of `byte_tokenizer`, or a template.
        context: tokens it can read.
        seed: of the weights.
        layers: of the model; more make it slower.
        config: more for tokenizer_config.json.
    """
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.set_num_threads(1)
    torch.manual_seed(seed)
    write_folder(folder, template, pad_token="<pad>", **config)
    shape = LlamaConfig(
        vocab_size=256 + len(SPECIAL), hidden_size=32, intermediate_size=64, num_hidden_layers=layers, num_attention_heads=4,
        max_position_embeddings=context, eos_token_id=256 + SPECIAL.index("<|im_end|>"), initializer_range=0.6,
    )  # fmt: skip
    LlamaForCausalLM(shape).save_pretrained(folder)
    return folder
