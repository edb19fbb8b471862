"""Axolotl: results worked out by hand from the template and the facts in its docstring."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from made import MARKED, TURNS, record, renderer, said, turns

from prepdata.errors import UsageError
from prepdata.render import Template
from prepdata.training.axolotl import Axolotl, AxolotlSettings
from prepdata.training.settings import TrainerSettings

TWO = turns("system: Count.", "user: Where?", "assistant: Here.", "user: And?", "assistant: There.")
CALL = {"id": "a", "type": "function", "function": {"name": "count", "arguments": '{"what": "heron"}'}}
UNREAD = "it is left out: the template does not read it"


def axolotl(tmp_path: Path, template: str = TURNS, folder: dict[str, Any] | None = None, **settings: Any) -> Axolotl:
    return Axolotl(renderer(tmp_path, template, **(folder or {})), AxolotlSettings(**settings))


@pytest.mark.parametrize(
    ("settings", "trained"),
    [
        ({}, ["Here.<|im_end|>", "There.<|im_end|>"]),
        ({"train_on_eos": "none"}, ["Here.", "There."]),
        ({"train_on_eos": "last"}, ["Here.", "There.<|im_end|>"]),
        ({"train_on_eos": "all"}, ["<|im_end|>", "<|im_end|>", "Here.<|im_end|>", "<|im_end|>", "There.<|im_end|>"]),
        ({"roles_to_train": ("user",)}, ["Where?<|im_end|>", "And?<|im_end|>"]),
        (
            {"loss": "all"},
            ["Count.<|im_end|>", "Where?<|im_end|>", "Here.<|im_end|>", "And?<|im_end|>", "There.<|im_end|>"],
        ),
    ],
)
def test_what_is_trained(tmp_path: Path, settings: dict[str, Any], trained: list[str]) -> None:
    simulated = axolotl(tmp_path, **settings)
    [row] = simulated.prepare([record(TWO)])
    assert row.kept and said(row, simulated.renderer) == trained


def test_marks_of_the_template_do_not_matter(tmp_path: Path) -> None:
    simulated = axolotl(tmp_path, MARKED, train_on_eos="none")
    [row] = simulated.prepare([record(TWO)])
    assert said(row, simulated.renderer) == ["Here.", "There."]


def test_end_token_further_off_than_three_tokens_is_not_found(tmp_path: Path) -> None:
    near = "{% for message in messages %}{{ message.content }}\n\t\n<|im_end|>{% endfor %}"
    far = near.replace("\n\t\n", "\n1\n2\n")
    for number, (template, trained) in enumerate(((near, ["Here.", "<|im_end|>"]), (far, ["Here."]))):
        simulated = axolotl(tmp_path / str(number), template)
        [row] = simulated.prepare([record(turns("Where?", "Here."))])
        assert said(row, simulated.renderer) == trained


def test_end_of_turn_beside_end_of_text(tmp_path: Path) -> None:
    simulated = axolotl(tmp_path, folder={"eos": "<s>"})
    [row] = simulated.prepare([record(TWO)])
    assert said(row, simulated.renderer) == ["Here.", "There."]  # the end of a turn is no end of text
    assert simulated.cautions() == [
        "the template does not write the end-of-text token <s>: no end of a turn is trained"
    ]
    simulated = axolotl(tmp_path, folder={"eos": "<s>"}, eot_tokens=("<|im_end|>", "<|eot|>"))
    [row] = simulated.prepare([record(TWO)])
    assert said(row, simulated.renderer) == ["Here.<|im_end|>", "There.<|im_end|>"]
    assert simulated.cautions() == ["the template does not write <|eot|>"]


@pytest.mark.parametrize(
    ("overflow", "kept", "dropped", "stopped"),
    [
        ("drop", 0, "longer than 20 tokens", ""),
        ("error", 0, "", "longer than 20 tokens"),
        ("keep-start", 20, "", ""),
    ],
)
def test_long_rows(tmp_path: Path, overflow: Any, kept: int, dropped: str, stopped: str) -> None:
    for packing in ("", "bfd"):
        simulated = axolotl(tmp_path, overflow=overflow, max_length=20, packing=packing)
        [row] = simulated.prepare([record(turns("Q", "Here. " * 5))])
        assert len(row.ids) > 20
        assert (len(row.left), row.dropped, row.stopped) == (kept, dropped, stopped)


def test_length_at_the_limit_is_kept(tmp_path: Path) -> None:
    row = record(turns("Where?", "Here."))
    size = len(axolotl(tmp_path).prepare([row])[0].ids)
    assert axolotl(tmp_path, max_length=size).prepare([row])[0].kept
    assert axolotl(tmp_path, max_length=size - 1).prepare([row])[0].dropped == f"longer than {size - 1} tokens"
    assert axolotl(tmp_path, min_sample_len=size).prepare([row])[0].kept
    assert axolotl(tmp_path, min_sample_len=size + 1).prepare([row])[0].dropped == f"shorter than {size + 1} tokens"


def test_512_tokens_by_itself(tmp_path: Path) -> None:
    [row] = axolotl(tmp_path).prepare([record(turns("Where?", "zq " * 300))])
    assert row.dropped == "longer than 512 tokens"


def test_rows_without_a_trained_token_stay_unless_packed(tmp_path: Path) -> None:
    row = record(turns("user: Where?"))
    [found] = axolotl(tmp_path).prepare([row])
    assert found.kept and sum(found.trained) == 0
    simulated = axolotl(tmp_path, packing="bfd")
    assert simulated.prepare([row])[0].dropped == "no token of it is trained"
    assert simulated.without_rows() == "no row has a token that is trained"
    assert axolotl(tmp_path).without_rows() == ""


def test_arguments_are_decoded(tmp_path: Path) -> None:
    messages = [
        {"role": "user", "content": "How many?"},
        {"role": "assistant", "content": "", "tool_calls": [CALL]},
    ]
    simulated = axolotl(tmp_path)
    [row] = simulated.prepare([record({"messages": messages})])
    assert '<call>{"name": "count", "arguments": {"what": "heron"}}</call>' in row.text
    assert [(change.path, change.what) for change in row.changes] == [
        ("/messages/1/tool_calls/0/function/arguments", "the text is decoded as JSON"),
    ]
    assert said(row, simulated.renderer) == ['<call>{"name": "count", "arguments": {"what": "heron"}}</call><|im_end|>']


def test_arguments_that_are_no_json_end_the_run(tmp_path: Path) -> None:
    call = {**CALL, "function": {"name": "count", "arguments": "{heron"}}
    messages = [{"role": "user", "content": "Q"}, {"role": "assistant", "content": "", "tool_calls": [call]}]
    [bad, good] = axolotl(tmp_path).prepare([record({"messages": messages}), record(TWO)])
    assert bad.stopped.startswith("arguments of a call in turn 2: no JSON") and not bad.ids
    assert good.kept


def test_calls_are_lost_where_the_loop_has_another_name(tmp_path: Path) -> None:
    template = TURNS.replace("message.", "turn.").replace("message in", "turn in")
    messages = [
        {"role": "user", "content": "How many?", "name": "Ann"},
        {"role": "assistant", "content": "I count.", "tool_calls": [CALL]},
    ]
    [row] = axolotl(tmp_path, template).prepare([record({"messages": messages})])
    assert "<call>" not in row.text
    assert row.changes == (("/messages/0/name", UNREAD), ("/messages/1/tool_calls", UNREAD))


def test_parts_say_what_is_trained(tmp_path: Path) -> None:
    parts = [
        {"type": "text", "text": "Where?", "train": False},
        {"type": "image_url", "image_url": {"url": "a.png"}},
        {"type": "text", "text": " Here.", "weight": 1},
    ]
    messages = [{"role": "user", "content": "Q"}, {"role": "assistant", "content": parts}]
    simulated = axolotl(tmp_path)
    [row] = simulated.prepare([record({"messages": messages})])
    assert said(row, simulated.renderer) == [" Here.<|im_end|>"]
    assert row.changes == (("/messages/1/content", "its texts are joined; 1 of 3 parts are left out"),)


def test_what_the_row_says_about_training_is_read_under_its_name_only(tmp_path: Path) -> None:
    row = turns("Where?", "Here.", "And?", "There.")
    row["messages"][1]["weight"] = 0
    simulated = axolotl(tmp_path)
    [found] = simulated.prepare([record(row)])
    assert said(found, simulated.renderer) == ["Here.<|im_end|>", "There.<|im_end|>"]
    assert found.changes == (("/messages/1/weight", UNREAD),)
    simulated = axolotl(tmp_path, message_field_training="weight")
    [found] = simulated.prepare([record(row)])
    assert said(found, simulated.renderer) == ["There.<|im_end|>"] and not found.changes


def test_names_of_keys_and_roles(tmp_path: Path) -> None:
    raw = {"conversations": [{"from": "human", "value": "Where?"}, {"from": "bot", "value": "Here."}]}
    simulated = axolotl(
        tmp_path, field_messages="conversations", message_property_mappings={"role": "from", "content": "value"},
        roles={"user": ("human",), "assistant": ("bot",)},
    )  # fmt: skip
    [row] = simulated.prepare([record(raw)])
    assert row.text == "<|im_start|>user\nWhere?<|im_end|>\n<|im_start|>assistant\nHere.<|im_end|>\n"
    assert said(row, simulated.renderer) == ["Here.<|im_end|>"]
    [row] = axolotl(tmp_path, field_messages="chat").prepare([record(raw)])
    assert row.stopped == "the row has no chat (field_messages)"


def test_rows_of_other_formats_are_taken_as_chat(tmp_path: Path) -> None:
    simulated = axolotl(tmp_path)
    [alpaca, text] = simulated.prepare(
        [record({"instruction": "Count.", "input": "", "output": "Three."}), record({"text": "Three herons."})]
    )
    assert said(alpaca, simulated.renderer) == ["Three.<|im_end|>"]
    assert text.refusal is not None and not text.stopped


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        ({"messages": []}, "the row has no turn"),
        ({"messages": [{"role": "user", "content": "Q"}, "A"]}, "turn 2 is no object"),
        ({**TWO, "tools": "[{"}, "tools: no JSON"),
        ({**TWO, "tools": {"name": "count"}}, "tools are no list"),
    ],
)
def test_rows_that_end_the_run(tmp_path: Path, raw: dict[str, Any], why: str) -> None:
    [row] = axolotl(tmp_path).prepare([record(raw)])
    assert row.stopped.startswith(why) and not row.kept


def test_template_that_refuses_the_row_with_a_turn_replaced(tmp_path: Path) -> None:
    strict = (
        "{% for message in messages %}{% if message.role == 'tool' and not messages[loop.index0 - 1].tool_calls %}"
        "{{ raise_exception('no call') }}{% endif %}{{ message.content }}{% if message.tool_calls %}!{% endif %}"
        "<|im_end|>{% endfor %}"
    )
    messages = [
        {"role": "user", "content": "How many?"},
        {"role": "assistant", "content": "I count.", "tool_calls": [CALL]},
        {"role": "tool", "content": "3", "tool_call_id": "a"},
        {"role": "assistant", "content": "Three."},
    ]
    [row] = axolotl(tmp_path, strict).prepare([record({"messages": messages})])
    assert row.text == "How many?<|im_end|>I count.!<|im_end|>3<|im_end|>Three.<|im_end|>"  # the row itself it takes
    assert row.stopped == (
        "the chat template refuses the row: no call (with another text for turn 2, as Axolotl renders it to find its tokens)"
    )


def test_system_key_goes_before_the_turns(tmp_path: Path) -> None:
    [row] = axolotl(tmp_path).prepare([record({**turns("Where?", "Here."), "system": "Count."})])
    assert row.text.startswith("<|im_start|>system\nCount.<|im_end|>\n<|im_start|>user\nWhere?")
    assert row.changes == (("/system", "it is put before the first turn as a system turn"),)


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({"overflow": "keep-end"}, "at the beginning"),
        ({"loss": "completion"}, "by their role"),
        ({"packing": "wrapped"}, "whole rows"),
    ],
)
def test_settings_that_it_does_not_have(tmp_path: Path, settings: dict[str, Any], why: str) -> None:
    with pytest.raises(UsageError, match=why):
        Axolotl(renderer(tmp_path), TrainerSettings(**settings))


def test_end_tokens_that_it_refuses(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no single token"):
        axolotl(tmp_path, TURNS.replace("<|im_end|>", "</turn>"), eot_tokens=("</turn>",))
    with pytest.raises(UsageError, match="differ"):
        axolotl(tmp_path, eot_tokens=("<|im_end|>", "<|im_start|>"), train_on_eos="turn", train_on_eot="all")


@pytest.mark.parametrize(
    ("template", "keys"),
    [
        ("{{ message.content }}{{ message['role'] }}{{ message.calls[0].name }}", {"content", "role", "calls", "name"}),
        ("{{ message[key] }}{{ turn.name }}{{ messages[0].weight }}{{ (message.a | trim).b }}", {"a"}),
        ("{% generation %}{% if message.x is defined %}{% endif %}{% endgeneration %}", {"x"}),
        ("{{ name }}", set()),
    ],
)
def test_keys_that_a_template_reads(template: str, keys: set[str]) -> None:
    assert Template(template).keys_of("message") == keys
