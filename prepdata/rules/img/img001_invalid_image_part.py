"""IMG001: a media part of unknown shape, or whose bytes are not what it says."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

from prepdata.errors import nearest
from prepdata.findings import Hit, Severity, clip
from prepdata.record import Part, Record
from prepdata.rules.base import SHAPE, RecordRule, Trigger
from prepdata.rules.img._image import check_base64, images_of

_TYPES = ("text", "image_url", "image", "input_audio", "audio", "video", "file", "refusal")


class InvalidImagePart(RecordRule):
    """Finds media parts of unknown shape, base64 that does not decode, and bytes that are not of the declared type.

    Why: the provider refuses the row, or skips the image without a word, and the answer is then learnt without it.
    Nothing is fetched and no pixel decoded: bytes in the row are looked at, addresses only read.
    Bad:
        {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url":
         "data:image/png;base64,!"}}]}]}
    Good:
        {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url":
         "https://example.org/a.png"}}]}]}
    Fix: none; the image itself has to be looked at.
    Source: OpenAI vision fine-tuning guide (2026-08); RFC 2397 (data addresses), RFC 4648 (base64).
    """

    code: ClassVar[str] = "IMG001"
    name: ClassVar[str] = "invalid-image-part"
    severity: ClassVar[Severity] = "error"
    trigger: ClassVar[Trigger] = SHAPE

    def check(self, record: Record) -> Iterator[Hit]:
        for message in record.turns:
            for part in message.parts:
                if part.kind == "other":
                    text = _unknown(part.raw)
                elif part.kind == "audio":
                    text = _audio(part)
                else:
                    continue
                if text:
                    yield Hit(text, part.path)
        for _, _, image in images_of(record):
            if image.problem:
                yield Hit(f"{image.problem}", image.path)


def _unknown(raw: Any) -> str | None:
    """Return what is wrong with a part of no known kind; None where content rules speak of it."""
    if type(raw) is not dict:
        return None
    kind = raw.get("type")
    if type(kind) is str:
        hint = nearest(kind, _TYPES) if len(kind) < 40 else ""
        return f"a part of unknown type '{clip(kind, 40)}'.{hint} Known: {', '.join(_TYPES)}"
    keys = ", ".join(f"`{clip(str(key), 20)}`" for key in list(raw)[:5]) or "none"
    return f"a part without a `type` (its keys: {keys}); expected one of {', '.join(_TYPES)}"


def _audio(part: Part) -> str | None:
    """Return what is wrong with the bytes of an `input_audio` part."""
    inner = part.raw.get("input_audio") if type(part.raw) is dict else None
    if inner is None:
        return None
    data = inner.get("data") if type(inner) is dict else None
    if type(data) is not str or not data:
        return "an audio part without `data`; expected base64 text"
    return (check_base64(data) or "").replace("image", "audio") or None
