"""What a fit of a truth's votes estimates: large studies arrive there, and other code computes the same."""

from __future__ import annotations

from dataclasses import replace

import choix
import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.integrate import quad
from scipy.special import expit

from arena.errors import BadInput
from arena.ratings.comparisons.votes import A_WINS, B_WINS, TIE
from arena.ratings.simulation import (
    CANNOT_JUDGE,
    Assignment,
    Category,
    Contender,
    Judge,
    Questions,
    Raters,
    Riggers,
    Simulated,
    Truth,
    expected_points,
    marginal,
    simulate,
)
from benchmarks import designs

# Raters as many as votes, so that a large study averages over raters too.
POPULATION = Raters(
    number=250_000,
    sd=0.5,
    slope_sd=0.5,
    side=0.3,
    side_sd=0.6,
    length_effect=0.5,
    tie_threshold=0.5,
    tie_threshold_sd=0.5,
    tie_share=0.1,
    both_bad=0.5,
    abstention=0.1,
    abstention_slope=1.0,
)
CONTENDERS = (
    Contender("a", 1.2, length=600),
    Contender("b", 0.3, family="f", length=900, length_sd=0.6),
    Contender("c", -0.4, length=1500, length_sd=0.3),
    Contender("d", -1.1, family="f"),
)
JUDGE = Judge(
    "j",
    slope=1.4,
    bias={"a": -0.5, "d": 0.4},
    question_sd=0.7,
    position=0.8,
    length_effect=0.4,
    family="f",
    family_effect=0.5,
    tie_threshold=0.3,
    tie_share=0.05,
)
WHOLE = Truth(
    contenders=CONTENDERS,
    questions=Questions(number=250_000, sd=0.8),
    categories=(Category("heart", 2.0, {"a": -1.0}), Category("lung", 1.0, {"c": 0.7})),
    raters=POPULATION,
    judges=(JUDGE,),
    assignment=Assignment(pairs=1),
    riggers=Riggers(25_000, "d", share=0.5),
)


def points(study: Simulated, source: int) -> NDArray[np.float64]:
    """Who took how many points from whom, by hand from the arrays."""
    n = len(study.truth.contenders)
    total = np.zeros((n, n))
    rows = (study.source == source) & (study.outcome != CANNOT_JUDGE)
    a, b, outcome = study.a[rows], study.b[rows], study.outcome[rows]
    score = np.where(outcome == A_WINS, 1.0, np.where(outcome == B_WINS, 0.0, 0.5))
    np.add.at(total, (a, b), score)
    np.add.at(total, (b, a), 1.0 - score)
    return total


def fitted(total: NDArray[np.float64]) -> NDArray[np.float64]:
    """Another library's Bradley-Terry fit, logits of mean 0."""
    strengths = np.array(choix.ilsr_pairwise_dense(total, alpha=0.0))
    return np.asarray(strengths - strengths.mean())


@pytest.fixture(scope="module")
def study() -> Simulated:
    return simulate(WHOLE, 5)


@pytest.mark.parametrize("source", [0, 1])
def test_a_large_study_with_every_effect_arrives_there(study: Simulated, source: int) -> None:
    total = points(study, source)
    expected = expected_points(WHOLE, study.sources[source])
    votes = total + total.T
    off = (total - votes * expected)[~np.eye(4, dtype=bool)] / np.sqrt(votes[~np.eye(4, dtype=bool)] / 4)
    assert np.abs(off).max() < 4.5
    assert fitted(total) == pytest.approx(marginal(WHOLE, study.sources[source]), abs=0.04)
    strengths = np.array([contender.strength for contender in CONTENDERS])
    assert np.abs(marginal(WHOLE, study.sources[source]) - strengths).max() > 0.2, (
        "the control: it is not the strengths"
    )


@pytest.mark.parametrize("name", [made.name for made in designs.DESIGNS if made.pairs and not made.newcomer])
def test_it_is_the_truth_of_the_coverage_table_s_designs(name: str) -> None:
    made = designs.design(name)
    truth = Truth(
        contenders=tuple(Contender(str(at), strength) for at, strength in enumerate(made.strengths)),
        questions=Questions(sd=made.question_sd),
        raters=Raters(sd=made.rater_sd, tie_share=made.ties),
    )
    assert marginal(truth) == pytest.approx(designs.truth(made), abs=1e-8)


@pytest.mark.parametrize("sd", [0.3, 1.0, 4.0, 20.0])
def test_expected_points_are_the_integral_by_another_rule(sd: float) -> None:
    truth = Truth(questions=Questions(sd=sd))
    gap, spread = truth.contenders[0].strength - truth.contenders[7].strength, sd * np.sqrt(2.0)

    def integrand(z: float) -> float:
        return float(expit(gap + spread * z) * np.exp(-0.5 * z * z) / np.sqrt(2 * np.pi))

    integral = quad(integrand, -12, 12, points=[-gap / spread], limit=500, epsabs=1e-13)[0]
    assert expected_points(truth)[0, 7] == pytest.approx(integral, abs=1e-9)


def test_it_is_the_strengths_where_there_is_no_effect() -> None:
    strengths = np.array([contender.strength for contender in Truth().contenders])
    assert marginal(Truth()) == pytest.approx(strengths, abs=1e-9)
    assert marginal(replace(Truth(), judges=(Judge("j", slope=0.5),)), "judge:j") == pytest.approx(
        strengths / 2, abs=1e-9
    )


def test_ties_within_a_threshold_are_half_a_point_each() -> None:
    truth = Truth(contenders=CONTENDERS, raters=Raters(tie_threshold=0.7), assignment=Assignment(pairs=3))
    gap = 1.2 - 0.3
    win, loss = 1 / (1 + np.exp(0.7 - gap)), 1 / (1 + np.exp(0.7 + gap))
    assert expected_points(truth)[0, 1] == pytest.approx(win + (1 - win - loss) / 2, abs=1e-12)
    assert TIE == 2


def test_biases_that_are_yet_to_be_drawn_have_no_truth() -> None:
    truth = Truth(judges=(Judge("j", bias_sd=0.3),))
    with pytest.raises(BadInput, match="biases of judge 'j' are to be drawn"):
        marginal(truth, "judge:j")
    drawn = simulate(truth, 1).truth
    assert marginal(drawn, "judge:j") != pytest.approx(marginal(drawn), abs=0.05)


def test_the_truth_of_lengths_is_that_of_lengths_kept_within_their_bounds() -> None:
    """A contender whose median is at the shortest length; against the expected points of a million drawn lengths."""
    contenders = (Contender("short", 0.0, length=40.0, length_sd=0.5), Contender("long", 0.0, length=800.0))
    truth = Truth(contenders=contenders, raters=Raters(length_effect=0.5), assignment=Assignment(pairs=1))
    drawn = np.clip(40.0 * np.exp(0.5 * np.random.default_rng(1).standard_normal(1_000_000)), 40.0, 100_000.0)
    expected = float(expit(0.5 * (np.log(drawn) - np.log(800.0))).mean())
    strengths = marginal(truth)
    assert float(expit(strengths[0] - strengths[1])) == pytest.approx(expected, abs=1e-3)
    unbounded = float(expit(0.5 * (np.log(40.0) - np.log(800.0))))  # the control: what the bounds change
    assert abs(unbounded - expected) > 0.01
