"""The project that the tests of locks work on."""

from __future__ import annotations

from pathlib import Path

import pytest
from lock_runs import MORE, ROW, TEMPLATE, rows


@pytest.fixture
def project(tmp_path: Path) -> Path:
    rows(tmp_path / "train.jsonl", ROW, MORE)
    rows(tmp_path / "test.jsonl", MORE)
    model = tmp_path / "model"
    (model / "additional_chat_templates").mkdir(parents=True)
    (model / "tokenizer.json").write_text("{}")
    (model / "tokenizer_config.json").write_text('{"eos_token": "<|im_end|>"}')
    (model / "chat_template.jinja").write_text(TEMPLATE)
    (model / "additional_chat_templates" / "rag.jinja").write_text("{{ documents }}")
    return tmp_path
