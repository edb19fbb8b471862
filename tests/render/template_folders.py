"""Tokenizer folders for the chat templates, in the ways that models come in."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from catalogue import BY_NAME, CHAT_TEMPLATES, ChatTemplate
from tokenizers_made import KINDS, made_tokenizer, token, write_folder

TOOL_USE = "(tools) "
"""What the template for rows with tools begins with, where a folder has one of its own."""
UNKNOWN = {"unigram": "<unk>", "sentencepiece": "<unk>", "wordpiece": "[UNK]"}
"""Kinds that cannot be without a token for what is unknown."""


def folder_for(template: ChatTemplate, kind: str, folder: Path) -> Path:
    """Write the folder of a template with a kind of tokenizer, and return it. The layout changes with both."""
    layouts = (in_config, in_file, as_list, with_additional, in_special_map, added_by_config)
    return layouts[(CHAT_TEMPLATES.index(template) + KINDS.index(kind)) % len(layouts)](template, kind, folder)


def named(template: ChatTemplate) -> dict[str, str | None]:
    """Return the named special tokens of a template."""
    return {"bos_token": template.bos, "eos_token": template.eos, "unk_token": template.unk, "pad_token": template.pad}


def content(template: ChatTemplate, kind: str, left_out: int = 0) -> dict[str, Any]:
    """Return the tokenizer.json of a template: its tokens, and a post-processor that writes the first one.

    Args:
        template: the template.
        kind: of tokenizer.
        left_out: how many of the special tokens, from the end, are not in it.
    """
    special = [text for text in template.tokens if text not in template.added]
    special = list(dict.fromkeys([*([UNKNOWN[kind]] if kind in UNKNOWN else []), *special]))
    return made_tokenizer(kind, special[: len(special) - left_out], template.added, template.bos)


def decoder(held: dict[str, Any]) -> dict[str, Any]:
    """Return the added tokens of a tokenizer.json as tokenizer_config.json lists them."""
    return {str(item["id"]): {key: item[key] for key in item if key != "id"} for item in held["added_tokens"]}


def in_config(template: ChatTemplate, kind: str, folder: Path) -> Path:
    """The template in tokenizer_config.json, special tokens as texts."""
    held = content(template, kind)
    config = {"chat_template": template.text, "added_tokens_decoder": decoder(held)}
    return write_folder(folder, held, named(template), config=config, special_map=_texts(template))


def in_file(template: ChatTemplate, kind: str, folder: Path) -> Path:
    """The template in a file of its own that comes before another in the configuration; special tokens as objects."""
    held = content(template, kind)
    by_text = {item["content"]: {key: item[key] for key in item if key != "id"} for item in held["added_tokens"]}
    tokens = {name: {"__type": "AddedToken", **by_text[text]} for name, text in named(template).items() if text}
    config = {**tokens, "chat_template": "not this one", "added_tokens_decoder": decoder(held)}
    return write_folder(folder, held, {}, config=config, files={"chat_template.jinja": template.text})


def as_list(template: ChatTemplate, kind: str, folder: Path) -> Path:
    """A list of named templates: one for rows with tools, and one for documents that nothing chooses by itself."""
    listed = [
        {"name": "default", "template": template.text},
        {"name": "tool_use", "template": TOOL_USE + template.text},
    ]
    if template.name == "command_r":
        tools, documents = BY_NAME["command_r_tool_use"].text, BY_NAME["command_r_rag"].text
        listed[1:] = [{"name": "tool_use", "template": tools}, {"name": "rag", "template": documents}]
    held = content(template, kind)
    config = {
        "chat_template": listed,
        "added_tokens_decoder": decoder(held),
        "extra_special_tokens": list(template.special),
    }
    return write_folder(folder, held, named(template), config=config)


def with_additional(template: ChatTemplate, kind: str, folder: Path) -> Path:
    """The template in a file, a second one for rows with tools in the folder for more of them."""
    files = {"chat_template.jinja": template.text, "additional_chat_templates/tool_use.jinja": TOOL_USE + template.text}
    return write_folder(folder, content(template, kind), named(template), files=files)


def in_special_map(template: ChatTemplate, kind: str, folder: Path) -> Path:
    """An old folder: special tokens stand in special_tokens_map.json only, no added_tokens_decoder."""
    held = {**_texts(template), "additional_special_tokens": list(template.special)}
    return write_folder(folder, content(template, kind), {}, config={"chat_template": template.text}, special_map=held)


def added_by_config(template: ChatTemplate, kind: str, folder: Path) -> Path:
    """The last special tokens are not in the tokenizer file: the configuration adds them."""
    left_out = min(2, len(template.special))
    held = content(template, kind, left_out)
    free = max(_places(held)) + 1
    missing = template.special[len(template.special) - left_out :]
    adding = {str(free + number): token(text, number + 2) for number, text in enumerate(missing)}
    config = {"chat_template": template.text, "added_tokens_decoder": {**decoder(held), **adding}}
    return write_folder(folder, held, named(template), config=config)


def _places(held: dict[str, Any]) -> list[int]:
    vocabulary = held["model"]["vocab"]
    numbers = list(vocabulary.values()) if isinstance(vocabulary, dict) else list(range(len(vocabulary)))
    return [*numbers, *(item["id"] for item in held["added_tokens"])]


def _texts(template: ChatTemplate) -> dict[str, str]:
    return {name: text for name, text in named(template).items() if text is not None}
