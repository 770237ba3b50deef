from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arena.errors import BadInput
from arena.ratings import Cluster, Method, rate
from arena.ratings.comparisons.votes import OUTCOMES, encode
from arena.ratings.intervals import by_elo as by_elo_module
from arena.ratings.models import elo as elo_module
from arena.ratings.models.elo import (
    K,
    elo,
    elo_averaged,
    elo_averaged_resampled,
    elo_resampled,
    expected_score,
)
from tests.ratings.samples import by_name, columns, ratings, rows_of, side_votes
from tests.shared_data import shared_data

SCORE = {"model_a": 1.0, "model_b": 0.0, "tie": 0.5, "both_bad": 0.5}
Rows = list[tuple[str, ...]]


def by_hand(rows: Sequence[tuple[Any, ...]], k: float = 4, base: float = 400, start: float = 1000) -> dict[str, float]:
    """Elo as the book has it, game by game: (a, b, winner[, weight])."""
    found: dict[str, float] = {}
    for a, b, winner, *weight in rows:
        before_a, before_b = found.setdefault(a, start), found.setdefault(b, start)
        expected = 1 / (1 + 10 ** ((before_b - before_a) / base))
        found[a] += k * (weight or [1])[0] * (SCORE[winner] - expected)
        found[b] += k * (weight or [1])[0] * ((1 - SCORE[winner]) - (1 - expected))
    return found


def named(names: Sequence[str], values: npt.NDArray[np.float64]) -> dict[str, float]:
    return dict(zip(names, values.tolist(), strict=True))


def counts(rows: Sequence[tuple[str, str, int, int, int]]) -> dict[str, list[Any]]:
    """Counts (model_a, model_b, wins_a, wins_b, ties) as columns."""
    names = ("model_a", "model_b", "wins_a", "wins_b", "ties")
    return {name: [row[index] for row in rows] for index, name in enumerate(names)}


@st.composite
def games(draw: st.DrawFn) -> Rows:
    """1 to 40 games between up to 5 contenders, in which each has to occur."""
    pair = st.permutations("vwxyz").map(lambda order: (order[0], order[1]))
    drawn = draw(st.lists(st.tuples(pair, st.sampled_from(OUTCOMES)), min_size=1, max_size=40))
    return [(a, b, outcome) for (a, b), outcome in drawn]


def test_the_stronger_is_expected_to_win() -> None:
    assert expected_score(1400, 1000) == pytest.approx(10 / 11)
    assert expected_score(1000, 1400) == pytest.approx(1 / 11)
    assert expected_score(1200, 1200) == 0.5
    assert expected_score(1173, 1000, base=173) == pytest.approx(10 / 11)
    assert expected_score(1e9, 0) == 1.0


def test_one_win_between_equals_moves_half_of_k() -> None:
    assert ratings(rate(columns([("x", "y", "model_b")]), method="elo", rounds=2)) == {"x": 998.0, "y": 1002.0}


def test_three_games_by_hand() -> None:
    """K 32: 1000 and 1000, then 1016 against 1000, then 984 against what is left; nothing is rounded on the way."""
    votes = encode(columns([("x", "y", "model_a"), ("x", "z", "tie"), ("y", "z", "model_b")]))
    x_expected = 1 / (1 + 10 ** (-16 / 400))
    x, z = 1016 + 32 * (0.5 - x_expected), 1000 - 32 * (0.5 - x_expected)
    y_expected = 1 / (1 + 10 ** ((z - 984) / 400))
    found = named(votes.contenders, elo(votes, k=32))
    expected = {"x": x, "y": 984 - 32 * y_expected, "z": z + 32 * y_expected}
    assert found == pytest.approx(expected, abs=1e-10)
    assert 0 < found["x"] % 1 < 1


def test_beating_the_stronger_gains_more_than_beating_the_weaker() -> None:
    ladder = [("x", "y", "model_a")] * 100
    before = dict(zip("xy", elo(encode(columns(ladder))).tolist(), strict=True))
    upset = dict(zip("xy", elo(encode(columns([*ladder, ("x", "y", "model_b")]))).tolist(), strict=True))
    expected = dict(zip("xy", elo(encode(columns([*ladder, ("x", "y", "model_a")]))).tolist(), strict=True))
    assert upset["y"] - before["y"] > K / 2 > expected["x"] - before["x"] > 0


