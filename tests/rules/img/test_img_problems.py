"""What is said of images that are carried wrongly: every shape, with the place and the words."""

from __future__ import annotations

import base64
import struct
import zlib
from typing import Any

import pytest

from prepdata.record import Part
from prepdata.rules.img._header import Header
from prepdata.rules.img._image import Image, read_image, video_bytes


def png(width: int, height: int, *, padding: int = 0) -> bytes:
    body = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + body + struct.pack(">I", zlib.crc32(body)) + bytes(padding)


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


PNG = b64(png(40, 30))
URL = "https://example.org/a.png"


def read(raw: Any) -> Image:
    return read_image(Part("image", "", raw, "/p", "/p"))


PROBLEMS: list[tuple[Any, str, str, str]] = [
    # the part, where, how it is carried, what is said
    ("a.png", "/p", "none", "this part is no object"),
    (None, "/p", "none", "this part is no object"),
    ({"type": "image_url"}, "/p", "none", "an image part without an image; its keys are `type`"),
    ({}, "/p", "none", "an image part without an image; its keys are none"),
    ({"type": "image", "detail": 1}, "/p", "none", "an image part without an image; its keys are `type`, `detail`"),
    ({"image_url": ""}, "/p/image_url", "none", "`image_url` is empty; expected an object with a `url`"),
    ({"image": ""}, "/p/image", "none", "the address of the image is empty"),
    ({"image_url": None}, "/p/image_url", "none", "`image_url` is null, expected an object with a `url`"),
    ({"image_url": True}, "/p/image_url", "none", "`image_url` is true, expected an object with a `url`"),
    ({"image_url": 7}, "/p/image_url", "none", "`image_url` is a number, expected an object with a `url`"),
    ({"image_url": [URL]}, "/p/image_url", "none", "`image_url` is a list, expected an object with a `url`"),
    ({"image_url": {}}, "/p/image_url", "none", "an image without a `url`; found the keys none"),
    ({"image_url": {"uri": URL}}, "/p/image_url", "none", "an image without a `url`; found the keys `uri`"),
    ({"image_url": {"url": ""}}, "/p/image_url/url", "none", "the address of the image is empty"),
    ({"image_url": {"url": "  "}}, "/p/image_url/url", "none", "the address of the image is empty"),
    ({"image_url": {"url": {}}}, "/p/image_url/url", "none", "the address of the image is an object, expected a text"),
    ({"image_url": {"url": "http://"}}, "/p/image_url/url", "url", "'http://' is no valid address"),
    ({"image_url": {"url": "https:///a.png"}}, "/p/image_url/url", "url", "'https:///a.png' is no valid address"),
    ({"image_url": {"url": "http://a b/c"}}, "/p/image_url/url", "url", "'http://a b/c' is no valid address"),
    ({"image_url": {"url": "HTTP://x\ty"}}, "/p/image_url/url", "url", "'HTTP://x y' is no valid address"),
    ({"image_url": {"url": "data:image/png"}}, "/p/image_url/url", "base64",
     "'data:image/png' is no valid data address; expected data:image/png;base64,…"),
    ({"image_url": {"url": "DATA:image/png;base64,AAAA"}}, "/p/image_url/url", "base64",
     "'DATA:image/png;base64,AAAA' is no valid data address; expected data:image/png;base64,…"),
    ({"image_url": {"url": f"data:image/png,{PNG}"}}, "/p/image_url/url", "base64", "a data address without `;base64`"),
    ({"image_url": {"url": f"data:text/plain;base64,{PNG}"}}, "/p/image_url/url", "base64",
     "the image is declared as text/plain, but its bytes are png"),
    ({"image_url": {"url": f"data:;base64,{PNG}"}}, "/p/image_url/url", "base64",
     "the data address declares '', expected image/…"),
    ({"image_url": {"url": f"data:*;base64,{PNG}"}}, "/p/image_url/url", "base64",
     f"'data:*;base64,{PNG[:25]}…' is no valid data address; expected data:image/png;base64,…"),
    ({"image_url": {"url": "data:image/png;base64,"}}, "/p/image_url/url", "base64",
     "the image data is empty, expected base64 text"),
    ({"image_url": {"url": f"data:image/png;base64,{PNG[:-1]}"}}, "/p/image_url/url", "base64",
     "the image data is cut: 43 characters of base64, expected a multiple of 4"),
    ({"image_url": {"url": f"data:image/png;base64,{PNG[:20]} {PNG[20:]}"}}, "/p/image_url/url", "base64",
     "the image data is broken into lines or holds spaces; write the base64 without them"),
    ({"image_url": {"url": "data:image/png;base64,é" + PNG}}, "/p/image_url/url", "base64",
     "the image data holds characters that are not base64"),
    ({"image_url": {"url": f"data:image/png;base64,{b64(b'hello!')}"}}, "/p/image_url/url", "base64",
     "the image data is no image of a known type (png, jpeg, webp, gif)"),
    ({"image_url": {"url": f"data:image/png;base64,{b64(b'%PDF-1.7')}"}}, "/p/image_url/url", "base64",
     "the image data is PDF, not an image"),
    ({"image_url": {"url": f"data:image/png;base64,{b64(png(0, 30))}"}}, "/p/image_url/url", "base64",
     "the image is 0 x 30 pixels"),
    ({"image_url": {"url": f"data:image/png;base64,{b64(png(30, 0))}"}}, "/p/image_url/url", "base64",
     "the image is 30 x 0 pixels"),
    ({"image": {"bytes": ""}}, "/p/image/bytes", "base64", "the image data is empty, expected base64 text"),
    ({"inlineData": {"mimeType": "image/png"}}, "/p/inlineData", "base64", "the image data is null, expected base64 text"),
    ({"inline_data": {"mime_type": "image/gif", "data": PNG}}, "/p/inline_data", "base64",
     "the image is declared as gif, but its bytes are png"),
    ({"fileData": {"mimeType": "image/png"}}, "/p/fileData", "none", "the address of the image is null, expected a text"),
    ({"source": "a.png"}, "/p/source", "none", "`source` is 'a.png', expected an object"),
    ({"source": {}}, "/p/source", "none", "an image source without bytes or address; its keys are none"),
    ({"source": {"type": "base64"}}, "/p/source", "none",
     "an image source without bytes or address; its keys are `type`"),
    ({"source": {"data": None}}, "/p/source/data", "base64", "the image data is null, expected base64 text"),
    ({"source": {"media_type": "image/gif", "data": PNG}}, "/p/source/data", "base64",
     "the image is declared as gif, but its bytes are png"),
    ({"image": {"format": "gif", "source": {"bytes": PNG}}}, "/p/image/source/bytes", "base64",
     "the image is declared as gif, but its bytes are png"),
    ({"source": {"s3Location": {}}}, "/p/source/s3Location", "none", "the address of the image is null, expected a text"),
    ({"url": 5}, "/p/url", "none", "the address of the image is a number, expected a text"),
    ({"base64": URL}, "/p/base64", "base64", "the image data is cut: 25 characters of base64, expected a multiple of 4"),
    ({"data": PNG, "mime_type": "image/gif"}, "/p/data", "base64", "the image is declared as gif, but its bytes are png"),
    ({"data": PNG, "media_type": "image/gif"}, "/p/data", "base64", "the image is declared as gif, but its bytes are png"),
    ({"url": b64(png(40, 30, padding=300))}, "/p/url", "base64",
     "bare base64 where an address is expected; write data:image/…;base64,…"),
    ({"base64": "ab-_" * 4}, "/p/base64", "base64",
     "the image data is not base64 (only base64 data is allowed); it looks like the URL-safe kind (- and _)"),
    ({"base64": "ab!?"}, "/p/base64", "base64", "the image data is not base64 (only base64 data is allowed)"),
]  # fmt: skip


