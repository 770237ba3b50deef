"""Which contenders can be compared at all (islands), and which so that the likelihood has a maximum (blocks)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]


def islands(points: FloatArray) -> IntArray:
    """The island of each contender, from 1: who met, even through others, is on one island.

    `points` of shape (contenders, contenders) says who scored how much against whom. Islands are numbered by their
    first contender.
    """
    return _numbered(points, "weak") + 1


def blocks(points: FloatArray) -> IntArray:
    """The block of each contender, from 0: in a block, everyone can be reached from everyone along "scored against".

    Within a block the Bradley-Terry likelihood has a finite maximum; between blocks all points went one way, and it has
    none (Ford 1957; Hunter 2004, assumption 1).
    """
    return _numbered(points, "strong")


def _numbered(points: FloatArray, connection: Literal["weak", "strong"]) -> IntArray:
    _, labels = connected_components(csr_array(points), directed=True, connection=connection)
    _, first, number = np.unique(labels, return_index=True, return_inverse=True)
    return np.argsort(np.argsort(first))[number.reshape(-1)].astype(np.int64)


def strongly_connected(points: FloatArray) -> npt.NDArray[np.bool_]:
    """Whether all contenders form one block, for each of a batch of shape (batch, contenders, contenders).

    That is, whether the first contender can be reached from each, and each from it, along "scored against".
    """
    scored = (points > 0).astype(np.float32)
    return _all_reached(scored) & _all_reached(scored.transpose(0, 2, 1))


def _all_reached(edges: npt.NDArray[np.float32]) -> npt.NDArray[np.bool_]:
    batch, n, _ = edges.shape
    reached = np.zeros((batch, 1, n), dtype=np.float32)
    reached[:, 0, 0] = 1
    while True:
        onward = (reached + reached @ edges > 0).astype(np.float32)
        if np.array_equal(onward, reached):
            return np.asarray(reached.all(axis=(1, 2)), dtype=np.bool_)
        reached = onward


def named(contenders: Sequence[str], group: IntArray) -> list[list[str]]:
    """The contenders' names by island or block, in the order of its numbers."""
    groups: dict[int, list[str]] = {}
    for name, number in zip(contenders, group.tolist(), strict=True):
        groups.setdefault(number, []).append(name)
    return [groups[number] for number in sorted(groups)]
