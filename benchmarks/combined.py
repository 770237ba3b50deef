"""Human votes with a judge's: how often the combined intervals hold, and how much shorter they are, in simulation.

    make bench-combined                                             # all; writes the tables into docs/methods.md
    make bench-combined ARGS="--only raters --studies 50"           # prints only

The studies are those of `judged.py`. Exit status 1 where a bar is missed.
"""

from __future__ import annotations

import argparse
import math
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing import get_context
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from arena.errors import BadInput
from arena.ratings.prediction_powered.combined import combine
from benchmarks import pages
from benchmarks.judged import CONTENDERS, GRID, MORE, SLOPES, Cell, simulate, true_strengths

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

STUDIES, ROUNDS, LEVEL = 400, 100, 0.95
COVERAGE = (0.93, 0.97)
WIDEST = 1.02
NARROW = 0.75
POINTS = 400 / math.log(10)
"""Elo points in a logit."""


class Seen(NamedTuple):
    """What one study showed: shares of contenders covered and mean widths, combined and human-only, and λ.

    `refused`: the choice of the labelled questions was taken as no random one; the rest is then 0.
    """

    cell: Cell
    refused: bool
    covered: float = 0.0
    human: float = 0.0
    width: float = 0.0
    human_width: float = 0.0
    weight: float = 0.0


# ------------------------------------------------------------------------------------------------ one study


def examine(task: tuple[Cell, int]) -> Seen:
    """Simulate the study and combine its votes."""
    cell, number = task
    human, judge, chance = simulate(cell, ((*GRID, *MORE).index(cell), number))
    try:
        found = combine(
            human,
            judge,
            probabilities=chance if cell.weighted else None,
            pool_as_equals=cell.pooled,
            rounds=ROUNDS,
            level=LEVEL,
            seed=number,
        )
    except BadInput as error:
        if "no random sample" not in str(error):
            raise
        return Seen(cell, refused=True)
    rows = sorted(found.rows, key=lambda row: CONTENDERS.index(row.model))
    share = np.array([float(row.human_votes) for row in rows])
    true = POINTS * true_strengths(cell.sd, cell.rater_sd)
    covered, width = _judged([(row.rating, row.low, row.high) for row in rows], true, share / share.sum())
    human_covered, human_width = _judged(
        [(row.human_rating, row.human_low, row.human_high) for row in rows], true, share / share.sum()
    )
    return Seen(cell, False, covered, human_covered, width, human_width, found.judge_weight or 0.0)


def _judged(ends: Sequence[tuple[float, float, float]], true: Floats, share: Floats) -> tuple[float, float]:
    """The share of contenders whose deviation from the mean by `share` is covered, and the mean width."""
    rating, low, high = np.array(ends).T
    inside = (low - rating @ share <= true - true @ share) & (true - true @ share <= high - rating @ share)
    return float(inside.mean()), float((high - low).mean())


def examine_all(tasks: Sequence[tuple[Cell, int]], jobs: int) -> list[Seen]:
    """All studies, with a line on standard error now and then."""
    for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):
        os.environ[name] = "1"  # the processes that start now share the cores
    seen: list[Seen] = []
    began = last = time.monotonic()
    with get_context("spawn").Pool(jobs) as pool:
        for done, one in enumerate(pool.imap_unordered(examine, tasks, chunksize=50), start=1):
            seen.append(one)
            if time.monotonic() - last > 10 or done == len(tasks):
                last = time.monotonic()
                print(f"{done} of {len(tasks)} studies, {last - began:.0f} s", file=sys.stderr)
    return seen


# ------------------------------------------------------------------------------------------------ the tables


@dataclass(frozen=True)
class Line:
    """A cell's figures: shares of 1; `width` is the combined intervals' mean width over the human-only ones'."""

    cell: Cell
    studies: int
    refused: float
    covered: float
    human: float
    width: float
    weight: float

    def missed(self) -> list[str]:
        """The bars that this cell misses."""
        if self.cell.pooled or (self.cell.by_answers and not self.cell.weighted):
            return []
        lines, where = [], described(self.cell)
        if not COVERAGE[0] <= self.covered <= COVERAGE[1]:
            lines.append(f"{where}: {100 * self.covered:.1f}% covered (93 to 97%)")
        if self.width > WIDEST:
            lines.append(f"{where}: {100 * self.width - 100:.1f}% wider than human-only (at most 2%)")
        if (self.cell.name, self.cell.bias, self.cell.sd) == ("grid", 0.3, 2.0) and self.width > NARROW:
            lines.append(f"{where}: {100 - 100 * self.width:.1f}% narrower (at least 25%)")
        return lines


