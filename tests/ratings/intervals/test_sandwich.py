"""Sandwich variances: what scores of single votes and a differentiated Hessian give, and what the bootstrap gives."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from scipy import stats
from scipy.optimize import root

from arena.ratings import Cluster, Method, encode, rate
from arena.ratings.intervals.ballots import Ballots
from arena.ratings.intervals.clusters import choose
from arena.ratings.intervals.sandwich import Sandwich
from arena.ratings.models.model import MODELS
from tests.ratings.samples import POINTS_PER_LOGIT, by_name

Votes = dict[str, list[Any]]
Array = npt.NDArray[np.float64]
Complex = npt.NDArray[Any]
LABELS = np.array(["model_a", "model_b", "tie"], dtype=object)
CLUSTERS: tuple[Cluster, ...] = ("vote", "question", "rater", "question+rater")
METHODS: tuple[Method, ...] = ("bradley-terry", "davidson", "rao-kupper")
TINY = 1e-30


def study(*, votes: int = 500, size: int = 4, questions: int = 30, raters: int = 12, sd: float = 1.0) -> Votes:
    """Votes on contenders half a logit apart, whose strengths differ by question and by rater."""
    rng = np.random.default_rng(11)
    strength = np.arange(size) / 2
    by_question, by_rater = rng.normal(0, sd, (questions, size)), rng.normal(0, sd, (raters, size))
    question, rater = rng.integers(questions, size=votes), rng.integers(raters, size=votes)
    a = rng.integers(size, size=votes)
    b = (a + rng.integers(1, size, size=votes)) % size
    effect = strength + by_question[question] + by_rater[rater]
    won = rng.random(votes) < 1 / (1 + np.exp(effect[np.arange(votes), b] - effect[np.arange(votes), a]))
    names = np.array([f"m{i}" for i in range(size)], dtype=object)
    return {
        "model_a": names[a].tolist(),
        "model_b": names[b].tolist(),
        "winner": LABELS[np.where(rng.random(votes) < 0.2, 2, 1 - won)].tolist(),
        "question_id": [f"q{i}" for i in question.tolist()],
        "rater": [f"r{i}" for i in rater.tolist()],
    }


# ------------------------------------------------------------------------------------------- by hand, vote by vote


def chosen(winner: list[str], win: Complex, lost: Complex, tied: Complex) -> Complex:
    return np.asarray(np.select([np.equal(winner, "model_a"), np.equal(winner, "model_b")], [win, lost], tied))


def by_bradley_terry(lead: Complex, winner: list[str], tie: complex) -> Complex:
    win, lost = -np.log1p(np.exp(-lead)), -np.log1p(np.exp(lead))
    return chosen(winner, win, lost, (win + lost) / 2)


def by_davidson(lead: Complex, winner: list[str], tie: complex) -> Complex:
    """Davidson (1970), eq. 2.1, with ν = exp(tie)."""
    total = np.log(np.exp(lead / 2) + np.exp(-lead / 2) + np.exp(tie))
    return np.asarray(chosen(winner, lead / 2, -lead / 2, tie + 0 * lead) - total)


def by_rao_kupper(lead: Complex, winner: list[str], tie: complex) -> Complex:
    """Rao & Kupper (1967), eq. 2.5, with threshold exp(tie)."""
    win, lost = 1 / (1 + np.exp(tie - lead)), 1 / (1 + np.exp(tie + lead))
    return np.asarray(np.log(chosen(winner, win, lost, 1 - win - lost)))


LIKELIHOODS: dict[str, Callable[[Complex, list[str], complex], Complex]] = {
    "bradley-terry": by_bradley_terry,
    "davidson": by_davidson,
    "rao-kupper": by_rao_kupper,
}


def by_hand(votes: Votes, method: str, groups: list[list[str]], signs: list[int]) -> Array:
    """The covariance of log-strengths of mean 0, from each vote's score (complex step) and a differenced Hessian.

    `groups` name the group of each vote, for each term of the variance.
    """
    names = sorted({*votes["model_a"], *votes["model_b"]})
    a, b = (np.array([names.index(name) for name in votes[side]]) for side in ("model_a", "model_b"))
    weight = np.array(votes.get("weight", np.ones(len(a))))
    free = len(names) - (method == "bradley-terry")  # the first strength is 0; the tie parameter comes last

    def scores(at: Array) -> Array:
        found = np.empty((len(a), free))
        for j in range(free):
            moved = at.astype(complex)
            moved[j] += TINY * 1j
            theta = np.concatenate([[0], moved[: len(names) - 1]])
            tie = complex(moved[-1]) if free == len(names) else 0j
            found[:, j] = LIKELIHOODS[method](theta[a] - theta[b], votes["winner"], tie).imag / TINY
        return np.asarray(found * weight[:, None])

    def slope(at: Array) -> Array:
        return np.asarray(scores(at).sum(axis=0))

    at = root(slope, np.full(free, 0.3), tol=1e-12).x
    assert np.abs(slope(at)).max() < 1e-8
    step = 1e-5 * np.eye(free)
    hessian = np.stack([(slope(at + d) - slope(at - d)) / 2e-5 for d in step])
    meat = np.zeros((free, free))
    for sign, group in zip(signs, groups, strict=True):
        sums = {name: np.zeros(free) for name in group}
        for name, score in zip(group, scores(at), strict=True):
            sums[name] += score
        few = len(sums) / (len(sums) - 1)
        meat += sign * few * sum(np.outer(score, score) for score in sums.values())
    bread = np.linalg.inv(hessian)
    covariance = np.zeros((len(names), len(names)))
    covariance[1:, 1:] = (bread @ meat @ bread)[: len(names) - 1, : len(names) - 1]
    centre = np.eye(len(names)) - 1 / len(names)
    return np.asarray(centre @ covariance @ centre)


def groups_of(votes: Votes, cluster: Cluster) -> tuple[list[list[str]], list[int]]:
    own = [str(number) for number in range(len(votes["winner"]))]
    question, rater = votes["question_id"], votes["rater"]
    both = [f"{q} {r}" for q, r in zip(question, rater, strict=True)]
    one = {"vote": own, "question": question, "rater": rater}
    return ([one[cluster]], [1]) if cluster in one else ([question, rater, both], [1, 1, -1])


def engines(votes: Votes, method: str, cluster: Cluster) -> Array:
    encoded = encode(votes)
    sandwich = Sandwich.of(Ballots.of(encoded), np.arange(len(encoded.contenders)), MODELS[method])  # type: ignore[index]
    terms = choose(encoded, cluster, "questions-like-these").terms
    if not terms:
        return sandwich.by_vote()
    return np.asarray(sum(sign * sandwich.by_group(factor.of, factor.size) for sign, factor in terms))


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("cluster", CLUSTERS)
@pytest.mark.parametrize("weighted", [False, True])
def test_is_what_scores_and_hessian_by_hand_give(method: Method, cluster: Cluster, weighted: bool) -> None:
    votes = study(votes=200)
    if weighted:
        votes["weight"] = np.random.default_rng(2).uniform(0.2, 3, 200).tolist()
    expected = by_hand(votes, method, *groups_of(votes, cluster))
    assert engines(votes, method, cluster) == pytest.approx(expected, rel=1e-6, abs=1e-9)


def test_votes_on_other_contenders_do_not_enter() -> None:
    """The sandwich of a block is that of the votes within it."""
    votes, extra = study(votes=200), study(votes=60, size=2)
    other = {"m0": "m1", "m1": "z"}
    joined = {
        name: [*votes[name], *([other[x] for x in extra[name]] if name.startswith("model") else extra[name])]
        for name in votes
    }
    encoded = encode(joined)
    for cluster in ("question", "rater"):
        [(_, factor)] = choose(encoded, cluster, "questions-like-these").terms
        inner = Sandwich.of(Ballots.of(encoded), np.arange(4), MODELS["bradley-terry"])
        alone = by_hand(votes, "bradley-terry", *groups_of(votes, cluster))
        assert inner.by_group(factor.of, factor.size) == pytest.approx(alone, rel=1e-6, abs=1e-9)


def test_many_groups_are_counted_sparsely_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    votes = study(votes=200)
    full = {(method, cluster): engines(votes, method, cluster) for method in METHODS for cluster in CLUSTERS}
    monkeypatch.setattr("arena.ratings.intervals.sums.DENSE", 10)
    for (method, cluster), expected in full.items():
        assert engines(votes, method, cluster) == pytest.approx(expected, rel=1e-12, abs=1e-15)


# ------------------------------------------------------------------------------------------- on the board


def test_the_interval_is_from_the_vote_weighted_mean() -> None:
    """± t times the standard deviation of the rating's distance from the mean of all, each as often as it was voted on.

    One contender has few votes; only its own interval is wide.
    """
    votes = study(votes=400, sd=0.0)
    few = study(votes=12, size=2, sd=0.0)
    joined = {n: [*votes[n], *[{"m0": "m1", "m1": "z"}.get(x, x) for x in few[n]]] for n in votes}
    covariance = by_hand(joined, "bradley-terry", *groups_of(joined, "vote"))
    sides = [*joined["model_a"], *joined["model_b"]]
    share = np.array([sides.count(name) / len(sides) for name in ("m0", "m1", "m2", "m3", "z")])
    from_mean = np.eye(5) - share[None, :]
    expected = np.sqrt(np.diag(from_mean @ covariance @ from_mean.T)) * stats.t.ppf(0.975, 411) * POINTS_PER_LOGIT
    rows = by_name(rate(joined, interval="sandwich", cluster="vote"))
    assert [((row.high or 0) - (row.low or 0)) / 2 for _, row in sorted(rows.items())] == pytest.approx(
        expected.tolist(), abs=2e-4
    )
    assert expected[4] > 4 * expected[:4].max()


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("cluster", CLUSTERS)
def test_bootstrap_and_sandwich_agree_on_many_votes(method: Method, cluster: Cluster) -> None:
    votes = study(votes=6000, questions=250, raters=80, sd=0.6)
    drawn, analytic = (
        rate(votes, method=method, cluster=cluster, interval=interval, rounds=2000).rows
        for interval in ("bootstrap", "sandwich")
    )
    for one, other in zip(drawn, analytic, strict=True):
        assert (one.model, one.rating) == (other.model, other.rating)
        width, expected = ((row.high or 0) - (row.low or 0) for row in (one, other))
        # 2000 rounds know a width to some 2%.
        assert width == pytest.approx(expected, rel=0.08)


@pytest.mark.parametrize("cluster", CLUSTERS)
def test_a_sandwich_interval_does_not_depend_on_the_seed(cluster: Cluster) -> None:
    boards = [rate(study(), interval="sandwich", cluster=cluster, seed=seed) for seed in (0, 1)]
    one, other = ([(row.model, row.rating, row.low, row.high) for row in board.rows] for board in boards)
    assert one == other
