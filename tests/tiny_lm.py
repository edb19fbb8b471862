"""The model and rows of `samples/finetune`, for tests: the model is made once and kept in the cache of prepdata.

Making it takes 27 s of processor time on one thread; then it is found in the folder `tiny-lm-DIGEST`, where the digest
is that of the recipe.
"""

from __future__ import annotations

import hashlib
import os
import random
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from prepdata.cache import folder as cache_folder

EXAMPLE = Path(__file__).parents[1] / "samples" / "finetune"
sys.path.insert(0, str(EXAMPLE))

from make import CITIES, TEMPLATE, Row, as_json, json_rows, make_model, order, prose_rows, row, write_rows  # noqa: E402, F401

KEPT = cache_folder(None)
"""Where the model is kept. Looked up when this is imported: the tests themselves have a cache folder of their own."""


def unrelated_rows(prompts: Sequence[str], seed: int) -> list[Row]:
    """Return rows whose answers nobody can tell from their prompts: they can only be learnt by heart."""
    chance = random.Random(seed)
    made = [row("books", order(chance), 0, as_json(order(chance))) for _ in prompts]
    for prompt, held in zip(prompts, made):
        held["messages"][1]["content"] = prompt
    return made


def base_model() -> Path:
    """Return the folder of the base model, made now if it is not yet there."""
    recipe = (EXAMPLE / "make.py").read_bytes()
    folder = KEPT / f"tiny-lm-{hashlib.blake2b(recipe, digest_size=8).hexdigest()}"
    if not (folder / "model.safetensors").is_file():
        made = folder.with_name(f"{folder.name}.{os.getpid()}")
        make_model(made)
        try:
            made.rename(folder)
        except OSError:  # another process was quicker
            assert (folder / "model.safetensors").is_file()
    return folder


def exact_share(model: Any, tokenizer: Any, rows: Sequence[Row]) -> float:
    """Return the share of rows whose last turn the model writes exactly, greedily, all in one batch."""
    import torch

    prompts = [
        tokenizer.apply_chat_template(
            row["messages"][:-1], add_generation_prompt=True, tokenize=True, return_dict=False
        )
        for row in rows
    ]
    longest, pad = max(map(len, prompts)), tokenizer.pad_token_id
    ids = torch.tensor([[pad] * (longest - len(prompt)) + prompt for prompt in prompts])  # (rows, tokens)
    with torch.no_grad():
        written = model.generate(
            input_ids=ids, attention_mask=(ids != pad).long(), max_new_tokens=32, do_sample=False, pad_token_id=pad
        )
    texts = tokenizer.batch_decode(written[:, longest:], skip_special_tokens=True)
    return sum(text == row["messages"][-1]["content"] for text, row in zip(texts, rows)) / len(rows)


__all__ = ["TEMPLATE", "Row", "base_model", "exact_share", "json_rows", "prose_rows", "write_rows"]
