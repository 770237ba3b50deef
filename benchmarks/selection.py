"""How many votes the choice of pairs saves: active against uniform choice, until every interval is narrow enough.

    make bench-decisions                              # with the benchmark of what is settled
    python -m benchmarks.selection --studies 50       # fewer studies; prints only

Each simulated study has 8 contenders. In rounds of votes, pairs are drawn with the probabilities of
`arena.ratings.selection`, questions at random out of 500, one vote each; after each round the intervals (the engine's
sandwich by question) are looked at, and the study ends when the widest reaches at most the target. A floor of 1 is
uniform choice. Counted are the votes, and how often the intervals hold the truth at that moment: the fit to the points
expected of votes on all pairs alike, as `benchmarks.designs` defines it.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from arena.ratings import encode
from arena.ratings.comparisons.connectivity import blocks
from arena.ratings.intervals.ballots import Ballots
from arena.ratings.intervals.sandwich import Sandwich
from arena.ratings.models.model import MODELS
from arena.ratings.selection import current, pair_chances
from arena.reports.published import published_table
from benchmarks import pages
from benchmarks.designs import DESIGNS, Design, truth

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

POINTS = 400 / math.log(10)
STUDIES = 400
BAR = 0.80
COVERED = (0.93, 0.97)
QUESTIONS = 500
MOST = 40_000


def _published() -> tuple[float, ...]:
    ratings = [row.rating for row in published_table().rows]
    return tuple((rating - sum(ratings) / len(ratings)) / POINTS for rating in ratings)


FIELDS = {
    "published gaps": _published(),
    "uneven, 340 points wide": DESIGNS[0].strengths,
    "all equal": (0.0,) * 8,
}
"""Strengths in logits; the first are those of the published Clinical Elo table, 1,317 points from first to last."""
TARGETS = {"published gaps": 80.0, "uneven, 340 points wide": 40.0, "all equal": 40.0}
"""Elo points to which every interval is to be narrowed."""


@dataclass(frozen=True)
class Course:
    """How a study is run. `floor` 1 is uniform choice; `question_sd` in logits, of contender × question."""

    strengths: tuple[float, ...]
    target: float
    floor: float
    ahead: int
    question_sd: float = 0.0


class Ended(NamedTuple):
    """What a study took, and which contenders its intervals held at its end, (contenders,)."""

    votes: int
    covered: NDArray[np.bool_]


def true_strengths(course: Course) -> Floats:
    """What votes on all pairs alike would tell in the end, (contenders,), of mean 0."""
    made = Design("", course.strengths, questions=QUESTIONS, raters=1, pairs=28, question_sd=course.question_sd)
    return truth(made)


def run(course: Course, seed: Sequence[int]) -> Ended:
    """One study to its end. The same seed gives the same study."""
    rng = np.random.Generator(np.random.PCG64(seed))
    n = len(course.strengths)
    rows, columns = np.triu_indices(n, k=1)
    by_question = rng.normal(0.0, course.question_sd, (QUESTIONS, n))
    strengths = np.array(course.strengths) + by_question
    first, second, question, won = (np.zeros(0, dtype=np.int64) for _ in range(4))
    points = np.zeros((n, n))
    effect = 1.0
    while len(first) < MOST:
        if course.floor < 1.0 and len(first):
            chance = pair_chances(*current(points, effect), floor=course.floor, ahead=course.ahead)[rows, columns]
        else:
            chance = np.full(len(rows), 1.0 / len(rows))
        drawn = rng.choice(len(rows), size=course.ahead, p=chance / chance.sum())
        asked = rng.integers(QUESTIONS, size=course.ahead)
        lead = strengths[asked, rows[drawn]] - strengths[asked, columns[drawn]]
        first, second = np.append(first, rows[drawn]), np.append(second, columns[drawn])
        question, won = np.append(question, asked), np.append(won, rng.random(course.ahead) < expit(lead))
        points = (
            np.bincount(np.where(won, first * n + second, second * n + first).astype(np.int64), minlength=n * n)
            .reshape(n, n)
            .astype(np.float64)
        )
        found = _intervals(first, second, question, won, n, course.question_sd > 0.0)
        if found is None:
            continue
        theta, reach, effect = found
        if reach.max() * POINTS <= course.target:
            return Ended(len(first), np.abs(theta - true_strengths(course)) <= reach)
    raise ArithmeticError(f"a study did not end within {MOST} votes")


def _intervals(
    first: Ints, second: Ints, question: Ints, won: Ints, n: int, clustered: bool
) -> tuple[Floats, Floats, float] | None:
    """Log-strengths of mean 0, how far 95% intervals reach, and the design effect; None before all met."""
    names = np.array([f"c{number}" for number in range(n)])
    votes = encode(
        {
            "model_a": names[first],
            "model_b": names[second],
            "winner": np.where(won, "model_a", "model_b"),
            "question_id": question,
        }
    )
    ballots = Ballots.of(votes)
    wins, _ = ballots.by_kind(None)
    model = MODELS["bradley-terry"]
    if len(votes.contenders) < n or blocks(wins).max() > 0:
        return None
    sandwich = Sandwich.of(ballots, np.arange(n), model)
    plain = sandwich.by_vote()
    assert votes.question is not None
    covariance = sandwich.by_group(votes.question.astype(np.int64), len(votes.questions)) if clustered else plain
    centred = [matrix - matrix.mean(axis=0) for matrix in (covariance, plain)]
    variance, single = (np.diag(matrix - matrix.mean(axis=1, keepdims=True)) for matrix in centred)
    theta = model.fit(wins[None, None])[0]
    largest = np.maximum(variance, single)
    return theta, 1.96 * np.sqrt(largest), float(largest.sum() / single.sum())


class Line(NamedTuple):
    """One field: mean votes of both, their ratio, and the shares covered."""

    field: str
    question_sd: float
    uniform: float
    active: float
    error: float
    covered_uniform: float
    covered_active: float

    @property
    def ratio(self) -> float:
        """Votes of active choice over those of uniform choice."""
        return self.active / self.uniform

    def missed(self) -> list[str]:
        """The bars that it misses."""
        where = f"{self.field}, question sd {self.question_sd:g}"
        faults = [f"{where}: {100 * self.ratio:.1f}% of the votes"] if self.ratio > BAR else []
        if not COVERED[0] <= self.covered_active <= COVERED[1]:
            faults.append(f"{where}: {100 * self.covered_active:.1f}% covered")
        return faults

    def cells(self) -> list[str]:
        """For the table."""
        numbers = [f"{self.uniform:,.0f}", f"{self.active:,.0f}", f"{100 * self.ratio:.1f} ± {100 * self.error:.1f}"]
        return [
            self.field,
            f"±{TARGETS[self.field]:.0f}",
            f"{self.question_sd:g}",
            *numbers,
            f"{100 * self.covered_uniform:.1f}",
            f"{100 * self.covered_active:.1f}",
        ]


def compare(field: str, question_sd: float, floor: float, studies: int) -> Line:
    """Both kinds of choice over so many studies."""
    found = {}
    for name, share in (("uniform", 1.0), ("active", floor)):
        course = Course(FIELDS[field], TARGETS[field], share, 100, question_sd)
        found[name] = [run(course, [2026, number]) for number in range(studies)]
    votes = {name: np.array([one.votes for one in ended], dtype=np.float64) for name, ended in found.items()}
    covered = {name: float(np.mean([one.covered.mean() for one in ended])) for name, ended in found.items()}
    means = {name: float(each.mean()) for name, each in votes.items()}
    spread = {name: float(each.std() / each.mean() / math.sqrt(studies)) for name, each in votes.items()}
    error = means["active"] / means["uniform"] * math.hypot(*spread.values())
    return Line(field, question_sd, means["uniform"], means["active"], error, covered["uniform"], covered["active"])


def report(lines: Sequence[Line], studies: int, floor: float) -> str:
    """The table and the bars."""
    head = (
        "field of 8",
        "every interval",
        "question sd, logits",
        "votes, uniform",
        "votes, active",
        "active / uniform, %",
    )
    missed = [
        f"{line.field}, question sd {line.question_sd:g}: {100 * line.ratio:.1f}%" for line in lines if line.ratio > BAR
    ]
    missed += [
        f"{line.field}, question sd {line.question_sd:g}: {100 * line.covered_active:.1f}% covered"
        for line in lines
        if not COVERED[0] <= line.covered_active <= COVERED[1]
    ]
    words = [
        f"Simulated on {pages.today()} by `python -m benchmarks.selection`: {studies} studies a line, a floor of"
        f" {floor:g}, new probabilities every 100 votes. {pages.machine(('numpy', 'scipy'))}. After ± stands the"
        " Monte-Carlo standard error.",
        "",
        *pages.rows((*head, "covered, uniform, %", "covered, active, %"), [line.cells() for line in lines]),
        "",
        f"The bar is at most {100 * BAR:.0f}% of the votes, with 93 to 97% covered. "
        + ("It is met." if not missed else "Missed: " + "; ".join(missed) + "."),
    ]
    return "\n".join(words)


def main() -> int:
    """Run the simulations."""
    parser = argparse.ArgumentParser(description="Count the votes that active choice of pairs saves.")
    parser.add_argument("--studies", type=int, default=STUDIES, help="studies of each line")
    parser.add_argument("--floor", type=float, default=0.2, help="the share of uniform choice")
    asked = parser.parse_args()
    cases = [(field, sd) for field in FIELDS for sd in (0.0, 1.0) if sd == 0.0 or field != "all equal"]
    lines = [compare(field, sd, asked.floor, asked.studies) for field, sd in cases]
    table = report(lines, asked.studies, asked.floor)
    print(table)
    if asked.studies >= STUDIES:
        pages.put("methods.md", "bench-decisions (selection)", table)
    return int(any(line.missed() for line in lines))


if __name__ == "__main__":
    raise SystemExit(main())
