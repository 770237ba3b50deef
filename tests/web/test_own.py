"""A rater's own record on the pages: receipts, a correction, leaving."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

import pytest
import structlog

from arena.domain.plan import Plan, WithdrawalRule
from arena.domain.vocabulary import Role
from arena.errors import Incomplete
from arena.services import access, erasure, record, studies
from arena.store.engine import Database
from arena.web.logs import configure
from tests.web.conftest import CONTENDERS, Arena, cast, token_of
from tests.web.reading import Page


def receipt_on(body: str) -> str:
    """The first receipt in the table of own votes, as a person copies it: position and hash."""
    found = re.search(r'<td class="number">(\d+)</td>.*?title="([0-9a-f]{64})"', body, re.DOTALL)
    assert found
    return f"{found[1]}:{found[2]}"


def test_a_rater_checks_a_receipt_and_nobody_elses(arena: Arena) -> None:
    arena.study()
    alice, bob = arena.rater(), arena.rater()
    assert "You have not voted yet" in alice.get("/receipt").text
    cast(alice)
    receipt = receipt_on(alice.get("/receipt").text)
    page = alice.get("/receipt", params={"receipt": receipt})
    assert (page.status_code, "is in the record as you cast it" in Page(page.text).text) == (200, True)
    assert not [name for name in CONTENDERS if name in page.text]
    not_his = bob.get("/receipt", params={"receipt": receipt})
    unknown = bob.get("/receipt", params={"receipt": receipt[:-1] + "0"})
    assert (not_his.status_code, unknown.status_code) == (404, 404)
    assert not_his.text.replace(receipt, "") == unknown.text.replace(receipt[:-1] + "0", "")
    nonsense = alice.get("/receipt", params={"receipt": '"><script>'})
    assert (nonsense.status_code, "This is no receipt" in Page(nonsense.text).text) == (422, True)


def test_a_vote_is_corrected_on_the_pair_as_it_was(arena: Arena) -> None:
    arena.study()
    rater = arena.rater()
    shown = Page(rater.get("/vote").text)
    token = cast(rater, "a_better", comment="hasty")
    address = f"/correct/{token}"
    assert address in [link["href"] for link in Page(rater.get("/receipt").text).all("a")]
    again = rater.get(address)
    page = Page(again.text)
    assert [field["value"] for field in page.all("input") if "checked" in field] == ["a_better"]
    assert "hasty</textarea>" in again.text
    assert token_of(again.text) == token
    for text in ("Answer A", "Answer B"):
        assert text in shown.text
        assert text in page.text
    assert not [name for name in CONTENDERS if name in again.text]
    refused = rater.post("/correct", data={"token": token, "choice": "cannot_judge", "comment": "kept"})
    assert (refused.status_code, "kept</textarea>" in refused.text) == (422, True)
    saved = rater.post("/correct", data={"token": token, "choice": "tie_bad"})
    assert saved.status_code == 303
    assert "is saved as entry" in Page(rater.get(saved.headers["location"]).text).text
    studies.close(arena.db, "small", now=arena.clock())
    assert rater.get(address).status_code == rater.post("/correct", data={"token": token}).status_code == 409
    assert address not in rater.get("/receipt").text


def test_a_vote_that_cannot_be_corrected_again_is_not_said_to_be_late(
    arena: Arena, monkeypatch: pytest.MonkeyPatch
) -> None:
    arena.study()
    rater = arena.rater()
    token = cast(rater, "a_better")
    monkeypatch.setattr(record, "CORRECTIONS", 1)
    assert rater.post("/correct", data={"token": token, "choice": "tie_bad"}).status_code == 303
    for refused in (
        rater.get(f"/correct/{token}"),
        rater.post("/correct", data={"token": token, "choice": "b_better"}),
    ):
        page = Page(refused.text)
        assert refused.status_code == 409
        assert "cannot be corrected again; what you said last stands" in page.text
        assert "Voting has just ended" not in page.text
        assert "/vote" in [link["href"] for link in page.all("a")]


@pytest.mark.parametrize("rule", list(WithdrawalRule))
def test_a_rater_leaves_after_saying_so_twice(arena: Arena, rule: WithdrawalRule) -> None:
    study = arena.study(plan=Plan(withdrawal=rule))
    rater = arena.rater()
    cast(rater, comment="to be forgotten")
    page = Page(rater.get("/withdraw").text).text
    assert ("is withdrawn" in page) == (rule is WithdrawalRule.WITHDRAW_VOTES)
    assert rater.post("/withdraw").status_code == 422
    assert rater.get("/vote").status_code == 200
    done = rater.post("/withdraw", data={"sure": "yes"})
    assert (done.status_code, done.headers["location"]) == (303, "/withdrawn")
    assert not dict(rater.cookies)
    assert rater.get("/withdrawn").status_code == 200
    [row] = access.seats(arena.db, "small")
    assert (row.name, row.is_revoked) == (None, True)
    [count] = studies.overview(arena.db, study).sources
    assert count.set_aside == (rule is WithdrawalRule.WITHDRAW_VOTES)


def test_a_stolen_cookie_of_one_who_left_is_worth_nothing(arena: Arena) -> None:
    arena.study()
    rater, thief = arena.rater(), arena.browser()
    for name, value in dict(rater.cookies).items():
        thief.cookies.set(name, value, domain="arena.test")
    assert thief.get("/vote").status_code == 200
    rater.post("/withdraw", data={"sure": "yes"})
    assert thief.get("/vote").status_code == thief.get("/receipt").status_code == 401


def _forgotten(_db: Database) -> list[str]:
    return []


def _archived(_db: Database) -> list[str]:
    return ["an archive"]


def _unusable(_db: Database) -> list[str]:
    raise Incomplete("the database cannot be used: gone away")


def _broken(_db: Database) -> list[str]:
    raise ValueError("words to be forgotten")


@pytest.mark.parametrize(
    ("outcome", "level", "where"),
    [
        (_forgotten, "info", None),
        (_archived, "warning", "an archive"),
        (_unusable, "warning", "the database cannot be used: gone away"),
        (_broken, "warning", "the overwriting broke off (ValueError)"),
    ],
)
def test_the_log_says_that_erased_texts_are_overwritten_and_what_came_of_it(
    arena: Arena,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    outcome: Callable[[Database], list[str]],
    level: str,
    where: str | None,
) -> None:
    before = ""

    def scrub(db: Database) -> list[str]:
        nonlocal before
        before = capsys.readouterr().err
        erasure_scrub(db)
        return outcome(db)

    erasure_scrub = erasure.scrub
    monkeypatch.setattr(erasure, "scrub", scrub)
    configure("json")
    try:
        arena.study()
        rater = arena.rater()
        cast(rater, comment="words to be forgotten")
        capsys.readouterr()
        assert rater.post("/withdraw", data={"sure": "yes"}).status_code == 303
    finally:
        structlog.reset_defaults()
    after = capsys.readouterr().err
    # Whoever is stopped in the middle of it has left the first line already.
    [announced] = [row for row in map(json.loads, before.splitlines()) if "being overwritten" in row["event"]]
    assert (announced["level"], "arena db scrub" in announced["event"]) == ("info", True)
    [told] = [row for row in map(json.loads, after.splitlines()) if "erased texts" in row["event"]]
    assert (told["level"], told.get("where"), "arena db scrub" in told["event"]) == (level, where, where is not None)
    assert "Traceback" not in before + after
    assert "words to be forgotten" not in before + after


def test_an_analyst_is_no_rater(arena: Arena) -> None:
    arena.study()
    analyst = arena.signed_in(Role.ANALYST)
    for path in ("/receipt", "/withdraw", "/correct/x"):
        assert analyst.get(path).status_code == 401