@pytest.mark.parametrize(("raw", "path", "transport", "said"), PROBLEMS)
def test_what_is_wrong_is_said_with_its_place(raw: Any, path: str, transport: str, said: str) -> None:
    image = read(raw)
    assert (image.path, image.transport, image.problem) == (path, transport, said)


@pytest.mark.parametrize(
    ("raw", "transport", "declared"),
    [
        ({"image_url": {"url": URL, "path": "x"}}, "url", ""),
        ({"image_url": {"url": None, "path": "a.png"}}, "path", ""),
        ({"image": {"bytes": b"raw"}}, "path", ""),
        ({"image": {"bytes": None, "path": "a.png"}}, "path", ""),
        ({"url": "HTTPS://example.org/a.png", "mime_type": "image/JPG"}, "url", "jpeg"),
        ({"url": "https://example.org"}, "url", ""),
        ({"url": "S3://bucket/a", "media_type": " image/x-png "}, "s3", "png"),
        ({"fileData": {"fileUri": "gs://b/a", "mimeType": "image/svg+xml"}}, "gcs", "svg"),
        ({"file_data": {"file_uri": "gs://b/a", "mime_type": 7}}, "gcs", ""),
        ({"value": "iVBORw0KGgo"}, "path", ""),
        ({"url": "iVBORw0KGgo" + "A" * 300 + "é"}, "path", ""),
        ({"type": "image", "text": None, "cache_control": {}}, "none", ""),
        ({"data": PNG, "mime_type": "image/*"}, "base64", "*"),
        ({"data": f"data:image/png;base64,{PNG}"}, "base64", "png"),
    ],
)
def test_what_is_right_is_left_alone(raw: Any, transport: str, declared: str) -> None:
    image = read(raw)
    assert (image.transport, image.declared, image.problem) == (transport, declared, None)
    assert (image.header is not None) == (transport == "base64")


@pytest.mark.parametrize("length", [1, 2, 3, 4, 5, 6])
def test_the_size_is_that_of_the_bytes(length: int) -> None:
    data = png(4, 5, padding=length)
    image = read({"data": b64(data)})
    assert image.size == len(data) and image.header == Header("png", 4, 5)
    for raw in ({"video": {"source": {"bytes": b64(data)}}}, {"source": {"data": b64(data)}}, {"data": b64(data)}):
        assert video_bytes(Part("video", "", raw, "/p", "/p")) == len(data)


@pytest.mark.parametrize(
    "raw", [None, "a.mp4", {}, {"video": "a.mp4"}, {"video": {"source": {"bytes": 7}}}, {"url": "https://a/b.mp4"}]
)
def test_a_video_elsewhere_has_no_size(raw: Any) -> None:
    assert video_bytes(Part("video", "", raw, "/p", "/p")) == 0
