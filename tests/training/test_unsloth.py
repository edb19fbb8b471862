"""Unsloth: results worked out by hand from the template and the facts in its docstring."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from made import MARKED, TURNS, record, renderer, said, turns

from prepdata.errors import UsageError
from prepdata.training.base import NotSimulated, RunEnds
from prepdata.training.settings import TrainerSettings
from prepdata.training.unsloth import Unsloth, UnslothSettings, guess_keys
from prepdata.training.unsloth_marks import detect

FOUR = turns("Where?", "Here.", "And?", "There.")
PARTS = {"instruction_part": "<|im_start|>user\n", "response_part": "<|im_start|>assistant\n"}


def unsloth(tmp_path: Path, template: str = TURNS, folder: dict[str, Any] | None = None, **settings: Any) -> Unsloth:
    return Unsloth(renderer(tmp_path, template, **(folder or {})), UnslothSettings(**settings))


def chat(*texts: str) -> dict[str, Any]:
    return {"conversations": [{"from": "gpt" if n % 2 else "human", "value": text} for n, text in enumerate(texts)]}


def test_all_tokens_of_chats_are_trained(tmp_path: Path) -> None:
    [row] = unsloth(tmp_path).prepare([record(FOUR)])
    assert row.kept and set(row.trained) == {1} and row.end == len(row.ids)


@pytest.mark.parametrize(
    ("settings", "trained"),
    [
        ({"train_on_responses_only": True}, ["Here.<|im_end|>", "There.<|im_end|>"]),
        (PARTS, ["Here.<|im_end|>", "There.<|im_end|>"]),
        ({**PARTS, "last_response_only": True}, ["There.<|im_end|>"]),
        ({**PARTS, "response_part": "<|im_start|>user\n", "instruction_part": "<|im_start|>assistant\n"},
         ["Where?<|im_end|>", "And?<|im_end|>"]),
        ({"loss": "assistant"}, ["Here.<|im_end|>", "There.<|im_end|>"]),
    ],
)  # fmt: skip
def test_answers_by_the_texts_before_them(tmp_path: Path, settings: dict[str, Any], trained: list[str]) -> None:
    simulated = unsloth(tmp_path, **settings)
    [row] = simulated.prepare([record(FOUR)])
    assert said(row, simulated.renderer) == trained


def test_answers_by_the_marks_of_the_template(tmp_path: Path) -> None:
    marked = MARKED.replace("{{ message.content }}<|im_end|>{% endgen", "{{ message.content }}{% endgen")
    simulated = unsloth(tmp_path, marked, loss="assistant")
    [row] = simulated.prepare([record(FOUR)])
    assert said(row, simulated.renderer) == ["Here.", "There."]


def test_answer_without_end_goes_up_to_the_next_turn(tmp_path: Path) -> None:
    simulated = unsloth(tmp_path, TURNS.replace("<|im_end|>", ""), train_on_responses_only=True)
    [row] = simulated.prepare([record(FOUR)])
    assert said(row, simulated.renderer) == ["Here.\n", "There.\n"]


def test_rows_without_an_answer(tmp_path: Path) -> None:
    rows = [record(turns("user: Where?")), record(turns("Where?", "Here."))]
    found = unsloth(tmp_path, train_on_responses_only=True).prepare(rows)
    assert [row.dropped for row in found] == ["no token of it is trained", ""]
    assert [row.kept for row in unsloth(tmp_path).prepare(rows)] == [True, True]
    assert unsloth(tmp_path, train_on_responses_only=True).without_rows() and not unsloth(tmp_path).without_rows()


def test_answer_lost_by_the_cut(tmp_path: Path) -> None:
    raw = turns("zq" * 20, "Here.")
    simulated = unsloth(tmp_path, max_length=20)
    [row] = simulated.prepare([record(raw)])
    assert len(row.ids) > 20 and (row.start, row.end, row.kept) == (0, 20, True)
    [row] = unsloth(tmp_path, max_length=20, train_on_responses_only=True).prepare([record(raw)])
    assert row.dropped == "no token of it is trained"
    simulated = unsloth(tmp_path, max_length=20, overflow="keep-end", train_on_responses_only=True)
    [row] = simulated.prepare([record(raw)])
    assert (row.start, row.end) == (len(row.ids) - 20, len(row.ids))
    assert said(row, simulated.renderer) == ["Here.<|im_end|>"]


def test_rows_are_cut_before_they_are_packed(tmp_path: Path) -> None:
    raw = record(turns("zq" * 20, "Here."))
    assert len(unsloth(tmp_path, max_length=20, packing="bfd").prepare([raw])[0].left) == 20
    assert len(unsloth(tmp_path, max_length=20, packing="wrapped").prepare([raw])[0].left) > 20


def test_2048_tokens_by_itself(tmp_path: Path) -> None:
    [row] = unsloth(tmp_path).prepare([record(turns("Q", "zq " * 1000))])
    assert row.end == 2048 < len(row.ids)


def test_prompt_and_completion(tmp_path: Path) -> None:
    simulated = unsloth(tmp_path)
    raw = {"prompt": FOUR["messages"][:3], "completion": FOUR["messages"][3:]}
    [texts, ended, turned] = simulated.prepare(
        [record({"prompt": "Where?", "completion": " Here."}),
         record({"prompt": "Where?", "completion": " Here.<|im_end|>"}), record(raw)]
    )  # fmt: skip
    assert texts.text == ended.text == "Where? Here.<|im_end|>"
    assert said(texts, simulated.renderer) == [" Here.<|im_end|>"]
    assert said(turned, simulated.renderer) == ["There.<|im_end|>\n"]
    [row] = unsloth(tmp_path, loss="all").prepare([record(raw)])
    assert set(row.trained) == {1}
    simulated = unsloth(tmp_path, loss="assistant")
    [turned, texts] = simulated.prepare([record(raw), record({"prompt": "Where?", "completion": " Here."})])
    assert said(turned, simulated.renderer) == ["There.<|im_end|>"]
    assert texts.stopped == "assistant_only_loss needs prompt and completion as turns, not as texts"


def test_prompt_that_is_no_beginning_of_the_row(tmp_path: Path) -> None:
    template = TURNS.replace("<|im_start|>assistant\n{% endif", "<|im_start|>assistant\nzz{% endif")
    simulated = unsloth(tmp_path, template)
    [row] = simulated.prepare(
        [record({"prompt": FOUR["messages"][:1], "completion": [{"role": "assistant", "content": "qqqq"}]})]
    )
    assert row.lost_prompt == 2 and said(row, simulated.renderer) == ["qq<|im_end|>\n"]  # two tokens are not trained


def test_beginning_of_text_once(tmp_path: Path) -> None:
    rows = [record({"text": "Herons."}), record({"text": "<s>Herons."}), record(chat("Q", "A"))]
    simulated = unsloth(tmp_path, folder={"bos": True})
    begin = simulated.renderer.tokenizer.token_to_id("<s>")
    assert [list(row.ids).count(begin) for row in simulated.prepare(rows)] == [1, 1, 1]
    simulated = unsloth(tmp_path / "with", "<s>" + TURNS, {"bos": True})
    assert [list(row.ids).count(begin) for row in simulated.prepare(rows)] == [0, 1, 1]  # the template has it
    [row] = unsloth(tmp_path).prepare([record({"text": "Herons."})])
    assert row.text == "Herons."  # nor is an end added


def test_conversations(tmp_path: Path) -> None:
    simulated = unsloth(tmp_path, train_on_responses_only=True)
    [row] = simulated.prepare(
        [record({"conversations": [{"from": "Human ", "value": "Q"}, {"from": "gpt", "value": "A"}]})]
    )
    assert row.text == "<|im_start|>user\nQ<|im_end|>\n<|im_start|>assistant\nA<|im_end|>\n"
    assert said(row, simulated.renderer) == ["A<|im_end|>"]
    assert unsloth(tmp_path, loss="assistant").prepare([record(chat("Q", "A"))])[0].stopped


@pytest.mark.parametrize(
    ("turn", "why"),
    [
        ({"from": "gpt", "value": "A", "weight": "1"}, "turn 2 has other keys than from and value"),
        ({"from": "gpt", "value": None}, "turn 2 holds what is no text"),
        ({"from": "tool", "value": "A"}, 'turn 2: it does not know the role "tool"'),
    ],
)
def test_conversations_that_end_the_run(tmp_path: Path, turn: dict[str, Any], why: str) -> None:
    raw = {"conversations": [{"from": "human", "value": "Q"}, turn]}
    [row] = unsloth(tmp_path, role_key="from", content_key="value").prepare([record(raw)])
    assert row.stopped == why
    [row] = unsloth(tmp_path).prepare([record(raw)])  # the keys are guessed from the row
    assert row.stopped and not row.kept


def test_keys_guessed_for_a_file() -> None:
    rows = [chat("Q", "A")] * 10
    assert guess_keys(rows) == ("from", "value")
    swapped = [{"conversations": [{"text": "Q", "who": "user"}, {"text": "A", "who": "assistant"}]}]
    assert guess_keys(swapped) == ("who", "text")
    both = [{"conversations": [{"content": "user", "role": "user"}, {"content": "gpt", "role": "assistant"}]}]
    assert guess_keys(both) == ("role", "content")
    with pytest.raises(RunEnds, match="does not know the role"):
        guess_keys([{"conversations": [{"from": "bot", "value": "a"}, {"from": "bot", "value": "b"}]}])
    third = {"conversations": [{"from": "human", "value": "Q", "weight": "0"}]}
    with pytest.raises(RunEnds, match="there are 3"):
        guess_keys([*rows[:9], third])
    assert guess_keys([*rows, third]) == ("from", "value")  # the 11th row is not looked at


def test_tools(tmp_path: Path) -> None:
    template = "{% if tools %}{{ tools | tojson }}{% endif %}" + TURNS
    [text, wrong, chats] = unsloth(tmp_path, template).prepare(
        [
            record({**FOUR, "tools": '["count"]'}),
            record({**FOUR, "tools": "["}),
            record({**chat("Q", "A"), "tools": "[1]"}),
        ]
    )
    assert text.text.startswith('["count"]<|im_start|>')
    assert wrong.stopped.startswith("tools: no JSON")
    assert chats.changes == (("/tools", "it is left out unless the formatting function passes it on"),)


def test_parts_of_a_template_without_headers(tmp_path: Path) -> None:
    template = (
        "{% for message in messages %}{% if message.role == 'user' %}[INST] {{ message.content }} [/INST]"
        "{% else %} {{ message.content }}<|im_end|>{% endif %}{% endfor %}"
    )
    simulated = unsloth(tmp_path, template, train_on_responses_only=True)
    assert detect(simulated.renderer) == ("[INST]", "[/INST]")
    [row] = simulated.prepare([record(FOUR)])
    assert said(row, simulated.renderer) == [" Here.<|im_end|>", " There.<|im_end|>"]


def test_parts_that_cannot_be_found(tmp_path: Path) -> None:
    silent = "{% for message in messages %}{{ message.content }}{% endfor %}"
    [row] = unsloth(tmp_path, silent, train_on_responses_only=True).prepare([record(FOUR)])
    assert "Give instruction_part and response_part" in row.stopped and not row.kept
    with pytest.raises(UsageError, match="go together"):
        unsloth(tmp_path, response_part="x")


def test_what_else_it_does_not_take(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="keep-start"):
        Unsloth(renderer(tmp_path), TrainerSettings(overflow="drop"))
    preference = {"prompt": "Q", "chosen": "A", "rejected": "B"}
    [row] = unsloth(tmp_path).prepare([record(preference)])
    assert isinstance(row.refusal, NotSimulated) and not row.stopped
    refusing = "{% if messages | length > 2 %}{{ raise_exception('too long') }}{% endif %}" + TURNS
    [row] = unsloth(tmp_path, refusing).prepare([record(FOUR)])
    assert row.stopped == "the chat template refuses the row: too long"
