"""COV011: a preference pair that prefers nothing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, Literal

from prepdata.findings import Edit, Fix, Hit, Severity, clip
from prepdata.record import Message, Record
from prepdata.rules.base import EVERY, RecordRule, Trigger
from prepdata.text.fold import alike

_FIX = Fix("drop the row", False, (Edit("drop"),))


class DegeneratePair(RecordRule):
    """Finds preference rows whose chosen and rejected answers are the same, or of which one is empty.

    Equal means equal to the letter, or but for case, white space, Unicode variants and sentence punctuation.

    Why: the loss of such a pair is a constant or pushes two equal texts apart: at best it wastes compute, at worst it
        lowers the probability of a good answer. An empty side teaches the model that any text beats silence.
    Bad:
        {"prompt": "Capital of France?", "chosen": "Paris.", "rejected": "paris"}
    Good:
        {"prompt": "Capital of France?", "chosen": "Paris.", "rejected": "Lyon."}
    Fix: drops the row. Unsafe: a rejected answer might be written instead.
    Source: Rafailov et al., Direct Preference Optimization, 2023, equation 7: with equal answers the gradient is zero.
    """

    code: ClassVar[str] = "COV011"
    name: ClassVar[str] = "degenerate-pair"
    severity: ClassVar[Severity] = "error"
    fix: ClassVar[Literal["none", "safe", "unsafe"]] = "unsafe"
    trigger: ClassVar[Trigger] = EVERY

    def check(self, record: Record) -> Iterator[Hit]:
        chosen, rejected = record.chosen, record.rejected
        if not chosen and not rejected:
            return
        bare = [name for name, side in (("chosen", chosen), ("rejected", rejected)) if _empty(side)]
        if bare:
            sides = " and ".join(bare)
            yield Hit(f"the {sides} answer is empty: there is nothing to compare; write it or drop the row",
                      path=_path(chosen if bare[0] == "chosen" else rejected), fix=_FIX)  # fmt: skip
            return
        same = _same(chosen, rejected)
        if same:
            shown = clip(" / ".join(m.text for m in chosen if m.text) or "the same calls")
            yield Hit(f"chosen and rejected are {same}: '{shown}'; write a worse answer or drop the row",
                      path=_path(rejected), fix=_FIX)  # fmt: skip


def _empty(side: tuple[Message, ...]) -> bool:
    for m in side:
        if m.calls or (m.kind == "text" and m.text) or m.reasoning or m.kind == "other":
            return False
        if m.kind == "parts" and any(p.kind != "text" or p.text.strip() for p in m.parts):
            return False
    return True


def _path(side: tuple[Message, ...]) -> str | None:
    return side[-1].field if side else None


def _same(chosen: tuple[Message, ...], rejected: tuple[Message, ...]) -> str | None:
    """Return in which way two answers are the same, or None."""
    if len(chosen) != len(rejected):
        return None
    identical = True
    for a, b in zip(chosen, rejected):
        if a.role != b.role or a.reasoning != b.reasoning:
            return None
        if _other(a) != _other(b):
            return None
        if a.text != b.text:
            if 2 * len(a.text) < len(b.text) or 2 * len(b.text) < len(a.text) or not alike(a.text, b.text):
                return None
            identical = False
    return "identical" if identical else "the same but for case, white space or punctuation"


def _other(message: Message) -> list[object]:
    """Return what a message holds beside text: calls and parts, as found."""
    if not message.calls and not message.parts:
        return []
    return [(c.name, c.arguments) for c in message.calls] + [p.raw for p in message.parts if p.kind != "text"]
