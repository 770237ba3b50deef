"""How few votes, raters or questions change an order: beside hand counts, brute force, and the board itself."""

from __future__ import annotations

import json
import random
from collections import Counter
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arena.errors import BadInput
from arena.ratings import rate
from arena.ratings.fragility import leaving
from arena.ratings.fragility.analysis import fragility
from arena.ratings.fragility.result import Change, Contest, Fragility, Unit, Way
from benchmarks.fragility import brute_force, small_study
from tests import llmfao

TURNED = {"model_a": "model_b", "model_b": "model_a", "tie": "tie", "both_bad": "both_bad"}
Columns = dict[str, list[Any]]
Rows = list[tuple[str, str, str, str, str]]
NAMES = ("model_a", "model_b", "winner", "question_id", "rater")


def table(rows: Rows) -> Columns:
    return {name: [row[at] for row in rows] for at, name in enumerate(NAMES)}


def duel(a: int, b: int, ties: int = 0) -> Columns:
    """Votes between x and y: `a` for x, `b` for y."""
    return {
        "model_a": ["x"] * (a + b + ties),
        "model_b": ["y"] * (a + b + ties),
        "winner": ["model_a"] * a + ["model_b"] * b + ["tie"] * ties,
    }


def study(seed: int, votes: int = 120, contenders: int = 5, raters: int = 6, questions: int = 8) -> Rows:
    draw = random.Random(seed)
    rows = []
    for _ in range(votes):
        a, b = draw.sample(range(contenders), 2)
        better = draw.random() < 0.5 + 0.05 * (b - a)
        winner = draw.choices(["tie", "both_bad", "model_a" if better else "model_b"], [1, 1, 6])[0]
        rows.append((f"m{a}", f"m{b}", winner, f"q{draw.randrange(questions)}", f"r{draw.randrange(raters)}"))
    return rows


def change(contest: Contest | None, unit: Unit, way: Way) -> Change:
    assert contest is not None
    found = contest.change(unit, way)
    assert found is not None
    return found


def order(rows: Rows) -> list[str]:
    """The contenders as a board ranks them."""
    return [row.model for row in rate(table(rows), rounds=1, interval="sandwich").rows]


def ratings(rows: Rows) -> dict[str, float]:
    board = rate(table(rows), rounds=1, interval="sandwich")
    return {row.model: row.rating for row in board.rows if row.rating is not None}


def applied(rows: Rows, found: Change, spared: int = 0) -> Rows:
    """The votes after the change that was found, made vote by vote, but for the last `spared` of what it moves."""
    if found.unit == "vote":
        return _votes_applied(rows, found, spared)
    column = NAMES.index("rater" if found.unit == "rater" else "question_id")
    moved = set(found.names[: len(found.names) - spared])
    if found.way == "remove":
        return [row for row in rows if row[column] not in moved]
    return [(a, b, TURNED[w], q, r) if (q, r)[column - 3] in moved else (a, b, w, q, r) for a, b, w, q, r in rows]


def _votes_applied(rows: Rows, found: Change, spared: int) -> Rows:
    wanted: Counter[tuple[frozenset[str], str]] = Counter()
    becomes: dict[tuple[frozenset[str], str], str] = {}
    for moved in found.votes:
        key = (frozenset((moved.model_a, moved.model_b)), "" if moved.winner == "tie" else moved.model_a)
        wanted[key] += moved.number
        if moved.becomes is not None:
            becomes[key] = moved.model_a if moved.becomes == "model_a" else moved.model_b
    for _ in range(spared):
        wanted[next(key for key in wanted if wanted[key])] -= 1
    left = []
    for a, b, winner, question, rater in rows:
        better = {"model_a": a, "model_b": b}.get(winner, "")
        key = (frozenset((a, b)), better)
        if not wanted[key]:
            left.append((a, b, winner, question, rater))
            continue
        wanted[key] -= 1
        if found.way == "flip":
            left.append((a, b, "model_a" if becomes[key] == a else "model_b", question, rater))
    assert not +wanted, "the votes that are named are there"
    return left


