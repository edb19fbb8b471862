"""Counts line endings while a file goes by."""

from __future__ import annotations

import re
from typing import Any

from prepdata.chunk import Fact

_BARE = re.compile(rb"(?<!\r)\n")


class NewlineCount:
    """Counts LF, CRLF and lone CR over the chunks of a file, and remembers where each kind came first (1-based)."""

    def __init__(self) -> None:
        self.lf = self.crlf = self.cr = self.lines = 0
        self.first: dict[str, int] = {}
        self.last = b"\n"

    def see(self, data: bytes, lines: int) -> None:
        """Count the endings of the next chunk, which spans `lines` lines."""
        if not data:
            self.lines += lines
            return
        newlines = lines - (data[-1] != 10)
        if b"\r" in data:
            crlf = data.count(b"\r\n")
            lone = data.count(b"\r") - crlf
            self.crlf += crlf
            self.cr += lone
            self.lf += newlines - crlf
            if crlf and "crlf" not in self.first:
                self.first["crlf"] = self.lines + data.count(b"\n", 0, data.index(b"\r\n")) + 1
            if newlines > crlf and "lf" not in self.first:
                bare = _BARE.search(data)
                assert bare is not None
                self.first["lf"] = self.lines + data.count(b"\n", 0, bare.start()) + 1
        else:
            self.lf += newlines
            if newlines and "lf" not in self.first:
                self.first["lf"] = self.lines + 1
        self.lines += lines
        self.last = data[-1:]

    def facts(self, *, cut_off: bool) -> list[Fact]:
        """Return what is to be said of the whole file.

        Args:
            cut_off: True if the file ended before its time, so that its last byte says nothing.
        """
        found = []
        if self.cr or (self.lf and self.crlf):
            data: dict[str, Any] = {"lf": self.lf, "crlf": self.crlf, "cr": self.cr, "first": dict(self.first)}
            found.append(Fact("mixed-newlines", data=data))
        if self.last != b"\n" and not cut_off:
            found.append(Fact("no-final-newline", data={"lines": self.lines}))
        return found
