"""The whole app: cookies, links, sessions. Who gets in where: test_roles. What all routes share: test_every_route."""

from __future__ import annotations

from datetime import timedelta
from http.cookies import SimpleCookie

import pytest
import structlog
from starlette.testclient import TestClient

from arena.domain.vocabulary import Role
from arena.services import studies
from arena.settings import Settings
from arena.web.app import create_app
from arena.web.logs import configure
from tests.web.conftest import CONTENDERS, Arena, cast
from tests.web.reading import Page
from tests.web.test_guards import check_headers


def test_static_files_are_kept_for_ever(arena: Arena) -> None:
    browser = arena.browser()
    page = Page(browser.get("/").text)
    addresses = [link["href"] for link in page.all("link")] + [script["src"] for script in page.all("script")]
    assert len(addresses) == 3
    for address in addresses:
        answer = browser.get(address)
        assert answer.status_code == 200
        assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert answer.headers["content-security-policy"]


@pytest.mark.parametrize("role", [Role.RATER, Role.ANALYST])
def test_the_session_cookie_is_well_kept_and_renewed_at_sign_in(arena: Arena, role: Role) -> None:
    arena.study()
    browser = arena.browser()
    values = []
    for _ in range(2):
        answer = browser.post("/join", data={"secret": arena.link(role)})
        [(name, morsel)] = SimpleCookie(answer.headers["set-cookie"]).items()
        assert name == ("__Host-arena-rater" if role is Role.RATER else "__Host-arena-desk")
        assert morsel["secure"]
        assert morsel["httponly"]
        assert (morsel["samesite"].lower(), morsel["path"], morsel["domain"]) == ("lax", "/", "")
        assert int(morsel["max-age"]) == arena.settings.session_hours * 3600
        values.append(morsel.value)
    assert len({*values}) == 2
    assert min(map(len, values)) >= 43
    old = arena.browser()
    old.cookies.set(name, values[0], domain="arena.test")
    assert old.get("/vote" if role is Role.RATER else "/desk").status_code == 401


def test_a_rater_and_a_desk_seat_live_side_by_side(arena: Arena) -> None:
    arena.study()
    browser = arena.rater()
    browser.post("/join", data={"secret": arena.link(Role.ANALYST)})
    assert browser.get("/vote").status_code == browser.get("/desk").status_code == 200
    assert not [name for name in CONTENDERS if name in browser.get("/vote").text]
    browser.post("/sign-out", data={"seat": "desk"})
    assert (browser.get("/vote").status_code, browser.get("/desk").status_code) == (200, 401)


def test_who_rates_a_study_is_not_shown_its_board_in_the_same_browser(arena: Arena) -> None:
    """Until it is published; another study's board, another browser and a signed-out rater are controls."""
    arena.study()
    arena.study("elsewhere")
    browser, other = arena.rater(), arena.rater("elsewhere")
    for each in (browser, other):
        each.post("/join", data={"secret": arena.link(Role.ANALYST)})
    boards = ("/leaderboard?study=small", "/api/v1/studies/small/leaderboard?method=elo")
    exports = tuple(f"/api/v1/studies/small/export/{what}" for what in ("votes", "answers", "questions", "ledger"))
    cast(browser)
    page = browser.get(boards[0])
    assert "would unblind you" in page.text
    assert [form["action"] for form in Page(page.text).all("form")] == ["/sign-out"]
    assert not [name for name in CONTENDERS if name in page.text]
    for path in (*boards, *exports):
        assert (browser.get(path).status_code, other.get(path).status_code) == (403, 200), path
    assert "another browser" in browser.get(boards[1]).json()["error"]["message"]
    assert browser.get("/desk").status_code == browser.get("/api/v1/studies/small").status_code == 200
    [field] = [field for field in Page(page.text).all("input") if field["name"] == "seat"]
    browser.post("/sign-out", data={"seat": field["value"]})
    assert [browser.get(path).status_code for path in (*boards, *exports)] == [200] * 6
    studies.close(arena.db, "elsewhere", now=arena.clock())
    other.post("/join", data={"secret": arena.link(Role.ANALYST, "elsewhere")})
    assert other.get("/leaderboard?study=elsewhere").status_code == 403
    studies.publish(arena.db, "elsewhere", now=arena.clock())
    assert other.get("/leaderboard?study=elsewhere").status_code == 200


def test_signing_out_ends_the_session_itself(arena: Arena) -> None:
    arena.study()
    browser = arena.rater()
    stolen = dict(browser.cookies)
    assert browser.post("/sign-out", data={"seat": "rater"}).headers["location"] == "/signed-out"
    assert not dict(browser.cookies)
    thief = arena.browser()
    for name, value in stolen.items():
        thief.cookies.set(name, value, domain="arena.test")
    assert thief.get("/vote").status_code == 401


def test_a_session_ends_with_its_hours(arena: Arena) -> None:
    arena.study()
    browser = arena.rater()
    arena.clock.now += timedelta(hours=arena.settings.session_hours + 1)
    assert browser.get("/vote").status_code == 401


def test_links_that_do_not_work_all_look_alike(arena: Arena) -> None:
    arena.study()
    used = arena.link(Role.RATER)
    arena.browser().post("/join", data={"secret": used})
    pages = [arena.browser().get(f"/join/{secret}") for secret in (used, "never-made", "x" * 500, "%00")]
    assert {page.status_code for page in pages} == {404}
    assert len({page.content for page in pages}) == 1


