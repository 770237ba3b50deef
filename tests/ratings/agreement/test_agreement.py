"""Votes in, agreement out: what is compared with what, by hand and against brute force."""

from __future__ import annotations

import json
import random
from collections import Counter
from itertools import combinations
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arena.errors import BadInput
from arena.ratings.agreement.comparing import agreement
from arena.ratings.agreement.result import NAMES, Agreement, Comparison

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
        shares, raters, votes = [], set[str](), 0
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
        assert (comparison.units, comparison.votes, comparison.raters) == (len(shares), votes, len(raters))
        assert value(comparison, "raw") == pytest.approx(sum(shares) / len(shares))
        meant = [labels for labels in firsts(rows).values() if kind != "human-judge" or meet(labels, judge)]
        group = [
            label == "tie"
            for labels in meant
            for rater, label in labels.items()
            if (is_judge(rater) or kind != "judge-judge")
            and (not is_judge(rater) or (kind != "human-human" and judge in (None, rater)))
        ]
        assert value(comparison, "tie_rate") == pytest.approx(sum(group) / len(group))


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
    for pairs in table.values():
        n = len(pairs)
        first, second = (Counter(pair[side] for pair in pairs) for side in (0, 1))
        chance = sum(first[label] * second[label] for label in first) / n**2
        if chance < 1:
            total += n * (sum(a == b for a, b in pairs) / n - chance) / (1 - chance)
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
    # What most others say. q0: the y sees xx (miss), each x sees a draw. q1: likewise 0 of 1. q2: 2:1 against each.
    # q3: each y sees yyt (hit), the t sees yyy (miss): 3 of 4.
    assert found.human_agrees.value == pytest.approx((0 + 0 + 0 + 3 / 4) / 4)
    assert found.human_raw.value == pytest.approx((1 / 3 + 1 / 3 + 1 / 3 + 1 / 2) / 4)


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
