"""Style control: against a general optimiser and a by-hand sandwich, and what it must refuse."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit

from arena.errors import BadInput
from arena.ratings import rate
from arena.ratings.covariates import Controlled, control
from arena.ratings.models import controlled as model

NAMES = np.array(["u", "v", "w", "x"], dtype=object)
THETA = np.array([0.5, 0.2, -0.1, -0.6])
POINTS = 400 / math.log(10)


def study(
    seed: int, votes: int = 800, *, effect: float = 0.8, side: float = 0.3, ties: float = 0.1
) -> tuple[dict[str, Any], NDArray[np.float64]]:
    """Votes of which A's having more of something decides a part."""
    rng = np.random.default_rng(seed)
    a = rng.integers(4, size=votes)
    b = (a + rng.integers(1, 4, size=votes)) % 4
    x = rng.normal(size=votes) + 0.4 * (a - b)
    won = rng.random(votes) < expit(THETA[a] - THETA[b] + effect * x + side)
    outcome = np.where(won, "model_a", "model_b").astype(object)
    outcome[rng.random(votes) < ties] = "tie"
    columns: dict[str, Any] = {"model_a": NAMES[a], "model_b": NAMES[b], "winner": outcome}
    columns |= {"question_id": rng.integers(60, size=votes), "rater": rng.integers(10, size=votes)}
    return columns, x


def matrix(columns: dict[str, Any], *covariates: NDArray[np.float64]) -> tuple[NDArray[Any], NDArray[Any]]:
    """The regression's design, written out, and the scores."""
    rows = np.arange(len(columns["winner"]))
    z = np.zeros((len(rows), 4))
    z[rows, [list(NAMES).index(name) for name in columns["model_a"]]] += 1
    z[rows, [list(NAMES).index(name) for name in columns["model_b"]]] -= 1
    score = {"model_a": 1.0, "tie": 0.5, "both_bad": 0.5, "model_b": 0.0}
    return np.column_stack([z, *covariates]), np.array([score[winner] for winner in columns["winner"]])


