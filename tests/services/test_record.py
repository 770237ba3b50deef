"""A rater's own record: corrections and receipts."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from arena.domain.access import Seat
from arena.domain.blinding import Ballot, Receipt
from arena.domain.vocabulary import CannotJudgeReason, Choice
from arena.errors import BadInput, Conflict, NotAllowed, NotFound
from arena.services import access, audit, leaderboard, record, studies, voting
from arena.services.leaderboard import BoardRequest
from arena.store.engine import Database
from tests.reliability.attacker import lower_the_guard
from tests.services.eventful import cast, eventful
from tests.services.test_exchange import exported
from tests.studies import NOW, later, opened, seated


def test_a_correction_counts_instead_and_leaves_the_first_vote_in_the_ledger(db: Database) -> None:
    study, alice = opened(db), seated(db)
    token = cast(db, alice, Choice.A_BETTER, "hasty")
    first = voting.sitting(db, alice).receipt
    receipt = record.correct(db, alice, Ballot(token, Choice.CANNOT_JUDGE, CannotJudgeReason.OTHER, None), now=later(1))
    [vote] = record.own_votes(db, alice)
    assert (vote.receipt, vote.corrected, vote.choice) == (first, receipt, Choice.CANNOT_JUDGE)
    assert (vote.excluded, vote.intact) == (None, True)
    with pytest.raises(Conflict, match="no vote to count"):
        leaderboard.board(db, study, BoardRequest(rounds=20))
    assert b'"choice":"a_better"' in exported(db, "ledger")
    [row] = exported(db, "votes").splitlines()
    assert b'"choice": "cannot_judge"' in row
    assert b"hasty" not in row
    audit.audit_study(db, study.id)


def test_the_same_correction_twice_is_one(db: Database) -> None:
    study, alice = opened(db), seated(db)
    token = cast(db, alice)
    same = record.correct(db, alice, Ballot(token, Choice.A_BETTER), now=later(1))
    assert same == voting.sitting(db, alice).receipt
    once = record.correct(db, alice, Ballot(token, Choice.B_BETTER, None, "now"), now=later(2))
    head = studies.head(db, study.id)
    assert record.correct(db, alice, Ballot(token, Choice.B_BETTER, None, " now "), now=later(3)) == once
    assert studies.head(db, study.id) == head


def test_a_vote_is_corrected_often_and_not_without_end(db: Database) -> None:
    """What was said last stands and gives its receipt again; other votes can be corrected as before."""
    study, alice = opened(db), seated(db)
    token, other = cast(db, alice), cast(db, alice)
    for turn in range(record.CORRECTIONS):
        assert record.shown_again(db, alice, token)[1].choice is (Choice.B_BETTER if turn % 2 else Choice.A_BETTER)
        last = Ballot(token, Choice.A_BETTER if turn % 2 else Choice.B_BETTER, None, f"{turn}")
        receipt = record.correct(db, alice, last, now=later(turn))
    head = studies.head(db, study.id)
    for attempt in (lambda: record.shown_again(db, alice, token), lambda: _correct(db, alice, token)):
        with pytest.raises(Conflict, match="corrected 20 times"):
            attempt()
    assert record.correct(db, alice, last, now=later(99)) == receipt
    assert studies.head(db, study.id) == head
    assert record.own_votes(db, alice)[-1].corrected == receipt
    assert _correct(db, alice, other).position == head.position + 1
    audit.audit_study(db, study.id)


def _correct(db: Database, seat: Seat, token: str) -> Receipt:
    return record.correct(db, seat, Ballot(token, Choice.TIE_GOOD), now=later(99))


def test_what_stands_is_shown_again_with_the_same_sides(db: Database) -> None:
    opened(db)
    alice = seated(db)
    shown = voting.next_matchup(db, alice, now=NOW)
    assert shown is not None
    voting.cast_vote(db, alice, Ballot(shown.token, Choice.TIE_GOOD, None, "one"), now=NOW)
    assert record.shown_again(db, alice, shown.token) == (shown, Ballot(shown.token, Choice.TIE_GOOD, None, "one"))
    changed = Ballot(shown.token, Choice.A_BETTER, None, "two")
    record.correct(db, alice, changed, now=later(1))
    assert record.shown_again(db, alice, shown.token) == (shown, changed)


def test_nobody_corrects_what_is_not_a_vote_of_theirs(db: Database) -> None:
    opened(db)
    alice, bob = seated(db, "alice"), seated(db, "bob")
    token = cast(db, alice)
    still_open = voting.next_matchup(db, bob, now=NOW)
    assert still_open is not None
    said = set()
    for wrong in (token, still_open.token, "never-was"):
        with pytest.raises(NotFound) as refused:
            record.correct(db, bob, Ballot(wrong, Choice.B_BETTER), now=NOW)
        said.add(str(refused.value))
        with pytest.raises(NotFound) as refused:
            record.shown_again(db, bob, wrong)
        said.add(str(refused.value))
    assert len(said) == 1
    assert record.own_votes(db, alice)[0].choice is Choice.A_BETTER


def test_a_correction_is_a_whole_ballot_in_an_open_study(db: Database) -> None:
    opened(db)
    alice = seated(db)
    token = cast(db, alice)
    with pytest.raises(BadInput, match="reason"):
        record.correct(db, alice, Ballot(token, Choice.CANNOT_JUDGE), now=NOW)
    studies.close(db, "s", now=NOW)
    for act in (
        lambda: record.correct(db, alice, Ballot(token, Choice.B_BETTER), now=NOW),
        lambda: record.shown_again(db, alice, token),
    ):
        with pytest.raises(Conflict, match="closed"):
            act()
    access.revoke_seat(db, "s", alice.pseudonym, now=NOW)
    with pytest.raises(NotAllowed):
        record.correct(db, alice, Ballot(token, Choice.B_BETTER), now=NOW)


def test_a_receipt_is_found_whole_or_by_its_hash_and_only_by_its_rater(db: Database) -> None:
    erin = eventful(db)
    bob = seated(db, "bea")
    own = record.own_votes(db, erin)
    corrected = own[1]
    assert corrected.corrected is not None
    for vote in own:
        for receipt in filter(None, (vote.receipt, vote.corrected)):
            assert record.find_receipt(own, receipt.hash) is vote
            for written in (f" {receipt.position}:{receipt.hash}\n", receipt.hash.upper(), receipt.hash[:10] + "…"):
                assert record.find_receipt(own, written) is vote
            said = f"ledger entry {receipt.position}, hash {receipt.hash}"
            assert record.find_receipt(own, said) is vote
            with pytest.raises(NotFound):
                record.find_receipt(record.own_votes(db, bob), receipt.hash)
    assert [vote.excluded for vote in own] == ["a test of the projector", "a test of the projector", None]
    for nonsense in ("12", "", receipt.hash[:9], receipt.hash + "0", f"{receipt.hash} {receipt.hash}"):
        with pytest.raises(BadInput, match="64 characters"):
            record.find_receipt(own, nonsense)


TAMPERED = {
    "the vote": "UPDATE vote SET choice = 'b_much_better' WHERE seq = :vote",
    "the correction": "UPDATE vote_change SET choice = 'b_much_better' WHERE seq = :correction",
    "the vote's entry": "UPDATE ledger_entry SET body = replace(body, 'a_better', 'b_better') "
    "WHERE seq = :vote AND kind = 'vote'",
    "an entry that is no JSON": "UPDATE ledger_entry SET body = 'x' WHERE seq = :correction AND kind = 'correction'",
    "an entry that is gone": "DELETE FROM ledger_entry WHERE seq = :vote AND kind = 'vote'",
}


@pytest.mark.parametrize("what", TAMPERED)
def test_a_rater_sees_that_a_vote_was_changed(db: Database, what: str) -> None:
    opened(db)
    alice = seated(db)
    token = cast(db, alice, Choice.A_BETTER)
    cast(db, alice, Choice.TIE_GOOD)
    record.correct(db, alice, Ballot(token, Choice.TIE_BAD), now=later(1))
    other, vote = record.own_votes(db, alice)
    assert vote.corrected is not None
    assert vote.intact
    lower_the_guard(db)
    with db.write() as tx:
        places = {"vote": vote.receipt.position, "correction": vote.corrected.position}
        used = {name: at for name, at in places.items() if f":{name}" in TAMPERED[what]}
        assert tx.execute(text(TAMPERED[what]), used).rowcount == 1
    same, changed = record.own_votes(db, alice)
    assert same == other
    assert not changed.intact
