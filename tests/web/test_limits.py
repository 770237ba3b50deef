"""Rate limits: how much, for whom, for how long; what tricks do not help; and that neighbours can go on."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import ip_network
from itertools import accumulate

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text
from starlette.testclient import TestClient

from arena.domain.vocabulary import Role
from arena.errors import BadInput
from arena.services import access, limits, studies
from arena.services.limits import Asker, Rate, Rates, Refusal
from arena.settings import Settings, load
from arena.store.engine import Database
from arena.web.app import create_app
from arena.web.limits import FREE
from arena.web.logs import configure
from arena.web.sessions import DESK_COOKIE, RATER_COOKIE
from tests.conftest import MakeDatabase
from tests.web.conftest import SAME_ORIGIN, START, URL, Arena, Clock, token_of
from tests.web.reading import Page
from tests.web.routes import routes
from tests.web.test_guards import check_headers

API = "/api/v1/studies"
SESSION_BURST, SESSION_STEP = 4, timedelta(seconds=7.5)
ADDRESS_BURST, ADDRESS_STEP = 6, timedelta(seconds=5)
HERE, THERE = "192.0.2.77", "198.51.100.9"


class Still(Clock):
    """A clock that moves only when the test moves it."""

    def __call__(self) -> datetime:
        """The same moment until it is set."""
        return self.now


@dataclass
class Limited(Arena):
    """An app of small rates: 8 requests a minute of a session, 12 of an address."""

    def at(
        self, host: str = HERE, *, cookies: dict[str, str] | None = None, headers: dict[str, str] | None = None
    ) -> TestClient:
        """A browser at a network address."""
        browser = TestClient(
            self.app, base_url=URL, follow_redirects=False, headers=SAME_ORIGIN | (headers or {}), client=(host, 1)
        )
        for name, value in (cookies or {}).items():
            browser.cookies.set(name, value, domain="arena.test")
        return browser

    def session(self, role: Role = Role.RATER) -> dict[str, str]:
        """The cookie of somebody who signed in without a request."""
        secret, _ = access.redeem(self.db, self.link(role), now=self.clock(), hours=24)
        return {RATER_COOKIE if role is Role.RATER else DESK_COOKIE: secret}

    def again(self) -> Limited:
        """Another server on the same database, at the same moment."""
        return limited(self.db, self.clock)

    def pass_(self, span: timedelta) -> None:
        """Let time pass."""
        self.clock.now += span


def limited(db: Database, clock: Clock | None = None, proxies: Sequence[str] = ()) -> Limited:
    """The app with small rates and a clock that stands still."""
    clock = clock or Still()
    trusted = tuple(ip_network(proxy) for proxy in proxies)
    settings = Settings(public_url=URL, rate_session=8, rate_address=12, trusted_proxies=trusted)
    return Limited(db, settings, create_app(settings, db, clock=clock), clock)


@pytest.fixture
def arena(db: Database) -> Limited:
    """The app with small rates on each kind of database, with an open study."""
    app = limited(db)
    app.study()
    return app


def allowed(browser: TestClient, times: int, path: str = API) -> int:
    """How many of as many requests are let through; the others are refused with 429."""
    statuses = Counter(browser.get(path).status_code for _ in range(times))
    return times - statuses[429]


# The rule


@given(
    per_minute=st.integers(1, 10_000),
    gaps=st.lists(st.integers(0, 90_000_000), min_size=1, max_size=60),
)
def test_the_rule_is_a_token_bucket(per_minute: int, gaps: list[int]) -> None:
    """The textbook's bucket in whole microseconds decides alike, and Retry-After is when it has a token again."""
    rate = Rate(per_minute)
    step = round(rate.step / timedelta(microseconds=1))
    capacity = max(1, -(-per_minute // 2)) * step
    credit, last, until = capacity, 0, None
    for moment in accumulate(gaps):
        credit, last = min(capacity, credit + moment - last), moment
        now = START + timedelta(microseconds=moment)
        wait = rate.wait(until, now)
        assert (wait <= timedelta()) == (credit >= step)
        if credit >= step:
            credit -= step
            until = rate.spent(until, now) + rate.step
        else:
            assert wait == timedelta(microseconds=step - credit)


def test_a_clock_that_was_set_back_shuts_nobody_out(arena: Limited) -> None:
    browser = arena.at()
    assert allowed(browser, ADDRESS_BURST + 1) == ADDRESS_BURST
    arena.pass_(-timedelta(hours=12))
    assert allowed(browser, ADDRESS_BURST + 1) == ADDRESS_BURST


def test_clocks_that_differ_a_little_give_nothing_away(arena: Limited) -> None:
    ahead, behind = arena.at(), limited(arena.db, Still(arena.clock.now - timedelta(seconds=20))).at()
    assert allowed(ahead, ADDRESS_BURST + 1) == ADDRESS_BURST
    assert [allowed(browser, 5) for browser in (behind, ahead) * 3] == [0] * 6


def test_who_waited_for_the_database_is_judged_by_when_the_turn_came(db: Database) -> None:
    """Others of the same account came later and were counted first; by its arrival the waiting one would be refused."""
    arrived, rates = START, Rates(Rate(8), Rate(12))
    waiting = limits.account(db, Asker([], None, HERE), rates, now=arrived)
    for _ in range(ADDRESS_BURST):
        charge(db, Asker([], None, HERE), rates, START + timedelta(seconds=50))
    assert limits.charge(db, waiting, clock=lambda: START + timedelta(seconds=50)) is not None
    assert limits.charge(db, waiting, clock=lambda: START + timedelta(seconds=55)) is None


@pytest.mark.parametrize("variable", ["ARENA_RATE_SESSION", "ARENA_RATE_ADDRESS"])
def test_no_rate_is_not_a_way_to_switch_it_off(monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    monkeypatch.setenv(variable, "0")
    with pytest.raises(BadInput, match=f"^{variable}: must be at least 1$"):
        load()


# How much, and how long to wait


@pytest.mark.parametrize(
    ("who", "burst", "step"),
    [
        ("rater", SESSION_BURST, SESSION_STEP),
        ("analyst", SESSION_BURST, SESSION_STEP),
        ("token", SESSION_BURST, SESSION_STEP),
        ("nobody", ADDRESS_BURST, ADDRESS_STEP),
    ],
)
def test_burst_refill_and_an_honest_retry_after(arena: Limited, who: str, burst: int, step: timedelta) -> None:
    browser = {
        "rater": lambda: arena.at(cookies=arena.session()),
        "analyst": lambda: arena.at(cookies=arena.session(Role.ANALYST)),
        "token": lambda: arena.at(headers=arena.token(Role.ANALYST)),
        "nobody": lambda: arena.at(),
    }[who]()
    assert allowed(browser, burst + 3) == burst
    arena.pass_(step / 2)
    wait = int(browser.get(API).headers["retry-after"])
    assert wait - 1 < (step / 2).total_seconds() <= wait
    arena.pass_(timedelta(seconds=wait - 1))
    assert browser.get(API).status_code == 429
    arena.pass_(timedelta(seconds=1))
    assert allowed(browser, 2) == 1
    arena.pass_(step * 3)
    assert allowed(browser, 5) == 3
    arena.pass_(timedelta(hours=1))
    assert allowed(browser, burst + 3) == burst


def test_without_the_limiter_the_burst_has_no_end(arena: Limited, monkeypatch: pytest.MonkeyPatch) -> None:
    """The control: what the tests here count is the limiter's doing."""
    monkeypatch.setattr(limits, "charge", lambda *_, **__: None)
    assert allowed(arena.at(), 3 * ADDRESS_BURST) == 3 * ADDRESS_BURST


def test_a_restart_keeps_the_count_and_servers_share_it(arena: Limited) -> None:
    cookies = arena.session()
    assert allowed(arena.at(cookies=cookies), 3) == 3
    other = arena.again()
    assert allowed(other.at(cookies=cookies), 3) == SESSION_BURST - 3
    assert allowed(arena.at(cookies=cookies), 3) == 0
    assert allowed(other.at(), 4) + allowed(arena.at(), 4) == ADDRESS_BURST


# What is counted


def test_every_route_is_counted_or_known_to_be_free(arena: Limited) -> None:
    """Each route of the app is asked for when nothing is left: a new one is refused, or stands here."""
    free = {("GET", path) for path in FREE} | {("GET", "/static/{name}")}
    browser = arena.at()
    allowed(browser, ADDRESS_BURST)
    found = routes(arena.app)
    assert free <= set(found)
    for method, path in found:
        address = path.replace("{", "").replace("}", "")
        status, head = browser.request(method, address).status_code, browser.head(address).status_code
        assert (status == 429) == ((method, path) not in free), (method, path)
        assert (head == 429) == (("GET", path) not in free), path
    for method, path in (("GET", "/nothing"), ("PUT", "/vote"), ("POST", "/"), ("GET", "/vote/")):
        assert browser.request(method, path).status_code == 429, (method, path)


def test_what_is_refused_by_its_headers_is_not_counted(arena: Limited) -> None:
    browser = arena.at()
    for _ in range(2 * ADDRESS_BURST):
        assert browser.post("/vote", headers={"sec-fetch-site": "cross-site"}).status_code == 403
        assert browser.get("/api/v1/studies", headers={"host": "evil.test"}).status_code == 400
    assert allowed(browser, ADDRESS_BURST + 1) == ADDRESS_BURST


def test_what_is_refused_by_its_body_is_counted(arena: Limited) -> None:
    browser = arena.at()
    large = b"x" * (arena.settings.request_bytes + 1)
    found = [browser.post("/join", content=large).status_code for _ in range(ADDRESS_BURST + 2)]
    assert found == [413] * ADDRESS_BURST + [429] * 2


# What people are told, and what becomes of their vote


def test_a_refusal_is_a_page_or_json_with_all_headers(arena: Limited) -> None:
    browser = arena.at()
    allowed(browser, ADDRESS_BURST)
    page, told = browser.get("/join/x"), browser.get(API)
    assert page.status_code == told.status_code == 429
    assert "Wait 5 seconds, then load this page again" in Page(page.text).text
    assert told.json() == {
        "error": {
            "status": 429,
            "message": "There were too many requests at once from your network's address, which others may share. "
            "Ask again in 5 seconds.",
        }
    }
    for answer in (page, told):
        assert answer.headers["retry-after"] == "5"
        check_headers(dict(answer.headers))


def test_a_vote_that_is_refused_is_not_stored_and_can_be_sent_again(arena: Limited) -> None:
    study = studies.get(arena.db, "small")
    browser = arena.at(cookies=arena.session())
    assert browser.post("/consent").status_code == 303
    form = {"token": token_of(browser.get("/vote").text), "choice": "a_better", "comment": "typed with care"}
    allowed(browser, SESSION_BURST)
    refused = browser.post("/vote", data=form)
    assert refused.status_code == 429
    assert "Nothing was saved yet" in Page(refused.text).text
    assert studies.overview(arena.db, study).votes == 0
    assert token_of(browser.get("/vote").text) == form["token"]
    arena.pass_(timedelta(seconds=int(refused.headers["retry-after"])))
    assert browser.post("/vote", data=form).headers["location"] == "/vote"
    assert studies.overview(arena.db, study).votes == 1


# Neighbours


def test_one_session_takes_nothing_from_another_nor_from_its_address(arena: Limited) -> None:
    one, other = arena.at(cookies=arena.session()), arena.at(cookies=arena.session())
    assert allowed(one, 20) == SESSION_BURST
    assert allowed(other, 20) == SESSION_BURST
    assert allowed(arena.at(), 20) == ADDRESS_BURST
    assert allowed(arena.at(cookies=arena.session()), 20) == SESSION_BURST


def test_a_session_is_one_wherever_it_comes_from(arena: Limited) -> None:
    cookies = arena.session()
    assert sum(allowed(arena.at(f"203.0.113.{n}", cookies=cookies), 2) for n in range(5)) == SESSION_BURST


def test_the_defaults_let_a_lecture_hall_redeem_its_links_within_a_minute(db: Database) -> None:
    """200 people, each with a page and a post from one address; ten at once every three seconds."""
    rates, who = _defaults(), Asker([], None, HERE)
    for group in range(20):
        now = START + timedelta(seconds=3 * group)
        assert [charge(db, who, rates, now) for _ in range(20)] == [None] * 20


def test_the_defaults_leave_room_for_the_quickest_rater(db: Database) -> None:
    """A vote a second."""
    arena = limited(db)
    arena.study()
    who = Asker([*arena.session().values()], None, HERE)
    for second in range(150):
        assert charge(db, who, _defaults(), START + timedelta(seconds=second)) is None


def charge(db: Database, who: Asker, rates: Rates, now: datetime) -> Refusal | None:
    """What the guard does, without a request."""
    return limits.charge(db, limits.account(db, who, rates, now=now), clock=lambda: now)


def _defaults() -> Rates:
    fields = Settings.model_fields
    return Rates(Rate(fields["rate_session"].default), Rate(fields["rate_address"].default))


# Tricks


def test_wrong_cookies_and_tokens_cost_the_address(arena: Limited) -> None:
    """A new guess each time, and secrets that were valid once."""
    expired, out = arena.session(), arena.session()
    token = arena.token(Role.ANALYST)
    access.sign_out(arena.db, out[RATER_COOKIE], now=arena.clock())
    for one, _ in access.tokens(arena.db, now=arena.clock()):
        access.revoke_token(arena.db, one.name, now=arena.clock())
    arena.pass_(timedelta(hours=25))
    guesses = [arena.at(cookies=cookies) for cookies in (expired, out)]
    guesses += [arena.at(headers=headers) for headers in (token, {"authorization": "Basic x"})]
    guesses += [arena.at(cookies={name: f"guess{n}"}) for n in range(5) for name in (RATER_COOKIE, DESK_COOKIE)]
    guesses += [arena.at(headers={"authorization": f"Bearer guess{n}"}) for n in range(5)]
    statuses = [guess.get(API).status_code for guess in guesses]
    assert statuses.count(429) == len(guesses) - ADDRESS_BURST
    assert statuses[ADDRESS_BURST:] == [429] * (len(guesses) - ADDRESS_BURST)
    assert allowed(arena.at(THERE), 1) == 1


def test_a_free_page_is_free_but_not_for_guesses(arena: Limited) -> None:
    """Nobody's and the right cookie's loads cost nothing; a wrong one's cost the address."""
    right, nobody = arena.at(cookies=arena.session()), arena.at()
    for browser in (right, nobody):
        assert 429 not in {browser.get(path).status_code for path in sorted(FREE) * 3}
    guesses = [arena.at(cookies={RATER_COOKIE: f"guess{n}"}).get("/vote").status_code for n in range(20)]
    assert guesses == [401] * ADDRESS_BURST + [429] * (20 - ADDRESS_BURST)
    assert (right.get("/vote").status_code, nobody.get("/vote").status_code) == (303, 401)
    assert allowed(nobody, 3) == 0
    assert allowed(right, SESSION_BURST + 1) == SESSION_BURST


def test_a_rater_who_asks_too_often_finds_the_way_back_to_voting(arena: Limited) -> None:
    """Others find the start page: they have no page to vote on. The way back is free, and leads where it says."""
    ways = {Role.RATER: "/vote", Role.ANALYST: "/", None: "/"}
    for role, way in ways.items():
        browser = arena.at(THERE, cookies=arena.session(role) if role else None)
        allowed(browser, ADDRESS_BURST, "/receipt")
        for refused in (browser.get("/receipt"), browser.post("/vote", data={"choice": "tie_good"})):
            assert refused.status_code == 429
            links = [link["href"] for link in Page(refused.text).all("a") if "class" not in link]
            assert way in links, (role, links)
            assert ("/vote" in links) == (role is Role.RATER)
            assert ("Back to voting" in Page(refused.text).text) == (role is Role.RATER)
            assert browser.get(way).status_code != 429


def test_a_guess_beside_a_valid_session_costs_the_session(arena: Limited) -> None:
    cookies = arena.session()
    browsers = [arena.at(cookies=cookies, headers={"authorization": f"Bearer guess{n}"}) for n in range(10)]
    assert sum(browser.get(API).status_code != 429 for browser in browsers) == SESSION_BURST
    assert allowed(arena.at(), 20) == ADDRESS_BURST


def forwarded(arena: Limited, client: str, headers: Iterable[str]) -> int:
    """How many requests of one client pass, each with another X-Forwarded-For."""
    return sum(arena.at(client, headers={"x-forwarded-for": value}).get(API).status_code != 429 for value in headers)


def test_forwarded_addresses_count_from_trusted_proxies_only(db: Database) -> None:
    arena = limited(db, proxies=["10.0.0.0/8", "2001:db8:aa::/48"])
    # A stranger who writes the header is one address all the same.
    assert forwarded(arena, THERE, (f"203.0.113.{n}" for n in range(20))) == ADDRESS_BURST
    # Behind the proxy each client has its own allowance, which no other one touches.
    assert forwarded(arena, "10.0.0.1", (f"203.0.113.{n}" for n in range(20))) == 20
    # What a client writes itself stands before what the proxy adds, and does not help.
    spoofed = [f"198.18.0.{n}, 10.0.0.{n}, 203.0.113.200" for n in range(20)]
    assert forwarded(arena, "10.0.0.1", spoofed) == ADDRESS_BURST
    # Another proxy in front of the first, another way to write it, an IPv4 client of an IPv6 proxy: the same client.
    ways = ["203.0.113.200, 10.9.9.9", "203.0.113.200:4711", "::ffff:203.0.113.200", "[::ffff:203.0.113.200]:80"]
    assert forwarded(arena, "::ffff:10.0.0.1", ways) == 0
    assert forwarded(arena, "2001:db8:aa::1", ways) == 0
    # What is no address counts for the proxy that passed it on.
    assert forwarded(arena, "10.0.0.2", (f"unknown{n}" for n in range(20))) == ADDRESS_BURST


def test_ipv6_counts_by_its_first_64_bits(arena: Limited) -> None:
    assert sum(allowed(arena.at(f"2001:db8:1:2:{n}::1"), 1) for n in range(1, 20)) == ADDRESS_BURST
    assert allowed(arena.at("2001:db8:1:3::1"), 20) == ADDRESS_BURST
    assert allowed(arena.at(HERE), 4) + allowed(arena.at(f"::ffff:{HERE}"), 4) == ADDRESS_BURST


# What is kept


def stored(db: Database) -> list[str]:
    """The keys in the table."""
    with db.read() as tx:
        return list(tx.scalars(text("SELECT key FROM rate_bucket")))


def test_the_table_does_not_grow(arena: Limited) -> None:
    rates = Rates(Rate(8), Rate(12))
    for n in range(200):
        charge(arena.db, Asker([], None, f"host {n}"), rates, arena.clock())
    assert len(stored(arena.db)) == 200
    arena.pass_(timedelta(minutes=1))
    for n in range(200, 300):
        charge(arena.db, Asker([], None, f"host {n}"), rates, arena.clock())
        arena.pass_(ADDRESS_STEP)
    assert len(stored(arena.db)) <= 3


def test_no_address_and_no_secret_is_stored_or_logged(arena: Limited, capsys: pytest.CaptureFixture[str]) -> None:
    cookies = arena.session()
    token = arena.token(Role.ANALYST)
    configure("json")
    try:
        for browser in (arena.at(cookies=cookies), arena.at(headers=token), arena.at()):
            allowed(browser, ADDRESS_BURST + 1)
    finally:
        written = capsys.readouterr().err
        structlog.reset_defaults()
    keys = stored(arena.db)
    assert written.count('"status": 429') == 2 * 3 + 1
    assert sorted(key.partition(":")[0] for key in keys) == ["address", "session", "session"]
    assert all(re.fullmatch("(address|session):[0-9a-f]{64}", key) for key in keys)
    assert HERE in f"{HERE} {written}"
    for secret in (HERE, cookies[RATER_COOKIE], token["authorization"].split()[1], *(key[8:] for key in keys)):
        assert secret not in written
    with arena.db.read() as tx:
        kept = set(tx.scalars(text("SELECT secret_hash FROM browser_session UNION SELECT secret_hash FROM api_token")))
    assert not kept & {key.partition(":")[2] for key in keys}


def test_an_address_has_another_key_in_another_installation(make_db: MakeDatabase) -> None:
    keys = []
    for _ in range(2):
        arena = limited(make_db("sqlite"))
        arena.study()
        arena.at().get(API)
        keys += stored(arena.db)
    assert len(set(keys)) == 2


# When the database fails


def test_what_cannot_be_counted_is_not_done(arena: Limited) -> None:
    """The table is gone: a vote is answered 500 and not stored; what is not counted goes on."""
    study = studies.get(arena.db, "small")
    browser = arena.at(cookies=arena.session())
    browser.post("/consent")
    form = {"token": token_of(browser.get("/vote").text), "choice": "a_better"}
    with arena.db.write() as tx:
        tx.execute(text("ALTER TABLE rate_bucket RENAME TO gone"))
    for answer in (browser.post("/vote", data=form), browser.get(API)):
        assert answer.status_code == 500
        assert "Reference" in answer.text
        assert "rate_bucket" not in answer.text
    assert arena.at().get("/").status_code == 200
    assert studies.overview(arena.db, study).votes == 0
