"""Votes in, agreement out: what is compared with what, by hand and against brute force."""

from __future__ import annotations

import json
import random
import tracemalloc
from collections import Counter
from dataclasses import replace
from itertools import combinations, product
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arena.errors import BadInput
from arena.ratings.agreement import pairs
from arena.ratings.agreement.comparing import agreement
from arena.ratings.agreement.labels import LABELS
from arena.ratings.agreement.plurality import plurality
from arena.ratings.agreement.resampling import Estimate, Resampling
from arena.ratings.agreement.result import NAMES, Agreement, Comparison
from arena.ratings.intervals.bootstrap import Report

Row = dict[str, Any]
COLUMNS = ("model_a", "model_b", "winner", "question_id", "rater", "source", "category", "axis")
TURNED = {"model_a": "model_b", "model_b": "model_a", "tie": "tie", "both_bad": "both_bad"}
QUICK = 20


def vote(question: str, rater: str | None, winner: str, source: str = "human", **more: str) -> Row:
    return {"model_a": "x", "model_b": "y", "winner": winner, "question_id": question, "rater": rater} | {
        "source": source,
        **more,
    }


def told(rows: list[Row], **options: Any) -> Agreement:
    columns = {name: [row.get(name) for row in rows] for name in COLUMNS}
    if not any(columns["axis"]):
        del columns["axis"]
    return agreement(columns, **{"rounds": QUICK, **options})


def value(comparison: Comparison, name: str) -> float | None:
    return comparison.figures[name].value


def two_raters(a: int, b: int, c: int, d: int) -> list[Row]:
    """Two raters on so many questions each: both say x, the first x and the second y, the other way round, both y."""
    pairs = [("model_a", "model_a")] * a + [("model_a", "model_b")] * b
    pairs += [("model_b", "model_a")] * c + [("model_b", "model_b")] * d
    return [vote(f"q{n}", who, said) for n, pair in enumerate(pairs) for who, said in zip("rs", pair, strict=True)]


@pytest.mark.parametrize(
    ("cells", "raw", "kappa"),
    [
        ((40, 9, 6, 45), 0.85, 0.70),
        ((80, 10, 5, 5), 0.85, 0.32),
        ((45, 15, 25, 15), 0.60, 0.13),
        ((25, 35, 5, 35), 0.60, 0.26),
    ],
)
def test_the_kappa_paradox_as_published(cells: tuple[int, int, int, int], raw: float, kappa: float) -> None:
    """Feinstein & Cicchetti (1990), J Clin Epidemiol 43: the same agreement, another kappa, because of the margins."""
    (comparison,) = told(two_raters(*cells)).overall.comparisons
    assert value(comparison, "raw") == pytest.approx(raw)
    assert round(value(comparison, "cohen") or 0, 2) == kappa
    (pair,) = comparison.pairs.listed
    assert (pair.one, pair.other, pair.pairings) == ("r", "s", 100)
    assert pair.cohen.value == pytest.approx(value(comparison, "cohen"))


def some_votes(seed: int, count: int = 60) -> list[Row]:
    """Votes of four people and two judges on any sides, some of them twice."""
    draw = random.Random(seed)
    rows = []
    for _ in range(count):
        source, rater = draw.choice([("human", who) for who in "abcd"] + [("judge:j", None), ("judge:k", None)])
        a, b = draw.sample(["x", "y", "z"], 2)
        winner = draw.choice(["model_a", "model_b", "tie", "both_bad"])
        rows.append(vote(f"q{draw.randrange(4)}", rater, winner, source) | {"model_a": a, "model_b": b})
    return rows


def firsts(rows: list[Row]) -> dict[tuple[str, str, str], dict[str, str]]:
    """The first label of each rater on each pairing, by hand: the name of the winner, or a tie."""
    found: dict[tuple[str, str, str], dict[str, str]] = {}
    for row in rows:
        low, high = sorted((row["model_a"], row["model_b"]))
        label = {"model_a": row["model_a"], "model_b": row["model_b"]}.get(row["winner"], "tie")
        rater = row["source"] if row["source"].startswith("judge:") else row["rater"]
        found.setdefault((row["question_id"], low, high), {}).setdefault(rater, label)
    return found


