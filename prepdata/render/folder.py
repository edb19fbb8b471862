"""What a tokenizer folder holds: the tokenizer file, chat templates, special tokens."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence, Set
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from prepdata.errors import UsageError, nearest
from prepdata.files import read_bounded
from prepdata.render.classes import LLAMA_TOKENS, llama_spaces
from prepdata.tokens.given import encoding_given, ranks_given
from prepdata.tokens.vocab import ENCODING_VOCABULARY, Ranks, advice

MOST_BYTES = 1 << 28
"""Size of a file of the folder beyond which it is not read (bytes)."""
CONFIG = "tokenizer_config.json"
TOKENIZER = "tokenizer.json"
SPECIAL = "special_tokens_map.json"
ADDED = "added_tokens.json"
MODEL = "config.json"
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
        added: tokens that the configuration adds to those of the tokenizer file, or changes, by their number.
        longest: tokens that the model can read (`model_max_length`), None if not said.
        special: special tokens with a name or without, which are added last, in their order, where they are missing.
        split: True if special tokens in the text are read as any other text (`split_special_tokens`).
        llama: where pieces get the space before them ("first", "always", "never"), if normaliser and pre-tokeniser of
            the file are not used but those of Llama's class; None if they are used.
        encoding: name of the encoding of tiktoken that takes the place of a tokenizer file, else "".
        ranks: its rank file, else None.
    """

    path: Path
    file: Path
    templates: dict[str, str]
    named: dict[str, str]
    added: dict[int, AddedToken]
    longest: int | None
    special: tuple[AddedToken, ...] = ()
    split: bool = False
    llama: str | None = None
    encoding: str = ""
    ranks: Ranks | None = None

    def template(self, tools: bool) -> str | None:
        """Return the template for rows with or without tools, None if there is none."""
        if tools and "tool_use" in self.templates:
            return self.templates["tool_use"]
        return self.templates.get("default")

    def digest(self) -> str:
        """Return what rendering depends on, as a short hexadecimal digest."""
        content = self.file.read_bytes() if self.ranks is None else self.encoding.encode() + self.ranks.data
        held = hashlib.blake2b(content, digest_size=16)
        tokens = [sorted(self.added.items()), self.special, self.split, self.llama]
        held.update(json.dumps([sorted(self.templates.items()), self.named, tokens]).encode())
        return held.hexdigest()


def read_folder(given: str, template: str | None = None, offline: bool = False) -> TokenizerFolder:
    """Return what a tokenizer folder holds.

    Args:
        given: the folder, or a tokenizer.json (whose neighbours count too); or an encoding of tiktoken, by its name or
            its rank file.
        template: a file with a chat template that is used in place of those of the folder.
        offline: True where no rank file may be downloaded.

    Raises:
        UsageError: something is missing, too large, or not what it should be; says which file.
    """
    encoding = encoding_given(given)
    if encoding is not None:
        return _of_encoding(given, encoding, template, offline)
    path = Path(given)
    folder, file = (path, path / TOKENIZER) if path.is_dir() else (path.parent, path)
    if not file.is_file():
        hint = nearest(given, ENCODING_VOCABULARY)
        raise UsageError(f"No {TOKENIZER} at {given}. Give the file, or the folder of the model that holds it.{hint}")
    config = _object(folder / CONFIG)
    llama = llama_spaces(config, _object(folder / MODEL), file)
    declared, old = _declared(folder, config, file)
    if llama is not None:
        declared = {**LLAMA_TOKENS, **declared}
    named, extra = special_tokens(declared, old)
    special = tuple(token._replace(special=True) for token in named.values()) + extra
    longest = config.get("model_max_length")
    if not isinstance(longest, int) or isinstance(longest, bool) or not 0 < longest < 10**9:
        longest = None  # transformers writes 10**30 for "not known"
    templates = {"default": _text(Path(template))} if template else chat_templates(folder)
    texts = {name: token.content for name, token in named.items()}
    split = config.get("split_special_tokens") is True
    added = _added(folder, config, {token.content for token in special})
    return TokenizerFolder(path, file, templates, texts, added, longest, special, split, llama)


def _of_encoding(given: str, encoding: str, template: str | None, offline: bool) -> TokenizerFolder:
    if template is None:
        raise UsageError(
            f"{given} is an encoding of tiktoken and has no chat template: give the template that you train with by "
            f"--chat-template FILE, or --encoding {encoding} in place of --tokenizer to count only."
        )
    ranks = ranks_given(given, offline=offline)
    if ranks is None:
        raise UsageError(f"Rows cannot be rendered with {given}. {advice(encoding)}")
    from prepdata.render.tiktoken import END_OF_TEXT

    named, templates = {"eos_token": END_OF_TEXT}, {"default": _text(Path(template))}
    return TokenizerFolder(Path(given), Path(given), templates, named, {}, None, encoding=encoding, ranks=ranks)


def chat_templates(folder: Path) -> dict[str, str]:
    """Return the chat templates of a tokenizer folder by name; the usual one is "default".

    `chat_template.jinja` and the files in `additional_chat_templates` come before `chat_template.json`, and that before
    `chat_template` in `tokenizer_config.json`. Line ends become "\\n".

    Raises:
        UsageError: a file that may hold them cannot be read, or is not what it should be.

    Source: transformers 5.24, `PreTrainedTokenizerBase._from_pretrained` (read 2026-11).
    """
    found: dict[str, str] = {}
    if (folder / TEMPLATE).is_file():
        found["default"] = _text(folder / TEMPLATE)
    if (folder / TEMPLATES).is_dir():
        found.update({file.stem: _text(file) for file in sorted((folder / TEMPLATES).glob("*.jinja"))})
    if found:
        return found
    for name in (OLD_TEMPLATE, CONFIG):
        value = _object(folder / name).get("chat_template")
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


