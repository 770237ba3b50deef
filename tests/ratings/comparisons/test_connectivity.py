"""Who met whom, and who can be reached from whom: islands and blocks."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.sparse.csgraph import connected_components

from arena.ratings.comparisons.connectivity import blocks, islands, named, strongly_connected


@given(
    arrays(
        np.float64,
        st.tuples(st.integers(1, 6), st.integers(5, 5), st.integers(5, 5)),
        elements=st.just(0.0) | st.just(0.5),
    )
)
def test_strong_connection_is_what_scipy_finds(points: np.ndarray) -> None:
    expected = [connected_components(one, connection="strong")[0] == 1 for one in points]
    assert strongly_connected(points).tolist() == expected


def test_a_long_cycle_is_connected_and_a_long_chain_is_not() -> None:
    chain = np.diag(np.ones(59), k=1)
    cycle = chain.copy()
    cycle[59, 0] = 1
    assert strongly_connected(np.stack([chain, cycle])).tolist() == [False, True]


def test_islands_are_numbered_by_their_first_contender() -> None:
    points = np.zeros((6, 6))
    points[5, 0] = points[1, 3] = points[3, 4] = points[2, 4] = 1
    assert islands(points).tolist() == [1, 2, 2, 2, 2, 1]
    points[2, 4] = 0
    points[2, 0] = 0.5
    assert islands(points).tolist() == [1, 2, 1, 2, 2, 1]


def test_blocks_are_numbered_by_their_first_contender() -> None:
    points = np.zeros((6, 6))
    points[5, 0] = points[0, 5] = points[1, 3] = points[3, 4] = points[4, 1] = points[2, 4] = 1
    assert blocks(points).tolist() == [0, 1, 2, 1, 1, 0]
    points[3, 2] = 0.5  # 2 lost half a point to the cycle that it beat
    assert blocks(points).tolist() == [0, 1, 1, 1, 1, 0]


@given(arrays(np.float64, st.integers(1, 7).map(lambda n: (n, n)), elements=st.just(0.0) | st.just(0.5)))
def test_islands_and_blocks_are_what_a_search_from_each_contender_finds(points: np.ndarray) -> None:
    """By Warshall's closure instead of scipy's search."""
    n = len(points)
    forth, met = points > 0, (points + points.T) > 0
    for k in range(n):
        forth |= np.outer(forth[:, k], forth[k])
        met |= np.outer(met[:, k], met[k])
    same = np.eye(n, dtype=bool)
    assert np.array_equal(np.equal.outer(blocks(points), blocks(points)), (forth & forth.T) | same)
    assert np.array_equal(np.equal.outer(islands(points), islands(points)), met | same)


def test_groups_are_named_in_the_order_of_their_numbers() -> None:
    assert named(["a", "b", "c", "d"], np.array([1, 2, 1, 3])) == [["a", "c"], ["b"], ["d"]]
