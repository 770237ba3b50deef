"""A vote that was answered is a vote that is stored, even when the server dies in that very moment."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

import pytest

from arena.services import backup
from arena.store.engine import Database
from tests.reliability import late
from tests.reliability.crowd import RATERS, Crowd, sessions, stored
from tests.reliability.server import listener, nothing, running
from tests.scale import scaled

KILLS = scaled(4, 50)
QUESTIONS = scaled(12, 60)


def survived(db: Database, *, kills: int, raters: int = RATERS, prepare: Callable[[], None] = nothing) -> Crowd:
    """Raters vote while the server is killed and started again; returns them when they have come to rest."""
    rng = Random(20260131)
    seats = sessions(db, raters=raters, questions=QUESTIONS)
    with listener() as socket:
        crowd = Crowd(socket.getsockname()[1], seats, seed=rng.getrandbits(32))
        with crowd.voting():
            for _ in range(kills):
                with running(db, prepare=prepare, on=socket) as server:
                    crowd.kill(server, after=rng.randint(1, raters))
            with running(db, prepare=prepare, on=socket):
                crowd.wait_for(1)
                crowd.rest()
    return crowd


@pytest.mark.reliability
def test_kills_among_32_raters_lose_change_and_double_no_acknowledged_vote(db: Database) -> None:
    crowd = survived(db, kills=KILLS)
    votes = stored(db)
    assert len(votes) == len({vote.token for vote in votes}), "no vote is doubled"
    assert {(vote.token, vote.choice) for vote in votes} == crowd.promised, "none is lost, changed or made up"
    assert crowd.refused == []
    receipts = {vote.token: vote.receipt for vote in votes}
    assert crowd.receipts.items() <= receipts.items()
    assert len(crowd.receipts) > len(votes) / 2, "the pages showed receipts"
    heads = {one.name: one.head for one in backup.audited(db)}
    assert heads["s"].position > 2 * len(votes)


@pytest.mark.reliability
def test_a_server_that_commits_when_the_response_is_gone_is_seen_to_lose_votes(db: Database) -> None:
    # Two raters leave the machine quick enough to kill within the moment between response and commit.
    crowd = survived(db, kills=6, raters=2, prepare=late.answer_first)
    kept = {(vote.token, vote.choice) for vote in stored(db)}
    assert crowd.promised - kept, "the control lost votes"
