"""Columns of digests: what every row of a chunk says, as 64-bit numbers, shared by all rules over many rows.

    digests = chunk.derived(columns.digests)

A digest (xxh3_64) does not depend on the row format: it covers canonical roles, texts, reasoning, calls, tools and
media, and leaves out ids of calls, key order, and row marks such as `id`.
"""

from __future__ import annotations

from array import array
from itertools import repeat
from operator import add, itemgetter
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
MEDIA_KEYS = frozenset(_MEDIA)
"""Keys of a row that hold media."""
_canonical = msgspec.json.Encoder(order="deterministic").encode
_decode = msgspec.json.Decoder().decode
_64_BITS = (1 << 64) - 1


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


Form = tuple[bytes, bytes]
"""A text as UTF-8, and folded."""


class Forms(NamedTuple):
    """The texts of the messages of a chunk in both forms, each worked out once.

    Args:
        known: by text.
        turns: of every turn of every record (`Record.turns`), in order.
    """

    known: dict[str, Form]
    turns: list[Form]


def forms(chunk: Chunk) -> Forms:
    """Return the texts of a chunk's messages in both forms. Use as `chunk.derived(forms)`."""
    return _forms(chunk.records)


def _forms(records: list[Record]) -> Forms:
    said = [m.text for r in records for m in (r.turns if r.chosen or r.rejected else r.messages)]
    known = dict.fromkeys(said, (b"", b""))
    texts = list(known)
    encoded = [encode(text) for text in texts]
    known.update(zip(texts, zip(encoded, fold_all(texts, encoded))))
    return Forms(known, [known[text] for text in said])


def digests(chunk: Chunk) -> Digests:
    """Return the digests of a chunk. Rows of plain texts with the same roles are worked out together."""
    return _digests(chunk, chunk.derived(forms))


def exact_digests(chunk: Chunk) -> array[int]:
    """Return `Digests.exact` of a chunk; nothing is folded for it."""
    found = chunk.known(digests)
    if found is not None:
        return found.exact
    said = [m.text for r in chunk.records for m in (r.turns if r.chosen or r.rejected else r.messages)]
    known = {text: (encoded := encode(text), encoded) for text in dict.fromkeys(said)}
    return _digests(chunk, Forms(known, [known[text] for text in said])).exact


def _digests(chunk: Chunk, texts: Forms) -> Digests:
    records, (known, turns), format = chunk.records, texts, chunk.format
    made = _Made(len(records))
    layouts: dict[Any, bytes] = {}
    alike: dict[bytes, list[tuple[int, int]]] = {}
    start = 0
    for place, record in enumerate(records):
        shape, many = record.shape, len(record.messages)
        marks = b""
        if shape is not None and not record.tools and record.format == format:
            try:
                marks = layouts[shape]
            except KeyError:
                marks = layouts[shape] = _layout(record)
        if marks and len(marks) == many:
            alike.setdefault(marks, []).append((place, start))
        else:
            _add(made, place, record, known)
            many += len(record.chosen) + len(record.rejected)
        start += many
    rows = array("I", [record.row for record in records])
    for marks, places in alike.items():
        _add_alike(made, places, marks, turns)
    made.beginnings.sort(key=itemgetter(0))
    return Digests(
        rows,
        array("Q", made.exact),
        array("Q", [(3 * p + a + t) & _64_BITS for p, a, t in zip(made.prompts, made.answers, made.tails)]),
        array("Q", made.prompts),
        array("Q", made.answers),
        array("Q", [number for _, number in made.beginnings]),
        array("I", [rows[place] for place, _ in made.beginnings]),
    )


class _Made:
    """Digests of the records of a chunk as they are worked out, in any order; `tails` of what is neither prompt nor
    answer, 0 where nothing is."""

    def __init__(self, records: int) -> None:
        self.exact, self.prompts, self.answers, self.tails = ([0] * records for _ in range(4))
        self.beginnings: list[tuple[int, int]] = []


def _layout(record: Record) -> bytes:
    """Return the marks of the roles of a row of plain texts that ends in an answer, and so of all rows of its shape;
    b"" for any other row."""
    messages, raw = record.messages, record.raw
    if record.chosen or record.rejected or record.label is not None or not messages:
        return b""
    if messages[-1].role != "assistant" or (len(raw) > 1 and not MEDIA_KEYS.isdisjoint(raw)):
        return b""
    if any(m.role not in _ROLES or m.kind != "text" or m.weight is not None or m.reasoning for m in messages):
        return b""
    return b"".join([_ROLES[message.role] for message in messages])


def _add_alike(made: _Made, places: list[tuple[int, int]], marks: bytes, turns: list[Form]) -> None:
    """Add the digests of rows of plain texts.

    Args:
        made: where to.
        places: place and first turn of each of the rows.
        marks: the marks of the roles, one byte a turn, the same for all the rows.
        turns: the turns of the whole chunk.
    """
    many = len(marks)
    both = [form for _, start in places for form in turns[start : start + many]]
    exact, folded = [form[0] for form in both], [form[1] for form in both]
    roles = [marks[i : i + 1] for i in range(many)]
    said = [part for i in range(many) for part in (repeat(roles[i]), exact[i::many])]
    asked = [part for i in range(many - 1) for part in (repeat(roles[i]), folded[i::many])]
    rows = map(b"".join, zip(*said[:-2], repeat(SECTION), *said[-2:]))
    prompts = map(b"".join, zip(repeat(b"", len(places)), *asked))
    answers = map(roles[-1].__add__, folded[many - 1 :: many])
    numbers = (map(xxh3_64_intdigest, column) for column in (rows, prompts, answers))
    for (place, _), row, prompt, answer in zip(places, *numbers):
        made.exact[place], made.prompts[place], made.answers[place] = row, prompt, answer
    ends = [i for i in range(1, many - 1) if roles[i] == _ROLES["assistant"]]
    if ends:
        for i, (place, _) in enumerate(places):
            pieces = list(map(add, roles, exact[i * many : (i + 1) * many]))
            made.beginnings += [(place, number) for number in _beginnings(pieces, ends, b"")]


