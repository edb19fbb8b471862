"""Rendered text as token ids, with the tokens that the assistant says."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Sequence
from typing import Any, NamedTuple

from prepdata.errors import UsageError
from prepdata.render.folder import AddedToken, TokenizerFolder
from prepdata.render.template import Rendered


class Encoded(NamedTuple):
    """A conversation as the model reads it; all lists of equal length.

    Args:
        ids: token ids.
        mask: 1 for tokens that the template marks as said by the assistant, else 0.
        offsets: (start, end) of each token in the text, in characters.
    """

    ids: list[int]
    mask: list[int]
    offsets: list[tuple[int, int]]


def load_tokenizer(folder: TokenizerFolder) -> Any:
    """Return the tokenizer of a folder (library tokenizers), with the tokens that its configuration adds.

    Raises:
        UsageError: the library is missing, or it cannot read the file.
    """
    if importlib.util.find_spec("tokenizers") is None:
        raise UsageError("Rendering needs the packages tokenizers and jinja2: pip install 'prepdata[render]'.")
    library = importlib.import_module("tokenizers")
    try:
        tokenizer = library.Tokenizer.from_file(str(folder.file))
    except Exception as error:  # the library raises bare Exception on a damaged file
        raise UsageError(f"{folder.file} is no tokenizer that the library tokenizers can read: {error}") from error
    tokenizer.no_truncation()
    tokenizer.no_padding()
    tokenizer.encode_special_tokens = folder.split
    wanted = [token for _, token in sorted(folder.added.items())]
    known = {token.content for token in (*tokenizer.get_added_tokens_decoder().values(), *wanted)}
    wanted += [token for token in folder.special if token.content not in known]
    for token in dict.fromkeys(wanted):
        tokenizer.add_tokens([library.AddedToken(*token[:1], **dict(zip(AddedToken._fields[1:], token[1:])))])
    return tokenizer


def encode(tokenizer: Any, rendered: Sequence[Rendered]) -> list[Encoded]:
    """Return rendered conversations as tokens. No special tokens are added: the template writes them.

    Args:
        tokenizer: as from `load_tokenizer`.
        rendered: what the template gave.
    """
    found = tokenizer.encode_batch([clean(one.text) for one in rendered], add_special_tokens=False)
    return [_encoded(encoding, one.spans) for encoding, one in zip(found, rendered)]


def _encoded(encoding: Any, spans: Sequence[tuple[int, int]]) -> Encoded:
    """Every token that a span touches is the assistant's, as in transformers 5.24 (`apply_chat_template`, 2026-11)."""
    offsets = encoding.offsets
    mask = [0] * len(offsets)
    left = iter(spans)
    span = next(left, None)
    for number, (start, end) in enumerate(offsets):
        while span is not None and start >= span[1]:
            span = next(left, None)
        if span is None:
            break
        if end > span[0]:
            mask[number] = 1
    return Encoded(encoding.ids, mask, offsets)


def clean(text: str) -> str:
    """Return a text with lone surrogates replaced: the library takes valid Unicode only."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()
