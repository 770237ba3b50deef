"""The ratings beside other people's programs (choix, evalica), their published values, and two textbook algorithms."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import choix
import evalica
import numpy as np
import numpy.typing as npt
import pytest
from scipy.optimize import root

from arena.ratings.comparisons.votes import Votes, encode, pair_counts
from arena.ratings.models import bradley_terry
from arena.ratings.models.elo import elo
from arena.ratings.models.ties import fit_davidson
from tests.ratings.samples import Columns, golden, side_votes
from tests.shared_data import shared_data

Array = npt.NDArray[np.float64]

SETS = ("food", "simple", "llmfao")
WINNER = {"model_a": evalica.Winner.X, "model_b": evalica.Winner.Y, "tie": evalica.Winner.Draw}
published_sets = pytest.mark.parametrize("name", SETS)


def votes_of(name: str) -> Columns:
    """Votes of 5 foods, of 5 numbered items, and of the crowd on 59 models; with ties in each."""
    if name == "llmfao":
        return side_votes(shared_data("llmfao") / "crowd-comparisons.csv")
    return side_votes(shared_data("evalica_golden") / f"{name}.csv")


def published(name: str, algorithm: str, votes: Votes) -> Array:
    """What evalica's authors publish for it, in our order."""
    file: Path = shared_data("evalica_golden") / f"{name}-golden.csv"
    scores = golden(file, algorithm)
    return np.array([scores[contender] for contender in votes.contenders])


def points(votes: Votes) -> Array:
    """Who scored how much against whom, a tie half a win for each."""
    wins, ties = pair_counts(votes)
    return wins + ties / 2


def ours(scored: Array) -> Array:
    found: Any = bradley_terry.fit(scored[None])
    theta: Array = getattr(found, "theta", found)[0]
    return theta


def centred(logits: Array) -> Array:
    return np.asarray(logits - logits.mean())


def by_evalica(method: Callable[..., Any], columns: Columns, votes: Votes, **options: Any) -> Any:
    """Its result for the same votes, and its scores in our order."""
    winners = [WINNER[winner] for winner in columns["winner"]]
    result = method(columns["model_a"], columns["model_b"], winners, **options)
    return result, np.array([float(result.scores[name]) for name in votes.contenders])


@published_sets
def test_bradley_terry_is_choixs(name: str) -> None:
    """Iterated spectral ranking, without its regularisation (Maystre & Grossglauser 2015)."""
    scored = points(encode(votes_of(name)))
    found = choix.ilsr_pairwise_dense(scored, alpha=0.0, max_iter=10_000, tol=1e-13)
    assert np.abs(centred(found) - ours(scored)).max() <= 2e-10


@pytest.mark.parametrize("name", ["food", "simple"])
def test_bradley_terry_is_choixs_optimum_vote_by_vote(name: str) -> None:
    """Every vote is entered twice, so that a tie can be a win for each; one vote at a time, hence the small sets.

    Wider than the spectral comparison: scipy's search ends where rounding hides what a step gains.
    """
    votes = encode(votes_of(name))
    twice = (2 * points(votes)).astype(np.int64)
    data = [(i, j) for i, row in enumerate(twice) for j, number in enumerate(row) for _ in range(number)]
    found = choix.opt_pairwise(len(votes.contenders), data, alpha=0.0, method="Newton-CG", tol=1e-13)
    assert np.abs(centred(found) - ours(points(votes))).max() <= 2e-8


@published_sets
def test_bradley_terry_is_evalicas(name: str) -> None:
    columns = votes_of(name)
    votes = encode(columns)
    options = {"win_weight": 1.0, "tie_weight": 0.5, "tolerance": 1e-14, "limit": 100_000}
    _, strengths = by_evalica(evalica.bradley_terry, columns, votes, **options)
    assert np.abs(centred(np.log(strengths)) - ours(points(votes))).max() <= 2e-10


