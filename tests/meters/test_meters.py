"""Meters: what they measure of rows written by hand, and that the cut of the file does not matter."""

from __future__ import annotations

import itertools
import json
import math
from array import array

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prepdata import targets
from prepdata.formats import get, recognise
from prepdata.meters import NAMES, build_meters
from prepdata.meters import tokens as tokens_meter
from prepdata.meters.base import MeterContext
from prepdata.meters.spread import bars, spread
from prepdata.meters.tokens import choose, limits_of, pack, unpack
from prepdata.parse import parse
from prepdata.record import Message, Record, ToolCall
from prepdata.rules.base import Parts
from prepdata.tokens.conversation import overhead_for


class Words:
    """A counter that anybody can check by hand: one token per word."""

    name = "words"
    exact = True
    notes: list[str] = []

    def count(self, texts):
        return [len(text.split()) for text in texts]


@pytest.fixture(autouse=True)
def by_words(monkeypatch):
    """Count words in place of tokens."""
    monkeypatch.setattr(tokens_meter, "open_counter", lambda **_: Words())
    tokens_meter._compute.cache_clear()
    yield
    tokens_meter._compute.cache_clear()


def chunk(rows):
    data = "\n".join(row if isinstance(row, str) else json.dumps(row) for row in rows).encode() + b"\n"
    return parse(data, None, len(rows), get("openai")).chunk


def measure(name, rows, cuts=(), context=None):
    """Run one meter over rows cut in pieces, as the engine does: what `see` gives goes through msgpack."""
    [meter] = build_meters([name], context or MeterContext())
    edges = [0, *sorted(cuts), len(rows)]
    parts = []
    for start, end in itertools.pairwise(edges):
        if start < end:
            kept = msgspec.msgpack.decode(msgspec.msgpack.encode(meter.see(chunk(rows[start:end]))))
            parts.append((start, kept))
    return meter.finish(Parts([], parts, len(rows)))


def say(role, content, **more):
    return {"role": role, "content": content, **more}


ROWS = [
    {"messages": [say("system", "be kind"), say("user", "who are you"), say("assistant", "a small helper")]},
    {"messages": [say("system", "be kind"), say("user", "sum"), say("assistant", "one two three four five")]},
    {"messages": [say("user", "hi"), say("assistant", "no", weight=0), say("user", "again"), say("assistant", "yes")]},
    {
        "messages": [
            say("user", "weather"),
            {
                "role": "assistant",
                "tool_calls": [
                    {"id": "c1", "type": "function", "function": {"name": "look", "arguments": "{\"at\": \"sky\"}"}}
                ],
            },
            say("tool", "grey", tool_call_id="c1"),
            say("assistant", "it is grey"),
        ],
        "tools": [{"type": "function", "function": {"name": "look", "description": "look up"}}],
    },
    {"messages": [say("user", "last"), say("user", "question")]},
]  # fmt: skip


def test_tokens_by_hand():
    # Each message 3 and its role word 1, each row 3, o200k: a function 7, tools 12.
    found = measure("tokens", ROWS)
    rows = [
        (3 * 4 + 3 + 2 + 3 + 3, 3),
        (3 * 4 + 3 + 2 + 1 + 5, 5),
        (4 * 4 + 3 + 1 + 1 + 1 + 1, 1),
        (4 * 4 + 3 + 12 + 7 + 2 + 1 + (1 + 2) + 1 + 3, 1 + 2 + 3),
        (2 * 4 + 3 + 1 + 1, 0),
    ]
    assert found["total"] == sum(total for total, _ in rows)
    assert found["trained"] == sum(trained for _, trained in rows)
    assert found["prompt"] + found["trained"] == found["total"]
    assert found["rows"] == 5
    assert found["untrained_rows"] == 1
    assert (found["per_row"]["min"], found["per_row"]["max"]) == (13, max(t for t, _ in rows))
    assert found["counter"] == "words"
    assert found["exact"]
    assert sum(count for _, _, count in found["histogram"]) == 5


def test_media_are_said_not_counted():
    picture = {"type": "image_url", "image_url": {"url": "https://example.org/a.png"}}
    content = [{"type": "text", "text": "what is it"}, picture]
    row = {"messages": [say("user", content), say("assistant", "a cat")]}
    found = measure("tokens", [row, ROWS[0]])
    assert found["media_rows"] == 1
    assert found["trained"] == 2 + 3


def test_rows_over_the_context():
    context = MeterContext(context=25, targets=(targets.load("openai"), targets.load("trl")))
    assert limits_of(context) == [("context", 25), ("openai", 65_536), ("trl", 1024)]
    found = measure("tokens", ROWS, context=context)
    over = found["limits"][0]
    assert over["target"] == "context"
    assert over["rows_over"] == 1
    assert over["first_rows"] == [3]
    assert over["tokens_cut"] == found["per_row"]["max"] - 25
    assert found["limits"][1]["rows_over"] == 0


