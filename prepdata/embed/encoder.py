"""From tokens to a vector: static embeddings, and the encoder of the BERT family (Devlin et al. 2019) in numpy.

Every text is computed alone. That costs little, since its matrices are large enough by themselves, and the vector of a
text depends on nothing but the text: not on its neighbours, not on how a file was cut, not on how many processes work.
"""

from __future__ import annotations

import contextlib
import importlib.util
import math
from collections.abc import Sequence
from contextlib import AbstractContextManager
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from prepdata.embed.folder import Folder, look
from prepdata.embed.tensors import Tensors
from prepdata.errors import UsageError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

_CHARACTERS = 50  # of a text that are tokenised, for each token that is read
_UNKNOWN = 0.2  # share of unknown tokens from which on the model cannot read a text
_REMEMBERED = 4096  # vectors of texts that come again (6 MB of 384 numbers each)


class Embedder:
    """A model that was opened. `embed` gives vectors of length 1."""

    def __init__(self, folder: Folder) -> None:
        """Raises:
        UsageError: a part of the model is missing or damaged.
        """
        import numpy as np

        try:
            self._open(folder)
            self._compute(np.zeros(2, np.int64))
        except (ValueError, IndexError, TypeError, AttributeError, ArithmeticError):
            raise UsageError(f"the model in {folder.path} is damaged: its parts do not fit together") from None

    def _open(self, folder: Folder) -> None:
        tensors = Tensors(folder.weights)
        self._compute: _Static | _Encoder
        self._marked = folder.kind == "bert"  # with the tokens that begin and end a text
        self._longest = folder.longest
        self._tokenizer = _tokenizer(folder.tokenizer)
        if folder.kind == "bert":
            self._compute = _Encoder(tensors, folder.config, folder.pooling)
            self._tokenizer.enable_truncation(folder.longest)
        else:
            self._compute = _Static(tensors, folder.table)
        self._unknown = [self._tokenizer.token_to_id(name) for name in ("[UNK]", "<unk>")]
        self._vector = lru_cache(_REMEMBERED)(self._one)

    def embed(self, texts: Sequence[str]) -> Floats:
        """Return (texts, width) float32: one vector of length 1 for each text, of zeros where the model cannot read it
        (tokens it does not know). Long texts count with their beginning."""
        import numpy as np

        with one_thread():
            vectors = [self._vector(text) for text in texts]
        return np.stack(vectors) if vectors else np.zeros((0, 1), np.float32)

    def _one(self, text: str) -> Floats:
        import numpy as np

        clean = text[: self._longest * _CHARACTERS].encode("utf-8", "replace").decode()
        found = self._tokenizer.encode(clean, add_special_tokens=self._marked)
        ids = np.array(found.ids[: self._longest], np.int64)
        unknown = sum(int((ids == number).sum()) for number in self._unknown if number is not None)
        if unknown > _UNKNOWN * len(ids):
            ids = ids[:0]
        vector = self._compute(ids)
        length = float(np.sqrt((vector.astype(np.float64) ** 2).sum()))
        return vector / np.float32(length) if length else vector


def one_thread() -> AbstractContextManager[Any]:
    """Have numpy multiply matrices in one thread while the block runs: for matrices of this size more threads wait more
    than they work, and a sum must not depend on how many there are."""
    if importlib.util.find_spec("threadpoolctl") is None:
        return contextlib.nullcontext()
    import threadpoolctl

    return threadpoolctl.threadpool_limits(1)  # type: ignore[no-any-return]


def _tokenizer(path: Path) -> Any:
    import tokenizers

    try:
        tokenizer = tokenizers.Tokenizer.from_file(str(path))
    except Exception:  # the library raises bare Exception on a damaged file
        raise UsageError(f"{path} is no tokenizer that the library tokenizers can read") from None
    tokenizer.no_truncation()
    tokenizer.no_padding()
    tokenizer.encode_special_tokens = True  # "[SEP]" in a row is a text
    return tokenizer


class _Static:
    """The mean of one vector a token, as model2vec and StaticEmbedding of sentence-transformers compute it."""

    def __init__(self, tensors: Tensors, table: str) -> None:
        self.table = tensors.array(table)
        self.weights = tensors.floats("weights") if "weights" in tensors else None
        self.rows = tensors.array("mapping") if "mapping" in tensors else None

    def __call__(self, ids: NDArray[np.int64]) -> Floats:
        import numpy as np

        known = ids[ids < len(self.table if self.rows is None else self.rows)]
        if not len(known):
            return np.zeros(self.table.shape[1], np.float32)
        rows = known if self.rows is None else self.rows[known]
        vectors = self.table[rows].astype(np.float32)
        if self.weights is not None:
            vectors *= self.weights[known][:, None]
        mean: Floats = vectors.mean(0)
        return mean


