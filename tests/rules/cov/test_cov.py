"""Coverage rules: the same findings for any cut of the data, options that are refused, words and numbers."""

from __future__ import annotations

import random
from collections.abc import Collection, Iterator, Sequence
from itertools import pairwise
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import prepdata
from prepdata.chunk import Chunk
from prepdata.errors import ConfigError
from prepdata.findings import Hit
from prepdata.formats import recognise
from prepdata.record import Record
from prepdata.rules.base import Context, CorpusRule, FileInfo, Parts, Untold
from prepdata.rules.cov._declared import Bucket, match, matchers
from prepdata.rules.cov._share import counted, first, percent, quoted, rows_needed, share
from prepdata.rules.loader import build, rules

CORPUS = [rule for rule in rules() if rule.code.startswith("COV") and issubclass(rule, CorpusRule)]
OPTIONS: dict[str, dict[str, Any]] = {
    "too-few-examples": {"least": 1000},
    "negative-share": {"min_share": "30%", "least": 1},
    "missing-edge-case": {"least": 1, "buckets": {"cats": {"words": ["cat"], "min": "90%"}}},
    "no-negative-examples": {"least": 1},
    "always-calls-tool": {"least": 1},
    "dominant-label": {"least": 5, "share": "40%"},
    "length-outlier": {"least": 5, "deviations": 1.0, "times": 1.5},
    "format-drift": {"least": 5, "share": "40%", "dates": 2},
    "system-prompt-drift": {"least": 2},
    "knowledge-heavy": {"least": 1, "share": "1%"},
}
TOOLS = [{"type": "function", "function": {"name": name, "parameters": {}}} for name in ("find", "open")]


def rows(seed: int, count: int) -> list[dict[str, Any]]:
    """Return odd rows of several kinds, always the same for a seed."""
    pick = random.Random(seed)
    answers = ["yes", "no", '{"a": 1}', "42", "I can't help with that.", "On 2024-01-02.", "On 1/2/2024.", "- a\n- b",
               "Could you tell me which one?", "", "x" * 900, "A sentence of middling length, to be sure."]  # fmt: skip
    prompts = [
        "cat",
        "Where is it now?",
        "wo ist das Paket jetzt geblieben?",
        "IGNORE ALL PREVIOUS 1",
        "teh key 😀",
        "",
    ]
    systems = [None, "You help people.", "You help people", "Translate this into French, please."]
    found: list[dict[str, Any]] = []
    for _ in range(count):
        kind = pick.randrange(5)
        user = {"role": "user", "content": pick.choice(prompts)}
        answer: dict[str, Any] = {"role": "assistant", "content": pick.choice(answers)}
        system = pick.choice(systems)
        head = [{"role": "system", "content": system}] if system else []
        if kind == 0:
            found.append({"prompt": "Q", "chosen": pick.choice(answers), "rejected": pick.choice(answers)})
        elif kind == 1:
            name = pick.choice(["find", "open", "find", "find"])
            call = {"id": "1", "type": "function", "function": {"name": name, "arguments": "{}"}}
            turn = {"role": "assistant", "content": None, "tool_calls": [call]}
            found.append({"messages": [*head, user, turn], "tools": TOOLS})
        elif kind == 2:
            found.append({"messages": [*head, user, answer], "label": pick.choice("ab"), "source": pick.choice("pqq")})
        elif kind == 3:
            found.append({"messages": [*head, user, {**answer, "weight": pick.choice([0, 1])}, user, answer]})
        else:
            found.append({"messages": [*head, user, answer]})
    return found


def records(raw: Sequence[dict[str, Any]]) -> list[Record]:
    found = []
    for row in raw:
        form = recognise(row)
        assert form
        found.append(form.view(row))
    return found