@pytest.mark.parametrize(
    ("context", "encoding", "tokenizer"),
    [(MeterContext(), "o200k_base", None), (MeterContext(model="gpt-4"), "cl100k_base", None),
     (MeterContext(model="gpt-4", encoding="p50k_base"), "p50k_base", None),
     (MeterContext(model="gpt-4", tokenizer="x"), None, "x")],
)  # fmt: skip
def test_what_counts(context, encoding, tokenizer):
    assert choose(context) == (encoding, tokenizer, "")


def test_a_stand_in_is_not_exact():
    context = MeterContext(model="my-org/my-model")
    assert "my-org/my-model" in choose(context).caution
    found = measure("tokens", ROWS, context=context)
    assert not found["exact"]
    assert "--tokenizer" in found["notes"][0]


def test_the_fingerprint_follows_what_counts(monkeypatch):
    asked = []
    monkeypatch.setattr(tokens_meter, "identity", lambda **given: asked.append(given) or "x")
    assert tokens_meter.fingerprint(MeterContext(model="gpt-4", offline=True)) == "x"
    assert asked == [{"encoding": "cl100k_base", "tokenizer": None, "offline": True}]


def test_a_tokenizer_counts_content_only():
    found = measure("tokens", ROWS[:1], context=MeterContext(tokenizer="somewhere"))
    assert found["total"] == 2 + 3 + 3


def test_lengths_by_hand():
    found = measure("lengths", ROWS)
    assert found["messages"]["max"] == 4
    assert found["prompt_characters"]["max"] == len("be kind") + len("who are you")
    assert found["answer_characters"]["max"] == len("one two three four five")
    assert found["answer_characters"]["min"] == 0


def test_roles_by_hand():
    found = measure("roles", ROWS)
    assert found["rows"] == 5
    assert found["messages"] == {"assistant": 6, "system": 2, "tool": 1, "user": 7}
    assert found["last"] == {"assistant": 4, "user": 1}
    assert found["first"] == {"system": 2, "user": 3}
    assert found["rows_with_system"] == 2
    assert found["system_prompts"] == {"different": 1, "most_frequent": [{"rows": 2, "first_row": 0}]}
    assert (found["rows_with_tools"], found["rows_with_calls"]) == (1, 1)
    assert found["tools_declared"] == {"different": 1, "top": {"look": 1}}
    assert found["tools_called"] == {"different": 1, "top": {"look": 1}}
    assert found["weights"] == {"0": 1}


def test_rows_that_cannot_be_read_leave_row_numbers_right():
    rows = [ROWS[2], "{not json", ROWS[0]]
    found = measure("roles", rows)
    assert found["rows"] == 2
    assert found["system_prompts"]["most_frequent"] == [{"rows": 1, "first_row": 2}]


def test_languages(monkeypatch):
    from prepdata.meters import languages

    words = {"who are you": "en", "a small helper": "en", "sum": "la", "one two three four five": "en"}
    monkeypatch.setattr(languages, "detector", lambda: words.get)
    found = measure("languages", ROWS[:2])
    assert found["prompts"] == {"en": 1, "la": 1}
    assert found["answers"] == {"en": 2}
    assert found["answered_in_another"] == 1


def test_without_an_identifier_there_are_no_languages(monkeypatch):
    from prepdata.meters import languages

    monkeypatch.setattr(languages, "detector", lambda: None)
    assert measure("languages", ROWS) == {"prompts": {}, "answers": {}, "answered_in_another": 0}


def test_cost_by_hand():
    # 1,000 rows of 12 + 3 + 8 = 23 tokens, 3 epochs, gpt-4o-mini at $3 per million: $0.207.
    context = MeterContext(targets=(targets.load("openai"), targets.load("trl")), model="gpt-4o-mini")
    found = measure("cost", ROWS[:1] * 1000, context=context)
    [job] = found["hosted"]
    assert job["provider"] == "openai"
    assert job["usd"]["likely"] == pytest.approx(0.207)
    assert job["epochs"]["likely"] == 3


def test_cost_of_rows_cut_at_the_context():
    context = MeterContext(targets=(targets.load("openai"),), model="gpt-4o-mini", context=20, epochs=1)
    [job] = measure("cost", ROWS[:1] * 1000, context=context)["hosted"]
    assert job["billed_tokens"]["likely"] == 20_000
    assert any("longer than 20 tokens" in said for said in job["assumptions"])


def test_another_tokenizer_than_the_providers_widens_the_range():
    context = MeterContext(targets=(targets.load("fireworks"),), epochs=1)
    for job in measure("cost", ROWS * 100, context=context)["hosted"]:
        assert job["usd"]["low"] < job["usd"]["likely"] < job["usd"]["high"]
        assert any("another model's tokenizer" in said for said in job["assumptions"])


def test_cost_without_targets_is_nothing():
    assert measure("cost", ROWS) == {"hosted": []}


def test_nothing_at_all():
    for name in NAMES:
        assert isinstance(measure(name, []), dict)


