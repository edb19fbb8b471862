"""Small tokenizer folders for tests: byte-level BPE with the tokens and templates of ChatML."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, processors, trainers

from prepdata.formats import recognise
from prepdata.record import Record
from prepdata.render import Renderer, open_renderer

TEXTS = (
    "Where is the heron? It stands in the river and waits. What does it wait for? For a fish.",
    "user assistant system tool: how many apples does the child buy at the shop? Three apples and a pear.",
    "Count the birds on the roof, then name the weather of the day: sunny, cloudy, rain at noon.",
)
TURNS = """{% for message in messages %}<|im_start|>{{ message.role }}
{% if message.tool_calls %}{% for call in message.tool_calls %}<call>{{ call.function | tojson }}</call>{% endfor %}{% endif %}{{ message.content }}<|im_end|>
{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant
{% endif %}"""
MARKED = """{% for message in messages %}<|im_start|>{{ message.role }}
{% if message.role == "assistant" %}{% generation %}{{ message.content }}<|im_end|>{% endgeneration %}{% else %}{{ message.content }}<|im_end|>{% endif %}

{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant
{% endif %}"""


@cache
def _tokenizer(bos: bool) -> str:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=400, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False
    )
    tokenizer.train_from_iterator(TEXTS, trainer)
    tokenizer.add_special_tokens(
        [AddedToken(text, normalized=False, special=True) for text in ("<s>", "<|im_start|>", "<|im_end|>")]
    )
    if bos:
        number = tokenizer.token_to_id("<s>")
        tokenizer.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", number)])
    return tokenizer.to_str()


def write_folder(folder: Path, template: str = TURNS, *, bos: bool = False, eos: str = "<|im_end|>") -> Path:
    """Write a tokenizer folder.

    Args:
        bos: True for a tokenizer that begins texts with a token of its own.
        eos: the end-of-text token.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "tokenizer.json").write_text(_tokenizer(bos), encoding="utf-8")
    config: dict[str, Any] = {"tokenizer_class": "PreTrainedTokenizerFast", "chat_template": template, "eos_token": eos}
    if bos:
        config["bos_token"] = "<s>"
    (folder / "tokenizer_config.json").write_text(json.dumps(config), encoding="utf-8")
    return folder


def renderer(folder: Path, template: str = TURNS, **kind: Any) -> Renderer:
    """Return the renderer of a folder made so."""
    return open_renderer(str(write_folder(folder, template, **kind)))


def record(raw: dict[str, Any]) -> Record:
    """Return a row as a record."""
    found = recognise(raw)
    assert found is not None
    return found.view(raw)


def turns(*texts: str, **others: Any) -> dict[str, Any]:
    """Return a chat row whose texts are said in turn; a text like "system: ..." says who speaks."""
    made = []
    for number, text in enumerate(texts):
        role, _, said = text.partition(": ")
        known = role in ("system", "user", "assistant", "tool", "developer")
        speaker = ("user", "assistant")[number % 2]
        made.append({"role": role if known else speaker, "content": said if known else text})
    return {"messages": made, **others}


def said(row: Any, found: Renderer, wanted: int = 1) -> list[str]:
    """Return the stretches of tokens that are trained (or are not), as texts."""
    stretches: list[list[int]] = []
    before = None
    for number in row.left:
        if row.trained[number] == wanted:
            if before != number - 1 or not stretches:
                stretches.append([])
            stretches[-1].append(row.ids[number])
            before = number
    return [found.tokenizer.decode(one, skip_special_tokens=False) for one in stretches]