@given(games(), st.floats(0.5, 64), st.floats(50, 1000), st.floats(-500, 2000))
@settings(max_examples=60, deadline=None)
def test_is_elo_as_the_book_has_it_and_no_points_leak(rows: Rows, k: float, base: float, start: float) -> None:
    votes = encode(columns(rows))
    found = elo(votes, k=k, base=base, start=start)
    assert named(votes.contenders, found) == pytest.approx(by_hand(rows, k, base, start), abs=1e-8)
    assert found.sum() == pytest.approx(start * len(found), abs=1e-8)


def test_no_points_leak_in_9000_votes() -> None:
    votes = side_votes(shared_data("llmfao") / "crowd-comparisons.csv")
    assert elo(encode(votes)).mean() == pytest.approx(1000, abs=1e-9)


def test_a_vote_of_twice_the_weight_moves_twice_as_far() -> None:
    rows = [("x", "y", "model_a", 2.0), ("y", "z", "tie", 0.25), ("z", "x", "model_b", 3.5)]
    weighted: dict[str, Any] = {**columns([row[:3] for row in rows]), "weight": [row[3] for row in rows]}
    votes = encode(weighted)
    assert named(votes.contenders, elo(votes)) == pytest.approx(by_hand(rows), abs=1e-9)
    drawn = elo_resampled(votes, np.array([[1, 0, 1]]), np.arange(3))
    assert named(votes.contenders, drawn[0]) == pytest.approx({"y": 1000.0} | by_hand([rows[0], rows[2]]), abs=1e-9)
    assert elo(encode(columns([("x", "y", "model_a")])), k=8) == pytest.approx(
        elo(encode({**columns([("x", "y", "model_a")]), "weight": [2.0]})), abs=1e-12
    )


def test_long_files_are_read_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [("x", "y", "model_a"), ("y", "z", "tie"), ("z", "x", "model_b"), ("y", "x", "model_a"), ("x", "z", "tie")]
    votes = encode(columns(rows))
    whole, averaged = elo(votes), elo_averaged(votes, orders=5)
    monkeypatch.setattr(elo_module, "CHUNK", 2)
    monkeypatch.setattr(elo_module, "BLOCK", 2)
    assert elo(votes).tolist() == whole.tolist()
    assert elo_averaged(votes, orders=5).tolist() == averaged.tolist()


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
    found = elo_resampled(encode(columns(rows)), times, np.arange(4), k=8, base=300, start=0)
    for drawn, resampled in zip(times, found, strict=True):
        repeated = [row for row, number in zip(rows, drawn, strict=True) for _ in range(number)]
        # The contenders without a drawn vote keep their start.
        expected = {"x": 0.0, "y": 0.0, "z": 0.0} | by_hand(repeated, 8, 300, 0)
        assert named("xyz", resampled) == pytest.approx(expected, abs=1e-9)


FIVE: Rows = [
    ("x", "y", "model_a"),
    ("y", "z", "model_a"),
    ("z", "x", "tie"),
    ("x", "y", "model_b"),
    ("x", "z", "model_a"),
]


def over_all_orders(rows: Rows, k: float) -> tuple[dict[str, float], dict[str, float]]:
    """The mean of Elo over every order there is, and the standard deviation of a single order."""
    each = [by_hand(order, k) for order in itertools.permutations(rows)]
    mean = {name: sum(one[name] for one in each) / len(each) for name in each[0]}
    spread = {name: math.sqrt(sum((one[name] - mean[name]) ** 2 for one in each) / len(each)) for name in mean}
    return mean, spread


def test_the_average_is_that_of_all_orders() -> None:
    mean, spread = over_all_orders(FIVE, k=200)
    votes = encode(columns(FIVE))
    found = named(votes.contenders, elo_averaged(votes, orders=20_000, k=200))
    online = named(votes.contenders, elo(votes, k=200))
    for name in mean:
        # Five standard errors, of which the order given is far off: the test could tell the two apart.
        assert abs(found[name] - mean[name]) < 5 * spread[name] / math.sqrt(20_000)
    assert any(abs(online[name] - mean[name]) > 50 * spread[name] / math.sqrt(20_000) for name in mean)


def test_the_average_depends_on_the_seed_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    votes = encode(columns(FIVE))
    told: list[tuple[int, int]] = []
    plain = elo_averaged(votes, orders=7, seed=3, k=100, progress=lambda done, orders: told.append((done, orders)))
    assert told == [(7, 7)]
    assert elo_averaged(votes, orders=7, seed=4, k=100).tolist() != plain.tolist()
    monkeypatch.setattr(elo_module, "BATCH_NUMBERS", 10)
    told.clear()
    again = elo_averaged(votes, orders=7, seed=3, k=100, progress=lambda done, orders: told.append((done, orders)))
    assert again.tolist() == plain.tolist()
    assert told == [(2, 7), (4, 7), (6, 7), (7, 7)]


