"""Fast checks for the usual schemas of tools: flat objects of plain types.

`compile_flat` turns a schema into one function that says whether a value fits, or gives None where the schema holds
anything unusual; then, and wherever a value does not fit, `jsonschema` speaks. A property test holds both equal.
"""

from __future__ import annotations

from collections.abc import Callable
from math import isfinite
from typing import Any

from prepdata.rules.tool._cost import Refused, compiled, steps

Check = Callable[[Any], bool]

TYPES: dict[str, Check] = {
    "string": lambda v: type(v) is str,
    "integer": lambda v: type(v) is int or (type(v) is float and v.is_integer()),
    "number": lambda v: type(v) is int or type(v) is float,
    "boolean": lambda v: type(v) is bool,
    "object": lambda v: type(v) is dict,
    "array": lambda v: type(v) is list,
    "null": lambda v: v is None,
}
_TEXTS = frozenset({"title", "description", "format", "$comment"})
_ANYTHING = frozenset({"default"})
_FLAGS = frozenset({"deprecated", "readOnly", "writeOnly"})
_BOUNDS = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")
_SIZES = ("minLength", "maxLength", "minItems", "maxItems")
_SEVERAL = ("anyOf", "allOf")
_USUAL = frozenset(
    {"type", "properties", "required", "additionalProperties", "enum", "const", "pattern", "items", *_BOUNDS, *_SIZES,
     *_SEVERAL}
)  # fmt: skip
_QUICK_STEPS = 20_000
"""Most choices a pattern may have on a text to be tried here; `jsonschema` takes the rest, where steps are counted."""
_SAME_DRAFTS = frozenset(
    {
        "http://json-schema.org/draft-06/schema",
        "http://json-schema.org/draft-07/schema",
        "https://json-schema.org/draft/2019-09/schema",
        "https://json-schema.org/draft/2020-12/schema",
    }
)
"""Drafts in which all that is handled here means the same."""
_VOCABULARY = frozenset(
    {
        "$schema",
        "$id",
        "id",
        "$ref",
        "$anchor",
        "$dynamicRef",
        "$dynamicAnchor",
        "$recursiveRef",
        "$recursiveAnchor",
        "$vocabulary",
        "$defs",
        "definitions",
        "allOf",
        "anyOf",
        "oneOf",
        "not",
        "if",
        "then",
        "else",
        "dependentSchemas",
        "dependentRequired",
        "dependencies",
        "prefixItems",
        "contains",
        "minContains",
        "maxContains",
        "additionalItems",
        "patternProperties",
        "propertyNames",
        "unevaluatedItems",
        "unevaluatedProperties",
        "const",
        "multipleOf",
        "uniqueItems",
        "minProperties",
        "maxProperties",
        "contentEncoding",
        "contentMediaType",
        "contentSchema",
        "extends",
        "disallow",
        "divisibleBy",
    }
)
"""Keywords that some draft gives a meaning, and that are not handled here: `jsonschema` takes such schemas."""


def compile_flat(schema: Any, depth: int = 0) -> Check | None:
    """Return a check for a schema of plain types, None where it holds anything unusual or wrong."""
    if type(schema) is not dict or depth > 8 or len(schema) > 60:
        return None
    for key, value in schema.items():
        if key in _USUAL or key in _ANYTHING:
            continue
        if key == "$schema" and not depth and type(value) is str and value.rstrip("#") in _SAME_DRAFTS:
            continue
        if key in _VOCABULARY or (key == "examples" and type(value) is not list):
            return None
        if (key in _TEXTS and type(value) is not str) or (key in _FLAGS and type(value) is not bool):
            return None
    checks: list[Check] = []
    for make in (_types, _enum, _const, _pattern, _object, _items, _bounds, _sizes, _several):
        made = make(schema, depth)
        if made is None:
            return None
        checks.extend(made)
    if not checks:
        return _anything
    if len(checks) == 1:
        return checks[0]
    if len(checks) == 2:
        first, second = checks
        return lambda value: first(value) and second(value)
    return _all(tuple(checks))


def _anything(value: Any) -> bool:
    return True


def _nothing(value: Any) -> bool:
    return False


def _types(schema: dict[str, Any], depth: int) -> list[Check] | None:
    if "type" not in schema:
        return []
    wanted = schema["type"]
    if type(wanted) is str:
        return [TYPES[wanted]] if wanted in TYPES else None
    if type(wanted) is not list or not wanted or not all(type(w) is str and w in TYPES for w in wanted):
        return None
    if len(set(wanted)) != len(wanted):
        return None
    several = tuple(TYPES[w] for w in wanted)
    return [lambda value: any(check(value) for check in several)]


