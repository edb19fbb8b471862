"""Runs every case file of `tests/rules/cases/` through the real engine."""

from __future__ import annotations

import base64
import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from byte_tokenizer import write_folder
from tiny_model import write_model

import prepdata
from benchmarks.rows import filled
from prepdata.index.build import Builder
from prepdata.items import items
from prepdata.lock.make import keep_copies, make
from prepdata.lock.model import write
from prepdata.rules.loader import find, rules
from prepdata.settings import Settings
from prepdata.sources import discover

CASES = Path(__file__).parent / "cases"
KEYS = {"case", "why", "rows", "fill", "text", "base64", "name", "options", "targets", "settings", "waivers", "hits",
        "eval", "index", "files", "model", "tokenizer", "lock", "renders"}  # fmt: skip
DATA_KEYS = {"rows", "fill", "text", "base64"}
ONE_OF_MANY = re.compile(r"(?<![\w,.+-])1 (row|line|answer|value|word|turn|item|image|prompt|pair|tool|key|call)s\b")
HIT_KEYS = {"row", "line", "path", "severity", "targets", "message"}


def load(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n") if line.strip()]


def params() -> list[Any]:
    return [
        pytest.param(path.stem, case, id=f"{path.stem}:{number}:{case['case']}")
        for path in sorted(CASES.glob("*.jsonl"))
        for number, case in enumerate(load(path), 1)
    ]


def write_data(case: dict[str, Any], folder: Path) -> Path:
    path = folder / case.get("name", "data.jsonl")
    path.parent.mkdir(parents=True, exist_ok=True)
    if "base64" in case:
        path.write_bytes(base64.b64decode(case["base64"]))
    elif "text" in case:
        path.write_bytes(case["text"].encode("utf-8", "surrogatepass"))
    else:
        lines = [json.dumps(row, ensure_ascii=False) for row in filled(case)]
        path.write_bytes(("\n".join(lines) + "\n").encode("utf-8", "surrogatepass"))
    return path


def write_rows(path: Path, rows: list[Any]) -> Path:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return path


def write_index(folder: Path, rows: list[Any], grams: list[int]) -> Path:
    builder = Builder(grams)
    item = discover([write_rows(folder / "benchmark.jsonl", rows)])[0]
    builder.add("benchmark", items(item, Settings()))
    builder.save(folder / "benchmark.prepidx")
    return folder / "benchmark.prepidx"


def write_tokenizer(folder: Path, files: dict[str, str] | None) -> None:
    """Write the files of a tokenizer into a folder where there are no others; None for no such folder."""
    shutil.rmtree(folder, ignore_errors=True)
    for name, text in (files or {}).items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(text.encode())


def write_lock(case: dict[str, Any], folder: Path) -> Path:
    """Lock what the case says was there then, which is what is there now but for the keys of `lock`."""
    then = case["lock"]
    kept = {key: value for key, value in case.items() if key not in DATA_KEYS} if DATA_KEYS & set(then) else case
    then = {**kept, **then}
    write_tokenizer(folder / "tokenizer", then.get("tokenizer"))
    paths = [write_data(then, folder)] if DATA_KEYS & set(then) else []
    paths += [write_rows(folder / other, rows) for other, rows in then.get("files", {}).items()]
    place, tokenizer = folder / "prepdata.lock", str(folder / "tokenizer") if then.get("tokenizer") else None
    settings = Settings(tokenizer=tokenizer, cache=False, jobs=1)
    made = make([str(path) for path in paths if path.name not in then.get("unlocked", ())], settings, place, None,
                copies=then.get("copies", False))  # fmt: skip
    keep_copies(made, place, None)
    write(place, made.lock)
    write_tokenizer(folder / "tokenizer", case.get("tokenizer"))
    return place


def run(name: str, case: dict[str, Any], folder: Path, **more: Any) -> list[prepdata.Finding]:
    settings = dict(case.get("settings", {}))
    settings.setdefault("select", [name])
    if "lock" in case:
        settings["lock"] = str(write_lock(case, folder))
    path = write_data(case, folder)
    if "eval" in case:
        settings["eval"] = [str(write_rows(folder / "held-out.jsonl", case["eval"]))]
    if "index" in case:
        settings["index"] = [str(write_index(folder, case["index"], settings.pop("grams", ())))]
    paths = [path, *(write_rows(folder / other, rows) for other, rows in case.get("files", {}).items())]
    if "waivers" in case:
        waivers = folder / "prepdata-waivers.json"
        waivers.write_text(json.dumps({"schema_version": 1, "waivers": case["waivers"]}), encoding="utf-8")
        settings["waivers"] = str(waivers)
    options = dict(case.get("options", {}))
    if "model" in case:  # True, or the only texts whose words it knows
        pytest.importorskip("tokenizers")
        known = case["model"] if case["model"] is not True else [filled(case), case.get("eval"), case.get("index")]
        options["model"] = str(write_model(folder / "model", known))
    if "renders" in case:  # what `write_folder` takes
        pytest.importorskip("tokenizers")
        pytest.importorskip("jinja2")
        settings["tokenizer"] = str(write_folder(folder / "model", **case["renders"]))
    settings["rules"] = {**settings.get("rules", {}), name: options}
    settings["targets"] = case.get("targets", [])
    report = prepdata.validate(paths, tokens=False, cache=False, jobs=1, **settings, **more)
    assert not [f for f in report if f.name == "rule-crash"], list(report)
    return [f for f in report if f.name == name]


def matches(finding: prepdata.Finding, expected: dict[str, Any]) -> bool:
    seen = {
        "row": finding.record, "line": finding.line, "path": finding.path, "severity": finding.severity,
        "targets": list(finding.targets),
    }  # fmt: skip
    if "message" in expected and expected["message"].lower() not in finding.message.lower():
        return False
    return all(seen[key] == value for key, value in expected.items() if key != "message")


@pytest.mark.parametrize(("name", "case"), params())
def test_case(name: str, case: dict[str, Any], tmp_path: Path) -> None:
    assert not set(case) - KEYS, f"unknown keys {set(case) - KEYS}"
    found = run(name, case, tmp_path)
    if not find(name).code.startswith("LEAK"):
        assert not [f.message for f in found if ONE_OF_MANY.search(f.message)], "one of a plural"
    expected = case.get("hits", [])
    if case["case"] == "pass":
        assert not found, [(f.line, f.path, f.message) for f in found]
        return
    assert found, f"expected {expected}"
    assert all(f.severity in ("error", "warning", "info") and f.message for f in found)
    if not expected:
        return
    left = list(found)
    for hit in expected:
        assert not set(hit) - HIT_KEYS
        match = next((f for f in left if matches(f, hit)), None)
        assert match, f"nothing matches {hit} in {[(f.record, f.line, f.path, f.severity, f.message) for f in left]}"
        left.remove(match)
    assert not left, f"not expected: {[(f.record, f.line, f.path, f.message) for f in left]}"


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule.name)
def test_every_rule_has_cases(rule: Any) -> None:
    path = CASES / f"{rule.name}.jsonl"
    assert path.is_file(), f"{rule.code} has no case file"
    cases = load(path)
    wanted = 20 if rule.heuristic else 5
    for kind in ("fail", "pass"):
        assert sum(1 for case in cases if case["case"] == kind) >= wanted, (
            f"{rule.name}: fewer than {wanted} {kind} cases"
        )


def test_every_case_file_has_a_rule() -> None:
    for path in CASES.glob("*.jsonl"):
        assert find(path.stem).name == path.stem
