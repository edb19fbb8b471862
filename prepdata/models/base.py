"""What all rows share: the row marks, media lists, and tools."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Mark = str | int | None


class Piece(BaseModel):
    """A part of a row. Other keys are allowed; the rule `unknown-key` speaks of them."""

    model_config = ConfigDict(extra="allow", populate_by_name=True)


class Row(Piece):
    """Row marks: understood in every format, never demanded."""

    id: Mark = None
    source: Any = None
    split: str | None = None
    group: Mark = None
    reviewed_by: Any = None
    generator: Any = None
    label: Any = None
    metadata: Any = None
    meta: Any = None
    facts: Any = None
    schema_: Any = Field(default=None, alias="schema")
    scorer: Any = None
    license: Any = None
    licence: Any = None
    lang: Any = None
    language: Any = None
    category: Any = None
    tags: Any = None
    passages: Any = None
    gold: Any = None
    answerable: Any = None
    documents: Any = None
    contexts: Any = None
    context: Any = None
    images: list[Any] | None = None
    image: Any = None
    videos: list[Any] | None = None
    video: Any = None
    audios: list[Any] | None = None
    audio: Any = None


class FunctionSpec(Piece):
    """A function that may be called; `parameters` is a JSON Schema."""

    name: str
    description: str | None = None
    parameters: dict[str, Any] | None = None
    strict: bool | None = None


class Tool(Piece):
    """A declared tool."""

    type: Literal["function"]
    function: FunctionSpec


class Call(Piece):
    """The function that is called. Arguments are JSON text for most providers, an object for some trainers."""

    name: str
    arguments: str | dict[str, Any]


class ToolCall(Piece):
    """One call of a tool."""

    id: str | None = None
    type: Literal["function"] = "function"
    function: Call
