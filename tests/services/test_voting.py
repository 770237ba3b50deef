"""Getting matchups and voting on them: what a rater can rely on, and what nobody can do."""

from __future__ import annotations

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, replace
from random import Random

import pytest
from sqlalchemy import event, text
from sqlalchemy.exc import DBAPIError

from arena.domain.access import Seat
from arena.domain.blinding import Ballot, BlindMatchup, Progress, Receipt
from arena.domain.plan import Plan, RevealRule, WithdrawalRule
from arena.domain.vocabulary import CannotJudgeReason, Choice, Role
from arena.errors import ArenaError, BadInput, Conflict, NotAllowed, NotFound
from arena.services import access, audit, erasure, imports, studies, voting
from arena.store import access as access_store
from arena.store import ledger, pairings, votes
from arena.store.engine import Database
from tests.studies import CONTENDERS, NOW, cast_elsewhere, later, opened, records, seated


def given(db: Database, seat: Seat) -> BlindMatchup:
    matchup = voting.next_matchup(db, seat, now=NOW)
    assert matchup is not None
    return matchup


def vote(db: Database, seat: Seat, choice: Choice = Choice.A_BETTER) -> Receipt:
    return voting.cast_vote(db, seat, Ballot(given(db, seat).token, choice), now=NOW)


def test_a_rater_votes_through_the_whole_plan_and_each_pairing_is_had_once(db: Database) -> None:
    study = opened(db, questions=3)
    alice = seated(db)
    while (matchup := voting.next_matchup(db, alice, now=NOW)) is not None:
        voting.cast_vote(db, alice, Ballot(matchup.token, Choice.TIE_GOOD), now=NOW)
    assert voting.sitting(db, alice).progress == Progress(9, 0)
    with db.read() as tx:
        had = Counter((v.question, frozenset((v.model_a, v.model_b))) for v in votes.votes(tx, study.id))
    assert len(had) == 9
    assert set(had.values()) == {1}
    audit.audit_study(db, studies.get(db, "s").id)


def test_the_open_pair_is_among_those_to_go(db: Database) -> None:
    opened(db, questions=3)
    alice = seated(db)
    counts = [voting.sitting(db, alice).progress]
    given(db, alice)
    counts.append(voting.sitting(db, alice).progress)
    vote(db, alice)
    counts.append(voting.sitting(db, alice).progress)
    assert [(count.votes, count.remaining) for count in counts] == [(0, 9), (0, 9), (1, 8)]


def test_asking_again_gives_the_same_matchup(db: Database) -> None:
    opened(db)
    alice = seated(db)
    first = given(db, alice)
    assert voting.next_matchup(db, alice, now=later(5)) == first
    assert voting.sitting(db, alice).matchup == first


def test_what_a_rater_is_given_names_no_contender(db: Database) -> None:
    opened(db)
    shown = repr(asdict(given(db, seated(db))))
    assert not [name for name in CONTENDERS if name in shown]


def test_twenty_identical_submissions_make_one_vote_and_twenty_equal_receipts(db: Database) -> None:
    study = opened(db)
    alice = seated(db)
    ballot = Ballot(given(db, alice).token, Choice.B_BETTER, comment="same")
    start = threading.Barrier(20)

    def submit(minute: int) -> Receipt:
        start.wait()
        return voting.cast_vote(db, alice, ballot, now=later(minute))

    with ThreadPoolExecutor(20) as pool:
        receipts = set(pool.map(submit, range(20)))
    assert len(receipts) == 1
    with db.read() as tx:
        assert len(list(votes.votes(tx, study.id))) == 1
    with pytest.raises(Conflict, match="recorded vote stands"):
        voting.cast_vote(db, alice, replace(ballot, choice=Choice.A_BETTER), now=NOW)
    with pytest.raises(Conflict):
        voting.cast_vote(db, alice, replace(ballot, comment="another"), now=NOW)


