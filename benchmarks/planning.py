"""Whether planned widths come true: `arena.ratings.planning` beside the intervals of simulated studies.

    make bench-decisions                            # with the other two benchmarks of decisions
    python -m benchmarks.planning --studies 50      # fewer studies; prints only

The designs are those of the coverage table (`designs.py`). A width is predicted from the truth, and from pilots, which
are studies of the same kind with a fifth of the questions. Beside it stands the mean width of the board's intervals
(sandwich). The designs state standard deviations in logits of one preference; planning wants them on the board's scale,
on which points answer to strengths less steeply: by the mean of 4 p (1 - p) over the effects, and by 1 - the share of
ties.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from scipy.special import expit

from arena.errors import BadInput
from arena.ratings import rate
from arena.ratings.pilot import from_pilot
from arena.ratings.planning import Design as Planned
from arena.ratings.planning import Field, half_widths, precision
from benchmarks import pages
from benchmarks.designs import DESIGNS, NODES, Design, simulate, truth

STUDIES, LEVEL, BAR = 400, 0.95, 0.10
PILOT = 5
"""A pilot has this part of the questions."""


class Line(NamedTuple):
    """One design: widths in Elo points."""

    design: str
    effect: float
    predicted: float
    piloted: float
    spread: float
    simulated: float

    def cells(self) -> list[str]:
        """For the table."""
        ratios = [f"{self.predicted / self.simulated:.2f}", f"{self.piloted / self.simulated:.2f} ± {self.spread:.2f}"]
        return [self.design, f"{self.effect:.2f}", f"{self.simulated:.1f}", f"{self.predicted:.1f}", *ratios]


def field(made: Design) -> Field:
    """What planning would be told of a design, had one known the truth."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(NODES)
    chance = expit(math.sqrt(2.0 * (made.question_sd**2 + made.rater_sd**2)) * nodes)
    slope = (1.0 - made.ties) * float(4.0 * (chance * (1.0 - chance)) @ weights / weights.sum())
    sds = (slope * made.question_sd, slope * made.rater_sd)
    return Field(made.contenders, truth(made), 1.0 - made.ties, *sds, "assumptions")


def compare(made: Design, studies: int) -> Line:
    """Predicted and simulated widths of one design."""
    planned = Planned(made.questions, made.raters, made.votes, made.pairs)
    known = field(made)
    widths, piloted = [], []
    for number in range(studies):
        board = rate(simulate(made, [2027, number]).columns, interval="sandwich", rounds=100)
        widths.append(
            np.mean([row.high - row.low for row in board.rows if row.high is not None and row.low is not None])
        )
        pilot = simulate(replace(made, questions=made.questions // PILOT), [2028, number])
        try:
            piloted.append(2.0 * half_widths(from_pilot(pilot.columns), planned, LEVEL).mean())
        except BadInput:  # a pilot that leaves some contender undefeated plans nothing
            continue
    return Line(
        made.name,
        precision(known, planned).design_effect,
        float(2.0 * half_widths(known, planned, LEVEL).mean()),
        float(np.mean(piloted)),
        float(np.std(piloted) / np.mean(widths)),
        float(np.mean(widths)),
    )


def report(lines: Sequence[Line], studies: int) -> str:
    """The table and the bar."""
    head = (
        "design",
        "design effect",
        "simulated width",
        "predicted",
        "predicted / simulated",
        "from a pilot / simulated",
    )
    missed = [
        f"{line.design}, {what}: {ratio:.2f}"
        for line in lines
        for what, ratio in (("predicted", line.predicted / line.simulated), ("pilots", line.piloted / line.simulated))
        if abs(ratio - 1.0) > BAR
    ]
    words = [
        f"Simulated on {pages.today()} by `python -m benchmarks.planning`, {studies} studies and as many pilots a line."
        f" {pages.machine(('numpy', 'scipy'))}. Widths in Elo points, means over contenders and studies. After ± stands"
        " the standard deviation from pilot to pilot.",
        "",
        *pages.rows(head, [line.cells() for line in lines]),
        "",
        f"The bar is a prediction within {100 * BAR:.0f}%. "
        + ("It is met." if not missed else f"Missed: {'; '.join(missed)}."),
    ]
    return "\n".join(words)


def main() -> int:
    """Run the simulations."""
    parser = argparse.ArgumentParser(description="Compare planned widths with those of simulated studies.")
    parser.add_argument("--studies", type=int, default=STUDIES, help="studies of each design")
    asked = parser.parse_args()
    lines = [compare(made, asked.studies) for made in DESIGNS if not made.newcomer]
    table = report(lines, asked.studies)
    print(table)
    if asked.studies >= STUDIES:
        pages.put("methods.md", "bench-decisions (planning)", table)
    return int(any(abs(line.predicted / line.simulated - 1.0) > BAR for line in lines))


if __name__ == "__main__":
    raise SystemExit(main())
