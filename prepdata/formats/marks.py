"""Keys that may stand in a row of any format: marks that say something about the row, and media beside the text."""

from __future__ import annotations

MEDIA_KEYS = frozenset({"images", "image", "videos", "video", "audios", "audio"})
"""Lists of media files that `<image>`, `<video>`, `<audio>` in the text stand for."""

ROW_MARKS = MEDIA_KEYS | frozenset(
    {
        "id", "source", "split", "group", "reviewed_by", "generator", "label", "metadata", "meta", "facts", "schema",
        "scorer", "license", "licence", "lang", "language", "category", "tags", "passages", "documents", "contexts",
        "context", "gold", "answerable",
    }
)  # fmt: skip
"""Row marks: understood, never demanded, allowed in rows of every format."""
