"""A folder of documents as text: Markdown, plain text, HTML, PDF. Bounded; nothing is run, no link leads out of it."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path

from prepdata.errors import InputError, UsageError
from prepdata.files import read_bounded
from prepdata.findings import plural
from prepdata.retrieval.model import Document, LeftOut

MOST_BYTES = 32 << 20
"""Size of a file beyond which it is not read (bytes)."""
MOST_CHARACTERS = 10_000_000
"""Characters of text that one document may have: about 20 thick books."""
MOST_FILES = 20_000
"""Files that a folder may have."""

_HEADING = re.compile(r"^#{1,6}[ \t]+(\S.*?)[ \t#]*$", re.MULTILINE)
_TEXT = (".txt", ".text", ".rst", ".adoc")
_MARKDOWN = (".md", ".markdown")
_HTML = (".html", ".htm", ".xhtml")
_BLANK = re.compile(r"\s*\Z")


class Unreadable(Exception):
    """Why a document cannot be read; the caller adds which."""


def read_documents(
    folder: str | os.PathLike[str], *, skip_unreadable: bool = False, left_out: list[LeftOut] | None = None
) -> Iterator[Document]:
    """Yield the documents of a folder and its subfolders, in the order of their paths.

    Hidden files, other kinds of files and links that lead out of the folder are left out, and added to `left_out`.

    Args:
        folder: the folder.
        skip_unreadable: leave documents out that cannot be read, and add them to `left_out`, in place of an error.
        left_out: list to which files that are not read are added.

    Raises:
        UsageError: there is no such folder.
        InputError: a document cannot be read (broken, encrypted, too large, not text), or no document is there.
    """
    root = Path(folder)
    if not root.is_dir():
        raise UsageError(f"{folder}: there is no such folder of documents")
    told = left_out if left_out is not None else []
    number = 0
    for path, name in _files(root, told):
        reader = _reader(name)
        if reader is None:
            told.append(LeftOut(name, "is neither Markdown, text, HTML nor PDF"))
            continue
        try:
            yield _document(name, *reader(_bytes(path)))
            number += 1
        except Unreadable as error:
            if not skip_unreadable:
                raise InputError(f"{path}: {error}. Mend it, or leave it out with --skip-unreadable.") from None
            told.append(LeftOut(name, str(error)))
    if not number:
        why = f": {plural(len(told), 'file')} left out, such as {told[0].place}: {told[0].why}" if told else ""
        raise InputError(f"{folder}: no document there{why}. Give a folder of Markdown, text, HTML or PDF files.")


def fingerprints(folder: str | os.PathLike[str]) -> dict[str, str]:
    """Return the sha256 (hex) of every document of a folder by its path; of those that cannot be opened "".

    Raises:
        UsageError, InputError: as `read_documents`.
    """
    root = Path(folder)
    if not root.is_dir():
        raise UsageError(f"{folder}: there is no such folder of documents")
    return {name: _hash(path) for path, name in _files(root, []) if _reader(name) is not None}


def _hash(path: Path) -> str:
    """Return the sha256 of a file (hex), "" where it cannot be read."""
    import hashlib

    try:
        return hashlib.sha256(read_bounded(path, MOST_BYTES)).hexdigest()
    except OSError:
        return ""


def _files(root: Path, left_out: list[LeftOut]) -> list[tuple[Path, str]]:
    """Return the files below a folder with their names, sorted by name."""
    inside = Path(os.path.realpath(root))
    found: list[tuple[Path, str]] = []
    for place, folders, files in os.walk(root, onerror=_refuse):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in [*folders]:
            path = Path(place, name)
            if path.is_symlink():
                folders.remove(name)
                left_out.append(LeftOut(path.relative_to(root).as_posix(), "is a link to a folder, not followed"))
        for name in files:
            path = Path(place, name)
            shown = path.relative_to(root).as_posix().encode("utf-8", "replace").decode()
            if name.startswith("."):
                continue
            if path.is_symlink() and not Path(os.path.realpath(path)).is_relative_to(inside):
                left_out.append(LeftOut(shown, "is a link that leads out of the folder"))
            elif not path.is_file():
                left_out.append(LeftOut(shown, "is no file (a pipe, a device, a link to nothing or to itself)"))
            else:
                found.append((path, shown))
        if len(found) > MOST_FILES:
            raise InputError(f"{root}: more than {MOST_FILES:,} files; give a folder of documents only")
    return sorted(found, key=lambda item: item[1])


def _refuse(error: OSError) -> None:
    raise InputError(f"{error.filename}: {error.strerror}")


def _reader(name: str) -> Callable[[bytes], tuple[str, str]] | None:
    """Return what reads a file of this name: bytes to title ("" for none) and text."""
    ending = Path(name).suffix.lower()
    if ending in _MARKDOWN:
        return _markdown
    if ending in _TEXT:
        return lambda raw: ("", decoded(raw))
    if ending in _HTML:
        from prepdata.retrieval.html import html_text

        return html_text
    if ending == ".pdf":
        from prepdata.retrieval.pdf import pdf_text

        return pdf_text
    return None


def _bytes(path: Path) -> bytes:
    try:
        return read_bounded(path, MOST_BYTES)
    except OSError as error:
        if error.errno == errno.EFBIG:
            raise Unreadable(f"has more than {MOST_BYTES >> 20} MiB; split it") from None
        raise Unreadable(f"cannot be opened: {error.strerror}") from None


def _document(name: str, title: str, text: str) -> Document:
    text = text.encode("utf-8", "replace").decode()  # lone surrogates
    if _BLANK.match(text):
        raise Unreadable("holds no text")
    if len(text) > MOST_CHARACTERS:
        raise Unreadable(f"has more than {MOST_CHARACTERS:,} characters")
    return Document(name, " ".join(title.split())[:200] or Path(name).stem, text)


def _markdown(raw: bytes) -> tuple[str, str]:
    text = decoded(raw)
    heading = _HEADING.search(text)
    return (heading[1] if heading else "", text)


def decoded(raw: bytes) -> str:
    """Return text in UTF-8, or in UTF-16 with its mark; line ends as `\\n`.

    Raises:
        Unreadable: it is no such text.
    """
    encoding = "utf-16" if raw[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        text = raw.decode(encoding)
    except UnicodeDecodeError as error:
        raise Unreadable(f"is not text in UTF-8 (byte {error.start:,}); save it as UTF-8") from None
    if "\0" in text:
        raise Unreadable("is binary, not text")
    return text.replace("\r\n", "\n").replace("\r", "\n")
