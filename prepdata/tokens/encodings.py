"""Which encoding a model uses, and how many tokens it reads at most."""

from __future__ import annotations

DEFAULT_ENCODING = "o200k_base"
"""Used where no model is named: the encoding of every OpenAI chat model since GPT-4o."""


def encoding_for(model: str) -> str | None:
    """Return the encoding of a model by tiktoken's own table, or None if the model has none there.

    Fine-tuned names (`ft:gpt-4.1-mini-...:org::id`) are those of their base model; the table of tiktoken 0.14.0 takes
    every `ft:gpt-4...` that it does not name for a GPT-4, so they are looked up without their prefix.
    """
    from tiktoken.model import encoding_name_for_model

    try:
        return str(encoding_name_for_model(model.strip().removeprefix("ft:").split(":")[0]))
    except KeyError:
        return None
