"""One image of a row in one shape: how it is carried, its declared and true type, its size."""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterator
from typing import Any, Literal, NamedTuple

from prepdata.findings import clip
from prepdata.record import Message, Part, Record
from prepdata.rules.img._header import Header, read_header

Transport = Literal["url", "base64", "s3", "gcs", "path", "none"]

HEAD = 87_384
"""Characters of base64 that are decoded to read the header: 64 KiB of the file."""
STEP = 1 << 20
"""Characters of base64 checked at a time (a multiple of 4)."""
MOST = 64 << 20
"""Characters of base64 checked at all; of longer data the rest is taken on trust."""

_DATA = re.compile(r"data:(?P<type>[A-Za-z0-9.+-]{1,40}/[A-Za-z0-9.+-]{1,60})?(?P<more>(?:;[^;,]{1,100}){0,5}),")
_SAME = {"jpg": "jpeg", "pjpeg": "jpeg", "x-png": "png", "svg+xml": "svg", "x-icon": "icon"}


class Image(NamedTuple):
    """One image.

    Args:
        path: JSON pointer of the part, or of the value that holds the image.
        transport: how it is carried; `none` where there is only a placeholder or nothing.
        declared: declared type (`png`, `jpeg`, ...), "" where none is declared.
        header: what its bytes say, None where they are not in the row.
        size: bytes of the image, None where they are not in the row.
        problem: what is wrong with it, None if nothing is.
    """

    path: str
    transport: Transport
    declared: str = ""
    header: Header | None = None
    size: int | None = None
    problem: str | None = None


def images(record: Record) -> Iterator[tuple[Message, Part, Image]]:
    """Yield every image part of a row with its message."""
    for message in record.turns:
        for part in message.parts:
            if part.kind == "image":
                yield message, part, read_image(part)


_last: tuple[Record | None, list[tuple[Message, Part, Image]]] = (None, [])


def images_of(record: Record) -> list[tuple[Message, Part, Image]]:
    """Return the images of a row; worked out once for the rules that ask one after another."""
    global _last
    known, found = _last
    if known is not record:
        found = list(images(record)) if any(m.parts for m in record.turns) else []
        _last = (record, found)
    return found


def read_image(part: Part) -> Image:
    """Return the image of a part, in whatever of the known shapes it is written."""
    raw, path = part.raw, part.path
    if type(raw) is not dict:
        return Image(path, "none", problem="this part is no object")
    for key in ("image_url", "image", "input_image"):
        if key in raw:
            return _held(raw[key], f"{path}/{key}", raw)
    for key in ("inlineData", "inline_data"):
        if type(raw.get(key)) is dict:
            inner = raw[key]
            return _base64(inner.get("data"), f"{path}/{key}", inner.get("mimeType") or inner.get("mime_type"))
    for key in ("fileData", "file_data"):
        if type(raw.get(key)) is dict:
            inner = raw[key]
            kind = inner.get("mimeType") or inner.get("mime_type")
            return _address(inner.get("fileUri") or inner.get("file_uri"), f"{path}/{key}", kind)
    if "source" in raw:
        return _source(raw["source"], f"{path}/source", raw.get("format"))
    for key in ("url", "path", "value", "base64", "data"):
        if key in raw:
            kind = raw.get("mime_type") or raw.get("media_type")
            read = _base64 if key in ("base64", "data") else _address
            return read(raw[key], f"{path}/{key}", kind)
    if raw.get("type") == "image" and set(raw) <= {"type", "text", "cache_control"}:
        return Image(path, "none")  # a placeholder: the picture stands in a column of its own
    return Image(path, "none", problem=f"an image part without an image; its keys are {_keys(raw)}")


def video_bytes(part: Part) -> int:
    """Return the bytes of a video that stands in the row itself as base64, 0 where it is carried otherwise."""
    raw = part.raw if type(part.raw) is dict else {}
    held = raw["video"] if type(raw.get("video")) is dict else raw
    source = held["source"] if type(held.get("source")) is dict else held
    data = next((source[key] for key in ("bytes", "data") if type(source.get(key)) is str), "")
    return len(data) * 3 // 4 - data[-2:].count("=")


def _held(found: Any, path: str, raw: dict[str, Any]) -> Image:
    """Return the image under `image_url` or `image`: an address, or an object around one."""
    if type(found) is str:
        if path.endswith("/image_url") and not found:
            return Image(path, "none", problem="`image_url` is empty; expected an object with a `url`")
        return _address(found, path, None)
    if type(found) is not dict:
        key = path.rpartition("/")[2]
        return Image(path, "none", problem=f"`{key}` is {_kind(found)}, expected an object with a `url`")
    if "source" in found:
        return _source(found["source"], f"{path}/source", found.get("format"))
    for key in ("url", "path"):
        if found.get(key) is not None:
            return _address(found[key], f"{path}/{key}", None)
    if found.get("bytes") is not None:
        return _base64(found["bytes"], f"{path}/bytes", None) if type(found["bytes"]) is str else Image(path, "path")
    return Image(path, "none", problem=f"an image without a `url`; found the keys {_keys(found)}")


