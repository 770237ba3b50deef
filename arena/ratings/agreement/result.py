"""What raters' agreement comes to, as values that JSON can hold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass

from arena.ratings.agreement.consistency import Repeats
from arena.ratings.agreement.pairs import Pairs
from arena.ratings.agreement.plurality import Plurality
from arena.ratings.agreement.position import Side
from arena.ratings.agreement.resampling import Estimate

NAMES = (
    "tie_rate",
    "raw",
    "cohen",
    "fleiss",
    "randolph",
    "gwet_ac1",
    "krippendorff_nominal",
    "krippendorff_ordinal",
    "gwet_ac2",
)
"""The figures of a comparison, in the order in which they are told."""


@dataclass(frozen=True)
class Comparison:
    """Agreement within a group of raters or between two: "human-human", "human-judge" or "judge-judge".

    `judge` names the one judge that people are compared with; None: all judges. `labels` are those that these raters
    could give, K in number. `raters` and `votes` (the first of each
    rater on a pairing) are those of the groups on the pairings that can be compared, `units` in number, on so many
    `questions`. `figures` are by NAMES; `pairs` says what Cohen's kappa is the mean of.
    """

    kind: str
    judge: str | None
    labels: tuple[str, ...]
    raters: int
    questions: int
    units: int
    votes: int
    figures: Mapping[str, Estimate]
    pairs: Pairs


@dataclass(frozen=True)
class Part:
    """The comparisons among all votes (`field` None), or among those whose `field` has this value."""

    field: str | None
    value: str | None
    comparisons: tuple[Comparison, ...]
    pluralities: tuple[Plurality, ...]

    def to_dict(self) -> dict[str, object]:
        """As JSON holds it."""
        return {
            "field": self.field,
            "value": self.value,
            "comparisons": [asdict(comparison) for comparison in self.comparisons],
            "plurality": [asdict(plurality) for plurality in self.pluralities],
        }


@dataclass(frozen=True)
class Agreement:
    """Who agrees with whom (`overall`, and in each of `parts`), which side raters prefer, and whether they repeat
    themselves. `labels` are those that any of the raters could give; `votes` all votes on a question."""

    votes: int
    labels: tuple[str, ...]
    overall: Part
    parts: tuple[Part, ...]
    position: tuple[Side, ...]
    consistency: tuple[Repeats, ...]
    warnings: tuple[str, ...]
    settings: Mapping[str, float | str]
    study: str | None = None
    ledger: Mapping[str, object] | None = None

    def to_dict(self) -> dict[str, object]:
        """The JSON contract: these keys in this order. Null is what cannot be said."""
        return {
            "study": self.study,
            "ledger": None if self.ledger is None else dict(self.ledger),
            "votes": self.votes,
            "unit": "question, pair of contenders and axis",
            "labels": list(self.labels),
            "overall": self.overall.to_dict(),
            "parts": [part.to_dict() for part in self.parts],
            "position": [asdict(side) for side in self.position],
            "consistency": [asdict(repeats) for repeats in self.consistency],
            "warnings": list(self.warnings),
            "settings": dict(self.settings),
        }
