"""Near duplicates: how many are found, how many findings are wrong, and how quickly, beside other tools.

    python -m benchmarks.near [--rows 12000] [--half tuning|frozen] [--peer-python PATH] [--peers datasketch,rensa]
        [--all-pairs]

Rows are made by a script from word lists, a third each English, Chinese and code; into them copies are planted that
were edited in a known way, and hard negatives: copies in which one number, name or negation is another. The two halves
have different words and different edits; thresholds are chosen on `tuning` and reported on `frozen`. A planted copy
counts as found if its row is reported as a duplicate, a hard negative as wrong if it is, any other row as a false
alarm. Peers get the texts of prompt and answer, and their own usual settings.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import prepdata

SAMPLES = Path(__file__).resolve().parent.parent / "samples"
NAMES = {
    "tuning": ["Anna", "Bruno", "Carla", "Diego", "Elena", "Farid", "Greta", "Hugo", "Irina", "Jonas", "Kira", "Liam"],
    "frozen": ["Marta", "Nils", "Olga", "Pavel", "Quinn", "Rosa", "Samir", "Tilda", "Ulf", "Vera", "Wanda", "Yusuf"],
}
KINDS = ("1 %", "5 %", "10 %", "20 %", "moved", "case", "number", "name", "negation")
_MEANT = """
    not never without none nor neither cannot non nie ohne kein keine keinen nicht sans pas jamais sin nunca
    ninguno one two three four five six seven eight nine ten eleven twelve fifteen twenty thirty forty fifty
    hundred thousand million first second third fourth fifth sixth half double twice triple monday tuesday
    wednesday thursday friday saturday sunday zwei drei vier sechs sieben neun zehn elf erste zweite dritte deux
    trois quatre cinq sept huit neuf dix cent mille tres cuatro cinco seis siete ocho nueve diez cien mil primero
    primera dix dois quatro due sei otto
