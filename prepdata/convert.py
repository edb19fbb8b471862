"""Writes rows of one record format as another, and says for every row what that would lose.

A row is written in the new format, read back, and compared with what the old one said: turns, texts, media, calls,
results, reasoning, weights, tools, label and pair. What differs is a loss. Other keys of a row are carried along.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import msgspec

from prepdata import formats
from prepdata.findings import clip
from prepdata.formats.base import Format, Lossy
from prepdata.formats.marks import MEDIA_KEYS
from prepdata.formats.prompt_completion import PAIRS, PromptCompletion
from prepdata.formats.writing import media, reasoning_of, result_id, result_name
from prepdata.record import Message, Record, ToolCall, escape

_SAID = frozenset(
    {
        "role",
        "content",
        "name",
        "weight",
        "tool_calls",
        "tool_call_id",
        "function_call",
        "reasoning_content",
        "reasoning",
        "thinking",
        "from",
        "value",
        "parts",
        "loss_weight",
        "human",
        "assistant",
    }
)
"""Keys of a message that a view tells about."""
_SYNONYMS = frozenset(key for pair in PAIRS for key in pair)
_NO_MEDIA_LISTS = frozenset({"openai-dpo", "gemini", "bedrock", "llamafactory-v1"})
"""Formats in which media stand among the parts, and a list of files beside the text means nothing."""
_FLAGS = ("label", "kto_tag")
_LISTS = ("messages", "conversations", "conversation", "contents")
_INSIDE: dict[str, dict[str, tuple[str, ...]]] = {
    "openai-dpo": {"input": ("messages", "tools", "functions")},
    "bedrock": {"toolConfig": ("tools",)},
}
"""Keys of a row that hold an object, and what of it a view tells about, by format."""
_FIXED = frozenset({"schemaVersion"})
"""Keys that only name the format."""


class Loss(msgspec.Struct, frozen=True):
    """Something that the new format does not say. `path` is a JSON pointer into the old row, "" for the whole row."""

    path: str
    reason: str


class Converted(NamedTuple):
    """One row in the new format, None where it cannot be written at all; and what it loses."""

    row: dict[str, Any] | None
    losses: tuple[Loss, ...] = ()


def convert(rows: Iterable[dict[str, Any]], to: Format, source: Format | None = None) -> Iterator[Converted]:
    """Yield every row in the format `to`.

    Args:
        rows: decoded rows.
        to: the format to write.
        source: the format of the rows; rows of another one, and all if it is None, are recognised one by one.
    """
    for raw in rows:
        found = source if source is not None and source.recognise(raw) else formats.recognise(raw)
        if found is None:
            keys = ", ".join(clip(key, 30) for key in list(raw)[:5])
            yield Converted(None, (Loss("", f"the row is of no known format (keys: {keys or 'none'})"),))
        else:
            yield convert_record(found.view(raw), found, to)


def convert_record(record: Record, source: Format, to: Format) -> Converted:
    """Return one record, viewed by `source`, in the format `to`."""
    try:
        row = to.write(record)
    except Lossy as error:
        return Converted(None, tuple(_loss(reason) for reason in error.args[0]))
    losses = [*_message_keys(record), *_inside(record), *_carry(record, row, source, to)]
    if not to.recognise(row) or (not getattr(to, "mapped", False) and _name(row) != to.name):
        losses.append(Loss("", f"the result would be taken for another format than {to.name}"))
    losses += _differences(record, to.view(row))
    return Converted(row, tuple(dict.fromkeys(losses)))


def _name(row: dict[str, Any]) -> str | None:
    found = formats.recognise(row)
    return found.name if found else None


def _loss(reason: str) -> Loss:
    path, _, why = reason.partition(": ")
    return Loss(path, why)


def _message_keys(record: Record) -> Iterator[Loss]:
    """Yield the keys of messages that no view tells about."""
    for message in record.turns:
        if type(message.raw) is not dict or message.path == "/systemInstruction":
            continue
        for key, value in message.raw.items():
            if key not in _SAID and value is not None and message.path + "/" + key != message.field:
                yield Loss(f"{message.path}/{escape(key)}", f"the key '{clip(key, 30)}' would be lost")


def _carry(record: Record, row: dict[str, Any], source: Format, to: Format) -> Iterator[Loss]:
    """Carry the other keys of a row along; yield those that cannot be."""
    used = _used(record)
    for key, value in record.raw.items():
        if key in used or key in _FIXED or (key in _FLAGS and record.label is not None):
            continue
        own = key in source.row_keys and not (source.name == PromptCompletion.name and key in _SYNONYMS)
        empty = value is None or value == "" or value == [] or value == {}
        if own and empty:
            continue
        if key in row:
            yield Loss("/" + escape(key), f"the key '{clip(key, 30)}' has another meaning in {to.name}")
        elif (own and key not in to.row_keys) or (key in MEDIA_KEYS and to.name in _NO_MEDIA_LISTS):
            yield Loss("/" + escape(key), f"{to.name} has no '{clip(key, 30)}'")
        else:
            row[key] = value


def _used(record: Record) -> set[str]:
    """Return the keys of a row that its view tells about."""
    paths = [path for m in record.turns for path in (m.path, m.field, *(p.field for p in m.parts))]
    if record.tools or record.tools_raw is not msgspec.UNSET:
        paths.append(record.tools_path)
    used = {path.split("/")[1].replace("~1", "/").replace("~0", "~") for path in paths if "/" in path}
    return used | {key for key in (*_LISTS, *_INSIDE.get(record.format, ())) if key in record.raw}


def _inside(record: Record) -> Iterator[Loss]:
    """Yield what stands inside a key of the row's format and is told by no view."""
    for key, told in _INSIDE.get(record.format, {}).items():
        held = record.raw.get(key)
        for inner in held if type(held) is dict else ():
            if inner not in told and held[inner] is not None:  # type: ignore[index]
                yield Loss(f"/{key}/{escape(inner)}", f"the key '{clip(inner, 30)}' would be lost")


