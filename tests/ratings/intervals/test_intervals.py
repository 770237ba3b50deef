"""Intervals: seeded, the same everywhere, and as wide as the data ask for."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from arena.errors import BadInput
from arena.ratings import Board, Cluster, Estimand, Method, rate
from arena.ratings.intervals.bootstrap import percentile_levels
from arena.ratings.ranks import rank_ranges
from tests.ratings.samples import POINTS_PER_LOGIT, Columns, by_name, columns, rows_of

ROOT = Path(__file__).resolve().parents[3]


def simulated(question_sd: float, *, questions: int = 40, votes: int = 2000, size: int = 4, seed: int = 1) -> Columns:
    """Votes on equal contenders whose strength differs from question to question by `question_sd` logits."""
    rng = np.random.default_rng(seed)
    effects = rng.normal(0, question_sd, (questions, size))
    rows = []
    for _ in range(votes):
        question = int(rng.integers(questions))
        a, b = rng.choice(size, 2, replace=False)
        chance = 1 / (1 + np.exp(effects[question, b] - effects[question, a]))
        winner = "tie" if rng.random() < 0.2 else "model_a" if rng.random() < chance else "model_b"
        rows.append((f"m{a}", f"m{b}", winner, f"q{question}"))
    return columns(rows)


def with_raters(*, votes: int) -> Columns:
    """As `simulated`, by eleven raters, and with a newcomer that beat one contender."""
    made = columns([*rows_of(simulated(1.0, votes=votes - 1)), ("new", "m1", "model_a", "q3")])
    return {**made, "rater": [f"r{index % 11}" for index in range(votes)]}


def width(board: Board) -> float:
    return float(np.mean([(row.high or 0) - (row.low or 0) for row in board.rows]))


def digest(board: Board) -> str:
    return hashlib.sha256(repr(board).encode()).hexdigest()


def test_the_same_seed_gives_the_same_board_and_another_seed_another() -> None:
    votes = simulated(1.0, votes=300)
    assert rate(votes, rounds=100) == rate(votes, rounds=100)
    assert rate(votes, rounds=100).rows != rate(votes, rounds=100, seed=1).rows


@pytest.mark.parametrize(
    "options",
    [
        "",
        "cluster='vote'",
        "interval='sandwich'",
        "method='davidson', cluster='question+rater'",
        "method='elo'",
        "method='elo-averaged', cluster='vote'",
    ],
)
def test_another_process_gives_the_same_bytes(options: str) -> None:
    code = (
        "from tests.ratings.intervals.test_intervals import with_raters, digest; from arena.ratings import rate;"
        f"print(digest(rate(with_raters(votes=300), rounds=60, {options})))"
    )
    found = {
        subprocess.run(
            [sys.executable, "-c", code],
            cwd=ROOT,
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(found) == 1


@pytest.mark.parametrize("cluster", ["question", "vote"])
def test_order_and_sides_change_no_rating_and_no_interval(cluster: str) -> None:
    votes = simulated(1.0, votes=400)
    rows = rows_of(votes)
    other = {"model_a": "model_b", "model_b": "model_a"}
    shuffled = [rows[index] for index in np.random.default_rng(3).permutation(len(rows))]
    swapped = columns([(b, a, other.get(winner, winner), question) for a, b, winner, question in shuffled])
    which = "question" if cluster == "question" else "vote"
    assert rate(swapped, rounds=200, cluster=which) == rate(votes, rounds=200, cluster=which)  # type: ignore[arg-type]


@pytest.mark.parametrize("method", ["bradley-terry", "davidson", "elo"])
@pytest.mark.parametrize("cluster", ["vote", "question", "question+rater"])
def test_splitting_the_rounds_into_batches_changes_nothing(
    monkeypatch: pytest.MonkeyPatch, method: Method, cluster: Cluster
) -> None:
    votes = with_raters(votes=200)
    whole = rate(votes, rounds=50, method=method, cluster=cluster)
    monkeypatch.setattr("arena.ratings.intervals.bootstrap.BATCH_ROUNDS", 7)
    assert rate(votes, rounds=50, method=method, cluster=cluster) == whole


def test_where_questions_matter_the_intervals_by_question_are_wider() -> None:
    votes = simulated(1.5)
    by_question, by_vote = rate(votes, rounds=400), rate(votes, rounds=400, cluster="vote")
    assert by_question.interval.cluster == "question"
    assert by_vote.interval.cluster == "vote"
    assert width(by_question) > 1.4 * width(by_vote)


def test_where_questions_do_not_matter_both_are_alike() -> None:
    votes = simulated(0.0, questions=200)
    ratio = width(rate(votes, rounds=400)) / width(rate(votes, rounds=400, cluster="vote"))
    assert 0.85 < ratio < 1.2


def test_the_interval_of_a_win_share_is_the_binomial_one() -> None:
    """Two contenders, 600 to 400: the lead's standard error is 1/√(n·p·(1-p)) logits; each rating moves by half."""
    board = rate(columns([("x", "y", "model_a")] * 600 + [("x", "y", "model_b")] * 400), rounds=4000)
    expected = 2 * stats.norm.ppf(0.975) / np.sqrt(1000 * 0.6 * 0.4) * POINTS_PER_LOGIT / 2
    assert width(board) == pytest.approx(expected, rel=0.06)


