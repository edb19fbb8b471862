"""Every scorer against cases worked out by hand, one file of cases for each."""

from __future__ import annotations

import json
import textwrap
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prepdata.errors import UsageError
from trainers.scorers import Call, Sample, Score, Scorer, find, find_all, names
from trainers.scorers.base import as_score

HERE = Path(__file__).parent


def cases():
    for name in names():
        for number, line in enumerate((HERE / f"{name}.jsonl").read_text(encoding="utf-8").splitlines(), 1):
            case = json.loads(line)
            yield pytest.param(name, case, id=f"{name}:{number}")


@pytest.mark.parametrize(("name", "case"), list(cases()))
def test_case(name, case):
    if name == "chrf":
        pytest.importorskip("sacrebleu")
    found = find(name)(msgspec.convert({"id": case["why"], **case["sample"]}, Sample))
    assert found.value == (None if case["value"] is None else pytest.approx(case["value"], abs=1e-9)), case["why"]
    assert case.get("detail", "") in found.detail, case["why"]


@pytest.mark.parametrize("name", names())
def test_every_scorer_has_an_empty_answer_and_one_that_does_not_apply_among_its_cases(name):
    held = [json.loads(line) for line in (HERE / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()]
    assert any(not case["sample"]["output"] for case in held)
    assert any(case["value"] is None for case in held)
    assert any(not json.dumps(case["sample"], ensure_ascii=False).isascii() for case in held)


@pytest.mark.parametrize("name", names())
def test_what_the_record_says_of_a_scorer(name):
    scorer = find(name)
    assert scorer.name == name and scorer.version and scorer.summary
    assert len(scorer.sha256) == 64
    assert scorer.sha256 == find(name).sha256
    assert scorer.higher_is_better == (name not in ("over_refusal", "ungrounded_value_rate"))


HOSTILE = [
    "1 000" * 8000, '"' * 50000, "«" * 30000, "A " * 30000, "1,1" * 20000, "a@" * 30000, "http://" * 10000,
    "{" * 50000, "[1," * 30000, "- 1. " * 10000, "Aa-" * 20000, " " * 50000 + "A", "000 " * 20000 + "0000",
    "1.1.1." * 10000, "<tool_call>" * 10000, "年月日5" * 10000, "\ud800\x00\u202e", "9" * 9000, "1e999 " * 3000,
]  # fmt: skip


@pytest.mark.timeout(120)
@pytest.mark.parametrize("name", [name for name in names() if name != "chrf"])
def test_a_hostile_answer_is_scored_in_time_and_without_an_error(name):
    marks = {"schema": {}, "calls": [{"name": "f", "arguments": {}}], "scorer": {"pattern": "^a", "labels": ["a", "b"]}}
    for text in HOSTILE:
        found = find(name)(Sample(output=text, reference="5 May 2024 x", expected=marks))
        assert found.value is None or 0 <= found.value <= 1


@pytest.mark.parametrize("name", [name for name in names() if name != "chrf"])
def test_marks_of_any_type_are_no_crash(name):
    odd = [None, True, 3, 2.5, "x", [], {}, [None], {"a": [1, None]}]
    for value in odd:
        marks = dict.fromkeys(("facts", "schema", "label", "scorer", "negative", "calls"), value)
        find(name)(Sample(output="x 1", reference="x 1", prompt=({"role": "user", "content": value},), expected=marks))
        options = dict.fromkeys(("pattern", "labels", "contains", "excludes", "tolerance", "decimal", "calls"), value)
        find(name)(Sample(output="x 1", reference="x 1", expected={"scorer": options}))


PIECES = st.one_of(
    st.sampled_from(
        ["Ann Lee", " in Berlin", "5 May 2024", "2024-05-05", "1.234,5 kg", "٣", "12/5/24", "https://a.org/x.", "“we will be back”",
         '"no one was there"', "\n1. ", "…", "{", "}", "[1]", '{"a": "Rome", "n": -2.5}', "14:30", "$20", "5万", "№", "'s", "```"]
    ),
    st.text(max_size=6),
)  # fmt: skip
TEXTS = st.one_of(
    st.lists(PIECES, max_size=8).map(" ".join),
    st.lists(PIECES, max_size=8).map("".join),
    st.recursive(
        st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), PIECES),
        lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(PIECES, inner, max_size=3)),
        max_leaves=8,
    ).map(json.dumps),
)


@given(text=TEXTS, other=TEXTS)
@settings(max_examples=300, deadline=None)
def test_an_answer_that_is_the_reference_is_right_and_grounded(text, other):
    said = Sample(output=text, reference=text)
    assert find("ungrounded_value_rate")(said).value == 0
    assert find("ungrounded_value_rate")(Sample(output=text, prompt=({"role": "user", "content": text},))).value == 0
    for name in ("exact_match", "normalized_match", "numeric_match", "accuracy", "contains"):
        if text.strip():
            assert find(name)(said).value in (1, None), name
        found = find(name)(Sample(output=other, reference=text)).value
        assert found is None or 0 <= found <= 1


