"""Simulated studies with a known truth: whether intervals hold what they say can be counted on them.

On question q, rater r prefers contender i to j with probability σ(x_i - x_j), where x_i = θ_i + u_iq + v_ir, and the u
and v are independent normal effects of contender × question and contender × rater, drawn anew for every study: a study
is a sample of questions and of raters. A share of the votes are ties whatever the contenders.

What a Bradley-Terry fit of such votes estimates is not θ but the fit to the *expected* points, averaged over the
effects: a study that never ended would arrive there. `truth` computes it from its definition (Gauss-Hermite quadrature
and a root finder), without any code of the engine.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import root
from scipy.special import expit

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Columns = dict[str, Sequence[object]]

LABELS = np.array(["model_a", "model_b", "tie"], dtype=object)
NODES = 80
"""Points of the quadrature: more change the twelfth digit."""


@dataclass(frozen=True)
class Design:
    """How a study is made; strengths and standard deviations in logits."""

    name: str
    strengths: tuple[float, ...]
    questions: int
    raters: int
    pairs: int
    """Pairs shown on each question, drawn with replacement."""
    votes: int = 1
    """Votes on each of them, by different raters."""
    question_sd: float = 0.0
    rater_sd: float = 0.0
    ties: float = 0.0
    """Share of the votes that are ties."""
    newcomer: int = 0
    """Votes of the last contender. Where there are any, the others meet everywhere: every rater casts `votes` votes on
    each of their pairs on every question, and the study is handed over as counts."""

    @property
    def contenders(self) -> tuple[str, ...]:
        """Names whose alphabetical order is the order of the strengths' tuple."""
        return tuple(f"contender-{i}" for i in range(len(self.strengths)))

    @property
    def total(self) -> int:
        """Votes in a study."""
        if not self.newcomer:
            return self.questions * self.pairs * self.votes
        met = len(self.strengths) - 1
        return self.questions * self.raters * (met * (met - 1) // 2) * self.votes + self.newcomer


@dataclass(frozen=True)
class Study:
    """One simulated study: its columns as the engine takes them, and the same votes counted by pair.

    `wins[i, j]` are the votes in which i beat j, `ties[i, j]` those in which the two tied (symmetric).
    """

    columns: Columns
    wins: Ints
    ties: Ints


_EIGHT = (0.85, 0.45, 0.4, 0.1, -0.05, -0.3, -0.35, -1.1)

DESIGNS = (
    Design("independent", _EIGHT, questions=200, raters=10, pairs=10),
    Design("question 0.5", _EIGHT, questions=200, raters=10, pairs=10, question_sd=0.5, ties=0.1),
    Design("question 1", _EIGHT, questions=200, raters=10, pairs=10, question_sd=1.0),
    Design("question 1, rater 0.5", _EIGHT, questions=200, raters=10, pairs=10, question_sd=1.0, rater_sd=0.5),
    Design("sparse, rater 0.5", _EIGHT, questions=2000, raters=12, pairs=1, rater_sd=0.5, ties=0.1),
    Design("three judges", _EIGHT, questions=167, raters=3, pairs=4, votes=3, question_sd=1.0, ties=0.1),
    Design("newcomer", (*_EIGHT, 0.2), 250, 10, pairs=0, votes=72, question_sd=0.5, ties=0.1, newcomer=100),
)
"""The studies of the table. Strengths are uneven on purpose: near neighbours are what ranks are wrong about."""


def design(name: str) -> Design:
    """The design of this name."""
    return next(one for one in DESIGNS if one.name == name)


# ---------------------------------------------------------------------------------------------------- the truth


def expected_points(made: Design) -> Floats:
    """The points that the row's contender is expected to take from the column's in one vote, (n, n).

    The difference of two contenders' effects is normal with variance 2 (question_sd² + rater_sd²).
    """
    nodes, weights = np.polynomial.hermite_e.hermegauss(NODES)
    spread = np.sqrt(2.0 * (made.question_sd**2 + made.rater_sd**2))
    strengths = np.array(made.strengths)
    gaps = strengths[:, None] - strengths[None, :]
    preferred = expit(gaps[:, :, None] + spread * nodes) @ (weights / weights.sum())
    points: Floats = (1.0 - made.ties) * preferred + 0.5 * made.ties
    return points


def pair_votes(made: Design) -> Floats:
    """The votes expected on each pair of contenders, (n, n), symmetric, with a diagonal of zeros."""
    n = len(made.strengths)
    met = n - 1 if made.newcomer else n
    expected = np.zeros((n, n))
    expected[:met, :met] = (made.total - made.newcomer) / (met * (met - 1) / 2)
    expected[met:, :met] = expected[:met, met:] = made.newcomer / met
    np.fill_diagonal(expected, 0.0)
    return expected


def truth(made: Design) -> Floats:
    """The strengths, (n,), in logits of mean 0, at which every contender has the score that it is expected to have."""
    points, share = expected_points(made), pair_votes(made)
    share /= share.sum(axis=1, keepdims=True)

    def surplus(strengths: Floats) -> Floats:
        gaps = strengths[:, None] - strengths[None, :]
        scores = (share * (points - expit(gaps))).sum(axis=1)
        # One of the score equations follows from the others; the mean takes its place.
        return np.append(scores[1:], strengths.mean())

    found = root(surplus, np.array(made.strengths), tol=1e-13)
    if np.abs(surplus(found.x)).max() > 1e-10:
        raise ArithmeticError(f"no strengths found for the design {made.name}: {found.message}")
    strengths: Floats = found.x
    return strengths


# ---------------------------------------------------------------------------------------------------- the studies


def simulate(made: Design, seed: Sequence[int]) -> Study:
    """One study of this design. The same seed gives the same study."""
    rng = np.random.Generator(np.random.PCG64(seed))
    n = len(made.strengths)
    by_question = rng.normal(0.0, made.question_sd, (made.questions, n))
    by_rater = rng.normal(0.0, made.rater_sd, (made.raters, n))
    first, second, question, rater, size = _cells(made, rng)
    strengths = np.array(made.strengths) + by_question[question] + by_rater[rater]
    rows = np.arange(len(first))
    preferred = expit(strengths[rows, first] - strengths[rows, second])
    ties = rng.binomial(size, made.ties)
    wins = rng.binomial(size - ties, preferred)
    losses = size - ties - wins
    return Study(
        _columns(made, (first, second, question, rater), (wins, losses, ties)),
        _by_pair(n, first, second, wins) + _by_pair(n, second, first, losses),
        _by_pair(n, first, second, ties) + _by_pair(n, second, first, ties),
    )


def _cells(made: Design, rng: np.random.Generator) -> tuple[Ints, Ints, Ints, Ints, Ints]:
    """Who met whom on which question before which rater, and how often: five columns."""
    n = len(made.strengths)
    if made.newcomer:
        return _everywhere(made, rng)
    shown = made.questions * made.pairs
    first = rng.integers(n, size=shown)
    second = (first + rng.integers(1, n, size=shown)) % n
    question = np.repeat(np.arange(made.questions), made.pairs)
    raters = rng.permuted(np.tile(np.arange(made.raters), (shown, 1)), axis=1)[:, : made.votes]
    first, second, question = (np.repeat(column, made.votes) for column in (first, second, question))
    return first, second, question, raters.ravel(), np.ones(len(first), dtype=np.int64)


def _everywhere(made: Design, rng: np.random.Generator) -> tuple[Ints, Ints, Ints, Ints, Ints]:
    """All pairs but the newcomer's on every question before every rater, and the newcomer's few votes."""
    met = len(made.strengths) - 1
    one, other = np.triu_indices(met, k=1)
    question, rater, pair = (
        axis.ravel() for axis in np.indices((made.questions, made.raters, len(one))).astype(np.int64)
    )
    few = made.newcomer
    first = np.concatenate([one[pair], np.full(few, met)])
    second = np.concatenate([other[pair], rng.integers(met, size=few)])
    question = np.concatenate([question, rng.integers(made.questions, size=few)])
    rater = np.concatenate([rater, rng.integers(made.raters, size=few)])
    size = np.concatenate([np.full(len(pair), made.votes), np.ones(few, dtype=np.int64)])
    return first, second, question, rater, size


def _columns(made: Design, cells: tuple[Ints, Ints, Ints, Ints], outcome: tuple[Ints, Ints, Ints]) -> Columns:
    names = np.array(made.contenders, dtype=object)
    first, second, question, rater = cells
    columns: dict[str, Sequence[object]] = {
        "model_a": names[first].tolist(),
        "model_b": names[second].tolist(),
        "question_id": [f"q{number}" for number in question.tolist()],
        "rater": [f"r{number}" for number in rater.tolist()],
    }
    wins, losses, ties = outcome
    if made.newcomer:
        return columns | {"wins_a": wins.tolist(), "wins_b": losses.tolist(), "ties": ties.tolist()}
    return columns | {"winner": LABELS[losses + 2 * ties].tolist()}


def _by_pair(n: int, row: Ints, column: Ints, count: Ints) -> Ints:
    summed = np.bincount(row * n + column, weights=count, minlength=n * n)
    return summed.astype(np.int64).reshape(n, n)