def test_many_raters_at_once_never_share_a_place(db: Database) -> None:
    study = opened(db, plan=Plan(raters_per_pairing=2), questions=3)
    raters = [seated(db, f"rater {n}") for n in range(6)]

    def work(seat: Seat) -> int:
        count = 0
        while (matchup := voting.next_matchup(db, seat, now=NOW)) is not None:
            voting.cast_vote(db, seat, Ballot(matchup.token, Choice.A_BETTER), now=NOW)
            count += 1
        return count

    with ThreadPoolExecutor(6) as pool:
        assert sum(pool.map(work, raters)) == 18
    with db.read() as tx:
        cast = list(votes.votes(tx, study.id))
    had = Counter((v.question, frozenset((v.model_a, v.model_b))) for v in cast)
    assert set(had.values()) == {2}
    assert len({(v.rater, v.question, frozenset((v.model_a, v.model_b))) for v in cast}) == 18
    audit.audit_study(db, studies.get(db, "s").id)


def test_pairs_of_contenders_are_served_evenly(db: Database) -> None:
    study = opened(db, questions=10)
    alice = seated(db)
    rng = Random(7)
    for _ in range(9):
        matchup = voting.next_matchup(db, alice, now=NOW, rng=rng)
        assert matchup is not None
        voting.cast_vote(db, alice, Ballot(matchup.token, Choice.A_BETTER), now=NOW)
    with db.read() as tx:
        assert list(pairings.served(tx, study.id).values()) == [3, 3, 3]


def test_sides_are_a_fair_coin(db: Database) -> None:
    """100 matchups: how often one contender stands on side A is within 5 standard deviations of a half."""
    study = opened(db, questions=34)
    alice = seated(db)
    for _ in range(100):
        vote(db, alice)
    with db.read() as tx:
        on_a = sum(v.model_a < v.model_b for v in votes.votes(tx, study.id))
    assert abs(on_a - 50) < 5 * (100 * 0.25) ** 0.5


@pytest.mark.parametrize("other", ["bob", "nobody"])
def test_a_token_of_another_is_as_unknown_as_none(db: Database, other: str) -> None:
    opened(db)
    alice, bob = seated(db, "alice"), seated(db, "bob")
    token = given(db, alice).token if other == "bob" else "x" * 32
    with pytest.raises(NotFound, match="no such pair for you"):
        voting.cast_vote(db, bob, Ballot(token, Choice.A_BETTER), now=NOW)


def test_a_pair_that_was_held_too_long_goes_to_another(db: Database) -> None:
    opened(db, plan=Plan(claim_minutes=60), questions=1)
    alice, bob = seated(db, "alice"), seated(db, "bob")
    held = given(db, alice)
    for _ in range(2):
        vote(db, bob)
    assert voting.next_matchup(db, bob, now=later(59)) is None
    taken_over = voting.next_matchup(db, bob, now=later(61))
    assert taken_over is not None
    with pytest.raises(Conflict, match="passed on to another rater"):
        voting.cast_vote(db, alice, Ballot(held.token, Choice.A_BETTER), now=later(62))
    voting.cast_vote(db, bob, Ballot(taken_over.token, Choice.A_BETTER), now=later(62))
    audit.audit_study(db, studies.get(db, "s").id)


def test_a_pair_that_nobody_took_over_can_still_be_voted_on(db: Database) -> None:
    opened(db, plan=Plan(claim_minutes=1))
    alice = seated(db)
    held = given(db, alice)
    assert voting.cast_vote(db, alice, Ballot(held.token, Choice.A_BETTER), now=later(600)).position > 0