def test_chrf_by_hand():
    """chrF2 of "ab" and "abc": runs of 1 are 2 of 2 and 2 of 3, of 2 are 1 of 1 and 1 of 2; longer ones are in neither
    of both. Precision 1, recall (2/3 + 1/2)/2 = 7/12, F2 = 5 PR / (4 P + R) = 35/55."""
    pytest.importorskip("sacrebleu")
    assert find("chrf")(Sample(reference="abc", output="ab")).value == pytest.approx(35 / 55, abs=1e-9)


def test_macro_f1_by_hand():
    """a: 2 hits, 3 right, 2 found: 4/5. b: 1 hit, 1 right, 2 found: 2/3. "dog" is no label, but a miss of an a."""
    scorer = find("accuracy")
    pairs = [("a", "a"), ("a", "a"), ("a", "dog"), ("b", "b"), ("c", "b")]
    samples = [Sample(reference=right, output=found) for right, found in pairs] + [Sample(output="a")]
    scores = [scorer(sample) for sample in samples]
    assert scorer.aggregate is not None
    assert scorer.aggregate(samples, scores) == {"f1_macro": pytest.approx((4 / 5 + 2 / 3 + 0) / 3)}
    assert scorer.aggregate([], []) == {}


OWN = """
    from trainers.scorers import Scorer, Score

    def polite(sample):
        "The answer says please."
        return "please" in sample.output

    def broken(sample):
        return 1 / 0

    def wrong(sample):
        return 7

    def rude(sample):
        return Score(0.25, "so so")
    rude.version, rude.higher_is_better = "3", False

    made = Scorer(name="made", version="2", summary="m", score=rude, source=__file__)
    NUMBER = 5
"""


@pytest.fixture
def own(tmp_path):
    file = tmp_path / "mine.py"
    file.write_text(textwrap.dedent(OWN))
    return file


def test_a_scorer_of_ones_own(own):
    scorer = find(f"{own}:polite")
    assert (scorer.name, scorer.version, scorer.summary) == ("polite", "1", "The answer says please.")
    assert scorer(Sample(output="please")) == Score(1.0)
    rude = find(f"{own}:rude")
    assert (rude.version, rude.higher_is_better, rude(Sample())) == ("3", False, Score(0.25, "so so"))
    assert find(f"{own}:made").name == "made"
    assert scorer.sha256 == rude.sha256 != find("contains").sha256


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("broken", r"scorer 'broken' failed on row 'r7': ZeroDivisionError: division by zero at mine.py:9"),
        ("wrong", r"scorer 'wrong' on row 'r7' gave 7: a score is a number from 0 to 1"),
    ],
)
def test_a_scorer_of_ones_own_that_fails(own, name, said):
    with pytest.raises(UsageError, match=said):
        find(f"{own}:{name}")(Sample(id="r7"))


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("exakt_match", "unknown scorer 'exakt_match'. Did you mean 'exact_match'?"),
        ("none.py:x", "there is no such file"),
        ("{own}:polit", "holds no 'polit'. Did you mean 'polite'?"),
        ("{own}:NUMBER", "a scorer is a function of a Sample"),
        ("base", "unknown scorer 'base'"),
        ("_values", "unknown scorer '_values'"),
    ],
)
def test_wrong_words(own, word, said):
    with pytest.raises(UsageError) as caught:
        find(word.format(own=own))
    assert said in str(caught.value)


def test_a_file_that_cannot_be_loaded(tmp_path):
    (tmp_path / "bad.py").write_text("x = 1\nraise ValueError('no')\n")
    with pytest.raises(UsageError, match=r"bad\.py:2: ValueError: no"):
        find(f"{tmp_path / 'bad.py'}:x")
    (tmp_path / "worse.py").write_text("x = \n")
    with pytest.raises(UsageError, match=r"worse\.py:1: SyntaxError"):
        find(f"{tmp_path / 'worse.py'}:x")


def test_two_scorers_of_one_name():
    with pytest.raises(UsageError, match="two scorers are called 'regex'"):
        find_all(["regex", "contains", "regex"])
    assert [scorer.name for scorer in find_all(["regex", "contains"])] == ["regex", "contains"]


def test_entry_points(monkeypatch):
    class Point:
        name = "theirs"

        def load(self):
            return lambda sample: 0.5

    monkeypatch.setattr("importlib.metadata.entry_points", lambda group: [Point()])
    assert find("theirs")(Sample()) == Score(0.5)
    assert isinstance(find("theirs"), Scorer)


def test_as_score():
    assert as_score(True, "x") == Score(1.0)
    assert as_score(None, "x") == Score(None)
    assert as_score((0.5, "half"), "x") == Score(0.5, "half")
    for wrong in (float("nan"), -0.1, 1.1, "1", [1]):
        with pytest.raises(UsageError, match="a score is"):
            as_score(wrong, "x")


def test_calls_are_read_as_written():
    assert Call("f", {}) == Call(name="f", arguments={})
