from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog, minimize

from arena.errors import Incomplete
from arena.ratings.comparisons.connectivity import strongly_connected
from arena.ratings.models import ties as ties_module
from arena.ratings.models.slopes import Slopes, slopes_bradley_terry, slopes_davidson, slopes_rao_kupper
from arena.ratings.models.ties import TIE_SD, TieFit, TieModel, fit_davidson, fit_rao_kupper, information

Array = npt.NDArray[Any]
Fit = Callable[..., TieFit]
Vote = tuple[int, int, str]
"""Two contenders, and whether the first won ("win") or neither ("tie")."""

FITS: dict[TieModel, Fit] = {"davidson": fit_davidson, "rao-kupper": fit_rao_kupper}
MODELS = sorted(FITS)
both_models = pytest.mark.parametrize("model", MODELS)


def chances(model: str, i: Any, j: Any, tie: Any) -> tuple[Any, Any]:
    """P(i beats j) and P(tie) as the papers write them, from strengths π and ν or κ."""
    if model == "davidson":
        total = i + j + tie * np.sqrt(i * j)
        return i / total, tie * np.sqrt(i * j) / total
    return i / (i + tie * j), (tie**2 - 1) * i * j / ((i + tie * j) * (j + tie * i))


def log_likelihood(model: str, votes: Sequence[Vote], at: Array, sd: float | None = None) -> Any:
    """Vote by vote, at (θ, η) in the last axis; with the normal prior on η where `sd` says so."""
    strength, tie = np.exp(at[..., :-1]), np.exp(at[..., -1])
    total: Any = 0.0 if sd is None else -(at[..., -1] ** 2) / (2 * sd**2)
    for i, j, outcome in votes:
        win, draw = chances(model, strength[..., i], strength[..., j], tie)
        total = total + np.log(win if outcome == "win" else draw)
    return total


def gradient(model: str, votes: Sequence[Vote], at: Array, sd: float | None = None) -> Array:
    """By complex steps, exact to rounding: nobody wrote a derivative down."""
    step = 1e-30j * np.eye(len(at))
    return np.asarray(log_likelihood(model, votes, at + step, sd).imag / 1e-30)


def optimum(model: str, votes: Sequence[Vote], n: int, sd: float | None = None) -> Array:
    """(θ, η) at scipy's maximum. Strengths are known up to a constant: (Σθ)²/2 holds their sum at 0."""

    def slope(at: Array) -> Array:
        pull = np.append(np.full(n, at[:-1].sum()), 0.0)
        return np.asarray(pull - gradient(model, votes, at, sd))

    def loss(at: Array) -> float:
        return float(-log_likelihood(model, votes, at, sd) + at[:-1].sum() ** 2 / 2)

    begin = np.append(np.zeros(n), 0.5)
    bounds = [(-20.0, 20.0)] * n + [(1e-9 if model == "rao-kupper" else -20.0, 20.0)]
    near = minimize(loss, begin, jac=slope, method="L-BFGS-B", bounds=bounds, options={"maxiter": 5000})
    at = near.x
    for _ in range(50):  # scipy stops some 1e-5 short: Newton steps by differences of the slope go the rest
        if np.abs(slope(at)).max() < 1e-11:
            break
        bend = np.stack([(slope(at + h) - slope(at - h)) / 2e-5 for h in 1e-5 * np.eye(n + 1)])
        at = at - np.linalg.solve(bend, slope(at))
    assert np.abs(slope(at)).max() < 1e-9
    return np.asarray(at)


def counted(votes: Sequence[Vote], n: int) -> tuple[Array, Array]:
    """Wins and ties as matrices, counted one by one."""
    wins, ties = np.zeros((n, n)), np.zeros((n, n))
    for i, j, outcome in votes:
        if outcome == "win":
            wins[i, j] += 1
        else:
            ties[i, j] += 1
            ties[j, i] += 1
    return wins, ties


def fitted(model: TieModel, votes: Sequence[Vote], n: int) -> Array:
    """(θ, η) as ours."""
    wins, ties = counted(votes, n)
    found = FITS[model](wins[None], ties[None])
    return np.append(found.theta[0], np.log(found.tie[0]))


