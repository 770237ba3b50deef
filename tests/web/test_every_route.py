"""What must hold for every route, taken from the app's own list, so that a new one cannot be forgotten."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta

import pytest
from httpx2 import Response

from arena.domain.plan import Plan
from arena.domain.vocabulary import Role
from arena.web.guards import SECURITY_HEADERS
from tests.conftest import MakeDatabase
from tests.web.conftest import URL, Arena, arena_on, cast, production
from tests.web.fingerprint import fingerprint
from tests.web.routes import Visitor, address, form, routes, visitor

KINDS = ("sqlite", "postgresql")
STRICT = {name.lower(): value for name, value in SECURITY_HEADERS.items()} | {
    "strict-transport-security": "max-age=31536000"
}
FROM_ELSEWHERE: tuple[dict[str, str], ...] = (
    {"sec-fetch-site": "cross-site"},
    {"sec-fetch-site": "same-site", "origin": "https://evil.arena.test"},
    {"sec-fetch-site": "none", "origin": "null"},
    {"sec-fetch-site": "same-origin", "origin": "null"},
    {"sec-fetch-site": "", "origin": "null"},
    {"sec-fetch-site": "cross-site", "origin": URL},
    {"sec-fetch-site": "same-origin", "origin": "https://evil.test"},
    {"sec-fetch-site": "", "origin": ""},
    {"sec-fetch-site": "cross-site", "authorization": "Basic eDp5"},
)
WRONG_METHODS = ("PUT", "DELETE", "OPTIONS", "PROPFIND")
TOO_LONG = "x" * 300


def lively(make_db: MakeDatabase, kind: str = "sqlite") -> Arena:
    """An open study with votes on all pairings and another one; a person of each role may come in."""
    arena = arena_on(make_db(kind))
    for name in ("small", "elsewhere"):
        arena.study(name, plan=Plan(raters_per_pairing=20))
    voter = arena.rater()
    for choice in ("a_better", "b_better", "tie_good") * 3:
        cast(voter, choice)
    return arena


def unsafe(arena: Arena) -> list[tuple[str, str]]:
    return [(method, path) for method, path in routes(arena.app) if method != "GET"]


def reads(arena: Arena, who: Visitor) -> list[str]:
    return [address(arena, path, who) for method, path in routes(arena.app) if method == "GET"]


# Posts from elsewhere


@pytest.mark.parametrize("kind", KINDS)
def test_a_post_from_elsewhere_is_refused_and_changes_nothing(make_db: MakeDatabase, kind: str) -> None:
    """With everything that the route would need; the control below shows that from here the same posts are taken."""
    arena = lively(make_db, kind)
    found = unsafe(arena)
    assert len(found) >= 5
    for role in (Role.RATER, Role.ADMIN) if kind == "sqlite" else (Role.RATER,):
        who = visitor(arena, role)
        ready = [(method, address(arena, path, who), form(arena, path, who)) for method, path in found]
        before, cookies = fingerprint(arena.db), dict(who.browser.cookies)
        for method, path, data in ready:
            for headers in FROM_ELSEWHERE if kind == "sqlite" else FROM_ELSEWHERE[:3]:
                answer = who.browser.request(method, path, data=data, headers=headers)
                assert answer.status_code == 403, (method, path, headers)
                assert "set-cookie" not in answer.headers
                assert "This request did not come from" in answer.text
        assert fingerprint(arena.db) == before
        assert dict(who.browser.cookies) == cookies


def test_the_same_posts_from_here_are_taken(make_db: MakeDatabase) -> None:
    """The control: each changes the database, but for those that find nothing left to do."""
    arena = lively(make_db)
    idle = set()
    for method, path in unsafe(arena):
        who = visitor(arena, Role.RATER)
        where, data = address(arena, path, who), form(arena, path, who)
        before = fingerprint(arena.db)
        assert who.browser.request(method, where, data=data).status_code == 303, path
        if fingerprint(arena.db) == before:
            idle.add(path)
    assert idle == {"/consent", "/vote/next"}  # Consent was given, and a pair is open.


# Reading


@pytest.mark.parametrize("kind", KINDS)
def test_no_reading_changes_anything(make_db: MakeDatabase, kind: str) -> None:
    """Every table before and after every GET and HEAD of every role, at once and after the rater's pair has lapsed."""
    arena = lively(make_db, kind)
    roles = (None, *Role) if kind == "sqlite" else (Role.RATER, Role.ANALYST)
    visitors = [visitor(arena, role) for role in roles]
    tokens = [{}, arena.token(Role.ANALYST), arena.token(Role.ADMIN, None)]
    paths = [reads(arena, who) for who in visitors]
    for minutes in (0, 60 * 24):
        arena.clock.now += timedelta(minutes=minutes)
        before = fingerprint(arena.db)
        assert sum(map(len, before.values())) > 100
        statuses = set()
        for who, own in zip(visitors, paths, strict=True):
            fields = f"token={who.open}&choice=a_better&sure=yes&secret=x&seat=rater"
            for path in own:
                statuses |= {who.browser.request(method, path).status_code for method in ("GET", "HEAD", "OPTIONS")}
                who.browser.get(f"{path}{'&' if '?' in path else '?'}{fields}")
        for header in tokens:
            for path in paths[0]:
                arena.browser().get(path, headers=header)
        assert fingerprint(arena.db) == before
        assert statuses >= {200, 303, 401, 405}


