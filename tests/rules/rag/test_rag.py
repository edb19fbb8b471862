"""RAG rules: the same findings for any cut of the data, what numbers and citations mean, time on hostile texts."""

from __future__ import annotations

import json
import math
import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import prepdata
from prepdata.errors import ConfigError
from prepdata.rules.rag._citations import citations
from prepdata.rules.rag._facts import missing
from prepdata.rules.rag._held import Held, near, reckoned, results
from prepdata.rules.rag.rag005_context_order_bias import _tail
from prepdata.sources import finder
from prepdata.sources.finder import Bounds

NAMES = ["answer-not-in-context", "bad-citation", "no-distractors", "no-unanswerable-rows", "context-order-bias"]


def row(number: int, place: int, passages: int, answer: str) -> dict[str, Any]:
    texts = [f"Hall {number}{i} opens at {i + 3} and closes at {i + 14}." for i in range(passages)]
    context = "\n\n".join(f"[{i}] {text}" for i, text in enumerate(texts, 1))
    turns = [{"role": "user", "content": f"Context:\n{context}\n\nQuestion: When does hall {number}{place} open?"},
             {"role": "assistant", "content": answer}]  # fmt: skip
    marks = [{"id": str(i), "source": f"docs/{i}.md", "text": text} for i, text in enumerate(texts, 1)]
    return {"messages": turns, "passages": marks, "gold": [str(place + 1)]}


def write(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(one) + "\n" for one in rows), encoding="utf-8")
    return path


def mixed(seed: int, count: int) -> list[dict[str, Any]]:
    """Return rows of which some are wrong, always the same for a seed."""
    pick = random.Random(seed)
    found = []
    for number in range(count):
        if pick.random() < 0.1:
            found.append({"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello."}]})
            continue
        passages = pick.randint(2, 5)
        place = 0 if pick.random() < 0.93 else passages - 1
        said = pick.choice(["[1]", "[1]", "[1]", "[1]", "[1]", "[9]", ""])
        found.append(row(number, place, passages, f"It opens at {pick.choice([place + 3, place + 3, 77])} {said}"))
    return found