@st.composite
def some_votes(draw: st.DrawFn) -> tuple[int, list[Vote]]:
    """2 to 5 contenders that beat one another along a chain, one tie, and whatever else."""
    n = draw(st.integers(2, 5))
    votes: list[Vote] = [(0, 1, "tie")]
    for i in range(n - 1):
        votes += [(i, i + 1, "win"), (i + 1, i, "win")]
    pair = st.permutations(range(n)).map(lambda order: (order[0], order[1]))
    more = draw(st.lists(st.tuples(pair, st.sampled_from(["win", "tie"])), max_size=30))
    return n, votes + [(i, j, outcome) for (i, j), outcome in more]


@st.composite
def any_votes(draw: st.DrawFn) -> tuple[int, list[Vote]]:
    """2 to 5 contenders, connected along a circle of wins or ties, and little else: the maximum may be at infinity."""
    n = draw(st.integers(2, 5))
    outcome = st.sampled_from(["win", "tie"])
    votes: list[Vote] = [(i, (i + 1) % n, draw(outcome)) for i in range(n)]
    pair = st.permutations(range(n)).map(lambda order: (order[0], order[1]))
    more = draw(st.lists(st.tuples(pair, outcome), max_size=5))
    return n, votes + [(i, j, kind) for (i, j), kind in more]


@both_models
@given(some_votes())
@settings(max_examples=40, deadline=None)
def test_is_the_optimum_that_scipy_finds(model: TieModel, drawn: tuple[int, list[Vote]]) -> None:
    n, votes = drawn
    assert np.abs(fitted(model, votes, n) - optimum(model, votes, n)).max() <= 1e-8


@both_models
@given(some_votes())
@settings(max_examples=40, deadline=None)
def test_the_gradient_vanishes(model: TieModel, drawn: tuple[int, list[Vote]]) -> None:
    n, votes = drawn
    found = fitted(model, votes, n)
    assert np.abs(gradient(model, votes, found)).max() <= 1e-9
    assert abs(found[:-1].mean()) <= 1e-12


@given(st.integers(1, 300), st.integers(1, 300), st.integers(1, 300))
@settings(max_examples=50, deadline=None)
def test_two_contenders_in_closed_form(won: int, lost: int, tied: int) -> None:
    """Both models then have as many parameters as there are outcomes, so that they repeat the shares exactly."""
    wins, ties = np.array([[[0.0, won], [lost, 0.0]]]), np.array([[[0.0, tied], [tied, 0.0]]])
    davidson = fit_davidson(wins, ties)
    assert davidson.theta[0, 0] - davidson.theta[0, 1] == pytest.approx(math.log(won / lost), abs=1e-9)
    assert davidson.tie[0] == pytest.approx(tied / math.sqrt(won * lost), rel=1e-9)
    rao_kupper = fit_rao_kupper(wins, ties)
    ahead, behind = math.log(won / (lost + tied)), math.log(lost / (won + tied))
    assert rao_kupper.theta[0, 0] - rao_kupper.theta[0, 1] == pytest.approx((ahead - behind) / 2, abs=1e-9)
    assert rao_kupper.tie[0] == pytest.approx(math.exp(-(ahead + behind) / 2), rel=1e-9)


@both_models
def test_without_ties_it_is_bradley_terry(model: TieModel) -> None:
    """Then everybody's expected wins are the wins that they have, and a tie has no chance at all."""
    wins = np.array([[0.0, 7, 2, 1], [3, 0, 5, 0], [1, 4, 0, 6], [1, 0, 2, 0]])
    found = FITS[model](wins[None], np.zeros((1, 4, 4)))
    strength = np.exp(found.theta[0])
    expected = (wins + wins.T) * strength[:, None] / (strength[:, None] + strength[None, :])
    assert np.abs(wins.sum(axis=1) - expected.sum(axis=1)).max() <= 1e-9
    assert found.tie.tolist() == [{"davidson": 0.0, "rao-kupper": 1.0}[model]]
    assert not found.held.any()


