"""What a tokenizer folder holds: digests of the files that decide what text becomes, and the chat template in effect.

Needs neither the tokenizer's library nor a template engine.
"""

from __future__ import annotations

import hashlib
import json
import stat
from pathlib import Path
from typing import Any, NamedTuple

from prepdata.errors import InputError
from prepdata.files import read_bounded

CONFIG = "tokenizer_config.json"
TEMPLATE = "chat_template.jinja"
PROCESSOR_TEMPLATE = "chat_template.json"
OTHER_TEMPLATES = "additional_chat_templates"
SMALL_FILES = (CONFIG, TEMPLATE, PROCESSOR_TEMPLATE, "special_tokens_map.json", "added_tokens.json")
"""Files that a template is rendered with; those in `OTHER_TEMPLATES` belong to them."""
VOCABULARIES = (
    "tokenizer.json", "tokenizer.model", "vocab.json", "merges.txt", "vocab.txt", "spiece.model",
    "sentencepiece.bpe.model", "tekken.json",
)  # fmt: skip
"""Files that say which tokens there are."""
COPIED_BYTES = 1 << 20
"""A file of this size (bytes) or more is not copied."""
MOST_BYTES = 1 << 26
"""Size of a file beyond which no template is looked for in it (bytes); the largest known have some 10 million."""


class Part(NamedTuple):
    """A file of a tokenizer folder.

    Args:
        sha256: of its bytes; "" where it cannot be read.
        size: bytes.
        why: why it cannot be read, else "".
    """

    sha256: str
    size: int
    why: str = ""


def parts(path: Path) -> dict[str, Part]:
    """Return the files of a tokenizer by their path below its folder, in order. A path to a file stands for that file.

    Raises:
        InputError: there is no such folder or file, or it may not be looked into.
    """
    try:
        if not stat.S_ISDIR(path.stat().st_mode):
            return {path.name: _part(path) or Part("", 0, "not there")}
        names = sorted(entry.name for entry in path.iterdir())
        others = path / OTHER_TEMPLATES
        inner = sorted(entry.name for entry in others.iterdir()) if OTHER_TEMPLATES in names and others.is_dir() else []
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: {getattr(error, 'strerror', None) or error}") from None
    known = [name for name in names if name in SMALL_FILES or name in VOCABULARIES]
    known += [f"{OTHER_TEMPLATES}/{name}" for name in inner if name.endswith(".jinja")]
    return {name: part for name in sorted(known) if (part := _part(path / name)) is not None}


def _part(path: Path) -> Part | None:
    try:
        info = path.stat()
        if not stat.S_ISREG(info.st_mode):
            return Part("", 0, "not a regular file")
        with path.open("rb") as file:
            return Part(hashlib.file_digest(file, "sha256").hexdigest(), info.st_size)
    except FileNotFoundError:
        return Part("", 0, "a link that leads nowhere") if path.is_symlink() else None
    except OSError as error:
        return Part("", 0, error.strerror or str(error))


def is_copied(name: str, size: int) -> bool:
    """True for a file of which a copy is kept on request: small, and needed to render a template."""
    return (name in SMALL_FILES or name.startswith(OTHER_TEMPLATES + "/")) and size < COPIED_BYTES


def holds_template(name: str) -> bool:
    """True for a file in which a chat template may stand."""
    return name in (CONFIG, TEMPLATE, PROCESSOR_TEMPLATE) or name.startswith(OTHER_TEMPLATES + "/")


def template_of(path: Path) -> str | None:
    """Return the text of the chat template that is in effect for a tokenizer folder, None where there is none.

    `chat_template.jinja` comes before `chat_template.json`, and that before `chat_template` in
    `tokenizer_config.json`. Where there are several by name, the one named `default` is meant; templates in
    `additional_chat_templates` hide those in the JSON files. Line ends become "\\n", as where Python reads text. A path
    to a file has none.

    Raises:
        InputError: a file that may hold it cannot be read.

    Source: transformers 5.24, `PreTrainedTokenizerBase._from_pretrained`, `get_chat_template`.
    """
    if not path.is_dir():
        return None
    others = path / OTHER_TEMPLATES
    for file in (others / "default.jinja", path / TEMPLATE):
        if file.is_file():
            return _text(file)
    if others.is_dir() and any(others.glob("*.jinja")):
        return None
    for name in (PROCESSOR_TEMPLATE, CONFIG):
        if (path / name).is_file():
            found = _default(_object(path / name).get("chat_template"))
            if found is not None:
                return found
    return None


def template_digest(path: Path) -> str | None:
    """Return the sha256 of the template in effect, as hexadecimal digits.

    Raises:
        InputError: a file that may hold it cannot be read.
    """
    found = template_of(path)
    return None if found is None else hashlib.sha256(found.encode("utf-8", "surrogatepass")).hexdigest()


def _default(value: Any) -> str | None:
    if isinstance(value, list):
        value = {item.get("name"): item.get("template") for item in value
                 if isinstance(item, dict) and isinstance(item.get("name"), str)}  # fmt: skip
    if isinstance(value, dict):
        value = value.get("default")
    return value if isinstance(value, str) else None


def _text(path: Path) -> str:
    try:
        return read_bounded(path, MOST_BYTES).decode().replace("\r\n", "\n").replace("\r", "\n")
    except OSError as error:
        raise InputError(f"{path}: {error.strerror or error}") from None
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not UTF-8 at byte {error.start + 1}") from None


def _object(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(_text(path))
    except (ValueError, RecursionError) as error:
        said = "nested too deep" if isinstance(error, RecursionError) else str(error)
        raise InputError(f"{path}: not valid JSON: {said}") from None
    return value if isinstance(value, dict) else {}
