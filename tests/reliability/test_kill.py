"""A vote that was answered is a vote that is stored, even when the server dies in that very moment."""

from __future__ import annotations

import os
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from multiprocessing import get_context
from urllib.parse import urlencode

import pytest

from arena.domain.access import Seat
from arena.domain.blinding import Ballot, Receipt
from arena.domain.vocabulary import Role
from arena.services import access, audit, studies, voting
from arena.settings import Settings
from arena.store.engine import Database, open_database
from tests.conftest import MakeDatabase
from tests.studies import opened

KILLS = 15
# A process that has imported everything and started no thread: a server is forked from it in milliseconds.
PROCESSES = get_context("forkserver")
PROCESSES.set_forkserver_preload(["arena.web.app", "tests.reliability.test_kill"])


def serve(url: str, listening: socket.socket, answers_first: bool) -> None:
    """Run the server in this process; `answers_first` makes it the control."""
    from arena.cli.serve import run

    if answers_first:
        voting.cast_vote = _answer_first
    port = listening.getsockname()[1]
    run(Settings(database_url=url, public_url=f"http://127.0.0.1:{port}"), open_database(url), listening)


def _answer_first(db: Database, seat: Seat, ballot: Ballot, *, now: datetime) -> Receipt:
    """The familiar fault: the vote is committed after the response has gone out."""
    threading.Timer(0.2, _cast_vote, (db, seat, ballot), {"now": now}).start()
    return Receipt(0, "0" * 64, now)


_cast_vote = voting.cast_vote


@contextmanager
def running(db: Database, *, answers_first: bool) -> Iterator[tuple[int, int]]:
    """A server in a process of its own: its port and process id."""
    url = db.engine.url.render_as_string(hide_password=False)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        process = PROCESSES.Process(target=serve, args=(url, listening, answers_first))
        process.start()
        assert process.pid is not None
        try:
            yield listening.getsockname()[1], process.pid
        finally:
            process.kill()
            process.join()


def post_and_kill(port: int, pid: int, session: str, token: str) -> bytes:
    """Post a vote; kill the server as the first byte of the answer arrives. Returns the answer's beginning."""
    body = urlencode({"token": token, "choice": "a_better"}).encode()
    head = (
        f"POST /vote HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nCookie: __Host-arena-rater={session}\r\n"
        f"Origin: http://127.0.0.1:{port}\r\nSec-Fetch-Site: same-origin\r\n"
        f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", port), timeout=60) as client:
        client.sendall(head.encode() + body)
        first = client.recv(1)
        os.kill(pid, signal.SIGKILL)
        return first + client.recv(100)


def kept_votes(db: Database, *, answers_first: bool) -> int:
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
        with running(db, answers_first=answers_first) as (port, pid):
            answer = post_and_kill(port, pid, session, matchup.token)
        assert answer.startswith(b"HTTP/1.1 303")
        kept += voting.progress(db, seat).votes - before
    return kept


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_no_acknowledged_vote_is_lost_by_a_kill(make_db: MakeDatabase, kind: str) -> None:
    db = make_db(kind)
    assert kept_votes(db, answers_first=False) == KILLS
    audit.audit_study(db, studies.get(db, "s"))


def test_a_server_that_answers_before_it_commits_is_seen_to_lose_votes(make_db: MakeDatabase) -> None:
    assert kept_votes(make_db("sqlite"), answers_first=True) < KILLS