def _add(made: _Made, place: int, record: Record, known: dict[str, Form]) -> None:
    """Add the digests of any row."""
    before, after, tail, folded_tail = _pieces(record, known)
    pieces = [p[0] for p in before]
    made.exact[place] = xxh3_64_intdigest(b"".join([*pieces, SECTION, *[p[0] for p in after], tail]))
    made.prompts[place] = xxh3_64_intdigest(b"".join([p[1] for p in before]))
    made.answers[place] = xxh3_64_intdigest(b"".join([p[1] for p in after]))
    made.tails[place] = xxh3_64_intdigest(folded_tail) if folded_tail else 0
    messages = record.messages
    if len(messages) > 3 and not record.preference:
        answers = [i for i, message in enumerate(messages) if message.role == "assistant"]
        if answers:
            last = answers.pop()
            found = _beginnings(pieces, [i for i in answers if i], b"".join(pieces[last:]))
            made.beginnings += [(place, number) for number in found]


def _beginnings(pieces: list[bytes], ends: list[int], context: bytes) -> list[int]:
    """Return the exact digest of every proper beginning that ends in an answer, as that of a row which is just that.

    Args:
        pieces: bytes of the messages.
        ends: numbers of the messages that are such answers.
        context: bytes of what stands beside the messages (tools, media).
    """
    found: list[int] = []
    running, done = xxh3_64(), 0
    for end in ends:
        running.update(b"".join(pieces[done:end]))
        row = running.copy()
        row.update(b"".join([context, SECTION, pieces[end]]))
        found.append(row.intdigest())
        done = end
    return found


def digest(record: Record) -> int:
    """Return the exact digest of one record (the same number as in `Digests.exact`)."""
    before, after, tail, _ = _pieces(record, _forms([record]).known)
    return xxh3_64_intdigest(b"".join([p[0] for p in before]) + SECTION + b"".join([p[0] for p in after]) + tail)


Pieces = list[Form]
"""(exact, folded) bytes of messages."""


def _pieces(record: Record, known: dict[str, Form]) -> tuple[Pieces, Pieces, bytes, bytes]:
    """Return the bytes of the prompt, of the answer, and (exact, folded) of what belongs to neither."""
    prompt, answer = record.split()
    before, after = [piece(m, known) for m in prompt], [piece(m, known) for m in answer]
    context = context_bytes(record)
    if context:
        before.append((context, context))
    tail: list[bytes] = []
    thought: list[bytes] = []
    for i, m in enumerate(record.turns):
        if m.weight is not None and m.weight != 1:
            tail.append(_EXTRA + b"w" + _json([i, m.weight]))
        if m.reasoning:
            thought.append(_EXTRA + b"r%d" % i + fold(m.reasoning))
    if record.label is not None:
        tail.append(_EXTRA + (b"l1" if record.label else b"l0"))
    rest = record.rejected if record.preference else record.messages[len(prompt) + len(answer) :]
    if not (rest or tail or thought or record.preference):
        return before, after, b"", b""
    left = [piece(m, known) for m in rest]
    if rest or record.preference:
        left.insert(0, (SECTION, SECTION))
    return before, after, b"".join([*tail, *(p[0] for p in left)]), b"".join([*tail, *(p[1] for p in left), *thought])


def piece(message: Message, known: dict[str, Form]) -> Form:
    """Return (exact, folded) bytes of one message of any kind. The folded ones leave reasoning out: the same answer
    reached by another way is no other answer."""
    role, text = message.role, message.text
    mark = _ROLES.get(role) or _OTHER_ROLE + (encode(role) if role else _json(message.raw_role)) + _OTHER_ROLE
    exact, folded = known[text]
    extra = _extra(message)
    if not extra and not message.reasoning and text:
        return mark + exact, mark + folded
    thought = _EXTRA + b"r" + encode(message.reasoning) if message.reasoning else b""
    return mark + exact + thought + extra, mark + (folded if text else b"") + extra


def _extra(message: Message) -> bytes:
    """Return the bytes of what a message holds besides text."""
    found = [_name(message)]
    if message.kind == "text" and message.text and not message.parts and not message.calls:
        return found[0]
    if (
        message.kind == "other"
        or (not message.role and not message.text)
        or (message.kind == "absent" and not message.calls and message.reasoning is None)
    ):
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
            value = _decode(value)
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
    if type(raw) is dict and not MEDIA_KEYS.isdisjoint(raw):
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
        return _canonical(value)
    except (TypeError, ValueError, OverflowError, UnicodeError, RecursionError):
        try:
            return repr(value).encode("utf-8", "surrogatepass")
        except RecursionError:
            return b"too deep"
