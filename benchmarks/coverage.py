"""Coverage: how often the board's intervals and rank sets hold the truth, in simulated studies (`designs.py`).

    make coverage                                                   # all designs; writes the table into docs/methods.md
    make coverage ARGS="--design 'question 1' --studies 50"         # prints only

Beside the board's own intervals stand those that other packages make of the same studies (`independent.py`).
Exit status 1 where a bar is missed.
"""

from __future__ import annotations

import argparse
import math
import os
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from multiprocessing import get_context
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from arena.ratings import rate
from benchmarks import independent, pages
from benchmarks.designs import DESIGNS, Design, Study, design, simulate, truth

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

STUDIES, ROUNDS, LEVEL = 400, 1000, 0.95
EVALICA = 50
"""Studies of a design that evalica is asked about: it takes some five seconds for each."""
COVERAGE = (0.93, 0.97)
"""Within these lies the coverage of the board's intervals in every design."""
POINTS = 400 / math.log(10)
"""Elo points in a logit."""


class Claim(NamedTuple):
    """What a procedure says about a study: Elo points and ranks, (n,) each, contenders in the design's order.

    Bounds are of the deviation from the mean of the ratings with these weights.
    """

    rating: Floats
    low: Floats
    high: Floats
    weights: Floats
    best: Ints
    worst: Ints
    unit: str


class Seen(NamedTuple):
    """What one study showed about one procedure: contenders covered and widths, (n,), and whether all ranks held."""

    procedure: str
    design: str
    covered: NDArray[np.bool_]
    width: Floats
    held: bool
    unit: str


# ------------------------------------------------------------------------------------------------ the procedures


def board(**asked: str) -> Callable[[Design, Study, int, int], Claim]:
    """The arena's own board with these arguments of `rate`."""

    def claim(made: Design, study: Study, rounds: int, seed: int) -> Claim:
        found = rate(study.columns, rounds=rounds, seed=seed, level=LEVEL, **asked)  # type: ignore[arg-type]
        rows = sorted(found.rows, key=lambda row: made.contenders.index(row.model))
        rating, low, high = (np.array([getattr(row, key) for row in rows]) for key in ("rating", "low", "high"))
        best, worst = (np.array([getattr(row, f"rank_set_{end}") for row in rows]) for end in ("low", "high"))
        votes = np.array([float(row.votes) for row in rows])
        return Claim(rating, low, high, votes / votes.sum(), best, worst, found.interval.cluster)

    return claim


def package(
    make: Callable[[Design, Study, int, int], independent.Bounds],
) -> Callable[[Design, Study, int, int], Claim]:
    """Another package's intervals; its ranks are what intervals that do not overlap leave open."""

    def claim(made: Design, study: Study, rounds: int, seed: int) -> Claim:
        rating, low, high = (POINTS * logits for logits in make(made, study, rounds, seed))
        n = len(rating)
        best = 1 + (low[None, :] > high[:, None]).sum(axis=1)
        worst = n - (high[None, :] < low[:, None]).sum(axis=1)
        return Claim(rating, low, high, np.full(n, 1.0 / n), best, worst, "vote")

    return claim


OURS = ("board (auto)", "board (auto, sandwich)")
"""The procedures that the bars are for."""
CALLED = "evalica (its bootstrap, BCa)"
PROCEDURES: dict[str, Callable[[Design, Study, int, int], Claim]] = {
    OURS[0]: board(interval="bootstrap", cluster="auto"),
    OURS[1]: board(interval="sandwich", cluster="auto"),
    "board (by vote), the control": board(interval="bootstrap", cluster="vote"),
    "percentiles as FastChat's": package(
        lambda _, study, rounds, seed: independent.vote_percentiles(study, rounds, seed)
    ),
    "sandwich as arena-rank's": package(lambda _, study, __, ___: independent.vote_sandwich(study)),
    CALLED: package(independent.evalica_bootstrap),
}


# ------------------------------------------------------------------------------------------------ one study


def judge(claim: Claim, true: Floats) -> tuple[NDArray[np.bool_], Floats, bool]:
    """Which intervals hold the true deviation and how wide they are, (n,), and whether all ranks are held at once."""
    deviation = POINTS * (true - true @ claim.weights)
    mean = claim.rating @ claim.weights
    covered = (claim.low - mean <= deviation) & (deviation <= claim.high - mean)
    ranks = 1 + (true[None, :] > true[:, None]).sum(axis=1)
    return covered, claim.high - claim.low, bool(((claim.best <= ranks) & (ranks <= claim.worst)).all())


@dataclass(frozen=True)
class Task:
    """One study of one design, by its number."""

    design: str
    number: int
    rounds: int
    evalica: bool
    """Whether evalica is asked too."""


def examine(task: Task) -> list[Seen]:
    """Simulate the study and ask every procedure."""
    made = design(task.design)
    true = truth(made)
    study = simulate(made, (DESIGNS.index(made), task.number))
    asked = dict(PROCEDURES)
    if made.newcomer or not task.evalica:
        del asked[CALLED]  # it takes votes row by row only
    seen = []
    for name, ask in asked.items():
        claim = ask(made, study, task.rounds, task.number)
        seen.append(Seen(name, made.name, *judge(claim, true), claim.unit))
    return seen


