"""Finds the rules by walking the package, and refuses a malformed one with file and line."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
from collections.abc import Iterable, Mapping
from functools import cache
from types import ModuleType
from typing import Any

import msgspec

import prepdata.rules as package
from prepdata.errors import ConfigError, PrepdataError, UsageError, nearest
from prepdata.findings import SEVERITIES, clip
from prepdata.rules.base import (
    CALLS,
    EVERY,
    LOOK,
    SHAPE,
    Context,
    CorpusRule,
    FactRule,
    Options,
    Pattern,
    RecordRule,
    Rule,
    Words,
)

_METHODS: dict[type[Rule], tuple[str, ...]] = {
    FactRule: ("explain",),
    RecordRule: ("check",),
    CorpusRule: ("see", "finish"),
}
_CODE = re.compile(r"[A-Z]{2,8}[0-9]{3}")
_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")


class MalformedRule(PrepdataError):
    """A rule module that breaks the contract. The message names file and line."""


@cache
def _modules() -> dict[str, str]:
    """Return the module of every rule by the name of its file, `<code>_<name>`; none of them is imported."""
    found: dict[str, str] = {}
    for info in pkgutil.iter_modules(package.__path__):
        if not info.ispkg:
            continue
        family = f"{package.__name__}.{info.name}"
        for inner in pkgutil.iter_modules([f"{path}/{info.name}" for path in package.__path__]):
            if inner.name.startswith("_"):
                continue
            module = f"{family}.{inner.name}"
            if inner.name in found:
                raise MalformedRule(f"{module} has the name of {found[inner.name]}")
            found[inner.name] = module
    return found


@cache
def _words() -> dict[str, str]:
    """Return the name of the file of every rule by what the rule may be called: its code in small letters, its name."""
    found: dict[str, str] = {}
    for file, module in sorted(_modules().items()):
        code, _, name = file.partition("_")
        for word in (code, name.replace("_", "-")):
            if word in found:
                raise MalformedRule(f"{module}: '{word}' is taken by {_modules()[found[word]]}")
            found[word] = file
    return found


@cache
def _load(file: str) -> type[Rule]:
    """Return the rule in a file."""
    rule = rule_of(importlib.import_module(_modules()[file]))
    if file != f"{rule.code.lower()}_{rule.name.replace('-', '_')}":
        raise MalformedRule(f"{_where(rule)}: the file of {rule.code} {rule.name} must be called by code and name")
    return rule


@cache
def rules() -> tuple[type[Rule], ...]:
    """Return all rule classes, sorted by code.

    Raises:
        MalformedRule: a module breaks the contract; names file, line and what is wrong.
    """
    _words()
    return tuple(sorted(map(_load, _modules()), key=lambda rule: rule.code))


def rule_of(module: ModuleType) -> type[Rule]:
    """Return the one rule class of a module, checked against the contract.

    Raises:
        MalformedRule: there is not exactly one, or it is malformed.
    """
    classes = [
        value
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, Rule) and value.__module__ == module.__name__
        and not value.__name__.startswith("_")
    ]  # fmt: skip
    if len(classes) != 1:
        raise MalformedRule(f"{module.__file__}:1: expected one rule class, found {len(classes)}")
    rule: type[Rule] = classes[0]
    for problem in _problems(rule):
        raise MalformedRule(f"{_where(rule)}: {problem}")
    return rule


def _problems(rule: type[Rule]) -> Iterable[str]:
    if not issubclass(rule, tuple(_METHODS)):
        yield "a rule must extend FactRule, RecordRule or CorpusRule"
    for name in ("code", "name", "severity"):
        if not isinstance(getattr(rule, name, None), str):
            yield f"attribute '{name}' is missing"
            return
    if not _CODE.fullmatch(rule.code):
        yield f"code '{rule.code}' is not capital letters and three digits, as in TEXT001"
    if not _NAME.fullmatch(rule.name):
        yield f"name '{rule.name}' is not small letters, digits and hyphens, as in empty-answer"
    if rule.severity not in SEVERITIES:
        yield f"severity '{rule.severity}' is none of {', '.join(SEVERITIES)}"
    if rule.fix not in ("none", "safe", "unsafe"):
        yield f"fix '{rule.fix}' is none of none, safe, unsafe"
    if not rule.__doc__:
        yield "the class docstring (the rule's documentation) is missing"
    if not (isinstance(rule.Options, type) and issubclass(rule.Options, Options)):
        yield "Options must extend prepdata.rules.base.Options"
    yield from _problems_of_kind(rule)


def _problems_of_kind(rule: type[Rule]) -> Iterable[str]:
    facts = getattr(rule, "facts", None)
    if issubclass(rule, FactRule) and not (facts and isinstance(facts, tuple)):
        yield "a fact rule names the facts it explains in the tuple 'facts'"
    if issubclass(rule, CorpusRule) and rule.scope not in ("file", "dataset", "run"):
        yield f"scope '{rule.scope}' is none of file, dataset, run"
    trigger = getattr(rule, "trigger", EVERY)
    if trigger not in (EVERY, SHAPE, CALLS, LOOK) and not isinstance(trigger, (Words, Pattern)):
        yield "trigger must be EVERY, SHAPE, CALLS, LOOK, Words(...) or Pattern(...)"
    if trigger == LOOK and getattr(rule, "wanted", None) is RecordRule.wanted:
        yield "method 'wanted' is missing"
    for kind, methods in _METHODS.items():
        for name in methods:
            if issubclass(rule, kind) and getattr(rule, name) is getattr(kind, name):
                yield f"method '{name}' is missing"


def _where(rule: type[Rule]) -> str:
    try:
        return f"{inspect.getsourcefile(rule)}:{inspect.getsourcelines(rule)[1]}"
    except (OSError, TypeError):
        return rule.__module__


def families() -> tuple[str, ...]:
    """Return the families: FMT, ROLE, TEXT, ..."""
    return tuple(sorted({rule.code.rstrip("0123456789") for rule in rules()}))


def find(word: str) -> type[Rule]:
    """Return the rule of that name or code; no other is imported.

    Raises:
        UsageError: there is none; names the nearest.
    """
    file = _words().get(word.lower())
    if file is None:
        hint = nearest(word.lower(), [r.name for r in rules()]) or nearest(word.upper(), [r.code for r in rules()])
        raise UsageError(f"unknown rule '{word}'.{hint} `prepdata rule --all` lists them.")
    return _load(file)


def expand(word: str) -> tuple[type[Rule], ...]:
    """Return the rules meant by a name, a code, a beginning of codes (`TEXT`, `TOOL0`) or `ALL`.

    Raises:
        UsageError: nothing is meant by it.
    """
    if word.upper() == "ALL":
        return rules()
    if word.lower() in _words():
        return (find(word),)
    begun = [file for file in sorted(_modules()) if file.partition("_")[0].startswith(word.lower())] if word else []
    return tuple(map(_load, begun)) or (find(word),)


def build(rule: type[Rule], options: Mapping[str, Any], context: Context) -> Rule:
    """Return a rule ready to run.

    Raises:
        ConfigError: an option is unknown or has the wrong type; names the rule and the option.
    """
    return rule(read_options(rule, options), context)


_TOLD = re.compile(r"(?P<wanted>.*) - at `\$\.(?P<option>\w+)(?P<inside>.*)`")


def _wrong_value(told: str, options: Mapping[str, Any]) -> str:
    """Return in plain words what msgspec says of an option's value."""
    match = _TOLD.fullmatch(told)
    if match is None:
        return f": {told}"
    wanted = match["wanted"].partition(", got")[0]
    for kind, words in (("`float", "a number"), ("`int", "a whole number"), ("`str", "a text"), ("`array", "a list")):
        wanted = wanted.replace(kind, words)
    wanted = wanted.replace("Expected ", "expected ").replace(" | null`", "").replace("`", "")
    found = "" if match["inside"] else f", found {clip(repr(options[match['option']]))}"
    return f".{match['option']}{match['inside']}: {wanted}{found}"


def read_options(rule: type[Rule], options: Mapping[str, Any]) -> Options:
    """Return a rule's options from plain values.

    Raises:
        ConfigError: an option is unknown or has the wrong type.
    """
    if not options:
        return rule.Options()  # reading the types of all rules' options would cost a tenth of a second
    known = {field.name for field in msgspec.structs.fields(rule.Options)}
    for key in options:
        if key not in known:
            raise ConfigError(f"rules.{rule.name}: unknown option '{key}'.{nearest(key, known)} "
                              f"Known: {', '.join(sorted(known))}")  # fmt: skip
    try:
        return msgspec.convert(dict(options), rule.Options)
    except msgspec.ValidationError as error:
        raise ConfigError(f"rules.{rule.name}{_wrong_value(str(error), options)}") from None
