"""Prompt and completion as plain texts, under their usual names or under names that the user gives."""

from __future__ import annotations

from typing import Any, ClassVar

from prepdata.errors import UsageError, nearest
from prepdata.formats.alpaca import pairs, view_history
from prepdata.formats.base import Format, Lossy
from prepdata.formats.turns import bare_turn, plain_row
from prepdata.formats.writing import apart, only_text, refuse
from prepdata.record import Message, Record, escape

PAIRS = (
    ("prompt", "completion"),
    ("question", "sql"),
    ("question", "answer"),
    ("query", "response"),
    ("prompt", "response"),
    ("prompt", "canonical_solution"),
    ("problem", "solution"),
    ("input", "output"),
    ("text", "code"),
)
"""Names of prompt and completion, in the order in which they are tried."""
_OTHERS = frozenset({"messages", "conversations", "contents", "instruction", "kto_tag"})
"""Keys of formats that say more than a prompt and a completion."""
COLUMNS = ("prompt", "completion", "system")
"""What the setting `columns` can name."""


class PromptCompletion(Format):
    """`{"prompt": "...", "completion": "..."}`, and other names for the two, with `system` and `history`."""

    name: ClassVar[str] = "prompt-completion"
    title: ClassVar[str] = "prompt-completion"
    row_keys: ClassVar[frozenset[str]] = frozenset({*(k for pair in PAIRS for k in pair), "system", "history"})

    def __init__(self, pairs: tuple[tuple[str, str], ...] = PAIRS, system: str = "system") -> None:
        self.pairs = pairs
        self.system = system
        self.mapped = pairs is not PAIRS

    def recognise(self, raw: dict[str, Any]) -> bool:
        if len(raw) > 2 and not self.mapped and (type(raw.get("label")) is bool or not _OTHERS.isdisjoint(raw)):
            return False
        for prompt, completion in self.pairs:
            if prompt in raw and completion in raw:
                if self.mapped:
                    return True
                return _textual(raw[prompt]) and _textual(raw[completion])
        return False

    def view(self, raw: dict[str, Any]) -> Record:
        asked, answered = next((p for p in self.pairs if p[0] in raw and p[1] in raw), self.pairs[0])
        user = bare_turn("user", raw.get(asked), "/" + escape(asked))
        answer = bare_turn("assistant", raw.get(answered), "/" + escape(answered))
        if len(raw) == 2 and type(user.raw) is str and type(answer.raw) is str:
            shape = (tuple(raw), user.kind, answer.kind)
            return Record(self.name, raw, (user, answer), shape=shape, strings=4)
        before: tuple[Message, ...] = ()
        own: list[str] = [asked, answered]
        shapes: list[Any] = [(m.kind,) if type(m.raw) is str or m.raw is None else None for m in (user, answer)]
        if self.system in raw:
            system = bare_turn("system", raw[self.system], "/" + escape(self.system))
            if system.kind not in ("blank", "null"):
                before = (system,)
            own.append(self.system)
            shapes.append((system.kind,) if type(system.raw) is str or system.raw is None else None)
        if "history" in raw and type(raw["history"]) is list:
            before += view_history(raw["history"], "/history")
            own.append("history")
            shapes.append(() if raw["history"] == [] else None)
        record = Record(self.name, raw, (*before, user, answer))
        record.shape, record.strings = plain_row(raw, tuple(own), tuple(shapes), 0)
        return record

    def write(self, record: Record) -> dict[str, Any]:
        if record.preference:
            raise Lossy(refuse(record, "it has a chosen and a rejected answer"))
        if record.tools:
            raise Lossy([f"{record.tools_path}: declared tools cannot be written here"])
        system, rest = apart(record.messages)
        turns = list(rest)
        if len(turns) < 2 or turns[-1].role != "assistant" or turns[-2].role != "user":
            raise Lossy(refuse(record, "it does not end with a question and its answer"))
        answer, asked = turns.pop(), turns.pop()
        history = pairs(turns)
        key, other = self.pairs[0]
        row: dict[str, Any] = {key: only_text(asked), other: only_text(answer)}
        if system is not None:
            row[self.system] = only_text(system)
        if history:
            row["history"] = history
        return row


def _textual(value: Any) -> bool:
    return type(value) is str or value is None


def with_columns(mapping: dict[str, str]) -> PromptCompletion:
    """Return the format of rows whose columns the user has named.

    Args:
        mapping: `{"prompt": ..., "completion": ..., "system": ...}`; what is left out keeps its usual name.

    Raises:
        UsageError: a key that is none of these, or a name that is used twice.
    """
    for key in mapping:
        if key not in COLUMNS:
            raise UsageError(f"unknown column '{key}'.{nearest(key, COLUMNS)} Known: {', '.join(COLUMNS)}")
    names = [mapping.get(key, key) for key in COLUMNS]
    if len(set(names)) < len(names):
        raise UsageError(f"one column is named twice: {', '.join(names)}")
    made = PromptCompletion(((names[0], names[1]),), names[2])
    made.row_keys = frozenset(names) | {"history"}  # type: ignore[misc]
    return made
