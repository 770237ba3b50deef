"""Plots drawn on the server as SVG: no script, no style element, no style attribute."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from arena.domain.text import display_width, printable
from arena.ratings.result import Board, Row
from arena.reports.tables import cluster_words, rank_range
from arena.reports.text import NOTICE, number

PALETTE = ("#0072b2", "#d55e00", "#00926b", "#b8689a", "#8a7000", "#6f7480")
"""Okabe & Ito's colours, darkened where needed for a contrast of 3 to 1 on white as well as on near-black."""

WIDTH, MARGIN, HEAD, ROW, UNRATED, AXIS, FOOT = 400, 8, 40, 42, 26, 22, 38
MANY_ROWS = 12
NAME_COLUMNS = 34
HEADING_COLUMNS = 46
TICKS = 5


def interval_plot(board: Board, *, title: str | None = None, standalone: bool = False) -> str:
    """Every rating as a dot on its interval, best first; its name above it, its number and rank range at the right.

    The drawing scales to the width of its place. A page's stylesheet themes it by the classes `plot-text`,
    `plot-muted`, `plot-grid` and `plot-series-0` … `plot-series-5` (fill and stroke); without one the attributes hold,
    and text has the page's colour.
    `standalone` draws the background and fixes the colours, for a file.
    """
    ink = _Ink("#1c2530", "#59636e", "#d5dae0") if standalone else _Ink("currentColor", "currentColor", "currentColor")
    heading = printable(title if title is not None else "Ratings")
    rated = [row for row in board.rows if row.rating is not None]
    unrated = [row for row in board.rows if row.rating is None]
    axis = _axis(rated)
    colours = {name: index % len(PALETTE) for index, name in enumerate(sorted(row.model for row in board.rows))}
    top = HEAD + (AXIS if len(rated) > MANY_ROWS else 0)
    below = top + ROW * len(rated) + (2 * AXIS + 4 if rated else 0)
    bottom = below + UNRATED * len(unrated)
    key = hashlib.sha256(repr((heading, board.rows)).encode("utf-8", "backslashreplace")).hexdigest()[:12]
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" class="plot" viewBox="0 0 {WIDTH} {bottom + FOOT}" width="100%"'
        f' role="img" aria-labelledby="t{key} d{key}" font-family="system-ui, sans-serif" font-size="13">',
        f'<title id="t{key}">{escape(heading)}</title>',
        f'<desc id="d{key}">{escape(_description(board, rated))}</desc>',
        *([f'<rect width="{WIDTH}" height="{bottom + FOOT}" fill="#ffffff"/>'] if standalone else []),
        _text(MARGIN, 18, _cut(heading, HEADING_COLUMNS), ink.text, "plot-text", weight="600", size=15),
        *(_grid(axis, len(rated), top, top + ROW * len(rated), ink) if rated else []),
        *(_rated(row, top + ROW * i, axis, colours[row.model], ink) for i, row in enumerate(rated)),
        *(_unrated(row, below + UNRATED * i, ink) for i, row in enumerate(unrated)),
        *_footer(board, bottom, ink),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


@dataclass(frozen=True)
class _Ink:
    text: str
    muted: str
    grid: str


@dataclass(frozen=True)
class _Axis:
    """From Elo points to places along the width."""

    low: float
    high: float
    ticks: tuple[float, ...]

    def place(self, value: float) -> float:
        left, right = MARGIN + 6, WIDTH - MARGIN - 6
        return round(left + (value - self.low) / (self.high - self.low) * (right - left), 2)


def _axis(rows: Sequence[Row]) -> _Axis:
    ends = [value for row in rows for value in (row.low, row.high, row.rating) if value is not None] or [1000.0]
    low, high = min(ends), max(ends)
    if high - low < 1.0:
        low, high = low - 50.0, high + 50.0
    step = _round_step((high - low) / TICKS)
    first, last = math.floor(low / step), math.ceil(high / step)
    return _Axis(first * step, last * step, tuple(step * index for index in range(first, last + 1)))


def _round_step(step: float) -> float:
    """The least of 1, 2, 5 times a power of ten that is not below `step`."""
    power = 10.0 ** math.floor(math.log10(step))
    return next(power * factor for factor in (1, 2, 5, 10) if power * factor >= step * (1 - 1e-9))


