"""Style control on simulated studies with a known effect of length: is it recovered, and the true order with it?

    .venv/bin/python -m benchmarks.style [--studies 1600] [--jobs 2]

Two designs of 6 contenders and 4,000 votes by 12 raters on 200 questions. Every second contender writes longer answers,
so that the raw order is wrong: a standard deviation of length adds 0.5 logits. In the second design, contenders have
strengths and weaknesses by question (standard deviation 0.5) and a tenth of the votes are ties; the truth is then what
a study of 8 million votes arrives at. Exit status 1 where a bar is missed.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from functools import partial
from multiprocessing import get_context
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from arena.ratings.covariates import Controlled, control

Floats = NDArray[np.float64]

EFFECT, BAR = 0.5, (0.93, 0.97)
STRENGTHS = np.linspace(0.9, -0.9, 6)
LENGTHS = np.array([-1.5, 1.5, -1.5, 1.5, -1.5, 1.5])
N = len(STRENGTHS)
SPREAD = 1.2
"""Standard deviation of an answer's length around its contender's own."""
SD = float(np.sqrt(2.0 * (SPREAD**2 + LENGTHS.var() * N / (N - 1))))
"""That of the difference of two answers by different contenders."""
NAMES = np.array([f"contender-{place}" for place in range(N)], dtype=object)


class Design(NamedTuple):
    """How a study is made; standard deviation in logits."""

    name: str
    question_sd: float
    ties: float
    questions: int = 200
    votes: int = 4000
    raters: int = 12


DESIGNS = (Design("plain", 0.0, 0.0), Design("question 0.5, ties", 0.5, 0.1))


class Seen(NamedTuple):
    """What one study showed."""

    effect: float
    low: float
    high: float
    true_order: bool
    raw_order: bool
    rated: Floats


def simulate(made: Design, seed: Sequence[int]) -> tuple[dict[str, object], Floats]:
    """The columns of a study and the lengths of its answers' differences."""
    rng = np.random.Generator(np.random.PCG64(seed))
    length = LENGTHS + rng.normal(0.0, SPREAD, (made.questions, N))
    taste = rng.normal(0.0, made.question_sd, (made.questions, N))
    question = rng.integers(made.questions, size=made.votes)
    first = rng.integers(N, size=made.votes)
    second = (first + rng.integers(1, N, size=made.votes)) % N
    longer = length[question, first] - length[question, second]
    lead = (STRENGTHS + taste)[question, first] - (STRENGTHS + taste)[question, second] + EFFECT / SD * longer
    outcome = np.where(rng.random(made.votes) < expit(lead), "model_a", "model_b").astype(object)
    outcome[rng.random(made.votes) < made.ties] = "tie"
    columns: dict[str, object] = {
        "model_a": NAMES[first],
        "model_b": NAMES[second],
        "winner": outcome,
        "question_id": question,
        "rater": rng.integers(made.raters, size=made.votes),
    }
    return columns, longer


def seen(made: Design, seed: int) -> Seen:
    """One study, controlled for length."""
    columns, longer = simulate(made, (seed, DESIGNS.index(made)))
    found = control(columns, {"length": longer})
    effect = found.effects[0]
    assert effect.sd is not None
    unit = SD / effect.sd  # to the standard deviation of the design, not of this sample
    controlled = sorted(found.rows, key=lambda row: row.controlled_rank or 0)
    return Seen(
        effect.effect * unit,
        effect.low * unit,
        effect.high * unit,
        [row.model for row in controlled] == NAMES.tolist(),
        [row.model for row in found.rows] == NAMES.tolist(),
        ratings(found),
    )


def ratings(found: Controlled) -> Floats:
    """Rating, low and high of every contender, (6, 3), in the order of the strengths."""
    rows = sorted(found.rows, key=lambda row: row.model)
    return np.array([[row.controlled_rating, row.controlled_low, row.controlled_high] for row in rows])


def truth(made: Design) -> tuple[float, Floats]:
    """The effect and the ratings that a study without end arrives at."""
    if not made.question_sd and not made.ties:
        return EFFECT, 1000 + 400 / np.log(10) * STRENGTHS
    large = made._replace(questions=400_000, votes=8_000_000)
    columns, longer = simulate(large, (0, 99))
    found = control({key: columns[key] for key in ("model_a", "model_b", "winner")}, {"length": longer})
    assert found.effects[0].sd is not None
    return found.effects[0].effect * SD / found.effects[0].sd, ratings(found)[:, 0]


def main(argv: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--studies", type=int, default=1600)
    parser.add_argument("--jobs", type=int, default=2)
    asked = parser.parse_args(argv)
    missed = 0
    print("| design | studies | effect | covered, % | ratings covered, % | true order, % | without control, % |")
    print("|---|---|---|---|---|---|---|")
    for made in DESIGNS:
        effect, strengths = truth(made)
        with get_context("spawn").Pool(asked.jobs) as pool:
            all_seen = pool.map(partial(seen, made), range(asked.studies), chunksize=10)
        covered = np.array([one.low <= effect <= one.high for one in all_seen])
        rated = np.array([one.rated for one in all_seen])
        # Deviations from the mean of all, which is the same for the truth: votes are equally many for each.
        held = (rated[:, :, 1] <= strengths) & (strengths <= rated[:, :, 2])
        order = [
            100 * float(np.mean(part)) for part in zip(*[(o.true_order, o.raw_order) for o in all_seen], strict=True)
        ]
        error = 100 * float(np.sqrt(covered.mean() * (1 - covered.mean()) / len(covered)))
        print(
            f"| {made.name} | {len(all_seen)} | {effect:.3f} | {100 * covered.mean():.1f} ± {error:.1f}"
            f" | {100 * held.mean():.1f} | {order[0]:.1f} | {order[1]:.1f} |"
        )
        missed += not BAR[0] <= covered.mean() <= BAR[1]
    return int(missed > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
