"""What a file is, judged by its first decoded bytes: lines, an array, objects over several lines, or no data at all."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

import msgspec

from prepdata.chunk import Fact
from prepdata.sources.values import first_value

_LFS = re.compile(rb"version https://git-lfs\.github\.com/spec/v\d+\r?\n")
_LFS_FIELD = re.compile(rb"^(oid|size) (?:sha256:)?(\w+)", re.MULTILINE)
_OPEN_ENDS = (b"{", b"[", b",")

_BINARY: tuple[tuple[bytes, str], ...] = (
    (
        b"PK\x03\x04",
        "a ZIP archive (also the form of .xlsx, .docx and .npz files); unpack it or export it as JSON Lines",
    ),
    (b"PK\x05\x06", "an empty ZIP archive"),
    (b"%PDF-", "a PDF document; extract its text and write rows from it"),
    (b"\x89PNG", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"GIF8", "a GIF image"),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive; unpack it"),
    (b"Rar!\x1a\x07", "a RAR archive; unpack it"),
    (b"SQLite format 3\0", "an SQLite database; export its rows as JSON Lines"),
    (b"\x89HDF\r\n", "an HDF5 file; export its rows as JSON Lines"),
    (b"\x93NUMPY", "a NumPy array"),
    (b"Obj\x01", "an Avro file; convert it to JSON Lines"),
    (b"ORC", "an ORC file; convert it to JSON Lines"),
    (b"\x04\x22\x4d\x18", "an LZ4 archive; unpack it with lz4 -d"),
    (b"\xff\x06\x00\x00sNaPpY", "a Snappy archive; unpack it"),
    (b"\x1f\x9d", "a .Z archive; unpack it with uncompress"),
    (b"\x80\x02", "a Python pickle, which can run code when it is opened; export it as JSON Lines where it was made"),
    (b"\x80\x03", "a Python pickle, which can run code when it is opened; export it as JSON Lines where it was made"),
    (b"\x80\x04", "a Python pickle, which can run code when it is opened; export it as JSON Lines where it was made"),
    (b"\x80\x05", "a Python pickle, which can run code when it is opened; export it as JSON Lines where it was made"),
)
_TAR_AT = 257
_DELIMITERS = ((b",", "comma"), (b"\t", "tab"), (b";", "semicolon"))


class Kind(NamedTuple):
    """What a file is.

    Args:
        layout: "lines", "array", "values", or "none" where there are no rows to read.
        facts: facts that this alone gives.
    """

    layout: str
    facts: tuple[Fact, ...] = ()


def sniff(head: bytes, *, whole: bool, suffix: str) -> Kind:
    """Return what a file is.

    Args:
        head: its first decoded bytes, UTF-8 without a byte order mark.
        whole: True if `head` is all there is.
        suffix: the file name's ending, lower case, without that of a compression.
    """
    if not head:
        return Kind("none", (Fact("empty-file"),))
    pointer = _lfs_pointer(head) if whole else None
    if pointer:
        return Kind("none", (pointer,))
    what = _no_text(head, suffix)
    if what:
        return Kind("none", (Fact("unsupported-file", data={"what": what}),))
    return Kind(_layout(head, whole))


def _lfs_pointer(head: bytes) -> Fact | None:
    if len(head) > 2_000 or not _LFS.match(head):
        return None
    fields: dict[str, Any] = {k.decode(): v.decode("utf-8", "replace") for k, v in _LFS_FIELD.findall(head)}
    return Fact("lfs-pointer", data={"oid": fields.get("oid", ""), "size": fields.get("size", "")})


def _no_text(head: bytes, suffix: str) -> str | None:
    """Return what the file is and what to do, if it is not text made of JSON."""
    for magic, what in _BINARY:
        if head.startswith(magic):
            return what
    if head[_TAR_AT : _TAR_AT + 5] == b"ustar":
        return "a tar archive; unpack it (tar -xf) and give the files inside"
    if not head[:4096].strip(b"\0"):
        return "NUL bytes only: the file was never written to the end, or its blocks were lost; copy it again"
    start = head[:1024].lstrip().lower()
    if start.startswith((b"<!doctype html", b"<html")):
        return "an HTML page, perhaps a login or error page saved in place of the download; download it again"
    if start.startswith(b"<?xml"):
        return "an XML document; convert it to JSON Lines"
    delimiter = _table(head, suffix)
    if delimiter:
        return f"a table of {delimiter}-separated values; turn each of its rows into one JSON object on one line"
    if start[:1] in (b"{", b"["):
        return None
    sample = head[:65536]
    controls = len(sample.translate(None, delete=bytes(range(9, 14)) + b"\x1b" + bytes(range(32, 256))))
    if controls > 0.1 * len(sample):
        return "binary data, not text"
    return None


def _table(head: bytes, suffix: str) -> str | None:
    """Return the name of the delimiter if this is a delimiter-separated table."""
    lines = [line for line in head.split(b"\n")[:20] if line.strip()]
    first = lines[0].lstrip() if lines else b""
    if first[:1] in (b"{", b"["):
        return None
    if suffix in (".csv", ".tsv"):
        return "tab" if suffix == ".tsv" else "comma"
    if len(lines) < 3:
        return None
    for delimiter, name in _DELIMITERS:
        counts = [line.count(delimiter) for line in lines[:-1]]
        if min(counts) == max(counts) >= 1 and not any(line.lstrip()[:1] in (b"{", b"[") for line in lines):
            return name
    return None


def _layout(head: bytes, whole: bool) -> str:
    text = head.lstrip(b" \t\r\n")
    if text[:1] not in (b"{", b"["):
        return "lines"
    line, newline, rest = text.partition(b"\n")
    complete = bool(newline) or whole
    line = line.strip()
    is_json = complete and _parses(line)
    if text[:1] == b"{":
        if is_json or not newline or _rows_follow(rest, 1):
            return "lines"
        value = first_value(head)
        if value is not None:
            return "values" if b"\n" in value and _parses(value) else "lines"
        return "values" if not whole and line.endswith(_OPEN_ENDS) else "lines"
    if is_json:
        follows = rest.lstrip()
        return "lines" if follows and line != b"[" and follows[:1] == b"[" else "array"
    if not complete:
        return "array"
    if _rows_follow(rest, 2):
        return "lines"
    inner = line[1:].lstrip()
    if not inner or inner[:1] in (b"{", b"[", b'"') or inner[:1].isdigit():
        return "array"
    return "lines"


def _rows_follow(rest: bytes, count: int) -> bool:
    """True if the next `count` lines that are not blank are objects of their own: the first line alone is broken."""
    following = [line for line in rest[: 1 << 18].split(b"\n", 16)[:-1] if line.strip()][:count]
    return len(following) == count and all(line.lstrip()[:1] == b"{" and _parses(line) for line in following)


def _parses(text: bytes) -> bool:
    """True if this is JSON, as far as structure goes."""
    try:
        msgspec.json.decode(text)
    except msgspec.ValidationError:
        return True
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _parses_slowly(text)
    return True


def _parses_slowly(text: bytes) -> bool:
    import json

    try:
        json.loads(text.decode("utf-8", "replace"), parse_int=float)
    except (ValueError, RecursionError):
        return False
    return True
