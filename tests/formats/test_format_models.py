"""The published models know what the formats know, and the schema files are generated from them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jsonschema
import pytest
from pydantic import ValidationError

from prepdata import formats, models
from prepdata.errors import UsageError
from prepdata.models import generate

WRONG: list[tuple[str, dict[str, Any]]] = [
    ("openai", {}),
    ("openai", {"messages": []}),
    ("openai", {"messages": [{"role": "human", "content": "Hi"}]}),
    ("openai", {"messages": [{"role": "user", "content": 3}]}),
    ("openai", {"messages": [{"role": "user", "content": "Hi"}], "tools": "[]"}),
    ("openai-dpo", {"input": "Hi"}),
    ("trl-prompt-completion", {"prompt": "Hi", "completion": "Hello."}),
    ("trl-preference", {"prompt": "Hi", "chosen": "a"}),
    ("trl-kto", {"prompt": "Hi", "completion": "a", "label": "good"}),
    ("sharegpt", {"conversations": [{"from": "robot", "value": "Hi"}]}),
    ("alpaca", {"instruction": 3, "output": "x"}),
    ("prompt-completion", {"prompt": ["Hi"], "completion": "x"}),
    ("gemini", {"contents": [{"role": "assistant", "parts": [{"text": "Hi"}]}]}),
    ("bedrock", {"messages": [{"role": "tool", "content": []}]}),
    ("llamafactory-v1", {"messages": [{"role": "user", "content": "Hi"}]}),
    ("text", {"text": 3}),
]


@pytest.mark.parametrize(("name", "row"), WRONG)
def test_wrong_rows_are_refused(name: str, row: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        models.MODELS[name].model_validate(row)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft202012Validator(models.schema(name)).validate(row)


@pytest.mark.parametrize("name", formats.names())
def test_models_know_the_keys_of_the_formats(name: str) -> None:
    fields = models.MODELS[name].model_fields
    known = {info.alias or field for field, info in fields.items()}
    assert known == formats.get(name).row_keys | formats.ROW_MARKS


@pytest.mark.parametrize("name", formats.names())
def test_schemas_are_schemas(name: str) -> None:
    jsonschema.Draft202012Validator.check_schema(models.schema(name))


def test_the_files_are_up_to_date() -> None:
    assert generate.drifted(generate.FOLDER) == [], "run `python -m prepdata.models.generate`"


def test_generating(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert generate.main(["--check", str(tmp_path)]) == 1
    assert generate.main([str(tmp_path)]) == 0
    assert generate.main(["--check", str(tmp_path)]) == 0
    (tmp_path / "text.schema.json").write_text("{}")
    assert generate.drifted(tmp_path) == ["text.schema.json"]
    assert "out of date" in capsys.readouterr().out


def test_unknown_schema() -> None:
    with pytest.raises(UsageError, match="Did you mean"):
        models.schema("opena")