@both_models
@given(some_votes(), st.randoms(use_true_random=False), st.floats(0.1, 50))
@settings(max_examples=40, deadline=None)
def test_names_sides_and_scale_do_not_matter(
    model: TieModel, drawn: tuple[int, list[Vote]], random: Any, scale: float
) -> None:
    n, votes = drawn
    wins, ties = counted(votes, n)
    fit = FITS[model]
    plain = fit(wins[None], ties[None])
    order = list(range(n))
    random.shuffle(order)
    renamed = fit(wins[np.ix_(order, order)][None], ties[np.ix_(order, order)][None])
    assert renamed.theta[0] == pytest.approx(plain.theta[0][order], abs=1e-8)
    turned = fit(wins.T[None], ties[None])
    assert turned.theta[0] == pytest.approx(-plain.theta[0], abs=1e-8)
    scaled = fit(scale * wins[None], scale * ties[None])
    assert scaled.theta[0] == pytest.approx(plain.theta[0], abs=1e-8)
    for other in (renamed, turned, scaled):
        assert other.tie == pytest.approx(plain.tie, rel=1e-8)


def many_kinds() -> tuple[Array, Array]:
    """A batch with members without ties, of ties only, with one-sided wins beside ties, and of everything."""
    rng = np.random.default_rng(5)
    wins = rng.poisson(1.5, size=(60, 5, 5)) * (1.0 - np.eye(5))
    tied = np.triu(rng.poisson(1.0, size=(60, 5, 5)), 1).astype(float)
    ties = tied + tied.transpose(0, 2, 1)
    ties[:10] = 0
    wins[10:15] = 0
    wins[15:20] = np.eye(5, k=1)
    ties[10:15] += 1.0 - np.eye(5)
    ties[15:20] = np.eye(5, k=1) + np.eye(5, k=-1)
    kept = strongly_connected(wins + ties / 2)
    return wins[kept], ties[kept]


@both_models
def test_a_batch_gives_what_each_member_gives_alone(model: TieModel) -> None:
    wins, ties = many_kinds()
    together = FITS[model](wins, ties)
    assert len(wins) > 50
    assert together.held.sum() == 10
    assert np.isfinite(together.theta).all()
    assert np.isfinite(together.tie).all()
    for index in range(len(wins)):
        alone = FITS[model](wins[index][None], ties[index][None])
        assert np.abs(alone.theta[0] - together.theta[index]).max() <= 1e-9
        assert alone.tie[0] == pytest.approx(together.tie[index], rel=1e-9)
        assert alone.held[0] == together.held[index]


@both_models
@pytest.mark.parametrize(("spread", "tie"), [(0.0, 1.0), (5.0, 1.0), (0.5, 0.0), (9.0, 1e4), (0.0, 1 + 1e-6)])
def test_where_it_starts_does_not_matter(model: TieModel, spread: float, tie: float) -> None:
    """One start for all, near or far, with a tie parameter that some models and members do not have."""
    wins, ties = many_kinds()
    start = TieFit(spread * np.linspace(-1, 1, 5)[None], np.array([tie]), np.array([False]))
    plain = FITS[model](wins, ties)
    for found in (FITS[model](wins, ties, start), FITS[model](wins, ties, plain)):
        assert np.abs(found.theta - plain.theta).max() <= 1e-8
        assert found.tie == pytest.approx(plain.tie, rel=1e-8)


@both_models
@given(any_votes())
@settings(max_examples=100, deadline=None)
def test_it_is_held_just_where_no_finite_maximum_exists(model: TieModel, drawn: tuple[int, list[Vote]]) -> None:
    """Whether some direction makes no vote less likely is asked of a linear programme."""
    n, votes = drawn
    wins, ties = counted(votes, n)
    found = FITS[model](wins[None], ties[None])
    if not ties.any():
        assert not found.held[0]
        return
    assert found.held[0] == endless(votes, n)
    at = np.append(found.theta[0], np.log(found.tie[0]))
    sd = TIE_SD if found.held[0] else None
    assert np.abs(gradient(model, votes, at, sd)).max() <= 1e-8
    assert np.abs(at).max() < 15