class Turn(NamedTuple):
    """What one turn means, whatever the format. `path` leads to where it was said."""

    path: str
    role: str
    pieces: tuple[Any, ...]
    reasoning: str | None
    calls: tuple[Any, ...]
    weight: Any
    name: Any
    answers: int | None


_WORDS = {"role": "the role", "pieces": "the content", "reasoning": "the reasoning", "calls": "the tool calls",
          "weight": "the weight", "name": "the name", "answers": "the link to the call"}  # fmt: skip


def turns(messages: Sequence[Message], format: str) -> list[Turn]:
    """Return what messages mean, so that it can be compared over formats: each tool result is a turn of its own, ids
    of calls are replaced by their number, arguments are values, a weight of 1 is none."""
    walk = _Walk()
    return [turn for message in messages for turn in walk.turns(message, format)]


class _Walk:
    """Numbers the calls of a conversation and links results to them, by id, by name, or in order."""

    def __init__(self) -> None:
        self.calls = 0
        self.waiting: list[tuple[int, Any, Any]] = []

    def turns(self, message: Message, format: str) -> Iterator[Turn]:
        """Yield what one message means: its tool results, then the rest."""
        results = [p for p in message.parts if p.kind == "tool_result"]
        for part in results:
            number = self._answered(result_id(part), result_name(part))
            yield Turn(part.path, "tool", _result(part.text), None, (), None, None, number)
        if results and len(results) == len(message.parts) and not message.calls:
            return
        calls = tuple(self._call(call) for call in message.calls)
        if message.role in ("tool", "function"):
            number = self._answered(message.call_id, message.name)
            yield Turn(message.path, "tool", _result(message.text), None, (), None, None, number)
            return
        weight = message.weight if message.role == "assistant" and message.weight not in (None, 1) else None
        role = "system" if message.role == "developer" else message.role
        pieces, thought = _pieces(message, format), reasoning_of(message)
        yield Turn(message.path, role, pieces, thought, calls, weight, message.name, None)

    def _call(self, call: ToolCall) -> tuple[Any, Any]:
        self.calls += 1
        self.waiting.append((self.calls, call.id, call.name))
        return call.name, _arguments(call)

    def _answered(self, call_id: Any, name: Any) -> int | None:
        """Return the number of the call that a result answers, None if none waits."""
        match = next((w for w in self.waiting if call_id is not None and w[1] == call_id), None)
        match = match or next((w for w in self.waiting if name is not None and w[2] == name), None)
        match = match or next(iter(self.waiting), None)
        if match is None:
            return None
        self.waiting.remove(match)
        return match[0]


def _pieces(message: Message, format: str) -> tuple[Any, ...]:
    if message.kind != "parts":
        if message.kind == "other":
            return (("other", repr(message.raw)),)
        return (("text", message.text),) if message.text else ()
    if format == "alpaca":
        return (("text", message.text),)
    parts = [p for p in message.parts if p.kind not in ("tool_result", "tool_call", "reasoning")]
    return tuple((p.kind, p.text or media(p)) for p in parts if p.text or p.kind != "text")


def _result(text: str) -> tuple[Any, ...]:
    """Return the meaning of a tool's result: objects by value; `{"result": text}` says what the text says."""
    try:
        found = msgspec.json.decode(text)
    except (msgspec.DecodeError, ValueError, RecursionError):
        return (text,)
    if type(found) is dict:
        inner = found.get("result")
        return (inner,) if len(found) == 1 and type(inner) is str else (found,)
    return (text,)


def _arguments(call: ToolCall) -> Any:
    found = call.arguments
    if type(found) is str:
        try:
            return msgspec.json.decode(found)
        except (msgspec.DecodeError, ValueError, RecursionError):
            return ("text", found)
    return {} if found is None else found


def _differences(old: Record, new: Record) -> Iterator[Loss]:
    for side in ("messages", "chosen", "rejected"):
        before = turns(getattr(old, side), old.format)
        after = turns(getattr(new, side), new.format)
        for one, other in zip(before, after):
            for field, words in _WORDS.items():
                if getattr(one, field) != getattr(other, field):
                    yield Loss(one.path, f"{words} of this turn would be lost or changed")
        for turn in before[len(after) :]:
            yield Loss(turn.path, "this turn would be lost")
        if len(after) > len(before):
            yield Loss("", "the result would have more turns than the row")
    if old.label != new.label:
        yield Loss("/" + next((k for k in _FLAGS if k in old.raw), ""), "the good-or-bad label would be lost")
    yield from _tool_differences(old, new)


def _tool_differences(old: Record, new: Record) -> Iterator[Loss]:
    before, after = _tools(old), _tools(new)
    if len(before) != len(after):
        yield Loss(old.tools_path, "declared tools would be lost")
    for tool, one, other in zip(old.tools, before, after):
        if one != other:
            yield Loss(tool.path, f"the declaration of tool '{clip(str(tool.name), 30)}' would be changed")
    raw = old.tools_raw
    if not old.tools and raw is not msgspec.UNSET and raw not in (None, "", [], {}, "[]"):
        yield Loss(old.tools_path, "the declared tools cannot be read")


def _tools(record: Record) -> list[Any]:
    found = []
    for tool in record.tools:
        inner = tool.raw.get("function", tool.raw)
        strict = inner.get("strict") if type(inner) is dict else None
        found.append((tool.name, tool.description, tool.parameters or {}, strict))
    return found