def examine_all(tasks: Sequence[Task], jobs: int) -> list[Seen]:
    """All studies, on so many processes, with a line on standard error now and then."""
    for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):
        os.environ[name] = "1"  # the processes that start now share the cores
    seen: list[Seen] = []
    began = last = time.monotonic()
    with get_context("spawn").Pool(jobs) as pool:
        for done, some in enumerate(pool.imap_unordered(examine, tasks, chunksize=2), start=1):
            seen += some
            if time.monotonic() - last > 10 or done == len(tasks):
                last = time.monotonic()
                print(f"{done} of {len(tasks)} studies, {last - began:.0f} s", file=sys.stderr)
    return seen


# ------------------------------------------------------------------------------------------------ the table


@dataclass(frozen=True)
class Line:
    """A line of the table: shares of 1, width in Elo points, and the Monte-Carlo errors of the shares."""

    design: str
    procedure: str
    unit: str
    studies: int
    coverage: float
    error: float
    width: float
    held: float | None

    @property
    def held_error(self) -> float:
        """The standard error of a share that is 95% in truth."""
        return math.sqrt(LEVEL * (1 - LEVEL) / self.studies)

    def missed(self) -> list[str]:
        """The bars that this line misses."""
        if self.procedure not in OURS:
            return []
        lines = []
        if not COVERAGE[0] <= self.coverage <= COVERAGE[1]:
            bar = f"{100 * COVERAGE[0]:g} to {100 * COVERAGE[1]:g}%"
            lines.append(f"{self.design}, {self.procedure}: {100 * self.coverage:.1f}% covered, the bar {bar}")
        if self.held is not None and self.held < LEVEL - self.held_error:
            bar = f"{100 * (LEVEL - self.held_error):.1f}%"
            lines.append(f"{self.design}, {self.procedure}: ranks held in {100 * self.held:.1f}%, the bar {bar}")
        return lines

    def cells(self) -> list[str]:
        """The line as the table shows it."""
        share = f"{100 * self.coverage:.1f} ± {100 * self.error:.1f}"
        held = "" if self.held is None else f"{100 * self.held:.1f}"
        return [self.design, self.procedure, self.unit, str(self.studies), share, f"{self.width:.1f}", held]


def summarise(seen: Sequence[Seen]) -> list[Line]:
    """A line for each design and procedure; where there is a newcomer, one more for it alone."""
    lines = []
    for made in DESIGNS:
        for procedure in PROCEDURES:
            some = [one for one in seen if (one.design, one.procedure) == (made.name, procedure)]
            if not some:
                continue
            lines.append(_line(made.name, some, slice(None), ranks=True))
            if made.newcomer:
                lines.append(_line(f"{made.name}, itself", some, slice(-1, None), ranks=False))
    return lines


def _line(name: str, seen: Sequence[Seen], which: slice, *, ranks: bool) -> Line:
    shares = np.array([one.covered[which].mean() for one in seen])
    units = sorted({one.unit for one in seen}, key=lambda unit: -sum(one.unit == unit for one in seen))
    return Line(
        design=name,
        procedure=seen[0].procedure,
        unit=" or ".join(units),
        studies=len(seen),
        coverage=float(shares.mean()),
        error=float(shares.std() / math.sqrt(len(seen))),
        width=float(np.mean([one.width[which].mean() for one in seen])),
        held=float(np.mean([one.held for one in seen])) if ranks else None,
    )


def report(lines: Sequence[Line], command: str, rounds: int) -> str:
    """The table, how it was made, and the bars."""
    head = ("design", "intervals", "unit", "studies", "covered, %", "mean width, Elo points", "all ranks held, %")
    missed = [fault for line in lines for fault in line.missed()]
    words = [
        f"Simulated on {pages.today()} by `{command}`, {rounds} rounds. "
        f"{pages.machine(('numpy', 'scipy', 'evalica'))}. "
        "After ± stands the Monte-Carlo standard error of the share.",
        "",
        *pages.rows(head, [line.cells() for line in lines]),
        "",
        "All bars are met." if not missed else "Bars missed: " + "; ".join(missed) + ".",
    ]
    return "\n".join(words)


def main() -> int:
    """Run the simulations."""
    parser = argparse.ArgumentParser(description="Count how often intervals and rank sets hold the truth.")
    parser.add_argument("--studies", type=int, default=STUDIES, help="studies of each design")
    parser.add_argument("--design", choices=[made.name for made in DESIGNS], help="one design only; prints only")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="bootstrap rounds")
    parser.add_argument("--jobs", type=int, default=2, help="processes")
    parser.add_argument(
        "--evalica", type=int, default=EVALICA, help="studies of each design that evalica is asked about"
    )
    parser.add_argument(
        "--first", type=int, default=0, help="the first study's number; tune on others than the table's"
    )
    asked = parser.parse_args()
    numbers = range(asked.first, asked.first + asked.studies)
    names = [asked.design] if asked.design else [made.name for made in DESIGNS]
    tasks = [
        Task(name, number, asked.rounds, number - asked.first < asked.evalica) for number in numbers for name in names
    ]
    lines = summarise(examine_all(tasks, asked.jobs))
    arguments = " ".join(sys.argv[1:])
    table = report(lines, f'make coverage ARGS="{arguments}"' if arguments else "make coverage", asked.rounds)
    print(table)
    if not asked.design and asked.studies >= STUDIES and not asked.first:
        pages.put("methods.md", "coverage", table)
    return int(any(line.missed() for line in lines))


if __name__ == "__main__":
    raise SystemExit(main())