"""
MEANT = frozenset(_MEANT.split())
"""Words that are left out of the vocabulary, since exchanging them changes what a text says."""
HARD = ("number", "name", "negation")


class Planted(NamedTuple):
    """A planted row: number of its line, kind of edit, and language."""

    line: int
    kind: str
    language: str


def vocabulary(half: str) -> dict[str, list[str]]:
    """Return the words of one half: those of the samples, every second one."""
    text = " ".join(path.read_text(encoding="utf-8") for path in sorted(SAMPLES.rglob("train.jsonl")))
    english = sorted(set(re.findall(r"[a-z]{3,}", text)) - MEANT)
    chinese = sorted(set(re.findall(r"[\u4e00-\u9fff]", text)) - set("不没无非否未别一二三四五六七八九十百千万两"))
    offset = 0 if half == "tuning" else 1
    return {"English": english[offset::2], "Chinese": chinese, "code": english[offset::2]}


class Maker:
    """Makes rows and edits them, the same for the same half."""

    def __init__(self, half: str) -> None:
        self.random = random.Random(half)
        self.names = NAMES[half]
        self.words = vocabulary(half)

    def sentence(self, language: str) -> list[str]:
        """Return one sentence or line as words; Chinese ones of one sign each."""
        pick, words = self.random, self.words[language]
        size = pick.randint(6, 16)
        made = [words[min(int(pick.paretovariate(0.6)), len(words) * 50) % len(words)] if pick.random() < 0.2
                else pick.choice(words) for _ in range(size)]  # fmt: skip
        if pick.random() < 0.5:
            made[pick.randrange(1, size)] = str(pick.randint(2, 900))
        if language == "code":
            name, *rest = made
            return [name, "=", made[1], "(", *[w for pair in zip(rest[1:], [","] * 20) for w in pair][:-1], ")"]
        if language == "English" and pick.random() < 0.5:
            made[pick.randrange(1, size)] = pick.choice(self.names)
        return made

    def text(self, language: str, sentences: int) -> list[list[str]]:
        """Return a text as sentences."""
        return [self.sentence(language) for _ in range(sentences)]

    def edited(self, text: list[list[str]], kind: str, language: str) -> list[list[str]] | None:
        """Return an edited copy, None where this kind of edit cannot be made."""
        pick, copy = self.random, [list(sentence) for sentence in text]
        places = [(i, k) for i, sentence in enumerate(copy) for k in range(len(sentence))]
        plain = [(i, k) for i, k in places if k and copy[i][k].isalpha() and copy[i][k] not in self.names]
        if kind.endswith("%"):
            count = max(1, round(len(places) * int(kind[:-1]) / 100))
            for i, k in sorted(pick.sample(plain, min(count, len(plain))), reverse=True):
                how = pick.random()
                new = pick.choice(self.words[language])
                copy[i][k : k + 1] = [new] if how < 0.6 else [] if how < 0.8 else [copy[i][k], new]
        elif kind == "moved":
            if len(copy) < 3:
                return None
            pick.shuffle(copy)
        elif kind == "case":
            copy = [[w.upper() if pick.random() < 0.5 else w for w in sentence] for sentence in copy]
        elif kind == "negation":
            if language == "code":
                return None
            i, k = pick.choice(plain)
            copy[i].insert(k, {"English": "not", "Chinese": "不"}[language])
        else:
            wanted = [(i, k) for i, k in places if copy[i][k].isdigit() or copy[i][k] in self.names]
            wanted = [(i, k) for i, k in wanted if copy[i][k].isdigit() == (kind == "number") and k]
            if not wanted:
                return None
            i, k = pick.choice(wanted)
            others = [str(n) for n in range(2, 900)] if kind == "number" else self.names
            copy[i][k] = pick.choice([word for word in others if word != copy[i][k]])
        return copy

    def spelt(self, text: list[list[str]], language: str, marks: bool = True) -> str:
        """Return a text as it is written."""
        if language == "code":
            return "\n".join(" ".join(line) for line in text)
        end, between = ("。", "") if language == "Chinese" else (". ", " ")
        return (end if marks else "; " if language == "English" else "，").join(
            (s := between.join(sentence))[:1].upper() + s[1:] for sentence in text
        ) + end.strip()


def build(rows: int, half: str, file: Path, length: int = 1) -> list[Planted]:
    """Write the rows to a file, one in ten of them planted, and return what was planted.

    Args:
        rows: how many.
        half: "tuning" or "frozen".
        file: where.
        length: how many times the usual number of sentences a row has (1: rows of 560 bytes).
    """
    maker, planted = Maker(half), []
    written: list[str] = []
    originals: list[tuple[str, list[list[str]], list[list[str]]]] = []
    with file.open("w", encoding="utf-8") as out:
        while len(written) < rows:
            language = ("English", "Chinese", "code")[len(written) % 3]
            kind = ""
            if originals and maker.random.random() < 0.1:
                kind = maker.random.choice(KINDS)
                language, asked, answered = originals.pop(maker.random.randrange(len(originals)))
                new = maker.edited([*asked, *answered], kind, language)
                if new is None:
                    continue
                if kind == "moved":
                    moved = maker.edited(answered, kind, language)
                    if moved is None or moved == answered:
                        continue
                    new = [*asked, *moved]
                asked, answered = new[: len(asked)], new[len(asked) :]
                planted.append(Planted(len(written) + 1, kind, language))
            else:
                asked = maker.text(language, length * maker.random.randint(1, 3))
                answered = maker.text(language, length * maker.random.randint(2, 8))
                originals.append((language, asked, answered))
            user, assistant = (maker.spelt(text, language, kind != "case") for text in (asked, answered))
            turns = [{"role": "user", "content": user}, {"role": "assistant", "content": assistant}]
            written.append(user)
            out.write(json.dumps({"messages": turns}, ensure_ascii=False) + "\n")
    return planted


def own(file: Path) -> tuple[set[int], float]:
    """Return the lines that prepdata reports as near or folded duplicates, and the seconds of a whole process. Of two
    rows it is the later one, whichever prepdata would keep."""
    started = time.perf_counter()
    options = ["--select", "DUP001,DUP002,DUP003", "-f", "jsonl", "--no-tokens", "--no-cache", "--isolated", "-q"]
    command = [sys.executable, "-m", "prepdata", "validate", str(file), *options]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    seconds = time.perf_counter() - started
    found = [json.loads(line) for line in run.stdout.split("\n") if line.startswith("{")]
    told = [f for f in found if f.get("severity") == "warning"]
    return {max(f["line"], *(place["line"] for place in f["related"])) for f in told}, seconds


PEERS: dict[str, str] = {
    "datasketch": """
