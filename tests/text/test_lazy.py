"""Expressions compiled when they are first used are the same as those compiled at once."""

from __future__ import annotations

import importlib
import pkgutil
import re
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

import prepdata
from prepdata.text.lazy import _METHODS, _Lazy, lazily

WRITTEN = [(r"(\w)(\d+)", 0), (r"^a.b$", re.MULTILINE | re.DOTALL), ("straße|ΣΑΣ", re.IGNORECASE)]


@pytest.mark.parametrize(("pattern", "flags"), WRITTEN)
@given(text=st.text("aAb1 23\nß€Σςσ") | st.sampled_from(["x1 y22", "a\nb\na_b", "STRASSE straße σας"]))
def test_all_that_is_done_with_one(pattern: str, flags: int, text: str) -> None:
    one, other = lazily(pattern, flags), re.compile(pattern, flags)
    for method in ("search", "match", "fullmatch"):
        found, expected = getattr(one, method)(text), getattr(other, method)(text)
        assert (found and found.span()) == (expected and expected.span())
    assert [m.span() for m in one.finditer(text)] == [m.span() for m in other.finditer(text)]
    assert one.findall(text) == other.findall(text)
    assert one.sub("-", text) == other.sub("-", text)
    assert one.subn("-", text, count=1) == other.subn("-", text, count=1)
    assert one.split(text) == other.split(text)
    assert (one.pattern, one.flags) == (other.pattern, other.flags)


def test_it_is_compiled_once_and_not_before() -> None:
    one = lazily("(")  # no expression
    with pytest.raises(re.error):
        one.search("x")
    two = lazily("x")
    assert not set(vars(two)) & set(_METHODS)
    first = two.search
    assert two.search == first and set(_METHODS) <= set(vars(two))
    with pytest.raises(AttributeError):
        two.anything  # noqa: B018


def test_every_expression_of_the_project_compiles() -> None:
    seen = 0
    for module in pkgutil.walk_packages(prepdata.__path__, "prepdata."):
        if not module.name.startswith(("prepdata.rules.", "prepdata.text.")):
            continue
        for value in vars(importlib.import_module(module.name)).values():
            if isinstance(value, _Lazy):
                assert re.compile(*value._written).pattern == value.pattern
                seen += 1
    assert seen > 40


def test_rules_compile_nothing_at_import_that_a_run_may_not_need() -> None:
    code = (
        "import re, sys; sys.modules.pop('prepdata', None)\n"
        "from prepdata.rules.leak import leak005_answer_key as rule\n"
        "from prepdata.text.lazy import _Lazy\n"
        "print(sum(1 for value in vars(rule).values() if isinstance(value, _Lazy) and len(vars(value)) == 1),"
        " sum(1 for value in vars(rule).values() if isinstance(value, re.Pattern)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    lazy, compiled = map(int, done.stdout.split())
    assert lazy >= 12 and compiled == 0
