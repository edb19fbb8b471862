"""Folders of documents: what is read, what is left out, what is refused. The hostile ones too."""

from __future__ import annotations

import io
import os
from pathlib import Path

import pytest
from retrieval_samples import write

from prepdata.errors import InputError, UsageError
from prepdata.retrieval import documents
from prepdata.retrieval.documents import read_documents
from prepdata.retrieval.html import html_text
from prepdata.retrieval.model import LeftOut


def pdf(*pages: str, title: str = "", password: str = "") -> bytes:
    """Return a PDF of pages of text, written by hand for pypdf to wrap."""
    import pypdf
    from pypdf.generic import DecodedStreamObject, DictionaryObject, NameObject

    writer = pypdf.PdfWriter()
    for text in pages:
        page = writer.add_blank_page(300, 300)
        stream = DecodedStreamObject()
        stream.set_data(f"BT /F1 12 Tf 20 200 Td ({text}) Tj ET".encode("latin-1"))
        page[NameObject("/Contents")] = writer._add_object(stream)
        font = DictionaryObject({
            NameObject("/Type"): NameObject("/Font"), NameObject("/Subtype"): NameObject("/Type1"),
            NameObject("/BaseFont"): NameObject("/Helvetica"),
        })  # fmt: skip
        fonts = DictionaryObject({NameObject("/F1"): writer._add_object(font)})
        page[NameObject("/Resources")] = DictionaryObject({NameObject("/Font"): fonts})
    if title:
        writer.add_metadata({"/Title": title})
    if password:
        writer.encrypt(password, algorithm="RC4-128")
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def test_four_kinds_in_the_order_of_their_paths(birds: Path) -> None:
    write(
        birds, {"manual.pdf": pdf("Turn the key twice.", "Then wait.", title="Manual"), "plain.pdf": pdf("Just text")}
    )
    found = {document.path: document for document in read_documents(birds)}
    assert list(found) == ["birds/clock.txt", "birds/heron.md", "manual.pdf", "plain.pdf", "price.html"]
    assert [found[path].title for path in found] == ["clock", "The heron", "Manual", "plain", "Prices"]
    assert found["manual.pdf"].text == "Turn the key twice.\n\nThen wait."
    assert found["price.html"].text == "Prices\n\nApples cost two coins."


def test_what_is_not_read_is_told(birds: Path, tmp_path: Path) -> None:
    outside = write(tmp_path / "outside", {"secret.md": "a secret"})
    write(birds, {"picture.png": b"\x89PNG", ".hidden.md": "hidden", ".git/x.md": "hidden"})
    (birds / "leads-out.md").symlink_to(outside / "secret.md")
    (birds / "folder").symlink_to(outside)
    (birds / "inside.md").symlink_to(birds / "birds" / "heron.md")
    (birds / "gone.md").symlink_to(birds / "nothing.md")
    (birds / "loop").symlink_to("loop")
    (birds / "there.md").symlink_to("back.md")
    (birds / "back.md").symlink_to("there.md")
    os.mkfifo(birds / "pipe.txt")
    left: list[LeftOut] = []
    read = [document.path for document in read_documents(birds, left_out=left)]
    assert read == ["birds/clock.txt", "birds/heron.md", "inside.md", "price.html"]
    assert {one.place: one.why for one in left} == {
        "picture.png": "is neither Markdown, text, HTML nor PDF",
        "leads-out.md": "is a link that leads out of the folder",
        "folder": "is a link to a folder, not followed",
        "gone.md": "is no file (a pipe, a device, a link to nothing or to itself)",
        **dict.fromkeys(
            ("loop", "there.md", "back.md"), "is no file (a pipe, a device, a link to nothing or to itself)"
        ),
        "pipe.txt": "is no file (a pipe, a device, a link to nothing or to itself)",
    }


