"""A model of the Hugging Face Hub in the place of a tokenizer folder: its small tokenizer files, and nothing else.

Found in the cache of huggingface_hub, downloaded where they are not there (extra `hf`). No token is sent, no code of a
model is run, weights and pickled files are not fetched.
"""

from __future__ import annotations

import importlib
import importlib.util
import re
from pathlib import Path
from typing import NamedTuple

from prepdata.errors import UsageError
from prepdata.tokens.given import SUFFIX

FILES = (
    "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json", "config.json",
    "chat_template.jinja", "chat_template.json", "additional_chat_templates/*.jinja",
)  # fmt: skip
"""Files that are fetched: JSON and templates."""
NEEDED = ("tokenizer.json", "tokenizer_config.json")
"""Files without which a folder of the cache does not count as fetched: others may have left a part of it there."""
_NAME = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")
_REVISION = re.compile(r"[A-Za-z0-9][\w./-]*")
_SHORT = 12  # digits of a revision that are shown


class Model(NamedTuple):
    """A model of the Hub: its name ("org/name"), and the revision asked for, None for its main branch."""

    name: str
    revision: str | None


def model_given(given: str) -> Model | None:
    """Return the model of the Hub that `--tokenizer` names, None where it names something else. A file or folder of
    that name comes first."""
    name, at, revision = given.partition("@")
    if Path(given).exists() or not _NAME.fullmatch(name) or name.endswith((".json", SUFFIX)) or ".." in given:
        return None
    return Model(name, revision if at else None) if not at or _REVISION.fullmatch(revision) else None


def fetch(model: Model, *, offline: bool = False) -> Path:
    """Return the folder with the tokenizer files of a model; its name is the revision.

    Args:
        model: of the Hub.
        offline: True where nothing may be downloaded.

    Raises:
        UsageError: it cannot be had; says why, and what to do.
    """
    if importlib.util.find_spec("huggingface_hub") is None:
        raise _missing(model, "to get it from the Hugging Face Hub, the package huggingface_hub is needed: pip install "
                              "'prepdata[hf]'")  # fmt: skip
    download = importlib.import_module("huggingface_hub").snapshot_download
    why = "it is not in the cache of huggingface_hub, and nothing may be downloaded (--offline)"
    for local in (True,) if offline else (True, False):
        try:
            folder = Path(download(model.name, revision=model.revision, allow_patterns=list(FILES), token=False,
                                   local_files_only=local))  # fmt: skip
        except Exception as error:  # of the network, the Hub, the cache: a long list that changes with its versions
            if not local:
                why = _said(error)
            continue
        if all((folder / name).is_file() for name in NEEDED[: 2 if local and not offline else 1]):
            return folder
        why = f"it has no {NEEDED[0]} there ({folder})"
    raise _missing(model, why)


def shown(file: Path) -> str:
    """Return the name of a tokenizer file's folder for people; in the cache of huggingface_hub that of the model with
    the beginning of its revision."""
    folder = file.parent
    kind, *name = folder.parent.parent.name.split("--") if folder.parent.name == "snapshots" else ("",)
    return f"{'/'.join(name)}@{folder.name[:_SHORT]}" if kind == "models" else folder.name


def _said(error: Exception) -> str:
    text = next((line.strip(" .")[:300] for line in str(error).splitlines() if line.strip()), "")
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _missing(model: Model, why: str) -> UsageError:
    given = f"{model.name}@{model.revision}" if model.revision else model.name
    return UsageError(
        f"There is no file or folder {given}, and as the tokenizer of the model {given} of the Hugging Face Hub it "
        f"cannot be had: {why}. Get its tokenizer files yourself (`hf download {model.name} {' '.join(NEEDED)} ...`) "
        "and name their folder."
    )


def located(given: str, *, offline: bool = False) -> tuple[str, str]:
    """Return (what `--tokenizer` names, on this machine; what is to be said of where it is from, "" for nothing).

    Args:
        given: a path or the name of an encoding, which stay as they are, or a model of the Hub ("org/name",
            "org/name@revision").
        offline: True where nothing may be downloaded.

    Raises:
        UsageError: the files of the model cannot be had.
    """
    model = model_given(given)
    if model is None:
        return given, ""
    folder = fetch(model, offline=offline)
    return str(folder), f"the tokenizer is that of {model.name} on the Hugging Face Hub, revision {folder.name}"
