"""Makes a tokenizer folder for tests in which every byte is a token, so that tokens can be counted by hand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

CHATML = """\
{% for message in messages %}
{{ '<|im_start|>' + message['role'] + '\\n' }}
{%- if message['role'] == 'assistant' %}
{% generation %}{{ message['content'] + '<|im_end|>' }}{% endgeneration %}{{ '\\n' }}
{%- else %}
{{ message['content'] + '<|im_end|>\\n' }}
{%- endif %}
{%- endfor %}
{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}
"""
TEMPLATES = {
    "chatml": CHATML,
    "unmarked": CHATML.replace("{% generation %}", "").replace("{% endgeneration %}", ""),
    "end-outside": CHATML.replace(
        "{{ message['content'] + '<|im_end|>' }}{% endgeneration %}",
        "{{ message['content'] }}{% endgeneration %}{{ '<|im_end|>' }}",
    ),
    "no-end": CHATML.replace(" + '<|im_end|>' }}{% endgeneration %}{{ '\\n' }}", " }}{% endgeneration %}{{ '\\n' }}"),
    "with-bos": "{{ bos_token }}" + CHATML,
    "strict": """\
{% if messages[0]['role'] == 'system' %}{{ raise_exception('System role not supported') }}{% endif %}
{% for message in messages %}
{% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}
{{ raise_exception('Conversation roles must alternate user/assistant/user/assistant/...') }}
{% endif %}
{% endfor %}
"""
    + CHATML,
    "tools": """\
{% if tools %}<|im_start|>system
{% for tool in tools %}{{ tool | tojson }}
{% endfor %}<|im_end|>
{% endif %}
{% for message in messages %}
<|im_start|>{{ message.role }}
{% generation %}{{ message.content or '' }}{% for call in message.tool_calls or [] %}
{{ call.function.name }} {% for key, value in call.function.arguments.items() %}{{ key }}={{ value }} {% endfor %}
{% endfor %}<|im_end|>{% endgeneration %}

{% endfor %}
""",
    "default-system": "{% if messages[0].role != 'system' %}<|im_start|>system\n"
    "You are a helpful assistant made by us.<|im_end|>\n{% endif %}" + CHATML,
    "thinking": """\
{% for message in messages %}
<|im_start|>{{ message.role }}
{% if message.role == 'assistant' %}
{% generation %}
{% if message.reasoning_content and loop.last %}<think>{{ message.reasoning_content }}</think>{% endif %}
{{ message.content }}<|im_end|>{% endgeneration %}
{% else %}
{{ message.content }}<|im_end|>
{% endif %}
{% endfor %}
""",
}
SPECIAL = ("<|im_start|>", "<|im_end|>", "<s>", "</s>", "<pad>")


def byte_letters() -> dict[int, str]:
    """Return the letter that stands for each byte in byte-level vocabularies: itself where it can be seen."""
    seen = [*range(33, 127), *range(161, 173), *range(174, 256)]
    letters = {byte: chr(byte) for byte in seen}
    letters.update({byte: chr(256 + n) for n, byte in enumerate(b for b in range(256) if b not in letters)})
    return letters


def write_folder(
    folder: Path,
    template: str | None = "chatml",
    *,
    bos: str | None = None,
    eos: str | None = "<|im_end|>",
    add_bos: bool = False,
    special: tuple[str, ...] = SPECIAL,
    **config: Any,
) -> Path:
    """Write a tokenizer folder.

    Args:
        folder: where.
        template: name of one of `TEMPLATES`, or a template; None for a folder without.
        bos, eos: named special tokens.
        add_bos: True for a tokenizer that puts `bos` before texts by itself.
        special: special tokens; they have the ids from 256 on.
        config: more for tokenizer_config.json.
    """
    folder.mkdir(parents=True, exist_ok=True)
    vocabulary = {letter: byte for byte, letter in byte_letters().items()}
    added = [
        {"id": 256 + n, "content": text, "single_word": False, "lstrip": False, "rstrip": False, "normalized": False,
         "special": True} for n, text in enumerate(special)
    ]  # fmt: skip
    byte_level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": False, "use_regex": False}
    processor: dict[str, Any] | None = None
    if add_bos and bos:
        number = 256 + special.index(bos)
        first = [{"SpecialToken": {"id": bos, "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}]
        processor = {
            "type": "TemplateProcessing", "single": first, "pair": [*first, {"Sequence": {"id": "B", "type_id": 1}}],
            "special_tokens": {bos: {"id": bos, "ids": [number], "tokens": [bos]}},
        }  # fmt: skip
    made = {
        "version": "1.0", "truncation": None, "padding": None, "added_tokens": added, "normalizer": None,
        "pre_tokenizer": byte_level, "post_processor": processor, "decoder": byte_level,
        "model": {"type": "BPE", "dropout": None, "unk_token": None, "continuing_subword_prefix": None,
                  "end_of_word_suffix": None, "fuse_unk": False, "byte_fallback": False, "vocab": vocabulary,
                  "merges": []},
    }  # fmt: skip
    (folder / "tokenizer.json").write_text(json.dumps(made), encoding="utf-8")
    held = {"tokenizer_class": "PreTrainedTokenizerFast", "bos_token": bos, "eos_token": eos, **config}
    (folder / "tokenizer_config.json").write_text(json.dumps(held), encoding="utf-8")
    if template is not None:
        (folder / "chat_template.jinja").write_text(TEMPLATES.get(template, template), encoding="utf-8")
    return folder
