"""Rows of role/content messages: OpenAI and TRL."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from prepdata.models.base import Call, FunctionSpec, Piece, Row, Tool, ToolCall


class Part(Piece):
    """One part of a content list; which other keys it has follows from its type."""

    type: Literal["text", "image_url", "image", "input_audio", "audio", "audio_url", "video", "video_url", "file",
                  "refusal", "reasoning", "thinking"]  # fmt: skip
    text: str | None = None
    image_url: str | dict[str, Any] | None = None
    input_audio: dict[str, Any] | None = None
    refusal: str | None = None


class Message(Piece):
    """One turn."""

    role: Literal["system", "developer", "user", "assistant", "tool", "function"]
    content: str | list[Part] | None = None
    name: str | None = None
    weight: float | None = Field(default=None, description="0 to leave an assistant turn out of the loss, else 1")
    tool_calls: list[ToolCall] | None = None
    tool_call_id: str | None = None
    function_call: Call | None = Field(default=None, description="the older way to call")
    refusal: str | None = None
    audio: Any = None
    reasoning_content: str | None = None
    reasoning: Any = None
    thinking: Any = None


Messages = list[Message]
Side = str | list[Message] | Message


class OpenAIRow(Row):
    """A conversation."""

    messages: Messages = Field(min_length=1)
    tools: list[Tool] | None = None
    parallel_tool_calls: bool | None = None
    functions: list[FunctionSpec] | None = Field(default=None, description="the older way to declare tools")
    tool_choice: Any = None
    function_call: Any = None


class PreferenceInput(Piece):
    """The prompt of an OpenAI preference row."""

    messages: Messages = Field(min_length=1)
    tools: list[Tool] | None = None
    parallel_tool_calls: bool | None = None


class OpenAIPreferenceRow(Row):
    """A prompt with a preferred and another answer."""

    input: PreferenceInput
    preferred_output: Messages | None = None
    non_preferred_output: Messages | None = None
    preferred_completion: Messages | None = None
    non_preferred_completion: Messages | None = None


class _TRLRow(Row):
    tools: list[Any] | str | None = None
    chat_template_kwargs: dict[str, Any] | None = None


class PromptCompletionChatRow(_TRLRow):
    """Prompt and completion as lists of messages."""

    prompt: Messages
    completion: Messages


class PreferenceRow(_TRLRow):
    """A chosen and a rejected answer; the prompt apart, or inside both."""

    prompt: Side | dict[str, str] | None = None
    messages: Messages | None = None
    chosen: Side
    rejected: Side


class KTORow(_TRLRow):
    """One answer with a good-or-bad label."""

    prompt: Side | None = None
    completion: Side | None = None
    messages: Messages | None = None
    label: bool | None = None
    kto_tag: bool | None = None
