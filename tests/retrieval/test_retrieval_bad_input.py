"""Bad input by the command: one line that says what, where and what to do; never a traceback, and nothing is left
behind."""

from __future__ import annotations

import hashlib
import io
import json
import os
import pickle
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result
from qdrant_server import Server
from retrieval_samples import ROOT, write

from prepdata.cli.retrieval import command
from prepdata.errors import PrepdataError
from prepdata.retrieval import build as build_module
from prepdata.retrieval import documents as documents_module
from prepdata.retrieval.build import build, save


def run(*arguments: object) -> Result:
    return CliRunner().invoke(command, list(map(str, arguments)), standalone_mode=False)


def refused(*arguments: object) -> str:
    """Return the one line that the command ends with."""
    found = run(*arguments)
    assert isinstance(found.exception, PrepdataError), found
    assert "\n" not in str(found.exception) and not found.stdout
    return str(found.exception)


def encrypted() -> bytes:
    import pypdf

    out, writer = io.BytesIO(), pypdf.PdfWriter()
    writer.add_blank_page(100, 100)
    writer.encrypt("secret", algorithm="RC4-128")
    writer.write(out)
    return out.getvalue()


@pytest.mark.parametrize(
    ("name", "raw", "said"),
    [
        ("a.pdf", encrypted(), "a.pdf: is encrypted; save it without its password. Mend it, or leave it out with --skip-un"),
        ("a.pdf", b"%PDF-1.7\n" + b"\x00\xff" * 500, "a.pdf: is no PDF that can be read"),
        ("a.txt", b"caf\xe9", "a.txt: is not text in UTF-8 (byte 3); save it as UTF-8"),
        ("a.md", b"PK\x03\x04\x00\x00", "a.md: is binary, not text"),
        ("a.html", b"<script>only()</script>", "a.html: holds no text"),
        ("a.html", b"<p>\x00</p>", "a.html: is binary, not HTML"),
        ("a.md", b"word " * 300, "a.md: has more than 0 MiB; split it"),
    ],
)  # fmt: skip
def test_documents_that_cannot_be_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, raw: bytes, said: str
) -> None:
    if "MiB" in said:
        monkeypatch.setattr(documents_module, "MOST_BYTES", 1000)
    docs = write(tmp_path / "docs", {name: raw, "good.md": "Some words."})
    for arguments in (("index", docs, tmp_path / "made"), ("search", docs, "words")):
        assert said in refused(*arguments)
    assert not (tmp_path / "made").exists()
    assert refused("index", docs, tmp_path / "no" / "made", "--skip-unreadable") == f"{tmp_path / 'no'} is no folder"
    assert "is among the documents" in refused("index", docs, docs / "made", "--skip-unreadable")
    found = run("index", docs, tmp_path / "made", "--skip-unreadable")
    assert found.return_value == 0 and f"1 file left out:\n  {name}: " in found.stdout


@pytest.mark.timeout(120)
def test_hostile_html_is_text_alone(tmp_path: Path) -> None:
    deep = (
        "<div>" * 100_000 + "<b onload='run()'>heron</b><iframe src='file:///etc/passwd'></iframe>" + "&#x110000;" * 999
    )
    entity = '<!DOCTYPE html [<!ENTITY e SYSTEM "file:///etc/passwd"><!ENTITY a "&e;&e;">]><p>&a; \x1b[31m clock</p>'
    docs = write(tmp_path / "docs", {"deep.html": deep, "entity.html": entity})
    assert run("search", docs, "heron", "--json").stdout.count("\n") == 1
    shown = run("search", docs, "clock").stdout
    assert shown.startswith("1. entity.html#0") and "root:" not in shown and "\x1b" not in shown


def test_folders_of_nothing(tmp_path: Path, birds: Path) -> None:
    (tmp_path / "empty").mkdir()
    said = f"{tmp_path / 'empty'}: no document there. Give a folder of Markdown, text, HTML or PDF files."
    for arguments in (("index", tmp_path / "empty", tmp_path / "made"), ("search", tmp_path / "empty", "x")):
        assert refused(*arguments) == said
    asked = tmp_path / "q.jsonl"
    asked.write_text('{"question": "heron", "gold": ["birds/heron.md"]}\n')
    assert refused("evaluate", asked, "--documents", tmp_path / "empty") == said
    nothing = tmp_path / "none"
    assert refused("search", nothing, "x") == f"{nothing}: there is no such folder of documents"
    assert refused("evaluate", asked, "--documents", nothing) == f"{nothing}: there is no such folder of documents"


def test_a_file_where_a_folder_is_wanted(tmp_path: Path, birds: Path) -> None:
    asked, file = tmp_path / "q.jsonl", birds / "price.html"
    asked.write_text('{"question": "heron", "gold": ["birds/heron.md"]}\n')
    assert refused("search", file, "x") == f"{file}: a file; give a folder of documents, or an index of them"
    said = f"{file}: a file; give the folder of the documents"
    assert refused("index", file, tmp_path / "made") == refused("evaluate", asked, "--documents", file) == said


