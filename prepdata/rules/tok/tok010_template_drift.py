"""TOK010: a tokenizer or chat template that is not the one that was locked."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

from prepdata.chunk import Fact
from prepdata.findings import Hit, Severity, clip
from prepdata.rules.base import FactRule

_BEFORE, _AFTER = 20, 40  # characters shown around the first difference
_TEMPLATE = {
    "same": " (the chat template in effect is the same)",
    "other": " (with it the chat template in effect is another)",
}


class TemplateDrift(FactRule):
    """Finds tokenizer and template files that differ from those in the lock file, are missing, or are new.

    Looks at the files that decide what a row becomes: vocabulary, special tokens, chat templates, the tokenizer's
    configuration. Where a copy of a template is kept (`prepdata lock --copy-templates`), the first place in which the
    two differ is shown; where the tokenizer's folder is not at hand, the copies are held against the lock. A tokenizer
    that is used but not in the lock, or lies elsewhere, is named as an info.

    Why: token counts, cuts and what is trained hang on these files; a model served with another template than it was
        trained with answers worse, and nothing else says so.
    Bad:
        a chat_template.jinja that was edited, or came anew with the model, after `prepdata lock`
    Good:
        the same folder after the change was looked at and `prepdata lock` was run again
    Fix: none; bring the old file back, or look at the change and run `prepdata lock` again.
    Source: hiyouga/LLaMA-Factory issue 9151, ggml-org/llama.cpp issue 7062 (in use another template than in training).
    """

    code: ClassVar[str] = "TOK010"
    name: ClassVar[str] = "template-drift"
    severity: ClassVar[Severity] = "error"
    facts: ClassVar[tuple[str, ...]] = ("template-drift",)

    def missing(self) -> str | None:
        return None if self.context.locked else "a lock file, made by `prepdata lock`"

    def explain(self, fact: Fact) -> Iterator[Hit]:
        data = fact.data
        lock = clip(data["lock"])
        yield from _ABOUT[data["what"]](data, lock)


def _differs(data: dict[str, Any], lock: str) -> Iterator[Hit]:
    template = _TEMPLATE.get(data["template"] or "", "")
    yield Hit(
        f"the file is not the one in {lock}: sha256 {data['then'][:12]} then, {data['now'][:12]} now{template}"
        f"{_first_difference(data)}; look at the change, then run `prepdata lock` again, or bring the old file back"
    )


def _missing(data: dict[str, Any], lock: str) -> Iterator[Hit]:
    template = _TEMPLATE.get(data["template"] or "", "")
    yield Hit(f"the file is in {lock} but missing here{template}; bring it back, or run `prepdata lock` again")


def _new(data: dict[str, Any], lock: str) -> Iterator[Hit]:
    template = _TEMPLATE.get(data["template"] or "", "")
    yield Hit(f"the file is new: not in {lock}{template}; take it away, or run `prepdata lock` again")


def _unreadable(data: dict[str, Any], lock: str) -> Iterator[Hit]:
    yield Hit(f"cannot be held against {lock}: {clip(data['why'], 200)}; make it readable")


def _copy(data: dict[str, Any], lock: str) -> Iterator[Hit]:
    yield Hit(
        f"the kept copy of {clip(data['name'])} is missing or not what {lock} says; restore it, or run `prepdata lock` "
        "again where the tokenizer's folder is at hand"
    )


def _absent(data: dict[str, Any], lock: str) -> Iterator[Hit]:
    if data["copied"]:
        yield Hit(f"the tokenizer is not here; only the copies beside {lock} were held against it", severity="info")
        return
    yield Hit(
        f"the tokenizer in {lock} is not here ({data['count']:,} files); bring its folder, name it with --tokenizer, "
        "or keep copies of its templates with `prepdata lock --copy-templates`"
    )


def _elsewhere(data: dict[str, Any], lock: str) -> Iterator[Hit]:
    held = "only its copies were held against the lock" if data["copied"] else "it was not looked at"
    yield Hit(f"the tokenizer in {lock} lies elsewhere, and {held}; name its folder with --tokenizer", severity="info")


def _unlocked(data: dict[str, Any], lock: str) -> Iterator[Hit]:
    yield Hit(
        f"the tokenizer is not in {lock}: nobody will notice if it changes; `prepdata lock --tokenizer DIR` adds it",
        severity="info",
    )


_ABOUT = {
    "differs": _differs, "missing": _missing, "new": _new, "unreadable": _unreadable, "copy": _copy,
    "absent": _absent, "elsewhere": _elsewhere, "unlocked": _unlocked,
}  # fmt: skip


def _first_difference(data: dict[str, Any]) -> str:
    if "line" not in data:
        return ""
    was, now = (_piece(data[key], data["column"] - 1) for key in ("was", "is"))
    return f"; line {data['line']:,}, column {data['column']:,}: {was} then, {now} now"


def _piece(line: str | None, column: int) -> str:
    """Return a line around a column, in quotes, with what cannot be seen as escapes."""
    if line is None:
        return "no such line"
    begin = max(0, column - _BEFORE)
    shown = "".join(
        c if c.isprintable() else c.encode("unicode_escape").decode() for c in line[begin : column + _AFTER]
    )
    return f"{'…' if begin else ''}'{shown}'{'…' if column + _AFTER < len(line) else ''}"
