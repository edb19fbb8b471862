"""What tests of arms ask: questions about topics, a retriever that finds them by their words, a configuration."""

from __future__ import annotations

import json
import urllib.request
from pathlib import Path
from typing import Any

from prepdata.errors import InputError
from prepdata.retrieval.model import Chunk, Hit
from trainers.arms.config import ArmsConfig
from trainers.arms.model import ArmResult, ArmsReport
from trainers.arms.run import measure
from trainers.gate import Gate

TOPICS = ("returns", "shipping", "refunds", "sizes", "colours", "hours", "gifts", "repairs")
GATE = Gate(primary="contains")


def chunk(topic: str) -> Chunk:
    return Chunk(f"{topic}.md#0", f"{topic}.md", topic.title(), f"The {topic} code is {topic}7.", 0, 30)


class Words:
    """Finds the passages whose topic a question names; fails from the search number `until` on."""

    fingerprint = "f" * 64

    def __init__(self, until: int = 10**9) -> None:
        self.asked: list[str] = []
        self.until = until

    def search(self, question: str, k: int) -> list[Hit]:
        self.asked.append(question)
        if len(self.asked) > self.until:
            raise InputError("the store is gone")
        return [Hit(chunk(topic), 1.0) for topic in TOPICS if topic in question][:k]


def rows(tag: str = "") -> list[dict[str, Any]]:
    """Return questions whose answers stand in the documents; the last one names its source wrongly."""
    found = []
    for topic in TOPICS:
        turns = [
            {"role": "user", "content": f"What is the code of {topic}{tag}?"},
            {"role": "assistant", "content": f"{topic}7"},
        ]
        gold = [f"{topic}.md"] if topic != TOPICS[-1] else ["another.md"]
        found.append({"messages": turns, "id": topic, "gold": gold})
    return found


def write_rows(path: Path, held: list[dict[str, Any]]) -> str:
    path.write_text("".join(json.dumps(row) + "\n" for row in held), encoding="utf-8")
    return str(path)


def config(folder: Path, model: str, tag: str = "", **given: Any) -> ArmsConfig:
    (folder / "prompt.txt").write_text("Be brief.")
    shown = [{"messages": [{"role": "user", "content": "2+2?"}, {"role": "assistant", "content": "4"}]}]
    usual: dict[str, Any] = {
        "model": model, "model_name": "tiny", "output": str(folder / "arms"), "test": write_rows(folder / "t.jsonl", rows(tag)),
        "scorers": ("contains",), "system_prompt": str(folder / "prompt.txt"), "documents": "somewhere", "retries": 0,
        "few_shot": write_rows(folder / "shots.jsonl", shown), "batch_size": 2, "latency_rows": 2, "k": 2, "timeout": 10.0,
    }  # fmt: skip
    return ArmsConfig(**{**usual, **given})


def asked(url: str) -> int:
    with urllib.request.urlopen(url + "/asked") as answer:
        return sum(json.loads(answer.read()).values())


def arm(found: ArmsReport, name: str) -> ArmResult:
    return next(one for one in found.arms if one.name == name)


def run(given: ArmsConfig, retriever: Any = None, said: list[str] | None = None, gate: Gate = GATE) -> ArmsReport:
    say = (lambda _: None) if said is None else said.append
    return measure(given, gate, say=say, opened=lambda _: retriever or Words())