def described(cell: Cell) -> str:
    """A cell in words."""
    share = f"{100 * cell.share:g}% of {cell.questions} labelled"
    return f"{cell.name}, question sd {cell.sd:g}, {share}, bias {cell.bias:g}, slope {cell.slope:g}"


def summarise(seen: Sequence[Seen]) -> dict[Cell, Line]:
    """A line for each cell."""
    lines = {}
    for cell in dict.fromkeys(one.cell for one in seen):
        some = [one for one in seen if one.cell == cell]
        told = [one for one in some if not one.refused]
        covered, human, width, human_width, weight = (
            np.mean([one[2:] for one in told], axis=0).tolist() if told else [math.nan] * 5
        )
        refused = 1.0 - len(told) / len(some)
        lines[cell] = Line(cell, len(some), refused, covered, human, width / human_width, weight)
    return lines


def report(lines: dict[Cell, Line], command: str) -> str:
    """The tables, how they were made, and the bars."""
    missed = [fault for line in lines.values() for fault in line.missed()]
    studies = max(line.studies for line in lines.values())
    grid = [lines[cell] for cell in GRID if cell in lines]
    words = [
        f"Simulated on {pages.today()} by `{command}`, {studies} studies a cell. "
        f"{pages.machine(('numpy', 'scipy'))}. The Monte-Carlo standard error of a share covered is at most"
        f" {100 * math.sqrt(LEVEL * (1 - LEVEL) / studies):.1f} points.",
        "",
    ]
    if grid:
        false = sum(line.refused * line.studies for line in grid)
        total = sum(line.studies for line in grid)
        words += [
            *_grid_table(lines),
            "",
            f"The labelled questions of the grid were chosen at random; {false:.0f} of {total:,} studies were refused"
            " all the same.",
            "",
        ]
    if any(line.cell.name != "grid" for line in lines.values()):
        words += [*_more_table(lines), ""]
    words.append("All bars are met." if not missed else f"Bars missed ({len(missed)}): " + "; ".join(missed) + ".")
    return "\n".join(words)


def _grid_table(lines: dict[Cell, Line]) -> list[str]:
    head = (
        "question sd",
        "labelled",
        "bias",
        "human-only covered, %",
        "combined covered, %",
        "width, % of human-only",
        "λ",
    )
    body = []
    for first in GRID[:: len(SLOPES)]:
        some = [lines[found] for slope in SLOPES if (found := first._replace(slope=slope)) in lines]
        body.append(
            [
                f"{first.sd:g}",
                f"{100 * first.share:g}%",
                f"{first.bias:g}",
                " / ".join(f"{100 * line.human:.1f}" for line in some),
                " / ".join(f"{100 * line.covered:.1f}" for line in some),
                " / ".join(f"{100 * line.width:.1f}" for line in some),
                " / ".join(f"{line.weight:.2f}" for line in some),
            ]
        )
    return pages.rows(head, body)


def _more_table(lines: dict[Cell, Line]) -> list[str]:
    head = ("design", "refused, %", "human-only covered, %", "combined covered, %", "width, % of human-only", "λ")
    body = []
    for cell, line in lines.items():
        if cell.name == "grid":
            continue
        shown = [100 * line.human, 100 * line.covered, 100 * line.width]
        figures = ["–" if math.isnan(value) else f"{value:.1f}" for value in shown]
        weight = "–" if cell.pooled or math.isnan(line.weight) else f"{line.weight:.2f}"
        body.append([described(cell), f"{100 * line.refused:.1f}", *figures, weight])
    return pages.rows(head, body)


def main() -> int:
    """Run the simulations."""
    parser = argparse.ArgumentParser(description="Count how often combined intervals hold the truth.")
    parser.add_argument("--studies", type=int, default=STUDIES, help="studies of each cell")
    parser.add_argument("--only", help="cells of this name only; prints only")
    parser.add_argument("--jobs", type=int, default=2, help="processes")
    parser.add_argument("--first", type=int, default=0, help="the first study's number")
    asked = parser.parse_args()
    cells = [cell for cell in (*GRID, *MORE) if asked.only in (None, cell.name)]
    numbers = range(asked.first, asked.first + asked.studies)
    seen = examine_all([(cell, number) for cell in cells for number in numbers], asked.jobs)
    by_cell = summarise(seen)
    lines = {cell: by_cell[cell] for cell in cells}
    arguments = " ".join(sys.argv[1:])
    table = report(lines, f'make bench-combined ARGS="{arguments}"' if arguments else "make bench-combined")
    print(table)
    if not asked.only and asked.studies >= STUDIES and not asked.first:
        pages.put("methods.md", "bench-combined", table)
    return int(any(line.missed() for line in lines.values()))


if __name__ == "__main__":
    raise SystemExit(main())
