from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.sparse.csgraph import connected_components

from arena.ratings.connectivity import components, strongly_connected


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
    assert components(points).tolist() == [1, 2, 2, 2, 2, 1]
    points[2, 4] = 0
    points[2, 0] = 0.5
    assert components(points).tolist() == [1, 2, 1, 2, 2, 1]
