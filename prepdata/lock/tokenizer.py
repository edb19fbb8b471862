"""What a tokenizer folder holds: digests of the files that decide what text becomes, and the chat template in effect.

Needs neither the tokenizer's library nor a template engine.
"""

from __future__ import annotations

import hashlib
import stat
from pathlib import Path
from typing import NamedTuple

from prepdata.errors import InputError, UsageError
from prepdata.render.folder import ADDED, CONFIG, OLD_TEMPLATE, SPECIAL, TEMPLATE, TEMPLATES, TOKENIZER, chat_templates

SMALL_FILES = (CONFIG, TEMPLATE, OLD_TEMPLATE, SPECIAL, ADDED)
"""Files that a template is rendered with; those in `TEMPLATES` belong to them."""
VOCABULARIES = (
    TOKENIZER, "tokenizer.model", "vocab.json", "merges.txt", "vocab.txt", "spiece.model",
    "sentencepiece.bpe.model", "tekken.json",
)  # fmt: skip
"""Files that say which tokens there are."""
COPIED_BYTES = 1 << 20
"""A file of this size (bytes) or more is not copied."""


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
        others = path / TEMPLATES
        inner = sorted(entry.name for entry in others.iterdir()) if TEMPLATES in names and others.is_dir() else []
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: {getattr(error, 'strerror', None) or error}") from None
    known = [name for name in names if name in SMALL_FILES or name in VOCABULARIES]
    known += [f"{TEMPLATES}/{name}" for name in inner if name.endswith(".jinja")]
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
    return (name in SMALL_FILES or name.startswith(TEMPLATES + "/")) and size < COPIED_BYTES


def holds_template(name: str) -> bool:
    """True for a file in which a chat template may stand."""
    return name in (CONFIG, TEMPLATE, OLD_TEMPLATE) or name.startswith(TEMPLATES + "/")


def template_of(path: Path) -> str | None:
    """Return the text of the chat template that is in effect for a tokenizer folder, None where there is none: the one
    named `default`, where there are several (`prepdata.render.folder.chat_templates`). A path to a file has none.

    Raises:
        InputError: a file that may hold it cannot be read.
    """
    if not path.is_dir():
        return None
    try:
        return chat_templates(path).get("default")
    except UsageError as error:
        raise InputError(str(error)) from None


def template_digest(path: Path) -> str | None:
    """Return the sha256 of the template in effect, as hexadecimal digits.

    Raises:
        InputError: a file that may hold it cannot be read.
    """
    found = template_of(path)
    return None if found is None else hashlib.sha256(found.encode("utf-8", "surrogatepass")).hexdigest()
