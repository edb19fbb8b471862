"""What `--tokenizer` may name besides a tokenizer folder: an encoding of tiktoken, by its name or by its rank file."""

from __future__ import annotations

import hashlib
from pathlib import Path

from prepdata.errors import UsageError
from prepdata.files import read_bounded
from prepdata.tokens import vocab

SUFFIX = ".tiktoken"
"""How the names of rank files end."""


def encoding_given(given: str) -> str | None:
    """Return the encoding of tiktoken that is meant, None where something else is. A file or folder that is there comes
    before an encoding of that name.

    Raises:
        UsageError: a rank file that cannot be read, or is none of those of tiktoken.
    """
    path = Path(given)
    if path.suffix == SUFFIX and path.is_file():
        return _of_file(path)[0]
    return given if given in vocab.ENCODING_VOCABULARY and not path.exists() else None


def ranks_given(given: str, *, offline: bool = False) -> vocab.Ranks | None:
    """Return the verified rank file of an encoding, None if there is none to be had.

    Args:
        given: name of an encoding, or path of a rank file.
        offline: True where nothing may be downloaded.

    Raises:
        UsageError: no such encoding; or a rank file that cannot be read, or is none of those of tiktoken.
    """
    path = Path(given)
    if path.suffix == SUFFIX and path.is_file():
        encoding, data = _of_file(path)
        return vocab.Ranks(vocab.vocabulary_for(encoding).name, data, "the file given", str(path))
    return vocab.find(given, offline=offline)


def _of_file(path: Path) -> tuple[str, bytes]:
    """Return (encoding, bytes) of a rank file. Of encodings that share one, the name of the file tells which is meant:
    o200k_harmony.tiktoken."""
    try:
        data = read_bounded(path, vocab.MAX_BYTES)
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror or error}.") from None
    digest = hashlib.sha256(data).hexdigest()
    name = next((one.name for one in vocab.VOCABULARIES.values() if one.sha256 == digest), None)
    if name is None:
        known = ", ".join(vocab.VOCABULARIES)
        raise UsageError(f"{path} is none of the rank files of tiktoken ({known}), or it is damaged.")
    return (path.stem if vocab.ENCODING_VOCABULARY.get(path.stem) == name else name), data
