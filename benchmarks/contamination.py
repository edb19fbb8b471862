"""Contamination: how many planted evaluation items are found, how many clean rows are called so, and how fast.

    python -m benchmarks.contamination [--half tuning|frozen] [--rows 12000] [--data DIR]
        [--peer-python PATH] [--peers open-r1,janitor,datatrove] [--presets gpt3,...]

Evaluation items are made from word lists (English, Chinese, code, multiple choice, items with a template) and, with
`--data`, taken from the test part of GSM8K, HumanEval, MBPP and MT-bench. Each is planted once, in one of the ways of
`KINDS`, or not at all; the other rows come from `benchmarks.data` and the train part of GSM8K. Items and rows are
divided by their digest: constants are chosen on `tuning`, and `frozen` is reported. A planted row counts as found if an
error or a warning speaks of it. `numbers` are items with other numbers: they are not contaminated, so findings of them
are wrong, and so are those of clean rows. Items below 20 words are only planted whole.
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
import re
import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from xxhash import xxh3_64_intdigest

import prepdata
from benchmarks.data import rows_without_end
from benchmarks.near import vocabulary

KINDS = ("verbatim", "case", "partial", "moved", "5 %", "10 %", "20 %", "long row", "chat", "system", "boilerplate",
         "example", "choices", "numbers")  # fmt: skip
LONG_ONLY = ("partial", "moved", "5 %", "10 %", "20 %")
"""Kinds that are planted of items of 20 words or more only."""
VARIANT = "numbers"
TEMPLATE = (
    "Below is a task that was written for people who want to learn more about the world around them. Read it with "
    "care, think about it step by step, and then give a short and helpful answer in complete sentences. Task: "
)
PRESETS = {"gpt3": 13, "palm": 8, "llama2": 10, "tulu3": 8, "open-r1": 8}
Found = tuple[set[int], float]
"""(lines called contaminated, seconds of processor time of the whole process)"""


class Item(NamedTuple):
    """An evaluation item: its set, what it asks (all turns), what it expects, and the row as the set writes it."""

    group: str
    asked: tuple[str, ...]
    answer: str
    row: dict[str, Any]


class Planted(NamedTuple):
    """A planted row: its 1-based line, the kind, and the set of its item."""

    line: int
    kind: str
    group: str


def digest(value: Any) -> int:
    """Return the digest that decides on which half something is, and in which order."""
    return xxh3_64_intdigest(json.dumps(value, ensure_ascii=False).encode())


def side(value: Any) -> str:
    """Return the half of a row."""
    return ("tuning", "frozen")[digest(value) & 1]


def _sentences(pick: random.Random, words: list[str], language: str, number: int) -> str:
    said = []
    for _ in range(number):
        chosen = [pick.choice(words) for _ in range(pick.randint(8, 16))]
        chosen[pick.randrange(1, len(chosen))] = str(pick.randint(2, 900))
        if language == "code":
            said.append(f"{chosen[0]} = {chosen[1]}({', '.join(chosen[2:])})")
        else:
            line = ("" if language == "Chinese" else " ").join(chosen)
            said.append(line[:1].upper() + line[1:] + ("。" if language == "Chinese" else "."))
    return {"code": "\n", "Chinese": "", "English": " "}[language].join(said)


def made_items(number: int) -> list[Item]:
    """Return items made from word lists: three languages, items with choices, items with a template."""
    pick, words = random.Random(7), vocabulary("frozen")
    found = []
    for n in range(number):
        group = ("English", "Chinese", "code", "choices", "template")[n % 5]
        language = group if group in ("Chinese", "code") else "English"
        asked = _sentences(pick, words[language], language, pick.randint(3, 5))
        answer = _sentences(pick, words[language], language, 1)
        row: dict[str, Any] = {"question": asked, "answer": answer}
        if group == "choices":
            choices = [answer, *(_sentences(pick, words["English"], "English", 1) for _ in range(3))]
            pick.shuffle(choices)
            row = {"question": asked, "choices": choices, "answer": "ABCD"[choices.index(answer)]}
        if group == "template":
            row["question"] = TEMPLATE + asked
        found.append(Item(group, (row["question"],), answer, row))
    return found


def real_items(data: Path) -> list[Item]:
    """Return the items of the benchmarks in a folder."""

    def lines(path: Path) -> list[dict[str, Any]]:
        text = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        return [json.loads(line) for line in text.decode().split("\n") if line.strip()]

    found = [Item("GSM8K", (row["question"],), row["answer"], row) for row in lines(data / "gsm8k" / "test.jsonl")]
    found += [
        Item("HumanEval", (row["prompt"],), row["canonical_solution"], row)
        for row in lines(data / "human-eval" / "HumanEval.jsonl.gz")
    ]
    found += [
        Item("MBPP", (row["text"],), row["code"], row)
        for row in lines(data / "mbpp" / "mbpp.jsonl")
        if 11 <= row["task_id"] <= 510
    ]
    found += [
        Item("MT-bench", tuple(row["turns"]), "", row) for row in lines(data / "fastchat" / "mt_bench_question.jsonl")
    ]
    return found


class Planter:
    """Plants items into rows, the same for the same half."""

    def __init__(self, half: str) -> None:
        self.random = random.Random(half)
        self.words = vocabulary("tuning")

    def kinds(self, item: Item) -> list[str]:
        """Return the kinds in which an item can be planted."""
        asked, short = item.asked[0], len(words_of(item.asked[0])) < 20
        kinds = [kind for kind in KINDS if not (short and kind in LONG_ONLY)]
        if len(parts_of(asked)) < 3 or item.group in ("HumanEval", "template"):
            kinds = [kind for kind in kinds if kind != "moved"]
        if item.group != "choices":
            kinds.remove("choices")
        if not re.search(r"\d", asked) or item.group == "HumanEval":
            kinds.remove(VARIANT)
        if not item.answer:
            kinds.remove("example")
        if item.group == "template":
            kinds = [kind for kind in kinds if kind in ("boilerplate", "verbatim", "case")]
        return kinds

    def planted(self, item: Item, kind: str, row: dict[str, Any]) -> dict[str, Any]:
        """Return a row like another one that holds an item.

        Args:
            item: the item.
            kind: the way.
            row: a clean row, for what stands around it.
        """
        asked, answer = item.asked[0], item.answer or "That depends on many things."
        if kind == VARIANT:
            answer = "That depends on many things."  # the answers of GSM8K repeat the numbers
        user = self.changed(item, kind)
        prose = " ".join(m["content"] for m in row["messages"] if isinstance(m.get("content"), str))[:4000]
        if kind == "long row":
            half = prose.rfind(" ", 0, len(prose) // 2 + 1)
            user = f"{prose[:half]}\n\n{asked}\n\n{prose[half:]}"
        turns = [("user", user), ("assistant", answer)]
        if kind == "chat":
            turns = [("user", "Hello, I have some questions."), ("assistant", "Please ask."), *turns]
            turns += [("user", "Thank you. And what else?"), ("assistant", prose[:200] or "Nothing.")]
        elif kind == "system":
            turns = [("system", f"You answer what people ask. {asked}"), ("user", "Go."), ("assistant", answer)]
        elif kind == "example":
            turns = [("system", f"Answer as in this example.\n{asked}\n{answer}"), ("user", prose[:300] or "Go."),
                     ("assistant", "Yes.")]  # fmt: skip
        return {"messages": [{"role": role, "content": content} for role, content in turns]}

    def changed(self, item: Item, kind: str) -> str:
        """Return what an item asks, changed in a way."""
        pick, asked = self.random, item.asked[0]
        if kind == "case":
            asked = re.sub(r"(?<!\d)[.,;:!?。，](?!\d)", "", asked)
            return asked.upper() if pick.random() < 0.5 else asked.lower()
        if kind == "partial":
            ends = [match.end() for match in (_WORD if item.group == "Chinese" else _CHUNK).finditer(asked)]
            return asked[: ends[round(len(ends) * 0.6) - 1]]
        if kind == "moved":
            found = parts_of(asked)
            moved = list(found)
            while moved == found:
                pick.shuffle(moved)
            return ("\n" if "\n" in asked else "" if item.group == "Chinese" else " ").join(moved)
        if kind.endswith("%"):
            return self.edited(item, int(kind[:-1]) / 100)
        if kind == "boilerplate":
            return asked if asked.startswith(TEMPLATE) else TEMPLATE + asked
        if kind == "choices":
            choices = list(item.row["choices"])
            while choices == item.row["choices"]:
                pick.shuffle(choices)
            return asked + "\n" + "\n".join(f"{letter}) {choice}" for letter, choice in zip("ABCD", choices))
        if kind == VARIANT:
            return re.sub(r"\d+", lambda match: str(int(match[0]) + pick.choice((1, 2, 3, 5, 7))), asked)
        return asked

    def edited(self, item: Item, share: float) -> str:
        """Return what an item asks with a share of its words exchanged, left out or added; numbers stay."""
        pick, asked = self.random, item.asked[0]
        vocabulary = self.words["Chinese" if item.group == "Chinese" else "English"]
        spans = [match.span() for match in _WORD.finditer(asked)]
        free = [span for span in spans if not re.search(r"\d", asked[span[0] : span[1]])]
        for begin, end in sorted(pick.sample(free, min(len(free), max(1, round(share * len(spans))))), reverse=True):
            how, new = pick.random(), pick.choice(vocabulary)
            gap = "" if item.group == "Chinese" else " "
            old = asked[begin:end]
            asked = asked[:begin] + (new if how < 0.6 else "" if how < 0.8 else old + gap + new) + asked[end:]
        return asked


_CHUNK = re.compile(r"\S+")
_WORD = re.compile(r"[\u4e00-\u9fff]|[^\W\u4e00-\u9fff]+")


def words_of(text: str) -> list[str]:
    """Return the words of a text, Chinese signs one by one."""
    return _WORD.findall(text)


def parts_of(text: str) -> list[str]:
    """Return the sentences or lines of a text."""
    if "\n" in text.strip():
        return [line for line in text.split("\n") if line.strip()]
    return [part for part in re.split(r"(?<=[.!?])\s+|(?<=[。！？])", text) if part.strip()]


def build(rows: int, half: str, data: Path | None, folder: Path) -> list[Planted]:
    """Write `train.jsonl`, the sets in `evals/`, and `items.jsonl` for the peers; return what was planted."""
    planter, planted = Planter(half), []
    items = [item for item in [*made_items(1500), *(real_items(data) if data else [])] if side(item.row) == half]
    items.sort(key=lambda item: digest(item.row))
    clean = islice(_clean(half, data), rows)
    turn: dict[str, int] = {}
    (folder / "evals").mkdir()
    written: list[dict[str, Any]] = []
    pick = random.Random(half + " rows")
    for item in items:
        with (folder / "evals" / f"{item.group}.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(item.row) + "\n")
        kinds = planter.kinds(item)
        number = turn[item.group] = turn.get(item.group, -1) + 1
        if number % (len(kinds) + 1) < len(kinds):
            kind = kinds[number % (len(kinds) + 1)]
            written.append(planter.planted(item, kind, next(clean)))
            planted.append(Planted(len(written), kind, item.group))
    for row in clean:
        if pick.random() < 0.6:  # most rows share the template
            first = next(m for m in row["messages"] if m["role"] == "user")
            first["content"] = TEMPLATE + first["content"]
        written.append(row)
    order = list(range(len(written)))
    pick.shuffle(order)
    lines = {old: new for new, old in enumerate(order)}
    (folder / "train.jsonl").write_text(
        "".join(json.dumps(written[n], ensure_ascii=False) + "\n" for n in order), encoding="utf-8"
    )
    (folder / "items.jsonl").write_text(
        "".join(
            json.dumps({"set": item.group, "asked": turn, "answer": item.answer}) + "\n"
            for item in items
            for turn in item.asked
        ),
        encoding="utf-8",
    )
    return [p._replace(line=lines[p.line - 1] + 1) for p in planted]


def _clean(half: str, data: Path | None) -> Iterator[dict[str, Any]]:
    """Yield clean rows of a half, without end."""
    made = (json.loads(line) for line in rows_without_end(11))
    real: Iterator[str] = iter(())
    if data:
        real = iter((data / "gsm8k" / "train.jsonl").read_text(encoding="utf-8").split("\n"))
    for row in made:
        line = next(real, "")
        if line.strip() and side(line) == half:
            asked = json.loads(line)
            yield {"messages": [{"role": "user", "content": asked["question"]},
                                {"role": "assistant", "content": asked["answer"]}]}  # fmt: skip
        if side(row["messages"]) == half:
            row["messages"] = [{"role": m["role"], "content": m.get("content") or ""} for m in row["messages"]]
            yield {"messages": row["messages"]}


def own(folder: Path) -> tuple[set[int], set[int], float]:
    """Return the lines that prepdata calls contaminated, those it calls variants, and the seconds."""
    started = _spent()
    found = _run("validate", folder / "train.jsonl", "--eval", folder / "evals", "--select", "LEAK001,LEAK002,LEAK006")
    return *_lines(found), _spent() - started


def preset(name: str, folder: Path) -> Found:
    """Return the lines that a published rule calls contaminated, and the seconds, the index included."""
    started = _spent()
    config, index = folder / "prepdata.toml", folder / f"{name}.prepidx"
    config.write_text(f'[rules.benchmark-overlap]\npreset = "{name}"\n', encoding="utf-8")
    _run("index", "build", index, *sorted((folder / "evals").iterdir()), "--gram", PRESETS[name])
    found = _run("validate", folder / "train.jsonl", "--index", index, "--select", "LEAK004", "--config", config)
    return _lines(found)[0], _spent() - started


def _spent() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _run(command: str, *arguments: object) -> list[dict[str, Any]]:
    options = ["-f", "jsonl", "--no-tokens", "--no-cache", "-q", "--jobs", "1"] if command == "validate" else []
    isolated = ["--isolated"] if command == "validate" and "--config" not in arguments else []
    line = [sys.executable, "-m", "prepdata", command, *map(str, arguments), *options, *isolated]
    run = subprocess.run(line, capture_output=True, text=True, check=False)
    if run.returncode not in (0, 1):
        raise SystemExit(run.stderr)
    return [json.loads(line) for line in run.stdout.split("\n") if line.startswith("{")]


def _lines(found: list[dict[str, Any]]) -> tuple[set[int], set[int]]:
    told = [f for f in found if f.get("line") is not None]
    sure = {f["line"] for f in told if f["severity"] != "info"}
    return sure, {f["line"] for f in told if f["severity"] == "info"} - sure


def peer(name: str, python: str) -> Callable[[Path], Found]:
    """Return what runs the rule of another project as a whole process."""

    def run(folder: Path) -> Found:
        started = _spent()
        script = str(Path(__file__).with_name("contamination_peers.py"))
        command = [python, script, name, str(folder / "items.jsonl"), str(folder / "train.jsonl")]
        found = subprocess.run(command, capture_output=True, text=True, check=True)
        return set(json.loads(found.stdout.strip().split("\n")[-1])), _spent() - started

    return run


def table(rows: int, planted: list[Planted], results: dict[str, Found]) -> Iterator[str]:
    """Yield the lines of the table: share found of each kind; of `numbers` and clean rows how many were called so."""
    counts = {kind: sum(p.kind == kind for p in planted) for kind in KINDS}
    kinds = [kind for kind in KINDS if kind != VARIANT and counts[kind]]
    yield (
        "| rule | " + " | ".join(f"{kind} ({counts[kind]})" for kind in kinds) + " | all kinds | other numbers "
        f"({counts[VARIANT]}) | clean rows ({rows - len(planted):,}) | precision | cpu s | rows/cpu s |"
    )
    yield "|---|" + "---:|" * (len(kinds) + 6)
    lines = {p.line for p in planted}
    for name, (found, seconds) in results.items():
        shares = [sum(p.line in found for p in planted if p.kind == kind) / counts[kind] for kind in kinds]
        right = sum(p.line in found for p in planted if p.kind != VARIANT)
        variants, others = sum(p.line in found for p in planted if p.kind == VARIANT), len(found - lines)
        yield (
            f"| {name} | " + " | ".join(f"{share:.2f}" for share in shares)
            + f" | {right / sum(p.kind != VARIANT for p in planted):.3f} | {variants} | {others} | "
            f"{right / max(1, right + variants + others):.3f} | {seconds:.2f} | {rows / seconds:,.0f} |"
        )  # fmt: skip


def by_group(planted: list[Planted], found: set[int]) -> dict[str, float]:
    """Return the share of planted rows that were found, by the set of the item."""
    shares = {}
    for group in sorted({p.group for p in planted}):
        here = [p for p in planted if p.group == group and p.kind != VARIANT]
        shares[group] = round(sum(p.line in found for p in here) / max(1, len(here)), 3)
    return shares


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=12_000, help="rows in all")
    parser.add_argument("--half", choices=("tuning", "frozen"), default="tuning")
    parser.add_argument("--data", type=Path, help="folder with gsm8k, human-eval, mbpp and fastchat")
    parser.add_argument("--peers", default="open-r1,janitor,datatrove")
    parser.add_argument("--peer-python", default=sys.executable)
    parser.add_argument("--presets", default=",".join(PRESETS))
    parser.add_argument("--missed", action="store_true", help="print the rows that prepdata decides wrongly")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        planted = build(given.rows, given.half, given.data, folder)
        sure, variants, seconds = own(folder)
        results = {f"prepdata {prepdata.__version__}": (sure, seconds)}
        for preset_name in filter(None, given.presets.split(",")):
            results[f"prepdata, preset {preset_name}"] = preset(preset_name, folder)
        for peer_name in filter(None, given.peers.split(",")):
            try:
                results[peer_name] = peer(peer_name, given.peer_python)(folder)
            except subprocess.CalledProcessError as error:
                print(f"{peer_name} cannot run: {error.stderr.strip().splitlines()[-1:]}")
        size = (folder / "train.jsonl").stat().st_size
        print(f"{given.rows:,} rows, {size / 1e6:.1f} MB, {len(planted):,} planted, half: {given.half}\n")
        print("\n".join(table(given.rows, planted, results)))
        told = sum(p.line in variants for p in planted if p.kind == VARIANT)
        print(f"\nfound by set: {by_group(planted, sure)}; told as the same task with other numbers: {told}")
        if given.missed:
            _explain(folder, planted, sure)


def _explain(folder: Path, planted: list[Planted], found: set[int]) -> None:
    rows = (folder / "train.jsonl").read_text(encoding="utf-8").split("\n")
    for p in planted:
        if (p.line in found) == (p.kind == VARIANT):
            print(f"{p.kind} {p.group}: {rows[p.line - 1][:700]}")
    for line in sorted(found - {p.line for p in planted}):
        print(f"clean: {rows[line - 1][:700]}")


if __name__ == "__main__":
    main()
