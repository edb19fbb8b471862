"""Classes of tokenizers that models name: transformers makes their parts anew, which has to come to the same tokens."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import pytest
from rows import HAND, generated_rows
from side_by_side import Way, differing, transformers
from template_folders import decoder
from tokenizers import Regex, Tokenizer, normalizers, pre_tokenizers
from tokenizers_made import made_tokenizer, write_folder

from prepdata.render.classes import AS_FILED

TEMPLATE = (
    "{{ bos_token }}{% for message in messages %}<|turn|>{{ message.content }}"
    "{% generation %}{{ eos_token }}{% endgeneration %}{% endfor %}"
)
NAMED = {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>", "pad_token": "</s>"}
QWEN2_SPLIT = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
BYTES = pre_tokenizers.ByteLevel(add_prefix_space=False)
BARE_BYTES = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
METASPACE = pre_tokenizers.Metaspace(prepend_scheme="first", split=False)
BEFORE_EVERY_PIECE = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])

# class, kind of model, normaliser, pre-tokeniser as the files of such models have them
CLASSES: dict[str, tuple[str, Any, Any]] = {
    "PreTrainedTokenizerFast": ("byte_level", None, BYTES),
    "GPT2TokenizerFast": ("byte_level", None, BYTES),
    "GPTNeoXTokenizerFast": ("byte_level", normalizers.NFC(), BYTES),
    "Qwen2Tokenizer": (
        "byte_level", normalizers.NFC(), pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(QWEN2_SPLIT), "isolated"), BARE_BYTES]),
    ),
    "CohereTokenizerFast": (
        "byte_level", normalizers.NFC(), pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True), BYTES]),
    ),
    "GemmaTokenizer": ("sentencepiece", normalizers.Replace(" ", "▁"), pre_tokenizers.Split(" ", "merged_with_previous")),
    "LlamaTokenizer": ("sentencepiece", None, METASPACE),
    "LlamaTokenizerFast": ("sentencepiece", None, METASPACE),
    "UnknownTokenizer": ("sentencepiece", BEFORE_EVERY_PIECE, None),
}  # fmt: skip


def _written(name: str, kind: str, normaliser: Any, split: Any, folder: Path) -> Path:
    unknown = ("<unk>",) if kind == "sentencepiece" else ()
    held = made_tokenizer(kind, (*unknown, "<s>", "</s>", "<|turn|>"), bos="<s>")
    tokenizer = Tokenizer.from_str(json.dumps(held))
    tokenizer.normalizer, tokenizer.pre_tokenizer = normaliser, split
    held |= {part: json.loads(tokenizer.to_str())[part] for part in ("normalizer", "pre_tokenizer")}
    config = {
        "tokenizer_class": name,
        "chat_template": TEMPLATE,
        "added_tokens_decoder": decoder(held),
        "legacy": False,
    }
    return write_folder(folder, held, NAMED, config=config)


@pytest.mark.parametrize("name", CLASSES)
def test_class_of_tokenizer(name: str, tmp_path: Path) -> None:
    rows = [*HAND, *generated_rows(-2, 100, ("<s>", "<|turn|>"))]
    folder = _written(name, *CLASSES[name], tmp_path / "model")
    different, rendered = differing(folder, zip(rows, itertools.repeat(Way())))
    assert not different, different[0]
    assert rendered == len(rows)


@pytest.mark.parametrize("legacy", [{}, {"legacy": True}, {"legacy": False}, {"legacy": None}], ids=str)
@pytest.mark.parametrize(
    "space", [{}, {"add_prefix_space": True}, {"add_prefix_space": False}, {"add_prefix_space": None}], ids=str
)
def test_llama_tokenizer_does_not_go_by_its_file(legacy: dict[str, Any], space: dict[str, Any], tmp_path: Path) -> None:
    folder = _written("LlamaTokenizer", "sentencepiece", BEFORE_EVERY_PIECE, None, tmp_path / "model")
    _configure(folder, **legacy, **space)
    different, _ = differing(folder, zip(HAND, itertools.repeat(Way())))
    assert not different, different[0]


@pytest.mark.parametrize("model_type", ["llama", "mistral", "phi3", "gemma"])
@pytest.mark.parametrize("file", ["config.json", "tokenizer_config.json"])
def test_llama_tokenizer_of_a_type_of_model(model_type: str, file: str, tmp_path: Path) -> None:
    folder = _written("LlamaTokenizerFast", "sentencepiece", BEFORE_EVERY_PIECE, None, tmp_path / "model")
    if file == "config.json":
        _configure(folder, tokenizer_class=None)
    model = {"model_type": model_type, "tokenizer_class": "LlamaTokenizer"}
    (folder / "config.json").write_text(json.dumps(model), encoding="utf-8")
    different, _ = differing(folder, zip(HAND, itertools.repeat(Way())))
    assert not different, different[0]


def test_llama_tokenizer_has_special_tokens_of_its_own(tmp_path: Path) -> None:
    folder = _written("LlamaTokenizer", "sentencepiece", None, METASPACE, tmp_path / "model")
    _configure(folder, chat_template="{{ bos_token }} {{ unk_token }} {{ pad_token }}", bos_token=None, unk_token=None)
    different, _ = differing(folder, [(HAND[0], Way())])
    assert not different, different[0]


@pytest.mark.skipif(not transformers.__version__.startswith("5.24"), reason="the list is that of transformers 5.24")
def test_types_of_models_whose_file_is_read_as_it_is() -> None:
    known = pytest.importorskip("transformers.models.auto.tokenization_auto").TOKENIZER_MAPPING_NAMES
    assert {name for name, held in known.items() if held in ("TokenizersBackend", "MistralCommonBackend")} == AS_FILED


def _configure(folder: Path, **changes: Any) -> None:
    """Change a configuration; None takes a key out, but leaves null for those of `legacy` and the prefix space."""
    file = folder / "tokenizer_config.json"
    config = {key: value for key, value in json.loads(file.read_text(encoding="utf-8")).items() if key != "legacy"}
    config |= changes
    kept = {key: value for key, value in config.items() if value is not None or key in ("legacy", "add_prefix_space")}
    file.write_text(json.dumps(kept), encoding="utf-8")
