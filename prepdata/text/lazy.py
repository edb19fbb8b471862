"""Expressions compiled when they are first used: hundreds of them would take a fifth of a short run, which uses few."""

from __future__ import annotations

import re
from typing import Any, cast

_METHODS = ("search", "match", "fullmatch", "finditer", "findall", "sub", "subn", "split", "pattern", "flags")


class _Lazy:
    """Stands for an expression; after its first use it has all that the expression has, at no further cost."""

    def __init__(self, pattern: str, flags: int) -> None:
        self._written = pattern, flags

    def __getattr__(self, name: str) -> Any:  # asked for what is not there yet
        if name not in _METHODS:
            raise AttributeError(name)
        compiled = re.compile(*self._written)
        vars(self).update((method, getattr(compiled, method)) for method in _METHODS)
        return vars(self)[name]


def lazily(pattern: str, flags: int = 0) -> re.Pattern[str]:
    """Return what can be used like `re.compile(pattern, flags)`, and is compiled when it is first used.

    An expression that is wrong is told then, by `re.error`: each needs a test that uses it.
    """
    return cast("re.Pattern[str]", _Lazy(pattern, flags))
