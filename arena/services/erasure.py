"""Withdrawals and erasures: a person's name and texts go, and the record says that they went.

What is erased here is deleted with its salt, so that the ledger's commitment says nothing; `scrub` then overwrites what
deleted rows leave in the database's files. Backups and exports that were made before keep what they hold.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from arena.domain import payloads
from arena.domain.ledger import OPERATOR, Draft, Kind
from arena.domain.plan import WithdrawalRule
from arena.domain.study import Act, Study
from arena.domain.vocabulary import VoteChangeKind
from arena.domain.votes import VoteChange
from arena.errors import Conflict, NotFound
from arena.services.studies import find, held
from arena.store import access, changes, ledger, matchups, raters, votes
from arena.store import scrub as files
from arena.store.engine import Database, Transaction


@dataclass(frozen=True)
class Withdrawal:
    """What a withdrawal takes away, or took: texts and a name erased, and votes that do not count any more."""

    rater: str
    votes: int
    votes_withdrawn: int
    texts: int
    name: bool


def foreseen(db: Database, study_name: str, rater: str) -> Withdrawal:
    """What `withdraw` would do. Raises NotFound for a rater who is not in the study, Conflict for one who has left."""
    with db.read() as tx:
        return _foreseen(tx, find(tx, study_name), rater)


def withdraw(db: Database, study_name: str, rater: str, *, now: datetime, actor: str = OPERATOR) -> Withdrawal:
    """Let a rater leave: the name and all texts are erased, the seat is closed, and by the plan the votes stay or go.

    Raises as `foreseen`. `scrub` is the caller's to call afterwards.
    """
    with db.write() as tx:
        study = held(tx, study_name)
        study.allow(Act.WITHDRAW)
        done = _foreseen(tx, study, rater)
        rater_id = _rater(tx, study, rater)
        draft = Draft(Kind.WITHDRAWAL, payloads.withdrawal(rater, study.plan.withdrawal), actor)
        [entry] = ledger.append(tx, study.id, [draft], now=now)
        changes.withdraw(tx, study.id, rater_id, entry.seq)
        own = [vote.seq for vote in votes.votes(tx, study.id, rater_id=rater_id)]
        if goes := study.plan.withdrawal is WithdrawalRule.WITHDRAW_VOTES:
            gone = (VoteChange(entry.seq, seq, VoteChangeKind.WITHDRAWN) for seq in own)
            changes.add(tx, study.id, gone)
        matchups.release(tx, rater_id, only_open=not goes)
        _erase(tx, study.id, _texts(tx, study.id, rater_id), actor, now)
        _close_seat(tx, study, rater, actor, now)
        return done


def erase_text(db: Database, study_name: str, seq: int, name: str, *, now: datetime) -> None:
    """Erase a text of a vote, named by its ledger entry or that of a correction of it, wherever it was said.

    A correction repeats the comment, so that the vote's own and those of all its corrections go. Raises NotFound where
    there is none.
    """
    with db.write() as tx:
        study = held(tx, study_name)
        study.allow(Act.WITHDRAW)
        vote = changes.vote_of(tx, study.id, seq) or seq
        said = [vote, *(change.seq for change in changes.changes(tx, study.id, of=vote).get(vote, ()))]
        there = [(entry, one) for entry, one in ledger.sealed_names(tx, study.id, said) if one == name]
        if not there:
            raise NotFound(f"the vote of entry {seq} of '{study_name}' has no {name}, or it was erased already")
        _erase(tx, study.id, there, OPERATOR, now)


def scrub(db: Database) -> list[str]:
    """Overwrite what erased texts left in the database's files. Returns where remains may still be, in sentences."""
    return files.scrub(db)


def _rater(tx: Transaction, study: Study, rater: str) -> int:
    rater_id = raters.named(tx, study.id, rater)
    if rater_id is None:
        raise NotFound(f"'{study.name}' has no rater '{rater}'; `arena seat list` shows those with a seat")
    return rater_id


def _foreseen(tx: Transaction, study: Study, rater: str) -> Withdrawal:
    rater_id = _rater(tx, study, rater)
    if rater in changes.withdrawals(tx, study.id):
        raise Conflict(f"'{rater}' has withdrawn from '{study.name}' already")
    count = votes.count(tx, rater_id)
    withdrawn = count if study.plan.withdrawal is WithdrawalRule.WITHDRAW_VOTES else 0
    texts = len(_texts(tx, study.id, rater_id))
    return Withdrawal(rater, count, withdrawn, texts, name=rater in access.named(tx, study_id=study.id))


def _texts(tx: Transaction, study_id: int, rater_id: int) -> list[tuple[int, str]]:
    """The sealed texts of a rater that are there: the entry and the name of each."""
    own = [vote.seq for vote in votes.votes(tx, study_id, rater_id=rater_id)]
    made = changes.changes(tx, study_id, rater_id=rater_id).values()
    return ledger.sealed_names(tx, study_id, [*own, *(change.seq for of_vote in made for change in of_vote)])


def _erase(tx: Transaction, study_id: int, texts: Sequence[tuple[int, str]], actor: str, now: datetime) -> None:
    for seq, name in texts:
        ledger.erase(tx, study_id, seq, name)
    ledger.append(tx, study_id, [Draft(Kind.ERASED, payloads.erased(*text), actor) for text in texts], now=now)


def _close_seat(tx: Transaction, study: Study, rater: str, actor: str, now: datetime) -> None:
    """Revoke the rater's seat, where there is one, and forget who sat on it."""
    for row in access.seats(tx, study.id):
        if row.seat.pseudonym != rater:
            continue
        payload = payloads.seat_event(study.uid, rater)
        if not row.is_revoked:
            ledger.append(tx, None, [Draft(Kind.SEAT_REVOKED, payload, actor)], now=now)
            access.revoke_seat(tx, row.seat.id, now=now)
        if access.erase_identity(tx, row.seat.id):
            ledger.append(tx, None, [Draft(Kind.IDENTITY_ERASED, payload, actor)], now=now)