def _declared(folder: Path, config: dict[str, Any], file: Path) -> tuple[dict[str, Any], Set[str]]:
    """Return (what is declared of special tokens, what of it special_tokens_map.json says).

    As in transformers 5.24 (`_from_pretrained`, 2026-11), that old file counts where the configuration has no
    added_tokens_decoder, and then comes first; a token to pad with in the tokenizer file is the pad_token where none is
    declared.
    """
    held = dict(config)
    if "additional_special_tokens" in held and not held.get("extra_special_tokens"):
        held["extra_special_tokens"] = held.pop("additional_special_tokens")
    old = {} if "added_tokens_decoder" in config else _object(folder / SPECIAL)
    if old:
        extra = old.get("extra_special_tokens")
        if isinstance(extra, list) and isinstance(held.get("extra_special_tokens"), list):
            old["extra_special_tokens"] = held["extra_special_tokens"] + extra
        held.update(old)
    if "additional_special_tokens" in held and "extra_special_tokens" not in held:
        held["extra_special_tokens"] = held.pop("additional_special_tokens")
    if "pad_token" not in held:
        held["pad_token"] = _padding(file)
    return held, old.keys()


class _Padding(msgspec.Struct):
    pad_token: str


class _Padded(msgspec.Struct):
    """What of a tokenizer.json is of interest here; the rest is passed over."""

    padding: _Padding | None = None


def _padding(file: Path) -> str | None:
    try:
        padding = msgspec.json.decode(_text(file), type=_Padded).padding
    except msgspec.DecodeError:
        return None  # the library tokenizers says what is wrong with the file
    return padding.pad_token if padding else None


def special_tokens(declared: dict[str, Any], old: Set[str]) -> tuple[dict[str, AddedToken], tuple[AddedToken, ...]]:
    """Return the special tokens with names ("eos_token", "image_token") and those without.

    Args:
        declared: what tokenizer_config.json says, and special_tokens_map.json.
        old: what of it special_tokens_map.json says.

    Raises:
        UsageError: a token is neither a text nor an object with a content.
    """
    named, extra = {}, declared.get("extra_special_tokens")
    own = {name: value for name, value in declared.items() if name.endswith("_token") and isinstance(value, str | dict)}
    own.update(extra if isinstance(extra, dict) else {})
    for name in (*NAMED, *(name for name in own if name not in NAMED)):
        value = declared.get(name) if name in NAMED else own[name]
        if value is not None:
            named[name] = _token(value, f"{SPECIAL if name in old else CONFIG}: {name}")
    listed = extra if isinstance(extra, list) else []
    return named, tuple(
        _token(value, f"{CONFIG} or {SPECIAL}: /extra_special_tokens/{number}") for number, value in enumerate(listed)
    )


def _token(value: Any, place: str) -> AddedToken:
    """Return a special token, which is a text or an object with a content and flags."""
    if isinstance(value, str):
        return AddedToken(value, normalized=False, special=True)
    if isinstance(value, dict) and isinstance(value.get("content"), str):
        flags = {key: bool(value[key]) for key in AddedToken._fields[1:] if key in value}
        return AddedToken(value["content"], **{**flags, "special": True})
    raise UsageError(f"{place} is neither a text nor an object with a content.")


def _added(folder: Path, config: dict[str, Any], special: Set[str]) -> dict[int, AddedToken]:
    """Return the tokens of added_tokens_decoder, or of the older added_tokens.json where there is none."""
    held = config.get("added_tokens_decoder")
    found = {}
    if held is None:
        for text, number in _object(folder / ADDED).items():
            if isinstance(number, int):
                found[number] = AddedToken(text, normalized=text not in special, special=text in special)
        return found
    for number, token in held.items() if isinstance(held, dict) else ():
        if number.isdecimal() and isinstance(token, dict) and isinstance(token.get("content"), str):
            flags = {key: bool(token[key]) for key in AddedToken._fields[1:] if key in token}
            found[int(number)] = AddedToken(token["content"], **flags)
    return found


def _object(file: Path) -> dict[str, Any]:
    """Return the object in a JSON file, {} if there is no such file."""
    if not file.is_file():
        return {}
    try:
        value = json.loads(_text(file))
    except (ValueError, RecursionError) as error:
        said = "nested too deep" if isinstance(error, RecursionError) else str(error)
        raise UsageError(f"{file}: not valid JSON: {said}") from None
    if not isinstance(value, dict):
        raise UsageError(f"{file} holds no JSON object.")
    return value


def _text(file: Path) -> str:
    """Return the text of a file, with line ends as "\\n"."""
    try:
        return read_bounded(file, MOST_BYTES).decode().replace("\r\n", "\n").replace("\r", "\n")
    except OSError as error:
        raise UsageError(f"{file} cannot be read: {error.strerror or error}") from None
    except UnicodeDecodeError as error:
        raise UsageError(f"{file}: not UTF-8 at byte {error.start + 1}") from None