def test_averaged_over_orders_early_and_late_wins_count_alike() -> None:
    early = encode(columns([("x", "y", "model_a")] * 30 + [("x", "y", "model_b")] * 30))
    assert abs(np.diff(elo(early, k=16))[0]) > 100
    assert abs(np.diff(elo_averaged(early, k=16, orders=400))[0]) < 15


def test_counts_have_no_order_and_are_averaged_as_so_many_votes() -> None:
    counted = encode(counts([("x", "y", 1, 1, 0), ("y", "z", 1, 0, 0), ("x", "z", 1, 0, 1)]))
    mean, spread = over_all_orders(FIVE, k=200)
    found = named(counted.contenders, elo_averaged(counted, orders=20_000, k=200))
    for name in mean:
        assert abs(found[name] - mean[name]) < 5 * spread[name] / math.sqrt(20_000)
    with pytest.raises(BadInput, match=r"counts of votes, which have no order.*order-averaged Elo"):
        elo(counted)
    with pytest.raises(BadInput, match="counts of votes, which have no order"):
        elo_resampled(counted, np.ones((1, len(counted.a)), dtype=np.int64), np.arange(len(counted.a)))


def test_a_count_of_three_is_three_votes() -> None:
    three, votes = encode(counts([("x", "y", 3, 0, 0)])), encode(columns([("x", "y", "model_a")] * 3))
    assert elo_averaged(three, orders=2).tolist() == pytest.approx(elo(votes).tolist(), abs=1e-9)
    rng = np.random.default_rng(1)
    twice = elo_averaged_resampled(three, np.array([[2]]), np.array([0]), rng)
    assert twice[0].tolist() == pytest.approx(list(by_hand([("x", "y", "model_a")] * 6).values()), abs=1e-9)


