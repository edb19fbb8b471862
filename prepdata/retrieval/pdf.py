"""Text of a PDF through pypdf (BSD). Broken and encrypted files are refused, long ones bounded."""

from __future__ import annotations

import io
import logging

from prepdata.errors import UsageError
from prepdata.retrieval.documents import MOST_CHARACTERS, Unreadable
from prepdata.retrieval.model import needed

MOST_PAGES = 2_000
"""Pages of a PDF that are read."""


def pdf_text(raw: bytes) -> tuple[str, str]:
    """Return title ("" for none) and text of a PDF, its pages parted by an empty line.

    Raises:
        Unreadable: it is broken, encrypted, too long, or without text (a scan).
        UsageError: pypdf is not installed.
    """
    try:
        import pypdf
    except ImportError:
        raise UsageError(needed("pypdf")) from None
    logging.getLogger("pypdf").setLevel(logging.CRITICAL)  # what it repairs
    try:
        reader = pypdf.PdfReader(io.BytesIO(raw))
        if reader.is_encrypted and not reader.decrypt(""):
            raise Unreadable("is encrypted; save it without its password")
        if len(reader.pages) > MOST_PAGES:
            raise Unreadable(f"has more than {MOST_PAGES:,} pages")
        pages, length = [], 0
        for page in reader.pages:
            pages.append(page.extract_text().strip())
            length += len(pages[-1])
            if length > MOST_CHARACTERS:
                raise Unreadable(f"has more than {MOST_CHARACTERS:,} characters")
        title = str(reader.metadata.title or "") if reader.metadata else ""
    except Unreadable:
        raise
    except (Exception, RecursionError) as error:  # pypdf raises what comes, for what is broken
        name = type(error).__name__
        if name in ("DependencyError", "NotImplementedError"):
            raise Unreadable("is encrypted in a way that cannot be read") from None
        raise Unreadable(f"is no PDF that can be read ({name})") from None
    if not any(pages):
        raise Unreadable("holds no text; a scan needs text recognition first")
    return title, "\n\n".join(filter(None, pages))
