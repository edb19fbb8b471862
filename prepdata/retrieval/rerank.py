"""Passages ordered anew by a cross-encoder: a model that reads question and passage together and gives one number.

Nogueira and Cho 2019, "Passage Re-ranking with BERT" (arXiv:1901.04085). The folder is one of transformers
(`AutoModelForSequenceClassification` with one label); torch and transformers are of the extra `train`. Weights come
from safetensors, nothing is unpickled, no code of the folder is run, nothing is downloaded.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from prepdata.embed.folder import locate
from prepdata.errors import UsageError, brief
from prepdata.model_folder import check_model, file_hash, json_object, weights_hash
from prepdata.quiet import hush
from prepdata.retrieval.inverted import PLACES

DEPTH = 50
"""First hits that are ordered anew, where nothing else is asked for."""
_BATCH = 32
_CHARACTERS = 32  # of a token at most, when long texts are cut before they are read
_LONGEST = 1 << 20  # tokens; what a tokenizer says beyond means "not known"
_KIND = "ForSequenceClassification"
_TOKENIZER = ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json")
_USABLE = (
    "Usable are cross-encoders of transformers with one label, a tokenizer.json and safetensors weights, such as "
    "ms-marco-MiniLM or bge-reranker"
)
_NEEDS = "reranking needs torch and transformers: install torch, then pip install 'prepdata[train]'"
_SHIFTED = ("roberta", "camembert", "mpnet", "xmod", "ibert", "longformer")
"""Kinds of models that number positions from the padding token on, so that the first ones are never used
(transformers, `create_position_ids_from_input_ids`, read 2026-11)."""


class CrossEncoder:
    """A cross-encoder. The score of a passage is the model's one logit: higher is nearer, without a scale of its own.

    Args:
        given: a model folder, or an installed package that holds one.

    Raises:
        UsageError: there is none, it cannot be used, or a library is missing; the message says why.
    """

    def __init__(self, given: str) -> None:
        self.folder = _checked(locate(given, usable=_USABLE, example=""))
        said = [weights_hash(self.folder), *(str(file_hash(self.folder / name)) for name in _TOKENIZER)]
        self.digest = hashlib.sha256(" ".join(said).encode()).hexdigest()
        """sha256 over weights, configuration and tokenizer (hex)."""
        self.read = self.cut = 0
        """Pairs of question and passage that were read, and those of which the end was cut off."""
        try:
            import torch
            from transformers import AutoTokenizer
        except ImportError as error:
            raise UsageError(f"{_NEEDS} ({error})") from None
        hush()
        try:
            self._tokenizer: Any = AutoTokenizer.from_pretrained(
                self.folder, local_files_only=True, trust_remote_code=False
            )
        except Exception as error:  # the library fails in many ways on odd folders
            raise UsageError(f"{self.folder}: the tokenizer cannot be loaded: {brief(error)}") from error
        self._net = _loaded(self.folder)
        self._device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self._net.to(self._device).eval()
        self.longest = _longest(self._net.config, self._tokenizer)
        """Tokens that the model reads of question and passage together."""
        self._sides = getattr(self._net.config, "type_vocab_size", 0) > 1  # some tokenizers tell them only if asked
        self.scores("one", ["two", "two and three"])  # what cannot be asked is told now
        self.read = self.cut = 0

    def scores(self, question: str, texts: Sequence[str]) -> list[float]:
        """Return the score of each text for a question, rounded to five decimal places; equal texts have equal ones.

        What is too long for the model is cut at the end, the longer of question and passage first.

        Raises:
            UsageError: the model cannot be asked, or gives no number (its weights are damaged).
        """
        known: dict[str, float] = {}
        unique = list(dict.fromkeys(map(self._short, texts)))
        for begin in range(0, len(unique), _BATCH):
            part = unique[begin : begin + _BATCH]
            try:
                known.update(zip(part, self._logits(self._short(question), part)))
            except Exception as error:  # no padding, no memory, ids that the model does not know
                raise UsageError(f"{self.folder}: the model cannot be asked: {brief(error)}") from error
        if not all(map(math.isfinite, known.values())):
            raise UsageError(f"{self.folder}: the model gives no number for a passage; its weights are damaged")
        return [round(known[self._short(text)], PLACES) for text in texts]

    def _logits(self, question: str, part: list[str]) -> list[float]:
        import torch

        pairs = self._tokenizer(
            [question] * len(part), part,
            padding=True, truncation="longest_first", max_length=self.longest, return_tensors="pt",
            return_token_type_ids=self._sides,
        )  # fmt: skip
        self.read += len(part)
        self.cut += sum(bool(one.overflowing) for one in pairs.encodings)
        with torch.inference_mode():
            logits = self._net(**pairs.to(self._device)).logits  # (part, 1)
        return list(logits[:, 0].float().tolist())

    def notes(self) -> list[str]:
        """Return what somebody who reads the results should know."""
        if not self.cut:
            return []
        pairs = f"of {self.read:,} pairs of question and passage {self.cut:,} were longer, and cut"
        return [f"the reranker reads {self.longest:,} tokens: {pairs}"]

    def _short(self, text: str) -> str:
        return text[: self.longest * _CHARACTERS].encode("utf-8", "replace").decode()


def _checked(path: Path) -> Path:
    """Refuse what is no cross-encoder, by its settings alone.

    Raises:
        UsageError: it is none, or could run code.
    """
    folder = check_model(str(path))
    config = json_object(folder / "config.json")
    kinds = config.get("architectures")
    kind = str(kinds[0]) if isinstance(kinds, list) and kinds else "an unknown kind"
    if not kind.endswith(_KIND):
        raise UsageError(f"{folder}: its model is {kind}, which gives no score of a pair. {_USABLE}.")
    labels = config.get("id2label")
    if isinstance(labels, dict) and len(labels) != 1:
        raise _labelled(folder, len(labels))
    if not (folder / _TOKENIZER[0]).is_file():
        raise UsageError(f"{folder}: it has no {_TOKENIZER[0]}. {_USABLE}.")
    return folder


def _loaded(folder: Path) -> Any:
    import torch
    from transformers import AutoModelForSequenceClassification

    try:
        net, found = AutoModelForSequenceClassification.from_pretrained(
            folder, dtype=torch.float32, local_files_only=True, trust_remote_code=False, use_safetensors=True,
            output_loading_info=True,
        )  # fmt: skip
    except Exception as error:
        raise UsageError(f"{folder}: the model cannot be loaded: {brief(error)}") from error
    if found["missing_keys"]:
        raise UsageError(f"{folder}: its weights lack {min(found['missing_keys'])}, so its scores would be random")
    if net.config.num_labels != 1:
        raise _labelled(folder, net.config.num_labels)
    return net


def _labelled(folder: Path, labels: int) -> UsageError:
    return UsageError(f"{folder}: its model has {labels} labels, not one that says how near. {_USABLE}.")


def _longest(config: Any, tokenizer: Any) -> int:
    """Return the tokens that a model reads at most."""
    known = [tokenizer.model_max_length] if tokenizer.model_max_length < _LONGEST else []
    positions = getattr(config, "max_position_embeddings", None)
    if isinstance(positions, int) and positions > 0:
        shifted = any(kind in config.model_type for kind in _SHIFTED)
        known.append(positions - (1 + (config.pad_token_id or 0) if shifted else 0))
    return int(min(known, default=512))
