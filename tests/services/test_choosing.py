"""Pairs drawn where they tell most (pair policy `active`): how, and what is kept of it."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from dataclasses import asdict
from random import Random
from typing import Any

import numpy as np
import pytest
from scipy.stats import chisquare
from sqlalchemy import text

from arena.domain.access import Seat
from arena.domain.blinding import Ballot
from arena.domain.ledger import LedgerBroken
from arena.domain.plan import PairPolicy, Plan
from arena.domain.vocabulary import HUMAN, Choice
from arena.ratings.comparisons.votes import pair_counts
from arena.ratings.selection import current, pair_chances
from arena.services import audit, choosing, counted, exclusions, imports, record, restore, studies, voting
from arena.store import changes, content, matchups, pairings, votes
from arena.store.engine import Database
from docs.verify_ledger import verify
from tests.conftest import MakeDatabase
from tests.services.eventful import eventful
from tests.services.test_exchange import exported
from tests.studies import CONTENDERS, NOW, cast_elsewhere, later, opened, records, seated

ACTIVE = Plan(pair_policy=PairPolicy.ACTIVE)
UNEVEN = [("alpha", "beta", "model_a")] * 30 + [("beta", "gamma", "model_a")] * 3 + [("beta", "gamma", "tie")] * 2


def go_on(db: Database, seat: Seat, matchups: int = 1, *, seed: int = 1) -> int:
    """Let a rater vote on so many pairs, or all that are left; the alphabet decides, one time in four the other way."""
    rng = Random(seed)
    for done in range(matchups):
        matchup = voting.next_matchup(db, seat, now=NOW, rng=rng)
        if matchup is None:
            return done
        better = matchup.answer_a.split()[1] < matchup.answer_b.split()[1]
        choice = Choice.A_BETTER if better == (rng.random() < 0.75) else Choice.B_BETTER
        voting.cast_vote(db, seat, Ballot(matchup.token, choice), now=NOW)
    return matchups


def said(db: Database, kind: str = "matchup") -> list[dict[str, Any]]:
    """What the study's ledger says of its matchups."""
    entries = [json.loads(line)["entry"] for line in exported(db, "ledger").splitlines()[1:]]
    return [entry["payload"] for entry in entries if entry["kind"] == kind]


def import_uneven(db: Database) -> None:
    cast_elsewhere(db, "s", [dict(zip(("model_a", "model_b", "winner"), vote, strict=True)) for vote in UNEVEN])


def expected(points: list[list[float]], *left: tuple[int, int]) -> list[float]:
    """The probabilities of the pairs that are left, by the votes as counted by hand."""
    found = pair_chances(*current(np.array(points)), target="widths", floor=0.2)
    chances = [float(found[pair]) for pair in left]
    return [chance / sum(chances) for chance in chances]


def test_a_study_runs_to_its_end_and_every_place_is_filled(db: Database) -> None:
    plan = Plan(pair_policy=PairPolicy.ACTIVE, raters_per_pairing=2)
    study = opened(db, plan=plan, questions=8)
    cast = [go_on(db, seated(db, name), 99, seed=n) for n, name in enumerate(("alice", "bob", "carol"))]
    assert sum(cast) == 48
    with db.read() as tx:
        had = Counter((v.question, frozenset((v.model_a, v.model_b))) for v in votes.votes(tx, study.id))
        drawn = matchups.chances(tx, study.id)
        shown = [matchup for matchup, _ in matchups.matchups(tx, study.id)]
    assert (len(had), set(had.values())) == (24, {2})
    assert [matchup.seq for matchup in shown if matchup.chance is None] == [one.seq for one in shown[:3]]
    assert drawn == {matchup.seq: matchup.chance for matchup in shown[3:]}
    assert all(0.0 < chance <= 1.0 for chance in drawn.values())
    audit.audit_study(db, study.id)


