"""What an analysis of fragility finds, as values. Leads and ratings are in Elo points; null is what cannot be said."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Literal

Unit = Literal["vote", "rater", "question"]
Way = Literal["remove", "flip"]

UNITS: tuple[Unit, ...] = ("vote", "rater", "question")
WAYS: tuple[Way, ...] = ("remove", "flip")


@dataclass(frozen=True)
class VotesMoved:
    """So many votes of one kind: between these contenders, with this winner (`model_a` or `tie`), of this weight.

    `becomes` is what the winner turns into, or null where the votes are taken out. A tie may be a `both_bad`.
    """

    model_a: str
    model_b: str
    winner: str
    becomes: str | None
    weight: float
    number: int


@dataclass(frozen=True)
class Change:
    """The fewest votes, raters or questions found whose removal or flip changes an order, fitted again without them.

    `number` is an upper bound: null where none was found. All smaller sets than `at_least` were tried and none does it,
    so that the number is `exact` where the two are equal; with `exact`, a null says that no set whatever does it.
    `predicted` is the number foretold by influence, before any fit. `share` is of `of`, all there are. `then_above` is
    who stands highest then. `votes` says which votes, `names` which raters or questions.
    """

    unit: Unit
    way: Way
    number: int | None
    at_least: int | None
    exact: bool
    predicted: int | None
    of: int
    share: float | None
    then_above: str | None
    votes: tuple[VotesMoved, ...]
    names: tuple[str, ...]


@dataclass(frozen=True)
class Contest:
    """That `higher` stands `lead` points above `lower`, and what changes it. For first place `lower` is the second,
    and the change is that anyone stands above."""

    higher: str
    lower: str
    lead: float
    changes: tuple[Change, ...]

    def change(self, unit: Unit, way: Way) -> Change | None:
        """The one of this unit and way; None where the votes do not name the unit."""
        return next((change for change in self.changes if (change.unit, change.way) == (unit, way)), None)


@dataclass(frozen=True)
class Range:
    """How far one contender gets when each rater (or question) is left out in turn.

    `low` to `high` are its ratings, `low_without` and `high_without` name whose absence takes it there; `rank_best` to
    `rank_worst` its ranks; `first` the number without which it is first, and `unrated` the number without which nothing
    connects it with the others.
    """

    model: str
    rating: float
    rank: int
    low: float | None
    high: float | None
    low_without: str | None
    high_without: str | None
    rank_best: int | None
    rank_worst: int | None
    first: int
    unrated: int


@dataclass(frozen=True)
class LeaveOneOut:
    """Each of `units` raters or questions left out in turn, and the rest fitted again: for `refitted` of them.

    Where these are fewer, they are the ones of most influence.
    """

    unit: Unit
    units: int
    refitted: int
    rows: tuple[Range, ...]


@dataclass(frozen=True)
class Fragility:
    """How few votes, raters or questions the order of a board rests on. `votes` and `contenders` are those analysed.

    `first` is about first place, `neighbours` about each two that stand next to each other, `pair` about two asked for.
    """

    votes: int
    contenders: int
    first: Contest
    neighbours: tuple[Contest, ...]
    pair: Contest | None
    leave_one_out: tuple[LeaveOneOut, ...]
    settings: Mapping[str, str]
    warnings: tuple[str, ...]

    def to_dict(self) -> dict[str, object]:
        """The analysis as JSON: these keys in this order."""
        return asdict(self) | {"settings": dict(self.settings)}
