"""A vote that was answered is a vote that is stored, even when the server dies in that very moment."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from arena.domain.access import Seat
from arena.domain.blinding import Ballot, Receipt
from arena.domain.vocabulary import Role
from arena.services import access, audit, studies, voting
from arena.store.engine import Database
from tests.conftest import MakeDatabase
from tests.reliability.server import nothing, running
from tests.studies import opened

KILLS = 15
_cast_vote = voting.cast_vote


def answer_first() -> None:
    """The familiar fault: the vote is committed after the response has gone out."""
    voting.cast_vote = _receipt_before_commit


def _receipt_before_commit(db: Database, seat: Seat, ballot: Ballot, *, now: datetime) -> Receipt:
    threading.Timer(0.2, _cast_vote, (db, seat, ballot), {"now": now}).start()
    return Receipt(0, "0" * 64, now)


def kept_votes(db: Database, prepare: Callable[[], None]) -> int:
    """How many of KILLS acknowledged votes are in the database."""
    now = datetime.now(UTC)
    opened(db, questions=6)
    issued = access.invite(db, "s", role=Role.RATER, name="alice", days=1, now=now)
    session, seat = access.redeem(db, issued.secret, now=now, hours=1)
    seat = access.consent(db, seat, now=now)
    kept = 0
    for _ in range(KILLS):
        matchup = voting.next_matchup(db, seat, now=now)
        assert matchup is not None
        before = voting.progress(db, seat).votes
        with running(db, prepare=prepare) as server:
            connection, response = server.request("POST", "/vote", session, token=matchup.token, choice="a_better")
            os.kill(server.pid, signal.SIGKILL)  # the response's headers have just arrived
            assert response.status == 303
            connection.close()
        kept += voting.progress(db, seat).votes - before
    return kept


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_no_acknowledged_vote_is_lost_by_a_kill(make_db: MakeDatabase, kind: str) -> None:
    db = make_db(kind)
    assert kept_votes(db, nothing) == KILLS
    audit.audit_study(db, studies.get(db, "s").id)


def test_a_server_that_answers_before_it_commits_is_seen_to_lose_votes(make_db: MakeDatabase) -> None:
    assert kept_votes(make_db("sqlite"), answer_first) < KILLS
