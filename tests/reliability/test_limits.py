"""Rate limits between real servers, under many at once, and in a hospital of one address."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from arena.domain.plan import Plan
from arena.domain.vocabulary import Role
from arena.services import access, limits, studies, voting
from arena.services.limits import Account, Rate
from arena.settings import Settings
from arena.store import limits as store
from arena.store.engine import Database
from arena.web import app as web
from arena.web.sessions import RATER_COOKIE
from tests.conftest import MakeDatabase
from tests.reliability.server import Running, running
from tests.scale import scaled
from tests.studies import opened

MOMENT = datetime(2026, 1, 2, 4, tzinfo=UTC)
URL = "https://arena.test"
BURST = 20
pytestmark = pytest.mark.reliability
_create_app = web.create_app


def strict() -> None:
    """A server with small rates, for which time stands still."""
    web.create_app = _strict_app  # type: ignore[assignment]


def careless() -> None:
    """The same, but with a limiter that looks, and then writes what it has seen: the familiar race."""
    strict()
    limits._spend = _unlocked


def _strict_app(settings: Settings, db: Database) -> FastAPI:
    small = {"rate_session": 2 * BURST, "rate_address": 2 * BURST}
    return _create_app(settings.model_copy(update=small), db, clock=at(MOMENT))


def _unlocked(db: Database, to: Account, clock: Callable[[], datetime]) -> timedelta:
    now = clock()
    with db.write() as tx:
        store.hold(tx, to.key, now=now)
        store.spend(tx, to.key, to.rate.spent(to.until, now) + to.rate.step)
    return timedelta()


def at(moment: datetime) -> Callable[[], datetime]:
    """A clock that stands still."""
    return lambda: moment


def session_of(db: Database, name: str, now: datetime = MOMENT) -> str:
    """The cookie of a rater who has consented."""
    issued = access.invite(db, "s", role=Role.RATER, name=name, days=1, now=now)
    session, seat = access.redeem(db, issued.secret, now=now, hours=1)
    access.consent(db, seat, now=now)
    return session


def passed(servers: Sequence[Running], session: str, times: int) -> int:
    """How many of as many requests of one session, sent to the servers at once, are let through."""

    def ask(turn: int) -> int:
        connection, response = servers[turn % len(servers)].request("POST", "/vote", session, token="x")
        connection.close()
        return response.status

    with ThreadPoolExecutor(16) as pool:
        found = Counter(pool.map(ask, range(times)))
    assert set(found) <= {404, 429}
    return found[404]


def test_two_servers_at_once_let_the_burst_through_and_a_restart_gives_nothing_more(db: Database) -> None:
    opened(db)
    alice, bob = session_of(db, "alice"), session_of(db, "bob")
    with running(db, prepare=strict) as one, running(db, prepare=strict) as other:
        assert passed([one, other], alice, scaled(60, 400)) == BURST
    with running(db, prepare=strict) as started_again:
        assert passed([started_again], alice, 10) == 0
        assert passed([started_again], bob, 10) == 10


def test_a_limiter_without_the_lock_is_seen_to_let_more_through(make_db: MakeDatabase) -> None:
    db = make_db("sqlite")
    opened(db)
    session = session_of(db, "alice")
    with running(db, prepare=careless) as one, running(db, prepare=careless) as other:
        assert passed([one, other], session, 200) > BURST


def test_clearing_away_is_in_nobodys_way(db: Database) -> None:
    """Threads that count and clear away the same rows in any order: none waits for ever, none fails."""
    keys = [f"key {n}" for n in range(12)]

    def count(seed: int) -> int:
        rng = random.Random(seed)
        for step in range(scaled(20, 100)):
            clock = at(MOMENT + timedelta(minutes=step))
            for key in rng.sample(keys, 4):
                limits.charge(db, Account(key, Rate(600), None, is_session=False), clock=clock)
        return seed

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(count, range(8))) == [*range(8)]


def test_a_hospital_behind_one_address_votes(db: Database) -> None:
    """Raters who vote five times each at one moment; in the long form 200, under the settings as they come.

    The control: what is left to their address without a session is far less than they have had.
    """
    raters, per_minute = scaled((5, 12), (200, Settings.model_fields["rate_address"].default))
    study = opened(db, plan=Plan(raters_per_pairing=raters), questions=2)
    app = web.create_app(Settings(public_url=URL, rate_address=per_minute), db, clock=at(MOMENT))
    for number in range(raters):
        session = session_of(db, f"rater {number}")
        seat = access.seat_of(db, session, now=MOMENT)
        assert seat is not None
        with browser(app, session) as rater:
            assert rater.post("/vote/next").status_code == 303
            for _ in range(5):
                matchup = voting.sitting(db, seat).matchup
                assert matchup is not None
                assert rater.post("/vote", data={"token": matchup.token, "choice": "tie_good"}).status_code == 303
    assert studies.overview(db, study).votes == 5 * raters
    with browser(app, "guess") as stranger:
        statuses = Counter(stranger.post("/vote").status_code for _ in range(per_minute // 2 + 3))
    assert statuses == {401: per_minute // 2, 429: 3}


def browser(app: FastAPI, session: str) -> TestClient:
    """A browser behind the hospital's address."""
    headers = {"sec-fetch-site": "same-origin"}
    found = TestClient(app, base_url=URL, follow_redirects=False, headers=headers, client=("192.0.2.1", 1))
    found.cookies.set(RATER_COOKIE, session, domain="arena.test")
    return found
