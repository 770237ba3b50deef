"""Every effect of a truth shows in the votes with the size stated: by counts, closed forms and another regression."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit

from arena.ratings.comparisons.votes import A_WINS, B_WINS, BOTH_BAD, TIE
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
    simulate,
)

TWO = (Contender("x", 0.4), Contender("y", -0.4))
ONE_PAIR = Assignment(pairs=1)
MANY = Questions(number=40_000)


def pair(**parts: Any) -> Truth:
    """Two contenders 0.8 logits apart that meet once on each of many questions, before 10 raters."""
    return Truth(**{"contenders": TWO, "assignment": ONE_PAIR, "questions": MANY, **parts})


def share(hits: NDArray[np.bool_], expected: float) -> None:
    """The share of hits is the expected one, within 4.5 standard errors of independent draws."""
    error = np.sqrt(expected * (1 - expected) / hits.size)
    assert hits.mean() == pytest.approx(expected, abs=4.5 * error)


def regression(
    features: NDArray[np.float64], won: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Logistic regression by a general optimiser: coefficients and their standard errors."""

    def loss(beta: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        seen = features @ beta
        return float(np.logaddexp(0, -np.where(won, seen, -seen)).sum()), features.T @ (expit(seen) - won)

    beta = minimize(loss, np.zeros(features.shape[1]), jac=True, method="BFGS").x
    p = expit(features @ beta)
    return beta, np.sqrt(np.diag(np.linalg.inv((features * (p * (1 - p))[:, None]).T @ features)))


def x_won(study: Simulated) -> NDArray[np.bool_]:
    return np.asarray(np.where(study.a == 0, study.outcome == A_WINS, study.outcome == B_WINS))


def test_strengths_alone_are_the_model_of_bradley_and_terry() -> None:
    study = simulate(Truth(questions=Questions(number=20_000)), 1)
    strengths = np.array([contender.strength for contender in study.truth.contenders])
    for i in range(8):
        for j in range(i):
            met = ((study.a == i) & (study.b == j)) | ((study.a == j) & (study.b == i))
            won = ((study.a == i) & (study.outcome == A_WINS)) | ((study.b == i) & (study.outcome == B_WINS))
            share(won[met], 1 / (1 + np.exp(strengths[j] - strengths[i])))


def test_sides_are_a_fair_coin_and_do_not_matter() -> None:
    study = simulate(pair(), 2)
    share(study.a == 0, 0.5)
    for side in (study.a == 0, study.b == 0):
        share(x_won(study)[side], 1 / (1 + np.exp(-0.8)))


def test_a_side_preference_and_a_length_effect_are_recovered_by_regression() -> None:
    lengthy = tuple(
        replace(contender, length=length, length_sd=0.5) for contender, length in zip(TWO, (600, 1200), strict=True)
    )
    study = simulate(pair(contenders=lengthy, raters=Raters(side=0.3, length_effect=0.7)), 3)
    features = np.column_stack(
        [np.where(study.a == 0, 1.0, -1.0), np.ones(len(study)), np.log(study.length_a / study.length_b)]
    )
    beta, errors = regression(features, study.outcome == A_WINS)
    assert np.abs((beta - [0.8, 0.3, 0.7]) / errors).max() < 4.5
    assert np.median(study.length_a[study.a == 1]) == pytest.approx(1200, rel=0.02)
    assert np.log(study.length_a[study.a == 1]).std() == pytest.approx(0.5, rel=0.03)


def test_position_length_family_bias_and_slope_of_a_judge_are_recovered_by_regression() -> None:
    contenders = tuple(
        Contender(f"c{at}", strength, family="own" if at % 2 else None, length_sd=0.6)
        for at, strength in enumerate((0.9, 0.5, 0.1, -0.3, -0.5, -0.7))
    )
    judge = Judge("j", slope=0.5, position=0.4, length_effect=-0.3, family="own", family_effect=0.6, bias={"c0": 1.0})
    truth = Truth(contenders=contenders, judges=(judge,), raters=Raters(number=0), questions=Questions(number=4000))
    study = simulate(truth, 4)
    strengths, family = np.array([c.strength for c in contenders]), np.arange(6) % 2
    features = np.column_stack(
        [
            strengths[study.a] - strengths[study.b],
            np.ones(len(study)),
            np.log(study.length_a / study.length_b),
            family[study.a] - family[study.b],
            1.0 * (study.a == 0) - (study.b == 0),
        ]
    )
    beta, errors = regression(features, study.outcome == A_WINS)
    assert np.abs((beta - [0.5, 0.4, -0.3, 0.6, 1.0]) / errors).max() < 4.5


def test_raters_have_their_own_slopes_and_sides() -> None:
    stated = Raters(number=30, slope_sd=0.5, side_sd=0.5)
    contenders = (Contender("x", 1.0), Contender("y", 0.0), Contender("z", -1.0))
    study = simulate(Truth(contenders=contenders, raters=stated, assignment=Assignment(3), questions=MANY), 5)
    strengths = np.array([c.strength for c in contenders])
    off = []
    for rater in range(30):
        mine = study.rater == rater
        features = np.column_stack([strengths[study.a[mine]] - strengths[study.b[mine]], np.ones(mine.sum())])
        beta, errors = regression(features, study.outcome[mine] == A_WINS)
        off += [(beta - [study.people.slope[rater], study.people.side[rater]]) / errors]
    assert np.abs(off).max() < 4.5
    assert 0.7 < np.square(off).mean() < 1.4
    many = simulate(Truth(raters=replace(stated, number=20_000)), 6).people
    assert np.log(many.slope).std() == pytest.approx(0.5, rel=0.03)
    assert many.side.std() == pytest.approx(0.5, rel=0.03)


@pytest.mark.parametrize("of", ["question", "rater"])
def test_votes_on_one_question_or_by_one_rater_are_alike_by_as_much_as_is_stated(of: str) -> None:
    """Two votes that share an effect agree as often as two tosses of one coin whose bias is drawn."""
    questions = Questions(number=20_000, sd=1.0 if of == "question" else 0.0)
    raters = Raters(number=2 if of == "question" else 20_000, sd=1.0 if of == "rater" else 0.0)
    truth = Truth(contenders=TWO, questions=questions, raters=raters, assignment=Assignment(pairs=1, votes=2))
    study = simulate(truth, 8)
    shared = study.question if of == "question" else study.rater
    order = np.argsort(shared, kind="stable")
    first = order[:-1][shared[order][:-1] == shared[order][1:]]
    second = order[1:][shared[order][:-1] == shared[order][1:]]
    agree = x_won(study)[first] == x_won(study)[second]
    coin = expit(0.8 + np.sqrt(2.0) * np.random.default_rng(1).normal(size=1_000_000))
    expected = float((coin**2 + (1 - coin) ** 2).mean())
    error = 4.5 * np.sqrt(expected * (1 - expected) / agree.size * 3)
    assert agree.mean() == pytest.approx(expected, abs=error)
    independent = expit(0.8) ** 2 + expit(-0.8) ** 2
    assert abs(expected - independent) > 2 * error, "the control: the tolerance tells the effect from none"


def test_ties_are_those_of_rao_and_kupper_or_a_plain_share() -> None:
    study = simulate(pair(raters=Raters(tie_threshold=0.6, both_bad=0.25)), 9)
    win, loss = 1 / (1 + np.exp(0.6 - 0.8)), 1 / (1 + np.exp(0.6 + 0.8))
    share(x_won(study), win)
    share(study.outcome >= TIE, 1 - win - loss)
    share(study.outcome[study.outcome >= TIE] == BOTH_BAD, 0.25)
    plain = simulate(pair(raters=Raters(tie_share=0.3)), 10)
    share(plain.outcome == TIE, 0.3)
    share(x_won(plain)[plain.outcome != TIE], expit(0.8))
    judged = simulate(pair(judges=(Judge("j", tie_threshold=0.6),), raters=Raters(number=0)), 11)
    share(judged.outcome == TIE, 1 - win - loss)


def test_raters_have_their_own_thresholds() -> None:
    study = simulate(pair(raters=Raters(tie_threshold=0.6, tie_threshold_sd=0.8)), 12)
    for rater, threshold in enumerate(study.people.threshold):
        mine = study.outcome[study.rater == rater] == TIE
        share(mine, 1 - expit(0.8 - threshold) - expit(-0.8 - threshold))
    assert study.people.threshold.std() > 0.2


def test_abstention_has_its_share_and_gathers_on_difficult_questions() -> None:
    level = simulate(pair(raters=Raters(abstention=0.2)), 13)
    share(level.outcome == CANNOT_JUDGE, 0.2)
    truth = Truth(
        contenders=TWO,
        questions=Questions(number=4000),
        raters=Raters(number=10, abstention=0.2, abstention_slope=1.5),
        assignment=Assignment(pairs=1, votes=10),
    )
    study = simulate(truth, 14)
    by_question = np.bincount(study.question, study.outcome == CANNOT_JUDGE)
    drawn = expit(np.log(0.25) + 1.5 * np.random.default_rng(2).normal(size=1_000_000))
    assert by_question.mean() == pytest.approx(10 * drawn.mean(), abs=4.5 * by_question.std() / np.sqrt(4000))
    assert by_question.var() == pytest.approx((10 * drawn * (1 - drawn)).mean() + 100 * drawn.var(), rel=0.08)


def test_riggers_vote_for_whom_they_favour_and_else_as_before() -> None:
    honest = Truth(questions=Questions(number=2000), raters=Raters(number=20))
    rigged = replace(honest, riggers=Riggers(3, favours="contender-8"))
    before, study = simulate(honest, 15), simulate(rigged, 15)
    shows = (study.a == 7) | (study.b == 7)
    is_rigged = study.people.is_rigger[study.rater] & shows
    assert study.people.is_rigger.sum() == 3
    assert is_rigged.sum() > 200
    for_them = np.where(study.a == 7, study.outcome == A_WINS, study.outcome == B_WINS)
    assert for_them[is_rigged].all()
    assert not for_them[shows & ~is_rigged].all()
    assert (study.outcome == before.outcome)[~is_rigged].all()
    half = simulate(replace(rigged, riggers=Riggers(3, "contender-8", share=0.5)), 15)
    changed = (half.outcome != before.outcome)[is_rigged].mean()
    assert changed == pytest.approx((study.outcome != before.outcome)[is_rigged].mean() / 2, abs=0.1)


def test_a_category_moves_the_strengths_of_its_questions_alone() -> None:
    categories = (Category("heart", weight=3.0, effects={"x": -1.6}), Category("lung"))
    study = simulate(pair(categories=categories), 16)
    share(study.category == 0, 0.75)
    in_heart = study.category[study.question] == 0
    share(x_won(study)[in_heart], expit(-0.8))
    share(x_won(study)[~in_heart], expit(0.8))


def test_a_judge_s_own_view_is_the_same_in_both_orders_and_in_every_repetition() -> None:
    judge = Judge("j", slope=0.0, question_sd=20.0, repeats=3)
    study = simulate(Truth(contenders=TWO, assignment=ONE_PAIR, raters=Raters(number=0), judges=(judge,)), 17)
    assert np.bincount(study.question).tolist() == [6] * 200
    wins = np.bincount(study.question, x_won(study))
    assert np.isin(wins, [0, 6]).mean() > 0.9
    fickle = replace(study.truth, judges=(replace(judge, question_sd=0.0),))
    assert np.isin(np.bincount(study.question, x_won(simulate(fickle, 17))), [0, 6]).mean() < 0.1
