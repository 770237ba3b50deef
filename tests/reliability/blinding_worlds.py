"""Twin worlds: the same walk with all chance replayed, in which only what no rater may learn is different.

Whatever differs in a response then tells of it. This is exact where a classifier can only be likely.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Any

import pytest
from httpx2 import Response
from starlette.testclient import TestClient
from starlette.types import ASGIApp

from arena.domain import pairing
from arena.domain.pairing import Sides
from arena.domain.plan import PairPolicy, Plan
from arena.services import voting
from arena.settings import Settings
from arena.store.engine import Database
from arena.web.app import create_app
from tests.reliability.blinding_walk import STUDY, Seen, Written, make_study, one_style, sign_in, without_answers
from tests.studies import NOW

URL = "https://arena.test"
RATERS = 2
SETTINGS = Settings(public_url=URL, rate_session=1_000_000, rate_address=1_000_000)
_HASH = re.compile(rb"[0-9a-f]{64}")


@dataclass
class Clock:
    """A clock that goes on by a second at each look."""

    now: datetime = NOW

    def __call__(self) -> datetime:
        """The next second."""
        self.now += timedelta(seconds=1)
        return self.now


@dataclass(frozen=True)
class World:
    """What differs: the answers with their authors, the coin's faces, the studies before it, and how pairs come."""

    answers: Sequence[Written]
    is_flipped: bool = False
    studies_before: int = 0
    policy: PairPolicy = PairPolicy.BALANCED
    planted: Callable[[ASGIApp], ASGIApp] = field(default=lambda app: app)


def replay(db: Database, world: World, monkeypatch: pytest.MonkeyPatch, *, matchups_each: int) -> list[Seen]:
    """All that raters of this world see before, at and between their votes, but for the hashes on their receipts."""
    with monkeypatch.context() as patch:
        rng = Random(20260102)
        patch.setattr(secrets, "token_hex", lambda size=32: rng.randbytes(size).hex())
        patch.setattr(secrets, "token_urlsafe", lambda size=32: _urlsafe(rng, size))
        patch.setattr(voting, "SystemRandom", lambda: rng)
        patch.setattr(pairing, "toss", lambda low, high, rng: _toss(low, high, rng, world.is_flipped))
        for n in range(world.studies_before):
            make_study(db, one_style(2), now=NOW, plan=Plan(), name=f"earlier{n}")
        rng.seed(3)
        make_study(db, world.answers, now=NOW, plan=Plan(raters_per_pairing=2, pair_policy=world.policy), name=STUDY)
        sessions = sign_in(db, RATERS, now=NOW)
        app = world.planted(create_app(SETTINGS, db, clock=Clock()))
        with ExitStack() as opened:
            browsers = [opened.enter_context(_browser(app, session)) for session in sessions]
            began = [_seen(browser.post("/consent")) for browser in browsers]
            turns = [seen for _ in range(matchups_each) for browser in browsers for seen in _turn(browser)]
    return began + turns


def _urlsafe(rng: Random, size: int) -> str:
    return "".join(rng.choices("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_", k=size * 4 // 3))


def _toss(low: Any, high: Any, rng: Random, is_flipped: bool) -> Sides[Any]:
    return Sides(low, high) if (rng.random() < 0.5) != is_flipped else Sides(high, low)


def _browser(app: ASGIApp, session: str) -> TestClient:
    return TestClient(
        app,
        base_url=URL,
        follow_redirects=False,
        headers={"sec-fetch-site": "same-origin"},
        cookies={"__Host-arena-rater": session},
    )


def _turn(browser: TestClient) -> list[Seen]:
    """One rater's turn: the page, its head, a ballot that is refused, and one that is recorded."""
    page = browser.get("/vote")
    [token] = re.findall('name="token" value="([^"]+)"', page.text)
    answers = [
        page,
        browser.head("/vote"),
        browser.post("/vote", data={"token": token}),
        browser.post("/vote", data={"token": token, "choice": "tie_good"}),
    ]
    assert [answer.status_code for answer in answers] == [200, 200, 422, 303]
    return [_seen(answer) for answer in answers]


def _seen(response: Response) -> Seen:
    return Seen(response.status_code, tuple(response.headers.items()), _HASH.sub(b"HASH", response.content))


def outside_answers(seen: Sequence[Seen]) -> list[Seen]:
    """The same without the texts of answers; a stated length is without them too."""
    return [_cut(one) for one in seen]


def _cut(seen: Seen) -> Seen:
    body = without_answers(seen.body)
    headers = dict(seen.headers)
    if seen.body:
        headers["content-length"] = str(int(headers["content-length"]) - len(seen.body) + len(body))
    else:
        headers.pop("content-length")  # it is the page's, to which a test of its own holds it
    return Seen(seen.status, tuple(headers.items()), body)
