"""Rows of plain texts, and ShareGPT conversations."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from prepdata.models.base import Piece, Row

Pairs = list[list[str]]
Word = Literal["human", "user", "gpt", "assistant", "system", "function_call", "observation", "tool", "function"]


class Turn(Piece):
    """One turn of a ShareGPT conversation, in either spelling, or a pair of question and answer."""

    from_: Word | None = Field(default=None, alias="from")
    value: Any = None
    role: str | None = None
    content: Any = None
    weight: float | None = None
    human: str | None = None
    assistant: str | None = None


class ShareGPTRow(Row):
    """A conversation; `tools` is JSON text."""

    conversations: list[Turn] | None = Field(default=None, min_length=1)
    conversation: list[Turn] | None = None
    system: str | None = None
    tools: str | list[Any] | None = None
    chosen: Turn | list[Turn] | str | None = None
    rejected: Turn | list[Turn] | str | None = None
    label: Any = None
    kto_tag: bool | None = None


class AlpacaRow(Row):
    """An instruction with its answer; the user turn is instruction, line break, input."""

    instruction: str | None
    input: str | None = None
    output: str | None = None
    response: str | None = None
    system: str | None = None
    history: Pairs | None = None
    chosen: str | None = None
    rejected: str | None = None
    tools: Any = None
    label: Any = None
    kto_tag: bool | None = None


class PromptCompletionRow(Row):
    """A prompt and its completion, under one of the usual pairs of names."""

    prompt: str | None = None
    completion: str | None = None
    question: str | None = None
    answer: str | None = None
    sql: str | None = None
    query: str | None = None
    response: str | None = None
    canonical_solution: str | None = None
    problem: str | None = None
    solution: str | None = None
    input: str | None = None
    output: str | None = None
    text: str | None = None
    code: str | None = None
    system: str | None = None
    history: Pairs | None = None


class TextRow(Row):
    """Running text, all of it trained."""

    text: str | None
