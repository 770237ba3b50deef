"""How many votes, questions and raters a study needs: for intervals of a width, or to tell two contenders apart."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import expit, ndtri

from arena.errors import BadInput
from arena.ratings.board import SCALE
from arena.ratings.intervals.clusters import ENOUGH_RATERS
from arena.ratings.intervals.spreads import critical

FloatArray = npt.NDArray[np.float64]

MOST_QUESTIONS = 10_000_000
"""Questions above which a target counts as out of reach."""


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


@dataclass(frozen=True)
class Option:
    """One way to reach the target; None where no number of questions does.

    `best` is what these raters reach with questions without end, `same_questions` what raters and votes without end
    reach on these questions: half-widths, or the smallest gap told apart, in Elo points.
    """

    raters: int
    votes_per_pairing: int
    pairs_per_question: int
    questions: int | None
    votes: int | None
    votes_per_rater: int | None
    design_effect: float | None
    best: float
    same_questions: float | None
    hours: float | None


@dataclass(frozen=True)
class Needed:
    """What it takes to reach `target` Elo points: a half-width of every interval, or a gap that is found.

    `question_sd` and `rater_sd` are in Elo points.
    """

    goal: str
    target: float
    level: float
    power: float | None
    between: tuple[str, str] | None
    source: str
    contenders: int
    question_sd: float
    rater_sd: float
    dispersion: float
    minutes_per_vote: float | None
    options: tuple[Option, ...]
    warnings: tuple[str, ...]

    def to_dict(self) -> dict[str, object]:
        """As JSON takes it."""
        return asdict(self) | {
            "between": None if self.between is None else list(self.between),
            "options": [asdict(option) for option in self.options],
            "warnings": list(self.warnings),
        }


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


def needed_for_width(
    field: Field,
    within: float,
    designs: list[tuple[int, int]],
    *,
    level: float = 0.95,
    pairs: int | None = None,
    minutes: float | None = None,
) -> Needed:
    """What it takes until every interval is expected to reach at most `within` Elo points to either side.

    `designs` are pairs of raters and votes per pairing. Raises BadInput for settings that cannot be.
    """

    def reached(design: Design) -> float:
        return float(half_widths(field, design, level).max())

    return _needed("width", field, within, designs, reached, level, None, None, pairs, minutes)


def needed_to_separate(
    field: Field,
    pair: tuple[int, int],
    designs: list[tuple[int, int]],
    *,
    gap: float | None = None,
    power: float = 0.8,
    level: float = 0.95,
    pairs: int | None = None,
    minutes: float | None = None,
) -> Needed:
    """What it takes until a test finds two contenders, chosen beforehand, apart with this power.

    `gap` in Elo points; without it, what the field says of the two. Raises BadInput for settings that cannot be.
    """
    if not 0.0 < power < 1.0:
        raise BadInput(f"power must lie between 0 and 1, such as 0.8, not {power!r}")
    if gap is None:
        gap = SCALE * abs(float(field.theta[pair[0]] - field.theta[pair[1]]))

    def reached(design: Design) -> float:
        return detectable(field, design, level, power, pair)

    names = (field.contenders[pair[0]], field.contenders[pair[1]])
    return _needed("separate", field, gap, designs, reached, level, power, names, pairs, minutes)


def _needed(
    goal: str,
    field: Field,
    target: float,
    designs: list[tuple[int, int]],
    reached: Callable[[Design], float],
    level: float,
    power: float | None,
    between: tuple[str, str] | None,
    pairs: int | None,
    minutes: float | None,
) -> Needed:
    if not target > 0.0 or not math.isfinite(target):
        raise BadInput(f"the target must be above 0 Elo points, not {target:g}")
    if not 0.0 < level < 1.0:
        raise BadInput(f"level must lie between 0 and 1, such as 0.95, not {level!r}")
    if minutes is not None and not minutes > 0.0:
        raise BadInput(f"the minutes per vote must be above 0, not {minutes!r}")
    n = len(field.theta)
    most = n * (n - 1) // 2
    shown = most if pairs is None else pairs
    if not 1 <= shown <= most:
        raise BadInput(f"the pairs per question must be 1 to {most}, the pairs of {n} contenders; not {shown}")
    options = tuple(_option(field, target, raters, votes, shown, reached, minutes) for raters, votes in designs)
    return Needed(
        goal,
        target,
        level,
        power,
        between,
        field.source,
        n,
        SCALE * (field.question_sd or 0.0),
        SCALE * (field.rater_sd or 0.0),
        field.dispersion,
        minutes,
        options,
        (*field.warnings, *_warnings(field, designs)),
    )


def _option(
    field: Field,
    target: float,
    raters: int,
    votes: int,
    pairs: int,
    reached: Callable[[Design], float],
    minutes: float | None,
) -> Option:
    if raters < 1 or not 1 <= votes <= raters:
        raise BadInput(f"{votes} votes per pairing by {raters} raters: there must be 1 to as many as there are raters")
    questions = _fewest(lambda number: reached(Design(number, raters, votes, pairs)) <= target)
    best = reached(Design(MOST_QUESTIONS, raters, votes, pairs))
    if questions is None:
        return Option(raters, votes, pairs, None, None, None, None, best, None, None)
    design = Design(questions, raters, votes, pairs)
    return Option(
        raters,
        votes,
        pairs,
        questions,
        design.total,
        math.ceil(design.total / raters),
        precision(field, design).design_effect,
        best,
        reached(Design(questions, MOST_QUESTIONS, MOST_QUESTIONS, pairs)),
        None if minutes is None else design.total * minutes / 60.0,
    )


def _fewest(enough: Callable[[int], bool]) -> int | None:
    """The smallest number of questions, from 2, that is enough; None where none up to MOST_QUESTIONS is."""
    high = 2
    while not enough(high):
        high *= 2
        if high > MOST_QUESTIONS:
            return None
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high


def _critical(design: Design, level: float, contenders: int, share: FloatArray) -> FloatArray:
    """As the engine's: of the fewer groups, and with two factors variances borrow from the other contenders'."""
    two = design.raters >= ENOUGH_RATERS
    groups = min(design.questions, design.raters) if two else design.questions
    freedom = (groups - 1.0) * (1.0 + (contenders / 2.0 - 1.0 if two else 0.0))
    return critical(level, np.full(len(share), freedom), np.clip(share, 0.0, 1.0))


def _laplacian(weight: FloatArray) -> FloatArray:
    return np.diag(weight.sum(axis=1)) - weight


def _warnings(field: Field, designs: list[tuple[int, int]]) -> list[str]:
    warnings = []
    for sd, what, missing in (
        (field.question_sd, "questions", "two raters' votes, or two pairs, on one question"),
        (field.rater_sd, "raters", "raters with several votes each"),
    ):
        if sd is None:
            warnings.append(
                f"How much {what} differ cannot be told from this pilot (it needs {missing}) and is taken as 0: state"
                " it, or the numbers are too small."
            )
    if any(raters < ENOUGH_RATERS for raters, _ in designs) and field.rater_sd:
        warnings.append(
            f"With fewer than {ENOUGH_RATERS} raters the intervals speak of these raters only, so that what other"
            " raters would say is in neither the widths nor the numbers of votes."
        )
    return warnings
