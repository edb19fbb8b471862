"""Alpaca rows: `instruction`, `input`, `output`, with system text and earlier turns."""

from __future__ import annotations

from typing import Any, ClassVar

from prepdata.formats.base import Format, Lossy
from prepdata.formats.turns import bare_turn, plain_row
from prepdata.formats.writing import apart, only_text, refuse
from prepdata.record import Message, Part, Record

_ANSWERS = ("output", "response")


class Alpaca(Format):
    """`{"instruction": ..., "input": ..., "output": ...}`; the user turn is instruction, line break, input."""

    name: ClassVar[str] = "alpaca"
    title: ClassVar[str] = "Alpaca"
    row_keys: ClassVar[frozenset[str]] = frozenset(
        {"instruction", "input", *_ANSWERS, "system", "history", "chosen", "rejected", "tools", "kto_tag", "label"}
    )

    def recognise(self, raw: dict[str, Any]) -> bool:
        if "instruction" not in raw or "messages" in raw or "conversations" in raw:
            return False
        return "output" in raw or "response" in raw or ("chosen" in raw and "rejected" in raw)

    def view(self, raw: dict[str, Any]) -> Record:
        own: list[str] = []
        shapes: list[Any] = []
        messages: tuple[Message, ...] = ()
        if "system" in raw:
            system = bare_turn("system", raw["system"], "/system")
            if system.kind not in ("blank", "null"):
                messages = (system,)
            own.append("system")
            shapes.append(_shape(system))
        if "history" in raw:
            messages += view_history(raw["history"], "/history")
            own.append("history")
            shapes.append(() if raw["history"] == [] else None)
        user, shape = _user(raw)
        messages += (user,)
        own += [key for key in ("instruction", "input") if key in raw]
        shapes.append(shape)
        record = Record(self.name, raw, messages)
        if "chosen" in raw and "rejected" in raw:
            record.chosen = (bare_turn("assistant", raw["chosen"], "/chosen"),)
            record.rejected = (bare_turn("assistant", raw["rejected"], "/rejected"),)
            own += ["chosen", "rejected"]
            shapes += [_shape(record.chosen[0]), _shape(record.rejected[0])]
        else:
            key = "output" if "output" in raw else "response"
            answer = bare_turn("assistant", raw.get(key), "/" + key)
            record.messages += (answer,)
            own.append(key)
            shapes.append(_shape(answer))
        label = raw.get("kto_tag", raw.get("label"))
        if type(label) is bool:
            record.label = label
        record.shape, record.strings = plain_row(raw, tuple(own), (label is True, *shapes), 0)
        return record

    def write(self, record: Record) -> dict[str, Any]:
        if record.tools:
            raise Lossy([f"{record.tools_path}: declared tools cannot be written here"])
        system, rest = apart(record.messages)
        turns = list(rest)
        answer = None if record.preference else (turns.pop() if turns and turns[-1].role == "assistant" else None)
        if not record.preference and answer is None:
            raise Lossy(refuse(record, "the conversation does not end with an answer"))
        asked = turns.pop() if turns and turns[-1].role == "user" else None
        if asked is None:
            raise Lossy(refuse(record, "there is no question before the answer"))
        history = pairs(turns)
        row: dict[str, Any] = _question(asked)
        if answer is not None:
            row["output"] = only_text(answer)
        elif len(record.chosen) == len(record.rejected) == 1:
            row["chosen"], row["rejected"] = only_text(record.chosen[0]), only_text(record.rejected[0])
        else:
            raise Lossy(refuse(record, "its chosen and rejected sides are more than one turn each"))
        if record.label is not None:
            row["label"] = record.label
        if system is not None:
            row["system"] = only_text(system)
        if history:
            row["history"] = history
        return row


def _shape(message: Message) -> Any:
    return (message.kind,) if type(message.raw) is str or message.raw is None else None


def _user(raw: dict[str, Any]) -> tuple[Message, Any]:
    """Return the user turn and its shape: instruction and input as two parts, or the one of them that is there."""
    instruction, given = raw.get("instruction"), raw.get("input")
    if "input" not in raw or given is None or (type(given) is str and not given.strip()):
        message = bare_turn("user", instruction, "/instruction")
        return message, (message.kind, "input" in raw) if type(instruction) is str else None
    if type(instruction) is not str or type(given) is not str:
        if type(given) is str and instruction is None:
            return bare_turn("user", given, "/input"), None
        odd = "/instruction" if type(instruction) is not str else "/input"
        return bare_turn("user", instruction if odd == "/instruction" else given, odd), None
    if not instruction.strip():
        return bare_turn("user", given, "/input"), ("input",)
    parts = (Part("text", instruction, instruction, "/instruction", "/instruction"),
             Part("text", given, given, "/input", "/input"))  # fmt: skip
    both = Message("user", f"{instruction}\n{given}", "parts", "/instruction", "/instruction", instruction, parts=parts)
    return both, ("both",)


def view_history(value: Any, base: str) -> tuple[Message, ...]:
    """Return earlier turns, written as a list of [question, answer] pairs."""
    if type(value) is not list:
        return () if value is None else (bare_turn("user", value, base),)
    messages: list[Message] = []
    for i, pair in enumerate(value):
        path = f"{base}/{i}"
        if type(pair) is not list:
            messages.append(bare_turn("user", pair, path))
            continue
        for j, item in enumerate(pair):
            messages.append(bare_turn("assistant" if j % 2 else "user", item, f"{path}/{j}"))
    return tuple(messages)


def pairs(turns: list[Message]) -> list[list[str]]:
    """Return turns as [question, answer] pairs.

    Raises:
        Lossy: they do not alternate, or hold more than text.
    """
    made: list[list[str]] = []
    for i, message in enumerate(turns):
        wanted = "assistant" if i % 2 else "user"
        if message.role != wanted:
            raise Lossy([f"{message.path}: earlier turns must alternate between user and assistant"])
        if i % 2:
            made[-1].append(only_text(message))
        else:
            made.append([only_text(message)])
    if made and len(made[-1]) == 1:
        raise Lossy([f"{turns[-1].path}: a question without an answer among the earlier turns"])
    return made


def _question(message: Message) -> dict[str, Any]:
    texts = [p for p in message.parts if p.kind == "text"]
    if len(texts) == 2 and [p.path for p in message.parts] == ["/instruction", "/input"]:
        return {"instruction": texts[0].text, "input": texts[1].text}
    return {"instruction": only_text(message), "input": ""}
