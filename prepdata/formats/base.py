"""What a format module offers: to recognise its rows, to view them as records, to write records as rows."""

from __future__ import annotations

from typing import Any, ClassVar

from prepdata.record import Record


class Format:
    """One record format. A module in `prepdata/formats/` holds one subclass; `prepdata.formats` lists them in the
    order in which they are tried."""

    name: ClassVar[str]
    title: ClassVar[str]
    row_keys: ClassVar[frozenset[str]]
    """Keys of a row that the format knows (row marks such as `id` and `metadata` are allowed everywhere)."""
    message_keys: ClassVar[frozenset[str]] = frozenset()
    """Keys of a message that the format knows."""
    roles: ClassVar[dict[str, str]] = {}
    """Role words of the format -> canonical role."""

    def recognise(self, raw: dict[str, Any]) -> bool:
        """True if a row is of this format, judged by its keys and the types of their values. Cheap."""
        raise NotImplementedError

    def view(self, raw: dict[str, Any]) -> Record:
        """Return the record view of a recognised row. Never raises, whatever the row holds: what does not fit is
        kept as found (`kind="other"`, role as written), and rules speak of it."""
        raise NotImplementedError

    def write(self, record: Record) -> dict[str, Any]:
        """Return the row that says in this format what `record` says.

        Raises:
            Lossy: something of the record cannot be said in this format; names what.
        """
        raise NotImplementedError


class Lossy(Exception):
    """A record cannot be written in a format without loss. `args[0]` lists what would be lost."""