def is_judge(rater: str) -> bool:
    return rater.startswith("judge:")


def meet(labels: dict[str, str], judge: str | None) -> bool:
    """Whether people and the judge (or any) judged the pairing."""
    judges = [rater for rater in labels if is_judge(rater) and judge in (None, rater)]
    return bool(judges) and any(not is_judge(rater) for rater in labels)


@pytest.mark.parametrize("seed", range(5))
def test_who_is_compared_with_whom_is_as_counted_by_hand(seed: int) -> None:
    rows = some_votes(seed)
    found = {(c.kind, c.judge): c for c in told(rows).overall.comparisons}
    assert list(found) == [
        ("human-human", None),
        ("human-judge", "judge:j"),
        ("human-judge", "judge:k"),
        ("human-judge", None),
        ("judge-judge", None),
    ]
    for (kind, judge), comparison in found.items():
        shares, raters, votes, ties = [], set[str](), 0, 0
        for labels in firsts(rows).values():
            met = [
                (one, other)
                for one, other in combinations(sorted(labels), 2)
                if sorted(kind.replace("human", "False").replace("judge", "True").split("-"))
                == sorted(str(is_judge(rater)) for rater in (one, other))
                and (judge is None or judge in (one, other))
            ]
            if met:
                shares.append(sum(labels[one] == labels[other] for one, other in met) / len(met))
                those = {rater for pair in met for rater in pair}
                raters |= those
                votes += len(those)
                ties += sum(labels[rater] == "tie" for rater in those)
        assert (comparison.units, comparison.votes, comparison.raters) == (len(shares), votes, len(raters))
        assert value(comparison, "raw") == pytest.approx(sum(shares) / len(shares))
        assert value(comparison, "tie_rate") == pytest.approx(ties / votes), "among the votes that are counted"


@pytest.mark.parametrize("seed", range(3))
def test_cohen_is_the_mean_over_pairs_of_raters_by_hand(seed: int) -> None:
    rows = some_votes(seed, 150)
    table: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for (_, low, _), labels in firsts(rows).items():
        place = {low: "low", "tie": "tie"}
        for one, other in combinations(sorted(rater for rater in labels if not is_judge(rater)), 2):
            pair = (place.get(labels[one], "high"), place.get(labels[other], "high"))
            table.setdefault((one, other), []).append(pair)
    total = weight = 0.0
    for both in table.values():
        n = len(both)
        first, second = (Counter(pair[side] for pair in both) for side in (0, 1))
        chance = sum(first[label] * second[label] for label in first) / n**2
        if chance < 1:
            total += n * (sum(a == b for a, b in both) / n - chance) / (1 - chance)
            weight += n
    comparison = told(rows).overall.comparisons[0]
    assert value(comparison, "cohen") == pytest.approx(total / weight)
    assert comparison.pairs.number + comparison.pairs.undefined == len(table)


def figures(found: Agreement) -> list[dict[str, float | None]]:
    return [{name: value(c, name) for name in NAMES} for c in found.overall.comparisons]


@given(st.integers(0, 10**6))
@settings(max_examples=25, deadline=None)
def test_sides_and_the_order_of_first_votes_change_nothing(seed: int) -> None:
    rows, draw = some_votes(seed % 50), random.Random(seed)
    seen: set[tuple[Any, ...]] = set()
    once = [
        row
        for row in rows
        if (key := (row["question_id"], row["source"], row["rater"], *sorted((row["model_a"], row["model_b"]))))
        not in seen
        and not seen.add(key)  # type: ignore[func-returns-value]
    ]
    turned = [
        row | {"model_a": row["model_b"], "model_b": row["model_a"], "winner": TURNED[row["winner"]]}
        if draw.random() < 0.5
        else row
        for row in once
    ]
    expected = told(once).overall
    found = told(draw.sample(turned, len(turned))).overall
    assert found == expected, "intervals too"