def _source(found: Any, path: str, kind: Any) -> Image:
    """Return the image under `source`: `bytes`, an S3 place, or `type` with `data` or `url`."""
    if type(found) is not dict:
        return Image(path, "none", problem=f"`source` is {_kind(found)}, expected an object")
    declared = found.get("media_type") or kind
    for key in ("bytes", "data"):
        if key in found:
            return _base64(found[key], f"{path}/{key}", declared)
    place = found.get("s3Location")
    if type(place) is dict:
        return _address(place.get("uri"), f"{path}/s3Location", declared)
    if "url" in found:
        return _address(found["url"], f"{path}/url", declared)
    return Image(path, "none", problem=f"an image source without bytes or address; its keys are {_keys(found)}")


def _address(found: Any, path: str, kind: Any) -> Image:
    """Return the image at an address. Nothing is fetched."""
    declared = _declared(kind)
    if type(found) is not str:
        return Image(path, "none", declared, problem=f"the address of the image is {_kind(found)}, expected a text")
    text = found.strip()
    if not text:
        return Image(path, "none", declared, problem="the address of the image is empty")
    head = text[:12].lower()
    if head.startswith("data:"):
        return _data_url(text, path)
    if head.startswith(("http://", "https://")):
        host = text.split("/", 3)[2] if text.count("/") >= 2 else ""
        bad = not host or any(c.isspace() for c in text[:2_000])
        return Image(path, "url", declared, problem=f"'{clip(text, 60)}' is no valid address" if bad else None)
    if head.startswith("s3://"):
        return Image(path, "s3", declared)
    if head.startswith("gs://"):
        return Image(path, "gcs", declared)
    if len(text) > 300 and text.startswith(("iVBORw0KGgo", "/9j/", "R0lGOD", "UklGR")):
        found_image = _base64(text, path, kind)
        if found_image.header is not None and found_image.header.type:
            return found_image._replace(problem="bare base64 where an address is expected; write data:image/…;base64,…")
    return Image(path, "path", declared)


def _data_url(text: str, path: str) -> Image:
    """Return the image inside a `data:` address (RFC 2397)."""
    match = _DATA.match(text)
    if match is None:
        problem = f"'{clip(text, 40)}' is no valid data address; expected data:image/png;base64,…"
        return Image(path, "base64", problem=problem)
    kind = match["type"] or ""
    if ";base64" not in match["more"].lower():
        return Image(path, "base64", _declared(kind), problem="a data address without `;base64`")
    image = _base64(text[match.end() :], path, kind)
    if not kind.lower().startswith("image/") and image.problem is None:
        return image._replace(problem=f"the data address declares '{clip(kind, 40)}', expected image/…")
    return image


def _base64(found: Any, path: str, kind: Any) -> Image:
    """Return the image written as base64, its bytes checked."""
    declared = _declared(kind)
    if type(found) is not str or not found:
        what = "empty" if found == "" else _kind(found)
        return Image(path, "base64", declared, problem=f"the image data is {what}, expected base64 text")
    if found.startswith("data:"):
        return _data_url(found, path)
    problem = check_base64(found)
    if problem:
        return Image(path, "base64", declared, problem=problem)
    header = read_header(binascii.a2b_base64(found[:HEAD] if len(found) > HEAD else found))
    size = len(found) * 3 // 4 - found[-2:].count("=")
    return Image(path, "base64", declared, header, size, _mismatch(declared, header))


def check_base64(text: str) -> str | None:
    """Return what is wrong with base64 text, None if nothing is. Looks at `MOST` characters at most, in steps."""
    if not text.isascii():
        return "the image data holds characters that are not base64"
    if any(c in text[:200] for c in "\r\n ") or "\n" in text[-200:]:
        return "the image data is broken into lines or holds spaces; write the base64 without them"
    if len(text) % 4:
        return f"the image data is cut: {len(text):,} characters of base64, expected a multiple of 4"
    for start in range(0, min(len(text), MOST), STEP):
        try:
            binascii.a2b_base64(text[start : start + STEP], strict_mode=True)
        except binascii.Error as error:
            hint = "; it looks like the URL-safe kind (- and _)" if "-" in text[:4_000] or "_" in text[:4_000] else ""
            return f"the image data is not base64 ({str(error).lower()}){hint}"
    return None


def _mismatch(declared: str, header: Header) -> str | None:
    """Return what is wrong between the declared type and the bytes."""
    if not header.type:
        return "the image data is no image of a known type (png, jpeg, webp, gif)"
    if header.type in ("pdf", "zip", "gzip", "html", "xml"):
        return f"the image data is {header.type.upper()}, not an image"
    if declared and declared != header.type and declared != "*":
        return f"the image is declared as {declared}, but its bytes are {header.type}"
    if header.width == 0 or header.height == 0:
        return f"the image is {header.width} x {header.height} pixels"
    return None


def _declared(kind: Any) -> str:
    """Return a declared type in short: `image/jpg` and `jpg` are `jpeg`."""
    if type(kind) is not str:
        return ""
    short = kind.strip().lower().removeprefix("image/")
    return _SAME.get(short, short)


def _keys(raw: dict[str, Any]) -> str:
    return ", ".join(f"`{clip(str(key), 20)}`" for key in list(raw)[:6]) or "none"


def _kind(found: Any) -> str:
    if found is None:
        return "null"
    if type(found) is bool:
        return "true" if found else "false"
    if type(found) in (int, float):
        return "a number"
    return "a list" if type(found) is list else "an object" if type(found) is dict else f"'{clip(str(found), 30)}'"
