"""Published pydantic models of every record format, from which `schemas/*.schema.json` are generated.

The rules do not use them: they say more than a schema can, and faster. The models are for editors, for other
languages, and for code that wants typed rows.

    from prepdata.models import OpenAIRow, schema
    OpenAIRow.model_validate({"messages": [{"role": "user", "content": "Hi"}]})
    schema("openai")
"""

from __future__ import annotations

from typing import Any

from prepdata.errors import UsageError, nearest
from prepdata.models.base import Row
from prepdata.models.blocks import BedrockRow, GeminiRow, LlamaFactoryV1Row
from prepdata.models.chat import (
    KTORow,
    OpenAIPreferenceRow,
    OpenAIRow,
    PreferenceRow,
    PromptCompletionChatRow,
)
from prepdata.models.texts import AlpacaRow, PromptCompletionRow, ShareGPTRow, TextRow

MODELS: dict[str, type[Row]] = {
    "openai": OpenAIRow,
    "openai-dpo": OpenAIPreferenceRow,
    "trl-prompt-completion": PromptCompletionChatRow,
    "trl-preference": PreferenceRow,
    "trl-kto": KTORow,
    "sharegpt": ShareGPTRow,
    "alpaca": AlpacaRow,
    "prompt-completion": PromptCompletionRow,
    "gemini": GeminiRow,
    "bedrock": BedrockRow,
    "llamafactory-v1": LlamaFactoryV1Row,
    "text": TextRow,
}
"""The model of each format's row, by the format's name."""


def schema(name: str) -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of a format's row.

    Raises:
        UsageError: there is no such format; names the nearest.
    """
    if name not in MODELS:
        raise UsageError(f"unknown format '{name}'.{nearest(name, MODELS)} Known: {', '.join(MODELS)}")
    model = MODELS[name]
    made = model.model_json_schema(by_alias=True)
    title = f"prepdata row: {name}"
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **made, "title": title}


__all__ = [
    "MODELS", "AlpacaRow", "BedrockRow", "GeminiRow", "KTORow", "LlamaFactoryV1Row", "OpenAIPreferenceRow",
    "OpenAIRow", "PreferenceRow", "PromptCompletionChatRow", "PromptCompletionRow", "Row", "ShareGPTRow", "TextRow",
    "schema",
]  # fmt: skip
