"""Columns of digests: what every row of a chunk says, as 64-bit numbers, shared by all rules over many rows.

    digests = chunk.derived(columns.digests)

A digest (xxh3_64) does not depend on the row format: it covers canonical roles, texts, reasoning, calls, tools and
media, and leaves out ids of calls, key order, and row marks such as `id`.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from typing import Any, NamedTuple

import msgspec
from xxhash import xxh3_64, xxh3_64_intdigest

from prepdata.chunk import Chunk
from prepdata.record import Message, Record
from prepdata.text.fold import encode, fold, fold_all

# Bytes that cannot occur in UTF-8 stand before each part, so that no two different rows give the same bytes.
_ROLES = {"system": b"\xf5", "developer": b"\xf6", "user": b"\xf7", "assistant": b"\xf8", "tool": b"\xf9",
          "function": b"\xfa"}  # fmt: skip
_OTHER_ROLE, _EXTRA, SECTION = b"\xfb", b"\xfc", b"\xff"
_MEDIA = ("images", "image", "videos", "video", "audios", "audio")
_MEDIA_KEYS = frozenset(_MEDIA)


class Digests(NamedTuple):
    """One entry per record of a chunk, in order. All arrays are `array('Q')` of xxh3_64 digests but `rows`.

    Args:
        rows: row number of each record in its chunk, `array('I')`.
        exact: the whole row: all turns, tools, media, weights and label.
        folded: the same with folded texts (`prepdata.text.fold`).
        folded_prompt: all before the last answer (`Record.split`), with tools and media, folded.
        folded_answer: the last answer, folded; of a preference row the chosen one.
        beginnings: of longer conversations, the `exact` that each proper beginning which ends in an answer would have
            as a row of its own; `owners` holds the row number of each, `array('I')`.
    """

    rows: array[int]
    exact: array[int]
    folded: array[int]
    folded_prompt: array[int]
    folded_answer: array[int]
    beginnings: array[int]
    owners: array[int]


class Forms(NamedTuple):
    """The texts of all messages of a chunk as UTF-8 (`exact`) and folded; equal texts are worked out once."""

    exact: dict[str, bytes]
    folded: dict[str, bytes]


class Layout(NamedTuple):
    """How the bytes of a row of plain texts are laid out: one `%b` for the text of each message.

    Args:
        messages: number of messages.
        exact: the whole row; prompt: all but the last message; answer: the last message.
    """

    messages: int
    exact: bytes
    prompt: bytes
    answer: bytes


def forms(chunk: Chunk) -> Forms:
    """Return the texts of a chunk's messages in both forms. Use as `chunk.derived(forms)`."""
    return _forms(chunk.records)


def _forms(records: list[Record]) -> Forms:
    texts = list({message.text: None for record in records for message in record.turns})
    encoded = [encode(text) for text in texts]
    return Forms(dict(zip(texts, encoded)), dict(zip(texts, fold_all(texts, encoded))))


def digests(chunk: Chunk) -> Digests:
    """Return the digests of a chunk."""
    columns = Digests(*(array(code) for code in "IQQQQQI"))
    add_row, add_exact, add_folded, add_prompt, add_answer = (column.append for column in columns[:5])
    hashed = xxh3_64_intdigest
    known = chunk.derived(forms)
    exact, folded = known
    layouts: dict[Any, Layout | None] = {}
    for record in chunk.records:
        add_row(record.row)
        messages, shape = record.messages, record.shape
        layout = None
        if shape is not None and not record.tools and record.format == chunk.format:
            try:
                layout = layouts[shape]
            except KeyError:
                layout = layouts[shape] = _layout(record)
        if layout is not None and layout.messages == len(messages):
            texts = [message.text for message in messages]
            add_exact(hashed(layout.exact % tuple([exact[text] for text in texts])))
            parts = [folded[text] for text in texts]
            answer = parts.pop()
            prompt_number = hashed(layout.prompt % tuple(parts))
            answer_number = hashed(layout.answer + answer)
            add_folded(hashed(b"%x %x " % (prompt_number, answer_number)))
            if layout.messages > 3:
                _add_beginnings(columns, record, [piece(m, known)[0] for m in messages[:-1]])
        else:
            before, after, tail, folded_tail = _pieces(record, known)
            add_exact(hashed(b"".join([p[0] for p in before]) + SECTION + b"".join([p[0] for p in after]) + tail))
            prompt_number = hashed(b"".join([p[1] for p in before]))
            answer_number = hashed(b"".join([p[1] for p in after]))
            add_folded(hashed(b"%x %x " % (prompt_number, answer_number) + folded_tail))
            if len(messages) > 3 and not record.preference:
                _add_beginnings(columns, record, [p[0] for p in before])
        add_prompt(prompt_number)
        add_answer(answer_number)
    return columns


