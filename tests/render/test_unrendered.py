"""Where a tokenizer is given and rows are not rendered, the report says why."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import Any

import pytest
from byte_tokenizer import write_folder

import prepdata

ROW = {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello."}]}


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    path = tmp_path / "rows.jsonl"
    path.write_text(json.dumps(ROW) + "\n", encoding="utf-8")
    return path


def said(rows: Path, **settings: Any) -> list[str]:
    return [note for note in prepdata.validate(rows, cache=False, **settings).notes if "not rendered" in note]


@pytest.mark.parametrize("package", ["jinja2", "tokenizers"])
def test_a_package_is_missing(package: str, rows: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = importlib.util.find_spec
    monkeypatch.setattr("importlib.util.find_spec", lambda name, *more: None if name == package else real(name, *more))
    found = said(rows, tokenizer=str(write_folder(tmp_path / "model")), tokens=False)
    assert found == [f"rows are not rendered: {package} missing; pip install 'prepdata[render]'"]


def test_there_is_no_template(rows: Path, tmp_path: Path) -> None:
    (note,) = said(rows, tokenizer=str(write_folder(tmp_path / "model", None)))
    assert "has no chat template" in note and "--chat-template FILE" in note


def test_nothing_is_said_where_rows_are_rendered(rows: Path, tmp_path: Path) -> None:
    assert said(rows, tokenizer=str(write_folder(tmp_path / "model"))) == []
    assert said(rows) == []