@given(st.integers(0, 9), st.integers(0, 9), st.integers(0, 3))
@settings(max_examples=30, deadline=None)
def test_of_two_contenders_the_numbers_can_be_counted_by_hand(a: int, b: int, ties: int) -> None:
    """Only wins less losses matter: taken out, a win is one of the difference; turned round two, and a tie one."""
    a, b = max(a, b), min(a, b)
    if a + ties == 0:
        return
    found = fragility(duel(a, b, ties)).first
    assert (found.higher, found.lower) == ("x", "y")
    removed, flipped = change(found, "vote", "remove"), change(found, "vote", "flip")
    assert removed.number == (a - b + 1 if b else None)
    assert flipped.number == (a - b) // 2 + 1
    assert flipped.exact
    assert removed.exact
    assert removed.then_above == (None if b == 0 else "y")


@pytest.mark.parametrize("seed", range(10))
def test_small_studies_beside_brute_force(seed: int) -> None:
    """Every set of votes of each size, fitted: what is called exact is, and what is not is never below the truth."""
    votes = small_study(seed)
    found = fragility(votes)
    for contest, second in ((found.first, None), (found.neighbours[0], found.neighbours[0].lower)):
        for way in ("remove", "flip"):
            said = change(contest, "vote", way)
            truth, settled = brute_force(votes, way, contest.higher, second, most=4_000)
            if settled:
                assert said.number == truth if said.exact else said.number is None or said.number >= (truth or 0)
                assert said.at_least is None or truth is None or said.at_least <= truth


@pytest.mark.parametrize("seed", range(4))
def test_the_board_changes_by_what_is_found_and_not_by_one_fewer_where_it_is_exact(seed: int) -> None:
    rows = study(seed)
    found = fragility(table(rows))
    before = order(rows)
    assert [found.neighbours[0].higher, *(contest.lower for contest in found.neighbours)] == before
    for said in found.first.changes:
        if said.number is not None:
            assert said.number == sum(moved.number for moved in said.votes) + len(said.names)
            assert order(applied(rows, said))[0] == said.then_above != before[0]
            if said.exact:
                assert order(applied(rows, said, spared=1))[0] == before[0]
    for contest in found.neighbours:
        for said in contest.changes:
            if said.number is not None:
                after = ratings(applied(rows, said))
                assert after[contest.lower] > after[contest.higher]


def test_every_unit_and_way_is_looked_at_where_the_votes_name_it() -> None:
    rows = study(0)
    found = fragility(table(rows), pair=("m4", "m0"))
    kinds = [(unit, way) for unit in ("vote", "rater", "question") for way in ("remove", "flip")]
    for contest in (found.first, found.pair, *found.neighbours):
        assert contest is not None
        assert [(each.unit, each.way) for each in contest.changes] == kinds
    assert found.pair is not None
    assert {found.pair.higher, found.pair.lower} == {"m0", "m4"}
    assert order(rows).index(found.pair.higher) < order(rows).index(found.pair.lower)
    assert [each.unit for each in found.leave_one_out] == ["rater", "question"]
    bare = fragility({name: column for name, column in table(rows).items() if name not in ("rater", "question_id")})
    assert [each.unit for each in bare.first.changes] == ["vote", "vote"]
    assert bare.leave_one_out == ()
    assert bare.first.changes == found.first.changes[:2]


def without(rows: Rows, column: int, name: str) -> dict[str, float]:
    return ratings([row for row in rows if row[column] != name])


@pytest.mark.parametrize(("at", "column"), [(0, 4), (1, 3)])
def test_ranges_are_those_of_the_boards_without_each(at: int, column: int) -> None:
    rows = study(7, votes=200)
    found = fragility(table(rows)).leave_one_out[at]
    names = sorted({row[column] for row in rows})
    assert (found.units, found.refitted) == (len(names), len(names))
    boards = {name: without(rows, column, name) for name in names}
    tops = Counter(max(board, key=lambda model: board[model]) for board in boards.values())
    for row in found.rows:
        values = {name: board[row.model] for name, board in boards.items()}
        places = [1 + sum(other > board[row.model] for other in board.values()) for board in boards.values()]
        assert row.low == pytest.approx(min(values.values()), abs=1e-3)
        assert row.high == pytest.approx(max(values.values()), abs=1e-3)
        assert (row.low_without, row.high_without) == (min(values, key=values.__getitem__), max(values, key=values.get))  # type: ignore[arg-type]
        assert (row.rank_best, row.rank_worst) == (min(places), max(places))
        assert (row.first, row.unrated) == (tops[row.model], 0)


