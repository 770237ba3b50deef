"""When a comparison is settled: confidence sequences, which may be looked at after every question."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import brentq

from arena.errors import BadInput
from arena.ratings.comparisons.votes import A_WINS, B_WINS, BothBad, Votes, encode
from arena.ratings.intervals.bootstrap import Progress

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]

STAKES = np.geomspace(0.02, 0.98, 20)
"""Shares of the capital that are staked on every question; the capital is divided among them alike."""
MANY_RATERS = 30
"""Raters below which the warning says that others may vote differently."""
PRECISE = 1e-9
"""To which a bound is found."""


@dataclass(frozen=True)
class SettledPair:
    """Two contenders, over the questions on which both were judged together, in the order of the first such vote.

    `mean` is the mean over questions of a's points less b's, each question's being the mean of its votes (1, 0, -1),
    with `low` and `high` that hold for all pairs and at all times together. `settled_at`, from 1, is the question after
    which it was settled, `settled_question` its id; `better` who is ahead then. `more` are the questions that it takes
    yet if all goes on as it does on average, None where settled or where there is no such number.
    """

    a: str
    b: str
    questions: int
    votes: int
    mean: float
    low: float
    high: float
    better: str | None
    settled_at: int | None
    settled_question: str | None
    more: int | None


@dataclass(frozen=True)
class Settled:
    """What is settled at `level` for all pairs together, at all times; `open_pairs` are not."""

    level: float
    contenders: tuple[str, ...]
    pairs: tuple[SettledPair, ...]
    warnings: tuple[str, ...]

    @property
    def open_pairs(self) -> int:
        """Pairs that are not settled."""
        return sum(pair.settled_at is None for pair in self.pairs)

    def to_dict(self) -> dict[str, object]:
        """As JSON takes it."""
        return {
            "level": self.level,
            "contenders": list(self.contenders),
            "settled": len(self.pairs) - self.open_pairs,
            "open": self.open_pairs,
            "pairs": [asdict(pair) for pair in self.pairs],
            "warnings": list(self.warnings),
        }


def settle(
    votes: object,
    *,
    level: float = 0.95,
    contenders: Sequence[str] = (),
    field: Sequence[str] = (),
    both_bad: BothBad = "half",
    progress: Progress | None = None,
) -> Settled:
    """Which pairs are settled: a frame, a mapping of columns, or `Votes`, in the order in which votes were cast.

    With `contenders`, only the pairs among these are looked at (choose them beforehand); else all pairs of those with a
    vote and of `field`, the contenders of the study. The error rate 1 - level is divided by so many pairs, with a vote
    or not yet (Bonferroni), so that what is settled stays so while no further contender enters. The capital of a bet
    against "no better" is a martingale, and reaches 1 / error rate with at most that chance, ever (Ville 1939;
    Waudby-Smith & Ramdas 2024).

    Raises BadInput for counts, which have no order, for unknown contenders and where no pair has a vote.
    """
    if not 0.0 < level < 1.0:
        raise BadInput(f"level must lie between 0 and 1, such as 0.95, not {level!r}")
    given = (votes if isinstance(votes, Votes) else encode(votes)).counted(both_bad)
    if given.is_counts:
        raise BadInput("counts have no order, and what is settled depends on it; give single votes")
    missing = [name for name in contenders if name not in given.contenders and name not in field]
    if missing:
        raise BadInput(f"there is no counted vote on {missing[0]!r}")
    among = set(contenders or (*given.contenders, *field))
    every = _sequences(given) if len(given.a) else ()
    found = [one for one in every if {given.contenders[one.a], given.contenders[one.b]} <= among]
    if not found:
        raise BadInput("no two of these contenders were compared: there is nothing to settle")
    bound = math.log(len(among) * (len(among) - 1) / (1.0 - level))
    pairs = []
    for done, one in enumerate(found, start=1):
        pairs.append(_pair(given, one, bound))
        if progress is not None:
            progress(done, len(found))
    return Settled(level, tuple(sorted(among)), tuple(pairs), _warnings(given, found))


def log_capital(scores: FloatArray, mean: float) -> FloatArray:
    """The logarithm of the capital, (questions,), of bets that the scores in [-1, 1] are above `mean` on average.

    Each stake κ multiplies its part by 1 + κ (x - mean) / (1 + mean), which is never negative and, where the true mean
    is `mean` or less, no gain on average whatever came before. It falls as `mean` rises, for every sequence.
    """
    parts = np.cumsum(np.log1p(STAKES * ((scores[:, None] - mean) / (1.0 + mean))), axis=0)
    most = parts.max(axis=1)
    capital: FloatArray = most + np.log(np.exp(parts - most[:, None]).mean(axis=1))
    return capital


def lower_bound(scores: FloatArray, bound: float) -> float:
    """The largest mean that the bets against it have refuted at some time: capital of exp(`bound`) or more."""

    def beyond(mean: float) -> float:
        return float(log_capital(scores, mean).max()) - bound

    least = -1.0 + PRECISE
    if beyond(least) < 0.0:
        return -1.0
    return float(brentq(beyond, least, float(scores.max()), xtol=PRECISE))


@dataclass(frozen=True, eq=False)
class _Sequence:
    """A pair's questions in the order of the first vote: `scores` and the `question` of each, -1 where it has none."""

    a: int
    b: int
    scores: FloatArray
    question: IntArray
    votes: int


