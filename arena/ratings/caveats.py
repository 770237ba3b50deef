"""What a reader of a board must know about it, in sentences."""

from __future__ import annotations

from collections.abc import Sequence

from arena.ratings.bradley_terry import PENALTY_SD

FEW_UNITS = 10
FEW_ROUNDS = 100
SHOWN = 6


def mixed_questions() -> str:
    """Some votes name a question and some do not."""
    return "Some votes name no question, so the intervals are resampled by vote; they take votes as independent."


def one_question() -> str:
    """There is nothing to resample by question."""
    return (
        "All votes are on one question, so the intervals are resampled by vote: they say nothing about other questions."
    )


def few_units(cluster: str, number: int) -> str:
    """So few units that their spread is itself uncertain."""
    what = f"1 {cluster} was" if number == 1 else f"{number} {cluster}s were"
    return f"Only {what} resampled: the intervals are rough."


def few_rounds(rounds: int) -> str:
    """Percentiles of few rounds are coarse."""
    return f"Only {rounds} rounds were drawn: the ends of the intervals are coarse; {FEW_ROUNDS} or more are needed."


def penalised(undefeated: Sequence[str], winless: Sequence[str]) -> str:
    """The point estimate itself is penalised."""
    reasons = [f"no other contender took a point from {name}" for name in undefeated]
    reasons += [f"{name} took no point from another contender" for name in winless]
    if len(reasons) > SHOWN:
        reasons = [*reasons[:SHOWN], f"the same of {len(reasons) - SHOWN} more"]
    reason = "; ".join(reasons) or "one group of contenders took every point from the rest"
    return (
        f"The likelihood has no finite maximum ({reason}), so a weak penalty was used: a normal prior of standard"
        f" deviation {PENALTY_SD:g} logits on every strength. Distances across that gap come from the penalty."
    )


def penalised_rounds(number: int, rounds: int) -> str:
    """Some resamples were penalised though the votes themselves need not be."""
    return (
        f"In {number} of {rounds} resamples the likelihood had no finite maximum and the weak penalty was used"
        f" (a normal prior of standard deviation {PENALTY_SD:g} logits); votes are few for some contenders."
    )


def zero_width(names: Sequence[str]) -> str:
    """Every resample is alike, which is a lack of data and not precision."""
    return (
        f"Every resample gives the same rating to {listed(names)}: an interval of width zero is no certainty here;"
        " the votes are too few or too uniform to estimate one."
    )


def islands(groups: Sequence[Sequence[str]]) -> str:
    """Elo gives numbers across islands that mean nothing."""
    parts = "; ".join(f"({number}) {listed(group)}" for number, group in enumerate(groups, start=1))
    return f"These groups never met, so their ratings cannot be compared and no ranks are given: {parts}."


def listed(names: Sequence[str]) -> str:
    """Some names, and how many more there are."""
    shown = ", ".join(names[:SHOWN])
    return shown if len(names) <= SHOWN else f"{shown} and {len(names) - SHOWN} more"
