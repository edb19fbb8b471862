"""Which rules run, and what becomes of what they found: severities, tolerances, per-file ignores. Pure functions."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from prepdata.errors import ConfigError
from prepdata.findings import Finding, Severity
from prepdata.rules.base import Options, Rule
from prepdata.rules.loader import expand, find, read_options, rules
from prepdata.settings import Settings

_TOLERANCE = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,9})?) ?%|([0-9]{1,12})")


class Selection(NamedTuple):
    """The rules of a run.

    Args:
        rules: rule classes, by code.
        named: names that the user selected one by one, or with ALL, for which "could not run" must be said.
    """

    rules: tuple[type[Rule], ...]
    named: frozenset[str]


def select(settings: Settings) -> Selection:
    """Return the rules that the settings ask for.

    Raises:
        UsageError: a name stands for no rule, or an option of a rule is wrong.
    """
    if settings.select:
        chosen = {rule for word in settings.select for rule in expand(word)}
    else:
        chosen = {rule for rule in rules() if rule.default}
    chosen |= {rule for word in settings.extend_select for rule in expand(word)}
    chosen -= {rule for word in settings.ignore for rule in expand(word)}
    words = {word.lower() for word in (*settings.select, *settings.extend_select)}
    named = frozenset(
        rule.name for word in words for rule in expand(word) if word in (rule.name, rule.code.lower(), "all")
    )
    for name in settings.rules:
        rule = find(name)
        most = read_options(rule, options_of(rule, settings)).max
        try:
            tolerance(most, 0)
        except ConfigError as error:
            raise ConfigError(f"rules.{rule.name}: {error}") from None
    for listed in settings.per_file_ignores.values():
        for word in listed:
            expand(word)
    return Selection(tuple(sorted(chosen, key=lambda rule: rule.code)), named)


def options_of(rule: type[Rule], settings: Settings) -> dict[str, Any]:
    """Return the options that the settings give a rule, under its code or its name, in any case; the name wins."""
    found: dict[str, Any] = {}
    for word in (rule.code.lower(), rule.name):
        for key, given in settings.rules.items():
            if key.lower() == word:
                found |= given
    return rule.resolve(found)


def tolerance(text: str | None, rows: int) -> int:
    """Return how many rows may be hit: `"2%"` of the rows (rounded down), or a number.

    Raises:
        ConfigError: the text is neither.
    """
    if text is None:
        return 0
    match = _TOLERANCE.fullmatch(text.strip())
    if match is None:
        raise ConfigError(f'max = {text!r}: expected a share such as "2%" or a number of rows such as "5"')
    from decimal import Decimal

    share, number = match.groups()
    if share and Decimal(share) > 100:
        raise ConfigError(f"max = {text!r}: a share is 0% to 100%")
    return int(Decimal(share) * rows / 100) if share else int(number)


def settle(
    findings: Iterable[Finding], settings: Settings, chosen: Sequence[type[Rule]], rows: Mapping[str, int]
) -> list[Finding]:
    """Return the findings with severities, tolerances and per-file ignores applied.

    Args:
        findings: as the rules gave them.
        settings: the run's settings.
        chosen: the rules of the run.
        rows: number of rows of each file.
    """
    options: dict[str, Options] = {rule.name: read_options(rule, options_of(rule, settings)) for rule in chosen}
    ignored = {p: {r.name for w in words for r in expand(w)} for p, words in settings.per_file_ignores.items()}
    kept = [f for f in findings if not any(f.name in names and _matches(f.file, p) for p, names in ignored.items())]
    tolerated = _tolerated(kept, options, rows)
    return [_settled(f, options.get(f.name), (f.file, f.name) in tolerated) for f in kept]


def _tolerated(findings: Sequence[Finding], options: Mapping[str, Options], rows: Mapping[str, int]) -> set[Any]:
    """Return the (file, rule) pairs whose findings stay within the rule's `max`."""
    limited = {name for name, given in options.items() if given.max is not None}
    if not limited:
        return set()
    hit: dict[tuple[str, str], set[int | None]] = {}
    for f in findings:
        if f.name in limited:
            hit.setdefault((f.file, f.name), set()).add(f.record)
    return {
        (file, name)
        for (file, name), records in hit.items()
        if len(records) <= tolerance(options[name].max, rows.get(file, 0))
    }


def _settled(finding: Finding, options: Options | None, tolerated: bool) -> Finding:
    severity: Severity = finding.severity
    if options is not None and options.severity is not None:
        severity = options.severity
    if tolerated:
        severity = "info"
    return finding if severity == finding.severity else msgspec.structs.replace(finding, severity=severity)


def _matches(path: str, pattern: str) -> bool:
    """True where the pattern fits the path or the end of it, from one of its folders on."""
    path = path.replace("\\", "/")
    return fnmatch.fnmatch(path, pattern) or fnmatch.fnmatch(path, f"*/{pattern}")