@pytest.mark.parametrize(
    ("name", "raw", "why"),
    [
        ("a.md", b"text\0more", "is binary, not text"),
        ("a.md", b"caf\xe9 au lait", r"is not text in UTF-8 \(byte 3\)"),
        ("a.md", b" \n\t\n", "holds no text"),
        ("a.html", b"<script>run()</script><!-- words -->", "holds no text"),
        ("a.html", b"\x00\x01\x02", "is binary, not HTML"),
        ("a.pdf", b"%PDF-1.7\nbroken", r"is no PDF that can be read \(\w+\)"),
        ("a.pdf", b"", r"is no PDF that can be read \(\w+\)"),
        ("a.pdf", pdf("Hidden", password="pass"), "is encrypted"),
        ("a.pdf", pdf(""), "holds no text; a scan needs"),
        ("a.pdf", pdf("Some words here")[:400], "is no PDF|holds no text"),
    ],
)
def test_what_cannot_be_read_is_named_or_left_out(tmp_path: Path, name: str, raw: bytes, why: str) -> None:
    folder = write(tmp_path / "docs", {name: raw, "fine.md": "Words."})
    with pytest.raises(InputError, match=f"docs/{name}: ({why}).*--skip-unreadable"):
        list(read_documents(folder))
    left: list[LeftOut] = []
    assert [d.path for d in read_documents(folder, skip_unreadable=True, left_out=left)] == ["fine.md"]
    assert [one.place for one in left] == [name]


def test_limits(birds: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(documents, "MOST_BYTES", 1 << 20)
    write(birds, {"big.txt": b"word " * (1 << 18)})
    with pytest.raises(InputError, match=r"big.txt: has more than 1 MiB"):
        list(read_documents(birds))
    monkeypatch.setattr(documents, "MOST_BYTES", 32 << 20)
    monkeypatch.setattr(documents, "MOST_CHARACTERS", 100)
    with pytest.raises(InputError, match=r"big.txt: has more than 100 characters"):
        list(read_documents(birds))
    monkeypatch.setattr(documents, "MOST_FILES", 2)
    with pytest.raises(InputError, match="more than 2 files"):
        list(read_documents(birds))


def test_empty_and_missing_folders(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no document there. Give a folder"):
        list(read_documents(tmp_path))
    write(tmp_path, {"a.docx": b"PK"})
    with pytest.raises(InputError, match=r"1 file left out, such as a.docx: is neither"):
        list(read_documents(tmp_path))
    with pytest.raises(UsageError, match="no such folder"):
        list(read_documents(tmp_path / "none"))


def test_text_of_other_systems(tmp_path: Path) -> None:
    write(tmp_path, {"a.txt": "\ufeffone\r\ntwo".encode(), "b.txt": "drei\n".encode("utf-16")})
    assert [document.text for document in read_documents(tmp_path)] == ["one\ntwo", "drei\n"]


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ("A<script>if (1<2) { '<b>x</b>' }</script><style>p{}</style>B", "AB"),
        ("<p>a<template>hidden</template><noscript>n</noscript><svg><text>s</text></svg>b", "ab"),
        ("<ul><li>one<li>two</ul><p>three", "- one\n\n- two\n\nthree"),
        ("<table><tr><td>a<td>b<tr><td>c</table>", "a | b\n\nc"),
        ("<p>&lt;b&gt; &amp; caf&eacute;</p>", "<b> & café"),
        ("<iframe src='file:///etc/passwd'>x</iframe>ok", "ok"),
        ("<p>ok<script>never closed <p>more", "ok"),
        ('<!DOCTYPE html [<!ENTITY x SYSTEM "file:///etc/passwd">]><p>a &x; b', "a &x; b"),
    ],
)
def test_html_is_what_a_reader_sees(raw: str, text: str) -> None:
    assert html_text(raw.encode())[1].replace("]>", "").strip() == text


def test_html_titles_and_encodings() -> None:
    assert html_text(b"<title>T</title><h1>H <b>one</b></h1><h1>two</h1>x")[0] == "H one"
    assert html_text(b"<head><title>T</title></head>x")[0] == "T"
    assert html_text("<meta charset=iso-8859-1><p>café".encode("latin-1"))[1] == "café"
    assert html_text("<meta charset=iso-8859-1><p>café".encode())[1] == "café"
    assert html_text("<p>čaj".encode("utf-16"))[1] == "čaj"


@pytest.mark.timeout(120)
@pytest.mark.parametrize(
    "raw",
    [b"<div>" * 300_000 + b"inner end", b"<a " + b"x=1 " * 300_000 + b">inner end", b"&amp;" * 300_000 + b"inner end",
     b"<p><script>" * 100_000 + b"</script>inner end"],
    ids=["deep", "attributes", "entities", "scripts"],
)  # fmt: skip
def test_hostile_html_takes_no_time_and_loses_nothing(raw: bytes) -> None:
    assert html_text(raw)[1].endswith("inner end")
