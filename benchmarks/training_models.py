"""Models with random weights and rows of random words, for benchmarks of training: nothing is downloaded."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any, NamedTuple

SPECIAL = ("<|pad|>", "<|im_start|>", "<|im_end|>")
TEMPLATE = (
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\\n' }}"
    "{% if message['role'] == 'assistant' %}{% generation %}{{ message['content'] + '<|im_end|>' }}{% endgeneration %}"
    "{% else %}{{ message['content'] + '<|im_end|>' }}{% endif %}{{ '\\n' }}{% endfor %}"
)
CONTEXT = 8192


class Shape(NamedTuple):
    """Widths of a model: of the residual stream and the MLP; layers; vocabulary; heads of queries and of keys."""

    hidden: int
    mlp: int
    layers: int
    vocabulary: int
    heads: int = 8
    key_heads: int = 4
    kind: str = "llama"
    tied: bool = True


LLAMA_8B = Shape(4096, 14336, 32, 128_256, 32, 8, tied=False)


def write_tokenizer(folder: Path) -> None:
    """Write a tokenizer whose tokens are bytes."""
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    made = Tokenizer(models.BPE(vocab={letter: number for number, letter in enumerate(alphabet)}, merges=[]))
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    made.decoder = decoders.ByteLevel()
    made.add_special_tokens([AddedToken(word, special=True, normalized=False) for word in SPECIAL])
    folder.mkdir(parents=True, exist_ok=True)
    made.save(str(folder / "tokenizer.json"))
    told = {
        "tokenizer_class": "PreTrainedTokenizerFast", "eos_token": SPECIAL[2], "pad_token": SPECIAL[0],
        "chat_template": TEMPLATE, "model_max_length": CONTEXT,
    }  # fmt: skip
    (folder / "tokenizer_config.json").write_text(json.dumps(told))


def write_model(folder: Path, shape: Shape, *, dtype: str = "float32", device: str = "cpu") -> Path:
    """Write a model folder: random weights, made on a device in a dtype."""
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    torch.manual_seed(0)
    told: Any = AutoConfig.for_model(
        shape.kind, hidden_size=shape.hidden, intermediate_size=shape.mlp, num_hidden_layers=shape.layers,
        vocab_size=shape.vocabulary, num_attention_heads=shape.heads, num_key_value_heads=shape.key_heads,
        head_dim=shape.hidden // shape.heads, max_position_embeddings=CONTEXT, tie_word_embeddings=shape.tied,
        bos_token_id=None, eos_token_id=258, pad_token_id=256,
    )  # fmt: skip
    with torch.device(device):
        model = AutoModelForCausalLM.from_config(told, dtype=getattr(torch, dtype))
    model.save_pretrained(folder)
    write_tokenizer(folder)
    return folder


def write_rows(file: Path, count: int, tokens: tuple[int, int], seed: int) -> Path:
    """Write chat rows of random words, each of a length drawn between two numbers of tokens."""
    chance = random.Random(seed)
    words = ["".join(chance.choices("abcdefghijklmnoprstuvw", k=chance.randint(3, 9))) for _ in range(3000)]

    def text(length: int) -> str:
        found = ""
        while len(found) < length:
            found += f"{chance.choice(words)} "
        return found[: max(4, length)].strip()

    with file.open("w", encoding="ascii") as out:
        for _ in range(count):
            each = max(8, (chance.randint(*tokens) - 22) // 2)  # of the two turns; 22 tokens go to the template
            turns = [{"role": "user", "content": text(each)}, {"role": "assistant", "content": text(each)}]
            out.write(json.dumps({"messages": turns}) + "\n")
    return file
