"""Tokens of a whole conversation: contents plus what the chat format adds around them.

OpenAI publishes how its chat format is counted, in its cookbook ("How to count tokens with tiktoken" and "Data
preparation and analysis for chat model fine-tuning", read 2026-11-21): every message costs 3 tokens besides its role
and content, a name 1 more, and a conversation 3 at its end. For tools it gives a count per function and per
property. What it does not give is added here and said: nested properties cost what flat ones do, and a tool
call costs its name and arguments with no marker around them, so rows with calls are counted a little low.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from prepdata.tokens.counter import Counter

MAX_DEPTH = 32
"""Tool schemas are followed this deep; deeper ones cannot be meant."""


class Overhead(NamedTuple):
    """Tokens that the chat format adds. All zero where the format's template is not known."""

    per_message: int = 0
    per_name: int = 0
    per_row: int = 0
    role_word: bool = False
    per_function: int = 0
    per_properties: int = 0
    per_property: int = 0
    per_enum: int = 0
    per_enum_item: int = 0
    per_tools: int = 0


OPENAI_CHAT = Overhead(
    per_message=3,
    per_name=1,
    per_row=3,
    role_word=True,
    per_function=7,
    per_properties=3,
    per_property=3,
    per_enum=-3,
    per_enum_item=3,
    per_tools=12,
)
"""GPT-4o and later."""

OPENAI_CHAT_OLD = OPENAI_CHAT._replace(per_function=10)
"""GPT-4 and GPT-3.5: a function costs 3 tokens more."""

CONTENT_ONLY = Overhead()


def overhead_for(encoding: str | None) -> Overhead:
    """Return the chat overhead of a tiktoken encoding; content only for None (a tokenizer without its
    template)."""
    if encoding is None:
        return CONTENT_ONLY
    return OPENAI_CHAT if encoding.startswith("o200k") else OPENAI_CHAT_OLD


def tool_pieces(tools: Any, overhead: Overhead) -> tuple[int, list[str]]:
    """Return (fixed tokens, texts to count) of declared tools.

    Args:
        tools: a list of `{"type": "function", "function": {...}}`, of bare functions, or of anything else
            (which is counted as the JSON it is).
        overhead: the constants of the format.
    """
    if not tools:
        return 0, []
    if not isinstance(tools, list):
        return 0, [_text(tools)]
    fixed, texts = overhead.per_tools, []
    for tool in tools:
        function = tool.get("function", tool) if isinstance(tool, dict) else None
        if not isinstance(function, dict):
            texts.append(_text(tool))
            continue
        fixed += overhead.per_function
        texts.append(f"{_text(function.get('name'))}:{_sentence(function.get('description'))}")
        added, more = _property_pieces(function.get("parameters"), overhead, 0)
        fixed += added
        texts += more
    return fixed, texts


def tool_tokens(tools: Any, *, counter: Counter, overhead: Overhead) -> int:
    """Return the tokens that declared tools cost in every row that carries them."""
    fixed, texts = tool_pieces(tools, overhead)
    return fixed + sum(counter.count(texts))


def conversation_tokens(
    messages: Sequence[Mapping[str, Any]],
    *,
    counter: Counter,
    overhead: Overhead,
    tools: Any = None,
) -> int:
    """Return the tokens of one conversation given as plain chat messages.

    Args:
        messages: `{"role", "content", "name", "tool_calls", ...}`; contents are strings or lists of parts, of
            which the text is counted (images and other media are not).
        counter: counts the texts.
        overhead: what the chat format adds.
        tools: the declared tools of the row, if any.
    """
    fixed, texts = tool_pieces(tools, overhead)
    fixed += overhead.per_row
    for message in messages:
        fixed += overhead.per_message
        if overhead.role_word:
            texts.append(_text(message.get("role")))
        if isinstance(name := message.get("name"), str):
            fixed += overhead.per_name
            texts.append(name)
        texts += message_texts(message)
    return fixed + sum(counter.count(texts))


def message_texts(message: Mapping[str, Any]) -> Iterator[str]:
    """Yield the texts of a plain chat message: content, reasoning, refusal, and its calls."""
    content = message.get("content")
    if isinstance(content, str):
        yield content
    elif isinstance(content, list):
        for part in content:
            if isinstance(part, str):
                yield part
            elif isinstance(part, dict) and isinstance(part.get("text"), str):
                yield part["text"]
    for key in ("reasoning_content", "thinking", "refusal"):
        if isinstance(extra := message.get(key), str):
            yield extra
    calls = message.get("tool_calls")
    for call in calls if isinstance(calls, list) else ():
        yield from _call_texts(call.get("function", call) if isinstance(call, dict) else None)
    if isinstance(message.get("function_call"), dict):
        yield from _call_texts(message["function_call"])


def _call_texts(function: Any) -> Iterator[str]:
    if isinstance(function, dict):
        yield _text(function.get("name"))
        yield _text(function.get("arguments"))


def _property_pieces(schema: Any, overhead: Overhead, depth: int) -> tuple[int, list[str]]:
    """Return (fixed tokens, texts) of the properties of a JSON Schema, nested ones included."""
    properties = schema.get("properties") if isinstance(schema, dict) else None
    if not isinstance(properties, dict) or not properties or depth > MAX_DEPTH:
        return 0, []
    fixed, texts = overhead.per_properties, []
    for name, value in properties.items():
        fixed += overhead.per_property
        found = value if isinstance(value, dict) else {}
        texts.append(f"{name}:{_text(found.get('type'))}:{_sentence(found.get('description'))}")
        if isinstance(choices := found.get("enum"), list):
            fixed += overhead.per_enum + overhead.per_enum_item * len(choices)
            texts += [_text(choice) for choice in choices]
        for inner in (found, found.get("items")):
            added, more = _property_pieces(inner, overhead, depth + 1)
            fixed += added
            texts += more
    return fixed, texts


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    return "" if value is None else json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str)


def _sentence(value: Any) -> str:
    """Return a description without its final full stop, as the published count takes it."""
    return _text(value).removesuffix(".")
