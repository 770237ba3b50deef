"""Style control: ratings at equal length, equal lists, equal sides, or whatever else was measured of the answers.

Beside the contenders' strengths, what answer A has more of than answer B enters the logit. The ratings then say how
contenders would stand if their answers did not differ in that. They stand beside the board and never in its place:
a longer answer may also be the better one, and no vote tells the two apart.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass

import numpy as np
import numpy.typing as npt

from arena.errors import BadInput
from arena.ratings.board import MEAN, SCALE, rate
from arena.ratings.comparisons import connectivity
from arena.ratings.comparisons.columns import columns_of, numbers
from arena.ratings.comparisons.votes import A_WINS, B_WINS, BOTH_BAD, BothBad, Votes, encode, pair_counts
from arena.ratings.intervals.bootstrap import Progress, Report
from arena.ratings.intervals.clusters import Cluster, Estimand, choose
from arena.ratings.intervals.controlled import Uncertainty, uncertainty
from arena.ratings.models.controlled import Design, fit
from arena.ratings.result import Board
from arena.ratings.settings import check_numbers, check_words

FloatArray = npt.NDArray[np.float64]

POSITION = "position"
TOLD_APART = 1e-8
"""Share of a covariate's variation that must be its own for its effect to be estimated."""


@dataclass(frozen=True)
class Effect:
    """What a covariate does to the logit of A's being preferred, all else equal.

    `effect`, `low`, `high`: logits for one standard deviation, `sd`, of the difference between two answers; for
    `position`, logits for standing on side A, where `sd` is None. `odds` is exp(effect).
    """

    covariate: str
    effect: float
    low: float
    high: float
    odds: float
    sd: float | None


@dataclass(frozen=True)
class ControlledRow:
    """One contender without control (as the board has it, by sandwich intervals) and with it; in Elo points."""

    model: str
    votes: int
    rank: int | None
    rating: float
    low: float
    high: float
    controlled_rank: int | None
    controlled_rating: float
    controlled_low: float
    controlled_high: float


@dataclass(frozen=True)
class Controlled:
    """Ratings without and with control, and the effects of what was controlled for."""

    rows: tuple[ControlledRow, ...]
    effects: tuple[Effect, ...]
    votes: int
    cluster: str
    level: float
    warnings: tuple[str, ...]
    settings: Mapping[str, float | str]

    def to_dict(self) -> dict[str, object]:
        """Ready for JSON: these keys in this order."""
        return {
            "rows": [asdict(row) for row in self.rows],
            "effects": [asdict(effect) for effect in self.effects],
            "votes": self.votes,
            "cluster": self.cluster,
            "level": self.level,
            "warnings": list(self.warnings),
            "settings": dict(self.settings),
        }


def control(
    votes: object,
    covariates: Mapping[str, object],
    *,
    position: bool = False,
    cluster: Cluster = "auto",
    estimand: Estimand = "questions-like-these",
    level: float = 0.95,
    both_bad: BothBad = "half",
    progress: Progress | None = None,
) -> Controlled:
    """Rate the contenders of `votes` (as `rate` takes them; single votes, no counts) without and with control.

    `covariates` are columns of numbers, one for each vote: `NAME`, what A has more of than B, or the pair `NAME_a` and
    `NAME_b`. Each is divided by the standard deviation of its differences and not centred: no difference, no effect.
    `position` besides asks what standing on side A does. logit P(A is preferred) = θ_A - θ_B + β · x (+ γ), a tie half
    a win for each (Springall 1973); variances by the sandwich, with the board's clusters. `progress(done, total)` is
    called after each of three parts.

    >>> votes = {"model_a": ["x", "y", "x", "y"], "model_b": ["y", "x", "y", "x"]}
    >>> votes["winner"] = ["model_a", "model_a", "model_b", "tie"]
    >>> control(votes, {"words": [10.0, 20.0, 30.0, -20.0]}).effects[0].covariate
    'words'

    Raises BadInput for votes, settings or columns that cannot be used: one that is not finite, does not vary, cannot be
    told apart from the contenders or from the columns before it, or that tells every vote.
    """
    check_words("bradley-terry", "sandwich", cluster, estimand, both_bad)
    check_numbers(1, level, 0)
    given = votes if isinstance(votes, Votes) else encode(votes)
    if given.is_counts:
        raise BadInput("covariates belong to single votes, and counts have none; give the votes themselves")
    names, columns = _differences(covariates, len(given.a))
    if POSITION in names or not (names or position):
        raise BadInput(f"give at least one covariate to control for, and none that is named {POSITION}")
    kept = np.flatnonzero(given.outcome != BOTH_BAD) if both_bad == "drop" else slice(None)
    plain = rate(
        given, interval="sandwich", cluster=cluster, estimand=estimand, level=level, both_bad=both_bad, rounds=1
    )
    report = Report(progress, 3)
    report.add(1)
    counted = given.counted(both_bad)
    x, sd = _standardised(names, [column[kept] for column in columns], len(counted.a))
    if position:
        names, sd = (*names, POSITION), [*sd, None]
        x = np.concatenate([x, np.ones((1, len(counted.a)))])
    design = Design(counted.a, counted.b, _score(counted), x, counted.weight, len(counted.contenders))
    check_apart(design, names)
    clustering = choose(counted, cluster, estimand)
    wins, ties = pair_counts(counted)
    points = wins + ties / 2.0
    at, information, endless = fit(design, connectivity.blocks(points))
    report.add(1)
    if endless is not None:
        raise BadInput(f"{names[endless]} tells who wins every vote (or nearly so): its effect has no finite estimate")
    found = uncertainty(design, at, information, connectivity.islands(points), counted, clustering, float(level))
    report.add(1)
    return Controlled(
        rows=_rows(plain, counted.contenders, at, found, connectivity.islands(points)),
        effects=_effects(names, at[design.contenders :], found, sd),
        votes=plain.votes,
        cluster=clustering.name,
        level=float(level),
        warnings=plain.warnings,
        settings={"both_bad": both_bad, "estimand": plain.interval.estimand, **plain.settings},
    )


