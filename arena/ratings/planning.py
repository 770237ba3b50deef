"""What a study of a given size is expected to yield: how wide its intervals are, and which gaps it tells apart."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import expit, ndtri

from arena.errors import BadInput
from arena.ratings.board import SCALE
from arena.ratings.intervals.clusters import ENOUGH_RATERS
from arena.ratings.intervals.spreads import critical

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Field:
    """What is known or assumed of contenders, questions and raters. All in the board's own logits.

    `theta`, (contenders,), of mean 0. `dispersion` is the variance of a vote's points (1, ½, 0) over p(1 - p), with p
    the points expected: 1 without ties. `question_sd` is the standard deviation of a contender's strength from question
    to question, `rater_sd` from rater to rater; None: not told.
    """

    contenders: tuple[str, ...]
    theta: FloatArray
    dispersion: float
    question_sd: float | None
    rater_sd: float | None
    source: str
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Design:
    """A study in which each of `questions` shows `pairs` pairings, each judged by `votes` of the `raters`.

    Pairings are shown alike often, and raters take equal shares of the votes by chance.
    """

    questions: int
    raters: int
    votes: int
    pairs: int

    @property
    def total(self) -> int:
        """Votes in all."""
        return self.questions * self.pairs * self.votes


@dataclass(frozen=True)
class Precision:
    """What a design is expected to yield: variances, (contenders, contenders), in logits² of deviations from the mean.

    `single` is the part that the votes would have if they were independent.
    """

    covariance: FloatArray
    single: FloatArray

    @property
    def design_effect(self) -> float:
        """By how much likeness within questions and raters enlarges the variances, on average."""
        return float(np.trace(self.covariance) / np.trace(self.single))


def assumed(
    *, contenders: int = 8, gap: float = 0.0, ties: float = 0.0, question_sd: float = 0.0, rater_sd: float = 0.0
) -> Field:
    """A field without a pilot: `gap` Elo points from each contender to the next, `ties` the share among equals.

    Standard deviations are in Elo points. Raises BadInput for what cannot be.
    """
    for name, value, most in (("ties", ties, 0.99), ("gap", gap, 2000.0)):
        if not 0.0 <= value <= most:
            raise BadInput(f"{name} must lie between 0 and {most:g}, not {value!r}")
    if not 2 <= contenders <= 1000:
        raise BadInput(f"contenders must be 2 to 1000, not {contenders!r}")
    theta = np.linspace(1.0, -1.0, contenders, dtype=np.float64) * (contenders - 1) / 2.0 * gap / SCALE
    names = tuple(f"contender {number}" for number in range(1, contenders + 1))
    return stated(Field(names, theta, 1.0 - ties, None, None, "assumptions"), question_sd, rater_sd)


def stated(field: Field, question_sd: float | None, rater_sd: float | None) -> Field:
    """The field with the standard deviations that are given, in Elo points. Raises BadInput for what cannot be."""
    found = [field.question_sd, field.rater_sd]
    for place, value in enumerate((question_sd, rater_sd)):
        if value is not None:
            found[place] = value / SCALE
    # No part of a vote's variance can exceed the whole: p(1 - p) · 2 sd² ≤ dispersion, where contenders are equal.
    most = math.sqrt(2.0 * field.dispersion) * SCALE
    whole = math.hypot(*(sd or 0.0 for sd in found)) * SCALE
    if not all(sd is None or sd >= 0.0 for sd in found) or not whole <= most * (1.0 + 1e-9):
        raise BadInput(
            f"the standard deviations by question and rater must be 0 or more and together (root of the sum of squares)"
            f" at most {most:.0f} Elo points, where votes on a question are all alike; they make {whole:.0f}"
        )
    return Field(field.contenders, field.theta, field.dispersion, found[0], found[1], field.source, field.warnings)


def precision(field: Field, design: Design) -> Precision:
    """The covariance of the ratings that a design is expected to give, by linear terms (docs/methods.md).

    Votes on one question share what it does to their contenders, votes of one rater what the rater does; what two votes
    share is counted for all pairs of votes that a design makes. With fewer raters than the engine takes as a sample of
    raters (8), their part is left out, as its intervals leave it out.
    """
    n = len(field.theta)
    pairs, total = n * (n - 1) / 2.0, float(design.total)
    chance = expit(field.theta[:, None] - field.theta[None, :])
    weight = chance * (1.0 - chance)
    np.fill_diagonal(weight, 0.0)
    once, squared = _laplacian(weight), 2.0 * _laplacian(weight**2)
    both = once @ once
    mean = float(np.trace(once)) / pairs / n**2  # added to the matrix, it fixes the mean, which votes leave open
    bread = np.linalg.inv(once / pairs + mean).astype(np.float64) - 1.0 / (mean * n**2)
    others = (both - squared) / max(pairs * (pairs - 1.0), 1.0)
    by_question = (design.votes - 1.0) * squared / pairs + (design.pairs - 1.0) * design.votes * others
    meat = field.dispersion * once / pairs + (field.question_sd or 0.0) ** 2 * by_question
    if design.raters >= ENOUGH_RATERS:
        meat = meat + (field.rater_sd or 0.0) ** 2 * max(total / design.raters - 1.0, 0.0) * both / pairs**2
    covariance: FloatArray = bread @ meat @ bread / total
    return Precision(covariance, field.dispersion * bread / total)


def half_widths(field: Field, design: Design, level: float) -> FloatArray:
    """How far each contender's interval is expected to reach, (contenders,), in Elo points."""
    found = precision(field, design)
    variance, share = np.diag(found.covariance), np.diag(found.single) / np.diag(found.covariance)
    return SCALE * _critical(design, level, len(field.theta), share) * np.sqrt(variance)


def detectable(field: Field, design: Design, level: float, power: float, pair: tuple[int, int]) -> float:
    """The smallest gap between two contenders, in Elo points, that a test of this level finds with this power."""
    contrast = np.zeros(len(field.theta))
    contrast[list(pair)] = 1.0, -1.0
    found = precision(field, design)
    variance, single = (float(contrast @ part @ contrast) for part in (found.covariance, found.single))
    reach = _critical(design, level, len(field.theta), np.array([single / variance]))[0] + ndtri(power)
    return float(SCALE * reach * math.sqrt(variance))


def votes_for_share(share: float, within: float, level: float = 0.95) -> int:
    """Independent decisive votes at which a win rate of `share` is known to ± `within`: z² p (1 - p) / within²."""
    if not 0.0 < share < 1.0 or not 0.0 < within < 1.0:
        raise BadInput("the win rate and what it is to be known within must lie between 0 and 1")
    return math.ceil(float(ndtri((1.0 + level) / 2.0)) ** 2 * share * (1.0 - share) / within**2)


def _critical(design: Design, level: float, contenders: int, share: FloatArray) -> FloatArray:
    """As the engine's: of the fewer groups, and with two factors variances borrow from the other contenders'."""
    two = design.raters >= ENOUGH_RATERS
    groups = min(design.questions, design.raters) if two else design.questions
    freedom = (groups - 1.0) * (1.0 + (contenders / 2.0 - 1.0 if two else 0.0))
    return critical(level, np.full(len(share), freedom), np.clip(share, 0.0, 1.0))


def _laplacian(weight: FloatArray) -> FloatArray:
    return np.diag(weight.sum(axis=1)) - weight
