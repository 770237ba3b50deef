"""docs/roles.md is what the server does: every route, every role, asked for."""

from __future__ import annotations

import re
from functools import partial

import pytest
from fastapi import APIRouter
from httpx2 import Response

from arena import assets
from arena.domain.plan import Plan
from arena.domain.vocabulary import Role
from arena.services import studies
from tests.conftest import MakeDatabase
from tests.web.conftest import Arena, arena_on, cast, make_study, token_of
from tests.web.routes import Visitor, address, form, routes, visitor

PAGE = assets.path("templates").parent / "docs" / "roles.md"
WORDS = {"yes": 200, "→": 303, "sign in": 401, "no": 403, "nothing": 404, "too late": 409}
SEATS = tuple(Role)
COLUMNS = ["anonymous", *SEATS, *(f"{role} elsewhere" for role in SEATS)]
STUDY_READS = (
    "/leaderboard?study={}",
    "/analysis?study={}",
    "/api/v1/studies/{}",
    "/api/v1/studies/{}/leaderboard",
    "/api/v1/studies/{}/leaderboard?format=csv&method=elo",
    "/api/v1/studies/{}/export/votes",
    "/api/v1/studies/{}/export/answers?format=csv",
    "/api/v1/studies/{}/export/questions?format=parquet",
    "/api/v1/studies/{}/export/ledger",
)

Table = dict[tuple[str, str], dict[str, int]]
Posts = dict[tuple[str, str], partial[Response]]


def tables(text: str) -> list[Table]:
    """The tables of routes: for each route, the status by column."""
    found: list[Table] = []
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if cells[0] == "route":
            assert cells[1:] == COLUMNS
            found.append({})
        elif re.match(r"[A-Z]+ /", cells[0]):
            method, path = cells[0].split()
            assert (method, path) not in found[-1], f"{cells[0]} stands twice"
            found[-1][method, path] = {column: WORDS[word] for column, word in zip(COLUMNS, cells[1:], strict=True)}
    return found


OPEN, PUBLISHED = tables(PAGE.read_text())


def seat(arena: Arena, column: str) -> Visitor:
    """A browser with the seat that a column is about."""
    role, _, elsewhere = column.partition(" ")
    return visitor(arena, None if role == "anonymous" else Role(role), "elsewhere" if elsewhere else "small")


def token(arena: Arena, column: str) -> dict[str, str]:
    """The header of a token of the same role; none for who cannot have one."""
    role, _, elsewhere = column.partition(" ")
    return {} if role in ("anonymous", "rater") else arena.token(Role(role), "elsewhere" if elsewhere else "small")


def posts(arena: Arena, column: str) -> Posts:
    """For each route that is posted to, a browser of its own that has what it takes: a post may use that up."""
    ready: Posts = {}
    for method, path in OPEN:
        if method != "GET":
            who = seat(arena, column)
            ready[method, path] = partial(who.browser.request, method, path, data=form(arena, path, who))
    return ready


def two_studies(db: MakeDatabase, kind: str = "sqlite") -> Arena:
    """An open study with a vote on each of its pairings, and another one."""
    arena = arena_on(db(kind))
    for name in ("small", "elsewhere"):
        arena.study(name, plan=Plan(raters_per_pairing=20))
    voter = arena.rater()
    for choice in ("a_better", "b_better", "tie_good") * 3:
        cast(voter, choice)
    return arena


def publish(arena: Arena) -> None:
    studies.close(arena.db, "small", now=arena.clock())
    studies.publish(arena.db, "small", now=arena.clock())


def test_the_page_names_every_route_and_no_other(make_db: MakeDatabase) -> None:
    assert sorted(OPEN) == routes(arena_on(make_db("sqlite")).app)
    assert set(PUBLISHED) <= set(OPEN)


def test_a_missing_route_is_found(make_db: MakeDatabase) -> None:
    """The control: a route in a router of a router."""
    app, outer, inner = arena_on(make_db("sqlite")).app, APIRouter(), APIRouter()
    inner.add_api_route("/forgotten", lambda: None, methods=["PUT"])
    outer.include_router(inner)
    app.include_router(outer)
    assert set(routes(app)) - set(OPEN) == {("PUT", "/forgotten")}


