"""What a reader of a board must know about it, in sentences."""

from __future__ import annotations

from collections.abc import Sequence

from arena.ratings.models.placing import PENALTY_SD
from arena.ratings.models.ties import TIE_SD

FEW_UNITS = 10
SHOWN = 6


def one_question() -> str:
    """There is nothing to resample by question."""
    return "All votes are on one question: the intervals say nothing about other questions."


def these_raters(number: int) -> str:
    """So few raters that what other raters would say cannot be told."""
    who = "one rater" if number == 1 else f"{number} raters"
    which = "this rater" if number == 1 else "these raters"
    return f"The votes are of {who}: too few to tell how others would vote, so the intervals speak of {which} only."


def unnamed(factor: str, number: int) -> str:
    """Some votes name a question (or rater) and some do not."""
    votes = "1 vote names" if number == 1 else f"{number} votes name"
    return f"{votes} no {factor}; each is taken as of a {factor} of its own."


def few_units(cluster: str, number: int) -> str:
    """So few units that their spread is itself uncertain."""
    what = f"1 {cluster}" if number == 1 else f"{number} {cluster}s"
    return f"The intervals rest on only {what}: they are rough."


def few_rounds(rounds: int, needed: int, *, ends: bool) -> str:
    """Percentiles of few rounds are coarse (`ends`), and so are variances."""
    drawn = "1 round was" if rounds == 1 else f"{rounds} rounds were"
    what = "the ends of the intervals" if ends else "the intervals"
    return f"Only {drawn} drawn: {what} are coarse; {needed:,} or more are needed."


def placed(names: Sequence[str], *, one_way: bool) -> str:
    """The place of some contenders is the penalty's doing as much as the votes'."""
    prior = f"a weak penalty, a normal prior of standard deviation {PENALTY_SD:g} logits."
    if one_way:
        reason = "between some groups of contenders all points went one way"
        return f"For {listed(names)} the votes alone set no bound ({reason}): rating and interval rest on {prior}"
    reason = "the votes are few, nearly all alike, or nearly all on one question or of one rater"
    untold = f"For {listed(names)} resampling does not tell how far they may be off ({reason})"
    return f"{untold}: the interval rests on {prior}"


def held() -> str:
    """The tie parameter is the prior's doing."""
    return (
        "Wins and ties set no bound on how often ties are to be expected, so that a weak penalty does: a normal prior"
        f" of standard deviation {TIE_SD:g} on the logarithm of the tie parameter."
    )


def one_order() -> str:
    """What random orders add to the spread of order-averaged Elo."""
    return (
        "The intervals are rather too wide: each resample is replayed in one random order, and the ratings are means"
        " over many."
    )


def islands(groups: Sequence[Sequence[str]]) -> str:
    """Numbers across islands mean nothing."""
    parts = "; ".join(f"({number}) {listed(group)}" for number, group in enumerate(groups, start=1))
    return (
        f"These {len(groups)} groups of contenders were never compared with each other, so that their ratings cannot be"
        f" compared and no ranks are given: {parts}. Collect votes between the groups, or rate each by itself."
    )


def listed(names: Sequence[str]) -> str:
    """Some names, and how many more there are."""
    shown = ", ".join(names[:SHOWN])
    return shown if len(names) <= SHOWN else f"{shown} and {len(names) - SHOWN} more"
