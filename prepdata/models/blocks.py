"""Rows whose content is a list of blocks: Gemini, Bedrock, LLaMA-Factory v1."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from prepdata.models.base import Piece, Row


class GeminiPart(Piece):
    """One part; exactly one of its keys says what it is."""

    text: str | None = None
    thought: bool | None = None
    functionCall: dict[str, Any] | None = None  # noqa: N815
    functionResponse: dict[str, Any] | None = None  # noqa: N815
    inlineData: dict[str, Any] | None = None  # noqa: N815
    fileData: dict[str, Any] | None = None  # noqa: N815


class GeminiContent(Piece):
    """One turn."""

    role: Literal["user", "model", "system", "function", "tool"] | None = None
    parts: list[GeminiPart] = Field(min_length=1)


class GeminiRow(Row):
    """A conversation with its system instruction apart."""

    contents: list[GeminiContent] = Field(min_length=1)
    systemInstruction: GeminiContent | str | None = None  # noqa: N815
    system_instruction: GeminiContent | str | None = None
    tools: list[dict[str, Any]] | None = None
    toolConfig: dict[str, Any] | None = None  # noqa: N815
    generationConfig: dict[str, Any] | None = None  # noqa: N815
    safetySettings: list[Any] | None = None  # noqa: N815


class BedrockBlock(Piece):
    """One content block; exactly one of its keys says what it is."""

    text: str | None = None
    image: dict[str, Any] | None = None
    video: dict[str, Any] | None = None
    document: dict[str, Any] | None = None
    toolUse: dict[str, Any] | None = None  # noqa: N815
    toolResult: dict[str, Any] | None = None  # noqa: N815
    reasoningContent: dict[str, Any] | None = None  # noqa: N815


class BedrockMessage(Piece):
    """One turn."""

    role: Literal["user", "assistant"]
    content: str | list[BedrockBlock]


class BedrockRow(Row):
    """A conversation with its system text apart."""

    schemaVersion: str | None = None  # noqa: N815
    system: str | list[BedrockBlock] | None = None
    messages: list[BedrockMessage] = Field(min_length=1)
    toolConfig: dict[str, Any] | None = None  # noqa: N815
    tools: Any = None


class TypedPart(Piece):
    """One typed part; the value of a tool call is JSON text."""

    type: Literal["text", "reasoning", "tool_call", "tool_result", "image_url", "image", "video_url", "video",
                  "audio_url", "audio"]  # fmt: skip
    value: Any


class TypedMessage(Piece):
    """One turn; a loss weight of 0 leaves it out of training."""

    role: Literal["system", "user", "assistant", "tool"]
    content: list[TypedPart]
    loss_weight: float | None = None


class LlamaFactoryV1Row(Row):
    """A conversation, or two whole conversations that differ in their answers."""

    messages: list[TypedMessage] | None = None
    chosen_messages: list[TypedMessage] | None = None
    rejected_messages: list[TypedMessage] | None = None
    tools: str | list[Any] | None = None
    extra_info: Any = None
