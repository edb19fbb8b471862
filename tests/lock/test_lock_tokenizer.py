"""Tokenizer folders: which files count, which template is in effect, and what cannot be read."""

from __future__ import annotations

import hashlib
import itertools
import json
import os
from pathlib import Path
from typing import Any

import pytest

from prepdata.errors import InputError
from prepdata.lock.tokenizer import is_copied, parts, template_digest, template_of

LISTED = [{"name": "rag", "template": "listed rag"}, {"name": "default", "template": "listed"}]
JINJA = (None, "file\r\nof two lines")
PROCESSOR = (None, "processor")
CONFIG: tuple[Any, ...] = (None, "config", LISTED, LISTED[:1], {"default": "by name"})
OTHERS: tuple[tuple[str, ...], ...] = ((), ("rag",), ("default", "rag"))


def folder(path: Path, jinja: str | None = None, processor: Any = None, config: Any = None, others: Any = ()) -> Path:
    path.mkdir(parents=True, exist_ok=True)
    (path / "tokenizer.json").write_text("{}")
    (path / "tokenizer_config.json").write_text(json.dumps({} if config is None else {"chat_template": config}))
    if jinja is not None:
        (path / "chat_template.jinja").write_bytes(jinja.encode())
    if processor is not None:
        (path / "chat_template.json").write_text(json.dumps({"chat_template": processor}))
    for name in others:
        (path / "additional_chat_templates").mkdir(exist_ok=True)
        (path / "additional_chat_templates" / f"{name}.jinja").write_text(f"other {name}")
    return path


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, None),
        ({"config": "c"}, "c"),
        ({"config": LISTED}, "listed"),
        ({"config": LISTED[:1]}, None),
        ({"config": {"default": "d", "rag": "r"}}, "d"),
        ({"config": "c", "processor": "p"}, "p"),
        ({"config": "c", "processor": None}, "c"),
        ({"config": "c", "processor": "p", "jinja": "j"}, "j"),
        ({"jinja": ""}, ""),
        ({"jinja": "a\r\nb\rc\n"}, "a\nb\nc\n"),
        ({"config": "c", "jinja": "j", "others": ["rag"]}, "j"),
        ({"config": "c", "others": ["rag"]}, None),
        ({"config": "c", "jinja": "j", "others": ["default"]}, "other default"),
    ],
)
def test_the_template_in_effect(tmp_path: Path, given: dict[str, Any], expected: str | None) -> None:
    path = folder(tmp_path / "model", **given)
    assert template_of(path) == expected
    digest = None if expected is None else hashlib.sha256(expected.encode()).hexdigest()
    assert template_digest(path) == digest


@pytest.mark.slow
def test_it_is_the_one_that_transformers_uses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    transformers = pytest.importorskip("transformers")
    tokenizers = pytest.importorskip("tokenizers")
    vocabulary = tokenizers.Tokenizer(tokenizers.models.WordLevel({"a": 0, "b": 1}, unk_token="a"))
    for number, (jinja, config, others) in enumerate(itertools.product(JINJA, CONFIG, OTHERS)):
        path = folder(tmp_path / str(number), jinja, None, config, others)
        vocabulary.save(str(path / "tokenizer.json"))
        settings = json.loads((path / "tokenizer_config.json").read_text())
        settings["tokenizer_class"] = "PreTrainedTokenizerFast"
        (path / "tokenizer_config.json").write_text(json.dumps(settings))
        loaded = transformers.AutoTokenizer.from_pretrained(path)
        try:
            wanted = loaded.get_chat_template()
        except ValueError:  # it says that there is none
            wanted = None
        assert template_of(path) == wanted, (jinja, config, others)


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("tokenizer_config.json", b"{", "not valid JSON"),
        ("tokenizer_config.json", b'{"chat_template": ' + b"[" * 200_000, "nested too deep|not valid JSON"),
        ("tokenizer_config.json", b'{"a": ' + b"1" * 10_000 + b"}", "not valid JSON"),
        ("tokenizer_config.json", b'{"a": "\xff"}', "not UTF-8 at byte 8"),
        ("chat_template.jinja", b"a\xe9", "not UTF-8 at byte 2"),
        ("chat_template.json", b"\0", "not valid JSON"),
    ],
)
def test_a_file_that_cannot_be_read_is_told(tmp_path: Path, name: str, data: bytes, said: str) -> None:
    path = folder(tmp_path / "model")
    (path / name).write_bytes(data)
    with pytest.raises(InputError, match=said) as caught:
        template_of(path)
    assert str(caught.value).startswith(str(path / name))


