"""What a row asks, as 64-bit keys: equal keys for rows that ask the same but for case, punctuation and white space.

A question is the whole prompt without system prompts, or one turn of a user. Images and other media that it shows
belong to it: the same words about another picture ask something else.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from xxhash import xxh3_64_intdigest

from prepdata.index.words import alone
from prepdata.record import Record
from prepdata.text.fold import EDGE, closing, encode, fold, fold_all, opening

FEWEST = 5
"""Words of a turn below which it says too little to be told from others of its kind; whole prompts count always."""
WHOLE = -1
"""Stands for the number of the turn where the whole prompt is meant."""
_SILENT = ("system", "developer")
_BESIDE = {"image": ("images", "image"), "video": ("videos", "video"), "audio": ("audios", "audio")}
_BESIDE_KEYS = frozenset(key for keys in _BESIDE.values() for key in keys)
_SHOWN = frozenset({"image", "video", "audio", "file"})
_HOW = frozenset({"type", "detail", "media_type", "mime_type", "mimeType", "format", "cache_control", "title"})
"""Keys of a medium that say how it is written or shown, not which one it is."""
_DATA = frozenset({"data", "bytes", "base64", "file_data"})
_OPTION = re.compile(r"^[ \t]*\(?([A-Ha-h1-8])[).:\]][ \t]*\S.*$", re.M)
_LETTERS = frozenset("ABCDEFGH"[:number] for number in range(2, 9))
_DIGITS = frozenset("12345678"[:number] for number in range(2, 9))


class Question(NamedTuple):
    """Something that a row asks.

    Args:
        turn: number of the message, `WHOLE` for the whole prompt.
        said: (role, text) of what is asked; without choices, and with them, are two questions.
        media: key of what each of these shows (`media_of`), 0 for nothing.
    """

    turn: int
    said: tuple[tuple[str, str], ...]
    media: tuple[int, ...]


class Wanted(NamedTuple):
    """Which questions are of interest, as far as a quick look can tell.

    Args:
        roles: `roles_of` the prompts of several turns.
        edges: (`opening`, `closing`) of the texts of single turns.
        openings: the first of each; short: how many letters those of fewer than `EDGE` have.
    """

    roles: frozenset[int]
    edges: frozenset[tuple[bytes, bytes]]
    openings: frozenset[bytes]
    short: tuple[int, ...]

    @classmethod
    def of(cls, roles: Iterable[int], edges: Iterable[tuple[bytes, bytes]]) -> Wanted:
        """Return what looks like some questions."""
        listed = frozenset(edges)
        openings = frozenset(first for first, _ in listed)
        return cls(frozenset(roles), listed, openings, tuple({len(first) for first in openings} - {EDGE}))

    def begun(self, text: str) -> bool:
        """True if a turn, or the same without its choices, may be one of the wanted."""
        found = opening(text)
        return found in self.openings or any(found[:length] in self.openings for length in self.short)

    def may_be(self, text: str) -> bool:
        """True if a text may be one of the wanted."""
        return (opening(text), closing(text)) in self.edges


def questions(record: Record, wanted: Wanted | None = None) -> Iterator[Question]:
    """Yield what a row asks: its whole prompt, and each turn of a user that says enough; a text with choices twice.

    Args:
        record: the row.
        wanted: if given, most of the questions that are none of these are left out.
    """
    prompt = record.split()[0]
    whole = [number for number, message in enumerate(prompt) if message.role not in _SILENT]
    media: dict[int, int] | None = None  # looked for where something is asked
    if len(whole) > 1 and (wanted is None or roles_of([prompt[n].role for n in whole]) in wanted.roles):
        media = media_of(record)
        said = tuple((prompt[number].role, prompt[number].text) for number in whole)
        yield Question(WHOLE, said, tuple(media.get(number, 0) for number in whole))
    alone_at = whole[0] if len(whole) == 1 else -1
    for number, message in enumerate(record.messages):
        text = message.text
        if message.role != "user" or not text or not (wanted is None or wanted.begun(text)):
            continue
        if number != alone_at and not says_enough(text):
            continue
        bare = stem(text)
        for asked in (text,) if bare == text else (text, bare):
            if wanted is None or wanted.may_be(asked):
                media = media_of(record) if media is None else media
                turn = WHOLE if number == alone_at else number
                yield Question(turn, (("user", asked),), (media.get(number, 0),))


def roles_of(roles: Iterable[str]) -> int:
    """Return what stands for the roles of a prompt of several turns, 64 bits."""
    return xxh3_64_intdigest(encode(" ".join(roles)))


def keys_of(asked: Sequence[Question], known: Mapping[str, tuple[bytes, bytes]] | None = None) -> list[int]:
    """Return the key of each question (as `prompt_key`); their texts are folded together.

    Args:
        asked: the questions.
        known: texts that were folded before: as UTF-8, and folded.
    """
    held = known or {}
    texts = list(dict.fromkeys(text for question in asked for _, text in question.said if text not in held))
    folded = dict(zip(texts, fold_all(texts, [encode(text) for text in texts])))
    for question in asked if held else ():
        for _, text in question.said:
            if text not in folded:
                folded[text] = held[text][1]
    return [
        _key([(role, folded[text], shown) for (role, text), shown in zip(question.said, question.media)])
        for question in asked
    ]


def prompt_key(turns: Sequence[tuple[str, str]], media: Sequence[int] = ()) -> int:
    """Return the key of a whole prompt. A prompt of one turn has the key of that turn.

    Args:
        turns: (role, text) of its turns without system prompts.
        media: key of what each shows, 0 for nothing; () where none shows anything.
    """
    shown = media or (0,) * len(turns)
    return _key([(role, fold(text), key) for (role, text), key in zip(turns, shown)])


def turn_key(text: str, media: int = 0) -> int:
    """Return the key of one turn of a user: equal for texts that fold to the same and show the same."""
    return prompt_key([("user", text)], (media,))


def _key(turns: Sequence[tuple[str, bytes, int]]) -> int:
    """Return the key of some turns: role, folded text, key of the media. 0xFF and 0xFE stand in no folded text's
    inside, so no two prompts are laid out alike."""
    if len(turns) == 1:
        _, folded, shown = turns[0]
        return xxh3_64_intdigest(folded + b"\xff" + shown.to_bytes(8, "little") if shown else folded)
    return xxh3_64_intdigest(
        b"\xff".join(
            role.encode("utf-8", "surrogatepass") + b"\xfe" + folded + (shown.to_bytes(8, "little") if shown else b"")
            for role, folded, shown in turns
        )
    )


def group_key(value: object) -> int:
    """Return the key of a group or source id."""
    return xxh3_64_intdigest(str(value).encode("utf-8", "replace"))


def says_enough(text: str) -> bool:
    """True if a turn has `FEWEST` words; of scripts without spaces, in which a word has about two signs, so many."""
    if len(text.split(None, FEWEST)) >= FEWEST:
        return True
    return not text.isascii() and len(alone(text)) >= 2 * FEWEST


def stem(text: str) -> str:
    """Return a question without its choices: two lines or more that begin with A, B and so on, or behind a question
    mark with 1, 2 and so on, at the end of a text of which something is left then. Other lists are mostly what the
    question is about."""
    if "\n" not in text:
        return text
    found = list(_OPTION.finditer(text))
    marks = "".join(match[1] for match in found).upper()
    if marks not in _LETTERS and not (marks in _DIGITS and text[: found[0].start()].rstrip().endswith(("?", "？"))):
        return text
    begins = text[: found[0].start()].strip()
    left = _OPTION.sub("", text[found[0].start() :])
    return begins if len(begins.split()) >= FEWEST and len(left.split()) <= 12 else text


# --- media -----------------------------------------------------------------------------------------------------------


def media_of(record: Record) -> dict[int, int]:
    """Return which turns of a row show media: number of the message -> key of the kinds and of where they are (an
    address, or a digest of the data). Media that stand beside the messages belong to the turns that have `<image>` and
    the like for them; what is left of them belongs to the first turn of the user."""
    raw = record.raw
    beside: dict[str, list[bytes]] = {}
    if type(raw) is dict and not _BESIDE_KEYS.isdisjoint(raw):
        beside = _media_beside(raw)
    elif record.shape is not None or not any(message.parts for message in record.messages):
        return {}
    shown: dict[int, list[tuple[str, bytes]]] = {}
    first = 0
    for number, message in reversed(list(enumerate(record.messages))):
        first = number if message.role == "user" else first
    for number, message in enumerate(record.messages):
        places: list[str] = [p.kind for p in message.parts if p.kind in _SHOWN and not _identity(p.raw)]
        places += [kind for kind in beside for _ in range(message.text.count(f"<{kind}>"))]
        own: list[tuple[str, bytes]] = [
            (p.kind, found) for p in message.parts if p.kind in _SHOWN and (found := _identity(p.raw))
        ]
        own += [(kind, beside[kind].pop(0)) for kind in places if beside.get(kind)]
        if own:
            shown[number] = own
    left = [(kind, found) for kind, listed in beside.items() for found in listed]
    if left:
        shown[first] = shown.get(first, []) + left
    return {number: _media_key(listed) for number, listed in shown.items()}


def media_beside(raw: dict[str, Any]) -> int:
    """Return the key of the media that stand beside the text of a row (as `media_of` a row of one turn), 0 for none."""
    found = [(kind, medium) for kind, listed in _media_beside(raw).items() for medium in listed]
    return _media_key(found) if found else 0


def _media_beside(raw: dict[str, Any]) -> dict[str, list[bytes]]:
    found: dict[str, list[bytes]] = {}
    for kind, keys in _BESIDE.items():
        values = [raw[key] for key in keys if raw.get(key)]
        listed = [item for value in values for item in (value if type(value) is list else [value])]
        found[kind] = [medium for item in listed if (medium := _identity(item))]
    return found


def _media_key(shown: list[tuple[str, bytes]]) -> int:
    laid = b"\xff".join(kind.encode() + b"\xfe" + medium for kind, medium in sorted(shown, key=lambda pair: pair[0]))
    return xxh3_64_intdigest(laid) or 1


def _identity(value: Any) -> bytes:
    """Return what tells a medium from others: its data if it is there, else its address, path or id; b"" if neither
    is."""
    data: list[str] = []
    where: list[str] = []
    left: list[tuple[str, Any]] = [("", value)]
    while left:
        key, item = left.pop()
        if type(item) is dict:
            left += [(name, inner) for name, inner in item.items() if name not in _HOW]
        elif type(item) is list:
            left += [(key, inner) for inner in item]
        elif type(item) is str and item:
            if item.startswith("data:") and "," in item[:1000]:
                data.append(item.partition(",")[2])
            else:
                (data if key in _DATA else where).append(item)
    return b"\xff".join(b"%016x" % xxh3_64_intdigest(encode(said)) for said in sorted(data or where))
