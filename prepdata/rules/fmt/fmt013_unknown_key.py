"""FMT013: a key of a row or message that the format does not know."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import ClassVar

from prepdata.errors import PrepdataError
from prepdata.findings import Edit, Fix, Hit, Severity, clip
from prepdata.formats import ROW_MARKS, get
from prepdata.formats.unknown import near
from prepdata.record import Record, escape
from prepdata.rules.base import SHAPE, Options, RecordRule, Trigger
from prepdata.rules.targeting import concerns, listed, value
from prepdata.targets.model import Target

_NONE: frozenset[str] = frozenset()


class UnknownKeyOptions(Options, frozen=True):
    """Args:
    allow: further keys of rows and messages that are meant to be there.
    """

    allow: tuple[str, ...] = ()


class UnknownKey(RecordRule):
    """Finds keys of rows and messages that the format does not know, with the nearest spelling that it knows.

    Why: a misspelt key is not read: its text is silently absent from training. Strict providers refuse rows with
    any key beside their own. Row marks (`id`, `source`, `metadata`, ...) are known in every format.
    Bad:
        {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello.", "wieght": 0}]}
    Good:
        {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello.", "weight": 0}]}
    Fix: unsafe; the key is renamed to the nearest known one, or, where a target refuses it, taken out. Whether that
    was meant only the author can say. Keys that are meant to be there belong in the option `allow`.
    Source: the key lists of the formats; per target the dated lists in its file.
    """

    code: ClassVar[str] = "FMT013"
    name: ClassVar[str] = "unknown-key"
    severity: ClassVar[Severity] = "warning"
    fix = "unsafe"
    trigger: ClassVar[Trigger] = SHAPE
    Options: ClassVar[type[Options]] = UnknownKeyOptions

    def setup(self) -> None:
        targets = self.context.targets
        self.strict = [t for t in targets if value(t.accepts.unknown_keys) == "refused"]
        ignored = [t for t in targets if value(t.accepts.unknown_keys) == "ignored"]
        self.mild = bool(targets) and len(ignored) == len(targets)
        assert isinstance(self.options, UnknownKeyOptions)
        named = (*self.context.marks.values(), *self.context.columns.values(), *self.options.allow)
        self.allowed = ROW_MARKS | frozenset(named)
        self.allowed_inside = frozenset(self.options.allow)

    def check(self, record: Record) -> Iterator[Hit]:
        own, inner = _known(record.format)
        strict = [t for t in self.strict if concerns(t, record.format)] if self.strict else []
        for key in record.raw:
            if strict or not (key in own or key in self.allowed):
                yield from self._judge(key, "", record.raw, own, self.allowed, strict)
        if record.shape is not None or not inner:
            return
        for message in record.turns:
            raw = message.raw
            if type(raw) is dict:
                for key in raw:
                    if strict or key not in inner:
                        yield from self._judge(key, message.path, raw, inner, self.allowed_inside, strict)

    def _judge(
        self, key: str, base: str, holder: object, own: frozenset[str], allowed: frozenset[str], strict: list[Target]
    ) -> Iterator[Hit]:
        """Yield the finding of one key of the object at `base`."""
        refusing = tuple(t.name for t in strict if key not in _accepted(t, base, own))
        unknown = key not in own and key not in allowed
        if not refusing and not unknown:
            return
        path, shown = f"{base}/{escape(key)}", clip(key, 40)
        what = "message" if base else "row"
        meant = near(key, own) if unknown else ""
        edit = None
        if meant and meant not in holder:  # type: ignore[operator]
            edit = Fix(f"rename it to '{meant}'", False, (Edit("rename", path, meant),))
        elif refusing:
            edit = Fix("take the key out", False, (Edit("remove", path),))
        hint = f"; did you mean '{meant}'?" if meant else ""
        if refusing:
            advice = hint or "; take it out"
            yield Hit(f"{what} key '{shown}' is refused by {listed(refusing)}{advice}", path, severity="error",
                      targets=refusing, fix=edit)  # fmt: skip
        else:
            advice = hint or "; it is no part of the format: take it out, or add it to the option `allow`"
            yield Hit(f"unknown {what} key '{shown}'{advice}", path, severity="info" if self.mild else None, fix=edit)


def _accepted(target: Target, base: str, own: frozenset[str]) -> frozenset[str]:
    """Return the keys that a strict target accepts in rows or messages: its own list, else the format's."""
    found = value(target.accepts.message_keys if base else target.accepts.row_keys)
    return own if found is None else frozenset(found)


@cache
def _known(name: str) -> tuple[frozenset[str], frozenset[str]]:
    """Return (row keys, message keys) of a format."""
    try:
        found = get(name)
    except PrepdataError:
        return _NONE, _NONE
    return found.row_keys, found.message_keys