def test_turning_the_sides_without_the_winner_is_noticed() -> None:
    rows = two_raters(8, 0, 0, 4)
    wrong = [row | {"model_a": "y", "model_b": "x"} if row["rater"] == "s" else row for row in rows]
    assert figures(told(rows))[0]["raw"] == 1.0
    assert figures(told(wrong))[0]["raw"] == 0.0


def test_only_the_first_vote_of_a_rater_counts_between_raters() -> None:
    rows = two_raters(3, 0, 0, 3)
    again = [*rows, *(row | {"winner": "tie"} for row in rows)]
    assert figures(told(again)) == figures(told(rows))
    assert figures(told([*again[6:], *again[:6]])) != figures(told(rows)), "the control: another vote comes first"


def test_a_judge_is_one_rater_whatever_its_rows_name() -> None:
    rows = [vote("q", "run 1", "model_a", "judge:j"), vote("q", "run 2", "tie", "judge:j"), vote("q", "a", "model_a")]
    (comparison,) = told(rows).overall.comparisons
    assert (comparison.kind, comparison.judge, comparison.raters, value(comparison, "raw")) == (
        "human-judge",
        "judge:j",
        2,
        1.0,
    )


def test_people_of_one_name_in_two_sources_are_two_people() -> None:
    found = told([vote("q", "a", "tie", "human"), vote("q", "a", "tie", "elsewhere")])
    assert found.overall.comparisons[0].raters == 2


def test_both_bad_is_a_tie_or_a_label_of_its_own() -> None:
    rows = [vote("q", "a", "tie"), vote("q", "b", "both_bad"), vote("p", "a", "tie"), vote("p", "b", "model_a")]
    merged, apart = told(rows), told(rows, both_bad="label")
    assert (merged.labels, apart.labels) == (("low", "tie", "high"), ("low", "tie", "high", "both_bad"))
    assert [value(found.overall.comparisons[0], "raw") for found in (merged, apart)] == [0.5, 0.0]
    assert value(apart.overall.comparisons[0], "tie_rate") == value(merged.overall.comparisons[0], "tie_rate") == 0.75
    for name in ("krippendorff_ordinal", "gwet_ac2"):
        assert value(apart.overall.comparisons[0], name) == value(merged.overall.comparisons[0], name)


def test_axes_are_kept_apart_and_told_of_by_themselves() -> None:
    rows = [
        *(vote("q", who, "model_a", axis="harm") for who in "ab"),
        *(vote("q", who, said, axis="recall") for who, said in (("a", "model_a"), ("b", "model_b"))),
    ]
    found = told(rows, by=["axis"])
    assert (found.overall.comparisons[0].units, value(found.overall.comparisons[0], "raw")) == (2, 0.5)
    assert [(part.value, value(part.comparisons[0], "raw")) for part in found.parts] == [("harm", 1.0), ("recall", 0.0)]
    assert found.consistency == (), "another axis is no repeat"


def test_a_category_is_that_of_the_question_whoever_states_it() -> None:
    rows = [
        vote("q", "a", "tie", category="heart"),
        vote("q", None, "tie", "judge:j"),
        vote("p", "a", "tie", category="lung"),
        vote("p", None, "model_a", "judge:j"),
    ]
    found = told(rows, by=["category"])
    assert [(part.value, value(part.comparisons[0], "raw")) for part in found.parts] == [("heart", 1.0), ("lung", 0.0)]


def test_of_two_categories_of_a_question_the_first_given_counts() -> None:
    rows = [vote("q", "a", "tie", category="heart"), vote("q", "b", "tie", category="lung"), vote("q", "c", "tie")]
    assert [part.value for part in told(rows, by=["category"]).parts] == ["heart"]
    assert [part.value for part in told(rows[::-1], by=["category"]).parts] == ["lung"]


