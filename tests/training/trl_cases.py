"""Tokenizers, templates and rows for tests of the simulated SFTTrainer; all made here, from seeds."""

from __future__ import annotations

import json
import random
import re
from pathlib import Path
from typing import Any

from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

SAMPLES = Path(__file__).parents[2] / "samples"

_TURN = """\
{%- if tools %}{{ '<|im_start|>system\\n# Tools\\n' }}{% for tool in tools %}{{ tool | tojson }}{{ '\\n' }}{% endfor %}{{ '<|im_end|>\\n' }}{% endif %}
{%- for message in messages %}
{%- set said %}{{ message.content if message.content is string else '' }}
{%- if message.content is not string and message.content is iterable %}{% for part in message.content %}{{ part | tojson }}{% endfor %}{% endif %}
{%- for call in message.tool_calls or [] %}{{ '<call>' }}{{ call.function.name }}{{ ' ' }}
{%- if call.function.arguments is string %}{{ call.function.arguments }}{% else %}{{ call.function.arguments | tojson }}{% endif %}{{ '</call>' }}{% endfor %}{% endset %}
{%- if message.role == 'assistant' %}{{ '<|im_start|>assistant\\n' }}"""
_REST = """
{%- else %}{{ '<|im_start|>' + message.role + '\\n' + said + '<|im_end|>\\n' }}{% endif %}
{%- endfor %}
{%- if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% if thinking is defined and not thinking %}{{ '<think></think>' }}{% endif %}{% endif %}"""

PLAIN = _TURN + "{{ said + '<|im_end|>\\n' }}" + _REST
"""Without generation markers."""
MARKED = _TURN + "{% generation %}{{ said + '<|im_end|>' }}{% endgeneration %}{{ '\\n' }}" + _REST
"""With markers around the answer and the token that ends it."""
UNSTOPPED = _TURN + "{% generation %}{{ said }}{% endgeneration %}{{ '<|im_end|>\\n' }}" + _REST
"""With markers around the answer alone."""
STRICT = """\
{{- bos_token }}{% for message in messages %}
{%- if (message.role == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('user and assistant have to take turns') }}{% endif %}
{%- if message.role == 'user' %}{{ '[INST] ' + message.content + ' [/INST]' }}{% else %}{% generation %}{{ ' ' + message.content + eos_token }}{% endgeneration %}{% endif %}{% endfor %}"""
"""Refuses system turns and turns out of order; begins with BOS."""

_WORDS = re.findall(
    r"\S+",
    "the cat sat on a mat and nobody asked why order 4711 arrives on Monday please reply with JSON or plain text "
    "naïve café Grüße 東京 😀 don't e-mail me at noon 3.14 percent of users read docs first assistant user system",
)


def texts(seed: int, count: int) -> list[str]:
    """Return short texts of all kinds, control tokens and odd spaces among them."""
    draw = random.Random(seed)
    odd = [
        "",
        " ",
        "\n\n",
        "<|im_end|>",
        "a<|im_start|>b",
        "</s>",
        "x  y",
        " lead",
        "trail ",
        "\u200b",
        "e\u0301",
        "2025-01-01",
    ]
    made = []
    for _ in range(count):
        words = " ".join(draw.choices(_WORDS, k=draw.choice([1, 2, 3, 5, 8, 13, 40])))
        made.append(draw.choice(odd) if draw.random() < 0.1 else words + draw.choice(["", ".", "!", "\n", " "]))
    return made


def byte_level() -> Tokenizer:
    """Return a byte-level BPE with the tokens of ChatML and no BOS."""
    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    made.post_processor = processors.ByteLevel(trim_offsets=False)
    special = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
    made.train_from_iterator(
        texts(1, 400),
        trainers.BpeTrainer(
            vocab_size=420,
            special_tokens=special,
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
            show_progress=False,
        ),
    )
    return made


def sentence_piece() -> Tokenizer:
    """Return a BPE as made from SentencePiece: a mark for spaces, byte fall-back, BOS before every text."""
    made = Tokenizer(models.BPE(unk_token="<unk>", byte_fallback=True, fuse_unk=True))
    made.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(Regex(" "), "▁")])
    made.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()])
    special = ["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256))]
    made.train_from_iterator(
        texts(2, 400), trainers.BpeTrainer(vocab_size=600, special_tokens=special[:3], show_progress=False)
    )
    kept = json.loads(made.to_str())
    for byte in special[3:]:
        kept["model"]["vocab"][byte] = len(kept["model"]["vocab"])
    made = Tokenizer.from_str(json.dumps(kept))
    made.post_processor = processors.TemplateProcessing(
        single="<s> $A", pair="<s> $A <s> $B", special_tokens=[("<s>", made.token_to_id("<s>"))]
    )
    return made


def write_folder(folder: Path, kind: str, template: str | dict[str, str]) -> Path:
    """Write a tokenizer folder of a kind ("bytes" or "pieces") with one template or several."""
    folder.mkdir(parents=True, exist_ok=True)
    made = byte_level() if kind == "bytes" else sentence_piece()
    made.save(str(folder / "tokenizer.json"))
    named = {"eos_token": "<|im_end|>", "pad_token": "<|endoftext|>"} if kind == "bytes" else {
        "bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>", "pad_token": "<unk>"
    }  # fmt: skip
    listed = template if isinstance(template, str) else [{"name": k, "template": v} for k, v in template.items()]
    config = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "model_max_length": 10**30,
        "chat_template": listed,
        **named,
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(config), encoding="utf-8")
    return folder