def _sequences(votes: Votes) -> Iterator[_Sequence]:
    """The pairs with a vote, by name. A vote that names no question is a question of its own."""
    n, rows = len(votes.contenders), len(votes.a)
    turned = votes.a > votes.b
    low, high = np.where(turned, votes.b, votes.a), np.where(turned, votes.a, votes.b)
    score = (votes.outcome == A_WINS).astype(np.float64) - (votes.outcome == B_WINS)
    score = np.where(turned, -score, score)
    named = np.full(rows, -1, dtype=np.int64) if votes.question is None else votes.question.astype(np.int64)
    question = np.where(named < 0, len(votes.questions) + np.arange(rows), named)
    pair = low.astype(np.int64) * n + high
    _, first, group = np.unique(pair * (len(votes.questions) + rows) + question, return_index=True, return_inverse=True)
    weight = np.ones(rows) if votes.weight is None else votes.weight
    means = np.bincount(group, score * weight) / np.bincount(group, weight)
    number = np.bincount(group)
    order = np.lexsort((first, pair[first]))
    cuts = np.flatnonzero(np.diff(pair[first][order])) + 1
    for members in np.split(order, cuts):
        rows_of = first[members]
        yield _Sequence(
            int(low[rows_of[0]]), int(high[rows_of[0]]), means[members], named[rows_of], int(number[members].sum())
        )


def _pair(votes: Votes, one: _Sequence, bound: float) -> SettledPair:
    a, b = votes.contenders[one.a], votes.contenders[one.b]
    above, below = log_capital(one.scores, 0.0), log_capital(-one.scores, 0.0)
    reached = np.flatnonzero(np.maximum(above, below) >= bound)
    at = int(reached[0]) if len(reached) else None
    low, high = lower_bound(one.scores, bound), -lower_bound(-one.scores, bound)
    question = -1 if at is None else int(one.question[at])
    mean = float(one.scores.mean())
    ahead = one.scores if mean > 0 else -one.scores
    return SettledPair(
        a,
        b,
        len(one.scores),
        one.votes,
        mean,
        low,
        high,
        None if at is None else a if above[at] >= bound else b,
        None if at is None else at + 1,
        votes.questions[question] if question >= 0 else None,
        None if at is not None else _more(ahead, float(max(above[-1], below[-1])), bound),
    )


def _more(ahead: FloatArray, capital: float, bound: float) -> int | None:
    """What is missing over what the best of the stakes has gained by question; None where it has gained nothing."""
    pace = float(np.log1p(STAKES * ahead[:, None]).mean(axis=0).max())
    return math.ceil(max(bound - capital, 0.0) / pace) or 1 if pace > 0.0 else None


def _warnings(votes: Votes, found: Sequence[_Sequence]) -> tuple[str, ...]:
    warnings = []
    raters = len(votes.raters)
    if raters < MANY_RATERS:
        who = "The votes name no raters" if not raters else f"The votes are of {raters} rater{'s' * (raters > 1)}"
        warnings.append(
            f"{who}: what is settled is settled for {'whoever voted' if not raters else 'these raters'} only. Others"
            " may differ, and no number of questions tells how much."
        )
    alone = sum(int((one.question < 0).sum()) for one in found)
    if alone:
        votes_are = "1 vote names" if alone == 1 else f"{alone} votes name"
        warnings.append(f"{votes_are} no question; each is taken as a question of its own.")
    return tuple(warnings)