def test_with_few_questions_an_interval_reaches_beyond_every_round() -> None:
    """Shares of 3, 4 and 4 in 6: ± t(2) · √(3/2) standard deviations of the rounds, by hand."""
    rows = []
    for question, alike in (("q0", 3), ("q1", 4), ("q2", 4)):
        for pairing in range(6):
            winners = ("model_a", "model_a" if pairing < alike else "model_b")
            rows += [
                vote(question, who, said) | {"model_b": f"y{pairing}"} for who, said in zip("rs", winners, strict=True)
            ]
    raw = told(rows, rounds=4000).overall.comparisons[0].figures["raw"]
    reach = 4.3027 * (3 / 2) ** 0.5 * float(np.std([3 / 6, 4 / 6, 4 / 6])) / 3**0.5
    assert raw.value == pytest.approx(11 / 18)
    assert raw.low == pytest.approx(11 / 18 - reach, rel=0.05)
    assert raw.high == pytest.approx(11 / 18 + reach, rel=0.05)


def people(question: str, said: str) -> list[Row]:
    """One letter for each person: x or y is better, or a tie."""
    words = {"x": "model_a", "y": "model_b", "t": "tie"}
    return [vote(question, f"p{n}", words[letter]) for n, letter in enumerate(said)]


def test_the_plurality_by_hand() -> None:
    """Plurality: q0 x, q1 tie, q2 none (2:2), q3 y. The judge says x, x, x, y."""
    crowd = ["xxy", "ttx", "xxyy", "yyyt"]
    rows = [row for n, said in enumerate(crowd) for row in people(f"q{n}", said)]
    rows += [vote(f"q{n}", None, w, "judge:j") for n, w in enumerate(["model_a", "model_a", "model_a", "model_b"])]
    rows += people("q9", "tt")  # which the judge did not see
    (found,) = told(rows).overall.pluralities
    assert (found.pairings, found.agreeing) == (3, 2)
    assert found.agrees.value == pytest.approx(2 / 3)
    assert (found.decisive, found.agrees_decisive.value) == (2, 1.0)
    # What most others say, person by person; the judge is held against the very same others.
    # q0: the y sees xx (judge right), each x a draw. q1: the x sees tt (both wrong). q2: each x sees y ahead (both
    # wrong), each y sees x ahead (judge right). q3: each y sees yyt (both right), the t sees yyy (judge right).
    assert found.beside == 1 + 1 + 4 + 4
    assert found.human_agrees.value == pytest.approx((0 + 0 + 0 + 3) / 10)
    assert found.judge_agrees.value == pytest.approx((1 + 0 + 2 + 4) / 10)
    assert found.human_raw.value == pytest.approx((1 / 3 + 1 / 3 + 1 / 3 + 1 / 2) / 4)


@pytest.mark.parametrize("people", [2, 3, 4])
def test_a_judge_who_votes_as_people_do_is_as_often_right_as_they(people: int) -> None:
    """Every draw of the people and the judge from one urn of x, x, tie and y, each once: no chance is left over."""
    draws = list(product((0, 0, 1, 2), repeat=people + 1))
    own = np.eye(3)[[draw[0] for draw in draws]]
    crowd = np.array([np.eye(3)[list(draw[1:])].sum(axis=0) for draw in draws])
    found = plurality("judge:j", crowd, own, np.arange(len(draws)), Resampling(2, 0.95, 0, Report(None, 0)))
    assert found is not None
    assert found.beside > len(draws)
    assert found.judge_agrees.value == pytest.approx(found.human_agrees.value)
    assert found.agrees.value != pytest.approx(found.human_agrees.value), "the control: of another reference"


def tosses(*words: str, questions: int = 2000) -> list[Row]:
    """Two raters who each draw one of the words, whatever the pairing."""
    draw = random.Random(1)
    return [vote(f"q{n}", who, draw.choice(words)) for n in range(questions) for who in "rs"]


CORRECTED = ("fleiss", "randolph", "gwet_ac1", "gwet_ac2", "krippendorff_nominal", "krippendorff_ordinal")