@pytest.mark.parametrize(
    ("ballot", "error"),
    [
        (Ballot("", Choice.CANNOT_JUDGE), "choose a reason"),
        (Ballot("", Choice.A_BETTER, comment="x" * 2001), "2,001 characters"),
        (Ballot("", Choice.A_BETTER, comment="a\0b"), r"U\+0000"),
        (Ballot("", Choice.TIE_BAD), "does not offer"),
    ],
)
def test_a_ballot_that_cannot_be_counted_is_refused_and_nothing_stored(
    db: Database, ballot: Ballot, error: str
) -> None:
    study = opened(db, plan=Plan(choices=tuple(c for c in Choice if c is not Choice.TIE_BAD)))
    alice = seated(db)
    with pytest.raises(BadInput, match=error):
        voting.cast_vote(db, alice, replace(ballot, token=given(db, alice).token), now=NOW)
    with db.read() as tx:
        assert list(votes.votes(tx, study.id)) == []


def test_cannot_judge_is_recorded_with_its_reason_and_is_no_preference(db: Database) -> None:
    study = opened(db)
    alice = seated(db)
    ballot = Ballot(given(db, alice).token, Choice.CANNOT_JUDGE, CannotJudgeReason.OUTSIDE_EXPERTISE)
    voting.cast_vote(db, alice, ballot, now=NOW)
    with db.read() as tx:
        [recorded] = votes.votes(tx, study.id)
    assert recorded.reason is CannotJudgeReason.OUTSIDE_EXPERTISE
    assert recorded.winner is None


def test_the_comment_is_in_no_entry_of_the_ledger(db: Database) -> None:
    study = opened(db)
    alice = seated(db)
    ballot = Ballot(given(db, alice).token, Choice.A_BETTER, comment="a confidential remark")
    receipt = voting.cast_vote(db, alice, ballot, now=NOW)
    with db.read() as tx:
        assert not [e for e in ledger.entries(tx, study.id) if "confidential" in e.body]
        sealed = ledger.sealed_text(tx, study.id, receipt.position, "comment")
    assert sealed is not None
    assert sealed.text == "a confidential remark"


def test_a_receipt_names_the_entry_and_its_hash(db: Database) -> None:
    study = opened(db)
    alice = seated(db)
    receipt = vote(db, alice)
    with db.read() as tx:
        [entry] = [e for e in ledger.entries(tx, study.id) if e.seq == receipt.position]
    assert (entry.kind, entry.hash) == ("vote", receipt.hash)
    assert voting.sitting(db, alice).receipt == receipt


def test_no_vote_before_consent_after_closing_or_from_another_role(db: Database) -> None:
    opened(db)
    alice = seated(db)
    matchup = given(db, alice)
    with pytest.raises(NotAllowed, match="consent"):
        voting.next_matchup(db, replace(alice, consented=False), now=NOW)
    with pytest.raises(NotAllowed, match="only raters"):
        voting.next_matchup(db, seated(db, "ann", role=Role.ANALYST), now=NOW)
    studies.close(db, "s", now=NOW)
    with pytest.raises(Conflict, match="closed"):
        voting.cast_vote(db, alice, Ballot(matchup.token, Choice.A_BETTER), now=NOW)
    with pytest.raises(Conflict, match="closed"):
        voting.next_matchup(db, alice, now=NOW)


def test_a_vote_recorded_before_closing_still_gives_its_receipt(db: Database) -> None:
    opened(db)
    alice = seated(db)
    ballot = Ballot(given(db, alice).token, Choice.A_BETTER)
    receipt = voting.cast_vote(db, alice, ballot, now=NOW)
    studies.close(db, "s", now=NOW)
    assert voting.cast_vote(db, alice, ballot, now=later(9)) == receipt


@pytest.mark.parametrize("rule", list(RevealRule))
def test_contenders_are_revealed_only_when_published_and_only_if_planned(db: Database, rule: RevealRule) -> None:
    opened(db, plan=Plan(reveal=rule))
    alice = seated(db)
    vote(db, alice)
    assert not voting.reveals(db, alice)
    studies.close(db, "s", now=NOW)
    assert not voting.reveals(db, alice)
    studies.publish(db, "s", now=NOW)
    assert len(voting.reveals(db, alice)) == (1 if rule is RevealRule.WHEN_PUBLISHED else 0)


