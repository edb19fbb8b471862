"""ROLE002: a role outside the format."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import ClassVar

from prepdata import formats
from prepdata.errors import PrepdataError
from prepdata.findings import Edit, Fix, Hit, Severity, clip
from prepdata.record import ROLES, Message, Record
from prepdata.rules.base import SHAPE, RecordRule, Trigger
from prepdata.rules.role._words import meant, readable, swappable
from prepdata.rules.targeting import concerns, listed, value


class UnknownRole(RecordRule):
    """Finds a role that the format, or a target, does not know, and names the one that was probably meant.

    Why: trainers compare role words letter by letter. A turn of an unknown role is refused, or silently rendered as
    text of nobody, and an assistant turn under a wrong name is not learnt from.
    Bad:
        {"messages": [{"role": "human", "content": "Hi"}, {"role": "Assistant", "content": "Hello."}]}
    Good:
        {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello."}]}
    Fix: safe where the word has one usual meaning (`Assistant`, `human`, `gpt`, `bot`): only the word changes, in the
    spelling the row's own format uses. A word for a tool call or result is left alone, since such a turn needs more.
    Source: OpenAI API reference, message roles (2026-08); ShareGPT and Gemini role words from their own formats.
    """

    code: ClassVar[str] = "ROLE002"
    name: ClassVar[str] = "unknown-role"
    severity: ClassVar[Severity] = "error"
    fix = "safe"
    trigger: ClassVar[Trigger] = SHAPE

    def setup(self) -> None:
        self.accepted = []
        for target in self.context.targets:
            roles = value(target.accepts.roles)
            if roles is not None:
                apart = value(target.accepts.system) not in (None, "message")  # ROLE007 speaks of those
                self.accepted.append((target, _canonical([*roles, *(("system", "developer") if apart else ())])))

    def check(self, record: Record) -> Iterator[Hit]:
        words = _roles(record.format)
        for message in record.turns:
            word = message.raw_role
            if type(word) is str and (word in words or (not words and message.role in ROLES)):
                if self.accepted:
                    yield from self._refused(record, message, word)
            elif (word is not None or message.role not in ROLES) and readable(message):
                yield _unknown(record, message, words)

    def _refused(self, record: Record, message: Message, word: str) -> Iterator[Hit]:
        """Yield the finding of a role that the format knows and a target does not."""
        wrong = (target for target, roles in self.accepted if message.role not in roles)
        refusing = tuple(target.name for target in wrong if concerns(target, record.format))
        if refusing:
            yield Hit(
                f"role '{clip(word, 30)}' is not accepted by {listed(refusing)}; use one of the roles it takes",
                role_path(message),
                targets=refusing,
            )


def _unknown(record: Record, message: Message, words: dict[str, str]) -> Hit:
    """Return the finding of a role that the format does not know."""
    path, word = role_path(message), message.raw_role if message.raw_role is not None else message.role
    known = ", ".join(words or ROLES)
    if type(word) is not str or not word.strip():
        said = "no role" if word is None or word == "" else f"the role {clip(repr(word), 30)}"
        return Hit(f"this message has {said}; expected one of {known}", path)
    role = meant(word)
    if role == "call":
        return Hit(f"unknown role '{clip(word, 30)}': a call belongs in `tool_calls` of an assistant message", path)
    own = _own_word(record, role, words)
    if own is None:
        return Hit(f"unknown role '{clip(word, 30)}'; expected one of {known}", path)
    fix = Fix(f"write '{own}'", True, (Edit("set", path, own),)) if swappable(role) else None
    return Hit(f"unknown role '{clip(word, 30)}', probably meant as '{own}'; expected one of {known}", path, fix=fix)


def _own_word(record: Record, role: str, words: dict[str, str]) -> str | None:
    """Return the word for a canonical role: the one the row uses elsewhere, else the format's first; None if none."""
    if not role:
        return None
    for message in record.turns:
        if message.role == role and type(message.raw_role) is str and message.raw_role in words:
            return message.raw_role
    return next((word for word, canonical in words.items() if canonical == role), None if words else role)


def role_path(message: Message) -> str:
    """Return the JSON pointer of a message's role."""
    keys = message.raw if type(message.raw) is dict else {}
    return f"{message.path}/{'from' if 'from' in keys and 'role' not in keys else 'role'}" if keys else message.path


@cache
def _roles(name: str) -> dict[str, str]:
    """Return the role words of a format."""
    try:
        return formats.get(name).roles
    except PrepdataError:
        return {}


def _canonical(roles: list[str]) -> frozenset[str]:
    """Return the roles of a target's list as canonical roles."""
    return frozenset(role for word in roles for role in (word, meant(word)) if role in ROLES)
