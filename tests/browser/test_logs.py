"""A real server's own log of a whole walk with errors: no traceback, nothing of what anybody wrote, is or may know."""

from __future__ import annotations

import json
import os
import re
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from arena.domain.plan import Plan
from arena.domain.vocabulary import Role
from arena.services import access, studies
from arena.store.engine import Database
from arena.web.guards import SECURITY_HEADERS
from tests.browser.chromium import DESK
from tests.reliability.server import Running, running
from tests.web.conftest import load

pytestmark = pytest.mark.browser

REMARK = "the-patient-lives-in-elm-street"
TRACE = re.compile(r'Traceback|File "|\bline \d+\b|Error\b|sqlalchemy|psycopg')


def log_to(path: Path) -> None:
    """Called in the server's process: its standard error goes into a file, as JSON lines."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(handle, 2)
    os.environ["ARENA_LOG_FORMAT"] = "json"


@dataclass
class Walk:
    """A server on a study, and every word that its log must not hold."""

    db: Database
    server: Running
    log: Path
    secrets: set[str] = field(default_factory=set)

    @property
    def url(self) -> str:
        """Where the server is."""
        return f"http://127.0.0.1:{self.server.port}"

    def link(self, role: Role, name: str) -> str:
        """A new invitation's secret; the person's name is a secret too."""
        issued = access.invite(self.db, "diary", role=role, name=name, days=1, now=datetime.now(UTC))
        self.secrets |= {issued.secret, name, issued.pseudonym}
        return issued.secret

    def found(self) -> set[str]:
        """The secrets that stand in the log."""
        written = self.log.read_text()
        return {secret for secret in self.secrets if secret in written}


@pytest.fixture
def walk(db: Database, tmp_path: Path) -> Iterator[Walk]:
    """An open study on a server of its own."""
    now = datetime.now(UTC)
    studies.create(db, name="diary", title="Title-of-the-diary", plan=Plan(), now=now)
    questions = [{"id": f"q{i}", "text": f"Question-of-ward-{i}?", "context": "Context-of-the-case"} for i in range(4)]
    answers = [
        {"question_id": f"q{i}", "contender": name, "text": f"Answer-by-{name}-on-{i}"}
        for i in range(4)
        for name in ("zebrafinch", "quokka")
    ]
    load(db, "diary", questions, answers, now)
    studies.open_(db, "diary", now=now)
    log = tmp_path / "stderr"
    with running(db, prepare=partial(log_to, log)) as server:
        walked = Walk(db, server, log, {"Title-of-the-diary", "Question-of-ward", "Context-of-the-case", "Answer-by"})
        walked.secrets |= {"zebrafinch", "quokka", REMARK, "127.0.0.1", "HeadlessChrome", "diary"}
        yield walked


def sign_in(page: Page, walk: Walk, role: Role, name: str) -> None:
    page.goto(f"{walk.url}/join/{walk.link(role, name)}")
    page.get_by_role("button", name="Accept and sign in").click()
    page.wait_for_url("**/consent" if role is Role.RATER else "**/desk")


def note_secrets(page: Page, walk: Walk) -> None:
    walk.secrets |= {cookie["value"] for cookie in page.context.cookies()}
    walk.secrets |= {str(field.get_attribute("value")) for field in page.locator("input[name=token]").all()}
    walk.secrets |= set(re.findall(r"\b[0-9a-f]{64}\b", page.content()))


def test_the_log_of_a_walk_tells_of_nobody(walk: Walk, chromium: Browser) -> None:
    with chromium.new_context(viewport=DESK) as context:
        page = context.new_page()
        sign_in(page, walk, Role.RATER, "Dr Ottoline Quick")
        page.get_by_role("button", name="I agree").click()
        for number in range(3):
            page.wait_for_function("n => document.querySelector('.count b')?.textContent == n", arg=str(number))
            note_secrets(page, walk)
            page.locator("#comment").fill(REMARK)
            if number == 1:
                page.evaluate("document.querySelector('#ballot').submit()")  # Refused: without a choice.
                page.wait_for_selector(".problem")
            page.locator('input[value="b_better"]').check()
            page.get_by_role("button", name="Save and continue").click()
        page.wait_for_function("() => document.querySelector('.count b')?.textContent == '3'")
        note_secrets(page, walk)
        for path in ("/nothing/Dr-Nobody", "/join/Unknown-secret", f"/leaderboard?study={REMARK}", "/desk?x=Unknown"):
            page.goto(walk.url + path)
    with chromium.new_context(viewport=DESK) as context:
        page = context.new_page()
        sign_in(page, walk, Role.ANALYST, "Prof Ursula Long")
        note_secrets(page, walk)
        for path in (
            "/leaderboard?study=diary&method=elo",
            "/leaderboard?study=diary&level=7",
            "/api/v1/studies/diary",
        ):
            page.goto(walk.url + path)
        token = access.create_token(
            walk.db, role=Role.ADMIN, study_name=None, label="Label-of-Eve", days=1, now=datetime.now(UTC)
        )
        walk.secrets |= {token.secret, token.pseudonym, "Label-of-Eve", "Unknown", "Dr-Nobody"}
        for path in ("studies", "studies/diary/export/votes", "studies/diary/export/votes?format=exe", "studies/x"):
            page.request.get(f"{walk.url}/api/v1/{path}", headers={"authorization": f"Bearer {token.secret}"})
    raw(walk)
    check_log(walk)


def raw(walk: Walk) -> None:
    """What no browser sends: foreign hosts and sites, large bodies, secrets in odd places, broken requests."""
    host = f"Host: 127.0.0.1:{walk.server.port}"
    big = "x" * 70_000
    for request, status in (
        (f"GET /{REMARK} HTTP/1.1\r\nHost: {REMARK}", 400),
        (f"POST /vote HTTP/1.1\r\n{host}\r\nOrigin: http://{REMARK}", 403),
        (f"{REMARK.upper()} / HTTP/1.1\r\n{host}", 405),
        (f"POST /vote?{REMARK} HTTP/1.1\r\n{host}\r\nSec-Fetch-Site: same-origin\r\nContent-Length: 99999999", 413),
        (f"GET / HTTP/1.1\r\n{host}\r\nX-A: {big}", 400),
        (f"{REMARK} is no request", 400),
        (f"GET / HTTP/1.1\r\nno header {REMARK}", 400),
        (f"GET /\x01{REMARK} HTTP/9.9\r\n{host}", 400),
    ):
        answer = ask(walk, request)
        assert re.match(rb"HTTP/1.1 (\d+)", answer), request[:80]
        assert int(answer.split()[1]) == status or status in (400, 405), (request[:80], answer[:80])
        assert REMARK.encode() not in answer
        assert b"Traceback" not in answer


def ask(walk: Walk, request: str) -> bytes:
    with socket.create_connection(("127.0.0.1", walk.server.port), timeout=20) as connection:
        connection.sendall(f"{request}\r\nConnection: close\r\n\r\n".encode("latin-1"))
        received = b""
        try:
            while piece := connection.recv(65536):
                received += piece
        except ConnectionResetError:
            pass
        return received


def check_log(walk: Walk) -> None:
    lines = walk.log.read_text().splitlines()
    requests = [json.loads(line) for line in lines if '"route"' in line]
    assert len(requests) > 30
    assert {line["status"] for line in requests} >= {200, 303, 400, 401, 403, 404, 413, 422}
    assert {line["route"] for line in requests} >= {"/join/{secret}", "/vote", "/api/v1/studies/{name}/export/{what}"}
    assert len(walk.secrets) > 20
    assert walk.found() == set()
    assert not [line for line in lines if TRACE.search(line)]
    assert all(set(line) == {"event", "level", "timestamp", "method", "route", "status", "ms"} for line in requests)


def spill(path: Path) -> None:
    """The control's server: one that logs what it is asked for."""
    log_to(path)
    from arena.web import requestlog

    requestlog._route = lambda scope: str(scope["path"])