def _grid(axis: _Axis, rows: int, top: int, bottom: int, ink: _Ink) -> list[str]:
    """Ticks behind each interval, not lines through the names; numbers below, and above a long plot too."""
    faint = ' stroke-opacity="0.25"' if ink.grid == "currentColor" else ""
    lines = []
    for tick in axis.ticks:
        x = axis.place(tick)
        path = "".join(f"M{x} {top + ROW * row + 17}v16" for row in range(rows))
        lines.append(f'<path class="plot-grid" d="{path}" stroke="{ink.grid}" stroke-width="1" fill="none"{faint}/>')
        for y in (top - 6, bottom + 13) if rows > MANY_ROWS else (bottom + 13,):
            lines.append(_text(x, y, f"{tick:g}", ink.muted, "plot-muted", anchor="middle", size=11))
    label = "rating (Elo points)"
    return [*lines, _text(WIDTH / 2, bottom + 30, label, ink.muted, "plot-muted", anchor="middle", size=11)]


def _rated(row: Row, top: int, axis: _Axis, colour: int, ink: _Ink) -> str:
    assert row.rating is not None and row.low is not None and row.high is not None  # noqa: PT018
    y, x, low, high = top + 25, axis.place(row.rating), axis.place(row.low), axis.place(row.high)
    ranks = "" if row.rank is None else f" · rank {rank_range(row)}"
    paint = f'class="plot-series-{colour}" stroke="{PALETTE[colour]}"'
    line = f"M{low} {y}H{high}M{low} {y - 4}v8M{high} {y - 4}v8"
    return (
        f"<g><title>{escape(_sentence(row))}</title>"
        + _text(MARGIN, top + 10, _label(row), ink.text, "plot-text")
        + _text(WIDTH - MARGIN, top + 10, f"{number(row.rating)}{ranks}", ink.text, "plot-text", anchor="end", size=12)
        + f'<path {paint} d="{line}" fill="none" stroke-width="2"/>'
        + f'<circle {paint} cx="{x}" cy="{y}" r="5" fill="{PALETTE[colour]}" stroke-width="0"/></g>'
    )


def _unrated(row: Row, top: int, ink: _Ink) -> str:
    return (
        f"<g><title>{escape(_sentence(row))}</title>"
        + _text(MARGIN, top + 10, _label(row), ink.muted, "plot-muted")
        + _text(WIDTH - MARGIN, top + 10, "not rated", ink.muted, "plot-muted", anchor="end", size=12)
        + "</g>"
    )


def _footer(board: Board, bottom: int, ink: _Ink) -> list[str]:
    how = f"Dot: rating. Line: {board.interval.level * 100:g}% interval, by {cluster_words(board.interval)}."
    lines = enumerate((how, NOTICE))
    return [_text(MARGIN, bottom + 14 + 15 * i, line, ink.muted, "plot-muted", size=11) for i, line in lines]


def _label(row: Row) -> str:
    """The name, cut where it would run into the numbers (its whole is in the title), and the flag."""
    name, flag = printable(row.model), f" ({row.flag})" if row.flag in ("undefeated", "winless") else ""
    return _cut(name, NAME_COLUMNS - len(flag)) + flag


def _cut(text: str, room: int) -> str:
    if display_width(text) <= room:
        return text
    kept = 0
    while display_width(text[: kept + 1]) < room:
        kept += 1
    return f"{text[:kept]}…"


def _sentence(row: Row) -> str:
    name = printable(row.model)
    if row.rating is None:
        return f"{name}: not rated"
    ranks = "" if row.rank is None else f", rank {rank_range(row)}"
    return f"{name}: {number(row.rating)} ({number(row.low)} to {number(row.high)}){ranks}"


def _description(board: Board, rated: Sequence[Row]) -> str:
    return (
        f"Ratings in Elo points with {board.interval.level * 100:g}% intervals, best first. "
        + "; ".join(_sentence(row) for row in rated)
        + f". {NOTICE}"
    )


def _text(
    x: float, y: float, text: str, fill: str, css: str, *, anchor: str = "start", size: int = 13, weight: str = "400"
) -> str:
    faint = ' fill-opacity="0.75"' if fill == "currentColor" and css == "plot-muted" else ""
    return (
        f'<text class="{css}" x="{x:g}" y="{y:g}" fill="{fill}" font-size="{size}" font-weight="{weight}"'
        f' text-anchor="{anchor}"{faint}>{escape(text)}</text>'
    )
