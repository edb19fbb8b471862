"""Makes a model of static embeddings for tests: words of one group have one vector, all others one of their own."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from xxhash import xxh3_64_intdigest

WIDTH = 64
GROUPS = (
    "heron fowl", "child kid", "spotted noticed", "river stream", "counted tallied", "morning dawn", "big large",
    "bought purchased", "shop store", "apples fruit", "price cost", "pays owes",
)  # fmt: skip
SMALL = "a an the of in on at by to is was did does do which what who how many much that this her his it for"


def words_of(value: Any) -> set[str]:
    """Return the words of all texts in a JSON value."""
    return set(re.findall(r"\w+|[^\w\s]", json.dumps(value, ensure_ascii=False).lower()))


def vector(word: str) -> np.ndarray:
    """Return the vector of a word; small words weigh little."""
    group = next((group for group in GROUPS if word in group.split()), word)
    found = np.random.default_rng(xxh3_64_intdigest(group.encode())).normal(size=WIDTH)
    return found / np.linalg.norm(found) * (0.1 if word in SMALL.split() else 1.0)


def safetensors(arrays: dict[str, np.ndarray]) -> bytes:
    """Return arrays as a safetensors file."""
    kinds = {"float32": "F32", "float16": "F16", "int64": "I64", "int8": "I8", "uint16": "BF16"}
    header, offset = {}, 0
    for name, array in arrays.items():
        end = offset + array.nbytes
        header[name] = {"dtype": kinds[array.dtype.name], "shape": list(array.shape), "data_offsets": [offset, end]}
        offset = end
    text = json.dumps({"__metadata__": {"format": "pt"}, **header}).encode()
    return len(text).to_bytes(8, "little") + text + b"".join(array.tobytes() for array in arrays.values())


def write_tokenizer(path: Path, words: Iterable[str]) -> list[str]:
    """Write a tokenizer.json whose tokens are words; return them in order of their ids."""
    listed = ["[UNK]", *sorted(words)]
    made = {
        "version": "1.0", "truncation": None, "padding": None, "added_tokens": [], "post_processor": None, "decoder": None,
        "normalizer": {"type": "Lowercase"}, "pre_tokenizer": {"type": "Whitespace"},
        "model": {"type": "WordLevel", "vocab": {word: i for i, word in enumerate(listed)}, "unk_token": "[UNK]"},
    }  # fmt: skip
    path.write_text(json.dumps(made), encoding="utf-8")
    return listed


def write_model(folder: Path, texts: Sequence[Any]) -> Path:
    """Write a model that knows the words of some texts or rows."""
    folder.mkdir(parents=True, exist_ok=True)
    words = write_tokenizer(folder / "tokenizer.json", set().union(*map(words_of, texts)))
    table = np.stack([vector(word) for word in words]).astype(np.float32)
    (folder / "model.safetensors").write_bytes(safetensors({"embeddings": table}))
    (folder / "config.json").write_text(json.dumps({"model_type": "model2vec"}), encoding="utf-8")
    return folder
