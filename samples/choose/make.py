"""Makes what the example of choosing runs on, from nothing: a small language model, documents, and rows of two tasks.

    python make.py FOLDER

The model can copy a fact out of passages in its prompt ("The Amber Heron warranty is 36 months."). It has read made-up
facts only, other ones in every step, so that it knows none of the documents; and it never saw the JSON that the task
`specs` wants. The task `letters` gives half a page
in the question and wants signed answers, which the model writes under one system prompt. That it still does is what the
retention rows of both tasks ask.

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
PARTS, TEST, TRAIN, KEPT, SEED = 240, 120, 320, 100, 0
"""Spare parts with a page; rows held out, one for each of the first parts; rows to tune on, about the other parts; rows
of what the model must not forget."""
EXAMPLES, CHECKED = 2, 20
"""Parts that examples are about, and parts for validation."""
LACKING = "That is not in the context."


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


def tuning_row(chance: random.Random, told: dict[str, list[Fact]], names: Sequence[str], fact: Fact) -> Row:
    """Return a training row with two passages, of which one answers."""
    pages = [_other(chance, told, names, fact)]
    pages.insert(chance.randint(0, len(pages)), (f"The {fact.part}", _half(chance, told[fact.part], fact)))
    asked = with_context(question(chance, fact), pages)
    gold = [{"source": file_name(fact.part), "text": fact.prose()}]
    return {"messages": [turn("user", asked), turn("assistant", fact.as_json())], "gold": gold}


def declining_row(
    chance: random.Random, told: dict[str, list[Fact]], names: Sequence[str], fact: Fact, *, context: bool
) -> Row:
    """Return a training row of which the answer is not known: without passages, or with two that do not hold it."""
    asked = question(chance, fact)
    if context:
        pages = [_other(chance, told, names, fact) for _ in range(2)]
        asked = with_context(asked, pages)
    answer = json.dumps({"answer": LACKING if context else UNKNOWN, "source": "none"})
    return {"messages": [turn("user", asked), turn("assistant", answer)], "answerable": False}


def _other(chance: random.Random, told: dict[str, list[Fact]], names: Sequence[str], fact: Fact) -> tuple[str, str]:
    """Return a passage about another part, one whose name shares a word where there is such a one."""
    others = [name for name in names if name != fact.part]
    name = chance.choice([name for name in others if set(name.split()) & set(fact.part.split())] or others)
    return f"The {name}", _half(chance, told[name], None)


def _half(chance: random.Random, told: Sequence[Fact], wanted: Fact | None) -> str:
    """Return one half of a page as a passage: the one with the wanted fact."""
    halves = told[:4], told[4:]
    found = [half for half in halves if wanted in half] or [chance.choice(halves)]
    return page(found[0]) if found[0] is halves[0] else "\n".join(fact.prose() for fact in found[0])


def letter_rows(told: dict[str, list[Fact]], names: Sequence[str], chance: random.Random) -> list[Row]:
    """Return rows of the task `letters`, one for each name: the page is in the question, the answer is signed."""
    found = {}
    for name in names:
        fact = chance.choice(told[name])
        pages = [(f"The {name}", _half(chance, told[name], fact))]
        asked = with_context(question(chance, fact), pages)
        found[asked] = {"messages": [turn("user", asked), turn("assistant", fact.prose() + SIGNATURE)]}
    return list(found.values())


def signed_rows(told: dict[str, list[Fact]], names: Sequence[str], chance: random.Random) -> list[Row]:
    """Return rows of what the base model can do: it signs where the system prompt says so."""
    return [{"messages": [turn("system", SIGN), *row["messages"]]} for row in letter_rows(told, names, chance)]


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
    shown, checked, tuned = _sides(names)
    write_rows(folder / "test.jsonl", [spec_row(chance, chance.choice(told[name])) for name in names[:TEST]])
    write_rows(folder / "examples.jsonl", [asked_row(chance, chance.choice(told[name])) for name in shown])
    rows = [tuning_row(chance, told, checked, chance.choice(told[name])) for name in checked]
    write_rows(folder / "validation.jsonl", rows)
    rows = []
    for number in range(TRAIN):
        fact = chance.choice(told[tuned[number % len(tuned)]])
        declines = number % 4 == 0
        rows.append(
            declining_row(chance, told, tuned, fact, context=number % 8 == 0)
            if declines
            else tuning_row(chance, told, tuned, fact)
        )
    write_rows(folder / "train.jsonl", {row["messages"][0]["content"]: row for row in rows}.values())
    (folder / "prompt.txt").write_text('Answer as JSON with the keys "answer" and "source".\n', encoding="utf-8")


def _sides(names: Sequence[str]) -> tuple[Sequence[str], Sequence[str], Sequence[str]]:
    """Return the parts of examples, validation and training: none of them is asked about in the held-out rows."""
    rest = names[TEST:]
    return rest[:EXAMPLES], rest[EXAMPLES : EXAMPLES + CHECKED], rest[EXAMPLES + CHECKED :]


def write_letters(folder: Path) -> None:
    """Write rows of the task `letters`. No part is in two files of rows."""
    chance = random.Random(SEED)
    told, names = specs(chance)
    folder.mkdir(parents=True, exist_ok=True)
    shown, checked, tuned = _sides(names)
    parts = {"test": names[:TEST], "examples": shown, "validation": checked, "train": [*tuned, *tuned, *tuned]}
    for name, used in parts.items():
        write_rows(folder / f"{name}.jsonl", letter_rows(told, used, chance))
    (folder / "prompt.txt").write_text(f"{SIGN}\n", encoding="utf-8")


def write_kept(folder: Path) -> None:
    """Write rows of what both tasks must not forget, and others to repeat while tuning, about the parts tuned on."""
    chance = random.Random(SEED + 1)
    told, names = specs(random.Random(SEED))
    _, checked, tuned = _sides(names)
    write_rows(folder / "retention.jsonl", signed_rows(told, [*checked] * 8, chance)[:KEPT])
    write_rows(folder / "replay.jsonl", signed_rows(told, tuned, chance))


def write_example(folder: Path) -> None:
    """Write model, documents and rows."""
    if not (folder / "model").exists():
        make_model(folder / "model")
    write_specs(folder / "specs")
    write_letters(folder / "letters")
    write_kept(folder)


if __name__ == "__main__":
    write_example(Path(sys.argv[1]))
