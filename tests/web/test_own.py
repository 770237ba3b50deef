"""A rater's own record on the pages: receipts, a correction, leaving."""

from __future__ import annotations

import re

import pytest
import structlog

from arena.domain.plan import Plan, WithdrawalRule
from arena.domain.vocabulary import Role
from arena.services import access, erasure, studies
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
    assert (page.status_code, "in the record as you cast it" in Page(page.text).text) == (200, True)
    assert not [name for name in CONTENDERS if name in page.text]
    not_his = bob.get("/receipt", params={"receipt": receipt})
    unknown = bob.get("/receipt", params={"receipt": receipt[:-1] + "0"})
    assert (not_his.status_code, unknown.status_code) == (404, 404)
    assert not_his.text.replace(receipt, "") == unknown.text.replace(receipt[:-1] + "0", "")
    nonsense = alice.get("/receipt", params={"receipt": '"><script>'})
    assert (nonsense.status_code, "script" in Page(nonsense.text).text) == (422, True)


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
    assert "you changed it later" in Page(rater.get(saved.headers["location"]).text).text
    studies.close(arena.db, "small", now=arena.clock())
    assert rater.get(address).status_code == rater.post("/correct", data={"token": token}).status_code == 409
    assert address not in rater.get("/receipt").text


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


def test_the_server_overwrites_what_was_erased_or_says_that_it_did_not(
    arena: Arena, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    real, called = erasure.scrub, 0

    def scrub(db: Database) -> list[str]:
        nonlocal called
        called += 1
        return [*real(db), "an archive"]

    monkeypatch.setattr(erasure, "scrub", scrub)
    configure("json")
    arena.study()
    arena.rater().post("/withdraw", data={"sure": "yes"})
    structlog.reset_defaults()
    assert called == 1
    [line] = [line for line in capsys.readouterr().err.splitlines() if "an archive" in line]
    assert "arena db scrub" in line


def test_an_analyst_is_no_rater(arena: Arena) -> None:
    arena.study()
    analyst = arena.signed_in(Role.ANALYST)
    for path in ("/receipt", "/withdraw", "/correct/x"):
        assert analyst.get(path).status_code == 401
