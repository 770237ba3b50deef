"""Raters: how reliable each is, which side each likes, and whose votes are unlike the others'.

Two reports, for reading. Nothing here weighs or excludes a vote, and votes unlike the others' are no proof of anything:
a specialist may know better.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri

from arena.errors import BadInput
from arena.ratings.comparisons.votes import A_WINS, B_WINS, BothBad, Votes, encode
from arena.ratings.intervals.bootstrap import Progress
from arena.ratings.models import reliability, unusual
from arena.ratings.models.reliability import Cells, Reliability
from arena.ratings.models.unusual import LEAST_VOTES, Panel, Unusual, Usual
from arena.ratings.settings import check_numbers, check_words

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]

THRESHOLD = 0.01
"""Votes are called unlike the others' where an honest rater's would be so with at most this probability."""
SIDE = "side A"
_LEANS = {-1: "away", 0: None, 1: "towards"}
LEAST_ROUNDS = 200
"""With fewer simulated raters, no probability can be as small as THRESHOLD."""


@dataclass(frozen=True)
class RaterRow:
    """One rater. What cannot be said is None.

    `tie_rate` counts both kinds of tie. `slope` is the reliability: 1 is the usual, towards 0 the votes follow the
    strengths less; `side` is the liking for side A, in logits; each with its interval. `likelihood` is a standard score
    of how likely the votes are by the others', `lean` of how far they lean `towards` or away from (`leans`: "towards",
    "away") a contender or "side A"; `probability`, that an honest rater's votes are so far out in either respect.
    `unlike` says whether it is at most the threshold.
    """

    rater: str
    votes: int
    tie_rate: float
    slope: float
    slope_low: float
    slope_high: float
    side: float
    side_low: float
    side_high: float
    likelihood: float | None
    lean: float | None
    leans: str | None
    towards: str | None
    probability: float | None
    unlike: bool | None


@dataclass(frozen=True)
class Raters:
    """All raters, by name, and how much they differ.

    Standard deviations: `slope_sd` of the logarithms of the slopes; in logits, `side_sd` of the likings for a side,
    `taste_sd` of contender × rater and `question_sd` of contender × question effects.
    """

    rows: tuple[RaterRow, ...]
    votes: int
    slope_sd: float
    side_sd: float
    taste_sd: float
    question_sd: float
    level: float
    threshold: float
    rounds: int
    seed: int
    warnings: tuple[str, ...]
    settings: Mapping[str, float | str]

    def to_dict(self) -> dict[str, object]:
        """Ready for JSON: these keys in this order."""
        return {
            **{name: getattr(self, name) for name in self.__dataclass_fields__},
            "rows": [asdict(row) for row in self.rows],
            "warnings": list(self.warnings),
            "settings": dict(self.settings),
        }


def raters(
    votes: object,
    *,
    rounds: int = 1000,
    level: float = 0.95,
    seed: int = 0,
    both_bad: BothBad = "half",
    progress: Progress | None = None,
) -> Raters:
    """How reliable the raters of `votes` (as `rate` takes them) are, and whose votes are unlike the others'.

    Slopes and sides are those of `models.reliability`, the rest is `models.unusual`, with `rounds` simulated honest
    raters beside each. Votes that name no rater are left out, and weights do not count. `progress(done, total)` is
    called now and then.

    Raises BadInput for votes or settings that cannot be used, and where fewer than three raters are named.
    """
    check_words("bradley-terry", "sandwich", "auto", "questions-like-these", both_bad)
    check_numbers(rounds, level, seed)
    if rounds < LEAST_ROUNDS:
        raise BadInput(f"rounds must be {LEAST_ROUNDS} or more, so that a probability of {THRESHOLD:g} can be told")
    given = (votes if isinstance(votes, Votes) else encode(votes)).counted(both_bad).single()
    if given.rater is None or len(given.raters) < 3:
        raise BadInput(f"raters can be compared where at least three are named; these votes name {len(given.raters)}")
    order = _in_order(given, given.rater)
    score = np.where(given.outcome == A_WINS, 1.0, np.where(given.outcome == B_WINS, 0.0, 0.5))[order]
    report = _Parts(progress)
    known = reliability.fit(Cells.of(given.rater[order], given.a[order], given.b[order], score), report.first)
    panel = _panel(given, order, score)
    expected = unusual.usual(panel, known.usual_slope_sd, known.usual_side_sd)
    found = unusual.unusual(panel, expected, int(rounds), int(seed), report.second)
    tied = np.bincount(given.rater[order[score == 0.5]], minlength=len(given.raters))
    return _report(given, panel, tied, known, expected, found, (int(rounds), float(level), int(seed), both_bad))


def _in_order(votes: Votes, rater: npt.NDArray[np.int32]) -> IntArray:
    """The rows that name a rater, by rater, and in an order that is the same however they were given."""
    keys = (votes.outcome, votes.b, votes.a, *(() if votes.question is None else (votes.question,)), rater)
    order = np.lexsort(keys)
    return order[rater[order] >= 0]


@dataclass(frozen=True)
class _Parts:
    """Progress of two parts as of one: the first is a tenth."""

    progress: Progress | None

    def first(self, done: int, total: int) -> None:
        self._tell(done * 100 // total)

    def second(self, done: int, total: int) -> None:
        self._tell(100 + done * 900 // total)

    def _tell(self, done: int) -> None:
        if self.progress is not None:
            self.progress(done, 1000)


def _panel(votes: Votes, order: IntArray, score: FloatArray) -> Panel:
    assert votes.rater is not None  # checked where the votes are taken in
    question = np.full(len(order), -1) if votes.question is None else votes.question[order].astype(np.int64)
    alone = np.flatnonzero(question < 0)
    question[alone] = len(votes.questions) + np.arange(len(alone))
    start = np.searchsorted(votes.rater[order], np.arange(len(votes.raters) + 1))
    a, b = votes.a[order].astype(np.int64), votes.b[order].astype(np.int64)
    return Panel(a, b, score, question, start, len(votes.contenders), len(votes.questions) + len(alone))


def _report(
    votes: Votes,
    panel: Panel,
    tied: IntArray,
    known: Reliability,
    expected: Usual,
    found: Unusual,
    asked: tuple[int, float, int, str],
) -> Raters:
    rounds, level, seed, both_bad = asked
    sizes, reach = np.diff(panel.start), float(ndtri((1.0 + level) / 2.0))
    rows = [
        _row(name, int(sizes[at]), float(tied[at]), _Told(known, found, reach, (*votes.contenders, SIDE)), at)
        for at, name in enumerate(votes.raters)
    ]
    return Raters(
        rows=tuple(rows),
        votes=int(sizes.sum()),
        slope_sd=round(known.slope_sd, 6),
        side_sd=round(known.side_sd, 6),
        taste_sd=round(expected.taste_sd, 6),
        question_sd=round(expected.question_sd, 6),
        level=level,
        threshold=THRESHOLD,
        rounds=rounds,
        seed=seed,
        warnings=_warnings(len(votes.a) - int(sizes.sum()), sizes),
        settings={"both_bad": both_bad, "least_votes": LEAST_VOTES},
    )


@dataclass(frozen=True)
class _Told:
    """What was found of all raters; intervals reach so many standard deviations, and leanings have these names."""

    known: Reliability
    found: Unusual
    reach: float
    names: tuple[str, ...]


def _row(name: str, votes: int, tied: float, told: _Told, at: int) -> RaterRow:
    known, found = told.known, told.found
    slope, slope_reach = float(known.log_slope[at]), told.reach * float(known.log_slope_error[at])
    side, side_reach = float(known.side[at]), told.reach * float(known.side_error[at])
    is_told = not np.isnan(found.probability[at])
    return RaterRow(
        rater=name,
        votes=votes,
        tie_rate=round(tied / votes, 6),
        slope=round(math.exp(slope), 6),
        slope_low=round(math.exp(slope - slope_reach), 6),
        slope_high=round(math.exp(slope + slope_reach), 6),
        side=round(side, 6),
        side_low=round(side - side_reach, 6),
        side_high=round(side + side_reach, 6),
        likelihood=round(float(found.likelihood[at]), 4) if is_told else None,
        lean=round(float(found.lean[at]), 4) if is_told else None,
        leans=_LEANS[int(found.sign[at])] if is_told else None,
        towards=told.names[found.towards[at]] if is_told else None,
        probability=round(float(found.probability[at]), 6) if is_told else None,
        unlike=bool(found.probability[at] <= THRESHOLD) if is_told else None,
    )


def _warnings(unnamed: int, sizes: IntArray) -> tuple[str, ...]:
    few, found = int(np.count_nonzero(sizes < LEAST_VOTES)), []
    if unnamed:
        found.append(f"{unnamed} {'vote names' if unnamed == 1 else 'votes name'} no rater and are left out.")
    if few:
        found.append(f"{few} of the {len(sizes)} raters cast fewer than {LEAST_VOTES} votes: too few to be compared.")
    return tuple(found)
