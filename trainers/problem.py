"""Something that stands in the way of a run, or should be known of it."""

from __future__ import annotations

import msgspec


class Problem(msgspec.Struct, frozen=True):
    """Something that stands in the way, or may.

    Args:
        name: what it is, as a word.
        fatal: True if the run does not start.
        data: True if it lies in the data, False if in how the run is set up.
        message, cure: what is wrong, and what to do.
    """

    name: str
    fatal: bool
    data: bool
    message: str
    cure: str