@pytest.mark.parametrize(
    ("words", "both_bad", "k"),
    [
        (("model_a", "model_b"), "tie", 2),
        (("model_a", "model_b"), "label", 2),
        (("model_a", "model_b", "tie"), "label", 3),
        (("model_a", "model_b", "both_bad"), "tie", 3),
        (("model_a", "model_b", "tie", "both_bad"), "label", 4),
    ],
)
def test_raters_who_toss_coins_agree_by_chance_alone(words: tuple[str, ...], both_bad: str, k: int) -> None:
    """Whatever of the labels was never offered: with three labels for two, Randolph's kappa would be 0.25."""
    (comparison,) = told(tosses(*words), both_bad=both_bad).overall.comparisons
    assert len(comparison.labels) == k
    names = [name for name in CORRECTED if k < 4 or name != "gwet_ac2"]  # to AC2 two of the four labels are one
    assert {name: value(comparison, name) for name in names} == pytest.approx(dict.fromkeys(names, 0), abs=0.07)


def test_with_two_labels_gwet_s_and_randolph_s_are_those_of_two_labels() -> None:
    """Of 100: 40 and 45 agree, so raw 0.85 and shares 0.475, 0.525; AC1 expects 2 · 0.475 · 0.525 (Gwet 2008)."""
    (comparison,) = told(two_raters(40, 9, 6, 45)).overall.comparisons
    low = (40 + 40 + 9 + 6) / 200
    chance = 2 * low * (1 - low)
    assert value(comparison, "randolph") == pytest.approx((0.85 - 0.5) / 0.5)
    assert value(comparison, "gwet_ac1") == pytest.approx((0.85 - chance) / (1 - chance))
    assert value(comparison, "gwet_ac2") == pytest.approx((0.85 - chance) / (1 - chance)), "one step is all there is"


def test_the_labels_are_those_offered_or_else_those_given_and_then_it_is_said() -> None:
    rows = two_raters(8, 1, 1, 8)
    said = "No vote is a tie (human-human): Randolph's kappa, AC1 and AC2 take it that none was offered."
    guessed, never, could = told(rows), told(rows, offered=[]), told(rows, offered=["tie"])
    assert [found.labels for found in (guessed, never, could)] == [("low", "high"), ("low", "high"), LABELS[:3]]
    assert [any(line.startswith(said) for line in found.warnings) for found in (guessed, never, could)] == [1, 0, 0]
    assert [found.settings["labels"] for found in (guessed, could)] == ["given", "offered"]
    assert figures(guessed) == figures(never)
    assert (value(could.overall.comparisons[0], "randolph") or 0) > (
        value(never.overall.comparisons[0], "randolph") or 0
    )
    used = told([*rows, vote("q0", "t", "tie")], offered=[])
    assert used.labels == LABELS[:3], "what was given was offered, whatever is stated"
    assert told(rows, offered=["both_bad"]).labels == LABELS[:3]
    assert told(rows, offered=["both_bad"], both_bad="label").labels == ("low", "high", "both_bad")


def test_judges_who_were_asked_for_one_of_two_have_two_labels_beside_people_who_had_three() -> None:
    rows = [vote("q", who, said) for who, said in (("a", "tie"), ("b", "model_a"))]
    rows += [vote("q", None, "model_a", f"judge:{name}") for name in "jk"]
    found = {(c.kind, c.judge): len(c.labels) for c in told(rows, by=()).overall.comparisons}
    assert (found["human-human", None], found["human-judge", "judge:j"], found["judge-judge", None]) == (3, 3, 2)


def test_the_labels_of_a_part_are_those_of_the_whole() -> None:
    rows = [row | {"category": "heart"} for row in two_raters(5, 1, 1, 5)]
    rows += [vote("p", who, "tie", category="lung") for who in "rs"]
    found = told(rows, by=["category"])
    assert [len(part.comparisons[0].labels) for part in (found.overall, *found.parts)] == [3, 3, 3]


def test_the_tie_rate_is_of_the_votes_that_are_counted_and_rests_on_their_questions() -> None:
    """Two share one pairing and judge forty alone: of the two votes beside each other one is a tie, on one question."""
    rows = [vote("p", "a", "tie"), vote("p", "b", "model_a"), *(vote(f"q{n}", "a", "tie") for n in range(40))]
    (comparison,) = told(rows).overall.comparisons
    assert (comparison.questions, comparison.votes) == (1, 2)
    assert comparison.figures["tie_rate"] == Estimate(0.5)


