"""Which encoding a model uses, and how many tokens it reads at most."""

from __future__ import annotations

DEFAULT_ENCODING = "o200k_base"
"""Used where no model is named: the encoding of every OpenAI chat model since GPT-4o."""


def encoding_for(model: str) -> str | None:
    """Return the encoding of a model by tiktoken's own table, or None if the model has none there.

    Fine-tuned names (`ft:gpt-4.1-mini-...:org::id`) are those of their base model.
    """
    from tiktoken.model import encoding_name_for_model

    name = model.strip()
    for candidate in (name, name.removeprefix("ft:").split(":")[0]):
        try:
            return str(encoding_name_for_model(candidate))
        except KeyError:
            continue
    return None
