"""Headers of images, base64, and the shapes in which rows carry images. All images are made here."""

from __future__ import annotations

import base64
import struct
import zlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prepdata.formats.openai import view_part
from prepdata.record import Part
from prepdata.rules.img._header import Header, read_header
from prepdata.rules.img._image import MOST, check_base64, read_image


def png(width: int, height: int) -> bytes:
    body = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + body + struct.pack(">I", zlib.crc32(body))


def jpeg(width: int, height: int, *, filler: int = 0, marker: int = 0xC0) -> bytes:
    start = b"\xff\xd8\xff\xe0\x00\x04ab"
    if filler:
        start += b"\xff\xe1" + struct.pack(">H", filler + 2) + b"\xff" * filler
    return start + bytes([0xFF, 0xFF, marker]) + b"\x00\x11\x08" + struct.pack(">HH", height, width) + b"\x03" * 9


def gif(width: int, height: int) -> bytes:
    return b"GIF89a" + struct.pack("<HH", width, height) + b"\x00\x00\x00"


def webp(kind: bytes, width: int, height: int) -> bytes:
    if kind == b"VP8X":
        body = bytes(4) + (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    elif kind == b"VP8L":
        body = b"\x2f" + ((width - 1) | (height - 1) << 14).to_bytes(4, "little") + bytes(5)
    else:
        body = b"\x00\x00\x00\x9d\x01\x2a" + struct.pack("<HH", width, height)
    chunk = kind + struct.pack("<I", len(body)) + body
    return b"RIFF" + struct.pack("<I", len(chunk) + 4) + b"WEBP" + chunk


SIDES = st.integers(1, 16_000)


@given(SIDES, SIDES)
def test_sizes_are_read_from_headers(width: int, height: int) -> None:
    assert read_header(png(width, height)) == Header("png", width, height)
    assert read_header(jpeg(width, height)) == Header("jpeg", width, height)
    assert read_header(jpeg(width, height, filler=300, marker=0xC2)) == Header("jpeg", width, height)
    assert read_header(gif(width, height)) == Header("gif", width, height)
    for kind in (b"VP8X", b"VP8L", b"VP8 "):
        assert read_header(webp(kind, width, height)) == Header("webp", width, height)


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"", ""), (b"hello", ""), (b"%PDF-1.7", "pdf"), (b"PK\x03\x04", "zip"), (b"BM1234", "bmp"),
        (b"II*\x00", "tiff"), (b"MM\x00*", "tiff"), (b"\x1f\x8b\x08", "gzip"), (b"  <!DOCTYPE HTML>", "html"),
        (b"<svg xmlns=''>", "svg"), (b"<?xml version='1.0'?>", "xml"), (b"\x00\x00\x00\x18ftypheic", "heic"),
        (b"\x00\x00\x00\x18ftypavif", "avif"), (b"\x89PNG\r\n\x1a\n", "png"), (b"\xff\xd8\xff", "jpeg"),
        (b"GIF89a", "gif"), (b"RIFF\x00\x00\x00\x00WEBP", "webp"), (b"RIFF\x00\x00\x00\x00WAVE", ""),
    ],
)  # fmt: skip
def test_types(data: bytes, kind: str) -> None:
    assert read_header(data).type == kind


@given(st.sampled_from([png(9, 9), jpeg(9, 9, filler=50), gif(9, 9), webp(b"VP8X", 9, 9), webp(b"VP8L", 9, 9)]),
       st.integers(0, 80), st.binary(max_size=20))  # fmt: skip
def test_a_cut_or_garbled_header_never_raises(data: bytes, cut: int, rest: bytes) -> None:
    found = read_header(data[:cut] + rest)
    assert found.width is None or found.width >= 0


@given(st.binary(min_size=1, max_size=200))
def test_right_base64_is_right(data: bytes) -> None:
    assert check_base64(base64.b64encode(data).decode()) is None


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("abc", "cut"), ("ab==cd==", "not base64"), ("!!!!", "not base64"), ("ab-_", "URL-safe"),
        ("QUJD\nQUJD", "lines"), ("Ümläut12", "not base64"), ("=" * 4, "not base64"), ("QUJDQ===", "not base64"),
    ],
)  # fmt: skip
def test_wrong_base64_is_wrong(text: str, word: str) -> None:
    assert word in str(check_base64(text))


def test_a_fault_is_found_beyond_the_first_step() -> None:
    text = "QUJD" * 700_000
    assert check_base64(text) is None
    assert check_base64(text[:-4] + "!!!!") is not None


@pytest.mark.timeout(120)
def test_huge_data_takes_bounded_time() -> None:
    text = "QUJD" * (MOST // 4 + 1_000_000)
    check_base64(text)


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


PNG = b64(png(40, 30))


@pytest.mark.parametrize(
    ("raw", "transport"),
    [
        ({"type": "image_url", "image_url": {"url": "https://example.org/a.png"}}, "url"),
        ({"type": "image_url", "image_url": "https://example.org/a.png"}, "url"),
        ({"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}}, "base64"),
        ({"type": "image_url", "image_url": {"url": f"data:image/png;charset=x;base64,{PNG}"}}, "base64"),
        ({"type": "image_url", "value": "pictures/a.png"}, "path"),
        ({"type": "image", "image": "pictures/a.png"}, "path"),
        ({"type": "image", "url": "https://example.org/a.png"}, "url"),
        ({"type": "image", "base64": PNG}, "base64"),
        ({"type": "image", "path": "/data/a.png"}, "path"),
        ({"type": "image"}, "none"),
        ({"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}}, "base64"),
        ({"type": "image", "source": {"type": "url", "url": "https://example.org/a.png"}}, "url"),
        ({"image": {"format": "png", "source": {"bytes": PNG}}}, "base64"),
        ({"image": {"format": "png", "source": {"s3Location": {"uri": "s3://bucket/a.png"}}}}, "s3"),
        ({"inlineData": {"mimeType": "image/png", "data": PNG}}, "base64"),
        ({"fileData": {"mimeType": "image/png", "fileUri": "gs://bucket/a.png"}}, "gcs"),
    ],
)
def test_shapes(raw: dict[str, Any], transport: str) -> None:
    image = read_image(Part("image", "", raw, "/p", "/p"))
    assert (image.transport, image.problem) == (transport, None)
    assert image.path.startswith("/p")
    if transport == "base64":
        assert image.header == Header("png", 40, 30)
        assert image.size == len(png(40, 30))


def test_declared_types() -> None:
    part = {"type": "image_url", "image_url": {"url": "data:image/jpg;base64," + b64(jpeg(5, 5))}}
    image = read_image(view_part(part, "/p"))
    assert (image.declared, image.problem) == ("jpeg", None)
    part = {"type": "image_url", "image_url": {"url": "data:image/gif;base64," + PNG}}
    assert "declared as gif, but its bytes are png" in str(read_image(view_part(part, "/p")).problem)


ANY = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=8), st.just("data:image/png;base64,AAAA")),
    lambda inner: st.one_of(
        st.lists(inner, max_size=2),
        st.dictionaries(
            st.sampled_from(["url", "image_url", "image", "source", "bytes", "data", "type", "inlineData", "fileData",
                             "s3Location", "uri", "base64", "path", "value", "mimeType", "format"]),
            inner, max_size=4),
    ),
    max_leaves=8,
)  # fmt: skip


@given(ANY)
def test_no_shape_crashes(raw: Any) -> None:
    image = read_image(Part("image", "", raw, "/p", "/p"))
    assert image.problem is None or image.problem
