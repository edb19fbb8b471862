"""Published rules give what counting word by word gives, however many items share a run."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import prepdata
from prepdata.index.build import Builder
from prepdata.index.presets import PRESETS, SKIPPED, Preset
from prepdata.index.reference import Item, Reference, open_reference
from prepdata.index.words import shingles, words
from prepdata.rules.leak import _published
from prepdata.rules.leak._published import Runs, covered, stretches

VOCABULARY = [f"w{n}" for n in range(60)]


def built(folder: Path, turns: list[str], size: int) -> Reference:
    builder = Builder((size,))
    builder.add("items", [Item(line, "", (turn,), "", None, {}) for line, turn in enumerate(turns, 1)])
    path = folder / "a.prepidx"
    builder.save(path)
    open_reference.cache_clear()
    return open_reference(str(path))


def shares(reference: Reference, texts: list[str], preset: Preset) -> dict[tuple[int, int], float]:
    """(text, turn) -> share, of all that the rule tells."""
    known = words(texts)
    found, at = reference.follow(preset.size, shingles(known, preset.size))
    held = stretches(reference, preset.size)
    if preset.judged == "runs":
        groups = held.group[found.entries]
        told = Runs(reference, held, preset).covered(range(len(texts)), known, found.which, groups, at)
    else:
        told = list(covered(found.which, found.entries, held, preset))
    assert all(one.many == len(one.turns) for one in told)
    return {(one.text, turn): share for one in told for turn, share in zip(one.turns, one.shares)}


def plainly(item: list[str], text: list[str], preset: Preset) -> float | None:
    """The share that a text covers, None where the rule does not tell it; word by word."""
    size = preset.size
    if preset.judged == "runs":
        share = in_runs(item, text, size)
        return share if share >= preset.least else None
    width = min(size, len(item))
    known = {tuple(text[at : at + size]) for at in range(max(1, len(text) - size + 1))}
    held = [at for at in range(max(1, len(item) - size + 1)) if tuple(item[at : at + size]) in known]
    if preset.judged == "any":
        return 1.0 if held else None
    if preset.judged == "grams":
        share = len(held) / max(1, len(item) - size + 1)
        return share if share >= preset.least else None
    share = len({at + step for at in held for step in range(width)}) / len(item)
    return share if share > preset.least else None


def in_runs(item: list[str], text: list[str], size: int) -> float:
    """The share of an item's words in runs of more than `size` that may differ in `SKIPPED` words behind the first
    `size`, and not in the last."""
    marked = [False] * len(item)
    for begin in range(len(item) - size + 1):
        for at in range(len(text) - size + 1):
            if item[begin : begin + size] != text[at : at + size]:
                continue
            length, left, end = size, SKIPPED, size
            while begin + length < len(item) and at + length < len(text):
                if item[begin + length] == text[at + length]:
                    end = length + 1
                elif left:
                    left -= 1
                else:
                    break
                length += 1
            if end > size:
                marked[begin : begin + end] = [True] * end
    return sum(marked) / max(1, len(item))


def made(pick: random.Random) -> tuple[list[str], list[str]]:
    """Items and texts of few words, with templates, repetitions, and pieces of one another."""
    few = VOCABULARY[: pick.choice((2, 8, 60))]
    template = [pick.choice(few) for _ in range(pick.randint(5, 25))]

    def text() -> list[str]:
        own = [pick.choice(few) for _ in range(pick.randint(1, 30))]
        return [*template, *own] if pick.random() < 0.6 else own

    items = [text() for _ in range(pick.randint(1, 30))]
    texts = []
    for _ in range(pick.randint(1, 6)):
        said = list(pick.choice(items))
        for _ in range(pick.randint(0, 4)):
            said[pick.randrange(len(said))] = pick.choice(few)
        cut = pick.randrange(len(said))
        texts.append([*text(), *said[cut:], *said[:cut]] if pick.random() < 0.5 else [*said, *text()])
    return [" ".join(item) for item in items], [" ".join(said) for said in texts]


@pytest.mark.parametrize("name", PRESETS)
@settings(max_examples=60, suppress_health_check=list(HealthCheck), deadline=None)
@given(seed=st.integers(0, 2**32), block=st.sampled_from((1, 50, 1 << 21)))
def test_what_is_told_is_what_counting_gives(name: str, seed: int, block: int, tmp_path_factory: Any) -> None:
    items, texts = made(random.Random(seed))
    preset = PRESETS[name]
    reference = built(tmp_path_factory.mktemp("a"), items, preset.size)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_published, "BLOCK", block)
        found = shares(reference, texts, preset)
    wanted = {
        (number, turn): share
        for number, text in enumerate(texts)
        for turn, item in enumerate(items)
        if (share := plainly(item.split(), text.split(), preset)) is not None
    }
    assert found == pytest.approx(wanted)


@pytest.mark.parametrize("name", ["palm", "tulu3", "llama2"])
def test_a_run_of_very_many_items_is_followed_to_all_of_them(name: str, tmp_path: Path) -> None:
    """120 items share their first 30 words; each is in one row, whole."""
    pick = random.Random(5)
    template = " ".join(f"t{n}" for n in range(30))
    items = [f"{template} {' '.join(pick.choice(VOCABULARY) for _ in range(12))}" for _ in range(120)]
    test, train = tmp_path / "test.jsonl", tmp_path / "train.jsonl"
    test.write_text("".join(f'{{"question": "{item}"}}\n' for item in items))
    row = '{"messages": [{"role": "user", "content": "%s"}, {"role": "assistant", "content": "Yes."}]}\n'
    train.write_text("".join(row % item for item in items))
    index = tmp_path / "a.prepidx"
    builder = Builder((PRESETS[name].size,))
    builder.add("test", [Item(line, "", (item,), "", None, {}) for line, item in enumerate(items, 1)])
    builder.save(index)
    report = prepdata.validate(
        train, index=[str(index)], select=["LEAK004"], rules={"LEAK004": {"preset": name}}, tokens=False, jobs=1
    )
    assert [finding.line for finding in report] == list(range(1, 121))
    for finding in report:
        assert f"100% of what test:{finding.line} asks" in finding.message
        assert finding.related[0].line == finding.line
        alone = name == "palm"  # the template has 23 of 35 runs, which is below 70 %
        assert len(finding.related) == (1 if alone else 50)
        assert ("and 119 more of its items" in finding.message) is not alone
    assert report.measures["contamination"][0]["spoilt"] == 120
