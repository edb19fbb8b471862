"""Makes chat files of any size for benchmarks, the same for the same numbers.

    python -m benchmarks.data ROWS FILE [--seed 1] [--tables]

The rows of `samples/` come first; further rows are made from them by replacing about half of the longer words by other
words of the same language, so that lengths, languages, sentence ends, system prompts and tool calls keep their mix, and
hardly a row repeats another. It is not good prose: rules that judge meaning have nothing to find here.
With `--tables` rows of 100 KB in place of them: a table of numbers as retrieved context, and 200 numbers in the answer.
"""

from __future__ import annotations

import argparse
import json
import random
import unicodedata
from collections.abc import Iterator
from itertools import count, islice
from pathlib import Path
from typing import Any

SAMPLES = Path(__file__).parents[1] / "samples"
TURNS = ("user", "assistant")
SMALL = {
    "en": "the to and of is you it in for my i how can what on",
    "de": "der die das und ist nicht ich sie den ein eine mit wie mein",
    "fr": "le la les et est une je vous pas des du mon comment dans",
    "es": "el los que una es por con mi cómo para se está las",
    "it": "il che di una è per non con mi come sono della gli",
    "pt": "o que não uma com para meu como está os do da",
    "nl": "het een en van ik niet op mijn hoe dat voor zijn",
    "pl": "nie jest się na jak do w i mój że",
    "sv": "och att det jag inte är på hur min som",
    "tr": "bir ve bu için nasıl ben mi çok",
}
"""Small words by which the language of a sample is told; prepdata's own way may change, and with it the rows."""


def sample_rows() -> list[dict[str, Any]]:
    """Return the rows of the support and tools samples; one in six has tools."""
    rows = []
    for name in ("support/train.jsonl", "tools/train.jsonl"):
        text = (SAMPLES / name).read_text(encoding="utf-8")
        rows.append([json.loads(line) for line in text.split("\n") if line.strip()])
    support, tools = rows
    return [
        row for i, row in enumerate(support) for row in ([row, tools[i // 5 % len(tools)]] if i % 5 == 4 else [row])
    ]


def language(text: str) -> str:
    """Return the language of a text by its small words, or the name of its script."""
    foreign = [c for c in text if c > "\u0250" and c.isalpha()]
    if len(foreign) * 2 > sum(map(str.isalpha, text)):
        return unicodedata.name(foreign[0], "OTHER").split()[0]
    words = text.lower().split()
    hits = {name: sum(map(words.count, small.split())) for name, small in SMALL.items()}
    best = max(hits, key=lambda name: hits[name])
    return best if hits[best] else "latin"


class Words:
    """The longer words of the samples, by language."""

    def __init__(self, rows: list[dict[str, Any]]) -> None:
        self.by_language: dict[str, list[str]] = {}
        self.known: dict[str, list[str]] = {}
        for row in rows:
            for text in _texts(row):
                self.of(text).extend(word for word in text.split(" ") if _replaceable(word))

    def of(self, text: str) -> list[str]:
        """Return the words of the language of a text."""
        return self.by_language.setdefault(language(text), [])

    def like(self, text: str) -> list[str]:
        """Return the words that may stand in a text: of its language, or where that has too few, English ones."""
        known = self.known.get(text)
        if known is None:
            found = self.of(text)
            known = self.known[text] = found if len(found) > 20 else self.by_language["en"]
        return known


def _texts(row: dict[str, Any]) -> list[str]:
    return [m["content"] for m in row["messages"] if m["role"] in TURNS and isinstance(m.get("content"), str)]


def _replaceable(word: str) -> bool:
    """True for a longer word in small letters without any sign: it ends no sentence and starts none."""
    return len(word) > 3 and word.isalpha() and word.islower()


def vary(text: str, words: list[str], rng: random.Random) -> str:
    """Return a text with about half of its longer words replaced; a text that has few gets two words more."""
    pieces = text.split(" ")
    places = [i for i, piece in enumerate(pieces) if _replaceable(piece)]
    for i in places:
        if rng.random() < 0.5:
            pieces[i] = rng.choice(words)
    if len(places) < 5:
        pieces.insert(0, f"({rng.choice(words)} {rng.choice(words)})")
    return " ".join(pieces)


def made(row: dict[str, Any], words: Words, rng: random.Random) -> dict[str, Any]:
    """Return a row like another, with other words in user and assistant turns."""
    messages = [
        {**m, "content": vary(m["content"], words.like(m["content"]), rng)}
        if m["role"] in TURNS and isinstance(m.get("content"), str) else m
        for m in row["messages"]
    ]  # fmt: skip
    return {**row, "messages": messages}


def rows_without_end(seed: int = 1) -> Iterator[bytes]:
    """Yield lines for ever: the rows of the samples, then rows made from them."""
    rng, base = random.Random(seed), sample_rows()
    words = Words(base)
    for number in count():
        row = base[number % len(base)]
        row = row if number < len(base) else made(row, words, rng)
        yield json.dumps(row, ensure_ascii=False).encode() + b"\n"


def write(rows: int, path: Path, seed: int = 1) -> None:
    """Write `rows` rows to a file."""
    with path.open("wb", buffering=1 << 20) as file:
        file.writelines(islice(rows_without_end(seed), rows))


def write_size(size: int, path: Path, seed: int = 1) -> int:
    """Write rows to a file until it has `size` bytes or a little more; return how many."""
    rows = done = 0
    with path.open("wb", buffering=1 << 20) as file:
        for line in rows_without_end(seed):
            done += file.write(line)
            rows += 1
            if done >= size:
                break
    return rows


def table_row(rng: random.Random, *, held: bool) -> dict[str, Any]:
    """Return a row whose context is a table of 9,000 numbers, and whose answer reckons with 200.

    Args:
        rng: draws the numbers.
        held: True for numbers of the table, rounded; False for others.
    """
    cells = [[rng.randint(1_000_000, 9_999_999) for _ in range(3)] for _ in range(3000)]
    table = "\n".join(f"| {first} | {second:,} | {third / 100:.2f} |" for first, second, third in cells)
    said = [round(first, -2) if held else rng.randint(10_000_000, 99_999_999) for first, _, _ in cells[:200]]
    asked = f"Context:\n[1] Sales\n{table}\n\n[2] Returns\nThere were none.\n\nQuestion: What are the totals?"
    answer = " ".join(f"The total is about {number}." for number in said)
    return {"messages": [{"role": "user", "content": asked}, {"role": "assistant", "content": answer}]}


def write_tables(rows: int, path: Path, seed: int = 1) -> None:
    """Write rows about tables to a file; the numbers of every second answer are not in its table."""
    rng = random.Random(seed)
    with path.open("wb", buffering=1 << 20) as file:
        for number in range(rows):
            file.write(json.dumps(table_row(rng, held=number % 2 == 0)).encode() + b"\n")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rows", type=int)
    parser.add_argument("file", type=Path)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--tables", action="store_true", help="rows about tables of numbers")
    given = parser.parse_args()
    (write_tables if given.tables else write)(given.rows, given.file, given.seed)
