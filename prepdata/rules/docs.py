"""Reads a rule's documentation out of its docstring."""

from __future__ import annotations

import inspect
import re
import textwrap
from typing import NamedTuple

from prepdata.rules.base import Rule

HEADINGS = ("Why", "Bad", "Good", "Fix", "Source")
_HEADING = re.compile(rf"^({'|'.join(HEADINGS)}):[ \t]*(.*)$")


class Doc(NamedTuple):
    """A rule's documentation: one line of summary, what it finds in more words, and a text per heading."""

    summary: str
    body: str
    sections: dict[str, str]


def read_doc(rule: type[Rule]) -> Doc:
    """Return the documentation of a rule."""
    text = inspect.cleandoc(rule.__doc__ or "")
    summary, _, rest = text.partition("\n")
    sections: dict[str, list[str]] = {}
    current: list[str] = []
    body = current
    for line in rest.split("\n"):
        match = _HEADING.match(line)
        if match:
            current = sections.setdefault(match[1], [])
            if match[2]:
                current.append(match[2])
        else:
            current.append(line)
    return Doc(summary.strip(), _tidy(body), {name: _tidy(lines) for name, lines in sections.items()})


def _tidy(lines: list[str]) -> str:
    return textwrap.dedent("\n".join(lines)).strip()
