"""Passages as fields of a row say them, and as tools return them."""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec

from prepdata.record import escape
from prepdata.text import _passage_words as words
from prepdata.text._passage import Block, Passage, named, size

LEAST = 20
"""Characters below which the text of a field or of a tool's result is no passage."""
MOST = 1000
"""Passages of a row that are read."""
_KEYS = frozenset(words.LISTS)
_HOLDERS = ("metadata", "meta")


class Fields(NamedTuple):
    """What the fields of a row say. `gold` as in `prepdata.text.passages.Context`."""

    passages: tuple[Passage, ...]
    apart: bool
    gold: frozenset[int] | None


def may_hold(raw: dict[str, Any]) -> bool:
    """True if rows with the keys of this one may hold passages in their fields, or in `metadata` or `meta`."""
    return not (_KEYS.isdisjoint(raw) and raw.keys().isdisjoint(_HOLDERS))


def holds(raw: dict[str, Any]) -> bool:
    """True if a row has a field for passages, itself or in `metadata` or `meta`."""
    return not _KEYS.isdisjoint(raw) or any(
        type(raw.get(key)) is dict and not _KEYS.isdisjoint(raw[key]) for key in _HOLDERS
    )


def read(raw: dict[str, Any], others: tuple[Passage, ...] = ()) -> Fields | None:
    """Return what the fields of a row say about its passages, None if nothing. `others` are those of its texts: they
    are meant where a field names a true one and none holds passages."""
    passages: list[Passage] = []
    apart, true = True, None
    holders = [(raw, "")] + [(raw[key], f"/{key}") for key in _HOLDERS if type(raw.get(key)) is dict]
    for holder, base in holders:
        for key in words.LISTS:
            value = holder.get(key)
            if not passages and value:
                block, true = _passages(value, f"{base}/{escape(key)}")
                passages, apart = list(block.passages), block.apart
    gold = next((said for holder, _ in holders if (said := _gold(holder, passages or list(others))) is not None), None)
    if gold is None and true is not None:
        gold = true
    if not passages and gold is None:
        return None
    return Fields(tuple(passages), apart, gold)


def _passages(value: Any, path: str) -> tuple[Block, frozenset[int] | None]:
    """Return the passages of a field and the places of those that are marked as true, None where none can be."""
    if type(value) is str:
        from prepdata.text import _written_passages as written

        block = written.read(value, path) or _whole(value, path)
        return block or Block((), True), None
    if type(value) is dict:
        value = _rows_of_columns(value)
    if type(value) is not list:
        return Block((), True), None
    found: list[Passage] = []
    true: set[int] = set()
    marked = False
    for number, item in enumerate(value[:MOST]):
        passage = _one(item, f"{path}/{number}")
        if passage is None:
            continue
        if type(item) is dict:
            said = [item[key] for key in words.TRUE if type(item.get(key)) in (bool, int)]
            marked = marked or bool(said)
            if any(said):
                true.add(len(found))
        found.append(passage)
    return Block(tuple(found), True), frozenset(true) if marked else None


def _whole(text: str, path: str) -> Block | None:
    """Return a text as one passage; blank lines in it may part several."""

    stripped = text.strip()
    return Block((Passage("", stripped, path),), "\n\n" not in stripped) if size(stripped) >= LEAST else None


def _rows_of_columns(value: dict[str, Any]) -> list[Any]:
    """Return `{"passage_text": [...], "is_selected": [...]}` as a list of objects, one object as a list of it."""
    columns = {key: held for key, held in value.items() if type(held) is list}
    if not columns:
        return [value]
    if any(len(held) == 1 and type(held[0]) is list for held in columns.values()):  # RAFT has them in lists of one
        columns = {key: held[0] for key, held in columns.items() if type(held[0]) is list}
    length = min(max([len(held) for key, held in columns.items() if key in words.TEXT], default=0), MOST)
    return [{key: held[number] for key, held in columns.items() if number < len(held)} for number in range(length)]


def _one(item: Any, path: str) -> Passage | None:
    if type(item) is str:
        return Passage("", item, path) if item.strip() else None
    if type(item) is not dict:
        return None
    key = next((key for key in words.TEXT if item.get(key) and _text(item[key]) is not None), None)
    id = next((str(item[k]) for k in words.ID if type(item.get(k)) in (str, int)), "")
    inner = item.get("metadata")
    holders = [item, inner] if type(inner) is dict else [item]
    names = tuple(held[k] for held in holders for k in words.NAME if type(held.get(k)) is str and held[k])
    if key is None:
        return Passage(id, "", path, names) if id or names else None
    return Passage(id, _text(item[key]) or "", f"{path}/{escape(key)}", names)


def _text(value: Any) -> str | None:
    if type(value) is str:
        return value
    if type(value) is list and value and all(type(part) is str for part in value):
        return " ".join(value)
    return None


def _gold(raw: dict[str, Any], passages: list[Passage]) -> frozenset[int] | None:
    """Return the places of the true passages as a row names them; None where it names none, or none that is there."""
    for key in (*words.ANSWERABLE, *words.UNANSWERABLE):
        said = raw.get(key)
        if type(said) in (bool, int) and bool(said) is (key in words.UNANSWERABLE):
            return frozenset()
    answers = raw.get("answers")
    if type(answers) is dict and answers.get("text") == [] and "answer_start" in answers:  # SQuAD 2.0
        return frozenset()
    for key in words.GOLD_INDEX:
        said = raw.get(key)
        if type(said) is int and -1 <= said < max(len(passages), 1):
            return frozenset((said,) if said >= 0 and passages else ())
    for key in words.GOLD:
        said = raw.get(key)
        if said is None:
            continue
        listed = said if type(said) is list else [said]
        if not listed:
            return frozenset()
        wanted = {str(item).strip().lower() for item in listed if type(item) in (str, int)}
        texts = {item.strip() for item in listed if type(item) is str}
        found = [
            place
            for place, passage in enumerate(passages)
            if wanted & (named(passage) or {str(place + 1)}) or (passage.text and passage.text.strip() in texts)
        ]
        if found:
            return frozenset(found)
        if key == "oracle_context" and passages:
            return frozenset()
    return None


def of_prompt(text: str, path: str) -> Block | None:
    """Return the passages of a prompt that is JSON with a key for them: `{"context": ..., "question": ...}`."""
    if text[:1] != "{" or text[-1:] != "}":
        return None
    try:
        value = msgspec.json.decode(text)
    except (msgspec.DecodeError, ValueError, RecursionError):
        return None
    key = next((key for key in words.LISTS if value.get(key)), None) if type(value) is dict else None
    block = _passages(value[key], "")[0] if key is not None and len(value) > 1 else None
    if block is None or not any(size(one.text) >= LEAST for one in block.passages):
        return None
    return Block(tuple(one._replace(path=path) for one in block.passages), block.apart)


def of_result(text: str, path: str) -> Block | None:
    """Return the passages of what a retrieving tool returned: a list of texts or objects, written passages, or all."""
    from prepdata.text import _written_passages as written

    if text[:1] in ("[", "{"):
        try:
            value = msgspec.json.decode(text)
        except (msgspec.DecodeError, ValueError, RecursionError):
            value = None
        if type(value) is dict:
            value = next((value[key] for key in (*words.LISTS, "results") if type(value.get(key)) is list), None)
        if type(value) is list:
            found = [one._replace(path=path) for item in value[:MOST] if (one := _one(item, "")) is not None]
            return Block(tuple(found), True) if found and any(size(one.text) >= LEAST for one in found) else None
    return written.read(text, path) or _whole(text, path)
