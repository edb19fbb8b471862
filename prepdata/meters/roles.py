"""The roles meter: who speaks, system prompts, tools and calls, weights."""

from __future__ import annotations

import sys
from array import array
from collections import Counter
from typing import Any

from prepdata.chunk import Chunk
from prepdata.meters.base import Meter
from prepdata.record import Record
from prepdata.rules.base import Parts

LISTED = 20
"""Entries listed per table, the most frequent first."""

NAME_LENGTH = 64


class Roles(Meter):
    """Counts roles, system prompts, tools. Kept: 8 bytes a row, and one number per role, tool and weight seen."""

    name = "roles"

    def see(self, chunk: Chunk) -> dict[str, Any]:
        """Return tallies of the chunk, and a digest of each row's system prompt (0 where there is none)."""
        tallies: dict[str, Counter[str]] = {
            key: Counter() for key in ("roles", "first", "last", "weights", "declared", "called", "rows")
        }
        digests = array("Q")
        for record in chunk.records:
            digests.extend([0] * (record.row - len(digests)))
            digests.append(_see_row(record, tallies))
        if sys.byteorder == "big":
            digests.byteswap()
        return {"system": digests.tobytes(), **{key: dict(tally) for key, tally in tallies.items()}}

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


def _see_row(record: Record, tallies: dict[str, Counter[str]]) -> int:
    """Add one row to the tallies; return the digest of its system prompt."""
    rows = tallies["rows"]
    rows["all"] += 1
    turns = record.turns
    system = []
    seen: set[str] = set()
    for message in turns:
        tallies["roles"][message.role[:NAME_LENGTH]] += 1
        if message.role in ("system", "developer"):
            system.append(message.text)
        if message.weight is not None:
            tallies["weights"][str(message.weight)[:NAME_LENGTH]] += 1
        if message.calls:
            seen.add("calls")
            tallies["called"].update(_name(call.name) for call in message.calls)
        if message.reasoning:
            seen.add("reasoning")
        if any(part.kind in ("image", "audio", "video", "file") for part in message.parts):
            seen.add("media")
    if turns:
        tallies["first"][turns[0].role[:NAME_LENGTH]] += 1
        tallies["last"][turns[-1].role[:NAME_LENGTH]] += 1
    if record.tools:
        seen.add("tools")
        tallies["declared"].update(_name(tool.name) for tool in record.tools)
    if record.preference:
        seen.add("preference")
    if system:
        seen.add("system")
    rows.update(seen)
    return _digest("\n".join(system)) if system else 0


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
        digests = array("Q")
        digests.frombytes(part["system"])
        if sys.byteorder == "big":
            digests.byteswap()
        counts.update(d for d in digests if d)
        for row, digest in enumerate(digests):
            if digest and digest not in first:
                first[digest] = start + row
    most = sorted(counts.items(), key=lambda item: (-item[1], first[item[0]]))[:5]
    return {
        "different": len(counts),
        "most_frequent": [{"rows": times, "first_row": first[digest]} for digest, times in most],
    }


def table(tally: Counter[str]) -> dict[str, Any]:
    """Return a tally as {"different", "top"}: the most frequent entries first, equal ones by name."""
    top = sorted(tally.items(), key=lambda item: (-item[1], item[0]))[:LISTED]
    return {"different": len(tally), "top": dict(top)}
