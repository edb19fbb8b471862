"""LLaMA-Factory: results worked out by hand from the template and the facts in its docstring."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from made import TURNS, record, renderer, said, turns

from prepdata.errors import UsageError
from prepdata.render.template import Rendered
from prepdata.reporters.tokens import kind_of, pieces
from prepdata.training.base import NotSimulated
from prepdata.training.llama_factory import LlamaFactory, LlamaFactorySettings, shares
from prepdata.training.settings import TrainerSettings
from prepdata.training.view import view

OFF = "detailed thinking off"
SYSTEM = f"<|im_start|>system\n{OFF}<|im_end|>\n"
CALL = {"id": "a", "type": "function", "function": {"name": "count", "arguments": '{"what": "heron"}'}}


def factory(
    tmp_path: Path, template: str = TURNS, folder: dict[str, Any] | None = None, **settings: Any
) -> LlamaFactory:
    return LlamaFactory(renderer(tmp_path, template, **(folder or {})), LlamaFactorySettings(**settings))


def test_answers_are_trained_with_all_that_follows_them(tmp_path: Path) -> None:
    simulated = factory(tmp_path)
    [row] = simulated.prepare([record(turns("Where?", "Here.", "And?", "There."))])
    assert row.text == (
        f"{SYSTEM}<|im_start|>user\nWhere?<|im_end|>\n<|im_start|>assistant\nHere.<|im_end|>\n"
        "<|im_start|>user\nAnd?<|im_end|>\n<|im_start|>assistant\nThere.<|im_end|>\n"
    )
    assert said(row, simulated.renderer) == ["Here.<|im_end|>\n", "There.<|im_end|>\n"]
    assert [row.text[start:end] for start, end in row.offsets][:2] == ["<|im_start|>", "s"]


def test_what_else_can_be_trained(tmp_path: Path) -> None:
    raw = turns("Where?", "Here.", "And?", "There.")
    simulated = factory(tmp_path, loss="completion")
    assert said(simulated.prepare([record(raw)])[0], simulated.renderer) == ["There.<|im_end|>\n"]
    [row] = factory(tmp_path, loss="all").prepare([record(raw)])
    assert set(row.trained) == {1}


@pytest.mark.parametrize(
    ("raw", "begins", "changes"),
    [
        (turns("Where?", "Here."), SYSTEM, [("", f'a system turn is made: "{OFF}"')]),
        (
            turns("system: Count.", "user: Where?", "assistant: Here."),
            f"<|im_start|>system\nCount.\n{OFF}<|im_end|>\n",
            [("/messages/0/content", f'a line is added: "{OFF}"')],
        ),
        (turns("system: ", "user: Where?", "assistant: Here."), SYSTEM,
         [("/messages/0/content", f'a system turn is made: "{OFF}"')]),
        (turns("system: detailed thinking on", "user: Q", "assistant: A"),
         "<|im_start|>system\ndetailed thinking on<|im_end|>\n", []),
        (turns("Where?", "Here.", tools=[]), "<|im_start|>system\n<|im_end|>\n", []),
    ],
)  # fmt: skip
def test_line_about_thinking(tmp_path: Path, raw: Any, begins: str, changes: list[tuple[str, str]]) -> None:
    [row] = factory(tmp_path).prepare([record(raw)])
    assert row.text.startswith(f"{begins}<|im_start|>user")
    assert list(row.changes) == changes


def test_no_such_line_with_the_other_converters(tmp_path: Path) -> None:
    plain = "<|im_start|>user\nQ<|im_end|>\n<|im_start|>assistant\nA<|im_end|>\n"
    sharegpt = {"conversations": [{"from": "human", "value": "Q"}, {"from": "gpt", "value": "A"}]}
    rows = factory(tmp_path).prepare([record(sharegpt), record({"instruction": "Q", "input": "", "output": "A"})])
    assert [row.text for row in rows] == [plain, plain]
    assert factory(tmp_path, formatting="sharegpt").prepare([record(turns("Q", "A"))])[0].text == plain


def test_calls(tmp_path: Path) -> None:
    messages = [
        {"role": "user", "content": "How many?"},
        {"role": "assistant", "content": "I count.", "tool_calls": [CALL]},
        {"role": "tool", "content": "3", "tool_call_id": "a"},
        {"role": "tool", "content": "4", "tool_call_id": "b"},
        {"role": "assistant", "content": "Seven."},
    ]
    simulated = factory(tmp_path)
    [row] = simulated.prepare([record({"messages": messages})])
    assert said(row, simulated.renderer) == [
        'Action: count\nAction Input: "{\\"what\\": \\"heron\\"}"<|im_end|>\n', "Seven.<|im_end|>\n",
    ]  # fmt: skip
    assert "<|im_start|>user\n3\n</tool_response>\n<tool_response>\n4<|im_end|>" in row.text
    assert [change for change in row.changes if change.path] == [
        ("/messages/1/content", "the text is replaced by the call"),
        ("/messages/1/tool_calls/0/function/arguments",
         "the text is written as a JSON text within JSON: quoted and escaped"),
    ]  # fmt: skip


def test_results_at_the_end_are_lost(tmp_path: Path) -> None:
    messages = [
        {"role": "user", "content": "How many?"},
        {"role": "assistant", "content": None, "tool_calls": [CALL]},
        {"role": "tool", "content": "3", "tool_call_id": "a"},
    ]
    [row] = factory(tmp_path).prepare([record({"messages": messages})])
    assert row.kept and row.text.endswith('heron\\"}"<|im_end|>\n')
    assert ("/messages/2", "it is lost: results at the end of a row are not taken over") in row.changes


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (turns("user: Q", "user: R", "assistant: A"), "turn 2 (user) is out of turn"),
        (turns("system: S", "user: Q", "system: T", "assistant: A"), "turn 3 (system) is out of turn"),
        (turns("user: Q"), "the last turn is no answer"),
        (turns(), "the row has no turns"),
        ({"conversations": [{"from": "human", "value": "Q"}, {"from": "tool", "value": "A"}]}, "turn 2 (tool) is out"),
        ({"instruction": "Q", "input": "", "output": None}, "the answer is no text"),
    ],
)
def test_rows_that_are_skipped(tmp_path: Path, raw: dict[str, Any], why: str) -> None:
    [row] = factory(tmp_path).prepare([record(raw)])
    assert row.dropped.startswith(why) and not row.stopped


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (turns("developer: D", "user: Q", "assistant: A"), 'turn 1: it does not know the role "developer"'),
        ({"messages": [{"role": "user", "content": "Q"}, {"role": "assistant", "content": None}]},
         "the content of turn 2 (assistant) is no text"),
        ({"messages": [{"role": "user", "content": [{"type": "text", "text": "Q"}]}, {"role": "assistant", "content": "A"}]},
         "the content of turn 1 (user) is no text"),
        ({"conversations": [{"from": "human", "value": "Q"}, {"from": "function_call", "value": "count()"}]},
         "a call is no JSON"),
    ],
)  # fmt: skip
def test_rows_that_end_the_run(tmp_path: Path, raw: dict[str, Any], why: str) -> None:
    [row] = factory(tmp_path).prepare([record(raw)])
    assert row.stopped.startswith(why) and not row.kept


@pytest.mark.parametrize(
    ("question", "answer", "room", "left"),
    [
        (10, 10, 30, (10, 10)),  # all fits
        (100, 10, 30, (20, 10)),  # the answer takes less than half: the question is cut
        (10, 100, 30, (10, 20)),  # the question does: the answer is cut
        (60, 30, 30, (20, 10)),  # both by their shares
        (50, 20, 30, (22, 8)),  # 30 * 20 / 70 = 8.57, rounded down
        (5, 5, 1, (1, 0)),
    ],
)
def test_shares(question: int, answer: int, room: int, left: tuple[int, int]) -> None:
    assert shares(question, answer, room) == left


def test_cut_within_turns(tmp_path: Path) -> None:
    raw = {"instruction": "Q", "input": "", "output": "A", "history": [["z" * 20, "q" * 4]]}
    simulated = factory(tmp_path)
    found = simulated.renderer
    [whole] = simulated.prepare([record(raw)])
    sizes = [
        len(found.encode(Rendered(text)).ids)
        for text in (f"<|im_start|>user\n{'z' * 20}<|im_end|>\n<|im_start|>assistant\n", "qqqq<|im_end|>\n")
    ]
    [row] = factory(tmp_path, max_length=20).prepare([record(raw)])
    left = shares(*sizes, 20)
    assert left[0] < sizes[0] and left[1] == sizes[1] and sum(left) == 20  # the question is cut, its answer is not
    assert (row.start, row.end, row.holes) == (0, sum(sizes), ((left[0], sizes[0]),))
    assert said(row, found) == ["qqqq<|im_end|>\n"] and list(row.ids) == list(whole.ids)
    assert [row.ids[number] for number in row.left] == [*whole.ids[: left[0]], *whole.ids[sizes[0] : sum(sizes)]]
    [row] = factory(tmp_path, max_length=20, loss="completion").prepare([record(raw)])
    last = len(whole.ids) - sum(sizes)
    assert (
        last < 20 and row.end == len(whole.ids) and len(row.left) == 20
    )  # the last pair first, what is left before it
    assert set(range(sum(sizes), len(whole.ids))) <= set(row.left)
    assert said(row, found) == ["A<|im_end|>\n"]


def test_packing_takes_one_token(tmp_path: Path) -> None:
    [row] = factory(tmp_path, max_length=20, packing="bfd").prepare([record(turns("Q", "A " * 30))])
    assert len(row.left) == 19


def test_template_that_writes_thoughts(tmp_path: Path) -> None:
    template = TURNS.replace(
        "{{ message.content }}",
        "{% if message.role == 'assistant' %}<think>\n\n</think>\n\n{% endif %}{{ message.content }}",
    )
    raw = {"instruction": "Q", "input": "", "output": "A", "history": [["P", "<think>\nHm.\n</think>\n\nB"]]}
    simulated = factory(tmp_path, template)
    [row] = simulated.prepare([record(raw)])
    assert said(row, simulated.renderer) == [
        "<think>\nHm.\n</think>\n\nB<|im_end|>\n", "<think>\n\n</think>\n\nA<|im_end|>\n",
    ]  # fmt: skip
    simulated = factory(tmp_path, template, loss="completion")
    [row] = simulated.prepare([record(raw)])
    assert "Hm." not in row.text and said(row, simulated.renderer) == ["<think>\n\n</think>\n\nA<|im_end|>\n"]


def test_system_text_that_the_template_brings(tmp_path: Path) -> None:
    template = (
        "{% if messages[0].role != 'system' %}<|im_start|>system\nBe brief.<|im_end|>\n{% endif %}" + TURNS
    )  # fmt: skip
    [row] = factory(tmp_path, template).prepare([record({"instruction": "Q", "input": "", "output": "A"})])
    assert row.text.startswith("<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nQ<|im_end|>")


def test_beginning_of_text_that_the_template_does_not_write(tmp_path: Path) -> None:
    [row] = factory(tmp_path, folder={"bos": True}).prepare([record({"instruction": "Q", "input": "", "output": "A"})])
    assert row.text == "<s>m_start|>user\nQ<|im_end|>\n<|im_start|>assistant\nA<|im_end|>\n"  # three characters less
    template = "<s>" + TURNS
    [row] = factory(tmp_path, template, {"bos": True}).prepare(
        [record({"instruction": "Q", "input": "", "output": "A"})]
    )
    assert row.text == "<s><|im_start|>user\nQ<|im_end|>\n<|im_start|>assistant\nA<|im_end|>\n"


def test_what_is_not_simulated(tmp_path: Path) -> None:
    tools = [{"type": "function", "function": {"name": "count", "parameters": {}}}]
    rows = factory(tmp_path).prepare([record(turns("Q", "A", tools=tools)), record({"text": "Herons."})])
    assert all(isinstance(row.refusal, NotSimulated) for row in rows)
    refusing = "{% if messages[0].role == 'system' %}{{ raise_exception('no system') }}{% endif %}" + TURNS
    [row] = factory(tmp_path, refusing).prepare([record(turns("Q", "A"))])
    assert isinstance(row.refusal, NotSimulated) and "no system" in str(row.refusal) and not row.stopped


def test_settings_that_it_does_not_have(tmp_path: Path) -> None:
    for settings in (TrainerSettings(overflow="drop"), TrainerSettings(packing="wrapped")):
        with pytest.raises(UsageError):
            LlamaFactory(renderer(tmp_path), settings)
    assert factory(tmp_path).without_rows() == "no valid row is left"


def test_shown_with_the_cuts_within_it(tmp_path: Path) -> None:
    raw = record({"instruction": "Q", "input": "", "output": "A", "history": [["z" * 20, "q" * 4]]})
    simulated = factory(tmp_path, max_length=20)
    [row] = simulated.prepare([raw])
    seen = view(raw, row, simulated, file="a.jsonl", line=1, number=0)
    ((start, end),) = row.holes
    assert seen.holes == [(start, end)] and (seen.counts.left, seen.counts.lost) == (20, len(row.ids) - 20)
    kinds = [kind_of(seen, number) for number in range(len(row.ids))]
    lost = {number for number, kind in enumerate(kinds) if kind.startswith("lost")}
    assert lost == {*range(start, end), *range(row.end, len(row.ids))}
    marks = [piece.text for piece in pieces(seen, kinds, borders=False) if piece.text.startswith("cut")]
    assert marks[:2] == [f"cut: {end - start} tokens from here on are lost", "cut: from here on the row goes on"]
    assert marks[2].startswith("cut at 20 tokens") and len(marks) == 3
