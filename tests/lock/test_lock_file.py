"""The lock file: read back as written, the same bytes for the same, and every hostile one told with file and place."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from prepdata.errors import ConfigError
from prepdata.generate import lock_schema
from prepdata.lock.model import (
    Lock,
    LockedFile,
    LockedPart,
    LockedTarget,
    LockedTokenizer,
    copies_folder,
    is_below,
    name_in,
    names_in,
    read,
    text,
    write,
)

SHA = "0123456789abcdef" * 4
FILE = {"path": "train.jsonl", "sha256": SHA, "rows": 3, "bytes": 300}
SCHEMA = json.loads(lock_schema())

names = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0\\/:"), min_size=1, max_size=12).filter(
    lambda name: name not in (".", "..")
)
paths = st.lists(names, min_size=1, max_size=3).map("/".join)
digests = st.text("0123456789abcdef", min_size=64, max_size=64)
counts = st.integers(0, 10**15)
files = st.builds(LockedFile, path=paths, sha256=digests, rows=counts, bytes=counts)
parts = st.builds(LockedPart, path=paths, sha256=digests, bytes=counts, copied=st.booleans())
tokenizers = st.builds(
    LockedTokenizer,
    path=st.none() | st.just(".") | paths,
    template=st.none() | digests,
    files=st.lists(parts, max_size=3, unique_by=lambda part: part.path).map(tuple),
)
locks = st.builds(
    Lock,
    prepdata=st.text(st.characters(exclude_categories=("Cs",)), max_size=10),
    files=st.lists(files, max_size=3, unique_by=lambda file: file.path).map(tuple),
    tokenizer=st.none() | tokenizers,
    targets=st.lists(st.builds(LockedTarget, name=names, sha256=digests), max_size=2, unique_by=lambda t: t.name).map(
        tuple
    ),
    settings=st.dictionaries(names, digests, max_size=2),
)


def document(**changes: Any) -> dict[str, Any]:
    return {"schema_version": 1, "prepdata": "0.1.0", "files": [FILE], **changes}


@given(lock=locks)
def test_what_is_written_is_read_and_fits_the_schema(lock: Lock, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("lock") / "prepdata.lock"
    write(path, lock)
    assert read(path) == lock
    assert path.read_bytes() == text(lock)
    jsonschema.validate(json.loads(path.read_bytes()), SCHEMA)
    assert os.listdir(path.parent) == ["prepdata.lock"]


@given(data=st.binary(max_size=200))
def test_any_bytes_are_read_or_told(data: bytes, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("lock") / "prepdata.lock"
    path.write_bytes(data)
    with pytest.raises(ConfigError, match=r"prepdata\.lock"):
        read(path)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(exclude_categories=("Cs",))),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(
    changes=st.dictionaries(
        st.sampled_from(["schema_version", "prepdata", "files", "tokenizer", "targets", "settings", "other"]),
        JSON
        | st.lists(st.just(FILE) | st.fixed_dictionaries({**{k: st.just(v) for k, v in FILE.items()}, "path": JSON})),
        max_size=3,
    )
)
def test_program_and_schema_agree_on_any_document(
    changes: dict[str, Any], tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("lock") / "prepdata.lock"
    made = document(**changes)
    path.write_text(json.dumps(made, allow_nan=True), encoding="utf-8")
    try:
        lock = read(path)
    except ConfigError as error:
        assert str(error).startswith(str(path))
        return
    assert jsonschema.Draft202012Validator(SCHEMA).is_valid(json.loads(text(lock)))
    assert all(is_below(file.path) for file in lock.files)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", r"prepdata\.lock:1: the file ends too soon"),
        (b"null", "Expected `object`"),
        (b"[" * 100_000, "Expected `object`, got `array`"),
        (b'{"schema_version": 1, "prepdata": ' + b"[" * 5000 + b"]" * 5000 + b"}", "nested too deep"),
        (b'{"schema_version": 1, "x": ' + b"1" * 5000 + b"}", r"unknown field `x`"),
        (b'{"schema_version": 1' + b"0" * 400 + b"}", "unheard-of layout"),
        (b'{"schema_version": 99999999999999999999}', "unheard-of layout.*Update prepdata"),
        (b'{"schema_version": 2}', "layout 2.*Update prepdata"),
        (b'{"schema_version": 0}', "layout 0.*Delete it"),
        (b'{"schema_version": "1"}', r"schema_version"),
        (b'{"schema_version": 1.0}', r"\$\.schema_version"),
        (b"{}", "schema_version"),
        (b'{\n"schema_version": 1,\n"prepdata": "a\0b"}', r"prepdata\.lock:3"),
        (b'{\n"schema_version": 1,\n\n"prepdata": "\xff"}', r"prepdata\.lock:4: not UTF-8"),
        (b"\xef\xbb\xbf{}", r"prepdata\.lock:1: "),
        (b'{"schema_version": 1,\n<<<<<<< HEAD\n"prepdata": "1"}', r"prepdata\.lock:2: .*merge left it"),
    ],
    ids=range(16),
)
def test_a_damaged_lock_is_told_with_file_and_place(tmp_path: Path, data: bytes, said: str) -> None:
    path = tmp_path / "prepdata.lock"
    path.write_bytes(data)
    with pytest.raises(ConfigError, match=f"(?s){said}") as caught:
        read(path)
    assert str(caught.value).startswith(str(path)) and len(str(caught.value)) < 700


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"files": {}}, r"\$\.files"),
        ({"files": [{**FILE, "sha256": "abc"}]}, r"\$\.files\[0\]\.sha256"),
        ({"files": [{**FILE, "sha256": SHA + "\n"}]}, r"\$\.files\[0\]\.sha256"),
        ({"files": [{**FILE, "sha256": SHA.upper()}]}, r"sha256"),
        ({"files": [{**FILE, "rows": -1}]}, r"rows"),
        ({"files": [{**FILE, "rows": 10**30}]}, r"rows"),
        ({"files": [{**FILE, "rows": 1.5}]}, r"rows"),
        ({"files": [{**FILE, "rows": True}]}, r"rows"),
        ({"files": [{**FILE, "date": "today"}]}, r"date"),
        ({"files": [{"path": "a"}]}, r"files\[0\]"),
        ({"files": [FILE, FILE]}, r"\$\.files: 'train\.jsonl' stands there twice"),
        ({"files": [{**FILE, "path": "/etc/passwd"}]}, r"\$\.files\[0\]\.path: '/etc/passwd' is no path below"),
        ({"files": [FILE, {**FILE, "path": "../x"}]}, r"\$\.files\[1\]\.path"),
        ({"files": [{**FILE, "path": "a/../../x"}]}, r"is no path below"),
        ({"files": [{**FILE, "path": "a//b"}]}, r"is no path below"),
        ({"files": [{**FILE, "path": "./a"}]}, r"is no path below"),
        ({"files": [{**FILE, "path": "a\0b"}]}, r"is no path below"),
        ({"files": [{**FILE, "path": "C:\\x"}]}, r"is no path below"),
        ({"files": [{**FILE, "path": "..\\x"}]}, r"is no path below"),
        ({"files": [{**FILE, "path": ""}]}, r"path"),
        ({"files": [{**FILE, "path": "x" * 5000}]}, r"path"),
        ({"tokenizer": {"path": "../m", "template": None, "files": []}}, r"\$\.tokenizer\.path"),
        ({"tokenizer": {"path": "m", "template": None, "files": [
            {"path": "../../.bashrc", "sha256": SHA, "bytes": 1, "copied": True}]}}, r"\$\.tokenizer\.files\[0\]"),
        ({"tokenizer": {"path": "m", "template": "x", "files": []}}, r"\$\.tokenizer\.template"),
        ({"targets": [{"name": "trl", "sha256": SHA}] * 2}, r"\$\.targets: 'trl' stands there twice"),
        ({"settings": {"ignore": 7}}, r"\$\.settings"),
        ({"surprise": 1}, r"surprise"),
    ],
)  # fmt: skip
def test_impossible_values_are_told_with_their_place(tmp_path: Path, changes: dict[str, Any], said: str) -> None:
    path = tmp_path / "prepdata.lock"
    path.write_text(json.dumps(document(**changes)), encoding="utf-8")
    with pytest.raises(ConfigError, match=said) as caught:
        read(path)
    assert str(caught.value).startswith(str(path))
    assert "The lock is damaged" in str(caught.value)


def test_half_characters_in_a_lock_are_told(tmp_path: Path) -> None:
    path = tmp_path / "prepdata.lock"
    path.write_text('{"schema_version": 1, "prepdata": "\\ud800"}')
    with pytest.raises(ConfigError, match=r"prepdata\.lock"):
        read(path)


def test_many_equal_paths_are_told_at_once(tmp_path: Path) -> None:
    path = tmp_path / "prepdata.lock"
    listed = [{**FILE, "path": str(number)} for number in range(50_000)]
    path.write_text(json.dumps(document(files=[*listed, listed[-1]])))
    with pytest.raises(ConfigError, match="'49999' stands there twice"):
        read(path)


def test_a_lock_that_cannot_be_read(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "none.lock", tmp_path / "a\0b"):
        with pytest.raises(ConfigError, match="cannot be read"):
            read(path)


def test_a_lock_without_end_is_not_read_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("prepdata.lock.model.MOST_BYTES", 1000)
    with pytest.raises(ConfigError, match="cannot be read"):
        read("/dev/zero")


def test_a_failed_write_leaves_the_old_lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "prepdata.lock"
    write(path, Lock(prepdata="1"))

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(ConfigError, match="No space left"):
        write(path, Lock(prepdata="2"))
    assert read(path).prepdata == "1"
    assert os.listdir(tmp_path) == ["prepdata.lock"]


def test_a_name_that_is_no_text_cannot_be_locked() -> None:
    with pytest.raises(ConfigError, match="not UTF-8"):
        text(Lock(prepdata="1", files=(LockedFile(path="\udcff.jsonl", sha256=SHA, rows=0, bytes=0),)))


# --- names -----------------------------------------------------------------------------------------------------------


def test_names_are_relative_with_slashes_however_they_are_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "data" / "raw").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "data")
    for given_ in ("raw/a.jsonl", "./raw/../raw/a.jsonl", str(tmp_path / "data" / "raw" / "a.jsonl")):
        assert name_in(given_, tmp_path) == "data/raw/a.jsonl"
        assert name_in(given_, Path("..")) == "data/raw/a.jsonl"
    assert name_in("raw/a.jsonl", Path()) == "raw/a.jsonl"
    assert name_in("../b.jsonl", Path()) is None
    assert name_in("/etc/passwd", tmp_path) is None
    assert name_in(".", Path()) is None
    assert name_in("a\0b", tmp_path) is None


def test_a_link_keeps_its_name_and_a_linked_folder_leads_to_the_same(tmp_path: Path) -> None:
    project, store = tmp_path / "project", tmp_path / "store"
    project.mkdir()
    store.mkdir()
    (store / "9f86.jsonl").write_text("{}\n")
    (project / "train.jsonl").symlink_to(store / "9f86.jsonl")
    (project / "data").symlink_to(store)
    (tmp_path / "other-way").symlink_to(project)
    assert name_in(project / "train.jsonl", project) == "train.jsonl"
    assert name_in(project / "data" / "9f86.jsonl", project) == "data/9f86.jsonl"
    assert name_in(store / "9f86.jsonl", project) is None
    assert "own.jsonl" in names_in(tmp_path / "other-way" / "own.jsonl", project)


def test_the_folder_of_copies_goes_by_the_name_of_the_lock() -> None:
    assert copies_folder(Path("a/prepdata.lock")) == Path("a/prepdata-templates")
    assert copies_folder(Path("ci")) == Path("ci-templates")
