"""What plots are drawn with: an axis in Elo points, text, colours. SVG without script, style element or attribute."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from arena.domain.text import display_width

PALETTE = ("#0072b2", "#d55e00", "#00926b", "#b8689a", "#8a7000", "#6f7480")
"""Okabe & Ito's colours, darkened where needed for a contrast of 3 to 1 on white as well as on near-black."""

WIDTH, MARGIN, HEAD, ROW, AXIS, FOOT = 400, 8, 40, 42, 22, 38
MANY_ROWS = 12
NAME_COLUMNS = 34
TICKS = 5


@dataclass(frozen=True)
class Ink:
    """Colours of what is no series."""

    text: str
    muted: str
    grid: str


OF_THE_PAGE = Ink("currentColor", "currentColor", "currentColor")
"""A page's stylesheet says more by the classes `plot-text`, `plot-muted`, `plot-grid` and `plot-series-N`."""


@dataclass(frozen=True)
class Axis:
    """From Elo points to places along the width."""

    low: float
    high: float
    ticks: tuple[float, ...]

    def place(self, value: float) -> float:
        """Where a value stands."""
        left, right = MARGIN + 6, WIDTH - MARGIN - 6
        return round(left + (value - self.low) / (self.high - self.low) * (right - left), 2)


def axis_of(values: Sequence[float]) -> Axis:
    """An axis on which all these have a place."""
    ends = values or [1000.0]
    low, high = min(ends), max(ends)
    if high - low < 1.0:
        low, high = low - 50.0, high + 50.0
    step = _round_step((high - low) / TICKS)
    first, last = math.floor(low / step), math.ceil(high / step)
    return Axis(first * step, last * step, tuple(step * index for index in range(first, last + 1)))


def _round_step(step: float) -> float:
    """The least of 1, 2, 5 times a power of ten that is not below `step`."""
    power = 10.0 ** math.floor(math.log10(step))
    return next(power * factor for factor in (1, 2, 5, 10) if power * factor >= step * (1 - 1e-9))


def grid(axis: Axis, rows: int, top: int, bottom: int, ink: Ink) -> list[str]:
    """Ticks behind each interval, not lines through the names; numbers below, and above a long plot too."""
    faint = ' stroke-opacity="0.25"' if ink.grid == "currentColor" else ""
    lines = []
    for tick in axis.ticks:
        x = axis.place(tick)
        path = "".join(f"M{x} {top + ROW * row + 17}v16" for row in range(rows))
        lines.append(f'<path class="plot-grid" d="{path}" stroke="{ink.grid}" stroke-width="1" fill="none"{faint}/>')
        for y in (top - 6, bottom + 13) if rows > MANY_ROWS else (bottom + 13,):
            lines.append(text(x, y, f"{tick:g}", ink.muted, "plot-muted", anchor="middle", size=11))
    label = "rating (Elo points)"
    return [*lines, text(WIDTH / 2, bottom + 30, label, ink.muted, "plot-muted", anchor="middle", size=11)]


def cut(words: str, room: int) -> str:
    """The words within so many columns, with an ellipsis where they had to be cut."""
    if display_width(words) <= room:
        return words
    kept = 0
    while display_width(words[: kept + 1]) < room:
        kept += 1
    return f"{words[:kept]}…"


def text(
    x: float, y: float, words: str, fill: str, css: str, *, anchor: str = "start", size: int = 13, weight: str = "400"
) -> str:
    """A line of text."""
    faint = ' fill-opacity="0.75"' if fill == "currentColor" and css == "plot-muted" else ""
    return (
        f'<text class="{css}" x="{x:g}" y="{y:g}" fill="{fill}" font-size="{size}" font-weight="{weight}"'
        f' text-anchor="{anchor}"{faint}>{escape(words)}</text>'
    )
