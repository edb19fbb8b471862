"""Decision rules of other projects, as they publish them, each a whole process: lines that it calls contaminated.

    python contamination_peers.py open-r1|janitor|datatrove ITEMS ROWS

`ITEMS` has one JSON object a line with `asked` and `answer`, `ROWS` the rows to check with `messages`; a row is the
text of all its turns. `open-r1` is the loop in huggingface/open-r1 `scripts/decontaminate.py`: 8 words, lower case,
white space folded, any shared run. `janitor` is lm-evaluation-harness `lm_eval/decontamination/janitor.py` in Python
(it has a C++ part too, which is quicker): 13 words, lower case, punctuation deleted, any shared run. `datatrove` is its
own `NGramsDecontFilter` with its own defaults (12 words) but for `find_query_ngrams`, without which it finds answers
only; its indexer needs lighteval, so the hashes are made here with the filter's tokenizer and hash. The first two are
written anew from reading the originals.
"""

from __future__ import annotations

import json
import string
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any


def rows_of(path: str) -> Iterator[tuple[int, str]]:
    """Yield (1-based line, text of all turns)."""
    with Path(path).open(encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            yield number, "\n".join(message["content"] for message in json.loads(line)["messages"])


def items_of(path: str) -> list[dict[str, str]]:
    """Return the items."""
    with Path(path).open(encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def _runs(words: list[str], size: int) -> Iterator[str]:
    return (" ".join(words[i : i + size]) for i in range(len(words) - size + 1))


def open_r1(items: str, rows: str) -> list[int]:
    """Any run of 8 words; the rows are gone through once for each evaluation set, as the original does."""
    sets: dict[str, dict[str, set[int]]] = {}
    for number, item in enumerate(items_of(items)):
        known = sets.setdefault(item.get("set", ""), {})
        for run in _runs(" ".join(item["asked"].lower().strip().split()).split(), 8):
            known.setdefault(run, set()).add(number)
    texts, found = list(rows_of(rows)), set()
    for known in sets.values():
        for number, text in texts:
            runs = set(_runs(" ".join(text.lower().strip().split()).split(), 8))
            if True in {run in known for run in runs}:
                found.add(number)
    return sorted(found)


def janitor(items: str, rows: str) -> list[int]:
    """Any run of 13 words without punctuation."""
    table = str.maketrans(string.ascii_uppercase, string.ascii_lowercase, string.punctuation)
    known = {run for item in items_of(items) for run in _runs(item["asked"].translate(table).split(), 13)}
    return [
        number
        for number, text in rows_of(rows)
        if any(run.translate(table) in known for run in _runs(text.split(), 13))
    ]


def datatrove(items: str, rows: str) -> list[int]:
    """The filter of datatrove."""
    import numpy as np
    from datatrove.data import Document
    from datatrove.pipeline.decont.n_grams import NGramsDecontConfig, NGramsDecontFilter, NGramsDecontIndexer

    config = NGramsDecontConfig(find_query_ngrams=True)
    with tempfile.TemporaryDirectory() as folder:
        judge = NGramsDecontFilter(folder, config=config)
        hashes: set[int] = set()
        for item in items_of(items):
            hashes.update(NGramsDecontIndexer.compute_hashes(judge, item["answer"], item["asked"]))
        array: Any = np.array(list(hashes), dtype=config.hash_config.np_descr)
        array.tofile(Path(folder) / "items.index.hashes")
        return [
            number for number, text in rows_of(rows) if judge.filter(Document(text=text, id=str(number))) is not True
        ]


if __name__ == "__main__":
    print(json.dumps({"open-r1": open_r1, "janitor": janitor, "datatrove": datatrove}[sys.argv[1]](*sys.argv[2:4])))