@published_sets
def test_bradley_terry_with_weights_is_evalicas(name: str) -> None:
    columns = votes_of(name)
    weights = np.random.default_rng(4).uniform(0.2, 3.0, len(columns["winner"])).tolist()
    votes = encode({**columns, "weight": weights})
    options = {"weights": weights, "tie_weight": 0.5, "tolerance": 1e-14, "limit": 100_000}
    _, strengths = by_evalica(evalica.bradley_terry, columns, votes, **options)
    assert np.abs(centred(np.log(strengths)) - ours(points(votes))).max() <= 2e-8


@published_sets
def test_bradley_terry_is_as_published(name: str) -> None:
    votes = encode(votes_of(name))
    expected = centred(np.log(published(name, "bradley_terry", votes)))
    assert np.abs(expected - ours(points(votes))).max() <= 2e-10


@published_sets
def test_bradley_terry_is_what_minorisation_converges_to(name: str) -> None:
    """Hunter (2004), eq. 3: γ_i = W_i / Σ_j N_ij / (γ_i + γ_j)."""
    scored = points(encode(votes_of(name)))
    games, strength = scored + scored.T, np.ones(len(scored))
    for _ in range(200_000):
        new = scored.sum(axis=1) / (games / (strength[:, None] + strength[None, :])).sum(axis=1)
        new /= np.exp(np.log(new).mean())
        moved, strength = np.abs(np.log(new / strength)).max(), new
        if moved < 1e-14:
            break
    assert np.abs(np.log(strength) - ours(scored)).max() <= 1e-8


@published_sets
def test_bradley_terry_solves_the_equations_of_zermelo(name: str) -> None:
    """Zermelo (1929): expected scores are scores. By scipy's hybrid method, with the last strength held at 0."""
    scored = points(encode(votes_of(name)))
    games, total = scored + scored.T, scored.sum(axis=1)

    def surplus(free: Array) -> Array:
        theta = np.append(free, 0.0)
        chance = 1.0 / (1.0 + np.exp(theta[None, :] - theta[:, None]))
        return np.asarray((total - (games * chance).sum(axis=1))[:-1])

    found = root(surplus, np.zeros(len(scored) - 1), tol=1e-14)
    assert np.abs(surplus(found.x)).max() < 1e-9
    assert np.abs(centred(np.append(found.x, 0.0)) - ours(scored)).max() <= 1e-8


@published_sets
def test_davidson_is_newmans_model_by_evalica(name: str) -> None:
    """Newman (2023), section 4, writes 2v for Davidson's ν, and finds both by an iteration of his own."""
    columns = votes_of(name)
    votes = encode(columns)
    wins, ties = pair_counts(votes)
    found = fit_davidson(wins[None], ties[None])
    result, strengths = by_evalica(evalica.newman, columns, votes, tolerance=1e-14, limit=100_000)
    assert np.abs(centred(np.log(strengths)) - found.theta[0]).max() <= 2e-10
    assert found.tie[0] == pytest.approx(2 * result.v, rel=1e-9)
    assert np.abs(centred(np.log(published(name, "newman", votes))) - found.theta[0]).max() <= 2e-10


@published_sets
def test_elo_is_as_published(name: str) -> None:
    """evalica's defaults are ours: K 4, start 1000, base 400, a tie half a win, in the order of the file."""
    votes = encode(votes_of(name))
    assert elo(votes) == pytest.approx(published(name, "elo", votes), abs=1e-8)


@published_sets
@pytest.mark.parametrize(("k", "base", "start"), [(4, 400, 1000), (32, 400, 1500), (16, 173, 0)])
def test_elo_is_evalicas_with_the_same_parameters(name: str, k: float, base: float, start: float) -> None:
    """Without weights: evalica's multiply the score and not the move, so that points leak."""
    columns = votes_of(name)
    votes = encode(columns)
    options = {"k": float(k), "scale": float(base), "initial": float(start), "tie_weight": 0.5}
    _, expected = by_evalica(evalica.elo, columns, votes, **options)
    assert elo(votes, k=k, base=base, start=start) == pytest.approx(expected, abs=1e-8)