class _Encoder:
    """Layers of attention over all tokens of a text."""

    def __init__(self, tensors: Tensors, config: dict[str, Any], pooling: str) -> None:
        try:
            self.heads, layers = int(config["num_attention_heads"]), int(config["num_hidden_layers"])
            self.epsilon = float(config.get("layer_norm_eps", 1e-12))
        except (KeyError, TypeError, ValueError):
            raise UsageError(
                f"{tensors.path.parent}/config.json does not say how many layers and heads there are"
            ) from None
        prefix = next((p for p in ("", "bert.", "roberta.") if f"{p}embeddings.word_embeddings.weight" in tensors), "")
        self.first = 0 if config["model_type"] == "bert" else int(config.get("pad_token_id", 1)) + 1
        self.pooling = pooling

        def load(name: str) -> Floats:
            return tensors.floats(prefix + name)

        self.tokens = load("embeddings.word_embeddings.weight")
        self.positions = (
            load("embeddings.position_embeddings.weight") + load("embeddings.token_type_embeddings.weight")[0]
        )
        self.scale = (load("embeddings.LayerNorm.weight"), load("embeddings.LayerNorm.bias"))
        self.layers = [_layer(load, f"encoder.layer.{number}.") for number in range(layers)]

    def __call__(self, ids: NDArray[np.int64]) -> Floats:
        import numpy as np

        ids = ids[ids < len(self.tokens)]
        if not len(ids):
            return np.zeros(self.tokens.shape[1], np.float32)
        x = self.tokens[ids] + self.positions[self.first : self.first + len(ids)]
        x = self._normal(x, self.scale)
        for layer in self.layers:
            x = self._normal(x + self._attention(x, layer), layer["attention.output.LayerNorm"])
            x = self._normal(x + _dense(_gelu(_dense(x, layer["intermediate.dense"])), layer["output.dense"]),
                             layer["output.LayerNorm"])  # fmt: skip
        vector: Floats = x.mean(0) if self.pooling == "mean" else x[0]
        return vector

    def _attention(self, x: Floats, layer: dict[str, tuple[Floats, Floats]]) -> Floats:
        import numpy as np

        tokens, width = x.shape
        size = width // self.heads
        split = _dense(x, layer["attention"]).reshape(tokens, 3, self.heads, size).transpose(1, 2, 0, 3)
        scores = split[0] @ split[1].transpose(0, 2, 1) * np.float32(1 / math.sqrt(size))
        scores = np.exp(scores - scores.max(-1, keepdims=True))
        scores /= scores.sum(-1, keepdims=True)
        mixed = (scores @ split[2]).transpose(1, 0, 2).reshape(tokens, width)
        return _dense(mixed, layer["attention.output.dense"])

    def _normal(self, x: Floats, scale: tuple[Floats, Floats]) -> Floats:
        import numpy as np

        x = x - x.mean(-1, keepdims=True)
        spread = np.sqrt((x * x).mean(-1, keepdims=True) + np.float32(self.epsilon))
        normal: Floats = x / spread * scale[0] + scale[1]
        return normal


def _layer(load: Any, prefix: str) -> dict[str, tuple[Floats, Floats]]:
    """Return weight and bias of every step of a layer; query, key and value in one."""
    import numpy as np

    parts = [f"{prefix}attention.self.{name}." for name in ("query", "key", "value")]
    joined = tuple(np.concatenate([load(part + name) for part in parts]) for name in ("weight", "bias"))
    found = {"attention": (np.ascontiguousarray(joined[0].T), joined[1])}
    for name in ("attention.output.dense", "intermediate.dense", "output.dense"):
        found[name] = (np.ascontiguousarray(load(f"{prefix}{name}.weight").T), load(f"{prefix}{name}.bias"))
    for name in ("attention.output.LayerNorm", "output.LayerNorm"):
        found[name] = (load(f"{prefix}{name}.weight"), load(f"{prefix}{name}.bias"))
    return found


def _dense(x: Floats, step: tuple[Floats, Floats]) -> Floats:
    found: Floats = x @ step[0] + step[1]
    return found


def _gelu(x: Floats) -> Floats:
    """Return x times the share of a normal distribution below x. The error function is that of Abramowitz and Stegun
    (7.1.26), right to 2e-7."""
    import numpy as np

    f = np.float32
    z = np.abs(x) * f(math.sqrt(0.5))
    t = 1 / (1 + f(0.3275911) * z)
    tail = t * (
        f(0.254829592) + t * (f(-0.284496736) + t * (f(1.421413741) + t * (f(-1.453152027) + t * f(1.061405429))))
    )
    tail *= np.exp(-z * z)
    return np.asarray(x * f(0.5) * (1 + np.sign(x) * (1 - tail)), f)


@lru_cache(maxsize=2)
def open_embedder(given: str) -> Embedder:
    """Return the model that a name means: a folder, an installed package, or one that was `pinned`.

    Raises:
        UsageError: there is none, or it cannot be used.
    """
    return Embedder(look(given))
