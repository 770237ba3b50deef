"""A study to which everything has happened that can happen to one."""

from __future__ import annotations

from arena.domain.access import Seat
from arena.domain.blinding import Ballot
from arena.domain.vocabulary import Choice
from arena.services import erasure, exclusions, record, studies, voting
from arena.store.engine import Database
from tests.services.test_exchange import voted
from tests.studies import later, seated


def cast(db: Database, seat: Seat, choice: Choice = Choice.A_BETTER, comment: str | None = None) -> str:
    """Take the next pair, vote on it, and return its token."""
    matchup = voting.next_matchup(db, seat, now=later(20))
    assert matchup is not None
    voting.cast_vote(db, seat, Ballot(matchup.token, choice, None, comment), now=later(20.5))
    return matchup.token


def eventful(db: Database, name: str = "s") -> Seat:
    """`voted`, and corrections, exclusions, a readmission, two raters who left by two rules, and an erased comment.

    Returns the seat of erin, who has three votes: plain, corrected twice, and with a comment that was erased.
    """
    voted(db, name)
    dave, erin, fay = (seated(db, who, name) for who in ("dave", "erin", "fay"))
    cast(db, erin)
    token = cast(db, erin, Choice.B_BETTER, "first words")
    record.correct(db, erin, Ballot(token, Choice.TIE_GOOD, None, "better words"), now=later(21))
    record.correct(db, erin, Ballot(token, Choice.TIE_BAD, None, "best words"), now=later(22))
    token = cast(db, erin, Choice.TIE_GOOD, "to be erased")
    seq = record.own_votes(db, erin)[0].receipt.position
    erasure.erase_text(db, name, seq, "comment", now=later(23))
    for seat in (dave, fay):
        cast(db, seat, comment=f"by {seat.pseudonym}")
        cast(db, seat)
    erasure.withdraw(db, name, dave.pseudonym, now=later(24))
    studies.change_plan(db, name, ["withdrawal=withdraw_votes"], reason="as raters asked", now=later(25))
    erasure.withdraw(db, name, fay.pseudonym, now=later(26))
    erasure.withdraw(db, name, "carol", now=later(27))
    exclusions.exclude(db, name, rater=erin.pseudonym, reason="a test of the projector", now=later(28))
    plain = record.own_votes(db, erin)[-1].receipt.position
    exclusions.exclude(db, name, entries=[plain], reason="it was real", readmit=True, now=later(29))
    return erin