def test_the_interval_by_question_is_that_of_the_question_means() -> None:
    """30 questions of 20 votes: the lead is the logit of a mean share, whose error comes from the questions."""
    rng = np.random.default_rng(8)
    wins = rng.binomial(20, np.clip(rng.normal(0.6, 0.15, 30), 0.05, 0.95))
    rows = [
        ("x", "y", "model_a" if vote < won else "model_b", f"q{question}")
        for question, won in enumerate(wins.tolist())
        for vote in range(20)
    ]
    share, error = wins.mean() / 20, (wins / 20).std(ddof=1) / np.sqrt(30)
    expected = 2 * stats.t.ppf(0.975, 29) * error / (share * (1 - share)) * POINTS_PER_LOGIT / 2
    assert width(rate(columns(rows), rounds=4000)) == pytest.approx(expected, rel=0.08)


def test_percentile_levels_widen_with_few_units() -> None:
    low, high = percentile_levels(0.95, 13)
    assert low == pytest.approx(stats.norm.cdf(stats.t.ppf(0.025, 12) * np.sqrt(13 / 12)))
    assert low + high == pytest.approx(1)
    assert percentile_levels(0.95, 10**6) == pytest.approx((0.025, 0.975), abs=1e-5)
    assert percentile_levels(0.95, 1) == pytest.approx((0.025, 0.975))
    assert percentile_levels(0.95, 2)[0] < percentile_levels(0.95, 5)[0] < percentile_levels(0.95, 50)[0] < 0.025


def test_a_wider_level_gives_wider_intervals() -> None:
    votes = simulated(0.5, votes=400)
    assert width(rate(votes, rounds=300, level=0.99)) > width(rate(votes, rounds=300)) > width(rate(votes, level=0.5))


def test_few_questions_one_question_and_missing_questions_are_said() -> None:
    rows = [("x", "y", "model_a"), ("x", "y", "model_b"), ("x", "y", "tie")] * 10
    few = rate(columns([(*row, f"q{index % 4}") for index, row in enumerate(rows)]), rounds=100)
    assert few.interval.cluster == "question"
    assert few.warnings == ("The intervals rest on only 4 questions: they are rough.",)
    one = rate(columns([(*row, "q") for row in rows]), rounds=100)
    assert one.interval.cluster == "vote"
    assert one.warnings == ("All votes are on one question: the intervals say nothing about other questions.",)
    assert width(one) > 0
    mixed = columns([(*row, f"q{index % 4}" if index % 2 else "") for index, row in enumerate(rows)])
    assert rate(mixed, rounds=100).interval.cluster == "question"
    assert rate(mixed, rounds=100).warnings == (
        "15 votes name no question; each is taken as of a question of its own.",
    )
    with pytest.raises(BadInput, match="15 votes name no question; give each a question_id"):
        rate(mixed, cluster="question")
    assert any("Only 5 rounds were drawn" in text for text in rate(columns(rows), rounds=5).warnings)


def test_votes_that_name_no_question_are_not_said_to_be_on_one() -> None:
    rows = [("x", "y", "model_a"), ("x", "y", "model_b"), ("x", "y", "tie")] * 10
    board = rate(columns([(*row, "q" if index % 2 else "") for index, row in enumerate(rows)]), rounds=100)
    assert not any("All votes are on one question" in text for text in board.warnings)
    assert any("15 votes name no question" in text for text in board.warnings)