def test_an_index_is_not_evaluated(tmp_path: Path, birds: Path) -> None:
    asked, made = tmp_path / "q.jsonl", tmp_path / "made"
    asked.write_text('{"question": "heron", "gold": ["birds/heron.md"]}\n')
    save(build(birds), made, birds)
    said = f"{made}: an index, and measuring makes one of its own for each size; give the folder of the documents"
    assert refused("evaluate", asked, "--documents", made) == f"{said}, {birds}"
    (made / "manifest.json").write_text("{")
    assert refused("evaluate", asked, "--documents", made) == said


def test_a_depth_without_a_model_is_refused(tmp_path: Path, birds: Path) -> None:
    said = "--rerank-depth says how many hits --rerank MODEL orders anew; give that model"
    assert refused("search", birds, "heron", "--rerank-depth", "50") == said
    assert refused("evaluate", tmp_path / "q.jsonl", "--documents", birds, "--rerank-depth", "3") == said


def test_documents_that_are_gone_are_told(tmp_path: Path, birds: Path) -> None:
    save(build(birds), tmp_path / "made", birds)
    assert "cannot be told" not in run("search", tmp_path / "made", "heron").stderr
    birds.rename(tmp_path / "away")
    found = run("search", tmp_path / "made", "heron")
    assert f"prepdata: {birds}: gone, so whether the index is still right cannot be told" in found.stderr
    assert found.return_value == 0 and found.stdout


def test_questions_that_cannot_be_read(tmp_path: Path, birds: Path) -> None:
    assert (
        refused("evaluate", tmp_path / "none", "--documents", birds)
        == f"{tmp_path / 'none'}: No such file or directory"
    )
    assert refused("evaluate", birds, "--documents", birds) == f"{birds}: Is a directory"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("-k", "0"), "'-k': 0 is not in the range"),
        (("--rerank-depth", "0"), "'--rerank-depth': 0 is not in the range"),
        (("--mode", "fuzzy"), "'--mode': 'fuzzy' is not one of"),
        (("--url", "localhost:6333"), "an address of a store begins with http:// or https://"),
        (("--embedding", "no/such"), "there is no folder no/such and no installed package of that name"),
        (("--mode", "dense"), "dense search needs vectors: make the index with --embedding"),
    ],
)
def test_flags_that_cannot_be(birds: Path, arguments: tuple[str, str], said: str) -> None:
    found = run("search", birds, "heron", *arguments)
    assert found.exception is not None
    assert said in (
        (getattr(found.exception, "message", "") and str(found.exception.format_message())) or str(found.exception)
    )


@pytest.fixture
def made(birds: Path, model: str, tmp_path: Path) -> Path:
    """An index with dense vectors."""
    save(build(birds, embedding=model), tmp_path / "made", birds)
    return tmp_path / "made"


def forged(folder: Path, name: str, raw: bytes) -> None:
    """Write a part of an index, and its digest into the manifest: as somebody would who means it."""
    (folder / name).write_bytes(raw)
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["files"][name] = hashlib.sha256(raw).hexdigest()
    (folder / "manifest.json").write_text(json.dumps(manifest, indent=2))


class Trap:
    """Makes a folder when it is unpickled."""

    def __init__(self, place: Path) -> None:
        self.place = place

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[str]]:
        return os.mkdir, (str(self.place),)


def arrays(value: Any, **how: Any) -> bytes:
    out = io.BytesIO()
    np.save(out, value, **how)
    return out.getvalue()


def test_vectors_with_pickled_objects_run_nothing(made: Path, model: str, tmp_path: Path) -> None:
    trap = np.array([[Trap(tmp_path / "ran")]] * 3, object)
    for raw in (arrays(trap, allow_pickle=True), pickle.dumps(Trap(tmp_path / "ran"))):
        forged(made, "dense.npy", raw)
        assert f"{made}: the index is damaged (dense.npy)" in refused("search", made, "heron", "--embedding", model)
    assert not (tmp_path / "ran").exists()
    pickle.loads(raw)  # the trap works
    assert (tmp_path / "ran").exists()


def zipped() -> bytes:
    out = io.BytesIO()
    np.savez(out, np.zeros(3))
    return out.getvalue()


@pytest.mark.parametrize(
    "raw",
    [
        b"", b"\x93NUMPY", zipped(), arrays(np.zeros((3, 64))), arrays(np.zeros((2, 64), np.float32)),
        arrays(np.full((3, 64), np.nan, np.float32)), arrays(np.full((3, 64), "x")),
        arrays(np.zeros(1, np.float32)).replace(b"(1,)", b"(9999999999999999,)"),
    ],
)  # fmt: skip
def test_vectors_of_another_kind(made: Path, model: str, raw: bytes) -> None:
    forged(made, "dense.npy", raw)
    assert "the index is damaged (dense.npy)" in refused("search", made, "heron", "--embedding", model)