def test_questions_of_many_votes_weigh_on_the_tie_rate_s_interval() -> None:
    """One question of 38 raters and eight of 2 are 54² / (38² + 8 · 2²) = 2 questions to votes, and 9 to pairings."""
    rows = [vote("q0", f"r{n}", "tie" if n < 19 else "model_a") for n in range(38)]
    rows += [vote(f"q{n}", f"r{m}", "tie") for n in range(1, 9) for m in range(2)]
    rate = told(rows, rounds=4000).overall.comparisons[0].figures["tie_rate"]
    assert rate.value == pytest.approx(35 / 54)
    assert (rate.low, rate.high) == (0.0, 1.0), "t of one degree of freedom, which nine questions would not give"


def test_fleiss_may_lie_below_minus_one_and_so_may_its_interval() -> None:
    """Nobody agrees on two pairings, and ten that one rater judged are all alike: chance expects (11² + 1²) / 12²."""
    rows = [vote(f"p{n}", who, said) for n in range(2) for who, said in (("a", "model_a"), ("b", "model_b"))]
    found = told([*rows, *(vote(f"q{n}", "a", "model_a") for n in range(10))], rounds=200)
    fleiss = found.overall.comparisons[0].figures["fleiss"]
    assert fleiss.value == pytest.approx(-122 / (144 - 122))
    assert fleiss.low is not None
    assert fleiss.low < -122 / 22


def crowd(number: int) -> list[Row]:
    """So many people on one pairing, and a judge."""
    rows = [vote("q", f"p{n}", ("model_a", "model_b", "tie")[n % 3]) for n in range(number)]
    return [*rows, vote("q", None, "tie", "judge:j")]