@pytest.mark.parametrize(
    ("raters", "estimand", "expected", "warning"),
    [
        (8, "questions-like-these", "question+rater", None),
        (7, "questions-like-these", "question", "The votes are of 7 raters: too few to tell how others would vote"),
        (1, "questions-like-these", "question", "The votes are of one rater: too few to tell how others would vote"),
        (0, "questions-like-these", "question", None),
        (8, "these-questions", "rater", None),
        (7, "these-questions", "vote", "so the intervals speak of these raters only"),
        (0, "these-questions", "vote", None),
    ],
)
def test_what_is_taken_as_alike_by_itself(raters: int, estimand: Estimand, expected: str, warning: str | None) -> None:
    votes = simulated(0.5, votes=400)
    if raters:
        votes["rater"] = [f"r{index % raters}" for index in range(400)]
    board = rate(votes, rounds=100, estimand=estimand)
    assert (board.interval.cluster, board.interval.estimand) == (expected, estimand)
    said = [text for text in board.warnings if "too few to tell" in text]
    assert [warning is not None and warning in text for text in said] == [True] * (warning is not None)


def test_two_factors_never_leave_an_ordinary_contender_to_the_penalty() -> None:
    """Where raters add nothing, the three terms of the variance can add up to less than nothing: then votes decide."""
    for seed in range(60):
        votes = simulated(0.0, votes=200, seed=seed)
        votes["rater"] = [f"r{rater}" for rater in np.random.default_rng(seed).integers(8, size=200)]
        board = rate(votes, interval="sandwich", rounds=20)
        by_vote = rate(votes, interval="sandwich", cluster="vote", rounds=20)
        assert board.interval.cluster == "question+rater"
        assert not any("weak penalty" in text for text in board.warnings)
        for row in board.rows:
            least = by_name(by_vote)[row.model]
            assert (row.high or 0) - (row.low or 0) > 0.99 * ((least.high or 0) - (least.low or 0))


@pytest.mark.parametrize(
    ("cluster", "change", "message"),
    [
        ("rater", {}, "400 votes name no rater; give each a rater, or choose another cluster"),
        ("question", {"question_id": ["q"] * 400}, "all votes are of one question, so that nothing can be said of oth"),
        ("question+rater", {"rater": ["r"] * 399 + [""]}, "1 vote names no rater"),
    ],
)
def test_a_cluster_that_the_votes_do_not_state_is_refused(
    cluster: Cluster, change: dict[str, list[str]], message: str
) -> None:
    with pytest.raises(BadInput, match=message):
        rate({**simulated(0.5, votes=400), **change}, cluster=cluster)


def test_a_contender_that_often_loses_all_in_a_resample_has_a_finite_interval() -> None:
    """y's one win is missing from about every third resample: (1 - 1/20)^20 = 0.358."""
    board = rate(columns([("x", "y", "model_a")] * 19 + [("x", "y", "model_b")]), rounds=1000)
    assert all(row.flag is None for row in board.rows)
    assert board.warnings == ()
    assert 1300 < max(row.high or 0 for row in board.rows) < 1500


def test_the_interval_holds_the_rating() -> None:
    for seed in range(5):
        for row in rate(simulated(1.0, votes=30, seed=seed, size=3), rounds=20, level=0.05).rows:
            assert row.low is not None
            assert row.rating is not None
            assert row.high is not None
            assert row.low <= row.rating <= row.high


def test_rank_ranges_from_four_intervals() -> None:
    """The last but one only touches the last: that is no gap."""
    low, high = np.array([30.0, 25.0, 3.0, 0.0]), np.array([40.0, 35.0, 26.0, 3.0])
    best, worst = rank_ranges(low, high)
    assert best.tolist() == [1, 1, 2, 3]
    assert worst.tolist() == [2, 3, 4, 4]


def test_the_rank_lies_in_its_range() -> None:
    board = rate(simulated(1.0, size=6), rounds=200)
    for row in board.rows:
        assert row.rank is not None
        assert row.rank_low is not None
        assert row.rank_high is not None
        assert row.rank_low <= row.rank <= row.rank_high
    assert by_name(board).keys() == {f"m{i}" for i in range(6)}
