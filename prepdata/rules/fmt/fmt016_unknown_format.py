"""FMT016: an object that is a row of no known record format."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from prepdata.chunk import Fact
from prepdata.findings import Edit, Fix, Hit, Severity, clip
from prepdata.record import escape
from prepdata.rules.base import FactRule

_VIEWER = frozenset({"features", "rows", "num_rows_total"})


class UnknownFormat(FactRule):
    """Finds objects that match no known record format: exports of a viewer, wrapped rows, misspelt keys.

    Why: no rule can look into such a row and no trainer will read it. Often the row itself is right and only wrapped,
    as in what a dataset viewer exports.
    Bad:
        {"row_idx": 0, "row": {"prompt": "Hi", "completion": "Hello."}, "truncated_cells": []}
    Good:
        {"prompt": "Hi", "completion": "Hello."}
    Fix: safe where the row is found under a wrapper's key with nothing but bookkeeping beside it (the row takes the
    place of the wrapper), or where misspelt keys make the difference and all others are known (they are renamed).
    Where other keys would be lost with the wrapper, or are unknown, it is unsafe; otherwise there is none.
    Source: answers of dataset-viewer services (`row_idx`, `row`, `truncated_cells`), read 2026-11; own experience.
    """

    code: ClassVar[str] = "FMT016"
    name: ClassVar[str] = "unknown-format"
    severity: ClassVar[Severity] = "error"
    fix = "safe"
    facts: ClassVar[tuple[str, ...]] = ("unknown-format",)

    def explain(self, fact: Fact) -> Iterator[Hit]:
        data = fact.data
        keys = [str(key) for key in data.get("keys", ())]
        shown = ", ".join(f"`{clip(key, 30)}`" for key in keys[:6]) + (", …" if len(keys) > 6 else "")
        if data.get("wrapped"):
            yield _wrapped(str(data["wrapped"]), list(data.get("beside", ())))
        elif data.get("renames"):
            yield _misspelt({str(k): str(v) for k, v in data["renames"].items()}, not data.get("strangers"))
        elif not keys:
            yield Hit("an empty object; take the line out, or write the row that was meant")
        elif set(keys) <= _VIEWER and "rows" in keys:
            yield Hit("an answer of a dataset viewer, with many rows inside `rows`; write each `row` in it as one line")
        else:
            yield Hit(
                f"no known record format has the keys {shown}; rename them, for example to `prompt` and `completion`, "
                "or name them in the setting `columns`"
            )


def _wrapped(key: str, beside: list[str]) -> Hit:
    """Return the finding of a row inside a wrapper."""
    lost = ", ".join(f"`{clip(str(k), 30)}`" for k in beside)
    text = f"the row is wrapped in `{clip(key, 30)}`, as an export writes it; take it out of the wrapper"
    if lost:
        text += f" (beside it stands {lost}, which the row itself does not hold)"
    fix = Fix(f"take the row out of '{clip(key, 30)}'", not beside, (Edit("lift", "/" + escape(key)),))
    return Hit(text, "/" + escape(key), fix=fix)


def _misspelt(renames: dict[str, str], sure: bool) -> Hit:
    """Return the finding of a row that other spellings of its keys would make known; not `sure` where it has more keys
    that no format knows, and so may be something else altogether."""
    said = ", ".join(f"`{clip(old, 30)}` was probably meant as `{new}`" for old, new in renames.items())
    edits = tuple(Edit("rename", "/" + escape(old), new) for old, new in renames.items())
    fix = Fix("rename the keys" if len(edits) > 1 else "rename the key", sure, edits)
    return Hit(f"no known record format has these keys: {said}; rename it", edits[0].path, fix=fix)