@pytest.mark.parametrize("size", [1, 900, 5000])
def test_the_findings_are_the_same_however_the_file_is_cut(
    tmp_path: Path, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, rows in (("mixed", mixed(1, 80)), ("single", [row(n, 0, 1, "It opens at 3 [1]") for n in range(60)])):
        path = write(tmp_path / f"{name}.jsonl", rows)
        monkeypatch.undo()
        whole = prepdata.validate(path, select=NAMES, cache=False, tokens=False, jobs=1)
        monkeypatch.setattr(finder, "Bounds", lambda line: Bounds(size, size, size * 3, line))
        assert prepdata.validate(path, select=NAMES, cache=False, tokens=False, jobs=1).to_json() == whole.to_json()
        codes = {finding.code for finding in whole}
        wanted = {"RAG001", "RAG002", "RAG004", "RAG005"} if name == "mixed" else {"RAG003", "RAG004"}
        assert codes == wanted


def test_the_marks_are_known_in_every_format(tmp_path: Path) -> None:
    marked = row(1, 0, 2, "It opens at 3 [1].")
    alpaca = {**{key: marked[key] for key in ("passages", "gold")}, "instruction": "Q", "input": "", "output": "A"}
    for number, one in enumerate((marked, alpaca)):
        path = write(tmp_path / f"{number}.jsonl", [{**one, "answerable": True, "documents": [], "contexts": []}])
        assert not list(prepdata.validate(path, select=["FMT"], cache=False, tokens=False, jobs=1))


def test_the_same_question_with_other_passages_is_no_duplicate(tmp_path: Path) -> None:
    rows = [row(1, 0, 2, "It opens at 3 [1]."), row(1, 0, 3, "It opens at 3 [1].")]
    select = ["exact-duplicate", "folded-duplicate", "conflicting-answers"]
    assert not list(prepdata.validate(write(tmp_path / "a.jsonl", rows), select=select, cache=False, tokens=False))
    once = [row(1, 0, 2, "It opens at 3 [1]."), {**row(1, 0, 2, "It opens at 3 [1]."), "passages": [], "gold": []}]
    found = prepdata.validate(write(tmp_path / "b.jsonl", once), select=select, cache=False, tokens=False)
    assert [finding.code for finding in found] == ["DUP001"]  # marks are not what the model sees


@pytest.mark.parametrize("rule", ["bad-citation", "context-order-bias"])
def test_a_share_must_be_a_share(tmp_path: Path, rule: str) -> None:
    path = write(tmp_path / "a.jsonl", [row(1, 0, 2, "At 3.")])
    with pytest.raises(ConfigError, match=rf"rules\.{rule}\.share"):
        prepdata.validate(path, select=[rule], rules={rule: {"share": "most"}}, cache=False, tokens=False)


CONTEXT = (
    "Anna Berg sells 1,200 lamps a year at 49.90 euros. The warranty lasts 24 months, returns take 14 days. The shop "
    "opened on 2019-03-05 and closes at 17:30. One lamp in twenty is blue. Sales grew by 12.5 percent. Code: LX-2207."
)


@pytest.mark.parametrize(
    "answer",
    [
        "She sells 1200 lamps.", "About 1.2 thousand lamps.", "Two years, that is 24 months.", "Within 14 days.",
        "On 5 March 2019.", "Until 5:30 pm.", "Every 20th lamp is blue.", "Growth was 12.5 %.", "It has code LX-2207.",
        "100 lamps a month: 1,200 / 12 = 100.", "1. Buy.\n2. Pay.\n31. Go.", "See step 99.", "`x = 4711`",
        "<think>4711 is wrong</think> 14 days.", "In the 21st century.", "Both are sold: 2 × 49.90 = 99.80 euros.",
        "Roughly 50 euros.", "The figure is 1 200.", "٢٤ months.", "", "   ", "[1]",
    ],
)  # fmt: skip
def test_numbers_that_are_there_in_another_shape(answer: str) -> None:
    assert missing(answer, CONTEXT) == []


@pytest.mark.parametrize(
    ("answer", "kind", "text"),
    [
        ("She sells 1300 lamps.", "number", "1300 lamps"),
        ("Within 75 days.", "number", "75 days"),
        ("Within 7 days.", "number", "7 days"),
        ("Code LX-9901.", "identifier", "LX-9901"),
        ("It was opened by Carla Stein of Ulm.", "name", "Carla"),
        ("<think>14 days</think> 75 days.", "number", "75 days"),
        ("They say \"every customer receives another present from their neighbours\".", "quotation", "every customer"),
    ],
)  # fmt: skip
def test_facts_that_are_not_there(answer: str, kind: str, text: str) -> None:
    plain = CONTEXT.replace("twenty", "20").replace("One lamp", "1 lamp")  # spelled numbers make it silent
    found = missing(answer, plain)
    assert found and found[0].kind == kind and found[0].text.startswith(text)
    start, end = found[0].span
    assert answer[start:end] and found[0].text.startswith(answer[start:end][:5])


@pytest.mark.parametrize(
    ("answer", "cited"),
    [
        ("So [1].", "1"), ("So [1][2].", "1 2"), ("So [1, 3].", "1 3"), ("So [2-4].", "2 3 4"), ("So 【5】.", "5"),
        ("So[^2].", "2"), ("So [Doc 3].", "3"), ("<co: 0,2>So</co>", "0 2"), ("So [a/b.md].", "a/b.md"),
        ("So (Source: b.md).", "b.md"), ("So [[4](https://x.y)].", "4"), ("[01]", "1"), ("`[1]` x = [2] f([3])", ""),
        ("[1](https://x.y)", ""), ("[1]: https://x.y", ""), ("[2019]", ""), ("none", ""), ("[x] [1a]", ""),
    ],
)  # fmt: skip
def test_what_is_a_citation(answer: str, cited: str) -> None:
    assert [citation.name for citation in citations(answer)] == cited.split()


def test_the_binomial_tail_is_that_of_the_textbook() -> None:
    # 16 or more heads in 20 throws: (4845 + 1140 + 190 + 20 + 1) / 2**20
    assert _tail(16, 20, 0.5) == pytest.approx(6196 / 2**20)
    assert _tail(0, 10, 0.3) == pytest.approx(1.0)
    assert _tail(5, 5, 0.2) == pytest.approx(0.2**5)
    assert _tail(3, 5, 1.0) == 1.0
    assert _tail(90_000, 100_000, 0.25) == 0.0 or _tail(90_000, 100_000, 0.25) < 1e-300
    exact = sum(math.comb(30, k) * 0.3**k * 0.7 ** (30 - k) for k in range(15, 31))
    assert _tail(15, 30, 0.3) == pytest.approx(exact)


@pytest.mark.timeout(120)
@pytest.mark.parametrize("piece", ["1 ", "<think>", "[1]", "[1, ", "`a` ", '"', "A1-", "Abc ", "1,234,", "9", "٣", "a@",
                                   "(a/", "**a", "5 days ", "三十", "http://", "step 1 "])  # fmt: skip
def test_hostile_answers_and_contexts_take_linear_time(piece: str) -> None:
    text = piece * 30_000
    citations(text)
    missing(text, CONTEXT)
    missing("It costs 4711 euros, says Karl Ruf of Anna Boll.", text)


@pytest.mark.timeout(120)
@pytest.mark.parametrize("said", ["The total is about {}.", "There are {} of them.", "It is {:,} in all."])
def test_tables_of_numbers_take_no_more_than_their_length(said: str) -> None:
    pick = random.Random(1)
    cells = [pick.randint(1_000_000, 9_999_999) for _ in range(12_000)]
    table = "".join(f"| {cell} |\n" for cell in cells)
    for _ in range(20):
        assert missing(" ".join(said.format(round(cell, -2)) for cell in cells[:200]), table) == []
        others = [pick.randint(100_000_000, 999_999_999) for _ in range(200)]
        assert len(missing(" ".join(map(said.format, others)), table, 4)) == 4


FLOATS = st.floats(-1e6, 1e6) | st.integers(-1000, 1000).map(float)


@given(FLOATS, st.floats(0, 100), st.lists(FLOATS))
def test_the_nearest_value_tells_whether_any_is_near(wanted: float, within: float, values: list[float]) -> None:
    assert near(wanted, within, sorted(values)) == any(abs(other - wanted) <= within for other in values)


@given(FLOATS, st.lists(FLOATS, max_size=8))
def test_what_two_numbers_come_to(wanted: float, known: list[float]) -> None:
    found = [
        result
        for place, one in enumerate(known)
        for other in known[: place + 1]
        for result in (one + other, one - other, other - one, one * other,
                       *((one / other, other / one) if one and other else ()))
    ]  # fmt: skip
    assert set(results(known)) == set(found)
    assert reckoned(wanted, results(known)) == any(abs(wanted - result) <= 0.006 * abs(wanted) for result in found)


@pytest.mark.parametrize(
    ("number", "unit", "reckons", "there"),
    [
        ("1200", "", False, True),  # 1,203 rounded
        ("1300", "", False, False),
        ("1.2", "thousand", False, True),
        ("1293", "", True, True),  # 1,203 + 90
        ("1293", "", False, False),
        ("7.5", "", True, True),  # 90 / 12
        ("108270", "", True, True),  # 1,203 * 90
        ("108270", "", False, False),
    ],
)
def test_numbers_that_are_rounded_or_reckoned(number: str, unit: str, reckons: bool, there: bool) -> None:
    held = Held("There were 1,203 boxes of 90 lamps.")
    assert held.has_number(number, unit, reckons=reckons) is there


def test_the_first_facts_are_those_of_a_longer_list() -> None:
    answer = "It needs 4711 lamps, part ZX-99, 8822 nails, part QQ-71 and 9933 screws."
    context = "There are lamps, nails and screws in the hall."
    every = missing(answer, context)
    assert [one.text for one in every][:2] == ["4711 lamps", "ZX-99"] and len(every) >= 5
    for most in range(1, len(every) + 2):
        assert missing(answer, context, most) == every[:most]
