"""TEXT005: a placeholder that nobody filled in."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import ClassVar

from prepdata.findings import Hit, Severity, around, clip
from prepdata.record import Message, Record
from prepdata.rules.base import RecordRule, Trigger, Words
from prepdata.rules.text._pieces import code_spans, inside, pieces, prompt_of

_FIND = re.compile(
    r"(?<![${\\#%])\{\{ ?(?P<name>[A-Za-z][\w .'-]{0,40}?) ?\}\}(?!\})"
    r"|\[(?P<insert>(?:INSERT|Insert|insert)[ _:][^\[\]\n]{1,80})\](?![(\[])"
    r"|<(?P<your>(?:YOUR|INSERT|ENTER|ADD)[ _][A-Z][A-Z _]{1,40}|(?:INSERT|Insert|insert) [A-Za-z ]{2,40} here)>"
    r"|(?P<lorem>[Ll]orem ipsum dolor sit amet)"
)
_STUB = re.compile(
    r"[\[(<{*_ ]*(?:TODO|TBD|FIXME|TBA)\b[\])>}*_.! ]*(?:[:\-–—][^\n]{0,80})?[\])>}*_. ]*"
    r"|(?i:\[?(?:answer|response|text|output|placeholder|content) (?:goes )?here\]?\.?)"
    r"|(?i:to be (?:written|filled(?: in)?|completed|added|done|determined|decided)\.?)"
)
_ABOUT = re.compile(
    r"templat|placeholder|jinja|handlebars|mustache|liquid|\bvue\b|angular|helm\b|ansible|django|curly|brace"
    r"|merge (?:field|tag)|mail merge|variable|workflow|github action|\byaml\b|\btwig\b|blade\b|\bhugo\b|\bdbt\b|latex"
    r"|fill in the blank|vorlage|platzhalter|plantilla|marcador|gabarit|modèle de|modello"
    r"|шаблон|模板|占位|テンプレート|プレースホルダ|interpolat|f-string|format string|\bform\b|\bsyntax\b",
    re.IGNORECASE,
)
_FILLER = re.compile(r"\blorem|\bdummy|\bfiller|\bblind ?text", re.IGNORECASE)
_LINE_CODE = ("{%", "{{#", "{{/", "{{>", "${{", "</", "/>", "v-if", "v-for", "ng-", "=\"{{", "='{{", "\\frac", "\\text",
              "\\begin", "f\"", "f'", "| ")  # fmt: skip


class UnfilledPlaceholder(RecordRule):
    """Finds `{{name}}`, `[INSERT ...]`, `<YOUR ...>`, "lorem ipsum" and answers that are only TODO.

    Why: the model learns to write the placeholder. Mostly a template was not filled in. Code is not looked at, nor rows
    that are about templates, nor a placeholder in an answer that its prompt holds too. "[Your name]" in a draft of a
    letter is left alone: there the reader is meant to fill it in.
    Bad:
        {"messages": [{"role": "user", "content": "Who are you?"}, {"role": "assistant", "content": "I am {{name}}."}]}
    Good:
        {"messages": [{"role": "user", "content": "Who are you?"}, {"role": "assistant", "content": "I am Ada."}]}
    Fix: none; only you know what belongs there.
    Source: the project's own catalogue of rules (2026-08).
    """

    code: ClassVar[str] = "TEXT005"
    name: ClassVar[str] = "unfilled-placeholder"
    severity: ClassVar[Severity] = "warning"
    heuristic: ClassVar[bool] = True
    trigger: ClassVar[Trigger] = Words(
        (
            "{{",
            "[insert",
            "<your",
            "<insert",
            "<enter",
            "<add",
            "lorem ipsum dolor",
            "todo",
            "tbd",
            "tba",
            "fixme",
            "answer here",
            "response here",
            "text here",
            "output here",
            "content here",
            "goes here",
            "to be written",
            "to be filled",
            "to be completed",
            "to be added",
            "to be done",
            "to be determined",
            "to be decided",
        )
    )

    def check(self, record: Record) -> Iterator[Hit]:
        about: bool | None = None
        for message in record.turns:
            trained = message.role == "assistant"
            for text, path in pieces(message):
                if trained and len(text) < 120 and _STUB.fullmatch(text.strip()):
                    if not _asked_for(record, message, text.strip()):
                        yield _stub(text, path)
                    continue
                found = _places(text)
                if not found:
                    continue
                if about is None:
                    about = any(_about(turn.text[:20000]) for turn in record.turns) or any(
                        _FILLER.search(turn.text) for turn in record.users
                    )
                if about:
                    return
                if message.role == "user":
                    found = [m for m in found if len(text) < 400 and ":" not in text[: m.start()]]
                elif trained:
                    found = [m for m in found if not _in_prompt(record, message, m[0])]
                if found:
                    yield _hit(text, path, found)


@lru_cache(maxsize=1024)
def _about(text: str) -> bool:
    """True if a text speaks of templates; many rows share their system prompt."""
    return _ABOUT.search(text) is not None


def _places(text: str) -> list[re.Match[str]]:
    """Return the placeholders of a text that stand in prose."""
    found = list(_FIND.finditer(text))
    if not found:
        return []
    code = code_spans(text)
    kept = []
    for match in found:
        if inside(code, match.start()):
            continue
        start = text.rfind("\n", 0, match.start()) + 1
        stop = text.find("\n", match.end())
        line = text[start : stop if stop >= 0 else len(text)]
        if match["name"] and any(mark in line for mark in _LINE_CODE):
            continue
        kept.append(match)
    return kept


def _in_prompt(record: Record, message: Message, piece: str) -> bool:
    return any(piece in turn.text for turn in prompt_of(record, message))


def _asked_for(record: Record, message: Message, stub: str) -> bool:
    """True if the prompt speaks of TODO and the like itself."""
    word = re.sub(r"\W+", " ", stub).strip().split(" ")[0].lower()
    return any(word in turn.text.lower() for turn in prompt_of(record, message))


def _stub(text: str, path: str) -> Hit:
    return Hit(
        f"the whole answer is the stub '{clip(text, 40)}': write the answer, or drop the row",
        path,
        span=(0, len(text)),
        excerpt=f"⟪{clip(text)}⟫",
    )


def _hit(text: str, path: str, found: list[re.Match[str]]) -> Hit:
    first = found[0]
    more = f" and {len(found) - 1} more" if len(found) > 1 else ""
    return Hit(
        f"'{clip(first[0], 40)}'{more} was never filled in: put the real text there",
        path,
        span=first.span(),
        excerpt=around(text, first.span()),
    )
