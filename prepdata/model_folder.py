"""Folders of models and adapters: what is in them is looked at before anything is loaded.

Nothing is unpickled and no code of a model is run: weights come from safetensors, classes from transformers.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import msgspec

from prepdata.errors import UsageError
from prepdata.files import read_bounded

_MOST = 1 << 24
_LONGEST_HEADER = 100_000_000
"""Bytes of a header that the library safetensors reads at most (`MAX_HEADER_SIZE` in its `tensor.rs`)."""
_PICKLED = (".bin", ".pt", ".pth", ".pkl", ".ckpt")
_BESIDE = frozenset(
    {"training_args.bin", "optimizer.pt", "optimizer.bin", "scheduler.pt", "scaler.pt", "rng_state.pth"}
)
"""Pickled files that trainers leave beside a model; they are no weights and are never read."""


def check_model(path: str) -> Path:
    """Return the folder of a model that can be loaded without running code from it.

    Raises:
        UsageError: there is none, its weights are pickled, or it needs code of its own; says what to do.
    """
    folder = _folder(path, "config.json", "model")
    for name in ("config.json", "tokenizer_config.json", "processor_config.json"):
        if "auto_map" in json_object(folder / name):
            raise UsageError(
                f"{folder / name}: it names code of its own (auto_map), which is not run. Use a model that "
                "transformers knows itself; if it does know this one, take auto_map out of a copy of the folder."
            )
    _check_weights(folder, "model")
    return folder


def check_adapter(path: str) -> Path:
    """Return the folder of a PEFT adapter; of a training run, that of its adapter.

    Raises:
        UsageError: there is none, its weights are pickled, or it needs code of its own.
    """
    inner = Path(path) / "adapter"
    if (inner / "adapter_config.json").is_file() and not (Path(path) / "adapter_config.json").is_file():
        path = str(inner)
    folder = _folder(path, "adapter_config.json", "adapter")
    if json_object(folder / "adapter_config.json").get("auto_mapping"):
        raise UsageError(
            f"{folder / 'adapter_config.json'}: it names classes of its own (auto_mapping), which are not run"
        )
    _check_weights(folder, "adapter_model")
    return folder


def template_of(adapter: Path) -> str | None:
    """Return the file of the chat template that an adapter was trained with, None where its folder has none."""
    file = adapter / "chat_template.jinja"
    return str(file) if file.is_file() else None


def _folder(path: str, config: str, what: str) -> Path:
    folder = Path(path)
    if not folder.is_dir():
        one = "an" if what == "adapter" else "a"
        raise UsageError(
            f"{path}: no folder of {one} {what}. Nothing is downloaded: fetch it first, then name its folder."
        )
    if not (folder / config).is_file():
        raise UsageError(f"{path}: no {what} there, since it has no {config}")
    return folder


def _check_weights(folder: Path, stem: str) -> None:
    """Raise unless weights are there as safetensors, all of those that an index names."""
    pickled = sorted(f.name for f in folder.iterdir() if f.suffix in _PICKLED and f.name not in _BESIDE)
    index, names = folder / f"{stem}.safetensors.index.json", [f"{stem}.safetensors"]
    if index.is_file():
        listed = json_object(index).get("weight_map")
        names = sorted({str(name) for name in listed.values()}) if isinstance(listed, dict) else []
        odd = [name for name in names if not name.endswith(".safetensors") or Path(name).name != name]
        if not names or odd:
            raise UsageError(f"{index}: weight_map names no safetensors files of this folder ({', '.join(odd[:3])})")
        missing = [name for name in names if not (folder / name).is_file()]
        if missing:
            raise UsageError(f"{folder}: of the weights {', '.join(missing[:5])} is missing; fetch the folder again")
    elif not (folder / f"{stem}.safetensors").is_file():
        why = f"; {pickled[0]} is pickled, and loading it can run code. Convert it to safetensors" if pickled else ""
        raise UsageError(f"{folder}: no {stem}.safetensors there{why}")
    for name in names:
        _check_whole(folder / name)


class _Tensor(msgspec.Struct):
    data_offsets: tuple[int, int]


def _check_whole(file: Path) -> None:
    """Raise UsageError unless a safetensors file is as long as its header says; no weight is read.

    Its layout: 8 bytes with the length of the header, that header as JSON with the place of each tensor, then all
    tensors and nothing more (https://github.com/huggingface/safetensors, README, 2026-11).
    """
    cure = "it is cut or damaged; fetch the folder again"
    try:
        size = file.stat().st_size
        with file.open("rb") as opened:
            length = int.from_bytes(opened.read(8), "little")
            if size < 8 or length > min(size - 8, _LONGEST_HEADER):
                raise UsageError(f"{file}: {size:,} bytes hold no whole header of safetensors: {cure}")
            listed = msgspec.json.decode(opened.read(length), type=dict[str, msgspec.Raw])
        tensors = (msgspec.json.decode(raw, type=_Tensor) for name, raw in listed.items() if name != "__metadata__")
        wanted = 8 + length + max((one.data_offsets[1] for one in tensors), default=0)
    except OSError as error:
        raise UsageError(f"{file}: cannot be read: {error.strerror or error}") from None
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        raise UsageError(f"{file}: its header is none of safetensors: {cure}") from None
    if size != wanted:
        raise UsageError(f"{file}: {size:,} bytes where its header says {wanted:,}: {cure}")


def json_object(file: Path) -> dict[str, Any]:
    """Return the object in a JSON file, an empty one if there is no such file.

    Raises:
        UsageError: it is no JSON object.
    """
    if not file.is_file():
        return {}
    try:
        found = msgspec.json.decode(read_bounded(file, _MOST))
    except (OSError, msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise UsageError(f"{file}: cannot be read: {error}") from None
    if not isinstance(found, dict):
        raise UsageError(f"{file}: it holds no JSON object")
    return found


def weights_hash(folder: Path) -> str:
    """Return the sha256 over the safetensors files of a folder and the configuration that says how they are used."""
    names = sorted(f.name for f in folder.glob("*.safetensors"))
    names += [name for name in ("config.json", "adapter_config.json") if (folder / name).is_file()]
    digest = hashlib.sha256()
    for name in names:
        with (folder / name).open("rb") as file:
            digest.update(f"{name} {hashlib.file_digest(file, 'sha256').hexdigest()}\n".encode())
    return digest.hexdigest()


def file_hash(file: Path) -> str | None:
    """Return the sha256 of a file, None if there is none."""
    if not file.is_file():
        return None
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()
