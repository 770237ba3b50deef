"""Votes from integers are the votes that `encode` makes of the names."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from arena.errors import BadInput
from arena.ratings import Votes, encode
from arena.ratings.comparisons.votes import OUTCOMES, from_codes

NAMES = ["b", "a", "ä", "Z", "", "a "]
ROWS = st.lists(
    st.tuples(
        st.sampled_from([(0, 1), (1, 0), (2, 3), (5, 1), (3, 5)]),
        st.integers(0, 3),
        st.integers(-1, 5),
        st.integers(-1, 5),
    ),
    min_size=1,
    max_size=30,
)


def columns(votes: Votes) -> list[object]:
    """All that votes hold, in plain values."""
    arrays = (votes.a, votes.b, votes.outcome, votes.question, votes.rater, votes.weight)
    names: list[object] = [votes.contenders, votes.questions, votes.raters]
    return names + [None if array is None else (array.dtype, array.tolist()) for array in arrays]


@given(ROWS)
def test_integers_are_what_their_names_are(rows: list[tuple[tuple[int, int], int, int, int]]) -> None:
    pairs, outcome, question, rater = (list(column) for column in zip(*rows, strict=True))
    a, b = (np.array(side) for side in zip(*pairs, strict=True))
    told = from_codes(
        NAMES,
        a,
        b,
        np.array(outcome, dtype=np.int8),
        questions=NAMES,
        question=np.array(question),
        raters=NAMES,
        rater=np.array(rater),
    )
    named = [*NAMES, None]
    table = {
        "model_a": [NAMES[at] for at in a],
        "model_b": [NAMES[at] for at in b],
        "winner": [OUTCOMES[at] for at in outcome],
        "question_id": [named[at] for at in question],
        "rater": [named[at] for at in rater],
    }
    assert columns(told) == columns(encode(table))


def test_there_may_be_no_votes() -> None:
    none = np.zeros(0, dtype=np.int32)
    empty = from_codes(["a", "b"], none, none, none.astype(np.int8), questions=["q"], question=none)
    assert (empty.contenders, empty.questions, empty.question, len(empty.a)) == ((), (), None, 0)


@pytest.mark.parametrize(("names", "b"), [(["x", " "], 1), (["x", "y"], 0)])
def test_what_encode_refuses_is_refused(names: list[str], b: int) -> None:
    with pytest.raises(BadInput):
        from_codes(names, np.array([0]), np.array([b]), np.zeros(1, dtype=np.int8))
    with pytest.raises(BadInput):
        encode({"model_a": ["x"], "model_b": [names[b]], "winner": ["tie"]})
