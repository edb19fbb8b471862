"""Plain text drawing for the terminal: tables and histograms. No library, no colour."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

EIGHTHS = " ▏▎▍▌▋▊▉"


def bar(share: float, width: int) -> str:
    """Return a horizontal bar: `share` (0 to 1) of `width` columns; anything above 0 shows at least a sliver."""
    if share <= 0:
        return ""
    eighths = max(1, round(min(share, 1.0) * width * 8))
    return "█" * (eighths // 8) + (EIGHTHS[eighths % 8] if eighths % 8 else "")


def histogram(bars: Sequence[Sequence[int]], *, width: int = 40, indent: str = "  ") -> list[str]:
    """Return the lines of a histogram.

    Args:
        bars: [from, below, count] per bar, as meters give them.
        width: columns of the longest bar.
        indent: put before each line.
    """
    if not bars:
        return []
    most = max(count for _, _, count in bars)
    labels = [f"{low:,}-{below - 1:,}" if below - 1 > low else f"{low:,}" for low, below, _ in bars]
    left = max(map(len, labels))
    right = max(len(f"{count:,}") for _, _, count in bars)
    return [
        f"{indent}{label:>{left}}  {count:>{right},}  {bar(count / most, width)}".rstrip()
        for label, (_, _, count) in zip(labels, bars, strict=True)
    ]


def table(rows: Iterable[Sequence[str]], *, indent: str = "  ", right: frozenset[int] = frozenset()) -> list[str]:
    """Return the lines of a table whose columns are as wide as their widest cell.

    Args:
        rows: cells, the same number in every row.
        indent: put before each line.
        right: numbers of the columns that are flush right.
    """
    cells = [list(row) for row in rows]
    if not cells:
        return []
    widths = [max(len(row[i]) for row in cells) for i in range(len(cells[0]))]
    return [
        indent
        + "  ".join(
            cell.rjust(width) if i in right else cell.ljust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in cells
    ]


def money(usd: float | None) -> str:
    """Return dollars as people write them: "$12.40", "$0.0003" for small sums, "unknown" for None."""
    if usd is None:
        return "unknown"
    if usd == 0 or abs(usd) >= 0.1:
        return f"${usd:,.2f}"
    return f"${usd:#.2g}" if abs(usd) >= 0.001 else f"${usd:.6f}"


def hours(value: float) -> str:
    """Return a time in hours as minutes or seconds where it is short."""
    if value * 60 < 1:
        return f"{value * 3600:.0f} s"
    return f"{value * 60:.0f} min" if value < 1 else f"{value:,.1f} h"


def span(figures: dict[str, float] | None, show: Callable[[float], str]) -> str:
    """Return a range "low - likely - high", one figure where all are shown alike, "unknown" for None."""
    if figures is None:
        return "unknown"
    shown = [show(figures[key]) for key in ("low", "likely", "high")]
    return shown[0] if len(set(shown)) == 1 else " - ".join(shown)


def clean(text: str) -> str:
    """Return text from data without control characters, for a terminal."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)
