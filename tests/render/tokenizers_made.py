"""Makes small tokenizers, one of each kind that models have, and folders of them as models come in."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

KINDS = ("byte_level", "byte_level_llama3", "sentencepiece", "unigram", "wordpiece")
"""Kinds of tokenizers: byte-level BPE as GPT-2 splits, and as Llama 3 does; SentencePiece BPE with bytes for what is
unknown and a space before the text, as Llama 2; Unigram as T5; WordPiece in lower case as BERT."""
VOCABULARY = 700
LLAMA3_SPLIT = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
_SENTENCES = (
    "The heron stood in the shallow water and waited for a fish.", "What is the weather like in Paris today?",
    "It is 12 degrees, with light rain until the evening.", "Please call get_weather with the place and the unit.",
    '{"name": "get_weather", "arguments": {"place": "Ulm", "days": [1, 2, 3]}}', "I don't know, but we'll find out; they've asked.",
    "def add(a, b):\n    return a + b\n", "Der Fluß fließt langsam durch die schöne Stadt.", "Où est la bibliothèque, s'il vous plaît ?",
    "Где находится библиотека?", "图书馆在哪里？", "システムは静かに動いている。", "أين المكتبة؟", "Answer briefly and think before you answer.",
    "user assistant system tool function parameters description required type object string", "1 22 333 4444 55555, 3.14 and -2e10!",
)  # fmt: skip
TEXT = [sentence if number % 3 else sentence.upper() for number in range(12) for sentence in _SENTENCES]
"""What the tokenizers learn from."""


@functools.cache
def _learnt(kind: str) -> str:
    """Return a trained tokenizer without special tokens, as JSON."""
    return {
        "byte_level": lambda: _byte_level(pre_tokenizers.ByteLevel(add_prefix_space=False)),
        "byte_level_llama3": lambda: _byte_level(
            pre_tokenizers.Sequence(
                [
                    pre_tokenizers.Split(Regex(LLAMA3_SPLIT), "isolated"),
                    pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
                ]
            )
        ),
        "sentencepiece": _sentencepiece,
        "unigram": _unigram,
        "wordpiece": _wordpiece,
    }[kind]().to_str()


def _byte_level(split: Any) -> Tokenizer:
    made = Tokenizer(models.BPE())
    made.pre_tokenizer = split
    made.decoder = decoders.ByteLevel()
    letters = pre_tokenizers.ByteLevel.alphabet()
    made.train_from_iterator(
        TEXT, trainers.BpeTrainer(vocab_size=VOCABULARY, initial_alphabet=letters, show_progress=False)
    )
    return made


def _sentencepiece() -> Tokenizer:
    """Pieces are learnt with the space written as ▁; every byte has a token for what no piece covers."""
    learner = Tokenizer(models.BPE(unk_token="<unk>"))
    learner.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="always")
    learner.train_from_iterator(
        TEXT, trainers.BpeTrainer(vocab_size=VOCABULARY, special_tokens=["<unk>"], show_progress=False)
    )
    model = json.loads(learner.to_str())["model"]
    pieces = ["<unk>", *(f"<0x{byte:02X}>" for byte in range(256))]
    pieces += [piece for piece, _ in sorted(model["vocab"].items(), key=lambda item: item[1]) if piece != "<unk>"]
    vocabulary = {piece: number for number, piece in enumerate(pieces)}
    merges = [tuple(merge) for merge in model["merges"]]
    made = Tokenizer(models.BPE(vocabulary, merges, unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    made.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    made.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    )
    return made


def _unigram() -> Tokenizer:
    made = Tokenizer(models.Unigram())
    made.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Replace(Regex(" {2,}"), " ")])
    made.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first")
    made.decoder = decoders.Metaspace()
    learner = trainers.UnigramTrainer(
        vocab_size=VOCABULARY, special_tokens=["<unk>"], unk_token="<unk>", show_progress=False
    )
    made.train_from_iterator(TEXT, learner)
    return made


def _wordpiece() -> Tokenizer:
    made = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    made.normalizer = normalizers.BertNormalizer(lowercase=True)
    made.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    made.decoder = decoders.WordPiece()
    made.train_from_iterator(
        TEXT, trainers.WordPieceTrainer(vocab_size=VOCABULARY, special_tokens=["[UNK]"], show_progress=False)
    )
    return made


def token(text: str, number: int, special: bool = True) -> dict[str, Any]:
    """Return an added token, of one of the sorts that tokenizers have: most plain, some that take the space beside
    them, some that count as words only, some that are looked for after normalisation.

    Args:
        text: the token.
        number: its place among the added tokens, which tells the sort.
        special: False for a token of the vocabulary that is no special token.
    """
    return {
        "content": text, "lstrip": number % 5 == 3, "rstrip": number % 7 == 4, "single_word": number % 11 == 9,
        "normalized": not special and number % 2 == 0, "special": special,
    }  # fmt: skip


def made_tokenizer(
    kind: str, special: Sequence[str], added: Sequence[str] = (), bos: str | None = None
) -> dict[str, Any]:
    """Return the content of a tokenizer.json.

    Args:
        kind: one of `KINDS`.
        special: special tokens.
        added: tokens looked for before all others that are not special.
        bos: token that the tokenizer writes before a text when asked for special tokens.
    """
    made = Tokenizer.from_str(_learnt(kind))
    if bos is not None:
        made.add_special_tokens([bos])
        made.post_processor = processors.TemplateProcessing(
            single=f"{bos} $A", pair=f"{bos} $A {bos} $B", special_tokens=[(bos, made.token_to_id(bos))]
        )
    vocabulary = made.get_vocab()
    free = max(vocabulary.values()) + 1
    content: dict[str, Any] = json.loads(made.to_str())
    content["added_tokens"] = []
    for number, text in enumerate([*special, *added]):
        if text in vocabulary:
            place = vocabulary[text]
        else:
            place, free = free, free + 1
        content["added_tokens"].append({"id": place, **token(text, number, text in special)})
    content["added_tokens"].sort(key=lambda item: item["id"])
    return content


def write_folder(
    folder: Path,
    content: Mapping[str, Any],
    named: Mapping[str, str | None],
    *,
    config: Mapping[str, Any] | None = None,
    special_map: Mapping[str, Any] | None = None,
    files: Mapping[str, str] | None = None,
) -> Path:
    """Write a tokenizer as models come.

    Args:
        folder: where it goes; made here.
        content: of its tokenizer.json.
        named: bos_token and the like; those that are None are left out.
        config: what else its tokenizer_config.json holds, or holds in place of `named`.
        special_map: what its special_tokens_map.json holds; None for none.
        files: further files, texts by name.
    """
    folder.mkdir(parents=True)
    held = {
        "tokenizer_class": "PreTrainedTokenizerFast", "model_max_length": 10**30, "clean_up_tokenization_spaces": False,
        **{name: text for name, text in named.items() if text is not None}, **(config or {}),
    }  # fmt: skip
    texts = {"tokenizer.json": content, "tokenizer_config.json": held, "special_tokens_map.json": special_map}
    for name, value in texts.items():
        if value is not None:
            (folder / name).write_text(json.dumps(value, ensure_ascii=False), encoding="utf-8")
    for name, text in (files or {}).items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    return folder
