"""Exclusions: by decision, with a reason, in public, and undone the same way."""

from __future__ import annotations

import io

import pytest

from arena.domain.blinding import Ballot
from arena.domain.plan import Plan, WithdrawalRule
from arena.domain.vocabulary import Choice
from arena.errors import ArenaError, BadInput, Conflict, NotFound
from arena.ratings import Board
from arena.services import audit, erasure, exclusions, leaderboard, record, studies
from arena.services.leaderboard import BoardRequest
from arena.store.engine import Database
from tests.services.eventful import cast, eventful
from tests.services.test_exchange import exported
from tests.studies import NOW, later, opened, seated

FAST = BoardRequest(rounds=20)


def board(db: Database, at: int | None = None) -> Board:
    return leaderboard.board(db, studies.get(db, "s"), BoardRequest(rounds=20, at=at))


def test_what_is_excluded_is_not_counted_and_every_board_says_so(db: Database) -> None:
    study, alice, bob = opened(db), seated(db, "alice"), seated(db, "bob")
    for seat in (alice, alice, bob):
        cast(db, seat, Choice.A_BETTER)
    before = board(db)
    whole = studies.head(db, study.id)
    assert exclusions.exclude(db, "s", rater=alice.pseudonym, reason="a projector test", now=later(1)) == 2
    assert board(db).votes == 1
    assert board(db).warnings[0] == "2 votes are excluded: a projector test"
    assert len(exported(db, "votes").splitlines()) == 1
    assert studies.overview(db, study).sources[0].set_aside == 2
    cast(db, alice)
    assert board(db).votes == 2
    of_file, _ = leaderboard.of_ledger(io.BytesIO(exported(db, "ledger")), "file", FAST)
    assert of_file.to_dict() == board(db).to_dict()
    assert board(db, at=whole.position).to_dict() == before.to_dict()
    assert exclusions.exclude(db, "s", rater=alice.pseudonym, reason="real", readmit=True, now=later(2)) == 2
    assert board(db).votes == 4
    assert not [warning for warning in board(db).warnings if "excluded" in warning]
    audit.audit_study(db, study.id)


def test_what_a_rater_withdrew_is_neither_excluded_nor_readmitted(db: Database) -> None:
    opened(db, plan=Plan(withdrawal=WithdrawalRule.WITHDRAW_VOTES))
    alice = seated(db)
    cast(db, alice)
    [vote] = record.own_votes(db, alice)
    erasure.withdraw(db, "s", alice.pseudonym, now=later(1))
    for readmit in (False, True):
        with pytest.raises(Conflict, match="withdrawn by its rater"):
            exclusions.exclude(db, "s", entries=[vote.receipt.position], reason="x", readmit=readmit, now=NOW)
        with pytest.raises(Conflict, match="no vote"):
            exclusions.exclude(db, "s", rater=alice.pseudonym, reason="x", readmit=readmit, now=NOW)


def test_a_correction_is_named_by_its_vote(db: Database) -> None:
    opened(db)
    alice = seated(db)
    token = cast(db, alice)
    said = record.correct(db, alice, Ballot(token, Choice.TIE_GOOD), now=later(1))
    [vote] = record.own_votes(db, alice)
    with pytest.raises(NotFound, match=f"corrects the vote {vote.receipt.position}"):
        exclusions.exclude(db, "s", entries=[said.position], reason="x", now=NOW)


@pytest.mark.parametrize("reason", ["", "  ", "x" * 301, "two\nlines", "\x1b[31mred"])
def test_an_exclusion_needs_a_reason_that_can_be_printed(db: Database, reason: str) -> None:
    eventful(db)
    with pytest.raises(BadInput, match="reason"):
        exclusions.exclude(db, "s", entries=[1], reason=reason, now=NOW)


def test_what_cannot_be_excluded_is_named_and_nothing_is_stored(db: Database) -> None:
    erin = eventful(db)
    study = studies.get(db, "s")
    head = studies.head(db, study.id)
    for error, given in (
        (NotFound, {"entries": [1]}),
        (NotFound, {"entries": [10**6]}),
        (NotFound, {"rater": "nobody"}),
        (Conflict, {"rater": erin.pseudonym, "readmit": True, "entries": ()}),
        (Conflict, {"entries": ()}),
    ):
        with pytest.raises(error):
            exclusions.exclude(db, "s", reason="x", now=NOW, **given)
            exclusions.exclude(db, "s", reason="x", now=NOW, **given)
            raise ArenaError
        if error is NotFound:
            assert studies.head(db, study.id) == head
    studies.close(db, "s", now=NOW)
    studies.publish(db, "s", now=NOW)
    with pytest.raises(Conflict, match="published"):
        exclusions.exclude(db, "s", rater=erin.pseudonym, reason="x", now=NOW)