@pytest.mark.parametrize(("limit", "most"), [("MEETINGS", 30 * 29 // 2), ("PAIRS", 30 * 29 // 2)])
def test_too_many_meetings_leave_cohen_out_and_nothing_else(
    monkeypatch: pytest.MonkeyPatch, limit: str, most: int
) -> None:
    whole = told(crowd(30))
    monkeypatch.setattr(pairs, limit, most)
    assert told(crowd(30)) == whole, "as many as that are gone through"
    monkeypatch.setattr(pairs, limit, most - 1)
    seen: list[tuple[int, int]] = []
    found = told(crowd(30), progress=lambda done, total: seen.append((done, total)))
    before, after = (found.overall.comparisons[0] for found in (whole, found))
    assert after.pairs == replace(pairs.NO_PAIRS, left_out=435)
    assert after.figures == {**before.figures, "cohen": Estimate(None)}
    assert found.overall.comparisons[1] == whole.overall.comparisons[1], "with the judge they met 30 times only"
    assert "human-human: two raters met on a pairing 435 times" in " ".join(found.warnings)
    assert seen[-1][0] == seen[-1][1]


def test_memory_does_not_grow_with_the_square_of_the_votes_on_a_pairing() -> None:
    """3,000 people once and one of them 3,000 times: 4.5 million pairs each, of which one array would be 36 MB."""
    again = [vote("q", "p0", ("model_a", "tie")[n % 2]) for n in range(3000)]
    rows = [*crowd(3000), *again]
    tracemalloc.start()
    try:
        found = told(rows, rounds=2)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 36e6
    assert found.overall.comparisons[0].pairs.left_out == 3000 * 2999 // 2
    assert found.consistency[0].pairs == 3001 * 3000 // 2


@pytest.mark.parametrize("seed", range(3))
def test_self_consistency_is_that_of_every_two_votes_by_hand(seed: int) -> None:
    rows = [row for row in some_votes(seed, 150) if row["source"] == "human"]
    cells: dict[tuple[Any, ...], list[tuple[str, bool]]] = {}
    for row in rows:
        low, high = sorted((row["model_a"], row["model_b"]))
        better = {"model_a": row["model_a"], "model_b": row["model_b"]}.get(row["winner"], "tie")
        cells.setdefault((row["rater"], row["question_id"], low, high), []).append((better, row["model_a"] == low))
    told_of = [(x[0] == y[0], x[1] != y[1]) for votes in cells.values() for x, y in combinations(votes, 2)]
    (found,) = told(rows).consistency
    assert (found.pairings, found.pairs) == (sum(len(votes) > 1 for votes in cells.values()), len(told_of))
    for swapped, number, share in (
        (False, found.same_sides_pairs, found.same_sides),
        (True, found.swapped_pairs, found.swapped),
    ):
        alike = [same for same, turned in told_of if turned == swapped]
        assert number == len(alike)
        assert share.value == pytest.approx(sum(alike) / len(alike))


def test_self_consistency_by_hand() -> None:
    rows = [
        vote("q", "a", "model_a"),
        vote("q", "a", "model_a"),  # the same again
        vote("q", "b", "model_a"),
        vote("q", "b", "model_a") | {"model_a": "y", "model_b": "x"},  # swapped: the side was kept, not the opinion
        vote("p", "b", "tie"),
        vote("p", "b", "tie") | {"model_a": "y", "model_b": "x"},
        vote("p", "c", "tie"),
    ]
    (found,) = told(rows).consistency
    assert (found.source, found.pairings, found.pairs) == ("human", 3, 3)
    assert found.share.value == pytest.approx(2 / 3)
    assert (found.same_sides_pairs, found.same_sides.value) == (1, 1.0)
    assert (found.swapped_pairs, found.swapped.value) == (2, 0.5)
    assert [(own.rater, own.pairings, own.pairs, own.share.value) for own in found.raters] == [
        ("a", 1, 1, 1.0),
        ("b", 2, 2, 0.5),
    ]
    assert found.raters[0].share.low is None, "one question says nothing of others"
    thrice = told([vote("q", "a", said) for said in ("tie", "tie", "model_a")]).consistency[0]
    assert (thrice.pairings, thrice.pairs) == (1, 3)
    assert thrice.share.value == pytest.approx(1 / 3)


def test_the_preferred_side_by_hand() -> None:
    rows = [vote(f"q{n}", "a", "model_a") for n in range(3)] + [
        vote("q0", "b", w) for w in ("model_b", "tie", "model_a")
    ]
    (found,) = told(rows).position
    assert (found.votes, found.left, found.share.value) == (5, 4, 0.8)
    assert [(own.rater, own.votes, own.left) for own in found.raters] == [("a", 3, 3), ("b", 2, 1)]
    assert [own.difference.value for own in found.raters] == [0.5, -0.5]
    share = found.raters[0].share
    assert share.low == pytest.approx(0.025 ** (1 / 3)), "three questions of three: Clopper-Pearson, not zero width"
    assert share.high == 1.0
    difference = found.raters[0].difference
    assert difference.low is not None
    assert difference.low < 0, "three votes of one rater do not tell that rater from another"


def test_the_same_seed_gives_the_same_and_json_can_hold_it() -> None:
    rows = some_votes(3)
    first = json.dumps(told(rows, seed=4, by=()).to_dict(), allow_nan=False)
    assert json.dumps(told(rows, seed=4).to_dict(), allow_nan=False) == first
    assert json.dumps(told(rows, seed=5).to_dict(), allow_nan=False) != first
    assert json.loads(first)["settings"] == {
        "both_bad": "tie",
        "labels": "given",
        "interval": "bootstrap",
        "cluster": "question",
        "rounds": QUICK,
        "level": 0.95,
        "seed": 4,
    }


@given(st.integers(0, 10**6), st.integers(1, 8))
@settings(max_examples=40, deadline=None)
def test_any_votes_give_json_with_intervals_that_hold_their_number(seed: int, count: int) -> None:
    found = told(some_votes(seed, count), rounds=5).to_dict()
    json.dumps(found, allow_nan=False)

    def walk(node: object) -> None:
        if isinstance(node, dict):
            if node.get("low") is not None:
                assert node["low"] <= node["value"] <= node["high"]
            for inner in node.values():
                walk(inner)
        elif isinstance(node, list | tuple):
            for inner in node:
                walk(inner)

    walk(found)


def test_progress_comes_to_its_end() -> None:
    seen: list[tuple[int, int]] = []
    told(some_votes(1), rounds=30, progress=lambda done, total: seen.append((done, total)))
    assert seen[-1][0] == seen[-1][1] == 2 * 30 * (5 + 3)
    assert seen == sorted(seen)


@pytest.mark.parametrize(
    ("change", "options", "reason"),
    [
        ({"question_id": None}, {}, "no vote names a question"),
        ({}, {"by": ["axis"]}, "no vote states a axis"),
        ({}, {"by": ["colour"]}, "by must name any of"),
        ({}, {"both_bad": "half"}, "both_bad must be one of"),
        ({}, {"offered": ["draw"]}, "offered must name any of"),
        ({}, {"level": 1.0}, "level must lie between"),
        ({"winner": "left"}, {}, "'left' is none of"),
    ],
)
def test_what_cannot_be_used_is_refused(change: Row, options: dict[str, Any], reason: str) -> None:
    with pytest.raises(BadInput, match=reason):
        told([row | change for row in two_raters(1, 1, 1, 1)], **options)


def test_counts_and_columns_of_another_length_are_refused() -> None:
    counts = {"model_a": ["x"], "model_b": ["y"], "wins_a": [1], "wins_b": [2], "ties": [0], "question_id": ["q"]}
    with pytest.raises(BadInput, match="agreement is between votes"):
        agreement(counts)
    columns = {name: [row.get(name) for row in two_raters(1, 0, 0, 1)] for name in COLUMNS[:5]}
    for name in ("source", "category", "axis"):
        with pytest.raises(BadInput, match=f"column {name} has 1 rows and the votes 4"):
            agreement(columns | {name: ["human"]})


def test_what_is_left_out_is_said() -> None:
    rows = [*two_raters(2, 0, 0, 2), vote("q0", None, "tie"), vote("", "r", "tie")]
    found = told(rows)
    assert "1 vote was left out: no question is named." in found.warnings
    assert "1 vote names no rater: counted for the sides only, not for agreement." in found.warnings
    assert found.overall.comparisons[0].votes == 8
    assert "The intervals rest on only 4 questions: they are rough." in found.warnings
    parts = told([row | {"category": row["question_id"]} for row in two_raters(2, 0, 0, 0)], by=["category"])
    assert "Fewer than 10 questions, so that intervals are rough: q0, q1." in parts.warnings


def study(rng: np.random.Generator, questions: int, pairings: int, *, apart: bool) -> dict[str, list[Any]]:
    """Three raters who know the answer or guess, better on some questions than on others; `apart` hides which."""
    n = questions * pairings
    skill = np.repeat(rng.choice([0.3, 0.9], questions), pairings)
    truth = rng.integers(0, 3, n)
    label = np.where(rng.random((3, n)) < skill, truth, rng.integers(0, 3, (3, n))).ravel()
    question = np.arange(n) if apart else np.repeat(np.arange(questions), pairings)
    return {
        "model_a": [f"a{pair}" for pair in np.tile(np.arange(n) % pairings, 3)],
        "model_b": ["z"] * (3 * n),
        "winner": [("model_a", "tie", "model_b")[at] for at in label],
        "question_id": np.tile(question, 3).tolist(),
        "rater": np.repeat(np.arange(3), n).tolist(),
    }


def test_intervals_hold_the_truth_and_by_pairing_they_would_not() -> None:
    """Two agree where both know, or by chance: 1/3 + 2/3 E[skill²]; corrected for chance, E[skill²] = 0.45."""
    truth = {"raw": 1 / 3 + 2 / 3 * 0.45, "fleiss": 0.45, "gwet_ac1": 0.45, "krippendorff_nominal": 0.45, "cohen": 0.45}
    held = {}
    for apart in (False, True):
        rng, held[apart] = np.random.default_rng(5), dict.fromkeys(truth, 0)
        for seed in range(100):
            found = agreement(study(rng, 30, 6, apart=apart), rounds=200, seed=seed).overall.comparisons[0].figures
            for name, true in truth.items():
                low, high = found[name].low, found[name].high
                held[apart][name] += low is not None and high is not None and low <= true <= high
    assert all(0.89 <= count / 100 <= 0.99 for count in held[False].values()), held
    assert all(count / 100 < 0.85 for count in held[True].values()), held