def _enum(schema: dict[str, Any], depth: int) -> list[Check] | None:
    if "enum" not in schema:
        return []
    listed = schema["enum"]
    if type(listed) is not list or not listed or len(listed) > 10_000 or not all(type(v) is str for v in listed):
        return None
    known = frozenset(listed)
    return [lambda value: type(value) is str and value in known]


def _const(schema: dict[str, Any], depth: int) -> list[Check] | None:
    if "const" not in schema:
        return []
    wanted = schema["const"]
    return [lambda value: type(value) is str and value == wanted] if type(wanted) is str else None


def _pattern(schema: dict[str, Any], depth: int) -> list[Check] | None:
    if "pattern" not in schema:
        return []
    wanted = schema["pattern"]
    if type(wanted) is not str:
        return None
    try:
        search = compiled(wanted)[0].search
    except Refused:
        return None

    def matches(value: Any) -> bool:
        if type(value) is not str:
            return True
        return steps(wanted, len(value)) <= _QUICK_STEPS and search(value) is not None

    return [matches]


def _several(schema: dict[str, Any], depth: int) -> list[Check] | None:
    checks: list[Check] = []
    for key in _SEVERAL:
        if key not in schema:
            continue
        listed = schema[key]
        if type(listed) is not list or not listed:
            return None
        made = tuple(compile_flat(part, depth + 1) for part in listed)
        if not all(made):
            return None
        checks.append(_any(made) if key == "anyOf" else _all(made))
    return checks


def _any(checks: tuple[Any, ...]) -> Check:
    return lambda value: any(check(value) for check in checks)


def _all(checks: tuple[Any, ...]) -> Check:
    return lambda value: all(check(value) for check in checks)


def _object(schema: dict[str, Any], depth: int) -> list[Check] | None:
    properties, required = schema.get("properties", {}), schema.get("required", [])
    others = schema.get("additionalProperties", True)
    more = _anything if others is True else _nothing if others is False else compile_flat(others, depth + 1)
    if type(properties) is not dict or type(required) is not list or more is None:
        return None
    if not all(type(name) is str for name in required) or len(set(required)) != len(required):
        return None
    inner: dict[str, Check] = {}
    for name, part in properties.items():
        check = compile_flat(part, depth + 1)
        if check is None:
            return None
        inner[name] = check
    if not inner and not required and more is _anything:
        return []
    needed, other = frozenset(required), more

    def fits(value: Any) -> bool:
        if type(value) is not dict:
            return True
        if not needed.issubset(value):
            return False
        for name, item in value.items():  # noqa: SIM110 - all() with a generator takes twice as long
            if not inner.get(name, other)(item):
                return False
        return True

    return [fits]


def _items(schema: dict[str, Any], depth: int) -> list[Check] | None:
    if "items" not in schema:
        return []
    check = compile_flat(schema["items"], depth + 1)
    if check is None:
        return None
    each = check
    return [lambda value: type(value) is not list or all(each(item) for item in value)]


def _bounds(schema: dict[str, Any], depth: int) -> list[Check] | None:
    checks: list[Check] = []
    for key in _BOUNDS:
        if key not in schema:
            continue
        bound = schema[key]
        if type(bound) not in (int, float) or not isfinite(bound):
            return None
        checks.append(_BOUND[key](bound))
    return checks


def _numeric(value: Any) -> bool:
    return type(value) is int or type(value) is float


_BOUND: dict[str, Callable[[Any], Check]] = {
    "minimum": lambda bound: lambda value: not _numeric(value) or not value < bound,
    "maximum": lambda bound: lambda value: not _numeric(value) or not value > bound,
    "exclusiveMinimum": lambda bound: lambda value: not _numeric(value) or not value <= bound,
    "exclusiveMaximum": lambda bound: lambda value: not _numeric(value) or not value >= bound,
}


def _sizes(schema: dict[str, Any], depth: int) -> list[Check] | None:
    checks: list[Check] = []
    for key in _SIZES:
        if key not in schema:
            continue
        bound = schema[key]
        if type(bound) is not int or bound < 0:
            return None
        checks.append(_size(str if key.endswith("Length") else list, bound, key.startswith("min")))
    return checks


def _size(kind: type[str] | type[list[Any]], bound: int, least: bool) -> Check:
    if least:
        return lambda value: type(value) is not kind or len(value) >= bound
    return lambda value: type(value) is not kind or len(value) <= bound
