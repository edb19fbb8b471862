"""A run held against a lock file: reads the lock before the run, gives findings after it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from prepdata.chunk import Fact
from prepdata.engine import Mapper
from prepdata.findings import Finding
from prepdata.lock.drift import DATA, TOKENIZER, Checked, data_drift, tokenizer_drift
from prepdata.lock.model import Lock, read
from prepdata.reduce import FileRun, finding_of
from prepdata.rules.base import FactRule, Rule
from prepdata.select import Selection
from prepdata.settings import Settings


def held_against(settings: Settings, selection: Selection) -> Held | None:
    """Return the lock that a run is held against; None without one, or where no rule of the run asks for it.

    Raises:
        ConfigError: the lock file cannot be read or is damaged.
    """
    if settings.lock is None:
        return None
    kinds = {kind for rule in selection.rules if issubclass(rule, FactRule) for kind in rule.facts}
    if not kinds & {DATA, TOKENIZER}:
        return None
    return Held(read(settings.lock), Path(settings.lock), frozenset(kinds))


class Held(NamedTuple):
    """A lock, its path, and the kinds of facts that the rules of the run explain."""

    lock: Lock
    path: Path
    kinds: frozenset[str]

    def with_drift(self, runs: Sequence[Any], mapper: Mapper) -> list[Any]:
        """Return (file run, source, format) of all inputs, with what is to be said of their fingerprints."""
        if DATA not in self.kinds:
            return list(runs)
        checked = [Checked(file.path, source.sha256, file.rows, source.size) for file, source, _ in runs]
        said: dict[str, list[Fact]] = {}
        for path, fact in data_drift(self.lock, self.path, checked):
            said.setdefault(path, []).append(fact)

        def told(file: FileRun) -> FileRun:
            return file._replace(hits=[*file.hits, *mapper.explain(said.get(file.path, []))])

        return [(told(file), *others) for file, *others in runs]

    def tokenizer_findings(self, mapper: Mapper, rules: Sequence[Rule], tokenizer: str | None) -> list[Finding]:
        """Return the findings about the tokenizer's files, each under its own path.

        Args:
            mapper: puts facts into words.
            rules: the rules of the run.
            tokenizer: the run's own tokenizer, if it has one.
        """
        if TOKENIZER not in self.kinds:
            return []
        by_name = {rule.name: rule for rule in rules}
        return [
            finding_of(by_name[raw.rule], raw.hit, path, raw.crash)
            for path, fact in tokenizer_drift(self.lock, self.path, tokenizer)
            for raw in mapper.explain([fact])
        ]
