"""Blocks that only beat or lost to each other: where they are placed, and how far from there they may be.

Everything is held to the written-out penalised likelihood, searched by scipy.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.optimize import brentq, minimize, root

from arena.errors import Incomplete
from arena.ratings import Board, Cluster, encode, pair_counts, rate
from arena.ratings.models import placing
from arena.ratings.models.bradley_terry import fit as fit_block
from arena.ratings.models.fitting import fit
from arena.ratings.models.model import MODELS
from arena.ratings.models.placing import Profile, place
from tests.ratings.samples import POINTS_PER_LOGIT, by_name, columns, optimum

Array = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
DROP = float(stats.chi2.ppf(0.95, 1))
SD = 3.0
CLUSTERS: tuple[Cluster, ...] = ("question", "vote")


def value(moved: Array, points: Array, inner: Array, block: Ints) -> float:
    """The penalised log-likelihood of votes between blocks, pair by pair."""
    total = -float((moved**2).sum()) / (2 * SD**2)
    for i, j in zip(*np.nonzero(points), strict=True):
        if block[i] != block[j]:
            lead = inner[i] + moved[block[i]] - inner[j] - moved[block[j]]
            total -= points[i, j] * float(np.logaddexp(0.0, -lead))
    return total


def searched(points: Array, inner: Array, block: Ints) -> Array:
    """Its maximum: found by differences, and sharpened to where the written-out gradient is 0."""

    def slope(moved: Array) -> Array:
        found = -moved / SD**2
        for i, j in zip(*np.nonzero(points), strict=True):
            if block[i] != block[j]:
                missed = points[i, j] / (1 + np.exp(inner[i] + moved[block[i]] - inner[j] - moved[block[j]]))
                found[block[i]] += missed
                found[block[j]] -= missed
        return found

    def cost(moved: Array) -> float:
        return -value(moved, points, inner, block)

    rough = minimize(cost, np.zeros(block.max() + 1))
    found = np.asarray(root(slope, rough.x, tol=1e-12).x)
    assert np.abs(slope(found)).max() < 1e-8
    return found


@st.composite
def placements(draw: st.DrawFn) -> tuple[Array, Array, Ints]:
    """Points between two to four blocks of one to three, and log-strengths within them of mean 0 each."""
    sizes = draw(st.lists(st.integers(1, 3), min_size=2, max_size=4))
    block = np.repeat(np.arange(len(sizes)), sizes)
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    inner = rng.normal(0, 1, len(block))
    inner -= (np.bincount(block, inner) / np.bincount(block))[block]
    points = rng.poisson(draw(st.sampled_from([0.3, 2, 30])), (len(block),) * 2) / 2.0
    if draw(st.booleans()):
        points[block[:, None] > block[None, :]] = 0.0  # all points one way
    np.fill_diagonal(points, 0.0)
    return points, inner, block


@given(placements())
@settings(max_examples=60, deadline=None)
def test_blocks_are_placed_where_scipy_finds_the_maximum(given: tuple[Array, Array, Ints]) -> None:
    points, inner, block = given
    assert place(points[None], inner[None], block)[0] == pytest.approx(searched(*given), abs=1e-6)


def test_a_batch_is_placed_as_each_member_alone() -> None:
    rng = np.random.default_rng(3)
    block = np.array([0, 0, 1, 2, 2])
    points, inner = rng.poisson(3.0, (20, 5, 5)).astype(float), rng.normal(size=(20, 5))
    together = place(points, inner, block)
    for one, at, moved in zip(points, inner, together, strict=True):
        assert place(one[None], at[None], block)[0] == pytest.approx(moved, abs=1e-9)


def test_single_contenders_are_placed_by_the_penalised_maximum_of_all() -> None:
    """A chain of blocks of one is the whole penalised likelihood; here by an optimiser over single votes."""
    rows = [("x", "y", "model_a")] * 4 + [("y", "z", "model_a")] * 2 + [("x", "z", "model_a")]
    wins, ties = pair_counts(encode(columns(rows)))
    model = MODELS["bradley-terry"]
    theta = fit(model.counts(wins, ties)[None], model, np.ones(3))[0]
    assert theta == pytest.approx(list(optimum(columns(rows), penalty_sd=SD).values()), abs=1e-6)


@pytest.mark.parametrize("method", ["bradley-terry", "davidson", "rao-kupper"])
def test_within_a_block_the_strengths_are_those_of_the_block_alone(method: str) -> None:
    """However often a block was beaten from outside."""
    points = np.zeros((4, 4))
    points[:3, :3] = [[0, 5, 2], [3, 0, 4], [2, 1, 0]]
    ties = np.zeros((4, 4))
    ties[0, 1] = ties[1, 0] = 2
    points[3, :3] = [9, 1, 30]
    model = MODELS[method]  # type: ignore[index]
    counts = model.counts(points, ties)
    theta = fit(counts[None], model, np.ones(4))[0]
    alone = model.fit(counts[None, :, :3, :3])[0]
    assert theta[:3] - theta[:3].mean() == pytest.approx(alone, abs=1e-8)
    assert theta.mean() == pytest.approx(0, abs=1e-12)
    assert theta[3] > theta[:3].max()


def test_contenders_off_the_weightiest_island_are_not_known() -> None:
    points = np.zeros((1, 1, 5, 5))
    points[0, 0, 0, 1] = points[0, 0, 1, 0] = points[0, 0, 2, 3] = points[0, 0, 3, 4] = 1.0
    model = MODELS["bradley-terry"]
    assert np.isnan(fit(points, model, np.array([1.0, 1, 1, 1, 1]))[0]).tolist() == [True, True, False, False, False]
    assert np.isnan(fit(points, model, np.array([9.0, 1, 1, 1, 1]))[0]).tolist() == [False, False, True, True, True]


def test_members_of_a_batch_of_any_shape_are_each_fitted() -> None:
    """One block, several blocks, islands: together what each is alone."""
    rng = np.random.default_rng(8)
    points = (rng.poisson(0.5, (80, 1, 5, 5)) * (1 - np.eye(5))).astype(float)
    model, weight = MODELS["bradley-terry"], np.array([5.0, 4, 3, 2, 1])
    together = fit(points, model, weight)
    assert 0 < np.isnan(together).any(axis=1).sum() < 80
    for one, theta in zip(points, together, strict=True):
        assert fit(one[None], model, weight)[0] == pytest.approx(theta, abs=1e-8, nan_ok=True)


def test_no_convergence_is_an_error_and_not_a_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(placing, "MAX_STEPS", 2)
    with pytest.raises(Incomplete, match="placing the groups did not converge"):
        rate(columns([("x", "y", "model_a")] * 500))


# ------------------------------------------------------------------------------------------- profile intervals


def highest(at: float, direction: Array, points: Array, inner: Array, block: Ints) -> float:
    """The largest penalised log-likelihood where the block stands at `at`: the rest is searched in the null space."""
    base = at * direction / float(direction @ direction)
    free = np.linalg.svd(direction[None])[2][1:].T

    def cost(along: Array) -> float:
        return -value(base + free @ along, points, inner, block)

    return -float(minimize(cost, np.zeros(free.shape[1])).fun)


@given(placements(), st.integers(0, 3), st.integers(0, 2**32))
@settings(max_examples=25, deadline=None)
def test_the_interval_ends_where_the_profile_has_dropped(
    given: tuple[Array, Array, Ints], which: int, seed: int
) -> None:
    points, inner, block = given
    size = int(block.max()) + 1
    group, reference = which % size, np.random.default_rng(seed).dirichlet(np.ones(size))
    direction = np.eye(size)[group] - reference
    profile = Profile(points * (block[:, None] != block[None, :]), inner, block, reference)
    best = searched(*given)
    assert profile.best(group) == pytest.approx(direction @ best, abs=1e-6)
    low, high = profile.interval(group, DROP)
    assert low < profile.best(group) < high
    for end in (low, high):
        dropped = 2 * (value(best, *given) - highest(end, direction, *given))
        assert dropped == pytest.approx(DROP, abs=1e-4)


def ends(wins: int) -> tuple[float, float, float]:
    """Of a lead of `wins` to 0, in logits: low, best, high, in one dimension: wins · log σ(d) - d² / (4 · 3²)."""

    def profile(lead: float) -> float:
        return -wins * float(np.logaddexp(0, -lead)) - lead**2 / (4 * SD**2)

    best = brentq(lambda lead: wins / (1 + np.exp(lead)) - lead / (2 * SD**2), 0, 50)
    low, high = (
        brentq(lambda lead: 2 * (profile(best) - profile(lead)) - DROP, *bracket)
        for bracket in ((best - 50, best), (best, best + 50))
    )
    return low, best, high


def reach(board: Board, name: str) -> tuple[float, float]:
    row = by_name(board)[name]
    assert row.rating is not None
    assert row.low is not None
    assert row.high is not None
    return row.rating - row.low, row.high - row.rating


@pytest.mark.parametrize("wins", [1, 2, 20, 1000])
@pytest.mark.parametrize("interval", ["bootstrap", "sandwich"])
def test_all_to_nothing_is_the_closed_form(wins: int, interval: str) -> None:
    board = rate(columns([("x", "y", "model_a")] * wins), interval=interval, rounds=50)  # type: ignore[arg-type]
    low, best, high = ends(wins)
    for name, expected in (("x", (low, best, high)), ("y", (-high, -best, -low))):
        row = by_name(board)[name]
        found = (row.low, row.rating, row.high)
        assert found == pytest.approx([1000 + POINTS_PER_LOGIT * lead / 2 for lead in expected], abs=1e-3)


@pytest.mark.parametrize("questions", [2, 4])
def test_votes_that_are_one_opinion_bound_as_one_vote(questions: int) -> None:
    """20 to 0 on four questions is placed as 20 to 0, and may be as near as 4 to 0 may; by single votes it may not."""
    rows = [("x", "y", "model_a", f"q{index % questions}") for index in range(20)]
    few, twenty = ends(questions), ends(20)
    by_question, by_vote = (rate(columns(rows), cluster=cluster, rounds=50) for cluster in CLUSTERS)
    for board, (low, high) in ((by_question, (few[0], max(few[2], twenty[2]))), (by_vote, (twenty[0], twenty[2]))):
        row = by_name(board)["x"]
        expected = [1000 + POINTS_PER_LOGIT * lead / 2 for lead in (low, twenty[1], high)]
        assert [row.low, row.rating, row.high] == pytest.approx(expected, abs=1e-3)


def test_two_questions_prove_no_order_however_often_they_are_asked() -> None:
    """With two tosses of a coin, one winner is as likely as two."""
    rows = [("x", "y", "model_a", f"q{index % 2}") for index in range(1000)]
    by_question, by_vote = (rate(columns(rows), cluster=cluster, rounds=400) for cluster in CLUSTERS)
    assert [(row.rank_low, row.rank_high, row.rank_set_low, row.rank_set_high) for row in by_vote.rows] == [
        (1, 1, 1, 1),
        (2, 2, 2, 2),
    ]
    assert {(row.rank_low, row.rank_high, row.rank_set_low, row.rank_set_high) for row in by_question.rows} == {
        (1, 2, 1, 2)
    }


@pytest.mark.parametrize("wins", [1, 2, 4])
def test_the_chance_to_be_first_after_few_wins_is_near_the_posterior_s(wins: int) -> None:
    """The penalty is a normal prior: a lead has standard deviation 3√2, and the chance that it is above 0 follows."""
    lead = np.linspace(-30, 30, 6001)
    density = stats.norm.pdf(lead, scale=SD * np.sqrt(2)) / (1 + np.exp(-lead)) ** wins
    expected = density[lead > 0].sum() / density.sum()
    found = by_name(rate(columns([("x", "y", "model_a")] * wins), rounds=4000))["x"].first
    assert found == pytest.approx(expected, abs=0.06)


def test_a_newcomer_that_lost_everything_widens_nobody_else_s_interval() -> None:
    """Contenders of the main block keep the intervals that they have among themselves."""
    rows = [("a", "b", "model_a"), ("b", "c", "model_a"), ("c", "a", "model_a"), ("a", "c", "tie")] * 25
    lost = [("a", "new", "model_a"), ("b", "new", "model_a")]
    alone, joined = (rate(columns(votes), interval="sandwich", cluster="vote") for votes in (rows, rows + lost))
    for name in "abc":
        assert sum(reach(joined, name)) == pytest.approx(sum(reach(alone, name)), rel=0.02)
    assert sum(reach(joined, "new")) > 5 * sum(reach(joined, "a"))
    assert by_name(joined)["new"].flag == "winless"


def test_without_blocks_nothing_is_placed() -> None:
    points = np.array([[0.0, 3, 1], [1, 0, 2], [2, 2, 0]])
    model = MODELS["bradley-terry"]
    assert fit(points[None, None], model, np.ones(3))[0] == pytest.approx(fit_block(points[None])[0], abs=1e-12)