def endless(votes: Sequence[Vote], n: int) -> bool:
    """Whether h exists with h_i - h_j ≥ 1 for every win and |h_i - h_j| ≤ 1 for every tie."""
    rows, limits = [], []
    for i, j, outcome in votes:
        lead = np.eye(n)[i] - np.eye(n)[j]
        rows += [-lead] if outcome == "win" else [lead, -lead]
        limits += [-1.0] if outcome == "win" else [1.0, 1.0]
    found = linprog(np.zeros(n), A_ub=np.array(rows), b_ub=np.array(limits), bounds=[(None, None)] * n)
    assert found.status in (0, 2)
    return bool(found.status == 0)


@both_models
@pytest.mark.parametrize("number", [1, 100, 10_000_000])
def test_ties_alone_make_all_equal_and_ties_likely(model: TieModel, number: int) -> None:
    ties = number * (1.0 - np.eye(3))
    found = FITS[model](np.zeros((1, 3, 3)), ties[None])
    assert found.held.tolist() == [True]
    assert np.abs(found.theta).max() <= 1e-12
    _, tied = chances(model, 1.0, 1.0, found.tie[0])
    assert 0.5 < tied < 1.0


@both_models
def test_one_contender_alone_has_strength_0(model: TieModel) -> None:
    found = FITS[model](np.zeros((2, 1, 1)), np.zeros((2, 1, 1)))
    assert found.theta.tolist() == [[0.0], [0.0]]
    assert found.tie.tolist() == [{"davidson": 0.0, "rao-kupper": 1.0}[model]] * 2


@both_models
@pytest.mark.parametrize("tied", [1.0, 1e6])
def test_a_far_optimum_is_reached(model: TieModel, tied: float) -> None:
    """One loss in a million, twice in a row."""
    wins, ties = np.zeros((1, 3, 3)), np.zeros((1, 3, 3))
    wins[0, 0, 1] = wins[0, 1, 2] = 1e6
    wins[0, 1, 0] = wins[0, 2, 1] = 1.0
    ties[0, 0, 1] = ties[0, 1, 0] = ties[0, 1, 2] = ties[0, 2, 1] = tied
    found = FITS[model](wins, ties)
    strength = np.exp(found.theta[0])
    for better in (0, 1):
        win, draw = chances(model, strength[better], strength[better + 1], found.tie[0])
        total = 1e6 + 1 + tied
        assert [win, draw] == pytest.approx([1e6 / total, tied / total], rel=1e-6)


@both_models
@pytest.mark.parametrize("tie", [1.001, 1.5, 20.0])
def test_one_tie_in_millions_is_reached_from_above(model: TieModel, tie: float) -> None:
    """An undamped step would go past κ = 1, where Rao and Kupper's model ends."""
    wins, ties = 1e6 * (1.0 - np.eye(2))[None], (1.0 - np.eye(2))[None]
    found = FITS[model](wins, ties, TieFit(np.zeros((1, 2)), np.array([tie]), np.array([False])))
    _, tied = chances(model, 1.0, 1.0, found.tie[0])
    assert tied == pytest.approx(1 / (2e6 + 1), rel=1e-6)


@both_models
def test_no_convergence_is_an_error_and_not_a_rating(model: TieModel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ties_module, "MAX_STEPS", 2)
    with pytest.raises(Incomplete, match="did not converge"):
        FITS[model](*many_kinds())


THETA = np.array([1.3, -0.4, 0.0, -2.1])
TIES = {"davidson": 0.7, "rao-kupper": 1.8}


def slopes(model: str, theta: Array, tie: float) -> Slopes:
    return slopes_davidson(theta, tie) if model == "davidson" else slopes_rao_kupper(theta, tie)


@both_models
@pytest.mark.parametrize(("i", "j"), [(0, 1), (1, 0), (3, 0), (2, 3)])
def test_a_votes_slopes_are_the_derivatives_of_its_log_likelihood(model: str, i: int, j: int) -> None:
    found = slopes(model, THETA, TIES[model])
    at = np.append(THETA, math.log(TIES[model]))
    by_win, by_tie = gradient(model, [(i, j, "win")], at), gradient(model, [(i, j, "tie")], at)
    assert [by_win[i], -by_win[j], by_win[-1]] == pytest.approx(
        [found.win[i, j], found.win[i, j], found.win_tie[i, j]], abs=1e-12
    )
    assert [by_tie[i], -by_tie[j], by_tie[-1]] == pytest.approx(
        [found.tie[i, j], found.tie[i, j], found.tie_tie[i, j]], abs=1e-12
    )