def optimum(z: NDArray[Any], y: NDArray[Any]) -> NDArray[np.float64]:
    """The maximum of the logistic likelihood by a general optimiser, log-strengths of mean 0."""

    def loss(at: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        lead = z @ at
        return float(np.logaddexp(0, lead).sum() - y @ lead) + at[:4].sum() ** 2, -z.T @ (y - expit(lead)) + np.append(
            np.full(4, 2 * at[:4].sum()), np.zeros(z.shape[1] - 4)
        )

    found = minimize(loss, np.zeros(z.shape[1]), jac=True, method="BFGS", options={"gtol": 1e-9})
    return np.asarray(found.x, dtype=np.float64)


def controlled(found: Controlled) -> NDArray[np.float64]:
    """The controlled ratings of u, v, w, x, in logits of mean 0."""
    rows = sorted(found.rows, key=lambda row: row.model)
    return (np.array([row.controlled_rating for row in rows]) - 1000) / POINTS


@pytest.mark.parametrize("chunk", [7, 100_000])
def test_it_is_the_maximum_of_the_likelihood_whatever_the_chunks(chunk: int, monkeypatch: pytest.MonkeyPatch) -> None:
    columns, x = study(1)
    monkeypatch.setattr(model, "CHUNK", chunk)
    found = control(columns, {"words": 30 * x}, position=True)
    best = optimum(*matrix(columns, x / x.std(), np.ones(len(x))))
    np.testing.assert_allclose(controlled(found), best[:4], atol=2e-6)
    np.testing.assert_allclose([effect.effect for effect in found.effects], best[4:], atol=2e-6)
    assert [effect.covariate for effect in found.effects] == ["words", "position"]
    assert found.effects[0].sd == pytest.approx(30 * x.std())
    assert found.effects[1].sd is None


def test_without_control_it_is_the_board() -> None:
    columns, x = study(2)
    board = rate(columns, interval="sandwich")
    found = control(columns, {"words": x})
    assert [(row.model, row.rank, row.rating, row.low, row.high) for row in found.rows] == [
        (row.model, row.rank, row.rating, row.low, row.high) for row in board.rows
    ]


def test_a_covariate_that_does_nothing_leaves_the_ratings_where_they_are() -> None:
    columns, _ = study(3, 4000, effect=0.0, side=0.0)
    noise = np.random.default_rng(0).normal(size=4000)
    for row in control(columns, {"noise": noise}).rows:
        assert row.controlled_rating == pytest.approx(row.rating, abs=4)


def test_the_effect_s_interval_by_question_is_the_sandwich_written_out() -> None:
    columns, x = study(4)
    columns.pop("rater")
    found = control(columns, {"words": x}, cluster="question").effects[0]
    z, y = matrix(columns, x / x.std())
    at = optimum(z, y)
    chance = expit(z @ at)
    bread = np.linalg.pinv(z.T @ (z * (chance * (1 - chance))[:, None]))
    scores = np.zeros((60, 5))
    np.add.at(scores, columns["question_id"], z * (y - chance)[:, None])
    by_question = 60 / 59 * (bread @ scores.T @ scores @ bread)[4, 4]
    squares = (z * (y - chance)[:, None]).T @ (z * (y - chance)[:, None])
    by_vote = (bread @ squares @ bread)[4, 4]
    half = found.effect - found.low
    # t quantiles: no fewer degrees of freedom than 30 of the 60 questions, and never less than by single votes
    assert 1.95 * math.sqrt(max(by_question, by_vote)) < half < 2.05 * 1.02 * math.sqrt(max(by_question, by_vote))


def test_raters_that_differ_widen_the_interval_of_what_they_differ_in() -> None:
    rng = np.random.default_rng(5)
    columns, x = study(5, 3000, effect=0.0, ties=0.0)
    likes = rng.normal(0.5, 0.8, 10)[columns["rater"]]  # each rater's own liking for length
    columns["winner"] = np.where(rng.random(3000) < expit(likes * x), "model_a", "model_b")
    by_rater, by_vote = (control(columns, {"words": x}, cluster=how).effects[0] for how in ("rater", "vote"))
    assert by_rater.effect == by_vote.effect
    assert by_rater.high - by_rater.low > 2 * (by_vote.high - by_vote.low)


def test_the_true_order_comes_back() -> None:
    """x writes long; raw it stands first, at equal length it is last as in truth."""
    rng = np.random.default_rng(6)
    a = rng.integers(4, size=6000)
    b = (a + rng.integers(1, 4, size=6000)) % 4
    length = np.array([100.0, 100.0, 100.0, 500.0])
    longer = length[a] - length[b] + rng.normal(0, 150, 6000)
    won = rng.random(6000) < expit(THETA[a] - THETA[b] + longer / 200)
    columns = {"model_a": NAMES[a], "model_b": NAMES[b], "winner": np.where(won, "model_a", "model_b")}
    rows = {row.model: row for row in control(columns, {"length": longer}).rows}
    assert rows["x"].rank == 1
    assert sorted(rows, key=lambda name: rows[name].controlled_rank or 0) == list("uvwx")


def test_most_intervals_hold_the_effect() -> None:
    held = []
    for seed in range(100):
        columns, x = study(1000 + seed, ties=0.0)
        effect = control(columns, {"words": x}, cluster="question").effects[0]
        held.append(effect.low <= 0.8 * x.std() <= effect.high)
    assert 88 <= sum(held) <= 100


def test_pairs_of_columns_are_their_difference() -> None:
    columns, x = study(7)
    a = np.random.default_rng(0).normal(size=len(x))
    by_pair = control(columns, {"words_a": a, "words_b": a - x})
    assert by_pair.effects[0].covariate == "words"
    assert by_pair.effects[0].effect == pytest.approx(control(columns, {"words": x}).effects[0].effect, abs=1e-6)


def test_swapping_the_sides_of_all_votes_changes_only_the_sign_of_the_side() -> None:
    columns, x = study(8)
    turn = {"model_a": "model_b", "model_b": "model_a", "tie": "tie"}
    swapped = columns | {
        "model_a": columns["model_b"],
        "model_b": columns["model_a"],
        "winner": [turn[winner] for winner in columns["winner"]],
    }
    one, other = control(columns, {"words": x}, position=True), control(swapped, {"words": -x}, position=True)
    np.testing.assert_allclose(controlled(one), controlled(other), atol=1e-6)
    assert one.effects[0].effect == pytest.approx(other.effects[0].effect, abs=1e-6)
    assert one.effects[1].effect == pytest.approx(-other.effects[1].effect, abs=1e-6)


@pytest.mark.parametrize(
    ("covariates", "says"),
    [
        ({"constant": lambda x, c: np.ones(len(x))}, "constant does not vary"),
        ({"one": lambda x, c: x, "two": lambda x, c: -3 * x}, "two cannot be told apart from one"),
        (
            {"maker": lambda x, c: own(c["model_a"]) - own(c["model_b"])},
            "maker cannot be told apart from the contenders",
        ),
        ({"hole": lambda x, c: np.where(np.arange(len(x)) == 4, np.nan, x)}, "row 5, covariate hole"),
        ({"short": lambda x, c: x[1:]}, "short has 799 rows"),
        ({"winner": lambda x, c: won(c)}, "winner tells who wins every vote"),
        ({"position": lambda x, c: x}, "position"),
        ({}, "at least one covariate"),
    ],
)
def test_what_cannot_be_told_is_refused_by_name(covariates: dict[str, Any], says: str) -> None:
    columns, x = study(9)
    with pytest.raises(BadInput, match=says):
        control(columns, {name: make(x, columns) for name, make in covariates.items()})


def own(names: NDArray[Any]) -> NDArray[np.float64]:
    return np.array([float(list(NAMES).index(name) ** 2) for name in names])


def won(columns: dict[str, Any]) -> NDArray[np.float64]:
    score = {"model_a": 1.0, "tie": 0.0, "model_b": -1.0}
    return np.array([score[winner] for winner in columns["winner"]])


def test_the_side_alone_can_be_controlled_for_where_contenders_change_sides() -> None:
    columns, x = study(12, effect=0.0, side=0.6)
    found = control(columns, {}, position=True)
    assert [effect.covariate for effect in found.effects] == ["position"]
    assert found.effects[0].effect == pytest.approx(optimum(*matrix(columns, np.ones(len(x))))[4], abs=2e-6)
    with pytest.raises(BadInput, match="position cannot be told apart"):
        control(
            {"model_a": ["x"] * 3, "model_b": ["y"] * 3, "winner": ["model_a", "tie", "model_b"]}, {}, position=True
        )


def test_counts_have_no_covariates() -> None:
    counts = {"model_a": ["x"], "model_b": ["y"], "wins_a": [3], "wins_b": [2], "ties": [0]}
    with pytest.raises(BadInput, match="counts have none"):
        control(counts, {"words": [1.0]})


def test_dropped_votes_take_their_covariates_with_them() -> None:
    columns, x = study(10)
    columns["winner"] = np.where(np.arange(len(x)) % 5 == 0, "both_bad", columns["winner"])
    kept = np.arange(len(x)) % 5 != 0
    fewer = {name: column[kept] for name, column in columns.items()}
    dropped = control(columns, {"words": x / x[kept].std()}, both_bad="drop")
    assert controlled(dropped) == pytest.approx(controlled(control(fewer, {"words": x[kept]})))
    assert dropped.votes == len(x)


def test_islands_and_one_way_groups_are_rated_as_on_the_board_with_its_warnings() -> None:
    columns = {
        "model_a": ["a", "b", "a", "c", "d", "c", "d", "a", "b"],
        "model_b": ["b", "a", "b", "d", "c", "d", "c", "e", "e"],
        "winner": ["model_a", "model_a", "tie", "model_a", "model_a", "tie", "tie", "model_a", "model_a"],
    }
    found = control(columns, {"words": [1.0, 2.0, -3.0, 1.5, -2.0, 0.5, 3.0, -1.0, 2.0]})
    board = rate(columns, interval="sandwich")
    assert found.warnings == board.warnings
    assert all(row.controlled_rank is None for row in found.rows)
    for row in found.rows:
        assert math.isfinite(row.controlled_low)
        assert row.controlled_low < row.controlled_rating < row.controlled_high


def test_it_is_ready_for_json_and_says_how_far_it_is() -> None:
    columns, x = study(11)
    told: list[tuple[int, int]] = []
    found = control(columns, {"words": x}, position=True, progress=lambda *part: told.append(part)).to_dict()
    assert told == [(1, 3), (2, 3), (3, 3)]
    assert list(found) == ["rows", "effects", "votes", "cluster", "level", "warnings", "settings"]
    assert json.loads(json.dumps(found, allow_nan=False)) == found


def test_an_effect_among_ties_alone_has_an_interval() -> None:
    columns = {"model_a": ["x", "y"] * 20, "model_b": ["y", "x"] * 20, "winner": ["tie"] * 40}
    [effect] = control(columns, {"length": list(range(40))}).effects
    assert effect.low < effect.effect < effect.high
    assert effect.high - effect.low < 10.0
