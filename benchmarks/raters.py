"""Raters on simulated studies: are riggers found and honest raters let be, and are slopes ordered right?

    .venv/bin/python -m benchmarks.raters [--studies 400] [--design usual]

Riggers: 40 raters of 100 votes each on 8 contenders and 100 questions; 4 of them vote for one contender, of middling
strength, wherever it stands (on a quarter of their pairings), and as anyone would elsewhere. Honest raters differ as
the design says. Slopes: 20 raters of 200 votes each, whose slopes' logarithms have a standard deviation of 0.5.
The first are studies of contenders from -1.2 to 1.2 logits, the second from -0.9 to 0.9. Exit status 1 where a bar is
missed.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit
from scipy.stats import spearmanr

from arena.ratings.raters import raters

Floats = NDArray[np.float64]

FOUND, ACCUSED, ORDERED = 0.9, 0.02, 0.9


class Design(NamedTuple):
    """How raters differ; standard deviations in logits, of slopes that of their logarithms."""

    name: str
    question_sd: float = 0.5
    taste_sd: float = 0.3
    slope_sd: float = 0.3
    side_sd: float = 0.3
    ties: float = 0.1
    raters: int = 40
    votes: int = 100
    questions: int = 100
    riggers: int = 4
    strongest: float = 0.9
    few_questions: bool = False
    """Each rater votes on ten of the questions, ten times on each."""


DESIGNS = (
    Design("usual"),
    Design("alike", question_sd=0.0, taste_sd=0.0, slope_sd=0.0, side_sd=0.0, ties=0.0),
    Design("questions 1, ten each", question_sd=1.0, few_questions=True),
    Design("slopes 0.5", slope_sd=0.5, taste_sd=0.0),
    Design("no riggers", riggers=0),
    Design("tastes 0.6", taste_sd=0.6),
)
"""The bars are for the first; the last is beyond what 100 votes can tell, and shows it."""
SLOPES = (
    Design("slopes", 0.0, 0.0, 0.5, 0.3, 0.0, raters=20, votes=200, riggers=0, strongest=1.2),
    Design("slopes, closer", 0.0, 0.0, 0.5, 0.3, 0.0, raters=20, votes=200, riggers=0),
)
"""The bar is for the first."""


class Study(NamedTuple):
    """The columns of a study, and the truth: slopes and sides, (raters,)."""

    columns: dict[str, object]
    slope: Floats
    side: Floats


def simulate(made: Design, seed: Sequence[int]) -> Study:
    """One study. The same seed gives the same study."""
    rng = np.random.Generator(np.random.PCG64(seed))
    n, total = 8, made.raters * made.votes
    strengths = np.linspace(made.strongest, -made.strongest, n)
    slope = np.exp(rng.normal(0.0, made.slope_sd, made.raters))
    side = rng.normal(0.0, made.side_sd, made.raters)
    by_question = rng.normal(0.0, made.question_sd, (made.questions, n))
    by_rater = rng.normal(0.0, made.taste_sd, (made.raters, n))
    rater = np.repeat(np.arange(made.raters), made.votes)
    first = rng.integers(n, size=total)
    second = (first + rng.integers(1, n, size=total)) % n
    question = rng.integers(made.questions, size=total)
    if made.few_questions:
        question = (np.tile(np.arange(made.votes) // 10, made.raters) + 10 * rater) % made.questions
    effect = strengths + by_question[question] + by_rater[rater]
    each = np.arange(total)
    chance = expit(slope[rater] * (effect[each, first] - effect[each, second]) + side[rater])
    winner = np.where(rng.random(total) < chance, "model_a", "model_b").astype(object)
    winner[rng.random(total) < made.ties] = "tie"
    rigged = rater < made.riggers
    winner[rigged & (first == n // 2)] = "model_a"
    winner[rigged & (second == n // 2)] = "model_b"
    names = np.array([f"contender-{place}" for place in range(n)], dtype=object)
    columns: dict[str, object] = {"model_a": names[first], "model_b": names[second], "winner": winner}
    people = np.array([f"r{number:03}" for number in range(made.raters)], dtype=object)
    return Study(columns | {"rater": people[rater], "question_id": question}, slope, side)


def riggers(made: Design, studies: int) -> tuple[Floats, Floats]:
    """The share of riggers found, and of honest raters accused, (studies,) each."""
    found, accused = [], []
    for seed in range(studies):
        study = simulate(made, (seed, DESIGNS.index(made)))
        unlike = np.array([bool(row.unlike) for row in raters(study.columns, seed=seed).rows])
        found.append(float(unlike[: made.riggers].mean()) if made.riggers else np.nan)
        accused.append(float(unlike[made.riggers :].mean()))
    return np.array(found), np.array(accused)


def slopes(made: Design, studies: int) -> Floats:
    """Rank correlation, and the shares of intervals that hold slope and side, (studies, 3)."""
    seen = []
    for seed in range(studies):
        study = simulate(made, (seed, 100))
        rows = raters(study.columns, seed=seed, rounds=200).rows
        true = study.slope / np.exp(np.log(study.slope).mean())
        order = spearmanr([row.slope for row in rows], true).statistic
        held = [row.slope_low <= one <= row.slope_high for row, one in zip(rows, true, strict=True)]
        sides = [row.side_low <= one <= row.side_high for row, one in zip(rows, study.side, strict=True)]
        seen.append((order, np.mean(held), np.mean(sides)))
    return np.array(seen)


def main(argv: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--studies", type=int, default=400)
    parser.add_argument("--design", choices=[made.name for made in (*DESIGNS, *SLOPES)], help="only this one")
    asked = parser.parse_args(argv)
    missed = False
    print("| design | studies | riggers found, % | honest raters accused, % |\n|---|---|---|---|")
    for made in DESIGNS:
        if asked.design in (None, made.name):
            found, accused = riggers(made, asked.studies)
            cells = [_share(found), _share(accused)]
            print(f"| {made.name} | {asked.studies} | {' | '.join(cells)} |", flush=True)
            missed |= made is DESIGNS[0] and (found.mean() < FOUND or accused.mean() > ACCUSED)
    print("\n| design | studies | rank correlation | at least 0.9, % of studies | slopes held, % | sides held, % |")
    print("|---|---|---|---|---|---|")
    for made in SLOPES:
        if asked.design in (None, made.name):
            order, slope, side = slopes(made, asked.studies).T
            over = 100 * float((order >= ORDERED).mean())
            cells = [f"{order.mean():.3f}", f"{over:.0f}", _share(slope), _share(side)]
            print(f"| {made.name} | {asked.studies} | {' | '.join(cells)} |", flush=True)
            missed |= made is SLOPES[0] and bool(order.mean() < ORDERED)
    return int(missed)


def _share(values: Floats) -> str:
    if np.isnan(values).all():
        return "–"
    return f"{100 * values.mean():.1f} ± {100 * values.std() / np.sqrt(len(values)):.1f}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
