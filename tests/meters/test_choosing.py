"""The choosing meter: system prompts in tokens, reviews, rows that show what not to do."""

from __future__ import annotations

import itertools
import json

import msgspec
import pytest

from prepdata.formats import get
from prepdata.meters import build_meters
from prepdata.meters import tokens as tokens_meter
from prepdata.meters.base import MeterContext
from prepdata.parse import parse
from prepdata.rules.base import Parts


class Words:
    """A counter that counts words."""

    name, exact, notes = "words", True, ()

    def count(self, texts):
        return [len(text.split()) for text in texts]

    def prepare(self):
        pass


@pytest.fixture(autouse=True)
def by_words(monkeypatch):
    monkeypatch.setattr(tokens_meter, "open_counter", lambda **_: Words())
    tokens_meter._compute.cache_clear()
    yield
    tokens_meter._compute.cache_clear()


def row(system=None, answer="Fine.", **more):
    messages = [{"role": "user", "content": "Is it?"}, {"role": "assistant", "content": answer}]
    if system is not None:
        messages.insert(0, {"role": "system", "content": system})
    return {"messages": messages, **more}


def measure(rows, cuts=(), context=None):
    [meter] = build_meters(["choosing"], context or MeterContext())
    parts = []
    for start, end in itertools.pairwise([0, *cuts, len(rows)]):
        data = "".join(json.dumps(r) + "\n" for r in rows[start:end]).encode()
        seen = meter.see(parse(data, None, end - start, get("openai")).chunk)
        parts.append((start, msgspec.msgpack.decode(msgspec.msgpack.encode(seen))))
    return meter.finish(Parts([], parts, len(rows)))


ROWS = [
    row("be kind and brief", reviewed_by="maria"),
    row("be kind and brief", metadata={"reviewed": True}),
    row("be rude", reviewed_by="gpt-4"),
    row(answer="I can't help with that.", reviewed_by=""),
    row(),
]


def test_sums_by_hand():
    # 4 + 4 + 2 words of system prompts; four rows have a review mark, of which a model and a blank are none.
    assert measure(ROWS) == {
        "rows": 5, "marked_rows": 4, "reviewed_rows": 2, "negative_rows": 1, "system_tokens": 10
    }  # fmt: skip


@pytest.mark.parametrize("cuts", [(1,), (2, 3), (1, 2, 3, 4)])
def test_the_same_however_the_file_is_cut(cuts):
    assert measure(ROWS, cuts) == measure(ROWS)


def test_marks_may_have_other_names():
    rows = [row(checked="maria"), row(checked="")]
    assert measure(rows)["marked_rows"] == 0
    found = measure(rows, context=MeterContext(marks={"reviewed_by": "checked"}))
    assert (found["marked_rows"], found["reviewed_rows"]) == (2, 1)


def test_nothing():
    assert measure([row(5)])["system_tokens"] == 0