def test_a_change_would_be_seen(make_db: MakeDatabase) -> None:
    """The control."""
    arena = lively(make_db)
    before = fingerprint(arena.db)
    arena.link(Role.RATER)
    changed = {name for name, rows in fingerprint(arena.db).items() if rows != before[name]}
    assert changed >= {"seat", "identity", "invitation", "ledger_entry"}


# Headers


def check(answer: Response) -> None:
    """Each header once and to the letter; only a static file says itself how long it may be kept."""
    found = [(name.lower(), value) for name, value in answer.headers.multi_items()]
    expected = dict(STRICT)
    if answer.request.url.path.startswith("/static/") and answer.status_code == 200:
        expected["cache-control"] = "public, max-age=31536000, immutable"
    assert sorted((name, value) for name, value in found if name in expected) == sorted(expected.items())
    assert not {"server", "x-powered-by", "access-control-allow-origin"} & {name for name, _ in found}


def provoked(arena: Arena, who: Visitor) -> Iterator[Response]:
    """Every route as it is meant, and in each way that is refused before or within it."""
    browser = who.browser
    for method, path in routes(arena.app):
        where = address(arena, path, who)
        yield browser.request(method, where, data=form(arena, path, who) if method == "POST" else None)
        yield browser.request("HEAD", where)
        yield browser.request(method, where, headers={"host": "evil.test"})
        yield browser.request(method, where, content=b"x" * 20_000)
        yield browser.request(method, where, headers={"content-length": "x"})
        yield browser.request(method, f"{where}{'&' if '?' in where else '?'}level=7&format=exe&receipt={TOO_LONG}")
        yield browser.request(method, f"{where.partition('?')[0]}/nothing")
        yield browser.request(method, where, headers={"sec-fetch-site": "cross-site", "origin": "null"})
        for wrong in WRONG_METHODS:
            yield browser.request(wrong, where)


def test_every_answer_of_every_route_has_the_security_headers(make_db: MakeDatabase) -> None:
    arena = lively(make_db)
    statuses = set()
    for role in (None, Role.RATER, Role.ANALYST):
        for answer in provoked(arena, visitor(arena, role)):
            check(answer)
            statuses.add(answer.status_code)
    assert statuses >= {200, 303, 400, 401, 403, 404, 405, 413, 422}
    assert max(statuses) < 500


def test_too_late_too_many_and_too_much_have_them_too(make_db: MakeDatabase) -> None:
    arena = lively(make_db)
    late, analyst = visitor(arena, Role.RATER), visitor(arena, Role.ANALYST)
    assert late.browser.post("/vote", data={"token": late.voted, "choice": "tie_bad"}).status_code == 409
    check(late.browser.post("/vote", data={"token": late.voted, "choice": "tie_bad"}))
    arena.app.state.context.boards._places = threading.Semaphore(0)
    for path in ("/leaderboard?study=small&level=0.8", "/api/v1/studies/small/leaderboard?level=0.8"):
        busy = analyst.browser.get(path)
        assert (busy.status_code, int(busy.headers["retry-after"]) > 0) == (503, True)
        check(busy)
    narrow = arena_on(arena.db, production(rate_session=1, rate_address=1))
    for method, path in routes(narrow.app):
        browser = narrow.browser()
        answers = [browser.request(method, path.replace("{", "").replace("}", "")) for _ in range(3)]
        for answer in answers:
            check(answer)
        if method != "GET" or path.startswith("/api/"):
            assert answers[-1].status_code == 429, path


def test_a_fault_in_any_route_has_them_and_shows_nothing_of_itself(make_db: MakeDatabase) -> None:
    """Every route but the schema needs the app's context: without it each ends in an exception."""
    arena = lively(make_db)
    who = visitor(arena, Role.RATER)
    ready = [(m, address(arena, p, who), form(arena, p, who)) for m, p in routes(arena.app) if "openapi" not in p]
    arena.app.state.context = None
    for method, path, data in ready:
        answer = who.browser.request(method, path, data=data if method == "POST" else None)
        assert answer.status_code == 500, path
        check(answer)
        assert "Reference" in answer.text
        for inside in ("Traceback", "AssertionError", "assert", "arena/web", ".py"):
            assert inside not in answer.text
        if path.startswith("/api/"):
            assert set(answer.json()["error"]) == {"status", "message"}
