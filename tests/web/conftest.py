"""The app on real services and both databases, with a small study of contenders whose names are easily found."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from arena.domain.plan import Plan
from arena.domain.study import Study
from arena.domain.vocabulary import Role
from arena.services import access, imports, studies
from arena.services.files import Limits, read_records
from arena.settings import Settings
from arena.store.engine import Database
from arena.web.app import create_app
from tests.web.reading import Page

URL = "https://arena.test"
SAME_ORIGIN = {"sec-fetch-site": "same-origin"}
CONTENDERS = ("zebrafinch", "quokka", "narwhal")
START = datetime(2026, 3, 2, 9, tzinfo=UTC)


@dataclass
class Clock:
    """A clock that the test sets."""

    now: datetime = START

    def __call__(self) -> datetime:
        """Each look is a second later, so that no two entries share a moment by chance."""
        self.now += timedelta(seconds=1)
        return self.now


@dataclass
class Arena:
    """An app under test, and short ways to do what is not tested just then."""

    db: Database
    settings: Settings
    app: FastAPI
    clock: Clock
    names: int = field(default=0)

    def browser(self, **headers: str) -> TestClient:
        """A new browser without cookies, on the arena's own pages."""
        return TestClient(self.app, base_url=URL, follow_redirects=False, headers=SAME_ORIGIN | headers)

    def study(self, name: str = "small", *, questions: int = 3, plan: Plan | None = None) -> Study:
        """An open study of three contenders."""
        make_study(self.db, name, questions, plan or Plan(), self.clock())
        return studies.open_(self.db, name, now=self.clock())

    def link(self, role: Role, study: str = "small") -> str:
        """The secret of a new invitation."""
        self.names += 1
        return access.invite(self.db, study, role=role, name=f"Person {self.names}", days=7, now=self.clock()).secret

    def signed_in(self, role: Role, study: str = "small") -> TestClient:
        """A browser that has redeemed an invitation."""
        browser = self.browser()
        assert browser.post("/join", data={"secret": self.link(role, study)}).status_code == 303
        return browser

    def rater(self, study: str = "small") -> TestClient:
        """A browser of a rater who has consented and has a pair open."""
        browser = self.signed_in(Role.RATER, study)
        assert browser.post("/consent").headers["location"] == "/vote"
        return browser

    def token(self, role: Role, study: str | None = "small") -> dict[str, str]:
        """The header of a new API token."""
        issued = access.create_token(self.db, role=role, study_name=study, label="test", days=7, now=self.clock())
        return {"authorization": f"Bearer {issued.secret}"}


def make_study(db: Database, name: str, questions: int, plan: Plan, now: datetime) -> None:
    """A draft with questions and the answers of three contenders."""
    studies.create(db, name=name, title=f"The {name} study", plan=plan, now=now)
    asked = [{"id": f"q{i}", "text": f"Question number {i}?", "category": "Cardiology"} for i in range(questions)]
    answered = [
        {"question_id": f"q{i}", "contender": contender, "text": f"Answer {(3 * i + 7 * k) % 11} to it.\n\n- point"}
        for i in range(questions)
        for k, contender in enumerate(CONTENDERS)
    ]
    load(db, name, asked, answered, now)


def load(
    db: Database,
    name: str,
    asked: Sequence[Mapping[str, object]],
    answered: Sequence[Mapping[str, object]],
    now: datetime,
) -> None:
    """Import questions and answers given as values."""
    for read, rows in ((imports.import_questions, asked), (imports.import_answers, answered)):
        lines = "".join(f"{json.dumps(row)}\n" for row in rows).encode()
        records = read_records(io.BytesIO(lines), name="rows", file_format="jsonl", limits=Limits())
        read(db, name, records, now=now)


@pytest.fixture
def settings() -> Settings:
    """Settings of a server in production."""
    return production()


def production(**changes: Any) -> Settings:
    """Settings of a server in production."""
    return Settings(**{"public_url": URL, "environment": "production", "request_bytes": 16 * 1024, **changes})


@pytest.fixture
def arena(db: Database, settings: Settings) -> Arena:
    """The app on each kind of database."""
    return arena_on(db, settings)


def arena_on(db: Database, settings: Settings | None = None) -> Arena:
    """The app on a database; unless settings are given as in production, but for limits that no test reaches."""
    settings, clock = settings or production(rate_session=1_000_000, rate_address=1_000_000), Clock()
    return Arena(db, settings, create_app(settings, db, clock=clock), clock)


def token_of(body: str) -> str:
    """The token in the form of a voting page."""
    [token] = [field["value"] for field in Page(body).all("input") if field.get("name") == "token"]
    return token


def cast(browser: TestClient, choice: str = "a_better", **fields: str) -> str:
    """Vote on the open pair and return its token."""
    token = token_of(browser.get("/vote").text)
    answer = browser.post("/vote", data={"token": token, "choice": choice, **fields})
    assert (answer.status_code, answer.headers.get("location")) == (303, "/vote")
    return token
