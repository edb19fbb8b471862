"""Makes what the example of choosing runs on, from nothing: a small language model, documents, and rows of two tasks.

    python make.py FOLDER

The model can copy a fact out of passages in its prompt ("The Amber Heron warranty is 36 months."). It has read made-up
facts only, other ones in every step, so that it knows none of the documents; and it never saw the JSON that the task
`specs` wants. The task `letters` gives half a page
in the question and wants signed answers, which the model writes under one system prompt.

The documents are the help pages of `samples/support` and pages about spare parts of the same fictional firm.

Needs the extra `train`. A model that is there already is left as it is.
"""

from __future__ import annotations

import json
import random
import shutil
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from facts import (
    FIELDS,
    FIRST,
    SCHEMA,
    SECOND,
    SIGN,
    SIGNATURE,
    UNKNOWN,
    Fact,
    Row,
    facts,
    page,
    question,
    turn,
    with_context,
)  # fmt: skip
from pretrain import make_model

PAGES = Path(__file__).parents[1] / "support" / "docs"
PARTS, TEST, TRAIN, SEED = 240, 120, 320, 0
"""Spare parts with a page; rows held out, one for each of the first parts; rows to tune on, about the other parts."""


def specs(chance: random.Random) -> tuple[dict[str, list[Fact]], list[str]]:
    """Return the facts of the documents by part, and the parts in the order in which rows use them."""
    parts = [f"{one} {two}" for one in FIRST for two in SECOND]
    chosen = chance.sample(parts, PARTS)
    return {name: facts(chance, name, len(FIELDS)) for name in chosen}, chosen


def asked_row(chance: random.Random, fact: Fact) -> Row:
    """Return a row of the task `specs`, without passages."""
    return {"messages": [turn("user", question(chance, fact)), turn("assistant", fact.as_json())]}


def spec_row(chance: random.Random, fact: Fact) -> Row:
    """Return a held-out row of the task `specs`, with what scorers and measures of retrieval hold answers against."""
    return {
        **asked_row(chance, fact),
        "schema": SCHEMA,
        "scorer": {"name": "contains", "contains": [fact.value]},
        "gold": [{"source": file_name(fact.part), "text": fact.prose()}],
    }


def file_name(name: str) -> str:
    """Return the path of a part's page in the folder of documents."""
    return f"parts/{name.lower().replace(' ', '-')}.md"


def tuning_row(
    chance: random.Random, told: dict[str, list[Fact]], names: Sequence[str], name: str, *, context: bool
) -> Row:
    """Return a training row: with passages, one of which answers, or without, and then the answer is not known."""
    fact = chance.choice(told[name])
    asked = question(chance, fact)
    if not context:
        answer = json.dumps({"answer": UNKNOWN, "source": "none"})
        return {"messages": [turn("user", asked), turn("assistant", answer)]}
    others = [other for other in names if other != name]
    other = chance.choice([one for one in others if set(one.split()) & set(name.split())] or others)
    pages = [(f"The {other}", _half(chance, told[other], None))]
    pages.insert(chance.randint(0, len(pages)), (f"The {name}", _half(chance, told[name], fact)))
    return {"messages": [turn("user", with_context(asked, pages)), turn("assistant", fact.as_json())]}


def _half(chance: random.Random, told: Sequence[Fact], wanted: Fact | None) -> str:
    """Return one half of a page as a passage: the one with the wanted fact."""
    halves = told[:4], told[4:]
    found = [half for half in halves if wanted in half] or [chance.choice(halves)]
    return page(found[0]) if found[0] is halves[0] else "\n".join(fact.prose() for fact in found[0])


def letter_rows(told: dict[str, list[Fact]], names: Sequence[str], chance: random.Random) -> list[Row]:
    """Return rows of the task `letters`, one for each part: the page is in the question, the answer is signed."""
    found = []
    for name in names:
        fact = chance.choice(told[name])
        pages = [(f"The {name}", _half(chance, told[name], fact))]
        asked = with_context(question(chance, fact), pages)
        found.append({"messages": [turn("user", asked), turn("assistant", fact.prose() + SIGNATURE)]})
    return found


def write_rows(path: Path, rows: Iterable[Row]) -> Path:
    """Write rows as JSONL; return the path."""
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def write_documents(folder: Path, told: dict[str, list[Fact]]) -> None:
    """Write the pages of all parts, beside the help pages of the support project."""
    shutil.copytree(PAGES, folder / "help", dirs_exist_ok=True)
    for name, known in told.items():
        path = folder / file_name(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(page(known) + "\n", encoding="utf-8")


def write_specs(folder: Path) -> None:
    """Write documents and rows of the task `specs`. No part is in two files of rows."""
    chance = random.Random(SEED)
    told, names = specs(chance)
    folder.mkdir(parents=True, exist_ok=True)
    write_documents(folder / "documents", told)
    test, rest = names[:TEST], names[TEST:]
    write_rows(folder / "test.jsonl", [spec_row(chance, chance.choice(told[name])) for name in test])
    shown, checked, tuned = rest[:2], rest[2:22], rest[22:]
    write_rows(folder / "examples.jsonl", [asked_row(chance, chance.choice(told[name])) for name in shown])
    write_rows(folder / "validation.jsonl", [tuning_row(chance, told, checked, name, context=True) for name in checked])
    rows = [tuning_row(chance, told, tuned, tuned[n % len(tuned)], context=n % 4 != 0) for n in range(TRAIN)]
    write_rows(folder / "train.jsonl", {row["messages"][0]["content"]: row for row in rows}.values())
    (folder / "prompt.txt").write_text('Answer as JSON with the keys "answer" and "source".\n', encoding="utf-8")


def write_letters(folder: Path) -> None:
    """Write rows of the task `letters`. No part is in two files of rows."""
    chance = random.Random(SEED)
    told, names = specs(chance)
    folder.mkdir(parents=True, exist_ok=True)
    rest = names[TEST:]
    parts = {"test": names[:TEST], "examples": rest[:2], "validation": rest[2:22], "train": rest[22:] * 3}
    for name, used in parts.items():
        rows = letter_rows(told, used, chance)
        write_rows(folder / f"{name}.jsonl", {row["messages"][0]["content"]: row for row in rows}.values())
    (folder / "prompt.txt").write_text(f"{SIGN}\n", encoding="utf-8")


def write_example(folder: Path) -> None:
    """Write model, documents and rows."""
    if not (folder / "model").exists():
        make_model(folder / "model")
    write_specs(folder / "specs")
    write_letters(folder / "letters")


if __name__ == "__main__":
    write_example(Path(sys.argv[1]))
