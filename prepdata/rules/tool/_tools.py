"""The declared tools of a row, judged once for all rows that declare the same."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import msgspec
import xxhash

from prepdata.record import Record, Tool
from prepdata.rules.tool._schema import Schema

_MOST = 512
"""Sets of tools remembered at a time."""


class ToolSet:
    """The tools of a row, by name, with their schemas made ready on demand.

    Args:
        tools: the tools as viewed.
    """

    def __init__(self, tools: tuple[Tool, ...]) -> None:
        self.by_name: dict[str, Tool] = {t.name: t for t in reversed(tools) if type(t.name) is str}
        self.memo: dict[Any, Any] = {}
        """What rules have worked out about these tools, by rule and place."""
        self._schemas: dict[str, Schema | None] = {}

    def schema(self, name: str) -> Schema | None:
        """Return the schema of a tool's arguments; None where the tool is unknown or has none that is an object."""
        try:
            return self._schemas[name]
        except KeyError:
            tool = self.by_name.get(name)
            made = shared_schema(tool.parameters) if tool is not None and type(tool.parameters) is dict else None
            self._schemas[name] = made
            return made


_known: dict[tuple[bytes, str], ToolSet] = {}
_last: tuple[Any, str, ToolSet | None] = (None, "", None)


def digest_of(raw: Any) -> bytes | None:
    """Return the digest of a JSON value; None where it is nested too deep to have one."""
    try:
        return xxhash.xxh3_128_digest(
            raw.encode("utf-8", "surrogatepass") if type(raw) is str else msgspec.json.encode(raw)
        )
    except RecursionError:
        return None
    except (ValueError, TypeError, OverflowError):  # lone surrogates, huge numbers
        try:
            return xxhash.xxh3_128_digest(ascii(raw).encode())
        except RecursionError:
            return None


def tool_set(record: Record) -> ToolSet:
    """Return the set of tools that a row declares; the same object for rows that declare the same."""
    global _last
    raw, (seen, format, known) = record.tools_raw, _last
    if known is not None and seen is raw and format == record.format:
        return known
    digest = record.tools_key
    if digest is None:
        digest = digest_of(raw) if raw is not msgspec.UNSET else b""
    found = _known.get((digest, record.format)) if digest is not None else None
    if found is None:
        found = ToolSet(record.tools)
        if digest is not None:
            if len(_known) >= _MOST:
                _known.clear()
            _known[digest, record.format] = found
    _last = (raw, record.format, found)
    return found


_schemas: dict[bytes, Schema] = {}


def shared_schema(raw: dict[str, Any]) -> Schema:
    """Return a schema made ready, made once for all tools that have the same."""
    key = digest_of(raw)
    if key is None:
        return Schema(raw)
    found = _schemas.get(key)
    if found is None:
        if len(_schemas) >= 8 * _MOST:
            _schemas.clear()
        found = _schemas[key] = Schema(raw)
    return found


def declares(record: Record) -> bool:
    """Return True if a row declares tools, rightly or wrongly: anything but nothing, null, "" and an empty list."""
    raw = record.tools_raw
    if raw is msgspec.UNSET or raw is None:
        return False
    if type(raw) is str:
        return raw.strip() not in ("", "[]", "{}", "null")
    return bool(raw)


@lru_cache(maxsize=2048)
def _read(text: str) -> tuple[Any, str | None]:
    """Return (value, None) of arguments written as text, or (None, why they are no JSON)."""
    try:
        return msgspec.json.decode(text), None
    except RecursionError:
        return None, "nested too deep"
    except (msgspec.DecodeError, ValueError) as error:
        return None, str(error)[:120]


def arguments_of(found: Any) -> Any:
    """Return the arguments of a call as an object: decoded (twice if need be), {} for none, UNSET if unreadable."""
    for _ in range(2):
        if type(found) is dict:
            return found
        if found is None:
            return {}
        if type(found) is not str:
            return msgspec.UNSET
        found, why = parse_arguments(found)
        if why is not None:
            return msgspec.UNSET
    return found if type(found) is dict else msgspec.UNSET


def parse_arguments(text: str) -> tuple[Any, str | None]:
    """Return (value, None) of arguments written as text, or (None, why they are no JSON). Short ones are kept."""
    return _read(text) if len(text) < 4_000 else _read.__wrapped__(text)
