"""A cross-encoder whose weights are set by hand, for tests: high where question and passage hold a word of one group.

Two layers of BERT with 16 numbers a token. In the first, each token of the passage attends to a token of the question
of its own group, or else to [CLS], and notes which it was; in the second, [CLS] attends to tokens of the passage
with that note.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

GROUPS = [
    pair.split()
    for pair in ("heron fowl", "clock watch", "apples fruit", "river stream", "shop store", "cost price", "dawn morning", "dog hound")
]  # fmt: skip
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]
LONGEST = 48
_WIDTH = 16
_OTHER, _CLS, _PASSAGE, _QUESTION, _SAME, _ASIDE = range(len(GROUPS), len(GROUPS) + 6)
"""Places in the vectors, after one for each group: other words, [CLS], which side a token is on, the note, a spare."""
_WORDS = [*SPECIAL, *sorted(word for group in GROUPS for word in group)]


def write_cross_encoder(folder: Path, labels: int = 1) -> Path:
    """Write a model folder; with more labels than one only the first has weights."""
    import torch
    from transformers import BertConfig, BertForSequenceClassification

    shape = BertConfig(
        vocab_size=len(_WORDS), hidden_size=_WIDTH, num_hidden_layers=2, num_attention_heads=1, intermediate_size=4,
        max_position_embeddings=LONGEST, num_labels=labels,
    )  # fmt: skip
    net = BertForSequenceClassification(shape)
    with torch.no_grad():
        for name, weights in net.named_parameters():
            weights.fill_(1.0 if "LayerNorm.weight" in name else 0.0)
        _set(net)
    net.save_pretrained(folder)
    _tokenizer().save_pretrained(folder)
    return folder


def _set(net: Any) -> None:
    held = net.bert.embeddings
    group_of = {word: number for number, group in enumerate(GROUPS) for word in group}
    for number, word in enumerate(_WORDS):
        held.word_embeddings.weight[number, group_of.get(word, _CLS if word == "[CLS]" else _OTHER)] = 1
    held.token_type_embeddings.weight[0, _QUESTION] = held.token_type_embeddings.weight[1, _PASSAGE] = 1
    mean = 2 / _WIDTH  # every token has two ones: the norm can be undone
    held.LayerNorm.weight.fill_((mean * (1 - mean)) ** 0.5)
    held.LayerNorm.bias.fill_(mean)
    first, second = (layer.attention for layer in net.bert.encoder.layer)
    for place in range(len(GROUPS)):
        first.self.query.weight[place, place] = 80
        first.self.key.weight[place, place] = 1
        first.self.value.weight[_SAME, place] = 1
    first.self.query.bias[_ASIDE] = 80
    first.self.key.weight[_ASIDE, _QUESTION] = 1
    first.self.key.weight[_ASIDE, _CLS] = 0.5
    second.self.query.bias[_SAME] = 12
    second.self.key.weight[_SAME, _SAME] = second.self.key.weight[_SAME, _PASSAGE] = 2
    second.self.value.weight[_SAME, _SAME] = 1
    for attention in (first, second):
        attention.output.dense.weight[_SAME, _SAME] = 1
    net.bert.pooler.dense.weight[0, _SAME] = 0.2
    net.classifier.weight[0, 0] = 5


def _tokenizer() -> Any:
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    made = Tokenizer(models.WordLevel({word: number for number, word in enumerate(_WORDS)}, "[UNK]"))
    made.normalizer = normalizers.Lowercase()
    made.pre_tokenizer = pre_tokenizers.Whitespace()
    made.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    names = {f"{word[1:-1].lower()}_token": word for word in SPECIAL}
    return PreTrainedTokenizerFast(tokenizer_object=made, model_max_length=LONGEST, **names)
