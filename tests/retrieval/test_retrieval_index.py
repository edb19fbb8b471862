"""Index folders, retrievers and the command: what is kept, what is told, what is refused."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest
from click.testing import CliRunner
from qdrant_server import Server
from retrieval_samples import ROOT, SUPPORT, write

from prepdata.cli.retrieval import command
from prepdata.errors import InputError, UsageError
from prepdata.retrieval import build as build_module
from prepdata.retrieval.build import build, changes, is_index, load, save
from prepdata.retrieval.evaluate import evaluate
from prepdata.retrieval.questions import read_questions
from prepdata.retrieval.search import open_retriever


def run(*arguments: object) -> tuple[int, str, str]:
    """Run the command; return exit code, output and what went to standard error."""
    found = CliRunner().invoke(command, list(map(str, arguments)), standalone_mode=False)
    if found.exception:
        raise found.exception
    return found.return_value, found.stdout, found.stderr


def test_meaning_words_and_both(birds: Path, model: str) -> None:
    retriever = open_retriever(birds, embedding=model)
    assert retriever.mode == "hybrid" and retriever.notes == []
    assert [hit.chunk.source for hit in retriever.ranked("fowl", 3, "bm25")] == []
    assert retriever.ranked("fowl", 1, "dense")[0].chunk.source == "birds/heron.md"
    assert retriever.search("fowl", 1)[0].chunk.source == "birds/heron.md"
    assert retriever.search("Which price do apples have?", 1)[0].chunk.source == "price.html"
    assert retriever.search("Which price do apples have?", 1)[0].score == pytest.approx(2 / 61)
    assert retriever.search("", 3) == []


def test_without_embedding_it_is_words_alone_and_says_so(birds: Path, model: str) -> None:
    retriever = open_retriever(birds)
    assert (retriever.mode, retriever.notes) == ("bm25", ["no embedding: BM25 alone"])
    with pytest.raises(UsageError, match="dense search needs vectors"):
        open_retriever(birds, mode="dense")
    index = build(birds, embedding=model)
    save(index, birds.parent / "made", birds)
    assert "no --embedding was given" in open_retriever(birds.parent / "made").notes[0]
    with pytest.raises(UsageError, match="needs the model of the index"):
        open_retriever(birds.parent / "made", mode="dense")


def test_an_index_folder_finds_what_documents_find(birds: Path, model: str, tmp_path: Path) -> None:
    save(build(birds, embedding=model), tmp_path / "made", birds)
    kept, fresh = open_retriever(tmp_path / "made", embedding=model), open_retriever(birds, embedding=model)
    assert kept.fingerprint == fresh.fingerprint
    for question in ("heron dawn", "apples", "what stops?"):
        assert kept.search(question, 3) == fresh.search(question, 3)
    assert sorted(path.name for path in (tmp_path / "made").iterdir()) == ["chunks.jsonl", "dense.npy", "manifest.json"]


def test_an_index_is_the_same_twice_and_another_for_other_things(birds: Path, model: str, tmp_path: Path) -> None:
    for name in ("one", "two"):
        save(build(birds, embedding=model), tmp_path / name, birds)
    for file in ("chunks.jsonl", "dense.npy", "manifest.json"):
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes()
    seen = {open_retriever(birds, mode="bm25", embedding=model).fingerprint, open_retriever(birds).fingerprint,
            open_retriever(birds, embedding=model).fingerprint, open_retriever(birds, chunk_size=300).fingerprint,
            open_retriever(birds, overlap=40).fingerprint}  # fmt: skip
    write(birds, {"birds/clock.txt": "Old clocks stop. The shop has pears.\n"})
    seen.add(open_retriever(birds).fingerprint)
    assert len(seen) == 6


@pytest.mark.parametrize(
    ("file", "raw"),
    [("chunks.jsonl", b"{}\n"), ("dense.npy", b"\x93NUMPY"), ("chunks.jsonl", None), ("dense.npy", None),
     ("manifest.json", b'{\n  "prepdata_index": 1,\n  "chunks": []}')],
)  # fmt: skip
def test_damaged_parts_are_named(birds: Path, model: str, tmp_path: Path, file: str, raw: bytes | None) -> None:
    save(build(birds, embedding=model), tmp_path / "made", birds)
    (tmp_path / "made" / file).unlink()
    if raw is not None:
        (tmp_path / "made" / file).write_bytes(raw)
    with pytest.raises(InputError, match=rf"the index is damaged \({file}\)"):
        load(tmp_path / "made")


def test_an_index_of_another_layout(birds: Path, tmp_path: Path) -> None:
    save(build(birds), tmp_path / "made", birds)
    manifest = tmp_path / "made" / "manifest.json"
    manifest.write_text(manifest.read_text().replace('"prepdata_index": 1', '"prepdata_index": 2'))
    with pytest.raises(InputError, match="layout 2, not 1; make it anew"):
        load(tmp_path / "made")


def test_nothing_else_is_written_over(birds: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    index = build(birds)
    with pytest.raises(UsageError, match="something else than an index"):
        save(index, birds, birds)
    save(index, tmp_path / "made", birds)
    before = (tmp_path / "made" / "manifest.json").read_bytes()
    monkeypatch.setattr(build_module.os, "fsync", lambda _: (_ for _ in ()).throw(OSError(28, "No space left")))
    with pytest.raises(OSError):
        save(build(birds, size=300), tmp_path / "made", birds)
    assert (tmp_path / "made" / "manifest.json").read_bytes() == before
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".prepdata")]


def test_changed_documents_are_told_and_rebuilt_on_request(birds: Path, tmp_path: Path) -> None:
    made = tmp_path / "made"
    code, out, _ = run("index", birds, made)
    assert code == 0 and out == "3 documents, 3 chunks of at most 400 characters; BM25 alone (no --embedding)\n"
    assert run("index", birds, made)[1].startswith(f"{made}: up to date\n")
    write(birds, {"new.md": "A new page.", "birds/clock.txt": "Clocks go on."})
    (birds / "price.html").unlink()
    assert changes(load(made).manifest, birds) == ["birds/clock.txt: changed", "new.md: new", "price.html: gone"]
    code, out, _ = run("index", birds, made, "--size", 300)
    assert code == 1 and "--rebuild makes it anew" in out
    assert "  birds/clock.txt: changed\n" in out and "chunks of 400 characters with 80 shared, not 300 with 60" in out
    code, out, err = run("search", made, "apples")
    assert code == 0 and "price.html#0" in out and "3 documents changed since the index was made" in err
    assert run("index", birds, made, "--rebuild")[0] == 0
    assert run("index", birds, made, "--size", 300)[0] == 1 and run("index", birds, made, "--overlap", 0)[0] == 1
    code, out, err = run("search", made, "apples")
    assert (code, out) == (1, "") and "nothing found" in err and "changed" not in err


def test_unreadable_documents_are_listed(birds: Path, tmp_path: Path) -> None:
    write(birds, {"bad.pdf": b"no pdf", "odd\x1b[31m.png": b""})
    with pytest.raises(InputError, match=r"bad.pdf: is no PDF"):
        run("index", birds, tmp_path / "made")
    assert not is_index(tmp_path / "made")
    code, out, _ = run("index", birds, tmp_path / "made", "--skip-unreadable")
    assert code == 0 and "2 files left out:\n" in out
    assert "\n  bad.pdf: is no PDF" in out and "\n  odd\\u001b[31m.png: is neither" in out
    assert "\x1b" not in out
    assert run("index", birds, tmp_path / "made", "--skip-unreadable")[1].startswith(f"{tmp_path / 'made'}: up to date")


def test_a_link_to_itself_is_left_out_everywhere(birds: Path, tmp_path: Path) -> None:
    (birds / "loop.md").symlink_to("loop.md")
    questions = tmp_path / "q.jsonl"
    questions.write_text('{"question": "Where does the heron stand?", "gold": ["birds/heron.md"]}\n')
    assert run("index", birds, tmp_path / "i")[0] == 0
    assert [one.place for one in load(tmp_path / "i").manifest.left_out] == ["loop.md"]
    assert not changes(load(tmp_path / "i").manifest, birds)
    assert run("evaluate", questions, "--documents", birds)[0] == 0


def test_an_index_that_cannot_be_written_is_named(birds: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(build_module.os, "fsync", full)
    with pytest.raises(OSError, match="No space left") as told:
        save(build(birds), tmp_path / "i", birds)
    assert told.value.filename == str(tmp_path / "i")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["docs"]


def test_too_many_chunks(birds: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(build_module, "MOST_CHUNKS", 2)
    with pytest.raises(InputError, match="more than 2 chunks"):
        build(birds)


def test_search_in_three_forms(birds: Path, model: str, tmp_path: Path) -> None:
    _, out, err = run("search", birds, "heron", "-k", 1)
    assert out.startswith("1. birds/heron.md#0  ") and "no embedding" in err
    _, out, err = run("search", birds, "fowl", "--embedding", model, "--mode", "dense", "--json")
    assert json.loads(out.splitlines()[0])["chunk"]["source"] == "birds/heron.md" and err == ""
    run("index", birds, tmp_path / "made", "--embedding", model)
    with Server() as server:
        code, out, _ = run("index", birds, tmp_path / "made", "--embedding", model, "--url", server.url)
        assert code == 0 and "sent to the store: collection prepdata-" in out
        sent = len(server.calls)
        assert run("search", tmp_path / "made", "fowl", "--embedding", model, "--url", server.url)[1].startswith(
            "1. birds/h"
        )
        assert not [call for call in server.calls[sent:] if call[0] == "PUT"]


def questions(folder: Path, *rows: object) -> Path:
    path = folder / "questions.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def ask(text: object, **marks: object) -> dict[str, object]:
    return {"messages": [{"role": "system", "content": "S"}, {"role": "user", "content": text}], **marks}


def test_evaluation_by_hand(birds: Path, model: str, tmp_path: Path) -> None:
    path = questions(
        tmp_path,
        ask("heron", gold=["birds/heron.md"]),
        ask("fowl", gold=[{"source": "birds/heron.md", "text": "A heron stands"}]),
        ask("apples two coins", gold=["price.html#0"]),
    )
    found = evaluate(path, birds, ks=(1, 3), embedding=model)
    assert [(row.mode, row.k, row.recall.mean) for row in found.rows] == [
        ("bm25", 1, 2 / 3), ("bm25", 3, 2 / 3), ("dense", 1, 1), ("dense", 3, 1), ("hybrid", 1, 1), ("hybrid", 3, 1),
    ]  # fmt: skip
    assert found.questions == 3 and not found.left_out and not found.stopped
    assert {row.fingerprint for row in found.rows if row.mode == "hybrid"} == {
        open_retriever(birds, embedding=model).fingerprint
    }


def test_questions_without_a_source_are_left_out_and_listed(birds: Path, tmp_path: Path) -> None:
    path = questions(
        tmp_path,
        ask("a heron"),
        ask("a heron", gold=[]),
        ask("a heron", gold=["none.md"]),
        ask("a heron", gold=[{"source": "birds/heron.md", "text": "not there"}]),
        ask("a heron", source="birds/heron.md"),
        {"question": "heron", "gold": "birds/heron.md"},
        ask([{"type": "text", "text": "heron"}], gold=["1"], passages=[{"id": "1", "source": "birds/heron.md"}]),
        ask("Context:\n[1] Clock\nOld\n\nQuestion: heron", gold=["birds/heron.md"]),
    )
    code, out, _ = run("evaluate", path, "--documents", birds, "--sweep-k", "1")
    assert code == 1 and out.startswith("4 questions; 95 % intervals\n")
    assert f"4 questions left out:\n  {path}:1 names no source\n  {path}:2 names no source\n" in out
    assert (
        f"{path}:3 names none.md, which is not among" in out and f"{path}:4 names a passage that birds/heron.md" in out
    )
    assert "bm25    1.00 [0.51, 1.00]" in out and "no embedding: BM25 alone" in out
    assert read_questions(path)[7].text == "heron"
    with pytest.raises(InputError, match="no question to measure"):
        evaluate(questions(tmp_path, ask("x")), birds)


@pytest.mark.parametrize(
    ("raw", "said"),
    [(b"", "no questions there"), (b"[1]\n", ":1: no question"), (b"{]\n", ":1: no JSON object"), (b"\xff\n", ":1: no JSON"),
     (b'{"messages": 3}\n', ":1: no question"), (b'{"messages": [{"role": "user", "content": "a"}]}\n{"a": 1}', ":2: no q")],
)  # fmt: skip
def test_question_files_that_cannot_be_read(birds: Path, tmp_path: Path, raw: bytes, said: str) -> None:
    path = tmp_path / "q.jsonl"
    path.write_bytes(raw)
    with pytest.raises(InputError, match=said):
        evaluate(path, birds)


def test_passages_that_no_chunk_holds_are_counted(birds: Path, tmp_path: Path) -> None:
    path = questions(tmp_path, ask("heron", gold=[{"source": "birds/heron.md", "text": "stands in the river. It was"}]))
    found = evaluate(path, birds, sizes=(20, 400), ks=(5,))
    assert [(row.size, row.cut, row.recall.mean) for row in found.rows] == [(20, 1, 0), (400, 0, 1)]
    assert (
        "1 question whose passage stands whole in no chunk of 20 characters"
        in run("evaluate", path, "--documents", birds, "--sweep-size", "20,400", "--sweep-k", "5")[1]
    )


def test_a_store_that_goes_away_keeps_what_is_finished(birds: Path, tmp_path: Path) -> None:
    path = questions(tmp_path, ask("heron", gold=["birds/heron.md"]), ask("clocks", gold=["birds/clock.txt"]))
    with Server(answers=8) as server:  # four to fill, two searches, two of the next filling
        flags = ("--sweep-size", "400,300", "--sweep-k", "1", "--json", "--url", server.url)
        code, out, err = run("evaluate", path, "--documents", birds, *flags)
    found = json.loads(out)
    assert code == 2 and [row["size"] for row in found["rows"]] == [400] and found["rows"][0]["recall"]["mean"] == 1
    assert found["stopped"] in err and "it does not answer" in err
    with pytest.raises(InputError, match="it does not answer"):
        run("evaluate", path, "--documents", birds, "--url", "http://127.0.0.1:9")


def test_the_labelled_questions_and_the_schema() -> None:
    asked = read_questions(SUPPORT.parent / "retrieval" / "questions.jsonl")
    assert len(asked) >= 60 and len({q.text for q in asked}) == len(asked)
    code, out, _ = run(
        "evaluate", SUPPORT.parent / "retrieval" / "questions.jsonl", "--documents", SUPPORT / "docs", "--json"
    )
    assert code == 0
    found = json.loads(out)
    jsonschema.validate(found, json.loads((ROOT / "schemas" / "retrieval.schema.json").read_text()))
    assert found["questions"] == len(asked) and [row["k"] for row in found["rows"]] == [1, 3, 5, 10]
    assert sorted(row["recall"]["mean"] for row in found["rows"]) == [row["recall"]["mean"] for row in found["rows"]]


@pytest.mark.parametrize("flag", [("--sweep-k", "0"), ("--sweep-k", "a"), ("--sweep-size", "5"), ("--sweep-size", "")])
def test_sweeps_that_cannot_be(birds: Path, tmp_path: Path, flag: tuple[str, str]) -> None:
    with pytest.raises(UsageError, match=flag[0]):
        run("evaluate", questions(tmp_path, ask("heron", gold=["a"])), "--documents", birds, *flag)


def test_heavy_libraries_wait_until_they_are_used() -> None:
    code = (
        "import sys, prepdata.cli.retrieval, prepdata.retrieval.search, prepdata.retrieval.evaluate\n"
        "print({'qdrant_client', 'lxml', 'pypdf', 'semantic_text_splitter', 'numpy', 'httpx', 'torch',"
        " 'transformers'} & set(sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "set()\n"


def test_a_library_that_is_missing_is_named(birds: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(birds, {"a.pdf": b"%PDF"})
    for library in ("semantic_text_splitter", "lxml", "pypdf", "qdrant_client"):
        with monkeypatch.context() as patch:
            patch.setitem(sys.modules, library, None)
            with pytest.raises(UsageError, match=rf"{library.replace('_', '-')}: pip install 'prepdata\[rag\]'"):
                open_retriever(birds, skip_unreadable=True, url="http://localhost:9")
