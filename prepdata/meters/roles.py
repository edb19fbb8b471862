"""The roles meter: who speaks, system prompts, tools and calls, weights."""

from __future__ import annotations

from collections import Counter
from typing import Any

from prepdata.alike import Alike, alike
from prepdata.chunk import Chunk
from prepdata.meters.base import Meter
from prepdata.record import Record
from prepdata.rules.base import Parts

LISTED = 20
"""Entries listed per table, the most frequent first."""

NAME_LENGTH = 64
_TALLIES = ("roles", "first", "last", "weights", "declared", "called", "rows")


class Roles(Meter):
    """Counts roles, system prompts, tools. Kept: some numbers per role, tool, weight and different system prompt."""

    name = "roles"

    def see(self, chunk: Chunk) -> dict[str, Any]:
        """Return tallies of the chunk, and per digest of a system prompt how many rows have it and the first of them.

        Rows that are alike give the same tallies but for names, so they are tallied once and multiplied.
        """
        tallies: dict[str, Counter[str]] = {key: Counter() for key in _TALLIES}
        systems: dict[str, list[int]] = {}
        for group in chunk.derived(alike):
            _tally(group.first, tallies, len(group.records))
            _add_systems(group, systems)
            if group.first.tools:
                _declared(group.records, tallies["declared"])
            for column in group.turns:
                if column[0].calls:
                    tallies["called"].update([_name(call.name) for message in column for call in message.calls])
        prompts = {_digest(system): found for system, found in systems.items()}
        return {"system": prompts, **{key: dict(tally) for key, tally in tallies.items()}}

    def finish(self, parts: Parts) -> dict[str, Any]:
        """Return the tallies of a file; tables hold the most frequent entries and how many there are in all."""
        totals: dict[str, Counter[str]] = {}
        for _, part in parts.parts:
            for key, tally in part.items():
                if key != "system":
                    totals.setdefault(key, Counter()).update(tally)
        rows = totals.get("rows", Counter())
        return {
            "rows": rows["all"],
            "messages": dict(sorted(totals.get("roles", Counter()).items())),
            "first": dict(sorted(totals.get("first", Counter()).items())),
            "last": dict(sorted(totals.get("last", Counter()).items())),
            "rows_with_system": rows["system"],
            "rows_with_tools": rows["tools"],
            "rows_with_calls": rows["calls"],
            "rows_with_media": rows["media"],
            "rows_with_reasoning": rows["reasoning"],
            "preference_rows": rows["preference"],
            "system_prompts": _system_prompts(parts),
            "weights": dict(sorted(totals.get("weights", Counter()).items())),
            "tools_declared": table(totals.get("declared", Counter())),
            "tools_called": table(totals.get("called", Counter())),
        }


def _tally(record: Record, tallies: dict[str, Counter[str]], times: int) -> None:
    """Add a row to the tallies, so many times; names of tools apart."""
    turns = record.turns
    seen = {"all"}
    for message in turns:
        tallies["roles"][message.role[:NAME_LENGTH]] += times
        if message.role in ("system", "developer"):
            seen.add("system")
        if message.weight is not None:
            tallies["weights"][str(message.weight)[:NAME_LENGTH]] += times
        if message.calls:
            seen.add("calls")
        if message.reasoning:
            seen.add("reasoning")
        if any(part.kind in ("image", "audio", "video", "file") for part in message.parts):
            seen.add("media")
    if turns:
        tallies["first"][turns[0].role[:NAME_LENGTH]] += times
        tallies["last"][turns[-1].role[:NAME_LENGTH]] += times
    if record.tools:
        seen.add("tools")
    if record.preference:
        seen.add("preference")
    for name in seen:
        tallies["rows"][name] += times


def _add_systems(group: Alike, systems: dict[str, list[int]]) -> None:
    """Add the system prompts of some rows: how many rows have each, and the first of them."""
    messages = group.first.messages
    prompts = [group.texts[i] for i, m in enumerate(messages) if m.role == "system" or m.role == "developer"]
    if not prompts:
        return
    texts = prompts[0] if len(prompts) == 1 else list(map("\n".join, zip(*prompts)))
    firsts = dict(zip(reversed(texts), reversed(group.records)))
    for system, times in Counter(texts).items():
        if system:
            found = systems.setdefault(system, [0, firsts[system].row])
            found[0] += times
            found[1] = min(found[1], firsts[system].row)


def _declared(records: list[Record], tally: Counter[str]) -> None:
    """Count the tools that rows declare."""
    lists = {id(record.tools): record.tools for record in records}  # one object for most rows that declare the same
    for key, times in Counter([id(record.tools) for record in records]).items():
        for tool in lists[key]:
            tally[_name(tool.name)] += times


def _digest(text: str) -> int:
    import xxhash

    return max(1, xxhash.xxh3_64_intdigest(text.encode("utf-8", "surrogatepass")))


def _name(name: Any) -> str:
    return name[:NAME_LENGTH] if isinstance(name, str) else f"({type(name).__name__})"


def _system_prompts(parts: Parts) -> dict[str, Any]:
    """Return how many different system prompts there are, and where the most frequent ones first stand."""
    counts: Counter[int] = Counter()
    first: dict[int, int] = {}
    for start, part in parts.parts:
        for digest, (times, row) in part["system"].items():
            counts[digest] += times
            first.setdefault(digest, start + row)
    most = sorted(counts.items(), key=lambda item: (-item[1], first[item[0]]))[:5]
    return {
        "different": len(counts),
        "most_frequent": [{"rows": times, "first_row": first[digest]} for digest, times in most],
    }


def table(tally: Counter[str]) -> dict[str, Any]:
    """Return a tally as {"different", "top"}: the most frequent entries first, equal ones by name."""
    top = sorted(tally.items(), key=lambda item: (-item[1], item[0]))[:LISTED]
    return {"different": len(tally), "top": dict(top)}
