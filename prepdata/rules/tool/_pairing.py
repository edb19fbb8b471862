"""Which tool result answers which call: by id where there are ids, by name and order otherwise."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from prepdata.findings import clip
from prepdata.record import Message, Part, Record, ToolCall

_ID_KEYS = ("tool_call_id", "toolUseId", "tool_use_id", "id", "call_id")
_INNER = ("toolResult", "tool_result", "functionResponse", "function_response")


class Result(NamedTuple):
    """One tool result as written. `path` points at its id where it has one, else at the result."""

    id: Any
    name: Any
    path: str


class Issue(NamedTuple):
    """Something wrong with a result or an id: where, and what."""

    path: str
    text: str
    kind: str


class Pairing(NamedTuple):
    """What a row's calls and results give.

    Args:
        issues: results without a call, repeated ids.
        unanswered: calls with no result before the next turn.
        links: each answered call with its result.
    """

    issues: list[Issue]
    unanswered: list[ToolCall]
    links: list[tuple[ToolCall, Result]]


_NONE = Pairing([], [], [])
_last: tuple[Record | None, Pairing] = (None, _NONE)


def pair(record: Record) -> Pairing:
    """Return the pairing of a row; worked out once for the rules that ask one after another."""
    global _last
    known, made = _last
    if known is record:
        return made
    made = _NONE
    if any(m.calls or m.role in ("tool", "function") or m.parts for m in record.turns):
        made = Pairing([], [], [])
        prompt = _Walk(made)
        prompt.turns(record.messages)
        if record.preference:
            for side in (record.chosen, record.rejected):
                branch = prompt.branch()
                branch.turns(side)
                branch.end()
        else:
            prompt.end()
    _last = (record, made)
    return made


class _Walk:
    """Goes through the turns, with the calls that wait for a result."""

    def __init__(self, out: Pairing) -> None:
        self.out = out
        self.waiting: list[ToolCall] = []
        self.answered: set[str] = set()
        self.seen: set[str] = set()
        self.results = self.strays = 0

    def branch(self) -> _Walk:
        """Return a walk that goes on from here."""
        other = _Walk(self.out)
        other.waiting, other.answered, other.seen = list(self.waiting), set(self.answered), set(self.seen)
        other.results, other.strays = self.results, self.strays
        return other

    def turns(self, messages: tuple[Message, ...]) -> None:
        for message in messages:
            results = tuple(_results(message))
            for result in results:
                self.answer(result)
            if results:
                continue
            if message.role == "assistant":
                if not (message.calls and self.results == 0 and _without_ids(self.waiting + list(message.calls))):
                    self.close()
                self.call(message)
            elif message.role in ("user", "system", "developer"):
                self.close()

    def call(self, message: Message) -> None:
        """Take note of the calls of an assistant turn."""
        for call in message.calls:
            if call.id is not None and any(call.id == other.id for other in self.waiting):
                shown = clip(str(call.id), 40)
                text = f"id '{shown}' is given to two calls that wait at the same time; ids must differ"
                self.out.issues.append(Issue(call.path, text, "repeated"))
            self.waiting.append(call)

    def answer(self, result: Result) -> None:
        """Match one result with a waiting call."""
        self.results += 1
        call = self._match(result)
        if call is None:
            self.strays += 1
            self.out.issues.append(Issue(result.path, self._why(result), "stray"))
            return
        self.waiting = [other for other in self.waiting if other is not call]
        self.out.links.append((call, result))
        if type(call.id) is str:
            self.answered.add(call.id)
            if result.id is None:
                text = f"this result names no call id; the call it follows has id '{clip(call.id, 40)}'"
                self.out.issues.append(Issue(result.path, text, "no-id"))

    def _match(self, result: Result) -> ToolCall | None:
        waiting = self.waiting
        if result.id is not None and not _without_ids(waiting):
            return next((call for call in waiting if call.id == result.id), None)
        named = (call for call in waiting if result.name is not None and call.name == result.name)
        return next(named, waiting[0] if waiting else None)

    def _why(self, result: Result) -> str:
        if result.id is None:
            return "a tool result with no call before it; put it right after the assistant turn that makes the call"
        shown = f"'{clip(str(result.id), 40)}'"
        if result.id in self.answered or (type(result.id) is str and result.id in self.seen):
            return f"call {shown} was already answered, or is not in the assistant turn right before this result"
        ids = ", ".join(f"'{clip(str(call.id), 30)}'" for call in self.waiting[:3])
        return f"a tool result for call {shown}, which no call has" + (f"; waiting: {ids}" if ids else "")

    def close(self) -> None:
        """Take note of the calls that are still waiting, and forget them."""
        if self.strays < len(self.waiting):
            self.out.unanswered.extend(self.waiting)
        self._clear()

    def end(self) -> None:
        """End of the row: calls that wait are right if none of their turn was answered."""
        if self.results and self.strays < len(self.waiting):
            self.out.unanswered.extend(self.waiting)
        self._clear()

    def _clear(self) -> None:
        self.seen |= {call.id for call in self.waiting if type(call.id) is str} | self.answered
        self.waiting, self.answered, self.results, self.strays = [], set(), 0, 0


def _without_ids(calls: list[ToolCall]) -> bool:
    return all(call.id is None for call in calls)


def _results(message: Message) -> Iterator[Result]:
    """Yield the tool results that a message carries."""
    parts = [part for part in message.parts if part.kind == "tool_result"]
    if parts:
        for part in parts:
            yield _part_result(part)
    elif message.role in ("tool", "function"):
        raw = message.raw if type(message.raw) is dict else {}
        path = f"{message.path}/tool_call_id" if raw.get("tool_call_id") is not None else message.path
        yield Result(_plain(message.call_id), message.name, path)


def _part_result(part: Part) -> Result:
    raw = part.raw if type(part.raw) is dict else {}
    key = next((k for k in _INNER if type(raw.get(k)) is dict), None)
    inner = raw[key] if key else raw
    base = f"{part.path}/{key}" if key else part.path
    for name in _ID_KEYS:
        if inner.get(name) is not None:
            return Result(_plain(inner[name]), inner.get("name"), f"{base}/{name}")
    return Result(None, inner.get("name"), part.path)


def _plain(found: Any) -> Any:
    """Return an id that can be compared and hashed."""
    return found if found is None or type(found) in (str, int, float, bool) else str(found)