def test_the_search_would_find_what_is_logged(db: Database, tmp_path: Path) -> None:
    """The control: the same search on the log of a server that writes addresses down."""
    with running(db, prepare=partial(spill, tmp_path / "stderr")) as server:
        walk = Walk(db, server, tmp_path / "stderr", {"Unknown-secret", "never-sent"})
        connection, answer = server.request("GET", "/join/Unknown-secret", "x")
        assert answer.status == 404
        connection.close()
        # The line is written after the answer is sent.
        deadline = time.monotonic() + 20
        while not walk.found() and time.monotonic() < deadline:
            pass
    assert walk.found() == {"Unknown-secret"}


def test_a_real_server_adds_the_headers_and_uvicorn_s_own_refusals_say_nothing(db: Database, tmp_path: Path) -> None:
    """What is no HTTP is refused before the app: by a fixed sentence, as plain text, without our headers."""
    with running(db, prepare=partial(log_to, tmp_path / "stderr")) as server:
        walk = Walk(db, server, tmp_path / "stderr")
        for path in ("/", "/nothing", "/api/v1/studies", "/vote"):
            connection, answer = server.request("GET", path, "x")
            found = {name.lower(): value for name, value in answer.getheaders()}
            assert found.items() >= {name.lower(): value for name, value in SECURITY_HEADERS.items()}.items()
            assert "server" not in found
            connection.close()
        for request in (f"{REMARK} is no request", f"GET / HTTP/1.1\r\nno header {REMARK}"):
            head, _, body = ask(walk, request).partition(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 400 ")
            assert b"text/plain" in head
            assert body == b"Invalid HTTP request received."
