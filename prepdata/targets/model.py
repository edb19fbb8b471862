"""The model of one target file: what a provider or trainer accepts, with the source and date of every value.

A value that nobody could confirm is left out of the file; in code it is then `None`, and no rule speaks of it.
"""

from __future__ import annotations

import datetime
from typing import Generic, Literal, TypeVar

import msgspec

T = TypeVar("T")


class Value(msgspec.Struct, Generic[T], frozen=True, forbid_unknown_fields=True):
    """One dated value: what it is, and which entry of `sources` says so.

    `date` is the day for which the source says so: the date of a dated page or release, else the day it was read.
    Where a source gives only a month or a year, it is the last day of that.
    """

    value: T
    source: str
    date: datetime.date
    note: str = ""


class Source(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where values of a target come from."""

    title: str
    date: datetime.date
    url: str = ""


class Limits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Counts and sizes. Bytes are plain bytes, tokens are the target's own tokens."""

    min_rows: Value[int] | None = None
    recommended_rows: Value[int] | None = None
    max_rows: Value[int] | None = None
    min_file_bytes: Value[int] | None = None
    max_file_bytes: Value[int] | None = None
    max_row_tokens: Value[int] | None = None
    default_row_tokens: Value[int] | None = None
    """Where a trainer cuts or drops a row unless it is told otherwise; a setting, not a refusal."""
    max_rows_with_images: Value[int] | None = None
    max_images_per_row: Value[int] | None = None
    max_image_bytes: Value[int] | None = None
    min_image_side: Value[int] | None = None
    max_videos_per_row: Value[int] | None = None
    max_video_bytes: Value[int] | None = None
    max_tools: Value[int] | None = None


class Accepts(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a row may look like. An absent value means unknown or unrestricted: no finding comes of it."""

    formats: Value[list[str]] | None = None
    bom: Value[Literal["required", "refused", "accepted"]] | None = None
    roles: Value[list[str]] | None = None
    system: Value[Literal["message", "key", "refused"]] | None = None
    several_systems: Value[bool] | None = None
    repeated_roles: Value[bool] | None = None
    first_role: Value[Literal["user", "any"]] | None = None
    last_role: Value[Literal["assistant", "user", "any"]] | None = None
    row_keys: Value[list[str]] | None = None
    message_keys: Value[list[str]] | None = None
    unknown_keys: Value[Literal["refused", "ignored"]] | None = None
    optional_keys_all_or_none: Value[list[str]] | None = None
    weights: Value[Literal["zero-or-one", "number", "ignored", "refused"]] | None = None
    tools: Value[bool] | None = None
    tools_as: Value[Literal["list", "string", "either"]] | None = None
    arguments_as: Value[Literal["string", "object", "either"]] | None = None
    call_id_pattern: Value[str] | None = None
    function_name_pattern: Value[str] | None = None
    parallel_calls: Value[bool] | None = None
    unanswered_calls: Value[bool] | None = None
    image_roles: Value[list[str]] | None = None
    image_types: Value[list[str]] | None = None
    image_transport: Value[list[Literal["url", "base64", "s3", "gcs", "path"]]] | None = None
    reserved_words: Value[list[str]] | None = None


class Behaviour(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Something the target does to rows without asking."""

    text: str
    source: str
    date: datetime.date


class Target(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A provider or trainer. `checked` is the day the file as a whole was last gone through."""

    name: str
    title: str
    kind: Literal["provider", "trainer"]
    checked: datetime.date
    sources: dict[str, Source]
    limits: Limits = msgspec.field(default_factory=Limits)
    accepts: Accepts = msgspec.field(default_factory=Accepts)
    behaviours: list[Behaviour] = []
    notes: list[str] = []