@pytest.mark.parametrize("table", ["vote", "matchup", "ledger_entry"])
@pytest.mark.parametrize("statement", ["DELETE FROM {}", "UPDATE {} SET seq = seq + 1000"])
def test_the_database_refuses_to_change_what_is_recorded(db: Database, table: str, statement: str) -> None:
    opened(db)
    vote(db, seated(db))
    with pytest.raises(DBAPIError, match="append-only"), db.write() as tx:
        tx.execute(text(statement.format(table)))


def test_a_revoked_seat_cannot_come_back(db: Database) -> None:
    opened(db)
    issued = access.invite(db, "s", role=Role.RATER, name="alice", days=1, now=NOW)
    session, seat = access.redeem(db, issued.secret, now=NOW, hours=1)
    assert access.seat_of(db, session, now=NOW) == seat
    access.revoke_seat(db, "s", seat.pseudonym, now=NOW)
    assert access.seat_of(db, session, now=NOW) is None
    with pytest.raises(ArenaError):
        access.revoke_seat(db, "s", seat.pseudonym, now=NOW)


def test_a_pair_that_lapsed_is_still_its_raters_where_a_place_is_free(db: Database) -> None:
    """Two raters, one pairing with two places: both let it lapse, and both can vote on it all the same."""
    opened(db, plan=Plan(claim_minutes=60, raters_per_pairing=2, choices=tuple(Choice)), questions=1)
    alice, bob = seated(db, "alice"), seated(db, "bob")
    first = given(db, alice)
    assert voting.next_matchup(db, bob, now=later(61)) is not None  # whoever asks now frees what has lapsed
    assert voting.sitting(db, alice).matchup is None
    voting.cast_vote(db, alice, Ballot(first.token, Choice.A_BETTER), now=later(62))
    audit.audit_study(db, studies.get(db, "s").id)


def test_a_pair_that_was_let_go_comes_back_as_it_was(db: Database) -> None:
    opened(db, plan=Plan(claim_minutes=60), questions=1)
    alice, bob = seated(db, "alice"), seated(db, "bob")
    first = given(db, alice)
    assert voting.next_matchup(db, bob, now=later(61)) is not None
    seen = {first.token: first}
    while (matchup := voting.next_matchup(db, alice, now=later(62))) is not None:
        assert seen.setdefault(matchup.token, matchup) == matchup
        voting.cast_vote(db, alice, Ballot(matchup.token, Choice.A_BETTER), now=later(62))
    assert voting.sitting(db, alice).progress.votes == 2
    assert first.token in seen
    audit.audit_study(db, studies.get(db, "s").id)


def test_nobody_casts_imported_votes_under_an_invited_raters_pseudonym(db: Database) -> None:
    opened(db)
    alice = seated(db)
    row = {"model_a": "alpha", "model_b": "beta", "winner": "tie", "judge": alice.pseudonym}
    with pytest.raises(BadInput, match="has a seat in this study"):
        cast_elsewhere(db, "s", [row])


def test_few_pairings_among_many_contenders_are_found_without_asking_for_every_pair(db: Database) -> None:
    """A hundred contenders with an answer each are 4,950 pairs, of which 50 have a pairing."""
    studies.create(db, name="s", title="S", plan=Plan(), now=NOW)
    imports.import_questions(db, "s", records({"id": f"q{n}", "text": "?"} for n in range(50)), now=NOW)
    answers = ({"question_id": f"q{n // 2}", "contender": f"c{n}", "text": f"t{n}"} for n in range(100))
    imports.import_answers(db, "s", records(answers), now=NOW)
    studies.open_(db, "s", now=NOW)
    alice = seated(db)
    asked = []
    event.listen(db.engine, "before_cursor_execute", lambda *args: asked.append(args[2]))
    shown = set()
    for _ in range(50):
        matchup = voting.next_matchup(db, alice, now=NOW)
        assert matchup is not None
        shown.add(matchup.answer_a)
        voting.cast_vote(db, alice, Ballot(matchup.token, Choice.A_BETTER), now=NOW)
    assert len(shown) == 50
    assert len(asked) / 50 < 50
    assert voting.next_matchup(db, alice, now=NOW) is None


