"""Tokenizers of models of the Hugging Face Hub, from a cache laid out as huggingface_hub does it. No network is used."""

from __future__ import annotations

import json
import shutil
import socket
from pathlib import Path
from typing import Any

import pytest
from byte_tokenizer import write_folder
from click.testing import CliRunner

import prepdata
from prepdata.cli.main import cli
from prepdata.errors import UsageError
from prepdata.tokens.hub import FILES, Model, fetch, located, model_given

hub = pytest.importorskip("huggingface_hub")
REVISION = "0123456789abcdef0123456789abcdef01234567"
ROW = {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello."}]}


@pytest.fixture(autouse=True)
def _no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*args: Any, **more: Any) -> None:
        raise AssertionError("the network was asked")

    monkeypatch.setattr(socket, "create_connection", refused)
    monkeypatch.setattr(socket.socket, "connect", refused)


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The cache with one model: blobs by their digest, links to them under the revision, the branch in `refs`."""
    place = tmp_path / "hub"
    model = place / "models--lab--small"
    made = write_folder(tmp_path / "made")
    snapshot = model / "snapshots" / REVISION
    snapshot.mkdir(parents=True)
    (model / "blobs").mkdir()
    for number, file in enumerate(sorted(made.iterdir())):
        blob = model / "blobs" / f"{number:040x}"
        shutil.copy(file, blob)
        (snapshot / file.name).symlink_to(Path("../../blobs") / blob.name)
    (model / "refs").mkdir()
    (model / "refs" / "main").write_text(REVISION)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(place))
    return place


@pytest.mark.parametrize(("given", "found"), [
    ("lab/small", Model("lab/small", None)), ("lab/small@v1.0", Model("lab/small", "v1.0")),
    ("lab/small@refs/pr/1", Model("lab/small", "refs/pr/1")), ("small", None), ("/lab/small", None), ("./lab/small", None),
    ("a/b/c", None), ("lab/small@", None), ("lab/../small", None), ("../small", None), ("lab/tokenizer.json", None),
    ("o200k_base", None), ("lab/x.tiktoken", None), ("lab/sm all", None), ("lab/small@a b", None),
])  # fmt: skip
def test_what_names_a_model(given: str, found: Model | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert model_given(given) == found


def test_a_folder_of_that_name_comes_first(cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_folder(tmp_path / "lab" / "small")
    assert located("lab/small") == ("lab/small", "")


@pytest.mark.parametrize("given", ["lab/small", f"lab/small@{REVISION}", "lab/small@main"])
@pytest.mark.parametrize("offline", [False, True])
def test_from_the_cache_without_the_network(cache: Path, given: str, offline: bool) -> None:
    place, note = located(given, offline=offline)
    assert Path(place) == cache / "models--lab--small" / "snapshots" / REVISION
    assert note == f"the tokenizer is that of lab/small on the Hugging Face Hub, revision {REVISION}"


def test_the_report_names_the_revision(cache: Path, tmp_path: Path) -> None:
    (tmp_path / "rows.jsonl").write_text(json.dumps(ROW) + "\n")
    report = prepdata.validate(tmp_path / "rows.jsonl", tokenizer="lab/small", offline=True, cache=False)
    assert any(REVISION in note for note in report.notes)
    assert report.measures["tokens"]["counter"] == f"lab/small@{REVISION[:12]}/tokenizer.json"
    assert report.measures["training"]["trainers"][0]["rows"] == 1


def test_show(cache: Path, tmp_path: Path) -> None:
    (tmp_path / "rows.jsonl").write_text(json.dumps(ROW) + "\n")
    result = CliRunner().invoke(cli, ["show", f"{tmp_path / 'rows.jsonl'}:1", "--tokenizer", "lab/small"])
    assert result.exit_code == 0 and REVISION in result.output


def test_lock(cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "rows.jsonl").write_text(json.dumps(ROW) + "\n")
    result = CliRunner().invoke(
        cli, ["lock", "rows.jsonl", "--tokenizer", "lab/small", "--isolated", "--lock", "a.lock"]
    )
    assert result.exit_code == 0, result.output
    report = prepdata.validate("rows.jsonl", tokenizer="lab/small", lock="a.lock", cache=False, tokens=False)
    assert not [f for f in report if f.name == "template-drift"]
    template = cache / "models--lab--small" / "snapshots" / REVISION / "chat_template.jinja"
    template.write_text(template.read_text() + " ")
    report = prepdata.validate("rows.jsonl", tokenizer="lab/small", lock="a.lock", cache=False, tokens=False)
    assert [f.severity for f in report if f.name == "template-drift"] == ["error"]


@pytest.mark.parametrize("given", ["lab/other", f"lab/small@{'f' * 40}"])
def test_not_to_be_had_offline(cache: Path, given: str) -> None:
    with pytest.raises(UsageError, match=r"cannot be had: it is not in the cache .*--offline.*hf download"):
        located(given, offline=True)


def test_not_to_be_had_from_the_hub(monkeypatch: pytest.MonkeyPatch) -> None:
    def gated(*args: Any, **more: Any) -> str:
        raise OSError("401 Client Error.\n\nCannot access gated repo")

    monkeypatch.setattr(hub, "snapshot_download", gated)
    with pytest.raises(UsageError, match=r"cannot be had: OSError: 401 Client Error\. Get"):
        located("lab/gated")


def test_what_is_asked_of_the_hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """First the cache, then the Hub: JSON and templates, without the user's token."""
    asked = []
    folder = write_folder(tmp_path / REVISION)

    def download(name: str, **more: Any) -> str:
        asked.append((name, more))
        if more["local_files_only"]:
            raise FileNotFoundError
        return str(folder)

    monkeypatch.setattr(hub, "snapshot_download", download)
    assert fetch(Model("lab/small", "v1")) == folder
    assert [(name, more["local_files_only"]) for name, more in asked] == [("lab/small", True), ("lab/small", False)]
    for _, more in asked:
        assert more["token"] is False and more["revision"] == "v1" and more["allow_patterns"] == list(FILES)
    assert all(name.endswith((".json", ".jinja")) for name in FILES)


def test_a_part_left_in_the_cache_is_completed(cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another program may have fetched tokenizer.json alone, without the template."""
    snapshot = cache / "models--lab--small" / "snapshots" / REVISION
    (snapshot / "tokenizer_config.json").unlink()
    whole = write_folder(tmp_path / "whole")
    real = hub.snapshot_download
    monkeypatch.setattr(
        hub, "snapshot_download", lambda name, **more: real(name, **more) if more["local_files_only"] else str(whole)
    )
    assert fetch(Model("lab/small", None)) == whole
    assert fetch(Model("lab/small", None), offline=True) == snapshot


def test_a_model_without_a_tokenizer_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "tokenizer_config.json").write_text("{}")
    monkeypatch.setattr(hub, "snapshot_download", lambda *args, **more: str(tmp_path))
    with pytest.raises(UsageError, match=r"it has no tokenizer\.json there"):
        located("lab/small")


def test_without_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(UsageError, match=r"There is no file or folder lab/small.*prepdata\[hf\]"):
        located("lab/small")
