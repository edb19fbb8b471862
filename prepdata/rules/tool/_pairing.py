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


_settled: tuple[Record | None, bool] = (None, True)


def settled(record: Record) -> bool:
    """Return True if a quick look shows that every call has its result, by id, right after it, and every result its
    call; calls of the last turn may wait. False says nothing: ask `pair`."""
    global _settled
    known, found = _settled
    if known is not record:
        found = not record.preference and _all_answered(record.messages)
        _settled = (record, found)
    return found


def _all_answered(messages: tuple[Message, ...]) -> bool:
    waiting: set[str] = set()
    made = 0
    for message in messages:
        if message.parts:
            return False
        role = message.role
        if role == "tool":
            found = message.call_id
            if type(found) is not str or found not in waiting:
                return False
            waiting.remove(found)
            continue
        if waiting or role == "function":
            return False
        if role == "assistant" and message.calls:
            made = len(message.calls)
            for call in message.calls:
                if type(call.id) is not str:
                    return False
                waiting.add(call.id)
            if len(waiting) != made:
                return False
        elif message.calls:
            return False
    return not waiting or len(waiting) == made


class _Walk:
    """Goes through the turns, with the calls that wait for a result."""

    def __init__(self, out: Pairing) -> None:
        self.out = out
        self.waiting: dict[int, ToolCall] = {}
        self.by_id: dict[Any, list[int]] = {}
        self.by_name: dict[Any, list[int]] = {}
        self.count = self.first = 0
        self.answered: set[str] = set()
        self.seen: set[str] = set()
        self.results = self.strays = 0

    def branch(self) -> _Walk:
        """Return a walk that goes on from here."""
        other = _Walk(self.out)
        for call in self.waiting.values():
            other._wait(call)
        other.answered, other.seen = set(self.answered), set(self.seen)
        other.results, other.strays = self.results, self.strays
        return other

    def turns(self, messages: tuple[Message, ...]) -> None:
        """Go through turns that follow those seen so far, pairing results with the calls that wait for one."""
        for message in messages:
            results = tuple(_results(message))
            for result in results:
                self.answer(result)
            if results:
                continue
            if message.role == "assistant":
                going_on = message.calls and self.results == 0 and not self.by_id
                if not (going_on and all(call.id is None for call in message.calls)):
                    self.close()
                self.call(message)
            elif message.role in ("user", "system", "developer"):
                self.close()

    def call(self, message: Message) -> None:
        """Take note of the calls of an assistant turn."""
        for call in message.calls:
            if call.id is not None and _plain(call.id) in self.by_id:
                shown = clip(str(call.id), 40)
                text = f"id '{shown}' is given to two calls that wait at the same time; ids must differ"
                self.out.issues.append(Issue(call.path, text, "repeated"))
            self._wait(call)

    def _wait(self, call: ToolCall) -> None:
        self.waiting[self.count] = call
        if call.id is not None:
            self.by_id.setdefault(_plain(call.id), []).append(self.count)
        self.by_name.setdefault(_plain(call.name), []).append(self.count)
        self.count += 1

    def answer(self, result: Result) -> None:
        """Match one result with a waiting call."""
        self.results += 1
        call = self._match(result)
        if call is None:
            self.strays += 1
            self.out.issues.append(Issue(result.path, self._why(result), "stray"))
            return
        self.out.links.append((call, result))
        if type(call.id) is str:
            self.answered.add(call.id)
            if result.id is None:
                text = f"this result names no call id; the call it follows has id '{clip(call.id, 40)}'"
                self.out.issues.append(Issue(result.path, text, "no-id"))

    def _match(self, result: Result) -> ToolCall | None:
        """Return the waiting call that a result answers, and take it out; None if there is none."""
        if result.id is not None and self.by_id:
            return self._take(self.by_id.get(result.id, []))
        named = self._take(self.by_name.get(_plain(result.name), [])) if result.name is not None else None
        if named is not None or not self.waiting:
            return named
        while self.first not in self.waiting:
            self.first += 1
        return self.waiting.pop(self.first)

    def _take(self, numbers: list[int]) -> ToolCall | None:
        while numbers:
            call = self.waiting.pop(numbers.pop(0), None)
            if call is not None:
                return call
        return None

    def _why(self, result: Result) -> str:
        if result.id is None:
            return "a tool result with no call before it; put it right after the assistant turn that makes the call"
        shown = f"'{clip(str(result.id), 40)}'"
        if result.id in self.answered or result.id in self.seen:
            return f"call {shown} was already answered, or is not in the assistant turn right before this result"
        ids = ", ".join(f"'{clip(str(call.id), 30)}'" for call in list(self.waiting.values())[:3])
        return f"a tool result for call {shown}, which no call has" + (f"; waiting: {ids}" if ids else "")

    def close(self) -> None:
        """Take note of the calls that are still waiting, and forget them."""
        together = self.results and not self.by_id  # without ids, one result may hold those of all calls
        if self.strays < len(self.waiting) and not together:
            self.out.unanswered.extend(self.waiting.values())
        self._clear()

    def end(self) -> None:
        """End of the row: calls that wait are right if none of their turn was answered."""
        if self.results and self.by_id and self.strays < len(self.waiting):
            self.out.unanswered.extend(self.waiting.values())
        self._clear()

    def _clear(self) -> None:
        if self.count:
            self.seen |= {call.id for call in self.waiting.values() if type(call.id) is str} | self.answered
            self.waiting, self.by_id, self.by_name, self.answered = {}, {}, {}, set()
            self.count = self.first = 0
        self.results = self.strays = 0


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