def chat_rows(seed: int, count: int, tools: bool = True, strict: bool = False) -> list[dict[str, Any]]:
    """Return conversations: with and without system turn, calls of tools, reasoning, weights; each ends as it will."""
    draw = random.Random(seed)
    said = iter(texts(seed + 1, count * 12))
    rows = []
    for number in range(count):
        turns: list[dict[str, Any]] = []
        if draw.random() < 0.4 and not strict:
            turns.append({"role": "system", "content": next(said)})
        for _ in range(draw.choice([1, 1, 1, 2, 3])):
            turns.append({"role": "user", "content": next(said)})
            if tools and draw.random() < 0.2:
                call = {
                    "id": f"c{number}",
                    "type": "function",
                    "function": {"name": "look", "arguments": json.dumps({"q": next(said)})},
                }
                turns.append({"role": "assistant", "content": None, "tool_calls": [call]})
                turns.append({"role": "tool", "tool_call_id": f"c{number}", "content": next(said)})
            turns.append({"role": "assistant", "content": next(said)})
            if not strict and draw.random() < 0.2:
                turns[-1]["weight"] = draw.choice([0, 1])
        row: dict[str, Any] = {"messages": turns}
        if tools and draw.random() < 0.5:
            parameters = {"type": "object", "properties": {"q": {"type": "string"}}, "required": ["q"]}
            row["tools"] = [{"type": "function", "function": {"name": "look", "parameters": parameters}}]
        rows.append(row)
    return rows


def odd_rows(seed: int, count: int) -> list[dict[str, Any]]:
    """Return conversations as they should not be, but as trainers take them: contents in parts, missing or numbers,
    arguments as objects of any keys, reasoning, keys that nobody knows."""
    draw = random.Random(seed)
    said = texts(seed + 1, count * 12)

    def value(depth: int = 0) -> Any:
        kind = draw.randrange(7 if depth < 2 else 5)
        if kind == 5:
            return [value(depth + 1) for _ in range(draw.randint(0, 3))]
        if kind == 6:
            return {key: value(depth + 1) for key in draw.sample(["b", "a", "d", "c"], draw.randint(0, 3))}
        return [draw.choice(said), 7, draw.choice([0.3, 2.5, 1 / 3, 19.99, 1e-7]), True, None][kind]

    def content() -> Any:
        parts = [{"type": "text", "text": draw.choice(said)}, {"type": "file", "name": "a.txt", "size": 3}]
        return draw.choice([draw.choice(said), draw.sample(parts, draw.randint(1, 2)), 12, None])

    rows = []
    for _ in range(count):
        turns: list[dict[str, Any]] = []
        for number in range(draw.randint(1, 5)):
            turn: dict[str, Any] = {"role": "assistant" if number % 2 else "user"}
            if draw.random() < 0.9:
                turn["content"] = content()
            if number % 2 and draw.random() < 0.4:
                given = {"name": "look", "arguments": draw.choice([value(), {"q": value()}, "{}"])}
                turn["tool_calls"] = [{"type": "function", "function": given}]
            if draw.random() < 0.2:
                turn[draw.choice(["reasoning_content", "thinking", "name", "weight", "x"])] = value()
            turns.append(turn)
        row: dict[str, Any] = {"messages": turns}
        if draw.random() < 0.3:
            row["tools"] = [{"name": "look", "parameters": {"p": value(), draw.choice("qr"): value()}}]
        rows.append(row)
    return rows


def prompt_rows(seed: int, count: int, strict: bool = False) -> list[dict[str, Any]]:
    """Return conversations as prompt and completion; completions of one turn or more."""
    draw = random.Random(seed)
    rows = []
    for row in chat_rows(seed, count, tools=False, strict=strict):
        turns = row["messages"]
        at = len(turns) - (1 if strict or draw.random() < 0.8 else draw.randint(1, len(turns) - 1))
        rows.append({"prompt": turns[:at], "completion": turns[at:]})
    return rows


def text_pairs(seed: int, count: int) -> list[dict[str, Any]]:
    """Return prompt and completion as texts; some tokens merge across the boundary."""
    said = texts(seed, 2 * count)
    return [{"prompt": one, "completion": other} for one, other in zip(said[::2], said[1::2])]


def sample(name: str) -> list[dict[str, Any]]:
    """Return the rows of a sample."""
    return [json.loads(line) for line in (SAMPLES / name).read_text("utf-8").splitlines()]
