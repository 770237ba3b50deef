"""Which contenders can be compared at all, and where the likelihood has no finite maximum."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from arena.errors import BadInput
from arena.ratings.comparisons import FloatArray, IntArray

SHOWN = 6


class Disconnected(BadInput):
    """Contenders fall into groups that never met, so that no vote says how one group stands to another."""

    def __init__(self, islands: Sequence[Sequence[str]]) -> None:
        self.islands = tuple(tuple(island) for island in islands)
        groups = "; ".join(f"({number}) {_listed(island)}" for number, island in enumerate(self.islands, start=1))
        super().__init__(
            f"these {len(self.islands)} groups of contenders were never compared with each other, so that one ranking"
            f" of all would have no basis: {groups}. Collect votes between the groups, or rate each group by itself"
        )


def components(points: FloatArray) -> IntArray:
    """The island of each contender, from 1, numbered by its first contender.

    `points` of shape (contenders, contenders) says who scored how much against whom; who met is connected.
    """
    _, labels = connected_components(csr_array(points + points.T), directed=False)
    _, first, island = np.unique(labels, return_index=True, return_inverse=True)
    return (np.argsort(np.argsort(first)) + 1)[island.reshape(-1)].astype(np.int64)


def islands(contenders: Sequence[str], component: IntArray) -> list[list[str]]:
    """The contenders' names by island."""
    groups: list[list[str]] = [[] for _ in range(int(component.max()))]
    for name, number in zip(contenders, component, strict=True):
        groups[number - 1].append(name)
    return groups


def strongly_connected(points: FloatArray) -> npt.NDArray[np.bool_]:
    """Whether a finite maximum of the likelihood exists, for each of a batch of shape (batch, contenders, contenders).

    It does just when no group of contenders took every point from the rest (Ford 1957; Hunter 2004, assumption 1): when
    the first contender can be reached from each, and each from it, along "scored against".
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


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(names[:SHOWN])
    return shown if len(names) <= SHOWN else f"{shown} and {len(names) - SHOWN} more"