@pytest.mark.parametrize("role", [Role.RATER, Role.ANALYST])
def test_a_link_to_another_study_says_that_it_signs_out(arena: Arena, role: Role) -> None:
    """Before the button; a seat of the other kind, which stays, is not spoken of."""
    arena.study()
    arena.study("elsewhere")
    other = Role.ANALYST if role is Role.RATER else Role.RATER
    link, same, kept = arena.link(role, "elsewhere"), arena.link(role), arena.link(other, "elsewhere")
    browser = arena.signed_in(role)
    page = browser.get(f"/join/{link}").text
    assert "signs you out of “The small study”" in Page(page).text
    assert page.index("signs you out") < page.index("<button")
    assert "private window" in page
    assert "signed in to this study as" in browser.get(f"/join/{same}").text
    for quiet in (browser.get(f"/join/{kept}"), arena.browser().get(f"/join/{link}")):
        assert quiet.status_code == 200
        assert "signs" not in Page(quiet.text).text


def test_a_link_opened_again_leads_on_where_one_is_signed_in(arena: Arena) -> None:
    arena.study()
    browser = arena.browser()
    secrets = {role: arena.link(role) for role in (Role.RATER, Role.ANALYST)}
    for role, on in ((Role.RATER, {"/vote"}), (Role.ANALYST, {"/vote", "/desk"})):
        assert browser.post("/join", data={"secret": secrets[role]}).status_code == 303
        for again in (browser.get(f"/join/{secrets[role]}"), browser.post("/join", data={"secret": secrets[role]})):
            assert again.status_code == 404
            assert {link["href"] for link in Page(again.text).all("a")} & {"/vote", "/desk"} == on
    assert not {"/vote", "/desk"} & {a["href"] for a in Page(arena.browser().get("/join/x").text).all("a")}


def test_pages_say_how_to_come_back(arena: Arena) -> None:
    arena.study()
    browser = arena.signed_in(Role.RATER)
    shown = [browser.get("/consent"), arena.browser().get("/vote"), arena.browser().get("/desk")]
    assert browser.post("/consent").status_code == 303
    studies.close(arena.db, "small", now=arena.clock())
    shown += [browser.get("/vote"), browser.get(browser.post("/sign-out").headers["location"])]
    for page in shown:
        assert "14 days" in page.text
        assert "ask the person who invited you for a new link: your place and votes are kept" in Page(page.text).text


def test_no_personal_data_and_no_secret_in_the_log(arena: Arena, capsys: pytest.CaptureFixture[str]) -> None:
    configure("json")
    try:
        arena.study()
        secret = arena.link(Role.RATER)
        browser = arena.browser()
        browser.get(f"/join/{secret}")
        browser.post("/join", data={"secret": secret})
        browser.post("/consent")
        token = cast(browser, comment="a private remark")
        browser.get("/nothing", headers={"user-agent": "a-browser"})
        session = next(iter(dict(browser.cookies).values()))
    finally:
        written = capsys.readouterr().err
        structlog.reset_defaults()
    assert '"route": "/join/{secret}"' in written
    for word in (secret, token, session, "private remark", "Person", "testclient", "a-browser", "Traceback"):
        assert word not in written


def test_an_unexpected_error_is_a_page_with_an_id(arena: Arena, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("detail of the inside")

    monkeypatch.setattr(studies, "listed", fail)
    for path, kind in (("/", "text/html"), ("/api/v1/studies", "application/json")):
        answer = arena.browser().get(path)
        assert answer.status_code == 500
        assert answer.headers["content-type"].startswith(kind)
        assert "detail of the inside" not in answer.text
        assert "Reference" in answer.text
        check_headers(dict(answer.headers))


def test_on_ones_own_machine_localhost_is_the_same_place(arena: Arena) -> None:
    arena.study()
    local = create_app(Settings(public_url="http://127.0.0.1:8000"), arena.db, clock=arena.clock)
    browser = TestClient(local, base_url="http://localhost:8000", follow_redirects=False)
    assert browser.get("/").status_code == 200
    origin, secret = {"origin": "http://localhost:8000"}, {"secret": arena.link(Role.RATER)}
    assert browser.post("/join", data=secret, headers=origin).status_code == 303
    assert browser.get("/", headers={"host": "evil.test:8000"}).status_code == 400


@pytest.mark.parametrize(
    ("public_url", "origin"),
    [
        ("https://Arena.Example.org", "https://arena.example.org"),
        ("https://arena.example.org:443", "https://arena.example.org"),
        ("HTTPS://ARENA.example.org:443/", "https://arena.example.org"),
        ("https://Arena.Example.org:8443", "https://arena.example.org:8443"),
        ("http://localhost:80", "http://localhost"),
    ],
)
def test_posts_are_taken_however_the_public_url_is_written(arena: Arena, public_url: str, origin: str) -> None:
    """Browsers name an origin in lower case and without the scheme's own port."""
    app = create_app(Settings(public_url=public_url), arena.db, clock=arena.clock)
    browser = TestClient(app, base_url=origin, follow_redirects=False)
    assert browser.get("/").status_code == 200
    assert browser.post("/sign-out", headers={"origin": origin}).status_code == 303
    for other in (f"{origin}.evil.test", f"{origin}1", origin.upper()):
        assert browser.post("/sign-out", headers={"origin": other}).status_code == 403


def test_nothing_is_built_before_it_is_asked_for(arena: Arena) -> None:
    """Two apps on one database share nothing but it."""
    other = create_app(arena.settings, arena.db)
    assert other.state.context.boards is not arena.app.state.context.boards