from datasketch import MinHash, MinHashLSH
def find(texts):
    lsh, out = MinHashLSH(threshold=0.7, num_perm=128), set()
    for n, text in enumerate(texts, 1):
        words = tokens(text)
        mark = MinHash(num_perm=128)
        mark.update_batch([" ".join(words[i:i+5]).encode() for i in range(max(1, len(words) - 4))])
        if lsh.query(mark): out.add(n)
        lsh.insert(n, mark)
    return out
""",
    "rensa": """
from rensa import RMinHash, RMinHashLSH
def find(texts):
    lsh, out = RMinHashLSH(threshold=0.7, num_perm=128, num_bands=16), set()
    for n, text in enumerate(texts, 1):
        words = tokens(text)
        mark = RMinHash(num_perm=128, seed=42)
        mark.update([" ".join(words[i:i+5]) for i in range(max(1, len(words) - 4))])
        if lsh.query(mark): out.add(n)
        lsh.insert(n, mark)
    return out
""",
}
PEER_HEAD = """
import json, re, sys
def tokens(text):
    return re.findall(r"[\\u4e00-\\u9fff]|[^\\W\\u4e00-\\u9fff]+", text.lower())
"""
PEER_TAIL = """
texts = ["\\n".join(m["content"] for m in json.loads(line)["messages"]) for line in open(sys.argv[1], encoding="utf-8")]
print(json.dumps(sorted(find(texts))))
"""


def peer(name: str, python: str) -> Callable[[Path], tuple[set[int], float]]:
    """Return what runs another tool in an environment that has it, as a whole process."""

    def run(file: Path) -> tuple[set[int], float]:
        started = time.perf_counter()
        code = PEER_HEAD + PEERS[name] + PEER_TAIL
        found = subprocess.run([python, "-c", code, str(file)], capture_output=True, text=True, check=True)
        return set(json.loads(found.stdout)), time.perf_counter() - started

    return run


def table(rows: int, planted: list[Planted], results: dict[str, tuple[set[int], float]]) -> Iterator[str]:
    """Yield the lines of the table: share found of each kind; precision counts hard negatives as wrong."""
    counts = {kind: sum(p.kind == kind for p in planted) for kind in KINDS}
    yield (
        "| tool | "
        + " | ".join(f"{kind} ({counts[kind]})" for kind in KINDS)
        + " | other rows | precision | s | rows/s |"
    )
    yield "|---|" + "---:|" * (len(KINDS) + 4)
    lines = {p.line for p in planted}
    for name, (found, seconds) in results.items():
        shares = [sum(p.line in found for p in planted if p.kind == kind) / max(1, counts[kind]) for kind in KINDS]
        right = sum(p.line in found for p in planted if p.kind not in HARD)
        others = len(found - lines)
        wrong = others + sum(p.line in found for p in planted if p.kind in HARD)
        told = " | ".join(f"{share:.2f}" for share in shares)
        precision = right / max(1, right + wrong)
        yield f"| {name} | {told} | {others} | {precision:.3f} | {seconds:.2f} | {rows / seconds:,.0f} |"


def by_language(planted: list[Planted], found: set[int]) -> dict[str, Any]:
    """Return the share of planted copies that were found, by language."""
    shares = {}
    for language in ("English", "Chinese", "code"):
        copies = [p for p in planted if p.language == language and p.kind not in HARD]
        shares[language] = round(sum(p.line in found for p in copies) / max(1, len(copies)), 3)
    return shares


def all_pairs(file: Path, least: float) -> str:
    """Return how the join compares with the similarity of every pair of rows, counted one row against all others on the
    n-grams themselves, not on hashes."""
    import numpy as np

    from prepdata.index.join import Sets, block, similar
    from prepdata.index.near import SIZE
    from prepdata.index.words import TABLE, plain, shingles, words

    with file.open(encoding="utf-8") as lines:
        texts = [[turn["content"] for turn in json.loads(line)["messages"]] for line in lines]
    started = time.perf_counter()
    numbers: dict[tuple[bytes, ...], int] = {}
    held: list[Any] = []
    for sides in texts:
        grams: set[int] = set()
        for text in sides:
            found = plain(text).encode().translate(TABLE).split()
            runs = [tuple(found[i : i + SIZE]) for i in range(max(1, len(found) - SIZE + 1))] if found else []
            grams.update(numbers.setdefault(run, len(numbers)) for run in runs)
        held.append(np.array(sorted(grams)))
    sizes = np.array([len(grams) for grams in held])
    members, owners = np.concatenate(held), np.repeat(np.arange(len(held)), sizes)
    order = np.argsort(members, kind="stable")
    ends = np.searchsorted(members[order], np.arange(len(numbers) + 1))
    listed = owners[order]
    truth: dict[tuple[int, int], float] = {}
    for row, grams in enumerate(held):
        overlap = np.bincount(np.concatenate([listed[ends[g] : ends[g + 1]] for g in grams]), minlength=len(held))
        similarity = overlap / (sizes[row] + sizes - overlap)
        others = np.flatnonzero(similarity[:row] >= least - 1e-12)
        truth.update({(other, row): float(similarity[other]) for other in others.tolist()})
    seconds = time.perf_counter() - started
    started = time.perf_counter()
    hashed = shingles(words([text for sides in texts for text in sides]), SIZE)
    owned = block(
        hashed.hashes.astype(np.uint32), np.repeat(np.arange(len(held)), np.diff(hashed.ends[1::2], prepend=0))
    )
    found_pairs = similar(Sets(np.bincount(owned.owners, minlength=len(held)), [owned]), least)
    joined = dict(zip(zip(found_pairs.first.tolist(), found_pairs.second.tolist()), found_pairs.jaccard().tolist()))
    other = max((abs(truth[pair] - joined[pair]) for pair in truth.keys() & joined.keys()), default=0.0)
    return (
        f"{len(texts):,} rows, similarity {least} or more: {len(truth):,} of all {math.comb(len(texts), 2):,} "
        f"pairs ({seconds:.1f} s); the join finds {len(joined):,} ({time.perf_counter() - started:.1f} s), "
        f"{len(truth.keys() - joined.keys())} missing, {len(joined.keys() - truth.keys())} too many, "
        f"similarities differ by {other:.4f} at most"
    )


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=12_000)
    parser.add_argument("--half", choices=("tuning", "frozen"), default="tuning")
    parser.add_argument("--length", type=int, default=1, help="times the usual number of sentences a row")
    parser.add_argument("--peers", default="", help="datasketch,rensa")
    parser.add_argument("--peer-python", default=sys.executable)
    parser.add_argument("--all-pairs", action="store_true", help="hold the join against all pairs of rows, no more")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "near.jsonl"
        planted = build(given.rows, given.half, file, given.length)
        if given.all_pairs:
            print("\n".join(all_pairs(file, least) for least in (0.3, 0.6)))
            return
        results = {f"prepdata {prepdata.__version__}": own(file)}
        for name in [name for name in given.peers.split(",") if name]:
            results[name] = peer(name, given.peer_python)(file)
        print(
            f"{given.rows:,} rows, {file.stat().st_size / 1e6:.1f} MB, {len(planted):,} planted, half: {given.half}\n"
        )
        print("\n".join(table(given.rows, planted, results)))
        print(f"\nfound by language: {by_language(planted, next(iter(results.values()))[0])}")


if __name__ == "__main__":
    main()