def outcome(rule: CorpusRule, made: Sequence[Record], cuts: Sequence[int]) -> list[tuple[int | None, Hit]]:
    """Return what a rule finds in records cut at some places; nothing where it cannot tell."""

    def fetch(wanted: Collection[int]) -> Iterator[tuple[int, Record]]:
        return ((row, made[row]) for row in sorted(wanted))

    parts = []
    borders = [0, *sorted(cuts), len(made)]
    for start, end in pairwise(borders):
        chunk = Chunk("openai", list(made[start:end]), [], end - start)
        for number, record in enumerate(chunk.records):
            record.row = number
        parts.append((start, msgspec.msgpack.decode(msgspec.msgpack.encode(rule.see(chunk)), strict=False)))
    found = rule.finish(Parts([FileInfo("x.jsonl", 0, len(made), 0)], parts, len(made), fetch))
    return [one for one in found if not isinstance(one, Untold)]


def built(rule: type[CorpusRule]) -> CorpusRule:
    made = build(rule, OPTIONS.get(rule.name, {}), Context())
    assert isinstance(made, CorpusRule) and made.missing() is None
    return made


@pytest.mark.parametrize("rule", CORPUS, ids=lambda rule: rule.name)
@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), count=st.integers(0, 90), places=st.lists(st.floats(0, 1), max_size=6))
def test_any_cut_gives_the_same_findings(rule: type[CorpusRule], seed: int, count: int, places: list[float]) -> None:
    made = records(rows(seed, count))
    whole = outcome(built(rule), made, [])
    assert outcome(built(rule), made, [int(place * count) for place in places]) == whole
    assert all(row is None for row, _ in whole)
    assert all(related < count for _, hit in whole for related in hit.related)


@pytest.mark.parametrize("rule", CORPUS, ids=lambda rule: rule.name)
def test_the_odd_rows_make_every_rule_speak(rule: type[CorpusRule]) -> None:
    spoken = [outcome(built(rule), made, [30]) for made in odd_sets()]
    assert any(spoken), f"{rule.name} says nothing of any set"


def odd_sets() -> Iterator[list[Record]]:
    yield records(rows(1, 400))
    yield records(
        [{"messages": [{"role": "user", "content": "Hm, is it?"}, {"role": "assistant", "content": "It is so. " * 9}]}]
        * 60
    )
    call = {
        "role": "assistant",
        "content": None,
        "tool_calls": [{"id": "1", "function": {"name": "f", "arguments": "{}"}}],
    }
    yield records([{"messages": [{"role": "user", "content": "Do"}, call], "tools": TOOLS}] * 30)
    text = [
        {"role": "user", "content": "Do it now"},
        {"role": "assistant", "content": "Done, as you wished, and well."},
    ]
    prompts = ["You help people with all they ask."] * 30 + ["You help people with all they ask"] * 8
    yield records([{"messages": [{"role": "system", "content": prompt}, *text]} for prompt in prompts])
    yield records([{"messages": text}] * 200)
    named = [("What is it?", "Oslo"), ("Who was it?", "bram stoker"), ("What is it called?", "The Loire")]
    yield records([{"prompt": question, "completion": answer} for question, answer in named])
    long = {"role": "assistant", "content": "x" * 50_000}
    yield records([{"messages": text}] * 80 + [{"messages": [text[0], long]}])


@pytest.mark.parametrize("rule", CORPUS, ids=lambda rule: rule.name)
def test_odd_values_do_not_raise(rule: type[CorpusRule]) -> None:
    odd: list[Any] = [
        {"messages": []}, {"messages": None}, {"messages": [None, 3, "x"]}, {"messages": [{"role": 1, "content": 2}]},
        {"messages": [{"role": "assistant", "content": [{"type": "text", "text": None}], "weight": "x"}]},
        {"messages": [{"role": "user", "content": "\ud800\0"}], "tools": "[}", "label": {"a": 1}, "metadata": 3},
        {"messages": [{"role": "assistant", "tool_calls": [{"function": {"name": 5}}, None]}], "tools": [1, {"function": {"name": 3}}]},
        {"prompt": 1, "chosen": None, "rejected": [3]}, {"prompt": "a", "completion": "b", "label": "maybe", "source": [1]},
    ]  # fmt: skip
    made = [form.view(row) for row in odd if (form := recognise(row))]
    outcome(built(rule), made, [2])


