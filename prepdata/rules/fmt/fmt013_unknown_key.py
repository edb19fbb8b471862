"""FMT013: a key of a row or message that the format does not know."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any, ClassVar

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
        found = [key for key in record.raw if strict or not (key in own or key in self.allowed)]
        if found:
            yield from self._judge(found, "", record.raw, own, self.allowed, strict)
        if record.shape is not None or not inner:
            return
        for message in record.turns:
            raw = message.raw
            if type(raw) is dict:
                found = [key for key in raw if strict or key not in inner]
                if found:
                    yield from self._judge(found, message.path, raw, inner, self.allowed_inside, strict)

    def _judge(
        self,
        keys: list[str],
        base: str,
        holder: dict[str, Any],
        own: frozenset[str],
        allowed: frozenset[str],
        strict: list[Target],
    ) -> Iterator[Hit]:
        """Yield the findings of some keys of the object at `base`: one for each that is refused or looks misspelt,
        and one for all the others together."""
        what = "message" if base else "row"
        strange: list[str] = []
        for key in keys:
            refusing = tuple(t.name for t in strict if key not in _accepted(t, base, own))
            unknown = key not in own and key not in allowed
            meant = near(key, own) if unknown else ""
            path, shown = f"{base}/{escape(key)}", clip(key, 40)
            hint = f"; did you mean '{meant}'?" if meant else ""
            fix = None
            if meant and meant not in holder:
                fix = Fix(f"rename it to '{meant}'", False, (Edit("rename", path, meant),))
            elif refusing:
                fix = Fix("take the key out", False, (Edit("remove", path),))
            if refusing:
                text = f"{what} key '{shown}' is refused by {listed(refusing)}{hint or '; take it out'}"
                yield Hit(text, path, severity="error", targets=refusing, fix=fix)
            elif meant:
                yield Hit(f"unknown {what} key '{shown}'{hint}", path, severity="info" if self.mild else None, fix=fix)
            elif unknown:
                strange.append(key)
        if strange:
            yield self._strange(strange, base, what)

    def _strange(self, keys: list[str], base: str, what: str) -> Hit:
        """Return the finding of keys that no format knows under any spelling."""
        shown = ", ".join(f"'{clip(key, 40)}'" for key in keys[:5]) + (", …" if len(keys) > 5 else "")
        end, verb, them = ("s", "they are", "them") if len(keys) > 1 else ("", "it is", "it")
        advice = f"{verb} no part of the format: take {them} out, or add {them} to the option `allow`"
        text = f"unknown {what} key{end} {shown}; {advice}"
        return Hit(text, f"{base}/{escape(keys[0])}", severity="info" if self.mild else None)


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