@pytest.mark.parametrize("given", [
    {"config": 7}, {"config": "c", "processor": 7}, {"config": {"default": 8}},
    {"config": [7, {"name": ["x"], "template": "y"}, {"name": "default", "template": 8}]},
])  # fmt: skip
def test_templates_of_other_kinds_are_told(tmp_path: Path, given: dict[str, Any]) -> None:
    with pytest.raises(InputError, match=r"/chat_template/0 has no name|neither a text nor a list"):
        template_of(folder(tmp_path / "model", **given))


@pytest.mark.parametrize("data", ["[]", "7", "null", '"text"'])
def test_a_configuration_that_is_no_object_is_told(tmp_path: Path, data: str) -> None:
    path = folder(tmp_path / "model")
    (path / "tokenizer_config.json").write_text(data)
    with pytest.raises(InputError, match="holds no JSON object"):
        template_of(path)


def test_no_template_at_all(tmp_path: Path) -> None:
    path = folder(tmp_path / "model")
    (path / "tokenizer_config.json").write_text('{"chat_template": null}')
    assert template_of(path) is None


def test_half_characters_in_a_template_have_a_digest(tmp_path: Path) -> None:
    path = folder(tmp_path / "model")
    (path / "tokenizer_config.json").write_text('{"chat_template": "\\ud800"}')
    assert template_digest(path) == hashlib.sha256(b"\xed\xa0\x80").hexdigest()


def test_the_files_that_count(tmp_path: Path) -> None:
    path = folder(tmp_path / "model", jinja="j", others=["rag"])
    for name in ("config.json", "README.md", "model.safetensors", "vocab.json", "added_tokens.json"):
        (path / name).write_text(name)
    (path / "additional_chat_templates" / "notes.txt").write_text("x")
    found = parts(path)
    assert list(found) == [
        "added_tokens.json", "additional_chat_templates/rag.jinja", "chat_template.jinja", "tokenizer.json",
        "tokenizer_config.json", "vocab.json",
    ]  # fmt: skip
    assert found["vocab.json"].sha256 == hashlib.sha256(b"vocab.json").hexdigest()
    assert found["vocab.json"].size == 10
    assert list(parts(path / "tokenizer.json")) == ["tokenizer.json"]
    assert template_of(path / "tokenizer.json") is None


def test_links_are_followed_and_odd_files_are_told(tmp_path: Path) -> None:
    path, blobs = tmp_path / "model", tmp_path / "blobs"
    path.mkdir()
    blobs.mkdir()
    (blobs / "1").write_text("{}")
    (path / "tokenizer.json").symlink_to(blobs / "1")
    (path / "added_tokens.json").symlink_to(blobs / "gone")
    (path / "vocab.json").mkdir()
    os.mkfifo(path / "merges.txt")
    (path / "chat_template.jinja").symlink_to("chat_template.jinja")
    found = parts(path)
    assert found["tokenizer.json"].sha256 == hashlib.sha256(b"{}").hexdigest()
    assert "leads nowhere" in found["added_tokens.json"].why
    assert found["vocab.json"].why == found["merges.txt"].why == "not a regular file"
    assert found["chat_template.jinja"].why
    assert not any(part.sha256 for name, part in found.items() if name != "tokenizer.json")


def test_no_such_folder(tmp_path: Path) -> None:
    for path in (tmp_path / "none", tmp_path / "a\0b"):
        with pytest.raises(InputError):
            parts(path)


@pytest.mark.parametrize(
    ("name", "size", "copied"),
    [
        ("chat_template.jinja", 10, True),
        ("additional_chat_templates/rag.jinja", 10, True),
        ("tokenizer_config.json", (1 << 20) - 1, True),
        ("tokenizer_config.json", 1 << 20, False),
        ("tokenizer.json", 10, False),
        ("vocab.json", 10, False),
    ],
)
def test_what_is_copied(name: str, size: int, copied: bool) -> None:
    assert is_copied(name, size) is copied
