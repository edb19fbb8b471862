"""Contents in parts that say for each part whether it is trained, as Axolotl reads them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from prepdata.render.renderer import Renderer
from prepdata.render.template import Rendered
from prepdata.training.base import RunEnds


class Detail(NamedTuple):
    """A stretch of a content: its first and its last character, and whether it is trained."""

    first: int
    last: int
    trained: bool


def joined(parts: Sequence[Any]) -> tuple[str, tuple[Detail, ...] | None, int]:
    """Return the text of a content in parts, its stretches (None if no part says whether it is trained), and how many
    parts have no text.

    Raises:
        RunEnds: what should be a text is none.
    """
    texts: list[str] = []
    details: list[Detail] = []
    said, at = False, 0
    for part in parts:
        if not isinstance(part, dict):
            continue
        text = part.get("text") or part.get("content") or part.get("value") or ""
        if not isinstance(text, str):
            raise RunEnds("the text of a part is no text")
        train, weight = part.get("train"), part.get("weight")
        said = said or train is not None or weight is not None
        wanted = bool(train) if train is not None else weight is None or weight not in (0, 0.0)
        if text:
            details.append(Detail(at, at + len(text) - 1, wanted))
            texts.append(text)
            at += len(text)
    return "".join(texts), tuple(details) if said else None, len(parts) - len(texts)


def trained_tokens(renderer: Renderer, content: str, details: Sequence[Detail]) -> list[int]:
    """Return the numbers of the tokens of a content that are trained, in the content tokenised by itself.

    Each stretch is widened to whole tokens, so a token that two stretches share is trained if one of them is.
    """
    offsets = renderer.encode(Rendered(content)).offsets
    starts = [start for start, _ in offsets]
    ends = [start - 1 for start in starts[1:]] + [len(content) - 1]
    size = len(starts)
    found: set[int] = set()
    for detail in details:
        if not detail.trained or not size:
            continue
        first = next((at for at in range(size) if starts[at] >= detail.first), size)
        if first > 0 and ends[first - 1] > detail.first:
            first -= 1
        last = next((at for at in reversed(range(size)) if ends[at] <= detail.last), -1)
        if last < size - 1 and starts[last + 1] < detail.last:
            last += 1
        if first <= last:
            found.update(at for at in range(size) if starts[at] >= starts[first] and ends[at] <= ends[last])
    return sorted(found)