def test_a_vote_and_the_next_pair_are_one_transaction(db: Database) -> None:
    study, alice = opened(db), seated(db)
    matchup = voting.next_matchup(db, alice, now=NOW)
    assert matchup is not None
    ballot = Ballot(matchup.token, Choice.A_BETTER)
    with pytest.raises(RuntimeError), pytest.MonkeyPatch.context() as patch:
        patch.setattr(voting, "_issue", _broken)
        voting.cast_and_go_on(db, alice, ballot, now=NOW)
    assert studies.overview(db, study).votes == 0
    receipt = voting.cast_and_go_on(db, alice, ballot, now=NOW)
    following = voting.sitting(db, alice).matchup
    assert following is not None
    assert following.token != matchup.token
    studies.close(db, "s", now=NOW)
    assert voting.cast_and_go_on(db, alice, ballot, now=NOW) == receipt
    audit.audit_study(db, study.id)


def _broken(*_: object) -> None:
    raise RuntimeError


@pytest.mark.parametrize("seed", range(2))
def test_what_is_left_is_right_after_places_were_released_and_made_fewer_and_more(db: Database, seed: int) -> None:
    """Against a count through all rows: whatever order raters came, lapsed, left, and the plan was changed in."""
    plan = Plan(claim_minutes=60, withdrawal=WithdrawalRule.WITHDRAW_VOTES)
    rng, study = Random(seed), opened(db, plan=plan, questions=3)
    raters, minute, met = [seated(db, f"rater {n}") for n in range(4)], 0, Counter[str]()
    for step in range(150):
        minute += rng.choice((0, 0, 0, 61))
        seat = rng.choice(raters)
        match rng.choices(("vote", "take", "plan", "leave"), (8, 4, 2, 3))[0]:
            case "plan":
                change = [f"raters_per_pairing={rng.randint(1, 4)}"]
                studies.change_plan(db, "s", change, reason="as many as there are", now=later(minute))
            case "leave":
                erasure.withdraw(db, "s", seat.pseudonym, now=later(minute))
                raters[raters.index(seat)] = seated(db, f"rater {step + 4}")
            case what:
                matchup = voting.next_matchup(db, seat, now=later(minute), rng=rng)
                if matchup is not None and what == "vote":
                    voting.cast_vote(db, seat, Ballot(matchup.token, Choice.TIE_GOOD), now=later(minute))
        places = studies.get(db, "s").plan.raters_per_pairing
        with db.read() as tx:
            claims = list(tx.execute(text("SELECT pairing_id, place, rater_id FROM claim")))
            every = list(tx.scalars(text("SELECT id FROM pairing")))
            pairs = pairings.served(tx, study.id)
            held = {pairing: [place for at, place, _ in claims if at == pairing] for pairing in every}
            met["fewer"] += any(len(taken) > places for taken in held.values())
            met["released"] += any(len(taken) < places <= max(taken, default=0) for taken in held.values())
            met["full"] += all(len(taken) >= places for taken in held.values())
            for rater in (access_store.rater_of(tx, seat.id) for seat in raters):
                assert rater is not None
                own = {at for at, _, by in claims if by == rater}
                left = sum(pairing not in own and len(held[pairing]) < places for pairing in every)
                each = [pairings.candidates(tx, study.id, rater, pair, places) for pair in pairs]
                assert pairings.remaining(tx, study.id, rater, places) == sum(map(len, each)) == left
    assert min(met["fewer"], met["released"], met["full"]) > 0, met
