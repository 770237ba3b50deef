"""What moves will do, told without fitting again: by influence, and by one Newton step.

The moves of most influence are the approximate maximum influence perturbation (Broderick, Giordano & Meager 2020).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from arena.ratings.fragility.moves import Moves
from arena.ratings.fragility.standing import Standing

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]

TRIALS = 60
"""Numbers of moves that are tried at most; each is the step of a root search, so that few are needed."""


def foretell(
    study: Standing, moves: Moves, first: int, challenger: int, influence: FloatArray
) -> tuple[int | None, int]:
    """The number of moves foretold to raise `challenger` over `first`, or None; and how many moves help at all.

    `influence`, (moves,), is that of each on the lead. The moves of most influence are made, and one Newton step taken
    from where the contenders stand. Other than the straight line, it knows that with votes gone the others weigh more.
    """
    lead = study.lead(first, challenger)
    linear, useful = needed(influence, moves.number, lead)
    low, high, low_lead = 0, useful + 1, lead
    number = useful if linear is None else linear
    for turn in range(TRIALS):
        if not low < number < high:
            break
        left = lead + _newton(study, moves, first, challenger, chosen(influence, moves.number, number))
        if left < 0:
            high, number = number, between(low, number, low_lead, left, turn)
            continue
        onward = int(np.ceil(number * lead / max(lead - left, lead / 8))) if lead > 0 else number + 1
        low, low_lead = number, left
        number = max(min(onward, high - 1 if high <= useful else useful), low + 1)
    return (None if high > useful else high), useful


def _newton(study: Standing, moves: Moves, first: int, challenger: int, times: IntArray | None) -> float:
    """What one Newton step adds to the lead where these moves are made."""
    if times is None:
        return 0.0
    points = moves.after(study.points, times)
    return float((points - study.points).ravel() @ Standing(points, study.theta).pull(first, challenger))


def between(low: int, high: int, low_lead: float, high_lead: float, turn: int) -> int:
    """Which number to try next: where the lead would be zero on a line from `low` to `high`, or the middle.

    The middle now and then, since it always halves what is left.
    """
    share = low_lead / (low_lead - high_lead) if turn % 3 < 2 and high_lead < low_lead else 0.5
    return min(max(low + int(np.ceil(share * (high - low))), low + 1), high - 1)


def needed(influence: FloatArray, number: IntArray, lead: float) -> tuple[int | None, int]:
    """How many moves, those of most influence first, bring the lead below zero on a straight line; and all that help.

    None where not even all that help do.
    """
    helping = np.flatnonzero(influence < 0)
    order = helping[np.argsort(influence[helping], kind="stable")]
    reached = np.cumsum(-influence[order] * number[order])
    useful = int(number[helping].sum())
    if not len(order) or reached[-1] <= lead:
        return None, useful
    at = int(np.searchsorted(reached, lead, side="right"))
    before = float(reached[at - 1]) if at else 0.0
    each = -float(influence[order[at]])
    return int(number[order[:at]].sum()) + int(np.floor((lead - before) / each)) + 1, useful


def chosen(influence: FloatArray, number: IntArray, size: int) -> IntArray | None:
    """The `size` moves of most influence against the lead, as how often each, (moves,); None where fewer help."""
    helping = np.flatnonzero(influence < 0)
    order = helping[np.argsort(influence[helping], kind="stable")]
    reached = np.cumsum(number[order])
    if not len(order) or reached[-1] < size:
        return None
    last = int(np.searchsorted(reached, size))
    times = np.zeros(len(number), dtype=np.int64)
    times[order[: last + 1]] = number[order[: last + 1]]
    times[order[last]] -= reached[last] - size
    return times
