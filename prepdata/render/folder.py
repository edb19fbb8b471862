"""What a tokenizer folder holds: the tokenizer file, chat templates, special tokens."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from prepdata.errors import UsageError

MOST_BYTES = 1 << 28
"""Size of a file of the folder beyond which it is not read (bytes)."""
CONFIG = "tokenizer_config.json"
TOKENIZER = "tokenizer.json"
SPECIAL = "special_tokens_map.json"
TEMPLATE = "chat_template.jinja"
OLD_TEMPLATE = "chat_template.json"
TEMPLATES = "additional_chat_templates"
NAMED = ("bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token")
"""Special tokens that templates can name, in the order of transformers (`SPECIAL_TOKENS_ATTRIBUTES`)."""


class AddedToken(NamedTuple):
    """A token that is looked for in the text before all others, as the library tokenizers has it."""

    content: str
    single_word: bool = False
    lstrip: bool = False
    rstrip: bool = False
    normalized: bool = True
    special: bool = False


class TokenizerFolder(NamedTuple):
    """What a tokenizer folder holds.

    Args:
        path: the folder, or the tokenizer file where that alone was given.
        file: the tokenizer.json.
        templates: chat templates by name; the usual one is "default", that for rows with tools may be "tool_use".
        named: special tokens that templates can name: attribute ("eos_token") -> text.
        added: tokens that the configuration adds to those of the tokenizer file, by their number.
        longest: tokens that the model can read (`model_max_length`), None if not said.
    """

    path: Path
    file: Path
    templates: dict[str, str]
    named: dict[str, str]
    added: dict[int, AddedToken]
    longest: int | None

    def template(self, tools: bool) -> str | None:
        """Return the template for rows with or without tools, None if there is none."""
        if tools and "tool_use" in self.templates:
            return self.templates["tool_use"]
        return self.templates.get("default")

    def digest(self) -> str:
        """Return what rendering depends on, as a short hexadecimal digest."""
        held = hashlib.blake2b(self.file.read_bytes(), digest_size=16)
        held.update(msgspec.json.encode([sorted(self.templates.items()), self.named, sorted(self.added.items())]))
        return held.hexdigest()


def read_folder(given: str, template: str | None = None) -> TokenizerFolder:
    """Return what a tokenizer folder holds.

    Args:
        given: the folder, or a tokenizer.json (whose neighbours count too).
        template: a file with a chat template that is used in place of those of the folder.

    Raises:
        UsageError: something is missing, too large, or not what it should be; says which file.
    """
    path = Path(given)
    folder, file = (path, path / TOKENIZER) if path.is_dir() else (path.parent, path)
    if not file.is_file():
        raise UsageError(f"No {TOKENIZER} at {given}. Give the file, or the folder of the model that holds it.")
    config = _object(folder / CONFIG)
    named = {**_special(_object(folder / SPECIAL), SPECIAL), **_special(config, CONFIG)}
    longest = config.get("model_max_length")
    if not isinstance(longest, int) or isinstance(longest, bool) or not 0 < longest < 10**9:
        longest = None  # transformers writes 10**30 for "not known"
    templates = {"default": _text(Path(template))} if template else _templates(folder, config)
    return TokenizerFolder(path, file, templates, named, _added(config), longest)


def _templates(folder: Path, config: dict[str, Any]) -> dict[str, str]:
    """Return the chat templates by name: files of their own come before the configuration, as in transformers."""
    found: dict[str, str] = {}
    if (folder / TEMPLATE).is_file():
        found["default"] = _text(folder / TEMPLATE)
    if (folder / TEMPLATES).is_dir():
        found.update({file.stem: _text(file) for file in sorted((folder / TEMPLATES).glob("*.jinja"))})
    if found:
        return found
    for name, held in ((OLD_TEMPLATE, _object(folder / OLD_TEMPLATE)), (CONFIG, config)):
        value = held.get("chat_template")
        if isinstance(value, str):
            return {"default": value}
        if isinstance(value, dict) and all(isinstance(text, str) for text in value.values()):
            return dict(value)
        if isinstance(value, list):
            return _listed(value, folder / name)
        if value is not None:
            raise UsageError(f"{folder / name}: chat_template is neither a text nor a list of named templates.")
    return {}


def _listed(value: Sequence[Any], file: Path) -> dict[str, str]:
    found = {}
    for number, item in enumerate(value):
        item = item if isinstance(item, dict) else {}
        name, text = item.get("name"), item.get("template")
        if not isinstance(name, str) or not isinstance(text, str):
            raise UsageError(f"{file}: /chat_template/{number} has no name and template, both texts.")
        found[name] = text
    return found


def _special(held: dict[str, Any], name: str) -> dict[str, str]:
    """Return the named special tokens of a file, which are texts or objects with a content."""
    found = {}
    for attribute in NAMED:
        value = held.get(attribute)
        if isinstance(value, dict):
            value = value.get("content")
        if isinstance(value, str):
            found[attribute] = value
        elif value is not None:
            raise UsageError(f"{name}: {attribute} is neither a text nor an object with a content.")
    return found


def _added(config: dict[str, Any]) -> dict[int, AddedToken]:
    held = config.get("added_tokens_decoder")
    if not isinstance(held, dict):
        return {}
    found = {}
    for number, token in held.items():
        if number.isdecimal() and isinstance(token, dict) and isinstance(token.get("content"), str):
            flags = {key: bool(token[key]) for key in AddedToken._fields[1:] if key in token}
            found[int(number)] = AddedToken(token["content"], **flags)
    return found


def _object(file: Path) -> dict[str, Any]:
    """Return the object in a JSON file, {} if there is no such file."""
    if not file.is_file():
        return {}
    try:
        value = msgspec.json.decode(_text(file))
    except (msgspec.DecodeError, RecursionError) as error:
        raise UsageError(f"{file} is no JSON: {error}") from error
    if not isinstance(value, dict):
        raise UsageError(f"{file} holds no JSON object.")
    return value


def _text(file: Path) -> str:
    try:
        if file.stat().st_size > MOST_BYTES:
            raise UsageError(f"{file} is too large to be what it should be: more than {MOST_BYTES:,} bytes.")
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{file} cannot be read: {error}") from error