CONTEXT = MeterContext(targets=(targets.load("openai"),), context=24, model="gpt-4o-mini")


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=25, deadline=None)
@given(order=st.lists(st.integers(0, 4), max_size=12), cuts=st.sets(st.integers(0, 12)))
def test_the_cut_of_the_file_does_not_matter(name, order, cuts):
    rows = [ROWS[i] for i in order]
    inside = {c for c in cuts if c <= len(rows)}
    whole = measure(name, rows, context=CONTEXT)
    if rows:
        assert measure(name, rows, cuts=inside, context=CONTEXT) == whole
    json.dumps(whole)


@given(values=st.lists(st.integers(0, 2**32 - 1), min_size=1, max_size=60))
def test_percentiles_are_nearest_rank(values):
    found = spread(array("I", values))
    rising = sorted(values)
    for percent in (5, 25, 50, 75, 95, 99):
        assert found[f"p{percent}"] == rising[math.ceil(percent / 100 * len(values)) - 1]
    assert found["min"] == rising[0]
    assert found["max"] == rising[-1]
    assert sum(count for _, _, count in bars(array("I", values))) == len(values)
    for low, below, _ in bars(array("I", values)):
        assert low < below


def test_many_values_are_sorted_by_numpy():
    values = array("I", range(300_000, 0, -1))
    assert spread(values)["p50"] == 150_000
    assert values[0] == 300_000


def test_spread_and_bars_of_nothing():
    assert spread(array("I"))["p95"] == 0
    assert bars(array("I")) == []
    assert bars(array("I", [0, 1, 5])) == [[0, 1, 1], [1, 2, 1], [2, 4, 0], [4, 8, 1]]


@given(values=st.lists(st.integers(0, 2**40), max_size=20))
def test_packing_keeps_counts(values):
    assert list(unpack([pack(values[:7]), pack(values[7:])])) == [min(v, 2**32 - 1) for v in values]
    assert len(pack(values)) == 4 * len(values)


def turn(role, text, **more):
    return Message(role=role, text=text, kind="text", path="", field="", raw=None, **more)


def test_preference_rows_by_hand():
    # Prompt 3 + 1 + 2 and 3 at the end = 9; chosen 3 + 1 + 1 = 5, rejected 3 + 1 + 4 = 8.
    record = Record(
        format="trl-preference",
        raw={},
        messages=(turn("user", "say yes"),),
        chosen=(turn("assistant", "yes"),),
        rejected=(turn("assistant", "no no no no"),),
    )
    found = tokens_meter.count_rows([record], Words(), tokens_meter.overhead_for("o200k_base"))
    assert found.sequence == [9 + 8]
    assert found.trained == [1]
    assert found.total == 9 + 5 + 8
    assert found.prompt == 9


def test_names_reasoning_and_calls_by_hand():
    call = ToolCall(name="f", arguments={"a": 1}, id=None, path="", arguments_path="")
    odd = ToolCall(name=None, arguments=None, id=None, path="", arguments_path="")
    record = Record(
        format="openai",
        raw={},
        messages=(
            turn("user", "go", name="ann lee"),
            turn("assistant", "on it", reasoning="think first", calls=(call, odd)),
            turn("assistant", "skip me", weight=0),
        ),
    )
    found = tokens_meter.count_rows([record], Words(), tokens_meter.overhead_for("o200k_base"))
    # Trained: frame 3 + 1 is not content, so it counts as prompt; 2 + 2 + "f" + the arguments as JSON.
    assert found.trained == [2 + 2 + 1 + 1]
    assert found.total == 3 + 3 * 4 + (1 + 2) + 1 + 6 + 2


def test_rows_of_nothing():
    assert tokens_meter.count_rows([], Words(), tokens_meter.overhead_for(None)).sequence == []
    bare = Record(format="openai", raw={}, messages=())
    assert tokens_meter.count_rows([bare], Words(), tokens_meter.overhead_for("o200k_base")).sequence == [3]


PLAIN_OR_NOT = [
    *ROWS,
    {"conversations": [{"from": "human", "value": "a b"}, {"from": "gpt", "value": "c"}], "tools": "[]"},
    {"conversations": [{"from": "human", "value": "a b"}, {"from": "gpt", "value": "c"}], "tools": '[{"name": "f"}]'},
    {"conversations": [{"from": "human", "value": "a b"}, {"from": "gpt", "value": "c"}], "system": "be kind"},
    {"instruction": "add up", "input": "", "output": "three", "tools": "x y z"},
    {"prompt": "go on", "chosen": "yes I do", "rejected": "no"},
    {"prompt": "go on", "completion": "   ", "label": False},
    {"messages": [say("user", "hi"), say("assistant", "")]},
]


@pytest.mark.parametrize("row", PLAIN_OR_NOT, ids=range(len(PLAIN_OR_NOT)))
def test_plain_rows_are_counted_as_all_others(row):
    found = recognise(row)
    assert found is not None
    overhead = overhead_for("o200k_base")
    record, same = found.view(row), found.view(row)
    same.shape = None
    quick, general = (tokens_meter.count_rows([one], Words(), overhead)[:5] for one in (record, same))
    assert quick == general