def test_chunks_that_were_changed(made: Path, birds: Path) -> None:
    raw = (made / "chunks.jsonl").read_bytes()
    (made / "chunks.jsonl").write_bytes(raw.replace(b"heron stands", b"heron sleeps"))
    for arguments in (("search", made, "heron"), ("index", birds, made, "--embedding", "no")):
        assert refused(*arguments)
    assert f"{made}: the index is damaged (chunks.jsonl); `prepdata retrieval index --rebuild`" in refused(
        "search", made, "x"
    )
    lines = raw.splitlines(keepends=True)
    for changed in (b"", b"".join(lines[:-1]), raw + b"{}\n", raw + b"[" * 100_000 + b"\n", b"\xff" + raw):
        forged(made, "chunks.jsonl", changed)
        assert "the index is damaged (chunks.jsonl)" in refused("search", made, "heron")


@pytest.mark.parametrize(
    "raw", [b"", b"[]", b"\xff\xfe", b'{"prepdata_index": 1', b'{"prepdata_index": "x"}', b"[" * 100_000, b"null"]
)
def test_a_broken_manifest_is_named_and_mended(made: Path, birds: Path, raw: bytes) -> None:
    (made / "manifest.json").write_bytes(raw)
    for arguments in (("search", made, "heron"), ("index", birds, made)):
        assert f"{made}: the index is damaged (manifest.json)" in refused(*arguments)
    assert run("index", birds, made, "--rebuild").return_value == 0
    assert run("search", made, "heron").return_value == 0


def test_what_else_is_in_a_folder_is_never_lost(made: Path, birds: Path) -> None:
    (made / "notes.txt").write_text("mine")
    assert "beside an index it holds notes.txt; move that" in refused("index", birds, made, "--rebuild", "--size", 300)
    assert (made / "notes.txt").read_text() == "mine" and (made / "chunks.jsonl").exists()
    others = write(birds.parent / "others", {"manifest.json": "{}", "chunks.jsonl": "", "app.js": ""})
    assert "something else than an index" in refused("index", birds, others)
    assert "something else than an index" in refused("index", birds, birds / "price.html")


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b'{"question": "caf\xe9", "gold": ["price.html"]}\n', "q.jsonl:1: no JSON object; a question file has one row a line"),
        (b'{"question": "heron"}\n', "no question to measure: "),
        (b'{"question": "heron", "gold": 7}\n', "q.jsonl:1 names no source"),
        (b'{"question": "  "}\n', "q.jsonl:1: no question; give"),
        (b'{"question": "a"}\n' + b"[" * 100_000, "q.jsonl:2: no JSON object"),
        (b'{"question": "heron", "gold": ["../../etc/passwd"]}\n', "names ../../etc/passwd, which is not among the documents"),
    ],
)  # fmt: skip
def test_questions_that_cannot_be_asked(birds: Path, tmp_path: Path, raw: bytes, said: str) -> None:
    (tmp_path / "q.jsonl").write_bytes(raw)
    assert said in refused("evaluate", tmp_path / "q.jsonl", "--documents", birds)


def test_a_store_that_goes_away_while_an_index_is_sent(birds: Path, tmp_path: Path) -> None:
    """The index is written by then; when the server is back, what it has got is gone on with."""
    with Server(answers=3) as server:
        said = refused_after(("index", birds, tmp_path / "made", "--url", server.url))
        assert "while vectors were sent: it does not answer. What is finished is kept; run again." in said
        server.answers = 1 << 30
        found = run("index", birds, tmp_path / "made", "--url", server.url)
        assert found.return_value == 0 and found.stdout.startswith(f"{tmp_path / 'made'}: up to date\n")
        assert run("search", tmp_path / "made", "heron", "--url", server.url).stdout.startswith("1. birds/heron.md#0")


def refused_after(arguments: tuple[object, ...]) -> str:
    """Return the line that the command ends with after it has said what is done."""
    found = run(*arguments)
    assert isinstance(found.exception, PrepdataError) and found.stdout
    return str(found.exception)


def test_a_full_disk_leaves_nothing(birds: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        build_module.os, "fsync", lambda _: (_ for _ in ()).throw(OSError(28, "No space left on device"))
    )
    assert isinstance(run("index", birds, tmp_path / "made").exception, OSError)
    assert [path.name for path in tmp_path.iterdir()] == ["docs"]


def test_bytes_that_are_no_text_in_a_question(birds: Path) -> None:
    """As a shell hands them over, by the whole program."""
    for question, code, said in ((b"caf\xe9 heron", 0, b"1. birds/heron.md"), (b"\xff\xfe", 1, b""), (b"", 2, b"")):
        done = subprocess.run(
            [sys.executable.encode(), b"-m", b"prepdata", b"retrieval", b"search", os.fsencode(birds), question],
            capture_output=True, cwd=ROOT, timeout=120, check=False,
        )  # fmt: skip
        assert done.returncode == code and done.stdout.startswith(said) and b"Traceback" not in done.stderr