def _differences(covariates: Mapping[str, object], rows: int) -> tuple[tuple[str, ...], list[FloatArray]]:
    """The names and what A has more of than B, in the order given. Raises BadInput."""
    columns = columns_of(covariates, map(str, covariates))
    found: dict[str, FloatArray] = {}
    for name in columns:
        base, side = name[:-2], name[-2:]
        if side == "_b" and f"{base}_a" in columns:
            continue
        if side == "_a" and f"{base}_b" in columns:
            found[base] = _numbers(columns, name, rows) - _numbers(columns, f"{base}_b", rows)
        else:
            found[name] = _numbers(columns, name, rows)
    return tuple(found), list(found.values())


def _numbers(columns: Mapping[str, object], name: str, rows: int) -> FloatArray:
    column = numbers(columns[name])
    if len(column) != rows:
        raise BadInput(f"covariate {name} has {len(column)} rows, and there are {rows} votes; it needs one for each")
    if not np.isfinite(column).all():
        row = int(np.argmin(np.isfinite(column)))
        raise BadInput(f"row {row + 1}, covariate {name}: is not a finite number; correct it or remove the vote")
    return column


def _standardised(
    names: tuple[str, ...], columns: list[FloatArray], rows: int
) -> tuple[FloatArray, list[float | None]]:
    """The columns divided by their standard deviations, (covariates, rows), and these. Raises BadInput."""
    sd = [float(column.std()) for column in columns]
    for name, column, spread in zip(names, columns, sd, strict=True):
        if not np.isfinite(spread) or spread <= 1e-12 * max(1.0, float(np.abs(column).max(initial=0.0))):
            raise BadInput(f"covariate {name} does not vary: the answers of every vote differ in it by the same amount")
    x = np.array([column / spread for column, spread in zip(columns, sd, strict=True)]).reshape(len(columns), rows)
    return x, [*sd]


def check_apart(design: Design, names: tuple[str, ...]) -> None:
    """Raises BadInput for a covariate that is a sum of the contenders' own constants and the covariates before it."""
    n = design.contenders
    gram = design.gram(lambda rows: np.ones(len(design.a[rows])))
    whole = np.diag(gram)[n:]
    own = gram[n:, n:] - gram[n:, :n] @ np.linalg.pinv(gram[:n, :n], hermitian=True) @ gram[:n, n:]
    for at, name in enumerate(names):
        before = own[:at, :at]
        left = own[at, at] - own[at, :at] @ np.linalg.solve(before, own[:at, at])
        if left > TOLD_APART * whole[at]:
            continue
        if own[at, at] <= TOLD_APART * whole[at]:
            raise BadInput(
                f"covariate {name} cannot be told apart from the contenders: it is constant for each of them"
            )
        raise BadInput(f"covariate {name} cannot be told apart from {' and '.join(names[:at])}; leave one of them out")


def _score(votes: Votes) -> FloatArray:
    return np.where(votes.outcome == A_WINS, 1.0, np.where(votes.outcome == B_WINS, 0.0, 0.5))


def _rows(
    plain: Board, names: tuple[str, ...], at: FloatArray, found: Uncertainty, island: npt.NDArray[np.int64]
) -> tuple[ControlledRow, ...]:
    """In the board's order."""
    theta = at[: len(names)].copy()
    for number in range(1, int(island.max()) + 1):
        theta[island == number] -= theta[island == number].mean()
    rating, half = MEAN + SCALE * theta, SCALE * found.strength
    order = sorted(range(len(names)), key=lambda index: (-round(float(rating[index]), 4), names[index]))
    rank = {names[index]: place for place, index in enumerate(order, start=1)} if island.max() == 1 else {}
    index = {name: position for position, name in enumerate(names)}
    return tuple(
        ControlledRow(
            model=row.model,
            votes=row.votes,
            rank=row.rank,
            rating=_known(row.rating),
            low=_known(row.low),
            high=_known(row.high),
            controlled_rank=rank.get(row.model),
            controlled_rating=round(float(rating[index[row.model]]), 4),
            controlled_low=round(float(rating[index[row.model]] - half[index[row.model]]), 4),
            controlled_high=round(float(rating[index[row.model]] + half[index[row.model]]), 4),
        )
        for row in plain.rows
        if row.model in index
    )


def _effects(
    names: tuple[str, ...], beta: FloatArray, found: Uncertainty, sd: list[float | None]
) -> tuple[Effect, ...]:
    return tuple(
        Effect(
            covariate=name,
            effect=round(float(beta[at]), 6),
            low=round(float(beta[at] - found.effect[at]), 6),
            high=round(float(beta[at] + found.effect[at]), 6),
            odds=round(float(np.exp(beta[at])), 6),
            sd=sd[at],
        )
        for at, name in enumerate(names)
    )


def _known(value: float | None) -> float:
    assert value is not None  # who has a counted vote is rated
    return value
