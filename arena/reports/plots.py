"""Plots drawn on the server as SVG: no script, no style element, no style attribute."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from html import escape

from arena.domain.text import printable
from arena.ratings.result import Board, Row
from arena.reports.drawing import (
    AXIS,
    FOOT,
    HEAD,
    MANY_ROWS,
    MARGIN,
    NAME_COLUMNS,
    OF_THE_PAGE,
    PALETTE,
    ROW,
    WIDTH,
    Axis,
    Ink,
    axis_of,
    cut,
    grid,
    text,
)
from arena.reports.tables import cluster_words, rank_range
from arena.reports.text import NOTICE, number

UNRATED = 26
"""Height of the row of a contender without a rating."""
HEADING_COLUMNS = 46


def interval_plot(board: Board, *, title: str | None = None, standalone: bool = False) -> str:
    """Every rating as a dot on its interval, best first; its name above it, its number and rank range at the right.

    The drawing scales to the width of its place. A page's stylesheet themes it by the classes `plot-text`,
    `plot-muted`, `plot-grid` and `plot-series-0` … `plot-series-5` (fill and stroke); without one the attributes hold,
    and text has the page's colour.
    `standalone` draws the background and fixes the colours, for a file.
    """
    ink = Ink("#1c2530", "#59636e", "#d5dae0") if standalone else OF_THE_PAGE
    heading = printable(title if title is not None else "Ratings")
    rated = [row for row in board.rows if row.rating is not None]
    unrated = [row for row in board.rows if row.rating is None]
    axis = axis_of([value for row in rated for value in (row.low, row.high, row.rating) if value is not None])
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
        text(MARGIN, 18, cut(heading, HEADING_COLUMNS), ink.text, "plot-text", weight="600", size=15),
        *(grid(axis, len(rated), top, top + ROW * len(rated), ink) if rated else []),
        *(_rated(row, top + ROW * i, axis, colours[row.model], ink) for i, row in enumerate(rated)),
        *(_unrated(row, below + UNRATED * i, ink) for i, row in enumerate(unrated)),
        *_footer(board, bottom, ink),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _rated(row: Row, top: int, axis: Axis, colour: int, ink: Ink) -> str:
    assert row.rating is not None and row.low is not None and row.high is not None  # noqa: PT018
    y, x, low, high = top + 25, axis.place(row.rating), axis.place(row.low), axis.place(row.high)
    ranks = "" if row.rank is None else f" · rank {rank_range(row)}"
    paint = f'class="plot-series-{colour}" stroke="{PALETTE[colour]}"'
    line = f"M{low} {y}H{high}M{low} {y - 4}v8M{high} {y - 4}v8"
    return (
        f"<g><title>{escape(_sentence(row))}</title>"
        + text(MARGIN, top + 10, _label(row), ink.text, "plot-text")
        + text(WIDTH - MARGIN, top + 10, f"{number(row.rating)}{ranks}", ink.text, "plot-text", anchor="end", size=12)
        + f'<path {paint} d="{line}" fill="none" stroke-width="2"/>'
        + f'<circle {paint} cx="{x}" cy="{y}" r="5" fill="{PALETTE[colour]}" stroke-width="0"/></g>'
    )


def _unrated(row: Row, top: int, ink: Ink) -> str:
    return (
        f"<g><title>{escape(_sentence(row))}</title>"
        + text(MARGIN, top + 10, _label(row), ink.muted, "plot-muted")
        + text(WIDTH - MARGIN, top + 10, "not rated", ink.muted, "plot-muted", anchor="end", size=12)
        + "</g>"
    )


def _footer(board: Board, bottom: int, ink: Ink) -> list[str]:
    how = f"Dot: rating. Line: {board.interval.level * 100:g}% interval, by {cluster_words(board.interval)}."
    lines = enumerate((how, NOTICE))
    return [text(MARGIN, bottom + 14 + 15 * i, line, ink.muted, "plot-muted", size=11) for i, line in lines]


def _label(row: Row) -> str:
    """The name, cut where it would run into the numbers (its whole is in the title), and the flag."""
    name, flag = printable(row.model), f" ({row.flag})" if row.flag in ("undefeated", "winless") else ""
    return cut(name, NAME_COLUMNS - len(flag)) + flag


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
