"""The benchmark's controls make what the packages make that they stand for."""

from __future__ import annotations

from dataclasses import replace

import choix
import evalica
import numpy as np
import pytest

from benchmarks.designs import design, simulate
from benchmarks.independent import evalica_bootstrap, fit, vote_percentiles, vote_sandwich

MADE = replace(design("three judges"), questions=100)
STUDY = simulate(MADE, (9, 9))


def test_the_fit_is_another_library_s() -> None:
    points = STUDY.wins + 0.5 * STUDY.ties
    expected = choix.ilsr_pairwise_dense(points, alpha=0.0)
    assert fit(np.stack([points, points.T]))[0] == pytest.approx(expected - expected.mean(), abs=1e-7)
    assert fit(np.stack([points, points.T]))[1] == pytest.approx(expected.mean() - expected, abs=1e-7)


def test_the_sandwich_is_the_one_written_out_vote_by_vote() -> None:
    # Every vote's score vector, and the pseudo-inverse of the information: the textbook's A⁻ B A⁻.
    found = vote_sandwich(STUDY)
    names = {name: index for index, name in enumerate(MADE.contenders)}
    scores = {"model_a": 1.0, "model_b": 0.0, "tie": 0.5}
    information, outer = np.zeros((8, 8)), np.zeros((8, 8))
    for a, b, winner in zip(*(STUDY.columns[key] for key in ("model_a", "model_b", "winner")), strict=True):
        way = np.zeros(8)
        way[names[str(a)]], way[names[str(b)]] = 1.0, -1.0
        preferred = 1 / (1 + np.exp(-way @ found.estimate))
        information += np.outer(way, way) * preferred * (1 - preferred)
        outer += np.outer(way, way) * (scores[str(winner)] - preferred) ** 2
    variance = np.linalg.pinv(information) @ outer @ np.linalg.pinv(information)
    assert found.high - found.estimate == pytest.approx(1.959964 * np.sqrt(np.diag(variance)), rel=1e-6)
    assert found.estimate - found.low == pytest.approx(found.high - found.estimate)


def test_the_percentiles_are_evalica_s() -> None:
    winners = {"model_a": evalica.Winner.X, "model_b": evalica.Winner.Y, "tie": evalica.Winner.Draw}
    sides = (list(STUDY.columns["model_a"]), list(STUDY.columns["model_b"]))
    theirs = evalica.bootstrap(
        evalica.bradley_terry,  # type: ignore[arg-type]  # its protocol of a method is narrower than its methods
        *sides,
        [winners[str(label)] for label in STUDY.columns["winner"]],
        n_resamples=800,
        bootstrap_method="percentile",
        random_state=1,
    )
    ours = vote_percentiles(STUDY, 4000, seed=1)
    for bound, expected in ((ours.low, theirs.low), (ours.high, theirs.high)):
        # A percentile of 800 rounds has a Monte-Carlo error of about 0.1 of the standard error, here 0.011.
        assert bound == pytest.approx(np.log(expected.loc[list(MADE.contenders)].to_numpy()), abs=0.05)


def test_evalica_s_own_intervals_are_read_in_the_design_s_order() -> None:
    found, ours = evalica_bootstrap(MADE, STUDY, 200, seed=1), vote_sandwich(STUDY)
    assert found.estimate == pytest.approx(ours.estimate, abs=1e-4)
    assert (found.low < ours.estimate).all()
    assert (found.high > ours.estimate).all()
    assert found.high - found.low == pytest.approx(ours.high - ours.low, rel=0.3)
