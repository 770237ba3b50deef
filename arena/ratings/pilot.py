"""What a pilot tells of a field: strengths, ties, and how much contenders vary from question to question and rater to
rater, by the engine's own clustered terms."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array
from scipy.special import expit

from arena.errors import BadInput
from arena.ratings.caveats import FEW_UNITS
from arena.ratings.comparisons.connectivity import blocks
from arena.ratings.comparisons.votes import BothBad, Votes, encode, pair_counts
from arena.ratings.intervals.ballots import Ballots
from arena.ratings.intervals.clusters import ENOUGH_RATERS
from arena.ratings.intervals.sandwich import Sandwich
from arena.ratings.models import bradley_terry
from arena.ratings.models.model import MODELS
from arena.ratings.planning import Field

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]


def from_pilot(votes: object, *, both_bad: BothBad = "half") -> Field:
    """The field that the votes show; a frame, a mapping of columns, or `Votes`.

    The excess of the engine's variance by question over that by question and rater together is what votes of different
    raters on one question share; divided by what a standard deviation of one logit would make of it in this very
    pilot, it gives `question_sd`² (a method of moments); `rater_sd`² likewise. Negative ones are taken as 0.

    Raises BadInput where the votes do not tell all strengths (docs/methods.md, "Where the votes do not suffice").
    """
    given = (votes if isinstance(votes, Votes) else encode(votes)).counted(both_bad)
    wins, ties = pair_counts(given)
    points = wins + ties / 2.0
    if not len(points) or blocks(points).max() > 0:
        raise BadInput(
            "the pilot does not tell all strengths: some contenders never met, or between some all points went one way;"
            " collect more votes, leave these contenders out, or plan from assumptions"
        )
    ballots = Ballots.of(given)
    theta = bradley_terry.fit(points[None])[0]
    chance = expit(theta[:, None] - theta[None, :])
    terms = _Terms.of(given, ballots, theta)
    # In numbers of votes, not in their weights: the unit of the weights says nothing of the work.
    won, tied = pair_counts(given if given.is_counts else replace(given, weight=None))
    information = (won + won.T + tied) * chance * (1.0 - chance)
    laplacian = np.diag(information.sum(axis=1)) - information
    dispersion = float(np.trace(terms.sandwich.by_vote() @ laplacian)) / (len(theta) - 1)
    both = None if given.question is None or given.rater is None else _crossed(given, len(ballots.kind))
    question_sd = terms.sd(given.question, len(given.questions), both)
    rater_sd = terms.sd(given.rater, len(given.raters), both)
    bound = math.sqrt(2.0 * dispersion)
    whole = math.hypot(question_sd or 0.0, rater_sd or 0.0)
    if whole > bound:  # chance in a small pilot: votes cannot share more than all their variance
        question_sd, rater_sd = (None if sd is None else sd * bound / whole for sd in (question_sd, rater_sd))
    return Field(given.contenders, theta, dispersion, question_sd, rater_sd, "pilot", _rough(given))


class _Terms:
    """The sandwich variances of the pilot, and what effects of one logit would add to them."""

    def __init__(self, sandwich: Sandwich, first: IntArray, second: IntArray, slope: FloatArray) -> None:
        self.sandwich, self.first, self.second, self.slope = sandwich, first, second, slope

    @classmethod
    def of(cls, votes: Votes, ballots: Ballots, theta: FloatArray) -> _Terms:
        """At the fitted log-strengths, (contenders,)."""
        sandwich = Sandwich.of(ballots, np.arange(len(votes.contenders)), MODELS["bradley-terry"])
        first, second = ballots.sides
        chance = expit(theta[first] - theta[second])
        mass = np.ones(len(first)) if ballots.mass is None else ballots.mass
        return cls(sandwich, first, second, chance * (1.0 - chance) * mass)

    def sd(self, of: npt.NDArray[np.int32] | None, size: int, both: IntArray | None) -> float | None:
        """The standard deviation of contender × group effects, in logits; None where nothing tells."""
        if of is None or size < 2:
            return None
        group = _alone(of, size)
        shared = self._shared(group)
        if both is None:
            own = np.arange(len(group))
            excess = self.sandwich.by_group(group, int(group.max()) + 1) - self.sandwich.by_vote()
            shared = shared - self._shared(own)
        else:
            excess = self.sandwich.by_group(group, int(group.max()) + 1)
            excess = excess - self.sandwich.by_group(both, int(both.max()) + 1)
            shared = shared - self._shared(both)
        unit = float(np.trace(self.sandwich.bread[:-1, :-1] @ shared @ self.sandwich.bread[:-1, :-1]))
        if unit <= 1e-9 * float(np.trace(self.sandwich.by_vote())):
            return None
        return math.sqrt(max(float(np.trace(excess)) / unit, 0.0))

    def _shared(self, group: IntArray) -> FloatArray:
        """Σ over groups of L Lᵀ, (contenders, contenders), with L the information that a group's votes bear."""
        n = self.sandwich.ballots.contenders
        i, j, w = self.first, self.second, self.slope
        rows = np.concatenate([group * n + i, group * n + j, group * n + i, group * n + j])
        held = csr_array(
            (np.concatenate([w, w, -w, -w]), (rows, np.concatenate([i, j, j, i]))),
            shape=((int(group.max()) + 1) * n, n),
        )
        held.sum_duplicates()
        return np.asarray((held.T @ held).toarray(), dtype=np.float64)


def _alone(of: npt.NDArray[np.int32], size: int) -> IntArray:
    """The groups, where a vote that names none is one by itself."""
    group = of.astype(np.int64)
    missing = np.flatnonzero(group < 0)
    group[missing] = size + np.arange(len(missing))
    return group


def _crossed(votes: Votes, rows: int) -> IntArray:
    """Groups of votes by one rater on one question, (rows,)."""
    assert votes.question is not None
    assert votes.rater is not None
    question, rater = _alone(votes.question, len(votes.questions)), _alone(votes.rater, len(votes.raters))
    _, group = np.unique(question * (len(votes.raters) + rows + 1) + rater, return_inverse=True)
    crossed: IntArray = np.asarray(group, dtype=np.int64).reshape(-1)
    return crossed


def _rough(votes: Votes) -> tuple[str, ...]:
    """What makes the standard deviations rough."""
    found = []
    for names, what, few in ((votes.questions, "questions", FEW_UNITS), (votes.raters, "raters", ENOUGH_RATERS)):
        if 1 < len(names) < few:
            found.append(f"The pilot has {len(names)} {what}: how much {what} differ is rough.")
    return tuple(found)