def test_where_only_the_most_influential_are_refitted_their_ranges_are_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    votes = table(study(3, votes=900, raters=60, questions=90))
    every = fragility(votes).leave_one_out
    monkeypatch.setattr(leaving, "MOST_NUMBERS", 0)
    some = fragility(votes).leave_one_out
    for full, part in zip(every, some, strict=True):
        assert part.refitted < full.refitted == full.units == part.units
        assert sum(row.first for row in part.rows) == part.units
        for one, other in zip(full.rows, part.rows, strict=True):
            assert other.low == pytest.approx(one.low)
            assert other.high == pytest.approx(one.high)
            assert (other.rank_best, other.rank_worst) == (one.rank_best, one.rank_worst)


def test_a_contender_that_only_one_rater_saw_is_unrated_without_that_rater() -> None:
    rows: Rows = [("x", "y", winner, f"q{n}", f"r{n % 2}") for n, winner in enumerate(["model_a", "model_b"] * 4)]
    rows += [("x", "z", "model_a", "q0", "r0"), ("x", "z", "model_b", "q1", "r0")]
    found = fragility(table(rows)).leave_one_out[0]
    assert {row.model: row.unrated for row in found.rows} == {"x": 0, "y": 0, "z": 1}
    assert sum(row.first for row in found.rows) == 2


def test_equal_is_not_another_order() -> None:
    """y rises level with x by one vote taken out, and above by two; the two begin level where neither has more wins."""
    assert change(fragility(duel(3, 2)).first, "vote", "remove").number == 2
    assert change(fragility(duel(2, 2)).first, "vote", "remove").number == 1


def test_who_cannot_be_compared_any_more_has_not_changed_places() -> None:
    never = change(fragility(duel(3, 0)).first, "vote", "remove")
    assert (never.number, never.exact, never.at_least, never.share, never.then_above) == (None, True, None, None, None)


def test_a_vote_of_weight_counts_as_one_and_weighs_what_it_weighs() -> None:
    votes = {**duel(4, 1), "weight": [1.0, 1.0, 1.0, 5.0, 4.0]}
    said = change(fragility(votes).first, "vote", "remove")
    assert (said.number, said.of, [(moved.weight, moved.number) for moved in said.votes]) == (1, 5, [(5.0, 1)])
    even = change(fragility({**votes, "weight": [2.0] * 5}).first, "vote", "remove")
    assert even.number == change(fragility(duel(4, 1)).first, "vote", "remove").number == 4


def test_counts_are_as_many_votes() -> None:
    rows = study(5)
    cells: dict[tuple[str, str, str, str], Counter[str]] = {}
    for a, b, winner, question, rater in rows:
        cells.setdefault((a, b, question, rater), Counter())[winner] += 1
    counts: Columns = {
        **{name: [key[at] for key in cells] for at, name in enumerate(("model_a", "model_b", "question_id", "rater"))},
        "wins_a": [cell["model_a"] for cell in cells.values()],
        "wins_b": [cell["model_b"] for cell in cells.values()],
        "ties": [cell["tie"] for cell in cells.values()],
        "both_bad": [cell["both_bad"] for cell in cells.values()],
    }
    assert fragility(counts) == fragility(table(rows))


def test_order_of_rows_and_sides_do_not_matter() -> None:
    rows = study(2)
    draw = random.Random(1)
    other = [(b, a, TURNED[w], q, r) if draw.random() < 0.5 else (a, b, w, q, r) for a, b, w, q, r in rows]
    assert fragility(table(draw.sample(other, len(other)))) == fragility(table(rows))


