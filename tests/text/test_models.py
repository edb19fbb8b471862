"""Families of models."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prepdata.text.models import family

FAMILIES = {
    "gpt4o": ["gpt-4o", "gpt-4o-mini", "openai/gpt-4o-2024-08-06", "ft:gpt-4o-mini-2024-07-18:acme::x", "GPT-4o"],
    "gpt4": ["gpt-4", "gpt-4-turbo", "gpt-4-0613"],
    "gpt4.1": ["gpt-4.1", "gpt-4.1-mini", "gpt-4.1-nano-2025-04-14"],
    "llama3.1": ["Meta-Llama-3.1-8B-Instruct", "llama3.1:70b", "meta-llama/Llama-3.1-405B"],
    "llama3.3": ["meta-llama/Llama-3.3-70B-Instruct"],
    "qwen2.5": ["Qwen/Qwen2.5-7B-Instruct", "qwen2.5-72b", "Qwen2.5-Coder-32B-Instruct-AWQ"],
    "claude3.5": ["claude-3-5-sonnet-20241022", "anthropic/claude-3.5-haiku"],
    "mistral": ["mistral-large-2411", "Mistral-7B-Instruct-v0.3", "open-mistral-7b"],
    "mixtral": ["mixtral-8x7b-instruct"],
    "gemini1.5": ["gemini-1.5-pro-002", "gemini-1.5-flash"],
    "gemma2": ["gemma-2-9b-it"],
    "deepseekr1": ["DeepSeek-R1-Distill-Qwen-7B", "deepseek-r1"],
    "": ["", "instruct", "-", "  "],
}


@pytest.mark.parametrize(("expected", "name"), [(k, n) for k, names in FAMILIES.items() for n in names])
def test_family(expected: str, name: str) -> None:
    assert family(name) == expected


@given(st.text(max_size=40))
def test_never_fails(name: str) -> None:
    assert isinstance(family(name), str)
