"""What is read from a tokenizer folder is what transformers reads from it, where several files say different things."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from rows import HAND, Row, said
from side_by_side import Way, differing, opened
from template_folders import decoder
from tokenizers_made import made_tokenizer, write_folder

NAMED = {"bos_token": "<s>", "eos_token": "</s>"}
TOKENS = ("<s>", "</s>", "<|turn|>")
SHOWING = (
    "{{ bos_token }}|{{ eos_token }}|{{ pad_token }}|{{ unk_token }}|{{ image_token }}|{{ boi_token }}|"
    "{{ additional_special_tokens }}|{{ extra_special_tokens }}|{{ model_max_length }}|{{ name_or_path }}\n"
    "{% for message in messages %}<|turn|>{{ message.content }}"
    "{% generation %}{{ eos_token }}{% endgeneration %}{% endfor %}\n"
)
"""A template that shows what it is told, and marks a stretch after each message."""
ROWS = (
    Row("tokens", [said("user", "Hi <extra> <|turn|> there <image><boi> <s></s> a<pad>b  <old> "), said("assistant", "x <extra>")]),
    *(row for row in HAND if row.name in ("plain", "unicode", "white space around", "tools without a system prompt")),
)  # fmt: skip


def flags(text: str, **others: bool) -> dict[str, Any]:
    """Return a token as configurations write it."""
    plain = dict.fromkeys(("lstrip", "rstrip", "single_word", "normalized"), False)
    return {"content": text, **plain, "special": True, **others}


def _bare(token: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in token.items() if key != "special"}


def _held() -> dict[str, Any]:
    return made_tokenizer("byte_level", TOKENS, bos="<s>")


def _all_flags(**others: bool) -> dict[str, Any]:
    return {number: {**token, **others} for number, token in decoder(_held()).items()}


DECODER = decoder(_held())
TEMPLATE = {"chat_template": SHOWING}
PADDING = {"direction": "Left", "pad_to_multiple_of": 8, "pad_id": 1, "pad_type_id": 0, "pad_token": "</s>"}
CUTTING = {"direction": "Right", "max_length": 12, "strategy": "LongestFirst", "stride": 0}

# name: tokenizer_config.json, special_tokens_map.json, further files
FOLDERS: dict[str, tuple[dict[str, Any], dict[str, Any] | None, dict[str, str]]] = {
    "as usual": (TEMPLATE, None, {}),
    "special map beside a decoder is not read": (
        {**TEMPLATE, "added_tokens_decoder": DECODER}, {"bos_token": "</s>", "pad_token": "</s>", "unk_token": "<s>"}, {},
    ),
    "special map without a decoder comes first": (TEMPLATE, {"bos_token": "</s>", "eos_token": flags("<s>")}, {}),
    "special map with a token that is new": (TEMPLATE, {"pad_token": flags("<pad>", lstrip=True, normalized=True)}, {}),
    "extra special tokens": ({**TEMPLATE, "extra_special_tokens": ["<extra>"]}, None, {}),
    "extra special tokens and a decoder": (
        {**TEMPLATE, "extra_special_tokens": ["<extra>", "<s>"], "added_tokens_decoder": DECODER}, None, {},
    ),
    "extra special tokens by their old name": ({**TEMPLATE, "additional_special_tokens": ["<extra>"]}, None, {}),
    "extra special tokens with flags": ({**TEMPLATE, "extra_special_tokens": [{"__type": "AddedToken", **flags("<extra>", lstrip=True)}]}, None, {}),
    "extra special tokens of the map": (TEMPLATE, {"extra_special_tokens": ["<extra>"]}, {}),
    "extra special tokens of the map with flags": (TEMPLATE, {"extra_special_tokens": [_bare(flags("<extra>", rstrip=True))]}, {}),
    "extra special tokens of both": ({**TEMPLATE, "extra_special_tokens": ["<old>"]}, {"extra_special_tokens": ["<extra>"]}, {}),
    "extra special tokens of the map by their old name": (TEMPLATE, {"additional_special_tokens": ["<extra>"]}, {}),
    "a token with a name of its own": ({**TEMPLATE, "image_token": "<image>"}, None, {}),
    "a token with a name of its own and a decoder": ({**TEMPLATE, "image_token": "<image>", "added_tokens_decoder": DECODER}, None, {}),
    "extra special tokens with names": ({**TEMPLATE, "extra_special_tokens": {"boi_token": "<boi>"}}, None, {}),
    "extra special tokens of the map with names": (TEMPLATE, {"extra_special_tokens": {"boi_token": "<boi>"}}, {}),
    "a named token that is new": ({**TEMPLATE, "pad_token": "<pad>"}, None, {}),
    "a named token that is new, and a decoder": ({**TEMPLATE, "pad_token": "<pad>", "added_tokens_decoder": DECODER}, None, {}),
    "a named token that is new, with flags": ({**TEMPLATE, "pad_token": {"__type": "AddedToken", **flags("<pad>", lstrip=True, rstrip=True)}}, None, {}),
    "a named token that is null": ({**TEMPLATE, "pad_token": None}, None, {}),
    "special tokens are split": ({**TEMPLATE, "split_special_tokens": True}, None, {}),
    "added_tokens.json": (TEMPLATE, None, {"added_tokens.json": json.dumps({"<old>": 5000})}),
    "added_tokens.json with a special token": (
        {**TEMPLATE, "extra_special_tokens": ["<old>"]}, None, {"added_tokens.json": json.dumps({"<old>": 5000, "<extra>": 5001})},
    ),
    "added_tokens.json and a decoder": ({**TEMPLATE, "added_tokens_decoder": DECODER}, None, {"added_tokens.json": json.dumps({"<old>": 5000})}),
    "the decoder has other flags": ({**TEMPLATE, "added_tokens_decoder": _all_flags(lstrip=True, rstrip=True)}, None, {}),
    "the decoder has another text": ({**TEMPLATE, "added_tokens_decoder": {max(DECODER, key=int): flags("<extra>")}}, None, {}),
    "the decoder has a token far away": ({**TEMPLATE, "added_tokens_decoder": {"2000": flags("<extra>")}}, None, {}),
    "the decoder has no flags": ({**TEMPLATE, "added_tokens_decoder": {"2000": {"content": "<extra>"}}}, None, {}),
    "the decoder has a token that is not special": ({**TEMPLATE, "added_tokens_decoder": {"2000": flags("<extra>", special=False, normalized=True)}}, None, {}),
    "prefix space, and tokens at the ends": ({**TEMPLATE, "add_prefix_space": True, "add_bos_token": True, "add_eos_token": True}, None, {}),
    "a small model_max_length": ({**TEMPLATE, "model_max_length": 10}, None, {}),
    "a template file before the configuration": ({"chat_template": "no"}, None, {"chat_template.jinja": SHOWING}),
    "line ends of Windows": ({}, None, {"chat_template.jinja": SHOWING.replace("\n", "\r\n")}),
    "line ends of Windows in JSON": ({"chat_template": SHOWING.replace("\n", "\r\n")}, None, {}),
    "a byte order mark": ({}, None, {"chat_template.jinja": "\ufeff" + SHOWING}),
    "many line ends": ({}, None, {"chat_template.jinja": "\n\n" + SHOWING + "\n\n"}),
    "templates by name": ({"chat_template": {"default": SHOWING, "tool_use": "T" + SHOWING}}, None, {}),
    "templates in a list": ({"chat_template": [{"name": name, "template": name + SHOWING} for name in ("tool_use", "default")]}, None, {}),
    "no default template": ({"chat_template": [{"name": name, "template": SHOWING} for name in ("rag", "tool_use")]}, None, {}),
    "more templates beside the configuration": (TEMPLATE, None, {"additional_chat_templates/tool_use.jinja": "T" + SHOWING}),
    "no template but a second one": ({}, None, {"additional_chat_templates/rag.jinja": SHOWING}),
    "an empty template": ({"chat_template": ""}, None, {}),
}  # fmt: skip


@pytest.mark.parametrize("name", FOLDERS)
def test_folder(name: str, tmp_path: Path) -> None:
    config, special_map, files = FOLDERS[name]
    folder = write_folder(tmp_path / "model", _held(), NAMED, config=config, special_map=special_map, files=files)
    different, _ = differing(folder, ((row, Way()) for row in ROWS))
    assert not different, different[0]


@pytest.mark.parametrize(
    "change",
    [
        {"padding": {"strategy": "BatchLongest", **PADDING}},
        {"padding": {"strategy": {"Fixed": 300}, **PADDING}},
        {"truncation": CUTTING},
    ],
    ids=["padding", "fixed padding", "truncation"],
)
def test_tokenizer_file_that_pads_or_cuts(change: dict[str, Any], tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "model", {**_held(), **change}, NAMED, config=TEMPLATE)
    different, rendered = differing(folder, ((row, Way()) for row in ROWS))
    assert not different, different[0]
    assert rendered == len(ROWS)


def test_template_for_tools_is_taken_for_rows_with_tools(tmp_path: Path) -> None:
    config, special_map, files = FOLDERS["templates by name"]
    folder = write_folder(tmp_path / "model", _held(), NAMED, config=config, special_map=special_map, files=files)
    renderer, _ = opened(folder)
    assert renderer.render(ROWS[0].messages, []).text == "T" + renderer.render(ROWS[0].messages).text
