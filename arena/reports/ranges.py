"""How far ratings move when one rater, or one question, is left out: drawn as SVG for a page."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from html import escape

from arena.domain.text import printable
from arena.ratings.fragility.result import LeaveOneOut, Range
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
    axis_of,
    cut,
    grid,
    text,
)
from arena.reports.tables import ranks
from arena.reports.text import NOTICE, number

DASHES = {"rater": "", "question": ' stroke-dasharray="3 3"'}
"""The lines are told apart by more than their colour."""
LINES = {"rater": "Upper line, solid: any one rater left out.", "question": "Lower line, dashed: any one question."}


def ranges_plot(found: Sequence[LeaveOneOut]) -> str:
    """A dot for every rating, and a line over what it becomes without any one unit: one line for each of `found`."""
    rows = found[0].rows
    axis = axis_of([value for one in found for row in one.rows for value in _ends(row)])
    top = HEAD + (AXIS if len(rows) > MANY_ROWS else 0)
    bottom = top + ROW * len(rows) + 2 * AXIS + 4
    key = hashlib.sha256(repr(found).encode("utf-8", "backslashreplace")).hexdigest()[:12]
    told = [LINES[one.unit] for one in found]
    foot = [f"Dot: rating. {told[0]}", *told[1:], NOTICE]
    height = bottom + FOOT + 15 * (len(foot) - 2)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" class="plot" viewBox="0 0 {WIDTH} {height}" width="100%"'
        f' role="img" aria-labelledby="t{key} d{key}" font-family="system-ui, sans-serif" font-size="13">',
        f'<title id="t{key}">Ratings with one left out</title>',
        f'<desc id="d{key}">{escape(_description(found))}</desc>',
        text(MARGIN, 18, "Ratings with one left out", OF_THE_PAGE.text, "plot-text", weight="600", size=15),
        *grid(axis, len(rows), top, top + ROW * len(rows), OF_THE_PAGE),
        *(_row([one.rows[at] for one in found], found, top + ROW * at, axis) for at in range(len(rows))),
        *(
            text(MARGIN, bottom + 14 + 15 * at, line, OF_THE_PAGE.muted, "plot-muted", size=11)
            for at, line in enumerate(foot)
        ),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _ends(row: Range) -> list[float]:
    return [value for value in (row.low, row.high, row.rating) if value is not None]


def _row(rows: Sequence[Range], found: Sequence[LeaveOneOut], top: int, axis: Axis) -> str:
    """One contender: name and rating above, its lines below, the dot across them."""
    model, middle = printable(rows[0].model), top + 25
    drawn = []
    for at, (row, one) in enumerate(zip(rows, found, strict=True)):
        if row.low is not None and row.high is not None:
            low, high, y = axis.place(row.low), axis.place(row.high), middle + (8 * at - 4) * (len(rows) > 1)
            paint = f'class="plot-series-{at}" stroke="{PALETTE[at]}" fill="none" stroke-width="2"'
            drawn.append(f'<path {paint}{DASHES[one.unit]} d="M{low} {y}H{high}"/>')
            drawn.append(f'<path {paint} d="M{low} {y - 3}v6M{high} {y - 3}v6"/>')
    said = f"{number(rows[0].rating)} · rank {_all_ranks(rows)}"
    return (
        f"<g><title>{escape('; '.join(_sentence(row, one) for row, one in zip(rows, found, strict=True)))}</title>"
        + text(MARGIN, top + 10, cut(model, NAME_COLUMNS), OF_THE_PAGE.text, "plot-text")
        + text(WIDTH - MARGIN, top + 10, said, OF_THE_PAGE.text, "plot-text", anchor="end", size=12)
        + "".join(drawn)
        + f'<circle class="plot-text" cx="{axis.place(rows[0].rating)}" cy="{middle}" r="4" fill="currentColor"/></g>'
    )


def _all_ranks(rows: Sequence[Range]) -> str:
    best = [row.rank_best for row in rows if row.rank_best is not None]
    worst = [row.rank_worst for row in rows if row.rank_worst is not None]
    return ranks(min(best), max(worst)) if best and worst else "–"


def _sentence(row: Range, one: LeaveOneOut) -> str:
    if row.low is None:
        return f"{printable(row.model)} without any one {one.unit}: not rated"
    span, places = f"{number(row.low)} to {number(row.high)}", ranks(row.rank_best, row.rank_worst)
    return f"{printable(row.model)} without any one {one.unit}: {span}, rank {places}"


def _description(found: Sequence[LeaveOneOut]) -> str:
    told = "; ".join(_sentence(row, one) for one in found for row in one.rows)
    return f"Ratings in Elo points, and what they become when one is left out, best first. {told}. {NOTICE}"