def test_both_bad_is_dropped_where_asked() -> None:
    rows = study(1)
    kept = [row for row in rows if row[2] != "both_bad"]
    dropped = fragility(table(rows), both_bad="drop")
    assert dropped.votes == len(kept) < fragility(table(rows)).votes == len(rows)
    assert dropped.first == fragility(table(kept)).first
    assert dropped.settings == {"method": "bradley-terry", "both_bad": "drop"}


def test_of_several_islands_the_one_of_most_votes_is_analysed() -> None:
    both = {
        name: column + more for (name, column), more in zip(duel(5, 3).items(), (["v"], ["w"], ["tie"]), strict=True)
    }
    found = fragility(both)
    assert (found.contenders, found.votes) == (2, 8)
    assert found.first == fragility(duel(5, 3)).first
    assert found.warnings[1].endswith("Left aside: v, w.")


def test_votes_that_name_no_rater_stay() -> None:
    rows = [(a, b, w, q, "" if at < 5 else r) for at, (a, b, w, q, r) in enumerate(study(4))]
    found = fragility(table(rows))
    assert "5 votes name no rater; they stay whichever raters are moved." in found.warnings
    assert change(found.first, "rater", "remove").of == 6


def test_the_result_is_json_with_its_settings_and_says_that_it_is_no_interval() -> None:
    seen: list[tuple[int, int]] = []
    found = fragility(table(study(0)), progress=lambda done, total: seen.append((done, total)))
    content = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert list(content) == [
        "votes", "contenders", "first", "neighbours", "pair", "leave_one_out", "settings", "warnings",
    ]  # fmt: skip
    assert list(content["first"]) == ["higher", "lower", "lead", "changes"]
    assert list(content["first"]["changes"][0]) == [
        "unit", "way", "number", "at_least", "exact", "predicted", "of", "share", "then_above", "votes", "names",
    ]  # fmt: skip
    assert "sampling error" in content["warnings"][0]
    assert seen[-1][0] == seen[-1][1] == len(seen)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"pair": ("x", "nobody")}, "'nobody' is none of the contenders"),
        ({"pair": ("x", "x")}, "a pair is two contenders"),
        ({"pair": "xy"}, "a pair is two contenders"),
        ({"both_bad": "lose"}, "both_bad must be one of"),
    ],
)
def test_what_cannot_be_asked_is_refused(options: dict[str, Any], told: str) -> None:
    with pytest.raises(BadInput, match=told):
        fragility(duel(2, 1), **options)


def test_votes_that_are_all_left_out_are_refused() -> None:
    with pytest.raises(BadInput, match="both answers bad"):
        fragility({"model_a": ["x"], "model_b": ["y"], "winner": ["both_bad"]}, both_bad="drop")


def of_llmfao(file: str) -> tuple[Fragility, Rows]:
    rows = [
        (vote["model_a"], vote["model_b"], vote["winner"], vote["question_id"], vote.get("rater", ""))
        for vote in llmfao.votes(file)
    ]
    return fragility(table(rows)), rows


def test_first_place_among_crowd_votes_hangs_on_a_dozen() -> None:
    """The figures of docs/methods.md, which the board bears out."""
    found, rows = of_llmfao(llmfao.CROWD)
    assert (found.first.higher, found.votes, found.contenders) == ("GPT 4", 8931, 59)
    numbers = {(each.unit, each.way): each.number for each in found.first.changes}
    assert numbers == {
        ("vote", "remove"): 13,
        ("vote", "flip"): 10,
        ("rater", "remove"): 7,
        ("rater", "flip"): 2,
        ("question", "remove"): 3,
        ("question", "flip"): 1,
    }
    for said in found.first.changes:
        assert order(applied(rows, said))[0] == said.then_above != "GPT 4"
    assert [row.first for row in found.leave_one_out[0].rows][:2] == [124, 0]


def test_first_place_among_gpt_4_s_judgements_hangs_on_one() -> None:
    found, rows = of_llmfao("gpt4-crowd-comparisons.csv")
    for way in ("remove", "flip"):
        said = change(found.first, "vote", way)
        assert (said.number, said.exact, said.of) == (1, True, 2139)
        assert order(applied(rows, said))[0] == said.then_above != found.first.higher