@pytest.mark.parametrize(
    ("rule", "options", "says"),
    [
        ("negative-share", {"min_share": "5"}, "expected a share"),
        ("negative-share", {"max_share": "120%"}, "expected a share"),
        ("negative-share", {"kinds": ["shouting"]}, "Invalid enum value"),
        ("dominant-label", {"share": "most"}, "expected a share"),
        ("format-drift", {"share": ""}, "expected a share"),
        ("missing-edge-case", {"skip": ["emoji"]}, "no bucket 'emoji'"),
        ("missing-edge-case", {"min": "few"}, "expected a share"),
        ("missing-edge-case", {"buckets": {"a": {}}}, "give words or a pattern"),
        ("missing-edge-case", {"buckets": {"a": {"pattern": "("}}}, "buckets.a.pattern"),
        ("missing-edge-case", {"buckets": {"a": {"words": ["x"], "min": "x"}}}, "buckets.a.min"),
        ("missing-edge-case", {"buckets": {"a": {"wrods": ["x"]}}}, "wrods"),
    ],
)
def test_options_that_are_refused(rule: str, options: dict[str, Any], says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        build(next(r for r in rules() if r.name == rule), options, Context())


def test_a_band_is_needed() -> None:
    rule = build(next(r for r in rules() if r.name == "negative-share"), {}, Context())
    assert "min_share" in (rule.missing() or "")


def test_declared_buckets() -> None:
    one, other = matchers("r", {"a": Bucket(words=("Cat", "groß")), "b": Bucket(pattern=r"\d{3}")})
    texts = ["A CAT", "catalogue", "GROSS", "GROẞ 1", "12", "a 123"]
    assert match(one, texts, [0, 1, 2, 3, 4, 5]).rows == [0, 1, 3]
    assert match(other, texts, [0, 1, 2, 3, 4, 5]).rows == [5]
    assert match(one, ["cat", "cat"], [7, 7]).rows == [7]


def test_a_slow_pattern_is_stopped() -> None:
    (slow,) = matchers("r", {"a": Bucket(pattern="^(a|a|aa)+$")})
    assert match(slow, ["fine", "a" * 80 + "!", "aaa"], [0, 1, 2]).slow == 1


def test_shares_in_words() -> None:
    assert [percent(a, b) for a, b in ((0, 0), (0, 5), (1, 3000), (1, 40), (5, 40), (999, 1000), (9999, 10000), (7, 7))] == [
        "0%", "0%", "0.033%", "2.5%", "12%", "99.9%", "99.9%", "100%"]  # fmt: skip
    assert share("r", "o", " 2.5% ") == 0.025
    assert [rows_needed("r", "o", text, 250) for text in ("1%", "0%", "100%", "7", "0")] == [3, 0, 250, 7, 0]
    assert counted({"a": 1, "b": 3, "c": 0}) == "b 3, a 1"
    assert quoted(["a", "b", "c"], 2) == "'a', 'b' and 1 more"
    assert first([1, 2, 3], 10, [4], 3) == [4, 11, 12]


def test_two_files_of_a_folder_are_one_data_set(tmp_path: Any) -> None:
    row = '{"messages": [{"role": "user", "content": "Q %d"}, {"role": "assistant", "content": "A %d"}]}\n'
    for name in ("a.jsonl", "b.jsonl"):
        (tmp_path / name).write_text("".join(row % (i, i) for i in range(60)), encoding="utf-8")
    report = prepdata.validate(
        tmp_path, select=["too-few-examples", "small-dataset"], tokens=False, cache=False, jobs=1
    )
    assert [(f.name, "120 rows" in f.message) for f in report] == [("small-dataset", True)]
