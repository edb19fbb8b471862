"""TEXT004: a reasoning tag that is not closed, not opened, or empty."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import ClassVar

from prepdata.findings import Edit, Fix, Hit, Severity, around
from prepdata.record import Message, Record
from prepdata.rules.base import RecordRule, Trigger, Words
from prepdata.rules.text._pieces import code_spans, inside, pieces, quoted

TAGS = ("think", "thinking", "reasoning", "thought", "scratchpad", "inner_monologue", "seed:think")
_TAG = re.compile(r"<(/?)(" + "|".join(TAGS) + r")>|\[(/?)(THINK)\]", re.IGNORECASE)


class BrokenReasoning(RecordRule):
    """Finds reasoning tags in answers that are never closed, never opened, or hold nothing.

    Why: an answer inside an open `<think>` is thrown away by whoever strips the reasoning; a lone `</think>` leaves
    the reasoning in the answer. An empty pair is a warning: some models are trained on it to answer without
    reasoning, in others it stands for reasoning that was lost.
    Bad:
        {"messages": [{"role": "user", "content": "2+2?"}, {"role": "assistant", "content": "<think>Two and two 4"}]}
    Good:
        {"messages": [{"role": "user", "content": "2+2?"}, {"role": "assistant", "content": "<think>Two and
         two.</think>4"}]}
    Fix: unsafe; an empty pair is removed, and a closing tag with text before it gets its opening tag.
    Source: Qwen3 and DeepSeek-R1 chat templates (2026-08).
    """

    code: ClassVar[str] = "TEXT004"
    name: ClassVar[str] = "broken-reasoning"
    severity: ClassVar[Severity] = "error"
    fix = "unsafe"
    heuristic: ClassVar[bool] = True
    trigger: ClassVar[Trigger] = Words((*(f"<{s}{t}>" for t in TAGS for s in ("", "/")), "[think]", "[/think]"))

    def check(self, record: Record) -> Iterator[Hit]:
        for message in record.turns:
            if message.role != "assistant":
                continue
            texts = list(pieces(message))
            for text, path in texts:
                yield from _judge(message, text, path)


def _judge(message: Message, text: str, path: str) -> Iterator[Hit]:
    """Walk through the tags of one text and yield what is wrong with each."""
    opened: re.Match[str] | None = None
    code: list[tuple[int, int]] | None = None
    closed = False
    for match in _TAG.finditer(text):
        if code is None:
            code = [s for s in code_spans(text) if text[s[0]] == "`"]
        if opened is None and (inside(code, match.start()) or quoted(text, match.span())):
            continue
        if not (match[1] or match[3]):
            if opened is None:
                opened = match
            continue
        if opened is not None:
            if _name(match) != _name(opened):
                continue
            if not text[opened.end() : match.start()].strip():
                yield _empty(text, path, (opened.start(), match.end()))
            opened, closed = None, True
        elif _is_orphan(text, match, closed):
            yield _orphan(text, path, match, closed)
            closed = True
    if opened is not None and not _is_element(text, opened):
        yield Hit(
            f"the reasoning opened by '{opened[0]}' is never closed: close it where the answer begins, "
            "or drop the row if the answer is missing",
            path,
            span=opened.span(),
            excerpt=around(text, opened.span()),
        )


def _name(match: re.Match[str]) -> str:
    return (match[2] or match[4]).lower()


def _is_element(text: str, opened: re.Match[str]) -> bool:
    """True if the tag is more likely a word in running text or a schema than the start of reasoning."""
    before = text[: opened.start()]
    return _name(opened) not in ("think", "thinking", "seed:think") and bool(before.strip())


def _is_orphan(text: str, match: re.Match[str], closed: bool) -> bool:
    return _name(match) in ("think", "thinking", "seed:think", "reasoning") or not closed


def _empty(text: str, path: str, span: tuple[int, int]) -> Hit:
    rest = (text[: span[0]] + text[span[1] :].lstrip("\n")) if text[: span[0]].strip() else text[span[1] :].lstrip()
    return Hit(
        "the reasoning tags hold nothing: remove them, or put the reasoning back "
        "(keep them only if the model is meant to answer without reasoning this way)",
        path,
        span=span,
        excerpt=around(text, span),
        severity="warning",
        fix=Fix("remove the empty tags", False, (Edit("set", path, rest),)) if rest.strip() else None,
    )


def _orphan(text: str, path: str, match: re.Match[str], closed: bool) -> Hit:
    fix = None
    if not closed and text[: match.start()].strip():
        opening = match[0].replace("/", "", 1)
        fix = Fix("open the reasoning at the start", False, (Edit("set", path, f"{opening}\n{text.lstrip()}"),))
    return Hit(
        f"'{match[0]}' closes reasoning that was never opened: put the opening tag back, or remove the reasoning",
        path,
        span=match.span(),
        excerpt=around(text, match.span()),
        fix=fix,
    )