def test_bradley_terrys_slopes_are_those_of_davidson_without_ties() -> None:
    plain, davidson, rao_kupper = (
        slopes_bradley_terry(THETA),
        slopes_davidson(THETA, 0.0),
        slopes_rao_kupper(THETA, 1.0),
    )
    chance = 1 / (1 + np.exp(THETA[None, :] - THETA[:, None]))
    assert plain.win == pytest.approx(1 - chance, abs=1e-14)
    assert plain.tie == pytest.approx(0.5 - chance, abs=1e-14)
    assert plain.tie == pytest.approx(-plain.tie.T, abs=1e-14)
    assert davidson.win == pytest.approx(plain.win, abs=1e-14)
    assert rao_kupper.win == pytest.approx(plain.win, abs=1e-14)
    assert not any(each.any() for one in (plain, davidson, rao_kupper) for each in (one.win_tie, one.tie_tie))


@both_models
@pytest.mark.parametrize("kind", ["finite", "held"])
def test_the_information_is_minus_the_second_derivative(model: TieModel, kind: str) -> None:
    votes: list[Vote] = [(0, 1, "tie"), (1, 2, "tie"), (2, 3, "win"), (3, 0, "tie"), (0, 1, "win")]
    votes += [(3, 2, "win"), (1, 0, "win")] * (kind == "finite")
    wins, ties = counted(votes, 4)
    at = np.append(THETA, math.log(TIES[model]))
    sd = TIE_SD if kind == "held" else None
    numeric = [
        (gradient(model, votes, at - step, sd) - gradient(model, votes, at + step, sd)) / 2e-5
        for step in 1e-5 * np.eye(5)
    ]
    assert information(wins, ties, THETA, TIES[model], model) == pytest.approx(np.array(numeric), abs=1e-8)


@pytest.mark.parametrize(("model", "tie"), [("davidson", 0.0), ("rao-kupper", 1.0), ("bradley-terry", 0.0)])
def test_without_a_tie_parameter_the_information_is_bradley_terrys(model: TieModel, tie: float) -> None:
    wins, ties = counted([(0, 1, "win"), (1, 0, "win"), (1, 2, "win"), (3, 2, "win"), (0, 3, "win")], 4)
    if model == "bradley-terry":
        ties[0, 2] = ties[2, 0] = 3.0
    chance = 1 / (1 + np.exp(THETA[None, :] - THETA[:, None]))
    weight = (wins + wins.T + ties) * chance * (1 - chance)
    expected = np.pad(np.diag(weight.sum(axis=1)) - weight, (0, 1))
    assert information(wins, ties, THETA, tie, model) == pytest.approx(expected, abs=1e-12)


@both_models
def test_the_slopes_of_all_votes_add_up_to_nothing_at_the_fit(model: str) -> None:
    n, votes = 3, [(0, 1, "win"), (1, 2, "win"), (2, 0, "win"), (0, 2, "tie"), (1, 0, "tie"), (0, 1, "win")]
    wins, ties = counted(votes, n)
    found = FITS[model](wins[None], ties[None])  # type: ignore[index]
    one = slopes(model, found.theta[0], float(found.tie[0]))
    by_lead = wins * one.win - (wins * one.win).T + ties * one.tie
    assert np.abs(by_lead.sum(axis=1)).max() <= 1e-9
    assert abs((wins * one.win_tie).sum() + (ties * one.tie_tie).sum() / 2) <= 1e-9


def test_a_start_is_left_as_it_was() -> None:
    """So that one start can be handed to several fits."""
    wins, ties = many_kinds()
    start = fit_davidson(wins[:1], ties[:1])
    before = replace(start, theta=start.theta.copy(), tie=start.tie.copy())
    fit_davidson(wins, ties, start)
    assert (start.theta == before.theta).all()
    assert (start.tie == before.tie).all()
