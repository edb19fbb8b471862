"""What can go wrong in using prepdata, as one short tree.

    PrepdataError
    +-- UsageError        wrong flag, unknown rule, impossible combination
    |   +-- ConfigError   a configuration file or environment variable says something impossible
    +-- InputError        a path that cannot be read

Bad *data* is never an exception: it is a finding.
"""

from __future__ import annotations

from collections.abc import Iterable

EXIT_CLEAN = 0
EXIT_FINDINGS = 1
EXIT_ERROR = 2


class PrepdataError(Exception):
    """Base of every error that a user is meant to read. The message says what to do."""


class UsageError(PrepdataError):
    """The command or call cannot be carried out as asked."""


class ConfigError(UsageError):
    """The configuration holds one or more mistakes; the message lists them all."""


class InputError(PrepdataError):
    """An input cannot be read at all."""


def nearest(word: str, known: Iterable[str]) -> str:
    """Return ` Did you mean X?` for the known word closest to `word`, or an empty string."""
    import difflib  # only where something was mistyped

    match = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f" Did you mean '{match[0]}'?" if match else ""


def brief(error: BaseException) -> str:
    """Return what an error of a library says, in one line of at most 300 characters."""
    return " ".join(f"{type(error).__name__}: {error}".split())[:300]
