"""Names of language models: which names mean the same family?"""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import pairwise

_SPLIT = re.compile(r"[-_\s.]+")
_GLUED = re.compile(r"^([a-z]{3,})(\d.*)$")  # "qwen2", "llama3", not "o1"
_SIZE = re.compile(r"^(?:\d+x)?\d+[bm]$|^a\d+b$|^e\d+b$|^\d+k$|^q\d(?:_\w+)?$|^\d+bit$|^\d+e$")
_DATE = re.compile(r"^(?:20\d{6}|20\d\d|0[1-9]\d\d|1[0-2]\d\d|2\d(?:0[1-9]|1[0-2]))$")
_MAKERS = frozenset({"meta", "open", "hf", "the", "chat", "us", "eu", "anthropic", "google", "openai"})
_VARIANTS = frozenset({
    "instruct", "chat", "it", "base", "hf", "pt", "sft", "dpo", "rlhf", "mini", "nano", "micro", "tiny",
    "small", "medium", "large", "xl", "pro", "flash", "lite", "turbo", "ultra", "max", "plus", "preview",
    "latest", "exp", "experimental", "thinking", "reasoning", "fast", "vision", "vl", "audio", "realtime",
    "search", "code", "coder", "math", "haiku", "sonnet", "opus", "fable", "mythos", "scout", "maverick",
    "awq", "gptq", "gguf", "fp8", "fp16", "bf16", "int4", "int8", "bnb", "nf4", "mlx", "tuned", "ft", "lora",
    "adapter", "v0",
})  # fmt: skip


@lru_cache(maxsize=4096)
def family(name: str) -> str:
    """Return the family of a model, "" if there is none: "gpt-4o-mini" and "openai/gpt-4o-2024-08-06" are both "gpt4o",
    "Meta-Llama-3.1-8B" and "llama3.1:70b" both "llama3.1". The version is part of it, size, date and variant are not.
    """
    name = name.strip().lower()
    if name.startswith("ft:"):
        name = name[3:].split(":", 1)[0]
    name = name.rsplit("/", 1)[-1].split(":", 1)[0].split("@", 1)[0]
    words: list[str] = []
    for token in _SPLIT.split(name):
        glued = _GLUED.match(token)
        words.extend([glued[1], glued[2]] if glued else [token])
    while words and words[0] in _MAKERS:
        words.pop(0)
    kept: list[str] = []
    for i, word in enumerate(words):
        if i > 0 and (word == "distill" or _DATE.match(word)):
            break
        if not word or word in _VARIANTS or _SIZE.match(word) or (word.isdigit() and words[i - 1] == "v0"):
            continue
        if kept and word.isdigit() and (len(word) > 2 or word.startswith("0") or sum(w.isdigit() for w in kept) >= 2):
            continue
        kept.append(word)
    if not kept:
        return ""
    result = kept[0]
    for before, word in pairwise(kept):
        result += "." + word if before.isdigit() and word.isdigit() else word
    return result
