"""A comparison as a picture (SVG): what each arm has cost after so many days, both axes logarithmic."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape

from prepdata.cost_compare.model import Arm, Comparison

WIDTH, HEIGHT = 900, 540
LEFT, RIGHT, TOP, BOTTOM = 84, 212, 74, 62
DAYS = 365.0
DAY_TICKS = (1, 2, 5, 10, 20, 50, 100, 200, 365)
LEAST_USD = 0.01
LABEL_GAP = 17.0
COLORS = {
    "prompt": "#4b5563", "long-context": "#0e7490", "rag": "#1d4ed8", "tuned": "#b45309", "own-gpu": "#9d174d",
    "hybrid": "#15803d", "own-gpu-hybrid": "#6d28d9",
}  # fmt: skip
DASHED = ("own-gpu-hybrid",)
"""Arms whose line is often covered by another."""


def cost_after(arm: Arm, days: float, calls_per_day: int, bound: str = "likely") -> float:
    """Return USD spent on an arm after some days: once, and for each day its own cost and its calls.

    Raises:
        ValueError: the arm is not priced.
    """
    if arm.one_time is None or arm.per_day is None or arm.per_call is None:
        raise ValueError(f"the arm {arm.name} has no price")
    day = getattr(arm.per_day, bound) + calls_per_day * getattr(arm.per_call, bound)
    return float(getattr(arm.one_time, bound) + days * day)


def svg(comparison: Comparison) -> str:
    """Return the picture; arms without a price are named below it."""
    calls = comparison.workload.calls_per_day
    arms = [arm for arm in comparison.arms if arm.priced]
    title = f"What each way has cost, at {calls:,} calls a day"
    size = f'viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="sans-serif" role="img" aria-labelledby="title">',
        f'<title id="title">{escape(title)}</title>',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>',
        _text(LEFT, 28, title, size=17, weight="600"),
        _text(LEFT, 50, _caption(comparison), color="#4b5563"),
    ]
    if arms:
        scale = _Scale([cost_after(arm, days, calls) for arm in arms for days in (1.0, DAYS)])
        parts += [*_axes(scale), *_lines(arms, calls, scale), *_crossings(comparison, arms, scale)]
    parts.append("</svg>")
    return "\n".join(parts) + "\n"


class _Scale:
    """Where days and dollars lie in the picture.

    Args:
        costs: dollars that have to fit in, likely figures of all arms.
    """

    def __init__(self, costs: Sequence[float]) -> None:
        self.low = math.floor(math.log10(max(LEAST_USD, min(costs))))
        self.high = max(self.low + 1, math.ceil(math.log10(max(LEAST_USD, *costs))))

    def x(self, days: float) -> float:
        """Return the place of a day, 1 to 365."""
        return LEFT + (WIDTH - LEFT - RIGHT) * math.log(days) / math.log(DAYS)

    def y(self, usd: float) -> float:
        """Return the place of a sum; what lies outside lies on the edge."""
        power = min(max(math.log10(max(usd, 1e-12)), self.low), self.high)
        return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * (power - self.low) / (self.high - self.low)


def _text(
    x: float, y: float, text: str, *, color: str = "#111827", anchor: str = "start", size: int = 13, weight: str = "400"
) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" fill="{color}" text-anchor="{anchor}" font-size="{size}" '
        f'font-weight="{weight}">{escape(text)}</text>'
    )


def _line(x1: float, y1: float, x2: float, y2: float, color: str = "#e5e7eb") -> str:
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{color}"/>'


def _caption(comparison: Comparison) -> str:
    left_out = [arm.name for arm in comparison.arms if not arm.priced]
    said = "line: likely (right: after a year), band: low to high, dot: break-even of ways that know the same"
    return said + (f"; no price: {', '.join(left_out)}" if left_out else "")


def _axes(scale: _Scale) -> list[str]:
    bottom, right = HEIGHT - BOTTOM, WIDTH - RIGHT
    parts = []
    for power in range(scale.low, scale.high + 1):
        y = scale.y(10.0**power)
        parts.append(_line(LEFT, y, right, y))
        parts.append(_text(LEFT - 10, y + 4, f"${10**power:,}" if power >= 0 else f"${10.0**power:.2f}", anchor="end"))
    for days in DAY_TICKS:
        x = scale.x(days)
        parts += [_line(x, TOP, x, bottom, "#f3f4f6"), _text(x, bottom + 20, f"{days}", anchor="middle")]
    parts += [_line(LEFT, bottom, right, bottom, "#6b7280"), _line(LEFT, TOP, LEFT, bottom, "#6b7280")]
    parts.append(_text((LEFT + right) / 2, HEIGHT - 18, "days (logarithmic)", anchor="middle", color="#4b5563"))
    middle = (TOP + bottom) / 2
    label = _text(22, middle, "US dollars spent so far (logarithmic)", anchor="middle", color="#4b5563")
    parts.append(label.replace("<text ", f'<text transform="rotate(-90 22 {middle:.1f})" ', 1))
    return parts


def _lines(arms: Sequence[Arm], calls: int, scale: _Scale) -> list[str]:
    steps = [DAYS ** (i / 60) for i in range(61)]

    def path(arm: Arm, bound: str) -> list[str]:
        return [f"{scale.x(d):.1f},{scale.y(cost_after(arm, d, calls, bound)):.1f}" for d in steps]

    bands, lines = [], []
    for arm in arms:
        color, dashed = COLORS[arm.name], ' stroke-dasharray="7 4"' if arm.name in DASHED else ""
        outline = " ".join([*path(arm, "low"), *reversed(path(arm, "high"))])
        bands.append(f'<polygon points="{outline}" fill="{color}" fill-opacity="0.09"/>')
        likely = " ".join(path(arm, "likely"))
        lines.append(f'<polyline points="{likely}" fill="none" stroke="{color}" stroke-width="2.2"{dashed}/>')
    return [*bands, *lines, *_labels(arms, calls, scale)]


def _labels(arms: Sequence[Arm], calls: int, scale: _Scale) -> list[str]:
    """Return the names at the ends of the lines, pushed apart where they would cover each other."""
    right, parts, last = WIDTH - RIGHT, [], -math.inf
    ends = sorted(((scale.y(cost_after(arm, DAYS, calls)), arm) for arm in arms), key=lambda end: end[0])
    over = max(0.0, len(ends) * LABEL_GAP - (HEIGHT - TOP - BOTTOM))
    for y, arm in ends:
        at = last = max(y - over, last + LABEL_GAP)
        color = COLORS[arm.name]
        parts.append(_line(right, y, right + 12, at, color))
        usd = cost_after(arm, DAYS, calls)
        parts.append(_text(right + 16, at + 4, f"{arm.name}  ${usd:,.0f}", color=color, weight="600"))
    return parts


def _crossings(comparison: Comparison, arms: Sequence[Arm], scale: _Scale) -> list[str]:
    calls = comparison.workload.calls_per_day
    by_name = {arm.name: arm for arm in arms}
    parts = []
    for item in comparison.break_even:
        days = item.days.likely
        if days is None or not 1 <= days <= DAYS:
            continue
        y = scale.y(cost_after(by_name[item.then], days, calls))
        parts.append(
            f'<circle cx="{scale.x(days):.1f}" cy="{y:.1f}" r="4.5" fill="#ffffff" stroke="#111827" stroke-width="1.6">'
            f"<title>{escape(f'{item.then} has paid off against {item.first} after {days:,.1f} days')}</title></circle>"
        )
    return parts
