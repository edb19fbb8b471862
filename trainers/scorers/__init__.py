"""Scorers by name, by entry point, or by path. Built-in ones are found by walking this package.

A user's own code runs only when the user names it: `my_scorers.py:polite` is a function of a `Sample` that returns a
score, or a `Scorer`; an installed package offers one under the entry point group `prepdata.scorers`.
"""

from __future__ import annotations

import importlib
import importlib.util
import pkgutil
import sys
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

from prepdata.errors import UsageError, nearest
from trainers.scorers.base import Call, Sample, Score, Scorer, source_of

__all__ = ["ENTRY_POINTS", "Call", "Sample", "Score", "Scorer", "find", "find_all", "names"]

ENTRY_POINTS = "prepdata.scorers"


@cache
def names() -> tuple[str, ...]:
    """Return the names of the built-in scorers; each is the name of its file."""
    files = (info.name for info in pkgutil.iter_modules(__path__))
    return tuple(sorted(name for name in files if name != "base" and not name.startswith("_")))


def find_all(words: Iterable[str]) -> tuple[Scorer, ...]:
    """Return scorers in the order named.

    Raises:
        UsageError: one is unknown or cannot be loaded, or two have one name.
    """
    found: dict[str, Scorer] = {}
    for word in words:
        scorer = find(word)
        if scorer.name in found:
            raise UsageError(f"two scorers are called '{scorer.name}'; name each once, or give yours another name")
        found[scorer.name] = scorer
    return tuple(found.values())


def find(word: str) -> Scorer:
    """Return a scorer.

    Args:
        word: a built-in name, `FILE.py:NAME`, or the name of an installed entry point, in this order.

    Raises:
        UsageError: there is none; or the user's code cannot be loaded.
    """
    if word in names():
        scorer: Scorer = importlib.import_module(f"{__name__}.{word}").scorer
        return scorer
    if ".py:" in word:
        return _from_file(word)
    return _from_entry_point(word)


@cache
def _from_file(word: str) -> Scorer:
    file, _, name = word.rpartition(":")
    path = Path(file)
    if not path.is_file():
        raise UsageError(f"{file}: there is no such file (a scorer of your own is named FILE.py:NAME)")
    spec = importlib.util.spec_from_file_location(f"_prepdata_scorer_{path.stem}", path.resolve())
    if spec is None or spec.loader is None:
        raise UsageError(f"{file}: is no Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        line = getattr(error, "lineno", None) or _line(error, str(path.resolve()))
        raise UsageError(f"{file}{f':{line}' if line else ''}: {type(error).__name__}: {str(error)[:200]}") from error
    if not hasattr(module, name):
        known = [key for key, value in vars(module).items() if callable(value) and not key.startswith("_")]
        raise UsageError(f"{file} holds no '{name}'.{nearest(name, known)}")
    return _made(getattr(module, name), name, word)


def _from_entry_point(word: str) -> Scorer:
    from importlib.metadata import entry_points

    offered = {point.name: point for point in entry_points(group=ENTRY_POINTS)}
    if word not in offered:
        known = [*names(), *offered]
        raise UsageError(
            f"unknown scorer '{word[:80]}'.{nearest(word, known)} Known: {', '.join(known)}; "
            "a scorer of your own is named FILE.py:NAME"
        )
    try:
        loaded = offered[word].load()
    except Exception as error:
        raise UsageError(f"scorer '{word}' cannot be loaded: {type(error).__name__}: {str(error)[:200]}") from error
    return _made(loaded, word, word)


def _made(given: Any, name: str, word: str) -> Scorer:
    """Return a user's scorer: as it is, or made of a function and its attributes `version`, `higher_is_better`."""
    if isinstance(given, Scorer):
        return given
    if not callable(given) or isinstance(given, type):
        raise UsageError(f"{word}: a scorer is a function of a Sample, or a Scorer; this is a {type(given).__name__}")
    return Scorer(
        name=name,
        version=str(getattr(given, "version", "1")),
        summary=(given.__doc__ or name).strip().split("\n")[0],
        score=given,
        source=source_of(given),
        higher_is_better=bool(getattr(given, "higher_is_better", True)),
    )


def _line(error: BaseException, file: str) -> int:
    line, frame = 0, error.__traceback__
    while frame:
        if frame.tb_frame.f_code.co_filename == file:
            line = frame.tb_lineno
        frame = frame.tb_next
    return line
