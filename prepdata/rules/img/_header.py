"""What the first bytes of an image say: its type, and its width and height in pixels. No pixel is ever decoded."""

from __future__ import annotations

from typing import NamedTuple


class Header(NamedTuple):
    """Type (`png`, `jpeg`, `webp`, `gif`, ... or "" where unknown), width and height in pixels (None if not found)."""

    type: str
    width: int | None = None
    height: int | None = None


_OTHER = (
    (b"BM", "bmp"),
    (b"II*\x00", "tiff"),
    (b"MM\x00*", "tiff"),
    (b"%PDF-", "pdf"),
    (b"PK\x03\x04", "zip"),
    (b"\x1f\x8b", "gzip"),
    (b"\x00\x00\x01\x00", "icon"),
)
_TEXT = ((b"<!doctype html", "html"), (b"<html", "html"), (b"<svg", "svg"), (b"<?xml", "xml"))


def read_header(data: bytes) -> Header:
    """Return what the beginning of a file says. Works on a truncated beginning; never raises."""
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return _png(data)
    if data.startswith(b"\xff\xd8\xff"):
        return _jpeg(data)
    if data[:6] in (b"GIF87a", b"GIF89a"):
        if len(data) < 10:
            return Header("gif")
        return Header("gif", int.from_bytes(data[6:8], "little"), int.from_bytes(data[8:10], "little"))
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return _webp(data)
    if data[4:8] == b"ftyp" and data[8:12] in (b"heic", b"heix", b"mif1", b"avif", b"avis"):
        return Header("avif" if data[8:12] in (b"avif", b"avis") else "heic")
    for magic, kind in _OTHER:
        if data.startswith(magic):
            return Header(kind)
    head = data[:64].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    return Header(next((kind for magic, kind in _TEXT if head.startswith(magic)), ""))


def _png(data: bytes) -> Header:
    """PNG: the first chunk, IHDR, starts with width and height (PNG specification, section 11.2.2, 2003)."""
    if len(data) < 24 or data[12:16] != b"IHDR":
        return Header("png")
    return Header("png", int.from_bytes(data[16:20], "big"), int.from_bytes(data[20:24], "big"))


def _jpeg(data: bytes) -> Header:
    """JPEG: walk the segments to the start of frame (ITU-T T.81, section B.2.2, 1992)."""
    place, end = 2, len(data)
    while place + 9 <= end:
        if data[place] != 0xFF:
            return Header("jpeg")
        marker = data[place + 1]
        if marker == 0xFF:
            place += 1
            continue
        if marker == 0x01 or 0xD0 <= marker <= 0xD8:
            place += 2
            continue
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height = int.from_bytes(data[place + 5 : place + 7], "big")
            return Header("jpeg", int.from_bytes(data[place + 7 : place + 9], "big"), height)
        size = int.from_bytes(data[place + 2 : place + 4], "big")
        if size < 2 or marker in (0xD9, 0xDA):
            return Header("jpeg")
        place += 2 + size
    return Header("jpeg")


def _webp(data: bytes) -> Header:
    """WebP: VP8, VP8L and VP8X chunks (RFC 9649, section 2, 2024)."""
    kind = data[12:16]
    if kind == b"VP8X" and len(data) >= 30:
        return Header("webp", 1 + int.from_bytes(data[24:27], "little"), 1 + int.from_bytes(data[27:30], "little"))
    if kind == b"VP8L" and len(data) >= 25 and data[20] == 0x2F:
        bits = int.from_bytes(data[21:25], "little")
        return Header("webp", 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF))
    if kind == b"VP8 " and len(data) >= 30 and data[23:26] == b"\x9d\x01\x2a":
        width, height = int.from_bytes(data[26:28], "little"), int.from_bytes(data[28:30], "little")
        return Header("webp", width & 0x3FFF, height & 0x3FFF)
    return Header("webp")