@pytest.mark.parametrize("column", COLUMNS)
def test_every_cell_is_what_the_server_answers(make_db: MakeDatabase, column: str) -> None:
    arena = two_studies(make_db)
    who, later = seat(arena, column), posts(arena, column)
    check_column(arena, column, OPEN, who, posts(arena, column))
    publish(arena)
    check_column(arena, column, {**OPEN, **PUBLISHED}, who, later)


@pytest.mark.parametrize("column", ["rater", "admin elsewhere"])
def test_the_other_database_answers_alike(make_db: MakeDatabase, column: str) -> None:
    arena = two_studies(make_db, "postgresql")
    check_column(arena, column, OPEN, seat(arena, column), posts(arena, column))


def check_column(arena: Arena, column: str, table: Table, who: Visitor, ready: Posts) -> None:
    """Ask for every route, and for what can be read also with HEAD and by token."""
    bare, header = arena.browser(), token(arena, column)
    for (method, path), row in table.items():
        if method == "GET":
            where = address(arena, path, who)
            head = who.browser.head(where)
            statuses = {who.browser.get(where).status_code, head.status_code}
            if header and path.startswith("/api/"):
                statuses.add(bare.get(where, headers=header).status_code)
            assert (statuses, head.content) == ({row[column]}, b""), path
        else:
            assert ready[method, path]().status_code == row[column], (method, path)


@pytest.mark.parametrize("role", [Role.REVIEWER, Role.ANALYST, Role.ADMIN])
def test_a_token_for_all_studies_gets_what_one_of_the_study_gets(make_db: MakeDatabase, role: Role) -> None:
    arena = two_studies(make_db)
    everywhere, here = arena.token(role, None), arena.token(role)
    for path in STUDY_READS:
        answers = [arena.browser().get(path.format("small"), headers=header) for header in (everywhere, here)]
        assert len({(answer.status_code, answer.content) for answer in answers}) == 1, path
    for name in ("elsewhere", "small"):
        status = 404 if role is Role.REVIEWER else 200
        assert arena.browser().get(f"/api/v1/studies/{name}", headers=everywhere).status_code == status


def outsiders(arena: Arena, columns: list[str]) -> dict[str, partial[Response]]:
    """Everybody to whom an unpublished study must not exist, each with a way to ask."""
    asking: dict[str, partial[Response]] = {}
    for column in columns:
        if column not in (Role.ANALYST, Role.ADMIN):
            asking[f"{column}, by cookie"] = partial(seat(arena, column).browser.get)
            if header := token(arena, column):
                asking[f"{column}, by token"] = partial(arena.browser().get, headers=header)
    asking["reviewer of all, by token"] = partial(arena.browser().get, headers=arena.token(Role.REVIEWER, None))
    both = arena.rater("elsewhere")
    both.post("/join", data={"secret": arena.link(Role.ANALYST, "elsewhere")})
    asking["rater and analyst elsewhere"] = partial(both.get)
    return asking


def look(answer: Response) -> tuple[int, list[tuple[str, str]], bytes]:
    """Everything of an answer but its date."""
    return answer.status_code, sorted((n, v) for n, v in answer.headers.items() if n != "date"), answer.content


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_until_it_is_published_a_study_cannot_be_told_from_none(make_db: MakeDatabase, kind: str) -> None:
    """Draft, open or closed, by status, headers and body; the control is the same study after publication."""
    arena = two_studies(make_db, kind)
    make_study(arena.db, "later", 1, Plan(), arena.clock())
    asking = outsiders(arena, COLUMNS if kind == "sqlite" else ["rater"])
    of_none = {(who, path): look(ask(path.format("never"))) for who, ask in asking.items() for path in STUDY_READS}
    assert {status for status, *_ in of_none.values()} == {401, 404}

    def told_apart(name: str) -> set[tuple[str, str]]:
        return {key for key, none in of_none.items() if look(asking[key[0]](key[1].format(name))) != none}

    assert told_apart("small") == set()
    assert told_apart("later") == set()
    studies.close(arena.db, "small", now=arena.clock())
    assert told_apart("small") == set()
    studies.publish(arena.db, "small", now=arena.clock())
    assert told_apart("small") >= {(who, "/api/v1/studies/{}") for who in asking}


