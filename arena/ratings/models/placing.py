"""Blocks placed relative to each other where all points between them went one way, and how far they can be apart.

There the likelihood has no finite maximum: it grows without end as the gap widens. So the blocks, each fitted by
itself, are moved as they are to where the votes between them, less a weak penalty, put them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
from scipy.optimize import brentq
from scipy.special import log_expit

from arena.errors import Incomplete
from arena.ratings.models.bradley_terry import MAX_STEPS, ROUNDING, damped, derivatives

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]

PENALTY_SD = 3.0
"""Standard deviation, in logits, of the normal prior on the place of each block: wider than any published board."""
PRECISION = PENALTY_SD**-2
TOLERANCE = 1e-10
MANY = 40
"""Blocks above which intervals are not profiled."""


def place(points: FloatArray, inner: FloatArray, block: IntArray) -> FloatArray:
    """How far each block is moved, (batch, blocks), in logits, for each of a batch that falls into the same blocks.

    `points`, (batch, contenders, contenders), say who scored how much against whom; `inner`, (batch, contenders), are
    the log-strengths within the blocks, each of mean 0. Maximises the Bradley-Terry likelihood of the votes between
    blocks less Σδ²/(2·PENALTY_SD²), with `inner` fixed. Raises Incomplete where it does not converge.
    """
    member = _members(block)
    across = points * (block[:, None] != block[None, :])
    games, scored = across + across.transpose(0, 2, 1), across.sum(axis=2)
    moved = np.zeros((len(points), member.shape[1]))
    tolerance = TOLERANCE * np.maximum(1.0, games.sum(axis=(1, 2)))[:, None]
    for _ in range(MAX_STEPS):
        by_contender, weight = derivatives(inner + moved[:, block], games, scored)
        gradient = by_contender @ member - PRECISION * moved
        if (np.abs(gradient) <= tolerance).all():
            return moved
        step = np.linalg.solve(_information(weight, member), gradient[:, :, None])[:, :, 0]
        moved += damped(np.asarray(step, dtype=np.float64))
    raise Incomplete(f"placing the groups did not converge in {MAX_STEPS} Newton steps; please report these votes")


def _members(block: IntArray) -> FloatArray:
    return np.asarray(block[:, None] == np.arange(block.max() + 1), dtype=np.float64)


def _information(weight: FloatArray, member: FloatArray) -> FloatArray:
    between = np.asarray(member.T @ weight @ member, dtype=np.float64)
    inside = np.arange(member.shape[1])
    information: FloatArray = np.negative(between)
    information[:, inside, inside] += between.sum(axis=2) + PRECISION
    return information


@dataclass(frozen=True)
class Profile:
    """The penalised profile likelihood of where one block stands, relative to a weighted mean of all.

    `across`, (contenders, contenders), are the points between blocks, each vote with the share of an independent one
    that it is worth; `inner`, `block` as in `place`; `reference`, (blocks,), sums to 1.
    """

    across: FloatArray
    inner: FloatArray
    block: IntArray
    reference: FloatArray

    def best(self, block: int) -> float:
        """The place of `block` at which the penalised likelihood is largest."""
        return float(self._direction(block) @ self._top)

    def interval(self, block: int, drop: float) -> tuple[float, float]:
        """The places of `block` at which twice the log-likelihood is at most `drop` below its maximum.

        All other blocks are placed anew at each (Venzon & Moolgavkar 1988, by tilting instead of fixing). Above MANY
        blocks, where that would take minutes, by the curvature at the maximum.
        """
        direction = self._direction(block)
        if not direction.any():
            return 0.0, 0.0
        if len(self.reference) > MANY:
            half = float(np.sqrt(drop * (direction @ self._inverse @ direction)))
            return self.best(block) - half, self.best(block) + half

        def excess(tilt: float) -> float:
            return 2.0 * self._loss(self._tilted(direction, tilt)) - drop

        low, high = (float(direction @ self._tilted(direction, _root(excess, sign))) for sign in (-1.0, 1.0))
        return low, high

    def _direction(self, block: int) -> FloatArray:
        direction = -self.reference
        direction[block] += 1.0
        return direction

    @cached_property
    def _member(self) -> FloatArray:
        return _members(self.block)

    @cached_property
    def _top(self) -> FloatArray:
        return self._tilted(np.zeros(len(self.reference)), 0.0)

    @cached_property
    def _inverse(self) -> FloatArray:
        theta = (self.inner + self._top[self.block])[None]
        _, weight = derivatives(theta, (self.across + self.across.T)[None], self.across.sum(axis=1)[None])
        inverse: FloatArray = np.linalg.inv(_information(weight, self._member)[0])
        return inverse

    def _loss(self, moved: FloatArray) -> float:
        """How far the penalised log-likelihood is below its maximum; pair by pair, so that no difference drowns."""
        here, there = (self.inner + place[self.block] for place in (self._top, moved))
        lost = log_expit(here[:, None] - here[None, :]) - log_expit(there[:, None] - there[None, :])
        return float((self.across * lost).sum()) - PRECISION / 2.0 * float(self._top @ self._top - moved @ moved)

    def _tilted(self, direction: FloatArray, tilt: float) -> FloatArray:
        """Where the penalised log-likelihood plus `tilt` times the place along `direction` is largest."""
        games, scored = (self.across + self.across.T)[None], self.across.sum(axis=1)[None]
        moved = np.zeros(len(self.reference))
        near = 1e-9 * max(1.0, abs(tilt)) + ROUNDING * float(games.sum())
        for _ in range(MAX_STEPS):
            by_contender, weight = derivatives((self.inner + moved[self.block])[None], games, scored)
            gradient = (by_contender @ self._member)[0] - PRECISION * moved + tilt * direction
            if (np.abs(gradient) <= near).all():
                return moved
            step = np.linalg.solve(_information(weight, self._member)[0], gradient)
            moved = moved + damped(step[None])[0]
        raise Incomplete(f"placing the groups did not converge in {MAX_STEPS} Newton steps; please report these votes")


def _root(excess: Callable[[float], float], sign: float) -> float:
    """The tilt of this sign at which `excess`, negative at 0 and growing with the tilt, is 0."""
    far = sign
    for _ in range(MAX_STEPS):
        if excess(far) >= 0.0:
            return float(brentq(excess, 0.0, far, xtol=1e-9 * abs(far), rtol=1e-10))
        far *= 2.0
    raise Incomplete("the ends of an interval were not found; please report these votes")