def _layout(record: Record) -> Layout | None:
    """Return the layout of a row of plain texts that ends in an answer, and of all rows of its shape; else None."""
    messages, raw = record.messages, record.raw
    if record.chosen or record.rejected or record.label is not None or not messages:
        return None
    if messages[-1].role != "assistant" or (len(raw) > 1 and not _MEDIA_KEYS.isdisjoint(raw)):
        return None
    if any(m.role not in _ROLES or m.kind != "text" or m.weight is not None or m.reasoning for m in messages):
        return None
    marks = [_ROLES[message.role] for message in messages]
    prompt = b"".join([mark + b"%b" for mark in marks[:-1]])
    return Layout(len(messages), prompt + SECTION + marks[-1] + b"%b", prompt, marks[-1])


def _add_beginnings(columns: Digests, record: Record, pieces: list[bytes]) -> None:
    for number in _beginnings(record.messages, pieces):
        columns.beginnings.append(number)
        columns.owners.append(record.row)


def _beginnings(messages: tuple[Message, ...], pieces: list[bytes]) -> Iterator[int]:
    """Yield the exact digest of every proper beginning that ends in an answer, as that of a row which is just that.

    Args:
        messages: the conversation.
        pieces: bytes of its messages up to the last answer, then of what stands beside them (tools, media).
    """
    last = max((i for i, m in enumerate(messages) if m.role == "assistant"), default=0)
    context = b"".join(pieces[last:])
    running = xxh3_64()
    for i in range(last):
        if i and messages[i].role == "assistant":
            row = running.copy()
            row.update(context + SECTION + pieces[i])
            yield row.intdigest()
        running.update(pieces[i])


def digest(record: Record) -> int:
    """Return the exact digest of one record (the same number as in `Digests.exact`)."""
    before, after, tail, _ = _pieces(record, _forms([record]))
    return xxh3_64_intdigest(b"".join([p[0] for p in before]) + SECTION + b"".join([p[0] for p in after]) + tail)


Pieces = list[tuple[bytes, bytes]]
"""(exact, folded) bytes of messages."""


def _pieces(record: Record, known: Forms) -> tuple[Pieces, Pieces, bytes, bytes]:
    """Return the bytes of the prompt, of the answer, and (exact, folded) of what belongs to neither."""
    prompt, answer = record.split()
    before, after = [piece(m, known) for m in prompt], [piece(m, known) for m in answer]
    context = context_bytes(record)
    if context:
        before.append((context, context))
    turns = record.turns
    tail = [_EXTRA + b"w" + _json([i, m.weight]) for i, m in enumerate(turns) if m.weight is not None and m.weight != 1]
    if record.label is not None:
        tail.append(_EXTRA + (b"l1" if record.label else b"l0"))
    rest = record.rejected if record.preference else record.messages[len(prompt) + len(answer) :]
    left = [piece(m, known) for m in rest]
    if rest or record.preference:
        left.insert(0, (SECTION, SECTION))
    thought = [_EXTRA + b"r%d" % i + fold(m.reasoning) for i, m in enumerate(turns) if m.reasoning]
    return before, after, b"".join([*tail, *(p[0] for p in left)]), b"".join([*tail, *(p[1] for p in left), *thought])


