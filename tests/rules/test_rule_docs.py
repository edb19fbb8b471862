"""Every rule's docstring has the headings and parts that the reference is made of."""

from __future__ import annotations

import json
from typing import Any

import pytest

from prepdata.rules.docs import HEADINGS, read_doc
from prepdata.rules.loader import rules


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule.name)
def test_docstring_is_complete(rule: Any) -> None:
    doc = read_doc(rule)
    assert doc.summary and doc.summary[0].isupper() and doc.summary.endswith("."), doc.summary
    for heading in HEADINGS:
        assert doc.sections.get(heading), f"{rule.code}: heading '{heading}:' is missing or empty"


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule.name)
def test_examples_are_json_where_they_look_like_it(rule: Any) -> None:
    if rule.code.startswith("FMT"):
        return
    doc = read_doc(rule)
    for heading in ("Bad", "Good"):
        for line in doc.sections[heading].split("\n"):
            if line.startswith("{") and line.endswith("}"):
                json.loads(line)
