"""How many votes, questions and raters a study needs: for intervals of a width, or to tell two contenders apart."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

from arena.errors import BadInput
from arena.ratings.board import SCALE
from arena.ratings.intervals.clusters import ENOUGH_RATERS
from arena.ratings.planning import Design, Field, detectable, half_widths, precision

MOST_QUESTIONS = 10_000_000
"""Questions above which a target counts as out of reach."""


@dataclass(frozen=True)
class Work:
    """How a study may be done: `designs` are numbers of raters, each with votes per pairing.

    `pairs` are shown on each question; None: all. `minutes` is what a vote takes; None: not said.
    """

    designs: Sequence[tuple[int, int]]
    pairs: int | None = None
    minutes: float | None = None


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


@dataclass(frozen=True)
class _Aim:
    """A target in Elo points, and what a design reaches of it; `power` and `between` where two are to be separated."""

    goal: str
    target: float
    level: float
    reached: Callable[[Design], float]
    power: float | None = None
    between: tuple[str, str] | None = None


def needed_for_width(field: Field, within: float, work: Work, *, level: float = 0.95) -> Needed:
    """What it takes until every interval is expected to reach at most `within` Elo points to either side.

    Raises BadInput for settings that cannot be.
    """

    def reached(design: Design) -> float:
        return float(half_widths(field, design, level).max())

    return _needed(field, work, _Aim("width", within, level, reached))


def needed_to_separate(
    field: Field,
    pair: tuple[int, int],
    work: Work,
    *,
    gap: float | None = None,
    power: float = 0.8,
    level: float = 0.95,
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
    return _needed(field, work, _Aim("separate", gap, level, reached, power, names))


def _needed(field: Field, work: Work, aim: _Aim) -> Needed:
    if not aim.target > 0.0 or not math.isfinite(aim.target):
        raise BadInput(f"the target must be above 0 Elo points, not {aim.target:g}")
    if not 0.0 < aim.level < 1.0:
        raise BadInput(f"level must lie between 0 and 1, such as 0.95, not {aim.level!r}")
    if work.minutes is not None and not 0.0 < work.minutes < math.inf:
        raise BadInput(f"the minutes per vote must be above 0, not {work.minutes!r}")
    n = len(field.theta)
    most = n * (n - 1) // 2
    pairs = most if work.pairs is None else work.pairs
    if not 1 <= pairs <= most:
        raise BadInput(f"the pairs per question must be 1 to {most}, the pairs of {n} contenders; not {pairs}")
    return Needed(
        goal=aim.goal,
        target=aim.target,
        level=aim.level,
        power=aim.power,
        between=aim.between,
        source=field.source,
        contenders=n,
        question_sd=SCALE * (field.question_sd or 0.0),
        rater_sd=SCALE * (field.rater_sd or 0.0),
        dispersion=field.dispersion,
        minutes_per_vote=work.minutes,
        options=tuple(_option(field, aim, Design(2, *one, pairs), work.minutes) for one in work.designs),
        warnings=(*field.warnings, *_warnings(field, work.designs)),
    )


def _option(field: Field, aim: _Aim, least: Design, minutes: float | None) -> Option:
    """The fewest questions with the raters, votes and pairs of `least`."""
    raters, votes, pairs = least.raters, least.votes, least.pairs
    if raters < 1 or not 1 <= votes <= raters:
        raise BadInput(f"{votes} votes per pairing by {raters} raters: there must be 1 to as many as there are raters")
    questions = _fewest(lambda number: aim.reached(Design(number, raters, votes, pairs)) <= aim.target)
    best = aim.reached(Design(MOST_QUESTIONS, raters, votes, pairs))
    if questions is None:
        return Option(raters, votes, pairs, None, None, None, None, best, None, None)
    design = Design(questions, raters, votes, pairs)
    return Option(
        raters=raters,
        votes_per_pairing=votes,
        pairs_per_question=pairs,
        questions=questions,
        votes=design.total,
        votes_per_rater=math.ceil(design.total / raters),
        design_effect=precision(field, design).design_effect,
        best=best,
        same_questions=aim.reached(Design(questions, MOST_QUESTIONS, MOST_QUESTIONS, pairs)),
        hours=None if minutes is None else design.total * minutes / 60.0,
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


def _warnings(field: Field, designs: Sequence[tuple[int, int]]) -> list[str]:
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
