"""Inputs: a path becomes raw chunks of bytes, cut at line ends, with the facts seen while reading."""

from prepdata.sources.base import RawChunk, Source
from prepdata.sources.finder import Input, discover, open_source

__all__ = ["Input", "RawChunk", "Source", "discover", "open_source"]