def test_pairs_are_drawn_with_the_chance_that_is_told_which_is_that_of_the_votes(db: Database) -> None:
    """1,000 draws from one state of a study, that are not given out: chi-square against what each says of itself."""
    study = opened(db, plan=ACTIVE, questions=6)
    alice = seated(db)
    go_on(db, alice, 3)
    import_uneven(db)
    first = {frozenset((m["model_a"], m["model_b"])) for m in said(db)}
    assert len(first) == 3
    told, counts, rng = dict[str, float](), Counter[str](), Random(3)
    with db.read() as tx:
        rater_id, names = voting.rater_of(tx, alice), content.contender_ids(tx, study.id)
        pairs = {
            f"{one}-{other}": tuple(sorted((names[one], names[other])))
            for one, other in (("alpha", "beta"), ("alpha", "gamma"), ("beta", "gamma"))
        }
        of_pairing = {
            candidate.pairing_id: name
            for name, pair in pairs.items()
            for candidate in pairings.candidates(tx, study.id, rater_id, pair, 1)  # type: ignore[arg-type]
        }
        for _ in range(1000):
            found, chance = choosing.candidates(tx, study, rater_id, rng)
            assert chance is not None
            [name] = {of_pairing[candidate.pairing_id] for candidate in found}
            assert told.setdefault(name, chance) == chance
            counts[name] += 1
        counted_by_hand = np.zeros((3, 3))
        for vote in votes.votes(tx, study.id):
            a, b = CONTENDERS.index(vote.model_a), CONTENDERS.index(vote.model_b)
            won = {"model_a": 1.0, "model_b": 0.0}.get(str(vote.winner), 0.5)
            counted_by_hand[a, b] += won
            counted_by_hand[b, a] += 1.0 - won
    assert sum(told.values()) == pytest.approx(1.0, abs=1e-11)
    assert [told[name] for name in pairs] == pytest.approx(expected(counted_by_hand.tolist(), (0, 1), (0, 2), (1, 2)))
    assert min(told.values()) >= 0.2 / 3 - 1e-12
    assert max(told.values()) > 0.4
    assert chisquare([counts[name] for name in pairs], [1000 * told[name] for name in pairs]).pvalue > 0.001


def test_only_what_is_left_for_the_rater_is_drawn_and_its_chances_sum_to_one(make_db: MakeDatabase) -> None:
    db = make_db("sqlite")
    study = opened(db, plan=ACTIVE, questions=2)
    alice, bob = seated(db), seated(db, "bob")
    go_on(db, alice, 3)
    left = {str(m["question"]) + "".join(sorted((m["model_a"], m["model_b"]))) for m in said(db)}
    assert go_on(db, bob, 99) == 3
    drawn = said(db)[3:]
    assert {str(m["question"]) + "".join(sorted((m["model_a"], m["model_b"]))) for m in drawn}.isdisjoint(left)
    assert [m["chance"] for m in drawn][-1] == "1"
    assert all("1" > m["chance"] > "0." for m in drawn[:-1])
    assert voting.next_matchup(db, bob, now=NOW) is None
    audit.audit_study(db, study.id)


def test_what_is_left_is_what_a_search_of_all_pairings_finds(make_db: MakeDatabase) -> None:
    """By three raters to the end, while the plan's places go from two to one to three."""
    db = make_db("sqlite")
    study = opened(db, plan=Plan(pair_policy=PairPolicy.ACTIVE, raters_per_pairing=2), questions=4)
    seats = [seated(db, name) for name in ("alice", "bob", "carol")]
    closed = 0
    for turn in range(39):
        if turn in (14, 18):
            studies.change_plan(db, "s", [f"raters_per_pairing={1 if turn == 14 else 3}"], reason="x", now=NOW)
        go_on(db, seats[turn % 3], seed=turn)
        places = studies.get(db, "s").plan.raters_per_pairing
        with db.read() as tx:
            sizes = pairings.sizes(tx, study.id)
            for rater_id in (voting.rater_of(tx, seat) for seat in seats):
                left = choosing._left(tx, study.id, rater_id, places, sizes)
                assert set(left) == pairings.with_candidates(tx, study.id, rater_id, places)
                closed += len(sizes) - len(left)
    assert closed > 30
    assert voting.sitting(db, seats[0]).progress.remaining == 0


def test_what_was_let_go_comes_back_as_it_was_with_its_chance(make_db: MakeDatabase) -> None:
    db = make_db("sqlite")
    study = opened(db, plan=Plan(pair_policy=PairPolicy.ACTIVE, claim_minutes=1), questions=2)
    alice = seated(db)
    go_on(db, alice, 5)
    held = voting.next_matchup(db, alice, now=NOW)
    assert held is not None
    assert voting.next_matchup(db, alice, now=later(5)) == held
    assert len(said(db)) == 6
    audit.audit_study(db, study.id)


