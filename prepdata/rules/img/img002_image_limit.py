"""IMG002: images and videos beyond the bounds of the target."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, NamedTuple

from prepdata.findings import Hit, Severity, plural
from prepdata.record import Record
from prepdata.rules.base import SHAPE, RecordRule, Trigger
from prepdata.rules.img._image import Image, images_of, video_bytes
from prepdata.rules.targeting import value

MIB = 1 << 20


class Bounds(NamedTuple):
    """What one target (or, without one, common sense) takes. Bytes, pixels; None for no bound."""

    target: str
    most: int | None
    size: int | None
    side: int | None
    types: frozenset[str] | None
    transport: frozenset[str] | None
    videos: int | None = None
    video_size: int | None = None


_USUAL = Bounds("", 10, 10 * MIB, None, frozenset({"png", "jpeg", "webp", "gif"}), None)
"""Without a target: the tightest bounds of the larger providers, 10 images a row and 10 MiB an image (2026-08)."""


class ImageLimit(RecordRule):
    """Finds images and videos beyond the bounds of a target.

    Bounded are how many a row has, bytes, pixels, type, and how images are carried; of videos the number and the bytes.

    Why: the provider refuses the row or skips the image. Without a target the usual bounds give a warning.
    Bad:
        {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "file.tiff"}}]}]}
    Good:
        {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url":
         "https://example.org/a.png"}}]}]}
    Fix: none; scaling or converting a picture is not for this tool.
    Source: the `limits` and `accepts` of each target file, with their own sources and dates.
    """

    code: ClassVar[str] = "IMG002"
    name: ClassVar[str] = "image-limit"
    severity: ClassVar[Severity] = "error"
    trigger: ClassVar[Trigger] = SHAPE

    def setup(self) -> None:
        self.bounds = []
        for target in self.context.targets:
            limits, accepts = target.limits, target.accepts
            types, transport = value(accepts.image_types), value(accepts.image_transport)
            self.bounds.append(
                Bounds(
                    target.name,
                    value(limits.max_images_per_row),
                    value(limits.max_image_bytes),
                    value(limits.min_image_side),
                    _short(types) if types is not None else None,
                    frozenset(transport) if transport is not None else None,
                    value(limits.max_videos_per_row),
                    value(limits.max_video_bytes),
                )
            )

    def check(self, record: Record) -> Iterator[Hit]:
        found = images_of(record)
        films = [part for m in record.turns for part in m.parts if part.kind == "video"] if self.bounds else []
        if not found and not films:
            return
        for bounds in self.bounds or (_USUAL,):
            severity: Severity = "error" if bounds.target else "warning"
            targets = (bounds.target,) if bounds.target else ()
            who = bounds.target or "most providers"
            if bounds.most is not None and len(found) > bounds.most:
                take = "takes" if targets else "take"
                text = f"{plural(len(found), 'image')} in one row; {who} {take} at most {bounds.most}"
                yield Hit(text, None, severity=severity, targets=targets)
            for _, _, image in found:
                for text in _beyond(image, bounds):
                    yield Hit(f"{text} ({who})", image.path, severity=severity, targets=targets)
            if bounds.videos is not None and len(films) > bounds.videos:
                text = f"{plural(len(films), 'video')} in one row; {who} takes at most {bounds.videos}"
                yield Hit(text, None, severity=severity, targets=targets)
            for part in films if bounds.video_size is not None else ():
                size = video_bytes(part)
                if size > (bounds.video_size or 0):
                    text = f"a video of {size:,} bytes; at most {bounds.video_size:,} are taken ({who})"
                    yield Hit(text, part.path, severity=severity, targets=targets)


def _beyond(image: Image, bounds: Bounds) -> Iterator[str]:
    """Yield in what an image is beyond the bounds."""
    header, size = image.header, image.size
    if bounds.size is not None and size is not None and size > bounds.size:
        yield f"an image of {size:,} bytes; at most {bounds.size:,} are taken"
    if header is not None and header.width is not None and header.height is not None:
        least = min(header.width, header.height)
        if bounds.side is not None and 0 < least < bounds.side:
            yield f"an image of {header.width} x {header.height} pixels; a side needs at least {bounds.side}"
    kind = header.type if header is not None and header.type else image.declared
    if bounds.types is not None and kind and kind not in bounds.types and not _no_image(kind):
        yield f"an image of type {kind[:30]}; expected one of {', '.join(sorted(bounds.types))}"
    if bounds.transport is not None and image.transport != "none" and image.transport not in bounds.transport:
        yield f"an image carried as {image.transport}; expected {' or '.join(sorted(bounds.transport))}"


def _no_image(kind: str) -> bool:
    """Return True for bytes that IMG001 already says are no image."""
    return kind in ("pdf", "zip", "gzip", "html", "xml")


def _short(types: list[str]) -> frozenset[str]:
    """Return types of a target in short: `image/jpeg`, `JPG` and `jpeg` are one."""
    words = (word.lower().removeprefix("image/") for word in types)
    return frozenset("jpeg" if word == "jpg" else word for word in words)
