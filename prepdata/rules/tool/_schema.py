"""Checks a value against the JSON Schema of a stranger, in bounded time and without reaching for the network.

Usual schemas are compiled (`_flat`); `jsonschema` takes the rest and words the errors. A hostile schema cannot hang a
run: its size and depth are looked at before, steps are counted while checking, patterns are priced before they run
(`_cost`), and references that lead out of the schema are never fetched. What was not checked for such a reason is said.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any, NamedTuple

from prepdata.rules.tool._cost import MAX_STEPS as MAX_PATTERN_STEPS
from prepdata.rules.tool._cost import Refused, search, steps
from prepdata.rules.tool._flat import Check, compile_flat

MAX_NODES = 2_000
"""Largest schema looked at, in objects, lists and properties."""
MAX_DEPTH = 50
MAX_STEPS = 50_000
"""Keywords worked through for one value: a quarter of a second in the worst case measured."""
MAX_ERRORS = 10
"""Errors reported of one value or schema."""

_DRAFTS = {
    "http://json-schema.org/draft-03/schema": "Draft3Validator",
    "http://json-schema.org/draft-04/schema": "Draft4Validator",
    "http://json-schema.org/draft-06/schema": "Draft6Validator",
    "http://json-schema.org/draft-07/schema": "Draft7Validator",
    "https://json-schema.org/draft/2019-09/schema": "Draft201909Validator",
    "https://json-schema.org/draft/2020-12/schema": "Draft202012Validator",
}
_REFS = ("$ref", "$dynamicRef", "$recursiveRef")


class Problem(NamedTuple):
    """One error: the keys that lead to it, the keyword that was broken, what was found and what was wanted."""

    path: tuple[str | int, ...]
    keyword: str
    found: Any
    wanted: Any
    text: str
    schema: Any = None


class TooCostly(Exception):
    """A value was not checked: it would take too long, or needs what is not there. `args[0]` says why."""


class Schema:
    """One schema, made ready to check values.

    Args:
        raw: the schema as found.
    """

    def __init__(self, raw: Any) -> None:
        self.raw = raw
        self.flat: Check | None = compile_flat(raw)
        self.patterns: list[str] = []
        self.refused: str | None = None
        """Why the schema is not used at all, None if it is."""
        if self.flat is None:
            self.refused = _look(raw, self.patterns)
        self._faults: tuple[Problem, ...] | None = () if self.flat else None
        self._validator: Any = None

    @property
    def faults(self) -> tuple[Problem, ...]:
        """What makes it no valid JSON Schema."""
        if self._faults is None:
            self._faults = () if self.refused else tuple(_faults(self.raw))
        return self._faults

    def check(self, value: Any) -> list[Problem]:
        """Return what breaks the schema, at most `MAX_ERRORS`; nothing where the schema itself has faults.

        Raises:
            TooCostly: the value was not checked.
        """
        if self.flat is not None and self.flat(value):
            return []
        if self.refused:
            raise TooCostly(self.refused)
        if self.faults:
            return []
        if self.patterns:
            _price_keys(self.patterns, value)
        if self._validator is None:
            plain = self.raw
            if type(plain) is dict and "$schema" in plain:
                plain = {key: part for key, part in plain.items() if key != "$schema"}
            self._validator = _bounded(_draft(self.raw))(plain, registry=_no_network())
        return _collect(self._validator, value)


class _Budget(threading.local):
    """Steps left for the value that this thread is checking."""

    left = 0

    def spend(self, amount: int) -> None:
        """Take some steps off.

        Raises:
            TooCostly: there were not as many left.
        """
        self.left -= amount
        if self.left < 0:
            raise TooCostly(f"the schema needs more than {MAX_STEPS:,} steps for this value")


_budget = _Budget()


def _look(raw: Any, patterns: list[str]) -> str | None:
    """Return why a schema is refused, None if it is not; collect its patterns for keys."""
    nodes, refs, unevaluated = 0.0, False, False
    stack: list[tuple[Any, int]] = [(raw, 0)]
    while stack:
        node, depth = stack.pop()
        nodes += 1
        if depth > MAX_DEPTH or nodes > MAX_NODES:
            return f"the schema is {'nested deeper than ' + str(MAX_DEPTH) if depth > MAX_DEPTH else 'too large'}"
        if type(node) is list:
            nodes += len(node) / 20
            stack.extend((item, depth + 1) for item in node if type(item) in (dict, list))
        elif type(node) is dict:
            nodes += len(node) / 20
            for key, part in node.items():
                if key in _REFS and type(part) is str:
                    refs = True
                    if not part.startswith("#"):
                        return f"it refers to '{part[:60]}' outside itself, which is never fetched"
                unevaluated = unevaluated or (key in ("unevaluatedProperties", "unevaluatedItems"))
                if key == "patternProperties" and type(part) is dict:
                    patterns.extend(part)
                if key == "$schema" and type(part) is str and depth:
                    return "it names another draft for a part of itself"
                if type(part) in (dict, list):
                    stack.append((part, depth + 1))
    return "it mixes references with `unevaluated…` keywords" if refs and unevaluated else None


def _price_keys(patterns: list[str], value: Any) -> None:
    """Refuse a value whose keys may take the patterns for keys too long."""
    longest, stack = 0, [value]
    while stack:
        node = stack.pop()
        if type(node) is dict:
            longest = max(longest, max(map(len, node), default=0))
            stack.extend(node.values())
        elif type(node) is list:
            stack.extend(node)
    for pattern in patterns:
        try:
            if steps(pattern, longest) * len(patterns) > MAX_PATTERN_STEPS:
                raise TooCostly(f"the pattern '{pattern[:60]}' may take too long on keys of {longest:,} characters")
        except Refused as error:
            raise TooCostly(str(error.args[0])) from None


def _draft(raw: Any) -> Any:
    """Return the validator class for a schema, by its `$schema`; Draft 2020-12 without one."""
    import jsonschema

    named = raw.get("$schema") if type(raw) is dict else None
    name = _DRAFTS.get(named.strip().rstrip("#")) if type(named) is str else None
    return getattr(jsonschema, name or "Draft202012Validator")


@cache
def _no_network() -> Any:
    """Return a registry that knows the published drafts and fetches nothing."""
    from referencing.jsonschema import EMPTY_REGISTRY

    return EMPTY_REGISTRY


@cache
def _bounded(base: Any) -> Any:
    """Return a validator class whose every keyword costs a step, and whose patterns are priced."""
    from jsonschema import validators

    counted = {name: _counted(name, check) for name, check in base.VALIDATORS.items()}
    if "pattern" in counted:
        counted["pattern"] = _pattern
    return validators.extend(base, counted)


def _counted(name: str, check: Callable[..., Any]) -> Callable[..., Iterator[Any]]:
    def keyword(validator: Any, wanted: Any, value: Any, schema: Any) -> Iterator[Any]:
        cost = 1
        if name == "enum" and type(wanted) is list:
            cost += len(wanted) // 20
        elif name == "uniqueItems" and type(value) is list:
            cost += len(value) // 20 + (len(value) ** 2 // 50 if len({type(v) for v in value}) != 1 else 0)
            if value and type(value[0]) in (dict, list):
                cost += len(value) ** 2 // 50
        _budget.spend(cost)
        yield from check(validator, wanted, value, schema) or ()

    return keyword


def _pattern(validator: Any, wanted: Any, value: Any, schema: Any) -> Iterator[Any]:
    """The `pattern` keyword, priced before it runs."""
    _budget.spend(1)
    if type(value) is not str:
        return
    try:
        found = search(wanted, value)
    except Refused as error:
        raise TooCostly(f"{error.args[0]}: '{wanted[:60]}'") from None
    if not found:
        from jsonschema import ValidationError

        yield ValidationError(f"does not match the pattern '{wanted}'")


def _collect(validator: Any, value: Any) -> list[Problem]:
    """Return the errors of a value, one for each place and keyword."""
    _budget.left = MAX_STEPS
    found: dict[tuple[Any, ...], Problem] = {}
    try:
        for error in validator.iter_errors(value):
            path = tuple(error.absolute_path)
            key = (path, error.validator) if error.validator in ("required", "additionalProperties") else len(found)
            found.setdefault((key,), _problem(error, path))
            if len(found) >= MAX_ERRORS:
                break
    except TooCostly:
        raise
    except RecursionError:
        raise TooCostly("the schema refers to itself without end") from None
    except Exception as error:  # a schema of a stranger: whatever jsonschema or re trips over is said, not raised
        raise TooCostly(f"{type(error).__name__}: {str(error)[:80]}") from None
    return list(found.values())


def _problem(error: Any, path: tuple[str | int, ...]) -> Problem:
    return Problem(path, str(error.validator), error.instance, error.validator_value, error.message[:300], error.schema)


def _faults(raw: Any) -> Iterator[Problem]:
    """Yield what makes a schema invalid in its draft, at most `MAX_ERRORS`, one for each place."""
    draft = _draft(raw)
    seen: set[tuple[str | int, ...]] = set()
    try:
        for error in draft(draft.META_SCHEMA, registry=_no_network()).iter_errors(raw):
            path = tuple(error.absolute_path)
            if path not in seen:
                seen.add(path)
                yield _problem(error, path)
            if len(seen) >= MAX_ERRORS:
                return
    except RecursionError:
        yield Problem((), "recursion", None, None, "nested too deep")


def shown_path(path: tuple[str | int, ...]) -> str:
    """Return a path as people write it: `$.items[0].name`."""
    shown = "$"
    for key in path[:20]:
        shown += f"[{key}]" if type(key) is int else f".{str(key)[:40]}"
    return shown