@pytest.mark.parametrize("column", COLUMNS)
def test_no_list_names_an_unpublished_study_to_others(make_db: MakeDatabase, column: str) -> None:
    arena = two_studies(make_db)
    browser, header = seat(arena, column).browser, token(arena, column)
    listed = [
        browser.get("/api/v1/studies").text,
        arena.browser().get("/api/v1/studies", headers=header).text,
        browser.get("/leaderboard", follow_redirects=True).text,
    ]
    is_for = {
        Role.ANALYST: "small",
        Role.ADMIN: "small",
        "analyst elsewhere": "elsewhere",
        "admin elsewhere": "elsewhere",
    }
    for text in listed[: 3 if header else 1]:
        assert ("small" in text, "elsewhere" in text) == (
            is_for.get(column) == "small",
            is_for.get(column) == "elsewhere",
        )


def test_another_study_s_seat_and_nobody_get_the_same(make_db: MakeDatabase) -> None:
    """But for exports, where nobody is asked to sign in and who is signed in elsewhere is told of nothing."""
    arena = two_studies(make_db)
    nobody = arena.browser()
    for state in ("open", "published"):
        for role in Role:
            browser = seat(arena, f"{role} elsewhere").browser
            for path in STUDY_READS[2:5]:
                assert look(browser.get(path.format("small"))) == look(nobody.get(path.format("small"))), (state, path)
        if state == "open":
            publish(arena)


# A rater's pair.


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_nobody_votes_on_anothers_pair(make_db: MakeDatabase, kind: str) -> None:
    """Whatever is posted with it, another's token is answered as one that never was, and nothing is recorded."""
    arena = two_studies(make_db, kind)
    owner = arena.rater()
    stranger, elsewhere = arena.rater(), arena.rater("elsewhere")
    voted = cast(stranger)
    tokens = {
        "another's open pair": token_of(owner.get("/vote").text),
        "another's voted pair": voted,
        "of another study": token_of(elsewhere.get("/vote").text),
    }
    rater = arena.rater()
    heads = [studies.overview(arena.db, studies.get(arena.db, name)) for name in ("small", "elsewhere")]
    for fields in (
        {"choice": "a_better"},
        {"choice": "cannot_judge", "reason": "other"},
        {"choice": "cannot_judge"},
        {"choice": ""},
        {},
        {"choice": "a_better", "comment": "x" * 2001},
        {"choice": "a_better", "comment": "nul \0"},
    ):
        never = look(rater.post("/vote", data={"token": "x" * len(voted), **fields}))
        assert never[0] == 404
        for what, one in tokens.items():
            assert look(rater.post("/vote", data={"token": one, **fields})) == never, (what, fields)
    assert heads == [studies.overview(arena.db, studies.get(arena.db, name)) for name in ("small", "elsewhere")]
    assert owner.post("/vote", data={"token": tokens["another's open pair"], "choice": "a_better"}).status_code == 303


def test_no_address_opens_a_pair(make_db: MakeDatabase) -> None:
    """The voting page shows the own pair whatever is asked for, and a token is no part of any address."""
    arena = two_studies(make_db)
    owner, other = arena.rater(), arena.rater()
    theirs = token_of(owner.get("/vote").text)
    own = other.get("/vote")
    for query in (f"?token={theirs}", f"?matchup={theirs}", f"?id=1&token={theirs}"):
        assert look(other.get(f"/vote{query}")) == look(own)
    assert {other.get(f"/vote/{theirs}").status_code, other.get(f"/matchups/{theirs}").status_code} == {404}
    assert theirs not in own.text


def test_tokens_cannot_be_guessed(make_db: MakeDatabase) -> None:
    """Random throughout: 192 bits each, and no two begin or end alike, though they were made one after the other."""
    arena = two_studies(make_db)
    tokens = [cast(rater) for rater in (arena.rater(), arena.rater()) for _ in range(9)]
    assert {len(one) for one in tokens} == {32}
    assert len({one[:4] for one in tokens}) == len({one[-4:] for one in tokens}) == len(tokens)
