"""One read-only view over every row format, with the way back to the original JSON.

A format module (`prepdata/formats/`) turns a decoded row into a `Record`. Rules read records and never the
format; a `path` on every part leads back to the place in the user's own file.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

import msgspec

Kind = Literal["text", "blank", "null", "absent", "parts", "other"]

ROLES = ("system", "developer", "user", "assistant", "tool", "function")


class Part(msgspec.Struct, frozen=True, gc=False):
    """One part of a message's content. `path` points at the part object, `field` at its text."""

    kind: Literal[
        "text", "image", "audio", "video", "file", "reasoning", "refusal", "tool_call", "tool_result", "other"
    ]
    text: str
    raw: Any
    path: str
    field: str


class ToolCall(msgspec.Struct, frozen=True, gc=False):
    """One call of a tool as the assistant wrote it. `arguments` is as found: string, object, None or wrong."""

    name: Any
    arguments: Any
    id: Any
    path: str
    arguments_path: str
    raw: Any = None
    legacy: bool = False


class Message(msgspec.Struct, frozen=True, gc=False):
    """One turn.

    Args:
        role: canonical role (`ROLES`), or the original word where it is no known role ("" where it is no string).
        text: the content as text; parts of kind text joined by newlines; "" where there is none.
        kind: what the content was; `blank` is a string of white space only.
        path: JSON pointer of the message object ("" where the row itself is the message).
        field: JSON pointer of the content.
        raw: the original message object or value.
        raw_role: the role as written, None where the format has no role words.
        weight: as written, None where absent.
        reasoning: reasoning kept apart from the content (`reasoning_content`, `thinking`), or None.
        call_id: on a tool result, the id of the call it answers.
        name: the `name` key, on a tool result the tool.
    """

    role: str
    text: str
    kind: Kind
    path: str
    field: str
    raw: Any
    raw_role: Any = None
    weight: Any = None
    reasoning: str | None = None
    call_id: Any = None
    name: Any = None
    parts: tuple[Part, ...] = ()
    calls: tuple[ToolCall, ...] = ()

    @property
    def trained(self) -> bool:
        """True for an assistant turn whose weight is not 0."""
        return self.role == "assistant" and self.weight != 0


class Tool(msgspec.Struct, frozen=True, gc=False):
    """One declared tool. `parameters` is its JSON Schema as found; `path` points at the declaration."""

    name: Any
    parameters: Any
    description: Any
    raw: Any
    path: str
    parameters_path: str


class Record(msgspec.Struct, gc=False):
    """One row. Not to be changed by rules.

    Args:
        format: name of the format (`prepdata.formats`).
        raw: the decoded row.
        messages: the conversation; for preference rows the shared prompt.
        chosen, rejected: the two answers of a preference row, as messages.
        label: True/False of a KTO row, else None.
        tools: declared tools; `tools_raw` is the original value (MISSING where absent), `tools_path` its place.
        shape: hashable skeleton (keys, roles, kinds of content, no text) of a row made of plain strings; rows of
            equal shape have the same structural findings. None for rows with calls, parts, tools or anything rarer.
        outline: for rows without a shape that hold calls or tools and nothing rarer: a skeleton that tells how many
            calls there are, and nothing of what calls and tools hold (`prepdata.formats.outline`); else None.
        strings: number of JSON strings, keys among them, in a row with a shape or an outline, not counting those
            inside declared tools (used to notice duplicate keys).
        row: 0-based number of the row in its chunk; `line`: 0-based line in its chunk; `size`: bytes of the line.
        answers_found: what `answers` found, kept for the next rule that asks.
        tools_key: the declared tools as JSON text, one object for all rows that declare the same, so that what is
            worked out for a list of tools can be kept under it; None where there are none, or no list.
    """

    format: str
    raw: dict[str, Any]
    messages: tuple[Message, ...]
    chosen: tuple[Message, ...] = ()
    rejected: tuple[Message, ...] = ()
    label: bool | None = None
    tools: tuple[Tool, ...] = ()
    tools_raw: Any = msgspec.UNSET
    tools_path: str = "/tools"
    shape: Any = None
    strings: int = 0
    row: int = 0
    line: int = 0
    size: int = 0
    answers_found: tuple[Message, ...] | None = None
    tools_key: bytes | None = None
    outline: Any = None

    @property
    def turns(self) -> tuple[Message, ...]:
        """Every message: conversation, chosen and rejected."""
        if self.chosen or self.rejected:
            return self.messages + self.chosen + self.rejected
        return self.messages

    @property
    def preference(self) -> bool:
        """True for a row with a chosen and a rejected answer."""
        return bool(self.chosen or self.rejected)

    @property
    def answers(self) -> tuple[Message, ...]:
        """The assistant turns that are trained on: weight not 0; of a preference row, the chosen ones."""
        found = self.answers_found
        if found is None:
            turns = self.messages + self.chosen if self.chosen else self.messages
            found = self.answers_found = tuple([m for m in turns if m.role == "assistant" and m.weight != 0])
        return found

    @property
    def users(self) -> tuple[Message, ...]:
        """The user turns."""
        return tuple(m for m in self.messages if m.role == "user")

    def split(self) -> tuple[tuple[Message, ...], tuple[Message, ...]]:
        """Return (prompt, answer): all before the last assistant turn, and that turn; for preference rows the
        conversation and the chosen answer. The answer is empty where the row ends without one."""
        if self.chosen or self.rejected:
            return self.messages, self.chosen
        if self.messages and self.messages[-1].role == "assistant":
            return self.messages[:-1], self.messages[-1:]
        for i in range(len(self.messages) - 1, -1, -1):
            if self.messages[i].role == "assistant":
                return self.messages[:i], self.messages[i : i + 1]
        return self.messages, ()

    def calls(self) -> Iterator[tuple[Message, ToolCall]]:
        """Yield every tool call with its message."""
        for message in self.turns:
            for call in message.calls:
                yield message, call


def kind_of(content: Any) -> Kind:
    """Return the kind of a content value (use `absent` yourself where the key is missing)."""
    if type(content) is str:
        return "text" if content and not content.isspace() else "blank"
    if content is None:
        return "null"
    return "parts" if type(content) is list else "other"


def escape(key: str) -> str:
    """Escape one key for a JSON pointer (RFC 6901)."""
    return key.replace("~", "~0").replace("/", "~1") if "~" in key or "/" in key else key
