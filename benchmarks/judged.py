"""Simulated studies in which people vote on some of the questions and a judge on all, with a known truth.

On a question, a person prefers contender i to j with probability σ(x_i - x_j), x_i = θ_i + u_i + v_i with effects of
contender × question (u) and contender × rater (v). The judge sees the same questions: it prefers i with probability
σ(slope · (θ_i + u_i - θ_j - u_j) + b_i - b_j), where the bias b favours every other contender.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from arena.ratings import Votes
from benchmarks.designs import Design, truth

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

STRENGTHS = (0.85, 0.4, 0.1, -0.1, -0.35, -0.9)
CONTENDERS = tuple(f"contender-{number}" for number in range(len(STRENGTHS)))
PAIRS = np.column_stack(np.triu_indices(len(STRENGTHS), k=1))
BIASES, SLOPES, SDS, SHARES = (0.0, 0.3, 1.0), (0.5, 1.0, 1.5), (0.0, 1.0, 2.0), (0.05, 0.2, 0.5)


class Cell(NamedTuple):
    """How studies are made. `bias` is the difference that the judge makes between contenders, in logits."""

    name: str
    share: float
    bias: float
    slope: float
    sd: float
    rater_sd: float = 0.0
    raters: int = 5
    pairs: int = len(PAIRS)
    """Pairings of a labelled question that people vote on, one person each."""
    alike: bool = False
    """Whether the judge votes on so many pairings of every question, those of people too; else it votes on all."""
    by_answers: float = 0.0
    """How strongly it decides whether a question is labelled that the first contender does well there; 0: not at all.

    The probability is 2 · share · σ(this · u / sd). At 4 nearly all labelled questions are ones where it does well."""
    weighted: bool = False
    """Whether the probabilities are handed over."""
    pooled: bool = False
    questions: int = 500


GRID = tuple(
    Cell("grid", share, bias, slope, sd) for sd in SDS for share in SHARES for bias in BIASES for slope in SLOPES
)
MORE = (
    *(Cell("raters", share, 0.3, 1.0, 2.0, rater_sd=0.5, raters=10) for share in SHARES),
    *(Cell("few pairings, the judge on all", share, 0.3, 1.0, 2.0, pairs=4) for share in SHARES),
    *(Cell("small", share, 0.3, 1.0, 2.0, questions=100) for share in SHARES[1:]),
    *(Cell(f"chosen by answers ({by:g})", 0.2, 0.3, 1.0, 1.0, by_answers=by) for by in (1.0, 2.0, 4.0)),
    Cell("chosen by answers (2), probabilities given", 0.2, 0.3, 1.0, 1.0, by_answers=2.0, weighted=True),
    *(Cell("pooled as equals", 0.2, bias, 1.0, 1.0, pooled=True) for bias in BIASES),
    *(Cell("few pairings, the judge on the same", share, 0.3, 1.0, 2.0, pairs=4, alike=True) for share in SHARES),
)


@cache
def true_strengths(sd: float, rater_sd: float) -> Floats:
    """What a study of people that never ended would arrive at, in logits."""
    return truth(Design("", STRENGTHS, questions=100, raters=10, pairs=10, question_sd=sd, rater_sd=rater_sd))


def simulate(cell: Cell, seed: Sequence[int]) -> tuple[Votes, Votes, dict[str, float]]:
    """Human votes, the judge's, and the probability with which each question was labelled."""
    rng = np.random.Generator(np.random.PCG64(seed))
    n = len(STRENGTHS)
    effects = rng.normal(0.0, cell.sd, (cell.questions, n))
    strengths = np.array(STRENGTHS) + effects
    chance, labelled = _labelled(cell, effects, rng)
    planned = _shuffled(cell.questions if cell.alike else len(labelled), rng)[:, : cell.pairs]
    kind = (planned[labelled] if cell.alike else planned).ravel()
    question = np.repeat(labelled, cell.pairs)
    rater = rng.integers(cell.raters, size=len(kind))
    seen = strengths[question] + rng.normal(0.0, cell.rater_sd, (cell.raters, n))[rater]
    human = _votes(kind, question, seen, rng, rater)
    judged = planned if cell.alike else np.tile(np.arange(len(PAIRS)), (cell.questions, 1))
    kind, question = judged.ravel(), np.repeat(np.arange(cell.questions), judged.shape[1])
    bias = np.where(np.arange(n) % 2 == 0, cell.bias / 2.0, -cell.bias / 2.0)
    judge = _votes(kind, question, cell.slope * strengths[question] + bias, rng, None)
    return human, judge, {_name(number): one for number, one in enumerate(chance.tolist())}


def _shuffled(questions: int, rng: np.random.Generator) -> Ints:
    """All pairings in an order of its own for each question, (questions, pairings)."""
    return rng.permuted(np.tile(np.arange(len(PAIRS)), (questions, 1)), axis=1)


def _labelled(cell: Cell, effects: Floats, rng: np.random.Generator) -> tuple[Floats, Ints]:
    """The probability of each question, and which were chosen: so many, or each by itself where answers decide."""
    if not cell.by_answers:
        chosen = rng.choice(cell.questions, round(cell.share * cell.questions), replace=False)
        return np.full(cell.questions, cell.share), np.sort(chosen)
    chance: Floats = 2.0 * cell.share * expit(cell.by_answers * effects[:, 0] / cell.sd)
    return chance, np.flatnonzero(rng.random(cell.questions) < chance)


def _votes(kind: Ints, question: Ints, strengths: Floats, rng: np.random.Generator, rater: Ints | None) -> Votes:
    first, second = PAIRS[kind].T
    rows = np.arange(len(kind))
    lost = rng.random(len(kind)) > expit(strengths[rows, first] - strengths[rows, second])
    asked, at = np.unique(question, return_inverse=True)
    voted, who = np.unique(np.zeros(0) if rater is None else rater, return_inverse=True)
    return Votes(
        contenders=CONTENDERS,
        questions=tuple(map(_name, asked.tolist())),
        raters=tuple(f"r{number:.0f}" for number in voted.tolist()),
        a=first.astype(np.int32),
        b=second.astype(np.int32),
        outcome=lost.astype(np.int8),
        question=at.astype(np.int32),
        rater=None if rater is None else who.astype(np.int32),
        weight=None,
    )


def _name(question: int) -> str:
    """Names in the order of their numbers."""
    return f"q{question:04}"
