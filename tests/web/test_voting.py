"""A rater's way through the pages, on real services."""

from __future__ import annotations

import re

import pytest

from arena.domain.plan import Plan, RevealRule
from arena.domain.vocabulary import Choice, Role
from arena.services import studies
from tests.web.conftest import CONTENDERS, Arena, cast, token_of
from tests.web.reading import Page


def test_from_invitation_to_thanks(arena: Arena) -> None:
    arena.study(questions=2)
    browser = arena.browser()
    secret = arena.link(Role.RATER)
    for _ in range(2):  # A mail scanner opens the link first.
        page = browser.get(f"/join/{secret}")
        assert page.status_code == 200
        assert "The small study" in page.text
    joined = browser.post("/join", data={"secret": secret})
    assert (joined.status_code, joined.headers["location"]) == (303, "/consent")
    assert browser.get(f"/join/{secret}").status_code == 404
    assert browser.get("/vote").headers["location"] == "/consent"
    assert "not for clinical use" in browser.get("/consent").text
    assert browser.post("/consent").headers["location"] == "/vote"
    assert browser.get("/consent").headers["location"] == "/vote"
    for done in range(6):
        page = browser.get("/vote")
        assert f"{done} judged" in Page(page.text).text
        cast(browser)
    thanks = Page(browser.get("/vote").text).text
    assert "Thank you" in thanks
    assert "You have judged 6 pairs" in thanks


def test_the_receipt_is_the_ledgers(arena: Arena) -> None:
    study = arena.study()
    browser = arena.rater()
    assert "saved" not in Page(browser.get("/vote").text).text
    cast(browser)
    text = Page(browser.get("/vote").text).text
    [position] = re.findall(r"ledger entry (\d+)", text)
    [digest] = re.findall(r"hash ([0-9a-f]{64})", text)
    head = studies.overview(arena.db, study).head
    assert int(position) < head.position  # The next pair was issued after the vote.
    with arena.db.read() as tx:
        from arena.store import ledger

        assert ledger.entry_hash(tx, study.id, int(position)) == digest


def test_between_pairs_a_button_asks_for_the_next(arena: Arena) -> None:
    """A rater who consented before the study was opened has no pair yet."""
    from tests.web.conftest import make_study

    make_study(arena.db, "small", 1, Plan(), arena.clock())
    browser = arena.signed_in(Role.RATER)
    browser.post("/consent")
    assert "Not open yet" in browser.get("/vote").text
    studies.open_(arena.db, "small", now=arena.clock())
    page = Page(browser.get("/vote").text)
    assert "3 more pairs" in page.text
    assert {"/vote/next"} <= {form["action"] for form in page.all("form")}
    assert browser.post("/vote/next").headers["location"] == "/vote"
    assert token_of(browser.get("/vote").text)


def test_submitting_without_a_choice_keeps_the_comment(arena: Arena) -> None:
    arena.study()
    browser = arena.rater()
    token = token_of(browser.get("/vote").text)
    answer = browser.post("/vote", data={"token": token, "comment": "A <b>typed</b> remark"})
    assert answer.status_code == 422
    assert "Choose one of the replies first." in Page(answer.text).text
    assert "A &lt;b&gt;typed&lt;/b&gt; remark</textarea>" in answer.text
    assert token_of(answer.text) == token


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"choice": "A_BETTER"}, "Choose one"),
        ({"choice": "cannot_judge"}, "reason"),
        ({"choice": "cannot_judge", "reason": "bored"}, "reason"),
        ({"choice": "a_better", "comment": "x" * 2001}, "2,000"),
        ({"choice": "a_better", "comment": "nul \0"}, "U+0000"),
    ],
)
def test_what_cannot_be_recorded_is_said_beside_the_choices(arena: Arena, fields: dict[str, str], message: str) -> None:
    study = arena.study()
    browser = arena.rater()
    token = token_of(browser.get("/vote").text)
    answer = browser.post("/vote", data={"token": token, **fields})
    assert answer.status_code == 422
    assert message in Page(answer.text).text
    assert token_of(answer.text) == token
    assert studies.overview(arena.db, study).votes == 0


def test_a_choice_that_the_plan_leaves_out_is_refused(arena: Arena) -> None:
    plan = Plan(choices=tuple(choice for choice in Choice if choice is not Choice.TIE_BAD))
    arena.study(plan=plan)
    browser = arena.rater()
    token = token_of(browser.get("/vote").text)
    assert 'value="tie_bad"' not in browser.get("/vote").text
    assert browser.post("/vote", data={"token": token, "choice": "tie_bad"}).status_code == 422


def test_posting_twice_is_one_vote_and_another_choice_a_conflict(arena: Arena) -> None:
    study = arena.study()
    browser = arena.rater()
    token = cast(browser, "tie_good", comment="once")
    again = {"token": token, "choice": "tie_good", "comment": "once"}
    assert browser.post("/vote", data=again).status_code == 303
    assert browser.post("/vote", data=again | {"choice": "b_better"}).status_code == 409
    assert studies.overview(arena.db, study).votes == 1


