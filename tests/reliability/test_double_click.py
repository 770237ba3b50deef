"""A rater who clicks twenty times has voted once."""

from __future__ import annotations

import re
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

from arena.domain.vocabulary import Role
from arena.services import access, studies, voting
from arena.store.engine import Database
from tests.reliability.server import running
from tests.studies import opened

CLICKS = 20


def test_twenty_submissions_at_once_are_one_vote_with_one_receipt(db: Database) -> None:
    now = datetime.now(UTC)
    study = opened(db, questions=1)
    issued = access.invite(db, "s", role=Role.RATER, name="alice", days=1, now=now)
    session, seat = access.redeem(db, issued.secret, now=now, hours=1)
    seat = access.consent(db, seat, now=now)
    matchup = voting.next_matchup(db, seat, now=now)
    assert matchup is not None
    start = threading.Barrier(CLICKS)

    with running(db) as server:

        def click(_: int) -> tuple[int, str]:
            start.wait()
            posted, response = server.request("POST", "/vote", session, token=matchup.token, choice="a_better")
            shown, page = server.request("GET", "/vote", session)
            receipt = re.search(r"[0-9a-f]{64}", page.read().decode())
            posted.close()
            shown.close()
            assert receipt is not None
            return response.status, receipt[0]

        with ThreadPoolExecutor(CLICKS) as pool:
            answers = set(pool.map(click, range(CLICKS)))
        receipt = voting.sitting(db, seat).receipt
        assert receipt is not None
        assert answers == {(303, receipt.hash)}
        assert studies.overview(db, study).votes == 1

        connection, response = server.request("POST", "/vote", session, token=matchup.token, choice="b_better")
        assert response.status == 409
        connection.close()
    assert studies.overview(db, study).votes == 1
