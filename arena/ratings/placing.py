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
from arena.ratings.bradley_terry import MAX_STEPS, damped, derivatives

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]

PENALTY_SD = 3.0
"""Standard deviation, in logits, of the normal prior on the place of each block: wider than any published board."""
PRECISION = PENALTY_SD**-2
TOLERANCE = 1e-10


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
        direction = self._direction(block)
        return float(direction @ self._tilted(direction, 0.0))

    def interval(self, block: int, drop: float) -> tuple[float, float]:
        """The places of `block` at which twice the log-likelihood is at most `drop` below its maximum.

        All other blocks are placed anew at each (Venzon & Moolgavkar 1988, by tilting instead of fixing).
        """
        direction = self._direction(block)
        if not direction.any():
            return 0.0, 0.0
        top = self._value(self._tilted(direction, 0.0))

        def excess(tilt: float) -> float:
            return 2.0 * (top - self._value(self._tilted(direction, tilt))) - drop

        low, high = (float(direction @ self._tilted(direction, _root(excess, sign))) for sign in (-1.0, 1.0))
        return low, high

    def _direction(self, block: int) -> FloatArray:
        direction = -self.reference
        direction[block] += 1.0
        return direction

    @cached_property
    def _member(self) -> FloatArray:
        return _members(self.block)

    def _value(self, moved: FloatArray) -> float:
        theta = self.inner + moved[self.block]
        fit = (self.across * log_expit(theta[:, None] - theta[None, :])).sum()
        return float(fit) - PRECISION / 2.0 * float(moved @ moved)

    def _tilted(self, direction: FloatArray, tilt: float) -> FloatArray:
        """Where the penalised log-likelihood plus `tilt` times the place along `direction` is largest."""
        games, scored = (self.across + self.across.T)[None], self.across.sum(axis=1)[None]
        moved = np.zeros(self._member.shape[1])
        for _ in range(MAX_STEPS):
            by_contender, weight = derivatives((self.inner + moved[self.block])[None], games, scored)
            gradient = (by_contender @ self._member)[0] - PRECISION * moved + tilt * direction
            if (np.abs(gradient) <= 1e-9 * max(1.0, abs(tilt), float(games.sum()))).all():
                break
            step = np.linalg.solve(_information(weight, self._member)[0], gradient)
            moved += damped(step[None])[0]
        return moved


def _root(excess: Callable[[float], float], sign: float) -> float:
    """The tilt of this sign at which `excess`, negative at 0 and growing with the tilt, is 0."""
    far = sign
    while excess(far) < 0.0:
        far *= 2.0
    return float(brentq(excess, 0.0, far, xtol=1e-9 * abs(far), rtol=1e-10))