def test_after_closing_no_vote_is_taken(arena: Arena) -> None:
    study = arena.study()
    browser = arena.rater()
    token = token_of(browser.get("/vote").text)
    studies.close(arena.db, "small", now=arena.clock())
    assert browser.post("/vote", data={"token": token, "choice": "a_better"}).status_code == 409
    assert "Voting is over" in browser.get("/vote").text
    assert studies.overview(arena.db, study).votes == 0


def test_a_vote_that_comes_too_late_is_told_kindly(arena: Arena) -> None:
    """No word of the operator's; the comment can be copied; the earlier votes are counted."""
    arena.study()
    browser = arena.rater()
    cast(browser)
    token = token_of(browser.get("/vote").text)
    assert "Continue judging" in browser.get("/").text
    studies.close(arena.db, "small", now=arena.clock())
    page = browser.post("/vote", data={"token": token, "choice": "a_better", "comment": "typed <i>just</i> now"})
    assert page.status_code == 409
    assert "<h1>Voting has just ended</h1>" in page.text
    assert "This vote was not saved. The 1 vote you cast before is recorded" in Page(page.text).text
    assert "typed &lt;i&gt;just&lt;/i&gt; now</textarea>" in page.text
    assert not re.search(r"arena |--|contradicts|closed", Page(page.text).text)
    assert "Continue judging" not in browser.get("/").text
    assert "voting is over" in browser.get("/").text


def test_a_vote_before_the_closing_keeps_its_receipt(arena: Arena) -> None:
    """The study is closed while the rater's browser sends the vote a second time."""
    study = arena.study()
    browser = arena.rater()
    token = cast(browser)
    studies.close(arena.db, "small", now=arena.clock())
    again = browser.post("/vote", data={"token": token, "choice": "a_better"})
    assert (again.status_code, again.headers["location"]) == (303, "/vote")
    assert studies.overview(arena.db, study).votes == 1
    shown = Page(browser.get("/vote").text).text
    assert "Your last vote is saved" in shown
    assert "Voting is over" in shown


def test_nothing_before_the_vote_names_a_contender(arena: Arena) -> None:
    """Body, headers and cookies of everything a rater gets until the study is published."""
    arena.study()
    browser = arena.signed_in(Role.RATER)
    answers = [browser.get("/consent"), browser.post("/consent")]
    for _ in range(9):
        answers += [browser.get("/vote"), browser.post("/vote", data={"token": token_of(browser.get("/vote").text)})]
        cast(browser)
    answers += [browser.get("/vote"), browser.get("/leaderboard?study=small"), browser.get("/api/v1/studies/small")]
    answers += [browser.get("/api/v1/studies/small/leaderboard"), browser.get("/desk"), browser.get("/")]
    seen = "\n".join([answer.text + str(answer.headers) for answer in answers] + [str(dict(browser.cookies))])
    assert "Thank you" in seen
    assert not [name for name in CONTENDERS if name in seen.lower()]
    assert not re.search(r"\bq[0-9]\b", seen)  # The files' own ids could be looked up.


def test_the_names_are_revealed_only_where_plan_and_state_allow_it(arena: Arena) -> None:
    arena.study(plan=Plan(reveal=RevealRule.WHEN_PUBLISHED), questions=1)
    browser = arena.rater()
    for _ in range(3):
        cast(browser)
    assert not [name for name in CONTENDERS if name in browser.get("/vote").text]
    studies.close(arena.db, "small", now=arena.clock())
    assert not [name for name in CONTENDERS if name in browser.get("/vote").text]
    studies.publish(arena.db, "small", now=arena.clock())
    page = browser.get("/vote").text
    assert [name for name in CONTENDERS if name in page] == list(CONTENDERS)
    assert page.count("Question number 0?") == 3
    assert not re.search(r"\bq0\b", page)


def test_a_comment_and_a_reason_are_recorded(arena: Arena) -> None:
    arena.study()
    browser = arena.rater()
    cast(browser, "cannot_judge", reason="question_unclear", comment="two\r\nlines")
    analyst = arena.signed_in(Role.ANALYST)
    [vote] = [line for line in analyst.get("/api/v1/studies/small/export/votes").text.splitlines() if line]
    assert '"choice":"cannot_judge"' in vote.replace(" ", "")
    assert "question_unclear" in vote
    assert "two\\nlines" in vote


def test_progress_is_the_raters_own(arena: Arena) -> None:
    arena.study(questions=2)
    alice, bob = arena.rater(), arena.rater()
    cast(alice)
    cast(alice)
    assert "2 judged" in Page(alice.get("/vote").text).text
    assert "0 judged" in Page(bob.get("/vote").text).text
