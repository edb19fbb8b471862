"""Applies edits to one row. Pure: a row and edits in, a new row out."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterable, Sequence
from typing import Any

from prepdata.findings import Edit
from prepdata.pointer import keys_of, step


class Unfit(Exception):
    """An edit does not fit the row it was made for."""


def apart(edits: Iterable[Edit]) -> list[Edit]:
    """Return those edits that do not touch one another's places, in an order in which they can be applied.

    The first edit of a place wins; what is left out comes up again when the changed row is checked again. Removals
    come last, later list items first, so that no index shifts under another edit.
    """
    taken: list[str] = []
    kept: list[Edit] = []
    for edit in edits:
        if edit.path and any(_touch(edit.path, other) for other in taken):
            continue
        taken.append(edit.path)
        kept.append(edit)
    return [e for e in kept if e.op != "remove"] + sorted(
        (e for e in kept if e.op == "remove"), key=lambda e: [_order(key) for key in keys_of(e.path)], reverse=True
    )


def _touch(one: str, other: str) -> bool:
    return one == other or one.startswith(other + "/") or other.startswith(one + "/")


def _order(key: str) -> tuple[int, str]:
    return (int(key), "") if key.isdigit() else (-1, key)


def apply(row: dict[str, Any], edits: Sequence[Edit]) -> dict[str, Any]:
    """Return a new row with the edits applied, in order.

    Raises:
        Unfit: a path of an edit is not in the row.
    """
    made: dict[str, Any] = copy.deepcopy(row)
    for edit in edits:
        keys = keys_of(edit.path)
        if not keys:
            if edit.op != "set" or not isinstance(edit.value, dict):
                raise Unfit(f"{edit.op} without a path")
            made = copy.deepcopy(edit.value)
            continue
        holder: Any = made
        for key in keys[:-1]:
            holder = _step(holder, key)
        if edit.op == "lift":
            made = _step(holder, keys[-1])
            if not isinstance(made, dict):
                raise Unfit(f"'{keys[-1]}' is no object")
            continue
        _change(holder, keys[-1], edit)
    return made


def _step(holder: Any, key: str) -> Any:
    try:
        return step(holder, key)
    except KeyError:
        raise Unfit(f"no '{key}' in the row") from None


def _change(holder: Any, key: str, edit: Edit) -> None:
    if edit.op == "set":
        if isinstance(holder, dict):
            holder[key] = edit.value
            return
        _step(holder, key)
        holder[int(key)] = edit.value
    elif edit.op == "remove":
        _step(holder, key)
        del holder[int(key) if isinstance(holder, list) else key]
    elif edit.op == "rename" and isinstance(holder, dict):
        if edit.value in holder or key not in holder:
            raise Unfit(f"cannot rename '{key}' to '{edit.value}'")
        items = [(edit.value if k == key else k, v) for k, v in holder.items()]
        holder.clear()
        holder.update(items)
    else:
        raise Unfit(f"cannot {edit.op} '{key}'")


def dump(row: Any, original: bytes) -> bytes:
    """Return a row as one line of JSON, in the style of the line it came from: spaces and escapes as there."""
    spaced = b'": ' in original
    escaped = original.isascii() and b"\\u" in original
    separators = (", ", ": ") if spaced else (",", ":")
    text = json.dumps(row, ensure_ascii=escaped, separators=separators, allow_nan=False)
    return text.encode("utf-8", "surrogatepass")
