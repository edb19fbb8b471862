"""The chat format of Mistral v3 as mistral-common writes it, against what its published chat template makes of rows.

mistral-common orders the keys of a call by itself, decodes arguments, writes results as JSON, and puts the system text
before the last question. The template takes keys in the order of the row, writes results as they are, and has the system
text only where the row ends with the question.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from byte_tokenizer import write_folder
from catalogue import TEMPLATES

import prepdata
from prepdata.render import open_renderer

SPECIAL = ("<unk>", "<s>", "</s>", "[INST]", "[/INST]", "[TOOL_CALLS]", "[AVAILABLE_TOOLS]", "[/AVAILABLE_TOOLS]",
           "[TOOL_RESULTS]", "[/TOOL_RESULTS]")  # fmt: skip
TOOLS = [{"type": "function", "function": {"name": "tide", "description": "High water at a port.", "parameters": {
    "type": "object", "properties": {"port": {"type": "string"}}, "required": ["port"]}}}]  # fmt: skip
ASKED = {"role": "user", "content": "When is high water in Brest?"}
SYSTEM = {"role": "system", "content": "Times in UTC."}
TEXT = (
    '<s>[AVAILABLE_TOOLS] [{"type": "function", "function": {"name": "tide", "description": "High water at a port.", '
    '"parameters": {"type": "object", "properties": {"port": {"type": "string"}}, "required": ["port"]}}}]'
    "[/AVAILABLE_TOOLS][INST] When is high water in Brest?[/INST]"
    '[TOOL_CALLS] [{"name": "tide", "arguments": {"port": "Brest"}, "id": "a1b2c3d4e"}]</s>'
    '[TOOL_RESULTS] {"content": "06:12", "call_id": "a1b2c3d4e"}[/TOOL_RESULTS] At 06:12.</s>'
)


def folder(place: Path) -> Path:
    template = (TEMPLATES / "mistral_v3.jinja").read_text(encoding="utf-8")
    return write_folder(place / "model", template, bos="<s>", eos="</s>", special=SPECIAL)


def turns(call: dict[str, Any], result: str) -> list[dict[str, Any]]:
    called = {"role": "assistant", "tool_calls": [{"id": "a1b2c3d4e", "type": "function", "function": call}]}
    told = {"role": "tool", "tool_call_id": "a1b2c3d4e", "name": "tide", "content": result}
    return [ASKED, called, told, {"role": "assistant", "content": "At 06:12."}]


def test_the_same_text_where_the_row_is_written_for_it(tmp_path: Path) -> None:
    call = {"name": "tide", "arguments": {"port": "Brest"}}
    assert open_renderer(str(folder(tmp_path))).render(turns(call, '"06:12"'), TOOLS).text == TEXT


def test_what_the_template_makes_of_rows_as_they_are(tmp_path: Path) -> None:
    call = {"arguments": '{"port": "Brest"}', "name": "tide"}
    text = open_renderer(str(folder(tmp_path))).render(turns(call, "06:12"), TOOLS).text
    assert '[TOOL_CALLS] [{"arguments": "{\\"port\\": \\"Brest\\"}", "name": "tide", "id": "a1b2c3d4e"}]' in text
    assert '{"content": 06:12, "call_id"' in text


def test_the_system_text_is_lost_where_the_row_ends_with_an_answer(tmp_path: Path) -> None:
    renderer = open_renderer(str(folder(tmp_path)))
    assert renderer.render([SYSTEM, ASKED]).text == "<s>[INST] Times in UTC.\n\nWhen is high water in Brest?[/INST]"
    row = {"messages": [SYSTEM, ASKED, {"role": "assistant", "content": "At 06:12."}]}
    assert "UTC" not in renderer.render(row["messages"]).text
    (tmp_path / "rows.jsonl").write_text(json.dumps(row) + "\n", encoding="utf-8")
    report = prepdata.validate(tmp_path / "rows.jsonl", tokenizer=str(tmp_path / "model"), select=["TOK"], cache=False)
    assert [(f.name, f.path) for f in report] == [("template-rewrites", "/messages/0")]
