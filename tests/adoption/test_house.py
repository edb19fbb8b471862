"""Rules of the house that no linter knows: sizes, and names that pytest can tell apart."""

from __future__ import annotations

import ast
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOLDERS = ("prepdata", "trainers", "tests", "benchmarks", "samples")
FILES = sorted(file for folder in FOLDERS for file in (ROOT / folder).rglob("*.py"))
MOST_LINES, MOST_OF_A_FUNCTION = 500, 80


def test_test_files_have_names_of_their_own() -> None:
    names = Counter(file.name for file in FILES if file.name.startswith("test_"))
    assert [name for name, times in names.items() if times > 1] == []


@pytest.mark.parametrize("folder", FOLDERS)
def test_files_and_functions_stay_small(folder: str) -> None:
    files = [file for file in FILES if file.is_relative_to(ROOT / folder)]
    assert files
    long = []
    for file in files:
        text = file.read_text(encoding="utf-8")
        if text.count("\n") > MOST_LINES:
            long.append(str(file.relative_to(ROOT)))
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                first = node.body[0].lineno if len(node.body) > 1 and ast.get_docstring(node) else node.lineno
                if (node.end_lineno or 0) - max(node.lineno, first) >= MOST_OF_A_FUNCTION:
                    long.append(f"{file.relative_to(ROOT)}:{node.lineno} {node.name}")
    assert long == []
