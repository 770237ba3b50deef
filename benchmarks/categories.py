"""Shrunk ratings of categories on simulated studies: do the intervals hold, and are the ratings nearer the truth?

    .venv/bin/python -m benchmarks.categories [--studies 400] [--design plain]

8 contenders and 12 categories of 20 to 600 votes by 12 raters, ten votes to a question; in each category the strengths
differ from the whole's by the design's spread. The truth of a category is what its votes would arrive at without end
(`designs.truth`). Exit status 1 where a bar is missed.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from arena.ratings import rate
from arena.ratings.shrinkage import shrink
from benchmarks import designs

Floats = NDArray[np.float64]

BAR = (0.93, 0.97)
POINTS = 400 / np.log(10)
STRENGTHS = np.array([0.85, 0.45, 0.4, 0.1, -0.05, -0.3, -0.35, -1.1])
SIZES = (20, 30, 40, 50, 60, 80, 100, 150, 200, 300, 400, 600)
SMALL = 4
"""Categories, of the smallest, that have at most 50 votes."""
N, RATERS = len(STRENGTHS), 12


class Design(NamedTuple):
    """How a study is made; standard deviations in logits."""

    name: str
    spread: float
    question_sd: float = 0.0
    taste_sd: float = 0.0


DESIGNS = (
    Design("no spread", 0.0),
    Design("plain", 0.3),
    Design("wide", 0.8),
    Design("questions 1", 0.3, question_sd=1.0),
    Design("questions 0.5, tastes 0.3", 0.3, question_sd=0.5, taste_sd=0.3),
)


def simulate(made: Design, seed: Sequence[int]) -> tuple[dict[str, object], list[str], Floats]:
    """Columns and categories of the votes, and the true strengths, (categories, contenders), each row of mean 0."""
    rng = np.random.Generator(np.random.PCG64(seed))
    strengths = STRENGTHS + rng.normal(0.0, made.spread, (len(SIZES), N))
    category = np.repeat(np.arange(len(SIZES)), SIZES)
    total = len(category)
    question = np.concatenate([np.arange(size) // 10 + 1000 * at for at, size in enumerate(SIZES)])
    _, of = np.unique(question, return_inverse=True)
    first, rater = rng.integers(N, size=total), rng.integers(RATERS, size=total)
    second = (first + rng.integers(1, N, size=total)) % N
    effect = strengths[category] + rng.normal(0.0, made.question_sd, (of.max() + 1, N))[of]
    effect = effect + rng.normal(0.0, made.taste_sd, (RATERS, N))[rater]
    each = np.arange(total)
    won = rng.random(total) < expit(effect[each, first] - effect[each, second])
    names = np.array([f"contender-{place}" for place in range(N)], dtype=object)
    columns: dict[str, object] = {
        "model_a": names[first],
        "model_b": names[second],
        "winner": np.where(won, "model_a", "model_b"),
        "question_id": question,
        "rater": rater,
    }
    return columns, [f"k{at:02}" for at in category], np.array([_truth(made, row) for row in strengths])


def _truth(made: Design, strengths: Floats) -> Floats:
    if not made.question_sd and not made.taste_sd:
        return strengths - strengths.mean()
    sd = {"question_sd": made.question_sd, "rater_sd": made.taste_sd}
    return designs.truth(designs.Design("", tuple(strengths), questions=1, raters=1, pairs=1, **sd))


class Seen(NamedTuple):
    """Of one study: which cells were held, and squared errors, (categories, contenders) each; the spread in logits."""

    held: Floats
    shrunk: Floats
    raw: Floats
    spread: float


def seen(made: Design, seed: int) -> Seen:
    """One study's ratings beside its truth."""
    columns, category, truth = simulate(made, (seed, DESIGNS.index(made)))
    found = shrink(columns, category)
    cells = np.array(
        [
            [(row.rating, row.low, row.high) for row in sorted(one.rows, key=lambda row: row.model)]
            for one in found.categories
        ]
    )
    true = 1000 + POINTS * truth
    raw = np.array([_raw(columns, np.array(category) == one.category) for one in found.categories])
    return Seen(
        ((cells[:, :, 1] <= true) & (true <= cells[:, :, 2])).astype(float),
        (cells[:, :, 0] - true) ** 2,
        (raw - true) ** 2,
        found.spread / POINTS,
    )


def _raw(columns: dict[str, object], rows: NDArray[np.bool_]) -> Floats:
    """The category's own board; 1000 for who is not on it."""
    own = {name: np.asarray(column)[rows] for name, column in columns.items()}
    board = rate(own, interval="sandwich", cluster="vote", rounds=1)
    by_name = {row.model: row.rating for row in board.rows}
    return np.array([by_name.get(f"contender-{place}") or 1000.0 for place in range(N)])


def main(argv: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--studies", type=int, default=400)
    parser.add_argument("--design", choices=[made.name for made in DESIGNS], help="only this one")
    asked = parser.parse_args(argv)
    missed = 0
    print("| design | studies | covered, % | at most 50 votes, % | error, shrunk | error, raw | spread, logits |")
    print("|---|---|---|---|---|---|---|")
    for made in DESIGNS:
        if asked.design in (None, made.name):
            all_seen = [seen(made, seed) for seed in range(asked.studies)]
            held = np.array([one.held for one in all_seen])
            shrunk, raw = (
                float(np.sqrt(np.mean([getattr(one, key) for one in all_seen]))) for key in ("shrunk", "raw")
            )
            spread = float(np.mean([one.spread for one in all_seen]))
            error = 100 * held.mean(axis=(1, 2)).std() / np.sqrt(len(held))
            print(
                f"| {made.name} | {len(held)} | {100 * held.mean():.1f} ± {error:.1f}"
                f" | {100 * held[:, :SMALL].mean():.1f} | {shrunk:.0f} | {raw:.0f} | {spread:.2f} |",
                flush=True,
            )
            missed += not BAR[0] <= held.mean() <= BAR[1]
    return int(missed > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
