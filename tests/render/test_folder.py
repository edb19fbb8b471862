"""What a tokenizer folder holds, and what is said where it is not what it should be."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from byte_tokenizer import write_folder

from prepdata.errors import UsageError
from prepdata.render.folder import AddedToken, read_folder


def put(folder: Path, name: str, value: Any) -> None:
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).write_text(value if isinstance(value, str) else json.dumps(value), encoding="utf-8")


def test_files_of_their_own_come_before_the_configuration(tmp_path: Path) -> None:
    folder = write_folder(tmp_path, None, chat_template="from the configuration")
    assert read_folder(str(folder)).templates == {"default": "from the configuration"}
    put(folder, "chat_template.json", {"chat_template": "from the old file"})
    assert read_folder(str(folder)).templates == {"default": "from the old file"}
    put(folder, "chat_template.jinja", "from the file")
    assert read_folder(str(folder)).templates == {"default": "from the file"}
    put(folder, "additional_chat_templates/tool_use.jinja", "for tools")
    assert read_folder(str(folder)).templates == {"default": "from the file", "tool_use": "for tools"}
    put(folder, "mine.jinja", "mine")
    assert read_folder(str(folder), str(folder / "mine.jinja")).templates == {"default": "mine"}


def test_named_templates(tmp_path: Path) -> None:
    named = [
        {"name": "default", "template": "a"},
        {"name": "tool_use", "template": "b"},
        {"name": "rag", "template": "c"},
    ]
    folder = read_folder(str(write_folder(tmp_path, None, chat_template=named)))
    assert (folder.template(tools=False), folder.template(tools=True)) == ("a", "b")
    folder = read_folder(str(write_folder(tmp_path, None, chat_template=named[1:])))
    assert (folder.template(tools=False), folder.template(tools=True)) == (None, "b")


def test_special_tokens_as_texts_and_as_objects(tmp_path: Path) -> None:
    folder = write_folder(tmp_path, bos="<s>", eos={"content": "</s>", "lstrip": False}, pad_token=None)  # type: ignore[arg-type]
    put(folder, "special_tokens_map.json", {"unk_token": {"content": "<unk>"}, "bos_token": "<old>"})
    assert read_folder(str(folder)).named == {"unk_token": "<unk>", "bos_token": "<old>", "eos_token": "</s>"}
    put(folder, "tokenizer_config.json", {"bos_token": "<s>", "added_tokens_decoder": {}})
    assert read_folder(str(folder)).named == {"bos_token": "<s>"}


def test_tokens_that_the_configuration_adds(tmp_path: Path) -> None:
    added = {"300": {"content": "<new>", "special": True, "normalized": False}, "x": {"content": "<no>"}, "301": "<no>"}
    folder = read_folder(str(write_folder(tmp_path, added_tokens_decoder=added)))
    assert folder.added == {300: AddedToken("<new>", normalized=False, special=True)}


@pytest.mark.parametrize(
    ("given", "longest"), [(512, 512), (10**30, None), (0, None), (-1, None), ("512", None), (True, None), (None, None)]
)
def test_the_longest_row(given: Any, longest: int | None, tmp_path: Path) -> None:
    assert read_folder(str(write_folder(tmp_path, model_max_length=given))).longest == longest


def test_the_tokenizer_file_alone(tmp_path: Path) -> None:
    folder = write_folder(tmp_path)
    assert read_folder(str(folder / "tokenizer.json")).templates == read_folder(str(folder)).templates


def test_the_digest_changes_with_what_rendering_depends_on(tmp_path: Path) -> None:
    folder = write_folder(tmp_path)
    seen = {read_folder(str(folder)).digest()}
    for change in (
        lambda: put(folder, "README.md", "no difference"),
        lambda: put(folder, "chat_template.jinja", "other"),
        lambda: write_folder(folder, "chatml", eos="</s>"),
        lambda: put(folder, "tokenizer.json", (folder / "tokenizer.json").read_text() + " "),
    ):
        change()
        seen.add(read_folder(str(folder)).digest())
    assert len(seen) == 4


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("tokenizer_config.json", "{", "tokenizer_config.json: not valid JSON"),
        ("tokenizer_config.json", "[]", "tokenizer_config.json holds no JSON object"),
        ("tokenizer_config.json", "[" * 100_000, "tokenizer_config.json"),
        ("tokenizer_config.json", {"chat_template": 5}, "neither a text nor a list"),
        ("tokenizer_config.json", {"chat_template": [{"name": "a"}]}, "/chat_template/0 has no name and template"),
        ("tokenizer_config.json", {"eos_token": 7}, "eos_token is neither"),
        ("special_tokens_map.json", {"eos_token": []}, "special_tokens_map.json: eos_token"),
    ],
)
def test_what_is_not_what_it_should_be(name: str, content: Any, said: str, tmp_path: Path) -> None:
    folder = write_folder(tmp_path, None)
    put(folder, name, content)
    with pytest.raises(UsageError, match="(?s).*" + said.replace("/", ".")):
        read_folder(str(folder))


def test_a_folder_without_a_tokenizer(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"No tokenizer\.json"):
        read_folder(str(tmp_path))


def test_a_template_that_is_no_text(tmp_path: Path) -> None:
    folder = write_folder(tmp_path)
    (folder / "chat_template.jinja").write_bytes(b"\xff\xfe")
    with pytest.raises(UsageError, match="not UTF-8 at byte 1"):
        read_folder(str(folder))
