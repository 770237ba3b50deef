"""Many raters who vote over HTTP without a pause, and keep what they were promised."""

from __future__ import annotations

import os
import re
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from http.client import HTTPConnection, HTTPException
from random import Random
from urllib.parse import urlencode

from sqlalchemy import text

from arena.domain.plan import Plan
from arena.domain.vocabulary import Choice, Role
from arena.services import access
from arena.store.engine import Database
from tests.reliability.server import Running
from tests.studies import opened

RATERS = 32
PATIENCE = 60.0
"""Seconds after which something is given up as broken; no result depends on it."""
CHOICES = (Choice.A_MUCH_BETTER, Choice.A_BETTER, Choice.TIE_GOOD, Choice.TIE_BAD, Choice.B_BETTER)
TOKEN = re.compile(r'name="token" value="([^"]+)"')
RECEIPT = re.compile(r'class="hash" title="([0-9a-f]{64})"')


def sessions(db: Database, *, raters: int = RATERS, questions: int) -> list[str]:
    """Make a study with three pairings a question for each of `raters`; returns their sessions."""
    now = datetime.now(UTC)
    opened(db, plan=Plan(raters_per_pairing=raters), questions=questions)
    made = []
    for number in range(raters):
        issued = access.invite(db, "s", role=Role.RATER, name=f"Dr {number}", days=1, now=now)
        session, seat = access.redeem(db, issued.secret, now=now, hours=24)
        access.consent(db, seat, now=now)
        made.append(session)
    return made


@dataclass(frozen=True)
class Stored:
    """What the database has for one vote: its matchup's token, the choice, and its entry's hash."""

    token: str
    choice: str
    receipt: str


def stored(db: Database) -> list[Stored]:
    """Every vote in the database."""
    query = """
        SELECT matchup.token, vote.choice, ledger_entry.hash FROM vote
        JOIN matchup ON matchup.id = vote.matchup_id JOIN chain ON chain.study_id = vote.study_id
        JOIN ledger_entry ON ledger_entry.chain_id = chain.id AND ledger_entry.seq = vote.seq
    """
    with db.read() as tx:
        return [Stored(*row) for row in tx.execute(text(query))]


class Crowd:
    """The raters, each on a thread. `promised` is what the server acknowledged: tokens with their choices.

    A request that gets no answer is sent again until it gets one.
    """

    def __init__(self, port: int, sessions: list[str], seed: int) -> None:
        self.port = port
        self.promised: set[tuple[str, str]] = set()
        self.receipts: dict[str, str] = {}
        self.refused: list[tuple[int, str, str]] = []
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._victim: tuple[Running, int] | None = None
        seeds = Random(seed)
        self._threads = [
            threading.Thread(target=self._judge, args=(session, Random(seeds.random())), daemon=True)
            for session in sessions
        ]

    @contextmanager
    def voting(self) -> Iterator[None]:
        """They vote during the block, or until they are told to rest."""
        for thread in self._threads:
            thread.start()
        try:
            yield
        finally:
            self._stop.set()

    def rest(self) -> None:
        """Stop them, while a server runs; returns when each has an answer to all that was sent."""
        self._stop.set()
        for thread in self._threads:
            thread.join(PATIENCE)
            assert not thread.is_alive(), "a rater got no answer"

    def kill(self, server: Running, *, after: int) -> None:
        """Kill `server` as it acknowledges the vote that many `after` those so far; returns when it is dead."""
        with self._lock:
            self._victim = (server, len(self.promised) + after)
        server.process.join(PATIENCE)
        assert server.process.exitcode == -signal.SIGKILL, "the raters found nothing more to vote on"

    def wait_for(self, votes: int) -> None:
        """Return when `votes` further ones have been acknowledged."""
        due, deadline = len(self.promised) + votes, time.monotonic() + PATIENCE
        while len(self.promised) < due:
            assert time.monotonic() < deadline, "the raters found nothing more to vote on"
            self._threads[0].join(0.005)

    def _judge(self, session: str, rng: Random) -> None:
        last = None
        while not self._stop.is_set():
            _, page = self._ask("GET", "/vote", session)
            if last and (receipt := RECEIPT.search(page)):
                self.receipts[last] = receipt[1]
            found = TOKEN.search(page)
            if found is None:
                if "/vote/next" not in page:
                    return  # nothing is left for this rater
                self._ask("POST", "/vote/next", session)
                continue
            choice = rng.choice(CHOICES)
            status, _ = self._ask("POST", "/vote", session, token=found[1], choice=choice)
            last = found[1] if status == 303 else None
            if last is None:
                self.refused.append((status, found[1], choice))
            else:
                self._acknowledged(last, choice)

    def _acknowledged(self, token: str, choice: str) -> None:
        with self._lock:
            self.promised.add((token, choice))
            if self._victim and len(self.promised) >= self._victim[1]:
                os.kill(self._victim[0].pid, signal.SIGKILL)
                self._victim = None

    def _ask(self, method: str, path: str, session: str, **form: str) -> tuple[int, str]:
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                return self._once(method, path, session, form)
            except (OSError, HTTPException):
                if time.monotonic() > deadline:
                    raise

    def _once(self, method: str, path: str, session: str, form: dict[str, str]) -> tuple[int, str]:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        origin = f"http://127.0.0.1:{self.port}"
        headers = {"Cookie": f"__Host-arena-rater={session}", "Origin": origin, "Sec-Fetch-Site": "same-origin"}
        body = urlencode(form) if method == "POST" else None
        if body is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        try:
            connection.request(method, path, body, headers)
            response = connection.getresponse()
            # What the status line says is said: a kill while the rest is read takes nothing back.
            return response.status, "" if response.status == 303 else response.read().decode()
        finally:
            connection.close()
