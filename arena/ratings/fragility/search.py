"""The fewest moves that change an order: foretold by influence, made good by fitting again.

What is returned has been fitted, so that it is an upper bound; `exhaustive` says whether it is the exact number.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from arena.ratings.fragility.influence import TRIALS, between, chosen, foretell, needed
from arena.ratings.fragility.moves import Moves
from arena.ratings.fragility.standing import Order, Standing, stand

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]

LINEARISED = 4
"""How often the influences are taken anew, at the point reached, before a number of moves is given up."""
FEW = 8
"""Challengers that are tried in any case."""
STEPS, LOOKED_AT = 60, 20
"""Moves made one by one at most, and how many of most influence are looked at each time."""
STEP_POINTS = 100_000
"""Points, over all that is looked at, up to which moves are made one by one to see whether fewer do."""
FAR = 2**62
"""The guess for a challenger whom no moves bring to the top on a straight line."""


@dataclass(frozen=True)
class Trial:
    """So many moves of each kind, (moves,), and where the contenders stand after them."""

    times: IntArray
    after: Standing
    lead: float
    changed: bool


@dataclass(frozen=True)
class Fewest:
    """What a search found: `number` of moves after which the order is another, and which; None where it found none.

    `predicted` is the number foretold (`influence.foretell`).
    """

    predicted: int | None
    number: int | None
    trial: Trial | None


def fewest(study: Standing, moves: Moves, order: Order, challenger: int, limit: int | None = None) -> Fewest:
    """The fewest moves found that change the order by raising `challenger` over `order.first`; at most `limit`."""
    influence = moves.influence(study.pull(order.first, challenger))
    lead = study.lead(order.first, challenger)
    search = _Search(study, moves, order, challenger)
    predicted, useful = foretell(study, moves, order.first, challenger, influence)
    most = useful if limit is None else min(useful, limit)
    best: Trial | None = None
    low, high, low_lead = 0, most + 1, lead
    number = min(most, most if predicted is None else predicted)
    for turn in range(TRIALS):
        if not low < number < high:
            break
        trial, further = search.best(number, influence)
        if trial is not None and trial.changed:
            best, high = trial, number
            number = between(low, high, low_lead, trial.lead, turn)
        elif trial is None or np.isinf(trial.lead):
            high, number = number, (low + number) // 2  # too many: nothing is left to compare by
        else:
            low, low_lead = number, trial.lead
            number = min(low + further, high - 1)
    fewer = min(most, STEPS) if best is None else int(best.times.sum()) - 1
    if (best is None and limit is None) or fewer * LOOKED_AT * study.points.size <= STEP_POINTS:
        best = search.step_by_step(fewer) or best
    return Fewest(predicted, None if best is None else int(best.times.sum()), best)


def fewest_of(study: Standing, moves: Moves, order: Order) -> Fewest:
    """The same over all who may rise above `order.first`: the one in question, or whoever gets there with fewest moves.

    Challengers are taken in the order of their linear guesses, each only with fewer moves than the best so far; all
    where they are few, else until the guesses are far above it.
    """
    if order.second is not None:
        return fewest(study, moves, order, order.second)
    guesses = _guesses(study, moves, order)
    found = Fewest(None, None, None)
    for turn, (guess, challenger) in enumerate(guesses):
        if found.number is not None and turn >= FEW and guess > found.number * 3 // 2 + 1:
            break
        limit = None if found.number is None else found.number - 1
        better = fewest(study, moves, order, challenger, limit)
        foretold = min((each.predicted for each in (found, better) if each.predicted is not None), default=None)
        found = replace(found if better.number is None else better, predicted=foretold)
    return found


def _guesses(study: Standing, moves: Moves, order: Order) -> list[tuple[int, int]]:
    """The linear guess for each challenger, and who it is; the lowest first, and equal ones by their lead."""
    known = np.flatnonzero(~np.isnan(study.theta))
    guesses = []
    for challenger in known[known != order.first].tolist():
        lead = study.lead(order.first, challenger)
        influence = moves.influence(study.pull(order.first, challenger))
        guess = needed(influence, moves.number, lead)[0]
        guesses.append((FAR if guess is None else guess, lead, challenger))
    return [(guess, challenger) for guess, _, challenger in sorted(guesses)]


@dataclass(frozen=True)
class _Search:
    study: Standing
    moves: Moves
    order: Order
    challenger: int

    def best(self, size: int, influence: FloatArray) -> tuple[Trial | None, int]:
        """The best found way to make `size` moves, and how many more seem to be needed.

        The influences are taken anew at each point reached (Frank & Wolfe's linear steps), until the order changes or
        the same moves are chosen again.
        """
        best: Trial | None = None
        further, tried = 1, set[bytes]()
        for _ in range(LINEARISED):
            times = chosen(influence, self.moves.number, size)
            if times is None or times.tobytes() in tried:
                break
            tried.add(times.tobytes())
            trial = self.make(times)
            if trial.changed:
                return trial, 0
            if best is None or trial.lead < best.lead:
                best = trial
            if np.isinf(trial.lead):
                break
            influence = self.moves.influence(trial.after.pull(self.order.first, self.challenger))
            if best is trial:
                further = needed(influence, self.moves.number - times, trial.lead)[0] or 1
        return best, further

    def make(self, times: IntArray) -> Trial:
        """The moves made, and everything fitted again."""
        points = self.moves.after(self.study.points, times)
        theta = stand(points[None], self.order.first, self.study.theta)
        after = Standing(points, theta[0])
        lead = after.lead(self.order.first, self.challenger)
        return Trial(times, after, lead, bool(self.order.changed(theta)[0]))

    def step_by_step(self, most: int) -> Trial | None:
        """One move at a time, the best of some that leave the two comparable; None where `most` do not suffice.

        It finds ways past points where no move has influence, as where both have come to be undefeated.
        """
        times, standing = np.zeros(len(self.moves.number), dtype=np.int64), self.study
        for _ in range(most):
            influence = self.moves.influence(standing.pull(self.order.first, self.challenger))
            left = np.flatnonzero(times < self.moves.number)
            looked_at = left[np.argsort(influence[left], kind="stable")][:LOOKED_AT]
            if not len(looked_at):
                return None
            points = np.stack([self.moves.after(self.study.points, _once_more(times, at)) for at in looked_at])
            theta = stand(points, self.order.first, self.study.theta)
            changed = self.order.changed(theta)
            lead = np.nan_to_num(theta[:, self.order.first] - theta[:, self.challenger], nan=np.inf)
            best = int(np.argmin(np.where(changed, -np.inf, lead)))
            times, standing = _once_more(times, looked_at[best]), Standing(points[best], theta[best])
            if changed[best]:
                return Trial(times, standing, float(lead[best]), True)
            if np.isinf(lead[best]):
                return None
        return None


def _once_more(times: IntArray, at: int) -> IntArray:
    more = times.copy()
    more[at] += 1
    return more