def test_an_averaged_resample_is_one_random_order_of_what_was_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every round is Elo over some order of its votes, and all orders come up alike often."""
    votes = encode(columns(FIVE))
    unit = np.array([0, 1, 1, 2, 0])
    times = np.tile([[1, 0, 2], [0, 1, 1], [0, 0, 0]], (2000, 1))
    found = elo_averaged_resampled(votes, times, unit, np.random.default_rng(2), k=100)
    drawn: list[Rows] = [[FIVE[0], FIVE[4], FIVE[3], FIVE[3]], [FIVE[1], FIVE[2], FIVE[3]], []]
    for which, rows in enumerate(drawn):
        orders = [
            {"x": 1000.0, "y": 1000.0, "z": 1000.0} | by_hand(order, 100) for order in itertools.permutations(rows)
        ]
        possible = np.unique(np.round([[one[name] for name in "xyz"] for one in orders], 6), axis=0)
        seen, often = np.unique(np.round(found[which::3], 6), axis=0, return_counts=True)
        assert np.abs(seen - possible).max() < 1e-5
        # Within five standard deviations of one in so many, for orders that give different ratings.
        if which == 1:
            share = 1 / len(possible)
            assert np.abs(often - 2000 * share).max() < 5 * math.sqrt(2000 * share * (1 - share))
    monkeypatch.setattr(elo_module, "BATCH_NUMBERS", 9)
    again = elo_averaged_resampled(votes, times, unit, np.random.default_rng(2), k=100)
    assert again.tolist() == found.tolist()


@given(games(), st.integers(0, 2**32))
@settings(max_examples=30, deadline=None)
def test_no_points_leak_from_averages(rows: Rows, seed: int) -> None:
    votes = encode(columns(rows))
    found = elo_averaged(votes, orders=3, seed=seed, k=32)
    assert found.mean() == pytest.approx(1000, abs=1e-9)
    shape = (len(votes.contenders),)
    assert found.shape == shape
    # Where there is one order only, the average is online Elo.
    one = encode(columns(rows[:1]))
    assert elo_averaged(one, orders=3, seed=seed) == pytest.approx(elo(one), abs=1e-9)


@pytest.mark.parametrize(("k", "base"), [(0, 400), (-4, 400), (4, 0), (math.nan, 400), (4, math.inf)])
def test_senseless_parameters_are_refused(k: float, base: float) -> None:
    votes = encode(columns(FIVE))
    with pytest.raises(BadInput, match="k and a base above 0"):
        elo(votes, k=k, base=base)
    with pytest.raises(BadInput, match="k and a base above 0"):
        elo_averaged(votes, k=k, base=base)


def test_no_order_at_all_is_refused() -> None:
    with pytest.raises(BadInput, match="at least one"):
        elo_averaged(encode(columns(FIVE)), orders=0)


COUNTED: dict[str, list[Any]] = {
    "model_a": ["a", "b", "c"],
    "model_b": ["b", "c", "a"],
    "wins_a": [3, 1, 2],
    "wins_b": [1, 2, 0],
    "ties": [0, 0, 1],
    "question_id": ["q1", "q2", "q2"],
}


@pytest.mark.parametrize("cluster", ["vote", "question", "auto"])
def test_averaged_elo_rates_counts_like_the_votes_that_they_stand_for(cluster: Cluster) -> None:
    rows: Rows = []
    for a, b, wins_a, wins_b, ties, question in rows_of(COUNTED):
        outcomes = zip(("model_a", "model_b", "tie"), map(int, (wins_a, wins_b, ties)), strict=True)
        rows += [(a, b, winner, question) for winner, times in outcomes for _ in range(times)]
    by_counts, by_votes = (
        rate(votes, method="elo-averaged", cluster=cluster, rounds=50) for votes in (COUNTED, columns(rows))
    )
    assert by_counts.to_dict() == by_votes.to_dict()


def test_counts_without_a_question_are_refused_in_words_about_counts() -> None:
    unnamed = {**COUNTED, "question_id": ["q1", "q2", None]}
    with pytest.raises(BadInput, match=r"^some counts name no question; give each a question_id"):
        rate(unnamed, cluster="question")
    with pytest.raises(BadInput, match=r"^3 votes name no question; give each a question_id"):
        rate(unnamed, method="elo-averaged", cluster="question")


def test_a_vote_of_weight_two_leaves_as_much_to_chance_as_one_of_twice_the_k() -> None:
    """No resample of one vote differs: the interval is that of the toss of a coin, which moves w * K / 2 points."""
    one = {**columns([("x", "y", "model_a")]), "weight": [2.0]}
    row = by_name(rate(one, method="elo", rounds=50))["x"]
    assert (row.high or 0) - (row.rating or 0) == pytest.approx(1.959964 * 2 * K / 2, abs=1e-3)


def test_ratings_are_taken_from_the_mean_by_weight() -> None:
    """An interval is of the deviation from the mean weighted by the votes' weights, so that a share of 0 is no part."""
    rows = [("x", "y", "model_a"), ("y", "x", "model_a"), ("x", "y", "tie"), ("y", "z", "model_a"), ("z", "y", "tie")]
    heavy = {**columns(rows * 4), "weight": [1.0, 1.0, 1.0, 1e-6, 1e-6] * 4}
    found = by_name(rate(heavy, method="elo", rounds=200))
    # x and y have all the weight, and so lie opposite each other about the mean: their intervals mirror each other.
    x, y = found["x"], found["y"]
    assert (x.high or 0) - (x.rating or 0) == pytest.approx((y.rating or 0) - (y.low or 0), abs=1e-2)


def test_only_averaged_elo_warns_that_its_intervals_are_too_wide() -> None:
    votes = columns([("x", "y", "model_a"), ("y", "x", "model_a"), ("x", "y", "tie")] * 5)
    methods: tuple[Method, ...] = ("elo", "elo-averaged")
    said = {method: rate(votes, method=method, rounds=100).warnings for method in methods}
    assert [any("intervals are rather too wide" in text for text in said[method]) for method in said] == [False, True]


@pytest.mark.parametrize(("votes", "passes"), [(1_000, 4), (40_000, 10), (400_000, 10), (4_000_000, 100)])
def test_many_votes_are_not_passed_over_once_for_every_few_rounds(votes: int, passes: int) -> None:
    found = list(by_elo_module._batches(1000, votes))
    assert len(found) == passes
    assert [begin for begin, _ in found[1:]] == [end for _, end in found[:-1]]
    assert (found[0][0], found[-1][1]) == (0, 1000)
    assert max(end - begin for begin, end in found) * votes <= 40_000_000


def test_rounds_are_the_same_in_batches_of_any_size(monkeypatch: pytest.MonkeyPatch) -> None:
    votes = columns([("x", "y", "model_a"), ("y", "z", "tie"), ("z", "x", "model_b"), ("y", "x", "model_a")] * 5)
    whole = rate(votes, method="elo", rounds=30)
    for name, value in (("BATCH_NUMBERS", 45), ("LEAST_ROUNDS", 7)):
        monkeypatch.setattr(by_elo_module, name, value)
    assert rate(votes, method="elo", rounds=30) == whole