def test_votes_are_counted_anew_after_twenty_more_and_not_for_every_pair(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[int] = []

    def watched(points: np.ndarray[Any, Any]) -> Any:
        seen.append(int(points.sum()))
        return current(points)

    monkeypatch.setattr(choosing, "current", watched)
    opened(db, plan=ACTIVE, questions=30)
    alice = seated(db)
    go_on(db, alice, 44)
    assert seen == [3, 23, 43]


def test_both_count_what_a_board_counts(db: Database) -> None:
    """Corrections, exclusions, a readmission and withdrawals by two rules, against the counting of a board."""
    erin = eventful(db)
    study = studies.get(db, "s")
    corrected = record.own_votes(db, erin)[1]
    assert corrected.corrected
    exclusions.exclude(db, "s", entries=[corrected.receipt.position], reason="real", readmit=True, now=later(99))
    wins, ties = pair_counts((board := counted.of_study(db, study, HUMAN).votes).counted("half"))
    with db.read() as tx:
        names = {row: name for name, row in content.contender_ids(tx, study.id).items()}
        found = changes.counted(tx, study.id, HUMAN)
        everything = len(list(votes.votes(tx, study.id, source=HUMAN)))
    mine = np.zeros_like(wins, dtype=float), np.zeros_like(wins, dtype=float)
    for a, b, choice, count in found:
        winner, i, j = Choice(choice).winner, board.contenders.index(names[a]), board.contenders.index(names[b])
        if winner in ("model_a", "model_b"):
            mine[0][(i, j) if winner == "model_a" else (j, i)] += count
        elif winner is not None:
            mine[1][i, j] += count
            mine[1][j, i] += count
    assert sum(count for *_, count in found) < everything
    assert mine[0].tolist() == wins.tolist()
    assert mine[1].tolist() == ties.tolist()


def test_a_balanced_study_records_no_chance_and_exports_no_column(make_db: MakeDatabase) -> None:
    db = make_db("sqlite")
    opened(db)
    go_on(db, seated(db), 6)
    assert all("chance" not in matchup for matchup in said(db))
    assert "chance" not in json.loads(exported(db, "votes").splitlines()[0])


def test_nothing_that_a_rater_gets_tells_the_chance(make_db: MakeDatabase) -> None:
    db = make_db("sqlite")
    opened(db, plan=ACTIVE)
    alice = seated(db)
    go_on(db, alice, 7)
    shown = voting.next_matchup(db, alice, now=NOW)
    assert shown is not None
    chance = said(db)[-1]["chance"]
    assert float(chance) < 1.0
    seen = repr([asdict(shown), asdict(voting.sitting(db, alice)), record.own_votes(db, alice)])
    assert "chance" not in seen
    assert chance not in seen


def test_an_export_has_the_chance_of_each_vote_and_comes_back(make_db: MakeDatabase) -> None:
    db = make_db("sqlite")
    opened(db, plan=ACTIVE)
    go_on(db, seated(db), 8)
    import_uneven(db)
    rows = [json.loads(line) for line in exported(db, "votes").splitlines()]
    chances = [m.get("chance") for m in said(db)]
    assert [row["chance"] for row in rows] == [None if c is None else float(c) for c in chances] + [None] * len(UNEVEN)
    assert chances.count(None) == 3
    cells = list(csv.DictReader(io.StringIO(exported(db, "votes", "csv").decode())))
    assert [float(cell["chance"]) if cell["chance"] else None for cell in cells] == [row["chance"] for row in rows]
    import polars as pl

    frame = pl.read_parquet(exported(db, "votes", "parquet"))
    assert frame.schema["chance"] == pl.Float64
    assert frame["chance"].to_list() == [row["chance"] for row in rows]
    again = imports.import_votes(db, "s", records(rows), source=HUMAN, now=NOW)
    assert (again.new, again.known) == (0, len(rows))


def test_the_ledger_goes_round_and_a_second_verifier_agrees(make_db: MakeDatabase) -> None:
    for here, there in (("sqlite", "postgresql"), ("postgresql", "sqlite")):
        one, other = make_db(here), make_db(there)
        opened(one, plan=ACTIVE)
        go_on(one, seated(one), 9)
        ledger = exported(one, "ledger")
        study, _ = restore.restore(other, io.BytesIO(ledger), "k", now=NOW)
        assert f":{verify(ledger).split(':')[1]}" == f":{audit.audit_study(other, study.id).head.hash}"
        assert exported(other, "ledger") == ledger
        assert exported(other, "votes") == exported(one, "votes")
        with one.read() as mine, other.read() as theirs:
            drawn = matchups.chances(mine, studies.get(one, "s").id)
            assert len(drawn) == 6
            assert matchups.chances(theirs, study.id) == drawn


@pytest.mark.parametrize("chance", ["NULL", "0.123", "chance + 0.000000000002", "5"])
def test_a_chance_that_was_changed_in_the_database_is_found(make_db: MakeDatabase, chance: str) -> None:
    db = make_db("sqlite")
    study = opened(db, plan=ACTIVE)
    go_on(db, seated(db), 6)
    audit.audit_study(db, study.id)
    with db.write() as tx:
        tx.execute(text("DROP TRIGGER matchup_no_update"))
        tx.execute(text(f"UPDATE matchup SET chance = {chance} WHERE id = (SELECT max(id) FROM matchup)"))
    with pytest.raises(LedgerBroken, match="differs from it in 'chance'"):
        audit.audit_study(db, study.id)


def test_a_plan_is_changed_to_it_in_an_open_study(db: Database) -> None:
    study = opened(db)
    alice = seated(db)
    go_on(db, alice, 4)
    studies.change_plan(db, "s", ["pair_policy=active"], reason="to need fewer votes", now=NOW)
    go_on(db, alice, 4)
    assert ["chance" in matchup for matchup in said(db)] == [False] * 4 + [True] * 4
    audit.audit_study(db, study.id)
