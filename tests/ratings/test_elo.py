from __future__ import annotations

import numpy as np
import pytest

from arena.ratings import encode, rate
from arena.ratings.elo import K, elo, elo_resampled, expected_score
from tests.ratings.samples import columns, golden, ratings, rows_of, side_votes
from tests.shared_data import shared_data


def test_the_stronger_is_expected_to_win() -> None:
    assert expected_score(1400, 1000) == pytest.approx(10 / 11)
    assert expected_score(1000, 1400) == pytest.approx(1 / 11)
    assert expected_score(1200, 1200) == 0.5


def test_one_win_between_equals_moves_half_of_k() -> None:
    assert ratings(rate(columns([("x", "y", "model_b")]), method="elo", rounds=2)) == {"x": 998.0, "y": 1002.0}


def test_beating_the_stronger_gains_more_than_beating_the_weaker() -> None:
    ladder = [("x", "y", "model_a")] * 100
    before = dict(zip("xy", elo(encode(columns(ladder))).tolist(), strict=True))
    upset = dict(zip("xy", elo(encode(columns([*ladder, ("x", "y", "model_b")]))).tolist(), strict=True))
    expected = dict(zip("xy", elo(encode(columns([*ladder, ("x", "y", "model_a")]))).tolist(), strict=True))
    assert upset["y"] - before["y"] > K / 2 > expected["x"] - before["x"] > 0


@pytest.mark.parametrize("name", ["simple", "food", "llmfao"])
def test_matches_evalica(name: str) -> None:
    """evalica's defaults are ours: K 4, start 1000, scale 400, a tie half a win, in the order of the file."""
    folder = shared_data("evalica_golden")
    path = shared_data("llmfao") / "crowd-comparisons.csv" if name == "llmfao" else folder / f"{name}.csv"
    encoded = encode(side_votes(path))
    found = dict(zip(encoded.contenders, elo(encoded).tolist(), strict=True))
    assert found == pytest.approx(golden(folder / f"{name}-golden.csv", "elo"), abs=1e-8)


def test_no_points_leak() -> None:
    votes = side_votes(shared_data("llmfao") / "crowd-comparisons.csv")
    assert elo(encode(votes)).mean() == pytest.approx(1000, abs=1e-9)


def test_the_order_of_the_votes_matters_and_is_stated() -> None:
    votes = columns([("x", "y", "model_a")] * 30 + [("x", "y", "model_b")] * 30)
    backwards = columns(rows_of(votes)[::-1])
    board = rate(votes, method="elo", rounds=2)
    assert ratings(board) != ratings(rate(backwards, method="elo", rounds=2))
    assert board.settings == {"both_bad": "half", "k": 4, "start": 1000, "base": 400, "order": "as given"}
    assert board.method == "elo"


def test_a_resample_is_the_drawn_votes_in_their_order() -> None:
    rows = [("x", "y", "model_a"), ("y", "z", "tie"), ("z", "x", "both_bad"), ("y", "x", "model_b")]
    times = np.array([[1, 1, 1, 1], [0, 3, 1, 0], [2, 0, 0, 2]])
    found = elo_resampled(encode(columns(rows)), times, np.arange(4))
    for drawn, resampled in zip(times, found, strict=True):
        # The contenders without a drawn vote keep their start; one vote of each keeps the codes alike.
        repeated = [row for row, number in zip(rows, drawn, strict=True) for _ in range(number)]
        alone = encode(columns(repeated))
        expected = {"x": 1000.0, "y": 1000.0, "z": 1000.0} | dict(zip(alone.contenders, elo(alone), strict=True))
        assert dict(zip("xyz", resampled.tolist(), strict=True)) == pytest.approx(expected, abs=1e-9)