def piece(message: Message, known: Forms) -> tuple[bytes, bytes]:
    """Return (exact, folded) bytes of one message of any kind. The folded ones leave reasoning out: the same answer
    reached by another way is no other answer."""
    role, text = message.role, message.text
    mark = _ROLES.get(role) or _OTHER_ROLE + (encode(role) if role else _json(message.raw_role)) + _OTHER_ROLE
    extra = _extra(message)
    thought = _EXTRA + b"r" + encode(message.reasoning) if message.reasoning else b""
    return mark + known.exact[text] + thought + extra, mark + (known.folded[text] if text else b"") + extra


def _extra(message: Message) -> bytes:
    """Return the bytes of what a message holds besides text."""
    strange = (
        message.kind == "other"
        or (not message.role and not message.text)
        or (message.kind == "absent" and not message.calls and message.reasoning is None)
    )
    if not message.calls and not message.parts and message.reasoning is None and not strange:
        return b"" if message.name is None else _name(message)
    found = [_name(message)]
    if strange:
        found.append(_EXTRA + b"o" + _json(message.raw))
    for part in message.parts:
        if part.kind == "text" or (part.kind == "reasoning" and message.reasoning):
            continue
        if part.kind == "tool_call" and message.calls:
            continue
        value = encode(part.text) if part.text else _json(part.raw)
        found.append(_EXTRA + b"p" + part.kind.encode() + _EXTRA + value)
    for call in message.calls:
        found.append(_EXTRA + b"c" + _json(call.name) + _EXTRA + _arguments(call.arguments))
    return b"".join(found)


def _name(message: Message) -> bytes:
    """Return the bytes of a speaker's name; a tool result needs none, its call says it."""
    if message.name is None or message.role in ("tool", "function"):
        return b""
    return _EXTRA + b"n" + _json(message.name)


def _arguments(value: Any) -> bytes:
    """Return the arguments of a call, the same whether written as JSON text or as an object."""
    if type(value) is str:
        try:
            value = msgspec.json.decode(value)
        except (msgspec.DecodeError, UnicodeError, RecursionError):
            return encode(value)
    return _json(value)


def context_bytes(record: Record) -> bytes:
    """Return the bytes of tools and of media that stand beside the messages; b"" for plain rows."""
    found = []
    if record.tools:
        found.append(_EXTRA + b"t" + _tools_bytes(record))
    elif record.tools_raw is not msgspec.UNSET and record.tools_raw not in (None, "", "[]", [], {}):
        found.append(_EXTRA + b"t" + _json(record.tools_raw))
    raw = record.raw
    if type(raw) is dict:
        found.extend(_EXTRA + b"m" + key.encode() + _json(raw[key]) for key in _MEDIA if raw.get(key))
    return b"".join(found)


_known_tools: dict[bytes, bytes] = {}


def _tools_bytes(record: Record) -> bytes:
    """Return the declared tools as canonical JSON, worked out once for rows that share them."""
    key = record.tools_key
    found = _known_tools.get(key) if key is not None else None
    if found is None:
        found = _json([[tool.name, tool.description, tool.parameters] for tool in record.tools])
        if key is not None:
            if len(_known_tools) >= 500:
                _known_tools.clear()
            _known_tools[key] = found
    return found


def _json(value: Any) -> bytes:
    """Return any value as canonical JSON, or as Python writes it where JSON cannot."""
    try:
        return msgspec.json.encode(value, order="deterministic")
    except (TypeError, ValueError, OverflowError, UnicodeError, RecursionError):
        try:
            return repr(value).encode("utf-8", "surrogatepass")
        except RecursionError:
            return b"too deep"
