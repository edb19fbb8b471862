"""Record formats: which there are, and which one a file has."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from functools import cache
from typing import Any

from prepdata.errors import UsageError, nearest
from prepdata.formats.base import Format, Lossy
from prepdata.formats.marks import ROW_MARKS
from prepdata.formats.prompt_completion import PromptCompletion, with_columns


@cache
def formats() -> tuple[Format, ...]:
    """Return every format, in the order in which they are tried on a row: the most particular first."""
    from prepdata.formats.alpaca import Alpaca
    from prepdata.formats.bedrock import Bedrock
    from prepdata.formats.gemini import Gemini
    from prepdata.formats.llamafactory_v1 import LlamaFactoryV1
    from prepdata.formats.openai import OpenAIChat
    from prepdata.formats.openai_dpo import OpenAIPreference
    from prepdata.formats.sharegpt import ShareGPT
    from prepdata.formats.text import PlainText
    from prepdata.formats.trl_kto import Labelled
    from prepdata.formats.trl_preference import Preference
    from prepdata.formats.trl_prompt_completion import PromptCompletionChat

    return (
        OpenAIPreference(), LlamaFactoryV1(), Gemini(), Bedrock(), ShareGPT(), Alpaca(), Labelled(), Preference(),
        OpenAIChat(), PromptCompletionChat(), PromptCompletion(), PlainText(),
    )  # fmt: skip


def names() -> tuple[str, ...]:
    """Return the names of all formats."""
    return tuple(f.name for f in formats())


def get(name: str, columns: dict[str, str] | None = None) -> Format:
    """Return the format of that name. `columns` is the user's column mapping (setting `columns`).

    Raises:
        UsageError: there is none; names the nearest.
    """
    if columns and name == PromptCompletion.name:
        return with_columns(columns)
    for candidate in formats():
        if candidate.name == name:
            return candidate
    raise UsageError(f"unknown format '{name}'.{nearest(name, names())} Known: {', '.join(names())}")


def recognise(raw: dict[str, Any]) -> Format | None:
    """Return the first format that recognises a row, or None."""
    for candidate in formats():
        if candidate.recognise(raw):
            return candidate
    return None


def detect(rows: Iterable[dict[str, Any]], columns: dict[str, str] | None = None) -> Format | None:
    """Return the format that most of `rows` have (ties: the first in order), or None if no row has one.

    `columns` is the user's column mapping (setting `columns`): where it fits the rows, it decides."""
    listed = list(rows)
    if columns:
        mapped = with_columns(columns)
        if any(mapped.recognise(raw) for raw in listed):
            return mapped
    counts = Counter(f.name for f in map(recognise, listed) if f)
    return max(formats(), key=lambda f: counts[f.name]) if counts else None


__all__ = ["ROW_MARKS", "Format", "Lossy", "detect", "formats", "get", "names", "recognise", "with_columns"]
